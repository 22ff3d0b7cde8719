# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
How well expressions are read in photos: scripts/evaluate_expressions.py.

Photos are those that nothing was learnt from.
"""
from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from tqdm import tqdm

from face_recon_ros.expression.units import COUNT, INDEX
from face_recon_ros.io.image_files import read_image
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from model_building.expression.photo_split import is_for_judging
from model_building.network.portraits import judging_portraits

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
    judging = [name for name in sorted(labels) if is_for_judging(Path(name))]
    names, values = _photos(folder / name for name in judging[::every])
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
