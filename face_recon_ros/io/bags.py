# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Images of ROS 2 bags (MCAP, SQLite), read without ROS.

Needs the PyPI package rosbags, which is imported when a bag is opened.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import cache
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from face_recon_ros.calibration import Calibration
from face_recon_ros.camera import Camera
from face_recon_ros.depth_image import DepthImage
from face_recon_ros.errors import ImageError
from face_recon_ros.io import encodings
from face_recon_ros.io.bag_depth import BagDepth

RAW = 'sensor_msgs/msg/Image'
COMPRESSED = 'sensor_msgs/msg/CompressedImage'
CAMERA_INFO = 'sensor_msgs/msg/CameraInfo'

BAG_SUFFIXES = ('.mcap', '.db3')
METADATA = 'metadata.yaml'
# Depth may be recorded so much later than the image it belongs to
DEPTH_LATENESS = 8


@dataclass(frozen=True, slots=True)
class BagImage:
    """
    One image of a bag: pixels (H, W, 3) uint8 BGR and when it was taken, seconds.

    camera: the calibration in the bag; None: the bag has none. number: index of its message on the
    topic, from 0, counting images that were left out. depth: the one nearest in time; None: none
    is near, or it cannot be used.
    """

    pixels: np.ndarray
    stamp_s: float
    frame_id: str
    camera: Camera | None
    number: int = 0
    depth: DepthImage | None = None


def is_bag(path: Path) -> bool:
    """
    Tell whether a path is that of a bag: a file, or the folder around it.

    :raises ImageError: the folder cannot be read.
    """
    try:
        if path.is_dir():
            return any(p.name == METADATA or p.suffix in BAG_SUFFIXES for p in path.iterdir())
    except OSError as error:
        raise ImageError(f'{path}: {error.strerror or error}') from error
    return path.suffix in BAG_SUFFIXES


@dataclass(slots=True)
class BagVideo(AbstractContextManager['BagVideo']):
    """
    The images of one topic of a bag, in the order in which they were recorded.

    broken: a line for each image that could not be read and was left out. calibration_fault: why
    the newest calibration cannot be used, '' if it can or there is none. depth: where depth images
    are read, what came of them.
    """

    path: Path
    topic: str
    info_topic: str
    frame_count: int
    frames_per_second: float
    _reader: Any
    _types: Any
    broken: list[str] = field(default_factory=list)
    calibration_fault: str = ''
    depth: BagDepth | None = None

    DEFAULT_FRAMES_PER_SECOND = 30.0

    @classmethod
    def open(
        cls, path: Path | str, topic: str | None = None, depth_topic: str | None = None
    ) -> BagVideo:
        """
        Open a bag for iteration; close it with close() or a with statement.

        :param topic: of the images; None: the only one there is
        :param depth_topic: of depth images registered to them; None: none are read
        :raises ImageError: no bag, no such topic of images, or rosbags is missing.
        """
        path = Path(path)
        reader = _open(path)
        try:
            topics = _topics(reader, RAW, COMPRESSED)
            if depth_topic is not None and depth_topic not in topics:
                raise ImageError(
                    f'{path}: has no images on {depth_topic}; choose --depth-topic among '
                    f'{", ".join(topics)}'
                )
            chosen = _choose_topic(path, [t for t in topics if t != depth_topic], topic)
            count = sum(c.msgcount for c in reader.connections if c.topic == chosen)
            seconds = 1e-9 * reader.duration
            bag = cls(
                path,
                chosen,
                _info_topic(chosen, reader, depth_topic),
                count,
                (count - 1) / seconds if count > 1 and seconds > 0 else 0.0,
                reader,
                _message_types(),
                depth=None if depth_topic is None else BagDepth(depth_topic),
            )
            if not 0 < bag.frames_per_second < 1000:
                bag._estimate_rate()
            return bag
        except BaseException:
            reader.close()
            raise

    def __exit__(self, *error: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the file."""
        self._reader.close()

    def __iter__(self) -> Iterator[BagImage]:
        """:raises ImageError: not one image can be read, or the file is broken."""
        calibration = Calibration(self.info_topic, rectified=False)
        self._first_calibration(calibration)
        good = False
        number = -1
        for connection, recorded_ns, message, depth_message in self._with_depth():
            if connection.topic == self.info_topic:
                calibration.update(message)
                continue
            number += 1
            try:
                pixels = self._decode(connection.msgtype, message)
            except ImageError as error:
                self.broken.append(f'{self.path}: image {number}: {error}')
                continue
            good = True
            camera = None
            if calibration.received:
                height, width = pixels.shape[:2]
                camera, self.calibration_fault = calibration.camera(
                    width, height, message.header.frame_id
                )
            yield BagImage(
                pixels,
                _stamp_s(message, recorded_ns),
                message.header.frame_id,
                camera,
                number,
                self.depth.decoded(depth_message, pixels)
                if self.depth and depth_message is not None else None,
            )
        if not good:
            reason = self.broken[0] if self.broken else f'{self.path}: no messages on {self.topic}'
            raise ImageError(f'{reason}; not one image can be read')

    def _with_depth(self) -> Iterator[tuple[Any, int, Any, Any]]:
        """Yield images and calibrations as recorded, images with the depth message nearest."""
        waiting: deque[tuple[Any, int, Any]] = deque()
        depth = self.depth
        topics = [self.topic, self.info_topic, *([depth.topic] if depth else [])]
        for connection, recorded_ns, message in self._messages(topics):
            if depth and connection.topic == depth.topic:
                depth.add(_stamp_s(message, recorded_ns), message)
            else:
                waiting.append((connection, recorded_ns, message))
            while waiting and (
                depth is None
                or waiting[0][0].topic == self.info_topic
                or depth.reaches(_stamp_s(waiting[0][2], waiting[0][1]))
                or len(waiting) > DEPTH_LATENESS
            ):
                yield self._paired(*waiting.popleft())
        while waiting:
            yield self._paired(*waiting.popleft())

    def _paired(
        self, connection: Any, recorded_ns: int, message: Any
    ) -> tuple[Any, int, Any, Any]:
        nearest = None
        if self.depth and connection.topic == self.topic:
            nearest = self.depth.nearest(_stamp_s(message, recorded_ns))
        return connection, recorded_ns, message, nearest

    def _first_calibration(self, calibration: Calibration) -> None:
        """Read the first calibration before the first image, as the node waits for it."""
        for _, _, message in self._messages((self.info_topic,)):
            calibration.update(message)
            return

    def _estimate_rate(self) -> None:
        """Estimate the rate from the first stamps, if the recording's is not plausible."""
        stamps = [_stamp_s(m, ns) for _, ns, m in islice(self._messages((self.topic,)), 10)]
        seconds = stamps[-1] - stamps[0] if stamps else 0.0
        rate = (len(stamps) - 1) / seconds if seconds > 0 else 0.0
        self.frames_per_second = rate if 0 < rate < 1000 else self.DEFAULT_FRAMES_PER_SECOND

    def _messages(self, topics: Sequence[str]) -> Iterator[tuple[Any, int, Any]]:
        connections = [
            c
            for c in self._reader.connections
            if c.topic in topics and c.msgtype in (RAW, COMPRESSED, CAMERA_INFO)
        ]
        if not connections:
            return
        try:
            for connection, recorded_ns, data in self._reader.messages(connections):
                message = self._types.deserialize_cdr(data, connection.msgtype)
                yield connection, int(recorded_ns), message
        except ImageError:
            raise
        except Exception as error:
            raise _unreadable(self.path, error) from error

    def _decode(self, kind: str, message: Any) -> np.ndarray:
        decode = encodings.compressed_to_bgr if kind == COMPRESSED else encodings.to_bgr
        pixels = decode(message, self.topic)
        # the array may be a view of the file, which is read-only
        return pixels if pixels.flags.writeable else pixels.copy()


def _stamp_s(message: Any, recorded_ns: int) -> float:
    """Return the stamp of an image in seconds; without one, the time of recording."""
    stamp = message.header.stamp
    return stamp.sec + 1e-9 * stamp.nanosec or 1e-9 * recorded_ns


def _open(path: Path) -> Any:
    try:
        path.stat()
    except FileNotFoundError:
        raise ImageError(f'{path}: no such file') from None
    except OSError as error:
        raise ImageError(f'{path}: {error.strerror or error}') from error
    if path.is_dir() and not (path / METADATA).is_file():
        names = ', '.join(sorted(p.name for p in path.iterdir() if p.suffix in BAG_SUFFIXES))
        raise ImageError(f'{path}: has no {METADATA}; name a file in it: {names}')
    try:
        from rosbags.rosbag2 import Reader
    except ImportError as error:
        raise ImageError(
            f'{path}: reading bags needs rosbags: pip install "rosbags>=0.11"'
        ) from error
    try:
        reader = Reader(path)
        reader.open()
    except Exception as error:
        raise _unreadable(path, error) from error
    try:
        _check_types(reader)
    except Exception as error:
        reader.close()
        raise _unreadable(path, error) from error
    return reader


def _check_types(reader: Any) -> None:
    """
    Hold what a bag says of itself against the types it must have; SQLite stores any.

    :raises ValueError: it has others.
    """
    names = [name for c in reader.connections for name in (c.topic, c.msgtype)]
    if not all(isinstance(name, str) and name.isprintable() for name in names):
        raise ValueError('names of its topics are no text')
    if not isinstance(reader.duration, int):
        raise ValueError('its times are no numbers')


@cache
def _message_types() -> Any:
    from rosbags.typesys import Stores, get_typestore

    # Images and calibrations are the same in every distribution since Foxy
    return get_typestore(Stores.ROS2_HUMBLE)


def _unreadable(path: Path, error: Exception) -> ImageError:
    reason = ' '.join(f'{error}'.split()) or type(error).__name__
    return ImageError(
        f'{path}: no bag, or broken ({reason}); record it again, or try `mcap recover`'
    )


def _topics(reader: Any, *kinds: str) -> list[str]:
    return sorted({c.topic for c in reader.connections if c.msgtype in kinds})


def _choose_topic(path: Path, topics: Sequence[str], wanted: str | None) -> str:
    if not topics:
        raise ImageError(f'{path}: has no topic of {RAW} or {COMPRESSED}; record one')
    names = ', '.join(topics)
    if wanted is None:
        if len(topics) > 1:
            raise ImageError(f'{path}: has images on {names}; choose one with --topic')
        return topics[0]
    if wanted not in topics:
        raise ImageError(f'{path}: has no images on {wanted}; choose --topic among {names}')
    return wanted


def _info_topic(image_topic: str, reader: Any, depth_topic: str | None = None) -> str:
    """Return where the calibration is: beside the images, as image_transport has it."""
    base = image_topic.removesuffix('/compressed').rpartition('/')[0]
    beside = f'{base}/camera_info'
    infos = _topics(reader, CAMERA_INFO)
    topics = [t for t in _topics(reader, RAW, COMPRESSED) if t != depth_topic]
    images = {t.removesuffix('/compressed') for t in topics}
    # the only camera of the bag, whatever its name
    return infos[0] if beside not in infos and len(infos) == len(images) == 1 else beside
