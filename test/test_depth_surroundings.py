# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A head stands out of what is around it: places that are looked at, and distances that decide."""

import math

import numpy as np
import pytest

from face_recon_ros.camera import Camera
from face_recon_ros.depth_image import DepthImage
from face_recon_ros.depth_surroundings import stands_out
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.rotations import rotation_about

CAMERA = Camera(640, 480, 600.0, 600.0, 320.0, 240.0)
SCALE_PX_PER_M, FACE_M = 600.0, 1.0
# the middle of the mean head is 10 mm above the origin
MIDDLE_PX = np.array([320.0, 240.0 - 6.0])


def placed(roll_deg=0.0):
    rotation = rotation_about('z', math.radians(roll_deg))
    return FaceParameters(
        camera_matrix(SCALE_PX_PER_M, rotation, np.array([320.0, 240.0, 0.0])),
        np.zeros(40), np.zeros(10))  # fmt: skip


def told(around, parameters=None, shift=(0.0, 0.0)):
    """Return what is told of a flat face at 1 m; around: depth by (x, y) px from the middle."""
    y, x = np.mgrid[:480, :640]
    depth = DepthImage(around(x - MIDDLE_PX[0], y - MIDDLE_PX[1]).astype(np.float32))
    face_px = np.array([[x, y] for x in range(290, 351, 10) for y in range(205, 276, 10)], float)
    return stands_out(parameters or placed(), CAMERA, depth, np.array(shift),
                      CAMERA.rays(face_px), np.full(len(face_px), FACE_M))


def flat(distance_m):
    return lambda x, y: np.full(x.shape, distance_m)


@pytest.mark.parametrize(('behind_m', 'is_head'), [
    (0.0, False), (0.04, False), (0.06, True), (1.0, True), (-0.05, False),
])
def test_a_head_is_five_centimetres_before_what_is_around(behind_m, is_head):
    assert told(flat(FACE_M + behind_m)) is is_head


def test_a_slanted_wall_is_a_wall():
    def slanted(x, y):
        return 1 / (1 / FACE_M + 4e-4 * x - 2e-4 * y)

    y, x = np.mgrid[:480, :640]
    depth = DepthImage(slanted(x - 320, y - 240).astype(np.float32))
    face_px = np.array([[x, y] for x in range(290, 351, 10) for y in range(205, 276, 10)], float)
    on_it = depth.at(face_px)
    assert stands_out(placed(), CAMERA, depth, np.zeros(2), CAMERA.rays(face_px), on_it) is False
    nearer = stands_out(
        placed(), CAMERA, depth, np.zeros(2), CAMERA.rays(face_px), on_it - 0.1)
    assert nearer is True


def ring(low_m, high_m, distance_m):
    """A surface at distances of the head's middle alone; elsewhere nothing is measured."""
    def around(x, y):
        radius_m = np.hypot(x, y) / SCALE_PX_PER_M
        return np.where((radius_m > low_m) & (radius_m < high_m), distance_m, np.nan)

    return around


@pytest.mark.parametrize(('low_m', 'high_m', 'is_told'), [
    (0.13, 0.15, True), (0.16, 0.18, True), (0.0, 0.13, False), (0.145, 0.165, False),
    (0.18, 0.9, False),
])
def test_it_is_looked_at_14_and_17_centimetres_from_the_middle_of_the_head(
    low_m, high_m, is_told
):
    assert told(ring(low_m, high_m, 1.5)) is (True if is_told else None)


def wedge(centre_deg, half_deg):
    """A surface in a direction from the head alone; 0 is down in the image, 90 is left."""
    def around(x, y):
        off = np.degrees(np.arctan2(-x, y)) - centre_deg
        return np.where(np.abs((off + 180) % 360 - 180) < half_deg, 1.5, np.nan)

    return around


@pytest.mark.parametrize(('roll_deg', 'centre_deg', 'is_told'), [
    (0, 0, False), (0, 180, True), (0, 95, True), (0, -95, True),
    # rolled counter-clockwise as the model's axes are, the neck is at the right
    (90, -90, False), (90, 90, True), (90, 0, True),
    (-90, 90, False), (-90, -90, True),
])
def test_below_a_head_nothing_is_looked_at(roll_deg, centre_deg, is_told):
    # the middle is then beside the origin
    found = told(wedge(centre_deg, 44), placed(roll_deg))
    assert found is (True if is_told else None)


def test_hands_before_the_face_hide_and_do_not_count():
    def hands(x, y):
        return np.where(x < 0, 0.85, 1.5)

    assert told(hands) is True
    assert told(flat(0.85)) is None
    # who leans on a hand: 9 cm nearer counts
    assert told(flat(0.91)) is False


def test_the_shift_of_the_depth_image_is_known():
    def shifted(x, y):
        return ring(0.13, 0.18, 1.5)(x - 80, y)

    assert told(shifted) is None
    assert told(shifted, shift=(80.0, 0.0)) is True
