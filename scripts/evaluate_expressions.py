#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Print how well expressions are read (docs/expressions.md).

    scripts/evaluate_expressions.py [--genki DIR] [--portraits DIR] [--every N]
        [--ict DIR --people N [--turns] [--units NAME ...] [--renderer NAME]]
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

# last: what is installed comes first
sys.path.append(str(Path(__file__).resolve().parents[1]))

from face_recon_ros.expression.units import NAMES
from model_building.evaluation import expression_sweeps, expressions
from model_building.evaluation.mitsuba_renderer import VARIANTS, MitsubaRenderer
from model_building.face_model.errors import ModelBuildingError


def main() -> int:
    """Run the command line; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('--genki', type=Path, help='folder of GENKI-4K: smiles')
    parser.add_argument('--every', type=int, default=1, help='of the photos; default: all')
    parser.add_argument('--portraits', type=Path,
                        help='folder of portraits: eyes and mouths; with --ict skins of people')
    parser.add_argument('--ict', type=Path, help='folder of the ICT face model: sweeps')
    parser.add_argument('--people', type=int, default=4)
    parser.add_argument('--turns', action='store_true', help='of the head, too')
    parser.add_argument('--units', nargs='+', choices=NAMES, default=expression_sweeps.UNITS,
                        metavar='NAME', help='default: all that the ICT model has')
    parser.add_argument('--renderer', choices=('ours', *VARIANTS), default='ours')
    options = parser.parse_args()
    try:
        if options.genki:
            expressions.smiles(options.genki, options.every)
        if options.portraits and not options.ict:
            expressions.portraits(options.portraits, options.every)
        if options.ict:
            draw = None if options.renderer == 'ours' else MitsubaRenderer(options.renderer)
            sweeps = expression_sweeps.Sweeps(options.ict, options.portraits, draw)
            expression_sweeps.print_sweeps(
                sweeps(options.people, 7, options.turns, options.units))
    except ModelBuildingError as error:
        sys.stderr.write(f'{error}\n')
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
