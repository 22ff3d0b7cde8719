# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Render crops of expressions: people of the ICT model, each with several, from all sides.

    python -m model_building.expression.generate --sources sources.npz --ict DIR --portraits DIR
        --teacher FILE --output DIR [--shards 60] [--crops 240] [--alike] [--found]

--sources: of model_building.network.photos; --teacher: of model_building.expression.zero. Skins
are of people who show little. Each shard is an .npz of its own seed. With --alike crops of a
person come in groups that differ in the expression alone.
"""
from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import cv2
import numpy as np

from face_recon_ros.expression.crop import expression_crop
from face_recon_ros.expression.units import INDEX
from face_recon_ros.face_model.landmarks import INNER_LIP_PAIRS_468
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.io.image_files import read_image
from model_building.expression import sampling
from model_building.expression.finder import Finder
from model_building.expression.landmark_teacher import LandmarkTeacher
from model_building.expression.people import ExpressivePeople, Sitter
from model_building.expression.photo_split import is_for_judging
from model_building.face_model.ict_model import IctModel
from model_building.network import photos
from model_building.network.augmentation import Backgrounds, photographed, rotation_about
from model_building.network.ict_people import Photo, Worn
from model_building.network.perspective import Photographer, Sight
from model_building.network.photos import PhotoReader, Source
from model_building.network.portraits import training_portraits
from model_building.network.subject import View

NOWHERE = slice(0, 0)
"""Is the surface divided: at the size of the crops it would not be seen."""
VIEW, VIEW_SIDE_M = 208, 0.25
EXPRESSIONS = 10
"""Of a person."""
ALIKE_EXPRESSIONS, ALIKE_VIEWS = 6, 2
"""Of a person whose crops come in groups: the first is at rest."""
SPOILED_SHARE = 0.5
"""Of groups: noise, blur and the like."""
PLAIN_SHARE, PORTRAIT_SHARE = 0.15, 0.4
WORN = Worn(headwear=0.08, glasses=0.15, mask=0.0, beard=0.12)
DARKEST_LENSES = 0.5
OCCLUDED_SHARE = 0.05
MOST_APART = 0.06
"""Lips of skins, as a part of the face's width: teeth would be painted on closed lips."""
MOST_SMILE = 0.25
"""Of skins: the folds of a smile would be painted on faces at rest."""
YAW_SPREAD_DEG, WIDE_SHARE, LARGEST_YAW_DEG = 20.0, 0.4, 55.0
NOD_SPREAD_DEG, LOOK_SPREAD_DEG, LARGEST_PITCH_DEG = 12.0, 9.0, 35.0


class Crop(NamedTuple):
    """
    A crop of somebody.

    image (SIZE, SIZE) grey; weights (52,); group: which of the person's; facing (3,): the head's
    direction in the image, x right, y up, z to the viewer; coefficients (50,): shape and
    expression of the face model.
    """

    image: np.ndarray
    weights: np.ndarray
    group: int
    facing: np.ndarray
    coefficients: np.ndarray


class ExpressionCrops:
    """Makes crops and their weights."""

    def __init__(self, ict: Path, sources: list[Source], portraits: list[Path],
                 teacher: LandmarkTeacher, finder: Finder | None = None) -> None:
        """
        Prepare.

        :param finder: finds faces as the program does; default: crops are cut where they are
        :raises ModelBuildingError: a folder that has not what is needed.
        """
        self._finder = finder
        self._model = FaceModel()
        self._people = ExpressivePeople(IctModel.load(ict), self._model, NOWHERE, WORN)
        self._teacher = teacher
        self._photographer = Photographer(self._model)
        good = [s for s in sources if s.presence > 0.9]
        self._backgrounds = Backgrounds([(s.path, _box(s)) for s in good])
        self._skins = [s for s in good if _is_skin(s) and not is_for_judging(Path(s.path))]
        self._portraits = portraits
        self._reader = PhotoReader()
        self._read: dict[Path, Source | None] = {}
        self._at_rest: dict[Path, bool] = {}

    def person(self, rng: np.random.Generator) -> list[Crop]:
        """Return crops of somebody, each from another side."""
        sitter = self._sitter(rng)
        made = []
        for number in range(EXPRESSIONS):
            weights = sampling.draw(rng)
            showing = self._people.showing(sitter, weights)
            sight = self._photographer(showing, _view(rng), self._backgrounds(rng, VIEW), rng)
            made.append(self._crop(sight, rng, weights, number))
        return made

    def alike(self, rng: np.random.Generator) -> list[Crop]:
        """Return crops of somebody in groups: one view, light, background and noise each."""
        sitter = self._sitter(rng)
        shown = [sampling.looks(sampling.gaze(rng))]
        shown += [sampling.draw(rng, sampling.CLEAR) for _ in range(ALIKE_EXPRESSIONS - 1)]
        people = [self._people.showing(sitter, weights) for weights in shown]
        made = []
        for group in range(ALIKE_VIEWS):
            view, background = _view(rng), self._backgrounds(rng, VIEW)
            seed, is_spoiled = int(rng.integers(2**31)), rng.random() < SPOILED_SHARE
            for person, weights in zip(people, shown, strict=True):
                same = np.random.default_rng(seed)
                sight = self._photographer(person, view, background, same)
                made.append(self._crop(sight, same, weights, group, is_spoiled))
        return made

    def _crop(self, sight: Sight, rng: np.random.Generator, weights: np.ndarray, group: int,
              is_spoiled: bool = True) -> Crop:
        """Cut a crop out where the face is, or where the program finds it."""
        image = photographed(sight.image, rng, OCCLUDED_SHARE) if is_spoiled else sight.image
        place = View(sight.rotation, sight.scale_px_per_m, sight.centre_px, VIEW)
        face = place.parameters(sight.coefficients)
        if self._finder is not None:
            face = self._finder(image, face, rng)
        return Crop(expression_crop(image, face), weights, group, face.model_rotation[:, 2],
                    np.concatenate([face.shape, face.expression]))

    def _sitter(self, rng: np.random.Generator) -> Sitter:
        while True:
            sitter = self._people.sitter(rng, self._photo(rng))
            if sitter.lens_opacity <= DARKEST_LENSES:
                return sitter

    def _photo(self, rng: np.random.Generator) -> Photo | None:
        chance = rng.random()
        if chance < PLAIN_SHARE:
            return None
        while True:
            source = self._source(rng, chance < PLAIN_SHARE + PORTRAIT_SHARE)
            if source is None or not _is_skin(source):
                continue
            path = Path(source.path)
            image = read_image(path)
            if path not in self._at_rest:
                self._at_rest[path] = self._smile(image) < MOST_SMILE
            if self._at_rest[path]:
                return Photo(image, self._model.landmarks_68.points_px(source.parameters))

    def _source(self, rng: np.random.Generator, of_portraits: bool) -> Source | None:
        if not of_portraits:
            return self._skins[int(rng.integers(len(self._skins)))]
        path = self._portraits[int(rng.integers(len(self._portraits)))]
        if path not in self._read:
            source = self._reader(path, 0)
            self._read[path] = source if source is not None and source.presence > 0.9 else None
        return self._read[path]

    def _smile(self, image: np.ndarray) -> float:
        """Return what landmarks read of the larger side; 1 where they see no face."""
        found = self._teacher(image)
        if found is None:
            return 1.0
        read = found[1]
        return float(max(read[INDEX['mouthSmileLeft']], read[INDEX['mouthSmileRight']]))


def _box(source: Source) -> np.ndarray:
    points = source.landmarks_px[:, :2]
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def _is_skin(source: Source) -> bool:
    """Whether a photo's face is large, nearly frontal, and its lips are closed."""
    yaw, pitch = source.yaw_pitch_deg
    points = source.landmarks_px[:, :2]
    upper, lower = points[INNER_LIP_PAIRS_468.T]
    apart = np.linalg.norm(upper - lower, axis=1).mean() / np.ptp(points[:, 0])
    return bool(abs(yaw) < 20 and abs(pitch) < 25 and apart < MOST_APART
                and source.parameters.scale_px_per_m > 330)


def _view(rng: np.random.Generator) -> View:
    yaw = rng.normal(0, YAW_SPREAD_DEG)
    if rng.random() < WIDE_SHARE:
        yaw = rng.uniform(-LARGEST_YAW_DEG, LARGEST_YAW_DEG)
    nod, look = rng.normal(0, NOD_SPREAD_DEG), rng.normal(0, LOOK_SPREAD_DEG)
    yaw = np.clip(yaw, -LARGEST_YAW_DEG, LARGEST_YAW_DEG)
    nod = np.clip(nod, -LARGEST_PITCH_DEG, LARGEST_PITCH_DEG)
    rotation = (rotation_about('x', look) @ rotation_about('y', yaw)
                @ rotation_about('x', nod))
    up = rotation[:2, 1]
    upright = np.degrees(np.arctan2(up[0], up[1]))
    rotation = rotation_about('z', upright + rng.normal(0, 4)) @ rotation
    return View(rotation, VIEW / VIEW_SIDE_M, np.full(2, (VIEW - 1) / 2), VIEW)


def write_shard(path: Path, draw: Callable[[np.random.Generator], list[Crop]],
                rng: np.random.Generator, count: int) -> None:
    """
    Write crops to an .npz file, which appears whole or not at all.

    person and group (count,), and the fields of crops (count, ...): people and groups have other
    numbers than others
    """
    crops: list[Crop] = []
    person: list[int] = []
    group: list[int] = []
    while len(crops) < count:
        first = max(group, default=-1) + 1
        drawn = draw(rng)
        person += [max(person, default=-1) + 1] * len(drawn)
        group += [first + crop.group for crop in drawn]
        crops += drawn
    partial = path.with_suffix('.partial.npz')
    np.savez(partial, image=np.array([crop.image for crop in crops[:count]]),
             weights=np.array([crop.weights for crop in crops[:count]], np.float32),
             person=np.array(person[:count], np.int32), group=np.array(group[:count], np.int32),
             facing=np.array([crop.facing for crop in crops[:count]], np.float32),
             coefficients=np.array([crop.coefficients for crop in crops[:count]], np.float32))
    partial.replace(path)


def sheet(draw: Callable[[np.random.Generator], list[Crop]],
          rng: np.random.Generator) -> np.ndarray:
    """Return a picture of people."""
    return np.vstack([np.hstack([crop.image for crop in draw(rng)]) for _ in range(8)])


def main() -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog='python -m model_building.expression.generate',
                                     description=__doc__)
    parser.add_argument('--sources', type=Path, required=True)
    parser.add_argument('--ict', type=Path, required=True)
    parser.add_argument('--portraits', type=Path, required=True)
    parser.add_argument('--teacher', type=Path, required=True)
    parser.add_argument('--output', type=Path, required=True)
    parser.add_argument('--shards', type=int, default=60)
    parser.add_argument('--crops', type=int, default=240, help='per shard')
    parser.add_argument('--seed', type=int, default=0)
    parser.add_argument('--alike', action='store_true',
                        help='groups of crops that differ in the expression alone')
    parser.add_argument('--found', action='store_true',
                        help='crops are cut where the program finds the face')
    parser.add_argument('--sheet', type=Path, help='only write a picture of examples here')
    arguments = parser.parse_args()
    cv2.setNumThreads(1)
    crops = ExpressionCrops(
        arguments.ict, photos.load(arguments.sources), training_portraits(arguments.portraits),
        LandmarkTeacher(arguments.teacher), Finder() if arguments.found else None)
    draw = crops.alike if arguments.alike else crops.person
    if arguments.sheet:
        cv2.imwrite(str(arguments.sheet), sheet(draw, np.random.default_rng(arguments.seed)))
        return 0
    arguments.output.mkdir(parents=True, exist_ok=True)
    for number in range(arguments.shards):
        path = arguments.output / f'train_{number:03d}.npz'
        if not path.exists():
            rng = np.random.default_rng([arguments.seed, number])
            write_shard(path, draw, rng, arguments.crops)
            sys.stdout.write(f'{path}\n')
            sys.stdout.flush()
    return 0


if __name__ == '__main__':
    sys.exit(main())
