# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Compare measured poses of the sample portrait and head with the truth. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from face_recon_ros.rotations import nearest_rotation, rotation_angles_rad
from face_recon_ros.tools.rendered_head import HEAD_SCALE, head_pose_at
from face_recon_ros.tools.sample_motion import motion_at

# Share of images that must be within the tolerances: smoothing lags when the motion reverses
QUANTILE = 0.9
ROTATION_TOLERANCE_DEG = 5.0
DIRECTION_TOLERANCE_DEG = 1.5
DISTANCE_TOLERANCE = 0.08
# The person in the photo looks into the camera, about
FACING_TOLERANCE_DEG = 25.0
MINIMUM_COUNT = 10
# Of the head, whose depth is measured
HEAD_ROTATION_TOLERANCE_DEG, HEAD_DISTANCE_TOLERANCE, HEAD_SIZE_TOLERANCE = 10.0, 0.02, 0.04


@dataclass(frozen=True, slots=True)
class Observation:
    """
    A measured pose of the face frame in the camera optical frame, and when.

    stamp_s: of the image. rotation (3, 3), translation_m (3,). head_scale: relative to the face
    model's.
    """

    stamp_s: float
    rotation: np.ndarray
    translation_m: np.ndarray
    head_scale: float = 1.0


@dataclass(frozen=True, slots=True)
class Agreement:
    """
    Errors of measured poses against the known motion, at QUANTILE.

    facing_deg: angle between the face direction at rest and the direction to the camera.
    """

    count: int
    rotation_deg: float
    direction_deg: float
    distance: float
    facing_deg: float

    def summary(self) -> str:
        """Return the errors as words."""
        return (
            f'rotation {self.rotation_deg:.2f} deg, direction {self.direction_deg:.2f} deg, '
            f'distance {100 * self.distance:.1f} %'
        )

    def faults(self) -> list[str]:
        """Return a line for each value out of tolerance."""
        limits = (
            ('rotation', self.rotation_deg, ROTATION_TOLERANCE_DEG, 'deg'),
            ('direction', self.direction_deg, DIRECTION_TOLERANCE_DEG, 'deg'),
            ('distance', 100 * self.distance, 100 * DISTANCE_TOLERANCE, '%'),
            ('facing', self.facing_deg, FACING_TOLERANCE_DEG, 'deg'),
        )
        if self.count < MINIMUM_COUNT:
            return [f'only {self.count} poses arrived, {MINIMUM_COUNT} are needed']
        return [
            f'{name} is {value:.1f} {unit} off the truth, {limit:g} {unit} allowed'
            for name, value, limit, unit in limits
            if not value <= limit
        ]


def agreement(observations: Sequence[Observation]) -> Agreement:
    """Compare poses of the moving portrait with its truth; rest pose: their own average."""
    if not observations:
        return Agreement(0, *[float('nan')] * 4)
    at_rest = [motion_at(o.stamp_s).undo(o.rotation, o.translation_m) for o in observations]
    rotations = np.array([rotation for rotation, _ in at_rest])
    places = np.array([place for _, place in at_rest])
    mean_rotation = nearest_rotation(rotations.mean(axis=0))
    mean_place = np.median(places, axis=0)
    distances = np.linalg.norm(places, axis=1)
    mean_distance = np.linalg.norm(mean_place)
    cosines = places @ mean_place / (distances * mean_distance)
    return Agreement(
        count=len(observations),
        rotation_deg=_high(np.degrees(rotation_angles_rad(rotations, mean_rotation))),
        direction_deg=_high(np.degrees(np.arccos(np.clip(cosines, -1, 1)))),
        distance=_high(np.abs(distances / mean_distance - 1)),
        facing_deg=float(np.degrees(np.arccos(np.clip(-mean_rotation[2, 0], -1, 1)))),
    )


@dataclass(frozen=True, slots=True)
class HeadAgreement:
    """Errors of measured poses of the rendered head against its truth, at QUANTILE."""

    count: int
    rotation_deg: float
    distance: float
    size: float

    def summary(self) -> str:
        """Return the errors as words."""
        return (
            f'rotation {self.rotation_deg:.2f} deg, distance {100 * self.distance:.2f} %, '
            f'size of the head {100 * self.size:.2f} %'
        )

    def faults(self) -> list[str]:
        """Return a line for each value out of tolerance."""
        if self.count < MINIMUM_COUNT:
            return [f'only {self.count} poses arrived, {MINIMUM_COUNT} are needed']
        limits = (
            ('rotation', self.rotation_deg, HEAD_ROTATION_TOLERANCE_DEG, 'deg'),
            ('distance', 100 * self.distance, 100 * HEAD_DISTANCE_TOLERANCE, '%'),
            ('size of the head', 100 * self.size, 100 * HEAD_SIZE_TOLERANCE, '%'),
        )
        return [
            f'{name} is {value:.1f} {unit} off the truth, {limit:g} {unit} allowed'
            for name, value, limit, unit in limits
            if not value <= limit
        ]


def head_agreement(observations: Sequence[Observation]) -> HeadAgreement:
    """Compare poses of the rendered head with its truth."""
    if not observations:
        return HeadAgreement(0, *[float('nan')] * 3)
    truths = [head_pose_at(o.stamp_s) for o in observations]
    distances = [
        np.linalg.norm(o.translation_m) / truth.distance_m - 1
        for o, truth in zip(observations, truths, strict=True)
    ]
    turned = rotation_angles_rad(
        np.array([o.rotation for o in observations]), np.array([t.rotation for t in truths])
    )
    return HeadAgreement(
        count=len(observations),
        rotation_deg=_high(np.degrees(turned)),
        distance=_high(np.abs(distances)),
        size=_high(np.abs([o.head_scale / HEAD_SCALE - 1 for o in observations])),
    )


def _high(values: np.ndarray) -> float:
    return float(np.quantile(values, QUANTILE))
