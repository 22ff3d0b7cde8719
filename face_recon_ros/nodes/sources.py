"""Where the sample camera's images come from: the portrait, a video, a folder, a device."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from face_recon_ros.errors import ImageError
from face_recon_ros.nodes.sample_motion import Portrait, motion_at, portrait_camera
from face_recon_ros.paths import share_directory
from face_recon_ros.pose import Camera

PORTRAIT = 'portrait'
PORTRAIT_FILE = 'astronaut.png'
# Where the face is in that photo
PORTRAIT_CENTRE_PX = (224.0, 122.0)
PORTRAIT_FACE_WIDTH_PX = 105.0

IMAGE_SUFFIXES = ('.jpg', '.jpeg', '.png', '.bmp', '.webp', '.tif', '.tiff')


class Source(Protocol):
    """
    Gives images (H, W, 3) uint8 BGR one after the other.

    rate_hz: the source's own, 0 where it has none. live: images come when they come.
    """

    rate_hz: float
    live: bool

    def read(self, time_s: float) -> np.ndarray | None:
        """Return the image for a time, or None when there are no more."""
        ...

    def camera(self, width: int, height: int) -> Camera:
        """Return the calibration, as far as it is known."""
        ...


class PortraitSource:
    """The sample portrait, moving as sample_motion.motion_at says."""

    rate_hz = 0.0
    live = False

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


class _WithFocalLength:
    """A source whose calibration is a focal length at best."""

    def __init__(self, focal_length_px: float) -> None:
        self._focal_length_px = focal_length_px

    def camera(self, width: int, height: int) -> Camera:
        """Return the camera of the given focal length, principal point in the centre."""
        if self._focal_length_px <= 0:
            return Camera.uncalibrated(width, height)
        focal = self._focal_length_px
        return Camera(width, height, focal, focal, (width - 1) / 2, (height - 1) / 2)


class VideoSource(_WithFocalLength):
    """A video file or a /dev/videoN device."""

    def __init__(self, path: str, loop: bool, focal_length_px: float) -> None:
        super().__init__(focal_length_px)
        self._path = path
        self.live = path.startswith('/dev/')
        self._loop = loop and not self.live
        self._capture = self._open()
        self.rate_hz = 0.0 if self.live else self._capture.get(cv2.CAP_PROP_FPS)

    def _open(self) -> cv2.VideoCapture:
        if not Path(self._path).exists():
            raise ImageError(f'source {self._path}: no such file or device')
        capture = cv2.VideoCapture(self._path)
        readable, _ = capture.read()
        if not readable:
            remedy = (
                'is it a camera, and may this user read it?'
                if self.live
                else ('convert it to H.264 in an .mp4')
            )
            raise ImageError(f"source {self._path}: can't be read as video; {remedy}")
        if not self.live:
            capture = cv2.VideoCapture(self._path)
        return capture

    def read(self, time_s: float) -> np.ndarray | None:
        """Return the next image, from the beginning again when it loops."""
        ok, image = self._capture.read()
        if not ok and self._loop:
            self._capture = self._open()
            ok, image = self._capture.read()
        return image if ok else None


class FolderSource(_WithFocalLength):
    """The images of a folder, in the order of their names; unreadable ones are named and left."""

    rate_hz = 0.0
    live = False

    def __init__(self, folder: Path, loop: bool, focal_length_px: float) -> None:
        super().__init__(focal_length_px)
        files = sorted(p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES)
        if not files:
            raise ImageError(f'source {folder}: no images there ({", ".join(IMAGE_SUFFIXES)})')
        self._files = files
        self._loop = loop
        self._next = 0
        self.broken: list[str] = []

    def read(self, time_s: float) -> np.ndarray | None:
        """Return the next image that can be read."""
        while self._files:
            if self._next == len(self._files):
                if not self._loop:
                    return None
                self._next = 0
            file = self._files[self._next]
            self._next += 1
            try:
                return read_image(file)
            except ImageError as error:
                self.broken.append(str(error))
                self._files.remove(file)
                self._next -= 1
        raise ImageError(f'{self.broken[-1]}; no other image is left')


def open_source(
    source: str, width: int, height: int, loop: bool, focal_length_px: float
) -> Source:
    """
    Return the source that `source` names: 'portrait', a folder, an image, a video, a device.

    :raises ImageError: it cannot be read.
    """
    if source == PORTRAIT:
        return PortraitSource(width, height)
    path = Path(source)
    if path.is_dir():
        return FolderSource(path, loop, focal_length_px)
    return VideoSource(source, loop, focal_length_px)


def read_image(path: Path) -> np.ndarray:
    """Return an image file as (H, W, 3) uint8 BGR; :raises ImageError: it cannot be read."""
    image = cv2.imread(str(path), cv2.IMREAD_COLOR)
    if image is None:
        reason = "can't be decoded as an image" if path.is_file() else 'no such file'
        raise ImageError(f'{path}: {reason}')
    return image
