#!/usr/bin/env python3
"""Print lag and jitter of the smoothing on the sample portrait, moving and still."""

from __future__ import annotations

import itertools

import numpy as np
from tqdm import tqdm

from face_recon_ros.face_model import FaceModel, FaceParameters
from face_recon_ros.image_files import read_image
from face_recon_ros.nodes.agreement import Observation, agreement
from face_recon_ros.nodes.sample_motion import STILL, Motion, Portrait, motion_at, portrait_camera
from face_recon_ros.paths import share_directory
from face_recon_ros.pipeline import FaceReconPipeline, PipelineConfig
from face_recon_ros.pose import metric_pose
from face_recon_ros.smoothing import FaceSmoother, SmoothingSettings, rotation_vector

RATE_HZ = 30
COUNT = 300
CAMERA = portrait_camera(640, 480)
MOVING_NOISE, STILL_NOISE = 4.0, 8.0
SETTINGS = [
    None,
    SmoothingSettings(),
    SmoothingSettings(min_cutoff_hz=0.2),
    SmoothingSettings(min_cutoff_hz=1.0),
    SmoothingSettings(beta=0.3),
    SmoothingSettings(beta=3.0),
]


def observed(motions: list[Motion], noise: float) -> list[FaceParameters]:
    """Return the parameters found in noisy views of the portrait, unsmoothed."""
    photo = read_image(share_directory() / 'samples' / 'astronaut.png')
    portrait = Portrait(photo, (225.0, 115.0), 125.0)
    pipeline = FaceReconPipeline(PipelineConfig(smoothing=None))
    random = np.random.default_rng(0)
    found = []
    for index, motion in enumerate(tqdm(motions, leave=False, disable=None)):
        view = portrait.view(CAMERA, motion)
        noisy = np.clip(view + random.normal(0, noise, view.shape), 0, 255).astype(np.uint8)
        (face,) = pipeline.process(noisy, CAMERA, index / RATE_HZ)
        found.append(face.parameters)
    return found


def smoothed(
    found: list[FaceParameters], settings: SmoothingSettings | None
) -> list[FaceParameters]:
    """Return the parameters after the filter."""
    if settings is None:
        return found
    smoother = FaceSmoother(settings)
    return [smoother(parameters, 1 / RATE_HZ) for parameters in found]


def main() -> None:
    """Print a table."""
    landmarks = FaceModel().landmarks_68
    moving = observed([motion_at(i / RATE_HZ) for i in range(COUNT)], MOVING_NOISE)
    still = observed([STILL] * COUNT, STILL_NOISE)
    print('| filter | moving: rotation within | distance within | still: rotation per image '
          '| landmarks per image |')
    print('|---|---|---|---|---|')
    for settings in SETTINGS:
        seen = []
        for index, parameters in enumerate(smoothed(moving, settings)):
            pose = metric_pose(parameters, landmarks.points(parameters), CAMERA)
            seen.append(Observation(index / RATE_HZ, pose.rotation, pose.translation_m))
        lag = agreement(seen)
        rest = smoothed(still, settings)[COUNT // 10 :]
        turns = [
            rotation_vector(b.model_rotation @ a.model_rotation.T)
            for a, b in itertools.pairwise(rest)
        ]
        points = np.array([landmarks.points_px(p)[:, :2] for p in rest])
        name = 'off'
        if settings:
            name = f'min_cutoff {settings.min_cutoff_hz:g} Hz, beta {settings.beta:g}'
        print(
            f'| {name} | {lag.rotation_deg:.2f} deg | {100 * lag.distance:.2f} % '
            f'| {np.degrees(np.linalg.norm(turns, axis=1)).mean():.3f} deg '
            f'| {np.abs(np.diff(points, axis=0)).mean():.3f} px |'
        )


if __name__ == '__main__':
    main()
