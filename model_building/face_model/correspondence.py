# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Where Face Mesh's 468 landmarks lie on the mesh, and the mean face that fits them.

Face Mesh's average neutral face is matched by an identity; that identity becomes the mean, what
is left between it and the landmarks becomes a constant offset of each landmark.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from face_recon_ros.face_model.normals import vertex_normals
from model_building.face_model import face_mesh
from model_building.face_model.face_mesh_statistics import FaceMeshStatistics
from model_building.face_model.similarity import apply_similarity, mirrored, similarity
from model_building.face_model.surface import Embedding, Surface, closest_on_edges
from model_building.face_model.topology import Topology

FITTING_ROUNDS = 15
IDENTITY_RIDGE_M2 = 1e-8
"""Per landmark: a mean of one standard deviation costs this much."""
FIT_RIDGE_M2 = 3e-8
"""Per landmark: the recogniser's own."""
RESTING_LIP_GAP_M = 0.0003
"""Between facing inner-lip landmarks of closed lips."""
FACING = 0.8
"""Lip surfaces whose normal is this close to vertical touch the other lip."""
MOUTH_HALF_WIDTH_M, MOUTH_BELOW_TIP_M = 0.032, (0.012, 0.042)


@dataclass(frozen=True, slots=True)
class Creases:
    """Vertices along the edges that Face Mesh follows; the left half (x >= 0) of each."""

    lid: np.ndarray
    upper_lip: np.ndarray
    lower_lip: np.ndarray


def _rim_of_sight(topology: Topology, visible: np.ndarray) -> np.ndarray:
    """Return visible vertices with a neighbour that is out of sight."""
    edges = np.concatenate([topology.triangles[:, [k, (k + 1) % 3]] for k in range(3)])
    edges = np.concatenate([edges, edges[:, ::-1]])
    return np.unique(edges[visible[edges[:, 0]] & ~visible[edges[:, 1]], 0])


def find_creases(topology: Topology, base: np.ndarray) -> Creases:
    """Find lid margins and lip contact lines on the undeformed mesh (V,3), metres."""
    skin = ~topology.eye_mask
    rim = _rim_of_sight(topology, topology.front_mask & skin & ~topology.inside_mask)
    rim = rim[base[rim, 0] >= -1e-9]
    eye = base[topology.eye_mask & (base[:, 0] > 0)]
    centre, radius = eye.mean(axis=0), np.ptp(eye[:, 0]) / 2
    near_eye, _ = cKDTree(eye).query(base[rim])
    lid = rim[(near_eye < 0.25 * radius) & (np.abs(base[rim, 1] - centre[1]) < 0.6 * radius)]
    plane = np.flatnonzero((np.abs(base[:, 0]) < 1e-9) & skin)
    tip = base[plane[np.argmax(base[plane, 2])]]
    below = tip[1] - base[rim, 1]
    mouth = rim[(base[rim, 0] < MOUTH_HALF_WIDTH_M) & (below > MOUTH_BELOW_TIP_M[0])
                & (below < MOUTH_BELOW_TIP_M[1])]
    normals = vertex_normals(base, topology.triangles)[mouth, 1]
    return Creases(lid, mouth[normals < -FACING], mouth[normals > FACING])


@dataclass(frozen=True, slots=True)
class Correspondence:
    """The mean face with its landmarks."""

    mean: np.ndarray
    """(V,3) metres."""
    landmarks_468: Embedding
    offset_468: np.ndarray
    """(468,3) metres, added to the embedded points."""


def visible_triangles(topology: Topology) -> np.ndarray:
    """Return the triangles (t,3) of the skin that can be seen."""
    usable = ~(topology.inside_mask | topology.eye_mask)
    return topology.triangles[usable[topology.triangles].all(axis=1)]


def plane_edges(topology: Topology, base: np.ndarray) -> np.ndarray:
    """Return the edges (e,2) of the skin that can be seen in the plane x = 0 of a face (V,3)."""
    plane = (np.abs(base[:, 0]) < 1e-9) & ~(topology.inside_mask | topology.eye_mask)
    triangles = topology.triangles
    edges = np.concatenate([triangles[:, [k, (k + 1) % 3]] for k in range(3)])
    edges = edges[plane[edges].all(axis=1)]
    return np.asarray(edges[edges[:, 0] < edges[:, 1]])


class _Matcher:
    """Projects landmarks to the mesh, exactly symmetric."""

    def __init__(self, topology: Topology, creases: Creases, mirror_468: np.ndarray,
                 base: np.ndarray, sides: np.ndarray) -> None:
        self._surface = Surface(visible_triangles(topology), len(base))
        self._plane_edges = plane_edges(topology, base)
        self._topology, self._mirror_468 = topology, mirror_468
        self._middle = np.flatnonzero(mirror_468 == np.arange(len(mirror_468)))
        self._left = np.flatnonzero((sides > 0) & (mirror_468 != np.arange(len(mirror_468))))
        crease_of = {}
        for right in face_mesh.RIGHT_LID:
            crease_of[int(mirror_468[right])] = creases.lid
        for index in face_mesh.INNER_UPPER_LIP:
            crease_of[index] = creases.upper_lip
        for index in face_mesh.INNER_LOWER_LIP:
            crease_of[index] = creases.lower_lip
        self._crease_of = crease_of

    def _on_crease(self, target: np.ndarray, crease: np.ndarray, points: np.ndarray) -> int:
        distance = np.linalg.norm((points[crease] - target) * [1, 1, 0.3], axis=1)
        return int(crease[np.argmin(distance)])

    def project(self, targets: np.ndarray, points: np.ndarray) -> Embedding:
        """Embed targets (468,3), symmetric, on the mesh with vertices at points (V,3)."""
        vertices = np.zeros((len(targets), 3), np.int64)
        weights = np.zeros((len(targets), 3))
        for indices, found in (
                (self._left, self._surface.closest(targets[self._left], points)),
                (self._middle, closest_on_edges(targets[self._middle], self._plane_edges,
                                                points))):
            vertices[indices], weights[indices] = found.vertices, found.weights
        for index, crease in self._crease_of.items():
            if index in self._middle:
                crease = crease[np.abs(points[crease, 0]) < 1e-9]
            if index in self._middle or index in self._left:
                vertices[index] = self._on_crease(targets[index], crease, points)
                weights[index] = (1, 0, 0)
        right = self._mirror_468[self._left]
        vertices[right] = self._topology.mirror[vertices[self._left]]
        weights[right] = weights[self._left]
        return Embedding(vertices, weights)


def _starting_points(topology: Topology, creases: Creases, mean: np.ndarray,
                     mirror_468: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return landmark indices and their rough places (n,3) on the mean."""
    lid, lip = creases.lid, creases.upper_lip
    outer = lid[np.argmax(mean[lid, 0])]
    inner = lid[np.argmin(mean[lid, 0])]
    corner = lip[np.argmax(mean[lip, 0])]
    plane = np.flatnonzero((np.abs(mean[:, 0]) < 1e-9) & topology.front_mask)
    tip = plane[np.argmax(mean[plane, 2])]
    chin = plane[np.argmin(mean[plane, 1])]
    left = {face_mesh.LEFT_OUTER_CANTHUS: outer, face_mesh.LEFT_INNER_CANTHUS: inner,
            face_mesh.LEFT_MOUTH_CORNER: corner}
    places = {index: mean[vertex] for index, vertex in left.items()}
    places |= {int(mirror_468[index]): mean[topology.mirror[vertex]]
               for index, vertex in left.items()}
    places |= {face_mesh.NOSE_TIP: mean[tip], face_mesh.CHIN: mean[chin]}
    return np.array(list(places)), np.array(list(places.values()))


def match(topology: Topology, creases: Creases, mean: np.ndarray, basis: np.ndarray,
          statistics: FaceMeshStatistics) -> Correspondence:
    """
    Fit the identity basis (40,V,3) about mean (V,3), metres, to Face Mesh's average face.

    The returned mean keeps the size and the axes of the given one.
    """
    mirror_468 = statistics.mirror
    indices, places = _starting_points(topology, creases, mean, mirror_468)
    targets = apply_similarity(statistics.shape, *similarity(statistics.shape[indices], places))
    targets = (targets + mirrored(targets, mirror_468)) / 2
    matcher = _Matcher(topology, creases, mirror_468, mean, statistics.shape[:, 0])
    even = (basis + mirrored(basis, topology.mirror)) / 2
    points = mean
    for _ in range(FITTING_ROUNDS):
        embedding = matcher.project(targets, points)
        targets = apply_similarity(targets, *similarity(targets, embedding.of(points)))
        rows = embedding.of(even).reshape(len(even), -1)
        missing = (targets - embedding.of(mean)).ravel()
        ridge = IDENTITY_RIDGE_M2 * len(targets) * np.eye(len(rows))
        coefficients = np.linalg.solve(rows @ rows.T + ridge, rows @ missing)
        points = mean + np.tensordot(coefficients, even, axes=1)
    offset = targets - embedding.of(points)
    return Correspondence(points, embedding, (offset + mirrored(offset, mirror_468)) / 2)


def offset_of_everyone(places: np.ndarray, basis: np.ndarray,
                       statistics: FaceMeshStatistics) -> np.ndarray:
    """
    Return what fits of everyday faces leave unexplained on average (468,3), metres.

    Face Mesh and the model disagree in the same way on most faces, smiling ones too, so this is
    added to the landmarks' offsets. places (468,3) and basis (k,468,3) are the landmarks of the
    mean and how the components move them. To first order the average residual of many fits is
    the residual of the fit to their average.
    """
    rows = basis.reshape(len(basis), -1)
    ridge = FIT_RIDGE_M2 * len(places) * np.eye(len(rows))
    points = places
    for _ in range(FITTING_ROUNDS):
        target = apply_similarity(statistics.shape_of_all,
                                  *similarity(statistics.shape_of_all, points))
        coefficients = np.linalg.solve(rows @ rows.T + ridge, rows @ (target - places).ravel())
        points = places + np.tensordot(coefficients, basis, axes=1)
    residual = target - points
    return (residual + mirrored(residual, statistics.mirror)) / 2


def with_resting_lips(places: np.ndarray) -> np.ndarray:
    """
    Return the landmarks of the mean (468,3), metres, with the inner lips where closed lips are.

    Face Mesh's lips are open on the average photo and those of the mean are closed. Without this
    the fit of a closed mouth would press the lips through each other by that difference.
    """
    upper, lower = list(face_mesh.INNER_UPPER_LIP), list(face_mesh.INNER_LOWER_LIP)
    middle = (places[upper] + places[lower]) / 2
    resting = places.copy()
    half = np.array([0, RESTING_LIP_GAP_M / 2, 0])
    resting[upper], resting[lower] = middle + half, middle - half
    return resting
