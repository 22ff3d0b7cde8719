# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Where the eyes look: a direction from eyes and head, by their covariances.

The network sees how far each eyeball is turned from its own viewing ray, as sines along and across
the eye. All is written in the frame of that ray, whose x and y are those directions.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.eyes.crops import CORNERS_68
from face_recon_ros.eyes.landmarks import LEAST_WIDTH_PX, EyeLandmarks
from face_recon_ros.eyes.openness import part_open
from face_recon_ros.pose import MetricPose
from face_recon_ros.rotations import rotation_to


@dataclass(slots=True, frozen=True)
class GazeConstants:
    """
    How the network sees eyes turn, and how well.

    Chosen on one half of the photos of scripts/fit_gaze.py; scripts/evaluate_gaze.py judges on the
    other.

    gain, vertical_gain: eyes turn so much further than they are seen to, to the side and up and
    down. half_width_px: they are seen to turn less in small eyes, by half in an eye of this
    width, corner to corner. eye_sigma: of the sine, of large eyes. noise_width_px: what is added
    to it falls with the square of an eye's width; at this width it is 1. spread_rad: how far eyes
    turn in the head, a standard deviation, about a direction that lies tilt_rad below the head's.
    sigma_scale: of what follows from these.
    """

    gain: float = 1.0
    vertical_gain: float = 1.0
    half_width_px: float = 0.0
    eye_sigma: float = 0.03
    noise_width_px: float = 8.0
    spread_rad: float = math.radians(10)
    tilt_rad: float = 0.0
    sigma_scale: float = 1.0

    def gains(self, width_px: float) -> np.ndarray:
        """Return how much further an eye of a width turns than is seen, aside and up (2,)."""
        small = 1 + (self.half_width_px / width_px) ** 4
        return np.array([self.gain, self.vertical_gain]) * small


# What scripts/fit_gaze.py found
FITTED = GazeConstants(
    gain=1.17,
    vertical_gain=1.10,
    half_width_px=14.5,
    eye_sigma=0.0074,
    noise_width_px=7.88,
    spread_rad=math.radians(6.4),
    tilt_rad=math.radians(16.4),
    sigma_scale=1.22,
)

# Eyes that are less open, as part_open() says, say nothing
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
    noise = np.diag(1 / precision.sum(axis=0))
    axes = _axes(landmarks_m[CORNERS_68].mean(axis=(0, 1)) - camera.position_m, pose)
    of_head = axes.T @ direction_covariance(head, covariance) @ axes
    at_rest = pose.rotation @ [math.cos(known.tilt_rad), 0.0, -math.sin(known.tilt_rad)]
    fused, variance = _fused(
        across, (axes.T @ at_rest)[:2], of_head[:2, :2], noise, known.spread_rad
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
    finite = np.isfinite(eyes.turns).all(axis=1)
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
    Where an eye is seen to look, in its own _axes().

    across (2,): sines. variance (2,): of them.
    """

    across: np.ndarray
    variance: np.ndarray


def _one_eye(
    side: int,
    eyes: EyeLandmarks,
    pose: MetricPose,
    landmarks_m: np.ndarray,
    camera: Camera,
    head_scale: float,
    known: GazeConstants,
) -> _EyeGaze:
    """Return where an eye looks by what is seen of it."""
    corners = landmarks_m[CORNERS_68[side]] - camera.position_m
    middle = corners.mean(axis=0)
    axes = _axes(middle, pose)
    # of the ray's frame whose x and y are the image's
    turned = (axes.T @ rotation_to(middle) @ np.append(eyes.turns[side], 0.0))[:2]
    width_px = float(eyes.width_px[side])
    gains = known.gains(width_px)
    width_m = float(np.linalg.norm(((corners[1] - corners[0]) @ axes)[:2]))
    opened = float(part_open(eyes.openness[side]))
    seen_part = min(width_m / (EYE_WIDTH_M * head_scale), 1.0) * opened
    sigma = math.hypot(known.eye_sigma, (known.noise_width_px / width_px) ** 2)
    return _EyeGaze(
        across=gains * turned,
        variance=(sigma * gains / seen_part) ** 2,
    )


def _fused(
    eyes: np.ndarray,
    head: np.ndarray,
    of_head: np.ndarray,
    noise: np.ndarray,
    spread_rad: float,
) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the best linear unbiased estimate (2,) of the gaze and its covariance (2, 2).

    Of two independent measurements: what is seen of the eyes, of covariance `noise`, and the
    direction of eyes at rest, which has the head's error and about which eyes turn by spread_rad.
    """
    at_rest = of_head + spread_rad**2 * np.eye(2)
    gain = noise @ np.linalg.inv(noise + at_rest)
    return eyes - gain @ (eyes - head), noise - gain @ noise
