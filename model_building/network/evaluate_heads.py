# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
How a regressor does on whole heads whose rotation is known, by yaw.

    python -m model_building.network.evaluate_heads ICT_FOLDER PORTRAITS_FOLDER
        [--regressor NAME] [--regressor-path FILE] [--people N] [--development] [--sheet FILE]

Heads are people drawn from the ICT face model with the skin of portraits, or a plain one, seen
in full perspective from 0.5 to 2 m at 65 rotations each (ict_heads.py); nothing here has learnt
from them. `--development` shows other people and portraits: constants may be chosen by those, and
by those alone. Of each head one constant offset is removed: where a model's front is, is a
convention.
"""
from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from face_recon_ros.camera import Camera
from face_recon_ros.errors import FaceReconError
from face_recon_ros.face import Face
from face_recon_ros.io.image_files import read_image
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.loader import REGRESSORS
from face_recon_ros.rotations import rotation_matrix
from model_building.face_model.errors import ModelBuildingError
from model_building.face_model.ict_model import IctModel
from model_building.network.head_errors import Sight, compare, meant, report
from model_building.network.ict_heads import IctHeads, Shot, photographed
from model_building.network.ict_skin import Skin
from model_building.network.portraits import development_portraits, judging_portraits

YAWS_DEG = tuple(range(-90, 91, 15))
PITCHES_DEG = (-30, -15, 0, 15, 30)
ROLL_SIGMA_DEG = 8.0
FIRST_JUDGE = 1000
"""People's numbers from here on judge; those below are for choosing."""
PLAIN_EVERY = 4
"""Every so many people have a skin without a photo."""
SIZE = (480, 640)
DISTANCES_M, FOCAL_LENGTHS_PX = (0.5, 2.0), (500.0, 750.0)


class Photographer:
    """Shows people at known rotations."""

    def __init__(self, ict: Path, portraits: Path, development: bool) -> None:
        """:raises ModelBuildingError: a folder has not what it must have."""
        self.heads = IctHeads(IctModel.load(ict))
        share = development_portraits if development else judging_portraits
        self._photos = share(portraits)
        self._first = 0 if development else FIRST_JUDGE
        self._reader = Pipeline(PipelineConfig(smoothing=None, regressor='facemesh'))

    def __call__(self, people: int, turns: Sequence[tuple[float, float]]) -> Iterator[Sight]:
        """Yield so many people at each (yaw, pitch) in degrees, towards image left and up."""
        for person in range(self._first, self._first + people):
            rng = np.random.default_rng([person, 14])
            points = self.heads.person(rng)
            skin = self._skin(person, rng)
            for yaw_deg, pitch_deg in turns:
                shot = _shot(yaw_deg, pitch_deg, rng)
                background = self._background(rng)
                image, marks = self.heads.draw(points, skin, shot, background, rng)
                yield Sight(person, yaw_deg, pitch_deg, photographed(image, rng), shot, marks)

    def _skin(self, person: int, rng: np.random.Generator) -> Skin:
        if person % PLAIN_EVERY == PLAIN_EVERY - 1:
            return self.heads.skins.plain_skin(rng)
        while True:
            photo = self._photos[rng.integers(len(self._photos))]
            try:
                return self.heads.skins.skin_of(photo, self._reader, rng)
            except ValueError:
                continue

    def _background(self, rng: np.random.Generator) -> np.ndarray:
        """Return what is beside somebody in a photo, enlarged."""
        photo = read_image(self._photos[rng.integers(len(self._photos))])
        height, width = photo.shape[:2]
        part = photo[: height // 3, : width // 4]
        if rng.random() < 0.5:
            part = photo[: height // 3, -(width // 4) :, :][:, ::-1]
        return cv2.resize(part, SIZE[::-1], interpolation=cv2.INTER_CUBIC)


def _shot(yaw_deg: float, pitch_deg: float, rng: np.random.Generator) -> Shot:
    """Draw roll, distance, place and lens."""
    roll_deg = float(np.clip(rng.normal(0, ROLL_SIGMA_DEG), -20, 20))
    height, width = SIZE
    focal_px = rng.uniform(*FOCAL_LENGTHS_PX)
    camera = Camera(width, height, focal_px, focal_px, (width - 1) / 2, (height - 1) / 2)
    distance_m = float(np.exp(rng.uniform(*np.log(DISTANCES_M))))
    head_px = 0.25 * focal_px / distance_m
    room = np.maximum((np.array([width, height]) - 1.2 * head_px) / 2, 0)
    place = rng.uniform(-room, room) / focal_px * distance_m
    return Shot(
        rotation_of(yaw_deg, pitch_deg, roll_deg), np.append(place, distance_m), camera
    )


def rotation_of(yaw_deg: float, pitch_deg: float, roll_deg: float) -> np.ndarray:
    """Return (3, 3), model axes -> viewer's; the face points `yaw` to image left, `pitch` up."""
    turns = np.radians([-yaw_deg, -pitch_deg, -roll_deg])
    about_y, about_x, about_z = (
        rotation_matrix(angle * axis)
        for angle, axis in zip(turns, np.eye(3)[[1, 0, 2]], strict=True)
    )
    return about_y @ about_x @ about_z


def turns_deg() -> list[tuple[float, float]]:
    """Return the 65 pairs of yaw and pitch."""
    return [(float(yaw), float(pitch)) for yaw in YAWS_DEG for pitch in PITCHES_DEG]


def sheet(photographer: Photographer, people: int) -> np.ndarray:
    """Return a picture of some heads, one person a row."""
    turns = [(0.0, 0.0), (-30.0, 15.0), (45.0, -15.0), (-75.0, 0.0), (90.0, 15.0), (0.0, -30.0)]
    tiles = []
    for sight in photographer(people, turns):
        x, y = sight.landmarks_px.mean(axis=0)
        half = 1.3 * np.ptp(sight.landmarks_px, axis=0).max()
        scale = 220 / (2 * half)
        matrix = np.array([[scale, 0, 110 - scale * x], [0, scale, 110 - scale * y]])
        tiles.append(cv2.warpAffine(sight.image, matrix, (220, 220)))
    rows = [np.hstack(tiles[i : i + len(turns)]) for i in range(0, len(tiles), len(turns))]
    return np.vstack(rows)


def main() -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog='python -m model_building.network.evaluate_heads', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument('ict', type=Path, help='folder of the ICT face model')
    parser.add_argument('portraits', type=Path, help='folder of portraits, *.jpg')
    parser.add_argument('--regressor', nargs='+', choices=REGRESSORS, default=list(REGRESSORS))
    parser.add_argument('--regressor-path', help='another .tflite file, of the one regressor')
    parser.add_argument('--people', type=int, default=8)
    parser.add_argument('--development', action='store_true', help='people to choose by')
    parser.add_argument('--sheet', type=Path, help='write a picture of the heads, measure nothing')
    arguments = parser.parse_args()
    try:
        photographer = Photographer(arguments.ict, arguments.portraits, arguments.development)
        if arguments.sheet:
            cv2.imwrite(str(arguments.sheet), sheet(photographer, arguments.people))
            return 0
        pipelines = {
            name: Pipeline(PipelineConfig(
                smoothing=None, regressor=name, regressor_path=arguments.regressor_path))
            for name in arguments.regressor
        }
        pairs: dict[str, list[tuple[Sight, Face | None]]] = {name: [] for name in pipelines}
        total = arguments.people * len(turns_deg())
        sights = photographer(arguments.people, turns_deg())
        for sight in tqdm(sights, total=total, unit='photo', leave=False, disable=None):
            for name, pipeline in pipelines.items():
                face = meant(pipeline.detect(sight.image, sight.shot.camera), sight)
                pairs[name].append((sight, face))
    except (FaceReconError, ModelBuildingError) as error:
        sys.stderr.write(f'{error}\n')
        return 1
    for name, found in pairs.items():
        report(name, compare(found))
    return 0


if __name__ == '__main__':
    sys.exit(main())
