#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Print how well expressions are read (docs/expressions.md).

    scripts/evaluate_expressions.py [--genki DIR] [--every N] [--portraits DIR]
        [--ict DIR --people N [--turns]]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# last: what is installed comes first
sys.path.append(str(Path(__file__).resolve().parents[1]))

from face_recon_ros.expression.regression import ExpressionRegression
from face_recon_ros.face_model.model import FaceModel
from model_building.expression import evaluate


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--genki', type=Path, help='folder of GENKI-4K: smiles')
    parser.add_argument('--every', type=int, default=1, help='of the photos; default: all')
    parser.add_argument('--portraits', type=Path, help='folder of portraits: eyes and mouths')
    parser.add_argument('--ict', type=Path, help='folder of the ICT face model: sweeps')
    parser.add_argument('--people', type=int, default=4)
    parser.add_argument('--turns', action='store_true', help='of the head, too')
    options = parser.parse_args()
    if options.genki:
        evaluate.smiles(options.genki, options.every)
    if options.portraits:
        evaluate.portraits(options.portraits, options.every)
    if options.ict:
        model = FaceModel()
        known = ExpressionRegression(model.landmarks_468.mean, model.landmarks_468_mirror)
        sweeps = evaluate.Sweeps(options.ict)
        evaluate.print_sweeps(sweeps(options.people, 7, options.turns), known.confidence)
    return 0


if __name__ == '__main__':
    sys.exit(main())
