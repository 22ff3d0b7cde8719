#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Fit the constants of face_recon_ros/eyes/gaze.py.

    fit_gaze.py --portraits DIR --pointing DIR --ict DIR [--evaluations N]

On the photos `fit` of evaluate_gaze.py, which judges on others. What is made small: errors of
people who look into the lens (median, 90 %), of posed heads, of moved irises, of rendered people
who turn heads and eyes, and how often posed heads 15 degrees beside the lens look nearer to it
than those at it, while changes of the gaze keep their size: slopes of posed heads, of moved
irises and of rendered people. Without the slopes "at the lens" would be the best answer. tilt_rad
is measured: on people who look ahead. sigma_scale follows from portraits and posed heads at the
end.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from evaluate_gaze import SHARE, Looker, Sample, auc_beside, portraits, posed, seen_across
from scipy.optimize import minimize

from face_recon_ros.camera import Camera
from face_recon_ros.eyes.crops import CORNERS_68
from face_recon_ros.eyes.gaze import FITTED, GazeConstants, GazeEstimate, gaze_of
from model_building.evaluation import eye_sweeps
from model_building.evaluation.expression_sweeps import SIZE_PX
from model_building.network.portraits import development_portraits

FREE = (
    'gain', 'vertical_gain', 'half_width_px', 'eye_sigma', 'noise_width_px', 'spread_rad',
)  # fmt: skip
# Of each error, what counts as one
PORTRAIT_DEG, PORTRAIT_90_DEG, PAN_DEG, TILT_DEG, MOVED_DEG = 3.5, 7.0, 4.6, 18.0, 8.0
CONFUSED, RENDERED_DEG = 0.1, 6.0
# Least and largest slopes, and what a slope beyond costs
PAN_SLOPE, TILT_SLOPE, MOVED_SLOPE = (0.95, 1.02), (0.65, 1.05), (0.95, 1.1)
RENDERED_SLOPES = (0.95, 1.1), (0.7, 1.1)
SLOPE_COST = 40.0
RENDERED_PEOPLE, RENDERED_SEED = 3, 31
LOOKS = ((0.0, 0.0), (-0.6, 0.0), (0.6, 0.0), (0.3, 0.5), (-0.3, -0.5))


class Photos:
    """The photos `fit`."""

    def __init__(self, portraits_dir: Path, pointing_dir: Path, ict_dir: Path) -> None:
        looker = Looker()
        files = portraits(portraits_dir, 'fit', 1)
        self.portraits = looker.samples(files)
        self.moved = looker.moved(files)
        self.posed = looker.samples(posed(pointing_dir, 'fit', 1))
        self.rendered = rendered(ict_dir, portraits_dir)

    def cost(self, known: GazeConstants) -> float:
        """Return what is made small."""
        at_lens = np.array([s.to_lens_deg(e.direction) for s, e in _each(self.portraits, known)])
        middle, high = np.quantile(at_lens, [0.5, 0.9])
        posed = _each(self.posed, known)
        seen = np.array([s.angles_deg(e.direction) for s, e in posed])
        confused = 1 - auc_beside(self.posed, [e.direction for _, e in posed])
        true = np.array([(s.pan_deg, s.tilt_up_deg) for s in self.posed])
        pan, tilt = np.abs(seen - true).mean(axis=0)
        moved = np.array([seen_across(s, e.direction) for s, e in _each(self.moved, known)])
        changes = np.array([s.moved for s in self.moved])
        off = np.degrees(np.median(np.hypot(*(moved - changes).T)))
        errors = middle / PORTRAIT_DEG + high / PORTRAIT_90_DEG + pan / PAN_DEG + tilt / TILT_DEG
        beyond = [
            _beyond(true[:, 0], seen[:, 0], PAN_SLOPE),
            _beyond(true[:, 1], seen[:, 1], TILT_SLOPE),
            _beyond(changes[:, 0], moved[:, 0], MOVED_SLOPE),
            _beyond(changes[:, 1], moved[:, 1], MOVED_SLOPE),
        ]
        drawn = _each(self.rendered, known)
        true = np.array([(s.pan_deg, s.tilt_up_deg) for s in self.rendered])
        seen = np.array([s.angles_deg(e.direction) for s, e in drawn])
        beyond += [
            _beyond(true[:, axis], seen[:, axis], RENDERED_SLOPES[axis]) for axis in range(2)
        ]
        error_deg = np.degrees(np.mean([_error_rad(s, e) for s, e in drawn]))
        others = off / MOVED_DEG + confused / CONFUSED + error_deg / RENDERED_DEG
        return float(errors + others + SLOPE_COST * np.square(beyond).sum())

    def tilt_rad(self) -> float:
        """Return how far below the head's axis people look who look ahead: mean of both sets."""
        ahead = [sample for sample in self.posed if sample.tilt_up_deg == 0]
        return float(np.radians(np.mean([
            np.mean([s.angles_deg(s.face.pose.rotation[:, 0])[1] for s in samples])
            for samples in (self.portraits, ahead)
        ])))  # fmt: skip

    def sigma_scale(self, known: GazeConstants) -> float:
        """Return what makes SHARE of the errors smaller than sigma: mean of both sets."""
        known = replace(known, sigma_scale=1.0)
        scales = [
            np.quantile([_error_rad(s, e) / e.sigma_rad for s, e in _each(found, known)], SHARE)
            for found in (self.portraits, self.posed)
        ]
        return float(np.mean(scales))


def rendered(ict_dir: Path, portraits_dir: Path) -> list[Sample]:
    """Return rendered people with the skin of development portraits, whose eyes are open."""
    camera = Camera.uncalibrated(SIZE_PX, SIZE_PX)
    seen = eye_sweeps.eyes_of(
        ict_dir, portraits_dir, RENDERED_PEOPLE, RENDERED_SEED, development_portraits, LOOKS
    )
    return [
        Sample(s.face, camera, s.face.landmarks_m[CORNERS_68].mean(axis=(0, 1)), 0.0,
               -float(np.degrees(s.gaze_rad[0])), float(np.degrees(s.gaze_rad[1])))
        for s in seen if not s.blink
    ]  # fmt: skip


def _error_rad(sample: Sample, found: GazeEstimate) -> float:
    pan, tilt = np.radians([sample.pan_deg, sample.tilt_up_deg])
    true = [-np.sin(pan) * np.cos(tilt), -np.sin(tilt), -np.cos(pan) * np.cos(tilt)]
    return float(np.arccos(np.clip(sample.relative(found.direction) @ true, -1, 1)))


def _each(found: Sequence[Sample], known: GazeConstants) -> list[tuple[Sample, GazeEstimate]]:
    return [(sample, _estimate(sample, known)) for sample in found]


def _estimate(sample: Sample, known: GazeConstants) -> GazeEstimate:
    face = sample.face
    assert face.eyes is not None
    return gaze_of(
        face.eyes.landmarks, face.pose, face.pose_covariance, face.landmarks_m, sample.camera,
        face.head_scale, known,
    )  # fmt: skip


def _beyond(true: np.ndarray, seen: np.ndarray, limits: tuple[float, float]) -> float:
    slope = float(np.polyfit(true, seen, 1)[0])
    return max(limits[0] - slope, slope - limits[1], 0.0)


def fitted(
    photos: Photos, start: GazeConstants, names: Sequence[str], evaluations: int
) -> GazeConstants:
    """Return the constants of least cost (Nelder and Mead 1965)."""
    first = np.array([getattr(start, name) for name in names])

    def constants(factors: np.ndarray) -> GazeConstants:
        return replace(start, **dict(zip(names, (first * factors).tolist(), strict=True)))

    def cost(factors: np.ndarray) -> float:
        return photos.cost(constants(factors)) if (factors > 0).all() else np.inf

    count = len(names)
    simplex = np.vstack([np.ones(count), 1 + 0.25 * np.eye(count)])
    options = {'maxfev': evaluations, 'xatol': 0.01, 'fatol': 0.002, 'initial_simplex': simplex}
    best = minimize(cost, simplex[0], method='Nelder-Mead', options=options)
    known = constants(best.x)
    return replace(known, sigma_scale=photos.sigma_scale(known))


def main(arguments: list[str] | None = None) -> int:
    """Print the constants; return the exit status."""
    parser = argparse.ArgumentParser(description='Fit the constants of gazes')
    parser.add_argument('--portraits', type=Path, metavar='DIR', required=True)
    parser.add_argument('--pointing', type=Path, metavar='DIR', required=True)
    parser.add_argument('--ict', type=Path, metavar='DIR', required=True)
    parser.add_argument('--evaluations', type=int, default=500, metavar='N')
    options = parser.parse_args(arguments)
    photos = Photos(options.portraits, options.pointing, options.ict)
    start = replace(FITTED, tilt_rad=photos.tilt_rad())
    known = fitted(photos, start, FREE, options.evaluations)
    sys.stdout.write(f'cost {photos.cost(FITTED):.3f} -> {photos.cost(known):.3f}\n{known}\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
