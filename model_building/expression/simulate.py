# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Landmarks of expressions without a picture: the ICT model's, with noise as Face Mesh's has."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from face_recon_ros.expression.units import COUNT
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.procrustes import similarity
from model_building.expression import sampling
from model_building.expression.features import STEADY_468
from model_building.face_model.ict_model import IctModel
from model_building.network.ict_landmarks import IctLandmarks

IDENTITY_LIMIT = 2.5
NOISE_M, SMOOTH_NOISE_M = np.array([1.2e-3, 1.2e-3, 2.5e-3]), np.array([7e-4, 7e-4, 2e-3])
"""Standard deviations of a landmark's place, alone and together with its neighbours."""
NEIGHBOURHOOD_M = 0.02
TURN_SPREAD_RAD = np.array([0.2, 0.45, 0.08])


class Simulation:
    """Draws people and expressions as landmarks."""

    def __init__(self, ict: Path, model: FaceModel) -> None:
        """:raises ModelBuildingError: the folder is not the ICT face model's."""
        people = IctModel.load(ict)
        places = IctLandmarks.of(people, model)
        self._neutral = places.points(people.neutral)
        self._identity = np.array([places.points(mode) for mode in people.identity])
        shapes = dict(zip(people.expression_names, map(places.points, people.expression),
                          strict=True))
        self._units = np.zeros((COUNT, *self._neutral.shape))
        for unit, weights in enumerate(np.eye(COUNT)):
            for name, weight in sampling.of_ict(weights).items():
                self._units[unit] += weight * shapes[name]
        self._reference = model.landmarks_468.mean
        apart = ((self._neutral[:, None] - self._neutral) ** 2).sum(axis=2)
        alike = np.exp(-apart / (2 * NEIGHBOURHOOD_M**2)) + 1e-6 * np.eye(len(apart))
        self._smooth = np.linalg.cholesky(alike)

    def __call__(self, rng: np.random.Generator,
                 count: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Return points (N, 468, 3) without pose, turns (N, 3) and weights (N, 52)."""
        weights = np.array([sampling.draw(rng) for _ in range(count)])
        identities = rng.standard_normal((count, len(self._identity)))
        identities = np.clip(identities, -IDENTITY_LIMIT, IDENTITY_LIMIT)
        points = (self._neutral + np.tensordot(identities, self._identity, 1)
                  + np.tensordot(weights, self._units, 1))
        points += NOISE_M * rng.standard_normal(points.shape)
        points += SMOOTH_NOISE_M * (self._smooth @ rng.standard_normal(points.shape))
        for face in points:
            face[:] = self._laid(face)
        turns = TURN_SPREAD_RAD * rng.standard_normal((count, 3))
        return points, turns, weights

    def _laid(self, face: np.ndarray) -> np.ndarray:
        scale, rotation, move = similarity(face[STEADY_468], self._reference[STEADY_468])
        return scale * face @ rotation.T + move
