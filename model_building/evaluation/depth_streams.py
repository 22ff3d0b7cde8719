# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What a depth camera adds to a stream of one second, and that a poor one is no worse than none.

    python -m model_building.evaluation depth ICT_FOLDER PORTRAITS_FOLDER --streams
        [--people N] [--test] [--lags]

Heads as in depth.py, that turn, nod and go past. Each case is held against the same stream without
depth. A size is that of the last image. `--lags`: depth of some lags, streams of three seconds of
heads that turn slowly, and fast.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.depth_alignment import skin_points
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.procrustes import similarity
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.rotations import MODEL_FROM_FACE, OPTICAL_FROM_VIEWER, rotation_vector
from face_recon_ros.tools.depth_sensors import SENSORS, DepthSensor, sensed
from model_building.evaluation.depth import Faces, sellion, true_depth
from model_building.evaluation.errors import middle_rotation
from model_building.evaluation.known_heads import Photographer, Sight, meant, rotation_of
from model_building.network.ict_heads import Shot, photographed

SIZES, DISTANCES_M = (0.8, 1.1), (0.4, 3.0)
IMAGE_SIZE = (640, 480)
LAG_S = 0.05
STEREO = SENSORS['stereo']
BESIDE, HALF = replace(STEREO, shift_px=-3.0), replace(STEREO, holes=0.5)


@dataclass(slots=True, frozen=True)
class Pace:
    """How long a stream is, and how fast its head turns: periods, shortest and longest."""

    images: int
    rate_hz: float
    periods_s: tuple[float, float]


SECOND = Pace(16, 15.0, (1.5, 3.0))
# Depth of other times is that of other images
LAGS_S = (0.0, 0.05, 0.1, 0.15, 0.2, 0.3)
PACES = {'slow': Pace(61, 20.0, (1.5, 3.0)), 'fast': Pace(61, 20.0, (0.6, 1.2))}


@dataclass(slots=True, frozen=True)
class Moment:
    """One image of a stream, and what gives true depths (H, W) m of a time."""

    sight: Sight
    index: int
    time_s: float
    sellion_m: np.ndarray
    depth_at: Callable[[float], np.ndarray]

    def depth_m(self, lag_s: float = 0.0) -> np.ndarray:
        """Return the true depth (H, W) m of so much before."""
        return self.depth_at(round(self.time_s - lag_s, 6))


@dataclass(slots=True, frozen=True)
class Stream:
    """Some time of one head; skin_m as in depth.Scene."""

    moments: list[Moment]
    skin_m: np.ndarray


Depth = Callable[[Moment, np.random.Generator], np.ndarray | None]


def _of(sensor: DepthSensor, lag_s: float = 0.0) -> Depth:
    """Return what makes depth images of a sensor that is late."""
    return lambda moment, rng: sensed(moment.depth_m(lag_s), sensor, rng)


CASES: dict[str, Depth] = {
    'without depth': lambda moment, rng: None,
    **{name: _of(sensor) for name, sensor in SENSORS.items()},
    '50 ms late': _of(STEREO, LAG_S),
    '3 px beside': _of(BESIDE),
    'half missing': _of(HALF),
    'late, beside and half missing': _of(replace(BESIDE, holes=0.5), LAG_S),
    'every other image': lambda moment, rng: (
        sensed(moment.depth_m(), STEREO, rng) if moment.index % 2 else None
    ),
    'of another camera': lambda moment, rng: sensed(
        np.roll(moment.depth_m(), IMAGE_SIZE[0] // 3, axis=1), STEREO, rng
    ),
    'all zero': lambda moment, rng: np.zeros_like(moment.depth_m()),
    'NaN': lambda moment, rng: np.full_like(moment.depth_m(), np.nan),
}


def streams(
    photographer: Photographer,
    model: FaceModel,
    first: int,
    people: int,
    pace: Pace = SECOND,
) -> Iterator[Stream]:
    """Yield people who move before a camera."""
    heads = photographer.heads
    faces = Faces(heads.model, model.triangles)
    skin_vertices, _ = skin_points(model)
    for person in range(first, first + people):
        rng = np.random.default_rng([person, 18, 1])
        points = heads.person(rng)
        size = float(rng.uniform(*SIZES))
        skin, shot_at = photographer.skin(person, rng), _motion(rng, pace)
        background, moments = photographer.background(rng), []
        light = rng.bit_generator.state
        depth_at = _depths(photographer, size * points, shot_at)
        for index in range(pace.images):
            time_s = index / pace.rate_hz
            shot = shot_at(time_s)
            rng.bit_generator.state = light
            image, marks = heads.draw(size * points, skin, shot, background, rng)
            image = photographed(image, np.random.default_rng([person, index]))
            moments.append(Moment(
                Sight(person, 0.0, 0.0, image, shot, marks), index, time_s,
                sellion(heads, size * points, shot), depth_at))
        yield Stream(moments, size * faces.of(points)[skin_vertices])


def _depths(
    photographer: Photographer, points: np.ndarray, shot_at: Callable[[float], Shot]
) -> Callable[[float], np.ndarray]:
    """Return what renders a head's depth (H, W) m of a time, and keeps those of a stream."""

    @lru_cache(maxsize=256)
    def depth_at(time_s: float) -> np.ndarray:
        return true_depth(photographer, points, shot_at(time_s))

    return depth_at


def _motion(rng: np.random.Generator, pace: Pace) -> Callable[[float], Shot]:
    """Draw where somebody is and how they move; the head stays in the image."""
    focal_px = rng.uniform(500, 750)
    camera = Camera(*IMAGE_SIZE, focal_px, focal_px, 319.5, 239.5)
    distance_m = float(np.exp(rng.uniform(*np.log(DISTANCES_M))))
    middle = rng.uniform([-20, -10], [20, 10])
    swing, period_s = rng.uniform([8, 5], [20, 12]), rng.uniform(*pace.periods_s, 2)
    phase, roll_deg = rng.uniform(0, 2 * np.pi, 2), float(rng.normal(0, 6))
    place = np.append(rng.uniform(-0.12, 0.12, 2) * distance_m, distance_m)
    seconds = (pace.images - 1) / pace.rate_hz
    limit = min(distance_m / 0.8, 1.0) / max(seconds, 1.0)
    velocity = rng.uniform(-0.15, 0.15, 3) * [1.0, 0.5, 1.0] * limit

    def shot_at(time_s: float) -> Shot:
        yaw, pitch = middle + swing * np.sin(2 * np.pi * time_s / period_s + phase)
        return Shot(rotation_of(yaw, pitch, roll_deg), place + velocity * time_s, camera)

    return shot_at


@dataclass(slots=True, frozen=True)
class Second:
    """Errors of a stream: rotations (3, 3) each, distances over the limit of 1 % or 1 cm, size."""

    turned: np.ndarray
    distances: np.ndarray
    size: float

    def rotation_deg(self, first: int = 0) -> float:
        """Return the mean error of the rotations about their middle: what a frame is differs."""
        middle = middle_rotation(self.turned[first:])
        return float(np.mean([
            np.degrees(np.linalg.norm(rotation_vector(turned @ middle.T)))
            for turned in self.turned[first:]
        ]))


def followed(pipeline: Pipeline, stream: Stream, depth_of: Depth) -> Second | None:
    """Track a stream; None where its face was missed."""
    pipeline.reset()
    skin = pipeline.model.vertices(skin_points(pipeline.model)[0])
    turned, distances, size = [], [], np.nan
    for index, moment in enumerate(stream.moments):
        shot = moment.sight.shot
        rng = np.random.default_rng([moment.sight.person, index, 2])
        depth_m = depth_of(moment, rng)
        faces = pipeline.track(moment.sight.image, moment.time_s, shot.camera, depth=depth_m)
        face = meant(faces, moment.sight)
        if face is None:
            continue
        truth = OPTICAL_FROM_VIEWER @ shot.rotation @ MODEL_FROM_FACE
        true_m = float(np.linalg.norm(moment.sellion_m))
        turned.append(truth.T @ face.pose.rotation)
        distances.append(abs(face.pose.distance_m - true_m) / max(0.01, 0.01 * true_m))
        true_scale = similarity(skin.points(face.parameters), stream.skin_m)[0]
        size = face.head_scale / true_scale - 1
    return Second(np.array(turned), np.array(distances), size) if turned else None


def print_streams(photographer: Photographer, first: int, people: int) -> None:
    """Print a line for every case."""
    pipeline = Pipeline(PipelineConfig(use_eyes='never'))
    rows: dict[str, list[Second]] = {name: [] for name in CASES}
    for stream in streams(photographer, pipeline.model, first, people):
        found = {name: followed(pipeline, stream, depth) for name, depth in CASES.items()}
        for name, second in found.items():
            if second is not None:
                rows[name].append(second)
    print('| depth | rotation, deg | distance within 1 % or 1 cm | size within 2 % after 1 s '
          '| size error, root mean square |')
    print('|---|---|---|---|---|')
    for name, seconds in rows.items():
        sizes = np.array([s.size for s in seconds])
        within = np.concatenate([s.distances for s in seconds]) <= 1
        print(f'| {name} | {np.mean([s.rotation_deg() for s in seconds]):.1f} '
              f'| {100 * within.mean():.0f} % '
              f'| {(np.abs(sizes) <= 0.02).sum()} of {len(sizes)} '
              f'| {100 * np.sqrt(np.mean(sizes**2)):.1f} % |')


def print_lags(photographer: Photographer, first: int, people: int) -> None:
    """Print a line for every pace and lag, and how late depth was said to be."""
    pipeline = Pipeline(PipelineConfig(use_eyes='never'))
    print('| heads | depth | rotation, deg: all | from 1 s on | at worst beside none '
          '| distance within 1 % or 1 cm | said to be late |')
    print('|---|---|---|---|---|---|---|')
    for name, pace in PACES.items():
        cases: dict[str, Depth] = {'none': CASES['without depth'], **{
            f'{1000 * lag_s:.0f} ms late': _of(STEREO, lag_s) for lag_s in LAGS_S
        }}
        rows: dict[str, list[Second]] = {case: [] for case in cases}
        said: dict[str, list[float]] = {case: [] for case in cases}
        for stream in streams(photographer, pipeline.model, first, people, pace):
            found = {}
            for case, depth in cases.items():
                found[case] = followed(pipeline, stream, depth)
                said[case].append(pipeline.depth_report().late_s)
            for case, second in found.items():
                if second is not None and found['none'] is not None:
                    rows[case].append(second)
        first = round(pace.rate_hz)
        without = np.array([s.rotation_deg(first) for s in rows['none']])
        for case, seconds in rows.items():
            turned = np.array([s.rotation_deg(first) for s in seconds])
            within = np.concatenate([s.distances for s in seconds]) <= 1
            late = [lag_s for lag_s in said[case] if lag_s]
            mean = f', {1000 * np.mean(late):.0f} ms' if late else ''
            print(f'| {name} | {case} | {np.mean([s.rotation_deg() for s in seconds]):.2f} '
                  f'| {turned.mean():.2f} | {(turned - without).max():+.2f} '
                  f'| {100 * within.mean():.0f} % | {len(late)} of {len(said[case])}{mean} |')
