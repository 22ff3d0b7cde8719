# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The RViz view, those made of it, and the executable that starts RViz with them.

RViz itself is not run: a program of its name writes down how it was called.
"""

import os
import signal
import struct
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import rclpy
import yaml
from face_recon_ros.msg import FaceArray
from node_process import DEADLINE_S, process
from rclpy.context import Context
from rclpy.executors import SingleThreadedExecutor
from std_msgs.msg import Header

from face_recon_ros.nodes.node import FaceReconNode
from face_recon_ros.paths import share_directory
from face_recon_ros.tools import rviz_view
from face_recon_ros.tools.sample_camera_node import SampleCameraNode

SHIPPED = share_directory() / 'config' / 'face_recon.rviz'
RVIZ = share_directory().parents[1] / 'lib' / 'face_recon_ros' / 'face_recon_rviz'


@pytest.fixture
def view():
    """Return the shipped view."""
    return yaml.safe_load(SHIPPED.read_text())


def displays_of(view):
    return view['Visualization Manager']['Displays']


def named(view, name):
    (display,) = (d for d in displays_of(view) if d['Name'] == name)
    return display


# --- the shipped view ----------------------------------------------------------------


def test_topics_exist_with_a_qos_that_fits(make_node, view):
    node = make_node(FaceReconNode, ['--ros-args'])
    publishers = {p.topic_name for p in node.publishers}
    subscriptions = {s.topic_name for s in node.subscriptions}
    classes = {d['Class'].split('/')[1] for d in displays_of(view)}
    assert classes == {'Image', 'TF', 'MarkerArray', 'PoseArray', 'PointCloud2'}
    shown = {}
    for display in displays_of(view):
        if 'Topic' in display:
            topic = display['Topic']
            shown['/' + topic['Value']] = topic['Reliability Policy']
            assert topic['Depth'] == 1, display['Name']  # an old message is of no use
    # a camera may be best effort; a best-effort subscriber receives from either
    assert shown.pop('/image') == 'Best Effort'
    assert '/image' in subscriptions
    assert set(shown) <= publishers
    assert set(shown) == {
        f'/face_recon/{t}'
        for t in ('mesh_image', 'overlay_image', 'depth_image', 'markers', 'poses', 'points')
    }
    assert set(shown.values()) == {'Reliable'}


def test_the_fixed_frame_is_the_sample_camera_s(make_node, view):
    camera = make_node(SampleCameraNode, ['--ros-args'])
    fixed = view['Visualization Manager']['Global Options']['Fixed Frame']
    assert fixed == 'camera_optical_frame'
    assert fixed == camera.get_parameter('frame_id').value


def test_depth_is_scaled_without_the_median_that_cuts_metres_to_integers(view):
    depth = named(view, 'Depth image')
    assert (depth['Median window'], depth['Normalize Range']) == (1, True)


def test_names_of_frames_do_not_lie_on_each_other(view):
    (frames,) = (d for d in displays_of(view) if d['Class'] == 'rviz_default_plugins/TF')
    assert frames['Filter (blacklist)'] == 'gaze_.*'
    assert frames['Show Names']


def test_what_is_shown_at_once(view):
    enabled = {d['Name'] for d in displays_of(view) if d['Enabled']}
    assert enabled == {
        'Camera image', 'Mesh image', 'Face and gaze frames', 'Landmarks and axes', 'Dense points',
    }  # fmt: skip
    assert all(d['Value'] == d['Enabled'] for d in displays_of(view))


def test_docks_are_where_they_were_saved(view):
    """Image displays whose docks the state does not hide are enabled by RViz."""
    window = view['Window Geometry']
    assert (window['Hide Left Dock'], window['Hide Right Dock']) == (False, False)
    assert docks_of(window['QMainWindow State']) == {
        'left': {'Displays': True, 'Views': False},
        'right': {
            'Camera image': True,
            'Mesh image': True,
            'Overlay image': False,
            'Depth image': False,
        },
    }


def docks_of(state):
    """Return the docks in a QMainWindow::saveState(), and which are visible, by Qt 5's sources."""
    data = memoryview(bytes.fromhex(state))

    def take(kind):
        nonlocal data
        values = struct.unpack_from('>' + kind, data)
        data = data[struct.calcsize('>' + kind) :]
        return values[0] if len(values) == 1 else values

    def take_text():
        nonlocal data
        length = take('I')
        text = bytes(data[:length]).decode('utf-16-be')
        data = data[length:]
        return text

    areas = {}
    assert take('iiB') == (0xFF, 0, 0xFD)
    for _ in range(take('i')):
        side, _, _, marker, _, count = take('iiiBBi')
        assert marker == 0xFC
        docks = {}
        for _ in range(count):
            assert take('B') == 0xFB
            name = take_text()
            visible, *_ = take('Biiii')
            docks[name] = bool(visible & 1)
        areas[{0: 'left', 1: 'right', 2: 'top', 3: 'bottom'}[side]] = docks
    take('6i')  # size of the middle, corners
    assert take('B3i') == (0xFC, 1, 2, 1)
    assert take_text() == 'Tools'
    take('B4i')
    assert len(data) == 0
    return areas


# --- views made of it ----------------------------------------------------------------


def test_compressed_images_have_a_topic_of_their_own(view):
    changed = rviz_view.with_compressed_images(view)
    assert named(changed, 'Camera image')['Topic']['Value'] == 'image/compressed'
    named(changed, 'Camera image')['Topic']['Value'] = 'image'
    assert changed == view


@pytest.mark.parametrize('cameras', [['front'], ['front', 'rear'], ['a', 'b', 'c', 'd']])
def test_each_camera_has_a_group_of_displays(view, cameras):
    changed = rviz_view.of_cameras(view, cameras)
    frames, *groups = displays_of(changed)
    assert frames == named(view, 'Face and gaze frames')
    assert [g['Name'] for g in groups] == cameras
    for camera, group in zip(cameras, groups, strict=True):
        assert group['Class'] == 'rviz_common/Group'
        assert group['Enabled']
        assert {d['Class'].split('/')[1]: d['Topic']['Value'] for d in group['Displays']} == {
            'Image': f'{camera}/face_recon/mesh_image',
            'MarkerArray': f'{camera}/face_recon/markers',
            'PointCloud2': f'{camera}/face_recon/points',
        }
        assert all(d['Enabled'] for d in group['Displays'])
    # an image's panel is found by its display's name
    images = [d['Name'] for g in groups for d in g['Displays'] if d['Class'].endswith('/Image')]
    window = changed['Window Geometry']
    assert docks_of(window['QMainWindow State']) == {
        'left': {'Displays': True, 'Views': False},
        'right': dict.fromkeys(images, True),
    }
    assert len(set(images)) == len(cameras)


def test_a_view_that_is_written_keeps_what_the_user_saved(view, tmp_path, monkeypatch):
    monkeypatch.setenv('ROS_HOME', str(tmp_path))
    path = rviz_view.write(view)
    assert path.parent == tmp_path / 'face_recon_ros'
    assert yaml.safe_load(path.read_text()) == view
    path.write_text('saved by the user')
    assert rviz_view.write(view) == path
    assert path.read_text() == 'saved by the user'
    other = rviz_view.write(rviz_view.with_compressed_images(view))
    assert other != path
    assert {p.name for p in path.parent.iterdir()} == {path.name, other.name}


# --- the executable ------------------------------------------------------------------


@pytest.fixture
def rviz(tmp_path, monkeypatch):
    """Install a program of RViz's name that writes its arguments; return how to start ours."""
    prefix = tmp_path / 'ros'
    program = prefix / 'lib' / 'rviz2' / 'rviz2'
    program.parent.mkdir(parents=True)
    program.write_text('#!/bin/sh\nfor a; do echo "arg $a"; done\necho "that was all"\n')
    program.chmod(0o755)
    index = prefix / 'share' / 'ament_index' / 'resource_index' / 'packages' / 'rviz2'
    index.parent.mkdir(parents=True)
    index.touch()
    prefixes = [str(prefix), str(share_directory().parents[1])]
    monkeypatch.setenv('AMENT_PREFIX_PATH', os.pathsep.join(prefixes))
    monkeypatch.setenv('ROS_HOME', str(tmp_path / 'home'))
    return lambda *arguments: process([sys.executable, str(RVIZ), *arguments])


def called_with(rviz):
    """Return the arguments RViz got, once it was called."""
    rviz.wait_line('that was all')
    assert rviz.process.wait(DEADLINE_S) == 0
    return [line.removeprefix('arg ') for line in rviz.lines if line.startswith('arg ')]


@pytest.fixture
def face_node():
    """Return a function: namespace, frame and transport -> a node that publishes faces so."""
    contexts = []

    def make(namespace, frame, transport='raw'):
        context = Context()
        rclpy.init(context=context)
        contexts.append(context)
        node = rclpy.create_node('face_recon', context=context, namespace=namespace)
        node.declare_parameter('image_transport', transport)
        faces = node.create_publisher(FaceArray, '~/faces', 1)
        message = FaceArray(header=Header(frame_id=frame))
        executor = SingleThreadedExecutor(context=context)
        executor.add_node(node)

        def publish_until(done):
            while not done():
                faces.publish(message)
                executor.spin_once(timeout_sec=0.05)

        return SimpleNamespace(publish_until=publish_until, node=node)

    yield make
    for context in contexts:
        context.try_shutdown()


def test_rviz_gets_the_frame_of_the_images(rviz, face_node):
    node = face_node('/robot', '/head_camera')
    ros = ['--ros-args', '-r', '__ns:=/robot', '-r', 'image:=/cam/image']
    with rviz('--some-option', *ros) as started:
        started.wait_line('RViz starts with the first message on /robot/face_recon/faces')
        node.publish_until(lambda: started.count('that was all'))
        assert called_with(started) == [
            '-d', str(SHIPPED), '-f', 'head_camera', '--some-option', *ros,
        ]  # fmt: skip


def test_rviz_shows_compressed_images_where_the_node_takes_those(rviz, face_node, view):
    node = face_node('', 'head_camera', transport='compressed')
    with rviz() as started:
        node.publish_until(lambda: started.count('that was all'))
        option, path, *frame = called_with(started)
    assert (option, frame) == ('-d', ['-f', 'head_camera'])
    shown = yaml.safe_load(Path(path).read_text())
    assert shown == rviz_view.with_compressed_images(view)


def test_rviz_shows_several_cameras_in_the_frame_of_one(rviz, face_node, view):
    node = face_node('/rear', 'rear_camera')
    with rviz('--cameras', 'front,rear') as started:
        started.wait_line('on /front/face_recon/faces or /rear/face_recon/faces')
        node.publish_until(lambda: started.count('that was all'))
        _, path, *frame = called_with(started)
    assert frame == ['-f', 'rear_camera']
    assert yaml.safe_load(Path(path).read_text()) == rviz_view.of_cameras(view, ['front', 'rear'])


def test_rviz_starts_without_images_and_says_so(rviz):
    with rviz('--wait', '0.5') as started:
        assert called_with(started) == ['-d', str(SHIPPED)]
        assert started.count('no message came in 0.5 s: RViz starts without') == 1


@pytest.mark.parametrize(
    ('given', 'passed'),
    [
        (['--display-config', 'my.rviz'], ['-d', 'my.rviz']),
        (['-d', 'my.rviz', '-f', 'odom'], ['-d', 'my.rviz', '-f', 'odom']),
    ],
)
def test_rviz_takes_a_view_as_it_is(rviz, given, passed):
    with rviz(*given) as started:
        assert called_with(started) == passed
        assert len(started.lines) == len(passed) + 1  # nothing was waited for


def test_a_frame_that_is_given_is_not_waited_for(rviz, face_node):
    with rviz('--cameras', 'front', '--fixed-frame', 'odom') as started:
        assert called_with(started)[2:] == ['-f', 'odom']
    node = face_node('', 'head_camera', transport='compressed')
    with rviz('-f', 'odom') as started:
        node.publish_until(lambda: started.count('that was all'))
        _, path, *frame = called_with(started)
    assert frame == ['-f', 'odom']
    assert 'image/compressed' in Path(path).read_text()


@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_waiting(rviz, number):
    with rviz() as started:
        started.wait_line('RViz starts with the first message')
        assert started.end(number) == 0
        assert started.count('Traceback') == 0


def test_a_missing_rviz_is_said_in_one_line(monkeypatch, tmp_path):
    monkeypatch.setenv('AMENT_PREFIX_PATH', str(tmp_path))
    monkeypatch.setenv('ROS_DISTRO', 'jazzy')
    with process([sys.executable, str(RVIZ)]) as started:
        assert started.wait(DEADLINE_S) == 1
        assert started.lines == [
            'error: rviz2 is not installed: sudo apt install ros-jazzy-rviz2'
        ]


def test_bad_ros_arguments_are_said_in_one_line(rviz):
    with rviz('--ros-args', '-r', 'image:=/camera/image/') as started:
        assert started.wait(DEADLINE_S) == 1
        (line,) = started.complaints()[1:]  # the first is rcl's own
        assert line.startswith('error: ')
        assert "'-r image:=/camera/image/'" in line
