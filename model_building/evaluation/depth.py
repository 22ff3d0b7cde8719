# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
What a depth image adds, on whole heads whose place, size and rotation are known.

    python -m model_building.evaluation depth ICT_FOLDER PORTRAITS_FOLDER
        [--sensor NAME ...] [--people N] [--test] [--streams [--lags]]

Heads of the ICT face model (ict_heads.py), 0.8 to 1.1 times an adult's size, at 0.4 to 3 m, with
the depth images that kinds of sensors make of them: noise that grows with the square of the
distance, holes, flying pixels at edges, a colour image that is some pixels beside. The size of a
head is that of its skin, vertex by vertex, against the skin of the face that was found. The last
line is what head_size.WIDER and APPARENT_SIGMA say of the networks of other heads. `--test`
shows other people than those that constants were chosen by. `--streams`: see depth_streams.py.
"""
from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.depth_alignment import DepthAligner, Refused, skin_points
from face_recon_ros.depth_image import DepthImage
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.procrustes import similarity
from face_recon_ros.head_size import HeadSize
from face_recon_ros.pipeline import Face, Pipeline, PipelineConfig
from face_recon_ros.pose import MetricPose
from face_recon_ros.rotations import MODEL_FROM_FACE, OPTICAL_FROM_VIEWER, rotation_vector
from face_recon_ros.tools import depth_sensors as sensors
from model_building.evaluation.errors import middle_rotation
from model_building.evaluation.known_heads import Photographer, Sight, meant, rotation_of
from model_building.face_model.ict_correspondence import IctFaces
from model_building.face_model.ict_model import DRAWN_COUNT, IctModel
from model_building.network.ict_heads import IctHeads, Shot, photographed

SIZES, DISTANCES_M = (0.8, 1.1), (0.4, 3.0)
TURNS_DEG = tuple((yaw, pitch) for yaw in (-50, -25, 0, 25, 50) for pitch in (-25, 0, 25))
WALL_M = 1.2


SENSORS = {
    **sensors.SENSORS,
    'stereo, 3 px beside': replace(sensors.SENSORS['stereo'], shift_px=3.0),
    'half missing': replace(sensors.SENSORS['stereo'], holes=0.5),
}


@dataclass(slots=True, frozen=True)
class Scene:
    """
    One photo of a head of some size, and its true depth (H, W) m.

    skin_m (N, 3): the head where depth is compared, at the face model's vertices.
    """

    sight: Sight
    depth_m: np.ndarray
    skin_m: np.ndarray
    sellion_m: np.ndarray


def scenes(
    photographer: Photographer, model: FaceModel, first: int, people: int
) -> Iterator[Scene]:
    """Yield people of sizes and distances at every turn."""
    heads = photographer.heads
    faces = Faces(heads.model, model.triangles)
    skin_vertices, _ = skin_points(model)
    for person in range(first, first + people):
        rng = np.random.default_rng([person, 18])
        points = heads.person(rng)
        size = float(rng.uniform(*SIZES))
        skin = photographer.skin(person, rng)
        for yaw_deg, pitch_deg in TURNS_DEG:
            focal_px = rng.uniform(500, 750)
            camera = Camera(640, 480, focal_px, focal_px, 319.5, 239.5)
            distance_m = float(np.exp(rng.uniform(*np.log(DISTANCES_M))))
            place = rng.uniform(-0.15, 0.15, 2) * distance_m
            shot = Shot(
                rotation_of(yaw_deg, pitch_deg, float(rng.normal(0, 6))),
                np.append(place, distance_m), camera)
            image, marks = heads.draw(
                size * points, skin, shot, photographer.background(rng), rng)
            sight = Sight(person, yaw_deg, pitch_deg, photographed(image, rng), shot, marks)
            depth_m = true_depth(photographer, size * points, shot)
            sellion_m = sellion(heads, size * points, shot)
            yield Scene(sight, depth_m, size * faces.of(points)[skin_vertices], sellion_m)


class Faces:
    """Heads of the ICT model at the face model's vertices."""

    def __init__(self, model: IctModel, triangles: np.ndarray) -> None:
        self._model = model
        self._faces = IctFaces(model, triangles)

    def of(self, points: np.ndarray) -> np.ndarray:
        """Return the vertices (V, 3) m, model axes, of a subdivided head (N, 3)."""
        moved = np.zeros_like(self._model.neutral)
        moved[:DRAWN_COUNT] = points[:DRAWN_COUNT] - self._model.neutral[:DRAWN_COUNT]
        return self._faces.neutral + self._faces.displacement(moved)


def _placed(heads: IctHeads, points: np.ndarray, shot: Shot) -> np.ndarray:
    origin = heads.landmarks_m(points)[[36, 45]].mean(axis=0)
    turn = OPTICAL_FROM_VIEWER @ shot.rotation
    return np.asarray((points - origin) @ turn.T + shot.position_m)


def sellion(heads: IctHeads, points: np.ndarray, shot: Shot) -> np.ndarray:
    """Return where the sellion (3,) of a subdivided head is, optical frame."""
    placed = _placed(heads, points, shot)
    return heads.landmarks_m(placed)[27]


def true_depth(photographer: Photographer, points: np.ndarray, shot: Shot) -> np.ndarray:
    """Return the depth (H, W) m of a head before a wall."""
    placed = _placed(photographer.heads, points, shot)
    camera = shot.camera
    nearness = 1 / placed[:, 2]
    unit = 100 * shot.position_m[2] ** 2
    pixels = np.column_stack([
        camera.fx * placed[:, 0] * nearness + camera.cx,
        camera.fy * placed[:, 1] * nearness + camera.cy,
        unit * nearness,
    ]).astype(np.float32)
    size = camera.height, camera.width
    # what the renderer interpolates must be linear on the screen: the inverse of depth is
    top = 2 * unit * float(nearness.max())
    found = photographer.heads.skins.renderer.depth(
        pixels, size, np.array([0.0, 0.0, -1.0, top]))
    with np.errstate(invalid='ignore', divide='ignore'):
        return np.where(
            np.isfinite(found), unit / (top - found), shot.position_m[2] + WALL_M)


@dataclass(slots=True)
class Row:
    """Errors of one face: with and without depth."""

    person: int
    turned: np.ndarray
    turned_without: np.ndarray
    yaw_deg: float
    pitch_deg: float
    distance: float
    distance_without: float
    size: float
    distance_m: float
    sigma: float
    wider: float
    refused: str = ''


def measure(scene: Scene, face: Face, aligner: DepthAligner, depth_m: np.ndarray,
            skin_m: np.ndarray) -> Row:
    """Align one face and hold it against the truth."""
    shot = scene.sight.shot
    truth = OPTICAL_FROM_VIEWER @ shot.rotation @ MODEL_FROM_FACE
    found = aligner(face.parameters, face.pose, face.pose_covariance, face.head_scale,
                    shot.camera, DepthImage(depth_m))
    pose, scale, sigma, refused = face.pose, face.head_scale, np.nan, ''
    true_scale, wider = similarity(skin_m, scene.skin_m)[0], np.nan
    if isinstance(found, Refused):
        refused = found.reason
    else:
        head = HeadSize(face.head_scale)
        head.measure(found.apparent_scale, found.skin_ratio, found.relief)
        scale, wider = head.scale, float(np.log(found.apparent_scale / true_scale))
        pose = MetricPose(found.pose.rotation, found.origin_m(scale))
        ray = pose.translation_m / pose.distance_m
        sigma = float(np.sqrt(ray @ found.covariance[:3, :3] @ ray))
    true_m = float(np.linalg.norm(scene.sellion_m))
    return Row(
        scene.sight.person, truth.T @ pose.rotation, truth.T @ face.pose.rotation,
        scene.sight.yaw_deg, scene.sight.pitch_deg, pose.distance_m - true_m,
        face.pose.distance_m - true_m, scale / true_scale, true_m, sigma, wider, refused)


def report(name: str, rows: list[Row]) -> None:
    """Print a sensor's line."""
    found = [r for r in rows if not r.refused]
    limit = np.array([max(0.01, 0.01 * r.distance_m) for r in rows])
    error = np.abs([r.distance for r in rows])
    without = np.abs([r.distance_without for r in rows])
    print(f'| {name} | {len(rows) - len(found)} of {len(rows)} '
          f'| {100 * np.mean(error <= limit):.0f} % ({100 * np.mean(without <= limit):.0f} %) '
          f'| {1000 * np.median(error):.0f} mm ({1000 * np.median(without):.0f}) '
          f'| {_geodesic(rows, False):.1f} ({_geodesic(rows, True):.1f}) '
          f'| {_pitch_slope(rows, False):.2f} ({_pitch_slope(rows, True):.2f}) '
          f'| {np.median([abs(r.size - 1) for r in found]) * 100:.1f} % '
          f'| {100 * np.mean([abs(r.distance) < r.sigma for r in found]):.0f} % |')


def report_widths(rows: list[Row]) -> None:
    """Print by how much fitted faces are wider than the skin is, and what of it is a person's."""
    people = {r.person for r in rows}
    means = [np.nanmean([r.wider for r in rows if r.person == p]) for p in people]
    print(f'fitted faces are wider than the skin by {100 * np.mean(means):.1f} %, standard '
          f'deviation over {len(means)} people {100 * np.std(means):.1f} %')


def _offsets(rows: list[Row], without: bool) -> dict[int, np.ndarray]:
    people = {r.person for r in rows}
    return {p: middle_rotation(np.array([
        r.turned_without if without else r.turned for r in rows if r.person == p
    ])) for p in people}


def _geodesic(rows: list[Row], without: bool) -> float:
    offsets = _offsets(rows, without)
    return float(np.mean([np.degrees(np.linalg.norm(rotation_vector(
        (r.turned_without if without else r.turned) @ offsets[r.person].T))) for r in rows]))


def _pitch_slope(rows: list[Row], without: bool) -> float:
    offsets, x, y = _offsets(rows, without), [], []
    for r in rows:
        if abs(r.yaw_deg) > 30:
            continue
        turned = (r.turned_without if without else r.turned) @ offsets[r.person].T
        truth = OPTICAL_FROM_VIEWER @ rotation_of(r.yaw_deg, r.pitch_deg, 0.0) @ MODEL_FROM_FACE
        ahead = (truth @ turned)[:, 0]
        x.append(r.pitch_deg)
        y.append(np.degrees(np.arcsin(np.clip(-ahead[1], -1, 1))))
    return float(np.polyfit(x, y, 1)[0])


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument('ict', type=Path, help='folder of the ICT face model')
    parser.add_argument('portraits', type=Path, help='folder of portraits, *.jpg')
    parser.add_argument('--sensor', nargs='+', choices=list(SENSORS), default=list(SENSORS))
    parser.add_argument('--people', type=int, default=6)
    parser.add_argument(
        '--test', '--judge', action='store_true', help='people of the test set')
    parser.add_argument('--streams', action='store_true', help='streams of a second each')
    parser.add_argument(
        '--lags', action='store_true', help='with --streams: late depth, three seconds each')


def run(arguments: argparse.Namespace) -> int:
    """Print a line for every sensor."""
    photographer = Photographer(arguments.ict, arguments.portraits, not arguments.test)
    first = 2000 if arguments.test else 100
    if arguments.streams:
        from model_building.evaluation import depth_streams

        show = depth_streams.print_lags if arguments.lags else depth_streams.print_streams
        show(photographer, first, arguments.people)
        return 0
    pipeline = Pipeline(PipelineConfig(smoothing=None))
    aligner = DepthAligner(pipeline.model)
    skin = pipeline.model.vertices(skin_points(pipeline.model)[0])
    rows: dict[str, list[Row]] = {name: [] for name in arguments.sensor}
    for scene in scenes(photographer, pipeline.model, first, arguments.people):
        face = meant(pipeline.detect(scene.sight.image, scene.sight.shot.camera), scene.sight)
        if face is None:
            continue
        skin_m = skin.points(face.parameters)
        for name in arguments.sensor:
            rng = np.random.default_rng([scene.sight.person, len(rows[name])])
            depth_m = sensors.sensed(scene.depth_m, SENSORS[name], rng)
            rows[name].append(measure(scene, face, aligner, depth_m, skin_m))
    print('| sensor | refused | distance within 1 % or 1 cm (without depth) | median error | '
          'rotation, deg | pitch slope to yaw 30 | size error, median | within one sigma |')
    print('|---|---|---|---|---|---|---|---|')
    for name, found in rows.items():
        report(name, found)
        for reason in sorted({r.refused for r in found if r.refused})[:6]:
            print('   ', reason)
    report_widths(next(iter(rows.values())))
    return 0
