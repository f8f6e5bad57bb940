# MuJoCo by name: its own CMake package also wants OpenGL's development files, which only its renderer would need.
if(NOT TARGET mujoco)
  find_library(MUJOCO_LIBRARY mujoco)
  find_path(MUJOCO_INCLUDE_DIR mujoco/mujoco.h)
  mark_as_advanced(MUJOCO_LIBRARY MUJOCO_INCLUDE_DIR)
  if(NOT MUJOCO_LIBRARY OR NOT MUJOCO_INCLUDE_DIR)
    message(FATAL_ERROR "MuJoCo was not found; on Debian: apt install libmujoco-dev, or -DEBGRASP_SIMULATION=OFF")
  endif()
  add_library(mujoco SHARED IMPORTED)
  set_target_properties(mujoco PROPERTIES IMPORTED_LOCATION ${MUJOCO_LIBRARY}
                                          INTERFACE_INCLUDE_DIRECTORIES ${MUJOCO_INCLUDE_DIR})
endif()
