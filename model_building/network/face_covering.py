# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Masks over mouth and nose: cloth spanned from the bridge of the nose to below the chin."""
from __future__ import annotations

import numpy as np
from scipy import ndimage

from model_building.network.glasses import Wearer, make_tube
from model_building.network.piece import Noise, Piece, both_sides, joined, normals_of, ramp

AXIS_Z_M = -0.075
"""Radii are measured from this upright axis."""
CELLS, LARGEST_DEG = (26, 44), 105.0
COLUMNS, ROWS = 60, 36
LOOP_STEPS, LOOP_RADIUS_M = 10, 0.0009
LOWEST_CHIN_M = -0.15
"""Of a wide open mouth; longer beards hang out of the mask."""


def _spanned(face: np.ndarray, low: float, high: float) -> np.ndarray:
    """Return radii (CELLS) over height and azimuth of cloth laid over points (n, 3)."""
    azimuth = np.degrees(np.arctan2(face[:, 0], face[:, 2] - AXIS_Z_M))
    radius = np.hypot(face[:, 0], face[:, 2] - AXIS_Z_M)
    row = ((face[:, 1] - low) / (high - low) * CELLS[0]).astype(int)
    column = ((azimuth / LARGEST_DEG + 1) / 2 * CELLS[1]).astype(int)
    kept = (row >= 0) & (row < CELLS[0]) & (column >= 0) & (column < CELLS[1])
    grid = np.zeros(CELLS)
    np.maximum.at(grid, (row[kept], column[kept]), radius[kept])
    # Hollows are spanned: cloth does not follow nostrils and lips.
    filled = ndimage.grey_closing(ndimage.maximum_filter(grid, 3, mode='nearest'), (5, 5),
                                  mode='nearest')
    return np.asarray(ndimage.gaussian_filter(filled, 0.9, mode='nearest'))


def face_covering(wearer: Wearer, noise: Noise, rng: np.random.Generator) -> Piece:
    """Return a mask with its ear loops."""
    face = wearer.face
    chin = max(face[face[:, 2] > -0.03, 1].min(), LOWEST_CHIN_M)
    low, high = chin - 0.004, 0.01
    grid = _spanned(face, low, high)
    part = np.linspace(0, 1, ROWS)[:, None]
    widest = rng.uniform(62, 82)
    azimuth = np.radians(np.linspace(-widest, widest, COLUMNS))
    side = np.abs(azimuth) / azimuth.max()
    top = rng.uniform(-0.040, -0.016) - rng.uniform(0.012, 0.03) * ramp(side, 0, 0.6)
    top = top - 0.012 * ramp(side, 0.6, 1)
    bottom = chin + 0.001 + rng.uniform(0.02, 0.035) * ramp(side, 0.35, 1.0)
    height = top + part * (bottom - top)
    place = np.stack([((height - low) / (high - low) * CELLS[0] - 0.5).ravel(),
                      ((np.degrees(azimuth) / LARGEST_DEG + 1) / 2 * CELLS[1] - 0.5
                       + 0 * part).ravel()])
    radius = ndimage.map_coordinates(grid, place, order=1, mode='nearest').reshape(ROWS, COLUMNS)
    radius = radius + rng.uniform(0.0015, 0.005)
    if rng.random() < 0.6:
        pleats = rng.integers(2, 5)
        radius = radius + 0.0012 * np.sin(part * pleats * 2 * np.pi) * ramp(1 - side, 0, 0.3)
    # Below the chin the cloth turns inwards.
    radius = radius * (1 - 0.22 * ramp(part, 0.9, 1.0))
    points = np.stack([radius * np.sin(azimuth), height, AXIS_Z_M + radius * np.cos(azimuth)],
                      axis=-1).reshape(-1, 3).astype(np.float32)
    triangles = _grid_triangles()
    color = _colors(points, noise, rng)
    count = len(points)
    cloth = Piece('mask', points, normals_of(points, triangles), triangles, color,
                  np.full(count, 0.02, np.float32), np.full(count, 0.85, np.float32))
    loops = [_loop(points.reshape(ROWS, COLUMNS, 3)[:, column], ear, color[0])
             for column, ear in zip((0, -1), wearer.ears, strict=True)]
    return joined([both_sides(cloth, 0.001), *loops])


def _colors(points: np.ndarray, noise: Noise, rng: np.random.Generator) -> np.ndarray:
    """Return the cloth's colours (n, 3) BGR: medical blue, white, black or anything."""
    usual = np.array([[.82, .72, .55], [.93, .93, .92], [.08, .08, .08]])
    choice = rng.choice(4, p=[.4, .25, .2, .15])
    color = usual[choice] if choice < 3 else rng.uniform(0.05, 0.95, 3)
    color = np.clip(color * np.exp(rng.normal(0, 0.08, 3)), 0.02, 0.97)
    shade = 1 + 0.04 * noise(points, 0.008, rng)
    return np.clip(color * shade[:, None], 0.01, 1).astype(np.float32)


def _loop(edge: np.ndarray, ear: np.ndarray, color: np.ndarray) -> Piece:
    """Return the elastic from the top of a side edge (ROWS, 3) around the ear and back."""
    side = np.sign(ear[0])
    behind = ear + np.array([-0.002 * side, -0.03, -0.018])
    knots = np.stack([edge[1], ear + np.array([0.001 * side, 0.001, 0.004]), behind, edge[-4]])
    at = np.linspace(0, len(knots) - 1, LOOP_STEPS)
    path = np.stack([np.interp(at, np.arange(len(knots)), knots[:, k]) for k in range(3)], axis=1)
    points, triangles = make_tube(path, LOOP_RADIUS_M, False)
    points = points.astype(np.float32)
    count = len(points)
    return Piece('loop', points, normals_of(points, triangles), triangles,
                 np.tile(color, (count, 1)).astype(np.float32),
                 np.full(count, 0.02, np.float32), np.full(count, 0.9, np.float32))


def _grid_triangles() -> np.ndarray:
    row, column = np.mgrid[:ROWS - 1, :COLUMNS - 1]
    a = row * COLUMNS + column
    c = a + COLUMNS
    return np.concatenate([np.stack([a, c, a + 1], -1).reshape(-1, 3),
                           np.stack([a + 1, c, c + 1], -1).reshape(-1, 3)])
