# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From a face in an image to the 52 coefficients, by models/expressions.tflite and by shape."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_recon_ros.errors import ModelFileError
from face_recon_ros.expression.crop import SIZE, expression_crop, normalised
from face_recon_ros.expression.smile import SmileMeasure, with_smile
from face_recon_ros.expression.units import COUNT, MIRROR
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.paths import model_file
from face_recon_ros.tflite import Network

FILE = 'expressions.tflite'
# The other side's output of each
OUTPUTS_IN_MIRROR = np.concatenate([MIRROR, COUNT + MIRROR])


@dataclass(slots=True, frozen=True)
class Reading:
    """values (52,): 0..1. known (52,): 0..1, how well each unit is read."""

    values: np.ndarray
    known: np.ndarray


class ExpressionNetwork:
    """
    A small convolutional network.

    Outputs (2 * 52,): the units, and how well each is read at all, whatever the image: its
    correlation with what rendered people showed. A smile is the mean of what it reads and of what
    the face's shape shows, which the pose network found.
    """

    def __init__(self, model: FaceModel, threads: int = 1) -> None:
        """:raises ModelFileError: the file is missing, damaged or not of this kind."""
        self._smile = SmileMeasure(model.landmarks_468)
        path = model_file(FILE)
        self._network = Network(path, threads)
        shapes = self._network.input_shape, self._network.output_shapes()
        if shapes != ((1, SIZE, SIZE, 1), [(1, 2 * COUNT)]):
            raise ModelFileError(
                f'model file {path}: of another kind (shapes {shapes[0]} and {shapes[1]}); '
                'reinstall the package'
            )

    def __call__(
        self, image: np.ndarray, parameters: FaceParameters, in_mirror: bool = False
    ) -> Reading:
        """
        Read a face in a BGR image.

        :param in_mirror: read its mirror image, too, and take the mean: what is read of a
            mirrored image is then exactly that of the other side
        """
        crop = normalised(expression_crop(image, parameters))
        outputs = self._run(crop)
        if in_mirror:
            outputs = (outputs + self._run(crop[:, ::-1])[OUTPUTS_IN_MIRROR]) / 2
        values = with_smile(outputs[:COUNT], self._smile.of_shape(parameters))
        return Reading(np.clip(values, 0.0, 1.0), outputs[COUNT:])

    def _run(self, crop: np.ndarray) -> np.ndarray:
        return self._network(crop[None, :, :, None])[0][0].astype(np.float64)
