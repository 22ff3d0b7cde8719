# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""sensor_msgs/Image to and from the (H, W, 3) uint8 BGR arrays of the core."""

import array
from typing import Any

import numpy as np
from sensor_msgs.msg import Image

from face_recon_ros.errors import ImageError
from face_recon_ros.io import encodings
from face_recon_ros.nodes.report import one_line


def to_bgr(message: Image, topic: str) -> np.ndarray:
    """
    Convert a raw image as encodings.py does; what is not known there goes to cv_bridge.

    :raises ImageError: one line naming topic, fault and remedy.
    """
    try:
        return encodings.to_bgr(message, topic)
    except encodings.UnknownEncodingError as unknown:
        return _by_cv_bridge(message, unknown)


def to_image(pixels: np.ndarray, encoding: str, header: Any) -> Image:
    """
    Make an Image of a (H, W) or (H, W, C) array, carrying the given header.

    An array.array is the one type that rclpy takes over without looking at every byte.
    """
    pixels = np.ascontiguousarray(pixels)
    data = array.array('B')
    data.frombytes(pixels.data.cast('B'))
    message = Image(
        height=pixels.shape[0],
        width=pixels.shape[1],
        encoding=encoding,
        is_bigendian=pixels.dtype.byteorder == '>',
        step=pixels.strides[0],
    )
    message.header = header
    message.data = data
    return message


def _by_cv_bridge(message: Image, unknown: ImageError) -> np.ndarray:
    """Let cv_bridge try: it knows what is rare, but not every installation of it works."""
    try:
        from cv_bridge import CvBridge
    except Exception as error:
        raise ImageError(f'{unknown}, or install cv_bridge') from error
    try:
        return np.ascontiguousarray(CvBridge().imgmsg_to_cv2(message, 'bgr8'), np.uint8)
    except Exception as error:
        raise ImageError(f'{unknown} (cv_bridge: {one_line(error)})') from error
