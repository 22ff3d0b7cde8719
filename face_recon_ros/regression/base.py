# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a regressor is, and what it finds: the 62 parameters of the face in a region."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import wraps
from typing import Any, Protocol, TypeVar, cast

import numpy as np

from face_recon_ros.confidence import RotationCalibration
from face_recon_ros.equality import ComparedByValue
from face_recon_ros.errors import GeometryError
from face_recon_ros.face_model.file import EXPRESSION_COUNT, SHAPE_COUNT
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.regression.mirror_looks import Reading
from face_recon_ros.regression.region import CROP_SIDE_M, Region

Look = TypeVar('Look', bound=Callable[..., Any])


@dataclass(slots=True, frozen=True, eq=False)
class Regression(ComparedByValue):
    """What a regressor finds in a region.

    presence: 0..1, that there is a face at all. fit_error: see face_model.Fit. box (4,) x0, y0,
    x1, y1 px around the face. region: where to look for the same face in the next image.
    rotation_sigma_rad: the network's own estimate of its rotation's standard deviation, None where
    it has none. calibration: of that estimate; None: one that confidence.py knows.
    out_of_sight: the parts 0..1 of the face, across it and along it, that were beyond the image.
    presence_if_whole: what presence would be without them; None: the same. reading: what the crop
    gave before the look's error was taken off; None: of a network that sees no mirror images.
    side_error: of a crop that was looked at both ways, see mirror_looks.Look.
    """

    parameters: FaceParameters
    presence: float
    fit_error: float
    box: np.ndarray
    region: Region
    rotation_sigma_rad: float | None = None
    calibration: RotationCalibration | None = None
    out_of_sight: tuple[float, float] = (0.0, 0.0)
    presence_if_whole: float | None = None
    reading: Reading | None = None
    side_error: np.ndarray | None = None


def no_face(region: Region) -> Regression:
    """Return what is found where nothing is: presence 0, infinite fit error, a neutral face."""
    scale = region.side_px / CROP_SIDE_M
    matrix = camera_matrix(scale, np.eye(3), np.append(region.centre, 0.0))
    parameters = FaceParameters(matrix, np.zeros(SHAPE_COUNT), np.zeros(EXPRESSION_COUNT))
    half = region.side_px / 2
    box = np.concatenate([region.centre - half, region.centre + half])
    return Regression(parameters, 0.0, float('inf'), box, region)


def no_face_without_pose(look: Look) -> Look:
    """Return no face from a regressor's call where no pose follows (NaN, all in one place)."""

    @wraps(look)
    def wrapped(self: Any, image: np.ndarray, region: Region, *more: Any, **named: Any) -> Any:
        try:
            return look(self, image, region, *more, **named)
        except (GeometryError, np.linalg.LinAlgError):
            return no_face(region)

    return cast('Look', wrapped)


class Regressor(Protocol):
    """What finds the parameters of the face in a region of an image (H, W, 3) uint8 BGR."""

    def __call__(self, image: np.ndarray, region: Region, denoise: bool = False) -> Regression:
        """
        Find them.

        :param denoise: blur the crop first, for images of a stream: less of the sensor's noise
            comes through
        """

    def flip_augmented(self, image: np.ndarray, region: Region) -> Regression:
        """As a call, with flip test-time augmentation: twice the time, for still images."""

    def refined(self, image: np.ndarray, found: Regression, still: bool) -> Regression:
        """Return the final regression of a new face, once its roll is known."""

    def preprocess(self, image: np.ndarray, region: Region, denoise: bool = False) -> Any:
        """Cut the region out as the network's input; return where that is, for postprocess()."""

    def infer(self) -> list[np.ndarray]:
        """Run the network on what was cut out last."""

    def postprocess(self, outputs: list[np.ndarray], place: Any) -> Regression:
        """Say what the network's outputs mean in the image, of a crop at a place."""


class GroupRegressor(Protocol):
    """What can look at several faces in one run of its network, which takes less time."""

    def group_size(self, faces: int) -> int:
        """Return how many of so many faces it takes at once; 1: one after the other."""

    def together(self, image: np.ndarray, regions: Sequence[Region]) -> list[Regression]:
        """Return what calls with denoise would find, in one run for as many as it takes."""
