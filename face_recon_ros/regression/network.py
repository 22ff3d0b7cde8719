# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One network from a face crop to the 62 parameters: ours, or one of the 3DDFA family."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np

from face_recon_ros.errors import ModelFileError
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.paths import model_file
from face_recon_ros.regression.adapter import ModelAdapter
from face_recon_ros.regression.base import Regression, no_face_without_pose
from face_recon_ros.regression.crop import in_sight
from face_recon_ros.regression.family_3ddfa import FAMILY_3DDFA_INPUT, Family3ddfaAdapter
from face_recon_ros.regression.own_network import NETWORK_FILE, OWN_OUTPUTS, OwnNetworkAdapter
from face_recon_ros.regression.region import Region
from face_recon_ros.tflite import Network


class NetworkRegressor:
    """A network that finds the parameters in one go; its adapter knows the kind of file."""

    def __init__(
        self, model: FaceModel, path: str | Path | None = None, threads: int = 1
    ) -> None:
        """:raises ModelFileError: the file is of neither kind."""
        self._network = Network(path or model_file(NETWORK_FILE), threads)
        self._adapter = _adapter_of(self._network, model)

    @no_face_without_pose
    def __call__(self, image: np.ndarray, region: Region, denoise: bool = False) -> Regression:
        image_from_crop = self.preprocess(image, region, denoise)
        return self._found(self.infer(), image_from_crop, image, region)

    @no_face_without_pose
    def flip_augmented(self, image: np.ndarray, region: Region) -> Regression:
        """Average over the crop and its mirror image: errors to one side cancel."""
        image_from_crop = self.preprocess(image, region)
        outputs = self._adapter.flip_augmented(self.infer(), self._network)
        return self._found(outputs, image_from_crop, image, region)

    def refined(self, image: np.ndarray, found: Regression, still: bool) -> Regression:
        """Return what was found: nothing is gained by another look."""
        return found

    def _found(
        self,
        outputs: list[np.ndarray],
        image_from_crop: np.ndarray,
        image: np.ndarray,
        region: Region,
    ) -> Regression:
        """Return what was found; presence falls with the part of the face outside the image."""
        found = self.postprocess(outputs, image_from_crop)
        part = in_sight(found.box, region, image)
        return found if part == 1 else replace(found, presence=found.presence * part)

    def preprocess(
        self, image: np.ndarray, region: Region, denoise: bool = False
    ) -> np.ndarray:
        """Cut the region out as the network's input; return the map (2, 3) crop -> image px."""
        return self._adapter.cut(self._network.input_tensor()[0], image, region, denoise)

    def infer(self) -> list[np.ndarray]:
        """Run the network on what was cut out last."""
        return self._network.run()

    def postprocess(self, outputs: list[np.ndarray], image_from_crop: np.ndarray) -> Regression:
        """Take what the network found in its crop to the image."""
        return self._adapter.read(outputs, image_from_crop)


def _adapter_of(network: Network, model: FaceModel) -> ModelAdapter:
    if set(OWN_OUTPUTS) <= set(network.output_names):
        return OwnNetworkAdapter(network, model)
    shapes = network.output_shapes()
    if network.input_shape == FAMILY_3DDFA_INPUT and (1, 3, 4) in shapes:
        return Family3ddfaAdapter(network, shapes, model)
    raise ModelFileError(
        f'model file {network.path}: image {network.input_shape} -> '
        f'{", ".join(network.output_names)} is no face network this program knows; '
        f'give {NETWORK_FILE}, or one with image {FAMILY_3DDFA_INPUT}, camera and landmarks'
    )
