# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The closed-form fit of the face model to Face Mesh's landmarks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_recon_ros.face_model.file import SHAPE_COUNT
from face_recon_ros.face_model.landmarks import INNER_LIP_PAIRS_468, OUTER_CANTHI_468
from face_recon_ros.face_model.lips import with_closed_lips
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import (
    SCREEN_FROM_MODEL_AXES,
    FaceParameters,
    camera_matrix,
)
from face_recon_ros.face_model.procrustes import similarity


@dataclass(slots=True, frozen=True)
class Fit:
    """The parameters of a face and how badly they explain its landmarks.

    error: mean distance between the 468 landmarks and the fitted model's, as a fraction of the
    distance between the outer eye corners.
    """

    parameters: FaceParameters
    error: float


class LandmarkFitter:
    """
    Finds the 62 parameters from Face Mesh's 468 landmarks in closed form.

    One Procrustes alignment of the mean (Umeyama 1991), one matrix-vector product for the 50
    coefficients (ridge regression towards the mean), one Procrustes alignment of the result. That
    one round suffices because the bases hold no similarity motion of the landmarks
    (docs/face_model.md, gauge).
    """

    # Ridge in square metres per landmark; ten times more visibly over-smooths.
    RIDGE_M2 = 3e-8
    # Weight of the gap between facing inner-lip landmarks relative to a landmark's position:
    # what closes closed lips.
    LIP_GAP_WEIGHT = 10.0

    def __init__(self, model: FaceModel) -> None:
        """Solve (50, 1404) gives the coefficients of landmarks in model axes less the mean's."""
        self._sparse = model.landmarks_468
        count = len(self._sparse.mean)
        coefficients = self._sparse.basis.shape[2]
        basis = self._basis = self._sparse.basis.reshape(-1, coefficients)
        upper, lower = INNER_LIP_PAIRS_468.T
        gap_basis = self._sparse.basis[upper] - self._sparse.basis[lower]
        gap_rows = gap_basis.reshape(-1, coefficients)
        normal = basis.T @ basis + self.LIP_GAP_WEIGHT * gap_rows.T @ gap_rows
        normal += self.RIDGE_M2 * count * np.eye(coefficients)
        # The gap rows act on differences of the same landmarks: fold them into one matrix.
        folded = self._sparse.basis.copy()
        folded[upper] += self.LIP_GAP_WEIGHT * gap_basis
        folded[lower] -= self.LIP_GAP_WEIGHT * gap_basis
        self.solve = np.linalg.solve(normal, folded.reshape(-1, coefficients).T)

    def fit(self, landmarks_px: np.ndarray, start: FaceParameters | None = None) -> Fit:
        """
        Fit landmarks (468, 3) in pixels, x right, y down, z towards the viewer.

        :param start: whose shape and expression to align first; the mean's by default
        """
        right, left = OUTER_CANTHI_468
        canthi_px = float(np.linalg.norm(landmarks_px[right] - landmarks_px[left]))
        target = with_closed_lips(landmarks_px, canthi_px) @ SCREEN_FROM_MODEL_AXES
        points = self._sparse.points(start) if start else self._sparse.mean
        scale, rotation, translation = similarity(points, target)
        unposed = (target - translation) @ rotation / scale
        coefficients = self.solve @ (unposed - self._sparse.mean).ravel()
        points = self._sparse.mean + (self._basis @ coefficients).reshape(-1, 3)
        scale, rotation, translation = similarity(points, target)
        residual = points @ (scale * rotation).T + (translation - target)
        canthi = np.linalg.norm(points[right] - points[left]) * scale
        distances = np.sqrt(np.einsum('ij,ij->i', residual, residual))
        error = float(distances.mean() / canthi)
        matrix = camera_matrix(scale, rotation, SCREEN_FROM_MODEL_AXES @ translation)
        shape, expression = np.split(coefficients, [SHAPE_COUNT])
        return Fit(FaceParameters(matrix, shape, expression), error)
