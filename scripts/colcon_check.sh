#!/usr/bin/env bash
# Builds, tests and uses this package as a colcon workspace does, against the ROS 2 wheels in the
# virtual environment named by $1. Further arguments go to `colcon build` (--symlink-install).
# colcon itself has an environment of its own: it pins an old setuptools.
set -euo pipefail
cd "$(dirname "$0")/.."

venv=$(realpath "${1:-.venv}")
shift || true
base=$PWD/build/colcon
colcon=$base/venv/bin/colcon

if [ ! -x "$colcon" ]; then
  echo '== installing colcon'
  "$venv/bin/python" -m venv "$base/venv"
  "$base/venv/bin/python" -m pip --disable-pip-version-check install colcon-common-extensions \
    >"$base/pip.log" 2>&1 || { grep -v 'is ignored: ' "$base/pip.log" >&2; exit 1; }
fi

unset _ROS_WHEELS_BOOTSTRAP_COMPLETE
export PATH=$venv/bin:$PATH AMENT_PREFIX_PATH=$venv CMAKE_PREFIX_PATH=$venv
workspace=(--base-paths . underlay)

rm -rf "$base/build" "$base/install"
"$colcon" --log-base "$base/log" build "${workspace[@]}" \
  --build-base "$base/build" --install-base "$base/install" "$@" \
  --event-handlers console_cohesion- console_direct- \
  --cmake-args -DFACE_RECON_WERROR=ON -Wno-dev

set +u
# shellcheck disable=SC1091
. "$base/install/setup.bash"
set -u

"$colcon" --log-base "$base/log" test "${workspace[@]}" --packages-select face_recon_ros \
  --build-base "$base/build" --install-base "$base/install" \
  --event-handlers console_cohesion- console_direct-
"$colcon" test-result --test-result-base "$base/build" --verbose
