# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Finds rendered faces as the program follows a face: from nearly where it is."""
from __future__ import annotations

import numpy as np

from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.region import Region

SHIFT_SPREAD, SCALE_SPREAD, ROLL_SPREAD_RAD = 0.02, 0.04, 0.04
"""How far off the first look is, as parts of the region."""


class Finder:
    """Runs the regressor that ships, twice, as on a face that was just found."""

    def __init__(self) -> None:
        self._regressor = Pipeline(PipelineConfig()).regressor

    def __call__(self, image: np.ndarray, face: FaceParameters,
                 rng: np.random.Generator) -> FaceParameters:
        """Return what is found of a face in a BGR image."""
        region = Region.from_parameters(face)
        shift = region.side_px * rng.normal(0, SHIFT_SPREAD, 2)
        scale, roll = np.exp(rng.normal(0, SCALE_SPREAD)), rng.normal(0, ROLL_SPREAD_RAD)
        first = self._regressor(image, Region(
            region.centre + shift, region.side_px * scale, region.roll_rad + roll))
        return self._regressor(image, first.region).parameters
