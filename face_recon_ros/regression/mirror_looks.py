# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
A stream's crops are looked at as they are and in the mirror by turns.

A network errs to one side: what it finds of a mirror image is not the mirror image of what it
finds. A still image is looked at both ways, and the mean taken (flip test-time augmentation). In a
stream that would double the time; looks by turns cost nothing. Half of what they differ by is
learnt of each face, and taken off each.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_recon_ros.equality import ComparedByValue

# The error changes as the head turns: a mean of so many differences at most, of which later ones
# count more
MOST_MEANT = 10
# Looks that far apart say nothing of each other, seconds: the head may have turned, and a slow
# stream in which both kinds alternate would tremble by what has changed
LONGEST_STEP_S = 0.25


@dataclass(slots=True, frozen=True, eq=False)
class Reading(ComparedByValue):
    """
    What a network finds in a crop, taken back to the crop as it is.

    values (N,), in_mirror: whether the crop's mirror image was looked at.
    """

    values: np.ndarray
    in_mirror: bool = False

    def without(self, error: np.ndarray) -> Reading:
        """Return what is left when an error to one side (N,) is taken off; see Look."""
        sign = 1.0 if self.in_mirror else -1.0
        return Reading(self.values + sign * error, self.in_mirror)

    def error_against(self, other: Reading) -> np.ndarray:
        """Return the error to one side (N,) by a reading of the other kind at the same time."""
        sign = -0.5 if self.in_mirror else 0.5
        return sign * (self.values - other.values)


@dataclass(slots=True, frozen=True, eq=False)
class Look(ComparedByValue):
    """
    How a crop is looked at.

    error (N,): what readings of crops as they are have too much, and those in the mirror too
    little, which is taken off; None: not known yet.
    """

    in_mirror: bool = False
    error: np.ndarray | None = None


AS_IT_IS = Look()


class MirrorLooks:
    """Chooses how a face's next crop is looked at, and learns by what both ways differ."""

    def __init__(self, most_meant: int = MOST_MEANT) -> None:
        """:param most_meant: the mean of so many differences is the error, at most."""
        self._most_meant = most_meant
        self._last: list[tuple[float, Reading]] = []  # two at most, the newest last
        self._error: np.ndarray | None = None
        self._count = 0
        self._are_near = True  # the looks so far

    def next(self) -> Look:
        """Return how to look at the next crop."""
        # what gives no readings is never shown a mirror image
        in_turn = bool(self._last) and not self._last[-1][1].in_mirror
        return Look(in_turn and self._are_near, self._error)

    def take(
        self, reading: Reading | None, now_s: float, error: np.ndarray | None = None
    ) -> None:
        """
        Take in what was found.

        :param reading: without anything taken off; None: the next one says nothing of those before
        :param error: where a crop was looked at both ways
        """
        if error is not None:
            # one crop tells it better than looks at several do
            self._error, self._count = error, self._most_meant // 3
        if reading is None:
            self._last.clear()
            return
        if self._last:
            step_s = now_s - self._last[-1][0]
            if step_s <= 0:
                return  # of an image that is doubled, or late: the turns go on behind it
            self._are_near = step_s <= LONGEST_STEP_S
            if not self._are_near:
                self._last.clear()
        self._learn(reading, now_s)
        self._last = [*self._last[-1:], (now_s, reading)]

    def _learn(self, newest: Reading, now_s: float) -> None:
        if len(self._last) < 2:
            return
        (first_s, first), (middle_s, middle) = self._last
        if not first.in_mirror == newest.in_mirror != middle.in_mirror:
            return
        # the head moves on meanwhile: both at the time of the middle one
        part = (middle_s - first_s) / (now_s - first_s)
        between = first.values + part * (newest.values - first.values)
        error = Reading(between, newest.in_mirror).error_against(middle)
        self._count = min(self._count + 1, self._most_meant)
        known = self._error
        gain = 2 / (self._count + 1)
        self._error = error if known is None else known + gain * (error - known)
