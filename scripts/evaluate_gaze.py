#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Print how well gazes hold, as in docs/gaze.md.

    evaluate_gaze.py [--portraits DIR] [--moved] [--pointing DIR] [--every N]
                     [--half test|fit|all] [--ict DIR [--people N]]

--portraits: photos of people who look into the lens, one a file; --moved: the same photos after
both irises were moved by known angles, too. --pointing: photos with labels.csv, columns file,
person, pan_deg, tilt_up_deg, as Pointing'04: people who look at marks in these directions. The
constants of face_recon_ros/eyes/gaze.py were chosen on `fit`, see fit_gaze.py: persons of even
number, and of every second portrait from the first those that the network did not learn from.
`test` is the other half.
--ict: the folder of the ICT face model, of which people with known gazes are rendered, with the
skin of the judging portraits where --portraits is given.
"""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

# last: what is installed comes first
sys.path.append(str(Path(__file__).resolve().parents[1]))


from face_recon_ros import Camera, Face, Pipeline, PipelineConfig
from face_recon_ros.eyes.crops import CORNERS_68, eye_regions
from face_recon_ros.eyes.reader import EyeReader
from face_recon_ros.io.image_files import read_image
from face_recon_ros.paths import model_file
from face_recon_ros.rotations import rotation_in_plane, rotation_to
from model_building.evaluation import eye_sweeps
from model_building.eyes.elsewhere import looking_elsewhere, random_gaze
from model_building.eyes.photo_eyes import HELD_OUT, IrisMarker

MOST_PAN_DEG, MOST_TILT_DEG = 45, 30
WITHIN_DEG = 8
SHARE = 0.68


@dataclass(frozen=True, slots=True)
class Sample:
    """
    A face, the way to its eyes (3,) m, and where it looks: pan and tilt of posed heads.

    moved (2,): change of the gaze by moved irises, sines along and across the eyes. roll_rad: of
    the eyes.
    """

    face: Face
    camera: Camera
    to_eyes_m: np.ndarray
    roll_rad: float
    pan_deg: float = 0.0
    tilt_up_deg: float = 0.0
    moved: np.ndarray | None = None

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


class Looker:
    """Sees the largest face of photos, and its eyes."""

    def __init__(self) -> None:
        self._pipeline = Pipeline(PipelineConfig(use_eyes='never'))
        self._reader = EyeReader(threads=1, smooth=False, learn_offset=False)
        self._marker = IrisMarker(model_file('iris_landmark.tflite'), looks=5)

    def samples(self, files: Iterable[tuple[Path, float, float]]) -> list[Sample]:
        """Return the largest face of each photo that has one."""
        found = []
        for path, pan_deg, tilt_up_deg in files:
            image = read_image(path)
            sample = self._found(image)
            if sample is not None:
                sample = replace(sample, pan_deg=pan_deg, tilt_up_deg=tilt_up_deg)
                found.append(self._with_eyes(image, sample))
        return found

    def moved(self, files: Iterable[tuple[Path, float, float]]) -> list[Sample]:
        """Return the faces of the photos after their irises were moved."""
        found = []
        for number, (path, *_) in enumerate(files):
            image = read_image(path)
            sample = self._found(image)
            if sample is None:
                continue
            random = np.random.default_rng(number)
            gaze = random_gaze(random)
            pixels = sample.face.landmarks_px
            shown = looking_elsewhere(image, pixels, gaze, self._marker, random)
            if shown is not None:
                found.append(replace(self._with_eyes(shown, sample), moved=gaze))
        return found

    def _found(self, image: np.ndarray) -> Sample | None:
        faces = self._pipeline.detect(image)
        if not len(faces):
            return None
        face = max(faces, key=lambda f: f.box[2] - f.box[0])
        camera = Camera.uncalibrated(image.shape[1], image.shape[0])
        to_eyes_m = face.landmarks_m[CORNERS_68].mean(axis=(0, 1))
        roll_rad = float(np.mean([region.roll_rad for region in eye_regions(face.landmarks_px)]))
        return Sample(face, camera, to_eyes_m, roll_rad)

    def _with_eyes(self, image: np.ndarray, sample: Sample) -> Sample:
        face = sample.face
        eyes = self._reader(
            image, '', face.pose, face.pose_covariance, face.landmarks_px, face.landmarks_m,
            sample.camera, face.head_scale, stamp_s=None,
        )  # fmt: skip
        return replace(sample, face=replace(face, eyes=eyes))


def portraits(folder: Path, half: str, every: int) -> list[tuple[Path, float, float]]:
    """Return the photos of a half."""
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in ('.jpg', '.jpeg', '.png'))
    chosen = {'fit': files[::2][::HELD_OUT], 'test': files[1::2], 'all': files}[half]
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


def seen_across(sample: Sample, direction: np.ndarray) -> np.ndarray:
    """Return the sines (2,) of a direction along and across the eyes, as Sample.moved has them."""
    return rotation_in_plane(-sample.roll_rad) @ sample.relative(direction)[:2]


def tell_moved(found: list[Sample]) -> list[str]:
    """Return the lines about moved irises."""
    true = np.array([s.moved for s in found])
    seen = np.array([seen_across(s, s.face.gaze) for s in found])
    slopes = [np.polyfit(true[:, axis], seen[:, axis], 1)[0] for axis in range(2)]
    errors = np.degrees(np.hypot(*(seen - true).T))
    return [
        f'moved irises ({len(found)}): slope aside {slopes[0]:.2f}, up and down {slopes[1]:.2f}; '
        f'errors in degrees: median, 90 % {np.median(errors):.2f} {np.quantile(errors, 0.9):.2f}'
    ]


def tell_posed(found: list[Sample]) -> list[str]:
    """Return the lines about posed heads."""
    pan = np.array([s.pan_deg for s in found])
    tilt = np.array([s.tilt_up_deg for s in found])
    lines = [
        f'posed ({len(found)}): MAE and slope of pan; of tilt; AUC lens / 15 degrees away; '
        'mean error of pan'
    ]
    for name, direction in (('head', head), ('gaze', gaze)):
        lines.append(f'  {name:6s} {_posed_line(found, pan, tilt, direction)}')
    return lines


def auc_beside(found: Sequence[Sample], directions: Sequence[np.ndarray]) -> float:
    """Return how surely heads at the lens are seen nearer to it than those 15 degrees away."""
    off = np.array([s.to_lens_deg(d) for s, d in zip(found, directions, strict=True)])
    pan, tilt = np.abs([s.pan_deg for s in found]), np.array([s.tilt_up_deg for s in found])
    at, away = off[(pan == 0) & (tilt == 0)], off[(pan == 15) & (tilt == 0)]
    return float((at[:, None] < away[None]).mean()) if len(at) and len(away) else float('nan')


def _posed_line(
    found: list[Sample],
    pan: np.ndarray,
    tilt: np.ndarray,
    direction: Callable[[Face], np.ndarray],
) -> str:
    angles = np.array([s.angles_deg(direction(s.face)) for s in found])
    off_by = angles - np.column_stack([pan, tilt])
    errors = np.abs(off_by).mean(axis=0)
    slopes = [np.polyfit(pan, angles[:, 0], 1)[0], np.polyfit(tilt, angles[:, 1], 1)[0]]
    auc = auc_beside(found, [direction(s.face) for s in found])
    return (
        f'{errors[0]:6.2f} {slopes[0]:5.2f}; {errors[1]:6.2f} {slopes[1]:5.2f}; {auc:5.3f}; '
        f'{off_by[:, 0].mean():5.2f}'
    )


def _say(lines: list[str]) -> None:
    sys.stdout.write('\n'.join(lines) + '\n')
    sys.stdout.flush()


def main(arguments: list[str] | None = None) -> int:
    """Print the tables; return the exit status."""
    parser = argparse.ArgumentParser(description='How well gazes hold')
    parser.add_argument('--portraits', type=Path, metavar='DIR')
    parser.add_argument('--pointing', type=Path, metavar='DIR')
    parser.add_argument('--moved', action='store_true', help='portraits with moved irises, too')
    parser.add_argument('--every', type=int, default=1, metavar='N', help='one photo in so many')
    parser.add_argument('--half', choices=('test', 'fit', 'all'), default='test')
    parser.add_argument('--ict', type=Path, metavar='DIR', help='rendered eyes')
    parser.add_argument('--people', type=int, default=6, metavar='N', help='of --ict')
    options = parser.parse_args(arguments)
    if not (options.portraits or options.pointing or options.ict):
        parser.error('give --portraits, --pointing or --ict')
    if options.ict:
        seen = eye_sweeps.eyes_of(options.ict, options.portraits, options.people, seed=7)
        _say(eye_sweeps.tell(list(seen)))
        return 0
    looker = Looker()
    if options.portraits:
        files = portraits(options.portraits, options.half, options.every)
        _say(tell_portraits(looker.samples(files)))
        if options.moved:
            _say(tell_moved(looker.moved(files)))
    if options.pointing:
        _say(tell_posed(looker.samples(posed(options.pointing, options.half, options.every))))
    return 0


if __name__ == '__main__':
    sys.exit(main())
