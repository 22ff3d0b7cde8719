# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Expressions of faces as REP-155 has them: action units, and names where asked for."""

from __future__ import annotations

import math

import numpy as np
from hri_msgs.msg import Expression, FacialActionUnits
from std_msgs.msg import Header

from face_recon_ros.expression.action_units import ActionUnits, action_units
from face_recon_ros.expression.rules import named_expression
from face_recon_ros.face import Face


def units_of(face: Face) -> ActionUnits:
    """Return a face's action units."""
    return action_units(
        face.blendshapes, face.blendshape_confidence, face.speaking, face.angles, face.score
    )


def facial_action_units(face: Face, header: Header) -> FacialActionUnits:
    """Return hri_msgs/FacialActionUnits: 99 of each, by the number of the action unit."""
    units = units_of(face)
    return FacialActionUnits(
        header=header,
        intensity=units.intensity.astype(np.float32),
        confidence=units.confidence.astype(np.float32),
    )


def expression(face: Face, header: Header) -> Expression:
    """Return hri_msgs/Expression; valence and arousal are not estimated: NaN."""
    named = named_expression(units_of(face))
    return Expression(
        header=header,
        expression=named.name,
        valence=math.nan,
        arousal=math.nan,
        confidence=named.confidence,
    )
