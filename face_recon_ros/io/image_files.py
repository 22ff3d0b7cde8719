# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Images read from disk and written to it, with errors that name the file."""

from __future__ import annotations

import io
import os
import stat
from pathlib import Path

import cv2
import numpy as np

from face_recon_ros.errors import ImageError, OutputError
from face_recon_ros.io import iso_media
from face_recon_ros.io.encodings import decode_image
from face_recon_ros.io.image_folders import IMAGE_SUFFIXES, image_paths
from face_recon_ros.io.outputs import marked, write_bytes
from face_recon_ros.io.pillow_images import decode_with_pillow
from face_recon_ros.io.video_files import Video
from face_recon_ros.io.video_writing import VideoWriter
from face_recon_ros.io.whole_image import fault_of, png_without_remarks

__all__ = ['IMAGE_SUFFIXES', 'Video', 'VideoWriter', 'image_paths', 'read_image', 'write_image']

# More does not fit into an array of OpenCV
MOST_BYTES = (1 << 31) - 1
# libjpeg's, on a side
LARGEST_JPEG_PX = 65_500
# Brands of ISO media that hold an AVIF or HEIF image
_HEIF_KINDS = (b'avif', b'avis', b'heic', b'heix', b'mif1', b'msf1')


def read_image(path: Path | str) -> np.ndarray:
    """
    Return an image as (H, W, 3) uint8 BGR, rotated by its EXIF orientation.

    :raises ImageError: missing, empty, truncated, or not an image.
    """
    path = Path(path)
    data = _content(path)
    fault = fault_of(data)
    if fault:
        raise ImageError(f'{path}: is {fault}; copy it again')
    try:
        image = decode_image(png_without_remarks(data))
    except (cv2.error, MemoryError) as error:
        raise ImageError(f'{path}: {_decoding_fault(error)}') from error
    if image is not None:
        return _turned(image, data)
    image = decode_with_pillow(data)
    if image is None:
        raise ImageError(f'{path}: no image, or of an unknown format; convert it to JPEG or PNG')
    return image


def _content(path: Path) -> bytes:
    """Return the bytes of a file or pipe. :raises ImageError: none, too many, or a device's."""
    try:
        with path.open('rb') as file:
            mode = os.fstat(file.fileno()).st_mode
            if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):  # some have no end
                raise ImageError(f'{path}: is a device; name an image file')
            data = file.read(MOST_BYTES + 1)
    except (OSError, ValueError) as error:
        raise ImageError(f'{path}: {getattr(error, "strerror", None) or error}') from error
    except MemoryError as error:
        raise ImageError(f'{path}: {_decoding_fault(error)}') from error
    if not data:
        raise ImageError(f'{path}: is empty; copy it again')
    if len(data) > MOST_BYTES:
        raise ImageError(f'{path}: is larger than 2 GiB; make it smaller')
    return data


def _decoding_fault(error: cv2.error | MemoryError) -> str:
    reason = getattr(error, 'err', None) or 'out of memory'
    if 'CV_IO_MAX_IMAGE' in reason or isinstance(error, MemoryError):
        return f'is too large to be decoded ({reason}); make it smaller'
    return f'cannot be decoded ({reason}); convert it to PNG'


def _turned(image: np.ndarray, data: bytes) -> np.ndarray:
    """Rotate and mirror an AVIF image as its boxes say; OpenCV ignores them."""
    if data[4:8] != b'ftyp' or data[8:12] not in _HEIF_KINDS:
        return image
    turn = iso_media.image_turn(io.BytesIO(data))
    image = np.rot90(image, turn.quarter_turns)
    if turn.mirror is not None:
        image = image[:, ::-1] if turn.mirror else image[::-1]
    return np.ascontiguousarray(image)


def write_image(path: Path | str, image: np.ndarray, mark: bool = False) -> None:
    """
    Write an image in the format of the name's suffix.

    :param mark: add the mark of this program: such a file is not read as a photo of a folder
    :param image: (H, W) or (H, W, C), uint8 or uint16, blue first
    :raises ImageError: not such an image.
    :raises OutputError: unknown format, too large for it, or the file cannot be written.
    """
    path = Path(path)
    # OpenCV would cut other numbers to bytes: fractions from 0 to 1 become black
    if not isinstance(image, np.ndarray) or image.dtype not in (np.uint8, np.uint16):
        what = f'of {image.dtype}' if isinstance(image, np.ndarray) else type(image).__name__
        raise ImageError(f'{path}: image to write is {what}; give an array of uint8 or uint16')
    height, width = image.shape[:2]
    try:
        ok, data = cv2.imencode(path.suffix or '.', image)
    except cv2.error as error:
        if cv2.haveImageWriter(f'name{path.suffix}'):
            raise OutputError(f'{path}: cannot be encoded ({error.err}); write .png') from error
        raise OutputError(
            f'{path}: "{path.suffix}" is no format that can be written; write .png or .jpg'
        ) from error
    if not ok or not data.size:
        raise OutputError(
            f'{path}: {width}x{height} pixels cannot be written as {path.suffix}; write .png'
        )
    encoded = data.tobytes()
    write_bytes(path, marked(encoded, path.suffix) if mark else encoded)
