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

import math
from dataclasses import dataclass

import numpy as np

from face_recon_ros.equality import ComparedByValue
from face_recon_ros.face_model.parameters import camera_matrix
from face_recon_ros.rotations import nearest_rotation, rotation_matrix, rotation_vector

# The error changes as the head turns: a mean of so many differences at most, of which later ones
# count more
MOST_MEANT = 10
# Looks that far apart, or at a head that has turned as far, say nothing of each other
LONGEST_STEP_S, LARGEST_TURN_RAD = 0.25, math.radians(15)


@dataclass(slots=True, frozen=True, eq=False)
class SideError(ComparedByValue):
    """
    What a network errs by to one side, in a crop as it is; in a mirrored one it is the negative.

    landmarks_px (468, 3), numbers (53,): see CropReading. turn_rad (3,): rotation vector about the
    axes of the crop.
    """

    landmarks_px: np.ndarray
    numbers: np.ndarray
    turn_rad: np.ndarray

    def moved(self, other: SideError, part: float) -> SideError:
        """Return it moved towards another one by a part of the way."""
        return SideError(
            self.landmarks_px + part * (other.landmarks_px - self.landmarks_px),
            self.numbers + part * (other.numbers - self.numbers),
            self.turn_rad + part * (other.turn_rad - self.turn_rad),
        )


@dataclass(slots=True, frozen=True, eq=False)
class CropReading(ComparedByValue):
    """
    What a network finds in a crop, by the pixels of the crop as it is.

    landmarks_px (468, 3). rotation (3, 3): model_rotation. numbers (53,): scale_px_per_m, the
    pixel of the model's origin, shape and expression. in_mirror: whether the crop's mirror image
    was looked at.
    """

    landmarks_px: np.ndarray
    rotation: np.ndarray
    numbers: np.ndarray
    in_mirror: bool = False

    def parameters(self) -> np.ndarray:
        """Return the 62 parameters (62,) in pixels of the crop."""
        scale_px_per_m, x_px, y_px = self.numbers[:3].tolist()
        matrix = camera_matrix(scale_px_per_m, self.rotation, np.array([x_px, y_px, 0.0]))
        return np.concatenate([matrix.ravel(), self.numbers[3:]])

    def without(self, error: SideError) -> CropReading:
        """Return what is left when an error to one side is taken off."""
        sign = 1.0 if self.in_mirror else -1.0
        return CropReading(
            self.landmarks_px + sign * error.landmarks_px,
            rotation_matrix(sign * error.turn_rad) @ self.rotation,
            self.numbers + sign * error.numbers,
            self.in_mirror,
        )

    def between(self, other: CropReading, part: float) -> CropReading:
        """Return what lies between two readings of one kind."""
        return CropReading(
            self.landmarks_px + part * (other.landmarks_px - self.landmarks_px),
            nearest_rotation(self.rotation + part * (other.rotation - self.rotation)),
            self.numbers + part * (other.numbers - self.numbers),
            self.in_mirror,
        )

    def error_against(self, other: CropReading) -> SideError:
        """Return the error to one side by a reading of the other kind at the same time."""
        sign = -0.5 if self.in_mirror else 0.5
        return SideError(
            sign * (self.landmarks_px - other.landmarks_px),
            sign * (self.numbers - other.numbers),
            sign * rotation_vector(self.rotation @ other.rotation.T),
        )


@dataclass(slots=True, frozen=True, eq=False)
class Look(ComparedByValue):
    """How a crop is looked at: in_mirror, and the error that is taken off; None: not known yet."""

    in_mirror: bool = False
    error: SideError | None = None


AS_IT_IS = Look()


class MirrorLooks:
    """Chooses how a face's next crop is looked at, and learns by what both ways differ."""

    def __init__(self) -> None:
        self._last: list[tuple[float, CropReading]] = []  # two at most, the newest last
        self._error: SideError | None = None
        self._count = 0

    def next(self) -> Look:
        """Return how to look at the next crop."""
        # what gives no readings is never shown a mirror image
        in_mirror = bool(self._last) and not self._last[-1][1].in_mirror
        return Look(in_mirror, self._error)

    def take(
        self, reading: CropReading | None, now_s: float, error: SideError | None = None
    ) -> None:
        """
        Take in what was found.

        :param reading: without anything taken off; None: not of one crop of the face
        :param error: where a crop was looked at both ways
        """
        if error is not None:
            self._error, self._count = error, 1
        if reading is None:
            self._last.clear()
            return
        if self._last and not _are_near(self._last[-1], (now_s, reading)):
            self._last.clear()
        self._learn(reading, now_s)
        self._last = [*self._last[-1:], (now_s, reading)]

    def _learn(self, newest: CropReading, now_s: float) -> None:
        if len(self._last) < 2:
            return
        (first_s, first), (middle_s, middle) = self._last
        if not first.in_mirror == newest.in_mirror != middle.in_mirror:
            return
        # the head moves on meanwhile: both at the time of the middle one
        part = (middle_s - first_s) / (now_s - first_s)
        error = first.between(newest, part).error_against(middle)
        self._count = min(self._count + 1, MOST_MEANT)
        known = self._error
        self._error = error if known is None else known.moved(error, 2 / (self._count + 1))


def _are_near(before: tuple[float, CropReading], after: tuple[float, CropReading]) -> bool:
    (before_s, one), (after_s, other) = before, after
    if not 0 < after_s - before_s <= LONGEST_STEP_S:
        return False
    cosine = (np.vdot(one.rotation, other.rotation) - 1) / 2
    return bool(cosine > math.cos(LARGEST_TURN_RAD))
