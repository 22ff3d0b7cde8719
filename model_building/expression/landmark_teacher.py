# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What Face Mesh's landmarks show of the expressions in photos."""
from __future__ import annotations

from pathlib import Path

import numpy as np

from face_recon_ros.errors import GeometryError
from face_recon_ros.expression.looks import with_openness
from face_recon_ros.expression.smile import SMILES, SmileMeasure
from face_recon_ros.eyes.openness import part_open
from face_recon_ros.face import Face
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.face_mesh import FaceMeshRegressor
from face_recon_ros.regression.region import Region
from model_building.expression.features import aligned
from model_building.expression.landmark_regression import ExpressionRegression

LEAST_SCORE, LEAST_PRESENCE = 0.5, 0.5


class LandmarkTeacher:
    """
    Reads photos by Face Mesh's landmarks, blinks by the eyes' network.

    Smiles are the mean of what is learnt from simulated landmarks and of a measure of the mouth.
    """

    def __init__(self, path: Path) -> None:
        """:raises ModelFileError: not what train.py writes."""
        self._pipeline = Pipeline(PipelineConfig())
        self._model = self._pipeline.model
        self._face_mesh = FaceMeshRegressor(self._model)
        self._regression = ExpressionRegression(
            self._model.landmarks_468.mean, self._model.landmarks_468_mirror, path)
        self._smile = SmileMeasure(self._model.landmarks_468)

    def __call__(self, image: np.ndarray) -> tuple[Face, np.ndarray] | None:
        """Return the largest sure face and its coefficients (52,); None where there is none."""
        faces = [f for f in self._pipeline.detect(image) if f.score > LEAST_SCORE]
        if not faces:
            return None
        face = max(faces, key=lambda f: float(f.box[2] - f.box[0]))
        points_px = self._model.landmarks_468.points_px(face.parameters)
        image_from_crop = self._face_mesh.preprocess(image, Region.from_landmarks(points_px))
        landmarks_px, presence = self._face_mesh.landmarks(
            self._face_mesh.infer(), image_from_crop)
        if presence < LEAST_PRESENCE:
            return None
        try:
            seen = aligned(landmarks_px, self._model.landmarks_468.mean)
        except GeometryError:
            return None
        read = self._regression(seen)
        read[SMILES] = np.clip((read[SMILES] + self._smile(landmarks_px)) / 2, 0.0, 1.0)
        return face, with_openness(read, part_open(face.eye_openness))
