# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Names of topics that the node listens to.

rclpy remaps every name that it is given, once. A full name that came of a remapping is remapped
again, so it is for people to read, and rclpy gets the name before.
"""

from __future__ import annotations

from dataclasses import dataclass

from rclpy.node import Node
from sensor_msgs.msg import CompressedImage, Image

from face_recon_ros.nodes.settings import COMPRESSED, COMPRESSED_DEPTH, RAW

IMAGE, DEPTH_IMAGE = 'image', 'depth_image'


@dataclass(slots=True, frozen=True)
class Topic:
    """A topic of images: the name for rclpy, the full name, and how its images are sent."""

    name: str
    full_name: str
    transport: str

    @property
    def kind(self) -> type[Image] | type[CompressedImage]:
        """The type of its messages: raw images of a name for compressed ones are those."""
        is_raw = self.transport == RAW and not self.full_name.endswith(f'/{COMPRESSED}')
        return Image if is_raw else CompressedImage


def topic_of(node: Node, base: str, transport: str) -> Topic:
    """Return the topic of images: the base name is remapped, transports follow."""
    full_name = node.resolve_topic_name(base)
    if transport not in (COMPRESSED, COMPRESSED_DEPTH):
        return Topic(base, full_name, transport)
    name = f'{full_name}/{transport}'
    return Topic(name, node.resolve_topic_name(name), transport)


def other_transport(node: Node, topic: Topic) -> Topic:
    """Return the topic of the same images as a topic's, but sent in the other way."""
    if topic.transport != RAW:
        return topic_of(node, IMAGE, RAW)
    if topic.kind is CompressedImage:
        plain = topic.full_name.removesuffix(f'/{COMPRESSED}')
        return Topic(plain, plain, RAW)
    return topic_of(node, IMAGE, COMPRESSED)


def type_name(kind: type) -> str:
    """Return what the graph calls a type of messages."""
    return f'{kind.__module__.partition(".")[0]}/msg/{kind.__name__}'
