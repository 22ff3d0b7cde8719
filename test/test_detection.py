# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

import cv2
import numpy as np
import pytest

from face_recon_ros.detection.base import Detection
from face_recon_ros.detection.loader import load_detector
from face_recon_ros.detection.nms import intersection_over_union
from face_recon_ros.detection.tiling import MergedDetector, WholeImageDetector, squares

# Eyes of the sample portrait, read off the picture: subject's right, left
PORTRAIT_EYES = np.array([[204.0, 103.0], [246.0, 105.0]])


@pytest.mark.parametrize('name', ['short_range', 'full_range', 'both'])
def test_finds_the_portrait_once(portrait, name):
    (face,) = load_detector(name)(portrait)
    assert face.score > 0.8
    assert np.abs(face.eyes - PORTRAIT_EYES).max() < 8
    x0, y0, x1, y1 = face.box
    assert x0 < 200 < 250 < x1
    assert y0 < 100 < 165 < y1


@pytest.mark.parametrize('size', [(512, 300), (300, 512), (1080, 1920), (97, 131)])
def test_place_does_not_depend_on_the_image_around(portrait, size):
    """The face is found where it is in images of any shape."""
    height, width = size
    scale = min(1.0, height / 300)
    face = cv2.resize(portrait[30:230, 120:320], None, fx=scale, fy=scale)
    image = np.full((height, width, 3), 90, np.uint8)
    top, left = (height - face.shape[0]) // 2, (width - face.shape[1]) // 2
    image[top : top + face.shape[0], left : left + face.shape[1]] = face
    found = load_detector('both')(image)
    assert len(found) == 1
    want = (PORTRAIT_EYES - [120, 30]) * scale + [left, top]
    assert np.abs(found[0].eyes - want).max() < 9 * scale


def test_finds_several_faces(portrait):
    image = np.hstack([portrait[:, 80:400]] * 3)
    found = load_detector('both')(image)
    assert len(found) == 3
    assert np.ptp([d.box[1] for d in found]) < 10


def test_full_range_finds_a_face_too_small_for_short_range(portrait):
    image = np.full((720, 1280, 3), 120, np.uint8)
    small = cv2.resize(portrait[20:260, 90:330], (120, 120), interpolation=cv2.INTER_AREA)
    image[300:420, 600:720] = small
    assert load_detector('both')(image)


@pytest.mark.parametrize('image', [np.zeros((1, 1, 3), np.uint8), np.zeros((3, 900, 3), np.uint8)])
def test_images_without_room_for_a_face(image):
    assert load_detector('both')(image) == []


def test_noise_has_no_face():
    noise = np.random.default_rng(0).integers(0, 255, (480, 640, 3), np.uint8)
    assert load_detector('both')(noise) == []


def test_upstream_detector_file_finds_the_same_face(portrait, shared_data):
    detector = load_detector(str(shared_data / 'upstream' / 'RFB-320.tflite'))
    (face,) = detector(portrait)
    (other,) = load_detector('short_range')(portrait)
    assert face.score > 0.9
    assert face.eyes is None
    assert intersection_over_union(face.box, other.box[None])[0] > 0.5


class Sees:
    """A detector that sees the same boxes (x0, y0, x1, y1, score) in whatever it is shown."""

    def __init__(self, *boxes):
        self.boxes = boxes
        self.shown = []

    def __call__(self, image):
        self.shown.append(image.shape[:2])
        return [Detection(np.array(b, float), s, None) for *b, s in self.boxes]


def test_merged_detector_reports_a_face_once():
    near = Sees((10, 10, 20, 20, 0.7))
    far = Sees((11, 11, 21, 21, 0.9), (50, 50, 60, 60, 0.8))
    found = MergedDetector(near, far)(np.zeros((90, 90, 3), np.uint8))
    assert [(d.box[0], d.score) for d in found] == [(50, 0.8), (10, 0.7)]


def test_merged_detector_searches_squares_and_drops_what_their_borders_cut():
    far = Sees((5, 5, 15, 15, 0.9), (85, 40, 105, 60, 0.8))
    found = MergedDetector(Sees(), far)(np.zeros((100, 150, 3), np.uint8))
    assert far.shown == [(100, 100), (100, 100)]
    # the second box hangs over the right border of the left square, which is inside the image
    assert sorted(d.box[0] for d in found) == [5, 55, 135]


def test_a_search_in_parts_covers_the_whole_image():
    near, far = Sees(), Sees()
    detector, image = MergedDetector(near, far), np.zeros((100, 150, 3), np.uint8)
    for _ in range(6):
        detector.next_part(image)
    assert len(near.shown) == 2
    assert len(far.shown) == 4


@pytest.mark.parametrize(
    ('place', 'near_shown', 'far_shown'),
    [
        # five widths around a face in the middle
        ((500, 400, 40), [], [(201, 201)]),
        # a face that fills much of its window is one for the detector of near ones
        ((0, 0, 40), [(101, 101)], []),
        ((500, 400, 500), [(800, 1000)], []),
        ((-300, 400, 40), [], []),
        ((np.nan, 400, 40), [], []),
    ],
)
def test_a_face_is_looked_for_in_a_window_around_its_place(place, near_shown, far_shown):
    near, far = Sees(), Sees()
    detector, image = MergedDetector(near, far), np.zeros((800, 1000, 3), np.uint8)
    for _ in range(3):
        detector.next_part(image, [np.array(place, float)])
    parts = MergedDetector(Sees(), Sees())
    for _ in range(3):
        parts.next_part(image)
    # besides the parts, which take turns as without it
    assert sorted(near.shown) == sorted(parts._near.shown + 3 * near_shown)
    assert sorted(far.shown) == sorted(parts._far.shown + 3 * far_shown)


def test_a_face_in_its_window_and_in_a_part_is_reported_once():
    far = Sees((90, 90, 110, 110, 0.9))
    found = MergedDetector(Sees(), far).next_part(
        np.zeros((800, 1000, 3), np.uint8), [np.array([500.0, 400.0, 40.0])] * 2)
    assert [tuple(d.box) for d in found if d.box[0] > 300] == [(490, 390, 510, 410)]


def test_one_detector_looks_at_the_image_and_around_a_place():
    alone = Sees((90, 90, 110, 110, 0.9))
    found = WholeImageDetector(alone).next_part(
        np.zeros((800, 1000, 3), np.uint8), [np.array([500.0, 400.0, 40.0])])
    assert alone.shown == [(800, 1000), (201, 201)]
    assert sorted(tuple(d.box[:2]) for d in found) == [(90, 90), (490, 390)]


@pytest.mark.parametrize('size', [(640, 480), (480, 640), (1920, 1080), (100, 100), (3000, 200)])
def test_squares_cover_the_image(size):
    covered = np.zeros(size[::-1], bool)
    for x, y, width, height in squares(*size):
        assert covered[y : y + height, x : x + width].shape == (height, width)
        covered[y : y + height, x : x + width] = True
    assert covered.all()


def test_intersection_over_union():
    boxes = np.array([[0, 0, 2, 2], [1, 0, 3, 2], [5, 5, 6, 6.0], [0, 0, 0, 0]])
    np.testing.assert_allclose(intersection_over_union(boxes[0], boxes), [1, 1 / 3, 0, 0])


@pytest.mark.parametrize(
    'size', [(900, 3), (3, 900), (8192, 256), (5000, 1), (1, 5000), (65500, 40), (40, 65500)]
)
def test_long_images_are_searched_in_a_bounded_number_of_windows(size):
    """Every place of the image lies in a window, at most 16 of them, all inside the image."""
    width, height = size
    windows = squares(width, height)
    assert len(windows) <= 16
    covered = np.zeros(max(size), bool)
    for window in windows:
        assert window.x >= 0 <= window.y
        assert window.x + window.width <= width
        assert window.y + window.height <= height
        start, length = (window.x, window.width) if width > height else (window.y, window.height)
        covered[start : start + length] = True
    assert covered.all()


@pytest.mark.parametrize('at', [0.02, 0.31, 0.5, 0.97])
def test_a_panorama_shows_its_face(portrait, at):
    image = np.full((512, 8192, 3), 90, np.uint8)
    left = int(at * (8192 - 200))
    image[150:350, left : left + 200] = portrait[30:230, 120:320]
    (face,) = load_detector('both')(image)
    want = PORTRAIT_EYES - [120, 30] + [left, 150]
    assert np.abs(face.eyes - want).max() < 12


def test_a_strip_as_thin_as_a_pixel_is_searched_at_once(monkeypatch):
    """Count the runs of the network, not the time."""
    detector = load_detector('both')
    runs = []
    for part in (detector._near, detector._far):
        network = part._detector._network
        run = network.run
        monkeypatch.setattr(network, 'run', lambda run=run: runs.append(1) or run())
    assert detector(np.zeros((1, 5000, 3), np.uint8)) == []
    assert len(runs) <= 17
