# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The pixels of sensor_msgs/Image and CompressedImage as (H, W, 3) uint8 BGR.

Accepts any object with the fields of those messages: of rclpy, or read from a bag. Encodings
are those of sensor_msgs/image_encodings.hpp; row padding (``step``) and ``is_bigendian`` are
respected.

Samples of 16 bits are scaled to 8 by the range in use, see to_8_bits.
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from face_recon_ros.errors import ImageError
from face_recon_ros.io.whole_image import CUT_OFF, fault_of

# Bits per sample that sensors deliver in samples of 16
_SENSOR_BITS = (8, 10, 12, 14, 16)
# How files of Radiance (.hdr) begin
_RADIANCE = b'#?'


class UnknownEncodingError(ImageError):
    """An image has an encoding that is not listed here."""


@dataclass(frozen=True, slots=True)
class Layout:
    """How one encoding lies in memory and how OpenCV makes BGR of it."""

    channels: int = 1
    sample_bytes: int = 1
    # Rows of data for every two rows of picture: 3 where chroma planes follow the luma plane.
    rows_per_two: int = 2
    conversion: int | None = None


_BAYER = {  # OpenCV names a pattern by its second row's second and third pixel
    'bayer_rggb': cv2.COLOR_BayerBG2BGR,
    'bayer_bggr': cv2.COLOR_BayerRG2BGR,
    'bayer_gbrg': cv2.COLOR_BayerGR2BGR,
    'bayer_grbg': cv2.COLOR_BayerGB2BGR,
}

LAYOUTS: dict[str, Layout] = {
    'bgr8': Layout(3),
    '8UC3': Layout(3),
    'rgb8': Layout(3, conversion=cv2.COLOR_RGB2BGR),
    'bgra8': Layout(4, conversion=cv2.COLOR_BGRA2BGR),
    '8UC4': Layout(4, conversion=cv2.COLOR_BGRA2BGR),
    'rgba8': Layout(4, conversion=cv2.COLOR_RGBA2BGR),
    'bgr16': Layout(3, sample_bytes=2),
    'rgb16': Layout(3, sample_bytes=2, conversion=cv2.COLOR_RGB2BGR),
    'mono8': Layout(conversion=cv2.COLOR_GRAY2BGR),
    '8UC1': Layout(conversion=cv2.COLOR_GRAY2BGR),
    'mono16': Layout(sample_bytes=2, conversion=cv2.COLOR_GRAY2BGR),
    '16UC1': Layout(sample_bytes=2, conversion=cv2.COLOR_GRAY2BGR),
    'yuv422': Layout(2, conversion=cv2.COLOR_YUV2BGR_UYVY),
    'uyvy': Layout(2, conversion=cv2.COLOR_YUV2BGR_UYVY),
    'yuv422_yuy2': Layout(2, conversion=cv2.COLOR_YUV2BGR_YUY2),
    'yuyv': Layout(2, conversion=cv2.COLOR_YUV2BGR_YUY2),
    'nv12': Layout(rows_per_two=3, conversion=cv2.COLOR_YUV2BGR_NV12),
    'nv21': Layout(rows_per_two=3, conversion=cv2.COLOR_YUV2BGR_NV21),
    **{f'{name}8': Layout(conversion=code) for name, code in _BAYER.items()},
    **{f'{name}16': Layout(sample_bytes=2, conversion=code) for name, code in _BAYER.items()},
}


def to_bgr(message: Any, topic: str) -> np.ndarray:
    """
    Convert a raw image of any supported encoding.

    :param topic: resolved name of the topic, named in errors.
    :returns: (H, W, 3) uint8 BGR, contiguous; may be a read-only-by-courtesy view of the message.
    :raises UnknownEncodingError: not one of LAYOUTS.
    :raises ImageError: one line naming topic, fault and remedy.
    """
    if message.width == 0 or message.height == 0 or len(message.data) == 0:
        raise ImageError(
            f'image on {topic} is empty ({message.width}x{message.height}, '
            f'{len(message.data)} bytes): check the camera driver'
        )
    layout = LAYOUTS.get(message.encoding)
    if layout is None:
        raise UnknownEncodingError(
            f"image on {topic} has encoding '{message.encoding}', which is not supported: "
            f'publish one of {", ".join(LAYOUTS)}'
        )
    samples = _samples(message, layout, topic)
    if layout.conversion is None:
        return samples
    return cv2.cvtColor(samples, layout.conversion)


def compressed_to_bgr(message: Any, topic: str) -> np.ndarray:
    """
    Decode a compressed image (JPEG, PNG, whatever OpenCV reads) as stored.

    An orientation in EXIF is ignored: calibration belongs to the pixels as the camera gave them.

    :returns: (H, W, 3) uint8 BGR.
    :raises ImageError: one line naming topic, fault and remedy.
    """
    data = np.frombuffer(message.data, np.uint8)
    if data.size == 0:
        raise ImageError(f'compressed image on {topic} is empty: check the camera driver')
    # OpenCV fills the missing part of a truncated image with grey, without an error.
    fault = fault_of(data)
    if fault:
        reason = f'truncated ({data.size} bytes, no end)' if fault == CUT_OFF else fault
        raise ImageError(
            f'compressed image on {topic} is {reason}: check the link to the camera'
        )
    try:
        image = decode_image(data, cv2.IMREAD_IGNORE_ORIENTATION)
    except cv2.error:
        image = None
    if image is None:
        raise ImageError(
            f"compressed image on {topic} can't be decoded (format '{message.format}', "
            f'{data.size} bytes): publish jpeg or png, or use image_transport:=raw'
        )
    return image


def decode_image(data: bytes | np.ndarray, more_flags: int = 0) -> np.ndarray | None:
    """
    Decode the bytes of an image file to (H, W, 3) uint8 BGR; None: OpenCV does not know it.

    :param more_flags: of cv2.imdecode
    :raises cv2.error: it is too large, or broken.
    """
    buffer = np.frombuffer(data, np.uint8)
    image = cv2.imdecode(buffer, cv2.IMREAD_COLOR | cv2.IMREAD_ANYDEPTH | more_flags)
    if image is None or image.dtype == np.uint8:
        return image
    if image.dtype == np.uint16:
        return to_8_bits(image)
    # those of Radiance may be above 1, which is white
    values = np.nan_to_num(image, nan=0.0)
    if values.max(initial=0.0) <= 1 or bytes(buffer[:2]) == _RADIANCE:
        values = np.clip(values, 0, 1) * 255
    return np.round(np.clip(values, 0, 255)).astype(np.uint8)


def to_8_bits(samples: np.ndarray) -> np.ndarray:
    """
    Scale uint16 samples to uint8 by the bits of the sensor: 8, 10, 12, 14 or 16.

    The bits are derived from the brightest sample of this image alone, so that the result does not
    depend on other images. A camera of 10 or 12 bits nearly always has a sample in the upper three
    quarters of its range; where it is darker the image gets brighter by 4.
    """
    brightest = int(samples.max(initial=0))
    bits = next(b for b in _SENSOR_BITS if brightest < 1 << b)
    return (samples >> (bits - 8)).astype(np.uint8)


def _samples(message: Any, layout: Layout, topic: str) -> np.ndarray:
    """Check sizes and return the 8-bit samples, (rows, W, C) or (rows, W), without padding."""
    width, height, step = message.width, message.height, message.step
    _check_even(message, layout, topic)
    row_bytes = width * layout.channels * layout.sample_bytes
    if step < row_bytes:
        raise ImageError(
            f'image on {topic} has step {step}, too small for {width} pixels of '
            f'{message.encoding} ({row_bytes} bytes): fix step or encoding in the camera driver'
        )
    rows = height * layout.rows_per_two // 2
    if len(message.data) < rows * step:
        raise ImageError(
            f'image on {topic} is truncated: {len(message.data)} bytes, but {rows} rows of step '
            f'{step} are {rows * step}: fix step or data in the camera driver'
        )
    grid = np.frombuffer(message.data, np.uint8, rows * step).reshape(rows, step)[:, :row_bytes]
    if layout.sample_bytes == 2:
        grid = to_8_bits(np.ascontiguousarray(grid).view('>u2' if message.is_bigendian else '<u2'))
    shape = (rows, width) if layout.channels == 1 else (rows, width, layout.channels)
    return np.ascontiguousarray(grid).reshape(shape)


def _check_even(message: Any, layout: Layout, topic: str) -> None:
    odd_width = message.width % 2 and (layout.channels == 2 or layout.rows_per_two == 3)
    odd_height = message.height % 2 and layout.rows_per_two == 3
    if odd_width or odd_height:
        raise ImageError(
            f'image on {topic} is {message.width}x{message.height}, but {message.encoding} shares '
            'chroma between pixels and needs even sizes: fix the size in the camera driver'
        )
