# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""ARKit's units on the dense mesh: models/face_units.npz."""

from __future__ import annotations

import itertools
import math
import zipfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from face_recon_ros.errors import ArgumentError, ModelFileError
from face_recon_ros.paths import model_file

FILE = 'face_units.npz'
_LARGEST = float(np.finfo(np.float32).max)


class FaceUnits:
    """
    How far each unit moves each vertex, at the weight 1.

    names: of the units, in ARKit's order.
    """

    def __init__(self, vertex_count: int, path: str | Path | None = None) -> None:
        """
        Read the file.

        :param vertex_count: of the face model that the units are for
        :raises ModelFileError: it is missing or damaged, or for another mesh.
        """
        path = Path(path) if path else model_file(FILE)
        try:
            with path.open('rb') as stream, np.load(stream, allow_pickle=False) as file:
                self.names = tuple(str(name) for name in file['names'])
                starts, self._step = file['starts'].tolist(), float(file['step'])
                vertices, moves = file['vertices'], file['moves']
                count = int(file['vertex_count'])
            if moves.shape != (len(vertices), 3) or len(starts) != len(self.names) + 1:
                raise ValueError('arrays do not fit together')
            if starts[-1] != len(vertices) or vertices.max(initial=0) >= count:
                raise ValueError('vertices out of range')
        except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise ModelFileError(
                f'model file {path}: {" ".join(str(error).split())}; reinstall the package'
            ) from error
        if count != vertex_count:
            raise ModelFileError(
                f'model file {path}: units for {count} vertices, the face model has '
                f'{vertex_count}; use the shipped face model'
            )
        self._vertex_count = count
        slices = [slice(a, b) for a, b in itertools.pairwise(starts)]
        self._moved = [vertices[s].astype(np.int64) for s in slices]
        self._moves = [moves[s] for s in slices]

    def unit(self, name: str) -> tuple[np.ndarray, np.ndarray]:
        """
        Return the vertices (n,) that a unit moves, ascending, and by how much (n, 3) float32 m.

        :raises ArgumentError: no such unit.
        """
        if name not in self.names:
            raise ArgumentError(f'blendshape is {name!r}; use one of {", ".join(self.names)}')
        at = self.names.index(name)
        return self._moved[at], self._moves[at].astype(np.float32) * np.float32(self._step)

    def displacement(self, weights: Mapping[str, float]) -> np.ndarray:
        """
        Return how far all vertices (V, 3) float32 are moved, model axes, metres.

        :param weights: by name; 0 is at rest, 1 the whole unit
        :raises ArgumentError: no such unit, or a weight that is no finite number.
        """
        total = np.zeros((self._vertex_count, 3), np.float32)
        if not isinstance(weights, Mapping):
            raise ArgumentError(
                f'blendshapes is a {type(weights).__name__}; give weights by name, as in '
                "{'jawOpen': 0.5}"
            )
        for name, weight in weights.items():
            moved, by = self.unit(name)
            try:
                number = float(weight)
            except (TypeError, ValueError, OverflowError):
                number = math.nan
            if not abs(number) <= _LARGEST:  # NaN too
                raise ArgumentError(f'blendshape {name} is {weight}; give a number from 0 to 1')
            total[moved] += np.float32(number) * by
        return total
