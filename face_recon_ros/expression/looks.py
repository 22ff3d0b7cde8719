# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the eyes do, as ARKit's units: from their own network, not from the landmarks."""

from __future__ import annotations

import math

import numpy as np

from face_recon_ros.expression.units import INDEX

# How far eyes turn at the coefficient 1
SIDE_RAD, UP_DOWN_RAD = math.radians(30.0), math.radians(25.0)


# Eyes open by this part of the person's own are not closing: openness is measured with an error
OPEN = 0.6


def with_openness(blendshapes: np.ndarray, openness: np.ndarray) -> np.ndarray:
    """
    Return coefficients (52,) with eyeBlink of how far the eyes are open.

    :param openness: (2,) of the person's right and left eye, 0 closed .. 1 open, as
        eyes.openness.part_open() gives it; NaN: not known, the coefficient stays
    """
    blendshapes = blendshapes.copy()
    for name, part in zip(('eyeBlinkRight', 'eyeBlinkLeft'), openness.tolist(), strict=True):
        if math.isfinite(part):
            blendshapes[INDEX[name]] = min(max(1.0 - part / OPEN, 0.0), 1.0)
    return blendshapes


def with_gaze(
    blendshapes: np.ndarray, confidence: np.ndarray, gaze: np.ndarray, sigma_rad: float
) -> tuple[np.ndarray, np.ndarray]:
    """
    Return coefficients (52,) and confidences (52,) with eyeLook* of a gaze.

    :param gaze: (3,) unit vector in the face frame: x out, y to the person's left, z up
    :param sigma_rad: its standard deviation
    """
    blendshapes, confidence = blendshapes.copy(), confidence.copy()
    out, left, up = gaze.tolist()
    sideways = math.atan2(left, out) / SIDE_RAD
    upwards = math.asin(min(max(up, -1.0), 1.0)) / UP_DOWN_RAD
    known = max(0.0, 1.0 - sigma_rad / SIDE_RAD)
    for name, value in (
        ('OutLeft', sideways),
        ('InRight', sideways),
        ('InLeft', -sideways),
        ('OutRight', -sideways),
        ('UpLeft', upwards),
        ('UpRight', upwards),
        ('DownLeft', -upwards),
        ('DownRight', -upwards),
    ):
        at = INDEX[f'eyeLook{name}']
        blendshapes[at], confidence[at] = min(max(value, 0.0), 1.0), known
    return blendshapes, confidence
