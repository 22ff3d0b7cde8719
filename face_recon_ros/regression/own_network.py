# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The network that this project trains (docs/network.md).

Image (1, 192, 192, 3) RGB in 0..1; outputs camera, params, rotation, uncertainty, presence,
landmarks_468 by these names.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from face_recon_ros import _renderer
from face_recon_ros.face_model.decoding import ParameterDecoder
from face_recon_ros.face_model.file import SHAPE_COUNT
from face_recon_ros.face_model.landmarks import (
    INNER_LIP_PAIRS_468,
    OUTER_CANTHI_468,
    SparseModel,
)
from face_recon_ros.face_model.lips import CLOSED_LIP_GAP, OPEN_LIP_GAP
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.crop import cut_floats, cut_straight
from face_recon_ros.regression.mirror_looks import Look, Reading
from face_recon_ros.regression.region import CROP_CENTRE_M, CROP_SIDE_M, Region
from face_recon_ros.regression.straight_view import StraightView
from face_recon_ros.rotations import mirrored_rotation, nearest_rotation
from face_recon_ros.tflite import Network

NETWORK_FILE = 'face_recon.tflite'
OWN_OUTPUTS = ('camera', 'landmarks_468', 'params', 'presence', 'rotation', 'uncertainty')
# Sigma, in pixels of our crops, of the Gaussian blur of a stream's: the sensor's noise becomes
# jitter of the pose; what faces show is coarser (docs/network.md)
DENOISE_SIGMA_PX = 1.2


@dataclass(slots=True, frozen=True)
class CropPlace:
    """
    Where a crop is, and how it is looked at.

    where: image_from_crop (2, 3) of a flat crop as it is, not mirrored; or how a turned camera
    sees it.
    """

    where: np.ndarray | StraightView
    look: Look


class OwnNetworkAdapter:
    """
    models/face_recon.tflite and networks trained like it.

    The rotation is the pose branch's: what the landmarks in the image would make of it depends on
    the relief of the face, which they do not show (docs/network.md).
    """

    def __init__(self, network: Network, model: FaceModel) -> None:
        self.size = network.input_shape[1]
        self._index = {name: network.output_names.index(name) for name in OWN_OUTPUTS}
        decode = ParameterDecoder(model)
        sparse, centre_m = _arrays(model.landmarks_468), CROP_CENTRE_M.tolist()
        self._reader = _renderer.NetworkReader(
            *sparse, OUTER_CANTHI_468, centre_m, CROP_SIDE_M
        )
        self._straight_reader = _renderer.StraightReader(
            *sparse,
            OUTER_CANTHI_468,
            centre_m,
            CROP_SIDE_M,
            np.ascontiguousarray(decode.solve, np.float64),
            INNER_LIP_PAIRS_468.tolist(),
            (decode.canthal_distance_m, CLOSED_LIP_GAP, OPEN_LIP_GAP),
            *_arrays(model.landmarks_68),
        )
        self._parts = np.cumsum([model.landmarks_468.mean.size, 9])
        self._mirror_landmarks = model.landmarks_468_mirror
        self._mirror_signs = np.concatenate([[1.0, -1.0, 1.0], model.coefficient_mirror_signs()])

    def cut(
        self, tensor: np.ndarray, image: np.ndarray, region: Region, denoise: bool
    ) -> CropPlace:
        sigma_px = DENOISE_SIGMA_PX if denoise else 0.0
        camera, look = region.camera, region.look
        view = None if camera is None else StraightView.of(region, camera, self.size)
        if view is not None:
            cut_straight(tensor, image, region, view.image_from_crop, sigma_px, look.in_mirror)
            return CropPlace(view, look)
        cut_floats(tensor, image, region, sigma_px, look.in_mirror, continued=True)
        return CropPlace(region.image_from_crop(self.size), look)

    def in_mirror(self, network: Network) -> list[np.ndarray]:
        image = network.input_tensor()
        image[:] = image[:, :, ::-1].copy()
        del image  # the runtime forbids keeping it
        return network.run()

    def read(
        self,
        outputs: list[np.ndarray],
        place: CropPlace,
        mirrored: list[np.ndarray] | None = None,
    ) -> Regression:
        reading = self._reading(outputs, place.look.in_mirror)
        error, both = place.look.error, [outputs]
        if mirrored is not None:
            error, both = reading.error_against(self._reading(mirrored, True)), [outputs, mirrored]
        found = reading if error is None else reading.without(error)
        (matrix, fit_error, box, *region), coefficients = self._placed(found, place.where)
        return Regression(
            parameters=FaceParameters(
                matrix, coefficients[:SHAPE_COUNT], coefficients[SHAPE_COUNT:]
            ),
            presence=self._mean(both, 'presence'),
            fit_error=fit_error,
            box=box,
            region=Region(*region),
            rotation_sigma_rad=self._mean(both, 'uncertainty'),
            reading=reading if mirrored is None else None,
            side_error=error if mirrored is not None else None,
        )

    def _mean(self, both: list[list[np.ndarray]], name: str) -> float:
        values = [float(outputs[self._index[name]].item()) for outputs in both]
        return sum(values) / len(values)

    def _reading(self, outputs: list[np.ndarray], in_mirror: bool) -> Reading:
        """Return landmarks (468, 3) px, rotation (3, 3), scale, origin (2,) px, coefficients."""
        landmarks, rotation, numbers = (
            outputs[self._index[name]][0].astype(np.float64)
            for name in ('landmarks_468', 'rotation', 'params')
        )
        scale_px_per_m = math.hypot(*numbers[:3].tolist())
        others = np.concatenate([[scale_px_per_m, numbers[3], numbers[7]], numbers[12:]])
        if in_mirror:
            landmarks, rotation = landmarks[self._mirror_landmarks], mirrored_rotation(rotation)
            landmarks[:, 0] = self.size - 1 - landmarks[:, 0]
            others *= self._mirror_signs
            others[1] += self.size - 1
        values = np.concatenate([landmarks.ravel(), rotation.ravel(), others])
        return Reading(values, in_mirror)

    def _placed(
        self, reading: Reading, where: np.ndarray | StraightView
    ) -> tuple[tuple[Any, ...], np.ndarray]:
        """Take a reading to the image: what NetworkReader.read() returns, and coefficients."""
        points, turn, others = np.split(reading.values, self._parts)
        landmarks = points.reshape(-1, 3)
        scale_px_per_m, x_px, y_px = others[:3].tolist()
        # what lies between two rotations is none
        rotation = nearest_rotation(turn.reshape(3, 3))
        matrix = camera_matrix(scale_px_per_m, rotation, np.array([x_px, y_px, 0.0]))
        numbers = np.concatenate([matrix.ravel(), others[3:]])
        if isinstance(where, StraightView):
            maps = where.image_from_crop, where.plane_from_crop
            return self._straight_reader.read(numbers, landmarks, *maps, where.calibrated)
        return self._reader.read(numbers, landmarks, where), numbers[12:]


def _arrays(sparse: SparseModel) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and basis as C++ takes them."""
    return (
        np.ascontiguousarray(sparse.mean, np.float64),
        np.ascontiguousarray(sparse.basis, np.float64),
    )
