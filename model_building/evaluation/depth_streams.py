# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What a depth camera adds to a stream of one second, and that a poor one is no worse than none.

    python -m model_building.evaluation depth ICT_FOLDER PORTRAITS_FOLDER --streams
        [--people N] [--test]

Heads as in depth.py, that turn, nod and go past. Each case is held against the same stream without
depth. A size is that of the last image.
"""
from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

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
IMAGES, RATE_HZ = 16, 15.0
LAG_S = 0.05
STEREO = SENSORS['stereo']
BESIDE, HALF = replace(STEREO, shift_px=-3.0), replace(STEREO, holes=0.5)


@dataclass(slots=True, frozen=True)
class Moment:
    """One image of a stream: true depths (H, W) m of then and of LAG_S before."""

    sight: Sight
    time_s: float
    sellion_m: np.ndarray
    depth_m: np.ndarray
    late_m: np.ndarray


@dataclass(slots=True, frozen=True)
class Stream:
    """A second of one head; skin_m as in depth.Scene."""

    moments: list[Moment]
    skin_m: np.ndarray


Depth = Callable[[Moment, np.random.Generator], np.ndarray | None]



def _sharp(sensor: DepthSensor) -> Depth:
    """Return what makes depth images of a sensor that is neither late nor beside."""
    return lambda moment, rng: sensed(moment.depth_m, sensor, rng)


CASES: dict[str, Depth] = {
    'without depth': lambda moment, rng: None,
    **{name: _sharp(sensor) for name, sensor in SENSORS.items()},
    '50 ms late': lambda moment, rng: sensed(moment.late_m, STEREO, rng),
    '3 px beside': _sharp(BESIDE),
    'half missing': _sharp(HALF),
    'late, beside and half missing': lambda moment, rng: sensed(
        moment.late_m, replace(BESIDE, holes=0.5), rng
    ),
    'every other image': lambda moment, rng: (
        sensed(moment.depth_m, STEREO, rng) if round(RATE_HZ * moment.time_s) % 2 else None
    ),
    'of another camera': lambda moment, rng: sensed(
        np.roll(moment.depth_m, moment.depth_m.shape[1] // 3, axis=1), STEREO, rng
    ),
    'all zero': lambda moment, rng: np.zeros_like(moment.depth_m),
    'NaN': lambda moment, rng: np.full_like(moment.depth_m, np.nan),
}


def streams(
    photographer: Photographer, model: FaceModel, first: int, people: int
) -> Iterator[Stream]:
    """Yield people who move before a camera."""
    heads = photographer.heads
    faces = Faces(heads.model, model.triangles)
    skin_vertices, _ = skin_points(model)
    for person in range(first, first + people):
        rng = np.random.default_rng([person, 18, 1])
        points = heads.person(rng)
        size = float(rng.uniform(*SIZES))
        skin, shot_at = photographer.skin(person, rng), _motion(rng)
        background, moments = photographer.background(rng), []
        light = rng.bit_generator.state
        for index in range(IMAGES):
            time_s = index / RATE_HZ
            shot, before = shot_at(time_s), shot_at(time_s - LAG_S)
            rng.bit_generator.state = light
            image, marks = heads.draw(size * points, skin, shot, background, rng)
            image = photographed(image, np.random.default_rng([person, index]))
            moments.append(Moment(
                Sight(person, 0.0, 0.0, image, shot, marks), time_s,
                sellion(heads, size * points, shot),
                true_depth(photographer, size * points, shot),
                true_depth(photographer, size * points, before)))
        yield Stream(moments, size * faces.of(points)[skin_vertices])


def _motion(rng: np.random.Generator) -> Callable[[float], Shot]:
    """Draw where somebody is and how they move; the head stays in the image."""
    focal_px = rng.uniform(500, 750)
    camera = Camera(640, 480, focal_px, focal_px, 319.5, 239.5)
    distance_m = float(np.exp(rng.uniform(*np.log(DISTANCES_M))))
    middle = rng.uniform([-20, -10], [20, 10])
    swing, period_s = rng.uniform([8, 5], [20, 12]), rng.uniform(1.5, 3.0, 2)
    phase, roll_deg = rng.uniform(0, 2 * np.pi, 2), float(rng.normal(0, 6))
    place = np.append(rng.uniform(-0.12, 0.12, 2) * distance_m, distance_m)
    velocity = rng.uniform(-0.15, 0.15, 3) * [1.0, 0.5, 1.0] * min(distance_m / 0.8, 1.0)

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

    def rotation_deg(self) -> float:
        """Return the mean error of the rotations about their middle: what a frame is differs."""
        middle = middle_rotation(self.turned)
        return float(np.mean([
            np.degrees(np.linalg.norm(rotation_vector(turned @ middle.T)))
            for turned in self.turned
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
