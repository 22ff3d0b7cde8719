# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
How late a depth image shows what the image of its stamp shows, and what a rotation by it is worth.

Depth that is late shows how a head was turned before. Each rotation by depth alone is held against
those that the images showed then, for each of some lags: about the right lag they differ by what
the network errs for this head, which changes slowly. So is each distance held against how large
the images showed the head then: about the right lag a head that comes and goes has one size. The
lag is the camera's: all faces tell it.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field
from functools import lru_cache

import numpy as np

from face_recon_ros.rotations import rotation_vector

LAGS_S = 0.05 * np.arange(8)
# Before anything was seen depth is in time by this chance, as drivers promise, and a lag less
# likely by e for each of these
IN_TIME, PRIOR_S = 0.98, 0.1
_LATE = np.exp(-LAGS_S[1:] / PRIOR_S)
AGAINST = -np.log(np.append(IN_TIME, (1 - IN_TIME) * _LATE / _LATE.sum()))
# Evidence that is so old counts 1 / e; against one lag there is no more than against the likeliest
# and this, that a driver that is in time again is believed
FORGET_S, MOST_EVIDENCE = 20.0, 25.0
# What rotations by depth alone and by images differ by, besides depth's noise; and how much more a
# difference says than that noise, which is what is the same in all images, too
NOISE_RAD, NEWS = math.radians(2.0), 2.0
# How fast a head turns is known after so long, and is a mean over so long
KNOWN_S, SPREAD_S = 0.14, 1.0
# What the sizes of a head that images show at measured distances differ by (logarithm). Images err
# alike for so long; nothing is said by sizes further off for each lag: it is another head's depth
SIZE_SIGMA, SIZES_ALIKE_S, MOST_OFF = 0.02, 0.5, 0.15
# Depth is aligned to older images where it is in time by less chance
DOUBT = 0.01
# Later on the mean, and surely later than nothing, depth is said to be late
LATE_S, SURE = 0.075, 0.999

# A head that may have turned by more since its depth keeps the image's rotation: about as much as
# depth makes that truer
MOST_DOUBT_RAD = math.radians(1.5)
# So does one that turns faster, root mean square, once depth is surely late
FAST_RAD_S = 0.7
# For a lag that was found is known to so much
LAG_SIGMA_S = 0.03


@dataclass(slots=True)
class Turning:
    """
    How an id's head turned lately, by images, and how depth's rotations of it differed.

    turns: (3,) rad, optical frame, summed up since the first. then (lags, 3): those from the
    newest back to before each lag. spread (lags, lags): mean of the products of these. means
    (lags, 3), face axes, and weights (3,): of what depth alone and the images of then differ by.
    """

    times_s: deque[float] = field(default_factory=deque)
    turns: deque[np.ndarray] = field(default_factory=deque)
    then: np.ndarray = field(default_factory=lambda: np.zeros((len(LAGS_S), 3)))
    spread: np.ndarray = field(default_factory=lambda: np.zeros((len(LAGS_S), len(LAGS_S))))
    means: np.ndarray = field(default_factory=lambda: np.zeros((len(LAGS_S), 3)))
    weights: np.ndarray = field(default_factory=lambda: np.zeros(3))
    _rotation: np.ndarray = field(default_factory=lambda: np.eye(3))

    def add(self, stamp_s: float, rotation: np.ndarray) -> None:
        """Take in an image's rotation (3, 3)."""
        if self.times_s and stamp_s == self.times_s[-1]:
            # a doubled image, or a late one, whose time is not known
            return
        apart_s = stamp_s - self.times_s[-1] if self.times_s else 0.0
        turn = np.zeros(3)
        if 0 < apart_s < LAGS_S[-1]:
            turn = self.turns[-1] + rotation_vector(rotation @ self._rotation.T)
            self.weights = math.exp(-apart_s / FORGET_S) * self.weights
        else:
            self.times_s.clear()
            self.turns.clear()
        self.times_s.append(stamp_s)
        self.turns.append(turn)
        self._rotation = rotation
        while len(self.times_s) > 2 and self.times_s[1] <= stamp_s - LAGS_S[-1]:
            self.times_s.popleft()
            self.turns.popleft()
        if not self.known:
            self.spread = np.zeros_like(self.spread)
            return
        self.then = self._before()
        news = apart_s / SPREAD_S if self.spread.any() else 1.0
        self.spread = self.spread + news * (self.then @ self.then.T - self.spread)

    def _before(self) -> np.ndarray:
        """Return `then`; before what is remembered the head turned as on the mean since."""
        count = len(self.times_s)
        times_s, turns = np.empty(count + 1), np.empty((count + 1, 3))
        times_s[1:], turns[1:] = self.times_s, self.turns
        pace = (turns[-1] - turns[1]) / (times_s[-1] - times_s[1])
        times_s[0], turns[0] = times_s[1] - LAGS_S[-1], turns[1] - LAGS_S[-1] * pace
        then_s = times_s[-1] - LAGS_S
        after = np.maximum(times_s.searchsorted(then_s), 1)
        start_s, start = times_s[after - 1], turns[after - 1]
        part = (then_s - start_s) / (times_s[after] - start_s)
        return np.asarray(start + part[:, None] * (turns[after] - start) - turns[-1])

    @property
    def known(self) -> bool:
        """Whether it is known how fast the head turns."""
        return self.times_s[-1] - self.times_s[0] > KNOWN_S

    @property
    def pace_rad_s(self) -> float:
        """How fast the head turns, root mean square."""
        return math.sqrt(self.spread[1, 1]) / float(LAGS_S[1])

    @property
    def full(self) -> bool:
        """Whether all lags are within what is remembered."""
        return self.times_s[-1] - self.times_s[0] >= LAGS_S[-1]

    def compare(self, alone: np.ndarray, of_depth: np.ndarray) -> np.ndarray:
        """Return what a rotation by depth alone says against each lag, half squares (lags,)."""
        rotation = self._rotation
        own = (alone - self.then) @ rotation
        weights = NEWS / (np.diag(rotation.T @ of_depth @ rotation) + NOISE_RAD**2)
        off, total = own - self.means, self.weights + weights
        against = 0.5 * off**2 @ (weights * self.weights / total)
        self.means = self.means + off * (weights / total)
        self.weights = total
        return np.asarray(against)


@dataclass(slots=True)
class Nearing:
    """
    What sizes an id's head had by depth and by the images of before, as it came and went.

    means (lags,): of their logarithms. weight: of these.
    """

    means: np.ndarray = field(default_factory=lambda: np.zeros(len(LAGS_S)))
    weight: float = 0.0
    _stamp_s: float = -math.inf

    def compare(self, sizes: np.ndarray, stamp_s: float) -> np.ndarray:
        """Return what sizes (lags,), logarithms, say against each lag, half squares (lags,)."""
        age_s = max(stamp_s - self._stamp_s, 0.0)
        off = sizes - self.means
        if self.weight and np.abs(off).min() > MOST_OFF:
            return np.zeros(len(LAGS_S))
        self._stamp_s = stamp_s
        self.weight *= math.exp(-age_s / FORGET_S)
        weight = min(age_s / SIZES_ALIKE_S, 1.0) / SIZE_SIGMA**2
        total = max(self.weight + weight, 1e-9)
        self.means = self.means + off * (weight / total)
        against = 0.5 * off**2 * (weight * self.weight / total)
        self.weight = total
        return np.asarray(against)


@dataclass(slots=True)
class DepthLag:
    """Follows how late depth is; evidence (lags,) against each: half the weighted squares."""

    evidence: np.ndarray = field(default_factory=lambda: np.zeros(len(LAGS_S)))
    _stamp_s: float = -math.inf

    @property
    def chances(self) -> np.ndarray:
        """How likely each of LAGS_S is (lags,)."""
        against = self.evidence + AGAINST
        chances = np.exp(against.min() - against)
        return np.asarray(chances / chances.sum())

    @property
    def late_s(self) -> float:
        """How late depth surely is; 0: it may be in time."""
        chances = self.chances
        mean_s = float(chances @ LAGS_S)
        return mean_s if mean_s > LATE_S and chances[0] < 1 - SURE else 0.0

    @property
    def delay_s(self) -> float:
        """How much older the images are that depth is aligned to."""
        chances = self.chances
        return float(chances @ LAGS_S) if chances[0] < DOUBT else 0.0

    def trusted(self, turning: Turning, delay_s: float) -> bool:
        """Tell whether rotations by depth, held against images delay_s ago, are of use now."""
        if not turning.known:
            return True
        if self.late_s and turning.pace_rad_s > FAST_RAD_S:
            return False
        return self.doubt_rad(turning, delay_s) <= MOST_DOUBT_RAD

    def doubt_rad(self, turning: Turning, delay_s: float) -> float:
        """Return by how much, root mean square, a head may have turned since its depth."""
        off = _apart(delay_s)
        return math.sqrt(self.chances @ ((off @ turning.spread) * off).sum(axis=1))

    def spread(self, values: np.ndarray, delay_s: float) -> float:
        """Return by how much, root mean square, values (lags,) are off from that delay_s ago."""
        at = float(_between(delay_s) @ values)
        beside = float(_between(delay_s + LAG_SIGMA_S) @ values) - at if delay_s else 0.0
        return math.hypot(math.sqrt(self.chances @ (values - at) ** 2), beside)

    def take(
        self, turning: Turning, alone: np.ndarray, of_depth: np.ndarray, stamp_s: float
    ) -> None:
        """
        Take in how depth alone turns a face.

        :param alone: (3,) rad, from the newest image's rotation, optical frame; of_depth (3, 3):
            covariance
        """
        self._forget(stamp_s)
        if turning.full:
            self._add(turning.compare(alone, of_depth))

    def take_sizes(self, nearing: Nearing, sizes: np.ndarray, stamp_s: float) -> None:
        """Take in what size (lags,), logarithms, a head has if depth is so late."""
        self._forget(stamp_s)
        self._add(nearing.compare(sizes, stamp_s))

    def _add(self, against: np.ndarray) -> None:
        evidence = self.evidence + against
        self.evidence = np.minimum(evidence - evidence.min(), MOST_EVIDENCE)

    def _forget(self, stamp_s: float) -> None:
        age_s = max(stamp_s - self._stamp_s, 0.0)
        self._stamp_s = stamp_s
        self.evidence = math.exp(-age_s / FORGET_S) * self.evidence


@lru_cache(maxsize=16)
def _apart(delay_s: float) -> np.ndarray:
    """Return what takes turns since each lag (lags,) to those from delay_s ago (lags, lags)."""
    return np.eye(len(LAGS_S)) - _between(delay_s)


def _between(lag_s: float) -> np.ndarray:
    """Return the parts (lags,) that two neighbours have of a lag between them."""
    return np.maximum(1 - np.abs(LAGS_S - lag_s) / LAGS_S[1], 0.0)
