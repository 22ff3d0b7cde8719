# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""One network from a face crop to the 62 parameters: ours, or one of the 3DDFA family."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from face_recon_ros.errors import ModelFileError
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.paths import is_shipped, model_file
from face_recon_ros.regression.adapter import ModelAdapter
from face_recon_ros.regression.base import Regression, no_face_without_pose
from face_recon_ros.regression.family_3ddfa import FAMILY_3DDFA_INPUT, Family3ddfaAdapter
from face_recon_ros.regression.own_network import NETWORK_FILE, OWN_OUTPUTS, OwnNetworkAdapter
from face_recon_ros.regression.region import Region
from face_recon_ros.regression.sight import seen_in
from face_recon_ros.tflite import Network

# Faces in one run of the network: four take up to a sixth less than one after the other, eight no
# less than four (docs/speed.md)
GROUP = 4
# Presence below which what was found is not looked at again
WORTH_A_LOOK = 0.5
# What both ways may differ by, in the network's units (pixels of the crop at most)
GROUP_TOLERANCE = 1e-3


class NetworkRegressor:
    """A network that finds the parameters in one go; its adapter knows the kind of file."""

    def __init__(
        self, model: FaceModel, path: str | Path | None = None, threads: int = 1
    ) -> None:
        """:raises ModelFileError: the file is of neither kind."""
        self._network = Network(path or model_file(NETWORK_FILE), threads)
        self._adapter = _adapter_of(self._network, model)
        # loaded as faces come; False: it cannot be
        self._group: Network | bool | None = None

    @no_face_without_pose
    def __call__(self, image: np.ndarray, region: Region, denoise: bool = False) -> Regression:
        place = self.preprocess(image, region, denoise)
        return self._found(self.infer(), place, image, region)

    @no_face_without_pose
    def flip_augmented(
        self, image: np.ndarray, region: Region, denoise: bool = False
    ) -> Regression:
        """Average over the crop and its mirror image: errors to one side cancel."""
        place = self.preprocess(image, region, denoise)
        outputs = self.infer()
        mirrored = self._adapter.in_mirror(self._network)
        return seen_in(self._adapter.read(outputs, place, mirrored), region, image)

    def refined(self, image: np.ndarray, found: Regression, still: bool) -> Regression:
        """Look at a face of a stream both ways: its next crops are looked at one way each."""
        if still or found.presence < WORTH_A_LOOK:
            return found
        return self.flip_augmented(image, found.region, denoise=True)

    def group_size(self, faces: int) -> int:
        """Return GROUP for a network that ships and is found to give the same; else 1."""
        if faces < GROUP:
            return 1
        if self._group is None:
            self._group = is_shipped(self._network.path) and self._load_group()
        return GROUP if self._group else 1

    def _load_group(self) -> Network | bool:
        """Return the network for GROUP faces if it finds what the network for one does."""
        try:
            group = Network(self._network.path, threads=1, images=GROUP)
        except ModelFileError:
            return False
        shape = (GROUP, *self._network.input_shape[1:])
        if group.input_shape != shape or group.output_names != self._network.output_names:
            return False
        images = np.random.default_rng(1).random(shape, np.float32)
        together = group(images)
        for k in range(GROUP):
            for one, several in zip(self._network(images[k : k + 1]), together, strict=True):
                found = several[k : k + 1]
                if found.shape != one.shape or not np.allclose(
                    found, one, rtol=GROUP_TOLERANCE, atol=GROUP_TOLERANCE
                ):
                    return False
        return group

    def together(self, image: np.ndarray, regions: Sequence[Region]) -> list[Regression]:
        """Return what calls with denoise find in regions, GROUP of them by one run."""
        size = self.group_size(len(regions))
        network = self._group
        if size != len(regions) or not isinstance(network, Network):
            return [self(image, region, denoise=True) for region in regions]
        crops = network.input_tensor()
        places = [
            self._adapter.cut(crop, image, region, True)
            for crop, region in zip(crops, regions, strict=True)
        ]
        del crops  # the runtime forbids keeping it
        outputs = network.run()
        return [
            self._read(image, region, [o[k : k + 1] for o in outputs], places[k])
            for k, region in enumerate(regions)
        ]

    @no_face_without_pose
    def _read(
        self,
        image: np.ndarray,
        region: Region,
        outputs: list[np.ndarray],
        place: Any,
    ) -> Regression:
        return self._found(outputs, place, image, region)

    def _found(
        self,
        outputs: list[np.ndarray],
        place: Any,
        image: np.ndarray,
        region: Region,
    ) -> Regression:
        """Return what was found, with what of it is out of sight."""
        return seen_in(self.postprocess(outputs, place), region, image)

    def preprocess(self, image: np.ndarray, region: Region, denoise: bool = False) -> Any:
        """Cut the region out as the network's input; return where that is."""
        return self._adapter.cut(self._network.input_tensor()[0], image, region, denoise)

    def infer(self) -> list[np.ndarray]:
        """Run the network on what was cut out last."""
        return self._network.run()

    def postprocess(self, outputs: list[np.ndarray], place: Any) -> Regression:
        """Take what the network found in its crop to the image."""
        return self._adapter.read(outputs, place)


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
