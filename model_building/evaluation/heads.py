# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
How regressors do on whole heads whose rotation, place and shape are known.

    python -m model_building.evaluation heads ICT_FOLDER PORTRAITS_FOLDER
        [--regressor NAME] [--also FILE] [--people N] [--glasses] [--renderer mitsuba]
        [--images N [--one-way]]

Heads are people drawn from the ICT face model with the skin of portraits, or a plain one, seen
in full perspective from 0.5 to 2 m at 65 rotations each (known_heads.py); nothing here has learnt
from them. `--development` shows other people and portraits: constants may be chosen by those, and
by those alone. Of each head one constant offset is removed: where a model's front is, is a
convention. Printed for each regressor, by yaw, size of the face, blur, tone of the skin, glasses.
The age of these people is not known.
"""
from __future__ import annotations

import argparse
from contextlib import nullcontext
from pathlib import Path
from unittest.mock import patch

import cv2
import numpy as np
from tqdm import tqdm

from face_recon_ros.face import Face
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.faces import Faces
from face_recon_ros.pipeline import Pipeline
from face_recon_ros.regression.loader import FACE_MESH, NETWORK
from face_recon_ros.regression.mirror_looks import AS_IT_IS, MirrorLooks
from model_building.evaluation import contenders
from model_building.evaluation.errors import Truth, compare, excess_of_yaw
from model_building.evaluation.known_heads import Photographer, Sight, meant, turns_deg
from model_building.evaluation.mitsuba_renderer import VARIANTS, MitsubaRenderer
from model_building.evaluation.surface import SurfaceErrors
from model_building.evaluation.tables import report

OWN = 'own'
RATE_HZ, NOISE = 30.0, 3.0
"""Of the streams of --images: images a second, and the sensor's noise in each, of 255."""


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


def last_of_stream(
    pipeline: Pipeline, sight: Sight, images: int, rng: np.random.Generator,
    one_way: bool = False,
) -> Face | None:
    """
    Return the face as it is in the last of some images that differ by noise alone.

    :param one_way: its crops are not looked at in the mirror
    """
    pipeline.reset()
    faces = Faces()
    one_look = patch.object(MirrorLooks, 'next', lambda self: AS_IT_IS)
    with one_look if one_way else nullcontext():
        for index in range(images):
            noisy = sight.image + rng.normal(0, NOISE, sight.image.shape)
            image = np.clip(noisy, 0, 255).astype(np.uint8)
            faces = pipeline.track(image, index / RATE_HZ, sight.shot.camera)
    return meant(faces, sight)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument('ict', type=Path, help='folder of the ICT face model')
    parser.add_argument('portraits', type=Path, help='folder of portraits, *.jpg')
    contenders.add_arguments(parser, (NETWORK, FACE_MESH))
    parser.add_argument('--people', type=int, default=8)
    parser.add_argument('--every', type=int, default=1, metavar='N',
                        help='only every N-th rotation')
    parser.add_argument('--glasses', action='store_true',
                        help='show everybody twice, without and with glasses')
    parser.add_argument('--renderer', choices=(OWN, *VARIANTS), default=OWN,
                        help='what draws the heads; mitsuba traces paths of light, and the '
                             'networks have not learnt from its pictures')
    parser.add_argument('--images', type=int, default=1, metavar='N',
                        help='show each head in a stream of N images, without smoothing, and '
                             'measure what the last one gives')
    parser.add_argument('--one-way', action='store_true',
                        help='look at the crops of streams as they are, never in the mirror')
    parser.add_argument('--development', action='store_true', help='people to choose by')
    parser.add_argument('--sheet', type=Path, help='write a picture of the heads, measure nothing')


def run(arguments: argparse.Namespace) -> int:
    """Print the tables of every regressor."""
    photographer = Photographer(
        arguments.ict, arguments.portraits, arguments.development,
        None if arguments.renderer == OWN else MitsubaRenderer(arguments.renderer))
    if arguments.sheet:
        cv2.imwrite(str(arguments.sheet), sheet(photographer, arguments.people))
        return 0
    pipelines = contenders.contenders(arguments)
    pairs: dict[str, list[tuple[Truth, Face | None]]] = {name: [] for name in pipelines}
    turns = turns_deg()[:: arguments.every]
    rng = np.random.default_rng(1)
    total = arguments.people * len(turns) * (1 + arguments.glasses)
    sights = photographer(arguments.people, turns, arguments.glasses)
    for sight in tqdm(sights, total=total, unit='photo', leave=False, disable=None):
        truth = sight.truth
        for name, pipeline in pipelines.items():
            if arguments.images > 1:
                face = last_of_stream(
                    pipeline, sight, arguments.images, rng, arguments.one_way)
            else:
                face = meant(pipeline.detect(sight.image, sight.shot.camera), sight)
            pairs[name].append((truth, face))
    model = FaceModel()
    surface = SurfaceErrors(model, photographer.places.chosen)
    for name, found in pairs.items():
        errors = compare(found, model, surface)
        report(name, errors)
        if arguments.development:
            print(f'\n{name}: excess of yaw {excess_of_yaw(errors):+.3f}')
    return 0
