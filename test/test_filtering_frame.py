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
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage

from face_recon_ros.nodes.agreement import rotation_from_quaternion
from face_recon_ros.nodes.filtering_frame import (
    MissingTransformError,
    TransformTree,
    between,
)
from face_recon_ros.nodes.images import to_image
from face_recon_ros.nodes.sample_motion import STILL, Motion
from face_recon_ros.nodes.sources import PortraitSource
from face_recon_ros.pose import MetricPose, quaternion
from face_recon_ros.smoothing import rotation_matrix, rotation_vector


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


def test_a_loop_of_frames_ends():
    tree = TransformTree()
    tree.add('a', 'b', pose(), None)
    tree.add('b', 'a', pose(), None)
    with pytest.raises(MissingTransformError):
        tree.lookup('c', 'a', 0.0)


def test_between_turns_along_the_arc():
    assert_same(between(pose((0, 0, -0.2)), pose((0, 0, 0.2)), 0.75), pose((0, 0, 0.1)))


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
    faces = peer.collect(FaceArray, 'face_recon/faces')

    sent = []

    def show(arrived, view, rotation=None, pause_s=0.1):
        sent.clear()

        def make(header):
            sent.append((header.stamp.sec, header.stamp.nanosec))
            if rotation is not None:
                stamp = Header(stamp=header.stamp)
                dynamic.publish(
                    TFMessage(transforms=[transform('odom', 'neck', rotation, stamp)])
                )
            return to_image(view, 'bgr8', header)

        peer.show(make, arrived, pause_s=pause_s)

    def answers():
        """What came of the images shown last."""
        return [
            f
            for f in faces.collected
            if (f.header.stamp.sec, f.header.stamp.nanosec) in sent and f.faces
        ]

    def rotation_in(message):
        q = message.faces[0].pose.pose.orientation
        return rotation_from_quaternion(q.x, q.y, q.z, q.w)

    with running('-p', 'filtering_frame:=odom') as node:
        show(lambda: len(answers()) > 0, views[0])
        show(lambda: node.count('filtering_frame') > 0, views[0])
        show(lambda: len(answers()) > 2, views[0])
        assert node.count('no transform from') == 1
        assert node.count(f'nobody publishes {FRAME}') == 1
        fixed = transform('neck', FRAME, np.eye(3), Header())
        static.publish(TFMessage(transforms=[fixed]))
        show(lambda: node.count('faces are filtered in odom') > 0, views[0], np.eye(3))
        show(lambda: len(answers()) > 3, views[0], np.eye(3))
        before = rotation_in(answers()[-1])
        # the picture rolls as the camera rolls back
        show(lambda: len(answers()) > 0, views[1], ROLL.T, pause_s=1.0)
        after = rotation_in(answers()[0])
        assert sum('filtering_frame' in line for line in node.complaints()) == 1
    off_deg = np.degrees(np.linalg.norm(rotation_vector(after @ (ROLL @ before).T)))
    assert off_deg < 2.5
