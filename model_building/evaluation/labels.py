# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Photos with labels: labels.csv, the faces that are meant, and what is known of them."""
from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from face_recon_ros.face import Face
from face_recon_ros.io.image_files import read_image
from face_recon_ros.pipeline import Pipeline
from face_recon_ros.rotations import MODEL_FROM_FACE, OPTICAL_FROM_VIEWER, rotation_about
from model_building.evaluation import traits
from model_building.evaluation.errors import Truth, direction_deg
from model_building.face_model.errors import ModelBuildingError

Row = dict[str, str]
POSED, ANGLES, LANDMARKS = 'pan_deg', 'yaw_rad', 'x67'
"""A column of each kind of truth."""
NEEDED = {
    POSED: ('pan_deg', 'tilt_up_deg'),
    ANGLES: ('yaw_rad', 'pitch_rad', 'roll_rad'),
    LANDMARKS: tuple(f'{axis}{i}' for i in range(68) for axis in 'xy'),
}


def read_rows(folder: Path) -> list[Row]:
    """
    Return the rows of a folder's labels.csv.

    :raises OSError: there is none.
    :raises ModelBuildingError: it holds no truth that is known here.
    """
    path = folder / 'labels.csv'
    with path.open(newline='') as file:
        rows = list(csv.DictReader(file))
    if not rows:
        raise ModelBuildingError(f'{path}: no row')
    if not any(set(columns) <= rows[0].keys() for columns in NEEDED.values()):
        raise ModelBuildingError(
            f'{path}: no truth; give the columns pan_deg, tilt_up_deg, or yaw_rad, pitch_rad, '
            'roll_rad, or x0, y0 ... x67, y67')
    return rows


def labelled_faces(
    pipeline: Pipeline, folder: Path, rows: list[Row]
) -> Iterator[tuple[Row, Face | None]]:
    """Yield each label with the face that is meant."""
    for row in tqdm(rows, unit='image', leave=False, disable=None):
        yield row, meant(pipeline.detect(read_image(folder / row['file'])), row)


def meant(faces: Sequence[Face], row: Row) -> Face | None:
    """Return the face nearest to a label's place, else the one of best score."""
    return min(faces, key=lambda face: _distance_to_label(face, row), default=None)


def _distance_to_label(face: Face, row: Row) -> float:
    """Return how far a face lies from where the label says, px; its doubt where it does not."""
    middle = face.box.reshape(2, 2).mean(axis=0)
    if 'box_cx' in row:
        return float(np.linalg.norm(middle - [float(row['box_cx']), float(row['box_cy'])]))
    if LANDMARKS in row:
        return float(np.linalg.norm(middle - landmarks_of(row).mean(axis=0)))
    return 1 - face.score


def landmarks_of(row: Row) -> np.ndarray:
    """Return a label's landmarks (68, 2) px."""
    return np.array([[float(row[f'x{i}']), float(row[f'y{i}'])] for i in range(68)])


def true_rotation(row: Row) -> np.ndarray:
    """Return the label's rotation (3, 3) face frame -> optical frame."""
    if POSED in row:
        pan, tilt = np.radians([float(row['pan_deg']), float(row['tilt_up_deg'])])
        viewer = rotation_about('y', -pan) @ rotation_about('x', -tilt)
    else:
        yaw, pitch, roll = (float(row[f'{a}_rad']) for a in ('yaw', 'pitch', 'roll'))
        # yaw + towards image right here, towards image left in pose.EulerAngles
        viewer = rotation_about('x', -pitch) @ rotation_about('y', yaw)
        viewer = viewer @ rotation_about('z', -roll)
    return OPTICAL_FROM_VIEWER @ viewer @ MODEL_FROM_FACE


def truth_of(row: Row, image: np.ndarray, face: Face | None) -> Truth:
    """
    Return what a label says of a face in an image.

    Where it says no rotation, yaw is that of the face found. Size, blur and tone are measured at
    the label's landmarks, else at the face's.
    """
    said = traits.labelled(row)
    if LANDMARKS in row:
        landmarks = landmarks_of(row)
        yaw = float(direction_deg(face.rotation)[0]) if face else np.nan
        return Truth(yaw_deg=yaw, landmarks_px=landmarks,
                     traits={**traits.measured(image, landmarks), **said})
    rotation = true_rotation(row)
    yaw, pitch = direction_deg(rotation).tolist()
    seen = traits.measured(image, face.landmarks_px[:, :2]) if face else {}
    return Truth(yaw_deg=yaw, pitch_deg=pitch, rotation=rotation, aligned=True,
                 traits={**seen, **said})
