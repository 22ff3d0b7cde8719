# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The launch files executed by launch itself, where it is installed: ROS machines have it, PyPI not.

What they start are the installed nodes; what the nodes were given is asked of them.
"""

import importlib.util
import os
import re
import signal
import sys
from pathlib import Path

import pytest
import yaml
from node_process import DEADLINE_S, Peer, process
from rcl_interfaces.srv import GetParameters
from rclpy.parameter import parameter_value_to_python

from face_recon_ros.paths import share_directory

if importlib.util.find_spec('ros2launch') is None:
    pytest.skip('ros2 launch is not installed: there is no wheel', allow_module_level=True)

PREFIX = share_directory().parents[1]
LAUNCH = [
    sys.executable, '-c', 'import sys; from ros2cli.cli import main; sys.exit(main())', 'launch',
]  # fmt: skip
PID = re.compile(r'\[INFO\] \[([\w.]+)-\d+\]: process started with pid \[(\d+)\]')


# Ends at a signal, as RViz does
RVIZ = f"""#!{sys.executable}
import signal, sys
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGINT, signal.SIGTERM])
print('rviz2', *sys.argv[1:], flush=True)
signal.sigwait([signal.SIGINT, signal.SIGTERM])
"""


@pytest.fixture(autouse=True)
def environment(monkeypatch, tmp_path):
    """Show launch this package, and an RViz that is a program which writes its arguments."""
    rviz = tmp_path / 'rviz' / 'lib' / 'rviz2' / 'rviz2'
    rviz.parent.mkdir(parents=True)
    rviz.write_text(RVIZ)
    rviz.chmod(0o755)
    index = tmp_path / 'rviz' / 'share' / 'ament_index' / 'resource_index' / 'packages' / 'rviz2'
    index.parent.mkdir(parents=True)
    index.touch()
    # before an RViz that is installed
    prefixes = [str(tmp_path / 'rviz'), str(PREFIX), os.environ.get('AMENT_PREFIX_PATH', '')]
    monkeypatch.setenv('AMENT_PREFIX_PATH', os.pathsep.join(p for p in prefixes if p))
    monkeypatch.setenv('ROS_DISTRO', 'jazzy')
    monkeypatch.setenv('ROS_HOME', str(tmp_path / 'home'))
    # launch writes through a pipe
    monkeypatch.setenv('PYTHONUNBUFFERED', '1')


@pytest.fixture
def no_rviz(monkeypatch):
    """Let RViz not be installed."""
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(PREFIX))
    index = PREFIX / 'share' / 'ament_index' / 'resource_index' / 'packages' / 'rviz2'
    if index.exists():
        pytest.skip('RViz is installed in the same prefix')


def launched(*arguments):
    """Run ros2 launch as long as the context lasts."""
    package = [] if arguments[0].startswith('/') else ['face_recon_ros']
    return process([*LAUNCH, *package, *arguments])


def pids_of(launch):
    """Return the processes that were started, by executable."""
    return {m[1]: int(m[2]) for m in map(PID.search, launch.lines) if m}


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # one that has ended and that nobody has waited for
    return ') Z ' not in Path(f'/proc/{pid}/stat').read_text()


def ends(launch):
    """End launch as Ctrl-C does; nothing of it may be left."""
    started = pids_of(launch)
    assert launch.end(signal.SIGINT) == 0
    assert {name for name, pid in started.items() if alive(pid)} == set()
    assert launch.count('process has died') == 0


@pytest.fixture
def parameters_of():
    """Return a function: node, names -> the values it has, once it answers."""
    peer = Peer()

    def ask(node, *names):
        answer = peer.call(GetParameters, f'{node}/get_parameters', names=list(names))
        return [parameter_value_to_python(value) for value in answer.values]

    yield ask
    peer.close()


SHOWN = {
    'demo': ['source', 'depth_sensor', 'namespace', 'params_file', 'log_level', 'respawn', 'rviz',
             'rviz_config', 'fixed_frame'],
    'face_recon': ['image', 'camera_info', 'depth_image', 'namespace', 'params_file',
                   'image_transport', 'autostart', 'use_sim_time', 'log_level', 'respawn', 'rviz',
                   'rviz_config', 'fixed_frame'],
    'multi_camera': ['cameras', 'namespace', 'image', 'camera_info', 'depth_image', 'params_file',
                     'params_dir', 'image_transport', 'autostart', 'use_sim_time', 'log_level',
                     'respawn', 'rviz', 'rviz_config', 'fixed_frame'],
}  # fmt: skip


@pytest.mark.parametrize('name', SHOWN)
def test_show_args(name):
    with launched(f'{name}.launch.py', '--show-args') as launch:
        assert launch.process.wait(DEADLINE_S) == 0
    names = [m[1] for m in (re.fullmatch(r" +'(\w+)':", line) for line in launch.lines) if m]
    assert names == SHOWN[name]


ARGUMENTS = {'demo': [], 'face_recon': [], 'multi_camera': ['cameras:=front,rear']}
NODES = {
    'demo': {'sample_camera', 'face_recon_node'},
    'face_recon': {'face_recon_node'},
    'multi_camera': {'face_recon_node'},
}


@pytest.mark.parametrize('name', ARGUMENTS)
def test_all_is_started_and_ended(name):
    with launched(f'{name}.launch.py', *ARGUMENTS[name], 'rviz:=false') as launch:
        launch.wait_line('looking for faces in')
        assert set(pids_of(launch)) == NODES[name]
        ends(launch)


@pytest.mark.parametrize('name', ARGUMENTS)
def test_without_rviz_nothing_is_started(no_rviz, name):
    with launched(f'{name}.launch.py', *ARGUMENTS[name], 'rviz:=true') as launch:
        assert launch.process.wait(DEADLINE_S) == 1
    assert pids_of(launch) == {}
    (line,) = (line for line in launch.lines if '[ERROR]' in line)
    assert line.endswith(
        'rviz2 is not installed: sudo apt install ros-jazzy-rviz2, or rviz:=false'
    )


@pytest.mark.parametrize(
    'arguments',
    [
        ('face_recon.launch.py', 'image:=/camera/image/'),
        ('face_recon.launch.py', 'namespace:=1st'),
        ('face_recon.launch.py', 'params_file:=/'),
        ('demo.launch.py', 'source:=/no/my.mp4'),
        ('multi_camera.launch.py', 'cameras:=front', 'params_dir:=/etc/passwd'),
    ],
)
def test_a_bad_argument_is_one_line_before_anything_is_started(arguments):
    with launched(*arguments) as launch:
        assert launch.process.wait(DEADLINE_S) == 1
    assert pids_of(launch) == {}
    (line,) = (line for line in launch.lines if '[ERROR]' in line)
    name, _, value = arguments[-1].partition(':=')
    assert f"{name} is '{value}': " in line


def test_the_demo_shows_itself_in_rviz():
    with launched('demo.launch.py', 'namespace:=robot') as launch:
        launch.wait_line(f'rviz2 -d {share_directory()}/config/face_recon.rviz')
        (line,) = (line for line in launch.lines if '] rviz2 -d' in line)
        assert '-f camera_optical_frame' in line
        assert '__ns:=/robot' in line
        ends(launch)


def test_two_demos_have_a_namespace_each(parameters_of):
    with (
        launched('demo.launch.py', 'namespace:=a', 'rviz:=false') as first,
        launched('demo.launch.py', 'namespace:=b', 'rviz:=false') as second,
    ):
        first.wait_line('looking for faces in /a/image')
        second.wait_line('looking for faces in /b/image')
        assert parameters_of('/a/sample_camera', 'source') == ['portrait']
        assert parameters_of('/b/face_recon', 'image_transport') == ['raw']
        ends(first)
        ends(second)


NAMES = ('image_transport', 'autostart', 'use_sim_time', 'max_faces')


def test_a_parameter_file_wins_over_what_was_not_given_and_loses_to_what_was(
    parameters_of, tmp_path
):
    path = tmp_path / 'my.yaml'
    values = {'image_transport': 'compressed', 'autostart': False, 'max_faces': 3}
    path.write_text(yaml.safe_dump({'/**/face_recon': {'ros__parameters': values}}))
    with launched('face_recon.launch.py', f'params_file:={path}') as launch:
        assert parameters_of('/face_recon', *NAMES) == ['compressed', False, False, 3]
        ends(launch)
    given = ['image_transport:=raw', 'autostart:=True', 'use_sim_time:=true']
    with launched('face_recon.launch.py', f'params_file:={path}', *given) as launch:
        assert parameters_of('/face_recon', *NAMES) == ['raw', True, True, 3]
        ends(launch)


def test_cameras_have_their_prefix_and_their_own_file(parameters_of, tmp_path):
    own = {'/**': {'ros__parameters': {'max_faces': 3, 'image_transport': 'compressed'}}}
    (tmp_path / 'rear.yaml').write_text(yaml.safe_dump(own))
    arguments = ['cameras:=front,rear', 'namespace:=/robot', f'params_dir:={tmp_path}']
    with launched('multi_camera.launch.py', *arguments, 'image_transport:=raw') as launch:
        names = ('face_id_prefix', 'max_faces', 'image_transport')
        assert parameters_of('/robot/front/face_recon', *names) == ['front_', 8, 'raw']
        assert parameters_of('/robot/rear/face_recon', *names) == ['rear_', 3, 'compressed']
        ends(launch)


PARENT = """
from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.launch_description_sources import PythonLaunchDescriptionSource
from launch_ros.actions import Node, PushRosNamespace


def generate_launch_description():
    return LaunchDescription([
        PushRosNamespace('robot'),
        IncludeLaunchDescription(
            PythonLaunchDescriptionSource({path!r}),
            launch_arguments={{'use_sim_time': 'True', 'image': 'cam/image'}}.items(),
        ),
        Node(package='face_recon_ros', executable='sample_camera', name='other'),
    ])
"""
XML_PARENT = """
<launch>
  <push-ros-namespace namespace="robot"/>
  <include file="$(find-pkg-share face_recon_ros)/launch/face_recon.launch.py">
    <arg name="use_sim_time" value="True"/>
    <arg name="image" value="cam/image"/>
  </include>
  <node pkg="face_recon_ros" exec="sample_camera" name="other"/>
</launch>
"""


@pytest.mark.parametrize('kind', ['py', 'xml'])
def test_an_including_file_s_other_nodes_keep_their_clock(parameters_of, tmp_path, kind):
    parent = tmp_path / f'parent.launch.{kind}'
    path = str(share_directory() / 'launch' / 'face_recon.launch.py')
    parent.write_text(PARENT.format(path=path) if kind == 'py' else XML_PARENT)
    with launched(str(parent)) as launch:
        assert parameters_of('/robot/face_recon', 'use_sim_time') == [True]
        assert parameters_of('/robot/other', 'use_sim_time') == [False]
        launch.wait_line('looking for faces in /robot/cam/image')
        ends(launch)


def test_a_node_that_was_killed_is_started_again():
    with launched('face_recon.launch.py', 'respawn:=true') as launch:
        launch.wait_line('looking for faces in')
        before = pids_of(launch)['face_recon_node']
        lines = len(launch.lines)
        os.kill(before, signal.SIGKILL)
        launch.wait_line('looking for faces in', after=lines)
        after = pids_of(launch)['face_recon_node']
        assert after != before
        assert launch.end(signal.SIGINT) == 0
        assert not alive(after)
