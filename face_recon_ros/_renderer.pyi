# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

from collections.abc import Sequence

import numpy as np

def instruction_sets() -> list[str]: ...

class Renderer:
    required_vertices: int

    def __init__(self, triangles: np.ndarray, threads: int, simd: str) -> None: ...
    def draw(
        self,
        faces: Sequence[tuple[np.ndarray, np.ndarray | None, np.ndarray | None]],
        height: int,
        width: int,
        image: np.ndarray | None,
        depth: np.ndarray | None,
        pncc: np.ndarray | None,
        pncc_codes: np.ndarray | None,
        visibility: np.ndarray | None,
        light: Sequence[float],
        ambient: float,
        diffuse: float,
        specular: float,
        color: Sequence[int],
        opacity: float,
    ) -> None: ...

class Decoder:
    is_symmetric: bool

    def __init__(
        self,
        mean: np.ndarray,
        shape_basis: np.ndarray,
        shape_step: np.ndarray,
        expression_basis: np.ndarray,
        expression_step: np.ndarray,
        simd: str,
    ) -> None: ...
    def decode(
        self,
        camera_matrix: np.ndarray,
        shape: np.ndarray,
        expression: np.ndarray,
        out: np.ndarray | None,
    ) -> np.ndarray: ...
