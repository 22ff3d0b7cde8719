# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A second look at the irises of a photo: MediaPipe's network, and the mean of the two."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from face_recon_ros.errors import ModelFileError
from face_recon_ros.eyes.crops import eye_regions
from face_recon_ros.eyes.landmarks import RIGHT, EyeLandmarks
from face_recon_ros.paths import model_file
from face_recon_ros.regression.crop import cut
from face_recon_ros.tflite import Network

IRIS_FILE = 'iris_landmark.tflite'
# MediaPipe's name of the output with five points of the iris, its centre first
IRIS = 'output_iris'
# The network's pixels begin at their corners, ours at their centres
HALF_PX = 0.5


class IrisLandmarkNetwork:
    """
    MediaPipe's iris network (Ablavatski et al. 2020), for left eyes; right ones mirrored.

    It sees irises of open eyes well, and takes four times as long as the network of iris.py. The
    corners follow the irises by a half, and closed eyes it takes for open ones: neither is used.
    """

    def __init__(self, threads: int = 1) -> None:
        """:raises ModelFileError: the file cannot be used."""
        self._network = Network(model_file(IRIS_FILE), threads)
        if IRIS not in self._network.output_names:
            raise ModelFileError(f'model file {self._network.path}: damaged; get it again')
        self._size = self._network.input_shape[1]

    def refined(
        self, image: np.ndarray, landmarks_px: np.ndarray, eyes: EyeLandmarks
    ) -> EyeLandmarks:
        """
        Return landmarks whose irises are the mean of theirs and of what is seen here.

        :param image: (H, W, 3) uint8 BGR
        :param landmarks_px: (68, 2+) of the face
        """
        irises = eyes.iris_px.copy()
        for side, region in enumerate(eye_regions(landmarks_px)):
            if not np.isfinite(irises[side]).all():
                continue
            rgb, image_from_crop = cut(image, region, self._size)
            rgb = rgb[:, ::-1] if side == RIGHT else rgb
            np.multiply(rgb, np.float32(1 / 255), out=self._network.input_tensor()[0])
            x, y = self._network.named()[IRIS].ravel()[:2].astype(np.float64) - HALF_PX
            if side == RIGHT:
                x = self._size - 1 - x
            seen = image_from_crop @ np.array([x, y, 1.0])
            irises[side] = (irises[side] + seen) / 2
        return replace(eyes, iris_px=irises)
