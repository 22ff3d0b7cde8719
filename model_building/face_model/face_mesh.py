# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Index lists of Face Mesh's 468 landmarks."""
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

# Lines that iBUG's landmarks lie on (ibug_68.py), of the left half of the face, inwards.
LEFT_CHEEK_OUTLINE = (356, 454, 323, 361)
"""From the height of the eyes to the mouth, in front of the ear."""
LEFT_BROW_TIPS = ((276, 300), (285, 336))
"""Lower and upper landmark of the outer and of the inner end."""
LEFT_BROW_UPPER_EDGE = (293, 334, 296)
NOSE_BRIDGE = (168, 6, 197, 195, 5, 4)
LEFT_NOSE_BASE = (2, 326, 460)
"""From the subnasale, outwards, to the outer edge of the nostril."""
LEFT_UPPER_LID = (362, 398, 384, 385, 386, 387, 388, 466, 263)
LEFT_LOWER_LID = (263, 249, 390, 373, 374, 380, 381, 382, 362)
LEFT_OUTER_UPPER_LIP = (291, 409, 270, 269, 267, 0)
"""The last but one is the peak of the cupid's bow."""
LEFT_OUTER_LOWER_LIP = (291, 375, 321, 405, 314, 17)
LEFT_INNER_UPPER_LIP = (308, 415, 310, 311, 312, 13)
LEFT_INNER_LOWER_LIP = (308, 324, 318, 402, 317, 14)
EYE_OUTLINES = np.array([
    [133, 155, 154, 153, 145, 144, 163, 7, 33, 173, 157, 158, 159, 160, 161, 246],
    [362, 382, 381, 380, 374, 373, 390, 249, 263, 398, 384, 385, 386, 387, 388, 466],
])
"""Of the right and the left eye, in the order of EyeLandmarks.lids_px."""


def outer_canthal_distance(landmarks: np.ndarray) -> float:
    """Return the distance between the outer eye corners of landmarks (468,3)."""
    return float(np.linalg.norm(landmarks[RIGHT_OUTER_CANTHUS] - landmarks[LEFT_OUTER_CANTHUS]))
