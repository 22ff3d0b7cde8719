# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Catmull-Clark subdivision as a sparse matrix, so that it carries over to every target."""
from __future__ import annotations

import numpy as np
from scipy import sparse


def edges_of(quads: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the unique undirected edges (e,2) and, per quad corner k, edge k -> k+1 (m,4)."""
    pairs = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], axis=2).reshape(-1, 2), axis=1)
    edges, inverse = np.unique(pairs, axis=0, return_inverse=True)
    return edges, inverse.reshape(quads.shape)


def _incidence(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]) -> sparse.csr_array:
    return sparse.csr_array((np.ones(rows.size), (rows.ravel(), columns.ravel())), shape=shape)


def _diagonal(values: np.ndarray) -> sparse.dia_array:
    return sparse.diags(values)


def catmull_clark(quads: np.ndarray, vertex_count: int) -> tuple[sparse.csr_array, np.ndarray]:
    """
    Subdivide a quad mesh once.

    Returns the matrix (n2, vertex_count) that makes the new vertices and the new quads (4m,4).
    Rules: E. Catmull and J. Clark, Recursively generated B-spline surfaces on arbitrary
    topological meshes, 1978; boundaries are cubic B-spline curves (Hoppe et al., 1994).
    """
    face_count = len(quads)
    edges, edge_of_corner = edges_of(quads)
    edge_count = len(edges)
    face_index = np.repeat(np.arange(face_count), 4)
    face_points = _incidence(face_index, quads, (face_count, vertex_count)) * 0.25
    middles = _incidence(np.repeat(np.arange(edge_count), 2), edges,
                         (edge_count, vertex_count)) * 0.5
    edge_faces = _incidence(edge_of_corner, face_index, (edge_count, face_count))
    boundary = np.bincount(edge_of_corner.ravel(), minlength=edge_count) != 2
    edge_points = (_diagonal(np.where(boundary, 1.0, 0.5)) @ middles
                   + _diagonal(np.where(boundary, 0.0, 0.25)) @ edge_faces @ face_points)

    vertex_faces = _incidence(quads, face_index, (vertex_count, face_count))
    vertex_edges = _incidence(edges, np.repeat(np.arange(edge_count), 2),
                              (vertex_count, edge_count))
    faces_at = np.maximum(np.bincount(quads.ravel(), minlength=vertex_count), 1)
    edges_at = np.maximum(np.bincount(edges.ravel(), minlength=vertex_count), 1)
    inner = (_diagonal(1.0 / faces_at ** 2) @ vertex_faces @ face_points
             + _diagonal(2.0 / (faces_at * edges_at)) @ vertex_edges @ middles
             + _diagonal((faces_at - 3.0) / faces_at))
    rim_edges = np.flatnonzero(boundary)
    rim_vertex_edges = sparse.csr_array(vertex_edges[:, rim_edges])
    rim_at = np.maximum(np.asarray(rim_vertex_edges.sum(axis=1)).ravel(), 1)
    rim = (_diagonal(0.5 / rim_at) @ rim_vertex_edges @ middles[rim_edges]
           + _diagonal(np.full(vertex_count, 0.5)))
    on_rim = np.zeros(vertex_count)
    on_rim[edges[boundary].ravel()] = 1.0
    vertex_points = _diagonal(1.0 - on_rim) @ inner + _diagonal(on_rim) @ rim

    matrix = sparse.csr_array(sparse.vstack([vertex_points, edge_points, face_points]))
    first_edge, first_face = vertex_count, vertex_count + edge_count
    centre = first_face + np.arange(face_count)
    corners = [np.stack([quads[:, k], first_edge + edge_of_corner[:, k], centre,
                         first_edge + edge_of_corner[:, k - 1]], axis=1) for k in range(4)]
    return matrix, np.concatenate(corners)


def compact(faces: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Renumber the vertices in use: returns the faces and the old index of each new vertex."""
    used, inverse = np.unique(faces, return_inverse=True)
    return inverse.reshape(faces.shape), used


def subdivide(quads: np.ndarray, vertex_count: int,
              levels: int) -> tuple[sparse.csr_array, np.ndarray]:
    """Subdivide `levels` times the part of a mesh that `quads` (m,4) describes."""
    faces, used = compact(quads)
    matrix = sparse.csr_array((np.ones(used.size), (np.arange(used.size), used)),
                              shape=(used.size, vertex_count))
    for _ in range(levels):
        step, faces = catmull_clark(faces, matrix.shape[0])
        matrix = sparse.csr_array(step @ matrix)
    return matrix, faces
