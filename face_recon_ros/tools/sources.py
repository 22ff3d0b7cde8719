# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the sample camera's images come from: portrait, rendered head, video, folder, device."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.errors import ImageError
from face_recon_ros.io.image_files import IMAGE_SUFFIXES, Video, image_paths, read_image
from face_recon_ros.paths import share_directory
from face_recon_ros.tools.depth_sensors import DepthSensor, sensed
from face_recon_ros.tools.rendered_head import RenderedHead
from face_recon_ros.tools.sample_motion import Portrait, motion_at, portrait_camera

PORTRAIT, HEAD = 'portrait', 'head'
PORTRAIT_FILE = 'astronaut.png'
# Where the face is in that photo
PORTRAIT_CENTRE_PX = (224.0, 122.0)
PORTRAIT_FACE_WIDTH_PX = 105.0


class Source(Protocol):
    """
    Gives images (H, W, 3) uint8 BGR one after the other.

    rate_hz: the source's own, 0 where it has none.
    """

    rate_hz: float

    def read(self, time_s: float) -> np.ndarray | None:
        """Return the image for a time, or None when there are no more."""
        ...

    def camera(self, width: int, height: int) -> Camera:
        """Return the calibration, as far as it is known."""
        ...


class PortraitSource:
    """The sample portrait, moving as sample_motion.motion_at says."""

    rate_hz = 0.0

    def __init__(self, width: int, height: int) -> None:
        photo = read_image(share_directory() / 'samples' / PORTRAIT_FILE)
        self._portrait = Portrait(photo, PORTRAIT_CENTRE_PX, PORTRAIT_FACE_WIDTH_PX)
        self._camera = portrait_camera(width, height)

    def read(self, time_s: float) -> np.ndarray | None:
        """Return the view at a time."""
        return self._portrait.view(self._camera, motion_at(time_s))

    def camera(self, width: int, height: int) -> Camera:
        """Return the virtual camera."""
        return self._camera


class HeadSource:
    """The rendered head of rendered_head.py, with its depth."""

    rate_hz = 0.0

    def __init__(self, width: int, height: int) -> None:
        self._camera = portrait_camera(width, height)
        self._head = RenderedHead(self._camera)
        self._rng = np.random.default_rng(0)

    def read(self, time_s: float) -> np.ndarray | None:
        """Return the view at a time."""
        return self._head.image(time_s)

    def depth(self, time_s: float, sensor: DepthSensor) -> np.ndarray:
        """Return the depth image (H, W) uint16 mm that a sensor makes at a time."""
        return np.round(1000 * sensed(self._head.depth_m(time_s), sensor, self._rng)).astype(
            np.uint16
        )

    def camera(self, width: int, height: int) -> Camera:
        """Return the virtual camera."""
        return self._camera


class _WithFocalLength:
    """A source whose calibration is a focal length, or unknown."""

    def __init__(self, focal_length_px: float) -> None:
        self._focal_length_px = focal_length_px

    def camera(self, width: int, height: int) -> Camera:
        """Return the camera of the given focal length, principal point in the centre."""
        if self._focal_length_px <= 0:
            return Camera.uncalibrated(width, height)
        focal = self._focal_length_px
        return Camera(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)


class VideoSource(_WithFocalLength):
    """A video file."""

    def __init__(self, path: Path, loop: bool, focal_length_px: float) -> None:
        super().__init__(focal_length_px)
        self._path = path
        self._loop = loop
        video = Video.open(path)
        self.rate_hz = video.frames_per_second
        self._frames = iter(video)
        # read ahead by one, so that a video without frames is refused at the start
        self._next: np.ndarray | None = next(self._frames)[1]

    def read(self, time_s: float) -> np.ndarray | None:
        """Return the next image, from the beginning again when it loops."""
        image = self._next
        _, self._next = next(self._frames, (0.0, None))
        if self._next is None and self._loop:
            self._frames = iter(Video.open(self._path))
            _, self._next = next(self._frames)
        return image


class DeviceSource(_WithFocalLength):
    """A camera of this machine, /dev/videoN."""

    rate_hz = 0.0

    def __init__(self, path: Path, focal_length_px: float) -> None:
        super().__init__(focal_length_px)
        self._path = path
        self._capture = cv2.VideoCapture(str(path.absolute()))
        # old images are discarded
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        self.read(0.0)

    def read(self, time_s: float) -> np.ndarray | None:
        """Return the newest image; :raises ImageError: the camera gives none."""
        ok, image = self._capture.read()
        if not ok:
            raise ImageError(
                f'source {self._path}: gives no image; is it a camera, and may this user read it?'
            )
        return image


class FolderSource(_WithFocalLength):
    """Images in files, in the given order; unreadable ones are reported and left out."""

    rate_hz = 0.0

    def __init__(self, files: list[Path], loop: bool, focal_length_px: float) -> None:
        super().__init__(focal_length_px)
        self._files = files
        self._loop = loop
        self._next = 0
        self.broken: list[str] = []

    def read(self, time_s: float) -> np.ndarray | None:
        """Return the next image that can be read; :raises ImageError: there is none."""
        while self._files:
            if self._next == len(self._files):
                if not self._loop:
                    return None
                self._next = 0
            file = self._files[self._next]
            try:
                image = read_image(file)
            except ImageError as error:
                self.broken.append(str(error))
                del self._files[self._next]
                continue
            self._next += 1
            return image
        raise ImageError(f'{self.broken[-1]}; no other image is left')


def open_source(
    source: str, width: int, height: int, loop: bool, focal_length_px: float
) -> Source:
    """
    Return the source that `source` names: 'portrait', 'head', an image, folder, video or device.

    :raises ImageError: it cannot be read.
    """
    if source == PORTRAIT:
        return PortraitSource(width, height)
    if source == HEAD:
        return HeadSource(width, height)
    path = Path(source)
    if path.is_char_device():
        return DeviceSource(path, focal_length_px)
    if path.is_dir() or path.suffix.lower() in IMAGE_SUFFIXES:
        return FolderSource(image_paths([path]), loop, focal_length_px)
    return VideoSource(path, loop, focal_length_px)
