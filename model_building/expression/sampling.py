# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Expressions to learn from: every unit alone, in pairs, and together as faces have them."""
from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from face_recon_ros.expression.units import COUNT, INDEX, NAMES, mirrored_name

LOOK_SIDE_RAD, LOOK_UP_DOWN_RAD = 0.52, 0.44
"""How far eyes turn at the weight 1."""
BOTH_SIDES_SHARE = 0.65
FULL = (0.85, 1.0)
STEADY_GAZE_SHARE = 0.4
GAZE_SPREAD_RAD = (0.35, 0.25)
EXCLUSIVE = (('jawLeft', 'jawRight'), ('mouthLeft', 'mouthRight'), ('eyeBlinkLeft', 'eyeWideLeft'),
             ('eyeBlinkRight', 'eyeWideRight'), ('mouthPucker', 'mouthFunnel'))
"""The second is taken back where the first is there."""
TOGETHER = (('OutLeft', 'InRight'), ('InLeft', 'OutRight'), ('UpLeft', 'UpRight'),
            ('DownLeft', 'DownRight'))
"""Where both eyes look."""
DRAWN = tuple(n for n in NAMES if 'eyeLook' not in n and n != 'tongueOut')
"""Looks follow from the gaze; the tongue is not in the ICT model."""


@dataclass(slots=True, frozen=True)
class Shares:
    """
    How often nothing is shown, a unit alone, two or three of them; else what faces show.

    full: how many of the units that are drawn alone are shown in FULL
    """

    neutral: float
    alone: float
    together: float
    full: float


USUAL = Shares(neutral=0.12, alone=0.28, together=0.27, full=0.3)
CLEAR = Shares(neutral=0.02, alone=0.5, together=0.2, full=0.5)


def draw(rng: np.random.Generator, shares: Shares = USUAL) -> np.ndarray:
    """Return the weights (52,) of an expression, 0..1."""
    weights = looks(gaze(rng))
    chance = rng.random()
    if chance < shares.neutral:
        return weights
    if chance < shares.neutral + shares.alone:
        _add(weights, rng, shares.full)
    elif chance < shares.neutral + shares.alone + shares.together:
        for _ in range(int(rng.integers(2, 4))):
            _add(weights, rng, shares.full)
    else:
        _natural(weights, rng)
    return possible(weights)


def gaze(rng: np.random.Generator) -> np.ndarray:
    """Return radians (2,) to the person's left and up."""
    if rng.random() < STEADY_GAZE_SHARE:
        return np.zeros(2)
    limit = [LOOK_SIDE_RAD, LOOK_UP_DOWN_RAD]
    return np.clip(rng.normal(0, GAZE_SPREAD_RAD), np.negative(limit), limit)


def looks(gaze_rad: np.ndarray) -> np.ndarray:
    """Return weights (52,) of eyes that look there, radians (2,) to the person's left and up."""
    weights = np.zeros(COUNT)
    left, up = gaze_rad[0] / LOOK_SIDE_RAD, gaze_rad[1] / LOOK_UP_DOWN_RAD
    for name, weight in (('OutLeft', left), ('InRight', left), ('InLeft', -left),
                         ('OutRight', -left), ('UpLeft', up), ('UpRight', up),
                         ('DownLeft', -up), ('DownRight', -up)):
        weights[INDEX[f'eyeLook{name}']] = max(weight, 0.0)
    return weights


def possible(weights: np.ndarray) -> np.ndarray:
    """Return weights that a face can have: lips close over an open jaw, no both sides at once."""
    weights = weights.copy()
    for first, second in EXCLUSIVE:
        if weights[INDEX[first]] > 0.1:
            weights[INDEX[second]] = 0.0
    jaw, close = INDEX['jawOpen'], INDEX['mouthClose']
    weights[jaw] = max(weights[jaw], weights[close])
    return weights


def with_both_eyes(weights: np.ndarray) -> np.ndarray:
    """Return weights whose eyes turn together, as people's do."""
    weights = weights.copy()
    for names in TOGETHER:
        both = [INDEX[f'eyeLook{name}'] for name in names]
        weights[both] = weights[both].max()
    return weights


def of_ict(weights: np.ndarray) -> dict[str, float]:
    """Return the weights of the ICT model's shapes, which have two sides of more units."""
    named: dict[str, float] = {}
    for name, weight in zip(NAMES, weights.tolist(), strict=True):
        if not weight or name == 'tongueOut':
            continue
        if name in ('browInnerUp', 'cheekPuff'):
            named[f'{name}_L'] = named[f'{name}_R'] = weight
        else:
            named[_ict_name(name)] = weight
    return named


def _ict_name(name: str) -> str:
    if name in ('jawLeft', 'jawRight', 'mouthLeft', 'mouthRight'):
        return name
    return name.removesuffix('Left') + '_L' if name.endswith('Left') else (
        name.removesuffix('Right') + '_R' if name.endswith('Right') else name)


def _add(weights: np.ndarray, rng: np.random.Generator, full_share: float) -> None:
    """Give a unit a weight, mostly on both sides."""
    name = DRAWN[int(rng.integers(len(DRAWN)))]
    in_full = rng.random() < full_share
    weight = float(rng.uniform(*(FULL if in_full else (0.1, 1.0))))
    weights[INDEX[name]] = weight
    other = mirrored_name(name)
    # the jaw and the mouth go one way
    if other != name and not name.startswith(('jaw', 'mouthLeft', 'mouthRight')):
        alike = weight * float(np.exp(rng.normal(0, 0.1)))
        weights[INDEX[other]] = min(alike, 1.0) if rng.random() < BOTH_SIDES_SHARE else 0.0


def _natural(weights: np.ndarray, rng: np.random.Generator) -> None:
    """Add what talking, smiling, frowning and blinking faces show."""
    def both(name: str, weight: float) -> None:
        for side in ('Left', 'Right'):
            uneven = weight * float(np.exp(rng.normal(0, 0.12)))
            weights[INDEX[name + side]] = min(uneven, 1.0)

    if rng.random() < 0.3:
        both('eyeBlink', float(rng.uniform(0.2, 1)))
    if rng.random() < 0.5:
        weights[INDEX['jawOpen']] = float(rng.beta(1, 2))
        for name in ('mouthFunnel', 'mouthPucker', 'jawLeft', 'jawRight', 'mouthLeft',
                     'mouthRight', 'jawForward', 'mouthRollLower', 'mouthRollUpper',
                     'mouthShrugLower', 'mouthShrugUpper', 'mouthClose'):
            if rng.random() < 0.15:
                weights[INDEX[name]] = float(rng.uniform(0, 0.8))
        jaw, close = INDEX['jawOpen'], INDEX['mouthClose']
        weights[close] = min(weights[close], weights[jaw])
    if rng.random() < 0.5:
        smile = float(rng.uniform(0, 1))
        both('mouthSmile', smile)
        both('cheekSquint', smile * rng.uniform(0, 1))
        both('eyeSquint', smile * rng.uniform(0, 0.8))
        both('mouthUpperUp', smile * rng.uniform(0, 0.7) * (rng.random() < 0.6))
    for name, share in (
        ('mouthFrown', 0.12), ('mouthStretch', 0.12), ('mouthLowerDown', 0.15),
        ('mouthPress', 0.12), ('mouthDimple', 0.12), ('noseSneer', 0.15), ('browDown', 0.25),
        ('browOuterUp', 0.25), ('eyeSquint', 0.15), ('eyeWide', 0.15),
    ):
        if rng.random() < share:
            both(name, float(rng.uniform(0, 1)))
    if rng.random() < 0.25:
        weights[INDEX['browInnerUp']] = float(rng.uniform(0, 1))
    if rng.random() < 0.06:
        weights[INDEX['cheekPuff']] = float(rng.uniform(0, 1))


def gazes_rad(weights: np.ndarray) -> np.ndarray:
    """Return where the left and the right eye look (2, 2): radians to the person's left and up."""
    rows = []
    for side, sign in (('Left', 1), ('Right', -1)):
        out, inwards, up, down = (
            weights[INDEX[f'eyeLook{way}{side}']] for way in ('Out', 'In', 'Up', 'Down'))
        rows.append((sign * (out - inwards) * LOOK_SIDE_RAD, (up - down) * LOOK_UP_DOWN_RAD))
    return np.array(rows)
