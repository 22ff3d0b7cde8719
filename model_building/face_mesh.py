"""Index lists of Face Mesh's 468 landmarks, and iBUG's 68 among them."""
from __future__ import annotations

import numpy as np

LANDMARK_COUNT = 468

RIGHT_LID = (33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7)
RIGHT_LID_PAIRS = ((246, 7), (161, 163), (160, 144), (159, 145), (158, 153), (157, 154),
                   (173, 155))
"""Facing landmarks of upper and lower lid."""
INNER_UPPER_LIP = (191, 80, 81, 82, 13, 312, 311, 310, 415)
INNER_LOWER_LIP = (95, 88, 178, 87, 14, 317, 402, 318, 324)
OUTER_LIPS = (61, 185, 40, 39, 37, 0, 267, 269, 270, 409, 291, 375, 321, 405, 314, 17, 84, 181,
              91, 146)
RIGHT_BROW = (46, 53, 52, 65, 55, 107, 66, 105, 63, 70)

NOSE_TIP, CHIN = 4, 152
RIGHT_OUTER_CANTHUS = 33
LEFT_INNER_CANTHUS, LEFT_OUTER_CANTHUS = 362, 263
LEFT_MOUTH_CORNER = 291
UPPER_LIP_MIDDLE, LOWER_LIP_MIDDLE = 13, 14

IBUG_INNER = (
    70, 63, 105, 66, 107, 336, 296, 334, 293, 300, 168, 197, 5, 4, 98, 97, 2, 326, 327,
    33, 160, 158, 133, 153, 144, 362, 385, 387, 263, 373, 380,
    61, 40, 37, 0, 267, 270, 291, 321, 314, 17, 84, 91, 78, 81, 13, 311, 308, 402, 14, 178)
"""Face Mesh landmark nearest to each of iBUG's points 17..67 (brows to inner lips)."""

IBUG_JAW_PATH = (127, 234, 93, 132, 58, 172, 136, 150, 149, 176, 148, 152)
"""Right half of the jaw line; iBUG's points 0..8 divide it into equal lengths."""


def outer_canthal_distance(landmarks: np.ndarray) -> float:
    """Return the distance between the outer eye corners of landmarks (468,3)."""
    return float(np.linalg.norm(landmarks[RIGHT_OUTER_CANTHUS] - landmarks[LEFT_OUTER_CANTHUS]))
