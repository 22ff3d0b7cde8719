# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
From an image message to the faces in it.

Pixels, calibration, stamp, pose of the camera, depth: then the pipeline, then a Result.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from builtin_interfaces.msg import Time
from rclpy.impl.rcutils_logger import RcutilsLogger
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from face_recon_ros.calibration import Calibration
from face_recon_ros.depth_image import DepthImage
from face_recon_ros.errors import ImageError
from face_recon_ros.faces import Faces
from face_recon_ros.io.encodings import compressed_to_bgr
from face_recon_ros.nodes import images
from face_recon_ros.nodes.camera_pose_listener import CameraPoseListener
from face_recon_ros.nodes.depth_monitor import DepthMonitor
from face_recon_ros.nodes.depth_subscription import DepthSubscription
from face_recon_ros.nodes.diagnostics import ImagesTask
from face_recon_ros.nodes.frame_ids import FrameWatch
from face_recon_ros.nodes.monitor import Monitor
from face_recon_ros.nodes.outputs import Output
from face_recon_ros.nodes.parameters import Settings
from face_recon_ros.nodes.report import ChangeLogger
from face_recon_ros.nodes.result import Result
from face_recon_ros.nodes.settings import ALWAYS, AUTOMATIC
from face_recon_ros.nodes.stamps import StampWatch, seconds
from face_recon_ros.pipeline import Pipeline
from face_recon_ros.pose import MetricPose

# Subject of whatever is wrong with the images, in the log
IMAGES = ImagesTask.NAME
# Rows and columns between pixels that are looked at for how bright an image is
BRIGHTNESS_STEP = 8


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Where it is noted how the node does: for diagnostics, and for the log."""

    monitor: Monitor
    depth_monitor: DepthMonitor
    report: ChangeLogger
    logger: RcutilsLogger


@dataclass(frozen=True, slots=True)
class Arrival:
    """
    An image message and when it came: by a monotonic clock, and by the node's.

    turn_s: of its publisher, see PublisherTurns.
    """

    message: Image | CompressedImage
    arrived_s: float
    arrived: Time = field(default_factory=Time)
    turn_s: float | None = None


class ImageProcessor:
    """Finds the faces in images, one after the other; knows no threads."""

    def __init__(
        self,
        pipeline: Pipeline,
        calibration: Calibration,
        settings: Callable[[], Settings],
        outputs: Sequence[Output],
        telemetry: Telemetry,
        image_topic: str,
        filtering_frame: CameraPoseListener | None = None,
    ) -> None:
        """
        Take over what an image needs.

        :param settings: returns the newest.
        :param outputs: are asked what has to be read of a face.
        """
        self.pipeline = pipeline
        # while the node listens to depth
        self.depth: DepthSubscription | None = None
        self.calibration = calibration
        self._settings = settings
        self._outputs = outputs
        self._monitor, self._depth_monitor = telemetry.monitor, telemetry.depth_monitor
        self._report = telemetry.report
        self._image_topic = image_topic
        self._filtering_frame = filtering_frame
        self._stamps = StampWatch(telemetry.report, image_topic)
        self._frames = FrameWatch(telemetry.report, image_topic)
        self._reset = threading.Event()

    def forget(self) -> None:
        """Forget faces, ids and filters before the next image; from any thread."""
        self._reset.set()

    def close(self) -> None:
        """Listen to no transforms any more."""
        if self._filtering_frame is not None:
            self._filtering_frame.close()

    def to_bgr(self, message: Image | CompressedImage) -> np.ndarray | None:
        """Return the pixels (H, W, 3) uint8 BGR, or None and a line in the log."""
        try:
            if isinstance(message, CompressedImage):
                image = compressed_to_bgr(message, self._image_topic)
            else:
                image = images.to_bgr(message, self._image_topic)
        except ImageError as error:
            self._report.fault(IMAGES, str(error))
            self._monitor.bad_image(str(error))
            return None
        brightest = int(image[::BRIGHTNESS_STEP, ::BRIGHTNESS_STEP].max())
        self._monitor.seen(time.monotonic(), brightest)
        return image

    def went_well(self) -> None:
        """Note that an image went all the way: what was wrong with images is over."""
        self._report.over(IMAGES, f'images arrive on {self._image_topic}')

    def find(self, arrival: Arrival, image: np.ndarray) -> tuple[Result, str]:
        """Return the faces of an image, and what is wrong with its calibration ('' nothing)."""
        height, width = image.shape[:2]
        self._follow_parameters()
        header = self._stamps.usable(arrival.message.header, arrival.arrived)
        if self._frames.changed(header.frame_id, arrival.turn_s):
            self.pipeline.reset()
        # of two cameras by turns one is that of camera_info
        frame_id = '' if self._frames.are_by_turns else header.frame_id
        camera, calibration_fault = self.calibration.camera(width, height, frame_id)
        # a simulation whose clock has not begun has no time but this
        stamp_s = seconds(header.stamp) or arrival.arrived_s
        camera_pose, depth = self._camera_pose(header, stamp_s), self._depth(header, image)
        self.pipeline.eyes_wanted = any(output.wants_eyes() for output in self._outputs)
        faces = self.pipeline.track_without_search(image, stamp_s, camera, camera_pose, depth)
        if depth is not None:
            self._depth_monitor.used(time.monotonic(), self.pipeline.depth_report())
        return Result(image, self._named(faces), header, camera), calibration_fault

    def _follow_parameters(self) -> None:
        """Take over what has changed since the last image."""
        config = replace(self._settings().pipeline, expressions=self._expressions_wanted())
        if config != self.pipeline.config:
            self.pipeline.configure(config)
        if self._reset.is_set():
            self._reset.clear()
            self.pipeline.reset()
            self._stamps.forget()
            self._frames.forget()

    def _expressions_wanted(self) -> bool:
        use = self._settings().use_expressions
        if use != AUTOMATIC:
            return use == ALWAYS
        return any(output.wants_expressions() for output in self._outputs)

    def _named(self, faces: Faces) -> Faces:
        """Return the faces with this node's prefix before their ids."""
        prefix = self._settings().face_id_prefix
        if not prefix:
            return faces
        return Faces(replace(face, id=prefix + face.id) for face in faces)

    def _depth(self, header: Header, image: np.ndarray) -> DepthImage | None:
        if self.depth is None:
            return None
        return self.depth.at(seconds(header.stamp), image, header.frame_id)

    def _camera_pose(self, header: Header, stamp_s: float) -> MetricPose | None:
        if self._filtering_frame is None:
            return None
        if self._stamps.clock_was_set_back:
            self._filtering_frame.forget()
        return self._filtering_frame.camera_pose(header.frame_id, stamp_s)
