# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Irises and lids of a face's two eyes, and their gaze."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from face_recon_ros.deprecation import warn_once
from face_recon_ros.equality import ComparedByValue
from face_recon_ros.tracking.moving import Move

# Rows of everything that is told of both eyes: the person's
RIGHT, LEFT = 0, 1
# Points of an eye's outline: inner corner, lower lid, outer corner, upper lid
LID_POINTS = 16
# Of narrower eyes, corner to corner, blur and compression decide what is read
LEAST_WIDTH_PX = 10.0
INNER_CORNER, LOWER_LID, OUTER_CORNER, UPPER_LID = 0, slice(1, 8), 8, slice(9, 16)


@dataclass(slots=True, frozen=True, eq=False)
class EyeLandmarks(ComparedByValue):
    """
    Irises, lids and openness of both eyes: the person's right one, then the left one.

    iris_px (2, 2): centres of the irises. radius_px (2,): of the irises. lids_px (2, 16, 2): inner
    corner, lower lid inwards to outwards, outer corner, upper lid inwards to outwards. openness
    (2,): 0 closed .. 1 wide open; NaN of an eye narrower than LEAST_WIDTH_PX. width_px (2,):
    distance of the corners. All NaN for an eye that lies outside the image. turns (2, 2): how far
    the eyeballs are turned from each eye's viewing ray, sines, to the image's right and down.
    """

    iris_px: np.ndarray
    radius_px: np.ndarray
    lids_px: np.ndarray
    openness: np.ndarray
    width_px: np.ndarray
    turns: np.ndarray = field(default_factory=lambda: np.full((2, 2), np.nan))

    def moved(self, move: Move) -> EyeLandmarks:
        """Return what would be seen where the face has moved to."""
        return EyeLandmarks(
            move.points(self.iris_px),
            move.scale * self.radius_px,
            move.points(self.lids_px),
            self.openness,
            move.scale * self.width_px,
            self.turns @ move.linear.T / move.scale,
        )


@dataclass(slots=True, frozen=True, eq=False)
class Eyes(ComparedByValue):
    """
    The eyes of a face: their landmarks, and their gaze.

    gaze (3,): unit vector from between the eyes, camera frame. sigma_rad: 68 % of its errors are
    smaller. measured (2,): whether the eye's iris took part in it; where none did it is the head's
    direction, and sigma_rad the head's.
    """

    landmarks: EyeLandmarks
    gaze: np.ndarray
    sigma_rad: float
    measured: np.ndarray

    def moved(self, move: Move, turn: np.ndarray, sigma_rad: float) -> Eyes:
        """Return the eyes of a face that has moved and turned by (3, 3): they go with the head."""
        return Eyes(self.landmarks.moved(move), turn @ self.gaze, sigma_rad, self.measured)

    @property
    def looks(self) -> EyeLandmarks:
        """The old name of landmarks. Deprecated."""
        warn_once('Eyes.looks', 'Eyes.landmarks')
        return self.landmarks
