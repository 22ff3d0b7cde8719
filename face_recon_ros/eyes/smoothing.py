# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Gazes over time: a One-Euro filter for every face, and a person's own offset."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass, field

import numpy as np

from face_recon_ros.tracking.smoothing import OneEuroSettings, OneEuroVector

# Hz, and Hz per rad/s: fixations are still, saccades are followed within some images
GAZE_FILTER = OneEuroSettings(min_cutoff_hz=0.8, beta=6.0)
# A gap after which a filter begins anew, and the shortest step it takes
LONGEST_GAP_S, LEAST_STEP_S = 0.5, 1e-3
# The offset is learnt while the eyes are within this angle of the camera and this still, with this
# time constant: one glance changes little
NEAR_RAD, STILL_RAD_S = math.radians(8), math.radians(5)
LEARNING_S = 20.0
# Of the angle between the eye's axis and the line of sight (kappa), which is 5 degrees at most
MOST_OFFSET_RAD = math.radians(5)


@dataclass(slots=True)
class _Person:
    seen_s: float
    filter: OneEuroVector = field(default_factory=lambda: OneEuroVector(GAZE_FILTER))
    last: np.ndarray | None = None
    offset: np.ndarray = field(default_factory=lambda: np.zeros(3))


class GazeSmoothers:
    """Filters the gaze of every id; learns what a person's eyes are off, where that is wanted."""

    def __init__(self, smooth: bool, learn_offset: bool) -> None:
        self._people: dict[str, _Person] = {}
        self.configure(smooth, learn_offset)

    def configure(self, smooth: bool, learn_offset: bool) -> None:
        """Smooth or not, learn or not; what was learnt is forgotten where it is not wanted."""
        self._smooth, self._learn = smooth, learn_offset
        if not learn_offset:
            for person in self._people.values():
                person.offset = np.zeros(3)

    def reset(self) -> None:
        """Forget everybody."""
        self._people.clear()

    def keep(self, ids: Collection[str]) -> None:
        """Forget who is not among the ids that may come again."""
        for face_id in self._people.keys() - set(ids):
            del self._people[face_id]

    def offset(self, face_id: str) -> np.ndarray:
        """Return what is added to a person's gaze (3,), in the face's axes; zeros at first."""
        person = self._people.get(face_id)
        return np.zeros(3) if person is None else person.offset

    def __call__(
        self,
        face_id: str,
        gaze: np.ndarray,
        stamp_s: float,
        measured: bool,
        head: np.ndarray,
        to_camera: np.ndarray,
    ) -> np.ndarray:
        """
        Return the gaze of an image (3,), unit, filtered.

        :param measured: whether the eyes took part in it
        :param head: rotation (3, 3) of the face
        :param to_camera: unit vector (3,) from the eyes to the camera
        """
        person = self._people.get(face_id)
        if person is None:
            person = self._people[face_id] = _Person(stamp_s)
        step_s, person.seen_s = stamp_s - person.seen_s, stamp_s
        if not step_s <= LONGEST_GAP_S:
            person.filter, person.last = OneEuroVector(GAZE_FILTER), None
        step_s = max(step_s, LEAST_STEP_S)
        if measured:
            if self._learn:
                self._learn_from(person, gaze, step_s, head, to_camera)
            gaze = unit(gaze + head @ person.offset)
        if self._smooth:
            gaze = unit(person.filter(gaze, step_s))
        return gaze

    def _learn_from(
        self,
        person: _Person,
        gaze: np.ndarray,
        step_s: float,
        head: np.ndarray,
        to_camera: np.ndarray,
    ) -> None:
        last, person.last = person.last, gaze
        if last is None:
            return
        still = np.linalg.norm(gaze - last) <= STILL_RAD_S * max(step_s, 1 / 30) + 0.02
        if not still or float(gaze @ to_camera) < math.cos(NEAR_RAD):
            return
        wanted = head.T @ (to_camera - gaze)
        person.offset = person.offset + min(step_s / LEARNING_S, 1.0) * (wanted - person.offset)
        length = float(np.linalg.norm(person.offset))
        if length > MOST_OFFSET_RAD:
            person.offset = person.offset * (MOST_OFFSET_RAD / length)


def unit(vector: np.ndarray) -> np.ndarray:
    """Return a vector (3,) at the length 1."""
    return vector / max(math.hypot(*vector.tolist()), 1e-9)
