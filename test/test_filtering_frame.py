# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

import random
import struct
import threading
from types import SimpleNamespace

import numpy as np
import pytest
from face_recon_ros.msg import FaceArray
from geometry_msgs.msg import TransformStamped
from node_process import (
    CAMERA,
    FRAME,
    HEIGHT,
    WIDTH,
    Peer,
    image_profile,  # noqa: F401
    running,
)
from rclpy.qos import DurabilityPolicy, QoSProfile, ReliabilityPolicy
from rclpy.serialization import serialize_message
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from face_recon_ros.nodes import camera_pose_listener
from face_recon_ros.nodes.camera_pose_listener import CameraPoseListener
from face_recon_ros.nodes.images import to_image
from face_recon_ros.nodes.report import ChangeLogger
from face_recon_ros.nodes.transform_bytes import transforms_in
from face_recon_ros.nodes.transform_tree import (
    MissingTransformError,
    TransformTree,
    between,
)
from face_recon_ros.pose import MetricPose
from face_recon_ros.rotations import (
    quaternion,
    rotation_from_quaternion,
    rotation_matrix,
    rotation_vector,
)
from face_recon_ros.tools.sample_motion import STILL, Motion
from face_recon_ros.tools.sources import PortraitSource


def pose(turn=(0, 0, 0), place=(0, 0, 0)):
    return MetricPose(rotation_matrix(np.array(turn, float)), np.array(place, float))


def assert_same(found, want):
    np.testing.assert_allclose(found.rotation, want.rotation, atol=1e-9)
    np.testing.assert_allclose(found.translation_m, want.translation_m, atol=1e-9)


@pytest.fixture
def robot():
    """odom -> base (drives on) -> neck (turns) -> camera; odom -> table."""
    tree = TransformTree()
    for step in range(11):
        time_s = 100 + step / 10
        tree.add('odom', 'base', pose(place=(step / 10, 0, 0)), time_s)
        tree.add('base', 'neck', pose((0, 0, step / 10), (0, 0, 1)), time_s)
    tree.add('neck', 'camera', pose(place=(0.1, 0, 0)), None)
    tree.add('odom', 'table', pose(place=(5, 0, 0)), None)
    return tree


def test_a_chain_is_composed_and_interpolated(robot):
    found = robot.lookup('odom', 'camera', 100.55)
    turn = np.array([0.1 * np.cos(0.55), 0.1 * np.sin(0.55), 0])
    assert_same(found, pose((0, 0, 0.55), turn + np.array([0.55, 0, 1])))


def test_between_branches_and_downwards(robot):
    up = robot.lookup('table', 'camera', 100.5)
    down = robot.lookup('camera', 'table', 100.5)
    np.testing.assert_allclose(up.rotation @ down.rotation, np.eye(3), atol=1e-9)
    np.testing.assert_allclose(
        up.rotation @ down.translation_m + up.translation_m, 0, atol=1e-9
    )
    assert_same(robot.lookup('neck', 'neck', 0.0), pose())


def test_motion_goes_on_for_a_moment_after_the_newest_transform(robot):
    assert_same(
        robot.lookup('odom', 'base', 101.09), pose(place=(1.09, 0, 0))
    )
    with pytest.raises(MissingTransformError, match='newer than the newest'):
        robot.lookup('odom', 'camera', 101.11)
    with pytest.raises(MissingTransformError, match='older than the oldest'):
        robot.lookup('odom', 'camera', 99.0)


def test_what_is_missing_is_named(robot):
    with pytest.raises(MissingTransformError, match='nobody publishes eye'):
        robot.lookup('odom', 'eye', 100.5)
    with pytest.raises(MissingTransformError, match='nobody publishes map'):
        robot.lookup('map', 'camera', 100.5)
    robot.add('map', 'house', pose(), None)
    with pytest.raises(MissingTransformError, match='not connected'):
        robot.lookup('map', 'camera', 100.5)


def test_history_is_bounded_and_a_clock_set_back_starts_anew():
    tree = TransformTree()
    for second in range(100):
        tree.add('odom', 'base', pose(place=(second, 0, 0)), float(second))
    with pytest.raises(MissingTransformError, match='older'):
        tree.lookup('odom', 'base', 88)
    tree.add('odom', 'base', pose(place=(7, 0, 0)), 3.0)
    assert_same(tree.lookup('odom', 'base', 3.0), pose(place=(7, 0, 0)))


def test_a_clock_set_back_a_little_forgets_all_that_moved():
    """A simulation that was started again: what is known is of another time, all of it."""
    tree = TransformTree()
    for tenth in range(100, 151):
        tree.add('odom', 'base', pose(place=(5, 0, 0)), tenth / 10)
        tree.add('base', 'neck', pose(place=(5, 0, 0)), tenth / 10)
    tree.add('neck', 'camera', pose(place=(0, 0, 1)), None)
    tree.add('odom', 'base', pose(), 12.0)  # 3 s back, far from the beginning of what was known
    assert_same(tree.lookup('odom', 'base', 12.05), pose())
    with pytest.raises(MissingTransformError):
        tree.lookup('odom', 'camera', 12.05)
    tree.add('base', 'neck', pose(), 12.05)
    assert_same(tree.lookup('odom', 'camera', 12.05), pose(place=(0, 0, 1)))


@pytest.mark.parametrize(('back_s', 'is_forgotten'), [(0.9, False), (1.1, True)])
def test_a_step_back_of_a_second_is_another_time(back_s, is_forgotten):
    tree = TransformTree()
    for time_s in (10.0, 10.5, 11.0, 11.5, 12.0):
        tree.add('odom', 'base', pose(place=(time_s, 0, 0)), time_s)
    tree.add('odom', 'base', pose(place=(0, 0, 7)), 12.0 - back_s)
    if is_forgotten:
        with pytest.raises(MissingTransformError):
            tree.lookup('odom', 'base', 12.0)
    else:
        assert_same(tree.lookup('odom', 'base', 12.0), pose(place=(12, 0, 0)))
    assert_same(tree.lookup('odom', 'base', 12.0 - back_s), pose(place=(0, 0, 7)))


def test_transforms_that_come_late_are_put_where_they_belong():
    tree = TransformTree()
    for time_s in (10.0, 10.4, 10.2, 9.5):
        tree.add('odom', 'base', pose(place=(time_s, 0, 0)), time_s)
    assert_same(tree.lookup('odom', 'base', 10.3), pose(place=(10.3, 0, 0)))
    assert_same(tree.lookup('odom', 'base', 9.6), pose(place=(9.6, 0, 0)))


def test_a_frame_may_begin_to_move():
    tree = TransformTree()
    tree.add('odom', 'base', pose(place=(1, 0, 0)), None)
    tree.add('odom', 'base', pose(place=(2, 0, 0)), 10.0)
    assert_same(tree.lookup('odom', 'base', 10.0), pose(place=(2, 0, 0)))


def test_a_loop_of_frames_ends():
    tree = TransformTree()
    tree.add('a', 'b', pose(), None)
    tree.add('b', 'a', pose(), None)
    with pytest.raises(MissingTransformError):
        tree.lookup('c', 'a', 0.0)


def test_between_turns_along_the_arc():
    assert_same(between(pose((0, 0, -0.2)), pose((0, 0, 0.2)), 0.75), pose((0, 0, 0.1)))


# --- transforms as they come ---------------------------------------------------------


def stamped(parent, child, stamp_s=0.0, place=(0.0, 0.0, 0.0)):
    message = TransformStamped(child_frame_id=child)
    message.header.frame_id = parent
    message.header.stamp.sec, message.header.stamp.nanosec = int(stamp_s), 500_000_000
    t, message.transform.rotation.w = message.transform.translation, 1.0
    t.x, t.y, t.z = map(float, place)
    return message


def wire(*transforms):
    return serialize_message(TFMessage(transforms=list(transforms)))


def test_transforms_are_read_as_rclpy_writes_them():
    names = random.Random(7)
    sent = [
        stamped('p' * names.randrange(30), 'ü' * names.randrange(30), n, (n, -n, n / 3))
        for n in range(100)
    ]
    read = list(transforms_in(wire(*sent)))
    assert len(read) == 100
    for message, found in zip(sent, read, strict=True):
        assert found.parent.decode() == message.header.frame_id
        assert found.child.decode() == message.child_frame_id
        assert (found.sec, found.nanosec) == (message.header.stamp.sec, 500_000_000)
        t = message.transform.translation
        assert found.pose() == (t.x, t.y, t.z, 0.0, 0.0, 0.0, 1.0)
    assert list(transforms_in(wire())) == []


def test_transforms_of_the_other_byte_order():
    head = struct.pack('>BBHIiII', 0, 0, 0, 1, 7, 8, 5) + b'odom\0' + bytes(3)
    data = head + struct.pack('>I', 5) + b'base\0' + bytes(-(len(head) + 5) % 8)
    (found,) = transforms_in(data + struct.pack('>7d', 1, 2, 3, 0, 0, 0, 1))
    assert found[:4] == (b'odom', b'base', 7, 8)
    assert found.pose() == (1, 2, 3, 0, 0, 0, 1)


class Listening:
    """A CameraPoseListener without DDS."""

    def __init__(self, frame='odom'):
        self.lines = []
        node = SimpleNamespace(create_subscription=lambda *_, **__: None)
        report = ChangeLogger(self.lines.append, self.lines.append)
        self.now_s = 0.0
        self.frame = CameraPoseListener(node, frame, report, now=lambda: self.now_s)

    def hear(self, *transforms, static=False):
        self.frame.take(wire(*transforms), static)

    def links(self):
        return set(self.frame.tree._links)


def test_only_what_lies_between_camera_and_world_is_kept():
    robot = Listening()
    wheels = [stamped('base', f'wheel{n}', 1) for n in range(40)]
    robot.hear(stamped('neck', 'camera'), static=True)
    moving = [stamped('odom', 'base', 1, (1, 0, 0)), stamped('base', 'neck', 1, (0, 1, 0))]
    robot.hear(*wheels, *moving)
    assert_same(robot.frame.camera_pose('/camera', 1.5), pose(place=(1, 1, 0)))
    assert robot.links() == {'base', 'neck', 'camera'}
    robot.hear(*wheels, *moving)
    assert robot.links() == {'base', 'neck', 'camera'}
    # the neck is put on another robot
    robot.hear(stamped('odom', 'cart', 2, (5, 0, 0)))
    robot.hear(stamped('cart', 'neck', 2, (0, 0, 1)))
    robot.hear(*moving[:1])
    assert robot.links() == {'cart', 'neck', 'camera'}
    assert_same(robot.frame.camera_pose('camera', 2.5), pose(place=(5, 0, 1)))
    robot.frame.forget()
    assert robot.links() == {'camera'}


def test_why_a_transform_is_missing():
    robot = Listening()

    def said():
        robot.frame.camera_pose('camera', 1.0)
        robot.now_s += 3.0
        robot.frame.camera_pose('camera', 1.0)
        return robot.lines[-1]

    assert 'nobody publishes camera' in said()
    # as the node itself does
    robot.hear(stamped('camera', 'face_f1', 1), stamped('camera', 'gaze_f1', 1))
    assert 'nobody publishes camera' in said()
    assert len(robot.lines) == 1
    robot.hear(stamped('neck', 'camera'), static=True)
    assert 'nobody publishes odom' in said()
    robot.hear(stamped('odom', 'base', 1.0))
    assert 'the two are not connected' in said()
    robot.hear(stamped('base', 'neck', 5.0), stamped('odom', 'base', 5.0))
    assert 'older than the oldest' in said()


def test_a_message_that_cannot_be_read_is_one_line():
    robot = Listening()
    for _ in range(3):
        robot.frame.take(wire(stamped('odom', 'base'))[:60], static=False)
    (line,) = robot.lines
    assert 'a message on /tf cannot be read' in line


# --- the node ----------------------------------------------------------------------

# A camera that has rolled by this from one image to the next
ROLL = rotation_matrix(np.array([0, 0, 0.3]))


@pytest.fixture
def peer():
    peer = Peer()
    yield peer
    peer.close()


def transform(parent, child, rotation, header):
    message = TransformStamped(header=header, child_frame_id=child)
    message.header.frame_id = parent
    q = message.transform.rotation
    q.x, q.y, q.z, q.w = (float(v) for v in quaternion(rotation))
    return message


def test_a_head_is_filtered_in_the_world_once_it_is_known_where_the_camera_is(peer):
    """Missing transforms are one line; then a camera that rolls does not pull the head along."""
    portrait = PortraitSource(WIDTH, HEIGHT)._portrait
    views = [portrait.view(CAMERA, motion) for motion in (STILL, Motion(ROLL, 1.0))]
    forever = QoSProfile(
        depth=1,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=DurabilityPolicy.TRANSIENT_LOCAL,
    )
    static = peer.node.create_publisher(TFMessage, '/tf_static', forever)
    dynamic = peer.node.create_publisher(TFMessage, '/tf', 10)
    faces = peer.collect(FaceArray, 'face_recon/faces').collected

    def shown(view, rotation=None, first=False):
        """Return what comes of one image; the node knows the transform of its stamp by then."""

        def make(header):
            if rotation is not None:
                moved = transform('odom', 'neck', rotation, Header(stamp=header.stamp))
                dynamic.publish(TFMessage(transforms=[moved]))
                peer.taken(dynamic)
            return to_image(view, 'bgr8', header)

        return peer.answer(make, faces, first=first)

    def until(condition, view, rotation=None):
        """Show images until something is so and there is a face; return what came last."""
        answer = shown(view, rotation, first=True)
        while not (answer.faces and condition()):
            answer = shown(view, rotation)
        return answer

    def rotation_in(message):
        q = message.faces[0].pose.pose.orientation
        return rotation_from_quaternion(q.x, q.y, q.z, q.w)

    with running('-p', 'filtering_frame:=odom') as node:
        until(lambda: node.count('filtering_frame') > 0, views[0])
        for _ in range(3):
            shown(views[0])
        assert node.count('no transform from') == 1
        assert node.count(f'nobody publishes {FRAME}') == 1
        fixed = transform('neck', FRAME, np.eye(3), Header())
        static.publish(TFMessage(transforms=[fixed]))
        peer.taken(static)
        until(lambda: node.count('faces are filtered in odom') > 0, views[0], np.eye(3))
        before = rotation_in(shown(views[0], np.eye(3)))
        # the picture rolls as the camera rolls back
        after = rotation_in(shown(views[1], ROLL.T))
        assert sum('filtering_frame' in line for line in node.complaints()) == 1, node.lines
    off_deg = np.degrees(np.linalg.norm(rotation_vector(after @ (ROLL @ before).T)))
    assert off_deg < 2.5


def test_frames_of_a_robot_that_are_named_as_those_of_faces_count():
    robot = Listening('face_plate')
    robot.hear(stamped('face_plate', 'face_mount', 1), stamped('face_mount', 'camera', 1))
    assert robot.frame.camera_pose('camera', 1.5) is not None
    robot.hear(stamped('gaze_cart', 'face_mount', 1))
    robot.frame.camera_pose('camera', 1.5)
    robot.now_s += 3.0
    assert robot.frame.camera_pose('camera', 1.5) is None
    assert 'nobody publishes face_plate' in robot.lines[-1]
    robot = Listening('face_plate')
    robot.hear(stamped('odom', 'face_plate', 1), stamped('base', 'camera', 1))
    robot.frame.camera_pose('camera', 1.5)
    robot.now_s += 3.0
    robot.frame.camera_pose('camera', 1.5)
    assert 'the two are not connected' in robot.lines[-1]


def test_frames_that_nobody_publishes_any_more_are_forgotten(monkeypatch):
    monkeypatch.setattr(camera_pose_listener, 'MANY_FRAMES', 20)
    heard = Listening()
    heard.hear(stamped('odom', 'base', 0), stamped('base', 'camera', 0))
    heard.hear(stamped('odom', 'table', 0), static=True)
    for second in range(200):
        heard.hear(stamped('odom', 'base', second), stamped('base', 'camera', second),
                   stamped('camera', f'face_{second}', second))
        assert heard.frame.camera_pose('camera', second + 0.5) is not None
    # those of the last minute are not so old yet
    assert len(heard.frame._newest) < 70
    assert {b'base', b'camera', b'table', b'face_199'} <= set(heard.frame._newest)


def test_frames_may_come_while_a_pose_is_asked_for():
    heard = Listening()
    heard.hear(stamped('odom', 'base', 0), stamped('base', 'camera', 0))
    over = threading.Event()
    failed = []

    def ask():
        while not over.is_set():
            for frame in ('camera', 'nobody'):
                try:
                    heard.frame.camera_pose(frame, 0.0)
                except RuntimeError as error:
                    failed.append(error)
                    return

    asking = threading.Thread(target=ask)
    asking.start()
    for index in range(800):
        heard.hear(stamped('odom', f'part_{index}', 0))
        if failed:
            break
    over.set()
    asking.join()
    assert not failed
