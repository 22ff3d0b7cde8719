# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What cameras, trackers and things in the way do to a crop; backgrounds."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from face_recon_ros import rotations
from face_recon_ros.io.image_files import read_image
from face_recon_ros.regression.region import CROP_SIDE_M
from model_building.network.subject import View

SIZE = 192
SCALE_SPREAD, SHIFT_SPREAD = 0.12, 0.06
"""Standard deviations of a crop's logarithmic size and of its place as a part of its side."""
ROLL_SPREAD_DEG, LARGEST_ROLL_DEG = 13.0, 45.0
TURNED_SHARE, TURNED_FROM_DEG = 0.45, 45.0
"""So many crops are turned by at least so much: what is seldom seen is understated."""
LARGEST_YAW_DEG, PITCH_SPREAD_DEG, LARGEST_PITCH_DEG = 100.0, 20.0, 60.0


def rotation_about(axis: str, angle_deg: float) -> np.ndarray:
    """Return the rotation (3, 3) about 'x', 'y' or 'z' by degrees."""
    return rotations.rotation_about(axis, np.radians(angle_deg))


def random_rotation(
    rng: np.random.Generator, pitch_spread_deg: float = PITCH_SPREAD_DEG
) -> np.ndarray:
    """
    Return a head's model rotation: all yaws, pitch about the ear axis, a little roll.

    The head turns on the neck (yaw) and nods about its own ear axis (pitch), or the camera looks
    from above or below (pitch after yaw); both occur.
    """
    yaw = rng.uniform(-LARGEST_YAW_DEG, LARGEST_YAW_DEG)
    if rng.random() < TURNED_SHARE:
        yaw = rng.choice([-1, 1]) * rng.uniform(TURNED_FROM_DEG, LARGEST_YAW_DEG)
    nod, look = rng.normal(0, pitch_spread_deg, 2) * (0.8, 0.6)
    limit = LARGEST_PITCH_DEG
    nod, look = np.clip([nod, look], -limit / 2 * 1.2, limit / 2 * 1.2)
    roll = np.clip(rng.normal(0, ROLL_SPREAD_DEG), -LARGEST_ROLL_DEG, LARGEST_ROLL_DEG)
    return (rotation_about('z', roll) @ rotation_about('x', look) @ rotation_about('y', yaw)
            @ rotation_about('x', nod))


def random_view(rotation: np.ndarray, rng: np.random.Generator, size: int = SIZE) -> View:
    """Return a crop of a head that a detector or tracker might cut."""
    scale = size / CROP_SIDE_M * np.exp(rng.normal(0, SCALE_SPREAD))
    centre = (size - 1) / 2 + rng.normal(0, SHIFT_SPREAD * size, 2)
    return View(rotation, float(scale), centre, size)


class Backgrounds:
    """Cuts backgrounds out of photos, beside the faces in them; or paints one."""

    def __init__(self, paths_and_faces: Sequence[tuple[str, np.ndarray]]) -> None:
        """:param paths_and_faces: photo and box (4,) x0, y0, x1, y1 px of the face in it"""
        self._photos = paths_and_faces

    def __call__(self, rng: np.random.Generator, size: int = SIZE) -> np.ndarray:
        """Return (size, size, 3) uint8."""
        if rng.random() < 0.3:
            return _painted(rng, size)
        path, box = self._photos[int(rng.integers(len(self._photos)))]
        image = read_image(Path(path))
        height, width = image.shape[:2]
        x0, y0, x1, _ = box
        strips = [(0, 0, max(24, int(x0) - 8), height), (min(width - 24, int(x1) + 8), 0, width,
                  height), (0, 0, width, max(24, int(y0) - 20)), (0, 0, width, height)]
        choice = int(rng.integers(4))
        left, top, right, bottom = strips[choice]
        strip = image[top:bottom, left:right]
        if choice == 3:
            strip = cv2.GaussianBlur(strip, (0, 0), rng.uniform(8, 20))
        if rng.random() < 0.5:
            strip = strip[:, ::-1]
        height, width = strip.shape[:2]
        side = min(height, width)
        y, x = rng.integers(0, height - side + 1), rng.integers(0, width - side + 1)
        if rng.random() < 0.6:
            strip = strip[y : y + side, x : x + side]
        return cv2.resize(strip, (size, size), interpolation=cv2.INTER_LINEAR)


def _painted(rng: np.random.Generator, size: int) -> np.ndarray:
    first, second = rng.uniform(10, 250, 3), rng.uniform(10, 250, 3)
    first = 0.6 * first.mean() + 0.4 * first
    second = 0.7 * first + 0.3 * second
    ramp = np.linspace(0, 1, size)[:, None, None]
    ramp = np.rot90(np.broadcast_to(ramp, (size, size, 1)), int(rng.integers(4)))
    image = np.ascontiguousarray(first * (1 - ramp) + second * ramp)
    for _ in range(int(rng.integers(0, 6))):
        corners = rng.integers(-20, size + 20, (4, 2))
        cv2.fillPoly(image, [corners], rng.uniform(10, 245, 3).tolist())
    image += cv2.resize(rng.normal(0, 10, (size // 8, size // 8)), (size, size))[..., None]
    return np.clip(image, 0, 255).astype(np.uint8)


def photographed(image: np.ndarray, rng: np.random.Generator,
                 occluded: float = 0.25) -> np.ndarray:
    """
    Return a crop (S, S, 3) uint8 as a camera might give it, with things in the way.

    :param occluded: how often
    """
    size = image.shape[0]
    if rng.random() < occluded:
        _occlude(image, rng)
    if rng.random() < 0.15:
        image = _grey(image, rng)
    if rng.random() < 0.6:
        image = _exposed(image, rng)
    if rng.random() < 0.4:
        image = cv2.GaussianBlur(image, (0, 0), rng.uniform(0.4, 1.8))
    if rng.random() < 0.1:
        image = _moved(image, rng)
    if rng.random() < 0.3:
        part = rng.uniform(0.2, 0.7)
        small = cv2.resize(image, None, fx=part, fy=part, interpolation=cv2.INTER_AREA)
        image = cv2.resize(small, (size, size), interpolation=cv2.INTER_LINEAR)
    if rng.random() < 0.3:
        noisy = image + rng.normal(0, rng.uniform(1, 9), image.shape)
        image = np.clip(noisy, 0, 255).astype(np.uint8)
    if rng.random() < 0.35:
        quality = int(rng.integers(25, 85))
        coded = cv2.imencode('.jpg', image, [cv2.IMWRITE_JPEG_QUALITY, quality])[1]
        return _decoded(coded)
    return image


def _decoded(coded: np.ndarray) -> np.ndarray:
    image = cv2.imdecode(coded, cv2.IMREAD_COLOR)
    assert image is not None  # it was encoded here
    return image


def _grey(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a crop in grey, or as near infrared shows it: red is next to that."""
    if rng.random() < 0.5:
        return cv2.cvtColor(cv2.cvtColor(image, cv2.COLOR_BGR2GRAY), cv2.COLOR_GRAY2BGR)
    blue, green, red = rng.uniform(0, 0.15), rng.uniform(0, 0.3), rng.uniform(0.8, 1.3)
    grey = cv2.transform(image, np.array([[blue, green, red]]) / (blue + green + red))
    return cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR)


def _moved(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a crop of something that moves."""
    length = int(rng.integers(3, 12))
    angle = rng.uniform(0, np.pi)
    kernel = np.zeros((length, length), np.float32)
    middle = (length - 1) / 2
    for step in np.linspace(-middle, middle, 4 * length):
        x, y = middle + step * np.cos(angle), middle + step * np.sin(angle)
        kernel[round(y), round(x)] += 1
    return cv2.filter2D(image, -1, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE)


def _exposed(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    gain = np.exp(rng.normal(0, 0.2)) * np.exp(rng.normal(0, 0.06, 3))
    gamma = np.exp(rng.normal(0, 0.25))
    levels = np.linspace(0, 1, 256)[:, None] ** gamma * 255 * gain + rng.normal(0, 8)
    table = np.clip(levels, 0, 255).astype(np.uint8)
    return cv2.LUT(image, table.reshape(256, 1, 3))


def _occlude(image: np.ndarray, rng: np.random.Generator) -> None:
    """Put an ellipse or a box of one colour or of noise in the way, in place."""
    size = image.shape[0]
    mask = np.zeros((size, size), np.uint8)
    centre = tuple(int(v) for v in rng.uniform(0, size, 2))
    axes = tuple(int(v) for v in rng.uniform(0.05, 0.24, 2) * size)
    angle = float(rng.uniform(0, 180))
    if rng.random() < 0.6:
        cv2.ellipse(mask, centre, axes, angle, 0, 360, 255, -1)
    else:
        box = cv2.boxPoints((centre, (2 * axes[0], 2 * axes[1]), angle))
        cv2.fillPoly(mask, [box.astype(np.int32)], 255)
    color = rng.uniform(10, 245, 3)
    if rng.random() < 0.4:  # a hand
        color = np.array([110, 140, 190]) * rng.uniform(0.4, 1.2)
    texture = cv2.resize(rng.normal(0, 12, (12, 12, 3)), (size, size)) + color
    image[mask > 0] = np.clip(texture, 0, 255).astype(np.uint8)[mask > 0]
