#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Print what the smoothing costs and gives on the sample portrait.

Lag, jitter, and what is gained where it is known how the camera moves.

    scripts/evaluate_smoothing.py [--regressor network|facemesh|hybrid]

The images are found once for each motion, unsmoothed; then each filter is run over what was found.
"""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from tqdm import tqdm

from face_recon_ros.camera import Camera
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.io.image_files import read_image
from face_recon_ros.paths import share_directory
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.pose import MetricPose, metric_pose
from face_recon_ros.regression.loader import REGRESSORS
from face_recon_ros.regression.region import CROP_SIDE_M
from face_recon_ros.rotations import rotation_matrix, rotation_vector
from face_recon_ros.tools.agreement import Observation, agreement
from face_recon_ros.tools.sample_motion import STILL, Motion, Portrait, motion_at, portrait_camera
from face_recon_ros.tracking.egomotion import View
from face_recon_ros.tracking.smoothing import FaceSmoother, SmoothingSettings

RATE_HZ = 30
COUNT = 300
CAMERA = portrait_camera(640, 480)
SIZES = (640, 480), (1280, 720), (1920, 1080)
MOVING_NOISE, STILL_NOISE = 4.0, 8.0
SETTINGS = [
    None,
    SmoothingSettings(),
    SmoothingSettings(min_cutoff_hz=0.2),
    SmoothingSettings(min_cutoff_hz=1.0),
    SmoothingSettings(beta=0.3),
    SmoothingSettings(beta=3.0),
]
# A motion at even speed: still for REST_S, then on for RUN_S; lag is taken over the last LAST_S
REST_S, RUN_S, LAST_S = 0.5, 0.8, 0.3
TURNS_DEG_S = (15, 45, 90)
PANS_DEG_S = (5, 15, 30)
# The camera on a robot's head that looks around: amplitude, rad, of pan and roll; Hz
LOOK_AROUND_RAD, LOOK_AROUND_HZ = (0.25, 0.15), 0.5


class Seen(NamedTuple):
    """A face in an image: its parameters, and the sigma of its rotation; None: not predicted."""

    parameters: FaceParameters
    sigma_rad: float | None


def observed(
    motions: Sequence[Motion], noise: float, regressor: str, camera: Camera = CAMERA
) -> list[Seen]:
    """Return what is found in noisy views of the portrait, unsmoothed."""
    photo = read_image(share_directory() / 'samples' / 'astronaut.png')
    portrait = Portrait(photo, (225.0, 115.0), 125.0)
    pipeline = Pipeline(PipelineConfig(smoothing=None, regressor=regressor))
    random = np.random.default_rng(0)
    found = []
    for index, motion in enumerate(tqdm(motions, leave=False, disable=None)):
        view = portrait.view(camera, motion)
        noisy = np.clip(view + random.normal(0, noise, view.shape), 0, 255).astype(np.uint8)
        pipeline.track(noisy, index / RATE_HZ, camera)
        (track,) = pipeline._tracker.followed()
        found.append(Seen(track.regression.parameters, track.regression.rotation_sigma_rad))
    return found


def smoothed(
    found: Sequence[Seen],
    settings: SmoothingSettings | None,
    views: Sequence[View] | None = None,
) -> list[FaceParameters]:
    """Return the parameters after the filter."""
    if settings is None:
        return [seen.parameters for seen in found]
    smoother = FaceSmoother(settings)
    of_image: Sequence[View | None] = views or [None] * len(found)
    return [
        smoother(seen.parameters, 1 / RATE_HZ, view, seen.sigma_rad)
        for seen, view in zip(found, of_image, strict=True)
    ]


def title(settings: SmoothingSettings | None) -> str:
    """Return a filter's name in the tables."""
    if settings is None:
        return 'off'
    return f'min_cutoff {settings.min_cutoff_hz:g} Hz, beta {settings.beta:g}'


def rolls(speed_deg_s: float) -> list[Motion]:
    """Return a roll at even speed."""
    return evenly(np.array([0, 0, np.radians(speed_deg_s)]))


def pans(speed_deg_s: float) -> list[Motion]:
    """Return a pan at even speed: the face goes through the image without turning much."""
    return evenly(np.array([0, np.radians(speed_deg_s), 0]))


def evenly(speed_rad_s: np.ndarray) -> list[Motion]:
    """Return views of a camera that rests and then turns."""
    times_s = np.arange(int((REST_S + RUN_S) * RATE_HZ)) / RATE_HZ - REST_S
    # half of the way lies on the other side, so that the face stays in the image
    start = -speed_rad_s * RUN_S / 2
    return [
        Motion(rotation_matrix(start + speed_rad_s * max(t, 0.0)), 1.0) for t in times_s
    ]


def poses(found: Sequence[FaceParameters]) -> list[MetricPose]:
    """Return the poses in the camera frame."""
    landmarks = FaceModel().landmarks_68
    return [metric_pose(p, landmarks.points(p), CAMERA) for p in found]


def turn_lag_deg(raw: Sequence[MetricPose], out: Sequence[MetricPose]) -> float:
    """Return by how much the rotation is behind at the end, degrees."""
    last = int(LAST_S * RATE_HZ)
    behind = [rotation_vector(r.rotation @ o.rotation.T) for r, o in zip(raw, out, strict=True)]
    return float(np.degrees(np.linalg.norm(np.mean(behind[-last:], axis=0))))


def direction_lag_deg(raw: Sequence[MetricPose], out: Sequence[MetricPose]) -> float:
    """Return by how much the direction to the face is behind at the end, degrees."""
    last = int(LAST_S * RATE_HZ)
    angles = [
        np.arctan2(p.translation_m[0], p.translation_m[2])
        for p in (*raw[-last:], *out[-last:])
    ]
    return float(np.degrees(abs(np.mean(angles[:last]) - np.mean(angles[last:]))))


def print_noise_and_lag_table(regressor: str) -> None:
    """Print the lag of a moving face and the jitter of a still one."""
    landmarks = FaceModel().landmarks_68
    moving = observed([motion_at(i / RATE_HZ) for i in range(COUNT)], MOVING_NOISE, regressor)
    still = observed([STILL] * COUNT, STILL_NOISE, regressor)
    print('| filter | moving: rotation within | distance within | still: rotation per image '
          '| position per image | landmarks per image |')
    print('|---|---|---|---|---|---|')
    for settings in SETTINGS:
        seen = [
            Observation(index / RATE_HZ, pose.rotation, pose.translation_m)
            for index, pose in enumerate(poses(smoothed(moving, settings)))
        ]
        lag = agreement(seen)
        rest = smoothed(still, settings)[COUNT // 10 :]
        places = np.array([p.translation_m for p in poses(rest)])
        points = np.array([landmarks.points_px(p)[:, :2] for p in rest])
        steps_mm = 1000 * np.linalg.norm(np.diff(places, axis=0), axis=1)
        print(
            f'| {title(settings)} | {lag.rotation_deg:.2f} deg | {100 * lag.distance:.2f} % '
            f'| {turn_per_image_deg(rest):.3f} deg '
            f'| {steps_mm.mean():.2f} mm | {np.abs(np.diff(points, axis=0)).mean():.3f} px |'
        )


def turn_per_image_deg(found: Sequence[FaceParameters]) -> float:
    """Return the mean angle between one image's rotation and the next one's."""
    turns = [
        rotation_vector(b.model_rotation @ a.model_rotation.T)
        for a, b in itertools.pairwise(found)
    ]
    return float(np.degrees(np.linalg.norm(turns, axis=1)).mean())


def print_size_table(regressor: str) -> None:
    """Print the jitter of a still head in larger and larger images."""
    print('\n| image | size of the crop in it | still: rotation per image | after the filter |')
    print('|---|---|---|---|')
    for width, height in SIZES:
        camera = portrait_camera(width, height)
        still = observed([STILL] * COUNT, STILL_NOISE, regressor, camera)
        rest = slice(COUNT // 10, None)
        raw, filtered = (
            turn_per_image_deg(smoothed(still, settings)[rest]) for settings in SETTINGS[:2]
        )
        side_px = CROP_SIDE_M * still[-1].parameters.scale_px_per_m
        print(
            f'| {width}x{height} | {side_px:.0f} px | {raw:.3f} deg | {filtered:.3f} deg |'
        )


def print_speed_table(regressor: str) -> None:
    """Print the lag at even speeds."""
    columns = [f'turning {s} deg/s' for s in TURNS_DEG_S]
    columns += [f'passing {s} deg/s' for s in PANS_DEG_S]
    print(f'\n| filter | {" | ".join(columns)} |')
    print('|---' * (len(columns) + 1) + '|')
    kinds = [(s, rolls, turn_lag_deg) for s in TURNS_DEG_S]
    kinds += [(s, pans, direction_lag_deg) for s in PANS_DEG_S]
    found = [observed(motions(speed), MOVING_NOISE, regressor) for speed, motions, _ in kinds]
    raw = [poses(smoothed(f, None)) for f in found]
    for settings in SETTINGS[1:]:
        cells = []
        for (speed, _, lag_of), parameters, truth in zip(kinds, found, raw, strict=True):
            lag_deg = lag_of(truth, poses(smoothed(parameters, settings)))
            cells.append(f'{lag_deg:.1f} deg, {1000 * lag_deg / speed:.0f} ms')
        print(f'| {title(settings)} | {" | ".join(cells)} |')


def print_filtering_frame_table(regressor: str) -> None:
    """Print how steady a still head is in the world while the camera looks around."""
    swing = np.sin(2 * np.pi * LOOK_AROUND_HZ * np.arange(COUNT) / RATE_HZ)
    pan, roll = LOOK_AROUND_RAD
    motions = [Motion(rotation_matrix(np.array([0, pan, roll]) * s), 1.0) for s in swing]
    found = observed(motions, MOVING_NOISE, regressor)
    views = [View(CAMERA, MetricPose(m.rotation.T, np.zeros(3))) for m in motions]
    print('\n| filter | rotation in the world within | direction within |\n|---|---|---|')
    cases = (
        ('off', None, None),
        ('in the camera frame', SmoothingSettings(), None),
        ('in a fixed frame (filtering_frame)', SmoothingSettings(), views),
    )
    for name, settings, of_image in cases:
        in_camera = poses(smoothed(found, settings, of_image))
        rotations = [m.rotation.T @ p.rotation for m, p in zip(motions, in_camera, strict=True)]
        places = np.array(
            [m.rotation.T @ p.translation_m for m, p in zip(motions, in_camera, strict=True)]
        )
        rays = places / np.linalg.norm(places, axis=1, keepdims=True)
        middle = rays.mean(axis=0) / np.linalg.norm(rays.mean(axis=0))
        off = np.degrees(np.arccos(np.clip(rays @ middle, -1, 1)))
        turned = [rotation_vector(r @ rotations[0].T) for r in rotations]
        turns = np.degrees(np.linalg.norm(np.array(turned) - np.mean(turned, axis=0), axis=1))
        print(f'| {name} | {np.quantile(turns, 0.9):.2f} deg | {np.quantile(off, 0.9):.2f} deg |')


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--regressor', choices=REGRESSORS, default=PipelineConfig().regressor)
    arguments = parser.parse_args()
    print_noise_and_lag_table(arguments.regressor)
    print_size_table(arguments.regressor)
    print_speed_table(arguments.regressor)
    print_filtering_frame_table(arguments.regressor)


if __name__ == '__main__':
    main()
