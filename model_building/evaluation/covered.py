# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Heads with something in front of the face: how far what is found of them is off.

    python -m model_building.evaluation covered ICT_FOLDER PORTRAITS_FOLDER
        [--people N] [--test] [--regressor NAME] [--regressor-path FILE] [--sheet FILE]

Each head is shown as it is, then with a medical mask, dark glasses, a cap and something held
before it, painted over its landmarks, and partly behind the edge of a door. By what covers it: how
often nothing is found, how often it is found the wrong way round (by more than 90 degrees), how
far roll, pitch and yaw of the others are from what was found of the bare face (root mean square),
the score, and how many errors of the true rotation are within their sigmas. And how often a face
is lost that is followed when the thing comes before it, and how far it is off then, on the median
and at most.
"""
from __future__ import annotations

import argparse
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from face_recon_ros.face import Face
from face_recon_ros.io.image_files import write_image
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.rotations import (
    MODEL_FROM_FACE,
    OPTICAL_FROM_VIEWER,
    rotation_about,
    rotation_vector,
)
from model_building.evaluation.cut import TURNS_DEG
from model_building.evaluation.cut import add_arguments as add_cut_arguments
from model_building.evaluation.known_heads import Photographer, Sight, meant

WRONG_WAY_DEG = 90.0
MASK_COLORS = ((230, 220, 200), (40, 40, 40), (200, 160, 90), (245, 245, 245))
SKIN_COLOR, DARK = (88, 112, 152), (25, 20, 20)
PLEATS = 3
SHEET_PX = 240
BARE_IMAGES, COVERED_IMAGES, IMAGE_S = 5, 30, 1 / 30


@dataclass(slots=True, frozen=True)
class Covered:
    """
    One face behind something; turned (3,) degrees about its axes from where it was found bare.

    within (3,): of sigmas, of the true errors. NaN where nothing was found. followed_off: degrees
    by which it is off where it was followed, bare at first; NaN where it was lost.
    """

    cover: str
    turned: np.ndarray = field(default_factory=lambda: np.full(3, np.nan))
    score: float = np.nan
    within: np.ndarray = field(default_factory=lambda: np.full(3, np.nan))
    followed_off: float = np.nan


def mask(image: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> None:
    """Paint a pleated mask with its straps on an image, given 68 landmarks (68, 2) px."""
    color = np.array(MASK_COLORS[rng.integers(len(MASK_COLORS))], np.float64)
    width = float(np.ptp(points[:, 0]))
    thick = max(1, round(0.02 * width))
    for ear, edge in ((0, 2), (0, 5), (16, 14), (16, 11)):
        start, end = (tuple(map(int, points[k].round())) for k in (ear, edge))
        cv2.line(image, start, end, color.tolist(), thick, cv2.LINE_AA)
    _fill(image, np.vstack([points[1:16], points[28:30]]), color, grown=1.03)
    for pleat in range(1, PLEATS + 1):
        part = pleat / (PLEATS + 1)
        row = (1 - part) * points[[2, 30, 14]] + part * points[[5, 8, 11]]
        line = [row.round().astype(np.int32)]
        cv2.polylines(image, line, False, (0.75 * color).tolist(), thick, cv2.LINE_AA)


def dark_glasses(image: np.ndarray, points: np.ndarray, _rng: np.random.Generator) -> None:
    """Paint two dark lenses."""
    for eye in (points[36:42], points[42:48]):
        _fill(image, eye, np.array(DARK), grown=2.2)


def cap(image: np.ndarray, points: np.ndarray, _rng: np.random.Generator) -> None:
    """Paint a cap from the brows up."""
    brows = points[17:27]
    above = brows - [0, 0.5 * float(np.ptp(points[:, 1]))]
    _fill(image, np.vstack([brows, above]), np.array((60, 30, 30)), grown=1.1)


def hand(image: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> None:
    """Paint an ellipse of the size of a hand over a cheek."""
    cheek = points[[4, 12][rng.integers(2)]]
    axes = np.array([0.35, 0.2]) * float(np.ptp(points[:, 0]))
    circle = np.array(cv2.ellipse2Poly((0, 0), (100, 100), 0, 0, 360, 10), np.float64) / 100
    outline = circle * axes
    linear = rotation_about('z', rng.uniform(0, np.pi))[:2, :2]
    _fill(image, cheek + outline @ linear.T, np.array(SKIN_COLOR))


def door(part: float) -> Callable[[np.ndarray, np.ndarray, np.random.Generator], None]:
    """Return what paints all on one side of a vertical edge, with that part of the face."""

    def paint(image: np.ndarray, points: np.ndarray, rng: np.random.Generator) -> None:
        left, right = points[:, 0].min(), points[:, 0].max()
        height, width = image.shape[:2]
        color = np.array(MASK_COLORS[rng.integers(len(MASK_COLORS))], np.float64)
        from_left = bool(rng.integers(2))
        edge = left + part * (right - left) if from_left else right - part * (right - left)
        beyond = -width if from_left else 2 * width
        corners = [[beyond, -1], [edge, -1], [edge, height], [beyond, height]]
        _fill(image, np.array(corners), color)

    return paint


COVERS: dict[str, Callable[[np.ndarray, np.ndarray, np.random.Generator], None]] = {
    'mask': mask, 'dark glasses': dark_glasses, 'cap': cap, 'hand': hand,
    'door, a quarter': door(0.25), 'door, a half': door(0.5),
}


def _fill(image: np.ndarray, points: np.ndarray, color: np.ndarray, grown: float = 1.0) -> None:
    """Paint the hull of points (n, 2), as soft at its border as a camera shows it."""
    middle = points.mean(axis=0)
    hull = cv2.convexHull((middle + grown * (points - middle)).astype(np.float32))
    part: np.ndarray = np.zeros(image.shape[:2], np.float32)
    cv2.fillConvexPoly(part, hull.round().astype(np.int32), 1.0)
    part = cv2.GaussianBlur(part, (0, 0), 1.0)[..., None]
    image[:] = (part * color + (1 - part) * image).astype(np.uint8)


def shown(sight: Sight, cover: str, seed: int) -> np.ndarray:
    """Return the image of a head behind something."""
    image = sight.image.copy()
    COVERS[cover](image, sight.landmarks_px[:, :2], np.random.default_rng(seed))
    return image


def covers_of(pipeline: Pipeline, sight: Sight, seed: int) -> Iterator[Covered]:
    """Yield what is found of a head behind each thing, where it is found bare."""
    camera = sight.shot.camera
    bare = meant(pipeline.detect(sight.image, camera), sight)
    if bare is None:
        return
    truth = OPTICAL_FROM_VIEWER @ sight.shot.rotation @ MODEL_FROM_FACE
    for cover in COVERS:
        image = shown(sight, cover, seed)
        followed_off = _followed_off(pipeline, sight, image)
        face = meant(pipeline.detect(image, camera), sight)
        if face is None:
            yield Covered(cover, followed_off=followed_off)
            continue
        own = face.pose.rotation
        sigma = np.sqrt(np.diag(own.T @ face.pose_covariance[3:, 3:] @ own))
        yield Covered(
            cover, np.degrees(rotation_vector(bare.pose.rotation.T @ own)), face.score,
            np.abs(rotation_vector(truth.T @ own)) <= sigma, followed_off)


def _followed_off(pipeline: Pipeline, sight: Sight, covered: np.ndarray) -> float:
    """Return by how much a face that is followed turns, degrees, when it is covered."""
    pipeline.reset()
    before: Face | None = None
    for index in range(BARE_IMAGES + COVERED_IMAGES):
        image = sight.image if index < BARE_IMAGES else covered
        faces = pipeline.track(image, index * IMAGE_S, sight.shot.camera)
        face = meant(faces, sight)
        if index == BARE_IMAGES - 1:
            before = face
    if before is None or face is None or face.id != before.id or face.score == 0:
        return np.nan
    turn = rotation_vector(before.pose.rotation.T @ face.pose.rotation)
    return float(np.degrees(np.linalg.norm(turn)))


def report(found: list[Covered]) -> None:
    """Print the table."""
    print('| in front | not found | wrong way round | roll | pitch | yaw | score, median '
          '| score, wrong way round | within sigma: roll | pitch | yaw '
          '| followed: lost | off, median | off, most |')
    print('|---|---|---|---|---|---|---|---|---|---|---|---|---|---|')
    for cover in COVERS:
        rows = [c for c in found if c.cover == cover]
        seen = [c for c in rows if np.isfinite(c.score)]
        wrong = [c for c in seen if np.linalg.norm(c.turned) > WRONG_WAY_DEG]
        right = [c for c in seen if np.linalg.norm(c.turned) <= WRONG_WAY_DEG]
        counts = f'{len(rows) - len(seen)} of {len(rows)} | {len(wrong)}'
        if not right:
            print(f'| {cover} | {counts} |' + ' - |' * 8 + f' {_followed(rows)} |')
            continue
        turned = np.sqrt(np.mean([c.turned**2 for c in right], axis=0))
        within = 100 * np.mean([c.within for c in right], axis=0)
        figures = ' | '.join(f'{value:.1f}' for value in turned)
        shares = ' | '.join(f'{share:.0f} %' for share in within)
        low = f'{np.median([c.score for c in wrong]):.2f}' if wrong else '-'
        print(f'| {cover} | {counts} | {figures} | {np.median([c.score for c in right]):.2f} '
              f'| {low} | {shares} | {_followed(rows)} |')


def _followed(rows: list[Covered]) -> str:
    off = np.array([c.followed_off for c in rows])
    kept = off[np.isfinite(off)]
    if not len(kept):
        return f'{len(off)} of {len(off)} | - | -'
    return f'{len(off) - len(kept)} of {len(off)} | {np.median(kept):.1f} | {kept.max():.1f}'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    add_cut_arguments(parser)
    parser.add_argument('--sheet', type=Path, metavar='FILE',
                        help='write a picture of the first of them, measure nothing')


def run(arguments: argparse.Namespace) -> int:
    """Print the table, or write the picture."""
    photographer = Photographer(arguments.ict, arguments.portraits, not arguments.test)
    sights = photographer(arguments.people, TURNS_DEG)
    if arguments.sheet:
        rows = [_row(sight, seed) for seed, sight in zip(range(5), sights, strict=False)]
        write_image(arguments.sheet, np.vstack(rows))
        return 0
    pipeline = Pipeline(PipelineConfig(
        use_eyes='never', smoothing=None, regressor=arguments.regressor,
        regressor_path=arguments.regressor_path))
    report([c for seed, sight in enumerate(sights) for c in covers_of(pipeline, sight, seed)])
    return 0


def _row(sight: Sight, seed: int) -> np.ndarray:
    """Return a head behind each thing, side by side."""
    middle = sight.landmarks_px[:, :2].mean(axis=0)
    half = 0.9 * float(np.ptp(sight.landmarks_px[:, 1]))
    linear = np.eye(2) * SHEET_PX / (2 * half)
    matrix = np.column_stack([linear, SHEET_PX / 2 - linear @ middle])
    return np.hstack([
        cv2.warpAffine(shown(sight, cover, seed), matrix, (SHEET_PX, SHEET_PX))
        for cover in COVERS])
