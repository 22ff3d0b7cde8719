# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Lids of the ICT face model's heads: laid over the eyeballs, and their colours.

The model adds shapes of identity and expression linearly, so lids of many people cut through the
eyeballs, shut ones most of all: eyes then show through them. And photos of open eyes show lashes
where lids are folded.
"""
from __future__ import annotations

import numpy as np
from scipy.spatial import ConvexHull, cKDTree

from model_building.face_model import ict_model
from model_building.network.ict_surface import (
    EYE_SOCKETS,
    SKIN,
    Surface,
    distance_to_line,
    distances,
    smooth_noise,
    step,
)

THICKNESS_M = 0.0004
"""How far from an eyeball lids lie at least."""
NEAR_M = 0.01
"""Skin that lies further from the eyeballs on the neutral head is not of lids."""

AROUND_M = 0.02
"""Colours of lids come from skin that is so near to their margins."""
MARGIN_M, FOLD_M = (0.003, 0.005), (0.008, 0.012)
"""Colours are replaced at the margins, and in folds that are so far from them; from .. to."""
STRETCH = (1.3, 2.0)
"""By how much what is folded in an open eye is larger in a shut one; from .. to."""
SPREAD_M = 0.005
LASHES_M, LASHES, DARK = 0.0012, (0.3, 0.8), 0.5
"""Width of the line of lashes, how much it covers, its colour as a part of the hair's."""
WATERLINE_M, WATERLINE_BGR = 0.003, (0.85, 0.85, 1.0)
"""The edge between skin and eyeball, and its colour as a part of the skin's."""


class Lids:
    """The skin around the eyes of a surface."""

    def __init__(self, surface: Surface) -> None:
        skin = surface.parts[:, SKIN] > 0.99
        self._balls = [np.flatnonzero(surface.eyes[:, side] > 0.99) for side in range(2)]
        self._lids = []
        for ball in self._balls:
            centre, radius_m = _centre_and_size(surface.neutral[ball])
            away = np.linalg.norm(surface.neutral - centre, axis=1)
            self._lids.append(np.flatnonzero(skin & (away < radius_m + NEAR_M)))

    def over_eyes(self, points: np.ndarray) -> np.ndarray:
        """Return vertices (N, 3) of a subdivided head, lids moved out of its eyeballs."""
        points = points.copy()
        for ball, lids in zip(self._balls, self._lids, strict=True):
            centre, _ = _centre_and_size(points[ball])
            out = points[lids] - centre
            away = np.linalg.norm(out, axis=1, keepdims=True)
            out = out / away
            least = _radii(points[ball] - centre, out)[:, None] + THICKNESS_M
            points[lids] = centre + np.maximum(away, least) * out
        return points


class LidColors:
    """Gives lids colours that are not of open eyes."""

    def __init__(self, surface: Surface) -> None:
        self._neutral = surface.neutral
        margin = cKDTree(surface.neutral[_margin(surface.model.quads)])
        away = margin.query(surface.neutral)[0]
        near = np.flatnonzero((surface.parts[:, SKIN] > 0.99) & (away < AROUND_M))
        folded = step(_stretch(surface), *STRETCH) * (1 - step(away, *FOLD_M))
        replaced = np.maximum(1 - step(away, *MARGIN_M), folded)[near]
        # next to nothing of these is replaced: the others take their colours
        lends = replaced < 0.05
        self._from, self._to, self._part = near[lends], near[~lends], replaced[~lends, None]
        apart = distances(surface.neutral[self._to], surface.neutral[self._from])
        weights = np.exp(-(apart / SPREAD_M) ** 2) + 1e-9
        self._weights = weights / weights.sum(axis=1, keepdims=True)
        self._lashes = Lashes(surface)
        self._edge = np.flatnonzero((surface.parts[:, EYE_SOCKETS] > 0) & (away < WATERLINE_M))
        skin = cKDTree(surface.neutral[self._to])
        self._beside_edge = self._to[skin.query(surface.neutral[self._edge])[1]]

    def __call__(
        self, colors: np.ndarray, hair_bgr: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Return colours (N, 3) of all vertices, those of lids without what an eye left there."""
        colors = colors.copy()
        skin = self._weights @ colors[self._from]
        skin += 3 * smooth_noise(self._neutral[self._to], rng, SPREAD_M)[:, None]
        colors[self._to] += self._part * (skin - colors[self._to])
        colors[self._edge] = colors[self._beside_edge] * WATERLINE_BGR
        return self._lashes(colors, DARK * hair_bgr, LASHES_M, float(rng.uniform(*LASHES)))


class Lashes:
    """Paints the margins of upper lids dark."""

    def __init__(self, surface: Surface) -> None:
        marks = surface.model.neutral[surface.model.landmarks_68]
        to_eyes_m = distances(surface.neutral, marks[36:48]).min(axis=1)
        self._near = np.flatnonzero((surface.parts[:, SKIN] > 0.99) & (to_eyes_m < AROUND_M))
        self._away_m = np.minimum(*(
            distance_to_line(surface.neutral[self._near], marks[line])
            for line in (slice(36, 40), slice(42, 46))))

    def __call__(
        self, colors: np.ndarray, lashes_bgr: np.ndarray, width_m: float, cover: float
    ) -> np.ndarray:
        """Return colours (N, 3); lashes hide a part of the skin, `cover`, at the margin."""
        colors = colors.copy()
        hidden = cover * np.exp(-(self._away_m / width_m) ** 2)[:, None]
        colors[self._near] += hidden * (lashes_bgr - colors[self._near])
        return colors


def _margin(quads: np.ndarray) -> np.ndarray:
    """Return the vertices of skin that have an edge to the inside of the lids."""
    edges = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1), axis=-1).reshape(-1, 2)
    skin, inside = ict_model.SKIN, ict_model.EYE_SOCKETS
    both = (edges[:, 0] < skin.stop) & (edges[:, 1] >= inside.start) & (edges[:, 1] < inside.stop)
    return np.unique(edges[both, 0])


def _stretch(surface: Surface) -> np.ndarray:
    """Return how much larger (N,) the triangles of vertices are where eyes are shut."""
    shut = surface.subdivide(surface.model.points(np.zeros(1), {'eyeBlink_L': 1, 'eyeBlink_R': 1}))
    areas = []
    for points in (surface.neutral, shut):
        a, b, c = (points[surface.triangles[:, k]] for k in range(3))
        size = np.linalg.norm(np.cross(b - a, c - a), axis=1)
        areas.append(sum(
            np.bincount(surface.triangles[:, k], size, len(points)) for k in range(3)))
    return np.asarray(areas[1] / np.maximum(areas[0], 1e-12))


def _centre_and_size(ball: np.ndarray) -> tuple[np.ndarray, float]:
    """Return the middle (3,) of an eyeball's vertices and half its largest extent."""
    low, high = ball.min(axis=0), ball.max(axis=0)
    return (low + high) / 2, float((high - low).max()) / 2


def _radii(ball: np.ndarray, directions: np.ndarray) -> np.ndarray:
    """Return how far (N,) an eyeball reaches from the origin in unit directions (N, 3)."""
    sides = ConvexHull(ball).equations
    towards = directions @ sides[:, :3].T / -sides[:, 3]
    return np.asarray(1 / towards.max(axis=1))
