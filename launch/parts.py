# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What the launch files share: arguments, the node, RViz. Not a launch file itself.

An argument that was not given is '' and sets nothing: what the parameter file says holds then.
Everything is checked before the first process is started, so that a refusal leaves nothing behind.
"""

import os
import re

from ament_index_python.packages import PackageNotFoundError, get_package_prefix
from launch.actions import DeclareLaunchArgument
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import Parameter, ParameterValue
from launch_ros.substitutions import FindPackageShare

PACKAGE = 'face_recon_ros'
FLAGS = {'true': True, '1': True, 'false': False, '0': False}
RESPAWN_DELAY_S = 2.0
NAMES = '[A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)*'
SHIPPED_PARAMS_FILE = PathJoinSubstitution(
    [FindPackageShare(PACKAGE), 'config', 'face_recon.yaml']
)


def argument(name, default, description):
    """Return the declaration of an argument."""
    return DeclareLaunchArgument(name, default_value=default, description=description)


PARAMS_FILE = argument(
    'params_file',
    SHIPPED_PARAMS_FILE,
    "file of parameters; arguments that are given win over it; '': the one of this package",
)
PARAMETER_ARGUMENTS = [
    argument(
        'image_transport',
        '',
        'how the images are sent: raw or compressed; not given: as params_file says, else raw',
    ),
    argument(
        'autostart',
        '',
        'true: configure and activate at the start; false: a lifecycle manager does; not given: '
        'as params_file says, else true',
    ),
    argument(
        'use_sim_time',
        '',
        'true: take the time from /clock (simulation, bags); not given: as params_file says, '
        'else false',
    ),
]
PROCESS_ARGUMENTS = [
    argument('log_level', 'info', 'from which level on to log: debug, info, warn, error, fatal'),
    argument(
        'respawn', 'false', f'true: start a node that ended again, after {RESPAWN_DELAY_S:g} s'
    ),
]
VIEW_ARGUMENTS = [
    argument(
        'rviz_config', '', 'view of your own for RViz (.rviz); not given: the one of this package'
    ),
    argument(
        'fixed_frame',
        '',
        "fixed frame of RViz; not given: rviz_config's, else the frame_id of the images, whose "
        'first one RViz waits for',
    ),
]


def rviz_argument(default):
    """Return the declaration of the argument that asks for RViz."""
    return argument('rviz', default, 'true: start RViz, too')


class Given:
    """The arguments of a launch file as they were given."""

    def __init__(self, context):
        self._context = context

    def text(self, name):
        """Return an argument's text, '' where it was not given."""
        return LaunchConfiguration(name).perform(self._context)

    def choice(self, name, *choices):
        """Return an argument that is one of some words, None where it was not given."""
        text = self.text(name)
        if text and text not in choices:
            raise RuntimeError(f"{name} is '{text}': use {' or '.join(choices)}")
        return text or None

    def flag(self, name):
        """Return an argument that is true or false (or True, 1...), None where not given."""
        text = self.text(name)
        if text and text.lower() not in FLAGS:
            raise RuntimeError(f"{name} is '{text}': use true or false")
        return FLAGS.get(text.lower())

    def path(self, name):
        """Return an argument that names a file or folder, '' where it was not given."""
        path = os.path.expanduser(self.text(name))
        if path and not os.path.exists(path):
            raise RuntimeError(f"{name} is '{path}': there is no such file")
        return path

    def file(self, name):
        """Return an argument that names a file, '' where it was not given."""
        path = self.path(name)
        if path and os.path.isdir(path):
            raise RuntimeError(f"{name} is '{path}': this is a folder, give a file")
        return path

    def folder(self, name):
        """Return an argument that names a folder, '' where it was not given."""
        path = self.path(name)
        if path and not os.path.isdir(path):
            raise RuntimeError(f"{name} is '{path}': this is no folder, give one")
        return path

    def params_file(self):
        """Return the parameter file: the one of this package where none was given."""
        return self.file('params_file') or SHIPPED_PARAMS_FILE.perform(self._context)

    def topic(self, name):
        """Return an argument that names a topic."""
        text = self.text(name)
        if not re.fullmatch(f'(~/|/)?{NAMES}', text):
            raise RuntimeError(
                f"{name} is '{text}': give a topic, as /camera/{name}: names joined by /, each a "
                'letter or _, then letters, digits and _'
            )
        return text

    def namespace(self):
        """Return the argument that names a namespace, '' where it was not given."""
        text = self.text('namespace')
        if not re.fullmatch(f'/?|/?{NAMES}/?', text):
            raise RuntimeError(
                f"namespace is '{text}': give names joined by /, each a letter or _, then "
                'letters, digits and _'
            )
        return text

    def parameters(self):
        """Return those parameters of the node that were given as arguments."""
        values = {
            'image_transport': self.choice('image_transport', 'raw', 'compressed'),
            'autostart': self.flag('autostart'),
            'use_sim_time': self.flag('use_sim_time'),
        }
        return {name: value for name, value in values.items() if value is not None}


def over_files(values):
    """
    Return parameters that win over those of the files before them.

    ROS applies the sections of all files in the order in which their keys first appear. So the
    values are given twice, under the node's name and under '/**'.
    """
    if not values:
        return []
    return [
        {name: ParameterValue(value, value_type=type(value)) for name, value in values.items()},
        *(Parameter(name, value, value_type=type(value)) for name, value in values.items()),
    ]


def face_recon_node(given, namespace, files, values, remappings):
    """Return the action that starts a node with parameter files, and values that win over them."""
    levels = ('debug', 'info', 'warn', 'error', 'fatal')
    return Node(
        package=PACKAGE,
        executable='face_recon_node',
        name='face_recon',
        namespace=namespace,
        output='screen',
        parameters=[*files, *over_files(values)],
        remappings=remappings,
        ros_arguments=['--log-level', given.choice('log_level', *levels) or 'info'],
        respawn=given.flag('respawn') or False,
        respawn_delay=RESPAWN_DELAY_S,
    )


def camera_remappings(given):
    """Return the remappings from the node's inputs to the topics of a camera."""
    image, depth = given.topic('image'), given.topic('depth_image')
    return [
        ('image', image),
        ('image/compressed', f'{image}/compressed'),
        ('camera_info', given.topic('camera_info')),
        ('depth_image', depth),
        ('depth_image/compressedDepth', f'{depth}/compressedDepth'),
    ]


def rviz(given, namespace, remappings=(), values=None, cameras=()):
    """
    Return the actions that start RViz: none where it was not asked for.

    :raises RuntimeError: it is not installed.
    """
    if not given.flag('rviz'):
        return []
    try:
        get_package_prefix('rviz2')
    except PackageNotFoundError:
        distribution = os.environ.get('ROS_DISTRO') or '$ROS_DISTRO'
        raise RuntimeError(
            f'rviz2 is not installed: sudo apt install ros-{distribution}-rviz2, or rviz:=false'
        ) from None
    options = {
        '--display-config': given.file('rviz_config'),
        '--fixed-frame': given.text('fixed_frame'),
        '--cameras': ','.join(cameras),
    }
    sim_time = {n: v for n, v in (values or {}).items() if n == 'use_sim_time'}
    return [
        Node(
            package=PACKAGE,
            executable='face_recon_rviz',
            namespace=namespace,
            output='screen',
            arguments=[part for name, value in options.items() if value for part in (name, value)],
            parameters=[sim_time] if sim_time else [],
            remappings=list(remappings),
        )
    ]
