# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How far eyes are open, from their outlines."""

from __future__ import annotations

import numpy as np

from face_recon_ros.eyes.landmarks import INNER_CORNER, LOWER_LID, OUTER_CORNER, UPPER_LID

# Height of the opening between the lids, relative to the distance of the corners: of closed eyes,
# of eyes that show their irises, of the widest; and how far open the second are. Eyes at rest are
# between the last two
RATIOS = (0.06, 0.21, 0.40)
SHOWING = 0.75


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


def openness_of(lids_px: np.ndarray) -> np.ndarray:
    """Return 0 (closed) .. 1 (open) (...,) of outlines (..., 16, 2); NaN of NaN."""
    return np.asarray(np.interp(opening_ratios(lids_px), RATIOS, (0.0, SHOWING, 1.0)))
