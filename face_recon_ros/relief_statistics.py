# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
How the reliefs of people's faces differ where depth is compared: models/reliefs.npz.

A relief is how far the skin lies out of the mean face along the mean's normals, once it is laid
onto it (similarity). The file has the modes of scanned people's, for one mesh.
"""

from __future__ import annotations

import zipfile
from pathlib import Path

import numpy as np

from face_recon_ros.errors import ModelFileError
from face_recon_ros.paths import model_file

FILE = 'reliefs.npz'
# Mean faces further from that of the file are others
SAME_M = 1e-6



def shipped_modes(
    vertices: np.ndarray, points_m: np.ndarray, path: Path | None = None
) -> np.ndarray | None:
    """
    Return the modes (N, K) m of people's reliefs, weights N(0, 1); None: they are of other points.

    :param vertices: (N,) where depth is compared, and points_m (N, 3) there on the mean face
    :raises ModelFileError: the file is missing or damaged.
    """
    path = path or model_file(FILE)
    try:
        with path.open('rb') as stream, np.load(stream, allow_pickle=False) as file:
            known, known_m = file['vertices'], file['points']
            modes_m = file['modes'].astype(np.float64)
        if known_m.shape != (len(known), 3) or modes_m.ndim != 2 or len(modes_m) != len(known):
            raise ValueError('arrays do not fit together')
        if not np.isfinite(modes_m).all():
            raise ValueError('reliefs are not finite')
    except (OSError, KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
        raise ModelFileError(
            f'model file {path}: {" ".join(str(error).split())}; reinstall the package'
        ) from error
    same = np.array_equal(known, vertices) and np.abs(known_m - points_m).max() < SAME_M
    return np.ascontiguousarray(modes_m) if same else None
