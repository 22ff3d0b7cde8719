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

RIDGE_M2 = 1e-7
POSE_COUNT = 7
# Without depth nothing holds the origin's: hold it where it is
_HOLD = 1e-9


class ImageFitter:
    """
    Gauss-Newton for pose, shape and expression from landmarks in the image.

    Face Mesh's depth understates the turn of a head, its image coordinates do less. A round takes
    a fraction of a millisecond: the products of the basis with itself are made once.
    """

    def __init__(self, sparse: SparseModel, depth_weight: float = 0.0) -> None:
        """:param depth_weight: of z relative to the image plane; 0 ignores it"""
        self._sparse = sparse
        self._weights = np.array([1.0, 1.0, depth_weight])
        count = sparse.basis.shape[2]
        self._flat = np.ascontiguousarray(sparse.basis.reshape(-1, count))
        self._products = np.einsum('nxk,nyl->xykl', sparse.basis, sparse.basis, optimize=True)
        self._ridge = RIDGE_M2 * len(sparse.mean)

    def fit(
        self, start: FaceParameters, landmarks_px: np.ndarray, rounds: int = 6
    ) -> FaceParameters:
        """Fit landmarks (N, 3) px, z towards the viewer, from a near enough start."""
        target = landmarks_px @ SCREEN_FROM_MODEL_AXES
        rotation, scale = start.model_rotation, start.scale_px_per_m
        origin = SCREEN_FROM_MODEL_AXES @ start.camera_matrix[:, 3]
        coefficients = np.concatenate([start.shape, start.expression])
        for _ in range(rounds):
            step = self._step(target, rotation, scale, origin, coefficients)
            origin = origin + step[:3] * scale
            rotation = Rotation.from_rotvec(step[3:6]).as_matrix() @ rotation
            scale *= float(np.exp(step[6]))
            coefficients = coefficients + step[POSE_COUNT:]
        shape, expression = np.split(coefficients, [SHAPE_COUNT])
        matrix = camera_matrix(scale, rotation, SCREEN_FROM_MODEL_AXES @ origin)
        return FaceParameters(matrix, shape, expression)

    def _step(
        self,
        target: np.ndarray,
        rotation: np.ndarray,
        scale: float,
        origin: np.ndarray,
        coefficients: np.ndarray,
    ) -> np.ndarray:
        """Return how to change origin (in scales), rotation vector, log scale, coefficients."""
        turned = self._sparse.points_of(coefficients) @ rotation.T
        residual = ((target - origin) / scale - turned) * self._weights
        pose = _pose_motion(turned)
        weighted = pose * self._weights
        size = POSE_COUNT + len(coefficients)
        normal = np.empty((size, size))
        normal[:POSE_COUNT, :POSE_COUNT] = np.tensordot(weighted, pose, axes=((1, 2), (1, 2)))
        # rows of pose motion, turned back to model axes, meet the basis there
        cross = (weighted @ rotation).reshape(POSE_COUNT, -1) @ self._flat
        normal[:POSE_COUNT, POSE_COUNT:] = cross
        normal[POSE_COUNT:, :POSE_COUNT] = cross.T
        metric = (rotation.T * self._weights) @ rotation
        normal[POSE_COUNT:, POSE_COUNT:] = np.tensordot(metric, self._products)
        right = np.empty(size)
        right[:POSE_COUNT] = np.tensordot(pose, residual)
        right[POSE_COUNT:] = (residual @ rotation).ravel() @ self._flat
        right[POSE_COUNT:] -= self._ridge * coefficients
        diagonal = normal.ravel()[:: size + 1]
        diagonal[POSE_COUNT:] += self._ridge
        diagonal[2] += _HOLD
        return np.linalg.solve(normal, right)


def _pose_motion(points: np.ndarray) -> np.ndarray:
    """Return (7, N, 3): motion of points (N, 3) with translation, rotation x y z, log scale."""
    x, y, z = points.T
    moved = np.zeros((POSE_COUNT, len(points), 3))
    moved[0, :, 0] = moved[1, :, 1] = moved[2, :, 2] = 1
    moved[3, :, 1], moved[3, :, 2] = -z, y
    moved[4, :, 0], moved[4, :, 2] = z, -x
    moved[5, :, 0], moved[5, :, 1] = -y, x
    moved[6] = points
    return moved


def fit_in_image(
    sparse: SparseModel,
    start: FaceParameters,
    landmarks_px: np.ndarray,
    depth_weight: float,
    rounds: int = 6,
) -> FaceParameters:
    """Fit once; see ImageFitter."""
    return ImageFitter(sparse, depth_weight).fit(start, landmarks_px, rounds)
