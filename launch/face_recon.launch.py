"""Launch the face_recon node on a camera's topics, and RViz if asked for."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node, SetParameter
from launch_ros.substitutions import FindPackageShare

PACKAGE = 'face_recon_ros'


def share(*parts):
    """Return the substitution of a file in the package's share directory."""
    return PathJoinSubstitution([FindPackageShare(PACKAGE), *parts])


ARGUMENTS = [
    DeclareLaunchArgument(
        'image', default_value='image', description='topic of the images, without /compressed'
    ),
    DeclareLaunchArgument(
        'camera_info', default_value='camera_info', description='topic of their calibration'
    ),
    DeclareLaunchArgument(
        'namespace', default_value='', description='namespace of the node and its topics'
    ),
    DeclareLaunchArgument(
        'params_file',
        default_value=share('config', 'face_recon.yaml'),
        description='file of parameters',
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
        description='configure and activate the node; false: a lifecycle manager does',
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
        description='log level of the node',
    ),
    DeclareLaunchArgument(
        'rviz', default_value='false', choices=['true', 'false'], description='start RViz too'
    ),
]


def generate_launch_description():
    """Return the launch description."""
    namespace = LaunchConfiguration('namespace')
    return LaunchDescription(
        [
            *ARGUMENTS,
            SetParameter('use_sim_time', LaunchConfiguration('use_sim_time')),
            Node(
                package=PACKAGE,
                executable='face_recon_node',
                name='face_recon',
                namespace=namespace,
                output='screen',
                parameters=[
                    LaunchConfiguration('params_file'),
                    {
                        'image_transport': LaunchConfiguration('image_transport'),
                        'autostart': LaunchConfiguration('autostart'),
                    },
                ],
                remappings=[
                    ('image', LaunchConfiguration('image')),
                    ('camera_info', LaunchConfiguration('camera_info')),
                ],
                ros_arguments=['--log-level', LaunchConfiguration('log_level')],
            ),
            Node(
                package='rviz2',
                executable='rviz2',
                namespace=namespace,
                arguments=['-d', share('config', 'face_recon.rviz')],
                remappings=[('image', LaunchConfiguration('image'))],
                condition=IfCondition(LaunchConfiguration('rviz')),
            ),
        ]
    )
