# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The sample camera: its motion is what it says, and each source gives images or one line."""

import cv2
import numpy as np
import pytest
from std_msgs.msg import Header

from face_recon_ros.calibration import camera_from_info
from face_recon_ros.camera import Camera
from face_recon_ros.errors import ImageError
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.pose import MetricPose, points_in_camera
from face_recon_ros.rotations import (
    nearest_rotation,
    quaternion,
    rotation_angles_rad,
    rotation_from_quaternion,
)
from face_recon_ros.tools.agreement import Observation, agreement, head_agreement
from face_recon_ros.tools.depth_sensors import SENSORS, DepthSensor, sensed
from face_recon_ros.tools.rendered_head import RenderedHead, head_pose_at
from face_recon_ros.tools.sample_camera_node import camera_info
from face_recon_ros.tools.sample_motion import (
    STILL,
    Motion,
    Portrait,
    motion_at,
    portrait_camera,
)
from face_recon_ros.tools.sources import open_source

FRONTAL = np.array([[0.0, 1.0, 0.0], [0.0, 0.0, -1.0], [-1.0, 0.0, 0.0]])
PLACE_M = np.array([0.01, -0.02, 0.6])
TIMES_S = np.linspace(1000.0, 1012.0, 150)


# --- motion ----------------------------------------------------------------------


def test_motion_is_a_pure_function_of_time_and_never_stops_for_long():
    a, b = motion_at(1.7e9 + 0.25), motion_at(1.7e9 + 0.25)
    np.testing.assert_array_equal(a.rotation, b.rotation)
    rotations = np.array([motion_at(t).rotation for t in TIMES_S])
    np.testing.assert_allclose(
        rotations @ rotations.transpose(0, 2, 1), np.tile(np.eye(3), (150, 1, 1)), atol=1e-12
    )
    assert np.degrees(rotation_angles_rad(rotations, np.eye(3))).max() > 20
    ratios = [motion_at(t).distance_ratio for t in TIMES_S]
    assert min(ratios) < 0.85
    assert max(ratios) > 1.2


def test_undo_undoes_move():
    for time_s in TIMES_S[:20]:
        motion = motion_at(time_s)
        rotation, place = motion.undo(*motion.move(FRONTAL, PLACE_M))
        np.testing.assert_allclose(rotation, FRONTAL, atol=1e-12)
        np.testing.assert_allclose(place, PLACE_M, atol=1e-12)


def test_the_picture_moves_as_the_motion_says():
    """A dot on the photo is seen where the moved point in space is projected."""
    photo = np.zeros((200, 300, 3), np.uint8)
    cv2.circle(photo, (180, 90), 3, (255, 255, 255), -1)
    portrait = Portrait(photo, centre_px=(150.0, 100.0), face_width_px=60.0)
    camera = portrait_camera(640, 480)
    at_rest = _brightest(portrait.view(camera, STILL))
    distance_m = 0.5
    ray = np.array(
        [(at_rest[0] - camera.cx) / camera.fx, (at_rest[1] - camera.cy) / camera.fy, 1.0]
    )
    for time_s in TIMES_S[:100:10]:
        motion = motion_at(time_s)
        _, place = motion.move(FRONTAL, distance_m * ray)
        expected = [
            camera.fx * place[0] / place[2] + camera.cx,
            camera.fy * place[1] / place[2] + camera.cy,
        ]
        np.testing.assert_allclose(_brightest(portrait.view(camera, motion)), expected, atol=1.0)


def _brightest(image):
    white = image.min(axis=2).astype(float)
    white[white <= 96] = 0  # the surroundings are grey
    rows, columns = np.indices(white.shape)
    return np.array([(columns * white).sum(), (rows * white).sum()]) / white.sum()


def test_signs_of_the_motion():
    """Rolled clockwise, moved right and nearer, in the image."""
    roll = Motion(cv2.Rodrigues(np.array([0, 0, 0.3]))[0], 1.0)
    rotation, _ = roll.move(FRONTAL, PLACE_M)
    up = rotation[:, 2]
    assert up[0] > 0.2  # the top of the head goes to image-right
    assert up[1] < 0
    _, nearer = Motion(np.eye(3), 0.5).move(FRONTAL, PLACE_M)
    assert nearer[2] == pytest.approx(0.3)


# --- agreement -------------------------------------------------------------------


def observed(change=lambda time_s, rotation, place: (rotation, place)):
    return [Observation(t, *change(t, *motion_at(t).move(FRONTAL, PLACE_M))) for t in TIMES_S]


def test_truth_agrees_with_itself():
    seen = agreement(observed())
    assert seen.count == len(TIMES_S)
    assert max(seen.rotation_deg, seen.direction_deg, seen.distance) < 1e-5
    assert not seen.faults()


@pytest.mark.parametrize(
    ('change', 'fault'),
    [
        (lambda t, r, p: (FRONTAL, p), 'rotation'),
        (lambda t, r, p: (r * [[1], [1], [-1]], p), 'rotation'),
        (lambda t, r, p: (r, p * [-1, 1, 1]), 'direction'),
        (lambda t, r, p: (r, p / np.linalg.norm(p)), 'distance'),
        (lambda t, r, p: (r @ np.diag([-1.0, -1.0, 1.0]), p), 'facing'),
    ],
)
def test_wrong_poses_disagree(change, fault):
    assert any(f.startswith(fault) for f in agreement(observed(change)).faults())


def test_too_few_poses_disagree():
    assert 'only 3 poses' in agreement(observed()[:3]).faults()[0]
    assert 'only 0 poses' in agreement([]).faults()[0]


def test_rotation_helpers():
    rotation = cv2.Rodrigues(np.array([0.3, -1.1, 0.5]))[0]
    np.testing.assert_allclose(rotation_from_quaternion(*quaternion(rotation)), rotation)
    np.testing.assert_allclose(nearest_rotation(3 * rotation), rotation)


# --- rendered head -----------------------------------------------------------------


def truth_of_the_head(change=lambda pose: pose, head_scale=0.9):
    poses = [(t, change(head_pose_at(t))) for t in TIMES_S]
    return [Observation(t, p.rotation, p.translation_m, head_scale) for t, p in poses]


def test_the_head_s_truth_agrees_with_itself():
    seen = head_agreement(truth_of_the_head())
    assert max(seen.rotation_deg, seen.distance, seen.size) < 1e-5
    assert seen.faults() == []
    assert 'size of the head 0.00 %' in seen.summary()


@pytest.mark.parametrize(('observations', 'fault'), [
    (truth_of_the_head(lambda p: MetricPose(p.rotation, 1.03 * p.translation_m)), 'distance is 3'),
    (truth_of_the_head(lambda p: MetricPose(p.rotation @ cv2.Rodrigues(
        np.array([0, 0.2, 0]))[0], p.translation_m)), 'rotation is 11.5 deg'),
    (truth_of_the_head(head_scale=1.0), 'size of the head is 11.1 %'),
    ([], 'only 0 poses'),
])
def test_wrong_poses_of_the_head_disagree(observations, fault):
    (found,) = head_agreement(observations).faults()
    assert found.startswith(fault)


def test_the_head_moves_and_comes_nearer():
    distances = [head_pose_at(t).distance_m for t in TIMES_S]
    assert min(distances) < 0.6
    assert max(distances) > 1.0
    rotations = np.array([head_pose_at(t).rotation for t in TIMES_S])
    assert np.degrees(rotation_angles_rad(rotations, FRONTAL)).max() > 25


def test_the_head_s_depth_is_that_of_its_image():
    """The tip of the nose is where its pixel and its depth say."""
    camera = portrait_camera(640, 480)
    head = RenderedHead(camera)
    model = FaceModel()
    nose = model.landmarks_68.mean[30:31]
    for time_s in TIMES_S[:100:20]:
        place = points_in_camera(nose, head_pose_at(time_s), 0.9)[0]
        x = round(camera.fx * place[0] / place[2] + camera.cx)
        y = round(camera.fy * place[1] / place[2] + camera.cy)
        depth = head.depth_m(time_s)
        assert depth[y, x] == pytest.approx(place[2], abs=0.002)
        assert depth[0, 0] == 2.0
        covered = depth < 1.5
        image = head.image(time_s)
        painted = (image != image[0, 0]).any(axis=2)
        assert (painted == covered).mean() > 0.998
        assert 0.015 < covered.mean() < 0.3


def test_a_sensor_s_noise_grows_with_the_square_of_the_distance():
    rng = np.random.default_rng(0)
    for distance_m, sigma_m in ((0.5, 0.001), (1.0, 0.004), (2.0, 0.016)):
        flat = np.full((240, 320), distance_m)
        found = sensed(flat, DepthSensor(noise_m=0.004), rng)
        error = found - flat
        assert np.std(error) == pytest.approx(sigma_m, rel=0.1)
        # neighbours err alike
        assert np.corrcoef(error[:, :-1].ravel(), error[:, 1:].ravel())[0, 1] > 0.4


def test_a_sensor_s_holes_edges_steps_and_shift():
    rng = np.random.default_rng(0)
    flat = np.full((240, 320), 1.0)
    assert (sensed(flat, DepthSensor(holes=0.2), rng) == 0).mean() == pytest.approx(0.2, abs=0.01)
    sides = flat.copy()
    sides[:, 160:] = 2.0
    flying = sensed(sides, DepthSensor(flying=0.5), rng)
    between = (flying > 1.0) & (flying < 2.0)
    assert between[:, 159:161].mean() == pytest.approx(0.5, abs=0.1)
    assert not between[:, :158].any()
    assert not between[:, 162:].any()
    shifted = sensed(sides, DepthSensor(shift_px=4.0), rng)
    assert shifted[100, 163] == 1.0
    assert shifted[100, 164] == 2.0
    stepped = sensed(np.full((4, 4), 1.23456), DepthSensor(step_m=0.01), rng)
    np.testing.assert_allclose(stepped, 1.23, atol=1e-6)
    np.testing.assert_allclose(sensed(sides, SENSORS['ideal'], rng), sides)
    assert set(SENSORS) == {'ideal', 'stereo', 'structured_light', 'time_of_flight'}


def test_the_head_is_a_source_with_depth():
    source = open_('head', width=320, height=240)
    image, depth = source.read(3.0), source.depth(3.0, SENSORS['ideal'])
    assert image.shape == (240, 320, 3)
    assert depth.shape == (240, 320)
    assert depth.dtype == np.uint16
    assert depth.max() == 2000
    assert 400 < depth.min() < 1100
    assert source.camera(320, 240).calibrated


# --- sources ---------------------------------------------------------------------


def open_(source, **options):
    options = {'width': 640, 'height': 480, 'loop': False, 'focal_length_px': 0.0, **options}
    return open_source(str(source), **options)


def test_portrait():
    source = open_('portrait', width=320, height=240)
    image = source.read(12.0)
    assert image.shape == (240, 320, 3)
    assert np.abs(image.astype(int) - source.read(12.0)).max() == 0
    assert np.abs(image.astype(int) - source.read(13.0)).mean() > 5
    assert source.camera(320, 240).calibrated


@pytest.fixture
def folder(tmp_path):
    for index in (2, 1):
        cv2.imwrite(str(tmp_path / f'{index}.png'), np.full((12, 16, 3), 50 * index, np.uint8))
    (tmp_path / 'notes.txt').write_text('not an image')
    return tmp_path


def test_folder_in_order_and_again(folder):
    source = open_(folder)
    assert [source.read(0.0)[0, 0, 0] for _ in range(2)] == [50, 100]
    assert source.read(0.0) is None
    looping = open_(folder, loop=True)
    assert [looping.read(0.0)[0, 0, 0] for _ in range(5)] == [50, 100, 50, 100, 50]


def test_folder_with_a_broken_image(folder):
    (folder / '0.jpg').write_bytes(b'broken')
    source = open_(folder, loop=True)
    assert [source.read(0.0)[0, 0, 0] for _ in range(3)] == [50, 100, 50]
    assert len(source.broken) == 1
    assert '0.jpg' in source.broken[0]


def test_folder_without_images(tmp_path):
    with pytest.raises(ImageError, match='no images'):
        open_(tmp_path)
    (tmp_path / '0.jpg').write_bytes(b'broken')
    source = open_(tmp_path, loop=True)
    with pytest.raises(ImageError, match=r'0\.jpg'):
        source.read(0.0)


@pytest.fixture
def video(tmp_path):
    path = tmp_path / 'clip.avi'
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*'MJPG'), 12.5, (64, 48))
    for value in (20, 120, 220):
        writer.write(np.full((48, 64, 3), value, np.uint8))
    writer.release()
    return path


def test_single_image(folder):
    source = open_(folder / '2.png', loop=True)
    assert [source.read(0.0)[0, 0, 0] for _ in range(2)] == [100, 100]


def test_video(video):
    source = open_(video)
    assert source.rate_hz == pytest.approx(12.5)
    seen = [int(source.read(0.0).mean()) for _ in range(3)]
    np.testing.assert_allclose(seen, [20, 120, 220], atol=4)
    assert source.read(0.0) is None
    looping = open_(video, loop=True)
    assert int(np.mean([looping.read(0.0) for _ in range(6)])) == pytest.approx(120, abs=4)


def test_unreadable_sources_name_themselves(tmp_path):
    with pytest.raises(ImageError, match=r'missing\.mp4: no such file'):
        open_(tmp_path / 'missing.mp4')
    broken = tmp_path / 'broken.mp4'
    broken.write_bytes(b'not a video')
    with pytest.raises(ImageError, match=r'broken\.mp4'):
        open_(broken)
    with pytest.raises(ImageError, match=r'/dev/null: gives no image'):
        open_('/dev/null')


def test_camera_info_of_the_sources(video):
    known = open_(video, focal_length_px=70.0).camera(64, 48)
    info = camera_info(known, Header(frame_id='f'))
    back = camera_from_info(info, '/c')
    assert (back.fx, back.fy, back.cx, back.cy) == (70, 70, 31.5, 23.5)
    assert back.calibrated
    assert not back.distortion.size
    unknown = camera_info(open_(video).camera(64, 48), Header())
    assert unknown.k[0] == 0
    assert (unknown.width, unknown.height) == (64, 48)
    assert camera_info(Camera.uncalibrated(8, 6), Header()).k.sum() == 0
