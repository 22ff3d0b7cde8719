# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The way of an image through the node, from its message to the results.

Two threads work beside rclpy's, each on the newest item only: one finds faces and publishes them,
one draws the pictures. So pictures never delay poses, and nothing ever queues.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

import numpy as np
from builtin_interfaces.msg import Time
from rclpy.impl.rcutils_logger import RcutilsLogger
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from face_recon_ros.calibration import Calibration
from face_recon_ros.depth_image import DepthImage
from face_recon_ros.errors import FaceReconError, ImageError
from face_recon_ros.faces import Faces
from face_recon_ros.io.encodings import compressed_to_bgr
from face_recon_ros.nodes import images
from face_recon_ros.nodes.depth_monitor import DepthMonitor
from face_recon_ros.nodes.depth_subscription import DepthSubscription
from face_recon_ros.nodes.diagnostics import ImagesTask
from face_recon_ros.nodes.filtering_frame import FilteringFrame
from face_recon_ros.nodes.latest_only import LatestOnlyWorker
from face_recon_ros.nodes.monitor import Monitor
from face_recon_ros.nodes.outputs import Output
from face_recon_ros.nodes.parameters import Settings
from face_recon_ros.nodes.report import ChangeLogger, one_line
from face_recon_ros.nodes.result import Result
from face_recon_ros.nodes.settings import ALWAYS, AUTOMATIC
from face_recon_ros.nodes.stamps import StampWatch, seconds
from face_recon_ros.pipeline import Pipeline
from face_recon_ros.pose import MetricPose

# Subject of whatever is wrong with the images, in the log
IMAGES = ImagesTask.NAME
# Rows and columns between pixels that are looked at for how bright an image is
BRIGHTNESS_STEP = 8
# How long the messages of an image may take to be handed over, where they are withdrawn
WITHDRAWAL_PATIENCE_S = 0.5


@dataclass(frozen=True, slots=True)
class Telemetry:
    """Where it is noted how the node does: for diagnostics, and for the log."""

    monitor: Monitor
    depth_monitor: DepthMonitor
    report: ChangeLogger
    logger: RcutilsLogger


@dataclass(frozen=True, slots=True)
class Arrival:
    """An image message and when it came: by a monotonic clock, and by the node's."""

    message: Image | CompressedImage
    arrived_s: float
    arrived: Time = field(default_factory=Time)


class StillBusyError(RuntimeError):
    """The image in hand takes longer than anybody waits for it."""


class Recognition:
    """Models, outputs and the threads between them; made at configure, gone after cleanup."""

    def __init__(
        self,
        pipeline: Pipeline,
        outputs: Sequence[Output],
        pictures: Output,
        calibration: Calibration,
        settings: Callable[[], Settings],
        telemetry: Telemetry,
        image_topic: str,
        filtering_frame: FilteringFrame | None = None,
    ) -> None:
        """
        Take over what an image needs.

        :param outputs: publish with the faces, in this order.
        :param pictures: publish later, in a thread of their own.
        :param settings: returns the newest.
        """
        self._filtering_frame = filtering_frame
        # while the node listens to depth
        self.depth: DepthSubscription | None = None
        self.pipeline = pipeline
        self.calibration = calibration
        self._outputs = outputs
        self._pictures = pictures
        self._all_outputs = [*outputs, pictures]
        self._settings = settings
        self._monitor, self._depth_monitor = telemetry.monitor, telemetry.depth_monitor
        self._report, self._logger = telemetry.report, telemetry.logger
        self._image_topic = image_topic
        self._reset = threading.Event()
        self._workers: list[LatestOnlyWorker] = []
        self._stamps = StampWatch(self._report, image_topic)
        self._shown: Header | None = None
        # Counts starts and stops: what an image was begun in, and whether that is still going on.
        # An image that takes long may outlive it; it holds the lock of what it works with.
        self._generation = 0
        self._finding, self._publishing, self._drawing = (threading.Lock() for _ in range(3))

    # --- from the node's thread ------------------------------------------------

    def start(self) -> None:
        """Begin to take images."""
        self._generation += 1
        draw = partial(self._draw_result, self._generation)
        find = partial(self._process, self._generation)
        failed = partial(self._failed, self._generation)
        self._draw: LatestOnlyWorker[Result] = LatestOnlyWorker('pictures', draw, failed)
        self._recognise: LatestOnlyWorker[Arrival] = LatestOnlyWorker('faces', find, failed)
        self._workers = [self._recognise, self._draw]

    def submit(self, arrival: Arrival) -> bool:
        """Hand over an image; return whether it replaced one that nobody had begun."""
        return self._recognise.submit(arrival)

    def wanted(self) -> bool:
        """Tell whether anybody listens to any result."""
        return any(output.wanted() for output in self._all_outputs)

    def forget(self) -> None:
        """Forget faces, ids and filters before the next image."""
        self._reset.set()

    def stop(self, patience_s: float, withdraw: bool = True) -> None:
        """
        End the threads, then publish that the faces shown last are gone.

        :param patience_s: the longest that the image in hand may take.
        :param withdraw: False: only end the threads.
        :raises StillBusyError: it takes longer; nothing comes of it any more.
        """
        workers, self._workers = self._workers, []
        end_s = time.monotonic() + patience_s
        ended = [worker.stop(max(0.0, end_s - time.monotonic())) for worker in workers]
        self._generation += 1
        self.forget()
        if withdraw:
            self._withdraw()
        if not all(ended):
            raise StillBusyError(f'the image in hand takes longer than {patience_s:g} s')

    def _withdraw(self) -> None:
        """Publish that there are no faces, unless an image is being published this long."""
        if not self._publishing.acquire(timeout=WITHDRAWAL_PATIENCE_S):
            return
        try:
            header, self._shown = self._shown, None
            if header is not None:
                for output in self._outputs:
                    output.publish(Result.withdrawal(header))
        finally:
            self._publishing.release()

    def close(self) -> None:
        """Give back what the outputs hold."""
        for output in self._all_outputs:
            output.close()
        if self._filtering_frame is not None:
            self._filtering_frame.close()

    # --- in the thread that finds faces ----------------------------------------

    def _process(self, generation: int, arrival: Arrival) -> None:
        image = self._convert(arrival.message)
        if image is None:
            return
        with self._finding:
            if generation == self._generation:
                self._find(generation, arrival, image)

    def _find(self, generation: int, arrival: Arrival, image: np.ndarray) -> None:
        height, width = image.shape[:2]
        camera, calibration_fault = self.calibration.camera(width, height)
        self._follow_parameters()
        header = self._stamps.usable(arrival.message.header, arrival.arrived)
        # a simulation whose clock has not begun has no time but this
        stamp_s = seconds(header.stamp) or arrival.arrived_s
        camera_pose, depth = self._camera_pose(header, stamp_s), self._depth(header, image)
        self.pipeline.eyes_wanted = any(output.wants_eyes() for output in self._all_outputs)
        found = self.pipeline.track_without_search(image, stamp_s, camera, camera_pose, depth)
        result = Result(image, self._named(found), header, camera)
        with self._publishing:
            if generation != self._generation:
                return
            for output in self._outputs:
                output.publish(result)
            self._shown = header
        now_s = time.monotonic()
        self._monitor.processed(
            now_s, now_s - arrival.arrived_s, len(result.faces), calibration_fault
        )
        if depth is not None:
            self._depth_monitor.used(now_s, self.pipeline.depth_report())
        self._report.over('processing', 'images are processed again')
        if self._pictures.wanted():
            self._draw.submit(result)
        # New faces can wait for the next image; the faces of this one cannot.
        self.pipeline.search(image)

    def _draw_result(self, generation: int, result: Result) -> None:
        with self._drawing:
            if generation == self._generation:
                self._pictures.publish(result)

    def _depth(self, header: Header, image: np.ndarray) -> DepthImage | None:
        return self.depth.at(seconds(header.stamp), image) if self.depth else None

    def _camera_pose(self, header: Header, stamp_s: float) -> MetricPose | None:
        if self._filtering_frame is None:
            return None
        if self._stamps.clock_was_set_back:
            self._filtering_frame.forget()
        return self._filtering_frame.camera_pose(header.frame_id, stamp_s)

    def _convert(self, message: Image | CompressedImage) -> np.ndarray | None:
        """Return the pixels, or None and a line in the log."""
        try:
            if isinstance(message, CompressedImage):
                image = compressed_to_bgr(message, self._image_topic)
            else:
                image = images.to_bgr(message, self._image_topic)
        except ImageError as error:
            self._report.fault(IMAGES, str(error))
            self._monitor.bad_image(str(error))
            return None
        self._report.over(IMAGES, f'images arrive on {self._image_topic}')
        brightest = int(image[::BRIGHTNESS_STEP, ::BRIGHTNESS_STEP].max())
        self._monitor.seen(time.monotonic(), brightest)
        return image

    def _follow_parameters(self) -> None:
        """Take over what has changed since the last image."""
        config = replace(self._settings().pipeline, expressions=self._expressions_wanted())
        if config != self.pipeline.config:
            self.pipeline.configure(config)
        if self._reset.is_set():
            self._reset.clear()
            self.pipeline.reset()
            self._stamps.forget()

    def _expressions_wanted(self) -> bool:
        use = self._settings().use_expressions
        if use != AUTOMATIC:
            return use == ALWAYS
        return any(output.wants_expressions() for output in self._all_outputs)

    def _named(self, faces: Faces) -> Faces:
        """Return the faces with this node's prefix before their ids."""
        prefix = self._settings().face_id_prefix
        if not prefix:
            return faces
        return Faces(replace(face, id=prefix + face.id) for face in faces)

    def _failed(self, generation: int, error: Exception) -> None:
        """Note what a thread could not do; the next image is tried all the same."""
        if generation != self._generation:
            return
        expected = isinstance(error, FaceReconError)
        text = str(error) if expected else one_line(error)
        self._report.fault('processing', text)
        self._monitor.bad_image(text)
        if not expected:
            self._logger.debug(''.join(traceback.format_exception(error)))
