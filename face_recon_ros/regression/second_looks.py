# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Faces of a stream that score low are verified at other rolls.

A face is first seen in an image that may be dark or blurred, and is taken at a roll that may be
wrong. What is followed in a crop that is upside down agrees with itself, so nothing would ever
correct it. While such a face scores low, its roll is held against the others again, a few times
and ever less often: within the first second three times.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.region import Region
from face_recon_ros.regression.rolls import Candidate, is_sure, score_of

# The sample portrait at a wrong roll scored up to 0.82, at its own 1.0
LOW_SCORE = 0.88
# From its first low score on, seconds; each wait is this many times the one before
FIRST_WAIT_S, WAIT_GROWTH = 0.15, 2.0
# What was not seen for so long is another face
FORGOTTEN_S = 1.0
# Less is left to the following of the face
LEAST_TURN_RAD = math.radians(45)
# The same face in the next image: nearer than this part of its side
SAME_PLACE = 0.5


@dataclass(slots=True)
class _Doubtful:
    """A face that scores low: its newest region, when it was seen, the next look, the wait."""

    region: Region
    seen_s: float
    next_s: float
    wait_s: float


class SecondLooks:
    """Decides which tracked faces are verified at other rolls; see the module."""

    def __init__(self) -> None:
        self._doubtful: list[_Doubtful] = []

    def reset(self) -> None:
        """Forget the faces of the images so far."""
        self._doubtful = []

    def __call__(
        self, found: Regression, stamp_s: float, look: Callable[[], Candidate]
    ) -> Regression:
        """
        Return what was found of a followed face, or what is surely there at another roll.

        :param stamp_s: of the image
        :param look: finds the face at the roll that is worth most
        """
        if score_of(found) >= LOW_SCORE or not self._is_due(found.region, stamp_s):
            return found
        other = look().regression
        turn_rad = math.remainder(other.region.roll_rad - found.region.roll_rad, math.tau)
        better = is_sure(other) and score_of(other) > score_of(found)
        return other if better and abs(turn_rad) >= LEAST_TURN_RAD else found

    def _is_due(self, region: Region, stamp_s: float) -> bool:
        self._doubtful = [d for d in self._doubtful if abs(stamp_s - d.seen_s) <= FORGOTTEN_S]
        for known in self._doubtful:
            away_px = float(np.hypot(*(known.region.centre - region.centre)))
            if away_px < SAME_PLACE * max(known.region.side_px, region.side_px):
                break
        else:
            known = _Doubtful(region, stamp_s, stamp_s + FIRST_WAIT_S, FIRST_WAIT_S)
            self._doubtful.append(known)
        known.region, known.seen_s = region, stamp_s
        if stamp_s < known.next_s:
            return False
        known.wait_s *= WAIT_GROWTH
        known.next_s = stamp_s + known.wait_s
        return True
