# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Image messages off the wire: the fields that rclpy reads, and one line for what is none."""

import struct

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from rclpy.serialization import deserialize_message, serialize_message
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from face_recon_ros.errors import ImageError
from face_recon_ros.nodes import image_bytes
from face_recon_ros.nodes.image_bytes import compressed_image, raw_image

TOPIC = '/camera/image'


def header(frame_id='camera_optical'):
    return Header(stamp=Time(sec=-3, nanosec=999999999), frame_id=frame_id)


def raw_message(frame_id='camera_optical', encoding='bgr8', width=5, height=3):
    return Image(
        header=header(frame_id), height=height, width=width, encoding=encoding, is_bigendian=1,
        step=3 * width, data=bytes(k % 256 for k in range(3 * width * height)),
    )  # fmt: skip


def big_endian(message):
    """Return an Image as a big-endian machine would write it."""
    parts = [b'\x00\x00\x00\x00']
    size = 0

    def put(piece, align=1):
        nonlocal size
        parts.append(b'\x00' * (-size % align) + piece)
        size += len(parts[-1])

    def text(value):
        put(struct.pack('>I', len(value) + 1), 4)
        put(value.encode() + b'\x00')

    put(struct.pack('>iI', message.header.stamp.sec, message.header.stamp.nanosec))
    text(message.header.frame_id)
    put(struct.pack('>II', message.height, message.width), 4)
    text(message.encoding)
    put(bytes([message.is_bigendian]))
    put(struct.pack('>II', message.step, len(message.data)), 4)
    put(bytes(message.data))
    return b''.join(parts)


@pytest.mark.parametrize('frame_id', ['', 'a', 'ab', 'abc', 'abcd', 'kamera_\u00e4\u00f6'])
@pytest.mark.parametrize('encoding', ['bgr8', 'mono8', 'yuv422_yuy2', '16UC1', ''])
def test_fields_are_those_that_rclpy_reads(frame_id, encoding):
    data = serialize_message(raw_message(frame_id, encoding))
    expected, found = deserialize_message(data, Image), raw_image(data, TOPIC)
    for name in ('header', 'height', 'width', 'encoding', 'is_bigendian', 'step'):
        assert getattr(found, name) == getattr(expected, name), name
    np.testing.assert_array_equal(found.data, np.frombuffer(expected.data, np.uint8))


def test_pixels_are_not_copied():
    data = serialize_message(raw_message(width=40, height=30))
    assert np.shares_memory(raw_image(data, TOPIC).data, np.frombuffer(data, np.uint8))


@pytest.mark.parametrize('frame_id', ['a', 'abc'])
def test_a_big_endian_machine_may_publish(frame_id):
    message = raw_message(frame_id)
    found = raw_image(big_endian(message), TOPIC)
    assert (found.header, found.height, found.width) == (message.header, 3, 5)
    assert (found.encoding, found.is_bigendian, found.step) == ('bgr8', 1, 15)
    assert bytes(found.data) == bytes(message.data)


@pytest.mark.parametrize('size', [0, 1, 2, 7])
def test_compressed_fields_are_those_that_rclpy_reads(size):
    message = CompressedImage(header=header(), format='rgb8; jpeg', data=bytes(range(size)))
    found = compressed_image(serialize_message(message), TOPIC)
    assert (found.header, found.format) == (message.header, message.format)
    assert bytes(found.data) == bytes(message.data)


def test_another_representation_is_left_to_rclpy(monkeypatch):
    data = serialize_message(raw_message())
    asked = []

    def read(given, kind):
        asked.append(given)
        return deserialize_message(data, kind)

    monkeypatch.setattr(image_bytes, 'deserialize_message', read)
    other = b'\x00\x07' + data[2:]
    found = raw_image(other, TOPIC)
    assert asked == [other]
    assert found == deserialize_message(data, Image)


@pytest.mark.parametrize('kind', [raw_image, compressed_image])
@pytest.mark.parametrize('data', [b'', b'\x00', b'\x00\x01\x00\x00', b'\xff' * 40])
def test_what_is_no_image_is_one_line(kind, data):
    with pytest.raises(ImageError) as caught:
        kind(data, TOPIC)
    text = str(caught.value)
    assert TOPIC in text
    assert 'camera driver' in text
    assert '\n' not in text


@pytest.mark.parametrize('count', range(1, 60, 7))
def test_a_message_that_is_cut_off_is_one_line(count):
    data = serialize_message(raw_message())
    with pytest.raises(ImageError, match=TOPIC):
        raw_image(data[:-count], TOPIC)
