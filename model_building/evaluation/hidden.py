# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Measure what covariances say of faces that the image cuts, or that something hides.

    python -m model_building.network.generate --sources sources.npz --output held_out \
        --validation --straight --shards 2 --crops 250 --photos 0 --seed 91 \
        --ict ICT_FOLDER --portraits PORTRAITS_FOLDER
    python -m model_building.evaluation hidden held_out

Crops whose truth is known (see `crops`) are shown as they are, cut off as by the image's edge,
with a thing, a mask or a cap before the face, and behind an edge as of a door. By how many units
the network's own sigma has (confidence.RotationCalibration): within how many degrees 68 % of the
errors about the face's axes are, and what the covariance says there.
"""
from __future__ import annotations

import argparse
import itertools
from pathlib import Path

import numpy as np
from tqdm import tqdm

from face_recon_ros.confidence import BY_OWN_SIGMA
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.regression.base import Regressor
from face_recon_ros.regression.loader import load_regressor
from face_recon_ros.rotations import MODEL_FROM_FACE, azimuth_seen_rad, rotation_vector
from model_building.evaluation.crops import found_in, shards_of
from model_building.face_model.errors import ModelBuildingError
from model_building.network.generate import BACKGROUND, PHOTO
from model_building.network.partial_views import PartialViews

SHOWN = {
    'as they are': (0.0, 0.0, 0.0), 'cut off': (1.0, 0.0, 0.0), 'covered': (0.0, 1.0, 0.0),
    'behind an edge': (0.0, 1.0, 1.0),
}
"""Shares of crops that are cut, covered, and of these behind an edge; see PartialViews."""
UNITS = (0.0, 1.0, 1.5, 2.0, 3.0, 4.0, 6.0, 8.0, np.inf)
COVERED = 0.68
LEAST_COUNT = 20
AXES = ('roll', 'pitch', 'yaw')


def seen(shard: dict[str, np.ndarray], shares: tuple[float, float, float],
         model: FaceModel, seed: int) -> np.ndarray:
    """Return the images (N, S, S, 3) of a shard with faces hidden by shares; see SHOWN."""
    cut, covered, edges = shares
    views = PartialViews(cut, covered, model.landmarks_468.mean, edges)
    landmarks_px = shard['landmarks'][:, :, :2].astype(float)
    return views(shard['image'], landmarks_px, np.random.default_rng(seed))


def errors_deg(regressor: Regressor, shard: dict[str, np.ndarray],
               images: np.ndarray) -> np.ndarray:
    """
    Return of each face (N, 7): units of its own sigma, errors about its axes, what is said.

    :raises ModelBuildingError: the regressor gives no sigma of its own.
    """
    rows = []
    face = (shard['kind'] != BACKGROUND) & (shard['kind'] != PHOTO)
    for i in tqdm(np.flatnonzero(face), unit='crop', leave=False, disable=None):
        found = found_in(regressor, images[i])
        rotation, own_rad = found.parameters.model_rotation, found.rotation_sigma_rad
        if own_rad is None:
            raise ModelBuildingError('the regressor gives no sigma of its own')
        turned = rotation_vector(shard['rotation'][i].astype(float).T @ rotation)
        said_rad = BY_OWN_SIGMA.sigma_rad(azimuth_seen_rad(rotation), own_rad)
        rows.append([own_rad / BY_OWN_SIGMA.uncertainty_unit,
                     *np.degrees(turned @ MODEL_FROM_FACE), *np.degrees(said_rad)])
    return np.array(rows)


def report(shown: str, rows: np.ndarray) -> None:
    """Print a table of rows (N, 7) as errors_deg() gives them."""
    units, error, said = rows[:, 0], np.abs(rows[:, 1:4]), rows[:, 4:]
    print(f'\n| {shown}: units of own sigma | faces | 68 % within: {", ".join(AXES)} '
          f'| covariance, median | errors within it |\n|---|---|---|---|---|')
    for low, high in (*itertools.pairwise(UNITS), (0.0, np.inf)):
        k = (units >= low) & (units < high)
        if k.sum() < LEAST_COUNT:
            continue
        name = 'all' if (low, high) == (0.0, np.inf) else f'{low:g}-{high:g}'
        inside = (error[k] < said[k]).mean(axis=0)
        print(f'| {name.removesuffix("inf")} | {k.sum()} '
              f'| {of_axes(np.quantile(error[k], COVERED, axis=0))} '
              f'| {of_axes(np.median(said[k], axis=0))} '
              f'| {", ".join(f"{100 * part:.0f}" for part in inside)} % |')


def of_axes(values: np.ndarray) -> str:
    """Return numbers (3,) as text."""
    return ', '.join(f'{value:.1f}' for value in values)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument('folders', type=Path, nargs='+', metavar='DIR', help='of ...generate')
    parser.add_argument('--regressor-path', metavar='FILE', help='another .tflite file')


def run(arguments: argparse.Namespace) -> int:
    """Print the tables, of all folders together."""
    model = FaceModel()
    regressor = load_regressor('network', model, arguments.regressor_path)
    paths = [path for folder in arguments.folders for path in shards_of(folder)]
    for shown, shares in SHOWN.items():
        rows = []
        for seed, path in enumerate(paths):
            with np.load(path) as file:
                shard = {name: file[name] for name in file.files}
            rows.append(errors_deg(regressor, shard, seen(shard, shares, model, seed)))
        report(shown, np.concatenate(rows))
    return 0
