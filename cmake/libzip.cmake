# libzip. Debian's package configuration refuses to load unless the packages of zipcmp, zipmerge and ziptool are there too.
if(NOT TARGET libzip::zip)
  find_library(LIBZIP_LIBRARY zip)
  find_path(LIBZIP_INCLUDE_DIR zip.h)
  mark_as_advanced(LIBZIP_LIBRARY LIBZIP_INCLUDE_DIR)
  if(NOT LIBZIP_LIBRARY OR NOT LIBZIP_INCLUDE_DIR)
    message(FATAL_ERROR "libzip was not found; on Debian: apt install libzip-dev")
  endif()
  add_library(libzip::zip SHARED IMPORTED)
  set_target_properties(libzip::zip PROPERTIES IMPORTED_LOCATION ${LIBZIP_LIBRARY}
                                               INTERFACE_INCLUDE_DIRECTORIES ${LIBZIP_INCLUDE_DIR})
endif()
