# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where faces may be in an image: the detector, over all of it or a part, either way up."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy

import numpy as np

from face_recon_ros.detection.base import Detection
from face_recon_ros.detection.loader import load_detector
from face_recon_ros.regression.region import Region
from face_recon_ros.regression.rolls import detect_upside_down
from face_recon_ros.tflite import Network
from face_recon_ros.tracking.tracker import Orientation


class SearchTask:
    """
    A search of one image for new faces, for a thread of its own.

    is_over: it was called and has ended, as it may. regions: what it found.
    """

    def __init__(self, search: Callable[[], list[Region]]) -> None:
        self._search: Callable[[], list[Region]] | None = search
        self.regions: list[Region] = []
        self.is_over = False

    def __call__(self) -> None:
        """Search, once; the image is let go."""
        search, self._search = self._search, None
        try:
            if search is not None:
                self.regions = search()
        finally:
            self.is_over = True


class ImageSearch:
    """A detector, and which parts of a stream's images it has searched."""

    def __init__(
        self, name: str, threshold: float, threads: int, loaded: dict[str, Network] | None = None
    ) -> None:
        """
        Load the detector; `loaded` as load_detector() takes it.

        :raises ModelFileError: the detector's file cannot be used.
        """
        self.detector = load_detector(name, threshold, threads, loaded)
        # the same networks, but parts of the image in turn of its own
        self._other_way_up = copy(self.detector)
        self._seeking = {orientation: copy(self.detector) for orientation in Orientation}

    def whole(
        self, image: np.ndarray, orientation: Orientation, photo: bool = True
    ) -> list[Region]:
        """
        Search a whole image (H, W, 3) uint8 BGR.

        :param photo: False: of a stream, which must not wait for all faces of a crowd
        """
        search = self.detector if photo else self.detector.first_look
        if orientation is Orientation.UPSIDE_DOWN:
            return _regions(detect_upside_down(search, image))
        return _regions(search(image))

    def part(
        self, image: np.ndarray, other_way_up: bool, orientation: Orientation
    ) -> list[Region]:
        """
        Search the next part of an image for new faces.

        :param other_way_up: from that of most faces; it has turns of its own
        """
        search = self._other_way_up if other_way_up else self.detector
        if orientation is Orientation.UPSIDE_DOWN:
            return _regions(detect_upside_down(search.next_part, image))
        return _regions(search.next_part(image))

    def around(
        self, image: np.ndarray, orientation: Orientation, sought: list[Region]
    ) -> list[Region]:
        """Search where faces are expected, and the next part of the image."""
        search = self._seeking[orientation].next_part
        centres = np.array([region.centre for region in sought])
        if upside_down := orientation is Orientation.UPSIDE_DOWN:
            centres = np.array(image.shape[1::-1]) - 1.0 - centres
        near = [
            np.append(centre, region.side_px / Region.ENLARGEMENT)
            for centre, region in zip(centres, sought, strict=True)
        ]
        if upside_down:
            return _regions(detect_upside_down(lambda turned: search(turned, near), image))
        return _regions(search(image, near))


def _regions(detections: list[Detection]) -> list[Region]:
    return [Region.from_detection(d) for d in detections]
