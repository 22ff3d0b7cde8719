# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
How well expressions are read: scripts/evaluate_expressions.py.

Rendered sweeps show one unit at a time on people and with a renderer that nothing was learnt from.
"""
from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from face_recon_ros.camera import Camera
from face_recon_ros.expression.reader import ExpressionReader
from face_recon_ros.expression.units import COUNT, INDEX, NAMES
from face_recon_ros.io.image_files import read_image
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.region import Region, without_turn
from model_building.expression import sampling
from model_building.face_model.ict_model import IctModel
from model_building.network.augmentation import rotation_about
from model_building.network.ict_heads import IDENTITY_LIMIT, IctHeads, Shot, photographed
from model_building.network.ict_skin import Skin
from model_building.network.portraits import judging_portraits

SIZE_PX, DISTANCE_M = 320, 1.0
FOCAL_LENGTH_PX = 1100.0
TURNS_DEG = ((-40, 0), (-20, 0), (20, 0), (40, 0), (0, -25), (0, 25))
"""Yaw and pitch at which what is shown should read as it does in front."""
AT_REST, SHOWN = 0.15, 0.5
LARGEST = 0.3
"""Of blinks and open mouths of people who sit for a portrait."""


def read(pipeline: Pipeline, image: np.ndarray) -> np.ndarray | None:
    """Return the coefficients (52,) of the surest face of a photo; None where there is none."""
    faces = pipeline.detect(image)
    if not faces or not np.isfinite(faces[0].blendshapes).all():
        return None
    return faces[0].blendshapes


def _photos(paths: Iterable[Path]) -> tuple[list[str], np.ndarray]:
    pipeline = Pipeline(PipelineConfig(expressions=True))
    names, rows = [], []
    for path in tqdm(list(paths), unit='photo', leave=False, disable=None):
        values = read(pipeline, read_image(path))
        if values is not None:
            names.append(path.name)
            rows.append(values)
    return names, np.array(rows).reshape(-1, COUNT)


def area_under_curve(scores: np.ndarray, labels: np.ndarray) -> float:
    """Return how often a labelled one has the higher score, ties counted half."""
    positive, negative = scores[labels], scores[~labels]
    above = (positive[:, None] > negative).mean()
    return float(above + (positive[:, None] == negative).mean() / 2)


def smiles(folder: Path, every: int) -> None:
    """Print how mouthSmile agrees with GENKI-4K's labels; the threshold is the other half's."""
    with (folder / 'labels.csv').open(newline='') as file:
        labels = {row['file']: row['smile'] == '1' for row in csv.DictReader(file)}
    names, values = _photos(folder / name for name in sorted(labels)[::every])
    smile = values[:, [INDEX['mouthSmileLeft'], INDEX['mouthSmileRight']]].mean(axis=1)
    wanted = np.array([labels[name] for name in names])
    right = 0.0
    for half in (0, 1):
        chosen = _threshold(smile[half::2], wanted[half::2])
        right += float(((smile[1 - half :: 2] > chosen) == wanted[1 - half :: 2]).sum())
    sys.stdout.write(
        f'smiles, {len(names)} photos: AUC {area_under_curve(smile, wanted):.4f}, '
        f'accuracy {100 * right / len(names):.1f} %\n')


def _threshold(scores: np.ndarray, labels: np.ndarray) -> float:
    candidates = np.linspace(0, 1, 201)
    return float(max(candidates, key=lambda t: ((scores > t) == labels).sum()))


def portraits(folder: Path, every: int) -> None:
    """Print how many of the judging half of the portraits have open eyes and shut mouths."""
    names, values = _photos(judging_portraits(folder)[::every])
    blink = values[:, [INDEX['eyeBlinkLeft'], INDEX['eyeBlinkRight']]].max(axis=1)
    jaw = values[:, INDEX['jawOpen']]
    sys.stdout.write(
        f'portraits, {len(names)}: eyeBlink < {LARGEST} on {100 * (blink < LARGEST).mean():.1f} %,'
        f' jawOpen < {LARGEST} on {100 * (jaw < LARGEST).mean():.1f} %\n')


@dataclass(slots=True, frozen=True)
class Sweep:
    """What is read of a unit (people,): at rest, shown in full, and most turned away (people,)."""

    rest: np.ndarray
    full: np.ndarray
    turned: np.ndarray


class Sweeps:
    """Shows units on rendered people."""

    def __init__(self, ict: Path) -> None:
        """:raises ModelBuildingError: a folder that has not what is needed."""
        self._pipeline = Pipeline(PipelineConfig(smoothing=None))
        self._reader = ExpressionReader(self._pipeline.model)
        self._heads = IctHeads(IctModel.load(ict))
        self._camera = Camera(SIZE_PX, SIZE_PX, FOCAL_LENGTH_PX, FOCAL_LENGTH_PX,
                              (SIZE_PX - 1) / 2, (SIZE_PX - 1) / 2)

    def __call__(self, people: int, seed: int, with_turns: bool) -> dict[str, Sweep]:
        """Return what is read of each unit that the ICT model has."""
        units = [name for name in NAMES if name != 'tongueOut']
        rows: dict[str, list[tuple[float, float, float]]] = {name: [] for name in units}
        for number in tqdm(range(people), unit='person', leave=False, disable=None):
            rng = np.random.default_rng([seed, number])
            identity = np.clip(rng.standard_normal(100), -IDENTITY_LIMIT, IDENTITY_LIMIT)
            skin = self._heads.skins.plain_skin(rng)
            rest = self._shown(identity, skin, np.zeros(COUNT), (0, 0), number)
            for name in units:
                weights = np.zeros(COUNT)
                weights[INDEX[name]] = 1.0
                weights = sampling.possible(weights)
                full = self._shown(identity, skin, weights, (0, 0), number)[INDEX[name]]
                turned = [abs(self._shown(identity, skin, weights, turn, number)[INDEX[name]]
                              - full) for turn in TURNS_DEG] if with_turns else [np.nan]
                rows[name].append((rest[INDEX[name]], full, max(turned)))
        return {name: Sweep(*np.array(found).T) for name, found in rows.items()}

    def _shown(self, identity: np.ndarray, skin: Skin, weights: np.ndarray,
               turn_deg: tuple[int, int], seed: int) -> np.ndarray:
        yaw, pitch = turn_deg
        rotation = rotation_about('x', pitch) @ rotation_about('y', yaw)
        rng = np.random.default_rng(seed)
        points = self._heads.with_expression(identity, sampling.of_ict(weights))
        shot = Shot(rotation, np.array([0.0, 0.0, DISTANCE_M]), self._camera)
        background = np.full((SIZE_PX, SIZE_PX, 3), 120, np.uint8)
        image, marks = self._heads.draw(points, skin, shot, background, rng)
        image = photographed(image, rng)
        low, high = marks.min(axis=0), marks.max(axis=0)
        region = without_turn(Region((low + high) / 2, 1.6 * float((high - low).max()), 0.0))
        found = self._pipeline.regressor(image, region)
        found = self._pipeline.regressor(image, found.region)
        return self._reader.still(image, found.parameters).blendshapes


def print_sweeps(sweeps: dict[str, Sweep], confidence: np.ndarray) -> None:
    """Print a row for each unit, as docs/expressions.md has them."""
    sys.stdout.write('| unit | confidence | at rest | in full | changes when turned |\n'
                     '|---|---|---|---|---|\n')
    good = 0
    for name, sweep in sweeps.items():
        rest, full = np.nanmean(sweep.rest), np.nanmean(sweep.full)
        turned = '' if np.isnan(sweep.turned).all() else f'{np.nanmean(sweep.turned):.2f}'
        good += bool(full >= SHOWN and rest < AT_REST)
        sys.stdout.write(f'| {name} | {confidence[INDEX[name]]:.2f} | {rest:.2f} | {full:.2f} '
                         f'| {turned} |\n')
    sys.stdout.write(f'{good} of {len(sweeps)} units below {AT_REST} at rest and from {SHOWN} on '
                     'in full\n')
