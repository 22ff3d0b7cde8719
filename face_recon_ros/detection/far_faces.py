# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Far faces: a small network proposes where they may be, and a detector looks there.

The detector needs faces of a tenth of its window. To look through a large image in such windows
takes a hundred of them; the network of proposals looks at a tile of 711 by 533 pixels at once
(model_building/far_faces).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import cv2
import numpy as np

from face_recon_ros.detection.base import Detection, Detector
from face_recon_ros.detection.resizing import shrink
from face_recon_ros.errors import ModelFileError
from face_recon_ros.tflite import Network

# The network's output has a cell for each square of so many pixels of its input, and gives widths
# in parts of this one
CELL_PX = 8
UNIT_WIDTH_PX = 20.0
CHANNELS = 4
# Narrowest face that is looked for, in pixels of the image, and in those of the network's input
LEAST_FACE_PX, LEAST_INPUT_FACE_PX = 24.0, 13.0
# Widest face that is proposed, pixels of the network's input: wider ones the detector finds
LARGEST_INPUT_FACE_PX = 64.0
# By how much tiles overlap, pixels of the network's input: more than a small face
OVERLAP_PX = 32
# Tiles of one image at most: of larger images smaller faces are not looked for
MOST_TILES = 12
# Probability from which a cell is a proposal
LEAST_PROBABILITY = 0.3
# Of a tile of a stream's image so many proposals are looked at, the likeliest, and others in turn;
# of a photo's all, until so many in a row are none
MOST_PROPOSALS = 6
# Side of the window around a proposal, in widths of the face
WINDOW_WIDTHS = 5.0
# A detection is the proposed face where its centre is nearer than this part of a width, and its
# width is not so many times another
SAME_CENTRE, SAME_WIDTH = 0.5, 2.0


class Tile(NamedTuple):
    """A part of an image that the network sees at once: left, top, width, height in pixels."""

    x: int
    y: int
    width: int
    height: int


class FarFaceSearch:
    """Finds faces of LEAST_FACE_PX and more, too small in the image for the detector."""

    def __init__(self, network: Network, detector: Detector) -> None:
        """
        Take the network of proposals and the detector that looks at them.

        :raises ModelFileError: the network is not one of proposals.
        """
        _, height, width, _ = network.input_shape
        if network.output_shapes() != [(1, height // CELL_PX, width // CELL_PX, CHANNELS)]:
            raise ModelFileError(
                f'model file {network.path}: does not propose faces; reinstall the package'
            )
        self._network = network
        self._detector = detector
        self._size = width, height

    def tiles(self, width: int, height: int) -> list[Tile]:
        """Return the tiles that cover an image, overlapping; at most MOST_TILES."""
        scale = LEAST_INPUT_FACE_PX / LEAST_FACE_PX
        while (tiles := self._grid(width, height, scale)) is None:
            scale *= 0.9
        return tiles

    def _grid(self, width: int, height: int, scale: float) -> list[Tile] | None:
        """Return tiles at one scale (input px per image px); None where they are too many."""
        starts: list[tuple[int, list[int]]] = []
        for length, reach in zip((width, height), self._size, strict=True):
            side = min(length, math.floor(reach / scale))
            step = max(1.0, side - OVERLAP_PX / scale)
            count = 1 + math.ceil((length - side) / step)
            if count > MOST_TILES:
                return None
            starts.append((side, [round(s) for s in np.linspace(0, length - side, count)]))
        (w, lefts), (h, tops) = starts
        if len(lefts) * len(tops) > MOST_TILES:
            return None
        return [Tile(x, y, w, h) for y in tops for x in lefts]

    def __call__(
        self,
        image: np.ndarray,
        tile: Tile,
        known: Sequence[Detection] = (),
        turn: int | None = None,
    ) -> list[Detection]:
        """
        Return the far faces in a tile of an image (H, W, 3) uint8 BGR, in the image's px.

        :param known: faces that other tiles have shown, which are not returned again
        :param turn: how many times the tile was searched before, of a stream's images, which must
            not take long: MOST_PROPOSALS are looked at, the next ones each time; None: all
        """
        proposals = self._proposals(image, tile)
        if turn is not None:
            proposals = _in_turn(proposals, turn)
        found: list[Detection] = []
        in_vain = 0
        for x, y, width in proposals:
            if any(_is_within(x, y, d.box) for d in [*known, *found]):
                continue
            seen = self._seen_there(image, np.array([x, y]), width)
            found += seen
            # the likeliest come first: behind so many that are no faces there are few
            in_vain = 0 if seen else in_vain + 1
            if in_vain == MOST_PROPOSALS:
                break
        return found

    def _proposals(self, image: np.ndarray, tile: Tile) -> np.ndarray:
        """Return (N, 3) centre and width of proposed faces in the image's px, likeliest first."""
        with self._network.lock:
            scale = self._fill_input(image, tile)
            (output,) = self._network.run()
        logits = output[0, ..., 0]
        highest = cv2.dilate(logits, np.ones((3, 3), np.uint8))
        limit = math.log(LEAST_PROBABILITY / (1 - LEAST_PROBABILITY))
        rows, columns = np.nonzero((logits >= highest) & (logits > limit))
        order = np.argsort(-logits[rows, columns])
        rows, columns = rows[order], columns[order]
        values = output[0, rows, columns].astype(np.float64)
        width = UNIT_WIDTH_PX * np.exp(np.minimum(values[:, 3], 5.0))
        x = (columns + 0.5 + values[:, 1]) * CELL_PX
        y = (rows + 0.5 + values[:, 2]) * CELL_PX
        # edges of pixels have whole numbers here, and their centres in the image
        place = np.stack([x, y], 1) / scale + [tile.x, tile.y] - 0.5
        small = width <= LARGEST_INPUT_FACE_PX
        return np.column_stack([place, width / scale])[small]

    def _fill_input(self, image: np.ndarray, tile: Tile) -> float:
        """Put a tile into the upper left of the network's input; return input px per image px."""
        x, y, width, height = tile
        scale = min(
            LEAST_INPUT_FACE_PX / LEAST_FACE_PX, self._size[0] / width, self._size[1] / height
        )
        w, h = max(1, round(width * scale)), max(1, round(height * scale))
        small = shrink(image[y : y + height, x : x + width], w, h)
        inputs = self._network.input_tensor()
        inputs.fill(0.0)
        inside = inputs[0, :h, :w]
        np.multiply(small[..., ::-1], np.float32(1 / 127.5), out=inside)
        inside -= 1
        return scale

    def _seen_there(
        self, image: np.ndarray, centre: np.ndarray, width: float
    ) -> list[Detection]:
        """Return the detector's face at a proposal, none where it sees none there."""
        reach = WINDOW_WIDTHS / 2 * width
        low = np.floor(np.maximum(centre - reach, 0)).astype(int)
        high = np.ceil(np.minimum(centre + reach + 1, image.shape[1::-1])).astype(int)
        if (high - low < 2).any():
            return []
        for d in self._detector(image[low[1] : high[1], low[0] : high[0]]):
            box = d.box + np.tile(low, 2)
            away = float(np.hypot(*((box[:2] + box[2:]) / 2 - centre)))
            ratio = float(box[2] - box[0]) / width
            if away < SAME_CENTRE * width and 1 / SAME_WIDTH < ratio < SAME_WIDTH:
                return [Detection(box, d.score, None if d.eyes is None else d.eyes + low)]
        return []


def _in_turn(proposals: np.ndarray, turn: int) -> np.ndarray:
    """Return MOST_PROPOSALS of the rows at most, the next ones at each turn."""
    groups = max(1, math.ceil(len(proposals) / MOST_PROPOSALS))
    first = turn % groups * MOST_PROPOSALS
    return proposals[first : first + MOST_PROPOSALS]


def _is_within(x: float, y: float, box: np.ndarray) -> bool:
    return bool(box[0] <= x <= box[2] and box[1] <= y <= box[3])
