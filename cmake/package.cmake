# `cpack` in the build folder: three Debian packages and one archive.
#   ebgrasp-planning   rooms to deploy (headers, libraries, CMake package) and weights: all that find_package(ebgrasp
#                      COMPONENTS planning) needs
#   ebgrasp            the program, the Python module and the other rooms
#   ebgrasp-training   ebgrasp-train and its room, which need libtorch
set(CPACK_GENERATOR "DEB;TGZ")
set(CPACK_PACKAGE_NAME ebgrasp)
set(CPACK_PACKAGE_VENDOR ebgrasp)
set(CPACK_PACKAGE_CONTACT "the ebgrasp developers")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "${PROJECT_DESCRIPTION}")
set(CPACK_RESOURCE_FILE_LICENSE ${PROJECT_SOURCE_DIR}/LICENSE)
set(CPACK_PACKAGE_DIRECTORY ${PROJECT_BINARY_DIR}/dist)
set(CPACK_STRIP_FILES ON)
set(CPACK_COMPONENTS_GROUPING ONE_PER_GROUP)

set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_DEB_COMPONENT_INSTALL ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION science)
set(CPACK_DEBIAN_ENABLE_COMPONENT_DEPENDS ON)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PLANNING_PACKAGE_NAME ebgrasp-planning)
set(CPACK_DEBIAN_PROGRAM_PACKAGE_NAME ebgrasp)
set(CPACK_DEBIAN_TRAINING_PACKAGE_NAME ebgrasp-training)
# Static libraries do not say what they need.
set(CPACK_DEBIAN_PLANNING_PACKAGE_DEPENDS "libeigen3-dev, libspdlog-dev, libtbb-dev, nlohmann-json3-dev, libyaml-cpp-dev, \
libdnnl-dev, libopencv-core-dev, libopencv-imgproc-dev, libopencv-imgcodecs-dev")
set(CPACK_DEBIAN_PROGRAM_PACKAGE_RECOMMENDS "python3-numpy")

include(CPack)
cpack_add_component_group(planning DESCRIPTION "Grasp planning: C++ library and weights")
cpack_add_component_group(program DESCRIPTION "Grasp planning: command line, Python module, data and physics")
cpack_add_component_group(training DESCRIPTION "Grasp planning: training, with libtorch")
set(planning_components ${EBGRASP_planning_NEEDS})
foreach(component IN LISTS EBGRASP_ROOMS ITEMS app python)
  if(component IN_LIST planning_components)
    cpack_add_component(${component} GROUP planning)
  elseif(component STREQUAL "training")
    cpack_add_component(${component} GROUP training DEPENDS core)
  else()
    cpack_add_component(${component} GROUP program DEPENDS core)
  endif()
endforeach()
