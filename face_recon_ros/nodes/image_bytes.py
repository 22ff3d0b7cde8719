# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
sensor_msgs/Image and CompressedImage as they come over the wire: pixels without a copy.

rclpy copies the pixels of a message twice more when it makes a Python object of it. The format is
CDR (OMG DDS-RTPS 10, XCDR version 1).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
from builtin_interfaces.msg import Time
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from face_recon_ros.errors import ImageError
from face_recon_ros.nodes.report import one_line

# Encapsulation: two bytes of representation, two of options; 0 big, 1 little endian, version 1
_ENCAPSULATION = 4
_ORDERS = {b'\x00\x00': '>', b'\x00\x01': '<'}


@dataclass(slots=True, frozen=True)
class ReceivedImage:
    """The fields of a sensor_msgs/Image; data (N,) uint8 is a view of what was received."""

    header: Header
    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: np.ndarray


@dataclass(slots=True, frozen=True)
class ReceivedCompressedImage:
    """The fields of a sensor_msgs/CompressedImage; data (N,) uint8 is a view."""

    header: Header
    format: str
    data: np.ndarray


RawImage: TypeAlias = ReceivedImage | Image
Compressed: TypeAlias = ReceivedCompressedImage | CompressedImage


class _Reader:
    """Reads one field after the other."""

    def __init__(self, data: bytes) -> None:
        """:raises KeyError: the representation is another one."""
        self._data = data
        self._order = _ORDERS[data[:2]]
        self._at = _ENCAPSULATION

    def number(self, kind: str = 'I') -> int:
        self._at += -self._at % 4
        (value,) = struct.unpack_from(self._order + kind, self._data, self._at)
        self._at += 4
        return int(value)

    def byte(self) -> int:
        self._at += 1
        return self._data[self._at - 1]

    def part(self) -> memoryview:
        """Return the bytes of a string or a sequence of bytes."""
        size = self.number()
        part = memoryview(self._data)[self._at : self._at + size]
        if len(part) < size:
            raise struct.error('it is cut off')
        self._at += size
        return part

    def text(self) -> str:
        return bytes(self.part()).rstrip(b'\x00').decode()

    def header(self) -> Header:
        stamp = Time(sec=self.number('i'), nanosec=self.number())
        return Header(stamp=stamp, frame_id=self.text())

    def pixels(self) -> np.ndarray:
        return np.frombuffer(self.part(), np.uint8)


def raw_image(data: bytes, topic: str) -> RawImage:
    """
    Return the image of a serialized sensor_msgs/Image.

    :raises ImageError: one line that names the topic.
    """
    try:
        reader = _Reader(data)
        return ReceivedImage(
            reader.header(), reader.number(), reader.number(), reader.text(), reader.byte(),
            reader.number(), reader.pixels(),
        )  # fmt: skip
    except (KeyError, IndexError, ValueError, struct.error):
        return _by_rclpy(data, Image, topic)


def compressed_image(data: bytes, topic: str) -> Compressed:
    """
    Return the image of a serialized sensor_msgs/CompressedImage.

    :raises ImageError: one line that names the topic.
    """
    try:
        reader = _Reader(data)
        return ReceivedCompressedImage(reader.header(), reader.text(), reader.pixels())
    except (KeyError, IndexError, ValueError, struct.error):
        return _by_rclpy(data, CompressedImage, topic)


def _by_rclpy(data: bytes, kind: type, topic: str) -> RawImage | Compressed:
    """Let rclpy read another representation, or say what is wrong."""
    try:
        message: RawImage | Compressed = deserialize_message(data, kind)
    except Exception as error:
        raise ImageError(
            f'{len(data)} bytes on {topic} are no sensor_msgs/{kind.__name__} '
            f'({one_line(error)}): check which message the camera driver publishes'
        ) from error
    return message
