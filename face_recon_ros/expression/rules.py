# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Names of expressions from action units, by rules of a few lines.

They name what a face shows, not what a person feels: people smile without joy and are angry
without a frown (Barrett et al. 2019). docs/expressions.md has a word on the law.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_recon_ros.expression.action_units import ActionUnits

NEUTRAL = 'neutral'
# Below this no expression is named
LEAST = 0.35
# Prototypes (Ekman, Friesen, Hager 2002): all of these action units together, of each the largest
# of its alternatives
PROTOTYPES: dict[str, tuple[tuple[int, ...], ...]] = {
    'happy': ((12,),),
    'surprised': ((1, 2), (26, 5)),
    'angry': ((4,), (7, 24)),
    'sad': ((1, 4), (15,)),
    'disgusted': ((9, 10),),
}
# What speaks against one: a smile lifts the upper lip, too
AGAINST: dict[str, int] = {'disgusted': 12, 'angry': 12, 'sad': 12}


@dataclass(slots=True, frozen=True)
class NamedExpression:
    """name: one of hri_msgs/Expression's; confidence 0..1, 0: not known."""

    name: str
    confidence: float


def named_expression(units: ActionUnits) -> NamedExpression:
    """Return the expression whose action units are all there."""
    known = units.confidence > 0
    if not known[12]:
        return NamedExpression(NEUTRAL, 0.0)
    intensity = np.where(known, units.intensity, 0.0)
    strengths = {
        name: min(max(float(intensity[code]) for code in either) for either in together)
        - (float(intensity[AGAINST[name]]) if name in AGAINST else 0.0)
        for name, together in PROTOTYPES.items()
    }
    name = max(strengths, key=lambda key: strengths[key])
    trust = float(units.confidence[12])
    if strengths[name] < LEAST:
        return NamedExpression(NEUTRAL, trust * (1 - max(strengths[name], 0.0)))
    return NamedExpression(name, trust * min(strengths[name], 1.0))
