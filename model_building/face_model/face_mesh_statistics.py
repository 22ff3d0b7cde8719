# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Aggregate Face Mesh's landmarks over photos.

    python -m model_building.face_model.face_mesh_statistics

The face model must agree with what Face Mesh reports for an average face. That comes from photos
of "The MPLab GENKI-4K Dataset" (http://mplab.ucsd.edu), with labels of smile and head pose. Only
the averages written here are kept; nothing of a single photo is.
"""
from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from scipy.optimize import linear_sum_assignment
from scipy.spatial.transform import Rotation
from tqdm import tqdm

from model_building.face_model.errors import ModelBuildingError
from model_building.face_model.face_mesh import (
    LANDMARK_COUNT,
    LOWER_LIP_MIDDLE,
    UPPER_LIP_MIDDLE,
    outer_canthal_distance,
)
from model_building.face_model.similarity import apply_similarity, similarity

DEFAULT_FILE = Path(__file__).with_name('face_mesh_statistics.json')
FRONTAL_YAW_DEG, FRONTAL_PITCH_DEG, FRONTAL_ROLL_DEG = 12.0, 12.0, 15.0
CLOSED_LIP_GAP = 0.025
"""Inner lips nearer than this part of the outer canthal distance count as closed."""
MINIMUM_PRESENCE = 0.9
HELD_OUT = 3
"""Every third photo (file number divisible by this) is left for evaluation."""
GENERALIZED_PROCRUSTES_ROUNDS = 5
SCREEN_TO_MODEL = np.array([1.0, -1.0, 1.0])


@dataclass(frozen=True, slots=True)
class LabelledFace:
    """Face Mesh's landmarks in one labelled photo."""

    number: int
    landmarks: np.ndarray
    """(468,3) pixels: x right, y up, z towards the viewer."""
    smiling: bool
    pitch_deg: float
    """Label, positive up."""
    yaw_deg: float
    """Label, positive towards image right."""
    roll_deg: float
    """Label, positive clockwise in the image."""

    @property
    def held_out(self) -> bool:
        """Return whether the photo is kept out of the statistics."""
        return self.number % HELD_OUT == 0

    @property
    def frontal(self) -> bool:
        """Return whether the label says that the person looks about at the camera."""
        return (abs(self.pitch_deg) < FRONTAL_PITCH_DEG and abs(self.yaw_deg) < FRONTAL_YAW_DEG
                and abs(self.roll_deg) < FRONTAL_ROLL_DEG)

    @property
    def lip_gap(self) -> float:
        """Return the gap of the inner lips as a part of the outer canthal distance."""
        gap = self.landmarks[UPPER_LIP_MIDDLE] - self.landmarks[LOWER_LIP_MIDDLE]
        return float(np.linalg.norm(gap)) / outer_canthal_distance(self.landmarks)

    @property
    def neutral(self) -> bool:
        """Return whether the face is frontal, unsmiling and its lips are closed."""
        return self.frontal and not self.smiling and self.lip_gap < CLOSED_LIP_GAP


@dataclass(frozen=True, slots=True)
class FaceMeshStatistics:
    """What the build needs to know about Face Mesh."""

    shape: np.ndarray
    """(468,3): mean of neutral faces; outer canthal distance 1, x to the subject's left, y up,
    z out of the face, exactly symmetric. z is level where the labels say pitch zero."""
    shape_of_all: np.ndarray
    """(468,3): mean of all faces, whatever they do and wherever they look; likewise."""
    mirror: np.ndarray
    """(468,) int64: the landmark on the other side."""
    photo_count: int
    """Photos averaged in `shape`."""
    photo_count_of_all: int
    """Photos averaged in `shape_of_all`."""

    def save(self, path: Path) -> None:
        """Write the JSON file."""
        content = {
            'source': 'The MPLab GENKI-4K Dataset, http://mplab.ucsd.edu',
            'photo_count': self.photo_count,
            'photo_count_of_all': self.photo_count_of_all,
            'mirror': self.mirror.tolist(),
            'shape': np.round(self.shape, 5).tolist(),
            'shape_of_all': np.round(self.shape_of_all, 5).tolist(),
        }
        text = json.dumps(content, indent=None, separators=(', ', ': '))
        path.write_text(text.replace('], [', '],\n  [').replace(', "', ',\n "') + '\n')

    @classmethod
    def load(cls, path: Path = DEFAULT_FILE) -> FaceMeshStatistics:
        """Read the JSON file. Raises ModelBuildingError when it is not one."""
        try:
            content = json.loads(path.read_text())
            found = cls(np.array(content['shape'], float),
                        np.array(content['shape_of_all'], float),
                        np.array(content['mirror'], np.int64), int(content['photo_count']),
                        int(content['photo_count_of_all']))
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise ModelBuildingError(
                f'{path}: not a statistics file ({error}): make it with '
                'python -m model_building.face_model.face_mesh_statistics') from error
        shapes = (found.shape, found.shape_of_all)
        if found.mirror.shape != (LANDMARK_COUNT,) or not all(
                shape.shape == (LANDMARK_COUNT, 3) and np.isfinite(shape).all()
                for shape in shapes):
            raise ModelBuildingError(
                f'{path}: holds no {LANDMARK_COUNT} landmarks: make it with '
                'python -m model_building.face_model.face_mesh_statistics')
        return found


def photo_number(name: str) -> int:
    """Return the number in the name of a photo's file."""
    return int(''.join(filter(str.isdigit, name)))


def read_faces(folder: Path, held_out_step: int | None = None) -> list[LabelledFace]:
    """
    Run Face Mesh on every labelled photo of a GENKI-4K folder (labels.csv beside the photos).

    held_out_step: only on every so many of the photos that are held out. Raises
    ModelBuildingError when there are no labels.
    """
    # The product's own detector and crops, so that the statistics fit what it will see.
    from face_recon_ros.detection.loader import load_detector
    from face_recon_ros.face_model.model import FaceModel
    from face_recon_ros.regression.face_mesh import FaceMeshRegressor
    from face_recon_ros.regression.region import Region

    try:
        with (folder / 'labels.csv').open(newline='') as stream:
            rows = list(csv.DictReader(stream))
    except OSError as error:
        raise ModelBuildingError(
            f'{folder}: no labels.csv ({error.strerror}): give the folder of the GENKI-4K '
            'photos') from error
    if held_out_step is not None:
        rows = [row for row in rows if photo_number(row['file']) % HELD_OUT == 0][::held_out_step]
    detector = load_detector('both')
    face_mesh = FaceMeshRegressor(FaceModel.load())
    faces = []
    for row in tqdm(rows, desc='Face Mesh', unit='photo'):
        image = cv2.imread(str(folder / row['file']))
        if image is None or not (found := detector(image)):
            continue
        region = Region.from_detection(found[0])
        for _ in range(2):
            image_from_crop = face_mesh.preprocess(image, region)
            landmarks_px, presence = face_mesh.landmarks(face_mesh.infer(), image_from_crop)
            region = Region.from_landmarks(landmarks_px)
        if presence > MINIMUM_PRESENCE:
            pitch, yaw, roll = (float(np.degrees(float(row[f'{name}_rad'])))
                                for name in ('pitch', 'yaw', 'roll'))
            faces.append(LabelledFace(
                photo_number(row['file']), landmarks_px * SCREEN_TO_MODEL,
                row['smile'] == '1', pitch, yaw, roll))
    return faces


def mean_shape(shapes: Iterable[np.ndarray]) -> np.ndarray:
    """Return the generalized Procrustes mean (n,3), outer canthal distance 1 (Gower, 1975)."""
    shapes = list(shapes)
    mean = shapes[0]
    for _ in range(GENERALIZED_PROCRUSTES_ROUNDS):
        mean = np.mean([apply_similarity(shape, *similarity(shape, mean)) for shape in shapes],
                       axis=0)
        mean = (mean - mean.mean(axis=0)) / outer_canthal_distance(mean)
    return mean


def mirror_pairs(shape: np.ndarray) -> np.ndarray:
    """Return for each landmark of a nearly symmetric shape (n,3) its mirror landmark (n,)."""
    distance = ((shape[:, None] * [-1, 1, 1] - shape[None]) ** 2).sum(axis=2)
    _, pairs = linear_sum_assignment(distance + distance.T)
    if not np.array_equal(pairs[pairs], np.arange(len(pairs))):
        raise ModelBuildingError('the mean landmarks are not symmetric: use more photos')
    return pairs


def symmetrized(shape: np.ndarray, mirror: np.ndarray) -> np.ndarray:
    """Return the shape (n,3) made exactly symmetric about x = 0."""
    for _ in range(GENERALIZED_PROCRUSTES_ROUNDS):
        reflected = shape[mirror] * [-1, 1, 1]
        _, rotation, _ = similarity(reflected, shape)
        half = Rotation.from_rotvec(Rotation.from_matrix(rotation).as_rotvec() / 2)
        shape = half.inv().apply(shape)
        shape = shape - [shape[:, 0].mean(), 0, 0]
    return (shape + shape[mirror] * [-1, 1, 1]) / 2


def pitch_of(landmarks: np.ndarray, shape: np.ndarray) -> float:
    """Return the pitch in degrees, positive up, of landmarks (468,3) relative to a shape."""
    _, rotation, _ = similarity(shape, landmarks)
    return float(np.degrees(np.arctan2(rotation[1, 2], rotation[2, 2])))


def pitch_bias_deg(faces: list[LabelledFace], shape: np.ndarray) -> float:
    """Return the median of pitch measured with a shape minus the label."""
    return float(np.median([pitch_of(face.landmarks, shape) - face.pitch_deg for face in faces]))


def collect(faces: list[LabelledFace]) -> FaceMeshStatistics:
    """Aggregate faces. Raises ModelBuildingError when too few are neutral."""
    neutral = [face.landmarks for face in faces if face.neutral]
    if len(neutral) < 20:
        raise ModelBuildingError(
            f'only {len(neutral)} photos show a neutral face from the front: use more photos')
    shape = mean_shape(neutral)
    mirror = mirror_pairs(shape)
    shape = symmetrized(shape, mirror)
    frontal = [face for face in faces if face.frontal]
    # Turning the axes down by the bias turns what they measure up by it, hence the inverse.
    level = Rotation.from_euler('x', pitch_bias_deg(frontal, shape), degrees=True).inv()
    shape = level.apply(shape - shape.mean(axis=0))
    everyone = symmetrized(mean_shape([face.landmarks for face in faces]), mirror)
    everyone = apply_similarity(everyone, 1.0, *similarity(everyone, shape)[1:])
    return FaceMeshStatistics(shape, (everyone + everyone[mirror] * [-1, 1, 1]) / 2, mirror,
                              len(neutral), len(faces))


def main() -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog='python -m model_building.face_model.face_mesh_statistics', description=__doc__)
    parser.add_argument('--photos', type=Path, required=True,
                        help='folder of the GENKI-4K photos with labels.csv')
    parser.add_argument('--output', type=Path, default=DEFAULT_FILE)
    arguments = parser.parse_args()
    try:
        faces = read_faces(arguments.photos)
        used = [face for face in faces if not face.held_out]
        statistics = collect(used)
    except ModelBuildingError as error:
        sys.stderr.write(f'{error}\n')
        return 1
    statistics.save(arguments.output)
    held_out = [face for face in faces if face.held_out and face.frontal]
    sys.stdout.write(
        f'{len(faces)} faces, averaged {statistics.photo_count_of_all}, of them '
        f'{statistics.photo_count} neutral\n'
        f'pitch bias against the labels: '
        f'{pitch_bias_deg([f for f in used if f.frontal], statistics.shape):+.2f} deg, '
        f'held-out photos {pitch_bias_deg(held_out, statistics.shape):+.2f} deg\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
