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
from dataclasses import dataclass, replace

import numpy as np
from rclpy.impl.rcutils_logger import RcutilsLogger
from sensor_msgs.msg import CompressedImage, Image
from std_msgs.msg import Header

from face_recon_ros.calibration import Calibration
from face_recon_ros.encodings import compressed_to_bgr
from face_recon_ros.errors import FaceReconError, ImageError
from face_recon_ros.nodes import images
from face_recon_ros.nodes.diagnostics import STAMPS, ImagesTask
from face_recon_ros.nodes.filtering_frame import FilteringFrame
from face_recon_ros.nodes.monitor import Monitor
from face_recon_ros.nodes.newest import NewestWorker
from face_recon_ros.nodes.outputs import Output
from face_recon_ros.nodes.parameters import Settings
from face_recon_ros.nodes.pictures import Pictures, Scene
from face_recon_ros.nodes.report import OncePerChange, one_line
from face_recon_ros.pipeline import Face, FaceReconPipeline
from face_recon_ros.pose import MetricPose

# Subject of whatever is wrong with the images, in the log
IMAGES = ImagesTask.NAME


@dataclass(frozen=True, slots=True)
class Arrival:
    """An image message and when it came (monotonic clock)."""

    message: Image | CompressedImage
    arrived_s: float


class Recognition:
    """Models, outputs and the threads between them; made at configure, gone after cleanup."""

    def __init__(
        self,
        pipeline: FaceReconPipeline,
        outputs: Sequence[Output],
        pictures: Pictures,
        calibration: Calibration,
        monitor: Monitor,
        settings: Callable[[], Settings],
        report: OncePerChange,
        logger: RcutilsLogger,
        image_topic: str,
        filtering_frame: FilteringFrame | None = None,
    ) -> None:
        """:param settings: returns the newest."""
        self._filtering_frame = filtering_frame
        self.pipeline = pipeline
        self.calibration = calibration
        self._outputs = outputs
        self._pictures = pictures
        self._monitor = monitor
        self._settings = settings
        self._report = report
        self._logger = logger
        self._image_topic = image_topic
        self._reset = threading.Event()
        self._workers: list[NewestWorker] = []
        self._abandoned = False
        self._shown: Header | None = None
        self._stamp_s = float('-inf')

    # --- from the node's thread ------------------------------------------------

    def start(self) -> None:
        """Begin to take images."""
        self._draw: NewestWorker[Scene] = NewestWorker(
            'pictures', self._pictures.draw, self._failed
        )
        self._recognise: NewestWorker[Arrival] = NewestWorker(
            'faces', self._process, self._failed
        )
        self._workers = [self._recognise, self._draw]

    def submit(self, arrival: Arrival) -> bool:
        """Hand over an image; return whether it replaced one that nobody had begun."""
        return self._recognise.submit(arrival)

    def wanted(self) -> bool:
        """Tell whether anybody listens to any result."""
        return any(output.wanted() for output in self._outputs) or self._pictures.wanted()

    def forget(self) -> None:
        """Forget faces, ids and filters before the next image."""
        self._reset.set()

    def stop(self, patience_s: float, withdraw: bool = True) -> None:
        """
        End the threads, then publish that the faces shown last are gone.

        :param patience_s: the longest that the image in hand may take.
        :param withdraw: False: only end the threads.
        :raises RuntimeError: it takes longer; what becomes of it is no news.
        """
        workers, self._workers = self._workers, []
        end_s = time.monotonic() + patience_s
        ended = [worker.stop(max(0.0, end_s - time.monotonic())) for worker in workers]
        if not all(ended):
            self._abandoned = True
            raise RuntimeError(f'the image in hand takes longer than {patience_s:g} s')
        self.forget()
        header, self._shown = self._shown, None
        if withdraw and header is not None:
            for output in self._outputs:
                output.publish(np.empty((0, 0, 3), np.uint8), [], header)

    def close(self) -> None:
        """Give back what the outputs hold."""
        for output in self._outputs:
            output.close()
        if self._filtering_frame is not None:
            self._filtering_frame.close()

    # --- in the thread that finds faces ----------------------------------------

    def _process(self, arrival: Arrival) -> None:
        image = self._convert(arrival.message)
        if image is None:
            return
        header = arrival.message.header
        height, width = image.shape[:2]
        camera, calibration_fault = self.calibration.camera(width, height)
        self._follow_parameters()
        stamp_s = self._watch_stamp(header, arrival.arrived_s)
        camera_pose = self._camera_pose(header, stamp_s)
        found = self.pipeline.process(
            image, camera, stamp_s, search=False, camera_pose=camera_pose
        )
        faces = self._named(found)
        for output in self._outputs:
            output.publish(image, faces, header)
        self._shown = header
        now_s = time.monotonic()
        self._monitor.processed(now_s, now_s - arrival.arrived_s, len(faces), calibration_fault)
        self._report.over('processing', 'images are processed again')
        if self._pictures.wanted():
            self._draw.submit(Scene(image, faces, header, self._settings()))
        # Newcomers can wait for the next image; the faces of this one cannot.
        self.pipeline.search(image)

    def _camera_pose(self, header: Header, stamp_s: float) -> MetricPose | None:
        if self._filtering_frame is None:
            return None
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
        return image

    def _follow_parameters(self) -> None:
        """Take over what has changed since the last image."""
        config = self._settings().pipeline
        if config != self.pipeline.config:
            self.pipeline.configure(config)
        if self._reset.is_set():
            self._reset.clear()
            self.pipeline.reset()
            self._stamp_s = float('-inf')

    def _watch_stamp(self, header: Header, arrived_s: float) -> float:
        """Return when the image was taken, in seconds, and say so if that is in the past."""
        stamp_s = _stamp_s(header, arrived_s)
        if stamp_s < self._stamp_s:
            self._report.fault(
                STAMPS,
                f'stamps of images on {self._image_topic} went back, so the faces were forgotten:'
                ' a bag that began again, a clock that was reset, or two cameras on one topic',
            )
        else:
            self._report.over(STAMPS, f'stamps of images on {self._image_topic} rise again')
        self._stamp_s = stamp_s
        return stamp_s

    def _named(self, faces: list[Face]) -> list[Face]:
        """Return the faces with this node's prefix before their ids."""
        prefix = self._settings().face_id_prefix
        return [replace(face, id=prefix + face.id) for face in faces] if prefix else faces

    def _failed(self, error: Exception) -> None:
        """Note what a thread could not do; the next image is tried all the same."""
        if self._abandoned:
            return
        expected = isinstance(error, FaceReconError)
        text = str(error) if expected else one_line(error)
        self._report.fault('processing', text)
        self._monitor.bad_image(text)
        if not expected:
            self._logger.debug(''.join(traceback.format_exception(error)))


def _stamp_s(header: Header, arrived_s: float) -> float:
    """Return when an image was taken, in seconds; a driver without stamps: when it came."""
    stamp = header.stamp
    return stamp.sec + 1e-9 * stamp.nanosec or arrived_s
