# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Checks of what a caller hands in: one line that names the argument and the remedy."""

from __future__ import annotations

import math
from numbers import Real
from typing import Any, TypeVar

import numpy as np

from face_recon_ros.calibration import refuse_impossible
from face_recon_ros.camera import Camera
from face_recon_ros.depth_image import DepthImage
from face_recon_ros.errors import ArgumentError, CalibrationError, ImageError
from face_recon_ros.pose import MetricPose

Config = TypeVar('Config')

# Later than any stamp in seconds: the year 5138. In nanoseconds it is 100 s after 1970.
LATEST_STAMP_S = 1e11
# Of R R^T against the unit matrix: what of a rotation in float32, or written with three digits, is
# off
NOT_ORTHOGONAL = 0.01


def check_image(image: Any) -> None:
    """:raises ImageError: not a NumPy array (H, W, 3) uint8 with pixels."""
    if not isinstance(image, np.ndarray):
        raise ImageError(
            f'image is a {type(image).__name__}; wants a NumPy array, uint8 (height, width, 3), '
            'blue first'
        )
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or image.size == 0:
        raise ImageError(
            f'image is {image.dtype} {image.shape}; wants uint8 (height, width, 3), blue first'
        )


def check_stamp(stamp_s: Any) -> float:
    """Return the stamp of an image in seconds. :raises ArgumentError: it is none."""
    if isinstance(stamp_s, bool) or not isinstance(stamp_s, Real):
        raise ArgumentError(
            f'stamp_s is a {type(stamp_s).__name__}; give the time of the image in seconds as a '
            'number, or use detect() for an image by itself'
        )
    try:
        seconds = float(stamp_s)
    except OverflowError:  # a whole number beyond all floats
        seconds = math.inf
    if not math.isfinite(seconds):
        raise ArgumentError(
            f'stamp_s is {seconds}; give the time of the image in seconds, a finite number'
        )
    if abs(seconds) > LATEST_STAMP_S:
        raise ArgumentError(f'stamp_s is {seconds:g}; give seconds, not nanoseconds')
    return seconds


def check_camera(camera: Any, image: np.ndarray) -> Camera:
    """
    Return the camera of an image; where it is None, one of about 53 degrees.

    :raises ArgumentError: not a Camera.
    :raises CalibrationError: of an image of another size, or no lens is like that.
    """
    height, width = image.shape[:2]
    if camera is None:
        return Camera.uncalibrated(width, height)
    if not isinstance(camera, Camera):
        raise ArgumentError(
            f'camera is a {type(camera).__name__}; give a face_recon_ros.Camera, or None where '
            'it is not known'
        )
    if (camera.width, camera.height) != (width, height):
        raise CalibrationError(
            f'camera is of images of {camera.width}x{camera.height} px, the image has '
            f'{width}x{height}; give the calibration of this size (Camera.from_calibration has '
            'binning and region of interest)'
        )
    refuse_impossible(camera)
    return camera


def check_camera_pose(camera_pose: Any) -> MetricPose | None:
    """Return where a camera is. :raises ArgumentError: neither a MetricPose nor None."""
    if camera_pose is not None and not isinstance(camera_pose, MetricPose):
        raise ArgumentError(
            f'camera_pose is a {type(camera_pose).__name__}; give a face_recon_ros.MetricPose, '
            'or None for a camera that stands still'
        )
    if camera_pose is not None and not _is_pose(camera_pose):
        raise ArgumentError(
            'camera_pose is no pose; give a rotation matrix (3, 3) and a translation (3,) in '
            'metres, finite'
        )
    return camera_pose


def _is_pose(pose: MetricPose) -> bool:
    parts = ((pose.rotation, (3, 3)), (pose.translation_m, (3,)))
    for part, shape in parts:
        if not (isinstance(part, np.ndarray) and part.shape == shape and part.dtype.kind in 'iuf'
                and np.isfinite(part).all()):
            return False
    r = np.asarray(pose.rotation, np.float64)
    return bool(np.abs(r @ r.T - np.eye(3)).max() < NOT_ORTHOGONAL and np.linalg.det(r) > 0)


def check_depth(depth: Any, image: np.ndarray) -> DepthImage | None:
    """
    Return the depth of an image's pixels; None: there is none.

    :raises ImageError: not a depth image, or of another size than the image.
    """
    if depth is None:
        return None
    if not isinstance(depth, DepthImage):
        depth = DepthImage(depth)
    depth.check_size(image)
    return depth


def check_config(config: Any, kind: type[Config]) -> Config:
    """Return a configuration; where it is None, the default. :raises ArgumentError: it is none."""
    if config is None:
        return kind()
    if not isinstance(config, kind):
        raise ArgumentError(
            f'config is a {type(config).__name__}; give a face_recon_ros.{kind.__name__}, such as '
            f'{kind.__name__}(threads=2), or None'
        )
    return config
