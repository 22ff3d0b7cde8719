# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
A face's pose against a depth image: true distance, true size, a truer rotation.

One image leaves distance and size of a head undecided (a small head nearby looks as a large one
far away), and how far it nods is the least certain of its angles. The depth measured on its skin
settles all three.

Which points of the model's skin are looked up is decided here; the least squares are in C++
(src_cpp/depth_alignment.hpp), where the constants of the method are.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import partial

import numpy as np

from face_recon_ros import _renderer
from face_recon_ros.camera import Camera
from face_recon_ros.depth_image import DepthImage
from face_recon_ros.depth_surroundings import stands_out
from face_recon_ros.equality import ComparedByValue
from face_recon_ros.face_model.file import SHAPE_COUNT
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.normals import vertex_normals
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.head_size import Relief
from face_recon_ros.pose import MetricPose
from face_recon_ros.relief_statistics import shipped_modes
from face_recon_ros.rotations import MODEL_FROM_FACE

# The skin that is looked at, on the mean in metres: what faces forward between brows and chin, by
# so much beside the eyes' openings
LEAST_FORWARD, SKIN_X_M, SKIN_Y_M = 0.3, 0.06, (-0.085, 0.05)
EYE_MARGIN_M = 0.004
# One point of the skin a cell of this size
CELL_M = 0.007
# So much of a fitted shape is the person's relief. The rest is how the fit explains a head that
# nods, and would take back a part of what depth says of that
RELIEF_SHARE = 0.75
# The variance of the image's rotation counts so many times: its errors have longer tails than the
# normal distribution's, and what depth says is surer than they are. Of 1, 2.5 and 6 the truest
# rotations of development heads
PRIOR_GROWTH = 2.5
# Where no statistics of people's reliefs are for a face model, they are its own modes': shapes
# differ from the mean by so many standard deviations of the model
SHAPE_SIGMA = 2.0
# Pixels of depth cameras share their noise with those around, so far
NOISE_PX = 7.0
# Sizes of heads relative to the face model's, an adult's, from infants on: what is of another size
# is a wall, or another camera's depth. A guessed focal length may be wrong by more
HEAD_SCALES = (0.5, 1.25)
# Depths that are off by such factors are of another unit: a distance by one image is known to 3
WRONG_UNIT = (300.0, 3000.0)
# Some depth cameras count in tenths of millimetres. Pictures of faces are smaller or larger by as
# much, too: depth that is off by ten, and by what heads differ by, is of another unit where it has
# the face's relief
TENFOLD, TENFOLD_REACH = 10.0, 1.7


@dataclass(slots=True, frozen=True, eq=False)
class Aligned(ComparedByValue):
    """
    A face after its depth was measured.

    pose: metric, camera frame. covariance (6, 6): as pipeline.Face's. centre_m (3,): of the points
    that were looked at, camera frame. head_scale, and its relative standard deviation scale_sigma.
    apparent_scale: the size by how large the face looks at the measured distance. skin_ratio: size
    of the fitted face's skin relative to the mean face's. relief: what the measured relief says.
    turned: the surface is turned otherwise than both sigmas allow, or lies far beside the image:
    the rotation is the image's, and the relief says nothing.
    residual_m: root mean square distance from the measured surface, of the points that count.
    valid, inliers: parts 0..1 of the points with a measurement, and of those with one that agree.
    shift_m (2,): how far the depth image seems to be shifted against the colour image, to the
    right and down, at the face, beyond known_shift_px (2,) by which it was looked up already.
    """

    pose: MetricPose
    covariance: np.ndarray
    centre_m: np.ndarray
    head_scale: float
    scale_sigma: float
    apparent_scale: float
    skin_ratio: float
    relief: Relief | None
    turned: bool
    residual_m: float
    valid: float
    inliers: float
    shift_m: np.ndarray
    known_shift_px: np.ndarray

    def origin_m(self, head_scale: float) -> np.ndarray:
        """Return where the face's origin (3,) is if its head is of another size."""
        return self.centre_m + head_scale / self.head_scale * (
            self.pose.translation_m - self.centre_m
        )


@dataclass(slots=True, frozen=True)
class Refused:
    """
    Why a depth image is not used for a face; `reason` is one line.

    flat: it shows no face. apparent_scale: as Aligned's, where that is the reason. ratio: of the
    measured depths to the expected, where no such face was found.
    """

    reason: str
    flat: bool = False
    apparent_scale: float = math.nan
    ratio: float = math.nan


class DepthAligner:
    """Holds the points of the model's skin, and aligns faces to depth images with them."""

    def __init__(self, model: FaceModel) -> None:
        """:raises ModelFileError: models/reliefs.npz cannot be used."""
        indices, normals = skin_points(model)
        points = model.vertices(indices)
        self._normals = np.ascontiguousarray(normals)
        self._skin = _renderer.Skin(
            np.ascontiguousarray(points.mean, np.float64),
            self._normals,
            np.ascontiguousarray(points.basis.transpose(2, 0, 1), np.float32),
            SHAPE_COUNT,
        )
        modes = points.basis[:, :, :SHAPE_COUNT]
        modes = modes - modes.mean(axis=0)
        # of the similarity that takes the mean's skin to a shape's, to first order
        skin = points.mean - points.mean.mean(axis=0)
        self._growth = np.einsum('nx,nxk->k', skin, modes) / np.vdot(skin, skin)
        people = shipped_modes(indices, points.mean)
        if people is None:
            pure = modes - np.multiply.outer(skin, self._growth)
            people = SHAPE_SIGMA * np.einsum('nx,nxk->nk', normals, pure)
        self._reliefs = np.ascontiguousarray(people, np.float32)

    def __call__(
        self,
        parameters: FaceParameters,
        pose: MetricPose,
        covariance: np.ndarray,
        head_scale: float,
        camera: Camera,
        depth: DepthImage,
        shape: np.ndarray | None = None,
        shift_px: np.ndarray | None = None,
        news: float = 1.0,
    ) -> Aligned | Refused:
        """
        Align a face.

        :param pose: of one image, with head_scale; covariance (6, 6): of it
        :param depth: registered to the image: of its size, seen from its camera
        :param shift_px: (2,) by which it lies right of and below the image, as far as is known
        :param news: 0..1, what is not the same as in the images just before: HeadSize.news
        :param shape: (40,) the person's, from more images than this one; None: as in parameters
        """
        align = partial(
            self._align, parameters, pose, covariance, head_scale, camera, shape, shift_px, news
        )
        found = align(depth)
        factor = _tenfold(found.ratio) if isinstance(found, Refused) else 1.0
        if factor != 1.0 and isinstance(align(depth.divided(factor)), Aligned):
            return Refused(
                f'depth is ten times too {"large" if factor > 1 else "small"}: are its numbers '
                'millimetres (uint16) or metres (float32)?'
            )
        return found

    # long: one call of C++ with what it needs, and each reason to refuse what it found
    def _align(
        self,
        parameters: FaceParameters,
        pose: MetricPose,
        covariance: np.ndarray,
        head_scale: float,
        camera: Camera,
        shape: np.ndarray | None,
        shift_px: np.ndarray | None,
        news: float,
        depth: DepthImage,
    ) -> Aligned | Refused:
        """Align a face to a depth image whose unit is taken to be right."""
        compared = RELIEF_SHARE * (parameters.shape if shape is None else shape)
        fitted, points, offsets_m = self._placed(parameters, compared)
        image = parameters.camera_matrix[:2]
        seen = fitted @ image[:, :3].T + image[:, 3]
        rays = camera.rays(seen)
        known_px = np.zeros(2) if shift_px is None else shift_px
        looked_up = seen + known_px
        found = _renderer.align(
            points,
            self._normals,
            looked_up,
            rays,
            pose.rotation @ MODEL_FROM_FACE.T,
            pose.translation_m,
            head_scale,
            np.ascontiguousarray(PRIOR_GROWTH * covariance[3:, 3:]),
            camera.fx,
            depth.values,
            self._reliefs,
            offsets_m,
            news * max((NOISE_PX / (CELL_M * parameters.scale_px_per_m)) ** 2, 1.0),
        )
        if found.outcome != _renderer.Outcome.ALIGNED:
            ratio = _ratio(depth.at(looked_up), pose.translation_m[2])
            return Refused(_other_unit(ratio) or _reason(found), ratio=ratio)
        low, high = HEAD_SCALES
        sizes = found.head_scale, found.apparent_scale
        if camera.calibrated and not low < min(sizes) <= max(sizes) < high:
            return Refused(
                f"where the depth is, the head would be {found.head_scale:.1f} times an adult's",
                apparent_scale=found.apparent_scale,
            )
        measured_m = depth.at(looked_up)
        rotation, distance_m = found.rotation, float(found.translation_m[2])
        if _renderer.is_flat(
            points, self._normals, rotation, distance_m, found.head_scale, rays, measured_m
        ):
            return Refused('the measured surface is flat', flat=True)
        if stands_out(parameters, camera, depth, known_px, rays, measured_m) is False:
            return Refused('the measured surface goes on flat around the face', flat=True)
        ratio = math.exp(self._growth @ parameters.shape)
        relief = self._relief(found, compared)
        return _aligned(found, known_px, ratio, relief, covariance[3:, 3:])

    def _placed(
        self, parameters: FaceParameters, shape: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """
        Return the skin's points (N, 3) as fitted, and as of another shape (40,).

        :return: last, how far those of the other shape lie out of the mean face (N,), m
        """
        return self._skin.place(
            np.ascontiguousarray(parameters.shape, np.float64),
            np.ascontiguousarray(shape, np.float64),
            np.ascontiguousarray(parameters.expression, np.float64),
        )

    def _relief(self, found: _renderer.Alignment, shape: np.ndarray) -> Relief | None:
        """Return what a face's relief says, which was compared with that of a shape (40,)."""
        information = found.relief_information
        if not len(information):
            return None
        log_size = math.log(found.head_scale) + float(self._growth @ shape)
        return Relief(information, found.relief_vector + log_size * information[:, 0])


def _aligned(
    found: _renderer.Alignment,
    known_shift_px: np.ndarray,
    skin_ratio: float,
    relief: Relief | None,
    of_image: np.ndarray,
) -> Aligned:
    covariance = found.covariance.copy()
    if found.turned:  # the rotation is the image's
        covariance[3:, 3:] = of_image
    return Aligned(
        MetricPose(found.rotation @ MODEL_FROM_FACE, found.translation_m),
        covariance,
        found.centre_m,
        found.head_scale,
        found.scale_sigma,
        found.apparent_scale,
        skin_ratio,
        relief,
        found.turned,
        found.residual_m,
        found.valid,
        found.inliers,
        found.shift_m,
        known_shift_px,
    )


def _ratio(depths_m: np.ndarray, expected_m: float) -> float:
    """Return measured depth (N,) over that of a face; NaN: nothing was measured."""
    known = depths_m[np.isfinite(depths_m)]
    return float(np.median(known)) / expected_m if len(known) else math.nan


def _tenfold(ratio: float) -> float:
    """Return 10 or a tenth where depth may be off by that; 1: it is not."""
    for factor in (TENFOLD, 1 / TENFOLD):
        if factor / TENFOLD_REACH < ratio < factor * TENFOLD_REACH:
            return factor
    return 1.0


def _other_unit(ratio: float) -> str | None:
    """Return a line on depth that is a thousand times too large, or small."""
    if WRONG_UNIT[0] < ratio < WRONG_UNIT[1]:
        return 'depth is a thousand times too large: are its float32 numbers millimetres?'
    if WRONG_UNIT[0] < 1 / ratio < WRONG_UNIT[1]:
        return 'depth is a thousand times too small: are its uint16 numbers metres?'
    return None


def _reason(found: _renderer.Alignment) -> str:
    outcome = _renderer.Outcome
    if found.outcome == outcome.LOOKS_AWAY:
        return 'the face looks away'
    if found.outcome == outcome.FEW_VALID:
        return f'{100 * found.value:.0f} % of the face has a measured depth'
    if found.outcome == outcome.FEW_INLIERS:
        return f'{100 * found.value:.0f} % of the measured depth fits the face'
    if found.outcome == outcome.FAR_OFF:
        return f'the measured surface is {1000 * found.value:.0f} mm off the face'
    return 'the measured depth is not that of a face there'


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
