# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What a frontal photo does not say of a face: its relief.

A fit answers with the most likely shape. In 2,547 fitted photos the noses are as long as one
another to a millimetre and a fifth longer than people's. Here the relief is drawn anew, among the
shapes that look the same from in front, with noses as long as people's.
"""
from __future__ import annotations

from dataclasses import replace

import numpy as np

from face_recon_ros.face_model.file import SHAPE_COUNT
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import FaceParameters

NOSE_TIP_68, SUBNASALE_68 = 30, 33
NOSE_M, NOSE_SPREAD_M = 0.0192, 0.0020
"""Nasal tip protrusion (sn-prn) of adults, mean and standard deviation: 19.5 mm of men, 18.9 of
women (Farkas, Anthropometry of the Head and Face, 1994); the model's mean has 22.7."""
SEEN_M = 0.001
"""To how much a photo tells where a landmark is, across the line of sight."""
INDEPENDENT_LANDMARKS = 100
"""So many of the 468: neighbours err together."""
SPREAD = 0.7
"""How much of the variety of the model's shapes is drawn: its sliders exaggerate noses so much."""


class Relief:
    """Draws shapes."""

    def __init__(self, model: FaceModel) -> None:
        basis = model.landmarks_468.basis[:, :, :SHAPE_COUNT]
        self._basis = basis
        self._nose = model.landmarks_68.mean[[NOSE_TIP_68, SUBNASALE_68]]
        self._nose_basis = model.landmarks_68.basis[[NOSE_TIP_68, SUBNASALE_68]][..., :SHAPE_COUNT]

    def like(self, parameters: FaceParameters, rng: np.random.Generator) -> FaceParameters:
        """Return a face that looks the same in the photo the parameters were fitted to."""
        across = np.einsum('xy,nyk->nxk', parameters.model_rotation[:2], self._basis)
        rows = across.reshape(-1, SHAPE_COUNT)
        weight = INDEPENDENT_LANDMARKS / len(self._basis) / SEEN_M**2
        precision = weight * rows.T @ rows + np.eye(SHAPE_COUNT) / SPREAD**2
        covariance = np.linalg.inv(precision)
        step = np.linalg.cholesky(covariance) @ rng.standard_normal(SHAPE_COUNT)
        shape = self._with_nose(parameters.shape + step, covariance, rng)
        return replace(parameters, shape=shape)

    def person(self, shape: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Return a shape (40,) with a nose as people have them."""
        return self._with_nose(shape, np.eye(SHAPE_COUNT), rng)

    def nose_m(self, shape: np.ndarray) -> float:
        """Return how far the tip of the nose stands out of a shape (40,)."""
        tip, base = self._nose + self._nose_basis @ shape
        return float(np.linalg.norm(tip - base))

    def _with_nose(
        self, shape: np.ndarray, covariance: np.ndarray, rng: np.random.Generator
    ) -> np.ndarray:
        """Give a shape a nose of some length, changing it as little as the covariance allows."""
        wanted_m = NOSE_M + NOSE_SPREAD_M * np.clip(rng.standard_normal(), -2.5, 2.5)
        for _ in range(2):
            tip, base = self._nose + self._nose_basis @ shape
            length_m = np.linalg.norm(tip - base)
            slope = (self._nose_basis[0] - self._nose_basis[1]).T @ ((tip - base) / length_m)
            way = covariance @ slope
            shape = shape + way * (wanted_m - length_m) / (slope @ way)
        return shape
