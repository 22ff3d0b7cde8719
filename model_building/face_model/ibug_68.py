# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Where iBUG's 68 landmarks lie on the mesh, as the markup of 300-W draws them.

Sagonas, Tzimiropoulos, Zafeiriou, Pantic: "300 Faces in-the-Wild Challenge", ICCV workshops,
2013. People set the points on photos, so lengths are those in a photo: evenly spaced and straight
below mean so as a camera in front sees the mean face.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import ConvexHull

from model_building.face_model import face_mesh
from model_building.face_model.correspondence import Creases, plane_edges, visible_triangles
from model_building.face_model.surface import Embedding, Surface, closest_on_edges
from model_building.face_model.topology import Topology

COUNT = 68
CAMERA_DISTANCE_M = 0.5
"""Of the camera at the height of the sellion: an arm's length. It matters for the jaw."""
LEAST_WEIGHT = 1e-6
"""Less is rounding."""
MIDDLE = (8, 27, 28, 29, 30, 33, 51, 57, 62, 66)
PAIRS = (*((i, 16 - i) for i in range(8)), *((i, 43 - i) for i in range(17, 22)),
         (31, 35), (32, 34), (36, 45), (37, 44), (38, 43), (39, 42), (40, 47), (41, 46),
         (48, 54), (49, 53), (50, 52), (58, 56), (59, 55), (60, 64), (61, 63), (67, 65))
"""The same point on the right and on the left side of the face."""


def in_view(points: np.ndarray) -> np.ndarray:
    """Return where the camera sees points (n,3), metres: (n,2), metres in the plane z = 0."""
    return points[:, :2] / (1 - points[:, 2:] / CAMERA_DISTANCE_M)


@dataclass(frozen=True, slots=True)
class Path:
    """A line on the face to set points on, by their length in view."""

    points: np.ndarray
    """(n,3) metres."""

    @property
    def _lengths(self) -> np.ndarray:
        steps = np.linalg.norm(np.diff(in_view(self.points), axis=0), axis=1)
        return np.concatenate([[0], np.cumsum(steps)])

    def at(self, lengths: np.ndarray) -> np.ndarray:
        """Return points (m,3) that lie so far along."""
        return np.stack([np.interp(lengths, self._lengths, self.points[:, k])
                         for k in range(3)], axis=1)

    def evenly(self, count: int) -> np.ndarray:
        """Return evenly spaced points (count,3), both ends included."""
        return self.at(np.linspace(0, self._lengths[-1], count))

    def length_at_column(self, x: float) -> float:
        """Return how far along a path that runs towards the middle has come to x in view."""
        return float(np.interp(-x, -in_view(self.points)[:, 0], self._lengths))


def outline_below(mean: np.ndarray, vertices: np.ndarray, top_m: float) -> np.ndarray:
    """
    Return the left half of the outline of the face (n,3) below y = top_m, down to the menton.

    The menton is the lowest point of the profile in view. Jaws are convex in view, so the outline
    is their hull.
    """
    hull = vertices[ConvexHull(in_view(mean[vertices])).vertices]
    low = mean[hull[mean[hull, 1] < top_m]]
    left = low[low[:, 0] > 1e-9]
    profile = mean[vertices[np.abs(mean[vertices, 0]) < 1e-9]]
    menton = profile[in_view(profile)[:, 1].argmin()]
    return np.vstack([left[np.argsort(-in_view(left)[:, 1])], menton])


def _unambiguous(vertices: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Return three vertices and weights that do not tell which of its triangles was met.

    Rounding decides that for a point on an edge or a vertex. Those it does not rest on, of weight
    zero, are replaced by one that it does.
    """
    used = np.flatnonzero(weights > LEAST_WEIGHT)
    used = used[np.argsort(vertices[used])]
    corners, shares = np.full(3, vertices[used[-1]]), np.zeros(3)
    corners[:len(used)], shares[:len(used)] = vertices[used], weights[used]
    return corners, shares / shares.sum()


class _Placer:
    """Sets the points of the left half and of the middle, then mirrors them."""

    def __init__(self, mean: np.ndarray, topology: Topology) -> None:
        self._mean, self._mirror = mean, topology.mirror
        self._edges = plane_edges(topology, mean)
        self._vertices = np.zeros((COUNT, 3), np.int64)
        self._weights = np.zeros((COUNT, 3))

    def put(self, indices: tuple[int, ...], points: np.ndarray, surface: Surface) -> None:
        """Tie points (n,3) to the nearest places on a surface, those of the middle to its line."""
        for index, point in zip(indices, points, strict=True):
            if index in MIDDLE:
                found = closest_on_edges(point[None], self._edges, self._mean)
            else:
                found = surface.closest(point[None], self._mean)
            self._vertices[index], self._weights[index] = _unambiguous(
                found.vertices[0], found.weights[0])

    def both_sides(self) -> Embedding:
        """Return all 68, exactly symmetric."""
        right, left = np.array(PAIRS).T
        self._vertices[right] = self._mirror[self._vertices[left]]
        self._weights[right] = self._weights[left]
        return Embedding(self._vertices, self._weights)


def place_ibug_68(mean: np.ndarray, topology: Topology, creases: Creases,
                  landmarks_468: Embedding) -> Embedding:
    """Return iBUG's landmarks on the mean (V,3), metres, upright with the sellion at y = z = 0."""
    on_face = landmarks_468.of(mean)
    triangles = visible_triangles(topology)
    skin = Surface(triangles, len(mean))

    def along(indices: tuple[int, ...]) -> Path:
        return Path(on_face[list(indices)])

    def beside(crease: np.ndarray) -> Surface:
        return Surface(triangles[np.isin(triangles, crease).any(axis=1)], len(mean))

    placer = _Placer(mean, topology)

    cheek = on_face[list(face_mesh.LEFT_CHEEK_OUTLINE)]
    corner = on_face[face_mesh.LEFT_MOUTH_CORNER]
    jaw = outline_below(mean, np.unique(triangles), corner[1])
    placer.put(tuple(range(16, 7, -1)), Path(np.vstack([cheek, jaw])).evenly(9), skin)

    outer, inner = (on_face[list(tip)].mean(axis=0) for tip in face_mesh.LEFT_BROW_TIPS)
    brow = np.vstack([outer, on_face[list(face_mesh.LEFT_BROW_UPPER_EDGE)], inner])
    placer.put((26, 25, 24, 23, 22), Path(brow).evenly(5), skin)

    placer.put((27, 28, 29, 30), along(face_mesh.NOSE_BRIDGE).evenly(4), skin)
    placer.put((33, 34, 35), along(face_mesh.LEFT_NOSE_BASE).evenly(3), skin)

    lid = beside(creases.lid)
    placer.put((42, 43, 44, 45), along(face_mesh.LEFT_UPPER_LID).evenly(4), lid)
    placer.put((45, 46, 47, 42), along(face_mesh.LEFT_LOWER_LID).evenly(4), lid)

    peak, middle = face_mesh.LEFT_OUTER_UPPER_LIP[-2:]
    placer.put((51,), on_face[[middle]], skin)
    placer.put((54, 53, 52), along(face_mesh.LEFT_OUTER_UPPER_LIP[:-1]).evenly(3), skin)
    column = in_view(on_face[[peak]])[0, 0]
    lower = along(face_mesh.LEFT_OUTER_LOWER_LIP)
    below_peak = lower.length_at_column(column)
    placer.put((55, 56), lower.at(np.array([below_peak / 2, below_peak])), skin)
    placer.put((57,), lower.points[-1:], skin)
    placer.put((64,), on_face[[face_mesh.LEFT_INNER_UPPER_LIP[0]]], skin)
    for indices, path, crease in (
            ((63, 62), along(face_mesh.LEFT_INNER_UPPER_LIP), creases.upper_lip),
            ((65, 66), along(face_mesh.LEFT_INNER_LOWER_LIP), creases.lower_lip)):
        places = np.vstack([path.at(np.array([path.length_at_column(column)])), path.points[-1:]])
        placer.put(indices, places, beside(crease))
    return placer.both_sides()
