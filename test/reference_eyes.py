# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What is read of eyes, and their gaze, in plain NumPy, to hold the C++ ones against.

It shares no code with them. Openness is that of eyes.openness.
"""

import math
from dataclasses import dataclass

import numpy as np

from face_recon_ros.eyes.crops import CORNERS_68
from face_recon_ros.eyes.gaze import (
    EYE_WIDTH_M,
    LEAST_OPEN,
    LEAST_WIDTH_RATIO,
    MOST_SINE,
    direction_covariance,
)
from face_recon_ros.eyes.landmarks import (
    INNER_CORNER,
    LEAST_WIDTH_PX,
    LID_POINTS,
    OUTER_CORNER,
)
from face_recon_ros.eyes.openness import CLOSED_RATIO, WIDE_RATIO, opening_ratios, part_open
from face_recon_ros.rotations import rotation_to

POINTS = 1 + LID_POINTS
TURNS, CHANGES = slice(-6, -4), slice(-4, None)


def read_eyes(outputs, maps, inside, heads):
    """Return what EyeLandmarks holds, by name; maps (2, 2, 3), inside (2,), heads (2, 2)."""
    outputs = outputs.astype(np.float64)
    points = outputs[:, : 2 * POINTS].reshape(2, POINTS, 2)
    points = np.einsum('eij,epj->epi', maps[:, :, :2], points) + maps[:, None, :, 2]
    scales = np.linalg.norm(maps[:, :, 0], axis=1)
    turns = turned(outputs, heads, maps[:, :, :2] / scales[:, None, None])
    points[~inside], turns[~inside] = np.nan, np.nan
    lids = points[:, 1:]
    width_px = np.linalg.norm(lids[:, OUTER_CORNER] - lids[:, INNER_CORNER], axis=1)
    return {
        'iris_px': points[:, 0],
        'radius_px': np.where(inside, scales * outputs[:, 2 * POINTS], np.nan),
        'lids_px': lids,
        'openness': np.where(width_px >= LEAST_WIDTH_PX, openness_of(lids), np.nan),
        'width_px': width_px,
        'turns': turns,
    }


def turned(outputs, heads, axes):
    """Return how far eyes are turned (2, 2), sines; axes (2, 2, 2) of the crops in the image."""
    in_crops = np.einsum('eij,ei->ej', axes, heads)
    changes = outputs[:, CHANGES].reshape(2, 2, 2)
    turns = outputs[:, TURNS] + np.einsum('eij,ej->ei', changes, in_crops)
    return np.einsum('eij,ej->ei', axes, turns)


def openness_of(lids_px):
    """Return 0 (closed) .. 1 (wide open) (...,) of outlines (..., 16, 2); NaN of NaN."""
    ratios = opening_ratios(lids_px)
    return np.clip((ratios - CLOSED_RATIO) / (WIDE_RATIO - CLOSED_RATIO), 0.0, 1.0)


def gaze_of(eyes, pose, covariance, landmarks_m, camera, head_scale, known):
    """Return direction (3,), variance across it in sum, measured (2,); None: no eye was."""
    head = pose.rotation[:, 0]
    measured = _usable(eyes, landmarks_m, camera)
    if not measured.any():
        return None, None, measured
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
    return direction, float(np.trace(variance)), measured


def gains(known, width_px):
    """Return how much further an eye of a width turns than is seen, aside and up (2,)."""
    small = 1 + (known.half_width_px / width_px) ** 4
    return np.array([known.gain, known.vertical_gain]) * small


def _usable(eyes, landmarks_m, camera):
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
    return usable & finite & (seen >= LEAST_WIDTH_RATIO)


def _axes(to_eyes_m, pose):
    """Return (3, 3): z along a viewing ray, x to the head's left, y down as far as they can be."""
    z = _unit(to_eyes_m)
    y = _unit(np.cross(z, pose.rotation[:, 1]))
    return np.array([np.cross(y, z), y, z]).T


def _unit(vector):
    return vector / max(float(np.linalg.norm(vector)), 1e-9)


@dataclass(frozen=True)
class _EyeGaze:
    """
    Where an eye is seen to look, in its own _axes().

    across (2,): sines. variance (2,): of them.
    """

    across: np.ndarray
    variance: np.ndarray


def _one_eye(side, eyes, pose, landmarks_m, camera, head_scale, known):
    """Return where an eye looks by what is seen of it."""
    corners = landmarks_m[CORNERS_68[side]] - camera.position_m
    middle = corners.mean(axis=0)
    axes = _axes(middle, pose)
    # of the ray's frame whose x and y are the image's
    sines = (axes.T @ rotation_to(middle) @ np.append(eyes.turns[side], 0.0))[:2]
    width_px = float(eyes.width_px[side])
    further = gains(known, width_px)
    width_m = float(np.linalg.norm(((corners[1] - corners[0]) @ axes)[:2]))
    opened = float(part_open(eyes.openness[side]))
    seen_part = min(width_m / (EYE_WIDTH_M * head_scale), 1.0) * opened
    sigma = math.hypot(known.eye_sigma, (known.noise_width_px / width_px) ** 2)
    return _EyeGaze(
        across=further * sines,
        variance=(sigma * further / seen_part) ** 2,
    )


def _fused(eyes, head, of_head, noise, spread_rad):
    """
    Return the best linear unbiased estimate (2,) of the gaze and its covariance (2, 2).

    Of two independent measurements: what is seen of the eyes, of covariance `noise`, and the
    direction of eyes at rest, which has the head's error and about which eyes turn by spread_rad.
    """
    at_rest = of_head + spread_rad**2 * np.eye(2)
    gain = noise @ np.linalg.inv(noise + at_rest)
    return eyes - gain @ (eyes - head), noise - gain @ noise
