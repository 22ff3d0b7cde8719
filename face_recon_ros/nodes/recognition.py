# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The threads of the node: images are processed (image_processing.py), results published.

Three threads work beside rclpy's, each on the newest item only: one follows faces and publishes
them, one searches for new faces, one draws the pictures. So neither pictures nor the search delay
poses, and nothing ever queues.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections.abc import Sequence
from functools import partial

from rclpy.publisher import Publisher
from std_msgs.msg import Header

from face_recon_ros.errors import FaceReconError
from face_recon_ros.nodes.diagnostics import PICTURES, SEARCH
from face_recon_ros.nodes.image_processing import IMAGES, Arrival, ImageProcessor, Telemetry
from face_recon_ros.nodes.latest_only import LatestOnlyWorker
from face_recon_ros.nodes.outputs import Output
from face_recon_ros.nodes.report import one_line
from face_recon_ros.nodes.result import Result
from face_recon_ros.pipeline import Pipeline
from face_recon_ros.searching import SearchTask

# How long the messages of an image may take to be handed over, where they are withdrawn
WITHDRAWAL_PATIENCE_S = 2.0
# Where cores are scarce the faces that are followed come first (nice(2)); with more, faces wait
# longer for a search that has not got a core and holds a network or the interpreter
SEARCH_NICENESS = 4


class StillBusyError(RuntimeError):
    """The image in hand takes longer than anybody waits for it."""


class Recognition:
    """Models, outputs and the threads between them; made at configure, gone after cleanup."""

    def __init__(
        self,
        processor: ImageProcessor,
        outputs: Sequence[Output],
        pictures: Output,
        telemetry: Telemetry,
    ) -> None:
        """
        Take over what the threads work with.

        :param outputs: publish with the faces, in this order.
        :param pictures: publish later, in a thread of their own.
        """
        self.processor = processor
        self._outputs = outputs
        self._pictures = pictures
        self._all_outputs = [*outputs, pictures]
        self._monitor = telemetry.monitor
        self._report, self._logger = telemetry.report, telemetry.logger
        self._workers: list[LatestOnlyWorker] = []
        self._shown: Header | None = None
        # Counts starts and stops: what an image was begun in, and whether that is still going on.
        # An image that takes long may outlive it; it holds the lock of what it works with.
        self._generation = 0
        self._finding, self._publishing, self._drawing = (threading.Lock() for _ in range(3))

    @property
    def pipeline(self) -> Pipeline:
        """What finds the faces."""
        return self.processor.pipeline

    # --- from the node's thread ------------------------------------------------

    def start(self) -> None:
        """Begin to take images."""
        self._generation += 1
        draw = partial(self._draw_result, self._generation)
        find = partial(self._process, self._generation)
        search = partial(self._find_new, self._generation)
        failed = partial(self._failed, self._generation)
        not_drawn = partial(self._not_drawn, self._generation)
        not_searched = partial(self._not_searched, self._generation)
        self._draw: LatestOnlyWorker[Result] = LatestOnlyWorker('pictures', draw, not_drawn)
        self._recognise: LatestOnlyWorker[Arrival] = LatestOnlyWorker('faces', find, failed)
        self._search: LatestOnlyWorker[SearchTask] = LatestOnlyWorker(
            'search', search, not_searched, SEARCH_NICENESS
        )
        self._workers = [self._recognise, self._search, self._draw]

    def submit(self, arrival: Arrival) -> bool:
        """Hand over an image; return whether it replaced one that nobody had begun."""
        return self._recognise.submit(arrival)

    def wanted(self) -> bool:
        """Tell whether anybody listens to any result."""
        return any(output.wanted() for output in self._all_outputs)

    def forget(self) -> None:
        """Forget faces, ids and filters before the next image."""
        self.processor.forget()

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

    def withdraws_on(self) -> list[Publisher]:
        """Return the publishers on which stop() tells that faces are gone."""
        return [p for output in self._all_outputs for p in output.withdraws_on()]

    def close(self) -> None:
        """Give back what the outputs hold."""
        for output in self._all_outputs:
            output.close()
        self.processor.close()

    # --- in the thread that finds faces ----------------------------------------

    def _process(self, generation: int, arrival: Arrival) -> None:
        """Find the faces of an image, publish them, then let new ones be searched for."""
        image = self.processor.to_bgr(arrival.message)
        if image is None:
            return
        with self._finding:
            if generation != self._generation:
                return
            result, calibration_fault = self.processor.find(arrival, image)
            if not self._publish(generation, result):
                return
            now_s = time.monotonic()
            self._monitor.processed(
                now_s,
                now_s - arrival.arrived_s,
                len(result.faces),
                calibration_fault,
                assumed=result.camera is not None and not result.camera.calibrated,
            )
            self.processor.went_well()
            if self._pictures.wanted():
                self._draw.submit(result)
            task = self.pipeline.search_task(image)
            if task is not None:
                self._search.submit(task)

    def _publish(self, generation: int, result: Result) -> bool:
        """Publish faces unless the node has been stopped meanwhile; tell whether it was done."""
        with self._publishing:
            if generation != self._generation:
                return False
            for output in self._outputs:
                output.publish(result)
            self._shown = result.header
        return True

    def _draw_result(self, generation: int, result: Result) -> None:
        with self._drawing:
            if generation != self._generation:
                return
            self._pictures.publish(result)
            if generation == self._generation:
                self._report.over(PICTURES, 'pictures are made again')

    def _not_drawn(self, generation: int, error: Exception) -> None:
        """Note a picture that could not be made; the next one is made all the same."""
        if generation == self._generation:
            self._report.fault(PICTURES, f'no pictures are made: {self._told(error)}')

    # --- in the thread that searches for new faces -----------------------------

    def _find_new(self, generation: int, task: SearchTask) -> None:
        task()
        if generation == self._generation:
            self._report.over(SEARCH, 'new faces are searched for again')

    def _not_searched(self, generation: int, error: Exception) -> None:
        """Note a search that failed; the next one is made all the same."""
        if generation == self._generation:
            text = self._told(error)
            self._report.fault(SEARCH, f'no new faces are found: {text}')

    # --- what went wrong in a thread -------------------------------------------

    def _failed(self, generation: int, error: Exception) -> None:
        """Note an image that could not be processed; the next one is tried all the same."""
        if generation != self._generation:
            return
        text = f'images cannot be processed: {self._told(error)}'
        self._report.fault(IMAGES, text)
        self._monitor.bad_image(text)

    def _told(self, error: Exception) -> str:
        """Return an error in a line; where it was not expected, its trace is in the debug log."""
        if isinstance(error, FaceReconError):
            return str(error)
        self._logger.debug(''.join(traceback.format_exception(error)))
        return one_line(error)
