# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The network that this project trains (docs/network.md).

Image (1, 192, 192, 3) RGB in 0..1; outputs camera, params, rotation, uncertainty, presence,
landmarks_468 by these names.
"""

from __future__ import annotations

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
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.crop import cut_floats, cut_straight
from face_recon_ros.regression.region import CROP_CENTRE_M, CROP_SIDE_M, Region
from face_recon_ros.regression.straight_view import StraightView
from face_recon_ros.rotations import mirrored_rotation, nearest_rotation
from face_recon_ros.tflite import Network

NETWORK_FILE = 'face_recon.tflite'
OWN_OUTPUTS = ('camera', 'landmarks_468', 'params', 'presence', 'rotation', 'uncertainty')
# Sigma, in pixels of our crops, of the Gaussian blur of a stream's: the sensor's noise becomes
# jitter of the pose; what faces show is coarser (docs/network.md)
DENOISE_SIGMA_PX = 1.2


class OwnNetworkAdapter:
    """
    models/face_recon.tflite and networks trained like it.

    The rotation is the pose branch's: what the landmarks in the image would make of it depends on
    the relief of the face, which they do not show (docs/network.md).
    """

    def __init__(self, network: Network, model: FaceModel) -> None:
        self.size = network.input_shape[1]
        self._index = {name: network.output_names.index(name) for name in OWN_OUTPUTS}
        self._decode = ParameterDecoder(model)
        sparse, centre_m = _arrays(model.landmarks_468), CROP_CENTRE_M.tolist()
        self._reader = _renderer.NetworkReader(
            *sparse, OUTER_CANTHI_468, centre_m, CROP_SIDE_M
        )
        self._straight_reader = _renderer.StraightReader(
            *sparse,
            OUTER_CANTHI_468,
            centre_m,
            CROP_SIDE_M,
            np.ascontiguousarray(self._decode.solve, np.float64),
            INNER_LIP_PAIRS_468.tolist(),
            (self._decode.canthal_distance_m, CLOSED_LIP_GAP, OPEN_LIP_GAP),
            *_arrays(model.landmarks_68),
        )
        self._mirror_landmarks = model.landmarks_468_mirror
        self._mirror_signs = model.coefficient_mirror_signs()

    def cut(
        self, tensor: np.ndarray, image: np.ndarray, region: Region, denoise: bool
    ) -> np.ndarray | StraightView:
        sigma_px = DENOISE_SIGMA_PX if denoise else 0.0
        camera = region.camera
        view = None if camera is None else StraightView.of(region, camera, self.size)
        if view is not None:
            cut_straight(tensor, image, region, view.image_from_crop, sigma_px)
            return view
        return cut_floats(tensor, image, region, sigma_px, continued=True)

    def flip_augmented(self, outputs: list[np.ndarray], network: Network) -> list[np.ndarray]:
        image = network.input_tensor()
        image[:] = image[:, :, ::-1].copy()
        del image  # the runtime forbids keeping it
        mirrored = network.run()
        both = list(outputs)
        for name in ('presence', 'uncertainty'):
            i = self._index[name]
            both[i] = (outputs[i] + mirrored[i]) / 2
        points, rotation, numbers = (
            self._index[name] for name in ('landmarks_468', 'rotation', 'params')
        )
        both[points] = (outputs[points] + self._landmarks_back(mirrored[points])) / 2
        back = mirrored_rotation(mirrored[rotation][0])
        both[rotation] = nearest_rotation(outputs[rotation][0] + back)[None]
        mirrored_coefficients = self._mirror_signs * mirrored[numbers][0, 12:]
        coefficients = (outputs[numbers][0, 12:] + mirrored_coefficients) / 2
        parameters = self._decode(both[points][0], both[rotation][0], coefficients)
        both[numbers] = parameters.vector()[None]
        return both

    def _landmarks_back(self, landmarks: np.ndarray) -> np.ndarray:
        back = landmarks[:, self._mirror_landmarks].astype(np.float64)
        back[..., 0] = self.size - 1 - back[..., 0]
        return back

    def read(
        self, outputs: list[np.ndarray], place: np.ndarray | StraightView
    ) -> Regression:
        values = {name: outputs[i] for name, i in self._index.items()}
        numbers = np.ascontiguousarray(values['params'][0], np.float64)
        landmarks = np.ascontiguousarray(values['landmarks_468'][0], np.float64)
        coefficients = numbers[12:]
        if isinstance(place, StraightView):
            face, coefficients = self._straight_reader.read(
                numbers, landmarks, place.image_from_crop, place.plane_from_crop, place.calibrated
            )
        else:
            face = self._reader.read(numbers, landmarks, place)
        matrix, fit_error, box, centre, side_px, roll_rad, turned_rad = face
        shape, expression = coefficients[:SHAPE_COUNT], coefficients[SHAPE_COUNT:]
        return Regression(
            parameters=FaceParameters(matrix, shape, expression),
            presence=float(values['presence'].item()),
            fit_error=fit_error,
            box=box,
            region=Region(centre, side_px, roll_rad, turned_rad),
            rotation_sigma_rad=float(values['uncertainty'].item()),
        )


def _arrays(sparse: SparseModel) -> tuple[np.ndarray, np.ndarray]:
    """Return mean and basis as C++ takes them."""
    return (
        np.ascontiguousarray(sparse.mean, np.float64),
        np.ascontiguousarray(sparse.basis, np.float64),
    )
