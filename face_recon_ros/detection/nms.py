# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Overlap of boxes, and non-maximum suppression."""

from __future__ import annotations

import numpy as np

# Boxes of one detector that overlap by more than this (IoU) are one face
SAME_FACE_OVERLAP = 0.3


def intersection_over_union(box: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """Return the IoU (..., N) of a box, or many (..., 4), with boxes (N, 4): x0, y0, x1, y1."""
    box = box[..., None, :]
    low = np.maximum(box[..., :2], boxes[:, :2])
    high = np.minimum(box[..., 2:4], boxes[:, 2:4])
    common = _area(np.maximum(high - low, 0))
    areas = _area(boxes[:, 2:4] - boxes[:, :2])
    return common / np.maximum(_area(box[..., 2:4] - box[..., :2]) + areas - common, 1e-12)


def _area(extent: np.ndarray) -> np.ndarray:
    return extent[..., 0] * extent[..., 1]


def blend_overlapping(
    values: np.ndarray, scores: np.ndarray, overlap: float = SAME_FACE_OVERLAP
) -> list[tuple[np.ndarray, float]]:
    """
    Weighted non-maximum suppression (Bazarevsky et al. 2019, section 3.3).

    Rows of `values` start with a box; overlapping rows are averaged by score, which is steadier
    over time than keeping the best one.
    """
    left = np.argsort(-scores, kind='stable')
    blended = []
    while left.size:
        best = left[0]
        same = intersection_over_union(values[best], values[left]) > overlap
        same[0] = True
        group = left[same]
        mean = np.average(values[group], axis=0, weights=scores[group])
        blended.append((mean, float(scores[best])))
        left = left[~same]
    return blended
