# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Launch the sample camera, the face_recon node on it, and RViz."""

import os

from launch import LaunchDescription
from launch.actions import OpaqueFunction
from launch.launch_description_sources import load_python_launch_file_as_module
from launch_ros.actions import Node

parts = load_python_launch_file_as_module(os.path.join(os.path.dirname(__file__), 'parts.py'))

ARGUMENTS = [
    parts.argument(
        'source', '', 'portrait, head (rendered, with depth), a video file, a folder of images, '
        'or /dev/videoN; not given: as params_file says, else portrait',
    ),
    parts.argument(
        'depth_sensor', '', 'depth camera of the head: none, ideal, stereo, structured_light or '
        'time_of_flight; not given: as params_file says, else stereo',
    ),
    parts.argument('namespace', '', 'namespace of the nodes and their topics'),
    parts.PARAMS_FILE,
    *parts.PROCESS_ARGUMENTS,
    parts.rviz_argument('true'),
    *parts.VIEW_ARGUMENTS,
]  # fmt: skip
DRAWN = ('portrait', 'head')
DEPTH_SENSORS = ('none', 'ideal', 'stereo', 'structured_light', 'time_of_flight')


def generate_launch_description():
    """Return the launch description."""
    return LaunchDescription([*ARGUMENTS, OpaqueFunction(function=start)])


def start(context):
    """Return RViz, the camera and the node."""
    given = parts.Given(context)
    namespace = given.namespace()
    files = [given.params_file()]
    values = {
        'source': source_of(given),
        'depth_sensor': given.choice('depth_sensor', *DEPTH_SENSORS),
    }
    values = {name: value for name, value in values.items() if value}
    return [
        *parts.rviz(given, namespace),
        Node(
            package=parts.PACKAGE,
            executable='sample_camera',
            name='sample_camera',
            namespace=namespace,
            output='screen',
            parameters=[*files, *parts.over_files(values)],
        ),
        # the camera sends no compressed images, whatever the file says
        parts.face_recon_node(given, namespace, files, {'image_transport': 'raw'}, []),
    ]


def source_of(given):
    """Return where the images come from, '' where it was not given."""
    text = given.text('source')
    if text in DRAWN:
        return text
    try:
        return given.path('source')
    except RuntimeError as error:
        raise RuntimeError(f'{error}; or use {" or ".join(DRAWN)}') from None
