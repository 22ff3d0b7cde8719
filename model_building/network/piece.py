# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Parts of a rendered person: surfaces with their colours, in model axes and metres."""
from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from face_recon_ros.face_model.normals import vertex_normals

GAMMA = 2.2
"""Colours are kept as displayed (0..1); light multiplies their power of this."""


@dataclass(slots=True)
class Piece:
    """
    A surface of n vertices.

    kind: pieces of one kind have the same triangles. points, normals (n, 3) float32. triangles
    (t, 3), counter-clockwise seen from outside. albedo (n, 3) float32 BGR as displayed, 0..1.
    gloss (n,): strength of the highlight. sky (n,): part of the ambient light that arrives.
    """

    kind: str
    points: np.ndarray
    normals: np.ndarray
    triangles: np.ndarray
    albedo: np.ndarray
    gloss: np.ndarray
    sky: np.ndarray


def joined(pieces: Sequence[Piece]) -> Piece:
    """Return one piece of several."""
    starts = np.cumsum([0] + [len(piece.points) for piece in pieces])
    return Piece(
        ' '.join(piece.kind for piece in pieces),
        np.concatenate([piece.points for piece in pieces]),
        np.concatenate([piece.normals for piece in pieces]),
        np.concatenate([p.triangles + s for p, s in zip(pieces, starts, strict=False)]),
        np.concatenate([piece.albedo for piece in pieces]),
        np.concatenate([piece.gloss for piece in pieces]),
        np.concatenate([piece.sky for piece in pieces]),
    )


def both_sides(piece: Piece, thickness_m: float) -> Piece:
    """Return a piece with an inner side that can be seen too."""
    points = piece.points - np.float32(thickness_m) * piece.normals
    inner = Piece(f'inner {piece.kind}', points, -piece.normals, piece.triangles[:, ::-1],
                  0.8 * piece.albedo, 0.5 * piece.gloss, 0.6 * piece.sky)
    return joined([piece, inner])


def normals_of(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return unit normals (n, 3) float32 weighted by area."""
    return vertex_normals(points, triangles).astype(np.float32)


def ramp(value: np.ndarray, low: float | np.ndarray, high: float | np.ndarray) -> np.ndarray:
    """Return 0 below low, 1 above high, smooth between."""
    part = np.clip((value - low) / (high - low), 0, 1)
    return np.asarray(part * part * (3 - 2 * part))


def blended(albedo: np.ndarray, other: np.ndarray, amount: np.ndarray) -> np.ndarray:
    """Return albedo (n, 3) mixed with a colour (3,) or (n, 3) by amount (n,)."""
    return np.asarray(albedo + amount[:, None] * (other - albedo))


class Noise:
    """Smooth noise in space: a lattice of random numbers, looked up at any place and scale."""

    SIDE = 32

    def __init__(self, seed: int) -> None:
        """Fill the lattice."""
        lattice = np.random.default_rng(seed).standard_normal((self.SIDE,) * 3)
        self._lattice = lattice.astype(np.float32).ravel()

    def __call__(self, points: np.ndarray, spacing_m: float | Sequence[float],
                 rng: np.random.Generator) -> np.ndarray:
        """Return (n,) of unit size at points (n, 3); lattice points are spacing_m apart."""
        side = self.SIDE
        place = points / np.asarray(spacing_m, np.float32)
        place = place + rng.uniform(0, side, 3).astype(np.float32)
        low = np.floor(place)
        part = (place - low).astype(np.float32)
        part = part * part * (3 - 2 * part)
        cell = low.astype(np.int32) & (side - 1)
        following = (cell + 1) & (side - 1)
        x = (cell[:, 0] * (side * side), following[:, 0] * (side * side))
        y = (cell[:, 1] * side, following[:, 1] * side)
        z = (cell[:, 2], following[:, 2])
        total = np.zeros(len(points), np.float32)
        for i in (0, 1):
            along_x = part[:, 0] if i else 1 - part[:, 0]
            for j in (0, 1):
                along_xy = along_x * (part[:, 1] if j else 1 - part[:, 1])
                row = x[i] + y[j]
                total += along_xy * (self._lattice[row + z[0]] * (1 - part[:, 2])
                                     + self._lattice[row + z[1]] * part[:, 2])
        # Interpolation averages: what is left of unit variance is about a half, cubed.
        return total * np.float32(1.6)
