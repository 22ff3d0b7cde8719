# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Render expressions of the ICT model's people, and keep what Face Mesh sees of them.

    python -m model_building.expression.render --ict F --portraits F --output DIR
        [--people N] [--seed N]

Skins are painted, or of portraits whose lips are closed: the skin of a smile on a face at rest
would teach that a smile is none.
"""
from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from face_recon_ros.errors import FaceReconError
from face_recon_ros.face_model.landmarks import INNER_LIP_PAIRS_468
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.io.image_files import read_image
from face_recon_ros.regression.face_mesh import FaceMeshRegressor
from face_recon_ros.regression.region import Region
from model_building.expression import sampling
from model_building.face_model.errors import ModelBuildingError
from model_building.network import ict_people
from model_building.network.augmentation import (
    SIZE,
    Backgrounds,
    rotation_about,
)
from model_building.network.ict_heads import photographed
from model_building.network.ict_people import Face, Photo
from model_building.network.perspective import Photographer
from model_building.network.photos import PhotoReader, Source
from model_building.network.portraits import training_portraits
from model_building.network.subject import View

VIEWS_PER_PERSON, PEOPLE_PER_SHARD = 4, 100
LARGEST_YAW_DEG, PITCH_SPREAD_DEG, ROLL_SPREAD_DEG = 45.0, 11.0, 4.0
VIEW_SIDE_M = 0.27
SHIFT_SPREAD, SCALE_SPREAD, ROLL_OFF_DEG = 0.015, 0.03, 1.5
"""How far off a tracker looks, as parts of the region."""
PHOTO_SKIN_SHARE = 0.5
CLOSED_LIPS = 0.04
"""Gap of the inner lips as part of the mouth's width."""
MOUTH_CORNERS_468 = (61, 291)


@dataclass(slots=True, frozen=True)
class Shard:
    """
    Some hundred views.

    landmarks (N, 468, 3): Face Mesh's of crops of SIZE px, z towards the viewer. weights (N, 52).
    presence (N,). rotation (N, 3, 3): the head's, model axes. truth (N, 468, 3): the landmarks
    where they are on the head, model axes, metres.
    """

    landmarks: np.ndarray
    weights: np.ndarray
    presence: np.ndarray
    rotation: np.ndarray
    truth: np.ndarray


class Renderings:
    """Draws people and looks at them with Face Mesh."""

    def __init__(self, ict: Path, portraits: Path) -> None:
        """:raises ModelBuildingError: a folder that has not what is needed."""
        self._model = FaceModel()
        self._people = ict_people.load(ict, self._model)
        self._photographer = Photographer(self._model)
        self._face_mesh = FaceMeshRegressor(self._model)
        read = PhotoReader()
        found = [read(path, 0) for path in training_portraits(portraits)]
        sources = [source for source in found if source is not None and source.presence > 0.9]
        self._skins = [source for source in sources if _lips_are_closed(source)]
        if not self._skins:
            raise ModelBuildingError(f'{portraits}: no portrait with closed lips')
        self._backgrounds = Backgrounds([(s.path, _box(s)) for s in sources])

    def shard(self, seed: int, people: int) -> Shard:
        """Return what Face Mesh sees of so many people, each with an expression."""
        rng = np.random.default_rng(seed)
        rows = []
        for _ in tqdm(range(people), unit='person', leave=False, disable=None):
            weights = sampling.draw(rng)
            face = Face(sampling.of_ict(weights), sampling.gaze_of(weights))
            person = self._people(rng, self._skin(rng), face)
            for _ in range(VIEWS_PER_PERSON):
                view = _view(rng)
                sight = self._photographer(person, view, self._backgrounds(rng), rng)
                image = photographed(sight.image, rng)
                landmarks, presence = self.look(image, _region(sight.landmarks, rng))
                rows.append((landmarks, weights, presence, view.rotation,
                             person.landmarks_m))
        return Shard(*(np.array(column, np.float32) for column in zip(*rows, strict=True)))

    def look(self, image: np.ndarray, region: Region) -> tuple[np.ndarray, float]:
        """Return Face Mesh's landmarks (468, 3) in a region, px of the image, and presence."""
        image_from_crop = self._face_mesh.preprocess(image, region)
        return self._face_mesh.landmarks(self._face_mesh.infer(), image_from_crop)

    def _skin(self, rng: np.random.Generator) -> Photo | None:
        if rng.random() >= PHOTO_SKIN_SHARE:
            return None
        source = self._skins[int(rng.integers(len(self._skins)))]
        return Photo(read_image(Path(source.path)),
                     self._model.landmarks_68.points_px(source.parameters))


def _view(rng: np.random.Generator) -> View:
    nod, look = np.clip(rng.normal(0, PITCH_SPREAD_DEG, 2), -25, 25)
    yaw = rng.uniform(-LARGEST_YAW_DEG, LARGEST_YAW_DEG)
    rotation = (rotation_about('z', rng.normal(0, ROLL_SPREAD_DEG)) @ rotation_about('x', look)
                @ rotation_about('y', yaw) @ rotation_about('x', nod))
    return View(rotation, SIZE / VIEW_SIDE_M, np.full(2, (SIZE - 1) / 2), SIZE)


def _region(landmarks_px: np.ndarray, rng: np.random.Generator) -> Region:
    """Return where a tracker looks for a face: nearly where it is."""
    region = Region.from_landmarks(landmarks_px)
    shift = region.side_px * rng.normal(0, SHIFT_SPREAD, 2)
    scale, roll = np.exp(rng.normal(0, SCALE_SPREAD)), rng.normal(0, np.radians(ROLL_OFF_DEG))
    return Region(region.centre + shift, region.side_px * scale, region.roll_rad + roll)


def _lips_are_closed(source: Source) -> bool:
    points = source.landmarks_px[:, :2]
    upper, lower = points[INNER_LIP_PAIRS_468.T]
    right, left = points[list(MOUTH_CORNERS_468)]
    gap = np.linalg.norm(upper - lower, axis=1).max()
    return bool(gap < CLOSED_LIPS * np.linalg.norm(left - right))


def _box(source: Source) -> np.ndarray:
    points = source.landmarks_px[:, :2]
    return np.concatenate([points.min(axis=0), points.max(axis=0)])


def main() -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(prog='python -m model_building.expression.render',
                                     description=__doc__)
    parser.add_argument('--ict', type=Path, required=True)
    parser.add_argument('--portraits', type=Path, required=True)
    parser.add_argument('--output', type=Path, required=True)
    parser.add_argument('--people', type=int, default=4000)
    parser.add_argument('--seed', type=int, default=1)
    arguments = parser.parse_args()
    try:
        renderings = Renderings(arguments.ict, arguments.portraits)
        arguments.output.mkdir(parents=True, exist_ok=True)
        for start in range(0, arguments.people, PEOPLE_PER_SHARD):
            seed = arguments.seed * 1000 + start // PEOPLE_PER_SHARD
            path = arguments.output / f'shard_{seed}.npz'
            if path.exists():
                continue
            made = renderings.shard(seed, min(PEOPLE_PER_SHARD, arguments.people - start))
            partial = path.with_suffix('.part.npz')
            np.savez(partial, **{name: getattr(made, name) for name in Shard.__slots__})
            partial.replace(path)
    except (OSError, FaceReconError, ModelBuildingError) as error:
        sys.stderr.write(f'{error}\n')
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
