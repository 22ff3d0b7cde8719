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

_Pairs = tuple[tuple[int, int], tuple[int, int]]
LIDS_68: dict[str, _Pairs] = {
    'eyeBlink_L': ((43, 44), (47, 46)), 'eyeBlink_R': ((37, 38), (41, 40)),
}
"""Of the shapes that shut an eye: iBUG's landmarks of the upper lid, and those below them."""


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
        """
        Return all vertices (V, 3) of weights of the first modes and of named expressions.

        The model adds its shapes, so that eyes which are larger than the mean's would not shut:
        eyeBlink is made larger for them, until lids meet at 1. The people who were scanned looked
        here and there, and modes of identity turn eyeballs by up to 10 degrees: all are turned
        back, to look along z.
        """
        neutral = self.neutral + np.tensordot(
            identity.astype(np.float32), self.identity[: len(identity)], 1
        )
        for eye in (LEFT_EYE, RIGHT_EYE):
            neutral[eye] = _turned_back(self.neutral[eye], neutral[eye])
        points = neutral
        for name, weight in (expression or {}).items():
            shape = self.expression[self.expression_names.index(name)]
            if name in LIDS_68:
                weight = weight * self._shutting(neutral, shape, LIDS_68[name])
            points = points + np.float32(weight) * shape
        return points

    def _shutting(self, neutral: np.ndarray, shape: np.ndarray, lids: _Pairs) -> float:
        """Return how much of a shape, at least 1, shuts the eye of these lids."""
        upper, lower = (self.landmarks_68[list(lid)] for lid in lids)
        opening_m = (neutral[upper] - neutral[lower])[:, 1]
        closes_m = (shape[lower] - shape[upper])[:, 1]
        return max(1.0, float((opening_m / closes_m).max()))


def _turned_back(mean: np.ndarray, ball: np.ndarray) -> np.ndarray:
    """Return an eyeball (N, 3) at its place and in its size, turned as the mean's is."""
    out = mean - (mean.max(axis=0) + mean.min(axis=0)) / 2
    placing = np.linalg.lstsq(np.column_stack([out, np.ones(len(out))]), ball, rcond=None)[0]
    size = np.cbrt(np.linalg.det(placing[:3]))
    return np.asarray(size * out + placing[3], ball.dtype)


def _unpacked(arrays: dict[str, np.ndarray], name: str) -> np.ndarray:
    return CM * arrays[name] * arrays[f'{name}_step'][:, None, None]
