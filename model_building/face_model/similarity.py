# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Similarity alignment, and the removal of similarity motion from a basis (the gauge)."""
from __future__ import annotations

import numpy as np


def similarity(source: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """
    Return scale, rotation (3,3), translation (3,) with target ~ scale * rotation @ source + t.

    Least squares over points (n,3), proper rotation; S. Umeyama, PAMI 13(4), 1991.
    """
    source_mean, target_mean = source.mean(axis=0), target.mean(axis=0)
    centred = source - source_mean
    u, singular, vt = np.linalg.svd((target - target_mean).T @ centred)
    signs = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = (u * signs) @ vt
    scale = float((singular * signs).sum() / (centred * centred).sum())
    return scale, rotation, target_mean - scale * rotation @ source_mean


def apply_similarity(points: np.ndarray, scale: float, rotation: np.ndarray,
                     translation: np.ndarray) -> np.ndarray:
    """Return scale * rotation @ point + translation for points (n,3)."""
    return scale * points @ rotation.T + translation


def tangent(points: np.ndarray) -> np.ndarray:
    """
    Return (n,3,7): what an infinitesimal similarity does to points (n,3).

    Columns: translation along x, y, z; rotation about x, y, z through the origin; scale.
    """
    x, y, z = points.T
    motion = np.zeros((len(points), 3, 7))
    motion[:, 0, 0] = motion[:, 1, 1] = motion[:, 2, 2] = 1
    motion[:, 1, 3], motion[:, 2, 3] = -z, y
    motion[:, 0, 4], motion[:, 2, 4] = z, -x
    motion[:, 0, 5], motion[:, 1, 5] = -y, x
    motion[:, :, 6] = points
    return motion


def remove_similarity(basis: np.ndarray, points: np.ndarray, sample_basis: np.ndarray,
                      sample_points: np.ndarray) -> np.ndarray:
    """
    Take from each basis vector the similarity motion that its samples show.

    basis (k,n,3) belongs to points (n,3), sample_basis (k,m,3) to sample_points (m,3). The least
    squares motion of the samples is removed from all points, so at the samples the result is
    orthogonal to every small translation, rotation and scaling: a basis coefficient can then not
    stand for a pose, and one Procrustes alignment to the mean finds the pose of any face.
    """
    count = len(basis)
    motion = (np.linalg.pinv(tangent(sample_points).reshape(-1, 7))
              @ sample_basis.reshape(count, -1).T)
    return basis - (motion.T @ tangent(points).reshape(-1, 7).T).reshape(basis.shape)


def mirrored(vectors: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Return points or displacements (...,n,3) of the mirror-image face."""
    return vectors[..., mirror, :] * np.array([-1.0, 1.0, 1.0])
