# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The CSV of faces: one row per face; docs/command_line.md defines the columns."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol, TextIO

from face_recon_ros.expression import units
from face_recon_ros.face import Face
from face_recon_ros.io.outputs import (
    PartFile,
    cannot_write,
    is_standard_output,
    signals_held,
    standard_output,
)
from face_recon_ros.rotations import EulerAngles

COLUMNS = (
    'file',
    'id',
    'score',
    *('x0', 'y0', 'x1', 'y1'),
    *(f'r{row}{column}' for row in range(3) for column in range(3)),
    *('q_x', 'q_y', 'q_z', 'q_w'),
    *('t_x', 't_y', 't_z'),
    *(f'lm{index}{axis}' for index in range(68) for axis in 'xy'),
    *('yaw_deg', 'pitch_deg', 'roll_deg'),
    'fit_error',
    'time_s',
    'head_scale',
    'distance_source',
    *('gaze_x', 'gaze_y', 'gaze_z'),
    'gaze_sigma_deg',
    *('eye_open_right', 'eye_open_left'),
    *(f'bs_{name}' for name in units.NAMES),
    'predicted',
)


def row(name: str, face: Face, time_s: float | None = None) -> list[str]:
    """
    Return a face's row.

    :param name: the image's file, or the frame's number in a video
    :param time_s: of the frame: from the start of a video, or the stamp in a bag
    """
    angles = EulerAngles.from_rotation(face.rotation)
    return [
        name,
        face.id,
        f'{face.score:.4f}',
        *(f'{v:.2f}' for v in face.box),
        *(f'{v:.7f}' for v in face.rotation.ravel()),
        *(f'{v:.7f}' for v in face.pose.quaternion()),
        *(f'{v:.5f}' for v in face.pose.translation_m),
        *(f'{v:.3f}' for v in face.landmarks_px[:, :2].ravel()),
        *(f'{v:.3f}' for v in (angles.yaw_deg, angles.pitch_deg, angles.roll_deg)),
        f'{face.fit_error:.5f}',
        '' if time_s is None else f'{time_s:.6f}',
        f'{face.head_scale:.4f}',
        face.distance_source.name.lower(),
        *(f'{v:.6f}' for v in face.gaze),
        f'{math.degrees(face.gaze_sigma_rad):.3f}',
        *('' if math.isnan(v) else f'{v:.3f}' for v in face.eye_openness),
        *('' if math.isnan(v) else f'{v:.4f}' for v in face.blendshapes.tolist()),
        '1' if face.predicted else '0',
    ]


class Rows(Protocol):
    """Takes the rows of a table."""

    def writerow(self, values: Sequence[str]) -> None: ...


@contextmanager
def csv_writer(path: Path | str | None) -> Iterator[Rows]:
    """
    Open a CSV file with its header; None swallows the rows, `-` is standard output.

    The file is renamed at the end. If the block ends with an error it contains the rows so far;
    without any row the old file stays.

    :raises OutputError: the file cannot be written; the old file stays.
    """
    if path is None:
        yield _Nowhere()
        return
    path = Path(path)
    if is_standard_output(path):
        with standard_output() as stream:
            rows = _Rows(stream)
            rows.writerow(COLUMNS)
            yield rows
        return
    table = _Table(path)
    try:
        yield table
    except BaseException:
        table.close(keep=table.count > 0)
        raise
    table.close(keep=True)


class _Table:
    def __init__(self, path: Path) -> None:
        self._path = path
        self.count = 0
        try:
            self._part = PartFile(path)
            # names of files need not be UTF-8: their bytes are written as they are
            self._file = self._part.part.open(
                'w', newline='', encoding='utf-8', errors='surrogateescape'
            )
        except OSError as error:
            raise cannot_write(path, error, '--csv') from error
        self._writer = csv.writer(self._file)
        self._write(COLUMNS)

    def writerow(self, values: Sequence[str]) -> None:
        """Add a row. :raises OutputError: the file cannot be written."""
        self._write(values)
        self.count += 1

    def _write(self, values: Sequence[str]) -> None:
        try:
            self._writer.writerow(values)
        except OSError as error:
            raise self._failed(error) from error

    def _failed(self, error: OSError) -> Exception:
        self.count = 0
        return cannot_write(self._path, error, '--csv')

    def close(self, keep: bool) -> None:
        with signals_held():
            try:
                self._file.close()
            except OSError as error:
                self._part.discard()
                if keep:
                    raise self._failed(error) from error
                return
            if not keep:
                self._part.discard()
                return
            try:
                self._part.publish()
            except OSError as error:
                raise self._failed(error) from error


class _Rows:
    """Rows that who reads them has at once."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._writer = csv.writer(stream)

    def writerow(self, values: Sequence[str]) -> None:
        """Add a row. :raises OSError: it cannot be written."""
        self._writer.writerow(values)
        self._stream.flush()


class _Nowhere:
    def writerow(self, values: Sequence[str]) -> None:
        """Do nothing."""
