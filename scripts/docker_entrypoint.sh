#!/usr/bin/env bash
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

# Runs a command in the container of the Dockerfile, with ROS 2 and the workspace sourced.
set -e
# shellcheck disable=SC1090
. "/opt/ros/$ROS_DISTRO/setup.bash"
# shellcheck disable=SC1091
. /ws/install/setup.bash
exec "$@"
