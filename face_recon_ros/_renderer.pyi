# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

from collections.abc import Sequence

import numpy as np

def instruction_sets() -> list[str]: ...
def assign(cost: np.ndarray) -> list[tuple[int, int]]: ...

def coarser(triangles: np.ndarray, vertices: np.ndarray, wanted: int) -> np.ndarray: ...
def crop(
    image: np.ndarray,
    image_from_crop: np.ndarray,
    sigma_px: float,
    gain: float,
    out: np.ndarray,
    simd: str = 'auto',
) -> None: ...

class Renderer:
    required_vertices: int

    def __init__(
        self, triangles: np.ndarray, threads: int, simd: str, surface: np.ndarray | None = None
    ) -> None: ...
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

class Alignment:
    outcome: Outcome
    value: float
    rotation: np.ndarray
    translation_m: np.ndarray
    centre_m: np.ndarray
    covariance: np.ndarray
    head_scale: float
    scale_sigma: float
    apparent_scale: float
    turned: bool
    residual_m: float
    valid: float
    inliers: float
    shift_m: np.ndarray
    relief_information: np.ndarray
    relief_vector: np.ndarray

MILLIMETRE_M: float
MISSING_MM: int

def depth_at(depth: np.ndarray, pixels: np.ndarray) -> np.ndarray: ...
def is_flat(
    points: np.ndarray,
    normals: np.ndarray,
    rotation: np.ndarray,
    distance_m: float,
    head_scale: float,
    rays: np.ndarray,
    depth_m: np.ndarray,
) -> bool: ...
def stands_out(
    rays: np.ndarray,
    depth_m: np.ndarray,
    depth: np.ndarray,
    around_px: np.ndarray,
    around_rays: np.ndarray,
) -> bool | None: ...
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
    moves: np.ndarray,
    offsets: np.ndarray,
    noise_factor: float,
) -> Alignment: ...
class Skin:
    def __init__(
        self, mean: np.ndarray, normals: np.ndarray, basis: np.ndarray, shapes: int
    ) -> None: ...
    def place(
        self, fitted_shape: np.ndarray, shape: np.ndarray, expression: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]: ...

def skin_size(
    information: np.ndarray, vector: np.ndarray, looks: float, looks_sigma: float
) -> tuple[float, float]: ...
def without_prior(
    turn: np.ndarray, covariance: np.ndarray, prior: np.ndarray
) -> tuple[np.ndarray, np.ndarray]: ...

class GazeSettings:
    gain: float
    vertical_gain: float
    half_width_px: float
    eye_sigma: float
    noise_width_px: float
    spread_rad: float
    tilt_rad: float
    least_width_px: float
    least_openness: float
    full_openness: float
    least_width_ratio: float
    eye_width_m: float
    most_sine: float

def read_eyes(
    outputs: np.ndarray,
    maps: tuple[np.ndarray, np.ndarray],
    inside: tuple[bool, bool],
    heads: np.ndarray,
    openness_scale: tuple[float, float, float],
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]: ...
def sines_seen(direction: Sequence[float], points: np.ndarray) -> np.ndarray: ...
def gaze_of(
    turns: np.ndarray,
    width_px: np.ndarray,
    openness: np.ndarray,
    corners: np.ndarray,
    rotation: np.ndarray,
    covariance: np.ndarray,
    head_scale: float,
    settings: GazeSettings,
) -> tuple[np.ndarray, np.ndarray | None, float]: ...

class RotationCalibration:
    def __init__(
        self,
        uncertainty_unit: float,
        uncertainty_range: Sequence[float],
        exponents: Sequence[float],
        largest_deg: Sequence[float],
        azimuth_deg: Sequence[float],
        sigma_deg: Sequence[Sequence[float]],
    ) -> None: ...
    def sigma_rad(self, azimuth_rad: float, uncertainty: float) -> list[float]: ...

class PoseSolver:
    def __init__(
        self, mean: np.ndarray, basis: np.ndarray, across_ratio: float, focal_ratio: float
    ) -> None: ...
    def project(
        self, camera_matrix: np.ndarray, shape: np.ndarray, expression: np.ndarray
    ) -> np.ndarray: ...
    def solve(
        self,
        camera_matrix: np.ndarray,
        shape: np.ndarray,
        expression: np.ndarray,
        intrinsics: tuple[float, float, float, float, float],
        directions: np.ndarray | None,
        position_m: Sequence[float],
        calibrated: bool,
        head_scale: float,
        head_sigma: float,
        uncertainty: float,
        calibration: RotationCalibration,
    ) -> tuple[str, np.ndarray, np.ndarray, np.ndarray, np.ndarray, np.ndarray]: ...

class VectorFilter:
    value: np.ndarray | None

    def __init__(self, settings: tuple[float, float, float]) -> None: ...
    def take(self, value: np.ndarray, step_s: float, unit: float) -> np.ndarray: ...

class RotationFilter:
    value: np.ndarray | None

    def __init__(
        self,
        settings: tuple[float, float, float],
        distance: tuple[float, float, float, float, float],
    ) -> None: ...
    def take(self, value: np.ndarray, step_s: float, sigma_rad: float) -> np.ndarray: ...

class FaceFilter:
    def __init__(
        self,
        rotation: tuple[float, float, float],
        position: tuple[float, float, float],
        size: tuple[float, float, float],
        shape: tuple[float, float, float],
        expression: tuple[float, float, float],
        distance: tuple[float, float, float, float, float],
    ) -> None: ...
    def resume(self) -> None: ...
    def place(self) -> tuple[float, np.ndarray, np.ndarray] | None: ...
    def carry(self, scale: float, rotation: np.ndarray, origin: np.ndarray) -> None: ...
    def take(
        self,
        camera_matrix: np.ndarray,
        shape: np.ndarray,
        expression: np.ndarray,
        step_s: float,
        sigma_rad: float,
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]: ...

class NetworkReader:
    def __init__(
        self,
        mean: np.ndarray,
        basis: np.ndarray,
        canthi: tuple[int, int],
        crop_centre_m: Sequence[float],
        crop_side_m: float,
    ) -> None: ...
    def read(
        self, parameters: np.ndarray, points: np.ndarray, image_from_crop: np.ndarray
    ) -> tuple[np.ndarray, float, np.ndarray, np.ndarray, float, float, float]: ...

class StraightReader:
    def __init__(
        self,
        mean: np.ndarray,
        basis: np.ndarray,
        canthi: tuple[int, int],
        crop_centre_m: Sequence[float],
        crop_side_m: float,
        solve: np.ndarray,
        lip_pairs: Sequence[tuple[int, int]],
        lip_distances: tuple[float, float, float],
        pose_mean: np.ndarray,
        pose_basis: np.ndarray,
    ) -> None: ...
    def read(
        self,
        parameters: np.ndarray,
        points: np.ndarray,
        image_from_crop: np.ndarray,
        plane_from_crop: np.ndarray,
        calibrated: bool,
    ) -> tuple[
        tuple[np.ndarray, float, np.ndarray, np.ndarray, float, float, float], np.ndarray
    ]: ...
