# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
From landmarks and a pose to the 62 parameters: the network's last steps, in NumPy.

Given the pose branch's rotation, shape and expression follow from the 468 landmarks in the image
in closed form: the landmarks' depth is taken from the model (it is what Face Mesh knows least),
the pose is undone, and the ridge regression of LandmarkFitter gives the coefficients; ROUNDS
times, the first from the head's own coefficients. This is the definition; the operators that
model_building/network/export.py writes into the network's file are held to it by the tests.
"""
from __future__ import annotations

import numpy as np

from face_recon_ros.face_model.file import SHAPE_COUNT
from face_recon_ros.face_model.landmark_fit import LandmarkFitter
from face_recon_ros.face_model.landmarks import OUTER_CANTHI_468
from face_recon_ros.face_model.lips import with_closed_lips
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix

ROUNDS = 2


class ParameterDecoder:
    """Finds the parameters of one crop."""

    def __init__(self, model: FaceModel) -> None:
        self._sparse = model.landmarks_468
        self.mean = model.landmarks_468.mean
        self.basis = model.landmarks_468.basis
        self.solve = LandmarkFitter(model).solve
        right, left = OUTER_CANTHI_468
        self.canthal_distance_m = float(np.linalg.norm(self.mean[right] - self.mean[left]))

    def __call__(
        self,
        landmarks_px: np.ndarray,
        rotation: np.ndarray,
        coefficients: np.ndarray,
        rounds: int = ROUNDS,
    ) -> FaceParameters:
        """
        Return the parameters in crop pixels.

        :param landmarks_px: (468, 2+) crop pixels
        :param rotation: (3, 3) model rotation
        :param coefficients: (50,) to start from
        """
        # rows of coordinates: (2, 468), (3, 468)
        target = np.ascontiguousarray(landmarks_px[:, :2].T)
        target[1] *= -1
        for _ in range(rounds):
            turned = self._turned(coefficients, rotation)
            scale, origin = _scale_and_origin(turned[:2], target)
            turned[:2] = (target - origin[:, None]) / scale
            points = with_closed_lips(turned.T @ rotation, self.canthal_distance_m)
            coefficients = self.solve @ (points - self.mean).ravel()
        scale, origin = _scale_and_origin(self._turned(coefficients, rotation)[:2], target)
        matrix = camera_matrix(scale, rotation, np.array([origin[0], -origin[1], 0.0]))
        shape, expression = np.split(coefficients, [SHAPE_COUNT])
        return FaceParameters(matrix, shape, expression)

    def _turned(self, coefficients: np.ndarray, rotation: np.ndarray) -> np.ndarray:
        return rotation @ self._sparse.points_of(coefficients).T


def _scale_and_origin(turned: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray]:
    """Return scale and origin (2,) with target ~ scale * turned + origin (2, N), least squares."""
    turned_mean, target_mean = turned.mean(axis=1), target.mean(axis=1)
    centred = turned - turned_mean[:, None]
    scale = float(np.vdot(centred, target) / np.vdot(centred, centred))
    return scale, target_mean - scale * turned_mean
