# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Who looks at whom: gazes against targets, with hysteresis and a minimum time."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from face_recon_ros.errors import ArgumentError

# The receiver that is the camera, and with it the robot
CAMERA = ''
# A look counts as one at a target within this angle, or within so many sigmas; it lasts until it
# is further off by the second factor
NEAR_RAD = math.radians(6)
SIGMAS = 1.0
LEAVING = 1.5
# Wide gazes could be at anything
MOST_NEAR_RAD = math.radians(15)
# Frames may be missed for a moment
FORGET_S = 1.0
# Nobody looks at what is in their own head: a frame of it, or of a hat
OWN_HEAD_M = 0.1


@dataclass(slots=True, frozen=True)
class Gazer:
    """One who looks: id, where from (3,) m, direction (3,) unit, and its sigma."""

    id: str
    place_m: np.ndarray
    gaze: np.ndarray
    sigma_rad: float


@dataclass(slots=True)
class _Look:
    """A pair of sender and receiver."""

    seen_s: float
    is_on: bool = False
    # since when the gaze has been on the other side of the threshold
    changing_s: float | None = None


class Attention:
    """Tells who looks at whom, image after image; targets have names, people have their ids."""

    def __init__(self, least_s: float = 0.3) -> None:
        """
        Begin without anybody.

        :param least_s: for which a gaze has to stay at a target, or off it, to count.
        :raises ArgumentError: no time.
        """
        if not 0 <= least_s < math.inf:  # NaN too
            raise ArgumentError(f'least_s is {least_s}; give seconds from 0 on')
        self.least_s = least_s
        self._looks: dict[tuple[str, str], _Look] = {}

    def reset(self) -> None:
        """Forget everybody."""
        self._looks.clear()

    def update(
        self, stamp_s: float, gazers: Iterable[Gazer], targets: Mapping[str, np.ndarray]
    ) -> list[tuple[str, str]]:
        """
        Return the pairs (sender, receiver) of an image, sorted.

        :param targets: places (3,) m by name, in the frame of the gazers; CAMERA is the robot
        :raises ArgumentError: a gazer has the camera's name.
        """
        people = list(gazers)
        if any(person.id == CAMERA for person in people):
            raise ArgumentError(f'a gazer has the id {CAMERA!r}, which is the camera; give ids')
        places = {**targets, **{p.id: p.place_m for p in people}}
        present = {p.id for p in people}
        for person in people:
            for name, place_m in places.items():
                if name != person.id:
                    self._look_at(stamp_s, person, name, place_m)
        for pair, look in list(self._looks.items()):
            if not 0 <= stamp_s - look.seen_s <= FORGET_S:
                del self._looks[pair]
        on = [pair for pair, look in self._looks.items() if look.is_on and pair[0] in present]
        return sorted(pair for pair in on if pair[1] in places)

    def _look_at(self, stamp_s: float, person: Gazer, name: str, place_m: np.ndarray) -> None:
        look = self._looks.get((person.id, name))
        if look is None or not 0 <= stamp_s - look.seen_s <= FORGET_S:
            look = self._looks[person.id, name] = _Look(stamp_s)
        look.seen_s = stamp_s
        near_rad = min(max(NEAR_RAD, SIGMAS * person.sigma_rad), MOST_NEAR_RAD)
        limit_rad = near_rad * (LEAVING if look.is_on else 1.0)
        way_m = place_m - person.place_m
        outside_head = float(np.linalg.norm(way_m)) > OWN_HEAD_M
        inside = outside_head and angle_rad(person.gaze, way_m) <= limit_rad
        if inside == look.is_on:
            look.changing_s = None
            return
        if look.changing_s is None:
            look.changing_s = stamp_s
        if stamp_s - look.changing_s >= self.least_s:
            look.is_on, look.changing_s = inside, None


def angle_rad(a: np.ndarray, b: np.ndarray) -> float:
    """Return the angle between two vectors (3,), 0 to pi."""
    return float(math.atan2(np.linalg.norm(np.cross(a, b)), float(a @ b)))
