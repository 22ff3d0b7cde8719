"""
The newest calibration of a camera, as sensor_msgs/CameraInfo has it.

Takes anything with the fields of that message: rclpy's, or what is read from a bag.
"""

from typing import Any

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


class Calibration:
    """
    Keeps what the newest CameraInfo says; no strict synchronisation with images.

    A message that cannot be used leaves the camera uncalibrated and its reason in ``fault``.
    """

    def __init__(self, topic: str, rectified: bool) -> None:
        self._topic = topic
        self._rectified = rectified
        self._content: tuple | None = None
        self._camera: Camera | None = None
        self.received = False
        self.fault = ''

    def update(self, info: Any) -> None:
        """Take a message; most repeat the last one and cost a comparison only."""
        content = _content(info)
        if content == self._content:
            return
        self._content = content
        self.received = True
        self._camera, self.fault = None, ''
        try:
            self._camera = camera_from_info(info, self._topic, self._rectified)
            if self._camera is None:
                self.fault = (
                    f'camera_info on {self._topic} is uncalibrated (K[0] is 0): calibrate the '
                    'camera; until then focal length = image width is assumed'
                )
        except CalibrationError as error:
            self.fault = str(error)

    def camera(self, width: int, height: int) -> tuple[Camera, str]:
        """
        Return the camera for an image of this size and why it is a guess ('' when it is not).

        The fallback is fx = fy = image width, principal point in the centre.
        """
        if self._camera is None:
            fault = self.fault or (
                f'no camera_info on {self._topic}: remap camera_info to the topic of the camera; '
                'until then focal length = image width is assumed'
            )
            return Camera.uncalibrated(width, height), fault
        if (self._camera.width, self._camera.height) != (width, height):
            return Camera.uncalibrated(width, height), (
                f'camera_info on {self._topic} is for {self._camera.width}x'
                f'{self._camera.height} but images are {width}x{height}: publish the calibration '
                'of these images; until then focal length = image width is assumed'
            )
        return self._camera, ''


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
