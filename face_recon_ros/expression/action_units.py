# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Action units of FACS (Ekman, Friesen 1978) from the 52 coefficients, by one table.

Numbers are FACS's, as hri_msgs/FacialActionUnits has them. docs/expressions.md prints the table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_recon_ros.expression.units import COUNT, INDEX
from face_recon_ros.rotations import EulerAngles

CODE_COUNT = 99
SPEECH = 50
EYES_CLOSED, WINK, LIPS_PART = 43, 46, 25
# Action unit: the coefficients that it is the mean of
MEAN_OF: dict[int, tuple[str, ...]] = {
    1: ('browInnerUp',),
    2: ('browOuterUpLeft', 'browOuterUpRight'),
    4: ('browDownLeft', 'browDownRight'),
    5: ('eyeWideLeft', 'eyeWideRight'),
    6: ('cheekSquintLeft', 'cheekSquintRight'),
    7: ('eyeSquintLeft', 'eyeSquintRight'),
    9: ('noseSneerLeft', 'noseSneerRight'),
    10: ('mouthUpperUpLeft', 'mouthUpperUpRight'),
    12: ('mouthSmileLeft', 'mouthSmileRight'),
    14: ('mouthDimpleLeft', 'mouthDimpleRight'),
    15: ('mouthFrownLeft', 'mouthFrownRight'),
    16: ('mouthLowerDownLeft', 'mouthLowerDownRight'),
    17: ('mouthShrugLower',),
    18: ('mouthPucker',),
    19: ('tongueOut',),
    20: ('mouthStretchLeft', 'mouthStretchRight'),
    22: ('mouthFunnel',),
    24: ('mouthPressLeft', 'mouthPressRight'),
    26: ('jawOpen',),
    28: ('mouthRollLower', 'mouthRollUpper'),
    29: ('jawForward',),
    34: ('cheekPuff',),
    63: ('eyeLookUpLeft', 'eyeLookUpRight'),
    64: ('eyeLookDownLeft', 'eyeLookDownRight'),
}
# Of the larger one: either of them is it
LARGEST_OF: dict[int, tuple[str, ...]] = {30: ('jawLeft', 'jawRight')}
# Of both eyes: the person's left is out for the left eye and in for the right
GAZE_OF: dict[int, tuple[str, ...]] = {
    61: ('eyeLookOutLeft', 'eyeLookInRight'),
    62: ('eyeLookInLeft', 'eyeLookOutRight'),
}
# Head: action unit and which angle, positive where its sign is; 1 at FULL_TURN_DEG
FULL_TURN_DEG = 45.0
HEAD_OF: dict[int, tuple[str, int]] = {
    51: ('yaw_deg', -1),
    52: ('yaw_deg', 1),
    53: ('pitch_deg', 1),
    54: ('pitch_deg', -1),
    55: ('roll_deg', 1),
    56: ('roll_deg', -1),
}


@dataclass(slots=True, frozen=True)
class ActionUnits:
    """intensity (99,) and confidence (99,), 0..1, by action unit; confidence 0: not known."""

    intensity: np.ndarray
    confidence: np.ndarray


def action_units(
    blendshapes: np.ndarray,
    unit_confidence: np.ndarray,
    speaking: float,
    angles: EulerAngles,
    score: float,
) -> ActionUnits:
    """
    Return the action units of a face.

    :param blendshapes: (52,) 0..1; NaN: not known
    :param unit_confidence: (52,) 0..1, Expression.confidence
    :param speaking: 0..1; NaN: not known
    :param angles: of the head relative to the line to the viewer
    :param score: 0..1, the face's
    """
    intensity, confidence = np.zeros(CODE_COUNT), np.zeros(CODE_COUNT)
    if blendshapes.shape == (COUNT,) and np.isfinite(blendshapes).all():
        for table, gather in ((MEAN_OF, np.mean), (LARGEST_OF, np.max), (GAZE_OF, np.mean)):
            for code, names in table.items():
                at = [INDEX[name] for name in names]
                intensity[code] = gather(blendshapes[at])
                confidence[code] = unit_confidence[at].min()
        _derived(intensity, confidence, blendshapes, unit_confidence)
    if np.isfinite(speaking):
        intensity[SPEECH], confidence[SPEECH] = float(speaking > 0.5), abs(2 * speaking - 1)
    for code, (angle, sign) in HEAD_OF.items():
        turn = sign * getattr(angles, angle) / FULL_TURN_DEG
        intensity[code], confidence[code] = min(max(turn, 0.0), 1.0), 1.0
    return ActionUnits(intensity, confidence * min(max(score, 0.0), 1.0))


def _derived(
    intensity: np.ndarray, confidence: np.ndarray, values: np.ndarray, known: np.ndarray
) -> None:
    """Set those that are neither a mean nor a maximum."""
    left, right = values[INDEX['eyeBlinkLeft']], values[INDEX['eyeBlinkRight']]
    lids = min(known[INDEX['eyeBlinkLeft']], known[INDEX['eyeBlinkRight']])
    intensity[EYES_CLOSED], intensity[WINK] = min(left, right), abs(left - right)
    confidence[[EYES_CLOSED, WINK]] = lids
    apart = values[INDEX['jawOpen']] - values[INDEX['mouthClose']]
    intensity[LIPS_PART] = max(apart, intensity[10], intensity[16], 0.0)
    confidence[LIPS_PART] = known[INDEX['jawOpen']]
