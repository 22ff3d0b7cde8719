# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Fits the face model to landmarks whose depth is unknown or not to be trusted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from face_recon_ros.face_model.file import SHAPE_COUNT
from face_recon_ros.face_model.landmarks import SparseModel
from face_recon_ros.face_model.parameters import (
    SCREEN_FROM_MODEL_AXES,
    FaceParameters,
    camera_matrix,
)
from face_recon_ros.rotations import rotation_matrix

RIDGE_M2 = 1e-7
POSE_COUNT = 7
# Without depth nothing holds the origin's: hold it where it is
_HOLD = 1e-9
# How points move with a turn about x, y, z and with the logarithm of their scale: (4, 3, 3)
_MOTIONS = np.array([
    [[0, 0, 0], [0, 0, -1], [0, 1, 0]],
    [[0, 0, 1], [0, 0, 0], [-1, 0, 0]],
    [[0, -1, 0], [1, 0, 0], [0, 0, 0]],
    [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
], float)


class ImageFitter:
    """
    Gauss-Newton for pose, shape and expression from landmarks in the image.

    Face Mesh's depth understates the turn of a head, its image coordinates do less. Pose and
    points enter the normal equations as products only, so sums over the landmarks are made once
    and a round takes a fraction of a millisecond.
    """

    def __init__(
        self,
        sparse: SparseModel,
        depth_weight: float = 0.0,
        rotation_hold_m2: Sequence[float] = (0.0, 0.0, 0.0),
    ) -> None:
        """
        Make the sums that all fits share.

        :param depth_weight: of z relative to the image plane; 0 ignores it
        :param rotation_hold_m2: how the start's rotation is trusted about the model's x (pitch), y
            (yaw) and z (roll): a turn of one radian from it costs as much as landmarks that are
            off by this, sum of squares; 0 forgets it
        """
        basis, mean = sparse.basis, sparse.mean
        count = basis.shape[2]
        self._sparse = sparse
        self._weights = np.array([1.0, 1.0, depth_weight])
        self._flat = np.ascontiguousarray(basis.reshape(-1, count))
        self._basis_sum = basis.sum(axis=0)
        # sum over the landmarks of each coordinate times each coordinate's basis
        self._mean_moment = np.einsum('nx,nyk->xyk', mean, basis).reshape(-1, count)
        products = np.einsum('nxk,nyl->xykl', basis, basis, optimize=True)
        self._moment_basis = products.transpose(0, 1, 3, 2).reshape(-1, count)
        self._products = products.reshape(9, -1)
        self._ridge = RIDGE_M2 * len(mean)
        self._rotation_hold = np.array(rotation_hold_m2, float)

    def fit(
        self, start: FaceParameters, landmarks_px: np.ndarray, rounds: int = 6
    ) -> FaceParameters:
        """Fit landmarks (N, 3) px, z towards the viewer, from a near enough start."""
        target = landmarks_px @ SCREEN_FROM_MODEL_AXES
        rotation, scale = start.model_rotation, start.scale_px_per_m
        origin = SCREEN_FROM_MODEL_AXES @ start.camera_matrix[:, 3]
        coefficients = np.concatenate([start.shape, start.expression])
        turned_by = np.zeros(3)
        for _ in range(rounds):
            step = self._step(target, rotation, scale, origin, coefficients, turned_by)
            origin = origin + step[:3] * scale
            turned_by = turned_by + step[3:6]
            rotation = rotation_matrix(step[3:6]) @ rotation
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
        turned_by: np.ndarray,
    ) -> np.ndarray:
        """
        Return how to change origin (in scales), rotation vector, log scale, coefficients.

        :param turned_by: (3,) rotation vector since the start
        """
        turned = self._sparse.points_of(coefficients) @ rotation.T
        residual = ((target - origin) / scale - turned) * self._weights
        count = len(coefficients)
        size = POSE_COUNT + count
        normal = np.empty((size, size))
        normal[:POSE_COUNT, :POSE_COUNT] = self._pose_block(turned)
        cross = self._cross_block(rotation, coefficients)
        normal[:POSE_COUNT, POSE_COUNT:] = cross
        normal[POSE_COUNT:, :POSE_COUNT] = cross.T
        metric = (rotation.T * self._weights) @ rotation
        shapes = normal[POSE_COUNT:, POSE_COUNT:]
        shapes[:] = (metric.ravel() @ self._products).reshape(count, count)
        right = np.empty(size)
        right[:3] = residual.sum(axis=0)
        right[3:POSE_COUNT] = _MOTIONS.reshape(4, 9) @ (residual.T @ turned).ravel()
        right[POSE_COUNT:] = (residual @ rotation).ravel() @ self._flat
        right[POSE_COUNT:] -= self._ridge * coefficients
        diagonal = normal.ravel()[:: size + 1]
        diagonal[POSE_COUNT:] += self._ridge
        diagonal[2] += _HOLD
        hold = (rotation * self._rotation_hold) @ rotation.T
        normal[3:6, 3:6] += hold
        right[3:6] -= hold @ turned_by
        return np.linalg.solve(normal, right)

    def _pose_block(self, turned: np.ndarray) -> np.ndarray:
        """Return the normal equations (7, 7) of translation, turn and scale."""
        weighted = _MOTIONS * self._weights[:, None]
        first, second = turned.sum(axis=0), turned.T @ turned
        block = np.diag(np.append(len(turned) * self._weights, np.zeros(4)))
        block[:3, 3:] = (weighted @ first).T
        block[3:, :3] = block[:3, 3:].T
        block[3:, 3:] = (weighted @ second).reshape(4, 9) @ _MOTIONS.reshape(4, 9).T
        return block

    def _cross_block(self, rotation: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        """Return those (7, 50) between the pose and the coefficients."""
        moment = self._mean_moment + (self._moment_basis @ coefficients).reshape(9, -1)
        weighted = rotation * self._weights[:, None]
        # in model axes
        motions = rotation.T @ _MOTIONS.transpose(0, 2, 1) @ weighted
        return np.concatenate([weighted @ self._basis_sum, motions.reshape(4, 9) @ moment])


def fit_in_image(
    sparse: SparseModel,
    start: FaceParameters,
    landmarks_px: np.ndarray,
    depth_weight: float,
    rounds: int = 6,
) -> FaceParameters:
    """Fit once; see ImageFitter."""
    return ImageFitter(sparse, depth_weight).fit(start, landmarks_px, rounds)
