# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Where the eyes look: a direction from irises and head, by their covariances.

An eyeball turns about its centre, which is fixed in the head; the iris lies on its front. So the
direction from that centre to where the viewing ray meets the iris is the eye's. All is written in
the frame of the eye's own viewing ray, where weak perspective holds: x and y across it, along and
across the eye.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.eyes.crops import CORNERS_68
from face_recon_ros.eyes.landmarks import INNER_CORNER, OUTER_CORNER, RIGHT, EyeLandmarks
from face_recon_ros.eyes.openness import part_open
from face_recon_ros.pose import MetricPose


@dataclass(slots=True, frozen=True)
class GazeConstants:
    """
    Of an average adult's eye as the network sees it, and how well it does.

    Chosen on one half of the photos of scripts/fit_gaze.py; scripts/evaluate_gaze.py judges on the
    other.

    radius_m: from the eyeball's centre to the iris. vertical_gain: irises are seen to move so much
    further up and down than to the side. half_width_px: they are seen to move less in small eyes,
    by half in an eye of this width, corner to corner. behind_m, inwards_m, up_m: where that centre
    lies from the middle of the corners, as the network sees them. eye_sigma_m: of the iris against
    the corners, of eyes of any size; and so many pixels of the image, eye_sigma_px. spread_rad:
    how far eyes turn in the head, a standard deviation, about a direction that lies tilt_rad below
    the head's. sigma_scale: of what follows from these.
    """

    radius_m: float = 0.0104
    vertical_gain: float = 1.0
    half_width_px: float = 0.0
    behind_m: float = 0.0055
    inwards_m: float = 0.0019
    up_m: float = 0.0015
    eye_sigma_m: float = 0.0005
    eye_sigma_px: float = 1.0
    spread_rad: float = math.radians(10)
    tilt_rad: float = 0.0
    sigma_scale: float = 1.0

    def radii_m(self, width_px: float) -> np.ndarray:
        """Return how far the iris of an eye of a width moves per sine, aside and up (2,)."""
        part = 1 / (1 + (self.half_width_px / width_px) ** 2)
        return self.radius_m * part * np.array([1.0, self.vertical_gain])


# What scripts/fit_gaze.py found
FITTED = GazeConstants(
    vertical_gain=1.22,
    half_width_px=21.7,
    behind_m=0.0015,
    up_m=0.0014,
    eye_sigma_m=0.0002,
    eye_sigma_px=0.93,
    spread_rad=math.radians(7.3),
    tilt_rad=math.radians(3.6),
    sigma_scale=1.19,
)

# Smaller eyes, corner to corner, say nothing; nor do eyes that are less open, as part_open() says
LEAST_WIDTH_PX = 10.0
LEAST_OPEN = 0.4
# An eye further from the front than its nose lets it be seen: narrower than this part of a
# frontal one
LEAST_WIDTH_RATIO = 0.45
EYE_WIDTH_M = 0.0235
# 68 % of the errors of two independent axes of standard deviation 1 are smaller (Rayleigh)
OF_TWO_AXES = math.sqrt(-2 * math.log(1 - 0.68))
# An iris cannot be further from its centre's ray than this part of the radius: it would be hidden
MOST_SINE = 0.94


@dataclass(slots=True, frozen=True)
class GazeEstimate:
    """direction (3,): unit, camera frame. sigma_rad: 68 % of errors are smaller. measured (2,)."""

    direction: np.ndarray
    sigma_rad: float
    measured: np.ndarray


def head_sigma_rad(pose: MetricPose, covariance: np.ndarray) -> float:
    """Return below which angle 68 % of the errors of the head's direction lie."""
    across = direction_covariance(pose.rotation[:, 0], covariance)
    return OF_TWO_AXES * math.sqrt(max(float(np.trace(across)), 0.0) / 2)


def gaze_of(
    eyes: EyeLandmarks,
    pose: MetricPose,
    covariance: np.ndarray,
    landmarks_m: np.ndarray,
    camera: Camera,
    head_scale: float = 1.0,
    constants: GazeConstants | None = None,
) -> GazeEstimate:
    """
    Return where a face's eyes look.

    :param covariance: (6, 6) of the pose, see Face
    :param landmarks_m: (68, 3) camera frame
    :param head_scale: size of the head relative to the face model's
    """
    known = constants or FITTED
    head = pose.rotation[:, 0]
    measured = _usable(eyes, landmarks_m, camera)
    if not measured.any():
        return GazeEstimate(head, head_sigma_rad(pose, covariance), measured)
    found = [
        _one_eye(int(side), eyes, pose, landmarks_m, camera, head_scale, known)
        for side in np.flatnonzero(measured)
    ]
    precision = np.array([1 / eye.variance for eye in found])
    weights = precision / precision.sum(axis=0)
    across = (weights * [eye.across for eye in found]).sum(axis=0)
    part = np.diag((weights * [eye.part for eye in found]).sum(axis=0))
    noise = np.diag(1 / precision.sum(axis=0))
    axes = _axes(landmarks_m[CORNERS_68].mean(axis=(0, 1)) - camera.position_m, pose)
    of_head = axes.T @ direction_covariance(head, covariance) @ axes
    at_rest = pose.rotation @ [math.cos(known.tilt_rad), 0.0, -math.sin(known.tilt_rad)]
    fused, variance = _fused(
        across, (axes.T @ at_rest)[:2], of_head[:2, :2], noise, part, known.spread_rad
    )
    sine = float(np.hypot(*fused))
    if sine > MOST_SINE:
        fused = fused * (MOST_SINE / sine)
    direction = axes @ np.append(fused, -math.sqrt(1 - float(fused @ fused)))
    sigma = known.sigma_scale * OF_TWO_AXES * math.sqrt(float(np.trace(variance)) / 2)
    return GazeEstimate(direction, sigma, measured)


def direction_covariance(direction: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """Return (3, 3) of a direction that turns with a pose of covariance (6, 6)."""
    x, y, z = direction
    cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
    return cross @ covariance[3:, 3:] @ cross.T


def _usable(eyes: EyeLandmarks, landmarks_m: np.ndarray, camera: Camera) -> np.ndarray:
    """Return (2,) bool: eyes that are large, open, and not turned away."""
    corners = landmarks_m[CORNERS_68] - camera.position_m
    middles = corners.mean(axis=1)
    rays = middles / np.linalg.norm(middles, axis=1)[:, None]
    along = corners[:, 1] - corners[:, 0]
    across = along - np.einsum('ij,ij->i', along, rays)[:, None] * rays
    seen = np.linalg.norm(across, axis=1) / np.maximum(np.linalg.norm(along, axis=1), 1e-9)
    with np.errstate(invalid='ignore'):
        usable = (eyes.width_px >= LEAST_WIDTH_PX) & (part_open(eyes.openness) >= LEAST_OPEN)
    finite = np.isfinite(eyes.iris_px).all(axis=1)
    return np.asarray(usable & finite & (seen >= LEAST_WIDTH_RATIO))


def _axes(to_eyes_m: np.ndarray, pose: MetricPose) -> np.ndarray:
    """Return (3, 3): z along a viewing ray, x to the head's left, y down as far as they can be."""
    z = _unit(to_eyes_m.tolist())
    y = _unit(_cross(z, pose.rotation[:, 1].tolist()))
    return np.array([_cross(y, z), y, z]).T


def _cross(a: list[float], b: list[float]) -> list[float]:
    """Return the cross product; of single vectors a tenth of np.cross' time."""
    return [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]]


def _unit(a: list[float]) -> list[float]:
    length = max(math.hypot(*a), 1e-9)
    return [a[0] / length, a[1] / length, a[2] / length]


@dataclass(slots=True, frozen=True)
class _EyeGaze:
    """
    Where an eye looks by its iris, in its own _axes().

    across (2,): sines. variance (2,): rad^2 without the head's. part (2,): how much of the head's
    error is in it.
    """

    across: np.ndarray
    variance: np.ndarray
    part: np.ndarray


def _one_eye(
    side: int,
    eyes: EyeLandmarks,
    pose: MetricPose,
    landmarks_m: np.ndarray,
    camera: Camera,
    head_scale: float,
    known: GazeConstants,
) -> _EyeGaze:
    """Return where an eye looks by its iris."""
    middle = landmarks_m[CORNERS_68[side]].mean(axis=0) - camera.position_m
    axes = _axes(middle, pose)
    seen_px = np.vstack([eyes.iris_px[side], eyes.lids_px[side, [INNER_CORNER, OUTER_CORNER]]])
    seen = camera.directions(seen_px) @ axes
    distance_m = float(np.linalg.norm(middle))
    iris, inner, outer = distance_m * seen[:, :2] / np.maximum(seen[:, 2:], 1e-3)
    inwards = known.inwards_m if side == RIGHT else -known.inwards_m
    centre = np.array([-known.behind_m, inwards, known.up_m]) * head_scale
    turned = (axes.T @ pose.rotation @ centre)[:2]
    width_m, width_px = float(np.hypot(*(outer - inner))), float(eyes.width_px[side])
    radii_m = known.radii_m(width_px) * head_scale
    sigma_m = math.hypot(
        known.eye_sigma_m * head_scale, known.eye_sigma_px * width_m / width_px
    )
    opened = float(part_open(eyes.openness[side]))
    seen_part = min(width_m / (EYE_WIDTH_M * head_scale), 1.0) * opened
    return _EyeGaze(
        across=(iris - (inner + outer) / 2 - turned) / radii_m,
        variance=(sigma_m / radii_m / seen_part) ** 2,
        part=known.behind_m * head_scale / radii_m,
    )


def _fused(
    eyes: np.ndarray,
    head: np.ndarray,
    of_head: np.ndarray,
    noise: np.ndarray,
    part: np.ndarray,
    spread_rad: float,
) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the best linear unbiased estimate (2,) of the gaze and its covariance (2, 2).

    Of two measurements whose errors are not independent: the eyes', in which `part` (2, 2) of the
    head's error is, and the direction of eyes at rest, which has the head's error and about which
    eyes turn by spread_rad.
    """
    shared = part @ of_head
    of_eyes = shared @ part.T + noise
    apart = of_eyes + of_head + spread_rad**2 * np.eye(2) - shared - shared.T
    gain = (of_eyes - shared) @ np.linalg.inv(apart)
    return eyes - gain @ (eyes - head), of_eyes - gain @ (of_eyes - shared).T
