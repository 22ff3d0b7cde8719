# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`face-recon info`: versions, model files and where they come from."""

from __future__ import annotations

import argparse
import hashlib
import platform
from importlib import metadata
from importlib.util import find_spec

import cv2

from face_recon_ros.cli.terminal import say
from face_recon_ros.errors import FaceReconError
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.paths import share_directory
from face_recon_ros.tflite import runtime


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser('info', help='versions, model files and where they come from')
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    for name, value in _information().items():
        say(f'{name:>24}  {value}')
    return 0


def _information() -> dict[str, str]:
    information = {'face_recon_ros': _version('face_recon_ros')}
    information['python'] = f'{platform.python_version()} on {platform.machine()}'
    try:
        name = runtime().__name__.split('.')[0]
        information['tflite runtime'] = f'{name} {_version(name)}'
    except FaceReconError as error:
        information['tflite runtime'] = str(error)
    information['numpy'] = _version('numpy')
    information['opencv'] = cv2.__version__
    has_ros = find_spec('rclpy') is not None
    no_ros = 'not installed: command line and library only'
    information['rclpy'] = _version('rclpy') if has_ros else no_ros
    models = share_directory() / 'models'
    information['models'] = str(models)
    for path in sorted([*models.glob('*.tflite'), *models.glob('*.npz')]):
        digest = hashlib.sha256(path.read_bytes()).hexdigest()
        information[path.name] = f'{path.stat().st_size / 1e6:.1f} MB, sha256 {digest}'
    model = FaceModel()
    information['face model'] = f'{len(model.mean)} vertices, {len(model.triangles)} triangles'
    return information


def _version(distribution: str) -> str:
    for name in (distribution, distribution.replace('_', '-'), f'ros-kilted-{distribution}'):
        try:
            return metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return 'version unknown'


