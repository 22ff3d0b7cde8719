# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How models/eyes.tflite is made: moved irises and lids with known truth, crops, the file."""

from dataclasses import replace

import numpy as np
import pytest

from face_recon_ros.eyes.crops import CORNERS_68
from face_recon_ros.eyes.gaze import head_sigma_rad
from face_recon_ros.eyes.iris import EyeNetwork
from face_recon_ros.paths import model_file
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from model_building.eyes.elsewhere import looking_elsewhere
from model_building.eyes.moved import RADIUS_PX, Movement, moved
from model_building.eyes.photo_eyes import SIDE, IrisMarker, PhotoEye
from model_building.eyes.samples import of_photos, random_movement

CENTRE = np.array([80.0, 80.0])
WHITE, IRIS, SKIN = (200.0, 210.0, 220.0), (60.0, 40.0, 30.0), (150.0, 120.0, 100.0)


@pytest.fixture(scope='module')
def eye():
    """Return a drawn eye: an ellipse of white with a dark disc, skin around it."""
    t = np.arange(1, 8) / 8
    x = CENTRE[0] - 17 + 34 * t
    arch = 9 * np.sin(np.pi * t)
    ends = np.array([[CENTRE[0] - 17, 80.0], [CENTRE[0] + 17, 80.0]])
    lower, upper = np.column_stack([x, 80 + arch]), np.column_stack([x, 80 - arch])
    lids = np.vstack([ends[:1], lower, ends[1:], upper])
    rows, columns = np.mgrid[:SIDE, :SIDE]
    height = 9 * np.sin(np.pi * np.clip((columns - CENTRE[0] + 17) / 34, 0, 1))
    image = np.full((SIDE, SIDE, 3), SKIN, np.float32)
    image[np.abs(rows - 80) < height] = WHITE
    image[(np.abs(rows - 80) < height) & (np.hypot(columns - 80, rows - 80) < 7)] = IRIS
    iris = CENTRE + np.array([[0, 0], [7, 0], [0, -7], [-7, 0], [0, 7]])
    return PhotoEye(image, lids, iris, looks_at_lens=True)


def dark_middle(image):
    """Return where the dark pixels lie on average."""
    rows, columns = np.nonzero(image.sum(axis=2) < 240)
    return np.array([columns.mean(), rows.mean()])


def still():
    return np.random.default_rng(3)


@pytest.mark.parametrize('shift', [(0, 0), (5, 0), (-6, 0), (4, 2)])
def test_an_iris_is_where_it_was_moved_to(eye, shift):
    image, lids, centre = moved(eye, Movement(np.array(shift, float), 0.0), still())
    np.testing.assert_allclose(centre, CENTRE + shift)
    np.testing.assert_allclose(dark_middle(image), CENTRE + shift, atol=1.2)
    np.testing.assert_allclose(lids, eye.lids, atol=0.1)
    # white where it was, nothing else touched
    if abs(shift[0]) >= 5:
        assert image[80, 80 - round(1.2 * shift[0])].min() > 150
    np.testing.assert_allclose(image[:50], eye.image[:50], atol=1e-3)
    np.testing.assert_allclose(image[:, :60], eye.image[:, :60], atol=1e-3)


def test_a_lid_comes_down_and_hides_the_eye(eye):
    seen = []
    for close in (0.0, 0.5, 1.0):
        image, lids, _ = moved(eye, Movement(np.zeros(2), close), still())
        seen.append(int((image.sum(axis=2) > 560).sum()))
        height = (lids[1:8, 1] - lids[9:, 1]).max()
        assert height == pytest.approx(18 * (1 - close), abs=0.5)
    assert seen[0] > 1.5 * seen[1]
    assert seen[1] > 2 * seen[2]


def test_a_gaze_is_the_sine_that_moves_the_iris():
    assert Movement(np.array([RADIUS_PX / 2, 0.0]), 0.0).gaze.tolist() == [0.5, 0.0]
    # 10.5 mm of an eye that is 27 mm wide
    assert pytest.approx(13.5, abs=0.1) == RADIUS_PX


def test_an_eye_that_is_not_open_is_left_out(eye):
    shut = eye.lids.copy()
    shut[:, 1] = 80
    closed = PhotoEye(eye.image, shut, eye.iris, looks_at_lens=True)
    assert moved(closed, Movement(np.zeros(2), 0.0), still()) is None


def test_irises_stay_between_the_corners(eye):
    random = np.random.default_rng(1)
    movements = [random_movement(eye, random) for _ in range(300)]
    x = np.array([eye.iris[0, 0] + m.iris[0] for m in movements])
    assert x.min() > eye.lids[0, 0]
    assert x.max() < eye.lids[8, 0]
    assert np.ptp(x) > 14
    closed = np.array([m.close for m in movements])
    assert 0.05 < (closed == 1).mean() < 0.2


def test_crops_have_their_truth_in_their_own_pixels(eye):
    head = np.array([0.2, 0.1])
    samples = of_photos([replace(eye, photo=7, head=head)] * 2, per_eye=30, seed=5)
    assert samples.images.shape == (60, 64, 64, 3)
    assert samples.points.shape == (60, 17, 2)
    np.testing.assert_allclose(np.hypot(*samples.head.T), np.hypot(*head))
    assert samples.has_gaze.all()
    assert not samples.held_out.any()
    others = of_photos([replace(eye, photo=8)], per_eye=1, seed=5)
    assert others.held_out.all()
    # wide open and little moved: the dark disc is where the truth has it
    clear = (samples.close < 0.1) & (np.abs(samples.gaze[:, 1]) < 0.15)
    assert clear.sum() > 5
    for image, points in zip(samples.images[clear], samples.points[clear], strict=True):
        found = image.astype(float).sum(axis=2)
        column, row = np.rint(points[0]).astype(int)
        darkness = found[row - 1 : row + 2, column - 1 : column + 2].mean()
        assert darkness < np.median(found) - 60


def test_the_file_has_what_the_network_finds(tmp_path):
    torch = pytest.importorskip('torch')
    pytest.importorskip('flatbuffers')
    from model_building.eyes.export import largest_difference, write
    from model_building.eyes.network import EyeNet

    torch.manual_seed(0)
    network = EyeNet()
    with torch.no_grad():  # statistics other than those it begins with
        for _ in range(3):
            network.train()(torch.rand(8, 3, 40, 64))
    write(network, tmp_path / 'eyes.tflite')
    assert largest_difference(network, tmp_path / 'eyes.tflite') < 2e-3


def test_training_lowers_the_loss(eye):
    pytest.importorskip('torch')
    from model_building.eyes.train import Plan, train

    lines = []
    sets = [
        of_photos([replace(eye, photo=p) for p in range(20)], per_eye=4, seed=seed)
        for seed in (2, 3)
    ]
    train(sets, Plan(steps=400, batch=(12, 4), rate=0.003, seed=0), lines.append)
    losses = [float(line.split('loss ')[1].split(';')[0]) for line in lines]
    assert losses[-1] < losses[0]


# --- photos whose eyes look elsewhere -----------------------------------------------


@pytest.fixture(scope='module')
def marker():
    return IrisMarker(model_file('iris_landmark.tflite'), looks=1)


@pytest.fixture(scope='module')
def landmarks_px(portrait):
    (face,) = Pipeline(PipelineConfig(use_eyes='never')).detect(portrait)
    return face.landmarks_px


@pytest.mark.parametrize('gaze', [(0.3, 0.0), (-0.3, 0.0), (0.0, -0.15)])
def test_both_irises_of_a_photo_move_the_same_way(portrait, landmarks_px, marker, gaze):
    """By 10.5 mm of an eye that is 27 mm wide for a sine of 1, in the image's axes."""
    before = EyeNetwork()(portrait, landmarks_px).iris_px
    shown = looking_elsewhere(portrait, landmarks_px, np.array(gaze), marker, still())
    moves = EyeNetwork()(shown, landmarks_px).iris_px - before
    corners = landmarks_px[CORNERS_68, :2]
    width_px = np.linalg.norm(corners[:, 1] - corners[:, 0], axis=1).mean()
    along = np.array(gaze) / np.hypot(*gaze)
    expected_px = 10.5 / 27 * width_px * np.hypot(*gaze)
    assert moves @ along == pytest.approx(expected_px, rel=0.5)
    # nothing changes but the eyes
    changed = np.argwhere((shown != portrait).any(axis=2))[:, ::-1]
    away = np.linalg.norm(changed[:, None] - corners.mean(axis=1), axis=2).min(axis=1)
    assert 0 < away.max() < 1.2 * width_px


def test_eyes_that_are_not_open_cannot_look_elsewhere(portrait, landmarks_px, marker):
    class Shut(IrisMarker):
        def __init__(self):
            pass

        def marks(self, rgb, random):
            lids, iris, spread = marker.marks(rgb, random)
            lids[:, 1] = lids[:, 1].mean()
            return lids, iris, spread

    assert looking_elsewhere(portrait, landmarks_px, np.zeros(2), Shut(), still()) is None


def test_shut_eyes_of_a_photo_and_its_mirror_image_give_the_head_with_its_sigma(
    portrait, landmarks_px, marker
):
    shut = looking_elsewhere(portrait, landmarks_px, np.zeros(2), marker, still(), close=1.0)
    found = []
    for image in (portrait, shut, np.ascontiguousarray(shut[:, ::-1])):
        (face,) = Pipeline(PipelineConfig()).detect(image)
        found.append(face)
    seen, closed, mirrored = found
    assert seen.eyes.measured.all()
    for face in (closed, mirrored):
        assert (face.eye_openness < 0.25).all()
        assert not face.eyes.measured.any()
        np.testing.assert_array_equal(face.gaze, face.pose.rotation[:, 0])
        assert face.gaze_sigma_rad == head_sigma_rad(face.pose, face.pose_covariance)
    # the pose's own mirror error is a degree or two
    assert mirrored.gaze * [-1, 1, 1] @ closed.gaze > np.cos(np.radians(3))
