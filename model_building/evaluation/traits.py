# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What faces are told apart by: size, blur, tone of the skin, and what labels say.

Size, blur and tone are measured in the picture, at the landmarks.
"""
from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from model_building.evaluation.errors import size_px

CHEEKS_68 = ((1, 3, 31, 41), (15, 13, 35, 46))
"""Landmarks around the cheeks: jaw, jaw, wing of the nose, lower lid."""
REBLUR_PX = 1.0
STRONGEST, EDGE_PX = 0.95, 2
"""Blur is told by the strongest gradients, from this quantile on, and what is so near to them."""
SHARPEST_PX = 0.2
DIFFERENCE_VARIANCE = 1 / 3
"""What differences of pixels two apart blur by themselves, px^2."""
LABELLED = ('age', 'glasses', 'skin', 'smile')
"""Columns of labels.csv that tables are made by; age in years."""


@dataclass(slots=True, frozen=True)
class Bins:
    """Ranges between edges; the lowest and the highest are open."""

    edges: tuple[float, ...]

    @property
    def labels(self) -> tuple[str, ...]:
        """Their names, in order."""
        between = (f'{a:g} to {b:g}' for a, b in zip(self.edges[:-1], self.edges[1:], strict=True))
        return (f'below {self.edges[0]:g}', *between, f'from {self.edges[-1]:g}')

    def label(self, value: float) -> str:
        """Return the name of the range that a value is in."""
        return self.labels[int(np.searchsorted(self.edges, value, side='right'))]


GLASSES = 'glasses'
SIZE, BLUR, TONE = 'size of the face, px', 'blur, px', 'tone of the skin, ITA in degrees'
BINS = {
    SIZE: Bins((60, 120)),
    BLUR: Bins((0.5, 0.8, 1.2)),
    # dark, brown, tan and lighter (A. Chardon et al., Skin colour typology, 1991)
    TONE: Bins((-30, 10, 28)),
    'age': Bins((20, 40, 60)),
}


def in_order(kind: str, values: Iterable[str]) -> list[str]:
    """Return the values of a trait in the order to print them."""
    order = BINS[kind].labels if kind in BINS else ()
    return sorted(values, key=lambda value: (order.index(value) if value in order else -1, value))


def measured(image: np.ndarray, landmarks_px: np.ndarray) -> dict[str, str]:
    """Return size, blur and tone of the face with landmarks (68, 2) px in an image uint8 BGR."""
    traits = {SIZE: BINS[SIZE].label(size_px(landmarks_px))}
    low = np.maximum(landmarks_px.min(axis=0), 0).astype(int)
    high = np.ceil(landmarks_px.max(axis=0)).astype(int) + 1
    face = image[low[1] : high[1], low[0] : high[0]]
    if min(face.shape[:2]) < 8:
        return traits
    traits[BLUR] = BINS[BLUR].label(blur_px(face))
    skin = cheek_color(image, landmarks_px)
    if skin is not None:
        traits[TONE] = BINS[TONE].label(tone_deg(skin))
    return traits


def labelled(row: dict[str, str]) -> dict[str, str]:
    """Return what a row of labels.csv says."""
    said = {kind: row[kind] for kind in LABELLED if row.get(kind)}
    if 'age' in said:
        said['age'] = BINS['age'].label(float(said['age']))
    return said


def blur_px(image: np.ndarray) -> float:
    """
    Return the standard deviation of the blur at the strongest edges, pixels.

    The square of a step's gradient, summed across it, falls with its blur s as 1 / s; blurred by r
    once more with 1 / sqrt(s^2 + r^2). Their ratio tells s, whatever the step's height.
    """
    grey = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY).astype(np.float32)
    first, second = (
        _squared_gradient(g) for g in (grey, cv2.GaussianBlur(grey, (0, 0), REBLUR_PX)))
    strong = (first >= np.quantile(first, STRONGEST)).astype(np.uint8)
    edge = cv2.dilate(strong, np.ones((2 * EDGE_PX + 1,) * 2)) > 0
    ratio = float(first[edge].sum() / max(second[edge].sum(), 1e-6))
    variance = REBLUR_PX**2 / max(ratio**2 - 1, 1e-6) - DIFFERENCE_VARIANCE
    return float(np.sqrt(max(variance, SHARPEST_PX**2)))


def _squared_gradient(grey: np.ndarray) -> np.ndarray:
    x, y = (cv2.Sobel(grey, cv2.CV_32F, *order) for order in ((1, 0), (0, 1)))
    return np.asarray(x**2 + y**2)


def cheek_color(image: np.ndarray, landmarks_px: np.ndarray) -> np.ndarray | None:
    """Return the median BGR (3,) of the cheek that shows more of itself; None if none is there."""
    best = max(CHEEKS_68, key=lambda corners: _area(landmarks_px[list(corners)]))
    corners = landmarks_px[list(best)]
    middle = corners.mean(axis=0)
    inner = np.rint(middle + 0.6 * (corners - middle)).astype(np.int32)
    mask = cv2.fillConvexPoly(np.zeros(image.shape[:2], np.uint8), cv2.convexHull(inner), 1)
    pixels = image[mask > 0]
    return np.median(pixels, axis=0) if len(pixels) else None


def _area(corners: np.ndarray) -> float:
    return float(cv2.contourArea(cv2.convexHull(corners.astype(np.float32))))


def tone_deg(color: np.ndarray) -> float:
    """Return the individual typology angle of a BGR colour (3,) 0..255; low of dark skin."""
    pixel = (np.asarray(color, np.float32) / 255).reshape(1, 1, 3)
    lightness, _, b = cv2.cvtColor(pixel, cv2.COLOR_BGR2LAB).ravel().astype(float)
    return float(np.degrees(np.arctan2(lightness - 50, b)))
