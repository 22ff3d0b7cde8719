# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The 62 numbers of a face, and what they mean.

A face is F = mean + shape . shape_basis + expression . expression_basis in model axes (x
image-right when frontal, y up, z out of the face; metres), and the camera matrix C (3x4) takes it
to pixels: vertex_px = C [F; 1], weak perspective, x right, y down, z towards the viewer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from face_recon_ros.equality import ComparedByValue

# Model axes (y up, z to the viewer) -> screen axes (y down, z to the viewer)
SCREEN_FROM_MODEL_AXES = np.diag([1.0, -1.0, 1.0])


@dataclass(slots=True, frozen=True, eq=False)
class FaceParameters(ComparedByValue):
    """The 62 numbers: camera_matrix (3, 4) px, shape (40,) and expression (10,) in SDs."""

    camera_matrix: np.ndarray
    shape: np.ndarray
    expression: np.ndarray

    def vector(self) -> np.ndarray:
        """Return all of them as (62,): camera matrix row by row, shape, expression."""
        return np.concatenate([self.camera_matrix.ravel(), self.shape, self.expression])

    @property
    def scale_px_per_m(self) -> float:
        """The weak-perspective scale."""
        return math.hypot(*self.camera_matrix[0, :3].tolist())

    @property
    def model_rotation(self) -> np.ndarray:
        """(3, 3): model axes -> image-right, image-up, towards the viewer."""
        return SCREEN_FROM_MODEL_AXES @ self.camera_matrix[:, :3] / self.scale_px_per_m

    def project(self, points_m: np.ndarray) -> np.ndarray:
        """Take model points (N, 3) in metres to pixels (N, 3)."""
        return points_m @ self.camera_matrix[:, :3].T + self.camera_matrix[:, 3]


def camera_matrix(
    scale_px_per_m: float, rotation: np.ndarray, origin_px: np.ndarray
) -> np.ndarray:
    """Compose C (3, 4) from scale, model rotation (3, 3) and the model origin's pixel (3,)."""
    linear = scale_px_per_m * SCREEN_FROM_MODEL_AXES @ rotation
    return np.column_stack([linear, origin_px])
