"""
Launch one face_recon node per camera, each in the namespace of its camera.

    ros2 launch face_recon_ros multi_camera.launch.py cameras:=front,rear

Camera 'front' publishes /front/image_raw and /front/camera_info; its faces are on
/front/face_recon/faces and have ids that begin with front_, so that all fit into one TF tree.
On several hosts, launch on each the cameras that are plugged in there.
"""

import os
import re

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, OpaqueFunction
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node, SetParameter
from launch_ros.substitutions import FindPackageShare

PACKAGE = 'face_recon_ros'
NAME = re.compile('[A-Za-z][A-Za-z0-9_]*')

ARGUMENTS = [
    DeclareLaunchArgument(
        'cameras', description='names of the cameras, joined by commas: their namespaces'
    ),
    DeclareLaunchArgument(
        'namespace', default_value='', description='namespace before those of the cameras'
    ),
    DeclareLaunchArgument(
        'image',
        default_value='image_raw',
        description='topic of the images in the namespace of a camera, without /compressed',
    ),
    DeclareLaunchArgument(
        'camera_info',
        default_value='camera_info',
        description='topic of their calibration in the namespace of a camera',
    ),
    DeclareLaunchArgument(
        'params_file',
        default_value=PathJoinSubstitution(
            [FindPackageShare(PACKAGE), 'config', 'face_recon.yaml']
        ),
        description='file of parameters for all nodes',
    ),
    DeclareLaunchArgument(
        'params_dir',
        default_value='',
        description='folder of files <camera>.yaml, for those cameras that differ',
    ),
    DeclareLaunchArgument(
        'image_transport',
        default_value='raw',
        choices=['raw', 'compressed'],
        description='how the images are sent',
    ),
    DeclareLaunchArgument(
        'autostart',
        default_value='true',
        choices=['true', 'false'],
        description='configure and activate the nodes; false: a lifecycle manager does',
    ),
    DeclareLaunchArgument(
        'use_sim_time',
        default_value='false',
        choices=['true', 'false'],
        description='take the time from /clock (simulation, bags)',
    ),
    DeclareLaunchArgument(
        'log_level',
        default_value='info',
        choices=['debug', 'info', 'warn', 'error', 'fatal'],
        description='log level of the nodes',
    ),
]


def generate_launch_description():
    """Return the launch description."""
    return LaunchDescription(
        [
            *ARGUMENTS,
            SetParameter('use_sim_time', LaunchConfiguration('use_sim_time')),
            OpaqueFunction(function=camera_nodes),
        ]
    )


def camera_nodes(context):
    """Return a node for each camera."""

    def text(name):
        return LaunchConfiguration(name).perform(context)

    cameras = [name.strip() for name in text('cameras').split(',')]
    for name in cameras:
        if not NAME.fullmatch(name) or cameras.count(name) > 1:
            raise RuntimeError(
                f"cameras is '{text('cameras')}': give distinct names joined by commas, each a "
                'letter, then letters, digits and _'
            )
    return [
        camera_node(name, text('namespace'), own_parameters(text('params_dir'), name))
        for name in cameras
    ]


def own_parameters(folder, camera):
    """Return the parameter files that are for one camera: one or none."""
    path = os.path.join(folder, f'{camera}.yaml')
    return [path] if folder and os.path.isfile(path) else []


def camera_node(camera, namespace, own_files):
    """Return the node of one camera."""
    return Node(
        package=PACKAGE,
        executable='face_recon_node',
        name='face_recon',
        namespace='/'.join(part for part in (namespace.strip('/'), camera) if part),
        output='screen',
        parameters=[
            LaunchConfiguration('params_file'),
            {
                'image_transport': LaunchConfiguration('image_transport'),
                'autostart': LaunchConfiguration('autostart'),
                'face_id_prefix': f'{camera}_',
            },
            *own_files,
        ],
        remappings=[
            ('image', LaunchConfiguration('image')),
            ('camera_info', LaunchConfiguration('camera_info')),
        ],
        ros_arguments=['--log-level', LaunchConfiguration('log_level')],
    )
