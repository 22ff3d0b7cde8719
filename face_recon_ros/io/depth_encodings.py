# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The depths of sensor_msgs/Image and CompressedImage as a DepthImage (REP-118).

Raw images are 16UC1 or mono16 in millimetres, or 32FC1 in metres. Compressed ones are those of
image_transport's plugin compressedDepth: twelve bytes of header (format, and the two numbers that
32FC1 was quantised with), then a PNG of 16 bits.
"""

from __future__ import annotations

import struct
from typing import Any

import cv2
import numpy as np

from face_recon_ros.depth_image import DepthImage
from face_recon_ros.errors import ImageError

ENCODINGS = {'16UC1': 'u2', 'mono16': 'u2', '32FC1': 'f4'}
# compressed_depth_image_transport: ConfigHeader {int32 format; float32 depthParam[2]}
_HEADER = struct.Struct('<iff')


def to_depth(message: Any, topic: str) -> DepthImage:
    """
    Return the depths of a raw image.

    :param topic: resolved name of the topic, named in errors.
    :raises ImageError: one line naming topic, fault and remedy.
    """
    kind = ENCODINGS.get(message.encoding)
    if kind is None:
        raise ImageError(
            f"depth image on {topic} has encoding '{message.encoding}': publish 16UC1 "
            '(millimetres) or 32FC1 (metres)'
        )
    width, height, step = message.width, message.height, message.step
    row_bytes = width * int(kind[1])
    if width == 0 or height == 0 or len(message.data) == 0:
        raise ImageError(f'depth image on {topic} is empty: check the camera driver')
    if step < row_bytes or len(message.data) < step * height:
        raise ImageError(
            f'depth image on {topic} has {len(message.data)} bytes in rows of {step} for '
            f'{width}x{height} {message.encoding}: fix step or data in the camera driver'
        )
    grid = np.frombuffer(message.data, np.uint8, height * step).reshape(height, step)
    order = '>' if message.is_bigendian else '<'
    values = np.ascontiguousarray(grid[:, :row_bytes]).view(order + kind)
    return DepthImage(values.astype(np.dtype(kind), copy=False))


def compressed_to_depth(message: Any, topic: str) -> DepthImage:
    """
    Return the depths of an image of image_transport's compressedDepth.

    :raises ImageError: one line naming topic, fault and remedy.
    """
    encoding = message.format.partition(';')[0].strip()
    data = bytes(message.data)
    # the oldest plugins name the encoding alone
    named = 'compressedDepth' in message.format or message.format.strip() == encoding
    if not named or encoding not in ENCODINGS:
        raise ImageError(
            f"compressed depth on {topic} has format '{message.format}': subscribe to "
            "image_transport's compressedDepth of 16UC1 or 32FC1, or to the raw image"
        )
    if 'rvl' in message.format:
        raise ImageError(
            f'compressed depth on {topic} is RVL, which is not supported: set the parameter '
            'format of the compressedDepth plugin to png, or subscribe to the raw image'
        )
    try:
        stored = cv2.imdecode(
            np.frombuffer(data[_HEADER.size :], np.uint8), cv2.IMREAD_UNCHANGED
        ) if len(data) > _HEADER.size else None
    except cv2.error:
        stored = None
    if stored is None or stored.ndim != 2 or stored.dtype != np.uint16:
        raise ImageError(
            f'compressed depth on {topic} cannot be decoded ({len(data)} bytes): check the link '
            'to the camera'
        )
    if ENCODINGS[encoding] == 'u2':
        return DepthImage(stored)
    _, a, b = _HEADER.unpack_from(data)
    with np.errstate(divide='ignore', invalid='ignore'):
        metres = np.where(stored > 0, a / (stored.astype(np.float32) - b), np.nan)
    return DepthImage(metres.astype(np.float32))
