# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How much of what shows an expression the image shows: of faces that it cuts."""

from __future__ import annotations

import numpy as np

from face_recon_ros.expression.units import NAMES, ON_THE_LEFT, ON_THE_RIGHT
from face_recon_ros.regression.region import Region

# Rows of the crop (crop.py), as parts of its side, in which units show: brows and eyes, the nose
# and the cheeks, the mouth down to the chin
_UPPER, _MIDDLE, _LOWER = (0.03, 0.35), (0.22, 0.60), (0.47, 0.90)
# Columns between the sides of the face; the person's right is left in the image
_FACE, _SPLIT = (0.12, 0.88), 0.5
# Of a unit of which half is beyond the image nothing is known
LEAST_IN_SIGHT = 0.5
# Points that are looked at along each side of the crop
_STEPS = 32


def _rows_of(name: str) -> tuple[float, float]:
    if name.startswith(('brow', 'eye')):
        return _UPPER
    return _MIDDLE if name.startswith(('nose', 'cheekSquint')) else _LOWER


def _zones() -> np.ndarray:
    """Return which points of the crop's grid show each unit, (52, steps, steps) bool."""
    middles = (np.arange(_STEPS) + 0.5) / _STEPS
    rows = np.array([_rows_of(name) for name in NAMES])
    columns = np.tile(_FACE, (len(NAMES), 1))
    columns[ON_THE_RIGHT, 1] = _SPLIT
    columns[ON_THE_LEFT, 0] = _SPLIT
    in_rows = (middles >= rows[:, :1]) & (middles <= rows[:, 1:])
    in_columns = (middles >= columns[:, :1]) & (middles <= columns[:, 1:])
    return np.asarray(in_rows[:, :, None] & in_columns[:, None, :])


_ZONES = _zones()
_ZONE_SIZES = _ZONES.sum(axis=(1, 2))


def parts_in_sight(region: Region, image: np.ndarray) -> np.ndarray:
    """
    Return the part 0..1 of what shows each unit (52,) that is in the image.

    :param region: the square of expression_region()
    :param image: (H, W, 3)
    """
    height, width = image.shape[:2]
    reach = region.reach_px
    x, y = region.centre.tolist()
    if reach <= x <= width - 1 - reach and reach <= y <= height - 1 - reach:
        return np.ones(len(NAMES))
    along = ((np.arange(_STEPS) + 0.5) / _STEPS - 0.5) * region.side_px
    across = np.array([np.cos(region.roll_rad), np.sin(region.roll_rad)])
    down = np.array([-across[1], across[0]])
    points = region.centre + along[:, None, None] * down + along[None, :, None] * across
    inside = ((points >= -0.5) & (points <= [width - 0.5, height - 0.5])).all(axis=2)
    return np.asarray((_ZONES & inside).sum(axis=(1, 2)) / _ZONE_SIZES)


def sureness(parts: np.ndarray) -> np.ndarray:
    """Return 0..1 (52,), what is left of the confidence of units seen in part (52,)."""
    return np.clip((parts - LEAST_IN_SIGHT) / (1 - LEAST_IN_SIGHT), 0.0, 1.0)
