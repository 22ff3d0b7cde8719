# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
A photo's eye that looks elsewhere: its iris moved over the white, its lids over both.

So the truth of the movement is known on real skin, in real light. The white under the iris is that
beside it; what a lid has hidden of the iris is taken from the other side of the iris; a lid that
comes down is the skin above it, stretched.
"""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from model_building.eyes.photo_eyes import SIDE, WIDTH, PhotoEye

EYE_WIDTH_MM = 27.0
RADIUS_MM = 10.5
"""From the eyeball's centre to the iris: a sine of the gaze moves the iris by so much."""
RADIUS_PX = RADIUS_MM / EYE_WIDTH_MM * WIDTH
LEAST_OPENING_PX, LEAST_WHITE_PX = 40, 25
_ROWS, _COLUMNS = np.mgrid[:SIDE, :SIDE].astype(np.float32)


@dataclass(slots=True, frozen=True)
class Movement:
    """iris (2,): pixels, x outwards, y down. close: of the upper lid, 0 stays, 1 is shut."""

    iris: np.ndarray
    close: float

    @property
    def gaze(self) -> np.ndarray:
        """Return the change of the gaze (2,), sines."""
        return self.iris / RADIUS_PX


@dataclass(slots=True, frozen=True)
class _Opening:
    """Lids by column: edges of the upper and lower one, where there is an opening, its mask."""

    upper: np.ndarray
    lower: np.ndarray
    ends: tuple[float, float]
    inside: np.ndarray
    mask: np.ndarray


def moved(
    eye: PhotoEye, movement: Movement, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray] | None:
    """Return image, outline (16, 2) and the iris' centre (2,); None: the eye is not open."""
    opening = _opening(eye.lids)
    if opening.mask.sum() < LEAST_OPENING_PX:
        return None
    ball = eye.image
    if np.abs(movement.iris).sum() >= 0.3 or movement.close < 0:
        ball = _ball(eye, opening, movement.iris)
    edge = opening.upper + movement.close * (opening.lower - opening.upper)
    skin = _skin(eye.image, opening, edge)
    if movement.close > 0.5:
        lashes = np.exp(-(((_ROWS - edge) / 1.4) ** 2)) * opening.inside
        lashes = (lashes * random.uniform(0.2, 0.6))[..., None]
        skin = skin * (1 - lashes) + 25 * lashes
    soft = np.clip((_ROWS - edge) / 1.2 + 0.5, 0, 1) * opening.inside
    soft = (soft * np.clip((opening.lower - _ROWS) / 1.2 + 0.5, 0, 1))[..., None]
    image = skin * (1 - soft) + ball * soft
    # nothing changes beside the corners
    low, high = opening.ends
    near = np.clip(np.minimum(_COLUMNS - low, high - _COLUMNS) / 3, 0, 1)[..., None]
    image = eye.image * (1 - near) + image * near
    lids = eye.lids.copy()
    lids[9:16, 1] = np.interp(lids[9:16, 0], np.arange(SIDE), edge)
    return np.clip(image, 0, 255), lids, eye.iris[0] + movement.iris


def _opening(lids: np.ndarray) -> _Opening:
    columns = np.arange(SIDE)
    low, high = sorted((float(lids[0, 0]), float(lids[8, 0])))
    lower = _curve(lids[:9], columns)
    upper = _curve(np.vstack([lids[:1], lids[9:], lids[8:9]]), columns)
    inside = (columns > low) & (columns < high)
    lower = np.where(inside, np.maximum(lower, upper), upper)
    mask = (upper < _ROWS) & (lower > _ROWS) & inside
    return _Opening(upper, lower, (low, high), inside, mask)


def _curve(points: np.ndarray, columns: np.ndarray) -> np.ndarray:
    order = np.argsort(points[:, 0])
    return np.interp(columns, points[order, 0], points[order, 1])


def _ball(eye: PhotoEye, opening: _Opening, shift: np.ndarray) -> np.ndarray:
    """Return the eyeball with its iris elsewhere."""
    image, centre = eye.image, eye.iris[0]
    radius = float(np.linalg.norm(eye.iris[1:] - centre, axis=1).mean())
    distance = np.hypot(_COLUMNS - centre[0], _ROWS - centre[1])
    # turned aside, an iris is narrower
    narrow = max(0.6, float(np.sqrt(1 - min(0.95, abs(shift[0]) / RADIUS_PX) ** 2)))
    place = np.array(
        [[narrow, 0, centre[0] + shift[0] - narrow * centre[0]], [0, 1, shift[1]]], np.float32)
    whole = _whole_iris(image, opening.mask, distance, centre, radius).astype(np.float32)
    iris = cv2.warpAffine(whole, place, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
    part = cv2.warpAffine((distance < radius).astype(np.float32), place, (SIDE, SIDE))
    part = cv2.GaussianBlur(part, (0, 0), 0.9)[..., None]
    disc = distance < 1.14 * radius
    white = _white(image, opening.mask & ~disc, opening.mask)
    hidden = cv2.GaussianBlur(disc.astype(np.float32), (0, 0), 1.5)[..., None]
    return (image * (1 - hidden) + white * hidden) * (1 - part) + iris * part


def _white(image: np.ndarray, seen: np.ndarray, opening: np.ndarray) -> np.ndarray:
    """Return the white of the eye everywhere: what is seen of it, spread."""
    if seen.sum() < LEAST_WHITE_PX:
        brightest = np.percentile(image[opening], 80, axis=0)
        return np.broadcast_to(brightest.astype(np.float32), image.shape)
    weight = cv2.GaussianBlur(seen.astype(np.float32), (0, 0), 8)[..., None]
    spread = cv2.GaussianBlur(image * seen[..., None], (0, 0), 8) / (weight + 1e-3)
    near = weight / (weight + 0.02)
    return np.asarray(spread * near + image[seen].mean(axis=0) * (1 - near))


def _whole_iris(
    image: np.ndarray, opening: np.ndarray, distance: np.ndarray, centre: np.ndarray, radius: float
) -> np.ndarray:
    """Return the image with the iris' hidden parts: from its other side, else of its mean."""
    seen = opening & (distance < 1.05 * radius)
    around = np.array([[-1, 0, 2 * centre[0]], [0, -1, 2 * centre[1]]], np.float32)
    other = cv2.warpAffine(image, around, (SIDE, SIDE))
    seen_there = cv2.warpAffine(seen.astype(np.uint8), around, (SIDE, SIDE)) > 0
    mean = image[seen].mean(axis=0) if seen.sum() > 10 else np.array([50.0, 40.0, 35.0])
    return np.where(
        seen[..., None], image, np.where(seen_there[..., None], other, mean))


def _skin(image: np.ndarray, opening: _Opening, edge: np.ndarray) -> np.ndarray:
    """Return the image with the skin above the upper lid stretched down to an edge."""
    low, high = opening.ends
    reach = max(0.35 * (high - low), 1.0)
    top = opening.upper - reach
    along = np.clip((_ROWS - top) / np.maximum(edge - top, 1), 0, 1)
    rows = np.where(top > _ROWS, _ROWS, top + along * reach).astype(np.float32)
    stretched = cv2.remap(image, _COLUMNS, rows, cv2.INTER_LINEAR)
    below = (opening.upper < _ROWS) & (opening.lower <= _ROWS)
    return np.where(below[..., None], image, stretched)
