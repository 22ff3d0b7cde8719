#!/usr/bin/env bash
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

# Tells what a ROS 2 machine lacks to build and run this package, and how to get it, in one screen.
# Changes nothing. Run it in the shell that will build: ROS sourced, virtual environment activated.
# Exit status 1 when something that is needed is missing. PYTHON names the interpreter (python3).
set -uo pipefail

python=${PYTHON:-python3}
distribution=${ROS_DISTRO:-}
package=face_recon_ros
folder=$(cd "$(dirname "$0")/.." && pwd)
lacking=0

line() { printf '  %-8s %-14s %s\n' "$@"; }
remedy() { printf '  %-8s %-14s -> %s\n' '' '' "$1"; }
ok() { line ok "$1" "$2"; }
need() { line MISSING "$1" "$2"; remedy "$3"; lacking=$((lacking + 1)); }
may() { line optional "$1" "$2"; remedy "$3"; }
has() { command -v "$1" >/dev/null 2>&1; }

# $1 label, $2 command, $3 how to get it.
tool() {
  if has "$2"; then ok "$1" "$(command -v "$2")"; else need "$1" 'not found' "$3"; fi
}

# A released package's apt name, with a place holder while the distribution is not known.
apt_package() { printf 'sudo apt-get install ros-%s-%s' "${distribution:-<distribution>}" "${1//_/-}"; }

# The prefix, among those sourced, that holds a ROS package.
prefix_of() {
  local prefix prefixes=${AMENT_PREFIX_PATH:-}
  for prefix in ${prefixes//:/ }; do
    [ -e "$prefix/share/ament_index/resource_index/packages/$1" ] && printf '%s' "$prefix" && return
  done
  return 1
}

# Imports in a process of its own, since what is built for another NumPy may crash. $1 module,
# $2 code that prints its version, $3 what to do when it is not there, $4 when it is there and fails.
python_module() {
  local said
  if said=$("$python" -c "$2" 2>&1); then
    ok "$1" "$(tail -n 1 <<<"$said")"
  elif grep -q "No module named '$1'" <<<"$said"; then
    need "$1" "$python does not find it" "$3"
  else
    need "$1" "is there and fails: $(tail -n 1 <<<"$said")" "$4"
  fi
}

check_ros() {
  local prefix
  if [ -z "$distribution" ]; then
    need 'ROS 2' 'not sourced' '. /opt/ros/<distribution>/setup.bash (docs.ros.org has its installation)'
    return
  fi
  prefix=$(prefix_of rclpy) || prefix='no rclpy there'
  ok 'ROS 2' "$distribution, $prefix"
  [ -e "$folder/constraints/$distribution.txt" ] || may constraints \
    "none for $distribution" 'use constraints/rolling.txt'
}

check_python() {
  local version prefix
  has "$python" || { need Python "no $python" 'sudo apt-get install python3'; return 1; }
  version=$("$python" -c 'import sys; print("{}.{}".format(*sys.version_info))')
  prefix=$(prefix_of rclpy) || prefix=
  if [ -n "$prefix" ] && [ ! -d "$prefix/lib/python$version" ]; then
    need Python "$version ($(command -v "$python")), ROS is built for another" \
      'leave conda or pyenv and use the system Python: put /usr/bin before them in PATH'
  else
    ok Python "$version ($(command -v "$python"))"
  fi
}

check_environment() {
  local make_it='python3 -m venv --system-site-packages .venv && touch .venv/COLCON_IGNORE && . .venv/bin/activate'
  if [ -z "${VIRTUAL_ENV:-}" ]; then
    may venv 'none activated; LiteRT belongs into one' "in the workspace: $make_it"
  elif ! grep -qs 'include-system-site-packages = true' "$VIRTUAL_ENV/pyvenv.cfg"; then
    need venv "$VIRTUAL_ENV does not see the distribution's libraries" "make another: $make_it"
  elif [ ! -e "$VIRTUAL_ENV/COLCON_IGNORE" ]; then
    need venv "colcon would search $VIRTUAL_ENV for packages" "touch $VIRTUAL_ENV/COLCON_IGNORE"
  else
    ok venv "$VIRTUAL_ENV"
  fi
}

check_libraries() {
  local constraints="$folder/constraints/${distribution:-<distribution>}.txt"
  local numpy_back='another NumPy than the distribution'\''s is in the way: python3 -m pip uninstall numpy'
  python_module numpy 'import numpy; print(numpy.__version__)' \
    'sudo apt-get install python3-numpy' "$numpy_back"
  python_module cv2 'import cv2; print(cv2.__version__)' \
    'sudo apt-get install python3-opencv' "$numpy_back"
  python_module tqdm 'import tqdm; print(tqdm.__version__)' \
    'sudo apt-get install python3-tqdm' 'python3 -m pip install --force-reinstall tqdm'
  local litert='from ai_edge_litert.interpreter import Interpreter
from importlib.metadata import version
print(version("ai-edge-litert"))'
  if "$python" -c 'from tflite_runtime.interpreter import Interpreter' 2>/dev/null &&
    ! "$python" -c "$litert" >/dev/null 2>&1; then
    ok LiteRT tflite_runtime
  else
    python_module ai_edge_litert "$litert" \
      "in the venv: python3 -m pip install -c $constraints ai-edge-litert" \
      "in the venv: python3 -m pip install --force-reinstall -c $constraints ai-edge-litert"
  fi
  [ -z "$distribution" ] || python_module rclpy 'import rclpy; from std_msgs.msg import Header; Header.__import_type_support__(); print("imports")' \
    "$(apt_package ros-base), and source it" "$(apt_package ros-base), and use its Python"
}

check_tools() {
  tool colcon colcon 'sudo apt-get install python3-colcon-common-extensions'
  tool rosdep rosdep 'sudo apt-get install python3-rosdep && sudo rosdep init; rosdep update'
  tool C++ "${CXX:-c++}" 'sudo apt-get install g++'
  local version
  if version=$("$python" -c 'import pybind11; print(pybind11.__version__)' 2>/dev/null); then
    ok pybind11 "$version"
  elif prefix_of pybind11_vendor >/dev/null || [ -e /usr/include/pybind11/pybind11.h ]; then
    ok pybind11 "$(prefix_of pybind11_vendor || echo /usr/include)"
  else
    need pybind11 'not found' 'sudo apt-get install pybind11-dev'
  fi
}

check_ros_packages() {
  local name use
  for name in cv_bridge:'encodings beyond those of docs/ros.md' hri_msgs:'REP-155 topics' rviz2:'rviz:=true'; do
    use=${name#*:}
    name=${name%%:*}
    if prefix_of "$name" >/dev/null; then
      ok "$name" "$(prefix_of "$name")"
    elif [ "$name-$distribution" = hri_msgs-kilted ]; then
      may hri_msgs "for $use" 'Kilted has no release of it; the nodes do without'
    else
      may "$name" "for $use" "$(apt_package "$name")"
    fi
  done
  case ${RMW_IMPLEMENTATION:-rmw_fastrtps_cpp} in
    rmw_fastrtps*)
      if [ -n "${FASTDDS_DEFAULT_PROFILES_FILE:-}${FASTRTPS_DEFAULT_PROFILES_FILE:-}" ]; then
        ok 'Fast DDS' 'a profile is chosen'
      else
        may 'Fast DDS' 'loses camera images in its default shared memory' \
          'start camera drivers with the profile that docs/ros.md names'
      fi
      ;;
    *) ok rmw "$RMW_IMPLEMENTATION" ;;
  esac
  if prefix_of "$package" >/dev/null; then ok "$package" "built: $(prefix_of "$package")"; else
    may "$package" 'not built, or its workspace not sourced' 'docs/install.md'
  fi
}

check_ros
if check_python; then
  check_environment
  check_libraries
fi
check_tools
check_ros_packages
if [ "$lacking" -gt 0 ]; then
  printf '%s missing: get them from the top down, then run this again.\n' "$lacking"
  exit 1
fi
echo 'All that is needed is there.'
