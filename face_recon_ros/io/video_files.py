# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Videos read from disk, with errors that name the file."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from face_recon_ros.errors import ImageError
from face_recon_ros.io import iso_media
from face_recon_ros.io.recording_ends import RecordingEnd, recording_end
from face_recon_ros.io.video_clock import VideoClock

# Consecutive failed reads after which a video has ended, unless its container states more frames;
# a failed read takes microseconds
_FAILURES, _MOST_FAILURES = 100, 200_000
# Above the rate of most cameras: then it is measured over so many frames
_DOUBTFUL_RATE, _MEASURED_FRAMES = 121.0, 12
# OpenCV versions that rotate by 90 degrees the wrong way (opencv/opencv#22088)
_QUARTERS_TURNED_WRONG = '4.6.'
# Limit of the pixel aspect ratio; beyond it the container is wrong
_MOST_STRETCH = 4.0
_REMEDY = 'copy it again'


@dataclass(frozen=True, slots=True)
class VideoFrame:
    """Frame `number` (from 0) of a video: (H, W, 3) uint8 BGR and its time from the start."""

    number: int
    stamp_s: float
    pixels: np.ndarray


@dataclass(slots=True)
class Video:
    """
    A video file: frames (H, W, 3) uint8 BGR with their time in seconds from the start.

    Times are those of the container. Frames are upright, their pixels square. faults: what is
    missing, one line each, known after the last frame.
    """

    path: Path
    frames_per_second: float
    frame_count: int | None
    _capture: cv2.VideoCapture
    faults: list[str] = field(default_factory=list)

    DEFAULT_FRAMES_PER_SECOND = 30.0

    @classmethod
    def open(cls, path: Path | str) -> Video:
        """:raises ImageError: missing, or no video."""
        path = Path(path)
        try:
            if path.is_dir():
                raise ImageError(
                    f'{path}: is a folder; name a video in it (photos: face-recon image {path})'
                )
            if path.is_fifo():
                raise ImageError(f'{path}: is a pipe; save the video to a file first')
            with path.open('rb'):
                pass
        except FileNotFoundError:
            raise ImageError(f'{path}: no such file') from None
        except (OSError, ValueError) as error:
            raise ImageError(f'{path}: {getattr(error, "strerror", None) or error}') from error
        if path.suffix.lower() == '.bag':
            raise ImageError(
                f'{path}: is a bag of ROS 1; convert it: rosbags-convert --src {path} '
                f'--dst {path.with_suffix("")}'
            )
        with opencv_path(path) as name:
            capture = cv2.VideoCapture(name)
        if not capture.isOpened():
            raise ImageError(f'{path}: {_why_not_opened(path)}')
        capture.set(cv2.CAP_PROP_ORIENTATION_AUTO, 1)
        rate = capture.get(cv2.CAP_PROP_FPS)
        count = capture.get(cv2.CAP_PROP_FRAME_COUNT)
        if rate > _DOUBTFUL_RATE:
            measured = _measured_rate(path)
            if measured and measured < rate / 2:
                # the rate of a container may be the unit of its clock
                rate, count = measured, round(count * measured / rate)
        return cls(
            path,
            rate if 0 < rate < 1000 else cls.DEFAULT_FRAMES_PER_SECOND,
            int(count) if 0 < count < 2**31 else None,
            capture,
        )

    def __iter__(self) -> Iterator[tuple[float, np.ndarray]]:
        """:raises ImageError: not one frame can be read."""
        for frame in self.frames():
            yield frame.stamp_s, frame.pixels

    def frames(self) -> Iterator[VideoFrame]:
        """
        Yield the readable frames; `faults` then lists what is missing.

        :raises ImageError: not one frame can be read.
        """
        clock = VideoClock(self.frames_per_second)
        failed = 0
        while failed <= self._patience(clock):
            # a frame that cannot be decoded fails, and so does each read after the last
            ok, image = self._capture.read()
            if not ok:
                failed += 1
                continue
            number, stamp_s = clock.tick(self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3, failed)
            failed = 0
            yield VideoFrame(number, stamp_s, self._square(self._upright(image)))
        self._capture.release()
        if clock.count == 0:
            raise ImageError(f'{self.path}: not one frame can be read; convert it to .mp4 (H.264)')
        fault = self._fault(clock)
        if fault:
            self.faults.append(f'{self.path}: {fault}')

    def _patience(self, clock: VideoClock) -> int:
        return min(max(_FAILURES, (self.frame_count or 0) - clock.count), _MOST_FAILURES)

    def _upright(self, image: np.ndarray) -> np.ndarray:
        """Return the frame rotated as the container says."""
        turned = round(self._capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 180 == 90
        if turned and cv2.__version__.startswith(_QUARTERS_TURNED_WRONG):
            return cv2.rotate(image, cv2.ROTATE_180)
        return image

    def _square(self, image: np.ndarray) -> np.ndarray:
        """Return the frame with square pixels, widened or heightened, so that nothing is lost."""
        num = self._capture.get(cv2.CAP_PROP_SAR_NUM)
        den = self._capture.get(cv2.CAP_PROP_SAR_DEN)
        if num <= 0 or den <= 0 or num == den:
            return image
        if round(self._capture.get(cv2.CAP_PROP_ORIENTATION_META)) % 180 == 90:
            num, den = den, num  # of the frame as it is stored, which has been turned
        stretch = num / den
        if not 1 / _MOST_STRETCH <= stretch <= _MOST_STRETCH:
            return image
        height, width = image.shape[:2]
        size = (max(width, round(width * stretch)), max(height, round(height / stretch)))
        return cv2.resize(image, size, interpolation=cv2.INTER_LINEAR)

    def _fault(self, clock: VideoClock) -> str:
        """Return what is missing of the video, now that the last frame is read; '' if nothing."""
        count = self.frame_count
        end = self._container(fewer_frames=bool(count and count > clock.count))
        duration_s = end.duration_s
        if count:
            count -= round(end.lead_s * self.frames_per_second)
            if duration_s is None:
                duration_s = (count - end.last_repeats) / self.frames_per_second
            count -= end.repeats
        of = f' of {count}' if count and count > clock.count else ''
        if end.is_cut_off and of:
            return f'is cut off: ends after {clock.count}{of} frames; {_REMEDY}'
        if duration_s is not None and clock.ends_early(duration_s):
            if of:
                return f'ends after {clock.count}{of} frames; {_REMEDY}'
            return f'ends after {clock.last_s:.1f} of {duration_s:.1f} s; {_REMEDY}'
        if end.is_cut_off:
            return f'is cut off after {clock.count} frames; {_REMEDY}'
        if clock.lost:
            return (
                f'is damaged: {clock.count}{of} frames can be read, the first that cannot is '
                f'number {clock.first_lost}; {_REMEDY}'
            )
        if count and clock.has_holes(count):
            return f'is damaged: {clock.count}{of} frames can be read; {_REMEDY}'
        return ''

    def _container(self, fewer_frames: bool) -> RecordingEnd:
        """Return what the container says of its end."""
        try:
            with self.path.open('rb') as file:
                duration_s = iso_media.video_duration_s(file)
                cut_off = iso_media.is_cut_off(file)
                if duration_s is not None:  # what is cut off may hold no frames
                    return RecordingEnd(cut_off and fewer_frames, duration_s)
                return RecordingEnd(True) if cut_off else recording_end(file)
        except OSError:
            return RecordingEnd()


def _why_not_opened(path: Path) -> str:
    """Return why a file is no video to OpenCV, and the remedy."""
    try:
        with path.open('rb') as file:
            if path.is_file() and not file.read(1):
                return f'is empty; {_REMEDY}'
            # the index of most is at their end, without which no frame can be read
            if iso_media.is_cut_off(file):
                return f'is cut off; {_REMEDY}'
    except OSError:  # the format is what can be told
        pass
    return 'no video, or of an unknown format; convert it to .mp4 (H.264)'


def _measured_rate(path: Path) -> float | None:
    """Return the rate of the first frames from their times; None: they have no times."""
    with opencv_path(path) as name:
        capture = cv2.VideoCapture(name)
    times_s: list[float] = []
    while len(times_s) < _MEASURED_FRAMES and capture.grab():
        times_s.append(capture.get(cv2.CAP_PROP_POS_MSEC) / 1e3)
    capture.release()
    steps_s = np.diff(times_s)
    step_s = float(np.median(steps_s)) if steps_s.size else 0.0
    return 1 / step_s if step_s > 0 else None


@contextmanager
def opencv_path(path: Path) -> Iterator[str]:
    """
    Yield a name by which OpenCV and FFmpeg open the file: absolute, and UTF-8.

    The part before a colon of a relative path would be read as a protocol. A name that is not
    UTF-8 is replaced by a link for the duration of the block.
    """
    name = os.path.abspath(path)
    try:
        name.encode()
    except UnicodeEncodeError:
        with tempfile.TemporaryDirectory() as folder:
            parent, own = os.path.split(name)
            if _is_utf8(own):
                link = Path(folder, 'folder')
                link.symlink_to(parent)
                yield str(link / own)
            else:
                suffix = path.suffix if _is_utf8(path.suffix) else ''
                link = Path(folder, f'video{suffix}')
                link.symlink_to(name)
                yield str(link)
        return
    yield name


def _is_utf8(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
