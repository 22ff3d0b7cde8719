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

class Outcome:
    ALIGNED: Outcome
    LOOKS_AWAY: Outcome
    FEW_VALID: Outcome
    OTHER_DEPTH: Outcome
    FEW_INLIERS: Outcome
    FAR_OFF: Outcome
    TURNED: Outcome

class Alignment:
    outcome: Outcome
    value: float
    rotation: np.ndarray
    translation_m: np.ndarray
    centre_m: np.ndarray
    covariance: np.ndarray
    head_scale: float
    scale_sigma: float
    residual_m: float
    valid: float
    inliers: float
    shift_m: np.ndarray

def depth_at(depth: np.ndarray, pixels: np.ndarray) -> np.ndarray: ...
def align(
    points: np.ndarray,
    normals: np.ndarray,
    pixels: np.ndarray,
    rays: np.ndarray,
    rotation: np.ndarray,
    translation: np.ndarray,
    head_scale: float,
    rotation_covariance: np.ndarray,
    focal_length_px: float,
    depth: np.ndarray,
) -> Alignment: ...
