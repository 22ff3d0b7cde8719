# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The model at landmarks: their embedding, and those with a meaning of their own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_recon_ros.equality import ComparedByValue
from face_recon_ros.face_model.parameters import FaceParameters

# Face Mesh landmarks on the outer corners of the eyes, the subject's right, then left: their
# distance is the unit of fit_error, the line through them is level in an upright face
OUTER_CANTHI_468 = (33, 263)
# Facing landmarks of the inner lips (Face Mesh): upper, lower
INNER_LIP_PAIRS_468 = np.array(
    [[80, 88], [81, 178], [82, 87], [13, 14], [312, 317], [311, 402], [310, 318]]
)


@dataclass(slots=True, frozen=True, eq=False)
class SparseModel(ComparedByValue):
    """The model at N landmarks: mean (N, 3) and basis (N, 3, 50), contiguous, metres."""

    mean: np.ndarray
    basis: np.ndarray

    @classmethod
    def of(cls, mean: np.ndarray, bases: list[np.ndarray]) -> SparseModel:
        """Return the model of a mean and bases (N, 3, K) one after the other."""
        return cls(mean, np.ascontiguousarray(np.concatenate(bases, axis=2)))

    def points(self, parameters: FaceParameters) -> np.ndarray:
        """Return the landmarks (N, 3) in model axes, metres, before the camera matrix."""
        return self.points_of(np.concatenate([parameters.shape, parameters.expression]))

    def points_of(self, coefficients: np.ndarray) -> np.ndarray:
        """Return the landmarks (N, 3) in model axes, metres, of coefficients (50,)."""
        flat = self.basis.reshape(-1, len(coefficients))
        return self.mean + (flat @ coefficients).reshape(-1, 3)

    def points_px(self, parameters: FaceParameters) -> np.ndarray:
        """Return the landmarks (N, 3) in pixels, z towards the viewer."""
        return parameters.project(self.points(parameters))
