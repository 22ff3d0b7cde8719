# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The sample_camera node: wiring between a source of images and topics."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from face_recon_ros.camera import Camera
from face_recon_ros.errors import ImageError
from face_recon_ros.nodes import messages
from face_recon_ros.nodes.declarations import declarations_of
from face_recon_ros.nodes.images import to_image
from face_recon_ros.nodes.qos import overrides_of
from face_recon_ros.nodes.unknown_parameters import say_unknown
from face_recon_ros.settings import (
    Change,
    check_settings,
    parameter_name,
    setting,
    settings_class,
    settings_of,
)
from face_recon_ros.tools.depth_sensors import SENSORS
from face_recon_ros.tools.sources import PORTRAIT, FolderSource, HeadSource, open_source

NO_SENSOR = 'none'


@settings_class
@dataclass(frozen=True, slots=True)
class SampleCameraSettings:
    """The parameters of the sample camera."""

    source: str = setting(
        PORTRAIT,
        'portrait (the shipped photo, moving with known truth), head (a rendered one with depth), '
        'a video file, a folder of images, or /dev/videoN.',
        change=Change.START,
    )
    width: int = setting(
        640, 'Width of the portrait.', 16, 7680, unit='px', change=Change.START
    )
    height: int = setting(
        480, 'Height of the portrait.', 16, 4320, unit='px', change=Change.START
    )
    rate_hz: float = setting(
        0.0,
        "Rate of the images. 0: the video's own, else 30 Hz.",
        0.0,
        1000.0,
        unit='Hz',
        change=Change.START,
    )
    loop: bool = setting(
        True, 'Begin again at the end of a video or folder.', change=Change.START
    )
    focal_length_px: float = setting(
        0.0,
        'Focal length. 0: uncalibrated. The portrait is always calibrated.',
        0.0,
        1e5,
        unit='px',
        change=Change.START,
    )
    frame_id: str = setting(
        'camera_optical_frame', 'Frame of the images.', change=Change.START
    )

    depth_sensor: str = setting(
        'stereo',
        'Kind of depth camera that sees the head. none: no depth images.',
        choices=(NO_SENSOR, *SENSORS),
        change=Change.START,
    )
    depth_shift_px: float = setting(
        0.0,
        'How far the depth image lies to the right of the colour image: bad registration.',
        -50.0,
        50.0,
        unit='px',
        change=Change.START,
    )
    depth_lag_s: float = setting(
        0.0,
        'How much older what the depth image shows is than its stamp says.',
        0.0,
        1.0,
        unit='s',
        change=Change.START,
    )

    def __post_init__(self) -> None:
        """:raises SettingsError: a number is beyond its range."""
        check_settings(self)


FIELDS = tuple(settings_of(SampleCameraSettings))
DECLARATIONS = declarations_of(SampleCameraSettings)


class SampleCameraNode(Node):
    """Publishes `image` and `camera_info` of a source, and `depth_image` of one that has depth."""

    def __init__(self) -> None:
        """:raises FaceReconError: the source cannot be read, or a parameter cannot be used."""
        super().__init__('sample_camera')
        given: dict[str, Any] = {
            d.name: self.declare_parameter(d.name, d.default, d.descriptor()).value
            for d in DECLARATIONS
        }
        say_unknown(self)
        settings = SampleCameraSettings(
            **{name: given[parameter_name(SampleCameraSettings, name)] for name in FIELDS}
        )
        self._frame_id = settings.frame_id
        self._source = open_source(
            settings.source,
            settings.width,
            settings.height,
            settings.loop,
            settings.focal_length_px,
        )
        self._images = self._publisher(Image, 'image')
        self._infos = self._publisher(CameraInfo, 'camera_info')
        self._depths = None
        if isinstance(self._source, HeadSource) and settings.depth_sensor != NO_SENSOR:
            sensor = SENSORS[settings.depth_sensor]
            self._sensor = replace(sensor, shift_px=settings.depth_shift_px)
            self._lag_s = settings.depth_lag_s
            self._depths = self._publisher(Image, 'depth_image')
        rate_hz = settings.rate_hz or self._source.rate_hz or 30.0
        self._timer = self.create_timer(1.0 / rate_hz, self._publish)
        self.get_logger().info(
            f'publishing {settings.source} at {rate_hz:g} Hz on {self.resolve_topic_name("image")}'
        )

    def _publisher(self, kind: type, topic: str) -> Publisher:
        with overrides_of(self) as overrides:
            return self.create_publisher(
                kind, topic, camera_qos(), qos_overriding_options=overrides
            )

    def _publish(self) -> None:
        now = self.get_clock().now()
        header = Header(stamp=now.to_msg(), frame_id=self._frame_id)
        pixels = self._read(1e-9 * now.nanoseconds)
        if pixels is None:
            return
        height, width = pixels.shape[:2]
        # first, so that no image waits for its calibration
        self._infos.publish(camera_info(self._source.camera(width, height), header))
        if self._depths and isinstance(self._source, HeadSource):
            depth = self._source.depth(1e-9 * now.nanoseconds - self._lag_s, self._sensor)
            self._depths.publish(to_image(depth, '16UC1', header))
        self._images.publish(to_image(pixels, 'bgr8', header))

    def _read(self, time_s: float) -> np.ndarray | None:
        try:
            pixels = self._source.read(time_s)
        except ImageError as error:
            pixels = None
            self.get_logger().error(str(error))
        if isinstance(self._source, FolderSource):
            while self._source.broken:
                self.get_logger().warning(f'{self._source.broken.pop()}: left out')
        if pixels is None:
            self._timer.cancel()
            self.get_logger().info('no more images')
        return pixels


def camera_qos() -> QoSProfile:
    """
    Return a reliable profile, so that subscribers of either kind receive.

    A new one each time: rclpy writes overrides into the profile it is given.
    """
    return QoSProfile(depth=1, reliability=ReliabilityPolicy.RELIABLE)


def camera_info(camera: Camera, header: Header) -> CameraInfo:
    """Return sensor_msgs/CameraInfo; K stays 0 where the camera is not calibrated."""
    if camera.calibrated:
        return messages.camera_info(camera, header)
    return CameraInfo(header=header, width=camera.width, height=camera.height)
