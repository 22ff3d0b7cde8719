# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The network of eyes: from crops of both eyes to irises, lids, and how far they are turned."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from face_recon_ros import _renderer
from face_recon_ros.errors import ModelFileError
from face_recon_ros.eyes.crops import eye_regions, is_inside
from face_recon_ros.eyes.landmarks import (
    LEAST_WIDTH_PX,
    LEFT,
    LID_POINTS,
    RIGHT,
    EyeLandmarks,
)
from face_recon_ros.eyes.openness import CLOSED_RATIO, WIDE_RATIO
from face_recon_ros.paths import model_file
from face_recon_ros.regression.crop import cut_floats
from face_recon_ros.regression.region import Region
from face_recon_ros.tflite import Network

FILE = 'eyes.tflite'
# Of a square crop the middle rows: (2, HEIGHT, SIZE, 3) in; the iris' centre, the outline's
# points, in pixels of the square, the iris' radius, how far it is turned (sines) in a head from in
# front, and by how much a turned head changes that (2, 2) out
SIZE, HEIGHT = 64, 40
INPUT = (2, HEIGHT, SIZE, 3)
OUTPUT = (2, 2 * (1 + LID_POINTS) + 1 + 2 + 4)
OPENNESS_SCALE = CLOSED_RATIO, WIDE_RATIO, LEAST_WIDTH_PX
HEADS_IN_FRONT = np.zeros((2, 2))


class EyeNetwork:
    """The network that this project trains (docs/gaze.md), for left eyes; right ones mirrored."""

    def __init__(self, path: str | Path | None = None, threads: int = 1) -> None:
        """:raises ModelFileError: the file cannot be used, or is another network."""
        self._network = Network(path or model_file(FILE), threads)
        shapes = self._network.output_shapes()
        if self._network.input_shape != INPUT or shapes != [OUTPUT]:
            raise ModelFileError(
                f'model file {self._network.path}: image {self._network.input_shape} -> {shapes} '
                f'is not a network of eyes, {INPUT} -> {[OUTPUT]}; give {FILE}'
            )

    def __call__(
        self, image: np.ndarray, landmarks_px: np.ndarray, heads: np.ndarray | None = None
    ) -> EyeLandmarks:
        """
        Look at both eyes of a face.

        :param image: (H, W, 3) uint8 BGR
        :param landmarks_px: (68, 2+) of the face
        :param heads: (2, 2) how far the head is turned from the viewing rays to the right and the
            left eye, sines, to the image's right and down; None: not at all
        """
        regions = eye_regions(landmarks_px)
        maps = (self._fill(image, RIGHT, regions), self._fill(image, LEFT, regions))
        (outputs,) = self._network.run()
        iris_px, radius_px, lids_px, openness, width_px, turns = _renderer.read_eyes(
            outputs,
            maps,
            (is_inside(regions[RIGHT], image), is_inside(regions[LEFT], image)),
            HEADS_IN_FRONT if heads is None else np.ascontiguousarray(heads),
            OPENNESS_SCALE,
        )
        return EyeLandmarks(iris_px, radius_px, lids_px, openness, width_px, turns)

    def _fill(self, image: np.ndarray, side: int, regions: list[Region]) -> np.ndarray:
        """Cut an eye out as the network's input; return the map (2, 3) crop -> image px."""
        return cut_floats(
            self._network.input_tensor()[side], image, regions[side], mirrored=side == RIGHT
        )
