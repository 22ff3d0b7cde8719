#!/usr/bin/env bash
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

# Builds and tests this package with the versions that its users have, a line for each world:
#   bindings  the C++ binding compiles with pybind11 of every distribution
#   jazzy     ROS 2 Jazzy from PyPI and the libraries of Ubuntu 24.04: all tests and the demo
#   humble    the libraries of Ubuntu 22.04, without ROS (Humble has no wheels)
#   none      `pip install .` into an empty environment, newest libraries, without ROS
# A world whose Python is not on this machine is left out. $1 is the virtual environment of `make`,
# further arguments choose worlds. Environments are kept in build/matrix, with a log of each world.
# shellcheck disable=SC2329 # called by name
set -euo pipefail
cd "$(dirname "$0")/.."

ALL_WORLDS=(bindings jazzy humble none)
PYBIND11=(2.9.1 2.10.3 2.11.1 2.13.6 3.0.1 3.1.0)
NODES=(face_recon_node sample_camera face_recon_demo)
LEFT_OUT=77
LOG_LINES=40
JOBS=2

base=$PWD/build/matrix
export FACE_RECON_WERROR=ON
unset _ROS_WHEELS_BOOTSTRAP_COMPLETE PIP_CONSTRAINT

# What a world says for its one line goes to 3, all else to its log.
note() { printf '%s' "$*" >&3; }
step() { printf '== %s\n' "$*"; }
leave_out() { note "$*"; exit "$LEFT_OUT"; }

# Prints the path of a Python of that version that runs; pyenv's need not be chosen.
find_python() {
  local candidate
  local -a candidates=("$(type -P "python$1" || true)")
  if command -v pyenv >/dev/null; then
    mapfile -t -O 1 candidates < <(
      pyenv versions --bare | grep "^$1[.]" | sed "s|.*|$(pyenv root)/versions/&/bin/python$1|")
  fi
  for candidate in "${candidates[@]}"; do
    if [ -n "$candidate" ] && "$candidate" -c 'pass' 2>/dev/null; then
      "$candidate" -c 'import sys; print(sys.executable)'
      return
    fi
  done
  return 1
}

headers_of() { "$1" -c 'import sysconfig; print(sysconfig.get_path("include"))'; }

versions_of() {
  "$1/bin/python" - <<'PYTHON'
import platform
from importlib import metadata

names = {'numpy': 'numpy', 'scipy': 'scipy', 'opencv-python-headless': 'OpenCV'}
versions = [f'{name} {metadata.version(package)}' for package, name in names.items()]
print(', '.join([f'Python {platform.python_version()}', *versions]), end='')
PYTHON
}

# Runs the tests and notes how many.
run_tests() {
  step tests
  # shellcheck disable=SC2046 # options, or none
  "$1/bin/pytest" $(scripts/parallel_options.sh "$1/bin/python" "$JOBS") -q --color=no \
    -p no:cacheprovider "${@:2}" | tee "$base/pytest.txt"
  note "; $(tail -n 1 "$base/pytest.txt" | sed 's/ in [0-9.]*s.*//')"
}

run_commands() {
  step 'command line'
  "$1/bin/face-recon" info
  "$1/bin/face-recon" image samples/astronaut.png --mode mesh --out "$base/pictures"
}

world_bindings() {
  local version python python310 headers
  python=$(realpath "$venv/bin/python")
  python310=$(find_python 3.10) || python310=
  note pybind11
  for version in "${PYBIND11[@]}"; do
    headers=$(headers_of "$python")
    if [ "$version" = 2.9.1 ]; then # knows Pythons up to 3.10
      [ -n "$python310" ] || { note " ($version left out: no Python 3.10)"; continue; }
      headers=$(headers_of "$python310")
    fi
    step "pybind11 $version"
    [ -d "$base/pybind11/$version" ] || "$python" -m pip --disable-pip-version-check install \
      --no-deps --target "$base/pybind11/$version" "pybind11==$version"
    "${CXX:-c++}" -std=c++17 -fsyntax-only -Wall -Wextra -Wpedantic -Werror -I src_cpp \
      -isystem "$headers" -isystem "$base/pybind11/$version/pybind11/include" src_cpp/bindings.cpp
    note " $version"
  done
}

world_jazzy() {
  local python
  python=$(find_python 3.12) || leave_out 'no Python 3.12 on this machine'
  step environment
  PYTHON=$python ROS=jazzy CONSTRAINTS=constraints/jazzy.txt scripts/setup_venv.sh "$base/jazzy"
  note "$(versions_of "$base/jazzy")"
  run_commands "$base/jazzy"
  FACE_RECON_ROS=ON run_tests "$base/jazzy"
  step demo
  "$base/jazzy/bin/face_recon_demo" --out "$base/demo"
  note '; the demo agrees with the truth'
}

world_humble() {
  local python
  python=$(find_python 3.10) || leave_out 'no Python 3.10 on this machine'
  step environment
  PYTHON=$python ROS=none CONSTRAINTS=constraints/humble.txt scripts/setup_venv.sh "$base/humble"
  note "$(versions_of "$base/humble")"
  run_commands "$base/humble"
  run_tests "$base/humble"
}

# Made anew each time: it shows that an empty environment is enough.
world_none() {
  local node status
  step 'empty environment'
  "$(realpath "$venv/bin/python")" -m venv --clear "$base/none"
  "$base/none/bin/python" -m pip --disable-pip-version-check install .
  note "$(versions_of "$base/none")"
  run_commands "$base/none"
  for node in "${NODES[@]}"; do
    step "$node without ROS"
    status=0
    "$base/none/bin/$node" 2>"$base/complaint.txt" || status=$?
    cat "$base/complaint.txt"
    [ "$status" -eq 1 ] && [ "$(wc -l <"$base/complaint.txt")" -eq 1 ]
    grep -q "^error: $node needs rclpy" "$base/complaint.txt"
  done
  step 'test tools'
  "$base/none/bin/python" -m pip --disable-pip-version-check install -r requirements-test.txt
  run_tests "$base/none"
}

report() {
  local world=$1 log=$base/$1.log status=0 begin=$SECONDS said
  "$0" "$venv" --inside "$world" >"$log" 2>&1 3>"$base/$world.txt" || status=$?
  said=$(cat "$base/$world.txt")
  case $status in
    0) printf '%-9s ok        %4d s  %s\n' "$world" $((SECONDS - begin)) "$said" ;;
    "$LEFT_OUT") printf '%-9s left out          %s\n' "$world" "$said"; return 0 ;;
    *)
      printf '%-9s FAILED    %4d s  in "%s", see %s: %s\n' "$world" $((SECONDS - begin)) \
        "$(sed -n 's/^== //p' "$log" | tail -n 1)" "${log#"$PWD/"}" "$said"
      tail -n "$LOG_LINES" "$log" | sed 's/^/    /' >&2
      return 1
      ;;
  esac
}

venv=$(realpath -m "${1:-.venv}")
shift || true
mkdir -p "$base"
if [ "${1:-}" = --inside ]; then
  "world_$2"
  exit
fi
worlds=("$@")
[ $# -gt 0 ] || worlds=("${ALL_WORLDS[@]}")
failed=0
for world in "${worlds[@]}"; do
  declare -F "world_$world" >/dev/null || {
    printf 'matrix: no world %s, there are: %s\n' "$world" "${ALL_WORLDS[*]}" >&2
    exit 2
  }
  report "$world" || failed=1
done
exit "$failed"
