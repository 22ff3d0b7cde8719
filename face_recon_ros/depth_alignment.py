# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
A face's pose against a depth image: true distance, true size, a truer rotation.

One image leaves distance and size of a head undecided (a small head nearby looks as a large one
far away), and how far it nods is the least certain of its angles. The depth measured on its skin
settles all three.

Points of the model's skin are looked up in the depth image at the pixels where the colour image's
fit shows them. Gauss-Newton steps on point-to-plane distances (Chen and Medioni 1991) then find
rotation, distance and size; what the colour image knows enters as a prior: the rotation with its
covariance, the apparent size, and the size of the person's head. Tukey's biweight leaves out hair,
hands, glasses and walls.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from face_recon_ros.camera import Camera
from face_recon_ros.depth_image import DepthImage, noise_m
from face_recon_ros.equality import ComparedByValue
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.pose import MetricPose
from face_recon_ros.rotations import MODEL_FROM_FACE, rotation_matrix, rotation_to

# The skin that is looked at, on the mean in metres: what faces forward between brows and chin, by
# so much beside the eyes' openings
LEAST_FORWARD, SKIN_X_M, SKIN_Y_M = 0.3, 0.06, (-0.085, 0.05)
EYE_MARGIN_M = 0.004
# One point of the skin a cell of this size
CELL_M = 0.007
# A surface that the camera sees at a flatter angle is not looked up: cosine
LEAST_FACING = 0.4
# Depths of skin of one face lie within so much of the predicted ones, once the distance is right
REACH_M = 0.035
# The face may be nearer or further than one image says by these factors
LEAST_RATIO, MOST_RATIO = 0.4, 2.5
# How well the model's relief is that of a person, root mean square, and how many independent
# measurements of it a face is at most: errors of neighbouring points are alike
RELIEF_SIGMA_M, INDEPENDENT_COUNT = 0.002, 12
# Prior of the apparent size (relative), and of how far the depth image may be shifted sideways
# against the colour image (px): bad registration, or a head that moved in between
APPARENT_SIZE_SIGMA, SHIFT_SIGMA_PX = 0.015, 3.0
# Prior of the head's size relative to the one assumed: children, and a guessed focal length
HEAD_SIGMA = 0.3
ROUNDS = 4
# Less is no measurement of a face
LEAST_COUNT, LEAST_VALID, LEAST_INLIERS, MOST_RESIDUAL_M = 40, 0.12, 0.5, 0.007
# A rotation that leaves its prior by so many sigmas is a wall, a hand or another head
MOST_SIGMAS = 4.0


@dataclass(slots=True, frozen=True, eq=False)
class Aligned(ComparedByValue):
    """
    A face after its depth was measured.

    pose: metric, camera frame. covariance (6, 6): as pipeline.Face's. head_scale, and its relative
    standard deviation scale_sigma. residual_m: root mean square distance from the measured
    surface, of the points that count. valid, inliers: parts 0..1 of the points with a measurement,
    and of those with one that agree. shift_m (2,): how far the depth image seems to be shifted
    against the colour image, to the right and down, at the face.
    """

    pose: MetricPose
    covariance: np.ndarray
    head_scale: float
    scale_sigma: float
    residual_m: float
    valid: float
    inliers: float
    shift_m: np.ndarray


@dataclass(slots=True, frozen=True)
class Refused:
    """Why a depth image is not used for a face; `reason` is one line."""

    reason: str


class DepthAligner:
    """Holds the points of the model's skin, and aligns faces to depth images with them."""

    def __init__(self, model: FaceModel) -> None:
        indices, normals = skin_points(model)
        self._points = model.vertices(indices)
        self._normals = normals

    def __call__(
        self,
        parameters: FaceParameters,
        pose: MetricPose,
        covariance: np.ndarray,
        head_scale: float,
        camera: Camera,
        depth: DepthImage,
    ) -> Aligned | Refused:
        """
        Align a face.

        :param pose: of one image, with head_scale; covariance (6, 6): of it
        :param depth: registered to the image: of its size, seen from its camera
        """
        points = self._points.points(parameters)
        optical_from_model = pose.rotation @ MODEL_FROM_FACE.T
        pixels = parameters.project(points)[:, :2]
        rays = camera.rays(pixels)
        facing = -np.einsum('nx,nx->n', self._normals @ optical_from_model.T, rays)
        seen = facing > LEAST_FACING * np.linalg.norm(rays, axis=1)
        if seen.sum() < LEAST_COUNT:
            return Refused('the face looks away')
        predicted_m = head_scale * points @ optical_from_model[2] + pose.translation_m[2]
        measured_m = depth.at(pixels)
        usable = seen & np.isfinite(measured_m) & (predicted_m > 0)
        valid = usable.sum() / seen.sum()
        if usable.sum() < LEAST_COUNT or valid < LEAST_VALID:
            return Refused(f'{100 * valid:.0f} % of the face has a measured depth')
        ratio = _common_ratio(measured_m[usable], predicted_m[usable])
        if ratio is None:
            return Refused('the measured depth is not that of a face there')
        problem = _Problem(
            points[usable],
            self._normals[usable],
            rays[usable] * measured_m[usable, None],
            optical_from_model,
            pose.translation_m,
            head_scale,
            covariance,
            SHIFT_SIGMA_PX / camera.fx,
        )
        return problem.solve(ratio, float(valid))


class _Problem:
    """
    One face's least squares.

    Unknowns (7,): rotation (3,) rad about the optical axes through the middle of the points,
    shift (2,) m of the measured surface across the ray, logarithms of distance and of head size,
    both relative to one image's.
    """

    def __init__(
        self,
        points_m: np.ndarray,
        normals: np.ndarray,
        measured_m: np.ndarray,
        optical_from_model: np.ndarray,
        translation_m: np.ndarray,
        head_scale: float,
        covariance: np.ndarray,
        shift_sigma: float,
    ) -> None:
        self._middle = points_m.mean(axis=0)
        self._points = points_m - self._middle
        self._normals = normals
        self._measured = measured_m
        self._rotation0 = optical_from_model
        self._scale0 = head_scale
        self._origin0 = translation_m
        self._centre0 = translation_m + head_scale * optical_from_model @ self._middle
        self._across = rotation_to(self._centre0)[:, :2]
        self._distance0 = float(np.linalg.norm(self._centre0))
        self._ray = self._centre0 / self._distance0
        self._rotation_information = np.linalg.inv(covariance[3:, 3:])
        self._shift_sigma = shift_sigma
        self._variance = noise_m(measured_m[:, 2]) ** 2 + RELIEF_SIGMA_M**2

    def _prior(self, distance_ratio: float) -> np.ndarray:
        """Return the information (7, 7) of what is known without depth."""
        information = np.zeros((7, 7))
        information[:3, :3] = self._rotation_information
        shift_sigma_m = self._shift_sigma * self._distance0 * distance_ratio
        information[3, 3] = information[4, 4] = shift_sigma_m**-2
        # distance / size is what the image shows
        information[5:, 5:] += APPARENT_SIZE_SIGMA**-2 * np.array([[1.0, -1.0], [-1.0, 1.0]])
        information[6, 6] += HEAD_SIGMA**-2
        return information

    def solve(self, ratio: float, valid: float) -> Aligned | Refused:
        """Return the pose; `ratio`: of the true distance to one image's, about."""
        state = np.zeros(7)
        state[5] = state[6] = math.log(ratio)
        weights = np.ones(len(self._points))
        for _ in range(ROUNDS):
            residual, rows = self._residual(state)
            weights = _biweight(residual, self._variance)
            information, gradient = self._normal_equations(state, residual, rows, weights)
            state = state - np.linalg.solve(information, gradient)
            if not np.isfinite(state).all() or not abs(state[5]) < math.log(2 * MOST_RATIO):
                return Refused('the measured depth is not that of a face there')
        residual, rows = self._residual(state)
        weights = _biweight(residual, self._variance)
        inliers = float((weights > 0).mean())
        residual_m = math.sqrt(np.average(residual**2, weights=np.maximum(weights, 1e-9)))
        if inliers < LEAST_INLIERS:
            return Refused(f'{100 * inliers:.0f} % of the measured depth fits the face')
        if residual_m > MOST_RESIDUAL_M + noise_m(float(np.median(self._measured[:, 2]))):
            return Refused(f'the measured surface is {1000 * residual_m:.0f} mm off the face')
        turned = math.sqrt(state[:3] @ self._rotation_information @ state[:3])
        if turned > MOST_SIGMAS:
            return Refused('the measured surface is turned otherwise than the face')
        information, _ = self._normal_equations(state, residual, rows, weights)
        return self._aligned(state, np.linalg.inv(information), residual_m, valid, inliers)

    def _residual(self, state: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return the distances (N,) m from the measured surface, and their derivatives (N, 7)."""
        rotation = rotation_matrix(state[:3]) @ self._rotation0
        scale = self._scale0 * math.exp(state[6])
        centre = self._ray * self._distance0 * math.exp(state[5])
        arms = scale * self._points @ rotation.T
        normals = self._normals @ rotation.T
        off = arms + centre + self._across @ state[3:5] - self._measured
        residual = np.einsum('nx,nx->n', normals, off)
        rows = np.empty((len(residual), 7))
        # the plane's normal turns with the face: d(n . off) = (w x n) . off + n . (w x arm)
        rows[:, :3] = np.cross(arms - off, normals)
        rows[:, 3:5] = normals @ self._across
        rows[:, 5] = normals @ centre
        rows[:, 6] = np.einsum('nx,nx->n', normals, arms)
        return residual, rows

    def _normal_equations(
        self, state: np.ndarray, residual: np.ndarray, rows: np.ndarray, weights: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        # so many points measure no more than INDEPENDENT_COUNT independent ones
        share = min(1.0, INDEPENDENT_COUNT / max(weights.sum(), 1.0))
        information = share * weights / self._variance
        prior = self._prior(math.exp(state[5]))
        weighted = rows * information[:, None]
        return weighted.T @ rows + prior, weighted.T @ residual + prior @ state

    def _aligned(
        self,
        state: np.ndarray,
        covariance: np.ndarray,
        residual_m: float,
        valid: float,
        inliers: float,
    ) -> Aligned:
        rotation = rotation_matrix(state[:3]) @ self._rotation0
        scale = self._scale0 * math.exp(state[6])
        centre = self._ray * self._distance0 * math.exp(state[5])
        origin = centre - scale * rotation @ self._middle
        # position across the ray stays the colour image's: its own error, as a part of distance
        spread = np.zeros((6, 6))
        # the origin itself is relief: how deep this person's sellion lies is the model's guess
        variance = covariance[5, 5] * (centre @ centre) + RELIEF_SIGMA_M**2
        along = np.outer(self._ray, self._ray) * variance
        lever = scale * _cross_matrix(rotation @ self._middle)
        spread[3:, 3:] = covariance[:3, :3]
        spread[:3, :3] = along + lever @ covariance[:3, :3] @ lever.T
        spread[:3, 3:] = lever @ covariance[:3, :3]
        spread[3:, :3] = spread[:3, 3:].T
        return Aligned(
            MetricPose(rotation @ MODEL_FROM_FACE, origin),
            spread,
            scale,
            math.sqrt(covariance[6, 6]),
            residual_m,
            valid,
            inliers,
            state[3:5].copy(),
        )


def _cross_matrix(vector: np.ndarray) -> np.ndarray:
    x, y, z = vector
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def _biweight(residual: np.ndarray, variance: np.ndarray) -> np.ndarray:
    """Return Tukey's biweight (N,) 0..1 of distances; their own spread widens it, to a limit."""
    spread = 1.4826 * float(np.median(np.abs(residual)))
    limit = 4.0 * np.maximum(np.sqrt(variance), min(spread, REACH_M / 4))
    part = np.minimum((residual / limit) ** 2, 1.0)
    return (1 - part) ** 2


def _common_ratio(measured_m: np.ndarray, predicted_m: np.ndarray) -> float | None:
    """
    Return measured over predicted distance of the nearest large group of points; None: no group.

    Each point votes; a face's points agree to within its relief, where a wall or a hand agree
    among themselves elsewhere.
    """
    votes = np.sort(measured_m / predicted_m)
    votes = votes[(votes > LEAST_RATIO) & (votes < MOST_RATIO)]
    if len(votes) < LEAST_COUNT:
        return None
    reach = max(REACH_M, 2 * noise_m(float(np.median(measured_m)))) / float(np.median(predicted_m))
    first = np.searchsorted(votes, votes - reach * votes, 'left')
    last = np.searchsorted(votes, votes + reach * votes, 'right')
    counts = last - first
    best = int(np.flatnonzero(counts >= 0.8 * counts.max())[0])
    if counts[best] < LEAST_INLIERS * len(measured_m):
        return None
    best = int(np.argmax(np.where(votes <= votes[best] * (1 + reach), counts, 0)))
    return float(np.median(votes[first[best] : last[best]]))


def skin_points(model: FaceModel) -> tuple[np.ndarray, np.ndarray]:
    """Return vertices (N,) of the model's skin that depth is compared at, and normals (N, 3)."""
    mean = model.mean.astype(np.float64)
    normals = vertex_normals(mean, model.triangles)
    low, high = SKIN_Y_M
    skin = (normals[:, 2] > LEAST_FORWARD) & (np.abs(mean[:, 0]) < SKIN_X_M)
    skin &= (mean[:, 1] > low) & (mean[:, 1] < high)
    skin[model.eye_mask] = False
    skin &= _front_most(mean)
    eyes = mean[model.eye_mask][:, :2]
    candidates = np.flatnonzero(skin)
    # on a grid seen from in front, one vertex a cell
    cells = np.floor(mean[candidates, :2] / CELL_M).astype(np.int64)
    _, first = np.unique(cells, axis=0, return_index=True)
    chosen = candidates[np.sort(first)]
    if len(eyes):
        gap = np.linalg.norm(mean[chosen, None, :2] - eyes[None], axis=2).min(axis=1)
        chosen = chosen[gap > EYE_MARGIN_M]
    return chosen, normals[chosen]


def _front_most(mean: np.ndarray) -> np.ndarray:
    """Tell (V,) which vertices nothing of the face lies before, as seen from in front."""
    size_m = 0.002
    columns = np.floor((mean[:, :2] - mean[:, :2].min(axis=0)) / size_m).astype(np.int64)
    flat = columns[:, 0] * (columns[:, 1].max() + 1) + columns[:, 1]
    front = np.full(flat.max() + 1, -np.inf)
    np.maximum.at(front, flat, mean[:, 2])
    return np.asarray(mean[:, 2] > front[flat] - 2 * size_m)


def vertex_normals(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return the unit normals (V, 3) of a mesh, out of its front."""
    a, b, c = (points[triangles[:, k]] for k in range(3))
    faces = np.cross(b - a, c - a)
    sums = np.column_stack([
        sum(np.bincount(triangles[:, k], faces[:, axis], len(points)) for k in range(3))
        for axis in range(3)
    ])
    return np.asarray(sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), 1e-12))
