# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Crops to train with: photos' eyes, moved, in crops of any place, size, roll and sharpness."""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from face_recon_ros.regression.region import Region
from face_recon_ros.rotations import rotation_in_plane
from model_building.eyes.moved import RADIUS_PX, Movement, moved
from model_building.eyes.photo_eyes import (
    HELD_OUT,
    IRIS_PER_WIDTH,
    IRIS_SIZE,
    SIDE,
    WIDTH,
    PhotoEye,
)

MOST_WIDTH_PX, LEAST_WIDTH_PX = 45.0, 9.0
"""Eyes in the images that are imitated, from corner to corner."""


@dataclass(slots=True, frozen=True)
class Samples:
    """
    images (N, IRIS_SIZE, IRIS_SIZE, 3) uint8 RGB; truth of each.

    points (N, 17, 2): iris, then the outline, pixels. radius (N,) px. gaze, head (N, 2): how far
    eye and head are turned from the eye's viewing ray, sines, in the crop's axes. close (N,): 1 is
    shut. has_gaze (N,): whether gaze is known. held_out (N,): judges, and is not learnt from.
    """

    images: np.ndarray
    points: np.ndarray
    radius: np.ndarray
    gaze: np.ndarray
    head: np.ndarray
    close: np.ndarray
    has_gaze: np.ndarray
    held_out: np.ndarray


@dataclass(slots=True, frozen=True)
class Shown:
    """
    An eye, left or mirrored, RGB (SIDE, SIDE, 3), and its truth: as Samples, in its pixels.

    outline (16, 2), iris (2,)
    """

    image: np.ndarray
    outline: np.ndarray
    iris: np.ndarray
    radius: float
    gaze: np.ndarray
    head: np.ndarray
    close: float


def of_photos(eyes: Iterable[PhotoEye], per_eye: int, seed: int) -> Samples:
    """Return so many crops of each eye of photos, moved."""
    rows = []
    for number, eye in enumerate(eyes):
        random = np.random.default_rng([seed, number])
        held_out = eye.looks_at_lens and eye.photo % HELD_OUT == 0
        for _ in range(per_eye):
            movement = random_movement(eye, random)
            result = moved(eye, movement, random)
            if result is None:
                continue
            radius = float(np.linalg.norm(eye.iris[1:] - eye.iris[0], axis=1).mean())
            shown = Shown(*result, radius, movement.gaze, eye.head, movement.close)
            rows.append((*_crop(shown, random), eye.looks_at_lens, held_out))
    return _gathered(rows)


def of_rendered(eyes: Iterable[Shown], per_eye: int, seed: int) -> Samples:
    """Return so many crops of each rendered eye."""
    random = np.random.default_rng(seed)
    return _gathered([
        (*_crop(eye, random), True, False) for eye in eyes for _ in range(per_eye)])


def _gathered(rows: list[tuple[object, ...]]) -> Samples:
    return Samples(*(np.array(column) for column in zip(*rows, strict=True)))


def random_movement(eye: PhotoEye, random: np.random.Generator) -> Movement:
    """Return where an eye is made to look, and how far it is closed."""
    gaze, close = np.zeros(2), 0.0
    if random.random() > 0.2:
        wide = random.random(2) < 0.7
        gaze[0] = random.uniform(-0.62, 0.62) if wide[0] else random.normal(0, 0.2)
        gaze[1] = random.uniform(-0.35, 0.45) if wide[1] else random.normal(0, 0.1)
        # lids follow what looks down or up
        close = float(np.clip(0.9 * gaze[1], -0.3, 0.5) + random.normal(0, 0.06))
    shift = RADIUS_PX * gaze
    low, high = sorted((eye.lids[0, 0], eye.lids[8, 0]))
    margin = 0.08 * (high - low)
    shift[0] = np.clip(eye.iris[0, 0] + shift[0], low + margin, high - margin) - eye.iris[0, 0]
    if random.random() < 0.2:
        close = 1.0 if random.random() < 0.5 else random.uniform(0.3, 1.0)
    return Movement(shift, close)


def _crop(shown: Shown, random: np.random.Generator) -> tuple[object, ...]:
    """Return a crop and its truth in the crop, as Samples has them."""
    roll = random.normal(0, 0.07)
    side = IRIS_PER_WIDTH * WIDTH * float(np.exp(random.normal(0, 0.1)))
    middle = np.full(2, (SIDE - 1) / 2) + random.normal(0, 0.07, 2) * WIDTH
    place = Region(middle, side, roll).image_from_crop(IRIS_SIZE)
    width_px = np.exp(random.uniform(np.log(LEAST_WIDTH_PX), np.log(MOST_WIDTH_PX)))
    seen: np.ndarray = shown.image.astype(np.float32)
    if width_px < WIDTH:
        count = max(8, round(SIDE * width_px / WIDTH))
        small = cv2.resize(seen, (count, count), interpolation=cv2.INTER_AREA)
        seen = cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(seen, place, (IRIS_SIZE, IRIS_SIZE), flags=flags)
    if random.random() < 0.3:
        crop = cv2.GaussianBlur(crop, (0, 0), random.uniform(0.3, 1.2))
    back = np.linalg.inv(place[:, :2])
    points = (np.vstack([shown.iris[None], shown.outline]) - place[:, 2]) @ back.T
    turn = rotation_in_plane(-roll)
    pixels = np.clip(crop, 0, 255).astype(np.uint8)
    return (pixels, points, shown.radius * IRIS_SIZE / side, turn @ shown.gaze,
            turn @ shown.head, shown.close)
