# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The dense vertices of a face from its 62 parameters.

Typed Python interface of the C++ decoder (src_cpp/). Bad arguments raise TypeError (not an array,
wrong dtype) or ValueError (shape, layout) with one line that names the argument.
"""

from __future__ import annotations

import numpy as np

from face_recon_ros import _renderer


class Decoder:
    """
    Dense vertices of a linear face model, pose and projection folded in.

    vertices = camera_matrix @ [mean + shape components + expression components; 1].
    """

    def __init__(
        self,
        mean: np.ndarray,
        shape_basis: np.ndarray,
        shape_step: np.ndarray,
        expression_basis: np.ndarray,
        expression_step: np.ndarray,
        *,
        simd: str = 'auto',
    ) -> None:
        """
        Store a model in the layout that decoding reads.

        mean: (V, 3) float32 metres; bases: (components, V, 3) int16, steps: (components,)
        float32: basis * step is the displacement in metres at one standard deviation. simd: see
        Renderer.
        """
        self._decoder = _renderer.Decoder(
            contiguous(mean),
            contiguous(shape_basis),
            contiguous(shape_step),
            contiguous(expression_basis),
            contiguous(expression_step),
            simd,
        )

    @property
    def is_symmetric(self) -> bool:
        """Whether the model is exactly its own mirror image; then one half is stored."""
        return self._decoder.is_symmetric

    def decode(
        self,
        camera_matrix: np.ndarray,
        shape: np.ndarray,
        expression: np.ndarray,
        *,
        out: np.ndarray | None = None,
    ) -> np.ndarray:
        """
        Return vertices (V, 3) float32 in screen coordinates, pixels, written to out if given.

        camera_matrix: (3, 4) weak perspective, metres to pixels; shape, expression: coefficients
        in standard deviations. A coefficient is rounded by at most 1/65534 of the larger movement
        of two components.
        """
        return self._decoder.decode(
            np.ascontiguousarray(camera_matrix, dtype=np.float32),
            np.ascontiguousarray(shape, dtype=np.float32),
            np.ascontiguousarray(expression, dtype=np.float32),
            out,
        )


def contiguous(array: np.ndarray) -> np.ndarray:
    """Copy an array only if it has another memory layout."""
    return np.ascontiguousarray(array) if isinstance(array, np.ndarray) else array
