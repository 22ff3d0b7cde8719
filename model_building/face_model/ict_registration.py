# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Where every vertex of the face model lies on the ICT head, by non-rigid registration.

The mean face is laid onto the neutral ICT head: lines that both have (lids, lips, profile) lead,
the surface follows coarse to fine, as smoothly as a thin plate (B. Allen et al., The space of
human body shapes, 2003; B. Amberg et al., Optimal step nonrigid ICP algorithms, 2007). Only the
left half is sought; the right one is its mirror image. Lengths are metres.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.sparse import csgraph
from scipy.spatial import cKDTree

from face_recon_ros.face_model.normals import vertex_normals
from model_building.face_model import ict_model
from model_building.face_model.correspondence import Creases
from model_building.face_model.errors import ModelBuildingError
from model_building.face_model.ict_model import IctModel
from model_building.face_model.similarity import apply_similarity, mirrored, similarity
from model_building.face_model.subdivision import catmull_clark
from model_building.face_model.surface import Embedding, Surface
from model_building.face_model.thin_plate import SymmetricSolver, thin_plate
from model_building.face_model.topology import Topology, split_quads

STIFFNESS_M = (0.06, 0.04, 0.025, 0.016, 0.01, 0.01, 0.006, 0.006, 0.004, 0.004, 0.0025, 0.0025,
               0.0018, 0.0018, 0.0012, 0.0012)
"""Bumps narrower than this are not followed, by round."""
LINE_AREA_M2, PROFILE_AREA_M2, LANDMARK_AREA_M2 = 3e-6, 4e-5, 4e-5
"""A point of a line, of the profile, or a landmark counts as much as this area of skin."""
TURN_M = 0.006
"""Being this far away counts as much as a normal turned by 60 degrees."""
NEIGHBOURS = 4
SMALLEST_COSINE = 0.35
"""Surfaces that face farther apart do not attract each other."""
LANDMARKS = (54, 53, 52, 51, 57, 56, 55)
"""Of iBUG's 68, on left and middle: corner and edge of the lips."""
START = (36, 39, 42, 45, 30, 48, 54, 57)
INNER_CANTHUS, OUTER_CANTHUS = 42, 45
UPPER_LID, LOWER_LID = (42, 43, 44, 45), (42, 47, 46, 45)
UPPER_LIP, LOWER_LIP = (54, 64, 63, 62), (54, 64, 65, 66)
"""Landmarks that the margins of the lids and the line where the lips touch go through."""
CURVE_SAMPLES = 60
MIRROR_TOLERANCE_M = 2e-4


@dataclass(frozen=True, slots=True)
class IctSurface:
    """
    The skin of the ICT head with mouth and eye sockets, subdivided once (Catmull-Clark).

    rows: (N,V) mix of the ICT vertices; the first ones are the ICT vertices' own.
    triangles (T,3).
    """

    rows: sparse.csr_array
    triangles: np.ndarray

    @classmethod
    def of(cls, model: IctModel) -> IctSurface:
        """Subdivide the skin; the diagonals of its quads are the neutral head's."""
        count = ict_model.EYE_SOCKETS.stop
        quads = model.quads[(model.quads < count).all(axis=1)]
        rows, finer = catmull_clark(quads, count)
        rows.resize((rows.shape[0], len(model.neutral)))
        points = rows @ model.neutral.astype(np.float64)
        return cls(rows, split_quads(finer, points))

    @staticmethod
    def mirror(points: np.ndarray) -> np.ndarray:
        """Return the vertex on the other side of the head for each of its points (N,3)."""
        distance, other = cKDTree(points).query(points * [-1, 1, 1])
        if distance.max() > MIRROR_TOLERANCE_M:
            raise ModelBuildingError('the neutral ICT head is not symmetric')
        return np.asarray(other)


@dataclass(frozen=True, slots=True)
class Lines:
    """Corresponding places: vertices of the face model, and where they belong (n,3)."""

    vertices: np.ndarray
    targets: np.ndarray
    area_m2: np.ndarray


def _edge_graph(quads: np.ndarray, points: np.ndarray) -> sparse.csr_array:
    edges = np.concatenate([quads[:, [k, (k + 1) % 4]] for k in range(4)]).astype(np.int32)
    lengths = np.linalg.norm(points[edges[:, 0]] - points[edges[:, 1]], axis=1)
    return sparse.csr_array((lengths, (edges[:, 0], edges[:, 1])), shape=(len(points),) * 2)


def _walk(graph: sparse.csr_array, stops: np.ndarray) -> np.ndarray:
    """Return the vertices of the shortest walk along edges through the stops."""
    walk = [int(stops[0])]
    for end in stops[1:]:
        _, before = csgraph.dijkstra(graph, directed=False, indices=int(end),
                                     return_predecessors=True)
        while walk[-1] != end:
            walk.append(int(before[walk[-1]]))
    return np.array(walk)


def _smooth_line(points: np.ndarray, along: np.ndarray) -> np.ndarray:
    """Return (CURVE_SAMPLES,3): the mean of scattered points (n,3) at 0..1 along a line."""
    at = np.linspace(0, 1, CURVE_SAMPLES)
    weight = np.exp(-((along - at[:, None]) / 0.03) ** 2) + 1e-12
    return np.asarray(weight @ points / weight.sum(axis=1, keepdims=True))


class _Features:
    """Finds the same lines on both heads."""

    def __init__(self, model: IctModel, ict: np.ndarray, topology: Topology, creases: Creases,
                 landmarks_68: Embedding) -> None:
        self._ict, self._marks = ict, ict[model.landmarks_68]
        self._model, self._topology, self._creases = model, topology, creases
        self._landmarks = landmarks_68
        count = ict_model.EYE_SOCKETS.stop
        quads = model.quads[(model.quads < count).all(axis=1)]
        self._graph = _edge_graph(quads, ict[:count])

    def lines(self, points: np.ndarray) -> Lines:
        """Return the lines of the left half for a face (V,3) near the ICT head."""
        parts = [*self._lids(points), *self._lips(points), self._profile_points(points),
                 self._corners(points)]
        return Lines(*(np.concatenate([part[k] for part in parts]) for k in range(3)))

    def _moved_along(self, points: np.ndarray, vertices: np.ndarray, along: np.ndarray,
                     ict_line: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        at = np.linspace(0, 1, CURVE_SAMPLES)
        own = _smooth_line(points[vertices], along)
        offset = np.stack([np.interp(along, at, (ict_line - own)[:, k]) for k in range(3)], axis=1)
        return vertices, points[vertices] + offset, np.full(len(vertices), LINE_AREA_M2)

    def _lids(self, points: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        lid = self._creases.lid
        inner, outer = self._landmarks.of(points)[[INNER_CANTHUS, OUTER_CANTHUS]]
        found = []
        for sign, stops in ((1, UPPER_LID), (-1, LOWER_LID)):
            line = self._ict[_walk(self._graph, self._model.landmarks_68[list(stops)])]
            chosen = lid[sign * _above(points[lid], inner, outer) > 0]
            along = (points[chosen, 0] - inner[0]) / (outer[0] - inner[0])
            found.append(self._moved_along(points, chosen, np.clip(along, 0, 1), _by_x(line)))
        return found

    def _lips(self, points: np.ndarray) -> list[tuple[np.ndarray, np.ndarray, np.ndarray]]:
        found = []
        corner = self._landmarks.of(points)[64, 0]
        ict_corner = self._marks[64, 0]
        for stops, crease in ((UPPER_LIP, self._creases.upper_lip),
                              (LOWER_LIP, self._creases.lower_lip)):
            walk = self._ict[_walk(self._graph, self._model.landmarks_68[list(stops)])]
            walk = walk[walk[:, 0] < ict_corner - 1e-3]
            walk = np.vstack([self._marks[64], walk])[np.argsort(
                np.concatenate([[ict_corner], walk[:, 0]]))]
            along = np.clip(points[crease, 0] / corner, 0, 1)
            found.append(self._moved_along(points, crease, along, _by_x(walk)))
        return found

    def _corners(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return the lips' edges: each landmark's heaviest vertex moves as the landmark should."""
        index = list(LANDMARKS)
        missing = self._marks[index] - self._landmarks.of(points)[index]
        heaviest = self._landmarks.weights[index].argmax(axis=1)
        vertices = self._landmarks.vertices[index, heaviest]
        return vertices, points[vertices] + missing, np.full(len(vertices), LANDMARK_AREA_M2)

    def _profile_points(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        topology = self._topology
        own = np.flatnonzero((np.abs(points[:, 0]) < 1e-9) & ~topology.inside_mask
                             & ~topology.eye_mask)
        ict = np.flatnonzero((np.abs(self._ict[:ict_model.SKIN.stop, 0]) < 1e-6)
                             & (self._ict[:ict_model.SKIN.stop, 2] > self._marks[30, 2] - 0.06))
        mouth_y = points[self._landmarks.vertices[62, 0], 1]
        mine = own[_profile_marks(points[own], float(mouth_y))]
        theirs = ict[_profile_marks(self._ict[ict], float(self._marks[[62, 66], 1].mean()))]
        return mine, self._ict[theirs], np.full(len(mine), PROFILE_AREA_M2)


def _above(points: np.ndarray, inner: np.ndarray, outer: np.ndarray) -> np.ndarray:
    """Return how far above the line between the canthi points (n,3) lie in view."""
    slope = (outer[1] - inner[1]) / (outer[0] - inner[0])
    return np.asarray(points[:, 1] - inner[1] - slope * (points[:, 0] - inner[0]))


def _by_x(line: np.ndarray) -> np.ndarray:
    """Return (CURVE_SAMPLES,3) of a line (n,3), evenly spaced in x from its least to its most."""
    x = np.linspace(line[0, 0], line[-1, 0], CURVE_SAMPLES)
    return np.stack([np.interp(x, line[:, 0], line[:, k]) for k in range(3)], axis=1)


def _profile_marks(points: np.ndarray, mouth_y: float) -> np.ndarray:
    """
    Return places in a profile (n,3): sellion, tip, subnasale, lips, labiomental fold, chin (2).

    Labiale superius and inferius are the foremost points of the lips, the last is the menton.
    """
    y, z = points[:, 1], points[:, 2]

    def foremost(low: float, high: float, sign: float = 1.0) -> int:
        there = np.flatnonzero((y > low) & (y < high))
        return int(there[np.argmax(sign * z[there])])

    tip = foremost(mouth_y + 0.02, mouth_y + 0.06)
    sellion = foremost(y[tip] + 0.02, y[tip] + 0.055, -1)
    upper = foremost(mouth_y + 0.002, mouth_y + 0.012)
    lower = foremost(mouth_y - 0.012, mouth_y - 0.002)
    chin = foremost(mouth_y - 0.042, mouth_y - 0.02)
    fold = foremost(y[chin], y[lower], -1)
    between = np.flatnonzero((y < y[tip]) & (y > y[upper]) & (z > z[upper] - 0.008))
    chord = points[tip, 1:] - points[upper, 1:]
    away = points[between, 1:] - points[upper, 1:]
    subnasale = int(between[np.argmax(chord[0] * away[:, 1] * -1 + chord[1] * away[:, 0])])
    low = np.flatnonzero((z > z[chin] - 0.03) & (y < y[chin]))
    menton = int(low[np.argmax(z[low] - 1.5 * y[low])])
    return np.array([sellion, tip, subnasale, upper, lower, fold, chin, menton])


@dataclass(frozen=True, slots=True)
class Registration:
    """
    The registered face.

    points (V,3): the face model's vertices on the neutral ICT head; not its eyes. embedding: where
    the skin in sight touches the ICT surface (weights are zero elsewhere).
    """

    points: np.ndarray
    embedding: Embedding


class _Attraction:
    """Draws a face near the ICT head onto it: its lines to the same lines, skin to skin."""

    def __init__(self, model: IctModel, surface: IctSurface, topology: Topology, creases: Creases,
                 landmarks_68: Embedding) -> None:
        self.ict = surface.rows @ model.neutral.astype(np.float64)
        self._normals = TURN_M * vertex_normals(self.ict, surface.triangles)
        self._finder = Surface(surface.triangles, len(self.ict), NEIGHBOURS)
        self._features = _Features(model, self.ict, topology, creases, landmarks_68)
        self._mirror = surface.mirror(self.ict)
        self._topology = topology
        seen = ~(topology.eye_mask | topology.inside_mask)
        self._seen = np.flatnonzero(seen)

    def _left(self, points: np.ndarray) -> np.ndarray:
        return self._seen[points[self._seen, 0] > -1e-9]

    def _nearest(self, points: np.ndarray, left: np.ndarray) -> tuple[Embedding, np.ndarray]:
        """Return where vertices `left` are drawn to, and how alike both surfaces face."""
        normals = TURN_M * vertex_normals(points, self._topology.triangles)[left]
        near = self._finder.closest(points[left], self.ict, (normals, self._normals))
        return near, (near.of(self._normals) * normals).sum(axis=1) / TURN_M ** 2

    def targets(self, points: np.ndarray, area: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Return for the skin, the first n of the vertices, what pulls (n,3) and how strongly (n,).

        points (V,3); area (n,) m^2 of each vertex of the skin.
        """
        count, left = len(area), self._left(points)
        near, cosine = self._nearest(points, left)
        pull, weight = np.zeros((count, 3)), np.zeros(count)
        trusted = cosine > SMALLEST_COSINE
        weight[left[trusted]] = area[left[trusted]]
        pull[left[trusted]] = near.of(self.ict)[trusted]
        lines = self._features.lines(points)
        # A vertex of two lines goes between; on a line the surface does not count.
        weight[lines.vertices], pull[lines.vertices] = 0, 0
        np.add.at(weight, lines.vertices, lines.area_m2)
        np.add.at(pull, lines.vertices, lines.area_m2[:, None] * lines.targets)
        on_line = np.unique(lines.vertices)
        pull[on_line] /= weight[on_line][:, None]
        return _both_sides(weight, pull, self._topology.mirror[:count], points[:count])

    def touched(self, points: np.ndarray) -> Embedding:
        """Return where the skin in sight touches the ICT surface, exactly symmetric."""
        left = self._left(points)
        half, _ = self._nearest(points, left)
        vertices, weights = np.zeros((len(points), 3), np.int64), np.zeros((len(points), 3))
        right = self._topology.mirror[left]
        vertices[right], weights[right] = self._mirror[half.vertices], half.weights
        vertices[left], weights[left] = half.vertices, half.weights
        return Embedding(vertices, weights)


def register(model: IctModel, surface: IctSurface, mean: np.ndarray, topology: Topology,
             creases: Creases, landmarks_68: Embedding) -> Registration:
    """Lay the face model's mean (V,3) onto the neutral ICT head, exactly symmetric."""
    attraction = _Attraction(model, surface, topology, creases, landmarks_68)
    start = list(START)
    points = apply_similarity(mean, *similarity(
        landmarks_68.of(mean)[start], attraction.ict[model.landmarks_68][start]))
    points = (points + mirrored(points, topology.mirror)) / 2
    skin = ~topology.eye_mask
    count = int(skin.sum())
    if not skin[:count].all():
        raise ModelBuildingError('the eyes are not the last vertices of the mesh')
    triangles = topology.triangles[skin[topology.triangles].all(axis=1)]
    bending, area = thin_plate(points[:count], triangles)
    halves = SymmetricSolver(topology.mirror[:count], points[:count])
    rest = points
    for stiffness in STIFFNESS_M:
        weight, pull = attraction.targets(points, area)
        system = stiffness ** 4 * bending + sparse.diags(weight)
        points = rest.copy()
        points[:count] += halves.solve(system, weight[:, None] * (pull - rest[:count]))
    return Registration(points, attraction.touched(points))


def _both_sides(weight: np.ndarray, pull: np.ndarray, mirror: np.ndarray,
                points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the right half the weights and the mirrored targets of the left one."""
    right = points[:, 0] < -1e-9
    weight, pull = weight.copy(), pull.copy()
    weight[right] = weight[mirror[right]]
    pull[right] = pull[mirror[right]] * [-1, 1, 1]
    middle = np.abs(points[:, 0]) <= 1e-9
    pull[middle, 0] = 0
    return weight, pull
