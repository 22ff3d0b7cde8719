"""Fits the face model to landmarks whose depth is unknown or not to be trusted."""

from __future__ import annotations

import numpy as np
from scipy.spatial.transform import Rotation

from face_recon_ros.face_model import (
    SCREEN_FROM_MODEL_AXES,
    SHAPE_COUNT,
    FaceParameters,
    SparseModel,
    camera_matrix,
)

ROUNDS = 6
RIDGE_M2 = 1e-7


def fit_in_image(
    sparse: SparseModel,
    start: FaceParameters,
    landmarks_px: np.ndarray,
    depth_weight: float,
    rounds: int = ROUNDS,
) -> FaceParameters:
    """
    Fit landmarks (N, 3) px, z towards the viewer, by Gauss-Newton from a near enough start.

    :param depth_weight: of z relative to the image plane; 0 ignores it. Face Mesh's depth
        understates the turn of a head, its image coordinates do less
    """
    target = landmarks_px @ SCREEN_FROM_MODEL_AXES
    rotation, scale = start.model_rotation, start.scale_px_per_m
    origin = SCREEN_FROM_MODEL_AXES @ start.camera_matrix[:, 3]
    coefficients = np.concatenate([start.shape, start.expression])
    weights = np.sqrt(np.array([1.0, 1.0, depth_weight]))
    count, ridge = len(target), RIDGE_M2 * len(target)
    for _ in range(rounds):
        turned = sparse.points_of(coefficients) @ rotation.T
        residual = (target - origin) / scale - turned
        jacobian = np.zeros((count, 3, 7 + len(coefficients)))
        jacobian[:, range(3), range(3)] = 1
        jacobian[:, :, 3:6] = _turning(turned)
        jacobian[:, :, 6] = turned
        jacobian[:, :, 7:] = np.einsum('ij,njk->nik', rotation, sparse.basis)
        rows = (jacobian * weights[:, None]).reshape(count * 3, -1)
        normal = rows.T @ rows
        right = rows.T @ (residual * weights).ravel()
        normal[7:, 7:] += ridge * np.eye(len(coefficients))
        right[7:] -= ridge * coefficients
        # without depth nothing holds the origin's
        normal[2, 2] += 1e-9
        step = np.linalg.solve(normal, right)
        origin = origin + step[:3] * scale
        rotation = Rotation.from_rotvec(step[3:6]).as_matrix() @ rotation
        scale *= float(np.exp(step[6]))
        coefficients = coefficients + step[7:]
    shape, expression = np.split(coefficients, [SHAPE_COUNT])
    matrix = camera_matrix(scale, rotation, SCREEN_FROM_MODEL_AXES @ origin)
    return FaceParameters(matrix, shape, expression)


def _turning(points: np.ndarray) -> np.ndarray:
    """Return (N, 3, 3): how points (N, 3) move with a small rotation about x, y, z."""
    x, y, z = points.T
    moved = np.zeros((len(points), 3, 3))
    moved[:, 1, 0], moved[:, 2, 0] = -z, y
    moved[:, 0, 1], moved[:, 2, 1] = z, -x
    moved[:, 0, 2], moved[:, 1, 2] = -y, x
    return moved
