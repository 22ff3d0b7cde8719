# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

import numpy as np
import pytest

from face_recon_ros.camera import Camera
from face_recon_ros.errors import CalibrationError, GeometryError
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.face_model.procrustes import similarity
from face_recon_ros.pose import (
    MetricPose,
    depth_plane,
    face_rotation,
    metric_pose,
    points_in_camera,
)
from face_recon_ros.rotations import (
    FACE_FROM_GAZE,
    MODEL_FROM_FACE,
    OPTICAL_FROM_VIEWER,
    EulerAngles,
    gaze_rotation,
    quaternion,
    rotation_matrix,
    rotation_to,
    rotation_vector,
)

NEUTRAL = (np.zeros(40), np.zeros(10))


def parameters(model_rotation, scale=1000.0, origin=(300.0, 200.0, 0.0)):
    return FaceParameters(camera_matrix(scale, model_rotation, np.array(origin)), *NEUTRAL)


def random_rotation(rng, most_rad):
    axis = rng.normal(size=3)
    return rotation_matrix(axis / np.linalg.norm(axis) * rng.uniform(0, most_rad))


def angle_deg(a, b):
    return np.degrees(np.linalg.norm(rotation_vector(a @ b.T)))


@pytest.mark.parametrize('frame', [MODEL_FROM_FACE, FACE_FROM_GAZE])
def test_frames_are_right_handed(frame):
    np.testing.assert_allclose(frame @ frame.T, np.eye(3))
    assert np.linalg.det(frame) == pytest.approx(1)


def test_axes_of_a_frontal_face():
    """REP-155: x out of the face, y to the subject's left, z up; optical: x right, y down."""
    x, y, z = face_rotation(parameters(np.eye(3))).T
    np.testing.assert_allclose(x, [0, 0, -1], atol=1e-12)  # at the camera
    np.testing.assert_allclose(y, [1, 0, 0], atol=1e-12)  # subject's left is image right
    np.testing.assert_allclose(z, [0, -1, 0], atol=1e-12)


def test_axes_of_the_gaze():
    x, y, z = gaze_rotation(face_rotation(parameters(np.eye(3)))).T
    np.testing.assert_allclose(z, [0, 0, -1], atol=1e-12)
    np.testing.assert_allclose(x, [-1, 0, 0], atol=1e-12)  # subject's right
    np.testing.assert_allclose(y, [0, 1, 0], atol=1e-12)  # down


@pytest.mark.parametrize(
    ('axis', 'turn_deg', 'name', 'want_deg'),
    [
        # about the model's y (up), right-handed: the nose moves to image right
        ((0, 1, 0), 30, 'yaw_deg', -30),
        ((0, 1, 0), -30, 'yaw_deg', 30),
        # about x (image right), right-handed: the nose moves down
        ((1, 0, 0), 20, 'pitch_deg', -20),
        ((1, 0, 0), -20, 'pitch_deg', 20),
        # about z (towards the viewer), right-handed: counter-clockwise in the image
        ((0, 0, 1), 15, 'roll_deg', -15),
        ((0, 0, 1), -15, 'roll_deg', 15),
    ],
)
def test_signs_of_euler_angles(axis, turn_deg, name, want_deg):
    rotation = face_rotation(parameters(rotation_matrix(np.radians(turn_deg) * np.array(axis))))
    angles = EulerAngles.from_rotation(rotation)
    for other in ('yaw_deg', 'pitch_deg', 'roll_deg'):
        assert getattr(angles, other) == pytest.approx(want_deg if other == name else 0, abs=1e-9)


def test_a_face_turned_to_image_left_points_there():
    turned = face_rotation(parameters(rotation_matrix([0, np.radians(-40), 0])))
    assert EulerAngles.from_rotation(turned).yaw_deg == pytest.approx(40)
    assert turned[0, 0] < -0.6  # x out of the face has a large part to the image's left


@pytest.mark.parametrize('turn_deg', [-179, -120, -95, -85, -30, 0, 30, 85, 95, 120, 179])
def test_yaw_goes_on_past_a_profile(turn_deg):
    """Of a head that turns about the vertical nothing but yaw changes, from back to back."""
    rotation = face_rotation(parameters(rotation_matrix([0, np.radians(-turn_deg), 0])))
    angles = EulerAngles.from_rotation(rotation)
    assert angles.yaw_deg == pytest.approx(turn_deg, abs=1e-6)
    assert angles.pitch_deg == pytest.approx(0, abs=1e-6)
    assert angles.roll_deg == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize('yaw', [-150, -100, -60, 0, 40, 89, 95, 130])
@pytest.mark.parametrize('pitch', [-70, -20, 0, 35])
@pytest.mark.parametrize('roll', [-170, -30, 0, 90])
def test_euler_angles_compose_to_the_rotation_by_the_named_convention(yaw, pitch, roll):
    """R = Rx(-pitch) Ry(-yaw) Rz(-roll)."""
    a, b, c = -np.radians([pitch, yaw, roll])
    rx = np.array([[1, 0, 0], [0, np.cos(a), -np.sin(a)], [0, np.sin(a), np.cos(a)]])
    ry = np.array([[np.cos(b), 0, np.sin(b)], [0, 1, 0], [-np.sin(b), 0, np.cos(b)]])
    rz = np.array([[np.cos(c), -np.sin(c), 0], [np.sin(c), np.cos(c), 0], [0, 0, 1]])
    angles = EulerAngles.from_rotation(OPTICAL_FROM_VIEWER @ rx @ ry @ rz @ MODEL_FROM_FACE)
    found = (angles.yaw_deg, angles.pitch_deg, angles.roll_deg)
    np.testing.assert_allclose(found, (yaw, pitch, roll), atol=1e-6)


def test_similarity_of_degenerate_points_is_refused():
    points = np.random.default_rng(4).normal(size=(30, 3))
    line = np.linspace(0, 1, 30)[:, None] * [3.0, 4.0, 5.0]
    for target in (np.full((30, 3), 200.0), line + 100, points * np.nan, np.zeros((30, 3))):
        with pytest.raises(GeometryError, match='no pose follows'):
            similarity(points, target)
        if np.isfinite(target).all():
            with pytest.raises(GeometryError, match='no pose follows'):
                similarity(target, points)
    # flat is enough
    flat = points * [1, 1, 0]
    assert similarity(flat, 2 * flat)[0] == pytest.approx(2)


def test_distance_is_the_range():
    assert MetricPose(np.eye(3), np.array([0.3, 0.0, 0.4])).distance_m == pytest.approx(0.5)


def test_quaternion_rotates_as_the_matrix():
    rng = np.random.default_rng(0)
    rotations = [random_rotation(rng, np.pi) for _ in range(50)]
    rotations += [np.diag(signs) for signs in ([1, -1, -1.0], [-1, 1, -1.0], [-1, -1, 1.0])]
    for rotation in [*rotations, np.eye(3)]:
        x, y, z, w = quaternion(rotation)
        assert w >= 0
        cross = np.array([[0, -z, y], [z, 0, -x], [-y, x, 0]])
        again = np.eye(3) + 2 * w * cross + 2 * cross @ cross
        np.testing.assert_allclose(again, rotation, atol=1e-9)


def test_rotation_to_takes_z_to_the_ray():
    for ray in ([0, 0, 1], [0.5, -0.2, 1], [-1, 1, 0.5]):
        rotation = rotation_to(np.array(ray, float))
        np.testing.assert_allclose(rotation[:, 2], np.array(ray) / np.linalg.norm(ray))
        np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)


def test_similarity_recovers_what_was_applied():
    rng = np.random.default_rng(1)
    points = rng.normal(size=(30, 3))
    rotation, translation = random_rotation(rng, 3.0), rng.normal(size=3)
    s, r, t = similarity(points, 2.5 * points @ rotation.T + translation)
    assert s == pytest.approx(2.5)
    np.testing.assert_allclose(r, rotation, atol=1e-9)
    np.testing.assert_allclose(t, translation, atol=1e-9)


def test_similarity_never_mirrors():
    points = np.random.default_rng(2).normal(size=(30, 3))
    assert np.linalg.det(similarity(points, points * [-1, 1, 1])[1]) == pytest.approx(1)


def weak_view(points_m, rotation, translation_m, camera, model):
    """Return parameters that a weak-perspective regressor finds for a face seen in perspective.

    Pixels by the pinhole camera; z in pixels by the scale at the face, along its viewing ray.
    """
    optical_from_model = rotation @ MODEL_FROM_FACE.T
    in_camera = points_m @ optical_from_model.T + translation_m
    pixels = in_camera[:, :2] / in_camera[:, 2:] * [camera.fx, camera.fy]
    pixels += [camera.cx, camera.cy]
    ray = translation_m / np.linalg.norm(translation_m)
    z = -(in_camera - translation_m) @ ray * camera.fx / translation_m[2]
    target = np.column_stack([pixels, z]) @ np.diag([1.0, -1.0, 1.0])
    scale, turned, origin = similarity(points_m, target)
    return FaceParameters(
        camera_matrix(scale, turned, np.diag([1.0, -1.0, 1.0]) @ origin), *NEUTRAL
    )


@pytest.mark.parametrize('distance_m', [0.4, 0.8, 1.5, 3.0])
@pytest.mark.parametrize('off_axis', [0.0, 0.35])
def test_metric_pose_of_a_face_seen_in_perspective(model, distance_m, off_axis):
    camera = Camera(640, 480, 640.0, 640.0, 319.5, 239.5)
    points = model.landmarks_68.mean
    rng = np.random.default_rng(3)
    rotation_errors, distance_errors = [], []
    for _ in range(20):
        frontal = OPTICAL_FROM_VIEWER @ MODEL_FROM_FACE
        direction = np.append(off_axis * rng.choice([-1, 1], 2) * [1, 0.7], 1.0)
        true_rotation = rotation_to(direction) @ random_rotation(rng, 0.6) @ frontal
        translation_m = direction * distance_m
        seen = weak_view(points, true_rotation, translation_m, camera, model)
        pose = metric_pose(seen, points, camera)
        rotation_errors.append(angle_deg(pose.rotation, true_rotation))
        error = np.linalg.norm(pose.translation_m - translation_m)
        distance_errors.append(error / np.linalg.norm(translation_m))
    # weak perspective is an approximation that gets better with distance
    assert np.median(rotation_errors) < max(1.2, 1.2 / distance_m) * (1.5 if off_axis else 1)
    assert np.median(distance_errors) < 0.02


def test_without_the_viewing_ray_an_off_axis_face_would_be_wrong(model):
    """The image-aligned rotation differs from the pose by the angle of the ray."""
    camera = Camera(640, 480, 640.0, 640.0, 319.5, 239.5)
    frontal = OPTICAL_FROM_VIEWER @ MODEL_FROM_FACE
    seen = weak_view(model.landmarks_68.mean, frontal, np.array([0.4, 0, 1.0]), camera, model)
    pose = metric_pose(seen, model.landmarks_68.mean, camera)
    assert angle_deg(pose.rotation, frontal) < 2.5
    assert angle_deg(face_rotation(seen), frontal) > 15


def test_distance_is_proportional_to_the_size_of_the_head(model):
    camera = Camera.uncalibrated(640, 480)
    seen, points = parameters(np.eye(3)), model.landmarks_68.mean
    once = metric_pose(seen, points, camera).translation_m
    np.testing.assert_allclose(metric_pose(seen, points, camera, 1.1).translation_m, 1.1 * once)


def test_lens_distortion_is_undone(model):
    k = [500, 0, 319.5, 0, 500, 239.5, 0, 0, 1]
    points = model.landmarks_68.mean
    frontal = OPTICAL_FROM_VIEWER @ MODEL_FROM_FACE
    translation_m = np.array([0.3, 0.2, 0.8])
    straight = Camera.from_calibration(640, 480, k, [])
    in_camera = points @ (frontal @ MODEL_FROM_FACE.T).T + translation_m
    radial = Camera.from_calibration(640, 480, k, [-0.3, 0.1, 0.001, -0.001, 0])
    xy = in_camera[:, :2] / in_camera[:, 2:]
    r2 = (xy**2).sum(axis=1, keepdims=True)
    tangential = np.column_stack([
        2 * 0.001 * xy[:, 0] * xy[:, 1] - 0.001 * (r2[:, 0] + 2 * xy[:, 0] ** 2),
        0.001 * (r2[:, 0] + 2 * xy[:, 1] ** 2) - 2 * 0.001 * xy[:, 0] * xy[:, 1],
    ])
    bent = xy * (1 - 0.3 * r2 + 0.1 * r2**2) + tangential
    pixels = bent * 500 + [319.5, 239.5]
    np.testing.assert_allclose(radial.rays(pixels)[:, :2], xy, atol=1e-4)
    assert np.abs(straight.rays(pixels)[:, :2] - xy).max() > 5e-3


def test_fisheye_distortion_is_undone():
    k = [300, 0, 320, 0, 300, 240, 0, 0, 1]
    camera = Camera.from_calibration(640, 480, k, [0.05, -0.01, 0, 0], 'equidistant')
    ray = np.array([0.6, -0.3])
    radius = np.linalg.norm(ray)
    theta = np.arctan(radius)
    pixel = ray / radius * theta * (1 + 0.05 * theta**2 - 0.01 * theta**4) * 300 + [320, 240]
    np.testing.assert_allclose(camera.rays(pixel[None])[0], [*ray, 1], atol=1e-5)


def test_depth_plane_gives_the_depth_of_every_vertex(model):
    camera = Camera(640, 480, 600.0, 600.0, 319.5, 239.5)
    seen = parameters(rotation_matrix([0.2, -0.5, 0.1]), 900.0, (500.0, 100.0, 7.0))
    pose = metric_pose(seen, model.landmarks_68.mean, camera, 1.05)
    plane = depth_plane(seen, pose, 1.05)
    some = model.mean[::500].astype(float)
    depth_m = np.column_stack([seen.project(some), np.ones(len(some))]) @ plane
    np.testing.assert_allclose(depth_m, points_in_camera(some, pose, 1.05)[:, 2], atol=1e-9)


def test_uncalibrated_camera_is_the_documented_one():
    camera = Camera.uncalibrated(640, 480)
    assert (camera.fx, camera.fy, camera.cx, camera.cy) == (640, 640, 319.5, 239.5)
    assert not camera.calibrated
    assert not Camera.from_calibration(640, 480, np.zeros(9), []).calibrated


def test_binning_and_region_of_interest():
    k = [800, 0, 639.5, 0, 800, 479.5, 0, 0, 1]
    binned = Camera.from_calibration(640, 480, k, [], binning=(2, 2))
    assert (binned.fx, binned.cx, binned.cy) == (400, 319.5, 239.5)
    cut = Camera.from_calibration(640, 480, k, [], roi=(100, 50))
    assert (cut.fx, cut.cx, cut.cy) == (800, 539.5, 429.5)


@pytest.mark.parametrize(
    ('k', 'd', 'distortion_model', 'message'),
    [
        ([np.nan, 0, 1, 0, 1, 1, 0, 0, 1], [], '', 'NaN'),
        ([500, 0, 1, 0, 500, 1, 0, 0, 1], [np.inf] * 5, 'plumb_bob', 'infinity'),
        ([-500, 0, 1, 0, 500, 1, 0, 0, 1], [], '', 'not positive'),
        ([500, 0, 1, 0, 500, 1, 0, 0, 1], [0.1] * 5, 'thin_prism', 'thin_prism'),
        ([500, 0, 1, 0, 500, 1, 0, 0, 1], [0.1] * 3, 'plumb_bob', '3 distortion'),
        ([500, 0, 1], [], '', '3x3'),
    ],
)
def test_unusable_calibration_is_refused(k, d, distortion_model, message):
    with pytest.raises(CalibrationError, match=message) as error:
        Camera.from_calibration(640, 480, k, d, distortion_model)
    assert '\n' not in str(error.value)
