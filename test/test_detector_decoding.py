# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the detectors make of their networks' outputs, by values written out."""

import threading

import cv2
import numpy as np
import pytest

from face_recon_ros.detection.base import Detection
from face_recon_ros.detection.blazeface import BlazeFaceDetector
from face_recon_ros.detection.resizing import shrink
from face_recon_ros.detection.tiling import MergedDetector, squares
from face_recon_ros.detection.ultralight import UltraLightDetector


class Output:
    """A network that answers with what it was given, and keeps what it was shown."""

    def __init__(self, input_shape, *outputs):
        self.input_shape = input_shape
        self.lock = threading.Lock()
        self.outputs = list(outputs)

    def output_shapes(self):
        return [output.shape for output in self.outputs]

    def __call__(self, tensor):
        self.shown = tensor.copy()
        return self.outputs


def blaze(anchor, box, eyes, logit=2.0, size=128, count=896):
    """One face at an anchor: box is offset x, y, width, height; eyes offsets, all input px."""
    regressors = np.zeros((1, count, 16), np.float32)
    logits = np.full((1, count, 1), -9, np.float32)
    regressors[0, anchor, :4] = box
    regressors[0, anchor, 4:8] = eyes
    logits[0, anchor] = logit
    return BlazeFaceDetector(Output((1, size, size, 3), regressors, logits), 0.5)


def test_a_box_of_the_short_range_network():
    """Anchor 0's centre is half of the stride of 8: input pixel 4, 4."""
    detector = blaze(0, (2, 3, 20, 10), (1, 2, 5, 6))
    (found,) = detector(np.zeros((128, 128, 3), np.uint8))
    # borders between pixels lie half a pixel before the centres that whole numbers mean
    np.testing.assert_allclose(found.box, [-4.5, 1.5, 15.5, 11.5])
    np.testing.assert_allclose(found.eyes, [[4.5, 5.5], [8.5, 9.5]])
    assert found.score == pytest.approx(0.8808, abs=1e-4)


@pytest.mark.parametrize(
    ('anchor', 'centre'),
    [
        (1, (4, 4)), (2, (12, 4)), (31, (124, 4)), (32, (4, 12)), (511, (124, 124)),
        # six anchors a cell of stride 16
        (512, (8, 8)), (517, (8, 8)), (518, (24, 8)), (895, (120, 120)),
    ],
)  # fmt: skip
def test_anchors_of_the_short_range_network(anchor, centre):
    (found,) = blaze(anchor, (0, 0, 2, 2), (0, 0, 0, 0))(np.zeros((128, 128, 3), np.uint8))
    np.testing.assert_allclose(found.eyes[0] + 0.5, centre)


@pytest.mark.parametrize(('anchor', 'centre'), [(0, (2, 2)), (1, (6, 2)), (48, (2, 6)),
                                                (2303, (190, 190))])
def test_anchors_of_the_full_range_network(anchor, centre):
    detector = blaze(anchor, (0, 0, 2, 2), (0, 0, 0, 0), size=192, count=2304)
    (found,) = detector(np.zeros((192, 192, 3), np.uint8))
    np.testing.assert_allclose(found.eyes[0] + 0.5, centre)


@pytest.mark.parametrize(
    ('shape', 'expected'),
    [
        # halved, 32 rows of border above and below
        ((128, 256), [-8.5, -60.5, 31.5, -40.5]),
        # halved, 32 columns of border on both sides
        ((256, 128), [-72.5, 3.5, -32.5, 23.5]),
        # doubled
        ((64, 64), [-2.5, 0.5, 7.5, 5.5]),
    ],
)
def test_boxes_are_in_pixels_of_the_image(shape, expected):
    detector = blaze(0, (2, 3, 20, 10), (0, 0, 0, 0))
    (found,) = detector(np.zeros((*shape, 3), np.uint8))
    np.testing.assert_allclose(found.box, expected)


def test_the_network_is_shown_rgb_from_minus_one_to_one_in_a_black_frame():
    detector = blaze(0, (0, 0, 2, 2), (0, 0, 0, 0))
    image = np.zeros((64, 128, 3), np.uint8)
    image[...] = 0, 51, 255  # blue, green, red
    detector(image)
    shown = detector._network.shown[0]
    np.testing.assert_allclose(shown[64, 64], [1, -0.6, -1], atol=1e-6)
    assert (shown[:32] == -1).all()
    assert (shown[96:] == -1).all()
    assert (shown[32:96, :, 0] == 1).all()


@pytest.mark.parametrize(('logit', 'count'), [(0.01, 1), (-0.01, 0)])
def test_what_is_less_likely_than_the_threshold_is_no_face(logit, count):
    detector = blaze(5, (0, 0, 9, 9), (0, 0, 0, 0), logit)
    assert len(detector(np.zeros((99, 99, 3), np.uint8))) == count


@pytest.mark.parametrize(('shift_px', 'count'), [(50, 1), (57, 2)])
def test_boxes_that_overlap_by_three_tenths_are_one_face(shift_px, count):
    """Of 100 px, shifted by 53.8 they overlap so much; the mean is weighted by the scores."""
    regressors = np.zeros((1, 896, 16), np.float32)
    logits = np.full((1, 896, 1), -9, np.float32)
    regressors[0, 0, :4] = 56, 56, 100, 100
    regressors[0, 1, :4] = 56 + shift_px, 56, 100, 100
    logits[0, 0], logits[0, 1] = np.log(0.6 / 0.4), np.log(0.9 / 0.1)
    found = BlazeFaceDetector(Output((1, 128, 128, 3), regressors, logits), 0.5)(
        np.zeros((128, 128, 3), np.uint8))
    assert len(found) == count
    assert found[0].score == pytest.approx(0.9)
    expected = 9.5 + shift_px * (0.6 if count == 1 else 1.0)
    assert found[0].box[0] == pytest.approx(expected, abs=1e-4)


def ultra_light(anchor, offsets, score=0.9):
    """Input 320 x 240: 4420 anchors."""
    boxes = np.zeros((1, 4420, 4), np.float32)
    scores = np.zeros((1, 4420, 2), np.float32)
    boxes[0, anchor] = offsets
    scores[0, anchor] = 1 - score, score
    return UltraLightDetector(Output((1, 240, 320, 3), scores, boxes), 0.5)


# anchor: centre and size in pixels of 320 x 240
ULTRA_LIGHT_ANCHORS = {
    0: (4, 4, 10), 1: (4, 4, 16), 2: (4, 4, 24), 3: (12, 4, 10), 120: (4, 12, 10),
    3600: (8, 8, 32), 3601: (8, 8, 48), 4200: (16, 15, 64), 4201: (16, 15, 96),
    4360: (32, 30, 128), 4361: (32, 30, 192), 4362: (32, 30, 256), 4419: (288, 210, 256),
}  # fmt: skip


@pytest.mark.parametrize('anchor', ULTRA_LIGHT_ANCHORS)
def test_anchors_of_ultra_light(anchor):
    x, y, size = ULTRA_LIGHT_ANCHORS[anchor]
    (found,) = ultra_light(anchor, (0, 0, 0, 0))(np.zeros((240, 320, 3), np.uint8))
    # a square from brow to chin: 0.86 of the height, with the same chin
    side = 0.86 * size
    expected = np.array([x - side / 2, y + size / 2 - side, x + side / 2, y + size / 2]) - 0.5
    np.testing.assert_allclose(found.box, expected, atol=1e-4)
    assert found.eyes is None


def test_offsets_of_ultra_light():
    """A tenth of the size, and e to a fifth, are the unit (Liu et al., SSD, 2016)."""
    (found,) = ultra_light(3600, (2, -1, 0.5, 1))(np.zeros((480, 640, 3), np.uint8))
    x, y = 2 * (8 + 0.1 * 2 * 32), 2 * (8 - 0.1 * 32)
    height = 2 * 32 * np.exp(0.2)
    bottom, side = y + height / 2, 0.86 * height
    np.testing.assert_allclose(
        found.box + 0.5, [x - side / 2, bottom - side, x + side / 2, bottom], atol=1e-3)
    assert found.score == pytest.approx(0.9)


@pytest.mark.parametrize(('score', 'count'), [(0.51, 1), (0.49, 0)])
def test_threshold_of_ultra_light(score, count):
    found = ultra_light(9, (0, 0, 0, 0), score)(np.zeros((240, 320, 3), np.uint8))
    assert len(found) == count


def test_ultra_light_is_shown_rgb_around_zero():
    detector = ultra_light(0, (0, 0, 0, 0))
    image = np.zeros((50, 50, 3), np.uint8)
    image[...] = 127, 0, 255
    detector(image)
    np.testing.assert_allclose(
        detector._network.shown[0, 100, 100], [1.0, -127 / 128, 0], atol=1e-6)


@pytest.mark.parametrize(
    ('size', 'expected'),
    [
        ((100, 119), [(0, 0, 100, 119)]),
        ((100, 121), [(0, 0, 100, 100), (0, 21, 100, 100)]),
        ((640, 480), [(0, 0, 480, 480), (160, 0, 480, 480)]),
        ((1920, 1080), [(0, 0, 1080, 1080), (840, 0, 1080, 1080)]),
        ((190, 100), [(0, 0, 100, 100), (45, 0, 100, 100), (90, 0, 100, 100)]),
        ((300, 100), [(50 * i, 0, 100, 100) for i in range(5)]),
        # sixteen at most, each longer than a square, half over the next
        ((1700, 100), [(100 * i, 0, 200, 100) for i in range(16)]),
        ((900, 7), [(0, 0, 900, 7)]),
    ],
)
def test_squares_of_an_image(size, expected):
    assert [tuple(window) for window in squares(*size)] == expected


class Sees:
    """A detector that sees the same boxes in whatever it is shown."""

    def __init__(self, *boxes):
        self.boxes = boxes

    def __call__(self, image):
        return [
            Detection(np.array(b, float), s, np.array([[b[0], b[1]], [b[2], b[1]]], float))
            for *b, s in self.boxes
        ]


def test_faces_of_parts_are_merged_in_pixels_of_the_image():
    image = np.zeros((100, 150, 3), np.uint8)
    found = MergedDetector(Sees(), Sees((20, 30, 40, 50, 0.9)))(image)
    assert [d.box.tolist() for d in found] == [[20, 30, 40, 50], [70, 30, 90, 50]]
    assert found[1].eyes.tolist() == [[70, 30], [90, 30]]


@pytest.mark.parametrize(
    ('box', 'lefts'),
    [
        # squares begin at 0 and 50; a border inside the image cuts, the image's own does not
        ((-5, 10, 10, 30), [-5]),
        ((90, 10, 101, 30), [140]),
        ((90, 10, 100, 30), [90, 140]),
        ((0, 10, 10, 30), [0, 50]),
        ((10, -5, 30, 10), [10, 60]),
        ((10, 90, 30, 105), [10, 60]),
    ],
)
def test_what_a_border_inside_the_image_cuts_is_left_to_the_next_part(box, lefts):
    found = MergedDetector(Sees(), Sees((*box, 0.9)))(np.zeros((100, 150, 3), np.uint8))
    assert sorted(d.box[0] for d in found) == lefts


@pytest.mark.parametrize(('shift_px', 'count'), [(50, 1), (57, 2)])
def test_a_face_that_two_parts_see_is_reported_once(shift_px, count):
    near = Sees((0, 0, 100, 100, 0.7))
    far = Sees((shift_px, 0, 100 + shift_px, 100, 0.9))
    found = MergedDetector(near, far)(np.zeros((300, 300, 3), np.uint8))
    assert len(found) == count


def test_faces_that_overlap_by_just_three_tenths_are_two():
    near, far = Sees((0, 0, 13, 10, 0.7)), Sees((7, 0, 20, 10, 0.9))
    assert len(MergedDetector(near, far)(np.zeros((300, 300, 3), np.uint8))) == 2


@pytest.mark.parametrize(
    ('size', 'steps'),
    [
        ((200, 160), [((100, 80), cv2.INTER_AREA)]),
        ((201, 161), [((200, 160), cv2.INTER_LINEAR), ((100, 80), cv2.INTER_AREA)]),
        ((300, 150), [((100, 80), cv2.INTER_AREA)]),
        ((190, 300), [((100, 80), cv2.INTER_AREA)]),
        ((100, 60), [((100, 80), cv2.INTER_AREA)]),
        ((99, 60), [((100, 80), cv2.INTER_LINEAR)]),
    ],
)
def test_images_are_shrunk_by_averaging_large_ones_in_two_steps(size, steps):
    width, height = size
    image = np.random.default_rng(1).integers(0, 255, (height, width, 3), np.uint8)
    expected = image
    for to, interpolation in steps:
        expected = cv2.resize(expected, to, interpolation=interpolation)
    np.testing.assert_array_equal(shrink(image, 100, 80), expected)
