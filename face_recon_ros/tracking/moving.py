# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is known of a face, taken along where its motion takes it: moved, turned and resized."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.region import Region
from face_recon_ros.rotations import rotation_in_plane


@dataclass(slots=True, frozen=True)
class Move:
    """A similarity of the image's plane: px -> linear (2, 2) px + offset (2,); its scale."""

    linear: np.ndarray
    offset: np.ndarray
    scale: float

    @classmethod
    def between(cls, before: Region, after: Region) -> Move:
        """Return what takes one region to another."""
        scale = after.side_px / before.side_px
        linear = scale * rotation_in_plane(after.roll_rad - before.roll_rad)
        return cls(linear, after.centre - linear @ before.centre, scale)

    @classmethod
    def of_parameters(cls, before: FaceParameters, after: FaceParameters) -> Move:
        """Return what took one face's parameters to others by parameters()."""
        linear = after.camera_matrix[:2, :3] @ np.linalg.pinv(before.camera_matrix[:2, :3])
        offset = after.camera_matrix[:2, 3] - linear @ before.camera_matrix[:2, 3]
        return cls(linear, offset, after.scale_px_per_m / before.scale_px_per_m)

    def points(self, points_px: np.ndarray) -> np.ndarray:
        """Return points (..., 2) moved."""
        return points_px @ self.linear.T + self.offset

    def parameters(self, parameters: FaceParameters) -> FaceParameters:
        """Return the parameters of a moved face; shape and expression are its own."""
        matrix = self.scale * parameters.camera_matrix
        matrix[:2] = self.linear @ parameters.camera_matrix[:2]
        matrix[:2, 3] += self.offset
        return replace(parameters, camera_matrix=matrix)


def moved(regression: Regression, region: Region) -> Regression:
    """Return what was found of a face as it would be found in another region."""
    before = regression.region
    box = (regression.box.reshape(2, 2) - before.centre) * (region.side_px / before.side_px)
    return replace(
        regression,
        parameters=Move.between(before, region).parameters(regression.parameters),
        box=(box + region.centre).ravel(),
        region=region,
    )
