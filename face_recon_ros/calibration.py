"""
The newest calibration of a camera, as sensor_msgs/CameraInfo has it.

Takes anything with the fields of that message: rclpy's, or what is read from a bag.
"""

from typing import Any, NamedTuple

import numpy as np

from face_recon_ros.errors import CalibrationError
from face_recon_ros.pose import Camera


def camera_from_info(info: Any, topic: str, rectified: bool = False) -> Camera | None:
    """
    Return the calibrated camera, or None where the message says uncalibrated (K[0] == 0).

    :param rectified: the images are rectified: use P, which belongs to those, and no distortion.
    :raises CalibrationError: one line naming the topic.
    """
    k, distortion, model = info.k, np.asarray(info.d), info.distortion_model
    if rectified:
        k, distortion, model = info.p.reshape(3, 4)[:, :3].ravel(), np.zeros(0), ''
    if k[0] == 0.0:
        return None
    width, height = image_size(info)
    binning = max(1, info.binning_x), max(1, info.binning_y)
    try:
        return Camera.from_calibration(
            width,
            height,
            k,
            distortion,
            model,
            binning=binning,
            roi=(info.roi.x_offset, info.roi.y_offset),
        )
    except CalibrationError as error:
        raise CalibrationError(f'camera_info on {topic}: {error}') from error


def image_size(info: Any) -> tuple[int, int]:
    """
    Return width and height of the images this calibration is for.

    A region of interest of size 0 is the whole sensor; binning comes after it.
    """
    width, height = info.roi.width or info.width, info.roi.height or info.height
    return width // max(1, info.binning_x), height // max(1, info.binning_y)


class _Newest(NamedTuple):
    """What the newest message says, replaced as a whole: readers are in another thread."""

    content: tuple | None
    camera: Camera | None
    fault: str


class Calibration:
    """
    Keeps what the newest CameraInfo says; no strict synchronisation with images.

    A message that cannot be used leaves the camera uncalibrated and its reason in ``fault``.
    One thread may update while others read.
    """

    def __init__(self, topic: str, rectified: bool) -> None:
        self._topic = topic
        self._rectified = rectified
        self._newest = _Newest(None, None, '')

    @property
    def received(self) -> bool:
        """Whether a message came."""
        return self._newest.content is not None

    @property
    def fault(self) -> str:
        """Why the newest message cannot be used; '' where it can, or none came."""
        return self._newest.fault

    def update(self, info: Any) -> None:
        """Take a message; most repeat the last one and cost a comparison only."""
        content = _content(info)
        if content == self._newest.content:
            return
        camera, fault = None, ''
        try:
            camera = camera_from_info(info, self._topic, self._rectified)
            if camera is None:
                fault = (
                    f'camera_info on {self._topic} is uncalibrated (K[0] is 0): calibrate the '
                    'camera; until then focal length = image width is assumed'
                )
        except CalibrationError as error:
            fault = str(error)
        self._newest = _Newest(content, camera, fault)

    def camera(self, width: int, height: int) -> tuple[Camera, str]:
        """
        Return the camera for an image of this size and why it is a guess ('' when it is not).

        The fallback is fx = fy = image width, principal point in the centre.
        """
        newest = self._newest
        if newest.camera is None:
            fault = newest.fault or (
                f'no camera_info on {self._topic}: remap camera_info to the topic of the camera; '
                'until then focal length = image width is assumed'
            )
            return Camera.uncalibrated(width, height), fault
        if (newest.camera.width, newest.camera.height) != (width, height):
            return Camera.uncalibrated(width, height), (
                f'camera_info on {self._topic} is for {newest.camera.width}x'
                f'{newest.camera.height} but images are {width}x{height}: publish the calibration '
                'of these images; until then focal length = image width is assumed'
            )
        return newest.camera, ''


def _content(info: Any) -> tuple:
    """Return all that matters but the stamp; NaN is made equal to itself."""
    roi = info.roi
    return (
        info.width,
        info.height,
        info.k.tobytes(),
        bytes(info.d),
        info.p.tobytes(),
        info.distortion_model,
        info.binning_x,
        info.binning_y,
        roi.x_offset,
        roi.y_offset,
        roi.width,
        roi.height,
    )
