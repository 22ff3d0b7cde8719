# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Write videos that can be played, or raise one line with the reason."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager
from pathlib import Path

import cv2
import numpy as np

from face_recon_ros.errors import OutputError
from face_recon_ros.io import iso_media
from face_recon_ros.io.outputs import PartFile, cannot_write, is_special, mark_file, signals_held
from face_recon_ros.io.video_files import opencv_path

# What plays everywhere, and has room for the mark of this program
VIDEO_SUFFIXES = ('.mp4', '.m4v', '.mov', '.mkv', '.avi')
# A longer pause between two frames is shown as one frame: a clock was set, or nothing was recorded
LONGEST_PAUSE_S = 60.0


def check_video_name(path: Path, option: str = '--out') -> None:
    """:raises OutputError: no video is written to a file of this name."""
    suffix = Path(os.path.realpath(path)).suffix
    if suffix.lower() not in VIDEO_SUFFIXES and not is_special(path):
        kind = f'videos of the kind {suffix}' if suffix else 'videos without a kind'
        raise OutputError(
            f'{path}: {kind} are not written; give {option} FILE{VIDEO_SUFFIXES[0]}, or one of '
            f'{" ".join(VIDEO_SUFFIXES[1:])}'
        )


class VideoWriter(AbstractContextManager['VideoWriter']):
    """
    Writes frames to a video file with the size of the first frame and a constant rate.

    Frames with a time are repeated or left out to keep it. Later frames of another size are fitted
    into the first size with black borders. close() completes and renames the file.
    """

    def __init__(self, path: Path, frames_per_second: float) -> None:
        self._path = path
        self._rate = frames_per_second
        self._file: PartFile | None = None
        self._writer: cv2.VideoWriter | None = None
        self._size = (0, 0)
        self._last: np.ndarray | None = None
        self._start_s = self._last_s = 0.0
        self._written = 0

    def __exit__(self, *error: object) -> None:
        """Complete the file, also when the program is told to end: what was written plays."""
        self.close()

    def write(self, image: np.ndarray, stamp_s: float | None = None) -> None:
        """
        Add a frame (H, W, 3) uint8 BGR.

        :param stamp_s: its time; None: one frame after the last
        :raises OutputError: the file cannot be written.
        """
        if self._writer is None:
            self._open(image)
        image = _fitted(image, self._size)
        repeats = 1 if stamp_s is None else self._due(stamp_s)
        if repeats == 0:  # if the last frame were to be repeated, this one replaces it
            self._last = image
            return
        for _ in range(repeats - 1):
            self._put(image if self._last is None else self._last)
        self._put(image)
        self._last = image

    def _due(self, stamp_s: float) -> int:
        """Return the number of frames to write until this time."""
        step_s = stamp_s - self._last_s
        if self._written == 0 or not 0 <= step_s <= LONGEST_PAUSE_S:
            # time is counted from this frame on
            self._start_s = stamp_s - self._written / self._rate
        self._last_s = stamp_s
        place = round((stamp_s - self._start_s) * self._rate)
        return max(place + 1 - self._written, 0)

    def _open(self, image: np.ndarray) -> None:
        height, width = image.shape[:2]
        self._size = (width, height)
        check_video_name(self._path)
        if is_special(self._path):  # what is written is read again, which a pipe does not allow
            raise OutputError(f'{self._path}: is no file; give --out FILE.mp4')
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            self._file = PartFile(self._path)
        except OSError as error:
            raise cannot_write(self._path, error) from error
        codec = cv2.VideoWriter.fourcc(*'mp4v')
        with opencv_path(self._file.part) as name:
            writer = cv2.VideoWriter(name, codec, self._rate, self._size)
        if not writer.isOpened():
            self._file.discard()
            self._file = None
            raise OutputError(f'{self._path}: cannot be written; give --out FILE.mp4')
        self._writer = writer

    def _put(self, image: np.ndarray) -> None:
        assert self._writer is not None
        self._writer.write(image)
        self._written += 1

    def close(self) -> None:
        """Complete the file. :raises OutputError: it cannot be played; the old file stays."""
        if self._writer is None or self._file is None:
            return
        with signals_held():
            writer, file, self._writer = self._writer, self._file, None
            writer.release()
            try:
                # OpenCV does not report a full disk, so the result is checked
                if self._plays(file.part):
                    mark_file(file.part)
                    file.publish()
                    return
                file.discard()
            except OSError as error:
                file.discard()
                raise cannot_write(self._path, error) from error
        raise OutputError(
            f'{self._path}: could not be written whole, the disk is full or the encoder failed; '
            'choose another --out'
        )

    def _plays(self, path: Path) -> bool:
        with path.open('rb') as stream:
            if iso_media.is_cut_off(stream):
                return False
        with opencv_path(path) as name:
            capture = cv2.VideoCapture(name)
        count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        whole = capture.isOpened() and capture.read()[0] and count >= 0.98 * self._written - 1
        capture.release()
        return whole


def _fitted(image: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """Return the image in a size (width, height), its shape kept, with black borders."""
    height, width = image.shape[:2]
    if (width, height) == size:
        return image
    scale = min(size[0] / width, size[1] / height)
    inner = (max(round(width * scale), 1), max(round(height * scale), 1))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    small = cv2.resize(image, inner, interpolation=how)
    left, top = (size[0] - inner[0]) // 2, (size[1] - inner[1]) // 2
    canvas = np.zeros((size[1], size[0], 3), np.uint8)
    canvas[top : top + inner[1], left : left + inner[0]] = small
    return canvas
