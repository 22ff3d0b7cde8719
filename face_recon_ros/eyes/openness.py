# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How far eyes are open; openness itself follows from their outlines in C++ (src_cpp/eyes.hpp)."""

from __future__ import annotations

import numpy as np

from face_recon_ros.eyes.landmarks import INNER_CORNER, LOWER_LID, OUTER_CORNER, UPPER_LID

# Height of the opening between the lids, relative to the distance of the corners, of closed eyes,
# of eyes that are as good as open, and of wide ones
CLOSED_RATIO, OPEN_RATIO, WIDE_RATIO = 0.06, 0.26, 0.40
# From here on eyes count as fully open
FULL_OPENNESS = (OPEN_RATIO - CLOSED_RATIO) / (WIDE_RATIO - CLOSED_RATIO)


def opening_ratios(lids_px: np.ndarray) -> np.ndarray:
    """Return heights (...,) of outlines (..., 16, 2), relative to the distance of the corners."""
    along = lids_px[..., OUTER_CORNER, :] - lids_px[..., INNER_CORNER, :]
    width = np.maximum(np.linalg.norm(along, axis=-1), 1e-9)
    # of a line through the corners, so that turned crops do not matter
    normal = np.stack([-along[..., 1], along[..., 0]], axis=-1) / width[..., None]
    gap = lids_px[..., LOWER_LID, :] - lids_px[..., UPPER_LID, :]
    # the middle three pairs: lids are closed at the corners anyway
    heights = np.abs(np.einsum('...pc,...c->...p', gap, normal))[..., 2:5].mean(axis=-1)
    return heights / width


def part_open(openness: np.ndarray) -> np.ndarray:
    """Return openness (...,) as a part of FULL_OPENNESS, 1 from there on; NaN of NaN."""
    return np.minimum(openness / FULL_OPENNESS, 1.0)
