# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the face does: mixes of the 52 ARKit-named units and their principal components."""
from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from face_recon_ros.face_model.file import EXPRESSION_COUNT
from model_building.face_model.assets import FACE_UNITS, Assets
from model_building.face_model.identity import describe, principal_mixes, with_positive_lead
from model_building.face_model.similarity import mirrored
from model_building.face_model.surface import Embedding

SAMPLE_COUNT = 8000
SEED = 21
DENSE_WEIGHT, LANDMARK_WEIGHT, LID_WEIGHT = 0.5, 0.5, 0.3
"""Parts of the metric in which components are principal: all visible vertices, the 468
landmarks, and the gaps of the lids on their own. Without the last, a wink of one eye is the first
thing that ten components give up."""


@dataclass(frozen=True, slots=True)
class Habit:
    """How often and how strongly a unit is used in the sampled mixes."""

    unit: str
    probability: float
    strongest: float = 1.0
    beta: tuple[float, float] = (1.2, 1.6)
    same_sides: float | None = None
    """For a left-right pair: how often both sides do the same; else the unit stands alone."""


HABITS = (
    Habit('jawOpen', .45, .9, (1, 2)),
    Habit('mouthSmile', .40, same_sides=.85),
    Habit('mouthFrown', .15, .9, same_sides=.85),
    Habit('mouthStretch', .15, .8, same_sides=.85),
    Habit('mouthDimple', .15, .8, same_sides=.85),
    Habit('mouthPress', .12, .8, same_sides=.85),
    Habit('mouthUpperUp', .20, .8, same_sides=.85),
    Habit('mouthLowerDown', .20, .8, same_sides=.85),
    Habit('noseSneer', .12, same_sides=.85),
    Habit('mouthPucker', .14), Habit('mouthFunnel', .14),
    Habit('mouthRollLower', .10, .8), Habit('mouthRollUpper', .10, .8),
    Habit('mouthShrugLower', .12), Habit('mouthShrugUpper', .10),
    Habit('cheekPuff', .06), Habit('jawForward', .05, .7),
    Habit('jawLeft', .06, .7, (1, 1)), Habit('jawRight', .06, .7, (1, 1)),
    Habit('mouthLeft', .07, .8, (1, 1)), Habit('mouthRight', .07, .8, (1, 1)),
    Habit('eyeBlink', .38, 1.0, (1, 1), same_sides=.80),
    Habit('eyeSquint', .25, .9, same_sides=.95),
    Habit('eyeWide', .15, .9, same_sides=.95),
    Habit('browDown', .25, same_sides=.95),
    Habit('browOuterUp', .22, same_sides=.85),
    Habit('browInnerUp', .25), Habit('cheekSquint', .05, 1.0, (1, 1), same_sides=.9),
)
GAZE_SPREAD = 0.3
RAISED_CHEEKS = 0.5
"""Of a smile's strength, at most: the unit comes on top of the squint of cheeks."""


class _Uniform:
    """Uniform variates, column by column."""

    def __init__(self, count: int) -> None:
        self._generator = np.random.default_rng(SEED)
        self._count = count

    def __call__(self) -> np.ndarray:
        return np.clip(self._generator.random(self._count), 1e-9, 1 - 1e-9)


def sample_expressions(units: list[str]) -> np.ndarray:
    """Return SAMPLE_COUNT mixes (n,k) of units, each 0..1, as people tend to use them."""
    uniform = _Uniform(SAMPLE_COUNT)
    column = {name: k for k, name in enumerate(units)}
    weights = np.zeros((SAMPLE_COUNT, len(units)))

    def of(name: str) -> np.ndarray:
        return weights[:, column[name]]

    for habit in HABITS:
        strength = special.betaincinv(*habit.beta, uniform()) * habit.strongest
        strength = np.where(uniform() < habit.probability, strength, 0)
        if habit.same_sides is None:
            of(habit.unit)[:] = strength
        else:
            weaker = np.where(uniform() < habit.same_sides, 1.0, 0.3 * uniform())
            left = uniform() < 0.5
            of(habit.unit + 'Left')[:] = strength * np.where(left, 1, weaker)
            of(habit.unit + 'Right')[:] = strength * np.where(left, weaker, 1)
    of('mouthClose')[:] = of('jawOpen') * np.where(uniform() < .15, uniform(), 0)
    down = np.where(uniform() < .3, uniform(), 0)
    up = np.where((uniform() < .15) & (down == 0), uniform(), 0)
    sideways = GAZE_SPREAD * special.ndtri(uniform())
    for side, other in (('Left', 'Right'), ('Right', 'Left')):
        outwards = sideways if side == 'Left' else -sideways
        of('eyeLookOut' + side)[:] = np.clip(outwards, 0, 1)
        of('eyeLookIn' + other)[:] = np.clip(outwards, 0, 1)
        blink = of('eyeBlink' + side)
        # The lids of a closing eye must not be driven twice.
        of('eyeSquint' + side)[:] *= 1 - blink
        of('eyeWide' + side)[:] *= 1 - blink
        of('eyeLookDown' + side)[:] = down * (1 - .7 * blink)
        of('eyeLookUp' + side)[:] = up
        of('cheekSquint' + side)[:] = np.maximum(of('cheekSquint' + side),
                                                 of('mouthSmile' + side) * uniform() * .8)
    for side in ('Left', 'Right'):
        if 'cheekRaiser' + side in column:
            of('cheekRaiser' + side)[:] = of('mouthSmile' + side) * uniform() * RAISED_CHEEKS
    return weights


@dataclass(frozen=True, slots=True)
class Expressions:
    """Expression components in metres, similarity motion not yet removed."""

    basis: np.ndarray
    """(10,V,3) float64, one standard deviation (root mean square about neutral) each."""
    names: list[str]
    kept: dict[str, float]
    """Variance kept in all vertices and in the 468 landmarks."""


def load_units(assets: Assets, displacement: Callable[[np.ndarray], np.ndarray],
               progress: Callable[[str], None]) -> tuple[list[str], np.ndarray]:
    """Return the names and displacements (52,V,3) of the face units."""
    names = assets.listing(FACE_UNITS, '.target')
    shapes = []
    for name in names:
        shapes.append(displacement(assets.target(f'{FACE_UNITS}/{name}.target')))
        progress(name)
    return names, np.array(shapes)


def build_expressions(unit_names: list[str], units: np.ndarray, counted: np.ndarray,
                      landmarks: Embedding, lids: np.ndarray, mirror: np.ndarray,
                      lid_weight: float = LID_WEIGHT) -> Expressions:
    """
    Find the principal components of sampled expressions about the neutral face.

    units (52,V,3) metres; counted (V,) bool are the vertices in sight; lids (n,2) are facing
    vertices of upper and lower lid. The sample is counted together with its mirror image, so every
    component is symmetric or antisymmetric.
    """
    sample = sample_expressions(unit_names)
    swap = [unit_names.index(_other_side(name)) for name in unit_names]
    sample = np.concatenate([sample, sample[:, swap]])
    covariance = sample.T @ sample / len(sample)

    def gram(vectors: np.ndarray) -> np.ndarray:
        flat = vectors.reshape(len(vectors), -1)
        product = flat @ flat.T / vectors.shape[1]
        return (product + product[np.ix_(swap, swap)]) / 2

    dense, sparse = gram(units[:, counted]), gram(landmarks.of(units))
    lid_gaps = gram(units[:, lids[:, 0]] - units[:, lids[:, 1]])
    metric = DENSE_WEIGHT * dense + LANDMARK_WEIGHT * sparse + lid_weight * lid_gaps
    _, mix = principal_mixes(metric, covariance)
    strength = np.sqrt(np.diag(metric))
    mix = with_positive_lead(mix[:, :EXPRESSION_COUNT], strength)
    basis = np.tensordot(mix.T, units, axes=1)
    reflected = mirrored(basis, mirror)
    even = (basis * reflected).sum(axis=(1, 2)) > 0
    basis = (basis + np.where(even, 1, -1)[:, None, None] * reflected) / 2
    names = [_name(mix[:, k], strength, unit_names, bool(even[k]))
             for k in range(EXPRESSION_COUNT)]
    return Expressions(basis, names, {'vertices': _kept(mix, dense, covariance),
                                      'landmarks': _kept(mix, sparse, covariance)})


def _name(mix: np.ndarray, strength: np.ndarray, unit_names: list[str], even: bool) -> str:
    """Describe a component; the units of the right side count negative in an antisymmetric one."""
    labels = [(_both_sides(name), 1 if even or not name.endswith('Right') else -1)
              for name in unit_names]
    return describe(mix, strength, labels) + ('' if even else ' (left against right)')


def _other_side(name: str) -> str:
    """Return the name of the unit that does the same on the other side of the face."""
    if name.endswith('Left'):
        return name.removesuffix('Left') + 'Right'
    if name.endswith('Right'):
        return name.removesuffix('Right') + 'Left'
    return name


def _both_sides(name: str) -> str:
    """Return the name of a unit without its side; jaw and mouth are single and move sideways."""
    plain = name.removesuffix('Left').removesuffix('Right')
    return plain + 'Sideways' if plain in ('jaw', 'mouth') else plain


def _kept(mix: np.ndarray, metric: np.ndarray, covariance: np.ndarray) -> float:
    """Return the part of the variance in `metric` that the components can express."""
    projection = mix @ np.linalg.pinv(mix.T @ metric @ mix) @ mix.T @ metric
    rest = np.eye(len(metric)) - projection
    return float(1 - np.trace(rest @ covariance @ rest.T @ metric)
                 / np.trace(covariance @ metric))
