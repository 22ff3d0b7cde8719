# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Launch the face_recon node on a camera's topics, and RViz if asked for."""

import os

from launch import LaunchDescription
from launch.actions import OpaqueFunction
from launch.launch_description_sources import load_python_launch_file_as_module

parts = load_python_launch_file_as_module(os.path.join(os.path.dirname(__file__), 'parts.py'))

ARGUMENTS = [
    parts.argument('image', 'image', 'topic of the images, without /compressed'),
    parts.argument('camera_info', 'camera_info', 'topic of their calibration'),
    parts.argument('depth_image', 'depth_image', 'topic of depth images registered to them'),
    parts.argument('namespace', '', 'namespace of the node and its topics'),
    parts.PARAMS_FILE,
    *parts.PARAMETER_ARGUMENTS,
    *parts.PROCESS_ARGUMENTS,
    parts.rviz_argument('false'),
    *parts.VIEW_ARGUMENTS,
]


def generate_launch_description():
    """Return the launch description."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start)])


def start(context):
    """Return RViz, if asked for, and the node."""
    given = parts.Given(context)
    namespace = given.namespace()
    values = given.parameters()
    remappings = parts.camera_remappings(given)
    files = [given.params_file()]
    return [
        *parts.rviz(given, namespace, remappings, values),
        parts.face_recon_node(given, namespace, files, values, remappings),
    ]
