#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Print what the constants of face_recon_ros/eyes/openness.py and LEAST_OPEN of gaze.py follow from.

    fit_openness.py --ict DIR --portraits DIR [--people N] [--every N]

Heights of the opening between the lids, relative to the distance of the corners: of rendered
people of the ICT face model with skins of the portraits of the half `fit` of evaluate_gaze.py,
whose lids are open, half shut and shut, and of these portraits. WIDE_RATIO lies above open eyes.
LEAST_OPEN lies between shut eyes and half shut ones, below the portraits'.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from evaluate_gaze import Looker, portraits

from face_recon_ros import Face
from face_recon_ros.eyes.openness import opening_ratios
from model_building.evaluation import eye_sweeps
from model_building.network.portraits import development_portraits

SEED = 21
QUANTILES = (0.0, 0.05, 0.5, 0.95, 1.0)


def line(name: str, faces: list[Face]) -> str:
    """Return the quantiles of the openings of faces."""
    ratios = opening_ratios(np.array([f.eyes.landmarks.lids_px for f in faces if f.eyes]))
    values = ' '.join(f'{v:5.3f}' for v in np.nanquantile(ratios, QUANTILES))
    return f'{name:10s} {values} ({len(faces)} faces)\n'


def main(arguments: list[str] | None = None) -> int:
    """Print the table; return the exit status."""
    parser = argparse.ArgumentParser(description='What the constants of openness follow from')
    parser.add_argument('--ict', type=Path, metavar='DIR', required=True)
    parser.add_argument('--portraits', type=Path, metavar='DIR', required=True)
    parser.add_argument('--people', type=int, default=10, metavar='N')
    parser.add_argument('--every', type=int, default=1, metavar='N', help='one photo in so many')
    options = parser.parse_args(arguments)
    sys.stdout.write(f'{"quantiles":10s} {" ".join(f"{q:5.2f}" for q in QUANTILES)}\n')
    files = portraits(options.portraits, 'fit', options.every)
    sys.stdout.write(line('portraits', [s.face for s in Looker().samples(files)]))
    seen = list(eye_sweeps.eyes_of(
        options.ict, options.portraits, options.people, SEED, development_portraits, [(0.0, 0.0)]
    ))  # fmt: skip
    for name, blink in (('open', 0.0), ('half shut', 0.5), ('shut', 1.0)):
        sys.stdout.write(line(name, [s.face for s in seen if s.blink == blink]))
    return 0


if __name__ == '__main__':
    sys.exit(main())
