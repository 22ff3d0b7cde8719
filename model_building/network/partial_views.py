# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Faces that the image cuts, or that something covers: crops as a camera shows them."""
from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np

from model_building.network.augmentation import SIZE, rotation_about

SIDES = ('left', 'right', 'top', 'bottom')
SIDE_SHARES = (0.3, 0.3, 0.15, 0.25)
TWO_SIDES_SHARE = 0.25
LEAST_CUT, LARGEST_CUT = 0.1, 0.62
LEAST_LEFT = 0.35
"""Parts of the crop's side: how far from it the image ends, and what has to be left of both."""
CUT_ROLL_DEG = 12.0
"""Standard deviation of the angle between the sides of the image and of the crop."""
MASK_SHARE, CAP_SHARE = 0.4, 0.15
"""Of covered faces that no edge hides; the others have something in front of them."""
MASK_TOP_M, MASK_SLOPE = (-0.052, -0.012), (0.1, 0.5)
"""Where a mask ends above, on the nose, and how much lower it ends aside; model axes."""
CAP_BOTTOM_M, CAP_HEIGHT = (-0.004, 0.03), (0.3, 0.7)
"""Where a cap begins, and how far it goes up as a part of the face's height."""
LARGEST_THING = 0.3
"""Half an axis of a thing in front, as a part of the crop's side."""
LEAST_BEHIND, LARGEST_BEHIND = 0.05, 0.65
"""Parts of a face that are behind a door, a pillar, a table or another head."""
UPRIGHT_SHARE, EDGE_SPREAD_DEG = 0.75, 10.0
"""Of such edges, those of doors and walls; the others lie. How far either is off that."""


@dataclass(slots=True, frozen=True)
class PartialViews:
    """
    Shows faces in part.

    cut: share of crops that the image cuts. covered: share that something covers, of the others.
    mean_face_m: landmarks (468, 3) of the mean face, model axes, metres. edges: share of the
    covered that are behind an edge, as of a door.
    """

    cut: float
    covered: float
    mean_face_m: np.ndarray
    edges: float = 0.0

    def __call__(
        self, images: np.ndarray, landmarks_px: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Return crops (N, S, S, 3) uint8 with landmarks (N, 468, 2) seen so."""
        seen = images.copy()
        for i, image in enumerate(images):
            drawn = rng.random()
            if drawn < self.cut:
                seen[i] = cut_off(image, rng)
            elif drawn < self.cut + (1 - self.cut) * self.covered:
                other = images[rng.integers(len(images))]
                seen[i] = self._covered(image, landmarks_px[i], other, rng)
        return seen

    def _covered(self, image: np.ndarray, landmarks_px: np.ndarray, other: np.ndarray,
                 rng: np.random.Generator) -> np.ndarray:
        if self.edges and rng.random() < self.edges:
            surface = _corner(other, rng) if rng.random() < 0.5 else _cloth(rng)
            return _painted_over(image, _beyond_edge_px(landmarks_px, rng), surface, rng, 1.0)
        kind = rng.random()
        if kind < MASK_SHARE:
            return _painted_over(image, self._mask_px(landmarks_px, rng), _cloth(rng), rng)
        if kind < MASK_SHARE + CAP_SHARE:
            return _painted_over(image, self._cap_px(landmarks_px, rng), _cloth(rng), rng)
        texture = other if rng.random() < 0.5 else _cloth(rng)
        return _painted_over(image, _thing_px(landmarks_px, rng), texture, rng)

    def _mask_px(self, landmarks_px: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the points of a face (n, 2) that a mask over nose and mouth covers."""
        top = rng.uniform(*MASK_TOP_M) - rng.uniform(*MASK_SLOPE) * np.abs(self.mean_face_m[:, 0])
        return landmarks_px[self.mean_face_m[:, 1] < top]

    def _cap_px(self, landmarks_px: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return the corners (n, 2) of a cap, or of hair, over the forehead."""
        low = landmarks_px[self.mean_face_m[:, 1] > rng.uniform(*CAP_BOTTOM_M)]
        down = landmarks_px[self.mean_face_m[:, 1].argmin()] - low.mean(axis=0)
        return np.concatenate([low, low - rng.uniform(*CAP_HEIGHT) * down])


def cut_off(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """
    Return a crop (S, S, 3) uint8 of a face that the image cuts.

    The image ends at one side or two, and its outermost pixels go on there, as they do in crops
    of the package.
    """
    centre = ((SIZE - 1) / 2, (SIZE - 1) / 2)
    matrix = np.array(
        cv2.getRotationMatrix2D(centre, rng.normal(0, CUT_ROLL_DEG), 1.0), np.float64)
    wide = int(1.5 * SIZE)
    margin = (wide - SIZE) / 2
    matrix[:, 2] += margin
    turned = cv2.warpAffine(image, matrix, (wide, wide), borderMode=cv2.BORDER_REPLICATE)
    ends = dict.fromkeys(SIDES, 0)
    for _ in range(2 if rng.random() < TWO_SIDES_SHARE else 1):
        side = SIDES[rng.choice(len(SIDES), p=SIDE_SHARES)]
        ends[side] = int(rng.uniform(LEAST_CUT, LARGEST_CUT) * SIZE + margin)
    right, bottom = wide - ends['right'], wide - ends['bottom']
    if min(right - ends['left'], bottom - ends['top']) < LEAST_LEFT * SIZE:
        return image
    part = turned[ends['top'] : bottom, ends['left'] : right]
    whole = cv2.copyMakeBorder(part, ends['top'], ends['bottom'], ends['left'], ends['right'],
                               cv2.BORDER_REPLICATE)
    return cv2.warpAffine(whole, cv2.invertAffineTransform(matrix), (SIZE, SIZE),
                          borderMode=cv2.BORDER_REPLICATE)


def _thing_px(landmarks_px: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the corners (n, 2) of a hand, a cup, a microphone in front of some of a face."""
    axes = rng.uniform(0.3, 1.0, 2) * LARGEST_THING * SIZE
    angles = np.linspace(0, 2 * np.pi, int(rng.choice([4, 6, 24])), endpoint=False)
    linear = rotation_about('z', np.degrees(rng.uniform(0, np.pi)))[:2, :2]
    outline = np.stack([np.cos(angles), np.sin(angles)], axis=1) * axes
    return landmarks_px[rng.integers(len(landmarks_px))] + outline @ linear.T


def _beyond_edge_px(landmarks_px: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return the corners (4, 2) of all that is beyond a straight edge across a face."""
    lies = rng.random() >= UPRIGHT_SHARE
    angle_deg = rng.normal(90.0 if lies else 0.0, EDGE_SPREAD_DEG) + 180 * rng.integers(2)
    across, along = rotation_about('z', angle_deg)[:2, :2].T
    places = landmarks_px @ across
    part = rng.uniform(LEAST_BEHIND, LARGEST_BEHIND)
    edge = places.min() + part * np.ptp(places)
    middle = float(landmarks_px.mean(axis=0) @ along)
    corners = [(edge, -1), (edge, 1), (edge - 3 * SIZE, 1), (edge - 3 * SIZE, -1)]
    return np.array([place * across + (middle + 3 * SIZE * side) * along
                     for place, side in corners])


def _corner(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a corner of a crop, as large as it: what is beside a face, and no second one."""
    side = SIZE // 3
    y, x = rng.integers(0, 2, 2) * (SIZE - side)
    return cv2.resize(image[y : y + side, x : x + side], (SIZE, SIZE))


def _cloth(rng: np.random.Generator) -> np.ndarray:
    """Return a texture (S, S, 3): one colour, or stripes, with folds."""
    color = rng.uniform(15, 245, 3)
    color = color.mean() + rng.choice([0.15, 1.0]) * (color - color.mean())
    texture = np.empty((SIZE, SIZE, 3), np.float32)
    texture[:] = color
    if rng.random() < 0.25:
        across = np.mgrid[:SIZE, :SIZE][rng.integers(2)] // rng.integers(4, 20) % 2
        texture += across[..., None] * rng.uniform(-120, 120, 3)
    folds = cv2.resize(rng.normal(0, rng.uniform(4, 30), (8, 8)), (SIZE, SIZE),
                       interpolation=cv2.INTER_CUBIC)
    return np.clip(texture + folds[..., None], 0, 255)


def _painted_over(image: np.ndarray, points_px: np.ndarray, texture: np.ndarray,
                  rng: np.random.Generator, most_grown: float = 1.1) -> np.ndarray:
    """Return a crop (S, S, 3) uint8 with a texture on the hull of points (n, 2)."""
    middle = points_px.mean(axis=0)
    grown = middle + (points_px - middle) * rng.uniform(1.0, most_grown, 2)
    mask = np.zeros(image.shape[:2], np.float32)
    cv2.fillConvexPoly(mask, cv2.convexHull(grown.astype(np.float32)).astype(np.int32), 1.0)
    part = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.4, 1.5))[..., None]
    light = cv2.GaussianBlur(image, (0, 0), SIZE / 8).mean(axis=2, keepdims=True) / 128
    lit = texture * np.clip(light, 0.25, 1.5)
    return np.clip(part * lit + (1 - part) * image + 0.5, 0, 255).astype(np.uint8)
