# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""`face-recon image`: faces in photos."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from functools import partial
from itertools import count
from pathlib import Path

import numpy as np

from face_recon_ros.cli import options as common
from face_recon_ros.cli.terminal import complain, note, progress, say
from face_recon_ros.errors import FaceReconError, ImageError
from face_recon_ros.face import Face
from face_recon_ros.io import records
from face_recon_ros.io.image_files import LARGEST_JPEG_PX, read_image, write_image
from face_recon_ros.io.image_folders import find_images
from face_recon_ros.io.outputs import (
    Identity,
    cannot_write,
    check_output,
    fitting_name,
    identity,
    is_own,
    is_standard_output,
)
from face_recon_ros.rendering.exports import EXPORTS, Export
from face_recon_ros.rendering.overlay import angles_label
from face_recon_ros.rendering.views import FaceViews

DEFAULT_OUTPUT = Path('face_recon_output')
# Depth and codes need lossless files; photos do not
LOSSLESS_MODES = ('depth', 'pncc')


def add_command(commands: argparse._SubParsersAction) -> None:
    """Add the command to the parser."""
    parser = commands.add_parser('image', help='faces in photos')
    parser.add_argument(
        'inputs', nargs='+', type=common.named_path, metavar='FILE_OR_DIR'
    )
    common.add_common(parser, f'folder for the pictures (default {DEFAULT_OUTPUT})')
    common.add_export(parser)
    parser.set_defaults(run=_run)


def _run(options: argparse.Namespace) -> int:
    found = find_images(options.inputs, [options.out or DEFAULT_OUTPUT])
    inputs = common.input_files(options, found.paths)
    to_terminal = note if is_standard_output(options.csv) else say
    if options.csv and not is_standard_output(options.csv):
        check_output(options.csv, '--csv', inputs)
    for line in [*found.faults, *found.remarks]:
        complain(line)
    if not found.paths:
        return 1
    cameras = common.Cameras(options)
    pipeline = common.make_pipeline(options, smoothing=False)
    views = FaceViews(pipeline.model)
    wants_pictures = options.mode or options.out or options.export
    pictures = _Pictures(options, inputs) if wants_pictures else None
    failures = len(found.faults)
    with records.csv_writer(options.csv) as rows:
        for path in progress(found.paths, len(found.paths), 'image'):
            try:
                image = read_image(path)
                try:
                    camera = cameras(*image.shape[:2])
                except ImageError as error:
                    raise ImageError(f'{path}: {error}') from error
                faces = pipeline.detect(image, camera)[: options.max_faces or None]
            except FaceReconError as error:
                complain(str(error))
                failures += 1
                continue
            for face in faces:
                rows.writerow(records.row(str(path), face))
            _report(str(path), faces, to_terminal)
            if pictures:
                views.forget()
                failures += not pictures.write(path, views, image, faces)
    return 1 if failures else 0


def _report(name: str, faces: Sequence[Face], say: Callable[[str], None]) -> None:
    if not faces:
        say(f'{name}: no face')
    for face in faces:
        distance_m = face.pose.distance_m
        say(
            f'{name}: {face.id + " " if face.id else ""}{angles_label(face.rotation)} degrees, '
            f'{distance_m:.2f} m, score {face.score:.2f}'
        )


class _Pictures:
    """Names and writes the pictures of one run."""

    def __init__(self, options: argparse.Namespace, inputs: set[Identity]) -> None:
        self._mode: str | None = options.mode or (
            None if options.export else common.DEFAULT_MODE
        )
        self._exports: Sequence[str] = list(dict.fromkeys(options.export))
        self._folder: Path = options.out or DEFAULT_OUTPUT
        self._inputs = inputs
        self._written: set[Identity | None] = set()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise cannot_write(self._folder, error) from error

    def write(
        self, source: Path, views: FaceViews, image: np.ndarray, faces: Sequence[Face]
    ) -> bool:
        """Write all requested outputs of a photo; return whether that succeeded."""
        good = True
        for number, face in enumerate(faces, start=1):
            for kind in self._exports:
                ending, export = EXPORTS[kind]

                def write(path: Path, export: Export = export, face: Face = face) -> None:
                    export(path, views, image, face)

                good &= self._try(f'{source.stem}_face{number}', ending, write)
        if self._mode:
            mode = self._mode
            picture = views.draw(mode, image, faces)  # draws on the image, so it comes last
            large = max(image.shape[:2]) > LARGEST_JPEG_PX
            suffix = '.png' if mode in LOSSLESS_MODES or large else '.jpg'
            good &= self._try(
                f'{source.stem}_{mode}', suffix, partial(write_image, image=picture, mark=True)
            )
        return good

    def _try(self, stem: str, ending: str, write: Callable[[Path], None]) -> bool:
        path = self._path(stem, ending)
        try:
            write(path)
        except FaceReconError as error:
            complain(str(error))
            return False
        self._written.add(identity(path))
        return True

    def _path(self, stem: str, ending: str) -> Path:
        """
        Return a path that may be written: no file is there, or one of an earlier run.

        Photos of one name from several folders get numbers, and so does what would replace a
        photo, or a file that this program did not write.
        """
        kept = None
        for number in count(1):
            numbered = ending if number == 1 else f'_{number}{ending}'
            path = self._folder / fitting_name(stem, numbered)
            there = identity(path)
            if there is None and not path.is_symlink():
                break
            if there in self._written:
                continue
            if there is not None and there not in self._inputs and is_own(path):
                break
            kept = kept or path
        if kept:
            complain(f'{kept} is not of this program and stays; see {path.name} beside it')
        return path
