# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Calibrations in files, as ROS's camera_calibration and camera_info_manager write them (YAML)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from face_recon_ros.calibration import refuse_impossible
from face_recon_ros.camera import Camera
from face_recon_ros.errors import CalibrationError

_LARGEST_FILE_BYTES = 1 << 20
_WANTED = 'wants image_width, image_height, camera_matrix, distortion_coefficients'


def read_camera(path: Path | str) -> Camera:
    """
    Return the camera of a calibration file.

    :raises CalibrationError: no such file, missing or invalid values, or no lens is like that.
    """
    path = Path(path)
    content = _yaml(path)
    if not isinstance(content, dict):
        raise CalibrationError(f'{path}: no calibration of camera_calibration: {_WANTED}')
    try:
        width, height = (_size(content, name) for name in ('image_width', 'image_height'))
        k = _matrix(content, 'camera_matrix')
        if k.size != 9:
            raise CalibrationError(f'camera_matrix holds {k.size} numbers, not 9; calibrate again')
        if k[0] <= 0 or k[4] <= 0:
            raise CalibrationError(
                f'focal length {k[0]:g}, {k[4]:g} px is not positive; calibrate again'
            )
        d = _matrix(content, 'distortion_coefficients', optional=True)
        model = content.get('distortion_model', content.get('camera_model')) or ''
        camera = Camera.from_calibration(width, height, k, d, str(model))
        refuse_impossible(camera)
    except CalibrationError as error:
        raise CalibrationError(f'{path}: {error}') from error
    return camera


def _yaml(path: Path) -> Any:
    try:
        import yaml
    except ImportError as error:
        raise CalibrationError(f'{path}: reading it needs PyYAML: pip install PyYAML') from error
    try:
        with path.open('rb') as file:
            text = file.read(_LARGEST_FILE_BYTES + 1)
        if len(text) > _LARGEST_FILE_BYTES:
            raise CalibrationError(f'{path}: too large for a calibration: {_WANTED}')
        return yaml.safe_load(text)
    except OSError as error:
        raise CalibrationError(f'{path}: {error.strerror or error}') from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = ' '.join(f'{error}'.split()) or type(error).__name__
        raise CalibrationError(f'{path}: no YAML ({reason})') from error


def _size(content: dict, name: str) -> int:
    value = content.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise CalibrationError(f'{name} is {value!r}, wants a number of pixels; {_WANTED}')
    return value


def _matrix(content: dict, name: str, optional: bool = False) -> np.ndarray:
    """Return the numbers of a matrix {rows, cols, data}."""
    matrix = content.get(name)
    if matrix is None and optional:
        return np.zeros(0)
    data = matrix.get('data') if isinstance(matrix, dict) else matrix
    try:
        numbers = np.asarray(data, np.float64).reshape(-1)
    except (TypeError, ValueError):
        numbers = None
    if data is None or numbers is None:
        raise CalibrationError(f'{name} holds no list of numbers; {_WANTED}')
    if not np.isfinite(numbers).all():
        raise CalibrationError(f'{name} holds NaN or infinity; calibrate again')
    return numbers
