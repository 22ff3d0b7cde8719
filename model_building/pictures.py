# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Pictures for the documentation.

    python -m model_building.pictures [--output DIR] face_model [--model FILE] [--name NAME]
    python -m model_building.pictures [--output DIR] network [--cache DIR]

face_model: the mean and its components, from several sides. network: a public-domain portrait
turned by profiling and laid onto rendered heads, and rendered people.
"""
from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np

from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.regression.region import CROP_SIDE_M
from face_recon_ros.rendering.renderer import Renderer
from model_building.face_model.assets import default_cache
from model_building.face_model.depth_buffer import rotation_yaw_pitch
from model_building.face_model.errors import ModelBuildingError
from model_building.network.augmentation import rotation_about
from model_building.network.heads import HeadKit, OpenHead
from model_building.network.photo_face import FacePainter
from model_building.network.photos import PhotoReader, Source
from model_building.network.profiling import (
    FaceTopology,
    ProfiledPhoto,
    Surroundings,
    painted_face,
)
from model_building.network.subject import View

ROOT = Path(__file__).resolve().parents[1]
PIXELS_PER_METRE = 1900
SUPERSAMPLING = 2
BACKGROUND = 255
TEXT_COLOR = (70, 70, 70)
SHADE_COLOR = (185, 190, 200)
SHAPE_AMOUNTS = (-2.0, 2.0)
EXPRESSION_AMOUNTS = (-1.0, 2.0)
"""Faces do not go as far to the negative side: a jaw opens, but does not close past closed."""
SHAPE_PICTURES = 8
PORTRAIT = ROOT / 'samples' / 'astronaut.png'
YAWS_DEG = (-90, -60, -30, 0, 30, 60, 90)
PITCHES_DEG = (0, 8, -12, 0, 12, -8, 0)
SIZE = 200
BACKDROP = 205
SURROUNDINGS = Surroundings(fall_m=0.10, reach_m=0.035, kept=True)
FACE_ONLY = Surroundings(fall_m=0.10, reach_m=0.035, kept=False)
PEOPLE_SEED, PEOPLE = 3, 8
PAINTED_SEED = 2


class Painter:
    """Draws faces of one model with the product's renderer."""

    def __init__(self, path: Path) -> None:
        """Load a model file."""
        with np.load(path) as file:
            self.arrays = {name: file[name] for name in file.files}
        self._renderer = Renderer(self.arrays['triangles'])
        self._centre = (self.arrays['mean'].min(axis=0) + self.arrays['mean'].max(axis=0)) / 2

    def face(self, kind: str = '', component: int = 0, amount: float = 0.0) -> np.ndarray:
        """Return the mean (V,3) plus an amount (standard deviations) of one component."""
        points = self.arrays['mean'].astype(np.float64)
        if kind:
            step = float(self.arrays[f'{kind}_step'][component])
            points = points + amount * step * self.arrays[f'{kind}_basis'][component]
        return points

    def draw(self, points: np.ndarray, size: tuple[int, int], yaw_deg: float = 0,
             pitch_deg: float = 0, painted: bool = True, zoom: float = 1.0,
             target: np.ndarray | None = None) -> np.ndarray:
        """Return a picture (height, width, 3) uint8 BGR of a face (V,3) turned and centred."""
        width, height = (SUPERSAMPLING * side for side in size)
        turned = (points - (self._centre if target is None else target)) \
            @ rotation_yaw_pitch(yaw_deg, pitch_deg).T
        scale = SUPERSAMPLING * PIXELS_PER_METRE * zoom
        vertices = turned * [scale, -scale, scale] + [width / 2, height / 2, 0]
        image = np.full((height, width, 3), BACKGROUND, np.uint8)
        self._renderer.render(np.ascontiguousarray(vertices, np.float32), image,
                              colors=self.arrays['colors'] if painted else SHADE_COLOR)
        return cv2.resize(image, size, interpolation=cv2.INTER_AREA)


def _titled(image: np.ndarray, text: str) -> np.ndarray:
    bar = np.full((26, image.shape[1], 3), BACKGROUND, np.uint8)
    cv2.putText(bar, text, (6, 18), cv2.FONT_HERSHEY_SIMPLEX, 0.42, TEXT_COLOR, 1, cv2.LINE_AA)
    return np.vstack([bar, image])


def mean_from_six_sides(painter: Painter) -> np.ndarray:
    """Return the mean face from the front, both sides, obliquely, from below and above."""
    mean = painter.face()
    views = (('front', 0, 0), ('45 deg', -45, 0), ('left side', -90, 0), ('right side', 90, 0),
             ('from below', 0, -35), ('from above', 0, 35))
    return np.vstack([
        np.hstack([_titled(painter.draw(mean, (360, 400), yaw, pitch, painted), name)
                   for name, yaw, pitch in views]) for painted in (True, False)])


def components(painter: Painter, kind: str, count: int,
               amounts: tuple[float, float]) -> np.ndarray:
    """Return the mean plus amounts of each component, from the front and obliquely."""
    blocks = []
    for k in range(count):
        name = str(painter.arrays[f'{kind}_names'][k])
        columns = []
        for amount in amounts:
            face = painter.face(kind, k, amount)
            views = [painter.draw(face, (200, 220), yaw, painted=True, zoom=0.52)
                     for yaw in (0, -40)]
            columns.append(_titled(np.hstack(views), f'{kind} {k}  {amount:+.0f} SD'))
        blocks.append(_titled(np.hstack(columns), name))
    if len(blocks) % 2:
        blocks.append(np.full_like(blocks[0], BACKGROUND))
    return np.vstack([np.hstack(pair) for pair in zip(blocks[::2], blocks[1::2], strict=True)])


def turned(yaw_deg: float, pitch_deg: float) -> View:
    """Return the view of a head turned to image right and up, in the middle of the picture."""
    rotation = rotation_about('x', -pitch_deg) @ rotation_about('y', yaw_deg)
    return View(rotation, SIZE / CROP_SIDE_M, np.full(2, (SIZE - 1) / 2), SIZE)


def backdrop() -> np.ndarray:
    """Return an even background."""
    return np.full((SIZE, SIZE, 3), BACKDROP, np.uint8)


def portrait_rows(source: Source) -> np.ndarray:
    """Return one person at all yaws, with and without what is around the face."""
    topology = FaceTopology(FaceModel())
    rows = []
    for surroundings in (SURROUNDINGS, FACE_ONLY):
        person = ProfiledPhoto(topology, source, surroundings)
        # the light that the photo has is enough: a generator that always draws none
        row = [person.draw(turned(yaw, pitch), backdrop(), np.random.default_rng(1))
               for yaw, pitch in zip(YAWS_DEG, PITCHES_DEG, strict=True)]
        rows.append(np.hstack(row))
    return np.vstack(rows)


def painted_row(kit: HeadKit, source: Source) -> np.ndarray:
    """Return the same face on rendered heads, another at each yaw."""
    model = FaceModel()
    coefficients, face = painted_face(FaceTopology(model), FacePainter(model), source)
    tiles = []
    for number, (yaw, pitch) in enumerate(zip(YAWS_DEG, PITCHES_DEG, strict=True)):
        rng = np.random.default_rng([PAINTED_SEED, number])
        person = OpenHead(kit, rng, coefficients, face)
        tiles.append(person.draw(turned(yaw, pitch), backdrop(), rng))
    return np.hstack(tiles)


def people_rows(kit: HeadKit) -> np.ndarray:
    """Return rendered people, each at one yaw, in two rows."""
    tiles = []
    for number in range(2 * PEOPLE):
        rng = np.random.default_rng([PEOPLE_SEED, number])
        yaw = np.linspace(-95, 95, PEOPLE)[number % PEOPLE]
        person = OpenHead(kit, rng)
        tiles.append(person.draw(turned(float(yaw), float(rng.normal(0, 10))), backdrop(), rng))
    return np.vstack([np.hstack(tiles[:PEOPLE]), np.hstack(tiles[PEOPLE:])])


def of_face_model(arguments: argparse.Namespace) -> Iterator[tuple[str, np.ndarray]]:
    """Yield names and pictures of a face model."""
    painter = Painter(arguments.model)
    units = len(painter.arrays['expression_step'])
    yield f'{arguments.name}_mean.png', mean_from_six_sides(painter)
    yield (f'{arguments.name}_shape.png',
           components(painter, 'shape', SHAPE_PICTURES, SHAPE_AMOUNTS))
    yield (f'{arguments.name}_expression.png',
           components(painter, 'expression', units, EXPRESSION_AMOUNTS))


def of_network(arguments: argparse.Namespace) -> Iterator[tuple[str, np.ndarray]]:
    """Yield names and pictures of what the network learns from."""
    source = PhotoReader()(PORTRAIT, 0)
    assert source is not None
    kit = HeadKit.load(arguments.cache)
    yield 'network_profiling.jpg', np.vstack([portrait_rows(source), painted_row(kit, source)])
    yield 'network_people.jpg', people_rows(kit)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog='python -m model_building.pictures', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--output', type=Path, default=ROOT / 'docs')
    kinds = parser.add_subparsers(required=True, metavar='face_model|network')
    face = kinds.add_parser('face_model')
    face.add_argument('--model', type=Path, default=ROOT / 'models' / 'face_model.npz')
    face.add_argument('--name', default='face_model', help='what the files begin with')
    face.set_defaults(pictures=of_face_model)
    network = kinds.add_parser('network')
    network.add_argument('--cache', type=Path, default=default_cache())
    network.set_defaults(pictures=of_network)
    return parser


def main() -> int:
    """Run the command; returns the exit status."""
    arguments = _parser().parse_args()
    try:
        arguments.output.mkdir(parents=True, exist_ok=True)
        for name, picture in arguments.pictures(arguments):
            path = arguments.output / name
            cv2.imwrite(str(path), picture)
            sys.stdout.write(f'{path}\n')
    except (OSError, ModelBuildingError) as error:
        sys.stderr.write(f'{error}\n')
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
