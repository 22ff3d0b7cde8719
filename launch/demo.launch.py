"""Launch the sample camera, the face_recon node on it, and RViz."""

from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch.substitutions import LaunchConfiguration, PathJoinSubstitution
from launch_ros.actions import Node
from launch_ros.substitutions import FindPackageShare

PACKAGE = 'face_recon_ros'


def share(*parts):
    """Return the substitution of a file in the package's share directory."""
    return PathJoinSubstitution([FindPackageShare(PACKAGE), *parts])


ARGUMENTS = [
    DeclareLaunchArgument(
        'source',
        default_value='portrait',
        description='portrait, a video file, a folder of images, or /dev/videoN',
    ),
    DeclareLaunchArgument(
        'namespace', default_value='', description='namespace of the nodes and their topics'
    ),
    DeclareLaunchArgument(
        'params_file',
        default_value=share('config', 'face_recon.yaml'),
        description='file of parameters',
    ),
    DeclareLaunchArgument(
        'rviz', default_value='true', choices=['true', 'false'], description='start RViz too'
    ),
]


def generate_launch_description():
    """Return the launch description."""
    return LaunchDescription(
        [
            *ARGUMENTS,
            Node(
                package=PACKAGE,
                executable='sample_camera',
                name='sample_camera',
                namespace=LaunchConfiguration('namespace'),
                output='screen',
                parameters=[
                    LaunchConfiguration('params_file'),
                    {'source': LaunchConfiguration('source')},
                ],
            ),
            IncludeLaunchDescription(
                PythonLaunchDescriptionSource(share('launch', 'face_recon.launch.py')),
                launch_arguments={
                    'namespace': LaunchConfiguration('namespace'),
                    'params_file': LaunchConfiguration('params_file'),
                    'rviz': LaunchConfiguration('rviz'),
                }.items(),
            ),
        ]
    )
