#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Print how well faces are found at any roll, of photos of one upright face each.

    scripts/evaluate_roll.py [--regressor NAME] [--count N] [--frame] [--no-streams] DIR...

N photos of each folder (default 100; drawn at random, seed 0) are turned about their middle in a
canvas that holds them whole, or with --frame in the photo's own frame, which cuts corners off.
Right is a head found within 20 degrees of the one in the upright photo, turned with the photo;
wrong is any other at that place. Each turned photo is a still, and a stream of 30 images at 30 Hz
that all show it, judged by its last image.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from face_recon_ros.errors import FaceReconError
from face_recon_ros.face import Face
from face_recon_ros.io.image_files import image_paths, read_image
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.loader import REGRESSORS
from face_recon_ros.rotations import rotation_matrix, rotation_vector

ROLLS_DEG = range(0, 360, 30)
RATE_HZ, STREAM_LENGTH = 30, 30
RIGHT_DEG = 20
GOOD_SCORE = 0.5
# A face is that of the photo if its middle is nearer than this part of the face's size
SAME_PLACE = 0.6


@dataclass(slots=True)
class Tally:
    """Scores of faces that were right and wrong, of so many photos."""

    photos: int = 0
    right: list[float] = field(default_factory=list)
    wrong: list[float] = field(default_factory=list)

    def cells(self) -> str:
        """Return the table's cells: right, wrong, wrong with a good score."""
        confident = sum(score > GOOD_SCORE for score in self.wrong)
        return f'{len(self.right)} of {self.photos} | {len(self.wrong)} | {confident}'


def turned(photo: np.ndarray, roll_deg: float, frame: bool) -> tuple[np.ndarray, np.ndarray]:
    """Return a photo turned clockwise, and the map (2, 3) of its pixels to the turned one's."""
    extent = np.array(photo.shape[1::-1])
    size = extent if frame else np.full(2, int(np.ceil(np.linalg.norm(extent))))
    middle = (extent - 1) / 2
    matrix = cv2.getRotationMatrix2D(middle.tolist(), -roll_deg, 1.0)
    matrix[:, 2] += (size - extent) / 2
    return cv2.warpAffine(photo, matrix, size.tolist()), matrix


def count_errors(
    faces: Sequence[Face], truth: Face, roll_deg: float, matrix: np.ndarray, tally: Tally
) -> None:
    """Compare what was found in a turned photo with the face of the upright one."""
    tally.photos += 1
    low, high = truth.box.reshape(2, 2)
    place = matrix[:, :2] @ ((low + high) / 2) + matrix[:, 2]
    near = [
        face
        for face in faces
        if np.linalg.norm(face.box.reshape(2, 2).mean(axis=0) - place)
        < SAME_PLACE * (high - low).max()
    ]
    if not near:
        return
    face = max(near, key=lambda f: f.score)
    expected = rotation_matrix(np.array([0, 0, np.radians(roll_deg)])) @ truth.rotation
    error_deg = np.degrees(np.linalg.norm(rotation_vector(face.rotation @ expected.T)))
    (tally.right if error_deg < RIGHT_DEG else tally.wrong).append(face.score)


def streamed(pipeline: Pipeline, image: np.ndarray) -> Sequence[Face]:
    """Return the faces in the last of a stream's images."""
    pipeline.reset()
    faces: Sequence[Face] = []
    for index in range(STREAM_LENGTH):
        faces = pipeline.track(image, stamp_s=index / RATE_HZ)
    return faces


def main() -> None:
    """Print the table of each folder."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[1])
    parser.add_argument('--regressor', choices=REGRESSORS, default=PipelineConfig().regressor)
    parser.add_argument('--count', type=int, default=100)
    parser.add_argument('--frame', action='store_true')
    parser.add_argument('--no-streams', action='store_true')
    parser.add_argument('folders', type=Path, nargs='+')
    arguments = parser.parse_args()
    try:
        pipeline = Pipeline(PipelineConfig(regressor=arguments.regressor))
        for folder in arguments.folders:
            evaluate(pipeline, folder, arguments)
    except FaceReconError as error:
        sys.exit(str(error))


def evaluate(
    pipeline: Pipeline, folder: Path, arguments: argparse.Namespace
) -> None:
    """Print one folder's table."""
    paths = image_paths([folder])
    drawn = np.random.default_rng(0).permutation(len(paths))[: arguments.count]
    stills = {roll: Tally() for roll in ROLLS_DEG}
    streams = {roll: Tally() for roll in ROLLS_DEG}
    for index in tqdm(drawn, leave=False, disable=None):
        photo = read_image(paths[index])
        found = pipeline.detect(photo)
        if not found:
            continue
        truth = max(found, key=lambda face: np.prod(face.box[2:] - face.box[:2]))
        for roll_deg in ROLLS_DEG:
            image, matrix = turned(photo, roll_deg, arguments.frame)
            count_errors(pipeline.detect(image), truth, roll_deg, matrix, stills[roll_deg])
            if not arguments.no_streams:
                faces = streamed(pipeline, image)
                count_errors(faces, truth, roll_deg, matrix, streams[roll_deg])
    print(f'{folder.name}, {arguments.regressor}, '
          f'{"in the frame" if arguments.frame else "whole"}\n')
    print('| roll | still: right | wrong | wrong, score > 0.5 | stream: right | wrong '
          '| wrong, score > 0.5 |')
    print('|---|---|---|---|---|---|---|')
    for roll_deg in ROLLS_DEG:
        signed = roll_deg if roll_deg <= 180 else roll_deg - 360
        print(f'| {signed} | {stills[roll_deg].cells()} | {streams[roll_deg].cells()} |')
    print()


if __name__ == '__main__':
    main()
