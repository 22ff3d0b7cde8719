# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Names of the topics that a node listens to: remapped as ROS does it, once."""

import pytest
from sensor_msgs.msg import CompressedImage, Image

from face_recon_ros.nodes.node import FaceReconNode
from face_recon_ros.nodes.topics import other_transport, topic_of

# each rule's target is what the next one names
CHAINS = (
    'image:=/a', '/a:=/b', 'depth_image:=/d', '/d:=/e', 'camera_info:=/i', '/i:=/j',
    '/a/compressed:=/c',
)  # fmt: skip
RULES = [word for rule in CHAINS for word in ('-r', rule)]


@pytest.mark.parametrize(('transports', 'image', 'depth'), [
    (('raw', 'raw'), '/a', '/d'),
    # a rule of its own for the name with the transport
    (('compressed', 'compressedDepth'), '/c', '/d/compressedDepth'),
])  # fmt: skip
def test_a_node_listens_where_it_says(make_node, transports, image, depth):
    node = make_node(FaceReconNode, [
        '--ros-args', '-p', 'autostart:=false', '-p', 'use_depth:=always', *RULES,
        '-p', f'image_transport:={transports[0]}', '-p', f'depth_transport:={transports[1]}',
    ])  # fmt: skip
    node.trigger_configure()
    node.trigger_activate()
    kinds = {s.topic_name: s.msg_type for s in node.subscriptions}
    assert kinds[image] is kinds[depth] is (Image if transports[0] == 'raw' else CompressedImage)
    assert '/i' in kinds
    assert not {'/b', '/e', '/j', '/a/compressed'} & set(kinds)
    assert node._diagnosis.image_topic.full_name == image


def test_the_other_transport(make_node):
    node = make_node(FaceReconNode, ['--ros-args', '-p', 'autostart:=false', *RULES])
    raw, compressed = (topic_of(node, 'image', kind) for kind in ('raw', 'compressed'))
    assert (raw.full_name, raw.kind) == ('/a', Image)
    assert (compressed.full_name, compressed.kind) == ('/c', CompressedImage)
    assert other_transport(node, raw) == compressed
    assert other_transport(node, compressed) == raw


def test_raw_images_of_a_name_for_compressed_ones(make_node):
    """They are those, by their name; the others are beside them."""
    node = make_node(FaceReconNode, [
        '--ros-args', '-p', 'autostart:=false', '-r', 'image:=/a/compressed'])  # fmt: skip
    topic = topic_of(node, 'image', 'raw')
    assert (topic.full_name, topic.kind) == ('/a/compressed', CompressedImage)
    other = other_transport(node, topic)
    assert (other.full_name, other.kind, other.transport) == ('/a', Image, 'raw')
