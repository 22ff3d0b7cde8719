# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A texture map of the face: longitude and latitude, the folds laid out where they overlap."""
from __future__ import annotations

import numpy as np
from scipy import sparse
from scipy.sparse.linalg import splu

from model_building.face_model.errors import ModelBuildingError
from model_building.face_model.topology import Topology, boundary_loops

CENTRE_M = np.array([0.0, -0.025, -0.085])
"""Of the globe, inside the head, from where nearly all of the face is seen from behind once."""
SMALLEST_STRETCH = 0.04
"""A triangle whose area shrinks more than this against the typical one is laid out anew."""
SMALLEST_AREA = 2e-9
"""Square radians that every triangle gets in the end, well above float32 rounding."""
GROWTH_RINGS = 2
ROUNDS = 60
MARGIN = 0.01
"""Free border of the unit square."""
EYE_RADIUS = 0.07


def signed_areas(uv: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return the areas (t,) of flat triangles, positive when counter-clockwise with v up."""
    a, b, c = uv[triangles[:, 0]], uv[triangles[:, 1]], uv[triangles[:, 2]]
    ab, ac = b - a, c - a
    return (ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0]) / 2


def _seen_from_inside(points: np.ndarray) -> np.ndarray:
    """Return longitude and latitude (V,2) in radians around a point inside the head."""
    x, y, z = (points - CENTRE_M).T
    return np.stack([np.arctan2(x, z), np.arctan2(y, np.hypot(x, z))], axis=1)


def _adjacency(triangles: np.ndarray, count: int) -> sparse.csr_array:
    edges = np.concatenate([triangles[:, [k, (k + 1) % 3]] for k in range(3)])
    both = np.concatenate([edges, edges[:, ::-1]])
    graph = sparse.csr_array((np.ones(len(both)), (both[:, 0], both[:, 1])), shape=(count, count))
    graph.data[:] = 1
    return graph


def _relaxed(uv: np.ndarray, free: np.ndarray, graph: sparse.csr_array) -> np.ndarray:
    """Put every free vertex into the mean of its neighbours (W. T. Tutte, 1963)."""
    inside, outside = np.flatnonzero(free), np.flatnonzero(~free)
    rows = sparse.csr_array(graph[inside])
    degree = np.asarray(rows.sum(axis=1)).ravel()
    system = sparse.csc_array(sparse.diags(degree) - rows[:, inside])
    laid_out = uv.copy()
    laid_out[inside] = splu(system).solve(np.asarray(rows[:, outside] @ uv[outside]))
    return laid_out


def _lay_out_skin(points: np.ndarray, topology: Topology, triangles: np.ndarray) -> np.ndarray:
    count = len(points)
    graph = _adjacency(triangles, count)
    corner = points[triangles]
    area = np.linalg.norm(np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]),
                          axis=1) / 2
    start = _seen_from_inside(points)
    smallest = SMALLEST_STRETCH * area / np.linalg.norm(CENTRE_M) ** 2
    rim = np.zeros(count, bool)
    rim[boundary_loops(triangles)[0]] = True
    free = topology.inside_mask & ~rim
    uv, bad = start, signed_areas(start, triangles) < smallest
    for _ in range(ROUNDS):
        wrong = np.zeros(count)
        wrong[triangles[bad].ravel()] = 1
        for _ in range(GROWTH_RINGS):
            wrong = wrong + graph @ wrong
        free |= (wrong > 0) & ~rim
        free |= free[topology.mirror]
        uv = _relaxed(start, free, graph)
        uv = (uv + uv[topology.mirror] * [-1, 1]) / 2
        bad = signed_areas(uv, triangles) < SMALLEST_AREA
        if not bad.any():
            return uv
    raise ModelBuildingError('the texture map still folds over: revise the mask')


def unwrap(points: np.ndarray, topology: Topology,
           round_eyes: np.ndarray | None = None) -> np.ndarray:
    """
    Return texture coordinates (V,2) in [0,1], u to the image's right, v up.

    Skin: one island, every triangle counter-clockwise, so that none overlaps another. Folds
    (lips, lids, nostrils) are spread so that each gets some room. Eyes: round islands in the
    lower corners, the right eye on the left as in the face; they are laid out by the face
    `round_eyes` (V,3), by default by `points`.
    """
    triangles = topology.triangles
    skin_triangles = triangles[~topology.eye_mask[triangles].any(axis=1)]
    skin = ~topology.eye_mask
    count = int(skin.sum())
    flat = np.zeros((len(points), 2))
    part = Topology(topology.rows[:count], skin_triangles, topology.mirror[:count],
                    topology.eye_mask[:count], topology.inside_mask[:count],
                    topology.front_mask[:count], topology.mouth_mask[:count])
    flat[skin] = _lay_out_skin(points[skin], part, skin_triangles)
    low, high = flat[skin].min(axis=0), flat[skin].max(axis=0)
    # The skin fills the square above a strip for the eyes.
    strip = np.array([MARGIN, 2 * (MARGIN + EYE_RADIUS)])
    uv = strip + (flat - low) / (high - low) * (1 - MARGIN - strip)
    balls = points if round_eyes is None else round_eyes
    for side in (-1, 1):
        eye = topology.eye_mask & (side * points[:, 0] > 0)
        ray = balls[eye, :2] - (balls[eye, :2].min(axis=0) + balls[eye, :2].max(axis=0)) / 2
        place = np.array([0.5 + side * (0.5 - MARGIN - EYE_RADIUS), MARGIN + EYE_RADIUS])
        uv[eye] = place + ray * EYE_RADIUS / np.linalg.norm(ray, axis=1).max()
    return uv
