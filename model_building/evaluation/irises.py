# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
How true distances by irises are, on whole heads whose place and irises are known.

    python -m model_building.evaluation irises ICT_FOLDER PORTRAITS_FOLDER [--people N] [--test]

Heads of the ICT face model, 0.8 to 1.1 times an adult's size, that look at the camera or a little
beside it, in images of 1280x960. Their irises are laid onto the eyeballs: as wide as people's,
11.7 mm with a standard deviation of 0.5 mm whatever the size of the head. Each image is read as a
photo, without and with the eyes. Lines are by the width of the iris in the image; errors are root
mean square; "adults" are the same heads at their own size, 1.
"""
from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path

import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.eyes.limbus import iris_distance
from face_recon_ros.face import DistanceSource, Face
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.rotations import rotation_to
from model_building.evaluation.depth import sellion
from model_building.evaluation.known_heads import Photographer, Sight, meant, rotation_of
from model_building.network.ict_heads import IctHeads, Scene, Shot, photographed

IRIS_M, IRIS_SIGMA_M = 0.0117, 0.0005
SIZES, DISTANCES_M = (0.8, 1.1), (0.4, 1.3)
SIZE, FOCAL_PX = (960, 1280), (1100.0, 1300.0)
IMAGES = 4
TURN_DEG, BESIDE_RAD = 18.0, 0.1
"""How far heads turn, and eyes look beside the camera."""
PUPILS_M, LIMBUS_M = (0.003, 0.005), (0.0003, 0.0009)
"""Width of pupils, and over how much the colour changes from iris to white."""
COLORS_BGR = ((30, 45, 70), (60, 90, 120), (130, 110, 80))
OUT_M = 0.0002
"""Irises lie so much before the eyeball."""
RINGS, SPOKES = 24, 48
WIDTHS_PX = (12, 16, 22, 40)


@dataclass(slots=True, frozen=True)
class Picture:
    """One photo, what is known of it, and the mean width of its irises."""

    sight: Sight
    distance_m: float
    eyes_m: float
    iris_px: float


def pictures(photographer: Photographer, first: int, people: int,
             adults: bool) -> Iterator[Picture]:
    """Yield people of known irises."""
    for person in range(first, first + people):
        rng = np.random.default_rng([person, 18, 3])
        points = photographer.heads.person(rng)
        size = float(rng.uniform(*SIZES))
        points = points if adults else size * points
        skin = photographer.skin(person, rng)
        width_m = rng.normal(IRIS_M, IRIS_SIGMA_M)
        for _ in range(IMAGES):
            focal_px = rng.uniform(*FOCAL_PX)
            height, width = SIZE
            camera = Camera(width, height, focal_px, focal_px, (width - 1) / 2, (height - 1) / 2)
            distance_m = float(np.exp(rng.uniform(*np.log(DISTANCES_M))))
            place = rng.uniform(-0.1, 0.1, 2) * distance_m
            yaw, pitch = rng.uniform(-TURN_DEG, TURN_DEG, 2) * [1.0, 0.5]
            shot = Shot(rotation_of(float(yaw), float(pitch), float(rng.normal(0, 6))),
                        np.append(place, distance_m), camera)
            background = np.repeat(np.repeat(photographer.background(rng), 2, axis=0), 2, axis=1)
            scene = photographer.heads.scene(points, skin, shot, rng)
            scene, eyes_m = with_irises(photographer.heads, scene, width_m, rng)
            image = photographed(photographer.heads.drawn(scene, background), rng)
            yield Picture(
                Sight(person, float(yaw), float(pitch), image, shot, scene.landmarks_px),
                float(np.linalg.norm(sellion(photographer.heads, points, shot))),
                float(np.linalg.norm(eyes_m)), focal_px * width_m / eyes_m[2])


def with_irises(heads: IctHeads, scene: Scene, width_m: float,
                rng: np.random.Generator) -> tuple[Scene, np.ndarray]:
    """
    Return a scene with irises of a width on its white eyeballs, and the middle (3,) m of both.

    They look at the camera, and both a little beside it.
    """
    colors, pieces, centres = scene.colors.copy(), [], []
    beside = rng.normal(0, BESIDE_RAD, 2)
    pupil_m, limbus_m = rng.uniform(*PUPILS_M), rng.uniform(*LIMBUS_M)
    color = np.array(COLORS_BGR[rng.integers(len(COLORS_BGR))]) * rng.uniform(0.6, 1.2)
    white = np.array([185, 195, 205]) * rng.uniform(0.75, 1.0)
    count = len(scene.points)
    for side in range(2):
        ball = np.flatnonzero(heads.surface.eyes[:, side] > 0.99)
        points = scene.points[ball]
        colors[ball] = white
        middle = (points.max(axis=0) + points.min(axis=0)) / 2
        look = -middle / np.linalg.norm(middle)
        look = look + rotation_to(look)[:, :2] @ beside
        look /= np.linalg.norm(look)
        out = points - middle
        ahead = out @ look > 0.8 * np.linalg.norm(out, axis=1)
        radius_m = float(np.linalg.norm(out[ahead], axis=1).max()) + OUT_M
        places, triangles, away_m = _cap(middle, look, radius_m, width_m / 2 + limbus_m)
        edge = np.clip((away_m - width_m / 2) / limbus_m + 0.5, 0, 1)[:, None]
        painted = color + edge * (white - color)
        painted[away_m < pupil_m / 2] = 12
        pieces.append((places, (places - middle) / radius_m, painted, triangles + count))
        centres.append(middle + radius_m * look)
        count += len(places)
    places, normals, painted, triangles = (
        np.concatenate(values) for values in zip(*pieces, strict=True))
    return replace(
        scene, points=np.concatenate([scene.points, places]),
        normals=np.concatenate([scene.normals, normals]),
        colors=np.concatenate([colors, painted]),
        triangles=np.concatenate([scene.triangles, triangles]).astype(np.int32),
        opaque=scene.opaque + len(triangles), kind='with irises',
    ), np.mean(centres, axis=0)


def _cap(middle: np.ndarray, look: np.ndarray, radius_m: float,
         reach_m: float) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return points (P, 3), triangles of a sphere's cap, and distances (P,) from its axis."""
    across = rotation_to(look)[:, :2]
    away = np.repeat(np.linspace(0, reach_m, RINGS), SPOKES)
    angle = np.tile(2 * np.pi * np.arange(SPOKES) / SPOKES, RINGS)
    flat = away[:, None] * np.column_stack([np.cos(angle), np.sin(angle)])
    ahead = np.sqrt(radius_m**2 - away**2)
    ring, spoke = np.divmod(np.arange((RINGS - 1) * SPOKES), SPOKES)
    a, b = ring * SPOKES + spoke, ring * SPOKES + (spoke + 1) % SPOKES
    triangles = np.concatenate([
        np.column_stack([a, a + SPOKES, b]), np.column_stack([b, a + SPOKES, b + SPOKES])])
    return middle + flat @ across.T + ahead[:, None] * look, triangles, away


@dataclass(slots=True, frozen=True)
class Row:
    """Errors of one face's distance, logarithms: by the assumed head, with eyes, by irises."""

    iris_px: float
    assumed: float
    fused: float
    iris: float


def read(plain: Pipeline, looking: Pipeline, picture: Picture) -> Row | None:
    """Read a photo without and with the eyes; None: its face was missed."""
    camera, image = picture.sight.shot.camera, picture.sight.image
    faces: list[Face] = []
    for pipeline in (plain, looking):
        face = meant(pipeline.detect(image, camera), picture.sight)
        if face is None:
            return None
        faces.append(face)
    by_iris = None
    if faces[1].distance_source == DistanceSource.IRIS and faces[1].eyes is not None:
        by_iris = iris_distance(image, faces[1].eyes, camera)
    assumed, fused = (
        float(np.log(face.pose.distance_m / picture.distance_m)) for face in faces)
    iris = float(np.log(by_iris / picture.eyes_m)) if by_iris else float('nan')
    return Row(picture.iris_px, assumed, fused, iris)


def report(name: str, rows: list[Row]) -> None:
    """Print lines by width of the iris, and one of all."""
    bins = [*pairwise(WIDTHS_PX), (0, 1e9)]
    for low, high in bins:
        of_width = [r for r in rows if low <= r.iris_px < high]
        used = [r for r in of_width if np.isfinite(r.iris)]
        label = f'{low} to {high} px' if high < 1e9 else 'all'
        if not used:
            print(f'| {name} | {label} | 0 of {len(of_width)} | | | | |')
            continue
        iris, assumed, fused = (
            100 * float(np.sqrt(np.mean([getattr(r, kind)**2 for r in used])))
            for kind in ('iris', 'assumed', 'fused'))
        mean = 100 * np.mean([r.iris for r in used])
        print(f'| {name} | {label} | {len(used)} of {len(of_width)} '
              f'| {iris:.1f} % (mean {mean:+.1f}) | {assumed:.1f} % | {fused:.1f} % '
              f'| {sum(abs(r.fused) < abs(r.assumed) for r in used)} of {len(used)} |')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument('ict', type=Path, help='folder of the ICT face model')
    parser.add_argument('portraits', type=Path, help='folder of portraits, *.jpg')
    parser.add_argument('--people', type=int, default=20)
    parser.add_argument('--test', action='store_true', help='people of the test set')


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    photographer = Photographer(arguments.ict, arguments.portraits, not arguments.test)
    plain = Pipeline(PipelineConfig(smoothing=None, use_eyes='never'))
    looking = Pipeline(PipelineConfig(smoothing=None, use_eyes='always'))
    print('| heads | iris | measured | by irises alone | assumed head | both | better with |')
    print('|---|---|---|---|---|---|---|')
    for name, adults in (('0.8 to 1.1', False), ('adults', True)):
        rows = [read(plain, looking, picture) for picture in pictures(
            photographer, 3000 if arguments.test else 300, arguments.people, adults)]
        report(name, [row for row in rows if row is not None])
    return 0
