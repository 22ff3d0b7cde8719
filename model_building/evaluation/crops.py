# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Measure a regressor on crops whose truth is known: those of people it was not trained on.

    python -m model_building.network.generate --sources sources.npz --output held_out \
        --validation --shards 1 --photos 0 --seed 77
    python -m model_building.evaluation crops held_out

Real photos are those of `photos`; these crops say what photos' labels do not: how far every
angle is followed, and where landmarks are that nobody sees.
"""
from __future__ import annotations

import argparse
import itertools
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.regression.base import Regression, Regressor
from face_recon_ros.regression.loader import REGRESSORS, load_regressor
from face_recon_ros.regression.region import Region
from face_recon_ros.rotations import rotation_angles_rad
from model_building.evaluation.errors import fall_without_worst
from model_building.face_model.errors import ModelBuildingError
from model_building.network.generate import BACKGROUND, PHOTO
from model_building.network.subject import View

BANDS_DEG = (0, 30, 60, 90, 180)
"""Azimuths between which crops are taken together."""


@dataclass(slots=True)
class Found:
    """
    What was found in N crops, and the truth; landmarks (N, 68, 2) px of the crop.

    doubt (N,): of the rotation; what the network says of its error, else the fit error.
    """

    rotation: np.ndarray
    landmarks: np.ndarray
    presence: np.ndarray
    doubt: np.ndarray
    true_rotation: np.ndarray
    true_landmarks: np.ndarray
    kind: np.ndarray


def shards_of(folder: Path) -> list[Path]:
    """Return a folder's shards. :raises ModelBuildingError: there is none."""
    shards = sorted(folder.glob('*.npz'))
    if not shards:
        raise ModelBuildingError(
            f'{folder}: no shards; run model_building.network.generate first')
    return shards


def found_in(regressor: Regressor, image: np.ndarray) -> Regression:
    """Return the face in a crop (S, S, 3)."""
    size = image.shape[0]
    region = Region(np.full(2, (size - 1) / 2), float(size), 0.0)
    image_from_crop = regressor.preprocess(image, region)
    return regressor.postprocess(regressor.infer(), image_from_crop)


def look(regressor: Regressor, model: FaceModel, path: Path) -> Found:
    """Look at the crops of a shard, each as it was cut."""
    with np.load(path) as file:
        shard = {name: file[name] for name in file.files}
    size = shard['image'].shape[1]
    rotations, landmarks, presences, doubts, truths = [], [], [], [], []
    for i, image in enumerate(tqdm(shard['image'], unit='crop', leave=False, disable=None)):
        found = found_in(regressor, image)
        view = View(shard['rotation'][i].astype(float), float(shard['scale_px_per_m'][i]),
                    shard['centre_px'][i].astype(float), size)
        truth = view.parameters(shard['coefficients'][i].astype(float))
        rotations.append(found.parameters.model_rotation)
        landmarks.append(model.landmarks_68.points_px(found.parameters)[:, :2])
        presences.append(found.presence)
        sigma = found.rotation_sigma_rad
        doubts.append(found.fit_error if sigma is None else sigma)
        truths.append(model.landmarks_68.points_px(truth)[:, :2])
    return Found(np.array(rotations), np.array(landmarks), np.array(presences), np.array(doubts),
                 shard['rotation'].astype(float), np.array(truths), shard['kind'])


def azimuth_and_elevation_deg(rotation: np.ndarray) -> np.ndarray:
    """Return (N, 2) of where heads with rotations (N, 3, 3) look: to image right, and up."""
    x, y, z = rotation[:, :, 2].T
    return np.degrees(np.column_stack([np.arctan2(x, z), np.arcsin(np.clip(y, -1, 1))]))


def angle_deg(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """Return the angle (N,) between rotations (N, 3, 3)."""
    return np.degrees(rotation_angles_rad(a, b))


def nme_percent(found: np.ndarray, truth: np.ndarray) -> np.ndarray:
    """Return the mean distance (N,) of landmarks (N, 68, 2), % of the root of their box's area."""
    size = np.sqrt(np.ptp(truth, axis=1).prod(axis=1))
    return 100 * np.linalg.norm(found - truth, axis=2).mean(axis=1) / size


def slope_of(found: np.ndarray, truth: np.ndarray) -> float:
    """Return how much found (N,) grows where truth (N,) grows by one; NaN where it does not."""
    centred = truth - truth.mean()
    variance = float(centred @ centred)
    return float(centred @ found) / variance if variance > 0 else float('nan')


def report(found: Found) -> None:
    """Print errors by azimuth."""
    face = (found.kind != BACKGROUND) & (found.kind != PHOTO)
    look_deg = azimuth_and_elevation_deg(found.rotation)
    true_deg = azimuth_and_elevation_deg(found.true_rotation)
    angle = angle_deg(found.rotation, found.true_rotation)
    nme = nme_percent(found.landmarks, found.true_landmarks)
    print('| azimuth | crops | rotation, mean | azimuth MAE | azimuth further by, median '
          '| elevation MAE | elevation follows | NME68 | presence |')
    print('|---|---|---|---|---|---|---|---|---|')
    for low, high in itertools.pairwise(BANDS_DEG):
        aside = np.abs(true_deg[:, 0])
        k = face & (aside >= low) & (aside < high)
        if not k.any():
            continue
        # an azimuth of -179 degrees is 2 from one of 179
        off_deg = (look_deg - true_deg + 180) % 360 - 180
        azimuth, elevation = np.abs(off_deg)[k].mean(axis=0)
        further = np.median((off_deg[:, 0] * np.sign(true_deg[:, 0]))[k])
        slope = slope_of(look_deg[k, 1], true_deg[k, 1])
        print(f'| {low}-{high if high <= 90 else ""} | {k.sum()} | {angle[k].mean():.2f} '
              f'| {azimuth:.2f} | {further:+.1f} | {elevation:.2f} | {slope:.2f} '
              f'| {nme[k].mean():.2f} % | {found.presence[k].mean():.2f} |')
    if face.any():
        known, best = (
            100 * fall_without_worst(d[face], angle[face]) for d in (found.doubt, angle))
        print(f'without the tenth of least certainty the mean error of the rotation falls by '
              f'{known:.0f} %; without the tenth of largest error it would by {best:.0f} %')
    empty = found.kind == BACKGROUND
    if empty.any():
        print(f'presence of {empty.sum()} crops without a face: '
              f'{found.presence[empty].mean():.2f}')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument('folders', type=Path, nargs='+', metavar='DIR', help='of ...generate')
    parser.add_argument('--regressor', choices=REGRESSORS, default=REGRESSORS[0])
    parser.add_argument('--regressor-path', metavar='FILE', help='another .tflite file')


def run(arguments: argparse.Namespace) -> int:
    """Print the table of every shard."""
    model = FaceModel()
    regressor = load_regressor(arguments.regressor, model, arguments.regressor_path)
    for folder in arguments.folders:
        for shard in shards_of(folder):
            print(f'\n{folder.name}/{shard.name}')
            report(look(regressor, model, shard))
    return 0
