# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Blinks: short closures, told from openness by two thresholds."""

from __future__ import annotations

import math
from collections import deque

import numpy as np

from face_recon_ros.eyes.openness import part_open

# Mean part_open() of both eyes: below the first they have closed, above the second they are open
# again. A blink takes a few images, often none with lids that meet
CLOSED, OPEN = 0.5, 0.7
# An eye that stays as open takes no part: that is a wink
WINK = 0.7
# Longer closures are no blinks: sleep, or a look down
LONGEST_S = 0.5
# How long blinks count for their rate
RATE_WINDOW_S = 60.0
# A stamp that goes back further begins a clock anew: that of a clip in a loop, of a simulation
NEW_CLOCK_S = 1.0


class BlinkCounter:
    """Counts the blinks of one person."""

    def __init__(self) -> None:
        self.count = 0
        self._begun_s: float | None = None
        self._first_s: float | None = None
        self._now_s = -math.inf
        self._ended_s: deque[float] = deque()

    def update(self, stamp_s: float, openness: np.ndarray) -> bool:
        """
        Take in an image; tell whether a blink has just ended.

        :param openness: (2,) of both eyes; NaN where an eye is not seen
        """
        if stamp_s < self._now_s - NEW_CLOCK_S:
            self._begun_s = self._first_s = None
            self._ended_s.clear()
        self._now_s = stamp_s
        openness = np.asarray(openness, np.float64)
        self._first_s = stamp_s if self._first_s is None else self._first_s
        seen = part_open(openness[np.isfinite(openness)])
        if not len(seen):
            self._begun_s = None
            return False
        mean = float(seen.mean())
        if self._begun_s is None:
            if mean < CLOSED and seen.max() < WINK:
                self._begun_s = stamp_s
            return False
        if mean < OPEN:
            return False
        begun_s, self._begun_s = self._begun_s, None
        if not 0 <= stamp_s - begun_s <= LONGEST_S:
            return False
        self.count += 1
        self._ended_s.append(stamp_s)
        return True

    def per_minute(self) -> float:
        """Return the rate over the last minute, or since the first image; NaN before 5 s."""
        while self._ended_s and self._ended_s[0] < self._now_s - RATE_WINDOW_S:
            self._ended_s.popleft()
        watched_s = min(self._now_s - (self._first_s or 0.0), RATE_WINDOW_S)
        if self._first_s is None or watched_s < 5.0:
            return math.nan
        return 60.0 * len(self._ended_s) / watched_s
