# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Draw the pictures of docs/network.md.

    python -m model_building.network.pictures [--output DIR]

A public-domain portrait turned by profiling and laid onto rendered heads, and rendered people.
"""
from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np

from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.regression.region import CROP_SIDE_M
from model_building.face_model.assets import default_cache
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

PORTRAIT = Path(__file__).resolve().parents[2] / 'samples' / 'astronaut.png'
YAWS_DEG = (-90, -60, -30, 0, 30, 60, 90)
PITCHES_DEG = (0, 8, -12, 0, 12, -8, 0)
SIZE = 200
BACKGROUND = 205
SURROUNDINGS = Surroundings(fall_m=0.10, reach_m=0.035, kept=True)
FACE_ONLY = Surroundings(fall_m=0.10, reach_m=0.035, kept=False)
PEOPLE_SEED, PEOPLE = 3, 8
PAINTED_SEED = 2


def turned(yaw_deg: float, pitch_deg: float) -> View:
    """Return the view of a head turned to image right and up, in the middle of the picture."""
    rotation = rotation_about('x', -pitch_deg) @ rotation_about('y', yaw_deg)
    return View(rotation, SIZE / CROP_SIDE_M, np.full(2, (SIZE - 1) / 2), SIZE)


def backdrop() -> np.ndarray:
    """Return an even background."""
    return np.full((SIZE, SIZE, 3), BACKGROUND, np.uint8)


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


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(prog='python -m model_building.network.pictures',
                                     description=__doc__)
    parser.add_argument('--output', type=Path, default=PORTRAIT.parents[1] / 'docs')
    parser.add_argument('--cache', type=Path, default=default_cache())
    arguments = parser.parse_args()
    source = PhotoReader()(PORTRAIT, 0)
    assert source is not None
    kit = HeadKit.load(arguments.cache)
    portrait = np.vstack([portrait_rows(source), painted_row(kit, source)])
    cv2.imwrite(str(arguments.output / 'network_profiling.jpg'), portrait)
    cv2.imwrite(str(arguments.output / 'network_people.jpg'), people_rows(kit))


if __name__ == '__main__':
    main()
