"""The sample_camera node: wiring between a source of images and topics."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor
from rclpy.node import Node
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from face_recon_ros.errors import ImageError
from face_recon_ros.nodes import messages
from face_recon_ros.nodes.images import to_image
from face_recon_ros.pose import Camera
from face_recon_ros.tools.sources import PORTRAIT, FolderSource, open_source

Value = TypeVar('Value', bool, int, float, str)


class SampleCameraNode(Node):
    """Publishes `image` and `camera_info` from the portrait, a video, a folder or a device."""

    def __init__(self) -> None:
        """:raises ImageError: the source cannot be read."""
        super().__init__('sample_camera')
        source = self._declare(
            'source',
            PORTRAIT,
            "'portrait' (the shipped photo, moving with known truth), a video file, a folder of "
            'images, or /dev/videoN',
        )
        width = self._declare('width', 640, 'pixels; of the portrait', 16, 7680)
        height = self._declare('height', 480, 'pixels; of the portrait', 16, 4320)
        rate_hz = self._declare(
            'rate', 0.0, "images per second; 0: the video's own rate, else 30", 0.0, 1000.0
        )
        loop = self._declare('loop', True, 'begin again at the end of a video or folder')
        focal_length_px = self._declare(
            'focal_length',
            0.0,
            'pixels; 0: uncalibrated (the portrait is calibrated always)',
            0.0,
            1e5,
        )
        self._frame_id = self._declare('frame_id', 'camera_optical_frame', 'frame of the images')
        self._source = open_source(source, width, height, loop, focal_length_px)
        overrides = QoSOverridingOptions.with_default_policies()
        self._images = self.create_publisher(
            Image, 'image', camera_qos(), qos_overriding_options=overrides
        )
        self._infos = self.create_publisher(
            CameraInfo, 'camera_info', camera_qos(), qos_overriding_options=overrides
        )
        rate_hz = rate_hz or self._source.rate_hz or 30.0
        self._timer = self.create_timer(1.0 / rate_hz, self._publish)
        self.get_logger().info(
            f'publishing {source} at {rate_hz:g} Hz on {self.resolve_topic_name("image")}'
        )

    def _declare(
        self,
        name: str,
        default: Value,
        description: str,
        low: float = 0,
        high: float = 0,
    ) -> Value:
        descriptor = ParameterDescriptor(description=description, read_only=True)
        if isinstance(default, int) and not isinstance(default, bool):
            descriptor.integer_range = [
                IntegerRange(from_value=int(low), to_value=int(high), step=0)
            ]
        elif isinstance(default, float):
            descriptor.floating_point_range = [
                FloatingPointRange(from_value=low, to_value=high, step=0.0)
            ]
        return self.declare_parameter(name, default, descriptor).value

    def _publish(self) -> None:
        now = self.get_clock().now()
        header = Header(stamp=now.to_msg(), frame_id=self._frame_id)
        pixels = self._read(1e-9 * now.nanoseconds)
        if pixels is None:
            return
        height, width = pixels.shape[:2]
        # first, so that no image waits for its calibration
        self._infos.publish(camera_info(self._source.camera(width, height), header))
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
