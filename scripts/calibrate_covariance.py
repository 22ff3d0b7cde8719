#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Print the constants of the rotation's covariance (confidence.py), and how often they hold.

    scripts/calibrate_covariance.py [--regressor network|facemesh|hybrid]
        [--regressor-path FILE] [--people N] ICT_FOLDER PORTRAITS_FOLDER PHOTOS

The constants are those of heads whose rotation is known, development people of
model_building.evaluation: found on half of the people and tried on the other half; those printed
last are found on all. PHOTOS: web photos with labelled angles, as scripts/evaluate.py takes them.
Labels are coarse, so how far the regressor is off there is told apart from how far the labels are
by a third opinion, the other regressor (three-cornered hat: Gray and Allan, "A method for
estimating the frequency stability of an individual oscillator", 1974). Where that is more than the
constants say, they grow by it.
"""

from __future__ import annotations

import argparse
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from evaluate import labelled_faces, read_rows, true_rotation

from face_recon_ros.confidence import YAW_BANDS_DEG, RotationCalibration
from face_recon_ros.face import Face
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.loader import REGRESSORS
from face_recon_ros.rotations import (
    MODEL_FROM_FACE,
    OPTICAL_FROM_VIEWER,
    azimuth_seen_rad,
    rotation_vector,
)
from model_building.evaluation.errors import middle_rotation, own_sigmas_deg
from model_building.evaluation.known_heads import Photographer, Sight, meant, turns_deg

COVERED = 0.68
AXES = ('roll', 'pitch', 'yaw')
# Whose opinion is asked besides the labels'
THIRD = {'network': 'facemesh', 'facemesh': 'network', 'hybrid': 'network'}
# Of fewer faces than this no quantile is taken: the nearest band's stands in
LEAST_COUNT = 40
# Errors from this on are of another kind (a head taken for upside down), which the score tells
LARGEST_ERROR_DEG = 60
ROUNDS = 20
# More than this is chance: uncertainty would outgrow the errors seen
LARGEST_EXPONENT = 1.5


@dataclass(slots=True)
class Errors:
    """
    The errors on N images.

    error_deg (N, 3): about the face's x, y, z. azimuth_deg (N,): found. uncertainty (N,). half
    (N,): 0 or 1, by people. inside (N, 3): whether the shipped covariance covers the error.
    """

    error_deg: np.ndarray
    azimuth_deg: np.ndarray
    uncertainty: np.ndarray
    half: np.ndarray
    inside: np.ndarray


@dataclass(slots=True, frozen=True)
class Opinion:
    """What is said of a photo; label and third are rotations (3, 3), face frame -> image axes."""

    label: np.ndarray
    face: Face
    third: np.ndarray


def azimuth_deg(rotation: np.ndarray) -> float:
    """Return from how far aside a face is seen, degrees, 0..180."""
    viewed = OPTICAL_FROM_VIEWER @ rotation @ MODEL_FROM_FACE.T
    return abs(math.degrees(azimuth_seen_rad(viewed)))


def turned_by(sight: Sight, face: Face) -> np.ndarray:
    """Return the error of a rotation (3, 3), of the face's axes."""
    true = sight.truth.rotation
    assert true is not None  # heads are shown at known rotations
    return np.asarray(true.T @ face.pose.rotation)


def errors_of_heads(pipeline: Pipeline, sights: Iterable[Sight]) -> Errors:
    """
    Find heads of known rotation.

    One constant offset of all is removed, where the model's front is; where a person's is belongs
    to the error.
    """
    pairs = [(sight, meant(pipeline.detect(sight.image, sight.shot.camera), sight))
             for sight in sights]
    found = [(sight, face) for sight, face in pairs if face is not None]
    turned = np.array([turned_by(sight, face) for sight, face in found])
    offset = middle_rotation(turned)
    error_deg = np.array([np.degrees(rotation_vector(turn @ offset.T)) for turn in turned])
    people = np.array([sight.person for sight, _ in found])
    kept = np.linalg.norm(error_deg, axis=1) < LARGEST_ERROR_DEG
    print(f'{len(pairs)} heads of {len(set(people))} people: {len(pairs) - len(found)} missed, '
          f'{np.count_nonzero(~kept)} more than {LARGEST_ERROR_DEG} degrees off and left out; '
          f'constant offset {of_axes(np.degrees(rotation_vector(offset)))} removed')
    return part(Errors(
        error_deg,
        np.array([azimuth_deg(face.rotation) for _, face in found]),
        np.array([uncertainty_of(face) for _, face in found]),
        people % 2,
        np.array([np.abs(error) <= own_sigmas_deg(face)
                  for (_, face), error in zip(found, error_deg, strict=True)]),
    ), kept)


def uncertainty_of(face: Face) -> float:
    """Return what the covariance of a face grows with."""
    return face.fit_error if face.rotation_sigma_rad is None else face.rotation_sigma_rad


def of_axes(values: np.ndarray) -> str:
    """Return values (3,) with the names of their axes."""
    return ', '.join(f'{axis} {value:.1f}' for axis, value in zip(AXES, values, strict=True))


def spread(turns: Sequence[np.ndarray]) -> np.ndarray:
    """Return within how many degrees (3,) COVERED of rotations (N, 3, 3) lie of their middle."""
    middle = middle_rotation(np.array(turns))
    away_deg = np.degrees([rotation_vector(middle.T @ turn) for turn in turns])
    return np.quantile(np.abs(away_deg), COVERED, axis=0)


def opinions(pipeline: Pipeline, third: Pipeline, folder: Path) -> list[Opinion]:
    """Return what label, regressor and a third say of the photos where both found the face."""
    rows = read_rows(folder)
    faces = [face for _, face in labelled_faces(pipeline, folder, rows)]
    others = [face for _, face in labelled_faces(third, folder, rows)]
    return [Opinion(true_rotation(row), face, other.rotation)
            for row, face, other in zip(rows, faces, others, strict=True) if face and other]


def own_errors_deg(photos: list[Opinion]) -> np.ndarray:
    """
    Print how far three opinions differ; return within what COVERED of the errors (3,) lie.

    Errors of three that know nothing of each other add in squares in the differences of two.
    """
    to_label = spread([o.label.T @ o.face.rotation for o in photos])
    to_third = spread([o.third.T @ o.face.rotation for o in photos])
    of_others = spread([o.label.T @ o.third for o in photos])
    own = np.sqrt(np.maximum(to_label**2 + to_third**2 - of_others**2, 0) / 2)
    print(f'\n{len(photos)} photos, {100 * COVERED:.0f} % within degrees of the label: '
          f'{of_axes(to_label)}; of the third opinion: {of_axes(to_third)}; third to label: '
          f'{of_axes(of_others)}; so its own errors: {of_axes(own)}')
    return own


def grown(constants: RotationCalibration, photos: list[Opinion]) -> RotationCalibration:
    """Print and return the constants, larger where they say less than the errors on photos."""
    said = np.median(np.degrees([
        constants.sigma_rad(np.radians(azimuth_deg(o.face.rotation)), uncertainty_of(o.face))
        for o in photos
    ]), axis=0)
    factor = np.maximum(own_errors_deg(photos) / said, 1.0)
    print(f'the constants of heads say {of_axes(said)} of these photos: grown by '
          f'{", ".join(f"{value:.2f}" for value in factor)}')
    return calibration(
        constants.uncertainty_unit, constants.exponents, np.array(constants.sigma_deg) * factor)


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


def parsed() -> argparse.Namespace:
    """Return what the command line says."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('ict', type=Path, metavar='ICT_FOLDER')
    parser.add_argument('portraits', type=Path, metavar='PORTRAITS_FOLDER')
    parser.add_argument('photos', type=Path, metavar='PHOTOS')
    parser.add_argument('--regressor', choices=REGRESSORS, default=PipelineConfig().regressor)
    parser.add_argument('--regressor-path')
    parser.add_argument('--people', type=int, default=12, help='(default: %(default)s)')
    return parser.parse_args()


def main() -> None:
    """Print coverage now, coverage held out, and the constants."""
    options = parsed()
    pipeline = Pipeline(PipelineConfig(
        smoothing=None, regressor=options.regressor, regressor_path=options.regressor_path))
    third = Pipeline(PipelineConfig(smoothing=None, regressor=THIRD[options.regressor]))
    photographer = Photographer(options.ict, options.portraits, development=True)
    data = errors_of_heads(pipeline, photographer(options.people, turns_deg()))
    coverage(data.inside, data.azimuth_deg, 'shipped covariance; azimuth found')
    held_out = np.zeros_like(data.error_deg, bool)
    for half in (0, 1):
        found = calibrate(part(data, data.half == half))
        other = data.half != half
        rest = part(data, other)
        held_out[other] = np.abs(rest.error_deg) <= sigmas_deg(found, rest)
    coverage(held_out, data.azimuth_deg, 'constants of the other half of people; azimuth found')
    constants = grown(calibrate(data), opinions(pipeline, third, options.photos))
    print(f'\nof all of them:\n{constants}')


if __name__ == '__main__':
    main()
