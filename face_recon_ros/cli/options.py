# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The options of several commands, and what is made of them."""

from __future__ import annotations

import argparse
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NoReturn

from face_recon_ros.calibration import pixel_fault, refuse_impossible
from face_recon_ros.camera import Camera
from face_recon_ros.cli.terminal import complain
from face_recon_ros.errors import CalibrationError, ImageError
from face_recon_ros.io.camera_files import read_camera
from face_recon_ros.io.outputs import Identity, file_or_standard_output, identities
from face_recon_ros.pipeline import Pipeline
from face_recon_ros.pipeline_config import PipelineConfig
from face_recon_ros.rendering.exports import EXPORTS
from face_recon_ros.settings import Meaning, meaning_of, settings_of
from face_recon_ros.tracking.settings import TrackingSettings
from face_recon_ros.tracking.smoothing import SmoothingSettings

PICTURE_MODES = ('sparse', 'dense', 'pose', 'mesh', 'depth', 'pncc', 'gaze', 'expression')
DEFAULT_MODE = 'sparse'
FOCAL_LENGTHS_PX = (1.0, 1e6)
_EXPORT = '--export'


class OneLineParser(argparse.ArgumentParser):
    """Tells what is wrong with the arguments in one line, without the list of all options."""

    def error(self, message: str) -> NoReturn:
        """Print the line and exit with status 2."""
        self.exit(2, f'{self.prog}: {message}; see {self.prog} --help\n')


def named(text: str) -> str:
    """Return a name as it is given; an empty one is a variable of the shell that is not set."""
    if not text:
        raise argparse.ArgumentTypeError("'' names nothing; a folder is named '.'")
    return text


def named_path(text: str) -> Path:
    """Return the path that a name is."""
    return Path(named(text))


def named_output(text: str) -> Path:
    """Return the path of an output that may be standard output."""
    return file_or_standard_output(named(text))


def number_in(low: float, high: float, unit: str) -> Callable[[str], float]:
    """Return a type of options: a number between two, both allowed."""

    def parse(text: str) -> float:
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if not low <= value <= high:  # NaN too
            raise argparse.ArgumentTypeError(f'{text} is not between {low:g} and {high:g} {unit}')
        return value

    return parse


def whole_number(least: int, most: int) -> Callable[[str], int]:
    """Return a type of options: a whole number between two, both allowed."""

    def parse(text: str) -> int:
        try:
            value = int(text)
        except ValueError:
            value = least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(
                f'{text} is not a whole number from {least} to {most}'
            )
        return value

    return parse


def kinds_of_export(text: str) -> list[str]:
    """Parse a list of exports, with commas between them."""
    kinds = [kind for kind in text.split(',') if kind]
    unknown = [kind for kind in kinds if kind not in EXPORTS]
    if unknown or not kinds:
        raise argparse.ArgumentTypeError(
            f'{unknown[0] if unknown else "nothing"} is not one of {", ".join(EXPORTS)}'
        )
    return kinds


def exports_first(arguments: Sequence[str]) -> list[str]:
    """
    Return the arguments with the exports behind the command, and files where they belong.

    `--export ply obj photo.jpg` names two exports and a file: a list of any length would swallow
    it.
    """
    rest, kinds = [], []
    waiting = list(arguments)
    while waiting:
        word = waiting.pop(0)
        if word == '--':
            rest += [word, *waiting]
            break
        if not (word.startswith('--e') and _EXPORT.startswith(word)) or not waiting:
            rest.append(word)
            continue
        kinds.append(waiting.pop(0))  # whatever it is, it is meant as one
        while waiting and _are_exports(waiting[0]):
            kinds.append(waiting.pop(0))
    place = 1 if rest and not rest[0].startswith('-') else 0
    return [*rest[:place], *(f'{_EXPORT}={kind}' for kind in kinds), *rest[place:]]


def _are_exports(word: str) -> bool:
    parts = [part for part in word.split(',') if part]
    return bool(parts) and all(part in EXPORTS for part in parts)


def add_export(parser: argparse.ArgumentParser) -> None:
    """Add --export, given once or several times, with one kind or a list."""
    parser.add_argument(
        _EXPORT,
        action='extend',
        type=kinds_of_export,
        default=[],
        metavar='KIND[,KIND...]',
        help='also write each face as mesh, texture or depth (16-bit: tenths of a millimetre): '
        + ', '.join(EXPORTS),
    )


def add_common(parser: argparse.ArgumentParser, out_help: str) -> None:
    """Add the options of image and video."""
    parser.add_argument('--mode', choices=PICTURE_MODES, help=f'picture (default {DEFAULT_MODE})')
    parser.add_argument('--out', type=named_path, help=out_help)
    parser.add_argument(
        '--csv',
        type=named_output,
        metavar='F',
        help='one row per face; - is standard output, and what is reported goes to standard error',
    )
    add_setting(parser, TrackingSettings, 'max_faces', default=0, metavar='N')
    add_setting(parser, PipelineConfig, 'detector', metavar='DETECTOR')
    add_setting(parser, PipelineConfig, 'regressor')
    add_setting(parser, PipelineConfig, 'regressor_path', metavar='FILE')
    add_setting(parser, PipelineConfig, 'use_eyes')
    cameras = parser.add_mutually_exclusive_group()
    cameras.add_argument(
        '--focal-length-px',
        type=number_in(*FOCAL_LENGTHS_PX, 'pixels'),
        help='of the camera; without it the longer side of the image is taken, and distances '
        'are rough',
    )
    cameras.add_argument(
        '--camera',
        type=named_path,
        metavar='FILE.yaml',
        help="the camera's calibration, as camera_calibration of ROS writes it",
    )
    add_setting(parser, PipelineConfig, 'interpupillary_distance_m', metavar='M')


def add_setting(
    parser: argparse.ArgumentParser, kind: type, name: str, default: Any = None, **more: Any
) -> None:
    """
    Add an option that is a setting: its name, meaning, range, choices and default.

    :param default: another one than the setting's
    :param more: of add_argument
    """
    meaning = meaning_of(kind, name)
    if default is None:
        default = settings_of(kind)[name].default
    if meaning.choices:
        more['choices'] = meaning.choices
    elif meaning.range is None:
        more['type'] = named
    if meaning.range is not None:
        whole = isinstance(default, int)
        low, high = meaning.range
        more['type'] = (
            whole_number(int(low), int(high)) if whole else number_in(low, high, meaning.unit)
        )
    parser.add_argument(
        f'--{name.replace("_", "-")}',
        default=default,
        help=_help(meaning) + ('' if default is None else ' (default %(default)s)'),
        **more,
    )


def _help(meaning: Meaning) -> str:
    """Return what is told of a setting in the words of the other options: no sentence."""
    text = meaning.description[0].lower() + meaning.description[1:].removesuffix('.')
    limits = f' [{meaning.limits}]' if meaning.range else ''
    return f'{text}{limits}'.replace('%', '%%')


def make_pipeline(options: argparse.Namespace, smoothing: bool) -> Pipeline:
    """:raises FaceReconError: a model file cannot be used."""
    defaults = PipelineConfig()
    return Pipeline(
        PipelineConfig(
            detector=options.detector,
            regressor=options.regressor,
            regressor_path=options.regressor_path,
            use_eyes=options.use_eyes,
            interpupillary_distance_m=options.interpupillary_distance_m,
            tracking=replace(defaults.tracking, max_faces=options.max_faces),
            smoothing=SmoothingSettings() if smoothing else None,
            expressions=wants_expressions(options),
        )
    )


def wants_expressions(options: argparse.Namespace) -> bool:
    """Tell whether an output has expressions in it: the table, or pictures of them."""
    gltf = getattr(options, 'gltf', None)
    return options.csv is not None or gltf is not None or options.mode == 'expression'


class Cameras:
    """Gives the camera of each image, as the options say."""

    def __init__(self, options: argparse.Namespace) -> None:
        """:raises CalibrationError: --camera names no calibration."""
        self._focal_length_px: float | None = options.focal_length_px
        self._path: Path | None = options.camera
        self._camera = read_camera(options.camera) if options.camera else None
        if self._camera and (fault := pixel_fault(self._camera)):
            complain(f'{self._path}: {fault}')

    @property
    def given(self) -> bool:
        """Whether the options name a camera, which goes before what a bag says."""
        return self._camera is not None or self._focal_length_px is not None

    def __call__(self, height: int, width: int) -> Camera:
        """:raises ImageError: for images of another size, or no lens has this focal length."""
        if self._camera is not None:
            if (self._camera.width, self._camera.height) != (width, height):
                raise ImageError(
                    f'is {width}x{height}, but {self._path} is for {self._camera.width}x'
                    f'{self._camera.height}; give the calibration of these images'
                )
            return self._camera
        camera = Camera.uncalibrated(width, height)
        if self._focal_length_px is None:
            return camera
        f = self._focal_length_px
        camera = Camera(width, height, f, f, camera.cx, camera.cy)
        try:
            refuse_impossible(camera)
        except CalibrationError as error:
            raise ImageError(f'{error}') from error
        return camera


def input_files(options: argparse.Namespace, images: Sequence[Path]) -> set[Identity]:
    """Return the files that are read: no output may be one of them."""
    others: list[Any] = [options.camera, options.regressor_path, options.detector]
    return identities([*images, *(Path(o) for o in others if o)])
