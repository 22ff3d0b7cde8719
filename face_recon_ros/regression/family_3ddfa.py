# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Networks of the 3DDFA family, which users may bring: sparse_face.tflite and dense_face.tflite.

As 1996scarlet/Dense-Head-Pose-Estimation has them: image (1, 3, 120, 120) RGB in -1..1, outputs a
camera matrix (1, 3, 4) and landmarks (1, 68, 2 or 3) or, of the model's own mesh, (1, V, 3), in
pixels of the crop. Their coefficients belong to another face model, so ours is fitted to the
landmarks.
"""

from __future__ import annotations

import numpy as np

from face_recon_ros.errors import ModelFileError
from face_recon_ros.face_model.file import EXPRESSION_COUNT, SHAPE_COUNT
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import (
    SCREEN_FROM_MODEL_AXES,
    FaceParameters,
    camera_matrix,
)
from face_recon_ros.face_model.procrustes import similarity
from face_recon_ros.regression.adapter import fit_error_of, regression_of
from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.crop import cut
from face_recon_ros.regression.image_fit import fit_in_image
from face_recon_ros.regression.region import Region
from face_recon_ros.tflite import Network

FAMILY_3DDFA_INPUT = (1, 3, 120, 120)
# iBUG-68 landmarks on the outer corners of the eyes: their distance is the unit of fit_error
OUTER_CANTHI_68 = (36, 45)


class Family3ddfaAdapter:
    """sparse_face.tflite and dense_face.tflite; see the module's description."""

    # Its crop is 1.35 times the face's box, ours ENLARGEMENT times
    REGION_PART = 1.35 / Region.ENLARGEMENT
    # Landmarks that ours cannot follow closer than this part of the eye distance are no face
    LARGEST_FIT_ERROR = 0.12

    def __init__(
        self, network: Network, shapes: list[tuple[int, ...]], model: FaceModel
    ) -> None:
        self.size = FAMILY_3DDFA_INPUT[2]
        self._sparse = model.landmarks_68
        self._model = model
        count = len(model.mean)
        known = [i for i, shape in enumerate(shapes)
                 if shape in ((1, 68, 2), (1, 68, 3), (1, count, 3))]
        if len(known) != 1:
            raise ModelFileError(
                f'model file {network.path}: outputs {shapes}, wants landmarks of 68 points or '
                f'of the {count} vertices of {model.path.name}; give its sparse sister'
            )
        self._landmarks = known[0]

    def cut(
        self, tensor: np.ndarray, image: np.ndarray, region: Region, denoise: bool
    ) -> np.ndarray:
        # not denoised: its crops are coarse already
        part = Region(region.centre, self.REGION_PART * region.side_px, region.roll_rad)
        rgb, image_from_crop = cut(image, part, self.size)
        # the family's input is each crop stretched to the whole range
        low, high = int(rgb.min()), int(rgb.max())
        scaled = (rgb.transpose(2, 0, 1) - np.float32(low)) * np.float32(2 / max(high - low, 1))
        np.subtract(scaled, 1, out=tensor)
        return image_from_crop

    def in_mirror(self, network: Network) -> None:
        return None

    def read(
        self,
        outputs: list[np.ndarray],
        place: np.ndarray,
        mirrored: list[np.ndarray] | None = None,
    ) -> Regression:
        points = self._points_68(outputs[self._landmarks][0].astype(np.float64))
        parameters = fit_in_image(self._sparse, self._start(points), points, 0.0)
        error = fit_error_of(self._sparse, OUTER_CANTHI_68, parameters, points[:, :2])
        # such a network says nothing about whether there is a face: how like one it is does
        presence = float(np.clip(1.5 - error / self.LARGEST_FIT_ERROR, 0, 1))
        return regression_of(parameters, points[:, :2], place, presence, error)

    def _points_68(self, points: np.ndarray) -> np.ndarray:
        """Return landmarks (68, 3) of what the network gave; z is 0 where it has none."""
        if len(points) == 68:
            return np.column_stack([points[:, :2], np.zeros(68)])
        return self._model.embed_68(points)

    def _start(self, points: np.ndarray) -> FaceParameters:
        """Return the mean face where the landmarks are, turned in the image only."""
        mean = self._sparse.mean
        flat = np.column_stack([mean[:, :2], np.zeros(68)])
        target = points @ SCREEN_FROM_MODEL_AXES * np.array([1, 1, 0])
        scale, rotation, translation = similarity(flat, target)
        matrix = camera_matrix(scale, rotation, SCREEN_FROM_MODEL_AXES @ translation)
        return FaceParameters(matrix, np.zeros(SHAPE_COUNT), np.zeros(EXPRESSION_COUNT))
