# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Tells whether what the nodes need of ROS is there. Imports no ROS."""

import sys
from importlib import util
from pathlib import Path

from face_recon_ros.errors import FaceReconError


def require_ros() -> None:
    """:raises FaceReconError: rclpy or this package's messages are missing; says the remedy."""
    program = Path(sys.argv[0]).stem
    if util.find_spec('rclpy') is None:
        raise FaceReconError(
            f'{program} needs rclpy, which this Python ({sys.executable}) does not find: source a '
            'ROS 2 installation and the workspace this package is built in, or run `make setup`')
    if util.find_spec('face_recon_ros.msg') is None:
        raise FaceReconError(
            f'{program} needs the messages of face_recon_ros, which was installed without ROS: '
            'build it with colcon in a ROS 2 workspace, or run `make setup`')
