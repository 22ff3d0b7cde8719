# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The file format of models/face_model.npz: exact contents, exact bytes."""
from __future__ import annotations

import io
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

QUANTA = 32767
ZIP_DATE = (1980, 1, 1, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Quantized:
    """A basis (k,V,3) as int16 times a step (k,) in metres."""

    basis: np.ndarray
    step: np.ndarray

    def decoded(self) -> np.ndarray:
        """Return the basis in metres, float64, as readers see it."""
        return self.basis * self.step.astype(np.float64)[:, None, None]


def quantize(basis: np.ndarray) -> Quantized:
    """Round each vector of a basis (k,V,3) to 16 bits of its own largest value."""
    step = (np.abs(basis).reshape(len(basis), -1).max(axis=1) / QUANTA).astype(np.float32)
    # The float32 step may be smaller than the exact one: stay within 16 bits.
    counts = np.clip(np.rint(basis / step.astype(np.float64)[:, None, None]), -QUANTA, QUANTA)
    return Quantized(counts.astype(np.int16), step)


@dataclass(frozen=True, slots=True)
class QuantizationLoss:
    """Distance between a vertex and its stored displacement, one standard deviation."""

    largest_mm: float
    rms_mm: float


def quantization_loss(basis: np.ndarray, stored: Quantized) -> QuantizationLoss:
    """Compare a basis (k,V,3) in metres with what is stored of it."""
    error_mm = np.linalg.norm(basis - stored.decoded(), axis=2) * 1e3
    return QuantizationLoss(float(error_mm.max()), float(np.sqrt((error_mm ** 2).mean())))


def write_arrays(path: Path, arrays: dict[str, np.ndarray]) -> None:
    """
    Write an uncompressed .npz whose bytes depend on the arrays alone.

    numpy.savez would put the time of day into the archive. The file appears whole or not at all.
    """
    partial = path.with_name(path.name + '.partial')
    with zipfile.ZipFile(partial, 'w', zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.ascontiguousarray(array).reshape(array.shape),
                                      version=(1, 0), allow_pickle=False)
            entry = zipfile.ZipInfo(name + '.npy', ZIP_DATE)
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, buffer.getvalue())
    os.replace(partial, path)
