# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The file of a face model: its arrays, and what they must hold so that nothing later fails."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path
from tokenize import TokenError

import numpy as np

from face_recon_ros.errors import ModelFileError
from face_recon_ros.face_model.mapped_array import mapped_array
from face_recon_ros.paths import is_shipped

FORMAT_VERSION = 1
SHAPE_COUNT = 40
EXPRESSION_COUNT = 10

Arrays = dict[str, np.ndarray]

_ARRAYS: dict[str, tuple[tuple[int | None, ...], str]] = {
    # name: (shape, None where it is V, T or free; dtype, or one letter for a kind of any size)
    'mean': ((None, 3), 'float32'),
    'shape_basis': ((SHAPE_COUNT, None, 3), 'int16'),
    'shape_step': ((SHAPE_COUNT,), 'float32'),
    'expression_basis': ((EXPRESSION_COUNT, None, 3), 'int16'),
    'expression_step': ((EXPRESSION_COUNT,), 'float32'),
    'triangles': ((None, 3), 'int32'),
    'landmarks_68_vertices': ((68, 3), 'i'),
    'landmarks_68_weights': ((68, 3), 'f'),
    'landmarks_468_vertices': ((468, 3), 'i'),
    'landmarks_468_weights': ((468, 3), 'f'),
    'landmarks_468_offset': ((468, 3), 'f'),
    'landmarks_468_mirror': ((468,), 'i'),
    'mirror': ((None,), 'i'),
    'eye_mask': ((None,), 'b'),
    'uv': ((None, 2), 'float32'),
    'colors': ((None, 3), 'uint8'),
    'format_version': ((), 'i'),
}
# First bytes of a zip archive, which an .npz file is, and of an .npy file
_STARTS = b'PK', b'\x93NUMPY'
# Most of the file, of which little is used unless the dense mesh is asked for
MAPPED = ('shape_basis', 'expression_basis')
# Which arrays are indices, and of what
_INDICES_OF_VERTICES = ('triangles', 'mirror', 'landmarks_68_vertices', 'landmarks_468_vertices')


def read_model(path: Path) -> Arrays:
    """
    Read a model file and hold it against the format.

    Of a file that ships the largest arrays stay in it, memory mapped: installations replace files,
    they never write into them. Any other is read whole: who writes into a mapped file ends the
    process that reads it (SIGBUS).

    :raises ModelFileError: one line: missing, corrupt, no .npz file, or an array that is missing,
        of another type or shape, not finite, or with indices of what is not there.
    """
    arrays = _read(path)
    try:
        _check_arrays(arrays)
        _check_vertices(arrays)
        _check_landmarks(arrays)
    except _FormatError as error:
        raise ModelFileError(f'model file {path}: {error}; make it with model_building') from error
    return arrays


class _FormatError(Exception):
    """What is wrong with the arrays."""


def _read(path: Path) -> Arrays:
    remedy = 'check the path or reinstall the package'
    try:
        # opened here: np.load leaves a corrupt file open
        with path.open('rb') as stream:
            begin = stream.read(max(map(len, _STARTS)))
            if not begin.startswith(_STARTS):  # for NumPy all else is a pickle
                raise ModelFileError(f'model file {path}: not a NumPy .npz file; {remedy}')
            stream.seek(0)
            file = np.load(stream, allow_pickle=False)
            if isinstance(file, np.ndarray):
                raise ModelFileError(
                    f'model file {path}: one array (.npy), not a NumPy .npz file; {remedy}'
                )
            with file:
                mapped = {name: mapped_array(stream, file.zip, name)
                          for name in MAPPED if name in file.files and is_shipped(path)}
                return {name: _array(mapped.get(name), file, name) for name in file.files}
    except OSError as error:
        reason = error.strerror or 'not a NumPy .npz file'
        raise ModelFileError(f'model file {path}: {reason}; {remedy}') from error
    except (
        ValueError,
        EOFError,
        KeyError,
        AttributeError,
        TypeError,
        SyntaxError,
        # of NumPy before 2, which looks for headers that Python 2 wrote
        TokenError,
        OverflowError,
        MemoryError,
        RuntimeError,  # an encrypted archive; a compression that zipfile does not know is one, too
        zipfile.BadZipFile,
        zlib.error,
    ) as error:
        reason = next(iter(str(error).splitlines()), type(error).__name__)
        raise ModelFileError(f'model file {path}: corrupt ({reason}); {remedy}') from error


def _array(
    mapped: np.ndarray | None, file: np.lib.npyio.NpzFile, name: str
) -> np.ndarray:
    return np.asarray(file[name]) if mapped is None else mapped


def _check_arrays(arrays: Arrays) -> None:
    """Hold every array against its type and shape."""
    for name, (shape, dtype) in _ARRAYS.items():
        if name not in arrays:
            raise _FormatError(f'has no array {name}')
        found = arrays[name]
        fits = len(found.shape) == len(shape) and all(
            want in (None, have) for want, have in zip(shape, found.shape, strict=True)
        )
        if not fits or dtype not in (found.dtype.kind, found.dtype.name):
            raise _FormatError(
                f'array {name} is {found.dtype} {found.shape}, wants {dtype} {shape}'
            )
        if found.dtype.kind == 'f' and not np.isfinite(found).all():
            raise _FormatError(f'array {name} holds NaN or infinity')
        if found.size == 0:
            raise _FormatError(f'array {name} is empty')
    if arrays['format_version'] != FORMAT_VERSION:
        raise _FormatError(
            f'format {arrays["format_version"]}, this program reads {FORMAT_VERSION}'
        )


def _check_vertices(arrays: Arrays) -> None:
    """Hold what there is of every vertex against the mean."""
    count = len(arrays['mean'])
    for name in ('shape_basis', 'expression_basis'):
        if arrays[name].shape[1] != count:
            raise _FormatError(
                f'array {name} has {arrays[name].shape[1]} vertices, mean has {count}'
            )
    for name in ('mirror', 'eye_mask', 'uv', 'colors'):
        if len(arrays[name]) != count:
            raise _FormatError(
                f'array {name} has {len(arrays[name])} rows, mean has {count} vertices'
            )
    for name in _INDICES_OF_VERTICES:
        if arrays[name].min() < 0 or arrays[name].max() >= count:
            raise _FormatError(f'array {name} points outside the {count} vertices')
    for name in ('shape_step', 'expression_step'):
        if not (arrays[name] > 0).all():
            raise _FormatError(f'array {name} holds steps that are not positive')
    eyes_x = arrays['mean'][arrays['eye_mask'], 0]
    if not ((eyes_x > 0).any() and (eyes_x < 0).any()):
        raise _FormatError('eye_mask has no vertices on one side of the face: no eyes to measure')


def _check_landmarks(arrays: Arrays) -> None:
    """Hold the embeddings of landmarks against each other."""
    mirror = arrays['landmarks_468_mirror']
    if not np.array_equal(np.sort(mirror), np.arange(len(mirror))):
        raise _FormatError('array landmarks_468_mirror is no permutation of the 468 landmarks')
    for name in ('landmarks_68_weights', 'landmarks_468_weights'):
        if np.abs(arrays[name].sum(axis=1) - 1).max() > 1e-3:
            raise _FormatError(f'array {name} has rows that do not add up to 1')
