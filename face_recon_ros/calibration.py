# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The newest calibration of a camera, as sensor_msgs/CameraInfo has it.

Takes anything with the fields of that message: rclpy's, or what is read from a bag. What of a
message cannot be used falls back by itself: lens distortion, region of interest, P; only without a
focal length there is no calibration.
"""

import functools
import math
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np

from face_recon_ros.camera import FISHEYE, Camera, known_distortion
from face_recon_ros.errors import CalibrationError
from face_recon_ros.lens import fisheye_directions, polynomial_directions

ASSUMED = 'until then focal length = the longer side of the image is assumed'
# No lens but a fisheye sees more than this across, and none is as long as so many images
WIDEST_DEG, LONGEST_FOCAL = 170.0, 1000.0
# Parts of sensors are not so many focal lengths away from the axis of their lens
FARTHEST_AXIS = 1000.0
# All that a fisheye sees lies within a full turn, which fills a tenth of the shorter side at least
WIDEST_FISHEYE_DEG = 3600.0
# About the axis of its lens, this part of an image's shorter side is seen by any lens, and what is
# at its end is at most so many times as far from the axis as without distortion, and not as little
SEEN_PART, MOST_BENT = 0.25, 2.0
# Pixels are square where one focal length is at most so many times the other
SQUARE = 1.1


def camera_from_info(info: Any, topic: str, rectified: bool = False) -> Camera | None:
    """
    Return the calibrated camera, or None where the message says uncalibrated (K[0] == 0).

    :param rectified: the images are rectified: use P, which belongs to those, and no distortion.
    :raises CalibrationError: one line naming the topic.
    """
    return _read(info, topic, rectified)[0]


def _read(info: Any, topic: str, rectified: bool) -> tuple[Camera | None, str]:
    """Return camera_from_info's camera, and which pieces of the message were left out and why."""
    faults: list[str] = []
    k, position_m = np.asarray(info.k, np.float64), (0.0, 0.0, 0.0)
    d, model = np.zeros(0), ''
    p = np.asarray(info.p, np.float64).reshape(3, 4)
    if rectified and np.isfinite(p[:, :3]).all() and p[0, 0]:
        k = p[:, :3].ravel()
        position_m = _position_m(p, faults)
    elif rectified:
        faults.append('P holds no focal length, so K is taken: calibrate again')
    else:
        d, model = _distortion(info, faults)
    if k[0] == 0.0:
        return None, ''
    width, height = image_size(info)
    roi = info.roi
    offset = roi.x_offset, roi.y_offset
    if any(offset) and not (roi.width and roi.height):
        faults.append(
            f'region of interest at {offset[0]}, {offset[1]} has no size, so it is left out: let '
            'the driver fill roi.width and roi.height'
        )
        offset = 0, 0
    try:
        camera = Camera.from_calibration(
            # where the message does not say, any size: Calibration puts the image's
            width or 1,
            height or 1,
            k,
            d,
            model,
            binning=(info.binning_x, info.binning_y),
            roi=offset,
            position_m=position_m,
        )
        if width and height:
            camera = _possible(camera, faults)
    except CalibrationError as error:
        raise CalibrationError(f'camera_info on {topic}: {error}') from error
    if squeezed := pixel_fault(camera):
        faults.append(squeezed)
    return camera, f'camera_info on {topic}: {"; ".join(faults)}' if faults else ''


def _possible(camera: Camera, faults: list[str]) -> Camera:
    """Return the camera, without its distortion where no lens has that; see refuse_impossible."""
    _refuse_matrix(camera)
    try:
        _refuse_lens(camera)
    except CalibrationError as error:
        faults.append(f'{error}; until then lens distortion is left out')
        return replace(camera, distortion=np.zeros(0), distortion_model='')
    return camera


def refuse_impossible(camera: Camera) -> None:
    """:raises CalibrationError: no lens has this calibration for an image of this size."""
    _refuse_matrix(camera)
    _refuse_lens(camera)


def _refuse_matrix(camera: Camera) -> None:
    if camera.distortion_model == FISHEYE:
        x_deg = math.degrees(camera.width / camera.fx)
        y_deg = math.degrees(camera.height / camera.fy)
        is_wide = min(x_deg, y_deg) > WIDEST_FISHEYE_DEG
    else:
        x_deg = _field_deg(camera.width, camera.fx, camera.cx)
        y_deg = _field_deg(camera.height, camera.fy, camera.cy)
        is_wide = max(x_deg, y_deg) > WIDEST_DEG
    is_long = max(camera.fx, camera.fy) > LONGEST_FOCAL * max(camera.width, camera.height)
    if is_wide or is_long:
        raise CalibrationError(
            f'focal length {camera.fx:g}, {camera.fy:g} px gives an image of '
            f'{camera.width}x{camera.height} px a field of view of {x_deg:.1f} x {y_deg:.1f} '
            'degrees: give K in pixels, or calibrate again'
        )
    if camera.distortion_model != FISHEYE:
        _refuse_lopsided(camera)
        _refuse_far_axis(camera)


def _refuse_far_axis(camera: Camera) -> None:
    """Refuse an image that lies as far from the axis of its lens as no part of a sensor does."""
    x = ((camera.width - 1) / 2 - camera.cx) / camera.fx
    y = ((camera.height - 1) / 2 - camera.cy) / camera.fy
    focal_lengths = math.hypot(x, y)
    if focal_lengths > FARTHEST_AXIS:
        raise CalibrationError(
            f'principal point {camera.cx:g}, {camera.cy:g} px puts the middle of an image of '
            f'{camera.width}x{camera.height} px {focal_lengths:.0f} focal lengths beside the '
            'axis of its lens: give that of this image, or calibrate again'
        )


def _refuse_lens(camera: Camera) -> None:
    """Refuse distortion that leaves next to nothing of the image: coefficients of no lens."""
    if not camera.distortion.any():
        return
    reach_px = SEEN_PART * min(camera.width, camera.height)
    is_fisheye, coefficients = camera.distortion_model == FISHEYE, camera.distortion.tolist()
    if _is_of_no_lens(
        is_fisheye, tuple(coefficients), reach_px / camera.fx, reach_px / camera.fy
    ):
        raise CalibrationError(
            f'distortion coefficients {_in_short(camera.distortion)} are of no lens: within '
            f'{reach_px:.0f} px of the principal point the image folds, or is bent more than '
            f'{MOST_BENT:g} times: calibrate again'
        )


# each image asks, most of one camera
@functools.lru_cache(maxsize=16)
def _is_of_no_lens(
    is_fisheye: bool, coefficients: tuple[float, ...], reach_x: float, reach_y: float
) -> bool:
    """Return whether an image folds or is bent too much up to some focal lengths from the axis."""
    sides = np.array([[reach_x, 0.0], [0.0, reach_y], [-reach_x, 0.0], [0.0, -reach_y]])
    plain = np.abs(sides).sum(axis=1)
    directions = fisheye_directions if is_fisheye else polynomial_directions
    with np.errstate(all='ignore'):
        inner, outer = (
            _off_axis_rad(directions(part * sides, np.array(coefficients))) for part in (0.9, 1.0)
        )
        ratio = outer / (plain if is_fisheye else np.arctan(plain))
    # beyond the rim of a lens all look the way that the rim does
    is_seen = (outer > inner) & (ratio < MOST_BENT) & (ratio > 1 / MOST_BENT)
    return not bool(is_seen.all())


def _off_axis_rad(directions: np.ndarray) -> np.ndarray:
    return np.arctan2(np.hypot(directions[:, 0], directions[:, 1]), directions[:, 2])


def _in_short(numbers: np.ndarray) -> str:
    shown = ', '.join(f'{value:g}' for value in numbers[:4])
    return f'{shown}, ...' if numbers.size > 4 else shown


def _refuse_lopsided(camera: Camera) -> None:
    """
    Refuse an image with the axis of its lens at the rim, wide as half of the widest image.

    A K in millimetres, or in parts of the image, is like that: all of it is near 0.
    """
    for side_px, focal_px, centre_px in (
        (camera.width, camera.fx, camera.cx),
        (camera.height, camera.fy, camera.cy),
    ):
        is_in_image = -0.5 <= centre_px <= side_px - 0.5
        wider_px = max(centre_px + 0.5, side_px - 0.5 - centre_px)
        to_one_side_deg = math.degrees(math.atan2(wider_px, focal_px))
        if is_in_image and to_one_side_deg > WIDEST_DEG / 2:
            raise CalibrationError(
                f'focal length {camera.fx:g}, {camera.fy:g} px and principal point '
                f'{camera.cx:g}, {camera.cy:g} px let an image of {camera.width}x'
                f'{camera.height} px see {to_one_side_deg:.1f} degrees to one side: give K in '
                'pixels, or calibrate again'
            )


def _field_deg(side_px: int, focal_px: float, centre_px: float) -> float:
    """Return the angle that an image takes in along one side, without lens distortion."""
    before, behind = centre_px + 0.5, side_px - 0.5 - centre_px
    return math.degrees(math.atan2(before, focal_px) + math.atan2(behind, focal_px))


def pixel_fault(camera: Camera) -> str:
    """Return what is wrong with pixels that are not square, and the remedy; '': they are."""
    if max(camera.fx, camera.fy) <= SQUARE * min(camera.fx, camera.fy):
        return ''
    return (
        f'pixels are not square (focal length {camera.fx:g}, {camera.fy:g} px), which '
        'squeezes faces, so their poses are wrong: use square binning, or resize the image '
        'and its camera_info'
    )


def _distortion(info: Any, faults: list[str]) -> tuple[np.ndarray, str]:
    try:
        d = np.asarray(info.d, np.float64)
        if not np.isfinite(d).all():
            raise CalibrationError('the distortion coefficients hold NaN or infinity')
        return known_distortion(d, info.distortion_model)
    except CalibrationError as error:
        faults.append(f'{error}; until then lens distortion is left out')
        return np.zeros(0), ''


def _position_m(p: np.ndarray, faults: list[str]) -> tuple[float, float, float]:
    """Return where the camera is in the frame of its images: P[:, 3] is -f times that."""
    if not np.isfinite(p[:2, 3]).all():
        faults.append('P holds NaN for Tx or Ty, so they are left out: calibrate again')
        return 0.0, 0.0, 0.0
    return float(-p[0, 3] / p[0, 0]), float(-p[1, 3] / (p[1, 1] or 1.0)), 0.0


def image_size(info: Any) -> tuple[int, int]:
    """
    Return width and height of the images this calibration is for; 0, 0 where it does not say.

    A region of interest of size 0 is the whole sensor; binning comes after it.
    """
    width, height = info.roi.width or info.width, info.roi.height or info.height
    if not (width and height):
        return 0, 0
    return width // max(1, info.binning_x), height // max(1, info.binning_y)


class _Newest(NamedTuple):
    """What the newest message says, replaced as a whole: readers are in another thread."""

    content: tuple | None
    camera: Camera | None
    fault: str
    sized: bool
    frame_id: str = ''


class Calibration:
    """
    Keeps what the newest CameraInfo says; no strict synchronisation with images.

    What of a message cannot be used is left out, and is named with its reason in ``fault``. One
    thread may update while others read.
    """

    def __init__(self, topic: str, rectified: bool) -> None:
        self._topic = topic
        self._rectified = rectified
        self._newest = _Newest(None, None, '', True)

    @property
    def received(self) -> bool:
        """Whether a message came."""
        return self._newest.content is not None

    @property
    def fault(self) -> str:
        """What of the newest message cannot be used, and why; '' where all can, or none came."""
        return self._newest.fault

    def update(self, info: Any) -> None:
        """Take a message; most repeat the last one and cost a comparison only."""
        content = _content(info)
        if content == self._newest.content:
            return
        camera, fault = None, ''
        try:
            camera, fault = _read(info, self._topic, self._rectified)
            if camera is None:
                fault = (
                    f'camera_info on {self._topic} is uncalibrated (K[0] is 0): calibrate the '
                    f'camera; {ASSUMED}'
                )
        except CalibrationError as error:
            fault = f'{error}; {ASSUMED}'
        frame_id = info.header.frame_id.lstrip('/')
        self._newest = _Newest(content, camera, fault, all(image_size(info)), frame_id)

    def camera(self, width: int, height: int, frame_id: str = '') -> tuple[Camera, str]:
        """
        Return the camera for an image of this size and what is wrong with it ('': nothing).

        The fallback is Camera.uncalibrated.

        :param frame_id: of the image, empty: unknown; its calibration has the same
        """
        newest = self._newest
        camera, fault = self._camera(newest, width, height)
        frame_id = frame_id.lstrip('/')
        if camera.calibrated and frame_id and newest.frame_id not in ('', frame_id):
            other = (
                f"camera_info on {self._topic} is of the frame '{newest.frame_id}', but images "
                f"are of '{frame_id}': is it another camera's? remap camera_info"
            )
            fault = f'{fault}; {other}' if fault else other
        return camera, fault

    def _camera(self, newest: _Newest, width: int, height: int) -> tuple[Camera, str]:
        _, camera, fault, sized, _ = newest
        if camera is None:
            fault = fault or (
                f'no camera_info on {self._topic}: remap camera_info to the topic of the camera; '
                f'{ASSUMED}'
            )
            return Camera.uncalibrated(width, height), fault
        if not sized:
            if 0 <= camera.cx < width and 0 <= camera.cy < height:
                return self._sized(replace(camera, width=width, height=height), fault)
            return Camera.uncalibrated(width, height), (
                f'camera_info on {self._topic} gives no image size, and its centre '
                f'{camera.cx:g}, {camera.cy:g} is outside of {width}x{height}: let the driver '
                f'fill width and height; {ASSUMED}'
            )
        if (camera.width, camera.height) != (width, height):
            return Camera.uncalibrated(width, height), (
                f'camera_info on {self._topic} is for {camera.width}x{camera.height} but images '
                f'are {width}x{height}: publish the calibration of these images; {ASSUMED}'
            )
        return camera, fault

    def _sized(self, camera: Camera, fault: str) -> tuple[Camera, str]:
        """Return the camera of a message without image size, unless no lens is like that."""
        faults: list[str] = []
        try:
            camera = _possible(camera, faults)
        except CalibrationError as error:
            assumed = Camera.uncalibrated(camera.width, camera.height)
            return assumed, f'camera_info on {self._topic}: {error}; {ASSUMED}'
        left_out = [f'camera_info on {self._topic}: {one}' for one in faults]
        return camera, '; '.join([*([fault] if fault else []), *left_out])


def _content(info: Any) -> tuple:
    """Return all that matters but the stamp; NaN is made equal to itself."""
    roi = info.roi
    return (
        info.header.frame_id,
        info.width,
        info.height,
        info.k.tobytes(),
        bytes(info.d),
        info.p.tobytes(),
        info.distortion_model,
        info.binning_x,
        info.binning_y,
        roi.x_offset,
        roi.y_offset,
        roi.width,
        roi.height,
    )
