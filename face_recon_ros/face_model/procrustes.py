# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Procrustes alignment: the similarity between two sets of points."""

from __future__ import annotations

import numpy as np

from face_recon_ros.errors import GeometryError

# Points are in one place, or on one line, where their spread relative to their size is below this
LEAST_SPREAD = 1e-9


def similarity(source: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """
    Return scale, rotation (3, 3), translation (3,) with target ~ scale * rotation @ source + t.

    Least squares over points (N, 3), proper rotation; Umeyama 1991.

    :raises GeometryError: the points are not finite, or in one place or line: no rotation follows.
    """
    count = len(source)
    mean = np.full(count, 1 / count)
    source_mean, target_mean = mean @ source, mean @ target
    centred = source - source_mean
    # centring one side is enough for the covariance
    covariance = target.T @ centred
    if not np.isfinite(covariance).all():
        raise GeometryError('landmarks are NaN or infinite; no pose follows')
    u, singular, vt = np.linalg.svd(covariance)
    if singular[1] <= LEAST_SPREAD * np.linalg.norm(target) * np.linalg.norm(centred):
        raise GeometryError('landmarks are in one place or on one line; no pose follows')
    rotation = u @ vt
    if np.linalg.det(rotation) < 0:
        u[:, 2] = -u[:, 2]
        singular[2] = -singular[2]
        rotation = u @ vt
    scale = float(singular.sum() / np.vdot(centred, centred))
    return scale, rotation, target_mean - scale * rotation @ source_mean
