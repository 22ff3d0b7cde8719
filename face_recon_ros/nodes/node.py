"""
The face_recon node: wiring between topics and the core.

Two threads work beside rclpy's, each on the newest item only: one finds faces and publishes them,
one draws the pictures. So pictures never delay poses, and nothing ever queues.
"""

from __future__ import annotations

import hashlib
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import PoseArray
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions
from sensor_msgs.msg import CameraInfo, CompressedImage, Image
from std_msgs.msg import Header
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray

from face_recon_ros.errors import FaceReconError, ImageError
from face_recon_ros.msg import FaceArray
from face_recon_ros.nodes import images, messages
from face_recon_ros.nodes.calibration import Calibration
from face_recon_ros.nodes.diagnostics import (
    OK,
    CalibrationTask,
    FacesTask,
    ImagesTask,
    SpeedTask,
    Task,
    Verdict,
    diagnostic_array,
)
from face_recon_ros.nodes.monitor import Monitor
from face_recon_ros.nodes.newest import NewestWorker
from face_recon_ros.nodes.parameters import COMPRESSED, Parameters
from face_recon_ros.nodes.pictures import Pictures, Scene
from face_recon_ros.nodes.report import OncePerChange, one_line
from face_recon_ros.pipeline import Face, FaceReconPipeline

# Subject of whatever is wrong with the images, in the log
IMAGES = ImagesTask.NAME


@dataclass(frozen=True, slots=True)
class Arrival:
    """An image message and when it came (monotonic clock)."""

    message: Image | CompressedImage
    arrived_s: float


class FaceReconNode(Node):
    """Topics, parameters and frames as docs/ros.md lists them."""

    def __init__(self) -> None:
        """:raises FaceReconError: a parameter or model file cannot be used."""
        super().__init__('face_recon')
        self._tuning = Parameters(self)
        self._overrides = QoSOverridingOptions.with_default_policies()
        logger = self.get_logger()
        self._report = OncePerChange(logger.warning, logger.info)
        self._workers: list[NewestWorker] = []
        self._configure()
        self._activate()

    # --- states ----------------------------------------------------------------

    def _configure(self) -> None:
        """Load the models and offer the outputs."""
        settings = self._tuning.settings
        self._pipeline = FaceReconPipeline(settings.pipeline)
        self._monitor = Monitor(time.monotonic())
        self._marker_count = 0
        self._held: Arrival | None = None
        self._hold_until_s: float | None = None

        self._faces = self._publish(FaceArray, '~/faces')
        self._transforms = self._publish(TFMessage, '/tf', 100)
        self._poses = self._publish(PoseArray, '~/poses')
        self._markers = self._publish(MarkerArray, '~/markers')
        self._pictures = Pictures(self._publish, self._pipeline.model)
        self._diagnostics = self._publish(DiagnosticArray, '/diagnostics')

    def _activate(self) -> None:
        """Begin to listen."""
        settings = self._tuning.settings
        self._draw = self._worker('pictures', self._pictures.draw)
        self._recognise = self._worker('faces', self._process)

        compressed = settings.image_transport == COMPRESSED
        # as image_transport does: the base topic is remapped, its transports follow
        topic = self.resolve_topic_name('image') + ('/compressed' if compressed else '')
        self._image_topic = topic
        info_topic = self.resolve_topic_name('camera_info')
        self._calibration = Calibration(info_topic, settings.rectified)
        self._images_task = ImagesTask(topic, settings.image_timeout_s)
        self._tasks: list[Task] = [
            self._images_task,
            CalibrationTask(info_topic),
            FacesTask(self._model_names()),
            SpeedTask(),
        ]
        self.create_subscription(
            CameraInfo,
            'camera_info',
            self._on_camera_info,
            image_qos(),
            qos_overriding_options=self._overrides,
        )
        self.create_subscription(
            CompressedImage if compressed else Image,
            topic,
            self._on_image,
            image_qos(),
            qos_overriding_options=self._overrides,
        )
        # Not ROS time: a paused simulation must not hide what is wrong.
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(settings.diagnostics_period_s, self._diagnose, clock=steady)
        self._release_timer = self.create_timer(
            max(settings.calibration_wait_s, 1e-3), self._release, clock=steady
        )
        self._release_timer.cancel()
        self.get_logger().info(f'looking for faces in {topic}')

    def _publish(self, kind: type, topic: str, depth: int = 5) -> Publisher:
        qos = QoSProfile(depth=depth, reliability=ReliabilityPolicy.RELIABLE)
        return self.create_publisher(kind, topic, qos, qos_overriding_options=self._overrides)

    def _worker(self, name: str, handle: Callable[[Any], None]) -> NewestWorker:
        worker: NewestWorker = NewestWorker(name, handle, self._failed)
        self._workers.append(worker)
        return worker

    def close(self) -> None:
        """Stop the threads; what they still hold is not published."""
        for worker in self._workers:
            worker.stop()

    # --- input -----------------------------------------------------------------

    def _on_camera_info(self, message: CameraInfo) -> None:
        self._calibration.update(message)
        self._release()

    def _on_image(self, message: Image | CompressedImage) -> None:
        arrival = Arrival(message, time.monotonic())
        idle = not self._wanted()
        self._monitor.received(arrival.arrived_s, idle)
        if idle:
            return
        if self._waits_for_calibration(arrival.arrived_s):
            self._held = arrival
        elif self._recognise.submit(arrival):
            self._monitor.dropped(arrival.arrived_s)

    def _waits_for_calibration(self, now_s: float) -> bool:
        """Give camera_info a moment to come before a focal length is assumed."""
        if self._calibration.received:
            return False
        if self._hold_until_s is None:
            self._hold_until_s = now_s + self._tuning.settings.calibration_wait_s
            self._release_timer.reset()
        return now_s < self._hold_until_s

    def _release(self) -> None:
        """Let the image go that waited for camera_info."""
        self._release_timer.cancel()
        held, self._held = self._held, None
        if held is not None:
            self._recognise.submit(held)

    # --- the way of an image (in the worker's thread) ---------------------------

    def _process(self, arrival: Arrival) -> None:
        image = self._convert(arrival.message)
        if image is None:
            return
        header = arrival.message.header
        height, width = image.shape[:2]
        camera, calibration_fault = self._calibration.camera(width, height)
        self._follow_parameters()
        stamp_s = _stamp_s(header, arrival.arrived_s)
        faces = self._pipeline.process(image, camera, stamp_s, search=False)
        self._publish_faces(faces, header, width, height)
        now_s = time.monotonic()
        self._monitor.processed(now_s, now_s - arrival.arrived_s, len(faces), calibration_fault)
        self._report.over('processing', 'images are processed again')
        if self._pictures.wanted():
            self._draw.submit(Scene(image, faces, header, self._tuning.settings))
        # Newcomers can wait for the next image; the faces of this one cannot.
        self._pipeline.search(image)

    def _convert(self, message: Image | CompressedImage) -> np.ndarray | None:
        """Return the pixels, or None and a line in the log."""
        try:
            if isinstance(message, CompressedImage):
                image = images.compressed_to_bgr(message, self._image_topic)
            else:
                image = images.to_bgr(message, self._image_topic)
        except ImageError as error:
            self._report.fault(IMAGES, str(error))
            self._monitor.bad_image(str(error))
            return None
        self._report.over(IMAGES, f'images on {self._image_topic} are good again')
        return image

    def _follow_parameters(self) -> None:
        """Take over parameters that have changed since the last image."""
        config = self._tuning.settings.pipeline
        if config != self._pipeline.config:
            self._pipeline.configure(config)

    def _publish_faces(self, faces: list[Face], header: Header, width: int, height: int) -> None:
        if _has_listener(self._transforms) and self._may_publish_tf(header):
            self._transforms.publish(messages.transforms(faces, header))
        if _has_listener(self._faces):
            self._faces.publish(messages.face_array(faces, header, width, height))
        if _has_listener(self._poses):
            self._poses.publish(messages.pose_array(faces, header))
        if _has_listener(self._markers):
            self._markers.publish(messages.markers(faces, header, self._marker_count))
            self._marker_count = len(faces)

    def _may_publish_tf(self, header: Header) -> bool:
        if not self._tuning.settings.publish_tf:
            return False
        if header.frame_id:
            self._report.over('frame_id', f'images on {self._image_topic} have a frame_id')
            return True
        self._report.fault(
            'frame_id',
            f'images on {self._image_topic} have no frame_id, so nothing is published '
            'on /tf: set it in the camera driver',
        )
        return False

    # --- what goes wrong -------------------------------------------------------

    def _failed(self, error: Exception) -> None:
        """Note what a thread could not do; the next image is tried all the same."""
        if not self.context.ok():
            return  # the publishers are gone: the process is ending
        expected = isinstance(error, FaceReconError)
        text = str(error) if expected else one_line(error)
        self._report.fault('processing', text)
        self._monitor.bad_image(text)
        if not expected:
            self.get_logger().debug(''.join(traceback.format_exception(error)))

    def _diagnose(self) -> None:
        """Publish diagnostics and log each fault once."""
        seen = self._monitor.snapshot(time.monotonic())
        self._images_task.publisher_count = self.count_publishers(self._image_topic)
        self._images_task.timeout_s = self._tuning.settings.image_timeout_s
        verdicts = [(task, task.run(seen)) for task in self._tasks]
        for task, verdict in verdicts:
            self._say(task.name, verdict)
        stamp = self.get_clock().now().to_msg()
        self._diagnostics.publish(
            diagnostic_array(self.get_fully_qualified_name(), self._image_topic, stamp, verdicts)
        )

    def _say(self, subject: str, verdict: Verdict) -> None:
        if verdict.level == OK:
            self._report.over(subject, verdict.message)
        else:
            self._report.fault(subject, verdict.message, verdict.detail)

    def _wanted(self) -> bool:
        """Tell whether anybody listens to any result."""
        results = (self._faces, self._transforms, self._poses, self._markers)
        return any(_has_listener(p) for p in results) or self._pictures.wanted()

    def _model_names(self) -> dict[str, str]:
        """Return what diagnostics show of the models."""
        path = self._pipeline.model.path
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        config = self._pipeline.config
        return {
            'face model': path.name,
            'face model sha256': digest,
            'detector': config.detector,
            'regressor': config.regressor_path or 'shipped',
        }


def image_qos() -> QoSProfile:
    """
    Return the profile of sensor data, of depth 1: an image that waits is late.

    A new one each time: rclpy writes overrides into the profile it is given.
    """
    return QoSProfile(depth=1, reliability=ReliabilityPolicy.BEST_EFFORT)


def _has_listener(publisher: Publisher) -> bool:
    return publisher.get_subscription_count() > 0


def _stamp_s(header: Header, arrived_s: float) -> float:
    """Return when an image was taken, in seconds; a driver without stamps: when it came."""
    stamp = header.stamp
    return stamp.sec + 1e-9 * stamp.nanosec or arrived_s
