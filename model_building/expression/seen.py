# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What Face Mesh sees of portraits, cut out as a tracker cuts them: nearly where the face is."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from face_recon_ros.io.image_files import read_image
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.face_mesh import FaceMeshRegressor
from face_recon_ros.regression.region import Region

LOOKS = 4
SHIFT_SPREAD, SCALE_SPREAD, ROLL_SPREAD_RAD = 0.015, 0.03, 0.03
"""How far off a tracker looks, as parts of the region."""
LEAST_PRESENCE = 0.5


def landmarks_of(photos: Sequence[Path], seed: int) -> np.ndarray:
    """Return landmarks (N, 468, 3), px, z towards the viewer: LOOKS of each photo's face."""
    pipeline = Pipeline(PipelineConfig(smoothing=None))
    face_mesh = FaceMeshRegressor(pipeline.model)
    rng = np.random.default_rng(seed)
    rows = []
    for path in tqdm(photos, unit='photo', leave=False, disable=None):
        image = read_image(path)
        found = _surest(pipeline, image)
        if found is None:
            continue
        points_px = pipeline.model.landmarks_468.points_px(found.parameters)
        region = Region.from_landmarks(points_px)
        for _ in range(LOOKS):
            shift = region.side_px * rng.normal(0, SHIFT_SPREAD, 2)
            scale, roll = np.exp(rng.normal(0, SCALE_SPREAD)), rng.normal(0, ROLL_SPREAD_RAD)
            off = Region(region.centre + shift, region.side_px * scale, region.roll_rad + roll)
            image_from_crop = face_mesh.preprocess(image, off)
            landmarks, presence = face_mesh.landmarks(face_mesh.infer(), image_from_crop)
            if presence > LEAST_PRESENCE:
                rows.append(landmarks)
    return np.array(rows)


def _surest(pipeline: Pipeline, image: np.ndarray) -> Regression | None:
    found = []
    for detection in pipeline.detector(image):
        first = pipeline.regressor(image, Region.from_detection(detection))
        found.append(pipeline.regressor(image, first.region))
    return max(found, key=lambda f: f.presence, default=None)
