# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How far eyes are open; openness itself follows from their outlines in C++ (src_cpp/eyes.hpp)."""

from __future__ import annotations

import numpy as np

# Height of the opening between the lids, relative to the distance of the corners, of closed eyes,
# of eyes that are as good as open, and of wide ones
CLOSED_RATIO, OPEN_RATIO, WIDE_RATIO = 0.06, 0.26, 0.40
# From here on eyes count as fully open
FULL_OPENNESS = (OPEN_RATIO - CLOSED_RATIO) / (WIDE_RATIO - CLOSED_RATIO)


def part_open(openness: np.ndarray) -> np.ndarray:
    """Return openness (...,) as a part of FULL_OPENNESS, 1 from there on; NaN of NaN."""
    return np.minimum(openness / FULL_OPENNESS, 1.0)
