# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""From Face Mesh's landmarks to the 52 coefficients: what teaches photos to the network."""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from face_recon_ros.errors import ModelFileError
from face_recon_ros.expression import units
from model_building.expression.features import Aligned, feature_vector, mirrored

FORMAT_VERSION = 1
# Arrays and their sizes: f features, c components, h and i hidden, u units
_SHAPES = {
    'centre': 'f',
    'components': 'fc',
    'hidden_1': 'ch',
    'bias_1': 'h',
    'hidden_2': 'hi',
    'bias_2': 'i',
    'output': 'iu',
    'output_bias': 'u',
    'confidence': 'u',
}


class ExpressionRegression:
    """
    A small network: principal components of the landmarks, hidden layers, 52 numbers.

    confidence (52,): 0..1, how well each unit is known from landmarks: 0 for those that cannot be;
    they are always 0.
    """

    def __init__(
        self, reference: np.ndarray, mirror_468: np.ndarray, path: Path
    ) -> None:
        """
        Read the file.

        :param reference: (468, 3) landmarks of the face model's mean, metres
        :param mirror_468: (468,) the landmark on the other side of each
        :raises ModelFileError: it is missing, damaged or not of this kind.
        """
        self._reference, self._mirror = reference, mirror_468
        arrays = _read(path, reference.size + 3)
        self._centre, self._components = arrays['centre'], arrays['components']
        self._layers = [
            (arrays['hidden_1'], arrays['bias_1']),
            (arrays['hidden_2'], arrays['bias_2']),
        ]
        self._output, self._bias = arrays['output'], arrays['output_bias']
        self.confidence: np.ndarray = arrays['confidence']

    def __call__(self, face: Aligned) -> np.ndarray:
        """
        Return the coefficients (52,) float64, 0..1.

        The mirrored face gives the coefficients of the other side, exactly: both are looked at.
        """
        pair = [face, mirrored(face, self._mirror)]
        vectors = np.stack([feature_vector(one, self._reference) for one in pair])
        first, second = self._run(vectors.astype(np.float32)).astype(np.float64)
        values = np.clip((first + second[units.MIRROR]) / 2, 0.0, 1.0)
        return np.where(self.confidence > 0, values, 0.0)

    def _run(self, vectors: np.ndarray) -> np.ndarray:
        values = (vectors - self._centre) @ self._components
        for weights, bias in self._layers:
            values = np.maximum(values @ weights + bias, 0.0)
        return np.asarray(values @ self._output + self._bias)


def _read(path: Path, feature_count: int) -> dict[str, np.ndarray]:
    """Return the arrays of the file, float32 and of shapes that fit together."""
    try:
        with path.open('rb') as stream, np.load(stream, allow_pickle=False) as file:
            names = tuple(str(name) for name in file['names'])
            version = int(file['format_version'])
            arrays = {name: file[name] for name in _SHAPES}
    except (OSError, KeyError, ValueError, EOFError, zipfile.BadZipFile) as error:
        raise ModelFileError(
            f'model file {path}: {" ".join(str(error).split())}; make it again'
        ) from error
    sizes = {'f': feature_count, 'u': units.COUNT}
    for name, letters in _SHAPES.items():
        array = arrays[name]
        fits = array.dtype == np.float32 and array.ndim == len(letters)
        fits = fits and np.isfinite(array).all() and all(
            sizes.setdefault(letter, size) == size
            for letter, size in zip(letters, array.shape, strict=True)
        )
        if not fits:
            raise ModelFileError(
                f'model file {path}: {name} is {array.dtype} {array.shape}; make it again'
            )
    if names != units.NAMES or version != FORMAT_VERSION:
        raise ModelFileError(
            f'model file {path}: other units, or format {version} where {FORMAT_VERSION} is '
            'known; make it again'
        )
    return arrays
