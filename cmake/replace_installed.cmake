# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0
#
# Before files are installed: deletes those that are there already. CMake before 4 writes into
# them, and running nodes, which have mapped them, would end with SIGBUS. REPLACED: patterns below
# the prefix. Links, of colcon build --symlink-install, stay.
foreach(PATTERN IN LISTS REPLACED)
  file(GLOB INSTALLED "$ENV{DESTDIR}${CMAKE_INSTALL_PREFIX}/${PATTERN}")
  foreach(FILE IN LISTS INSTALLED)
    if(NOT IS_SYMLINK "${FILE}" AND NOT IS_DIRECTORY "${FILE}")
      file(REMOVE "${FILE}")
    endif()
  endforeach()
endforeach()
