# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The alignment of a face to a depth image in plain NumPy, to hold the C++ one against.

It shares no code with it, and its constants are written out again.
"""

import math

import numpy as np

from face_recon_ros.rotations import rotation_matrix, rotation_to

NOISE_M, NOISE_PER_M = 0.002, 0.003
EDGE_M, EDGE_NOISES = 0.012, 4.0
LEAST_FACING = 0.4
REACH_M = 0.035
LEAST_RATIO, MOST_RATIO = 0.4, 2.5
RELIEF_SIGMA_M, INDEPENDENT_COUNT = 0.002, 12
UNMODELLED_SIGMA_M = 0.003
APPARENT_SIZE_SIGMA, SHIFT_SIGMA_PX = 0.1, 3.0
HEAD_SIGMA, SIZE_DOUBT = 0.3, 0.4
ROUNDS = 4
LEAST_COUNT, LEAST_VALID, LEAST_INLIERS, MOST_RESIDUAL_M = 40, 0.12, 0.5, 0.007
MOST_SIGMAS, MOST_SHIFT_PX, MOST_TURN_RAD = 3.0, 3.5, 0.26


def align(points, normals, pixels, rays, rotation, translation_m, head_scale,
          rotation_covariance, focal_length_px, depth, moves, offsets, noise_factor):
    """Return the name of the outcome and, where it is ALIGNED, the values by their names."""
    facing = -np.einsum('nx,nx->n', normals @ rotation.T, rays)
    with np.errstate(invalid='ignore'):
        seen = facing > LEAST_FACING * np.linalg.norm(rays, axis=1)
    if seen.sum() < LEAST_COUNT:
        return 'LOOKS_AWAY', {}
    predicted_m = head_scale * points @ rotation[2] + translation_m[2]
    measured_m = depth_at(depth, pixels)
    usable = seen & np.isfinite(measured_m) & (predicted_m > 0)
    valid = usable.sum() / seen.sum()
    if usable.sum() < LEAST_COUNT or valid < LEAST_VALID:
        return 'FEW_VALID', {}
    ratio = common_ratio(measured_m[usable], predicted_m[usable])
    if ratio is None:
        return 'OTHER_DEPTH', {}
    problem = Problem(
        points[usable], normals[usable], rays[usable] * measured_m[usable, None], rotation,
        translation_m, head_scale, rotation_covariance, SHIFT_SIGMA_PX / focal_length_px,
        moves[usable], offsets[usable], noise_factor)
    return problem.solve(ratio, float(valid))


def noise_m(depth_m):
    return NOISE_M + NOISE_PER_M * depth_m**2


def depth_at(values, pixels):
    """Return the depths (N,) m at pixels (N, 2); NaN where none is, at edges, and outside."""
    unit_m = 0.001 if values.dtype == np.uint16 else 1.0
    height, width = values.shape
    # beyond any image, and NaN: outside
    corner = np.floor(np.nan_to_num(np.clip(pixels, -2.0, 1e6), nan=-2.0)).astype(np.int64)
    x, y = corner.T
    inside = (x >= 0) & (y >= 0) & (x < width - 1) & (y < height - 1)
    x, y = np.where(inside, x, 0), np.where(inside, y, 0)
    four = np.stack(
        [values[y, x], values[y, x + 1], values[y + 1, x], values[y + 1, x + 1]]
    ) * np.float64(unit_m)
    four[~((four > 0) & np.isfinite(four))] = np.nan
    known = np.isfinite(four).sum(axis=0)
    inside &= known >= 3
    four = four[:, inside]
    low, high = np.nanmin(four, axis=0), np.nanmax(four, axis=0)
    result = np.full(len(pixels), np.nan)
    result[inside] = np.where(
        high - low <= np.maximum(EDGE_M, EDGE_NOISES * noise_m(low)),
        np.nanmean(four, axis=0),
        np.nan,
    )
    return result


class Problem:
    """
    One face's least squares.

    Unknowns (7,): rotation (3,) rad about the optical axes through the middle of the points,
    shift (2,) m of the measured surface across the ray, logarithms of distance and of head size,
    both relative to one image's.
    """

    def __init__(self, points_m, normals, measured_m, optical_from_model, translation_m,
                 head_scale, covariance, shift_sigma, moves, offsets, noise_factor):
        self._middle = points_m.mean(axis=0)
        self._points = points_m - self._middle
        self._normals = normals
        self._measured = measured_m
        self._rotation0 = optical_from_model
        self._scale0 = head_scale
        self._centre0 = translation_m + head_scale * optical_from_model @ self._middle
        self._across = rotation_to(self._centre0)[:, :2]
        self._distance0 = float(np.linalg.norm(self._centre0))
        self._ray = self._centre0 / self._distance0
        self._rotation_information = np.linalg.inv(covariance)
        self._shift_sigma = shift_sigma
        self._moves, self._offsets = moves.astype(np.float64), offsets
        self._noise_factor = noise_factor
        self._variance = noise_m(measured_m[:, 2]) ** 2 + RELIEF_SIGMA_M**2

    def _prior(self, distance_ratio):
        """Return the information (7, 7) of what is known without depth."""
        information = np.zeros((7, 7))
        information[:3, :3] = self._rotation_information
        shift_sigma_m = self._shift_sigma * self._distance0 * distance_ratio
        information[3, 3] = information[4, 4] = shift_sigma_m**-2
        # distance / size is what the image shows
        information[5:, 5:] += APPARENT_SIZE_SIGMA**-2 * np.array([[1.0, -1.0], [-1.0, 1.0]])
        information[6, 6] += HEAD_SIGMA**-2
        return information

    def solve(self, ratio, valid, known_rotation=False):
        """Return the pose; `ratio`: of the true distance to one image's, about."""
        state = np.zeros(7)
        state[5] = state[6] = math.log(ratio)
        weights = np.ones(len(self._points))
        for _ in range(ROUNDS):
            residual, rows = self._residual(state)
            weights = biweight(residual, self._variance)
            information, gradient = self._normal_equations(state, residual, rows, weights)
            state = state - np.linalg.solve(information, gradient)
            if not np.isfinite(state).all() or not abs(state[5]) < math.log(2 * MOST_RATIO):
                return 'OTHER_DEPTH', {}
        residual, rows = self._residual(state)
        weights = biweight(residual, self._variance)
        inliers = float((weights > 0).mean())
        residual_m = math.sqrt(np.average(residual**2, weights=np.maximum(weights, 1e-9)))
        if inliers < LEAST_INLIERS:
            return 'FEW_INLIERS', {}
        if residual_m > MOST_RESIDUAL_M + noise_m(float(np.median(self._measured[:, 2]))):
            return 'FAR_OFF', {}
        information, _ = self._normal_equations(state, residual, rows, weights)
        covariance = np.linalg.inv(information)
        name, values = self._aligned(state, covariance, residual_m, valid, inliers)
        values |= self._relief(state, residual, rows, weights, values['head_scale'])
        apart = np.linalg.inv(self._rotation_information) - covariance[:3, :3]
        turned = state[:3] @ np.linalg.solve(apart, state[:3]) > MOST_SIGMAS**2
        pixel_m = self._shift_sigma / SHIFT_SIGMA_PX * self._distance0 * math.exp(state[5])
        turned |= np.linalg.norm(state[:3]) > MOST_TURN_RAD
        turned |= np.hypot(*state[3:5]) > MOST_SHIFT_PX * pixel_m
        if not known_rotation and turned:
            of_image = self._rotation_information
            self._rotation_information = 1e8 * of_image
            name, values = self.solve(ratio, valid, known_rotation=True)
            if values:
                values['covariance'][3:, 3:] = np.linalg.inv(of_image)
                values |= {
                    'turned': True,
                    'relief_information': np.zeros((0, 0)),
                    'relief_vector': np.zeros(0),
                }
        return name, values

    def _residual(self, state):
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

    def _normal_equations(self, state, residual, rows, weights):
        # so many points measure no more than INDEPENDENT_COUNT independent ones
        share = min(1.0, INDEPENDENT_COUNT / max(weights.sum(), 1.0))
        information = share * weights / self._variance
        prior = self._prior(math.exp(state[5]))
        weighted = rows * information[:, None]
        return weighted.T @ rows + prior, weighted.T @ residual + prior @ state

    def _relief(self, state, residual, rows, weights, scale):
        """Return the normal equations of size and relief; the place is free but for its prior."""
        rows = np.column_stack([rows, scale * self._moves])
        scatter = 1.4826 * np.median(np.abs(residual))
        noise = np.minimum(noise_m(self._measured[:, 2]), scatter) ** 2 * self._noise_factor
        residual = residual - scale * self._offsets
        weighted = rows * (weights / (noise + UNMODELLED_SIGMA_M**2))[:, None]
        information, vector = weighted.T @ rows, -weighted.T @ residual
        prior = self._prior(math.exp(state[5]))[:5, :5]
        information[:5, :5] += prior
        vector[:5] -= prior @ state[:5]
        of_place = information[6:, :6] @ np.linalg.inv(information[:6, :6])
        return {
            'relief_information': information[6:, 6:] - of_place @ information[:6, 6:],
            'relief_vector': vector[6:] - of_place @ vector[:6],
        }

    def _aligned(self, state, covariance, residual_m, valid, inliers):
        rotation = rotation_matrix(state[:3]) @ self._rotation0
        scale = self._scale0 * math.exp(state[6])
        centre = self._ray * self._distance0 * math.exp(state[5])
        origin = centre - scale * rotation @ self._middle
        # position across the ray stays the colour image's: its own error, as a part of distance
        spread = np.zeros((6, 6))
        # the origin itself is relief: how deep this person's sellion lies is the model's guess
        variance = covariance[5, 5] * (centre @ centre) + RELIEF_SIGMA_M**2
        along = np.outer(self._ray, self._ray) * variance
        lever = scale * cross_matrix(rotation @ self._middle)
        spread[3:, 3:] = covariance[:3, :3]
        spread[:3, :3] = along + lever @ covariance[:3, :3] @ lever.T
        spread[:3, 3:] = lever @ covariance[:3, :3]
        spread[3:, :3] = spread[:3, 3:].T
        return 'ALIGNED', {
            'rotation': rotation,
            'translation_m': origin,
            'centre_m': centre,
            'covariance': spread,
            'head_scale': scale,
            'scale_sigma': SIZE_DOUBT * math.sqrt(covariance[6, 6]),
            'apparent_scale': self._scale0 * math.exp(state[5]),
            'turned': False,
            'residual_m': residual_m,
            'valid': valid,
            'inliers': inliers,
            'shift_m': state[3:5],
        }


def cross_matrix(vector):
    x, y, z = vector
    return np.array([[0.0, -z, y], [z, 0.0, -x], [-y, x, 0.0]])


def biweight(residual, variance):
    """Return Tukey's biweight (N,) 0..1 of distances; their own spread widens it, to a limit."""
    spread = 1.4826 * float(np.median(np.abs(residual)))
    limit = 4.0 * np.maximum(np.sqrt(variance), min(spread, REACH_M / 4))
    part = np.minimum((residual / limit) ** 2, 1.0)
    return (1 - part) ** 2


def common_ratio(measured_m, predicted_m):
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


INLIER_SPREADS, FLAT_RATIO = 6.0, 0.55
NEARER_M, LEAST_OUT_M, LEAST_MEASURED = 0.1, 0.05, 0.25


def is_flat(points, normals, rotation, distance_m, head_scale, rays, depth_m):
    """Tell whether a plane is much nearer to a measured surface than the face."""
    off = depth_m - points @ (head_scale * rotation[2]) - distance_m
    facing = -np.einsum('nx,nx->n', normals @ rotation.T, rays)
    with np.errstate(invalid='ignore'):
        known = np.isfinite(off) & (facing > LEAST_FACING * np.linalg.norm(rays, axis=1))
    if not known.any():
        return False
    off, rays, depth_m = off[known], rays[known], depth_m[known]
    off = off - upper_median(off)
    near = np.abs(off) <= INLIER_SPREADS * upper_median(np.abs(off))
    plane = np.linalg.lstsq(rays[near], 1 / depth_m[near], rcond=None)[0]
    from_plane = depth_m[near] - 1 / (rays[near] @ plane)
    return bool(from_plane @ from_plane < FLAT_RATIO * (off[near] @ off[near]))


def upper_median(values):
    return np.sort(values)[len(values) // 2]


def stands_out(rays, depth_m, depth, around_px, around_rays):
    """Tell whether a face is nearer than what is around it; None: cannot be told."""
    around_m = depth_at(depth, around_px)
    known = np.isfinite(depth_m) & np.isfinite(rays).all(axis=1)
    if not known.any():
        return None
    face_m = np.median(depth_m[known])
    with np.errstate(invalid='ignore'):
        use = (around_m > face_m - NEARER_M) & np.isfinite(around_rays).all(axis=1)
    if use.sum() < LEAST_MEASURED * len(around_m):
        return None
    rows = np.concatenate([
        np.column_stack([rays[known], np.ones(known.sum())]),
        np.column_stack([around_rays[use], np.zeros(use.sum())]),
    ])
    inverse = 1 / np.concatenate([depth_m[known], around_m[use]])
    step = np.linalg.lstsq(rows, inverse, rcond=None)[0][3]
    return bool(step * face_m**2 > LEAST_OUT_M)
