# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
How a face moves through the image: a Kalman filter on place, size and roll.

Velocity is kept for a while and forgotten in the long run, as people stop and turn back: Singer
1970, Estimating optimal tracking filter performance for manned maneuvering targets, one order
lower. So a face that is not seen is expected ahead of where it was, but not ever further, and the
covariance says how far it may be. The four axes do not depend on each other.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

import numpy as np

from face_recon_ros.regression.region import Region

# Standard deviation of a head's velocity: sides of its region per second to the right and down,
# relative size per second, rad/s; and the time constant with which a velocity is forgotten, s
SPEED_SIGMA, VELOCITY_KEPT_S = np.array([1.5, 1.5, 0.5, 1.5]), 0.7
# Standard deviation of a measured region of a face whose rotation is sure: sides, relative size,
# rad; and the rotation's sigma that doubles it, rad. The sample portrait's sigma is 0.03 rad; the
# sensor's noise makes a quarter to a third of this there, the crop's place the rest
MEASURED_SIGMA, DOUBLED_BY_RAD = np.array([0.006, 0.006, 0.009, 0.012]), 0.06
# Standard deviation of the jump that made a face be lost: its own, the camera's, or of images that
# are missing; sides, relative size. Nobody is told by the roll
JUMP_SIGMA = np.array([0.2, 0.2, 0.2, 0.0])


@dataclass(slots=True, frozen=True)
class Prediction:
    """
    Where a face is expected: x, y in px, natural logarithm of the side in px, roll in rad.

    place (4,), deviation (4,): standard deviation, without the noise of a measurement.
    """

    place: np.ndarray
    deviation: np.ndarray


@dataclass(slots=True, frozen=True)
class _State:
    """Means (4,) of place and velocity, their variances (4,) and covariance (4,) by axis."""

    place: np.ndarray
    velocity: np.ndarray
    place_variance: np.ndarray
    covariance: np.ndarray
    velocity_variance: np.ndarray


class Motion:
    """Where a face is and how fast it moves."""

    def __init__(self, region: Region, sigma_rad: float, now_s: float) -> None:
        """
        Begin at rest.

        :param sigma_rad: standard deviation of the face's rotation
        :param now_s: when the face is there
        """
        self._since_s = now_s
        self._state = _State(
            place_of(region),
            np.zeros(4),
            measured_deviation(region, sigma_rad) ** 2,
            np.zeros(4),
            (SPEED_SIGMA * _units(region.side_px)) ** 2,
        )
        # what _ahead() has returned last, of which state and time
        self._ahead_of: _State | None = None
        self._ahead_s = now_s
        self._next = self._state

    @property
    def velocity_px_s(self) -> np.ndarray:
        """The velocity of the face's place (2,)."""
        return self._state.velocity[:2]

    def predict(self, now_s: float) -> Prediction:
        """Return where the face is expected; nothing is changed."""
        state = self._ahead(now_s)
        return Prediction(state.place, np.sqrt(state.place_variance))

    def growth(self, now_s: float) -> np.ndarray:
        """Return by how much the variance of the place (4,) has grown since the face was seen."""
        grown = self._ahead(now_s).place_variance - self._state.place_variance
        return np.maximum(grown, 0.0)

    def correct(self, region: Region, sigma_rad: float, now_s: float) -> None:
        """Take in where the face is."""
        before = self._ahead(now_s)
        noise = measured_deviation(region, sigma_rad) ** 2
        total = before.place_variance + noise
        gain, velocity_gain = before.place_variance / total, before.covariance / total
        off = difference(place_of(region), before.place)
        self._since_s = now_s
        self._state = _State(
            before.place + gain * off,
            before.velocity + velocity_gain * off,
            gain * noise,
            velocity_gain * noise,
            before.velocity_variance - velocity_gain * before.covariance,
        )

    def jump(self, region: Region, sigma_rad: float, now_s: float) -> None:
        """Go on from where the face is: how it came there says nothing of its velocity."""
        before = self._ahead(now_s)
        self._since_s = now_s
        self._state = _State(
            place_of(region),
            before.velocity,
            measured_deviation(region, sigma_rad) ** 2,
            np.zeros(4),
            before.velocity_variance,
        )

    def disturb(self) -> None:
        """Take in that the face was not where it was expected: something has happened."""
        now = self._state
        jump = (JUMP_SIGMA * _units(math.exp(now.place[2]))) ** 2
        self._state = replace(now, place_variance=now.place_variance + jump)

    def _ahead(self, now_s: float) -> _State:
        """Return the state at a time; it is asked for several times an image."""
        if self._ahead_of is self._state and self._ahead_s == now_s:
            return self._next
        self._ahead_of, self._ahead_s, self._next = self._state, now_s, self._after(now_s)
        return self._next

    def _after(self, now_s: float) -> _State:
        """Return the state at a time, exactly over a step of any length."""
        now = self._state
        step = max(now_s - self._since_s, 0.0) / VELOCITY_KEPT_S
        kept = math.exp(-step)
        way_s = VELOCITY_KEPT_S * (1 - kept)
        drive = (SPEED_SIGMA * _units(math.exp(now.place[2]))) ** 2
        wander_s2 = VELOCITY_KEPT_S**2 * (2 * step - 3 + 4 * kept - kept**2)
        along = now.covariance + way_s * now.velocity_variance
        return _State(
            now.place + way_s * now.velocity,
            kept * now.velocity,
            now.place_variance + way_s * (now.covariance + along) + wander_s2 * drive,
            kept * along + way_s * (1 - kept) * drive,
            kept**2 * now.velocity_variance + (1 - kept**2) * drive,
        )


def region_at(place: np.ndarray, turned_rad: float | None) -> Region:
    """Return the region of a place (4,), of a face that looks so far to a side."""
    x, y, log_side, roll_rad = place.tolist()
    return Region(np.array([x, y]), math.exp(log_side), roll_rad, turned_rad)


def place_of(region: Region) -> np.ndarray:
    """Return x, y px, the logarithm of the side in px and the roll in rad (4,)."""
    x, y = region.centre.tolist()
    return np.array([x, y, math.log(region.side_px), region.roll_rad])


def difference(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return a - b of two places (4,); of rolls the way around that is shorter."""
    off = a - b
    off[3] = math.remainder(off[3], math.tau)
    return off


def measured_deviation(region: Region, sigma_rad: float) -> np.ndarray:
    """Return the standard deviation (4,) of where a region was found, by its rotation's."""
    return MEASURED_SIGMA * (1 + sigma_rad / DOUBLED_BY_RAD) * _units(region.side_px)


def _units(side_px: float) -> np.ndarray:
    return np.array([side_px, side_px, 1.0, 1.0])
