#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Print the constants of the rotation's covariance (confidence.py), and how often they hold.

    scripts/calibrate_covariance.py [--regressor network|facemesh|hybrid]
        [--regressor-path FILE] DIR...

DIR: labelled photos, as scripts/evaluate.py takes them, with angles or with where people were
asked to look (they are taken to hold their heads upright). Constants are found on half of the
people and tried on the other half; those printed last are found on all. People are told apart by
the column `person` of labels.csv, else every photo is somebody else.
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from evaluate import labelled_faces, read_rows, true_rotation

from face_recon_ros.confidence import YAW_BANDS_DEG, RotationCalibration
from face_recon_ros.face import Face
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.loader import REGRESSORS
from face_recon_ros.rotations import rotation_vector

COVERED = 0.68
AXES = ('roll', 'pitch', 'yaw')
# Looks further up or down than this are no looks of people at work
LARGEST_TILT_DEG = 30
# Of fewer photos than this no quantile is taken: the nearest band's stands in
LEAST_COUNT = 40
# The constant offset between the labels' zero and the model's is found on faces this frontal
FRONTAL_DEG = 40
ROUNDS = 20
# More than this is chance: uncertainty would outgrow the errors seen
LARGEST_EXPONENT = 1.5


@dataclass(slots=True)
class Errors:
    """
    The errors on N photos.

    error_deg (N, 3): about the face's x, y, z. azimuth_deg (N,): found. uncertainty (N,). half
    (N,): 0 or 1, by people. inside (N, 3): whether the shipped covariance covers the error about
    the camera's x, y, z.
    """

    error_deg: np.ndarray
    azimuth_deg: np.ndarray
    uncertainty: np.ndarray
    half: np.ndarray
    inside: np.ndarray


def azimuth_deg(rotation: np.ndarray) -> float:
    """Return how far a face looks to the side of the camera, degrees, 0..180."""
    return float(np.degrees(np.arctan2(abs(rotation[0, 0]), -rotation[2, 0])))


def errors_in(pipeline: Pipeline, folder: Path) -> Errors:
    """Find the faces of a folder and compare them with their labels."""
    rows = read_rows(folder)
    rows = [r for r in rows if abs(float(r.get('tilt_up_deg', 0))) <= LARGEST_TILT_DEG]
    found = [(r, f) for r, f in labelled_faces(pipeline, folder, rows) if f is not None]
    errors = np.array([
        np.degrees(rotation_vector(true_rotation(row).T @ face.rotation)) for row, face in found
    ])
    azimuths = np.array([azimuth_deg(face.rotation) for _, face in found])
    offset = np.median(errors[azimuths < FRONTAL_DEG], axis=0)
    people = [row.get('person', row['file']) for row, _ in found]
    order = {person: index for index, person in enumerate(sorted(set(people)))}
    print(
        f'{folder.name}: {len(found)} faces, {len(order)} people; constant offset removed: '
        + ', '.join(f'{a} {v:.1f}' for a, v in zip(AXES, offset, strict=True))
    )
    errors -= offset
    return Errors(
        errors,
        azimuths,
        np.array([uncertainty_of(face) for _, face in found]),
        np.array([order[person] % 2 for person in people]),
        np.array([
            is_inside(face, error) for (_, face), error in zip(found, errors, strict=True)
        ]),
    )


def uncertainty_of(face: Face) -> float:
    """Return what the covariance of a face grows with."""
    return face.fit_error if face.rotation_sigma_rad is None else face.rotation_sigma_rad


def is_inside(face: Face, error_deg: np.ndarray) -> np.ndarray:
    """Tell of each axis of the camera (3,) whether the error is within its standard deviation."""
    error = face.pose.rotation @ np.radians(error_deg)
    return np.abs(error) <= np.sqrt(np.diag(face.pose_covariance)[3:])


def band_of(azimuths_deg: np.ndarray) -> np.ndarray:
    """Return the index (N,) of each azimuth's band."""
    return np.clip(np.digitize(azimuths_deg, YAW_BANDS_DEG[1:-1]), 0, len(YAW_BANDS_DEG) - 2)


def calibrate(data: Errors) -> RotationCalibration:
    """Find the exponents by likelihood, then sigmas that cover COVERED of each band."""
    unit = float(np.median(data.uncertainty))
    ratio = np.clip(data.uncertainty / unit, *RotationCalibration.UNCERTAINTY_RANGE)
    band = band_of(data.azimuth_deg)
    exponents = tuple(
        likeliest_exponent(data.error_deg[:, axis], ratio, band) for axis in range(3)
    )
    sigma = np.ones((len(YAW_BANDS_DEG) - 1, 3))
    counts = np.bincount(band, minlength=len(sigma))
    usable = np.flatnonzero(counts >= LEAST_COUNT)
    for _ in range(ROUNDS):
        found = calibration(unit, exponents, sigma)
        scaled = np.abs(data.error_deg) / sigmas_deg(found, data)
        for index in usable:
            sigma[index] *= np.quantile(scaled[band == index], COVERED, axis=0)
        nearest = [usable[np.abs(usable - index).argmin()] for index in range(len(sigma))]
        sigma = sigma[nearest]
    return calibration(unit, exponents, sigma)


def likeliest_exponent(error_deg: np.ndarray, ratio: np.ndarray, band: np.ndarray) -> float:
    """Return the uncertainty's power by which the errors in bands are likeliest (Laplace)."""

    def cost(exponent: float) -> float:
        total = 0.0
        for index in np.unique(band):
            k = band == index
            size, scale = np.abs(error_deg[k]), ratio[k] ** exponent
            width = (size / scale).mean() * scale
            total += float((np.log(width) + size / width).sum())
        return total

    return round(float(min(np.arange(0, LARGEST_EXPONENT + 0.01, 0.05), key=cost)), 2)


def calibration(
    unit: float, exponents: tuple[float, ...], sigma: np.ndarray
) -> RotationCalibration:
    """Return rounded constants, as they are written into confidence.py."""
    rounded = tuple(tuple(round(float(v), 2) for v in row) for row in sigma)
    return RotationCalibration(float(f'{unit:.3g}'), exponents, rounded)  # type: ignore[arg-type]


def sigmas_deg(constants: RotationCalibration, data: Errors) -> np.ndarray:
    """Return the standard deviations (N, 3) that the constants give."""
    return np.degrees([
        constants.sigma_rad(np.radians(azimuth), uncertainty)
        for azimuth, uncertainty in zip(data.azimuth_deg, data.uncertainty, strict=True)
    ])


def coverage(inside: np.ndarray, azimuths_deg: np.ndarray, title: str) -> None:
    """Print the share inside by band."""
    print(f'\n| {title} | faces | roll | pitch | yaw |\n|---|---|---|---|---|')
    band = band_of(azimuths_deg)
    for index in range(len(YAW_BANDS_DEG) - 1):
        k = band == index
        if k.sum() >= LEAST_COUNT:
            shares = ' | '.join(f'{100 * v:.0f} %' for v in inside[k].mean(axis=0))
            last = index == len(YAW_BANDS_DEG) - 2
            name = f'{YAW_BANDS_DEG[index]}-{"" if last else YAW_BANDS_DEG[index + 1]}'
            print(f'| {name} | {k.sum()} | {shares} |')
    shares = ' | '.join(f'{100 * v:.0f} %' for v in inside.mean(axis=0))
    print(f'| all | {len(inside)} | {shares} |')


def part(data: Errors, k: np.ndarray) -> Errors:
    """Return some of the photos."""
    return Errors(
        data.error_deg[k], data.azimuth_deg[k], data.uncertainty[k], data.half[k], data.inside[k]
    )


def folders_and_pipeline() -> tuple[list[Path], Pipeline]:
    """Return what the command line names: folders of photos, and what looks at them."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('folders', nargs='+', type=Path, metavar='DIR')
    parser.add_argument('--regressor', choices=REGRESSORS, default=PipelineConfig().regressor)
    parser.add_argument('--regressor-path')
    options = parser.parse_args()
    config = PipelineConfig(
        smoothing=None, regressor=options.regressor, regressor_path=options.regressor_path
    )
    return options.folders, Pipeline(config)


def main() -> None:
    """Print coverage now, coverage held out, and the constants."""
    folders, pipeline = folders_and_pipeline()
    sets = [errors_in(pipeline, folder) for folder in folders]
    data = Errors(*(
        np.concatenate([getattr(s, name) for s in sets]) for name in Errors.__slots__
    ))
    coverage(
        data.inside[:, [2, 0, 1]],
        data.azimuth_deg,
        'shipped covariance, camera axes z, x, y; azimuth found',
    )
    held_out = np.zeros_like(data.error_deg, bool)
    for half in (0, 1):
        found = calibrate(part(data, data.half == half))
        other = data.half != half
        rest = part(data, other)
        held_out[other] = np.abs(rest.error_deg) <= sigmas_deg(found, rest)
    coverage(held_out, data.azimuth_deg, 'constants of the other half of people; azimuth found')
    print(f'\nof all of them:\n{calibrate(data)}')


if __name__ == '__main__':
    main()
