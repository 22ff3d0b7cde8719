# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

# What a build against the packages of PyPI needs beyond one against an
# installed ROS 2, where every function here finds nothing to do.

# pip's pybind11 keeps its CMake files inside site-packages, where find_package()
# does not look.
function(pip_find_pybind11)
  find_package(pybind11 CONFIG QUIET)
  if(pybind11_FOUND)
    return()
  endif()
  execute_process(
    COMMAND "${Python3_EXECUTABLE}" -c "import pybind11; print(pybind11.get_cmake_dir())"
    OUTPUT_VARIABLE CMAKE_FILES OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(CMAKE_FILES)
    set(pybind11_DIR "${CMAKE_FILES}" CACHE PATH "CMake files of pybind11" FORCE)
  endif()
endfunction()

# The message wheels export targets that name the Python headers of the image
# they were built in (/opt/python/...); CMake refuses folders that do not exist.
function(ros_wheels_drop_foreign_include_folders)
  get_property(TARGETS DIRECTORY PROPERTY IMPORTED_TARGETS)
  foreach(TARGET IN LISTS TARGETS)
    get_target_property(FOLDERS "${TARGET}" INTERFACE_INCLUDE_DIRECTORIES)
    if(NOT FOLDERS MATCHES "/opt/python/")
      continue()
    endif()
    set(KEPT "")
    foreach(FOLDER IN LISTS FOLDERS)
      if(EXISTS "${FOLDER}" OR NOT FOLDER MATCHES "^/opt/python/")
        list(APPEND KEPT "${FOLDER}")
      endif()
    endforeach()
    set_target_properties("${TARGET}" PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${KEPT}")
  endforeach()
endfunction()

# A virtual environment inside the source tree puts NumPy's headers there too;
# CMake refuses to export a target that names them.
function(ros_wheels_keep_source_tree_out_of_exports)
  set(GENERATED "${PROJECT_NAME}__rosidl_generator_py")
  if(NOT TARGET ${GENERATED})
    return()
  endif()
  get_target_property(FOLDERS ${GENERATED} INTERFACE_INCLUDE_DIRECTORIES)
  set(KEPT "")
  foreach(FOLDER IN LISTS FOLDERS)
    string(FIND "${FOLDER}" "${PROJECT_SOURCE_DIR}/" POSITION)
    if(POSITION EQUAL 0)
      set(FOLDER "$<BUILD_INTERFACE:${FOLDER}>")
    endif()
    list(APPEND KEPT "${FOLDER}")
  endforeach()
  set_target_properties(${GENERATED} PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${KEPT}")
endfunction()

# Targets are complete only at the end of the configuration.
cmake_language(DEFER CALL ros_wheels_drop_foreign_include_folders)
cmake_language(DEFER CALL ros_wheels_keep_source_tree_out_of_exports)
