# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where a metric pose begins and ends, by values written out."""

import numpy as np
import pytest

from face_recon_ros.camera import Camera
from face_recon_ros.errors import GeometryError
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.pose import MetricPose, depth_plane, metric_pose, points_in_camera

CAMERA = Camera(2000, 2000, 100.0, 100.0, 999.5, 999.5)
# A cross and its tip, metres, model axes
CROSS_M = np.array([[1.0, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 0.5]])
# face -> optical of somebody who looks into the camera
FRONTAL = np.array([[0.0, 1, 0], [0, 0, -1], [-1, 0, 0]])


def facing(scale_px_per_m, origin_px=(999.5, 999.5, 0.0)):
    matrix = camera_matrix(scale_px_per_m, np.eye(3), np.array(origin_px, float))
    return FaceParameters(matrix, np.zeros(40), np.zeros(10))


@pytest.mark.parametrize(('angle_deg', 'possible'), [(60, True), (79, True), (81, False)])
def test_landmarks_up_to_80_degrees_from_the_faces_ray_make_a_pose(angle_deg, possible):
    parameters = facing(100 * np.tan(np.radians(angle_deg)))
    if possible:
        assert metric_pose(parameters, CROSS_M, CAMERA).translation_m[2] > 0
    else:
        with pytest.raises(GeometryError, match='all around the camera'):
            metric_pose(parameters, CROSS_M, CAMERA)


@pytest.mark.parametrize('entry', [(0, 3), (1, 3), (2, 3), (0, 0)])
def test_one_number_that_is_none_makes_no_pose(entry):
    parameters = facing(100.0)
    parameters.camera_matrix[entry] = np.nan
    with pytest.raises(GeometryError, match='landmarks are not finite'):
        metric_pose(parameters, CROSS_M, CAMERA)


@pytest.mark.parametrize(('scale_px_per_m', 'possible'), [(3e-7, False), (1e-5, True)])
def test_landmarks_in_a_millionth_of_a_pixel_are_in_one_place(scale_px_per_m, possible):
    if possible:
        metric_pose(facing(scale_px_per_m), CROSS_M, CAMERA)
    else:
        with pytest.raises(GeometryError, match='in one place'):
            metric_pose(facing(scale_px_per_m), CROSS_M, CAMERA)


@pytest.mark.parametrize('head_scale', [1.0, 1.1])
def test_a_frontal_face_on_the_axis(head_scale):
    """Scale 100 px/m at a focal length of 100 px: 1 m away, with the centroid's depth."""
    camera = Camera(2000, 2000, 100.0, 100.0, 999.5, 999.5, position_m=(0.5, 0.25, 0.0))
    points = CROSS_M * 0.01
    pose = metric_pose(facing(100.0), points, camera, head_scale)
    np.testing.assert_allclose(pose.rotation, FRONTAL, atol=1e-6)
    # the tip is 1 mm nearer in the mean of the five: the origin lies behind by that
    np.testing.assert_allclose(
        pose.translation_m, [0.5, 0.25, head_scale * 1.001], atol=2e-4)


def test_points_in_camera():
    pose = MetricPose(FRONTAL, np.array([0.1, 0.2, 2.0]))
    # model: x right, y up, z out of the face
    np.testing.assert_allclose(
        points_in_camera(np.array([[0.1, 0.0, 0.0], [0, 0.1, 0], [0, 0, 0.1]]), pose, 2.0),
        [[0.3, 0.2, 2.0], [0.1, 0.0, 2.0], [0.1, 0.2, 1.8]], atol=1e-12)


def test_depth_plane_of_a_frontal_face():
    """Depth falls by 1 / scale metres per pixel of z, from the origin's."""
    pose = MetricPose(FRONTAL, np.array([0.1, 0.2, 2.0]))
    plane = depth_plane(facing(500.0, (320, 240, 7)), pose, 1.5)
    np.testing.assert_allclose(plane, [0, 0, -0.003, 2.0 + 0.021], atol=1e-12)


def test_distance_is_the_range():
    assert MetricPose(FRONTAL, np.array([2.0, 3.0, 6.0])).distance_m == pytest.approx(7.0)


def test_the_matrix_takes_points_of_the_face_to_the_camera():
    quarter = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    pose = MetricPose(quarter, np.array([1.0, 2.0, 3.0]))
    np.testing.assert_array_equal(
        pose.matrix(), [[0, -1, 0, 1], [1, 0, 0, 2], [0, 0, 1, 3], [0, 0, 0, 1]]
    )
    assert pose.rotation is quarter
