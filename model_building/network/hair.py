# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Hair and headwear: shells around the skull that end along a line of their own."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from model_building.network.piece import Noise, Piece, both_sides, normals_of, ramp

CENTRE_M = np.array([0.0, 0.022, -0.092])
"""Middle of the skull, from where shells are measured."""
POLE = np.array([0.0, 0.94, -0.34]) / np.hypot(0.94, 0.34)
"""The whorl, where strands begin."""
AXES = np.stack([[1.0, 0.0, 0.0], POLE, np.cross([1.0, 0.0, 0.0], POLE)])
"""Rows: to the left, to the whorl, to the front."""
RADIUS_M = 0.1
GRID = (36, 80)
"""Cells of the map of the skull's radius: angle from the whorl, azimuth."""
COLUMNS, ROWS = 300, 36
FLAT_M = 0.007
"""How far hair stands off at most below a hat."""
DROP_DEG = 98.0
"""Where long strands leave the skull and hang."""

# Hair line (degrees from the whorl) at each azimuth from the front, symmetric
HAIRLINE = np.array([[0, 78], [18, 77], [34, 79], [48, 88], [60, 100], [72, 112], [82, 113],
                     [90, 104], [104, 104], [118, 116], [132, 127], [150, 133], [180, 135]], float)


@dataclass(slots=True)
class Skull:
    """Distance of somebody's head from CENTRE_M in each direction, with and without ears."""

    bare: np.ndarray
    with_ears: np.ndarray

    @classmethod
    def of(cls, points: np.ndarray, ears: np.ndarray) -> Skull:
        """Measure the skin of a head: points (n, 3), ears (n,) bool."""
        local = (points - CENTRE_M) @ AXES.T
        radius = np.linalg.norm(local, axis=1)
        from_pole = np.arccos(np.clip(local[:, 1] / radius, -1, 1))
        azimuth = np.arctan2(local[:, 0], local[:, 2])
        row = np.clip((from_pole / np.pi * GRID[0]).astype(int), 0, GRID[0] - 1)
        column = ((azimuth / (2 * np.pi) + 0.5) * GRID[1]).astype(int) % GRID[1]
        maps = []
        for chosen, reach in ((~ears, 3), (np.ones(len(ears), bool), 5)):
            grid = np.zeros(GRID)
            np.maximum.at(grid, (row[chosen], column[chosen]), radius[chosen])
            maps.append(_smoothed(grid, reach))
        return cls(*maps)

    def radius(self, from_pole: np.ndarray, azimuth: np.ndarray, over_ears: bool) -> np.ndarray:
        """Return the distance in metres at angles (any shape) in radians."""
        place = np.stack([from_pole.ravel() / np.pi * GRID[0] - 0.5,
                          (azimuth.ravel() / (2 * np.pi) + 0.5) * GRID[1] + 1.5])
        grid = self.with_ears if over_ears else self.bare
        padded = np.concatenate([grid[:, -2:], grid, grid[:, :2]], axis=1)
        found = ndimage.map_coordinates(padded, place, order=1, mode='nearest')
        return np.asarray(found).reshape(from_pole.shape)


def _smoothed(grid: np.ndarray, reach: int) -> np.ndarray:
    filled = ndimage.maximum_filter(grid, reach, mode=('nearest', 'wrap'))
    filled = np.where(filled > 0, filled, ndimage.maximum_filter(filled, 9,
                                                                 mode=('nearest', 'wrap')))
    # Near the whorl a row's cells are smaller than the mesh.
    filled[:3] = filled[:4].max(axis=1).mean()
    return np.asarray(ndimage.gaussian_filter(filled, 1.1, mode=('nearest', 'wrap')))


@dataclass(slots=True)
class Shell:
    """
    What covers the skull, along each of COLUMNS azimuths (radians, (COLUMNS,)).

    end: angle from the whorl where it ends. drop_m: how far it hangs below DROP_DEG, where it is
    long. thickness_m (ROWS, COLUMNS). taper: how much hanging strands draw together, metres a
    metre. wave_m, waves_per_m, phase (COLUMNS,): how they swing.
    """

    azimuth: np.ndarray
    end: np.ndarray
    drop_m: np.ndarray
    thickness_m: np.ndarray
    over_ears: bool
    taper: float = 0.1
    wave_m: float = 0.0
    waves_per_m: float = 20.0
    phase: np.ndarray | float = 0.0

    def points(self, skull: Skull) -> tuple[np.ndarray, np.ndarray]:
        """Return points (ROWS, COLUMNS, 3) and the part of the way from whorl to end."""
        part = np.linspace(0.0, 1.0, ROWS)[:, None]
        along = part * (self.end * RADIUS_M + self.drop_m)
        angle = np.minimum(along / RADIUS_M, self.end)
        hang = np.maximum(along - self.end * RADIUS_M, 0)
        radius = skull.radius(angle, np.broadcast_to(self.azimuth, angle.shape), self.over_ears)
        radius = radius + self.thickness_m
        aside = np.stack([np.sin(self.azimuth), np.zeros(COLUMNS), np.cos(self.azimuth)], axis=1)
        direction = (np.sin(angle)[..., None] * aside
                     + np.cos(angle)[..., None] * np.array([0.0, 1.0, 0.0])) @ AXES
        points = CENTRE_M + radius[..., None] * direction
        outwards = aside @ AXES * [1, 0, 1]
        points = points + hang[..., None] * (np.array([0, -1.0, 0]) - self.taper * outwards)
        swing = np.sin(hang * self.waves_per_m * 2 * np.pi + self.phase)
        swing = self.wave_m * swing * ramp(hang, 0, 0.05)
        points = points + swing[..., None] * outwards
        if self.drop_m.max() > 0.02:
            points[1:-1] = ndimage.gaussian_filter1d(points, 1.5, axis=0, mode='nearest')[1:-1]
        return points, np.broadcast_to(part, angle.shape)


def _grid_triangles() -> np.ndarray:
    row, column = np.mgrid[:ROWS - 1, :COLUMNS]
    following = (column + 1) % COLUMNS
    a, b = row * COLUMNS + column, row * COLUMNS + following
    c, d = a + COLUMNS, b + COLUMNS
    return np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3),
                           np.stack([b, c, d], -1).reshape(-1, 3)])


TRIANGLES = _grid_triangles()


def _azimuths() -> np.ndarray:
    return np.linspace(-np.pi, np.pi, COLUMNS, endpoint=False)


def _line(azimuth: np.ndarray, knots: np.ndarray) -> np.ndarray:
    return np.radians(np.interp(np.degrees(np.abs(azimuth)), knots[:, 0], knots[:, 1]))


def _wavy(rng: np.random.Generator, smoothness: float) -> np.ndarray:
    """Return (COLUMNS,) noise of unit size that closes around the head."""
    noise = ndimage.gaussian_filter1d(rng.standard_normal(COLUMNS), smoothness, mode='wrap')
    return np.asarray(noise / noise.std())


def _strands(part: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return (ROWS, COLUMNS) brightness noise that runs along wavy strands."""
    total = np.zeros(part.shape)
    columns = np.arange(COLUMNS)
    wave = rng.uniform(0, 7) * np.sin(rng.uniform(3, 14) * part + rng.uniform(0, 6.3))
    for smoothness, strength in ((0.6, 0.6), (1.6, 0.6), (6, 0.5)):
        place = columns + wave + rng.normal(0, 1.0) * part
        row = _wavy(rng, smoothness)
        total += strength * np.interp(place % COLUMNS, np.arange(COLUMNS + 1), np.append(
            row, row[0]))
    return total


def _finished(shell: Shell, skull: Skull, albedo: np.ndarray, gloss: float,
              thickness_m: float) -> Piece:
    points, part = shell.points(skull)
    flat = points.reshape(-1, 3).astype(np.float32)
    normals = normals_of(flat, TRIANGLES)
    sky = (0.92 - 0.25 * part * (shell.drop_m > 0.02)).reshape(-1)
    albedo = np.clip(albedo, 0.01, 1).reshape(-1, 3).astype(np.float32)
    piece = Piece('shell', flat, normals, TRIANGLES, albedo,
                  np.full(len(flat), gloss, np.float32), sky.astype(np.float32))
    return both_sides(piece, thickness_m)


# long: one random draw after another, whose order makes the people
def hair(skull: Skull, color: np.ndarray, noise: Noise, rng: np.random.Generator,
         flat: bool = False) -> list[Piece]:
    """
    Return hair of some style; nothing for somebody bald or shaved.

    color (3,) BGR; flat: with something on top of it.
    """
    style = rng.choice(['none', 'short', 'full', 'bob', 'long', 'curly'],
                       p=[.14, .34, .12, .12, .2, .08])
    if style == 'none':
        return []
    azimuth = _azimuths()
    ragged = np.radians(rng.uniform(0.2, 2.0)) * _wavy(rng, 1.0)
    hairline = _line(azimuth, HAIRLINE) + np.radians(rng.normal(0, 3.0))
    # Receding temples, or a fringe
    if rng.random() < 0.3:
        side = np.degrees(np.abs(azimuth))
        hairline -= np.radians(rng.uniform(4, 16)) * np.exp(-((side - 38) / 16) ** 2)
    fringe = (style != 'short' and rng.random() < 0.4) or rng.random() < 0.12
    if fringe:
        width = rng.uniform(35, 58)
        low = np.radians(rng.uniform(4, 22))
        middle = rng.normal(0, 0.25)
        swept = 1 + 0.5 * rng.normal() * np.sin(azimuth - middle)
        hairline += low * swept * ramp(-np.degrees(np.abs(azimuth - middle)), -width, -width + 14)
    end, drop = hairline + ragged, np.zeros(COLUMNS)
    bulk = {'short': rng.uniform(.003, .014), 'full': rng.uniform(.010, .028),
            'bob': rng.uniform(.008, .020), 'long': rng.uniform(.005, .018),
            'curly': rng.uniform(.025, .060)}[str(style)]
    if flat:
        bulk = min(bulk, FLAT_M)
    long = style in ('bob', 'long')
    over_ears = long or style == 'curly' or (style == 'full' and rng.random() < 0.6)
    if long:
        end, drop = _hanging(azimuth, end, style == 'long', rng)
    elif over_ears:
        side = np.degrees(np.abs(azimuth))
        end = np.maximum(end, np.radians(rng.uniform(108, 122)) * ramp(side, 50, 72))
    part = np.linspace(0, 1, ROWS)[:, None]
    edge = np.where(drop > 0.01, 1.0, np.sqrt(np.clip(1 - part ** rng.uniform(3, 10), 0, 1)))
    lumps = noise(_directions(azimuth, end), 0.35, rng).reshape(ROWS, COLUMNS)
    bumps = noise(_directions(azimuth, end), 0.12, rng).reshape(ROWS, COLUMNS)
    strands = _strands(part + np.zeros(COLUMNS), rng)
    rough = 0.3 if style == 'curly' else 0.12
    top = 1 + rng.uniform(0, 0.8) * np.cos(part * np.pi)
    thickness = 0.0015 + bulk * edge * top * np.clip(
        1 + 0.25 * lumps + rough * bumps + 0.07 * strands, 0.15, 2)
    shell = Shell(azimuth, end, drop, thickness, over_ears, rng.uniform(-0.1, 0.25),
                  max(0.0, rng.uniform(-0.008, 0.010)), rng.uniform(8, 30),
                  rng.uniform(0.5, 3) * _wavy(rng, 5))
    albedo = color * np.clip(1 + rng.uniform(0.08, 0.3) * strands + 0.1 * bumps,
                             0.25, 1.9)[..., None]
    if rng.random() < 0.2:
        tips = color * rng.uniform(0.7, 1.9)
        albedo = albedo + (tips - color) * ramp(part, 0.3, 1.0)[..., None]
    return [_finished(shell, skull, albedo, rng.uniform(0.03, 0.25), 0.002)]


def _directions(azimuth: np.ndarray, end: np.ndarray) -> np.ndarray:
    angle = np.linspace(0, 1, ROWS)[:, None] * np.minimum(end, np.pi)
    return np.stack([np.sin(angle) * np.sin(azimuth), np.cos(angle) + 0 * azimuth,
                     np.sin(angle) * np.cos(azimuth)], axis=-1).reshape(-1, 3).astype(np.float32)


def _hanging(azimuth: np.ndarray, hairline: np.ndarray, is_long: bool,
             rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Return where strands leave the skull, and how far they hang, behind the face."""
    opening = np.radians(rng.uniform(58, 100))
    tilt = rng.normal(0, 0.05)
    behind = ramp(np.abs(azimuth - tilt), opening - 0.08, opening + 0.10)
    usual = rng.uniform(0.16, 0.34) if is_long else rng.uniform(0.06, 0.14)
    length = usual * (1 + rng.uniform(0, 0.06) * _wavy(rng, 1.0))
    length = length - rng.uniform(-0.2, 0.3) * length * ramp(np.abs(azimuth), 1.2, 3.1)
    end = hairline + behind * (np.radians(DROP_DEG) - hairline)
    return end, length * behind


def headwear(skull: Skull, noise: Noise, rng: np.random.Generator) -> list[Piece]:
    """Return a cap with a visor, a woollen cap or a scarf around the head."""
    kind = rng.choice(['cap', 'beanie', 'scarf'], p=[.4, .3, .3])
    azimuth = _azimuths()
    side = np.degrees(np.abs(azimuth))
    color = np.clip(rng.uniform(0.03, 0.9) + rng.normal(0, 0.15, 3), 0.02, 0.97)
    part = np.linspace(0, 1, ROWS)[:, None]
    drop = np.zeros(COLUMNS)
    low = np.radians(rng.normal(0, 4))
    if kind == 'cap':
        end = _line(azimuth, np.array([[0, 84], [60, 92], [100, 101], [180, 112]])) + low
        bulk, over_ears = rng.uniform(0.012, 0.022), False
    elif kind == 'beanie':
        end = low + _line(azimuth, np.array([[0, 84], [50, 95], [85, 112], [130, 124],
                                             [180, 126]]))
        bulk, over_ears = rng.uniform(0.012, 0.028), True
    else:
        opening = np.radians(rng.uniform(56, 74))
        behind = ramp(np.abs(azimuth), opening - 0.10, opening + 0.06)
        front = _line(azimuth, np.array([[0, 80], [40, 84], [60, 96], [180, 98]])) + low
        end = front + behind * (np.radians(DROP_DEG) - front)
        drop = behind * rng.uniform(0.14, 0.3) * (1 + 0.1 * _wavy(rng, 8))
        bulk, over_ears = rng.uniform(0.012, 0.022), True
    folds = noise(_directions(azimuth, end), (0.5, 0.12, 0.5), rng).reshape(ROWS, COLUMNS)
    thickness = bulk * (1 + (0.10 if kind == 'cap' else 0.2) * folds)
    if kind == 'beanie' and rng.random() < 0.7:
        thickness = thickness + 0.006 * ramp(part, 0.74, 0.76)
    shell = Shell(azimuth, end, drop, thickness, over_ears, rng.uniform(-0.05, 0.3))
    albedo = np.tile(color, (ROWS, COLUMNS, 1)) * (1 + 0.08 * folds[..., None])
    if rng.random() < 0.35:
        other = np.clip(rng.uniform(0.03, 0.97, 3), 0, 1)
        stripes = rng.uniform(0.1, 0.9) < (part * rng.integers(1, 5)) % 1
        albedo = np.where((stripes + 0 * side > 0)[..., None], other, albedo)
    if kind == 'beanie':
        albedo = albedo * (1 + 0.12 * np.sin(np.arange(COLUMNS) * 2 * np.pi / 4))[:, None]
    pieces = [_finished(shell, skull, albedo, 0.02, 0.003)]
    if kind == 'cap':
        pieces.append(_visor(shell, skull, color if rng.random() < .6 else 0.5 * color, rng))
    return pieces


def _visor(shell: Shell, skull: Skull, color: np.ndarray, rng: np.random.Generator) -> Piece:
    """Return the stiff visor of a cap, along the front of its edge."""
    rim = shell.points(skull)[0][-1]
    backwards = rng.random() < 0.12
    azimuth = shell.azimuth - (np.pi if backwards else 0)
    azimuth = (azimuth + np.pi) % (2 * np.pi) - np.pi
    front = np.flatnonzero(np.abs(azimuth) < np.radians(62))
    front = front[np.argsort(azimuth[front])]
    angle = azimuth[front]
    reach = rng.uniform(0.055, 0.08) * np.sqrt(np.clip(1 - (angle / np.radians(63)) ** 2, 0, 1))
    slope = rng.uniform(0.1, 0.5)
    sign = -1 if backwards else 1
    steps = np.linspace(0, 1, 10)
    curve = 0.10 * (rim[front, 0] / 0.07) ** 2 * rng.uniform(0, 1)
    offset = np.stack([0 * reach, -reach * (slope + curve), sign * reach], axis=1)
    points = rim[front] + steps[:, None, None] * offset
    rows, columns = len(steps), len(front)
    row, column = np.mgrid[:rows - 1, :columns - 1]
    a, c = row * columns + column, (row + 1) * columns + column
    triangles = np.concatenate([np.stack([a, c, a + 1], -1).reshape(-1, 3),
                                np.stack([a + 1, c, c + 1], -1).reshape(-1, 3)])
    flat = points.reshape(-1, 3).astype(np.float32)
    normals = normals_of(flat, triangles)
    count = len(flat)
    albedo = np.tile(np.clip(color, 0.02, 1), (count, 1)).astype(np.float32)
    piece = Piece('visor', flat, normals, triangles, albedo,
                  np.full(count, 0.03, np.float32), np.full(count, 0.9, np.float32))
    return both_sides(piece, 0.003)
