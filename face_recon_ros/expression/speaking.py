# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Who speaks: lips that move as fast as syllables do, over a second."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from face_recon_ros.expression.units import weights_of

# Syllables move the mouth at 1 to 8 Hz (Chandrasekaran et al. 2009: 2 to 7 Hz)
LOW_HZ, HIGH_HZ = 1.0, 8.0
WINDOW_S = 1.0
# Without an image for so long nothing is known of what came before
GAP_S = 0.5
# Slower streams do not show syllables
LEAST_IMAGES = 8
# What a unit adds to the gap of the inner lips less half the width of the mouth, metres: measured
# on the ICT face model
OPENING_M = weights_of({
    'jawOpen': 0.0326, 'mouthClose': -0.0237, 'mouthFunnel': 0.0114, 'mouthPucker': 0.0055,
    'mouthSmileLeft': -0.0044, 'mouthSmileRight': -0.0044, 'mouthStretchLeft': -0.0036,
    'mouthStretchRight': -0.0036, 'mouthLowerDownLeft': 0.0024, 'mouthLowerDownRight': 0.0024,
    'mouthUpperUpLeft': 0.0027, 'mouthUpperUpRight': 0.0027,
})  # fmt: skip
# Motion of the lips (root mean square) that is none, and that is surely some
STILL_M, MOVING_M = 0.0006, 0.0018
# A smile or a yawn moves them once; speech to and fro: reversals in a second
FEW_REVERSALS, MANY_REVERSALS = 1.5, 4.0
# A reversal is one where the motion between is larger than this
REVERSAL_M = 0.0005


def mouth_opening_m(blendshapes: np.ndarray) -> float:
    """Return the gap of the lips, and half of how round the mouth is, of coefficients (52,)."""
    return float(OPENING_M @ blendshapes)


class SpeakingDetector:
    """Watches the mouth of one person."""

    def __init__(self) -> None:
        self._slow = self._quick = 0.0
        self._motion: deque[tuple[float, float]] = deque()
        self._since_s = self._last_s = -math.inf
        self._said = math.nan

    def __call__(self, opening_m: float, stamp_s: float) -> float:
        """
        Return 0..1, how surely the person speaks; NaN: not seen long or often enough.

        :param opening_m: of the mouth, of a face without its pose
        :param stamp_s: of the image; one as that before it tells nothing new
        """
        step_s = stamp_s - self._last_s
        if step_s == 0:
            return self._said
        if not 0 < step_s <= GAP_S:
            self._begin(opening_m, stamp_s)
        else:
            self._move(opening_m, step_s, stamp_s)
            self._said = self._judged(stamp_s)
        return self._said

    def _move(self, opening_m: float, step_s: float, stamp_s: float) -> None:
        self._last_s = stamp_s
        self._quick += _part(HIGH_HZ, step_s) * (opening_m - self._quick)
        self._slow += _part(LOW_HZ, step_s) * (self._quick - self._slow)
        self._motion.append((stamp_s, self._quick - self._slow))
        while self._motion[0][0] < stamp_s - WINDOW_S:
            self._motion.popleft()

    def _judged(self, stamp_s: float) -> float:
        if stamp_s - self._since_s < WINDOW_S or len(self._motion) < LEAST_IMAGES:
            return math.nan
        motion = np.array([value for _, value in self._motion])
        strength = _ramp(float(np.sqrt((motion**2).mean())), STILL_M, MOVING_M)
        return strength * _ramp(_reversals(motion), FEW_REVERSALS, MANY_REVERSALS)

    def _begin(self, opening_m: float, stamp_s: float) -> None:
        self._slow = self._quick = opening_m
        self._motion.clear()
        self._since_s = self._last_s = stamp_s
        self._said = math.nan


def _part(cutoff_hz: float, step_s: float) -> float:
    """Return the weight of the new value in a first-order low-pass filter."""
    return 1 - math.exp(-2 * math.pi * cutoff_hz * step_s)


def _ramp(value: float, low: float, high: float) -> float:
    return min(max((value - low) / (high - low), 0.0), 1.0)


def _reversals(motion: np.ndarray) -> int:
    """Return how often the direction turns, small wiggles left out."""
    count, direction, extreme = 0, 0, float(motion[0])
    for value in motion.tolist():
        if direction * (value - extreme) >= 0 and direction:
            extreme = value
        elif abs(value - extreme) > REVERSAL_M:
            count += direction != 0
            direction = 1 if value > extreme else -1
            extreme = value
    return count
