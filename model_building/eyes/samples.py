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
from model_building.eyes.photo_eyes import IRIS_PER_WIDTH, IRIS_SIZE, SIDE, WIDTH, PhotoEye

MOST_WIDTH_PX, LEAST_WIDTH_PX = 45.0, 9.0
"""Eyes in the images that are imitated, from corner to corner."""


@dataclass(slots=True, frozen=True)
class Samples:
    """
    images (N, IRIS_SIZE, IRIS_SIZE, 3) uint8 RGB; truth of each.

    points (N, 17, 2): iris, then the outline, pixels. radius (N,) px. gaze (N, 2): from the lens,
    sines, in the crop's axes. close (N,): 1 is shut. at_lens (N,): whether gaze is known. photo
    (N,): number of the photo.
    """

    images: np.ndarray
    points: np.ndarray
    radius: np.ndarray
    gaze: np.ndarray
    close: np.ndarray
    at_lens: np.ndarray
    photo: np.ndarray


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


def make(eyes: Iterable[PhotoEye], per_eye: int, seed: int) -> Samples:
    """Return so many crops of each eye."""
    rows = []
    for number, eye in enumerate(eyes):
        random = np.random.default_rng([seed, number])
        for _ in range(per_eye):
            movement = random_movement(eye, random)
            result = moved(eye, movement, random)
            if result is not None:
                rows.append((*_crop(*result, eye, movement, random), eye.photo))
    images, points, radius, gaze, close, at_lens, numbers = (
        np.array(column) for column in zip(*rows, strict=True))
    return Samples(images, points, radius, gaze, close, at_lens, numbers)


def _crop(
    image: np.ndarray,
    lids: np.ndarray,
    centre: np.ndarray,
    eye: PhotoEye,
    movement: Movement,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray, float, np.ndarray, float, bool]:
    """Return a crop and its truth in the crop."""
    roll = random.normal(0, 0.07)
    side = IRIS_PER_WIDTH * WIDTH * float(np.exp(random.normal(0, 0.1)))
    middle = np.full(2, (SIDE - 1) / 2) + random.normal(0, 0.07, 2) * WIDTH
    place = Region(middle, side, roll).image_from_crop(IRIS_SIZE)
    width_px = np.exp(random.uniform(np.log(LEAST_WIDTH_PX), np.log(MOST_WIDTH_PX)))
    seen: np.ndarray = image.astype(np.float32)
    if width_px < WIDTH:
        count = max(8, round(SIDE * width_px / WIDTH))
        small = cv2.resize(seen, (count, count), interpolation=cv2.INTER_AREA)
        seen = cv2.resize(small, (SIDE, SIDE), interpolation=cv2.INTER_LINEAR)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    crop = cv2.warpAffine(seen, place, (IRIS_SIZE, IRIS_SIZE), flags=flags)
    if random.random() < 0.3:
        crop = cv2.GaussianBlur(crop, (0, 0), random.uniform(0.3, 1.2))
    back = np.linalg.inv(place[:, :2])
    points = (np.vstack([centre[None], lids]) - place[:, 2]) @ back.T
    radius = float(np.linalg.norm(eye.iris[1:] - eye.iris[0], axis=1).mean()) * IRIS_SIZE / side
    gaze = rotation_in_plane(-roll) @ movement.gaze
    pixels = np.clip(crop, 0, 255).astype(np.uint8)
    return pixels, points, radius, gaze, movement.close, eye.looks_at_lens
