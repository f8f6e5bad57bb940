# Installation: one export set per room, so that find_package(ebgrasp COMPONENTS planning) needs only what planning needs.
include(CMakePackageConfigHelpers)
set(config_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ebgrasp)

set(EBGRASP_ROOM_NEEDS "")
foreach(room IN LISTS EBGRASP_ROOMS)
  install(EXPORT ebgrasp-${room} NAMESPACE ebgrasp:: DESTINATION ${config_dir} COMPONENT ${room})
  install(DIRECTORY src/ebgrasp/${room} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/ebgrasp COMPONENT ${room}
          FILES_MATCHING PATTERN "*.hpp")
  string(APPEND EBGRASP_ROOM_NEEDS "set(ebgrasp_${room}_needs ${EBGRASP_${room}_NEEDS})\n")
endforeach()

configure_package_config_file(cmake/ebgraspConfig.cmake.in ebgraspConfig.cmake INSTALL_DESTINATION ${config_dir})
write_basic_package_version_file(ebgraspConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/ebgraspConfig.cmake ${PROJECT_BINARY_DIR}/ebgraspConfigVersion.cmake cmake/opencv.cmake
              cmake/libzip.cmake cmake/mujoco.cmake cmake/onednn.cmake
        DESTINATION ${config_dir} COMPONENT core)
install(DIRECTORY models DESTINATION ${CMAKE_INSTALL_DATADIR}/ebgrasp COMPONENT planning)
# `ebgrasp doctor` compares the installed weights with these.
install(CODE "
  set(folder \"\$ENV{DESTDIR}\${CMAKE_INSTALL_PREFIX}/${CMAKE_INSTALL_DATADIR}/ebgrasp/models\")
  file(GLOB weights RELATIVE \"\${folder}\" \"\${folder}/*.safetensors\")
  set(sums \"\")
  foreach(file IN LISTS weights)
    file(SHA256 \"\${folder}/\${file}\" digest)
    string(APPEND sums \"\${digest}  \${file}\\n\")
  endforeach()
  file(WRITE \"\${folder}/SHA256SUMS\" \"\${sums}\")" COMPONENT planning)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR} COMPONENT core)
