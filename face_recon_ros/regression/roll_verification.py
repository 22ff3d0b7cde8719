# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Roll verification: tracked faces of low score are regressed at other rolls, too.

The first image of a face may be dark or blurred, and the roll found in it wrong. A face that is
tracked in a crop that is upside down agrees with itself, so nothing else would correct it. While
such a face scores low its roll is verified, at intervals that double: three times within the first
second.
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
# The tracker itself follows smaller changes of the roll
LEAST_TURN_RAD = math.radians(45)
# A face of which more is beyond the image scores low for that, whichever way up it is
MOST_OUT_OF_SIGHT = 0.1
# The same face in the next image: nearer than this part of its side
SAME_PLACE = 0.5


@dataclass(slots=True)
class _LowScoring:
    """A face that scores low: its newest region, when it was seen and is verified next."""

    region: Region
    seen_s: float
    next_s: float
    wait_s: float


class RollVerifier:
    """Decides when a tracked face is verified; see the module's description."""

    def __init__(self) -> None:
        self._low_scoring: list[_LowScoring] = []

    def reset(self) -> None:
        """Forget the faces of the images so far."""
        self._low_scoring = []

    def __call__(
        self, found: Regression, stamp_s: float, find_best: Callable[[], Candidate]
    ) -> Regression:
        """
        Return the regression of a tracked face, or a better one at another roll.

        :param stamp_s: of the image
        :param find_best: finds the face at the roll that is worth most (rolls.find_roll)
        """
        if score_of(found) >= LOW_SCORE or max(found.out_of_sight) > MOST_OUT_OF_SIGHT:
            return found
        if not self._is_due(found.region, stamp_s):
            return found
        other = find_best().regression
        turn_rad = math.remainder(other.region.roll_rad - found.region.roll_rad, math.tau)
        better = is_sure(other) and score_of(other) > score_of(found)
        return other if better and abs(turn_rad) >= LEAST_TURN_RAD else found

    def _is_due(self, region: Region, stamp_s: float) -> bool:
        self._low_scoring = [
            known for known in self._low_scoring if abs(stamp_s - known.seen_s) <= FORGOTTEN_S
        ]
        for known in self._low_scoring:
            away_px = float(np.hypot(*(known.region.centre - region.centre)))
            if away_px < SAME_PLACE * max(known.region.side_px, region.side_px):
                break
        else:
            known = _LowScoring(region, stamp_s, stamp_s + FIRST_WAIT_S, FIRST_WAIT_S)
            self._low_scoring.append(known)
        known.region, known.seen_s = region, stamp_s
        if stamp_s < known.next_s:
            return False
        known.wait_s *= WAIT_GROWTH
        known.next_s = stamp_s + known.wait_s
        return True
