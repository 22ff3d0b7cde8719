# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Who the face belongs to: random MakeHuman heads and their principal components."""
from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from face_recon_ros.face_model.file import SHAPE_COUNT
from model_building.face_model.assets import TARGETS, Assets
from model_building.face_model.similarity import mirrored, remove_similarity

SAMPLE_COUNT = 6000
SEED = 20

ETHNICITIES = ('african', 'asian', 'caucasian')
GENDERS = ('female', 'male')
AGES = ('child', 'young', 'old')
MUSCLES = ('minmuscle', 'averagemuscle', 'maxmuscle')
WEIGHTS = ('minweight', 'averageweight', 'maxweight')

OPPOSITES = {'decr': 'incr', 'down': 'up', 'backward': 'forward', 'in': 'out',
             'concave': 'convex', 'compress': 'uncompress'}

# Standard deviation of each slider (range -1..1), chosen so that heads look like people.
FOLDER_SPREAD = {'head': .30, 'nose': .35, 'mouth': .30, 'cheek': .40, 'chin': .35, 'eyes': .30,
                 'eyebrows': .40, 'forehead': .40, 'neck': .30, 'asym': .08}
NAME_SPREAD = {'head-age': .2, 'head-fat': .2, 'head-angle': .2, 'head-diamond': .25,
               'head-invertedtriangular': .25, 'head-oval': .25, 'head-rectangular': .25,
               'head-round': .25, 'head-square': .25, 'head-triangular': .25,
               'chin-triangle': .25}
LEFT_RIGHT_CORRELATION = 0.95
# Sliders that only move the head or its parts as a whole, and parts outside the mask.
LEFT_OUT = ('head-trans', 'head-back', 'nose-trans-in', 'nose-trans-out', 'mouth-trans-in',
            'mouth-trans-out', 'asym-ear')
YOUNGEST = 0.36
"""MakeHuman's age slider at 18 years."""


@dataclass(frozen=True, slots=True)
class Control:
    """A slider from -1 (target `low`, if any) to 1 (target `high`)."""

    folder: str
    name: str
    low: str | None
    high: str

    @property
    def spread(self) -> float:
        """Return the standard deviation used for sampling."""
        for name, spread in NAME_SPREAD.items():
            if self.name.startswith(name):
                return spread
        return FOLDER_SPREAD[self.folder]


def _pairs(assets: Assets, folder: str) -> list[Control]:
    path = f'{TARGETS}/{folder}'
    names = assets.listing(path, '.target.gz')
    file = {name: f'{path}/{name}.target.gz' for name in names}
    controls = []
    for name in names:
        stem, _, side = name.rpartition('-')
        if side in OPPOSITES and f'{stem}-{OPPOSITES[side]}' in file:
            other = OPPOSITES[side]
            controls.append(Control(folder, f'{name}-{other}', file[name],
                                    file[f'{stem}-{other}']))
        elif not (side in OPPOSITES.values() and any(
                f'{stem}-{low}' in file for low, high in OPPOSITES.items() if high == side)):
            controls.append(Control(folder, name, None, file[name]))
    return [control for control in controls if not control.name.startswith(LEFT_OUT)]


def _asymmetries(assets: Assets) -> list[Control]:
    path = f'{TARGETS}/asym'
    names = {name[:-2] for name in assets.listing(path, '.target.gz')}
    return [Control('asym', name, f'{path}/{name}-l.target.gz', f'{path}/{name}-r.target.gz')
            for name in sorted(names) if name.startswith('asym-')
            and not name.startswith(LEFT_OUT)]


def detail_controls(assets: Assets) -> list[Control]:
    """Return the sliders that shape a face, in a fixed order."""
    folders = ('head', 'nose', 'mouth', 'cheek', 'chin', 'eyes', 'eyebrows', 'forehead')
    controls = [control for folder in folders for control in _pairs(assets, folder)]
    double_chin = [control for control in _pairs(assets, 'neck')
                   if control.name.startswith('neck-double')]
    return controls + double_chin + _asymmetries(assets)


def macro_targets() -> list[str]:
    """Return the targets of ethnicity, gender, age, muscle and weight, in a fixed order."""
    folder = f'{TARGETS}/macrodetails'
    ethnic = [f'{folder}/{e}-{g}-{a}.target.gz'
              for e, g, a in itertools.product(ETHNICITIES, GENDERS, AGES)]
    universal = [f'{folder}/universal-{g}-{a}-{m}-{w}.target.gz'
                 for g, a, m, w in itertools.product(GENDERS, AGES, MUSCLES, WEIGHTS)]
    return ethnic + universal


def _three_way(value: np.ndarray) -> np.ndarray:
    """Return weights (n,3) of the lowest, middle and highest of a slider value 0..1."""
    low, high = np.clip(1 - 2 * value, 0, None), np.clip(2 * value - 1, 0, None)
    return np.stack([low, 1 - low - high, high], axis=1)


def _macro_weights(uniform: np.ndarray) -> np.ndarray:
    """Return weights (n,18+54) of macro_targets() from uniform variates (n,7)."""
    male = special.betaincinv(.35, .35, uniform[:, 0])
    age = YOUNGEST + (1 - YOUNGEST) * special.betaincinv(1.1, 1.6, uniform[:, 1])
    child, old = np.clip((.5 - age) / .3125, 0, None), np.clip((age - .5) / .5, 0, None)
    ages = np.stack([child, 1 - child - old, old], axis=1)
    gamma = special.gammaincinv(.5, uniform[:, 2:5])
    ethnic = gamma / gamma.sum(axis=1, keepdims=True)
    genders = np.stack([1 - male, male], axis=1)
    muscle = _three_way(np.clip(.5 + .17 * special.ndtri(uniform[:, 5]), 0, 1))
    weight = _three_way(np.clip(.5 + .20 * special.ndtri(uniform[:, 6]), 0, 1))
    count = len(uniform)
    return np.concatenate([
        np.einsum('ne,ng,na->nega', ethnic, genders, ages).reshape(count, -1),
        np.einsum('ng,na,nm,nw->ngamw', genders, ages, muscle, weight).reshape(count, -1)],
        axis=1)


def _detail_weights(controls: list[Control], uniform: np.ndarray) -> np.ndarray:
    """Return slider values (n,k) in -1..1 from uniform variates (n,k)."""
    normal = special.ndtri(uniform)
    column = {control.name: k for k, control in enumerate(controls)}
    rest = np.sqrt(1 - LEFT_RIGHT_CORRELATION ** 2)
    for name, k in column.items():
        left = column.get('l' + name[1:]) if name.startswith('r-') else None
        if left is not None:
            normal[:, k] = LEFT_RIGHT_CORRELATION * normal[:, left] + rest * normal[:, k]
    values = normal * [control.spread for control in controls]
    one_sided = np.array([control.low is None for control in controls])
    return np.clip(np.where(one_sided, np.abs(values), values), -1, 1)


@dataclass(frozen=True, slots=True)
class Identity:
    """Mean head and shape components, in metres, similarity motion removed."""

    mean: np.ndarray
    """(V,3) float64."""
    basis: np.ndarray
    """(40,V,3) float64, one standard deviation each."""
    names: list[str]
    kept: dict[int, float]
    """Variance kept by the first k components, of that of all sampled heads."""
    residual_mm: float
    """Root-mean-square distance of a vertex that 40 components leave unexplained."""
    total_mm: float
    size_factor: float
    """By how much the base mesh's units were scaled on average."""


def principal_mixes(gram: np.ndarray, covariance: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """
    Return variances, descending, and mixes (j,j) of targets for unit standard deviation.

    Principal components of mixes of j targets whose inner products are `gram` and whose weights
    have `covariance`, found without forming a sample.
    """
    values, vectors = np.linalg.eigh(covariance)
    root = vectors * np.sqrt(np.clip(values, 0, None))
    values, vectors = np.linalg.eigh(root.T @ gram @ root)
    order = np.argsort(-values, kind='stable')
    return np.clip(values[order], 0, None), root @ vectors[:, order]


def with_positive_lead(mix: np.ndarray, strength: np.ndarray) -> np.ndarray:
    """Return the mixes (j,k) with the strongest control of each counted positive."""
    # The tilt decides between a left and a right control of equal strength.
    tilt = 1 + 1e-3 * np.arange(len(mix))[:, None] / len(mix)
    strongest = np.argmax(np.abs(mix) * strength[:, None] * tilt, axis=0)
    return mix * np.sign(mix[strongest, np.arange(mix.shape[1])])


def describe(mix: np.ndarray, strength: np.ndarray, labels: list[tuple[str, int]],
             limit: int = 2) -> str:
    """
    Return the strongest sliders of one mix (j,), like 'chin-height +, nose-hump -'.

    labels (j): the slider a target belongs to, and 1 or -1 for its end.
    """
    effect: dict[str, float] = {}
    for value, (label, end) in zip(mix * strength, labels, strict=True):
        effect[label] = effect.get(label, 0.0) + end * float(value)
    order = sorted(effect, key=lambda label: (-round(abs(effect[label]), 12), label))
    return ', '.join(f"{label} {'+' if effect[label] > 0 else '-'}" for label in order[:limit])


def _slider(control: Control) -> str:
    """Return the name of a slider without the words for its ends and its side of the face."""
    words = control.name.removeprefix('l-').removeprefix('r-').removeprefix('asym-').split('-')
    ends = {*OPPOSITES, *OPPOSITES.values()}
    return '-'.join(word for word in words if word not in ends or control.name.endswith(
        ('-in-out', '-down-up', '-backward-forward')))


def build_identity(assets: Assets, displacement: Callable[[np.ndarray], np.ndarray],
                   base: np.ndarray, mirror: np.ndarray, counted: np.ndarray,
                   progress: Callable[[str], None]) -> Identity:
    """
    Sample heads and find their principal components.

    displacement takes a target (19158,3) to the mesh (V,3), metres; base is the undeformed mesh
    (V,3) in metres; `counted` (V,) bool says which vertices count as surface. Head size is
    removed before (a face's size is in the camera matrix), symmetry is exact: the sample is
    counted together with its mirror image.
    """
    controls = detail_controls(assets)
    sources = macro_targets() + [control.high for control in controls] + [
        control.low for control in controls if control.low]
    labels = [(source.rsplit('/', 1)[-1].removesuffix('.target.gz'), 1)
              for source in macro_targets()]
    labels += [(_slider(control), 1) for control in controls]
    labels += [(_slider(control), -1) for control in controls if control.low]
    shapes = np.empty((1 + len(sources), *base.shape))
    shapes[0] = base
    for k, source in enumerate(sources):
        shapes[1 + k] = displacement(assets.target(source))
        progress(source)

    uniform = np.random.default_rng(SEED).random((SAMPLE_COUNT, 7 + len(controls)))
    uniform = np.clip(uniform, 1e-9, 1 - 1e-9)
    details = _detail_weights(controls, uniform[:, 7:])
    two_sided = np.array([control.low is not None for control in controls])
    weights = np.concatenate([np.ones((SAMPLE_COUNT, 1)), _macro_weights(uniform[:, :7]),
                              np.clip(details, 0, None),
                              np.clip(-details[:, two_sided], 0, None)], axis=1)

    surface = shapes[:, counted] - shapes[:, counted].mean(axis=1, keepdims=True)
    flat = surface.reshape(len(shapes), -1)
    size = np.sqrt(np.einsum('ni,ij,nj->n', weights, flat @ flat.T, weights, optimize=True))
    weights *= size.mean() / size[:, None]
    size_factor = float((size.mean() / size).mean())

    average = weights.mean(axis=0)
    mean = np.tensordot(average, shapes, axes=1)
    mean = (mean + mirrored(mean, mirror)) / 2
    shapes = remove_similarity(shapes, mean, shapes[:, counted], mean[counted])
    covariance = np.cov(weights, rowvar=False, bias=True)
    return principal_identity(mean, shapes, covariance, labels, counted, mirror, size_factor)


def principal_identity(mean: np.ndarray, shapes: np.ndarray, covariance: np.ndarray,
                       labels: list[tuple[str, int]], counted: np.ndarray, mirror: np.ndarray,
                       size_factor: float) -> Identity:
    """
    Find the principal components of heads that are mixes of shapes (j,V,3) about a mean (V,3).

    covariance (j,j) is the mixes'. labels (j-1,): of all shapes but the first, as describe() wants
    them. The heads are counted together with their mirror images.
    """
    surface = shapes[:, counted]
    reflected = mirrored(shapes, mirror)[:, counted].reshape(len(shapes), -1)
    flat = surface.reshape(len(shapes), -1)
    gram, cross = flat @ flat.T / counted.sum(), flat @ reflected.T / counted.sum()
    strength = np.sqrt(np.diag(gram))
    parts = [principal_mixes((gram + sign * cross) / 2, covariance) for sign in (1, -1)]
    variances = np.concatenate([variance for variance, _ in parts])
    mixes = np.concatenate([with_positive_lead(mix, strength) for _, mix in parts], axis=1)
    total = variances.sum()
    best = np.argsort(-variances, kind='stable')
    chosen = best[:SHAPE_COUNT]
    odd = chosen >= len(covariance)
    basis = np.tensordot(mixes[:, chosen].T, shapes, axes=1)
    basis = (basis + np.where(odd, -1, 1)[:, None, None] * mirrored(basis, mirror)) / 2
    names = [describe(mixes[1:, k], strength[1:], labels) + (' (one side)' if is_odd else '')
             for k, is_odd in zip(chosen, odd, strict=True)]
    order = variances[best]
    return Identity(
        mean=mean, basis=basis, names=names,
        kept={k: float(order[:k].sum() / total) for k in (10, 20, SHAPE_COUNT, 60)},
        residual_mm=float(np.sqrt(order[SHAPE_COUNT:].sum()) * 1e3),
        total_mm=float(np.sqrt(total) * 1e3), size_factor=size_factor)
