# OpenCV by module. Debian puts OpenCVConfig.cmake into libopencv-dev alone, which pulls in 350 MB of modules that we do
# not use; without it the installed modules are found by name.
find_package(OpenCV QUIET COMPONENTS core imgproc imgcodecs)
foreach(module IN ITEMS core imgproc imgcodecs videoio)
  if(NOT TARGET opencv_${module})
    find_library(OPENCV_${module}_LIBRARY opencv_${module})
    find_path(OPENCV_INCLUDE_DIR opencv2/core.hpp PATH_SUFFIXES opencv4)
    mark_as_advanced(OPENCV_${module}_LIBRARY OPENCV_INCLUDE_DIR)
    if(OPENCV_${module}_LIBRARY AND OPENCV_INCLUDE_DIR)
      add_library(opencv_${module} SHARED IMPORTED)
      set_target_properties(opencv_${module} PROPERTIES IMPORTED_LOCATION ${OPENCV_${module}_LIBRARY}
                                                        INTERFACE_INCLUDE_DIRECTORIES ${OPENCV_INCLUDE_DIR})
    elseif(NOT module STREQUAL videoio)
      message(FATAL_ERROR "OpenCV's module ${module} was not found; on Debian: apt install libopencv-${module}-dev")
    endif()
  endif()
endforeach()
