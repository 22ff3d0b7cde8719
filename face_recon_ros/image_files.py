"""Images and videos read from disk and written to it, with errors that name the file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from face_recon_ros.errors import ImageError

IMAGE_SUFFIXES = frozenset(
    ['.bmp', '.jpeg', '.jpg', '.pgm', '.png', '.ppm', '.tif', '.tiff', '.webp']
)
_JPEG_START, _JPEG_SCAN, _JPEG_END = b'\xff\xd8', b'\xff\xda', b'\xff\xd9'
_PNG_START, _PNG_END = b'\x89PNG', b'IEND'


def read_image(path: Path) -> np.ndarray:
    """
    Return an image as (H, W, 3) uint8 BGR, turned as its EXIF orientation says.

    :raises ImageError: missing, empty, cut off, or no image.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        raise ImageError(f'{path}: {error.strerror or error}') from error
    if not data:
        raise ImageError(f'{path}: is empty; copy it again')
    # Decoders fill the lost part with grey without a word, so look before they do.
    if _is_cut_off(data):
        raise ImageError(f'{path}: is cut off; copy it again')
    try:
        image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    except cv2.error as error:
        raise ImageError(f'{path}: cannot be decoded ({error.err}); convert it to PNG') from error
    if image is None:
        raise ImageError(f'{path}: no image, or of an unknown format; convert it to JPEG or PNG')
    return image


def _is_cut_off(data: bytes) -> bool:
    if data.startswith(_JPEG_START):
        # the end marker must come after the start of the last scan: a thumbnail has its own
        return data.rfind(_JPEG_END) < max(data.rfind(_JPEG_SCAN), 1)
    return data.startswith(_PNG_START) and _PNG_END not in data[-64:]


def write_image(path: Path, image: np.ndarray) -> None:
    """:raises ImageError: the file cannot be written."""
    ok, data = cv2.imencode(path.suffix, image)
    try:
        path.write_bytes(data.tobytes() if ok else b'')
    except OSError as error:
        raise ImageError(f'{path}: {error.strerror or error}; choose another --out') from error


def image_paths(inputs: Iterable[Path]) -> list[Path]:
    """
    Return the files named, and the images in the folders named, in order.

    :raises ImageError: a folder without images, or nothing of that name.
    """
    paths: list[Path] = []
    for given in inputs:
        if not given.exists():
            raise ImageError(f'{given}: no such file or folder')
        if not given.is_dir():
            paths.append(given)
            continue
        inside = sorted(p for p in given.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
        if not inside:
            raise ImageError(f'{given}: no images in this folder (looked for {_suffix_list()})')
        paths += inside
    return paths


def _suffix_list() -> str:
    return ', '.join(sorted(IMAGE_SUFFIXES))


@dataclass(slots=True)
class Video:
    """A video file: frames (H, W, 3) uint8 BGR with their time in seconds from the start."""

    path: Path
    frames_per_second: float
    frame_count: int | None
    _capture: cv2.VideoCapture

    DEFAULT_FRAMES_PER_SECOND = 30.0

    @classmethod
    def open(cls, path: Path) -> Video:
        """:raises ImageError: missing, or no video."""
        if not path.is_file():
            raise ImageError(f'{path}: no such file')
        capture = cv2.VideoCapture(str(path))
        if not capture.isOpened():
            raise ImageError(
                f'{path}: no video, or of an unknown format; convert it to .mp4 (H.264)'
            )
        rate = capture.get(cv2.CAP_PROP_FPS)
        count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        return cls(
            path,
            rate if 0 < rate < 1000 else cls.DEFAULT_FRAMES_PER_SECOND,
            int(count) if count > 0 else None,
            capture,
        )

    def __iter__(self) -> Iterator[tuple[float, np.ndarray]]:
        """:raises ImageError: not one frame can be read."""
        index = 0
        while True:
            ok, image = self._capture.read()
            if not ok:
                break
            yield index / self.frames_per_second, image
            index += 1
        self._capture.release()
        if index == 0:
            raise ImageError(f'{self.path}: not one frame can be read; convert it to .mp4 (H.264)')


class VideoWriter:
    """Writes frames of one size to an .mp4 file, opened with the first."""

    def __init__(self, path: Path, frames_per_second: float) -> None:
        self._path = path
        self._rate = frames_per_second
        self._writer: cv2.VideoWriter | None = None

    def write(self, image: np.ndarray) -> None:
        """:raises ImageError: the file cannot be written."""
        if self._writer is None:
            height, width = image.shape[:2]
            codec = cv2.VideoWriter.fourcc(*'mp4v')
            self._writer = cv2.VideoWriter(str(self._path), codec, self._rate, (width, height))
            if not self._writer.isOpened():
                raise ImageError(f'{self._path}: cannot be written; give --out FILE.mp4')
        self._writer.write(image)

    def close(self) -> None:
        """Finish the file."""
        if self._writer is not None:
            self._writer.release()
