# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
How wide an iris is, from the pixels at its edge (the limbus).

Networks that mark irises answer with a nearly constant part of the eye's width: their radius
follows a larger or smaller iris by a fifth only (scripts/evaluate_iris.py). So the edge itself is
looked for, beside the pupil where no lid covers it: the circle with the largest step from dark
inside to bright outside, on both sides (after Daugman 1993, High confidence visual recognition of
persons by a test of statistical independence).
"""

from __future__ import annotations

import math

import cv2
import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.eyes.landmarks import INNER_CORNER, OUTER_CORNER, EyeLandmarks, Eyes
from face_recon_ros.eyes.openness import part_open
from face_recon_ros.rotations import rotation_in_plane

# Horizontal visible diameter of an adult's iris; children have nearly the same from two years on.
# SD 0.5 mm (Rüfer, Schröder, Erb 2005, White-to-white corneal diameter)
IRIS_DIAMETER_M, IRIS_SIGMA_M = 0.0117, 0.0005
# Relative error of a distance by one image's two irises, and what of it stays with a person: the
# iris' own size, and light, lids and lashes. Without the iris' size 4.6 % together, what
# scripts/evaluate_iris.py leads to on portraits
ONE_IMAGE_SIGMA = 0.03
LASTING_SIGMA = math.hypot(IRIS_SIGMA_M / IRIS_DIAMETER_M, 0.035)
# Of smaller irises these errors are not known; closed eyes have none
LEAST_RADIUS_PX, LEAST_OPEN = 8.0, 0.4
# The two eyes agree to this, relative; and look at the camera to within this angle
MOST_DIFFERENCE, MOST_TURN_RAD = 0.08, math.radians(30)
# The least step of brightness at the edge, of 255
LEAST_STEP = 8.0

# What the network's radius is of a true one on average: where the search begins
NETWORK_RATIO = 0.84
# An eye is looked at with an iris of this radius
RADIUS, SIZE = 20.0, 91
RADII = np.arange(12.0, 32.0, 0.5)
# Brightness is compared over so many steps of RADII on either side of the edge
BAND = 7
# Directions beside the pupil, from the eye's axis, more below it than above: lids and lashes
RIGHTWARDS = np.radians(np.arange(-20, 51, 7))
LEFTWARDS = np.radians(np.arange(130, 201, 7))
# Where the middle is looked for around the network's, and what a step away from it costs
AWAY_X, AWAY_Y = np.arange(-4.0, 5.0), np.array([-2.0, 0.0, 2.0])
COST_X, COST_Y = 0.15, 0.3
# Highlights are cut off at this percentile of the opening
BRIGHT_PERCENTILE = 97


def iris_distance(image: np.ndarray, eyes: Eyes, camera: Camera) -> float | None:
    """
    Return how far (m) the eyes are from the camera if their irises are of average size.

    None where the irises cannot be measured.

    :param image: (H, W, 3) uint8 BGR
    """
    landmarks = eyes.landmarks
    with np.errstate(invalid='ignore'):
        large = landmarks.radius_px >= NETWORK_RATIO * LEAST_RADIUS_PX
        usable = large & (part_open(landmarks.openness) >= LEAST_OPEN) & eyes.measured
    if not usable.all():
        return None
    distances = [_of_one(image, eyes, side, camera) for side in range(2)]
    if None in distances:
        return None
    first, second = np.log(np.array(distances, np.float64))
    if abs(first - second) > MOST_DIFFERENCE:
        return None
    return math.exp((first + second) / 2)


def _of_one(image: np.ndarray, eyes: Eyes, side: int, camera: Camera) -> float | None:
    """Return the distance of one eye by its iris."""
    found = limbus_of(image, eyes.landmarks, side)
    if found is None:
        return None
    centre_px, radius_px = found
    axis = _axis_px(eyes.landmarks, side)
    edges = camera.directions(centre_px + np.array([[-1.0], [0.0], [1.0]]) * radius_px * axis)
    width = edges[2] - edges[0]
    angle = float(np.linalg.norm(width))
    if not (np.isfinite(angle) and angle > 0):
        return None
    if float(-eyes.gaze @ edges[1]) < math.cos(MOST_TURN_RAD):
        return None
    # a disc of radius r is seen r sqrt(1 - (n . a)^2) wide along a
    narrowed = math.sqrt(1 - min(float(eyes.gaze @ width / angle) ** 2, 0.5))
    return IRIS_DIAMETER_M * narrowed / angle


def _axis_px(landmarks: EyeLandmarks, side: int) -> np.ndarray:
    """Return the unit vector (2,) along an eye, rightwards in the image."""
    corners = landmarks.lids_px[side, [INNER_CORNER, OUTER_CORNER]]
    left, right = corners[np.argsort(corners[:, 0])]
    return np.asarray((right - left) / max(float(np.hypot(*(right - left))), 1e-9))


def limbus_of(
    image: np.ndarray, landmarks: EyeLandmarks, side: int
) -> tuple[np.ndarray, float] | None:
    """Return middle (2,) and radius of the iris of an eye as limbus() does."""
    return limbus(
        image,
        landmarks.iris_px[side],
        float(landmarks.radius_px[side]),
        _axis_px(landmarks, side),
        landmarks.lids_px[side],
    )


def limbus(
    image: np.ndarray,
    centre_px: np.ndarray,
    radius_px: float,
    axis_px: np.ndarray,
    lids_px: np.ndarray,
) -> tuple[np.ndarray, float] | None:
    """
    Return middle (2,) and radius of an iris in pixels; None where no edge is seen on both sides.

    :param image: (H, W, 3) uint8 BGR
    :param centre_px: (2,) and radius_px: as the network says
    :param axis_px: (2,) along the eye, rightwards in the image
    :param lids_px: (N, 2) outline of the opening
    """
    per_px = RADIUS / (radius_px / NETWORK_RATIO)
    turn = per_px * rotation_in_plane(-math.atan2(axis_px[1], axis_px[0]))
    middle = (SIZE - 1) / 2
    place = np.column_stack([turn, middle - turn @ centre_px])
    patch = cv2.warpAffine(
        image, place, (SIZE, SIZE), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
    )
    grey = cv2.cvtColor(patch, cv2.COLOR_BGR2GRAY).astype(np.float32)
    opening: np.ndarray = np.zeros((SIZE, SIZE), np.uint8)
    outline = np.round(lids_px @ turn.T + place[:, 2])
    cv2.fillPoly(opening, [np.clip(outline, -SIZE, 2 * SIZE).astype(np.int32)], 1)
    opening = cv2.dilate(opening, np.ones((3, 3), np.uint8))
    if not opening.any():
        return None
    grey = np.minimum(grey, np.percentile(grey[opening > 0], BRIGHT_PERCENTILE))
    steps = np.stack([
        _steps(grey, opening, directions) for directions in (RIGHTWARDS, LEFTWARDS)
    ])
    cost = COST_X * np.abs(AWAY_X)[:, None] + COST_Y * np.abs(AWAY_Y)
    score = steps.min(axis=0) + 0.5 * steps.sum(axis=0) - cost[..., None]
    if not np.isfinite(score).any():
        return None
    i, j, k = np.unravel_index(np.nanargmax(score), score.shape)
    if steps[:, i, j, k].min() < LEAST_STEP:
        return None
    radius = RADII[k] + (RADII[1] - RADII[0]) * _peak(score[i, j], int(k))
    away = np.array([AWAY_X[i], AWAY_Y[j]])
    return centre_px + np.linalg.solve(turn, away), radius / per_px


def _steps(grey: np.ndarray, opening: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return how much brighter it is outside than inside of circles (AWAY_X, AWAY_Y, RADII)."""
    middle = (SIZE - 1) / 2
    x = middle + AWAY_X[:, None, None, None] + RADII[:, None] * np.cos(directions)
    y = middle + AWAY_Y[None, :, None, None] + RADII[:, None] * np.sin(directions)
    x, y = (a.astype(np.float32) for a in np.broadcast_arrays(x, y))
    shape = x.shape
    flat = (-1, shape[-1])
    seen = cv2.remap(grey, x.reshape(flat), y.reshape(flat), cv2.INTER_LINEAR).reshape(shape)
    open_here = cv2.remap(opening, x.reshape(flat), y.reshape(flat), cv2.INTER_NEAREST)
    weight = open_here.reshape(shape).astype(np.float64)
    count = weight.sum(axis=-1)
    with np.errstate(invalid='ignore'):
        ring = (weight * seen).sum(axis=-1) / np.where(count > 0, count, np.nan)
    total = np.concatenate([np.zeros_like(ring[..., :1]), np.cumsum(ring, axis=-1)], axis=-1)
    result = np.full(ring.shape, np.nan)
    bands = (total[..., BAND:] - total[..., :-BAND]) / BAND
    # bands [k - BAND, k) inside and (k, k + BAND] outside
    last = ring.shape[-1] - BAND
    result[..., BAND:last] = bands[..., BAND + 1 : last + 1] - bands[..., : last - BAND]
    return result


def _peak(values: np.ndarray, k: int) -> float:
    """Return where a parabola through three values peaks, -0.5..0.5 beside the middle one."""
    if not 0 < k < len(values) - 1:
        return 0.0
    before, here, after = values[k - 1 : k + 2]
    bend = before - 2 * here + after
    return float(0.5 * (before - after) / bend) if bend < 0 else 0.0
