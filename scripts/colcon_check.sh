#!/usr/bin/env bash
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

# Builds, uses and tests this package as colcon workspaces do, with and without symlinks, against
# the ROS 2 wheels in the virtual environment named by $1. `colcon test` runs the tests that depend
# on how the package is installed; `make test` runs all of them.
# colcon has an environment of its own: it pins an old setuptools.
set -euo pipefail
cd "$(dirname "$0")/.."

TESTS='test_package or test_messages or test_launch'

venv=$(realpath "${1:-.venv}")
base=$PWD/build/colcon
install=$base/install
packages=(--base-paths . underlay --build-base "$base/build" --install-base "$install")
quiet=(--event-handlers 'console_cohesion-' 'console_direct-')

say() { printf '== %s\n' "$*"; }
colcon() { "$base/venv/bin/colcon" --log-base "$base/log" "$@"; }

install_colcon() {
  [ ! -x "$base/venv/bin/colcon" ] || return 0
  say 'installing colcon'
  "$venv/bin/python" -m venv "$base/venv"
  "$base/venv/bin/python" -m pip --disable-pip-version-check install colcon-common-extensions \
    >"$base/pip.log" 2>&1 || { grep -v 'is ignored: ' "$base/pip.log" >&2; exit 1; }
}

build() {
  say "colcon build $*"
  rm -rf "$base/build" "$install"
  colcon build "${packages[@]}" "${quiet[@]}" "$@" --cmake-args -DFACE_RECON_WERROR=ON
}

# Sources the workspace as its user does; what runs must be of the workspace, not of the wheels.
in_workspace() (
  set +u
  # shellcheck disable=SC1091
  . "$install/setup.bash"
  set -u
  "$@"
)

use() {
  local module path
  module=$(cd / && python3 -c 'import face_recon_ros.msg, face_recon_ros._renderer as r; print(r.__file__)')
  for path in "$module" "$(command -v face-recon)"; do
    [[ $path = "$install/"* ]] || { echo "not of the workspace: $path" >&2; return 1; }
  done
  face-recon info
  pytest -q test/test_package.py
}

unset _ROS_WHEELS_BOOTSTRAP_COMPLETE
install_colcon
export PATH=$venv/bin:$PATH AMENT_PREFIX_PATH=$venv CMAKE_PREFIX_PATH=$venv

build --symlink-install
in_workspace use
build
in_workspace use

say "colcon test: $TESTS"
export PYTEST_ADDOPTS="-k '$TESTS'"
in_workspace colcon test "${packages[@]}" "${quiet[@]}" --packages-select face_recon_ros
colcon test-result --test-result-base "$base/build" --verbose
