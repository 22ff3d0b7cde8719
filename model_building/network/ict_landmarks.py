# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Where Face Mesh's 468 landmarks are on the ICT face model, and how its heads stand in our axes.

The correspondence of the two models (ict_correspondence.py) says where our vertices lie on the ICT
head; every landmark goes to the nearest place on its skin.
"""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial import cKDTree

from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.procrustes import similarity
from model_building.face_model import ict_model
from model_building.face_model.ict_correspondence import IctCorrespondence
from model_building.face_model.ict_model import IctModel

NEAREST = 12
"""Of so many nearest triangles by their middles the nearest place is taken."""


@dataclass(slots=True, frozen=True)
class IctLandmarks:
    """
    An embedding of the 468 landmarks: triangles' vertices (468, 3) and weights (468, 3).

    mean (468, 3): of our face model, in its axes.
    """

    vertices: np.ndarray
    weights: np.ndarray
    mean: np.ndarray

    @classmethod
    def of(cls, ict: IctModel, model: FaceModel) -> IctLandmarks:
        """
        Take our model's landmarks to the ICT model by the correspondence of the two.

        :raises ModelBuildingError: there is no such file.
        """
        laid_m = IctCorrespondence.load().neutral.astype(np.float64)
        with np.load(model.path) as file:
            corners = laid_m[file['landmarks_468_vertices']]
            points = np.einsum('nkx,nk->nx', corners, file['landmarks_468_weights'])
        vertices, weights = nearest_places(ict, points)
        return cls(vertices, weights, model.landmarks_468.mean)

    def points(self, vertices_m: np.ndarray) -> np.ndarray:
        """Return the landmarks (468, 3) of a head's vertices (V, 3)."""
        return np.einsum('nkx,nk->nx', vertices_m[self.vertices], self.weights)

    def model_from_ict(self, neutral_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """
        Return rotation (3, 3) and translation (3,) that take somebody to our model's axes.

        :param neutral_m: (V, 3) the person's head without an expression
        """
        points = self.points(neutral_m)
        _, rotation, _ = similarity(points, self.mean)
        return rotation, self.mean.mean(axis=0) - rotation @ points.mean(axis=0)


def nearest_places(ict: IctModel, points_m: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices (N, 3) and weights (N, 3) of the places on the face next to points."""
    quads = ict.quads[(ict.quads < ict_model.FACE.stop).all(axis=1)]
    triangles = np.concatenate([quads[:, [0, 1, 2]], quads[:, [0, 2, 3]]])
    triangles = triangles[triangles[:, 1] != triangles[:, 2]]
    corners = ict.neutral[triangles].astype(np.float64)
    _, near = cKDTree(corners.mean(axis=1)).query(points_m, NEAREST)
    candidates = corners[near]
    weights = _closest_weights(candidates, points_m[:, None])
    places = np.einsum('nckx,nck->ncx', candidates, weights)
    best = np.linalg.norm(places - points_m[:, None], axis=2).argmin(axis=1)
    rows = np.arange(len(points_m))
    return triangles[near[rows, best]], weights[rows, best]


def _closest_weights(corners: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Return barycentric weights (..., 3) of the places in triangles (..., 3, 3) near points."""
    a = corners[..., 0, :]
    ab, ac = corners[..., 1, :] - a, corners[..., 2, :] - a
    to = points - a
    g = [np.sum(u * v, axis=-1) for u, v in ((ab, ab), (ab, ac), (ac, ac), (ab, to), (ac, to))]
    determinant = np.maximum(g[0] * g[2] - g[1] ** 2, 1e-18)
    v = (g[2] * g[3] - g[1] * g[4]) / determinant
    w = (g[0] * g[4] - g[1] * g[3]) / determinant
    weights = np.clip(np.stack([1 - v - w, v, w], axis=-1), 0, 1)
    return weights / weights.sum(axis=-1, keepdims=True)
