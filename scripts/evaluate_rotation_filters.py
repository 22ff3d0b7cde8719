#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Print jitter and lag of filters for rotations.

    scripts/evaluate_rotation_filters.py [--rate HZ ...] [CLIP ...]

Motions are known exactly; to them is added what the network finds wrong in noisy images of the
still sample portrait. Clips have no truth: there the errors are against what was found, smoothed
by a Gaussian of 60 ms that knows the future.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from evaluate_smoothing import CAMERA, COUNT, STILL_NOISE
from scipy.ndimage import gaussian_filter1d
from tqdm import tqdm

from face_recon_ros.errors import FaceReconError
from face_recon_ros.io.image_files import read_image
from face_recon_ros.io.video_files import Video
from face_recon_ros.paths import share_directory
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.rotations import rotation_matrix, rotation_vector
from face_recon_ros.tools.sample_motion import STILL, Portrait
from face_recon_ros.tracking.smoothing import OneEuroRotation, OneEuroSettings
from face_recon_ros.tracking.track import sigma_of

# Takes a rotation (3, 3), the time since the last one in seconds and its sigma in rad
Filter = Callable[[np.ndarray, float, float], np.ndarray]
# The axis that heads turn about: mostly to a side
AXIS = np.array([0.3, 1.0, 0.1]) / np.linalg.norm([0.3, 1.0, 0.1])
# Motion at even speed: still for REST_S, then on for RUN_S, lag over the last LAST_S of it, still
# again; it is repeated with other noise
REST_S, RUN_S, LAST_S, REPEATS = 1.0, 1.0, 0.3, 5
TURNS_DEG_S = (5, 15, 45, 90)
# Amplitude in degrees and Hz
SINES = ((10, 0.3), (10, 1.0), (5, 2.0))
STEP_DEG = 10
# Of clips: heads slower than this are still, faster than that are moving, deg/s; the Gaussian, s
SLOW_DEG_S, FAST_DEG_S, REFERENCE_S = 5, 20, 0.06


@dataclass(slots=True, frozen=True)
class Found:
    """Rotations (N, 3, 3) of one face at times (N,) in seconds, and their sigmas (N,) in rad."""

    times_s: np.ndarray
    rotations: np.ndarray
    sigmas_rad: np.ndarray


class KalmanRotation:
    """
    Constant angular velocity, driven by white acceleration; then a deadzone.

    The covariance is the same about all axes. Inside the deadzone, so many standard deviations of
    the estimate wide, what is given out follows by the square of the distance.
    """

    def __init__(self, density: float, noise_per_sigma: float, deadzone: float) -> None:
        """:param density: of the acceleration, rad^2/s^3."""
        self._density, self._noise, self._deadzone = density, noise_per_sigma, deadzone
        self._estimate: np.ndarray | None = None

    def __call__(self, rotation: np.ndarray, step_s: float, sigma_rad: float) -> np.ndarray:
        noise = (self._noise * sigma_rad) ** 2
        if self._estimate is None:
            self._estimate = self._out = rotation
            self._velocity, self._covariance = np.zeros(3), np.diag([noise, 1.0])
            return rotation
        ahead = np.array([[1, step_s], [0, 1]])
        drive = np.array([[step_s**3 / 3, step_s**2 / 2], [step_s**2 / 2, step_s]])
        covariance = ahead @ self._covariance @ ahead.T + self._density * drive
        predicted = rotation_matrix(step_s * self._velocity) @ self._estimate
        off = rotation_vector(rotation @ predicted.T)
        gain = covariance[:, 0] / (covariance[0, 0] + noise)
        self._covariance = covariance - np.outer(gain, covariance[0])
        self._estimate = rotation_matrix(gain[0] * off) @ predicted
        self._velocity = self._velocity + gain[1] * off
        turn = rotation_vector(self._estimate @ self._out.T)
        zone = self._deadzone * np.sqrt(self._covariance[0, 0])
        part = min((np.linalg.norm(turn) / zone) ** 2, 1.0) if zone else 1.0
        self._out = rotation_matrix(part * turn) @ self._out
        return self._out


def one_euro(beta: float, min_cutoff_hz: float = 0.5) -> Filter:
    """Return the One-Euro filter of a face; beta as the parameter of the node."""
    smooth = OneEuroRotation(OneEuroSettings(min_cutoff_hz, 6.0 * beta))
    return lambda rotation, step_s, sigma_rad: smooth(rotation, step_s)


def one_euro_by_sigma(beta: float, min_cutoff_hz: float = 0.5) -> Filter:
    """Return the filter of a face whose sigma is known."""
    return OneEuroRotation(OneEuroSettings(min_cutoff_hz, 6.0 * beta, distance_hz=beta))


FILTERS: dict[str, Callable[[], Filter]] = {
    'off': lambda: lambda rotation, step_s, sigma_rad: rotation,
    'One-Euro, beta 1': lambda: one_euro(1),
    'One-Euro, beta 2': lambda: one_euro(2),
    'One-Euro, beta 2, min_cutoff 0.2 Hz': lambda: one_euro(2, 0.2),
    '**One-Euro and sigma, beta 1**': lambda: one_euro_by_sigma(1),
    'Kalman': lambda: KalmanRotation(10, 0.1, 0),
    'Kalman, deadzone 1 sigma': lambda: KalmanRotation(10, 0.2, 1),
    'Kalman, deadzone 2 sigma': lambda: KalmanRotation(10, 0.2, 2),
}


def found_in(images: Iterator[tuple[float, np.ndarray]]) -> list[Found]:
    """Return what is found in a stream, unsmoothed, of each face."""
    pipeline = Pipeline(PipelineConfig(smoothing=None))
    rows: dict[str, list[tuple[float, np.ndarray, float]]] = {}
    for stamp_s, image in tqdm(images, leave=False, disable=None):
        pipeline.track(image, stamp_s)
        for track in pipeline._tracker.followed():
            found = track.regression
            row = (stamp_s, found.parameters.model_rotation, sigma_of(found))
            rows.setdefault(track.id, []).append(row)
    return [Found(*map(np.array, zip(*of_face, strict=True))) for of_face in rows.values()]


def noise_of_portrait() -> Found:
    """Return what is found in noisy images of the still portrait, as rotations from the mean."""
    photo = read_image(share_directory() / 'samples' / 'astronaut.png')
    view = Portrait(photo, (225.0, 115.0), 125.0).view(CAMERA, STILL)
    random = np.random.default_rng(0)

    def noisy() -> np.ndarray:
        return np.clip(view + random.normal(0, STILL_NOISE, view.shape), 0, 255).astype(np.uint8)

    (found,) = found_in((index / 30, noisy()) for index in range(COUNT + COUNT // 10))
    rest = found.rotations[COUNT // 10 :]
    first = rest[0]
    mean = rotation_matrix(np.mean([rotation_vector(r @ first.T) for r in rest], axis=0)) @ first
    sigmas = found.sigmas_rad[COUNT // 10 :]
    return Found(found.times_s[COUNT // 10 :], rest @ mean.T, sigmas)


def filtered(
    make: Callable[[], Filter],
    angles_rad: np.ndarray,
    rate_hz: float,
    noise: Found,
    shift: int = 0,
) -> np.ndarray:
    """Return the errors (N, 3), degrees, about three axes, on a turn about AXIS with noise."""
    smooth, errors = make(), []
    for index, angle in enumerate(angles_rad):
        k = (index + shift) % len(noise.rotations)
        truth = rotation_matrix(angle * AXIS)
        seen, sigma_rad = noise.rotations[k] @ truth, float(noise.sigmas_rad[k])
        out = smooth(seen, 1 / rate_hz, sigma_rad)
        errors.append(rotation_vector(out @ truth.T))
    return np.degrees(errors)


def jitter_deg(errors: np.ndarray) -> float:
    """Return the mean change from image to image."""
    return float(np.linalg.norm(np.diff(errors, axis=0), axis=1).mean())


def rms_deg(errors: np.ndarray) -> float:
    """Return the root of the mean squared angle."""
    return float(np.sqrt((errors**2).sum(axis=1).mean()))


def lag_ms(
    make: Callable[[], Filter], speed_deg_s: float, rate_hz: float, noise: Found
) -> tuple[float, float]:
    """Return the lag at even speed, ms, and by how much the end is passed, degrees."""
    times_s = np.arange(int((2 * REST_S + RUN_S) * rate_hz)) / rate_hz
    angles = np.radians(speed_deg_s) * np.clip(times_s - REST_S, 0, RUN_S)
    end_s = REST_S + RUN_S
    behind, beyond = [], []
    for repeat in range(REPEATS):
        off = filtered(make, angles, rate_hz, noise, shift=60 * repeat) @ AXIS
        behind.append(off[(times_s > end_s - LAST_S) & (times_s < end_s)].mean())
        beyond.append(off[times_s >= end_s].max())
    return -1000 * float(np.mean(behind)) / speed_deg_s, float(np.mean(beyond))


def known_motions(make: Callable[[], Filter], rate_hz: float, noise: Found) -> list[str]:
    """Return the cells of a row: jitter, lags, sines, and a step's end passed."""
    second = int(rate_hz)
    still = filtered(make, np.zeros(12 * second), rate_hz, noise)[2 * second :]
    cells = [f'{jitter_deg(still):.3f} deg']
    lags = [lag_ms(make, speed, rate_hz, noise) for speed in TURNS_DEG_S]
    cells += [f'{ms:.0f} ms' for ms, _ in lags]
    cells.append(f'{lags[-1][1]:.2f} deg')
    times_s = np.arange(6 * second) / rate_hz
    for amplitude_deg, hz in SINES:
        angles = np.radians(amplitude_deg) * np.sin(2 * np.pi * hz * times_s)
        cells.append(f'{rms_deg(filtered(make, angles, rate_hz, noise)[second:]):.2f} deg')
    step = np.radians(STEP_DEG) * (times_s >= 1)
    cells.append(f'{(filtered(make, step, rate_hz, noise) @ AXIS)[second:].max():.2f} deg')
    return cells


def of_clip(make: Callable[[], Filter], faces: Sequence[Found]) -> str:
    """Return the jitter while a head is still, and the error while it moves."""
    jitter, error = [], []
    for face in faces:
        step_s = float(np.median(np.diff(face.times_s)))
        smooth, first = make(), face.rotations[0]
        steps = np.maximum(np.diff(face.times_s, prepend=face.times_s[0] - step_s), 1e-3)
        out = [
            smooth(rotation, float(step), float(sigma))
            for rotation, step, sigma in zip(face.rotations, steps, face.sigmas_rad, strict=True)
        ]
        raw, found = (
            np.degrees([rotation_vector(r @ first.T) for r in rotations])
            for rotations in (face.rotations, out)
        )
        reference = gaussian_filter1d(raw, REFERENCE_S / step_s, axis=0)
        speed = np.linalg.norm(np.gradient(reference, step_s, axis=0), axis=1)
        bends = np.linalg.norm(np.diff(found, 2, axis=0), axis=1)
        jitter += bends[speed[1:-1] < SLOW_DEG_S].tolist()
        error += (((found - reference) ** 2).sum(axis=1))[speed > FAST_DEG_S].tolist()
    still = f'{np.mean(jitter):.2f} deg' if jitter else 'never still'
    moving = f'{np.sqrt(np.mean(error)):.2f} deg' if error else 'never moving'
    return f'{still}, {moving}'


def print_known_motions(rate_hz: float, noise: Found) -> None:
    """Print a table of a rate."""
    columns = ['still: jitter']
    columns += [f'lag at {speed} deg/s' for speed in TURNS_DEG_S]
    columns.append(f'passed after {TURNS_DEG_S[-1]} deg/s')
    columns += [f'sine of {amplitude} deg, {hz:g} Hz' for amplitude, hz in SINES]
    columns.append(f'passed after a step of {STEP_DEG} deg')
    print(f'\n| {rate_hz:g} Hz | {" | ".join(columns)} |')
    print('|---' * (len(columns) + 1) + '|')
    for name, make in FILTERS.items():
        print(f'| {name} | {" | ".join(known_motions(make, rate_hz, noise))} |', flush=True)


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rate', type=float, nargs='+', default=[15, 30, 60], help='Hz')
    parser.add_argument('clips', nargs='*', type=Path, metavar='CLIP')
    arguments = parser.parse_args()
    noise = noise_of_portrait()
    for rate_hz in arguments.rate:
        print_known_motions(rate_hz, noise)
    if not arguments.clips:
        return
    try:
        clips = {path.stem: found_in(iter(Video.open(path))) for path in arguments.clips}
    except FaceReconError as error:
        sys.exit(str(error))
    print(f'\n| still: jitter, moving: error | {" | ".join(clips)} |')
    print('|---' * (len(clips) + 1) + '|')
    for name, make in FILTERS.items():
        print(f'| {name} | {" | ".join(of_clip(make, faces) for faces in clips.values())} |')


if __name__ == '__main__':
    main()
