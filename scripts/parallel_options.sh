#!/usr/bin/env bash
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

# Prints pytest's options to run the tests in $2 processes, for the Python $1; nothing where that
# has no pytest-xdist: then they run one after the other. A file's tests stay in one process, for
# a file has a ROS domain of its own.
set -euo pipefail
if [ "$2" -gt 1 ] && "$1" -c 'import xdist' 2>/dev/null; then
  echo "-n $2 --dist loadfile"
fi
