# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Faces too small in their image for the detector: tiles, proposals, what the detector says."""

import threading
from itertools import pairwise

import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from face_recon_ros import Pipeline
from face_recon_ros.detection.base import Detection
from face_recon_ros.detection.far_faces import FarFaceSearch, Tile
from face_recon_ros.detection.loader import load_detector
from face_recon_ros.detection.tiling import MergedDetector
from face_recon_ros.errors import ModelFileError
from face_recon_ros.paths import model_file
from face_recon_ros.tflite import Network

# Eyes of the sample portrait and the width of its face, read off the picture
PORTRAIT_EYES = np.array([[204.0, 103.0], [246.0, 105.0]])
PORTRAIT_FACE_PX = 86.0


class Proposes:
    """A network of 384 by 288 pixels that proposes the cells it is given: {(row, column): 4}."""

    input_shape = (1, 288, 384, 3)
    path = 'made up'

    def __init__(self, cells=()):
        self.output = np.zeros((1, 36, 48, 4), np.float32)
        self.output[..., 0] = -9.0
        for (row, column), values in dict(cells).items():
            self.output[0, row, column] = values
        self.input = np.zeros(self.input_shape, np.float32)
        self.lock = threading.Lock()

    def output_shapes(self):
        return [self.output.shape]

    def input_tensor(self):
        return self.input

    def run(self):
        return [self.output]


class Sees:
    """A detector that sees boxes (4,) of the window, and remembers what it was shown."""

    def __init__(self, *boxes):
        self.boxes = boxes
        self.shown = []

    def __call__(self, image):
        self.shown.append(image.shape[:2])
        eyes = np.array([[1.0, 2.0], [3.0, 2.0]])
        return [Detection(np.array(b, float), 0.9, eyes) for b in self.boxes]


def search(cells=(), *boxes):
    return FarFaceSearch(Proposes(cells), Sees(*boxes))


@pytest.mark.parametrize(
    ('size', 'expected'),
    [
        ((640, 480), [(0, 0, 640, 480)]),
        ((708, 531), [(0, 0, 708, 531)]),
        ((320, 200), [(0, 0, 320, 200)]),
    ],
)
def test_a_picture_of_a_small_camera_is_one_tile(size, expected):
    assert [tuple(t) for t in search().tiles(*size)] == expected


def test_a_picture_of_1080_lines_is_nine_tiles():
    tiles = search().tiles(1920, 1080)
    assert len(tiles) == 9
    assert {t.x for t in tiles} == {0, 606, 1212}


@given(st.integers(8, 20000), st.integers(8, 20000))
def test_tiles_cover_the_image_and_are_few(width, height):
    tiles = search().tiles(width, height)
    assert 1 <= len(tiles) <= 12
    for low, size, length in ((0, 2, width), (1, 3, height)):
        spans = sorted({(t[low], t[low] + t[size]) for t in tiles})
        assert spans[0][0] == 0
        assert spans[-1][1] == length
        for (_, end), (start, _) in pairwise(spans):
            # a face of 24 pixels on a border is whole in one of the two
            assert end - start >= 24


# the cell (10, 20): its middle is at 164, 84 of the input, in pixels 384/640 as large
def test_a_proposal_is_looked_at_in_a_window_of_five_widths():
    far = search({(10, 20): (2.0, 0.5, -0.25, np.log(0.9))}, (64, 63, 104, 103))
    image = np.zeros((531, 708, 3), np.uint8)
    (found,) = far(image, Tile(0, 0, 708, 531))
    # scale 13/24: centre (168, 82) of the input, width 18
    assert far._detector.shown == [(168, 168)]
    np.testing.assert_allclose(found.box, [226 + 64, 67 + 63, 226 + 104, 67 + 103], atol=1.01)
    np.testing.assert_allclose(found.eyes[0] - found.box[:2], [1 - 64, 2 - 63])
    assert found.score == 0.9


def test_the_place_of_a_tile_counts():
    far = search({(10, 20): (2.0, 0.5, -0.25, np.log(0.9))}, (64, 63, 104, 103))
    image = np.zeros((1080, 1920, 3), np.uint8)
    (found,) = far(image, Tile(606, 275, 708, 531))
    np.testing.assert_allclose(found.box[:2], [606 + 226 + 64, 275 + 67 + 63], atol=1.01)


@pytest.mark.parametrize(
    'boxes', [(), ((0, 0, 40, 40),), ((70, 70, 92, 92), (5, 5, 160, 160))],
    ids=['nothing', 'elsewhere', 'other sizes'],
)
def test_no_face_where_the_detector_sees_none_there(boxes):
    far = search({(10, 20): (2.0, 0.5, -0.25, np.log(1.8))}, *boxes)
    assert far(np.zeros((531, 708, 3), np.uint8), Tile(0, 0, 708, 531)) == []


def test_unlikely_and_wide_proposals_are_not_looked_at():
    far = search({(10, 20): (-1.0, 0, 0, 0), (20, 20): (2.0, 0, 0, np.log(3.3))}, (0, 0, 9, 9))
    far(np.zeros((531, 708, 3), np.uint8), Tile(0, 0, 708, 531))
    assert far._detector.shown == []


# a proposal in every sixth row of cells, 12 px wide in the input; the likeliest is the first
CROWD = {(3 + 6 * row, 4 + 8 * column): (2.0 - 0.1 * row - 0.01 * column, 0, 0, np.log(0.6))
         for row in range(5) for column in range(4)}


def test_six_proposals_in_vain_end_the_search_of_a_tile():
    far = search(CROWD)
    far(np.zeros((531, 708, 3), np.uint8), Tile(0, 0, 708, 531))
    assert len(far._detector.shown) == 6


def in_the_middle(image):
    """See a face of 22 px in the middle of a window."""
    middle = np.array(image.shape[1::-1]) / 2
    box = np.concatenate([middle - 11, middle + 11])
    return [Detection(box, 0.9, np.array([middle, middle]))]


def test_all_of_a_crowd_are_found_in_a_photo():
    far = FarFaceSearch(Proposes(CROWD), in_the_middle)
    merged = MergedDetector(Sees(), Sees(), far)
    assert len(merged(np.zeros((531, 600, 3), np.uint8))) == len(CROWD)


def test_of_a_crowd_in_a_stream_six_others_are_looked_at_in_each_turn():
    far = FarFaceSearch(Proposes(CROWD), in_the_middle)
    merged, image = MergedDetector(Sees(), Sees(), far), np.zeros((531, 600, 3), np.uint8)
    # the part with the tile is every other one, as there are two
    rounds = [merged.next_part(image) + merged.next_part(image) for _ in range(4)]
    assert sorted(len(found) for found in rounds) == [2, 6, 6, 6]
    places = {tuple(d.box.round().astype(int).tolist()) for found in rounds for d in found}
    assert len(places) == len(CROWD)


def test_the_first_image_of_a_stream_does_not_wait_for_a_crowd():
    far = FarFaceSearch(Proposes(CROWD), in_the_middle)
    merged = MergedDetector(Sees(), Sees(), far)
    assert len(merged.first_look(np.zeros((531, 600, 3), np.uint8))) == 6


def test_small_faces_of_a_group_are_all_found(portrait):
    """Twelve of 30 pixels in a picture of 640x480, which is one tile."""
    small, _ = small_portrait(portrait[20:260, 100:340], 30)
    height, width = small.shape[:2]
    image = np.full((480, 640, 3), 128, np.uint8)
    for y in (30, 190, 350):
        for x in (30, 190, 350, 510):
            image[y : y + height, x : x + width] = small
    assert len(Pipeline().detect(image)) == 12


def test_neighbouring_cells_are_one_proposal():
    far = search({(10, 20): (2.0, 0, 0, 0), (10, 21): (1.5, 0, 0, 0), (11, 20): (1.0, 0, 0, 0)})
    far(np.zeros((531, 708, 3), np.uint8), Tile(0, 0, 708, 531))
    assert len(far._detector.shown) == 1


def test_a_proposal_at_the_border_is_looked_at_in_what_there_is():
    far = search({(0, 0): (2.0, 0, 0, 0)})
    far(np.zeros((531, 708, 3), np.uint8), Tile(0, 0, 708, 531))
    ((height, width),) = far._detector.shown
    assert 90 < height < 110
    assert 90 < width < 110


def test_what_another_tile_has_shown_is_not_looked_at_again():
    far = search({(10, 20): (2.0, 0.5, -0.25, np.log(0.9))}, (64, 63, 104, 103))
    image, tile = np.zeros((531, 708, 3), np.uint8), Tile(0, 0, 708, 531)
    found = far(image, tile)
    assert len(found) == 1
    assert far(image, tile, known=found) == []
    assert len(far._detector.shown) == 1


def test_of_two_views_of_a_face_the_nearer_one_counts():
    """A small face in a part of the image is less well seen than in a window of its own."""
    far = search({(10, 20): (2.0, 0.5, -0.25, np.log(0.9))}, (64, 63, 104, 103))
    part = Sees((285, 128, 330, 173))
    (found,) = MergedDetector(Sees(), part, far)(np.zeros((531, 560, 3), np.uint8))
    assert found.box[0] != 285
    (found,) = MergedDetector(Sees(), part)(np.zeros((531, 560, 3), np.uint8))
    assert found.box[0] == 285


def test_each_part_of_a_stream_has_its_share_of_the_tiles():
    network, shown = Proposes(), []
    far = FarFaceSearch(network, Sees())
    far.__class__ = type('Noted', (FarFaceSearch,), {
        '__call__': lambda self, image, tile, known=(), turn=None: shown.append(tile.x) or []})
    merged = MergedDetector(Sees(), Sees(), far)
    image = np.zeros((1080, 1920, 3), np.uint8)
    counts = []
    for _ in range(3):
        before = len(shown)
        merged.next_part(image)
        counts.append(len(shown) - before)
    # the whole, and two squares
    assert counts == [3, 3, 3]
    assert sorted(shown) == 3 * [0] + 3 * [606] + 3 * [1212]


def test_another_network_is_refused_in_a_line():
    network = Network(model_file('face_detection_full_range.tflite'))
    with pytest.raises(ModelFileError, match=r'face_detection_full_range\.tflite: does not prop'):
        FarFaceSearch(network, Sees())


def small_portrait(portrait, face_px):
    scale = face_px / PORTRAIT_FACE_PX
    return cv2.resize(portrait, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), scale


def with_portrait(portrait, size, place, face_px):
    """A grey picture (width, height) with the portrait small at `place`, and where its eyes are"""
    small, scale = small_portrait(portrait, face_px)
    image = np.full((size[1], size[0], 3), 96, np.uint8)
    x, y = place
    image[y : y + small.shape[0], x : x + small.shape[1]] = small
    return image, PORTRAIT_EYES * scale + place


@pytest.mark.parametrize('size', [(640, 480), (480, 640), (1280, 720), (1920, 1080)])
@pytest.mark.parametrize('face_px', [24, 32, 48])
def test_a_small_face_is_found_in_a_still(portrait, size, face_px):
    place = (size[0] // 3, size[1] // 3)
    image, eyes = with_portrait(portrait, size, place, face_px)
    found = load_detector('both')(image)[0]
    assert np.abs(found.eyes - eyes).max() < 0.15 * face_px


@pytest.mark.parametrize('size', [(640, 480), (1920, 1080)])
def test_a_small_face_that_appears_in_a_stream_is_found_within_a_second(portrait, size):
    image, eyes = with_portrait(portrait, size, (size[0] * 5 // 8, size[1] * 5 // 8), 26)
    pipeline = Pipeline()
    large, _ = small_portrait(portrait, 60)
    beside = slice(20, 20 + large.shape[0]), slice(20, 20 + large.shape[1])
    near, both = np.full_like(image, 96), image.copy()
    near[beside] = both[beside] = large
    for i in range(10):
        assert len(pipeline.track(near, i / 30)) == 1
    for i in range(10, 40):
        faces = pipeline.track(both, i / 30)
        if len(faces) == 2:
            break
    far = min(faces, key=lambda face: face.box[2] - face.box[0])
    assert len(faces) == 2
    assert far.box[0] < eyes[0, 0] < eyes[1, 0] < far.box[2]
    assert far.pose.translation_m[2] > 3
