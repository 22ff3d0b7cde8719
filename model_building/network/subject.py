# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a training crop shows: somebody whose exact shape is known, drawn at any pose."""
from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from face_recon_ros.face_model.parameters import SCREEN_FROM_MODEL_AXES, FaceParameters
from face_recon_ros.regression.region import CROP_CENTRE_M


@dataclass(slots=True, frozen=True)
class View:
    """
    How a crop sees a head.

    rotation (3, 3): model axes -> image-right, up, towards the viewer. scale_px_per_m.
    centre_px (2,): where CROP_CENTRE_M falls in the crop. size: the crop's side in pixels.
    """

    rotation: np.ndarray
    scale_px_per_m: float
    centre_px: np.ndarray
    size: int

    def to_pixels(self, points_m: np.ndarray) -> np.ndarray:
        """Take model points (N, 3) in metres to crop pixels (N, 3), z towards the viewer."""
        screen = self.scale_px_per_m * SCREEN_FROM_MODEL_AXES @ self.rotation
        return (points_m - CROP_CENTRE_M) @ screen.T + np.append(self.centre_px, 0.0)

    def parameters(self, coefficients: np.ndarray) -> FaceParameters:
        """Return the 62 parameters in the crop of a face with these (50,) coefficients."""
        screen = self.scale_px_per_m * SCREEN_FROM_MODEL_AXES @ self.rotation
        origin = np.append(self.centre_px, 0.0) - screen @ CROP_CENTRE_M
        return FaceParameters(
            np.column_stack([screen, origin]), coefficients[:40], coefficients[40:]
        )


class Subject(Protocol):
    """Somebody to draw; coefficients (50,) are the truth about shape and expression."""

    coefficients: np.ndarray

    def draw(self, view: View, background: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """Draw over background (size, size, 3) uint8 BGR; return the crop."""
