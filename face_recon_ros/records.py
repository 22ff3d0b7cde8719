"""The CSV of faces: one row per face, its columns a contract (docs/command_line.md)."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from face_recon_ros.errors import FaceReconError
from face_recon_ros.pipeline import Face
from face_recon_ros.pose import EulerAngles

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
)


def row(name: str, face: Face) -> list[str]:
    """
    Return a face's row.

    :param name: the image's file, or the frame's number in a video
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
    ]


@contextmanager
def csv_writer(path: Path | None) -> Iterator[Any]:
    """
    Open a CSV file with its header; None swallows the rows.

    :raises FaceReconError: the file cannot be written.
    """
    if path is None:
        yield _Nowhere()
        return
    try:
        file = path.open('w', newline='')
    except OSError as error:
        raise FaceReconError(
            f'{path}: {error.strerror or error}; choose another --csv'
        ) from error
    with file:
        writer = csv.writer(file)
        writer.writerow(COLUMNS)
        yield writer


class _Nowhere:
    def writerow(self, values: list[str]) -> None:
        """Do nothing."""
