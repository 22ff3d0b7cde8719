# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The pieces of the whole head: skin, eyes, teeth and tongue of MakeHuman's base mesh.

Lengths are decimetres of the base mesh unless said otherwise.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.spatial import cKDTree

from model_building.face_model.assets import BaseMesh
from model_building.face_model.subdivision import catmull_clark, compact, edges_of, subdivide
from model_building.face_model.topology import Topology, split_quads

SKIN, EYE, UPPER_TEETH, LOWER_TEETH, TONGUE = range(5)
"""What a vertex belongs to."""
LOWEST_Y, WIDEST_X = 4.3, 2.3
"""Quads of the body above and within this are kept: down to the chest (decimetres, base mesh)."""
EAR_LOW, EAR_HIGH = (.70, 6.90, -.06), (1.05, 7.62, .56)


@dataclass(frozen=True, slots=True)
class Parts:
    """Rows over the base vertices and triangles of everything, and which part a row is of."""

    rows: sparse.csr_array
    triangles: np.ndarray
    part: np.ndarray
    face_vertex: np.ndarray


def _row_keys(rows: sparse.csr_array) -> np.ndarray:
    """Return (n,3) numbers that are the same only for the same rows."""
    return np.asarray(rows @ np.random.default_rng(0).normal(size=(rows.shape[1], 3)))


def _same_rows(rows: sparse.csr_array, others: sparse.csr_array) -> np.ndarray:
    distance, nearest = cKDTree(_row_keys(others)).query(_row_keys(rows))
    return np.where(distance < 1e-9, nearest, -1)


def _mixed_triangles(quads: np.ndarray, fine: np.ndarray, finer_quads: np.ndarray,
                     vertex_count: int, points: np.ndarray) -> np.ndarray:
    """
    Return triangles of `quads` (m,4), those in `fine` (m,) subdivided once, without cracks.

    finer_quads (4m,4) is the whole mesh subdivided, in catmull_clark's order; points (n,3) are
    its vertices.
    """
    edges, edge_of_corner = edges_of(quads)
    split = np.zeros(len(edges), bool)
    split[edge_of_corner[fine]] = True
    open_edges = split[edge_of_corner] & ~fine[:, None]
    plain = ~fine & ~open_edges.any(axis=1)
    pieces = [split_quads(finer_quads[np.tile(fine, 4)], points),
              split_quads(quads[plain], points)]
    fans = []
    for quad in np.flatnonzero(open_edges.any(axis=1)):
        polygon: list[int] = []
        for k in range(4):
            polygon.append(int(quads[quad, k]))
            if open_edges[quad, k]:
                polygon.append(vertex_count + int(edge_of_corner[quad, k]))
        first = next(k for k, vertex in enumerate(polygon) if vertex >= vertex_count)
        polygon = polygon[first:] + polygon[:first]
        fans += [[polygon[0], polygon[k], polygon[k + 1]] for k in range(1, len(polygon) - 1)]
    return np.concatenate([*pieces, np.array(fans, np.int64).reshape(-1, 3)])


def skin_parts(base: BaseMesh, topology: Topology) -> Parts:
    """Return the body's skin: as fine as the face model on face and ears, coarser elsewhere."""
    vertices, body = base.vertices, base.groups['body']
    corners = vertices[body]
    kept = body[(corners[:, :, 1].min(axis=1) > LOWEST_Y)
                & (np.abs(corners[:, :, 0]).max(axis=1) < WIDEST_X)]
    faces, used = compact(kept)
    first = sparse.csr_array((np.ones(used.size), (np.arange(used.size), used)),
                             shape=(used.size, len(vertices)))
    step, quads = catmull_clark(faces, len(used))
    rows = sparse.csr_array(step @ first)
    count = rows.shape[0]
    step, finer_quads = catmull_clark(quads, count)
    rows = sparse.csr_array(step @ rows)
    points = rows @ vertices
    face_vertex = _same_rows(rows, topology.rows)
    in_ear = ((np.abs(points[:, 0]) > EAR_LOW[0]) & (np.abs(points[:, 0]) < EAR_HIGH[0])
              & (points[:, 1:] > EAR_LOW[1:]).all(axis=1)
              & (points[:, 1:] < EAR_HIGH[1:]).all(axis=1))
    fine = ((face_vertex >= 0) | in_ear)[quads].any(axis=1)
    triangles = _mixed_triangles(quads, fine, finer_quads, count, points)
    triangles, kept_rows = compact(triangles)
    return Parts(sparse.csr_array(rows[kept_rows]), triangles,
                  np.full(len(kept_rows), SKIN, np.int8), face_vertex[kept_rows])


def eye_parts(topology: Topology) -> Parts:
    """Return the face model's own eyeball caps."""
    index = np.flatnonzero(topology.eye_mask)
    number = np.full(len(topology.eye_mask), -1)
    number[index] = np.arange(len(index))
    triangles = number[topology.triangles]
    return Parts(sparse.csr_array(topology.rows[index]),
                  triangles[(triangles >= 0).all(axis=1)],
                  np.full(len(index), EYE, np.int8), index)


def teeth_parts(base: BaseMesh, group: str, part: int) -> Parts:
    """Return a group of the base mesh, made finer once, as a part: teeth or tongue."""
    rows, quads = subdivide(base.groups[group], len(base.vertices), 1)
    return Parts(rows, split_quads(quads, rows @ base.vertices),
                  np.full(rows.shape[0], part, np.int8), np.full(rows.shape[0], -1))


def joined_parts(pieces: list[Parts]) -> Parts:
    """Return pieces as one."""
    start = np.cumsum([0] + [piece.rows.shape[0] for piece in pieces])
    return Parts(
        sparse.csr_array(sparse.vstack([piece.rows for piece in pieces])),
        np.concatenate([piece.triangles + s for piece, s in zip(pieces, start, strict=False)]),
        np.concatenate([piece.part for piece in pieces]),
        np.concatenate([piece.face_vertex for piece in pieces]))
