# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The examples that are nodes, beside the real node, over DDS."""

import math
import re
import shutil
import signal
import subprocess
import sys
import types

import cv2
import numpy as np
import pytest
from example_modules import EXAMPLES, load
from face_recon_ros.msg import Face as FaceMessage
from face_recon_ros.msg import FaceArray
from geometry_msgs.msg import TransformStamped
from node_process import (
    CAMERA,
    FRAME,
    HEIGHT,
    WIDTH,
    image_profile,  # noqa: F401
    process,
    running,
)
from rclpy.qos import DurabilityPolicy, QoSProfile
from rclpy.time import Time
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage
from trajectory_msgs.msg import JointTrajectory

from face_recon_ros import Pipeline
from face_recon_ros.nodes.images import to_image
from face_recon_ros.rotations import quaternion
from face_recon_ros.tools.sample_motion import Motion
from face_recon_ros.tools.sources import PortraitSource

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
# REP-103: an optical frame (x right, y down, z ahead) in a robot's (x ahead, y left, z up)
ROBOT_FROM_OPTICAL = np.array([[0.0, 0, 1], [-1, 0, 0], [0, -1, 0]])


@pytest.fixture(scope='module')
def turn_head():
    return load('turn_head')


@pytest.fixture(scope='module')
def beside(image):
    """
    Return an image with the portrait right of the middle and above it, and its place there.

    Where it is at rest is measured, how the camera turns from there is known.
    """
    (at_rest,) = Pipeline().detect(image, CAMERA)
    turn = cv2.Rodrigues(np.array([0.0, 0.2, 0.0]))[0] @ cv2.Rodrigues(np.array([0.1, 0, 0]))[0]
    picture = PortraitSource(WIDTH, HEIGHT)._portrait.view(CAMERA, Motion(turn, 1.0))
    place_m = turn @ at_rest.pose.translation_m
    assert place_m[0] > 0.15 * place_m[2]
    assert place_m[1] < -0.05 * place_m[2]
    return picture, place_m


def example(name, *ros_arguments):
    path = str(EXAMPLES / f'{name}.py')
    return process([sys.executable, path, '--ros-args', *ros_arguments])


@pytest.mark.parametrize(
    ('place_m', 'pan_deg', 'tilt_deg'),
    [
        ((1.0, 0.0, 0.0), 0, 0),
        ((1.0, 1.0, 0.0), 45, 0),
        ((1.0, -1.0, 0.0), -45, 0),
        ((2.0, 0.0, 2.0), 0, -45),
        ((2.0, 0.0, -2.0), 0, 45),
        ((0.0, 3.0, 0.0), 90, 0),
        ((-1.0, 1.0, math.sqrt(2)), 135, -45),
    ],
)
def test_the_angles_to_a_place(turn_head, place_m, pan_deg, tilt_deg):
    """Positive pan is to the left, positive tilt down."""
    found_deg = np.degrees(turn_head.pan_tilt_rad(place_m))
    np.testing.assert_allclose(found_deg, [pan_deg, tilt_deg], atol=1e-9)


def message(*people):
    """Return faces of (id, place in the camera's frame, score)."""
    faces = FaceArray()
    for face_id, (x, y, z), score in people:
        face = FaceMessage(id=face_id, score=score)
        point = face.pose.pose.position
        point.x, point.y, point.z = x, y, z
        faces.faces.append(face)
    return faces


def test_the_nearest_person_is_one_who_is_seen(turn_head):
    far, near, remembered = (
        ('f1', (0.0, 0.0, 2.0), 0.9), ('f2', (1.0, 0.5, 1.0), 0.4), ('f3', (0.0, 0.0, 0.5), 0.0),
    )  # fmt: skip
    assert turn_head.nearest(message(far, near, remembered)) == 'f2'
    assert turn_head.nearest(message(remembered)) is None
    assert turn_head.nearest(message()) is None


def test_the_time_for_a_step_follows_from_the_speed(turn_head):
    way = turn_head.trajectory(['pan', 'tilt'], [0.9, 0.1], 0.75, 0.5)
    assert way.joint_names == ['pan', 'tilt']
    (point,) = way.points
    assert point.positions.tolist() == [0.9, 0.1]
    assert (point.time_from_start.sec, point.time_from_start.nanosec) == (1, 500_000_000)
    (point,) = turn_head.trajectory(['pan', 'tilt'], [0.0, 0.0], 0.0, 0.8).points
    assert (point.time_from_start.sec, point.time_from_start.nanosec) == (0, 100_000_000)


def mounted(turn, place_m):
    """Return /tf_static: the camera in the frame 'torso'."""
    stamped = TransformStamped(header=Header(frame_id='torso'), child_frame_id=FRAME)
    t, q = stamped.transform.translation, stamped.transform.rotation
    t.x, t.y, t.z = place_m
    q.x, q.y, q.z, q.w = quaternion(turn).tolist()
    return TFMessage(transforms=[stamped])


def follow(peer, image, count):
    """Show images until turn_head has published so many commands; return them."""
    commands = peer.collect(JointTrajectory, 'joint_trajectory')
    peer.show(
        lambda header: to_image(image, 'bgr8', header), lambda: len(commands.collected) >= count
    )
    return commands.collected


# stamps of images on a busy machine lie behind its clock
TORSO = ['-p', 'patience:=3600.0', '-p', 'mount_frame:=torso', '-r', 'faces:=/face_recon/faces']


def test_a_head_is_turned_to_the_person_before_the_camera(peer, beside):
    """The camera looks ahead, 0.1 m before the head's joints and 0.05 m above."""
    picture, (x, y, z) = beside
    static = peer.node.create_publisher(TFMessage, '/tf_static', LATCHED)
    static.publish(mounted(ROBOT_FROM_OPTICAL, (0.1, 0.0, 0.05)))
    with running(), example('turn_head', *TORSO) as head:
        (command, *_) = follow(peer, picture, 1)
        assert head.count('tf2_ros is not installed: listening to /tf without it') == 1
        assert head.complaints() == []
    assert command.joint_names == ['head_pan_joint', 'head_tilt_joint']
    # right of the camera is a negative pan, above it a negative tilt
    want = [math.atan2(-x, z + 0.1), -math.atan2(-y + 0.05, math.hypot(z + 0.1, x))]
    assert max(want) < -math.radians(5)
    np.testing.assert_allclose(command.points[0].positions, want, atol=math.radians(3))


def test_a_turned_camera_and_the_limits_of_the_joints(peer, beside):
    """The camera looks to the left, so the person is there, too: further than the head turns."""
    picture, (x, y, z) = beside
    left = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]]) @ ROBOT_FROM_OPTICAL
    static = peer.node.create_publisher(TFMessage, '/tf_static', LATCHED)
    static.publish(mounted(left, (0.0, 0.0, 0.0)))
    with running(), example('turn_head', *TORSO, '-p', 'most_pan:=0.5', '-p', 'pan_joint:=neck'):
        (command, *_) = follow(peer, picture, 1)
    assert command.joint_names == ['neck', 'head_tilt_joint']
    # 90 degrees to the left, less some that the person is to the camera's right
    pan, tilt = command.points[0].positions
    assert pan == 0.5
    assert tilt == pytest.approx(-math.atan2(-y, math.hypot(z, x)), abs=math.radians(3))


def test_a_frame_that_nobody_publishes_is_named(peer, beside):
    commands = peer.collect(JointTrajectory, 'joint_trajectory')
    other = [word.replace(':=torso', ':=tosro') for word in TORSO]
    with running(), example('turn_head', *other) as head:
        peer.show(
            lambda header: to_image(beside[0], 'bgr8', header),
            lambda: head.count('with tosro: does the robot publish its frames, and is') > 0,
        )
    assert commands.collected == []


def test_tf2_is_asked_where_it_is_installed(turn_head, monkeypatch):
    """By a stand-in, as ROS 2 from PyPI has no wheel of tf2_ros: what it is asked, and how."""
    asked = []

    class TransformException(Exception):  # noqa: N818
        pass

    class Buffer:
        def lookup_transform(self, target, source, time):
            asked.append((target, source, time))
            if source == 'face_f9':
                raise TransformException('no such frame')
            found = TransformStamped()
            t = found.transform.translation
            t.x, t.y, t.z = 1.0, 2.0, 3.0
            return found

    listened = []
    stand_in = types.SimpleNamespace(
        Buffer=Buffer,
        TransformListener=lambda *given: listened.append(given) or True,
        TransformException=TransformException,
    )
    monkeypatch.setitem(sys.modules, 'tf2_ros', stand_in)
    locate = turn_head.tf2_locator('a node')
    assert locate('torso', 'face_f1', Header()) == (1.0, 2.0, 3.0)
    assert locate('torso', 'face_f9', Header()) is None
    assert asked == [('torso', 'face_f1', Time()), ('torso', 'face_f9', Time())]
    ((buffer, node),) = listened
    assert isinstance(buffer, Buffer)
    assert node == 'a node'


def test_the_listener_prints_who_is_where(peer, beside):
    with running(), example('faces_listener', '-r', 'faces:=/face_recon/faces') as listener:
        peer.show(
            lambda header: to_image(beside[0], 'bgr8', header),
            lambda: listener.count(f'm in {FRAME}, score') >= 3,
        )
        assert listener.complaints() == []
        line = listener.lines[-1]
        assert listener.end() == 0
    name, where = line.split(' at (')
    assert re.fullmatch(r'face f\d+', name)
    place_m = [float(v) for v in where.split(')')[0].split(',')]
    np.testing.assert_allclose(place_m, beside[1], atol=0.04)


# rclpy wakes a node that a signal is to end, and shuts its context down afterwards: here so much
# later that the node has gone on waiting
LATE_SHUTDOWN = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <unistd.h>
int rcl_shutdown(void * context)
{
  usleep(500000);
  void * library = dlopen("librcl.so", RTLD_NOLOAD | RTLD_LAZY);
  int (*real)(void *) = (int (*)(void *))dlsym(library, "rcl_shutdown");
  return real(context);
}
"""


@pytest.fixture(scope='module')
def late_shutdown(tmp_path_factory):
    """Return a library to be loaded before all others."""
    compiler = shutil.which('cc')
    if sys.platform != 'linux' or compiler is None:
        pytest.skip('a C compiler on Linux is needed')
    folder = tmp_path_factory.mktemp('late')
    (folder / 'late.c').write_text(LATE_SHUTDOWN)
    command = [compiler, '-shared', '-fPIC', '-o', folder / 'late.so', folder / 'late.c', '-ldl']
    subprocess.run(command, check=True)
    return folder / 'late.so'


@pytest.mark.parametrize('name', ['faces_listener', 'greet', 'turn_head'])
@pytest.mark.parametrize('number', [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_node_that_gets_no_messages(
    peer, late_shutdown, monkeypatch, name, number
):
    monkeypatch.setenv('LD_PRELOAD', str(late_shutdown))
    with example(name) as node:
        monkeypatch.delenv('LD_PRELOAD')
        peer.ping(name)
        assert node.end(number) == 0
