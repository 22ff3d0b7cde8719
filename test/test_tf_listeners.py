# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Who on /tf wants frames of faces: all but nodes of this package, which look for the camera's."""

from types import SimpleNamespace

import pytest

pytest.importorskip('rclpy')

import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from node_process import (
    image_profile,  # noqa: F401
    running,
)
from rclpy.node import NodeNameNonExistentError
from sensor_msgs.msg import Image
from tf2_msgs.msg import TFMessage

from face_recon_ros.nodes.images import to_image
from face_recon_ros.nodes.tf_listeners import TransformListeners

pytestmark = pytest.mark.ros
FACES = ('/x/faces', ['face_recon_ros/msg/FaceArray'])
GAZES = ('/x/gazes', ['face_recon_ros/msg/Gazes'])
LOG = ('/rosout', ['rcl_interfaces/msg/Log'])
ME, FRONT, REAR = ('face_recon', '/'), ('face_recon', '/front'), ('face_recon', '/rear')
RVIZ, RELAY = ('rviz', '/'), ('relay', '/')
# what Fast DDS says of nodes that it has not heard of yet
NAMELESS = ('_NODE_NAME_UNKNOWN_', '_NODE_NAMESPACE_UNKNOWN_')
PUBLISHED = {FRONT: [LOG, FACES, GAZES], REAR: [GAZES, FACES], RVIZ: [LOG], RELAY: [LOG, FACES]}


class Graph:
    """Who listens to /tf, and what they publish, as a node sees it."""

    def __init__(self, *listeners):
        self.listeners = list(listeners)
        self.asked = 0
        self.now_s = 0.0
        self.watch = TransformListeners(self, now=lambda: self.now_s)

    def get_name(self):
        return ME[0]

    def get_namespace(self):
        return ME[1]

    def get_subscriptions_info_by_topic(self, topic):
        assert topic == '/tf'
        self.asked += 1
        return [SimpleNamespace(node_name=n, node_namespace=s) for n, s in self.listeners]

    def get_publisher_names_and_types_by_node(self, name, namespace):
        if (name, namespace) not in PUBLISHED:
            raise NodeNameNonExistentError('who?')
        return PUBLISHED[name, namespace]

    def is_wanted(self, own=0, count=None):
        return self.watch.want_faces(len(self.listeners) if count is None else count, own)


@pytest.mark.parametrize(
    ('listeners', 'own', 'is_wanted'),
    [
        ([], 0, False), ([RVIZ], 0, True), ([ME], 1, False), ([ME, RVIZ], 1, True),
        ([ME, ME], 2, False), ([ME, FRONT], 1, False), ([FRONT, REAR, FRONT], 0, False),
        ([FRONT, ME, REAR, RVIZ], 1, True),
        # passes faces on, and looks up their frames
        ([FRONT, RELAY], 0, True),
        ([FRONT, NAMELESS], 0, True),
        # made from this node, or another of its name
        ([ME, ME], 1, True), ([FRONT, ME], 0, True),
    ],
)  # fmt: skip
def test_all_but_nodes_of_this_package_want_faces(listeners, own, is_wanted):
    assert Graph(*listeners).is_wanted(own) is is_wanted


@pytest.mark.parametrize('name', [NAMELESS, ('gone', '/'), ('', '/'), ('no name', '/'), ('x', '')])
def test_rclpy_knows_nothing_of_a_listener_without_a_name(make_node, name):
    graph, node = Graph(name), make_node(lambda: rclpy.create_node('asking'), [])
    graph.get_publisher_names_and_types_by_node = node.get_publisher_names_and_types_by_node
    assert graph.is_wanted()


def test_listeners_that_the_graph_does_not_have_yet_want_faces():
    assert Graph(FRONT).is_wanted(count=2)


def test_the_graph_is_asked_when_the_number_changes_and_once_a_second():
    graph = Graph(FRONT)
    for _ in range(30):
        assert not graph.is_wanted()
        graph.now_s += 0.03
    assert graph.asked == 1
    graph.listeners.append(RVIZ)
    assert graph.is_wanted()
    assert graph.asked == 2
    graph.listeners[:] = [FRONT, REAR]
    graph.now_s += 0.99
    assert graph.is_wanted()
    graph.now_s += 0.01
    assert not graph.is_wanted()
    assert graph.asked == 3


def test_two_nodes_with_a_filtering_frame_leave_each_other_in_peace(peer, image):
    """Each listens to /tf, and is idle until somebody else does."""
    diagnostics = peer.collect(DiagnosticArray, '/diagnostics').collected
    publishers = [peer.node.create_publisher(Image, f'/{n}/image', 1) for n in ('a', 'b')]
    idle = 'idle: nobody subscribes to any output'

    def said(name):
        found = [s.message for d in diagnostics for s in d.status if s.name == f'{name}: faces']
        return found[-1] if found else ''

    def show_until(is_idle):
        def all_so():
            words = [said(f'{n}/face_recon') for n in ('a', 'b')]
            return all(words) and [w == idle for w in words] == [is_idle] * 2

        def make(header):
            message = to_image(image, 'bgr8', header)
            publishers[0].publish(message)
            return message

        peer.show(make, all_so, info=False, publisher=publishers[1])

    arguments = ('-p', 'filtering_frame:=odom', '-p', 'diagnostics_period:=0.1')
    with running(*arguments, '-r', '__ns:=/a'), running(*arguments, '-r', '__ns:=/b'):
        for name in ('a', 'b'):
            peer.ping(f'/{name}/face_recon')
        diagnostics.clear()
        show_until(is_idle=True)
        listener = peer.collect(TFMessage, '/tf')
        show_until(is_idle=False)
        peer.drop(listener)
        show_until(is_idle=True)
