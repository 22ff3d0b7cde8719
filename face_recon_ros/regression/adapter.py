# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What tells the kinds of network files apart: how an image goes in and parameters come out."""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np

from face_recon_ros.face_model.landmarks import SparseModel
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.region import Region
from face_recon_ros.tflite import Network


class ModelAdapter(Protocol):
    """How a kind of file takes its image, size x size, and gives its results."""

    size: int

    def cut(self, tensor: np.ndarray, image: np.ndarray, region: Region, denoise: bool) -> Any:
        """Write the crop of a face in `region` into a tensor; return what read() takes."""

    def in_mirror(self, network: Network) -> list[np.ndarray] | None:
        """Return the outputs of the mirrored crop, of the one in the network's input; None: no."""

    def read(
        self, outputs: list[np.ndarray], place: Any, mirrored: list[np.ndarray] | None = None
    ) -> Regression:
        """
        Say what the outputs of a crop mean in the image.

        :param place: what cut() has returned
        :param mirrored: the outputs of its mirror image: the mean of both is told
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


def regression_of(
    parameters: FaceParameters,
    points_px: np.ndarray,
    image_from_crop: np.ndarray,
    presence: float,
    fit_error: float,
) -> Regression:
    """Return what was found in a crop, parameters and landmarks (N, 2), as it is in the image."""
    found = _in_image(parameters, image_from_crop)
    points = points_px @ image_from_crop[:, :2].T + image_from_crop[:, 2]
    return Regression(
        parameters=found,
        presence=presence,
        fit_error=fit_error,
        box=np.concatenate([points.min(axis=0), points.max(axis=0)]),
        region=Region.from_parameters(found),
    )


def _in_image(parameters: FaceParameters, image_from_crop: np.ndarray) -> FaceParameters:
    """Take the parameters in a crop, cut by a similarity, to the image."""
    linear = np.eye(3)
    linear[:2, :2] = image_from_crop[:, :2]
    linear[2, 2] = np.linalg.norm(image_from_crop[:, 0])
    matrix = linear @ parameters.camera_matrix
    matrix[:2, 3] += image_from_crop[:, 2]
    return FaceParameters(matrix, parameters.shape, parameters.expression)
