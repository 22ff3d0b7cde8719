# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Glasses: rims, bridge and temples as tubes, and lenses, placed on somebody's nose and ears."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from model_building.network.piece import Piece, both_sides, joined, normals_of

RIM_STEPS, TUBE_SIDES, BRIDGE_STEPS, TEMPLE_STEPS = 44, 6, 9, 14
LENS_RINGS = 5
NOSE_HALF_M, CLEARANCE_M = 0.007, 0.003
RESTING_M = 0.003
"""How far the bridge stands off the nose."""


@dataclass(slots=True, frozen=True)
class Wearer:
    """Where glasses rest, model axes, metres: eyes, ears (2, 3) right then left; face (n, 3)."""

    eyes: np.ndarray
    ears: np.ndarray
    face: np.ndarray


@dataclass(slots=True, frozen=True)
class Glasses:
    """frame: opaque. lenses: to be mixed into the picture by opacity (0..1)."""

    frame: Piece
    lenses: Piece
    opacity: float

    @classmethod
    def draw(cls, wearer: Wearer, rng: np.random.Generator) -> Glasses:
        """Draw some model of glasses, sunglasses among them."""
        rims = _outlines(wearer, rng)
        thickness = float(rng.choice([rng.uniform(.0004, .0009), rng.uniform(.0009, .0026)]))
        color = np.clip(rng.choice([.04, .04, .3, .6]) + rng.normal(0, 0.08, 3), .02, .95)
        gloss = rng.uniform(0.05, 0.5)
        tubes = [make_tube(rim, thickness, True) for rim in rims]
        tubes.append(make_tube(_bridge(rims, rng), 0.9 * thickness, False))
        tubes += [make_tube(_temple(rim, ear, side), thickness, False)
                  for rim, ear, side in zip(rims, wearer.ears, (-1, 1), strict=True)]
        frame = joined([_piece('tube', points, triangles, color, gloss)
                        for points, triangles in tubes])
        is_dark = rng.random() < 0.4
        tint = rng.uniform(0.01, 0.2, 3) if is_dark else rng.uniform(0.5, 0.95, 3)
        opacity = rng.uniform(0.55, 0.97) if is_dark else rng.uniform(0.03, 0.22)
        lenses = joined([both_sides(_piece('lens', *_lens(rim), tint, rng.uniform(.1, .8)), 1e-4)
                         for rim in rims])
        frame.kind, lenses.kind = 'frame', 'lenses'
        return cls(frame, lenses, float(opacity))


def _piece(kind: str, points: np.ndarray, triangles: np.ndarray, color: np.ndarray,
           gloss: float) -> Piece:
    count = len(points)
    points = points.astype(np.float32)
    return Piece(kind, points, normals_of(points, triangles), triangles,
                 np.tile(color, (count, 1)).astype(np.float32),
                 np.full(count, gloss, np.float32), np.full(count, 0.9, np.float32))


def _outlines(wearer: Wearer, rng: np.random.Generator) -> list[np.ndarray]:
    """Return the rims of the right and the left lens, (RIM_STEPS, 3) each."""
    half_height = rng.uniform(0.013, 0.026)
    out = float(np.abs(wearer.eyes[:, 0]).mean()) + rng.uniform(0, 0.004)
    half_width = min(rng.uniform(0.021, 0.030), out - NOSE_HALF_M)
    half_width = max(half_width, half_height * 0.95)
    height = wearer.eyes[:, 1].mean() - rng.uniform(0, 0.006)
    angle = np.linspace(0, 2 * np.pi, RIM_STEPS, endpoint=False)
    power = 2 / rng.uniform(2, 4.5)
    droop = rng.uniform(-0.1, 0.35)
    flat_x = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** power
    flat_y = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** power
    # Narrower below, towards the nose, as most rims are
    across = out + half_width * flat_x * (1 + droop * 0.3 * flat_y)
    up = half_height * flat_y
    wrap, tilt = rng.uniform(1, 6), rng.uniform(0, 0.2)
    x, y, z = wearer.face.T
    near = (np.abs(np.abs(x) - out) < half_width) & (np.abs(y - height) < half_height)
    near &= np.abs(x) > 0.012
    bridge = (np.abs(x) < 0.004) & (np.abs(y - height - 0.2 * half_height) < 0.004)
    needed = z + wrap * x ** 2 - tilt * (y - height)
    depth = needed[near].max() + CLEARANCE_M if near.any() else 0.0
    if bridge.any():
        depth = max(depth, needed[bridge].max() + RESTING_M)
    rims = []
    for side in (-1, 1):
        points = np.stack([side * across, height + up,
                           depth - wrap * across ** 2 + tilt * up], axis=1)
        rims.append(points if side > 0 else points[::-1])
    return rims


def _bridge(rims: list[np.ndarray], rng: np.random.Generator) -> np.ndarray:
    right, left = rims
    height = rng.uniform(0.1, 0.7)
    wanted = left[:, 1].mean() + height * (left[:, 1].max() - left[:, 1].mean())
    inner_left = left[np.argmin(left[:, 0] + 2 * np.abs(left[:, 1] - wanted))]
    inner_right = right[np.argmin(-right[:, 0] + 2 * np.abs(right[:, 1] - wanted))]
    part = np.linspace(0, 1, BRIDGE_STEPS)[:, None]
    arch = np.sin(np.pi * part) * np.array([0, rng.uniform(0, .003), rng.uniform(0, .002)])
    return np.asarray(inner_right + part * (inner_left - inner_right) + arch)


def _temple(rim: np.ndarray, ear: np.ndarray, side: int) -> np.ndarray:
    """Return the path from the hinge over the ear and down behind it."""
    outer = rim[np.argmax(side * rim[:, 0] + 0.5 * rim[:, 1])]
    hinge = outer + np.array([side * 0.003, 0, -0.002])
    over = ear + np.array([side * 0.001, 0.001, 0.0])
    hinge[0] = side * max(side * hinge[0], 0.97 * abs(over[0]) - 0.004)
    behind = over + np.array([0, -0.022, -0.020])
    knots = np.stack([outer, hinge, 0.5 * (hinge + over), over, behind])
    at = np.linspace(0, len(knots) - 1, TEMPLE_STEPS)
    return np.stack([np.interp(at, np.arange(len(knots)), knots[:, k]) for k in range(3)], axis=1)


def make_tube(path: np.ndarray, radius: float, closed: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return points and triangles of a tube around a path (m, 3)."""
    if closed:
        along = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0)
    else:
        along = np.gradient(path, axis=0)
    along /= np.linalg.norm(along, axis=1, keepdims=True)
    aside = np.cross(along, np.array([0.0, 0.31, 0.95]) if closed else np.array([0.0, 1.0, 0.0]))
    aside /= np.maximum(np.linalg.norm(aside, axis=1, keepdims=True), 1e-9)
    other = np.cross(aside, along)
    angle = np.arange(TUBE_SIDES) * 2 * np.pi / TUBE_SIDES
    ring = (np.cos(angle)[:, None, None] * aside + np.sin(angle)[:, None, None] * other)
    points = (path + radius * ring).transpose(1, 0, 2).reshape(-1, 3)
    count = len(path)
    step, corner = np.mgrid[:count if closed else count - 1, :TUBE_SIDES]
    following, turned = (step + 1) % count, (corner + 1) % TUBE_SIDES
    a, b = step * TUBE_SIDES + corner, step * TUBE_SIDES + turned
    c, d = following * TUBE_SIDES + corner, following * TUBE_SIDES + turned
    triangles = np.concatenate([np.stack([a, c, b], -1).reshape(-1, 3),
                                np.stack([b, c, d], -1).reshape(-1, 3)])
    return points, triangles


def _lens(rim: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    centre = rim.mean(axis=0)
    rings = [centre + part * (rim - centre) for part in np.linspace(1, 1 / LENS_RINGS, LENS_RINGS)]
    points = np.concatenate([*rings, centre[None]])
    row, column = np.mgrid[:LENS_RINGS - 1, :RIM_STEPS]
    following = (column + 1) % RIM_STEPS
    a, b = row * RIM_STEPS + column, row * RIM_STEPS + following
    c, d = a + RIM_STEPS, b + RIM_STEPS
    last = (LENS_RINGS - 1) * RIM_STEPS + np.arange(RIM_STEPS)
    tip = np.full(RIM_STEPS, len(points) - 1)
    triangles = np.concatenate([
        np.stack([a, b, c], -1).reshape(-1, 3), np.stack([b, d, c], -1).reshape(-1, 3),
        np.stack([last, np.roll(last, -1), tip], -1)])
    return points, triangles
