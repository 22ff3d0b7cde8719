# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Consumers that know nothing of this package: default QoS, RViz's, and ROS4HRI's."""

import sys

import numpy as np
import pytest
from diagnostic_msgs.msg import DiagnosticArray
from face_recon_ros.msg import FaceArray
from geometry_msgs.msg import PoseArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState
from node_process import (
    FRAME,
    HEIGHT,
    WIDTH,
    Peer,
    image_profile,  # noqa: F401
    process,
    running,
)
from rclpy.qos import (
    DurabilityPolicy,
    QoSProfile,
    ReliabilityPolicy,
    qos_profile_sensor_data,
    qos_profile_system_default,
)
from sensor_msgs.msg import CameraInfo, Image, PointCloud2
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray

from face_recon_ros.nodes.images import to_image

OUTPUTS = {
    '/face_recon/faces': FaceArray,
    '/tf': TFMessage,
    '/face_recon/poses': PoseArray,
    '/face_recon/markers': MarkerArray,
    '/face_recon/mesh_image': Image,
    '/face_recon/overlay_image': Image,
    '/face_recon/depth_image': Image,
    '/face_recon/points': PointCloud2,
    '/diagnostics': DiagnosticArray,
}
# What RViz subscribes with unless told otherwise (rviz_common: RosTopicProperty), and what
# tf2_ros does (DynamicListenerQoS)
RVIZ = QoSProfile(
    depth=5, reliability=ReliabilityPolicy.RELIABLE, durability=DurabilityPolicy.VOLATILE
)
SUBSCRIBERS = {
    'default': 10,
    'rviz': RVIZ,
    'sensor data': qos_profile_sensor_data,
    'system default': qos_profile_system_default,
}


@pytest.fixture(scope='module')
def node():
    with running('-p', 'diagnostics_period:=0.2') as process:
        process.wait_line('looking for faces in /image')
        yield process
        assert process.end() == 0
        assert process.complaints() == []


@pytest.fixture
def peer(node):
    peer = Peer()
    yield peer
    peer.close()


def showing(image):
    return lambda header: to_image(image, 'bgr8', header)


@pytest.mark.parametrize('name', SUBSCRIBERS)
def test_any_subscriber_receives_everything(peer, image, name):
    outputs = {t: peer.collect(kind, t, SUBSCRIBERS[name]) for t, kind in OUTPUTS.items()}
    peer.show(showing(image), lambda: all(o.collected for o in outputs.values()))
    for topic, output in outputs.items():
        message = output.collected[-1]
        header = getattr(message, 'header', None)
        if topic == '/tf':
            header = message.transforms[0].header
        elif topic == '/face_recon/markers':
            header = message.markers[0].header
        if topic != '/diagnostics':
            assert header.frame_id == FRAME, topic


@pytest.mark.parametrize(
    'camera', [10, qos_profile_sensor_data], ids=['default', 'sensor data']
)
def test_any_camera_is_heard(peer, image, camera):
    images = peer.node.create_publisher(Image, 'image', camera)
    peer.infos = peer.node.create_publisher(CameraInfo, 'camera_info', camera)
    faces = peer.collect(FaceArray, '/face_recon/faces', 10)
    peer.show(showing(image), lambda: any(f.faces for f in faces.collected), publisher=images)


# --- REP-155 ---------------------------------------------------------------------


class Listener:
    """
    Follows people as libhri does: subscribes to the list of faces, and to the topics of each face
    from when it is in the list until it is not, all with the middleware's default QoS.
    """

    def __init__(self, peer):
        hri_msgs = pytest.importorskip('hri_msgs.msg')
        self._peer = peer
        self._kinds = {
            'roi': hri_msgs.NormalizedRegionOfInterest2D,
            'landmarks': hri_msgs.FacialLandmarks,
            'cropped': Image,
            'aligned': Image,
            'facs': hri_msgs.FacialActionUnits,
        }
        self.lists = []
        self.faces = {}
        peer.node.create_subscription(
            hri_msgs.IdsList, '/humans/faces/tracked', self._on_list, qos_profile_system_default
        )

    def _on_list(self, message):
        self.lists.append(message)
        for face_id in self.faces.keys() - set(message.ids):
            self._peer.drop(*self.faces.pop(face_id).values())
        for face_id in set(message.ids) - self.faces.keys():
            self.faces[face_id] = {
                name: self._peer.collect(
                    kind, f'/humans/faces/{face_id}/{name}', qos_profile_system_default
                )
                for name, kind in self._kinds.items()
            }

    def complete(self):
        """Tell whether there is a face of which everything has arrived."""
        return any(all(t.collected for t in topics.values()) for topics in self.faces.values())


def humans(peer):
    return {name for name, _ in peer.node.get_topic_names_and_types() if '/humans/faces/' in name}


def test_faces_are_followed_as_rep_155_says(peer, image):
    listener = Listener(peer)
    frames = peer.collect(TFMessage, '/tf', 100)
    peer.show(showing(image), listener.complete)
    ((face_id, topics),) = listener.faces.items()
    expected = {
        '/humans/faces/tracked',
        *(f'/humans/faces/{face_id}/{name}' for name in topics),
    }
    peer.wait(lambda: humans(peer) == expected, f'{expected}')
    children = {t.child_frame_id for m in frames.collected for t in m.transforms}
    assert children == {f'face_{face_id}', f'gaze_{face_id}'}

    roi, landmarks, cropped, aligned, facs = (topics[name].collected[-1] for name in topics)
    for message in (roi, landmarks, cropped, aligned, facs, listener.lists[-1]):
        assert message.header.frame_id == FRAME
    assert 0 < roi.xmin < 0.5 < roi.xmax < 1
    assert 0 < roi.ymin < 0.5 < roi.ymax < 1
    assert 0.5 < roi.c <= 1
    assert (landmarks.width, landmarks.height) == (WIDTH, HEIGHT)
    nose = landmarks.landmarks[landmarks.NOSE]
    assert roi.xmin < nose.x < roi.xmax
    assert roi.ymin < nose.y < roi.ymax
    for picture in (cropped, aligned):
        assert (picture.width, picture.height, picture.encoding) == (128, 128, 'bgr8')
        assert np.frombuffer(picture.data, np.uint8).std() > 20

    # and the face goes: so do its topics
    wall = np.full_like(image, 90)
    peer.show(showing(wall), lambda: not listener.faces and len(humans(peer)) == 1)
    assert listener.lists[-1].ids == []


def test_a_listener_to_one_face_alone_keeps_it_coming(peer, image):
    listener = Listener(peer)
    peer.show(showing(image), listener.complete)
    ((face_id, _),) = listener.faces.items()
    regions = peer.collect(
        pytest.importorskip('hri_msgs.msg').NormalizedRegionOfInterest2D,
        f'/humans/faces/{face_id}/roi',
    )
    other = Peer()  # whose end does not end the listening of the first
    other.close()
    count = len(regions.collected)
    peer.show(showing(image), lambda: len(regions.collected) > count + 5, pause_s=0.03)


def test_deactivation_ends_the_faces(peer, image):
    listener = Listener(peer)
    peer.show(showing(image), listener.complete)
    change = Transition(id=Transition.TRANSITION_DEACTIVATE)
    assert peer.call(ChangeState, 'face_recon/change_state', transition=change).success
    peer.wait(lambda: not listener.faces and len(humans(peer)) == 1, 'the end of the face')
    change = Transition(id=Transition.TRANSITION_ACTIVATE)
    assert peer.call(ChangeState, 'face_recon/change_state', transition=change).success
    peer.show(showing(image), listener.complete)


def test_switched_off_while_running(peer, image):
    listener = Listener(peer)
    faces = peer.collect(FaceArray, '/face_recon/faces')
    peer.show(showing(image), listener.complete)
    peer.set_parameters(publish_humans=False)
    peer.show(showing(image), lambda: not listener.faces and len(humans(peer)) == 1)
    assert faces.collected[-1].faces
    peer.set_parameters(publish_humans=True)
    peer.show(showing(image), listener.complete)


def published(peer, name, namespace, awaited):
    """Names of the topics a node publishes; its data may arrive before its name and theirs do."""
    nodes = peer.node.get_node_names_and_namespaces

    def topics():
        if (name, namespace) not in nodes():
            return []
        named = peer.node.get_publisher_names_and_types_by_node(name, namespace)
        return [topic for topic, _ in named]

    peer.wait(lambda: awaited in topics(), f'{awaited} of {namespace}/{name}')
    return topics()


def test_without_hri_msgs_all_else_is_there(image):
    without = (
        "import sys; sys.modules['hri_msgs'] = None; "
        'from face_recon_ros.nodes.face_recon_node import main; sys.exit(main())'
    )
    command = [sys.executable, '-c', without, '--ros-args', '-r', '__ns:=/alone']
    with process(command) as node:
        node.wait_line('hri_msgs is not installed: nothing under /humans (REP-155)')
        node.wait_line('looking for faces')
        peer = Peer('/alone')
        try:
            faces = peer.collect(FaceArray, 'face_recon/faces', 10)
            peer.show(showing(image), lambda: any(f.faces for f in faces.collected))
            sent = published(peer, 'face_recon', '/alone', '/alone/face_recon/faces')
            assert not [name for name in sent if 'humans' in name]
        finally:
            peer.close()
        assert node.end() == 0
        assert node.complaints() == []
