# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
tf2_msgs/TFMessage as it comes over the wire: who is whose child, without making messages of it.

rclpy spends most of the time of a /tf message on Python objects for each of its transforms, of
which a listener to a few frames needs none. The format is CDR (OMG DDS-RTPS 10, XCDR version 1).
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import NamedTuple

from rclpy.serialization import deserialize_message, serialize_message
from tf2_msgs.msg import TFMessage

# Encapsulation: two bytes of representation, two of options; 0 big, 1 little endian, version 1
_ENCAPSULATION = 4
_ORDERS = {b'\x00\x00': '>', b'\x00\x01': '<'}
_POSE_BYTES = 56


class WireTransform(NamedTuple):
    """One transform; frames are UTF-8. data[at:] are its seven numbers in a byte order."""

    parent: bytes
    child: bytes
    sec: int
    nanosec: int
    order: str
    data: bytes
    at: int

    @property
    def stamp_s(self) -> float:
        """The stamp in seconds."""
        return self.sec + 1e-9 * self.nanosec

    def pose(self) -> tuple[float, ...]:
        """Return x, y, z and the quaternion x, y, z, w of the child in the parent."""
        return struct.unpack_from(f'{self.order}7d', self.data, self.at)


def transforms_in(data: bytes) -> Iterator[WireTransform]:
    """
    Give the transforms of a serialized TFMessage one after the other.

    :raises struct.error: it is cut off.
    """
    order = _ORDERS.get(bytes(data[:2]))
    if order is None:
        # another representation: let rclpy read it and write it in ours
        data = serialize_message(deserialize_message(bytes(data), TFMessage))
        order = _ORDERS[bytes(data[:2])]
    head = struct.Struct(f'{order}iII').unpack_from
    length = struct.Struct(f'{order}I').unpack_from
    (count,) = length(data, _ENCAPSULATION)
    at = _ENCAPSULATION + 4
    for _ in range(count):
        sec, nanosec, size = head(data, at)
        at += 12
        parent = data[at : at + size - 1]
        # numbers are aligned to their size, from the end of the encapsulation
        at += size + (-size & 3)
        (size,) = length(data, at)
        at += 4
        child = data[at : at + size - 1]
        at += size
        at += _ENCAPSULATION - at & 7
        if at + _POSE_BYTES > len(data):
            raise struct.error('it is cut off')
        yield WireTransform(parent, child, sec, nanosec, order, data, at)
        at += _POSE_BYTES
