# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How far a face that was found lies from the skin of the true head, after similarity."""
from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from scipy.spatial import cKDTree

from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.face_model.procrustes import similarity
from model_building.face_model.ict_correspondence import SKIN, IctCorrespondence
from model_building.face_model.ict_model import IctModel
from model_building.network.ict_landmarks import nearest_places
from model_building.network.piece import normals_of

PLACES = 2000
"""Of so many places of the skin, as many to each area, the mean distance is taken."""
NEAR_M = 0.002
"""Only of skin that lies so near to the other model's face."""


@dataclass(slots=True, frozen=True)
class SkinPlaces:
    """
    Places of the face model's skin on heads of the ICT model.

    chosen (N,): vertices of the face model. vertices (N, 3), weights (N, 3): where they lie on the
    ICT model.
    """

    chosen: np.ndarray
    vertices: np.ndarray
    weights: np.ndarray

    @classmethod
    def of(cls, ict: IctModel, model: FaceModel) -> SkinPlaces:
        """:raises ModelBuildingError: the correspondence of the two models is not there."""
        correspondence = IctCorrespondence.load()
        area = vertex_areas(model.mean.astype(np.float64), model.triangles)
        area[correspondence.kind != SKIN] = 0
        rng = np.random.default_rng(0)
        chosen = np.sort(rng.choice(len(area), PLACES, replace=False, p=area / area.sum()))
        laid_m = correspondence.neutral[chosen].astype(np.float64)
        vertices, weights = nearest_places(ict, laid_m)
        places = np.einsum('nkx,nk->nx', ict.neutral[vertices], weights)
        near = np.linalg.norm(places - laid_m, axis=1) < NEAR_M
        return cls(chosen[near], vertices[near], weights[near])

    def on(self, points_m: np.ndarray) -> np.ndarray:
        """Return the places (N, 3) on an ICT head (V, 3), subdivided or not."""
        return np.einsum('nkx,nk->nx', points_m[self.vertices], self.weights)


class SurfaceErrors:
    """Measures faces of one model."""

    def __init__(self, model: FaceModel, chosen: np.ndarray) -> None:
        """Prepare for the places of these vertices (N,)."""
        self._model = model
        self._chosen = chosen

    def found_mm(self, parameters: FaceParameters, truth_m: np.ndarray) -> float:
        """Return the mean distance of a face's surface from the true places (N, 3)."""
        points = self._model.decoder.decode(
            np.eye(3, 4), parameters.shape, parameters.expression).astype(np.float64)
        return self._mean_distance_mm(_Surface(points, self._model.triangles), truth_m)

    def mean_face_mm(self, truth_m: np.ndarray) -> float:
        """Return that of the model's mean face."""
        return self._mean_distance_mm(self._mean_face, truth_m)

    @cached_property
    def _mean_face(self) -> _Surface:
        return _Surface(self._model.mean.astype(np.float64), self._model.triangles)

    def _mean_distance_mm(self, surface: _Surface, truth_m: np.ndarray) -> float:
        scale, rotation, move = similarity(truth_m, surface.points[self._chosen])
        moved = scale * truth_m @ rotation.T + move
        return float(1e3 * surface.distances(moved).mean() / scale)


class _Surface:
    """Points (V, 3) and what is needed for distances to the surface that they span."""

    def __init__(self, points: np.ndarray, triangles: np.ndarray) -> None:
        self.points = points
        self._tree = cKDTree(points)
        self._normals = normals_of(points, triangles).astype(np.float64)

    def distances(self, places: np.ndarray) -> np.ndarray:
        """Return those (N,) of places (N, 3) to the tangent planes of the nearest vertices."""
        _, nearest = self._tree.query(places)
        return np.abs(np.einsum(
            'nx,nx->n', places - self.points[nearest], self._normals[nearest]))


def vertex_areas(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return a third of the area of the triangles around each vertex (V,)."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    third = np.linalg.norm(np.cross(b - a, c - a), axis=1) / 6
    return np.bincount(triangles.ravel(), np.repeat(third, 3), len(points))
