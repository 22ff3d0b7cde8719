"""
The 3D morphable face model: what the 62 parameters mean, and the fit that finds them.

A face is F = mean + shape . shape_basis + expression . expression_basis in model axes (x
image-right when frontal, y up, z out of the face; metres), and the camera matrix C (3x4) takes it
to pixels: vertex_px = C [F; 1], weak perspective, x right, y down, z towards the viewer.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from face_recon_ros.equality import ComparedByValue
from face_recon_ros.errors import GeometryError
from face_recon_ros.face_model.file import EXPRESSION_COUNT as EXPRESSION_COUNT
from face_recon_ros.face_model.file import FORMAT_VERSION as FORMAT_VERSION
from face_recon_ros.face_model.file import SHAPE_COUNT, read_model
from face_recon_ros.paths import model_file
from face_recon_ros.rendering.renderer import Decoder

DEFAULT_FILE = 'face_model.npz'

# Model axes (y up, z to the viewer) -> screen axes (y down, z to the viewer)
SCREEN_FROM_MODEL_AXES = np.diag([1.0, -1.0, 1.0])

# Face Mesh landmarks on the outer corners of the eyes: their distance is the unit of fit_error
OUTER_CANTHI_468 = (33, 263)

# Facing landmarks of the inner lips (Face Mesh): upper, lower
INNER_LIP_PAIRS_468 = np.array(
    [[80, 88], [81, 178], [82, 87], [13, 14], [312, 317], [311, 402], [310, 318]]
)


@dataclass(slots=True, frozen=True, eq=False)
class FaceParameters(ComparedByValue):
    """The 62 numbers: camera_matrix (3, 4) px, shape (40,) and expression (10,) in SDs."""

    camera_matrix: np.ndarray
    shape: np.ndarray
    expression: np.ndarray

    def vector(self) -> np.ndarray:
        """Return all of them as (62,): camera matrix row by row, shape, expression."""
        return np.concatenate([self.camera_matrix.ravel(), self.shape, self.expression])

    @property
    def scale_px_per_m(self) -> float:
        """The weak-perspective scale."""
        return math.hypot(*self.camera_matrix[0, :3])

    @property
    def model_rotation(self) -> np.ndarray:
        """(3, 3): model axes -> image-right, image-up, towards the viewer."""
        return SCREEN_FROM_MODEL_AXES @ self.camera_matrix[:, :3] / self.scale_px_per_m

    def project(self, points_m: np.ndarray) -> np.ndarray:
        """Take model points (N, 3) in metres to pixels (N, 3)."""
        return points_m @ self.camera_matrix[:, :3].T + self.camera_matrix[:, 3]


def camera_matrix(
    scale_px_per_m: float, rotation: np.ndarray, origin_px: np.ndarray
) -> np.ndarray:
    """Compose C (3, 4) from scale, model rotation (3, 3) and the model origin's pixel (3,)."""
    linear = scale_px_per_m * SCREEN_FROM_MODEL_AXES @ rotation
    return np.column_stack([linear, origin_px])


@dataclass(slots=True, frozen=True, eq=False)
class SparseModel(ComparedByValue):
    """The model at N landmarks: mean (N, 3) and basis (N, 3, 50), contiguous, metres."""

    mean: np.ndarray
    basis: np.ndarray

    @classmethod
    def of(cls, mean: np.ndarray, bases: list[np.ndarray]) -> SparseModel:
        """Return the model of a mean and bases (N, 3, K) one after the other."""
        return cls(mean, np.ascontiguousarray(np.concatenate(bases, axis=2)))

    def points(self, parameters: FaceParameters) -> np.ndarray:
        """Return the landmarks (N, 3) in model axes, metres, before the camera matrix."""
        return self.points_of(np.concatenate([parameters.shape, parameters.expression]))

    def points_of(self, coefficients: np.ndarray) -> np.ndarray:
        """Return the landmarks (N, 3) in model axes, metres, of coefficients (50,)."""
        flat = self.basis.reshape(-1, len(coefficients))
        return self.mean + (flat @ coefficients).reshape(-1, 3)

    def points_px(self, parameters: FaceParameters) -> np.ndarray:
        """Return the landmarks (N, 3) in pixels, z towards the viewer."""
        return parameters.project(self.points(parameters))


class FaceModel:
    """The model file, decoded as far as each user of it needs."""

    def __init__(self, path: str | Path | None = None) -> None:
        """
        Read a model file (models/README.md says how it was made).

        :raises ModelFileError: see face_model_file.read_model.
        """
        self.path = Path(path) if path else model_file(DEFAULT_FILE)
        self._arrays = arrays = read_model(self.path)
        self.mean: np.ndarray = arrays['mean']
        self.triangles: np.ndarray = arrays['triangles']
        self.colors: np.ndarray = arrays['colors']
        self.uv: np.ndarray = arrays['uv']
        self.mirror: np.ndarray = arrays['mirror']
        self.eye_mask: np.ndarray = arrays['eye_mask']
        self.landmarks_468_mirror: np.ndarray = arrays['landmarks_468_mirror']
        self.landmarks_68 = self._sparse('landmarks_68')
        self.landmarks_468 = self._sparse('landmarks_468')

    @classmethod
    def load(cls, path: str | Path | None = None) -> FaceModel:
        """Read a model file; the shipped one by default."""
        return cls(path)

    def _sparse(self, name: str) -> SparseModel:
        """Carry mean and bases over to embedded landmarks (barycentric, plus offset if any)."""
        vertices = self._arrays[f'{name}_vertices']
        weights = self._arrays[f'{name}_weights'].astype(np.float64)
        mean = np.einsum('lc,lcx->lx', weights, self.mean[vertices].astype(np.float64))
        mean += self._arrays.get(f'{name}_offset', 0.0)
        basis = []
        for kind in ('shape', 'expression'):
            rows = self._arrays[f'{kind}_basis'][:, vertices].astype(np.float64)
            rows *= self._arrays[f'{kind}_step'].astype(np.float64)[:, None, None, None]
            basis.append(np.einsum('lc,klcx->lxk', weights, rows))
        return SparseModel.of(mean, basis)

    def vertices(self, indices: np.ndarray) -> SparseModel:
        """Return the model at some of the dense vertices (N,) int."""
        bases = [
            (self._arrays[f'{kind}_basis'][:, indices]
             * self._arrays[f'{kind}_step'].astype(np.float64)[:, None, None]).transpose(1, 2, 0)
            for kind in ('shape', 'expression')
        ]
        return SparseModel.of(self.mean[indices].astype(np.float64), bases)

    def coefficient_mirror_signs(self) -> np.ndarray:
        """Return what to multiply the 50 coefficients by for the mirror image's: 1 or -1 each."""
        basis = self.landmarks_468.basis
        mirrored = basis[self.landmarks_468_mirror] * np.array([-1.0, 1.0, 1.0])[:, None]
        return np.sign(np.einsum('nxk,nxk->k', mirrored, basis))

    @cached_property
    def decoder(self) -> Decoder:
        """The dense decoder, made on first use: its bases are most of the file."""
        a = self._arrays
        return Decoder(
            a['mean'],
            a['shape_basis'],
            a['shape_step'],
            a['expression_basis'],
            a['expression_step'],
        )

    def dense_px(self, parameters: FaceParameters) -> np.ndarray:
        """Return all vertices (V, 3) float32 in pixels, z towards the viewer."""
        return self.decoder.decode(
            parameters.camera_matrix, parameters.shape, parameters.expression
        )

    def landmarks_68_px(self, parameters: FaceParameters) -> np.ndarray:
        """Return the iBUG-68 landmarks (68, 3) in pixels, z towards the viewer."""
        return self.landmarks_68.points_px(parameters)

    def embed_68(self, vertices: np.ndarray) -> np.ndarray:
        """Return the iBUG-68 landmarks (68, C) of values at all vertices (V, C)."""
        corners = vertices[self._arrays['landmarks_68_vertices']]
        return np.einsum('lc,lcx->lx', self._arrays['landmarks_68_weights'], corners)

    @property
    def interpupillary_distance_m(self) -> float:
        """Distance between the centres of the mean's two eyeballs."""
        eyes = self.mean[self.eye_mask].astype(np.float64)
        left, right = eyes[eyes[:, 0] > 0].mean(axis=0), eyes[eyes[:, 0] < 0].mean(axis=0)
        return float(np.linalg.norm(left - right))


@dataclass(slots=True, frozen=True)
class Fit:
    """The parameters of a face and how badly they explain its landmarks.

    error: mean distance between the 468 landmarks and the fitted model's, as a fraction of the
    distance between the outer eye corners.
    """

    parameters: FaceParameters
    error: float


class LandmarkFitter:
    """
    Finds the 62 parameters from Face Mesh's 468 landmarks in closed form.

    One Procrustes alignment of the mean (Umeyama 1991), one matrix-vector product for the 50
    coefficients (ridge regression towards the mean), one Procrustes alignment of the result. That
    one round suffices because the bases hold no similarity motion of the landmarks
    (docs/face_model.md, gauge).
    """

    # Ridge in square metres per landmark; ten times more visibly over-smooths.
    RIDGE_M2 = 3e-8
    # Face Mesh leaves a gap of this part of the outer-canthal distance between closed lips; gaps
    # from the second on are taken as they are.
    CLOSED_LIP_GAP, OPEN_LIP_GAP = 0.02, 0.05
    # Weight of the gap between facing inner-lip landmarks relative to a landmark's position:
    # what closes closed lips.
    LIP_GAP_WEIGHT = 10.0

    def __init__(self, model: FaceModel) -> None:
        """Solve (50, 1404) gives the coefficients of landmarks in model axes less the mean's."""
        self._sparse = model.landmarks_468
        count = len(self._sparse.mean)
        coefficients = self._sparse.basis.shape[2]
        basis = self._basis = self._sparse.basis.reshape(-1, coefficients)
        upper, lower = INNER_LIP_PAIRS_468.T
        gap_basis = self._sparse.basis[upper] - self._sparse.basis[lower]
        gap_rows = gap_basis.reshape(-1, coefficients)
        normal = basis.T @ basis + self.LIP_GAP_WEIGHT * gap_rows.T @ gap_rows
        normal += self.RIDGE_M2 * count * np.eye(coefficients)
        # The gap rows act on differences of the same landmarks: fold them into one matrix.
        folded = self._sparse.basis.copy()
        folded[upper] += self.LIP_GAP_WEIGHT * gap_basis
        folded[lower] -= self.LIP_GAP_WEIGHT * gap_basis
        self.solve = np.linalg.solve(normal, folded.reshape(-1, coefficients).T)

    def fit(self, landmarks_px: np.ndarray, start: FaceParameters | None = None) -> Fit:
        """
        Fit landmarks (468, 3) in pixels, x right, y down, z towards the viewer.

        :param start: whose shape and expression to align first; the mean's by default
        """
        target = self._with_closed_lips(landmarks_px) @ SCREEN_FROM_MODEL_AXES
        points = self._sparse.points(start) if start else self._sparse.mean
        scale, rotation, translation = similarity(points, target)
        unposed = (target - translation) @ rotation / scale
        coefficients = self.solve @ (unposed - self._sparse.mean).ravel()
        points = self._sparse.mean + (self._basis @ coefficients).reshape(-1, 3)
        scale, rotation, translation = similarity(points, target)
        residual = points @ (scale * rotation).T + (translation - target)
        canthi = np.linalg.norm(points[OUTER_CANTHI_468[0]] - points[OUTER_CANTHI_468[1]]) * scale
        distances = np.sqrt(np.einsum('ij,ij->i', residual, residual))
        error = float(distances.mean() / canthi)
        matrix = camera_matrix(scale, rotation, SCREEN_FROM_MODEL_AXES @ translation)
        shape, expression = np.split(coefficients, [SHAPE_COUNT])
        return Fit(FaceParameters(matrix, shape, expression), error)


    def _with_closed_lips(self, landmarks_px: np.ndarray) -> np.ndarray:
        """Return the landmarks with the inner lips together where they are all but closed."""
        upper, lower = INNER_LIP_PAIRS_468.T
        gaps = landmarks_px[upper] - landmarks_px[lower]
        canthi = landmarks_px[OUTER_CANTHI_468[0]] - landmarks_px[OUTER_CANTHI_468[1]]
        width = np.linalg.norm(canthi)
        if not width > 0:
            return landmarks_px
        gap = np.linalg.norm(gaps, axis=1).mean() / width
        openness = (gap - self.CLOSED_LIP_GAP) / (self.OPEN_LIP_GAP - self.CLOSED_LIP_GAP)
        if openness >= 1:
            return landmarks_px
        closing = (1 - max(openness, 0.0)) / 2 * gaps
        closed = landmarks_px.copy()
        closed[upper] -= closing
        closed[lower] += closing
        return closed


# Points are in one place, or on one line, where their spread relative to their size is below this
LEAST_SPREAD = 1e-9


def similarity(source: np.ndarray, target: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    """
    Return scale, rotation (3, 3), translation (3,) with target ~ scale * rotation @ source + t.

    Least squares over points (N, 3), proper rotation; Umeyama 1991.

    :raises GeometryError: the points are not finite, or in one place or line: no rotation follows.
    """
    count = len(source)
    mean = np.full(count, 1 / count)
    source_mean, target_mean = mean @ source, mean @ target
    centred = source - source_mean
    # centring one side is enough for the covariance
    covariance = target.T @ centred
    if not np.isfinite(covariance).all():
        raise GeometryError('landmarks are NaN or infinite; no pose follows')
    u, singular, vt = np.linalg.svd(covariance)
    if singular[1] <= LEAST_SPREAD * np.linalg.norm(target) * np.linalg.norm(centred):
        raise GeometryError('landmarks are in one place or on one line; no pose follows')
    rotation = u @ vt
    if np.linalg.det(rotation) < 0:
        u[:, 2] = -u[:, 2]
        singular[2] = -singular[2]
        rotation = u @ vt
    scale = float(singular.sum() / np.vdot(centred, centred))
    return scale, rotation, target_mean - scale * rotation @ source_mean
