# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The ICT face model: people's heads as light-stage scans show them (MIT, USC ICT 2020).

A folder with `ict_face_model_light.npz`: `neutral` (26719, 3) in cm, 100 identity modes and 57
expressions as int16 times a step, quads, and the vertices of iBUG's 68 landmarks. A head is
neutral + sum of weight * mode: weights of identities are N(0, 1), of expressions 0..1.
"""
from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from model_building.face_model.errors import ModelBuildingError

FILE = 'ict_face_model_light.npz'
CM = 0.01

# Vertices of its parts, from and to
SKIN = slice(0, 11248)
FACE = slice(0, 9409)
MOUTH = slice(11248, 13294)
EYE_SOCKETS = slice(13294, 14062)
GUMS = slice(14062, 17039)
TEETH = slice(17039, 21451)
LEFT_EYE, RIGHT_EYE = slice(21451, 23021), slice(23021, 24591)
# What lies behind is thin and clear: tears, lashes
DRAWN_COUNT = 24591


@dataclass(slots=True, frozen=True)
class IctModel:
    """
    The arrays, in metres; x to image right when frontal, y up, z out of the face.

    neutral (V, 3). identity (100, V, 3), expression (57, V, 3): one unit each. quads (Q, 4), of
    the drawn vertices. landmarks_68 (68,): vertices.
    """

    neutral: np.ndarray
    identity: np.ndarray
    expression: np.ndarray
    expression_names: tuple[str, ...]
    quads: np.ndarray
    landmarks_68: np.ndarray

    @classmethod
    def load(cls, folder: Path) -> IctModel:
        """:raises ModelBuildingError: the folder has no such file."""
        path = folder / FILE
        try:
            with np.load(path, allow_pickle=False) as file:
                arrays = {name: file[name] for name in file.files}
            quads = arrays['polygons']
            # a triangle has no fourth corner: its third stands in
            quads = np.where(quads < 0, quads[:, 2:3], quads)
            return cls(
                CM * arrays['neutral'],
                _unpacked(arrays, 'identity'),
                _unpacked(arrays, 'expression'),
                tuple(str(name) for name in arrays['expression_names']),
                quads[(quads < DRAWN_COUNT).all(axis=1)],
                arrays['landmarks_68'],
            )
        except (OSError, KeyError, ValueError) as error:
            raise ModelBuildingError(
                f'{path}: {error}; give the folder of the ICT face model'
            ) from error

    def points(
        self, identity: np.ndarray, expression: dict[str, float] | None = None
    ) -> np.ndarray:
        """Return all vertices (V, 3) of weights of the first modes and of named expressions."""
        points = self.neutral + np.tensordot(
            identity.astype(np.float32), self.identity[: len(identity)], 1
        )
        for name, weight in (expression or {}).items():
            points = points + np.float32(weight) * self.expression[
                self.expression_names.index(name)
            ]
        return points


def _unpacked(arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    return CM * arrays[name] * arrays[f'{name}_step'][:, None, None]
