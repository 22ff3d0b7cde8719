#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Print how accurate faces are: model_building.evaluation, without a command its `photos`.

    scripts/evaluate.py [--regressor NAME] [--also FILE] DIR...      labelled photos
    scripts/evaluate.py heads ICT_FOLDER PORTRAITS_FOLDER            heads of known rotation
    scripts/evaluate.py --help                                       all commands
"""

from __future__ import annotations

import sys
from pathlib import Path

# last: what is installed comes first
sys.path.append(str(Path(__file__).resolve().parents[1]))

from model_building.evaluation import __main__ as command
from model_building.evaluation.labels import (
    Row,
    labelled_faces,
    read_rows,
    true_rotation,
)

__all__ = ['Row', 'labelled_faces', 'main', 'read_rows', 'true_rotation']


def main() -> int:
    """Run the command line; returns the exit status."""
    words = sys.argv[1:]
    named = bool(words) and words[0] in (*command.COMMANDS, '-h', '--help')
    return command.main(words if named else ['photos', *words])


if __name__ == '__main__':
    sys.exit(main())
