# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Detection in an image and in overlapping windows of it, for small faces in large images."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from face_recon_ros.detection.base import Detection, Detector
from face_recon_ros.detection.far_faces import WINDOW_WIDTHS, FarFaceSearch, Tile
from face_recon_ros.detection.nms import SAME_FACE_OVERLAP, intersection_over_union

# Windows of one image at most: longer images are cut into longer ones than squares
MOST_WINDOWS = 16
# From this aspect on windows overlap by half: a face that they cut is too small in the whole
LONG_ASPECT = 2.0
# In shorter images, by how much all squares together are longer than the image
SQUARES_OVERLAP = 1.1
# A face wider than this part of its window is one for the detector of near faces
NEAR_PART = 0.3
# Pixels across, below which an image has no room for a face that a detector knows
LEAST_SIDE_PX = 8


class Window(NamedTuple):
    """A part of an image: left, top, width, height in pixels."""

    x: int
    y: int
    width: int
    height: int


class WholeImageDetector:
    """Adapts one detector to the interface of a search in parts: it has a single part."""

    def __init__(self, detector: Detector) -> None:
        self._detector = detector

    def __call__(self, image: np.ndarray) -> list[Detection]:
        return self._detector(image)

    def first_look(self, image: np.ndarray) -> list[Detection]:
        """Search the image."""
        return self._detector(image)

    def next_part(
        self, image: np.ndarray, near: Sequence[np.ndarray] = ()
    ) -> list[Detection]:
        """Search the image, and windows around places (3,) x, y, width in px."""
        windows = [window_around(place, image) for place in near]
        merged = self._detector(image)
        for window in windows:
            found = _detect_in_window(self._detector, image, window) if window else []
            merged += [d for d in found if not _overlaps_one_of(d, merged)]
        return sorted(merged, key=lambda d: -d.score)


class MergedDetector:
    """
    Searches an image in parts: the whole for near faces, squares of it for far ones.

    A square as high as the image shows far faces larger than the letterboxed whole does. With a
    search for very far faces, each part includes some of its tiles. A face that several parts show
    is reported once, as the first of them sees it.
    """

    def __init__(self, near: Detector, far: Detector, tiny: FarFaceSearch | None = None) -> None:
        self._near = near
        self._far = far
        self._tiny = tiny
        self._turn = 0  # the part that was searched last
        self._rounds = 0  # times that all parts were

    def __call__(self, image: np.ndarray) -> list[Detection]:
        parts, tiles = self._parts(image), self._tiles(image)
        return self._merged(image, parts, tiles)

    def first_look(self, image: np.ndarray) -> list[Detection]:
        """Search all of a stream's image; some small faces of a crowd are left to next_part()."""
        return self._merged(image, self._parts(image), self._tiles(image), turn=0)

    def next_part(
        self, image: np.ndarray, near: Sequence[np.ndarray] = ()
    ) -> list[Detection]:
        """
        Search one part only, the next one at each call: spreads the work over a stream.

        :param near: places (3,) x, y, width in px of faces that are looked for there, too
        """
        parts, tiles = self._parts(image), self._tiles(image)
        turn = self._turn = (self._turn + 1) % len(parts)
        self._rounds += turn == 0
        windows = [(place, window_around(place, image)) for place in near]
        searched = [(self._of_width(place, w), w) for place, w in windows if w]
        searched.append(parts[turn])
        return self._merged(image, searched, tiles[turn :: len(parts)], self._rounds)

    def _of_width(self, place: np.ndarray, window: Window) -> Detector:
        """Return the detector that sees a face of a width in a window."""
        is_near = place[2] > NEAR_PART * max(window.width, window.height)
        return self._near if is_near else self._far

    def _merged(
        self,
        image: np.ndarray,
        parts: list[tuple[Detector, Window]],
        tiles: list[Tile],
        turn: int | None = None,
    ) -> list[Detection]:
        """Search parts and tiles of an image, as FarFaceSearch does; best score first."""
        merged: list[Detection] = []
        for detector, window in parts:
            found = _detect_in_window(detector, image, window)
            merged += [d for d in found if not _overlaps_one_of(d, merged)]
        tiny: list[Detection] = []
        for tile in tiles:
            tiny += self._tiny(image, tile, tiny, turn) if self._tiny else []
        # in a window of its own a small face is seen better than in a part
        merged = [d for d in merged if not _overlaps_one_of(d, tiny)] + tiny
        return sorted(merged, key=lambda d: -d.score)

    def _parts(self, image: np.ndarray) -> list[tuple[Detector, Window]]:
        height, width = image.shape[:2]
        whole = Window(0, 0, width, height)
        return [(self._near, whole), *((self._far, w) for w in squares(width, height))]

    def _tiles(self, image: np.ndarray) -> list[Tile]:
        height, width = image.shape[:2]
        if self._tiny is None or min(width, height) < LEAST_SIDE_PX:
            return []
        return self._tiny.tiles(width, height)


def window_around(place: np.ndarray, image: np.ndarray) -> Window | None:
    """Return the window in which a face (3,) x, y, width px is looked for; None: outside."""
    reach = WINDOW_WIDTHS / 2 * place[2]
    extent = np.array(image.shape[1::-1])
    if not np.isfinite(place).all():
        return None
    low = np.floor(np.clip(place[:2] - reach, 0, extent)).astype(int)
    high = np.ceil(np.clip(place[:2] + reach + 1, 0, extent)).astype(int)
    (x, y), (width, height) = low.tolist(), (high - low).tolist()
    return Window(x, y, width, height) if min(width, height) >= LEAST_SIDE_PX else None


def squares(width: int, height: int) -> list[Window]:
    """
    Return overlapping squares that cover an image; the whole where it is nearly square.

    They are at most MOST_WINDOWS, and longer than squares where these do not reach.
    """
    side, length = min(width, height), max(width, height)
    aspect = length / side
    if aspect < 1.2 or side < LEAST_SIDE_PX:
        return [Window(0, 0, width, height)]
    if aspect <= LONG_ASPECT:
        count, reach = max(2, int(np.ceil(aspect * SQUARES_OVERLAP))), side
    else:
        count = min(int(np.ceil(2 * aspect)) - 1, MOST_WINDOWS)
        reach = max(side, int(np.ceil(2 * length / (count + 1))))
    starts = [int(s) for s in np.linspace(0, length - reach, count)]
    if width > height:
        return [Window(start, 0, reach, side) for start in starts]
    return [Window(0, start, side, reach) for start in starts]


def _detect_in_window(detector: Detector, image: np.ndarray, window: Window) -> list[Detection]:
    """Return detections in the image's pixels, less those that a border inside it cuts."""
    x, y, width, height = window
    offset = np.array([x, y], np.float64)
    image_height, image_width = image.shape[:2]
    low = np.where(offset > 0, offset, -np.inf)
    end = np.array([x + width, y + height])
    high = np.where(end < [image_width, image_height], end, np.inf)
    found = []
    for d in detector(image[y : y + height, x : x + width]):
        box = d.box + np.array([x, y, x, y])
        if (box[:2] >= low).all() and (box[2:] <= high).all():
            found.append(Detection(box, d.score, None if d.eyes is None else d.eyes + offset))
    return found


def _overlaps_one_of(detection: Detection, others: Sequence[Detection]) -> bool:
    if not others:
        return False
    boxes = np.array([other.box for other in others])
    return bool(intersection_over_union(detection.box, boxes).max() > SAME_FACE_OVERLAP)
