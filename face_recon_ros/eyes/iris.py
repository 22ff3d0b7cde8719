# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The network of eyes: from the crops of both eyes to irises and lids."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from face_recon_ros.errors import ModelFileError
from face_recon_ros.eyes.crops import eye_regions, is_inside
from face_recon_ros.eyes.look import INNER_CORNER, LID_POINTS, OUTER_CORNER, RIGHT, EyeLooks
from face_recon_ros.eyes.openness import openness_of
from face_recon_ros.paths import model_file
from face_recon_ros.regression.crop import cut
from face_recon_ros.regression.region import Region
from face_recon_ros.tflite import Network

EYES_FILE = 'iris_landmark.tflite'
# MediaPipe's names of the outputs: 71 points of outline and brow, 5 of the iris
OUTLINE, IRIS = 'output_eyes_contours_and_brows', 'output_iris'
# The network's pixels begin at their corners, ours at their centres
HALF_PX = 0.5


class EyeNetwork:
    """MediaPipe's iris network (Ablavatski et al. 2020) for left eyes; right ones are mirrored."""

    def __init__(self, path: str | Path | None = None, threads: int = 1) -> None:
        """:raises ModelFileError: the file cannot be used, or is another network."""
        self._network = Network(path or model_file(EYES_FILE), threads)
        if not {OUTLINE, IRIS} <= set(self._network.output_names):
            raise ModelFileError(
                f'model file {self._network.path}: outputs {", ".join(self._network.output_names)}'
                f' are not those of eyes; give {EYES_FILE}'
            )
        self._size = self._network.input_shape[1]

    def __call__(self, image: np.ndarray, landmarks_px: np.ndarray) -> EyeLooks:
        """
        Look at both eyes of a face.

        :param image: (H, W, 3) uint8 BGR
        :param landmarks_px: (68, 2+) of the face
        """
        iris, lids = np.full((2, 5, 2), np.nan), np.full((2, LID_POINTS, 2), np.nan)
        for side, region in enumerate(eye_regions(landmarks_px)):
            if is_inside(region, image):
                iris[side], lids[side] = self._look(image, region, mirrored=side == RIGHT)
        return EyeLooks(
            iris_px=iris[:, 0],
            radius_px=np.linalg.norm(iris[:, 1:] - iris[:, :1], axis=2).mean(axis=1),
            lids_px=lids,
            openness=openness_of(lids),
            width_px=np.linalg.norm(lids[:, OUTER_CORNER] - lids[:, INNER_CORNER], axis=1),
        )

    def _look(
        self, image: np.ndarray, region: Region, mirrored: bool
    ) -> tuple[np.ndarray, np.ndarray]:
        """Return iris (5, 2) and lids (16, 2) of an eye, px of the image."""
        rgb, image_from_crop = cut(image, region, self._size)
        if mirrored:
            rgb = rgb[:, ::-1]
        np.multiply(rgb, np.float32(1 / 255), out=self._network.input_tensor()[0])
        outputs = self._network.named()
        found = []
        for name, count in ((IRIS, 5), (OUTLINE, LID_POINTS)):
            points = outputs[name].reshape(-1, 3)[:count, :2].astype(np.float64) - HALF_PX
            if mirrored:
                points[:, 0] = self._size - 1 - points[:, 0]
            found.append(points @ image_from_crop[:, :2].T + image_from_crop[:, 2])
        return found[0], found[1]
