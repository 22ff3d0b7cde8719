# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Closed lips: Face Mesh leaves a gap between them."""

from __future__ import annotations

import numpy as np

from face_recon_ros.face_model.landmarks import INNER_LIP_PAIRS_468

# Mean gap that Face Mesh leaves between closed lips, and the gap from which on lips are open, as
# parts of the distance between the outer eye corners
CLOSED_LIP_GAP, OPEN_LIP_GAP = 0.02, 0.05


def with_closed_lips(points: np.ndarray, canthal_distance: float) -> np.ndarray:
    """
    Return landmarks (468, 3) whose inner lips meet where their gap is that of closed lips.

    Between closed and open the gap shrinks in proportion; open lips stay as they are. The graph in
    models/face_recon.tflite does the same (model_building/network/export.py).

    :param canthal_distance: between the outer eye corners, in the unit of the points
    """
    if not canthal_distance > 0:
        return points
    upper, lower = INNER_LIP_PAIRS_468.T
    gaps = points[upper] - points[lower]
    gap = np.sqrt(np.einsum('ij,ij->i', gaps, gaps)).mean() / canthal_distance
    openness = (gap - CLOSED_LIP_GAP) / (OPEN_LIP_GAP - CLOSED_LIP_GAP)
    if openness >= 1:
        return points
    closing = (1 - max(openness, 0.0)) / 2 * gaps
    closed = points.copy()
    closed[upper] -= closing
    closed[lower] += closing
    return closed
