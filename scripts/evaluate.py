#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Print the accuracy of the pipeline on folders of labelled photos.

    scripts/evaluate.py [--regressor network|facemesh|hybrid] [--regressor-path FILE] DIR...

Each DIR holds images and a labels.csv with the column `file` and one of these kinds of truth:
  pan_deg, tilt_up_deg      where the person was asked to look, + towards image left and up
                            (Pointing'04); box_cx, box_cy, box_w, box_h say which face is meant
  yaw_rad, pitch_rad, roll_rad   + towards image right, up, clockwise in the image (GENKI-4K)
  x0, y0 ... x67, y67       iBUG-68 landmarks in pixels (300-W, Helen)
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from tqdm import tqdm

from face_recon_ros.face import Face
from face_recon_ros.io.image_files import read_image
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.loader import REGRESSORS
from face_recon_ros.rotations import EulerAngles

Row = dict[str, str]


def direction_deg(face: Face) -> tuple[float, float]:
    """Return azimuth (+ towards image left) and elevation (+ up) of where a face points."""
    x, y, z = face.rotation[:, 0]
    return float(np.degrees(np.arctan2(-x, -z))), float(np.degrees(np.arcsin(np.clip(-y, -1, 1))))


def labelled_faces(
    pipeline: Pipeline, folder: Path, rows: list[Row]
) -> Iterator[tuple[Row, Face | None]]:
    """Yield each label with the face that is meant: nearest to its place, else best scored."""
    for row in tqdm(rows, unit='image', leave=False, disable=None):
        faces = pipeline.detect(read_image(folder / row['file']))
        yield row, min(faces, key=lambda f: distance_to_label(f, row), default=None)


def distance_to_label(face: Face, row: Row) -> float:
    """Return how far a face lies from where the label says, px; its doubt where it does not."""
    middle = face.box.reshape(2, 2).mean(axis=0)
    if 'box_cx' in row:
        return float(np.linalg.norm(middle - [float(row['box_cx']), float(row['box_cy'])]))
    if 'x67' in row:
        return float(np.linalg.norm(middle - landmarks(row).mean(axis=0)))
    return 1 - face.score


def landmarks(row: Row) -> np.ndarray:
    """Return a label's landmarks (68, 2) px."""
    return np.array([[float(row[f'x{i}']), float(row[f'y{i}'])] for i in range(68)])


def report_posed(found: list[tuple[Row, Face]]) -> None:
    """Print azimuth by the pan asked for; looks of more than 30 degrees up or down left out."""
    found = [(row, face) for row, face in found if abs(float(row['tilt_up_deg'])) <= 30]
    faces = [face for _, face in found]
    data = np.array([
        (float(r['pan_deg']), float(r['tilt_up_deg']), *direction_deg(face)) for r, face in found
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
    kept = round(0.9 * len(error))
    known, best = (
        100 * (1 - error[np.argsort(order)[:kept]].mean() / error.mean())
        for order in (doubt, error)
    )
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
        truth = landmarks(row)
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


def folders_and_pipeline(description: str | None) -> tuple[list[Path], Pipeline]:
    """Return what the command line names: folders of photos, and what looks at them."""
    parser = argparse.ArgumentParser(
        description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('folders', nargs='+', type=Path, metavar='DIR')
    parser.add_argument('--regressor', choices=REGRESSORS, default=PipelineConfig().regressor)
    parser.add_argument('--regressor-path')
    options = parser.parse_args()
    config = PipelineConfig(
        smoothing=None, regressor=options.regressor, regressor_path=options.regressor_path
    )
    return options.folders, Pipeline(config)


def main() -> int:
    """Evaluate the folders named on the command line."""
    folders, pipeline = folders_and_pipeline(__doc__)
    for folder in folders:
        with (folder / 'labels.csv').open(newline='') as file:
            rows = list(csv.DictReader(file))
        pairs = list(labelled_faces(pipeline, folder, rows))
        found = [(row, face) for row, face in pairs if face is not None]
        print(f'\n{folder.name}: {len(rows)} images, {len(rows) - len(found)} without a face')
        if 'pan_deg' in rows[0]:
            report_posed(found)
        elif 'yaw_rad' in rows[0]:
            report_angles(found)
        else:
            report_landmarks(found)
    return 0


if __name__ == '__main__':
    sys.exit(main())
