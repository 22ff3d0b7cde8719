# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
How regressors do on folders of labelled photos.

    python -m model_building.evaluation photos [--regressor NAME] [--also FILE] DIR...

Each DIR holds images and a labels.csv with the column `file` and one of these kinds of truth:
  pan_deg, tilt_up_deg      where the person was asked to look, + towards image left and up
                            (Pointing'04); box_cx, box_cy, box_w, box_h say which face is meant
  yaw_rad, pitch_rad, roll_rad   + towards image right, up, clockwise in the image (GENKI-4K)
  x0, y0 ... x67, y67       iBUG-68 landmarks in pixels (300-W, Helen)
Tables by size of the face, blur and tone of the skin are of what is measured in the picture, light
included; by age (years), glasses, skin or smile where labels.csv has such a column.
"""
from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from face_recon_ros.face import Face
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.io.image_files import read_image
from face_recon_ros.pipeline import Pipeline
from face_recon_ros.regression.loader import NETWORK
from face_recon_ros.rotations import EulerAngles
from model_building.evaluation import contenders, tables
from model_building.evaluation.errors import Truth, compare, direction_deg, fall_without_worst
from model_building.evaluation.labels import (
    ANGLES,
    LANDMARKS,
    POSED,
    Row,
    landmarks_of,
    meant,
    read_rows,
    truth_of,
)

Seen = list[tuple[Row, Truth, Face | None]]
LARGEST_TILT_DEG = 30
"""Photos of people who were asked to look further up or down are left out."""


def is_level(row: Row) -> bool:
    """Tell whether somebody was asked to look up or down by no more than LARGEST_TILT_DEG."""
    return abs(float(row.get('tilt_up_deg', 0))) <= LARGEST_TILT_DEG


def report_posed(found: list[tuple[Row, Face]]) -> None:
    """Print azimuth by the pan asked for."""
    found = [(row, face) for row, face in found if is_level(row)]
    faces = [face for _, face in found]
    if not faces:
        return
    data = np.array([
        (float(row['pan_deg']), float(row['tilt_up_deg']), *direction_deg(face.rotation))
        for row, face in found
    ])
    pan, tilt, azimuth, elevation = data.T
    near = np.abs(pan) <= 45
    elevation -= np.median((elevation - tilt)[np.abs(pan) < 40])
    print('| pan asked for | photos | median azimuth | left | right | yaw MAE | median score |')
    print('|---|---|---|---|---|---|---|')
    scores = np.array([face.score for face in faces])
    for asked in np.unique(np.abs(pan)):
        k = np.abs(pan) == asked
        turned = azimuth[k] * np.where(pan[k] < 0, -1, 1)
        left, right = (np.median(turned[s]) if s.any() else 0 for s in (pan[k] >= 0, pan[k] < 0))
        print(
            f'| {asked:.0f} | {k.sum()} | {np.median(turned):.1f} | {left:.1f} | {right:.1f} '
            f'| {np.abs(azimuth[k] - pan[k]).mean():.2f} | {np.median(scores[k]):.2f} |'
        )
    print(
        f'yaw MAE up to pan 45: {np.abs(azimuth - pan)[near].mean():.2f} degrees; '
        f'pitch MAE, constant offset removed: {np.abs(elevation - tilt).mean():.2f} degrees'
    )
    errors = np.column_stack([azimuth - pan, elevation - tilt])
    report_doubt(faces, errors)
    report_by_fit_error(faces, errors, 'yaw, pitch')


def report_doubt(faces: list[Face], errors_deg: np.ndarray) -> None:
    """Print what errors (N, A) fall by without the faces that their own covariance doubts most."""
    doubt = np.array([np.trace(face.pose_covariance[3:, 3:]) for face in faces])
    error = np.abs(errors_deg).mean(axis=1)
    known, best = (100 * fall_without_worst(order, error) for order in (doubt, error))
    print(
        f'without the tenth of least certainty the mean error falls by {known:.0f} %; '
        f'without the tenth of largest error it would by {best:.0f} %'
    )


def report_by_fit_error(faces: list[Face], errors_deg: np.ndarray, names: str) -> None:
    """Print 68 % quantiles of absolute errors (N, A), and the share of yaws within 12 degrees."""
    fit_errors = np.array([face.fit_error for face in faces])
    print(f'\n| fit error | photos | 68 % of {names} within | yaw within 12 |')
    print('|---|---|---|---|')
    for low in np.arange(0.0, 0.045, 0.005):
        k = (fit_errors >= low) & (fit_errors < low + 0.005)
        if k.sum() < 15:
            continue
        within = ', '.join(f'{v:.1f}' for v in np.quantile(np.abs(errors_deg[k]), 0.68, axis=0))
        share = (np.abs(errors_deg[k, 0]) <= 12).mean()
        print(f'| {low:.3f}-{low + 0.005:.3f} | {k.sum()} | {within} | {100 * share:.0f} % |')


def report_angles(found: list[tuple[Row, Face]]) -> None:
    """Print errors of the three angles, with the constant offset to the labels removed."""
    errors = []
    for row, face in found:
        e = EulerAngles.from_rotation(face.rotation)
        truth = np.degrees(
            [float(row['pitch_rad']), -float(row['yaw_rad']), float(row['roll_rad'])]
        )
        errors.append(np.array([e.pitch_deg, e.yaw_deg, e.roll_deg]) - truth)
    offset = np.median(errors, axis=0)
    pitch, yaw, roll = np.abs(errors - offset).mean(axis=0)
    print(
        f'MAE in degrees: pitch {pitch:.2f}, yaw {yaw:.2f}, roll {roll:.2f}, '
        f'mean {(pitch + yaw + roll) / 3:.2f}; offset removed: '
        f'{offset[0]:.1f}, {offset[1]:.1f}, {offset[2]:.1f}'
    )
    by_yaw = (errors - offset)[:, [1, 0, 2]]
    faces = [face for _, face in found]
    report_doubt(faces, by_yaw)
    report_by_fit_error(faces, by_yaw, 'yaw, pitch, roll')


def report_landmarks(found: list[tuple[Row, Face]]) -> None:
    """Print the error of the 68 landmarks in % of the root of their box's area."""
    errors, shifts_px = [], []
    for row, face in found:
        truth = landmarks_of(row)
        size = np.sqrt(np.ptp(truth, axis=0).prod())
        off_px = face.landmarks_px[:, :2] - truth
        errors.append(np.linalg.norm(off_px, axis=1) / size * 100)
        shifts_px.append(off_px[17:].mean(axis=0))
    mean = np.mean(errors, axis=1)
    inner, jaw = np.mean(errors, axis=0)[17:].mean(), np.mean(errors, axis=0)[:17].mean()
    print(
        f'NME68 {mean.mean():.2f} %, median {np.median(mean):.2f}, '
        f'inner 51 {inner:.2f}, jaw {jaw:.2f}'
    )
    x, y = np.median(shifts_px, axis=0)
    print(f'shift of the inner 51 all together, median: x {x:+.2f}, y {y:+.2f} px')


def looked_at(pipelines: Mapping[str, Pipeline], folder: Path, rows: Sequence[Row]
              ) -> dict[str, Seen]:
    """Return what each pipeline finds in the photos."""
    seen: dict[str, Seen] = {name: [] for name in pipelines}
    for row in tqdm(rows, unit='image', leave=False, disable=None):
        image = read_image(folder / row['file'])
        for name, pipeline in pipelines.items():
            face = meant(pipeline.detect(image), row)
            seen[name].append((row, truth_of(row, image, face), face))
    return seen


def report(name: str, seen: Seen, model: FaceModel) -> None:
    """Print the tables of one regressor on one folder."""
    found = [(row, face) for row, _, face in seen if face is not None]
    print(f'{len(seen)} images, {len(seen) - len(found)} without a face\n')
    first = seen[0][0]
    if not found:
        return
    if POSED in first:
        report_posed(found)
    elif ANGLES in first:
        report_angles(found)
    else:
        report_landmarks(found)
    pairs = [(truth, face) for row, truth, face in seen if is_level(row)]
    yaw = 'yaw found' if LANDMARKS in first else 'yaw of the labels'
    tables.report(name, compare(pairs, model), yaw)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument('folders', nargs='+', type=Path, metavar='DIR')
    contenders.add_arguments(parser, (NETWORK,))
    parser.add_argument('--every', type=int, default=1, metavar='N', help='only every N-th photo')


def run(arguments: argparse.Namespace) -> int:
    """Print the tables of every folder."""
    pipelines, model = contenders.contenders(arguments), FaceModel()
    for folder in arguments.folders:
        seen = looked_at(pipelines, folder, read_rows(folder)[:: arguments.every])
        for name in pipelines:
            print(f'\n{folder.name}, {name}: ', end='')
            report(name, seen[name], model)
    return 0
