# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A second look at the eyes of a photo: MediaPipe's iris network, and the mean of the two."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from face_recon_ros.errors import ModelFileError
from face_recon_ros.eyes.crops import eye_regions
from face_recon_ros.eyes.landmarks import INNER_CORNER, OUTER_CORNER, RIGHT, EyeLandmarks
from face_recon_ros.paths import model_file
from face_recon_ros.regression.crop import cut
from face_recon_ros.tflite import Network

IRIS_FILE = 'iris_landmark.tflite'
# MediaPipe's names of the outputs: 71 points of outline and brow, 5 of the iris
OUTLINE, IRIS = 'output_eyes_contours_and_brows', 'output_iris'
# The network's pixels begin at their corners, ours at their centres
HALF_PX = 0.5


class IrisLandmarkNetwork:
    """
    MediaPipe's iris network (Ablavatski et al. 2020), for left eyes; right ones mirrored.

    It sees irises and corners of open eyes well, and takes four times as long as the network of
    iris.py; closed eyes it takes for open ones.
    """

    def __init__(self, threads: int = 1) -> None:
        """:raises ModelFileError: the file cannot be used."""
        self._network = Network(model_file(IRIS_FILE), threads)
        if not {OUTLINE, IRIS} <= set(self._network.output_names):
            raise ModelFileError(f'model file {self._network.path}: damaged; get it again')
        self._size = self._network.input_shape[1]

    def refined(
        self, image: np.ndarray, landmarks_px: np.ndarray, eyes: EyeLandmarks
    ) -> EyeLandmarks:
        """
        Return landmarks whose irises and corners are the mean of theirs and of what is seen here.

        :param image: (H, W, 3) uint8 BGR
        :param landmarks_px: (68, 2+) of the face
        """
        irises, lids = eyes.iris_px.copy(), eyes.lids_px.copy()
        corners = [INNER_CORNER, OUTER_CORNER]
        for side, region in enumerate(eye_regions(landmarks_px)):
            if not np.isfinite(eyes.iris_px[side]).all():
                continue
            rgb, image_from_crop = cut(image, region, self._size)
            rgb = rgb[:, ::-1] if side == RIGHT else rgb
            np.multiply(rgb, np.float32(1 / 255), out=self._network.input_tensor()[0])
            outputs = self._network.named()
            seen = np.vstack([
                outputs[IRIS].reshape(-1, 3)[:1, :2],
                outputs[OUTLINE].reshape(-1, 3)[corners, :2],
            ]).astype(np.float64)
            seen -= HALF_PX
            if side == RIGHT:
                seen[:, 0] = self._size - 1 - seen[:, 0]
            seen = seen @ image_from_crop[:, :2].T + image_from_crop[:, 2]
            irises[side] = (irises[side] + seen[0]) / 2
            lids[side, corners] = (lids[side, corners] + seen[1:]) / 2
        width_px = np.linalg.norm(lids[:, OUTER_CORNER] - lids[:, INNER_CORNER], axis=1)
        return replace(eyes, iris_px=irises, lids_px=lids, width_px=width_px)
