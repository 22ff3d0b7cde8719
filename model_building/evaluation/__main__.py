# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The command: ``python -m model_building.evaluation COMMAND ...``; also scripts/evaluate.py."""
from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from face_recon_ros.errors import FaceReconError
from model_building.evaluation import (
    covered,
    crops,
    cut,
    depth,
    fit,
    heads,
    hidden,
    irises,
    pans,
    photos,
    turns,
)
from model_building.face_model.errors import ModelBuildingError

COMMANDS = {
    'photos': photos, 'heads': heads, 'cut': cut, 'covered': covered, 'depth': depth,
    'irises': irises, 'crops': crops, 'hidden': hidden, 'turns': turns, 'pans': pans, 'fit': fit}


def main(words: Sequence[str] | None = None) -> int:
    """Run a command line, by default this process's; return the exit status."""
    parser = argparse.ArgumentParser(
        prog='python -m model_building.evaluation', description='Print how accurate faces are.')
    commands = parser.add_subparsers(dest='command', required=True, metavar='COMMAND')
    for name, module in COMMANDS.items():
        text = module.__doc__ or ''
        command = commands.add_parser(
            name, help=text.strip().splitlines()[0], description=text,
            formatter_class=argparse.RawDescriptionHelpFormatter)
        module.add_arguments(command)
    arguments = parser.parse_args(words)
    try:
        return COMMANDS[arguments.command].run(arguments)
    except (OSError, FaceReconError, ModelBuildingError) as error:
        sys.stderr.write(f'{error}\n')
        return 1


if __name__ == '__main__':
    sys.exit(main())
