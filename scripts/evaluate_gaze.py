#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Print how well gazes hold, as in docs/gaze.md.

    evaluate_gaze.py [--portraits DIR] [--pointing DIR] [--every N] [--half test|fit|all] [--fast]

--portraits: photos of people who look into the lens, one a file. --pointing: photos with
labels.csv, columns file, person, pan_deg, tilt_up_deg, as Pointing'04: people who look at marks in
these directions. The constants of face_recon_ros/eyes/gaze.py were chosen on the half `fit` (every
second portrait from the first, persons of even number); `test` is the other half. --fast: by the
one network that looks at streams, else by the two that look at photos.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from face_recon_ros import Camera, Face, Pipeline
from face_recon_ros.eyes.crops import CORNERS_68
from face_recon_ros.eyes.gaze import gaze_of
from face_recon_ros.eyes.iris import EyeNetwork
from face_recon_ros.eyes.landmarks import Eyes
from face_recon_ros.io.image_files import read_image
from face_recon_ros.rotations import rotation_to

MOST_PAN_DEG, MOST_TILT_DEG = 45, 30
WITHIN_DEG = 8
SHARE = 0.68


@dataclass(frozen=True, slots=True)
class Sample:
    """A face, the way to its eyes (3,) m, and, of posed heads, where it looks: pan, tilt."""

    face: Face
    to_eyes_m: np.ndarray
    pan_deg: float = 0.0
    tilt_up_deg: float = 0.0

    def relative(self, direction: np.ndarray) -> np.ndarray:
        """Return a direction (3,) in the frame of the viewing ray: x right, y down."""
        return rotation_to(self.to_eyes_m).T @ direction

    def to_lens_deg(self, direction: np.ndarray) -> float:
        """Return the angle between a direction and the one to the lens."""
        across = float(np.hypot(*self.relative(direction)[:2]))
        return float(np.degrees(np.arctan2(across, -self.relative(direction)[2])))

    def angles_deg(self, direction: np.ndarray) -> tuple[float, float]:
        """Return pan and tilt as the labels have them: to the image's left, up."""
        x, y, z = self.relative(direction)
        return float(np.degrees(np.arctan2(-x, -z))), float(np.degrees(np.arcsin(-y)))


def samples(
    files: Iterable[tuple[Path, float, float]], pipeline: Pipeline, fast: bool
) -> list[Sample]:
    """Return the largest face of each photo that has one."""
    found = []
    network = EyeNetwork() if fast else None
    for path, pan_deg, tilt_up_deg in files:
        image = read_image(path)
        faces = pipeline.detect(image)
        if len(faces):
            face = max(faces, key=lambda f: f.box[2] - f.box[0])
            if network is not None:
                face = with_one_look(image, face, network)
            to_eyes_m = face.landmarks_m[CORNERS_68].mean(axis=(0, 1))
            found.append(Sample(face, to_eyes_m, pan_deg, tilt_up_deg))
    return found


def with_one_look(image: np.ndarray, face: Face, network: EyeNetwork) -> Face:
    """Return a face with the gaze that an image of a stream would have, unfiltered."""
    marked = network(image, face.landmarks_px)
    camera = Camera.uncalibrated(image.shape[1], image.shape[0])
    found = gaze_of(
        marked, face.pose, face.pose_covariance, face.landmarks_m, camera, face.head_scale
    )
    eyes = Eyes(marked, found.direction, found.sigma_rad, found.measured)
    return replace(face, eyes=eyes)


def portraits(folder: Path, half: str, every: int) -> list[tuple[Path, float, float]]:
    """Return the photos of a half."""
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in ('.jpg', '.jpeg', '.png'))
    chosen = {'fit': files[::2], 'test': files[1::2], 'all': files}[half]
    return [(path, 0.0, 0.0) for path in chosen[::every]]


def posed(folder: Path, half: str, every: int) -> list[tuple[Path, float, float]]:
    """Return the photos of a half with their labels."""
    with (folder / 'labels.csv').open(newline='') as file:
        rows = list(csv.DictReader(file))
    parity = {'fit': (0,), 'test': (1,), 'all': (0, 1)}[half]
    chosen = [
        (folder / r['file'], float(r['pan_deg']), float(r['tilt_up_deg']))
        for r in rows
        if int(r['person']) % 2 in parity
    ]
    near = [c for c in chosen if abs(c[1]) <= MOST_PAN_DEG and abs(c[2]) <= MOST_TILT_DEG]
    return near[::every]


def head(face: Face) -> np.ndarray:
    """Return where the head points."""
    return face.pose.rotation[:, 0]


def gaze(face: Face) -> np.ndarray:
    """Return where the eyes look."""
    return face.gaze


def tell_portraits(found: list[Sample]) -> list[str]:
    """Return the lines about people who look into the lens."""
    lines = [f'portraits ({len(found)}), degrees to the lens: median, 90 %, within {WITHIN_DEG}']
    for name, direction in (('head', head), ('gaze', gaze)):
        errors = np.array([s.to_lens_deg(direction(s.face)) for s in found])
        share = float((errors < WITHIN_DEG).mean())
        middle, high = np.quantile(errors, [0.5, 0.9])
        lines.append(f'  {name:6s} {middle:5.2f} {high:6.2f} {100 * share:6.1f} %')
    errors = np.array([s.to_lens_deg(s.face.gaze) for s in found])
    sigmas = np.degrees([s.face.gaze_sigma_rad for s in found])
    lines.append(
        f'  sigma: median {np.median(sigmas):.2f}; {100 * (errors < sigmas).mean():.0f} % of the '
        f'errors are smaller (meant: {100 * SHARE:.0f} %)'
    )
    widths = np.array([s.face.eyes.landmarks.width_px.mean() for s in found if s.face.eyes])
    lines.append(f'  eyes: median {np.median(widths):.0f} px from corner to corner')
    return lines


def tell_posed(found: list[Sample]) -> list[str]:
    """Return the lines about posed heads."""
    pan = np.array([s.pan_deg for s in found])
    tilt = np.array([s.tilt_up_deg for s in found])
    lines = [f'posed ({len(found)}): MAE and slope of pan; of tilt; AUC lens / 15 degrees away']
    for name, direction in (('head', head), ('gaze', gaze)):
        lines.append(f'  {name:6s} {_posed_line(found, pan, tilt, direction)}')
    return lines


def _posed_line(
    found: list[Sample],
    pan: np.ndarray,
    tilt: np.ndarray,
    direction: Callable[[Face], np.ndarray],
) -> str:
    angles = np.array([s.angles_deg(direction(s.face)) for s in found])
    off = np.array([s.to_lens_deg(direction(s.face)) for s in found])
    at = off[(pan == 0) & (tilt == 0)]
    away = off[(np.abs(pan) == 15) & (tilt == 0)]
    errors = np.abs(angles - np.column_stack([pan, tilt])).mean(axis=0)
    slopes = [np.polyfit(pan, angles[:, 0], 1)[0], np.polyfit(tilt, angles[:, 1], 1)[0]]
    auc = float((at[:, None] < away[None]).mean()) if len(at) and len(away) else float('nan')
    return (
        f'{errors[0]:6.2f} {slopes[0]:5.2f}; {errors[1]:6.2f} {slopes[1]:5.2f}; {auc:5.3f}'
    )


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; return the exit status."""
    parser = argparse.ArgumentParser(description='How well gazes hold')
    parser.add_argument('--portraits', type=Path, metavar='DIR')
    parser.add_argument('--pointing', type=Path, metavar='DIR')
    parser.add_argument('--every', type=int, default=1, metavar='N', help='one photo in so many')
    parser.add_argument('--half', choices=('test', 'fit', 'all'), default='test')
    parser.add_argument('--fast', action='store_true', help='as images of a stream')
    options = parser.parse_args(arguments)
    if not (options.portraits or options.pointing):
        parser.error('give --portraits or --pointing')
    pipeline = Pipeline()
    for folder, choose, tell in (
        (options.portraits, portraits, tell_portraits),
        (options.pointing, posed, tell_posed),
    ):
        if folder:
            files = choose(folder, options.half, options.every)
            found = samples(files, pipeline, options.fast)
            sys.stdout.write('\n'.join(tell(found)) + '\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
