# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Images that OpenCV cannot decode (HEIC, AVIF, ...), through Pillow where that is installed."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np


def decode_with_pillow(data: bytes) -> np.ndarray | None:
    """Decode an image file to (H, W, 3) uint8 BGR, as its orientation says; None: impossible."""
    image = _module('PIL.Image')
    if image is None:
        return None
    try:
        with _without_remarks(), image.open(io.BytesIO(data)) as opened:
            upright = import_module('PIL.ImageOps').exif_transpose(opened) or opened
            rgb = np.asarray(upright.convert('RGB'))
    except Exception:  # plugins raise anything; OpenCV has refused the file before
        return None
    return np.ascontiguousarray(rgb[..., ::-1])


def pillow_knows(path: Path) -> bool:
    """Tell whether Pillow is there and knows the format of a file."""
    image = _module('PIL.Image')
    if image is None:
        return False
    try:
        with _without_remarks(), image.open(path):
            return True
    except Exception:  # as above
        return False


@contextmanager
def _without_remarks() -> Iterator[None]:
    """Keep Pillow's warnings of damaged tags off the terminal: what is wrong is said once."""
    with warnings.catch_warnings():
        warnings.simplefilter('ignore')
        yield


def _module(name: str) -> Any:
    """Return a module of Pillow with HEIC, if pillow-heif is there too; None: no Pillow."""
    try:
        module = import_module(name)
    except ImportError:
        return None
    with suppress(ImportError):
        import_module('pillow_heif').register_heif_opener()
    return module
