# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Where the eyes look: a direction from irises and head, by their covariances.

An eyeball turns about its centre, which is fixed in the head; the iris lies on its front. So the
direction from that centre to where the viewing ray meets the iris is the eye's. All is written in
the frame of the eye's own viewing ray, where weak perspective holds: x and y across it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.eyes.crops import CORNERS_68
from face_recon_ros.eyes.landmarks import INNER_CORNER, OUTER_CORNER, RIGHT, EyeLandmarks
from face_recon_ros.pose import MetricPose
from face_recon_ros.rotations import rotation_to


@dataclass(slots=True, frozen=True)
class GazeConstants:
    """
    Of an average adult's eye as the networks see it, and how well they do.

    Chosen on one half of the photos of scripts/evaluate_gaze.py, which judges on the other. A
    network that moves an iris less than the eye does has a smaller radius here.

    radius_m: from the eyeball's centre to the iris. behind_m, inwards_m, up_m: where that centre
    lies from the middle of the corners, as the network sees them. eye_sigma_m: of the iris against
    the corners, of eyes of any size; and so many pixels of the image, eye_sigma_px. spread_rad:
    how far eyes turn in the head, a standard deviation. sigma_scale: of what follows from these.
    """

    radius_m: float = 0.0085
    behind_m: float = 0.005
    inwards_m: float = 0.0016
    up_m: float = 0.0017
    eye_sigma_m: float = 0.0005
    eye_sigma_px: float = 1.3
    spread_rad: float = math.radians(10)
    sigma_scale: float = 0.83


# Of a stream's images one network sees the eyes, of a photo two
OF_STREAMS = GazeConstants()
OF_PHOTOS = GazeConstants(radius_m=0.0075, behind_m=0.0044, up_m=0.0016, sigma_scale=0.67)

# Smaller eyes, corner to corner, say nothing; nor do eyes that are less open
LEAST_WIDTH_PX = 10.0
LEAST_OPENNESS = 0.25
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
    known = constants or OF_STREAMS
    head = pose.rotation[:, 0]
    measured = _usable(eyes, landmarks_m, camera)
    if not measured.any():
        return GazeEstimate(head, head_sigma_rad(pose, covariance), measured)
    found = [
        _one_eye(int(side), eyes, pose, landmarks_m, camera, head_scale, known)
        for side in np.flatnonzero(measured)
    ]
    weights = np.array([1 / variance for _, variance in found])
    across = weights @ np.array([across for across, _ in found]) / weights.sum()
    to_eyes = landmarks_m[CORNERS_68].mean(axis=(0, 1)) - camera.position_m
    ray = rotation_to(to_eyes)
    of_head = ray.T @ direction_covariance(head, covariance) @ ray
    part = known.behind_m / known.radius_m
    noise = np.eye(2) * (1 / weights.sum())
    fused, variance = _fused(
        across, (ray.T @ head)[:2], of_head[:2, :2], noise, part, known.spread_rad
    )
    sine = float(np.hypot(*fused))
    if sine > MOST_SINE:
        fused = fused * (MOST_SINE / sine)
    direction = ray @ np.append(fused, -math.sqrt(1 - float(fused @ fused)))
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
        usable = (eyes.width_px >= LEAST_WIDTH_PX) & (eyes.openness >= LEAST_OPENNESS)
    finite = np.isfinite(eyes.iris_px).all(axis=1)
    return np.asarray(usable & finite & (seen >= LEAST_WIDTH_RATIO))


def _one_eye(
    side: int,
    eyes: EyeLandmarks,
    pose: MetricPose,
    landmarks_m: np.ndarray,
    camera: Camera,
    head_scale: float,
    known: GazeConstants,
) -> tuple[np.ndarray, float]:
    """Return an eye's direction (2,), across its viewing ray, and its variance in rad^2."""
    middle = landmarks_m[CORNERS_68[side]].mean(axis=0) - camera.position_m
    distance_m = float(np.linalg.norm(middle))
    ray = rotation_to(middle)
    seen_px = np.vstack([eyes.iris_px[side], eyes.lids_px[side, [INNER_CORNER, OUTER_CORNER]]])
    seen = camera.directions(seen_px) @ ray
    iris, inner, outer = distance_m * seen[:, :2] / np.maximum(seen[:, 2:], 1e-3)
    inwards = known.inwards_m if side == RIGHT else -known.inwards_m
    centre = np.array([-known.behind_m, inwards, known.up_m]) * head_scale
    turned = (ray.T @ pose.rotation @ centre)[:2]
    radius_m = known.radius_m * head_scale
    width_m = float(np.hypot(*(outer - inner)))
    m_per_px = width_m / eyes.width_px[side]
    part = min(width_m / (EYE_WIDTH_M * head_scale), 1.0) * eyes.openness[side]
    sigma_m = math.hypot(known.eye_sigma_m * head_scale, known.eye_sigma_px * m_per_px)
    return (iris - (inner + outer) / 2 - turned) / radius_m, (sigma_m / radius_m / part) ** 2


def _fused(
    eyes: np.ndarray,
    head: np.ndarray,
    of_head: np.ndarray,
    noise: np.ndarray,
    part: float,
    spread_rad: float,
) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the best linear unbiased estimate (2,) of the gaze and its covariance (2, 2).

    Of two measurements whose errors are not independent: the eyes', in which `part` of the head's
    error is, and the head's direction, from which eyes turn by spread_rad.
    """
    of_eyes = part**2 * of_head + noise
    shared = part * of_head
    apart = of_eyes + of_head + spread_rad**2 * np.eye(2) - 2 * shared
    gain = (of_eyes - shared) @ np.linalg.inv(apart)
    return eyes - gain @ (eyes - head), of_eyes - gain @ (of_eyes - shared).T
