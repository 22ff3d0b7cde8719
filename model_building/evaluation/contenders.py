# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is measured: the shipped regressors by name, and networks in other files."""
from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path

from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.loader import NETWORK, REGRESSORS


def add_arguments(parser: argparse.ArgumentParser, default: Sequence[str]) -> None:
    """Add the options that `contenders` reads; default: names of regressors."""
    parser.add_argument('--regressor', action='append', choices=REGRESSORS,
                        help=f'may be given again (default: {" ".join(default)})')
    parser.add_argument('--regressor-path', metavar='FILE',
                        help='another .tflite file for the one --regressor')
    parser.add_argument('--also', type=Path, action='append', default=[], metavar='FILE',
                        help='measure this network too: one of ours or of the 3DDFA family')
    parser.set_defaults(default_regressors=tuple(default))


def contenders(arguments: argparse.Namespace) -> dict[str, Pipeline]:
    """
    Return a pipeline for still images of everything to measure, by its name.

    :raises ModelFileError: a file is not of a kind that is known.
    """
    names = arguments.regressor or arguments.default_regressors
    found = {name: _pipeline(name, arguments.regressor_path) for name in names}
    for path in arguments.also:
        found[path.stem] = _pipeline(NETWORK, str(path))
    return found


def _pipeline(regressor: str, path: str | None) -> Pipeline:
    return Pipeline(PipelineConfig(smoothing=None, regressor=regressor, regressor_path=path))
