# oneDNN. Its own package configuration demands OpenCL's development files where it was built with them; we need neither.
# OpenMP is the thread pool of Debian's build; energy/single_threaded.hpp keeps it out of the way. Only its library is wanted:
# with -fopenmp Eigen would start threads of its own.
if(NOT TARGET onednn)
  find_package(OpenMP REQUIRED COMPONENTS CXX)
  find_library(ONEDNN_LIBRARY dnnl)
  find_path(ONEDNN_INCLUDE_DIR oneapi/dnnl/dnnl.hpp)
  mark_as_advanced(ONEDNN_LIBRARY ONEDNN_INCLUDE_DIR)
  if(NOT ONEDNN_LIBRARY OR NOT ONEDNN_INCLUDE_DIR)
    message(FATAL_ERROR "oneDNN was not found; on Debian: apt install libdnnl-dev")
  endif()
  add_library(onednn SHARED IMPORTED)
  set_target_properties(onednn PROPERTIES IMPORTED_LOCATION ${ONEDNN_LIBRARY}
                        INTERFACE_INCLUDE_DIRECTORIES ${ONEDNN_INCLUDE_DIR}
                        INTERFACE_LINK_LIBRARIES "${OpenMP_CXX_LIBRARIES}")
endif()
