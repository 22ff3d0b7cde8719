# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The network of eyes: from crops of both eyes to irises, lids, and how far they are turned."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from face_recon_ros.errors import ModelFileError
from face_recon_ros.eyes.crops import eye_regions, is_inside
from face_recon_ros.eyes.landmarks import (
    INNER_CORNER,
    LEAST_WIDTH_PX,
    LID_POINTS,
    OUTER_CORNER,
    RIGHT,
    EyeLandmarks,
)
from face_recon_ros.eyes.openness import openness_of
from face_recon_ros.paths import model_file
from face_recon_ros.regression.crop import cut
from face_recon_ros.regression.region import Region
from face_recon_ros.tflite import Network

FILE = 'eyes.tflite'
# Of a square crop the middle rows: (2, HEIGHT, SIZE, 3) in; the iris' centre, the outline's
# points, in pixels of the square, the iris' radius, how far it is turned (sines) in a head from in
# front, and by how much a turned head changes that (2, 2) out
SIZE, HEIGHT = 64, 40
INPUT = (2, HEIGHT, SIZE, 3)
POINTS = 1 + LID_POINTS
OUTPUT = (2, 2 * POINTS + 1 + 2 + 4)
TURNS, CHANGES = slice(-6, -4), slice(-4, None)


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
        maps = [self._fill(image, side, region) for side, region in enumerate(regions)]
        (found,) = self._network.run()
        found = found.astype(np.float64)
        points = found[:, : 2 * POINTS].reshape(2, POINTS, 2)
        radius = found[:, 2 * POINTS]
        points[RIGHT, :, 0] = SIZE - 1 - points[RIGHT, :, 0]
        scales = np.array([np.linalg.norm(m[:, 0]) for m in maps])
        for side, image_from_crop in enumerate(maps):
            points[side] = points[side] @ image_from_crop[:, :2].T + image_from_crop[:, 2]
        axes = np.array([m[:, :2] for m in maps]) / scales[:, None, None]
        axes[RIGHT, :, 0] *= -1
        turns = turned(found, np.zeros((2, 2)) if heads is None else heads, axes)
        seen = np.array([is_inside(region, image) for region in regions])
        points[~seen], turns[~seen] = np.nan, np.nan
        lids = points[:, 1:]
        width_px = np.linalg.norm(lids[:, OUTER_CORNER] - lids[:, INNER_CORNER], axis=1)
        return EyeLandmarks(
            iris_px=points[:, 0],
            turns=turns,
            radius_px=np.where(seen, scales * radius, np.nan),
            lids_px=lids,
            openness=np.where(width_px >= LEAST_WIDTH_PX, openness_of(lids), np.nan),
            width_px=width_px,
        )

    def _fill(self, image: np.ndarray, side: int, region: Region) -> np.ndarray:
        """Cut an eye out as the network's input; return the map (2, 3) crop -> image px."""
        rgb, image_from_crop = cut(image, region, SIZE)
        top = (SIZE - HEIGHT) // 2
        part = rgb[top : top + HEIGHT]
        if side == RIGHT:
            part = part[:, ::-1]
        np.multiply(part, np.float32(1 / 255), out=self._network.input_tensor()[side])
        return image_from_crop


def turned(outputs: np.ndarray, heads: np.ndarray, axes: np.ndarray) -> np.ndarray:
    """
    Return how far eyes are turned (2, 2), sines, to the image's right and down.

    :param outputs: (2, 41) of the network
    :param heads: (2, 2) as EyeNetwork takes them
    :param axes: (2, 2, 2) of the crops in the image, unit columns
    """
    in_crops = np.einsum('eij,ei->ej', axes, heads)
    changes = outputs[:, CHANGES].reshape(2, 2, 2)
    turns = outputs[:, TURNS] + np.einsum('eij,ej->ei', changes, in_crops)
    return np.einsum('eij,ej->ei', axes, turns)
