# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What tells the kinds of network files apart: how an image goes in and parameters come out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from face_recon_ros.face_model.landmarks import SparseModel
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.regression.region import Region
from face_recon_ros.tflite import Network


@dataclass(slots=True, frozen=True)
class Reading:
    """
    What a network's outputs say, in crop pixels.

    points_px (N, 2): landmarks around the face. The rest: see Regression.
    """

    parameters: FaceParameters
    points_px: np.ndarray
    presence: float
    fit_error: float
    rotation_sigma_rad: float | None


class ModelAdapter(Protocol):
    """How a kind of file takes its image, size x size, and gives its results."""

    size: int
    denoise_sigma_px: float

    def fill(self, tensor: np.ndarray, rgb: np.ndarray) -> None:
        """Write a crop (size, size, 3) uint8 RGB into the input tensor."""

    def read(self, outputs: list[np.ndarray]) -> Reading:
        """Say what the outputs mean."""

    def region(self, region: Region) -> Region:
        """Return the region to cut for a face in `region`."""

    def flip_augmented(self, outputs: list[np.ndarray], network: Network) -> list[np.ndarray]:
        """
        Return outputs averaged with those of the mirrored crop.

        :param network: its input holds the crop that outputs are of
        """


def fit_error_of(
    sparse: SparseModel, canthi: tuple[int, int], parameters: FaceParameters, points: np.ndarray
) -> float:
    """Return the mean distance in the image of landmarks (N, 2) and the model's; see Fit."""
    model_points = sparse.points(parameters)
    unit = np.linalg.norm(model_points[canthi[0]] - model_points[canthi[1]])
    difference = parameters.project(model_points)[:, :2] - points
    distance = np.sqrt(np.einsum('ij,ij->i', difference, difference)).mean()
    return float(distance / (unit * parameters.scale_px_per_m))
