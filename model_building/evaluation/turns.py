# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
How far posed people really turn: the same people's faces, shown at known azimuths.

    python -m model_building.evaluation turns POINTING04_FOLDER [--regressor-path FILE]

Labels of posed photos say where people were asked to look; heads turn less. Here each person's
frontal photo is laid onto the open head (photo_face.py) and shown turned. What a regressor finds
there says how it errs on this person, and to which turn its finding on a posed photo belongs.
"""
from __future__ import annotations

import argparse
import csv
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.io.image_files import read_image
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.region import CROP_SIDE_M, Region
from model_building.face_model.assets import default_cache
from model_building.network.augmentation import SIZE, rotation_about
from model_building.network.heads import HeadKit, OpenHead
from model_building.network.photo_face import FacePainter
from model_building.network.photos import PhotoReader, Source
from model_building.network.profiling import FaceTopology, painted_face
from model_building.network.subject import View

SHOWN_DEG = tuple(range(30, 95, 5))
POSED_DEG = (45, 60, 75, 90)
RELIEFS = 2
"""So many of each frontal photo."""

Row = dict[str, str]


def azimuth_deg(parameters: FaceParameters) -> float:
    """Return where a face looks, towards image right."""
    x, _, z = parameters.model_rotation[:, 2]
    return float(np.degrees(np.arctan2(x, z)))


class TurnedPeople:
    """Shows faces of photos at known azimuths to a pipeline's regressor."""

    def __init__(self, kit: HeadKit, pipeline: Pipeline) -> None:
        self._kit = kit
        self._pipeline = pipeline
        self._topology = FaceTopology(pipeline.model)
        self._painter = FacePainter(pipeline.model)

    def found_deg(self, source: Source, rng: np.random.Generator) -> np.ndarray:
        """Return (2, len(SHOWN_DEG)): what is found at each of SHOWN_DEG, to either side."""
        drawn = replace(source, parameters=self._kit.relief.like(source.parameters, rng))
        coefficients, face = painted_face(self._topology, self._painter, drawn)
        head = OpenHead(self._kit, rng, coefficients, face)
        return np.array([[side * self._look(head, side * shown, rng) for shown in SHOWN_DEG]
                         for side in (-1, 1)])

    def _look(self, head: OpenHead, shown_deg: float, rng: np.random.Generator) -> float:
        view = View(rotation_about('y', shown_deg), SIZE / CROP_SIDE_M, np.full(2, (SIZE - 1) / 2),
                    SIZE)
        background = np.full((SIZE, SIZE, 3), rng.uniform(60, 220, 3), np.uint8)
        crop = head.draw(view, background, rng)
        region = Region(view.centre_px, float(SIZE), 0.0)
        return azimuth_deg(self._pipeline.regressor.flip_augmented(crop, region).parameters)


def posed_deg(pipeline: Pipeline, folder: Path, rows: list[Row]) -> Iterator[float]:
    """Yield what is found in posed photos, positive towards the side that was asked for."""
    for row in rows:
        faces = pipeline.detect(read_image(folder / row['file']))
        if faces:
            meant = np.array([float(row['box_cx']), float(row['box_cy'])])
            face = min(faces, key=lambda f: float(
                np.linalg.norm(f.box.reshape(2, 2).mean(axis=0) - meant)))
            # labels are positive towards image left
            yield -np.sign(float(row['pan_deg'])) * azimuth_deg(face.parameters)


def belongs_to(found_deg: float, shown_found_deg: np.ndarray) -> float:
    """Return the azimuth at which this is found, of what is found at SHOWN_DEG; NaN beyond."""
    rising = np.maximum.accumulate(shown_found_deg)
    return float(np.interp(found_deg, rising, SHOWN_DEG, left=np.nan, right=np.nan))


def report(pipeline: Pipeline, kit: HeadKit, folder: Path) -> None:
    """Print both tables."""
    with (folder / 'labels.csv').open(newline='') as file:
        level = [row for row in csv.DictReader(file) if float(row['tilt_up_deg']) == 0]
    people, reader = TurnedPeople(kit, pipeline), PhotoReader()
    shown = []
    frontal = [row for row in level if float(row['pan_deg']) == 0]
    for number, row in enumerate(tqdm(frontal, unit='photo', leave=False, disable=None)):
        source = reader(folder / row['file'], number)
        if source is not None:
            shown += [people.found_deg(source, np.random.default_rng([number, k]))
                      for k in range(RELIEFS)]
    found = np.median(np.concatenate(shown), axis=0)
    print('| shown at | found, median |\n|---|---|')
    for azimuth, of_azimuth in zip(SHOWN_DEG, found, strict=True):
        print(f'| {azimuth} | {of_azimuth:.1f} |')
    print('\n| asked to look to | found, median | as of heads turned by |\n|---|---|---|')
    for asked in POSED_DEG:
        rows = [row for row in level if abs(float(row['pan_deg'])) == asked]
        posed = float(np.median(list(posed_deg(pipeline, folder, rows))))
        print(f'| {asked} | {posed:.1f} | {belongs_to(posed, found):.1f} |')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument('folder', type=Path, help="Pointing'04, with its labels.csv")
    parser.add_argument('--regressor-path', metavar='FILE', help='another .tflite file')


def run(arguments: argparse.Namespace) -> int:
    """Print both tables."""
    config = PipelineConfig(smoothing=None, regressor_path=arguments.regressor_path)
    report(Pipeline(config), HeadKit.load(default_cache()), arguments.folder)
    return 0
