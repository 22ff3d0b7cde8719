# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Heads that leave the image: how far what is found of them is off.

    python -m model_building.evaluation cut ICT_FOLDER PORTRAITS_FOLDER
        [--people N] [--test] [--regressor NAME] [--regressor-path FILE]

Each head is followed while the image is cut off from one side, from image to image, up to half of
the face. By part of the face that is cut off: how often nothing is found, how far roll, pitch and
yaw are from what was found of the whole face (root mean square), how far the place in the image
is, in parts of the face's width, the score, how many errors of the true rotation are within their
sigmas, and within what 68 % of the places in space are: across the ray, and along it, relative.
"""
from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.face import Face
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.rotations import (
    MODEL_FROM_FACE,
    OPTICAL_FROM_VIEWER,
    rotation_to,
    rotation_vector,
)
from model_building.evaluation.known_heads import Photographer, Sight, meant

TURNS_DEG = tuple((yaw, pitch) for yaw in (-40.0, -20.0, 0.0, 20.0, 40.0)
                  for pitch in (-15.0, 0.0, 15.0))
PARTS = tuple(0.05 * step for step in range(1, 11))
SHOWN = (0.1, 0.2, 0.3, 0.4, 0.5)
WARM_UP_IMAGES = 3
IMAGE_S = 1 / 30
# side of the image that is cut off -> name of the direction
SIDES = {'left': 'aside', 'right': 'aside', 'top': 'above', 'bottom': 'below'}


@dataclass(slots=True, frozen=True)
class Cut:
    """
    One face that is cut; turned (3,) degrees about its axes from where it was found whole.

    place: away from there, in widths. within (3,): of sigmas, of the true errors. across_m (2,),
    farther: from there across the ray, and along it, relative. All NaN where nothing was found.
    """

    side: str
    part: float
    turned: np.ndarray = field(default_factory=lambda: np.full(3, np.nan))
    place: float = np.nan
    score: float = np.nan
    within: np.ndarray = field(default_factory=lambda: np.full(3, np.nan))
    across_m: np.ndarray = field(default_factory=lambda: np.full(2, np.nan))
    farther: float = np.nan


def cut_off(
    image: np.ndarray, camera: Camera, box: np.ndarray, side: str, part: float
) -> tuple[np.ndarray, Camera, np.ndarray]:
    """Return an image without what is beyond a part of a box, its camera, and its corner (2,)."""
    x0, y0, x1, y1 = box.tolist()
    height, width = image.shape[:2]
    left = max(0, round(x0 + part * (x1 - x0))) if side == 'left' else 0
    right = min(width, round(x1 - part * (x1 - x0))) if side == 'right' else width
    top = max(0, round(y0 + part * (y1 - y0))) if side == 'top' else 0
    bottom = min(height, round(y1 - part * (y1 - y0))) if side == 'bottom' else height
    moved = replace(
        camera, width=right - left, height=bottom - top, cx=camera.cx - left, cy=camera.cy - top)
    inside = np.ascontiguousarray(image[top:bottom, left:right])
    return inside, moved, np.array([left, top], np.float64)


def cuts_of(pipeline: Pipeline, sight: Sight, side: str) -> Iterator[Cut]:
    """Yield what is found of a head that is cut off, more from image to image."""
    camera = sight.shot.camera
    whole = meant(pipeline.detect(sight.image, camera), sight)
    if whole is None:
        return
    pipeline.reset()
    before: Face | None = None
    middle_px = np.zeros(2)
    for index, part in enumerate((*[0.0] * WARM_UP_IMAGES, *PARTS)):
        image, moved, corner = cut_off(sight.image, camera, whole.box, side, part)
        faces = pipeline.track(image, index * IMAGE_S, moved)
        face = max(faces, key=lambda f: f.score, default=None)
        if not part:
            before = face
            if face is not None:
                middle_px = _middle(face) + corner
        elif before is None:
            return
        elif face is None:
            yield Cut(side, part)
        else:
            away = float(np.linalg.norm(_middle(face) + corner - middle_px))
            place = away / float(before.box[2] - before.box[0])
            yield _compared(sight, before, face, Cut(side, part, place=place))


def _middle(face: Face) -> np.ndarray:
    return np.asarray(face.landmarks_px[:, :2].mean(axis=0))


def _compared(sight: Sight, before: Face, face: Face, cut: Cut) -> Cut:
    truth = OPTICAL_FROM_VIEWER @ sight.shot.rotation @ MODEL_FROM_FACE
    own = face.pose.rotation
    sigma = np.sqrt(np.diag(own.T @ face.pose_covariance[3:, 3:] @ own))
    seen_m = rotation_to(before.pose.translation_m).T @ face.pose.translation_m
    return replace(
        cut, turned=np.degrees(rotation_vector(before.pose.rotation.T @ own)), score=face.score,
        within=np.abs(rotation_vector(truth.T @ own)) <= sigma,
        across_m=before.pose.distance_m * seen_m[:2] / seen_m[2],
        farther=face.pose.distance_m / before.pose.distance_m - 1)


def report(cuts: list[Cut]) -> None:
    """Print the table."""
    print('| cut off | part | not found | roll | pitch | yaw | place | score, median '
          '| within sigma: roll | pitch | yaw | 68 % of places: across, mm | distance |')
    print('|---|---|---|---|---|---|---|---|---|---|---|---|---|')
    for name in dict.fromkeys(SIDES.values()):
        for part in SHOWN:
            rows = [c for c in cuts if SIDES[c.side] == name and np.isclose(c.part, part)]
            seen = [c for c in rows if np.isfinite(c.score)]
            if not seen:
                print(f'| {name} | {part:.1f} | {len(rows)} of {len(rows)} |' + ' - |' * 10)
                continue
            turned = np.sqrt(np.mean([c.turned**2 for c in seen], axis=0))
            within = 100 * np.mean([c.within for c in seen], axis=0)
            figures = ' | '.join(f'{value:.1f}' for value in turned)
            shares = ' | '.join(f'{share:.0f} %' for share in within)
            print(f'| {name} | {part:.1f} | {len(rows) - len(seen)} of {len(rows)} | {figures} '
                  f'| {np.mean([c.place for c in seen]):.2f} '
                  f'| {np.median([c.score for c in seen]):.2f} | {shares} | {_places(seen)} |')


def _places(seen: list[Cut]) -> str:
    """Return within what 68 % of the places are, as the constants of confidence.py."""
    across_m = np.quantile(np.abs([c.across_m for c in seen]), 0.68)
    farther = np.quantile(np.abs([c.farther for c in seen]), 0.68)
    return f'{1e3 * across_m:.1f} | {100 * farther:.1f} %'


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument('ict', type=Path, help='folder of the ICT face model')
    parser.add_argument('portraits', type=Path, help='folder of portraits, *.jpg')
    parser.add_argument('--people', type=int, default=6)
    parser.add_argument('--test', action='store_true', help='people of the test set')
    parser.add_argument('--regressor', default=PipelineConfig().regressor)
    parser.add_argument('--regressor-path', metavar='FILE', help='another .tflite file')


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    photographer = Photographer(arguments.ict, arguments.portraits, not arguments.test)
    pipeline = Pipeline(PipelineConfig(
        use_eyes='never', smoothing=None, regressor=arguments.regressor,
        regressor_path=arguments.regressor_path))
    report([
        cut for sight in photographer(arguments.people, TURNS_DEG) for side in SIDES
        for cut in cuts_of(pipeline, sight, side)])
    return 0
