# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The 52 units: names and order of ARKit's ARFaceAnchor.BlendShapeLocation."""

from __future__ import annotations

import numpy as np

_EYE = ('Blink', 'LookDown', 'LookIn', 'LookOut', 'LookUp', 'Squint', 'Wide')
NAMES: tuple[str, ...] = (
    *(f'eye{unit}Left' for unit in _EYE),
    *(f'eye{unit}Right' for unit in _EYE),
    'jawForward',
    'jawLeft',
    'jawRight',
    'jawOpen',
    'mouthClose',
    'mouthFunnel',
    'mouthPucker',
    'mouthLeft',
    'mouthRight',
    'mouthSmileLeft',
    'mouthSmileRight',
    'mouthFrownLeft',
    'mouthFrownRight',
    'mouthDimpleLeft',
    'mouthDimpleRight',
    'mouthStretchLeft',
    'mouthStretchRight',
    'mouthRollLower',
    'mouthRollUpper',
    'mouthShrugLower',
    'mouthShrugUpper',
    'mouthPressLeft',
    'mouthPressRight',
    'mouthLowerDownLeft',
    'mouthLowerDownRight',
    'mouthUpperUpLeft',
    'mouthUpperUpRight',
    'browDownLeft',
    'browDownRight',
    'browInnerUp',
    'browOuterUpLeft',
    'browOuterUpRight',
    'cheekPuff',
    'cheekSquintLeft',
    'cheekSquintRight',
    'noseSneerLeft',
    'noseSneerRight',
    'tongueOut',
)
COUNT = len(NAMES)
INDEX = {name: index for index, name in enumerate(NAMES)}


# Units that photos with labels, or eyes that were measured apart, show to be read well
SEEN_IN_PHOTOS = ('eyeBlinkLeft', 'eyeBlinkRight', 'jawOpen', 'mouthSmileLeft', 'mouthSmileRight',
                  'browOuterUpLeft', 'browOuterUpRight')  # fmt: skip


def weights_of(named: dict[str, float]) -> np.ndarray:
    """Return weights (52,) of named units; 0 of the others."""
    weights = np.zeros(COUNT)
    for name, weight in named.items():
        weights[INDEX[name]] = weight
    return weights


def unknown() -> np.ndarray:
    """Return coefficients (52,) of which nothing is known: NaN."""
    return np.full(COUNT, np.nan)


def nothing_known() -> np.ndarray:
    """Return confidences (52,) of coefficients of which nothing is known: 0."""
    return np.zeros(COUNT)


def mirrored_name(name: str) -> str:
    """Return the unit of the other side; a unit without sides is its own."""
    for one, other in (('Left', 'Right'), ('Right', 'Left')):
        if name.endswith(one):
            return name[: -len(one)] + other
    return name


# (52,) bool: units of one side of the face; the jaw and the mouth go to a side as a whole
_WHOLE = ('jawLeft', 'jawRight', 'mouthLeft', 'mouthRight')
ON_THE_LEFT = np.array([n.endswith('Left') and n not in _WHOLE for n in NAMES])
ON_THE_RIGHT = np.array([n.endswith('Right') and n not in _WHOLE for n in NAMES])
# (52,) int: values[MIRROR] are the units of the mirror image
MIRROR = np.array([INDEX[mirrored_name(name)] for name in NAMES])
