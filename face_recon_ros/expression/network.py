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
from face_recon_ros.regression import mirror_looks
from face_recon_ros.regression.mirror_looks import MirrorLooks
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
        seen = self._look(crop)
        if in_mirror:
            seen = seen.without(seen.error_against(self._look(crop, in_mirror=True)))
        return self._reading(seen, parameters)

    def follow(
        self, image: np.ndarray, parameters: FaceParameters, looks: MirrorLooks, now_s: float
    ) -> Reading:
        """Read a face in an image of a stream: as it is and in the mirror by turns."""
        crop, look = normalised(expression_crop(image, parameters)), looks.next()
        seen, error = self._look(crop, look.in_mirror), look.error
        if error is None:
            error = seen.error_against(self._look(crop, not look.in_mirror))
            looks.take(None, now_s, error)
        else:
            looks.take(seen, now_s)
        return self._reading(seen.without(error), parameters)

    def _look(self, crop: np.ndarray, in_mirror: bool = False) -> mirror_looks.Reading:
        shown = crop[:, ::-1] if in_mirror else crop
        outputs = self._network(shown[None, :, :, None])[0][0].astype(np.float64)
        return mirror_looks.Reading(
            outputs[OUTPUTS_IN_MIRROR] if in_mirror else outputs, in_mirror
        )

    def _reading(self, seen: mirror_looks.Reading, parameters: FaceParameters) -> Reading:
        values = with_smile(seen.values[:COUNT], self._smile.of_shape(parameters))
        return Reading(np.clip(values, 0.0, 1.0), seen.values[COUNT:])
