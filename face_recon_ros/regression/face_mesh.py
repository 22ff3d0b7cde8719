# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""MediaPipe's Face Mesh as a regressor."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from face_recon_ros.errors import ModelFileError
from face_recon_ros.face_model.landmark_fit import LandmarkFitter
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.paths import model_file
from face_recon_ros.regression.base import Regression, no_face_without_pose
from face_recon_ros.regression.crop import cut_floats
from face_recon_ros.regression.region import Region
from face_recon_ros.regression.sight import seen_in
from face_recon_ros.tflite import Network

FACE_MESH_FILE = 'face_landmark.tflite'
FACE_MESH_LANDMARKS = 468
# Face Mesh places landmarks this far up and left, in pixels of its crop: on mirrored crops they
# fall twice as far from the mirrored ones. scripts/measure_crop_bias.py prints 0.14 to 0.40 by
# set of photos; with 0.31 Helen's NME68 is 3.33 %, without 3.48 %
FACE_MESH_BIAS_PX = 0.31


class FaceMeshRegressor:
    """MediaPipe's Face Mesh (Kartynnik et al. 2019) and the closed-form fit of the face model."""

    def __init__(
        self,
        model: FaceModel,
        path: str | Path | None = None,
        threads: int = 1,
        denoise_sigma_px: float = 0.0,
    ) -> None:
        """
        Read the file.

        :param denoise_sigma_px: standard deviation by which a stream's crops are denoised; 0: not,
            Face Mesh's figures are those that others know it by
        :raises ModelFileError: the file is not Face Mesh.
        """
        self._network = Network(path or model_file(FACE_MESH_FILE), threads)
        sizes = sorted(int(np.prod(shape)) for shape in self._network.output_shapes())
        if sizes != [1, 3 * FACE_MESH_LANDMARKS]:
            raise ModelFileError(
                f'model file {self._network.path}: outputs of {sizes} values, Face Mesh has '
                f'{[1, 3 * FACE_MESH_LANDMARKS]}; give face_landmark.tflite'
            )
        self._fitter = LandmarkFitter(model)
        self._denoise_sigma_px = denoise_sigma_px

    @no_face_without_pose
    def __call__(self, image: np.ndarray, region: Region, denoise: bool = False) -> Regression:
        image_from_crop = self.preprocess(image, region, denoise)
        return seen_in(self.postprocess(self.infer(), image_from_crop), region, image)

    def refined(self, image: np.ndarray, found: Regression, still: bool) -> Regression:
        """Return what was found: nothing is gained by another look."""
        return found

    def flip_augmented(self, image: np.ndarray, region: Region) -> Regression:
        """Look once: Face Mesh's figures are those that others know it by."""
        return self(image, region)

    def preprocess(
        self, image: np.ndarray, region: Region, denoise: bool = False
    ) -> np.ndarray:
        """Cut the region out as the network's input; return the map (2, 3) crop -> image px."""
        sigma_px = self._denoise_sigma_px if denoise else 0.0
        return cut_floats(self._network.input_tensor()[0], image, region, sigma_px, continued=True)

    def infer(self) -> list[np.ndarray]:
        """Run the network on what was cut out last."""
        return self._network.run()

    def postprocess(self, outputs: list[np.ndarray], image_from_crop: np.ndarray) -> Regression:
        """Fit the face model to the network's landmarks."""
        landmarks_px, presence = self.landmarks(outputs, image_from_crop)
        fit = self._fitter.fit(landmarks_px)
        points = landmarks_px[:, :2]
        return Regression(
            parameters=fit.parameters,
            presence=presence,
            fit_error=fit.error,
            box=np.concatenate([points.min(axis=0), points.max(axis=0)]),
            region=Region.from_landmarks(landmarks_px),
        )

    def landmarks(
        self, outputs: list[np.ndarray], image_from_crop: np.ndarray
    ) -> tuple[np.ndarray, float]:
        """Return Face Mesh's landmarks (468, 3) px, z towards the viewer, and the presence."""
        by_size = {output.size: output.ravel() for output in outputs}
        crop_points = by_size[3 * FACE_MESH_LANDMARKS].reshape(-1, 3).astype(np.float64)
        crop_points[:, :2] += FACE_MESH_BIAS_PX
        xy = crop_points[:, :2] @ image_from_crop[:, :2].T + image_from_crop[:, 2]
        # Face Mesh's z grows away from the viewer, in the crop's pixels
        z = -crop_points[:, 2] * np.linalg.norm(image_from_crop[:, 0])
        return np.column_stack([xy, z]), float(1 / (1 + np.exp(-by_size[1][0])))
