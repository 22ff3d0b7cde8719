# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is drawn, where and in which colour: expected values written out."""

import numpy as np
import pytest

from face_recon_ros.errors import ImageError
from face_recon_ros.rendering import overlay

BLUE, GREEN, RED = (230, 90, 30), (40, 190, 40), (40, 40, 230)
WHITE, LANDMARK, BOX = (255, 255, 255), (80, 240, 80), (40, 200, 255)
# face -> optical of somebody who looks into the camera
FRONTAL = np.array([[0.0, 1, 0], [0, 0, -1], [-1, 0, 0]])


def blank(height=400, width=400):
    return np.zeros((height, width, 3), np.uint8)


def painted(image):
    """Return the first and last column and row with anything in them."""
    rows, columns = np.nonzero(image.any(axis=2))
    return columns.min(), rows.min(), columns.max(), rows.max()


def is_painted(image, color):
    return (image == color).all(axis=2)


def far_apart():
    """Landmarks on a grid, 40 px apart: the lines of one contour cross no other's dots."""
    index = np.arange(68)
    return np.column_stack([20.0 + 40 * (index % 9), 20.0 + 40 * (index // 9), 0.0 * index])


def test_each_landmark_is_a_dot_of_the_landmarks_colour():
    points = far_apart()
    image = overlay.draw_landmarks(blank(), points)
    for x, y, _ in points.astype(int):
        assert image[y, x].tolist() == list(LANDMARK)
    # of 320 px: a radius of 2.9 px
    alone = overlay.draw_landmarks(blank(), np.tile([[50.0, 60, 0]], (68, 1)) + far_apart() * 1e-9)
    x0, y0, x1, y1 = painted(alone)
    assert (x0 + x1, y0 + y1) == (100, 120)
    assert 2 <= x1 - x0 <= 4


def test_contours_are_those_of_the_68_landmarks():
    """Landmarks on a circle: of no two chords of neighbours are the middles the same."""
    angle = 2 * np.pi * np.arange(68) / 68
    points = np.column_stack([np.cos(angle), np.sin(angle), 0 * angle]) * 700 + 750
    image = overlay.draw_landmarks(np.zeros((1500, 1500, 3), np.uint8), points)

    def joined(first, second):
        x, y = ((points[first, :2] + points[second, :2]) / 2).round().astype(int)
        return bool((image[y - 1 : y + 2, x - 1 : x + 2] > 200).all(axis=2).any())

    broken = {i for i in range(67) if not joined(i, i + 1)}
    # jaw, two brows, bridge, nostrils, two eyes, outer and inner lips begin after these
    assert broken == {16, 21, 26, 30, 35, 41, 47, 59}
    for first, last in ((36, 41), (42, 47), (48, 59), (60, 67)):
        assert joined(first, last)
    for first, last in ((0, 16), (17, 21), (22, 26), (31, 35)):
        assert not joined(first, last)


@pytest.mark.parametrize(('height', 'width_px'), [(75, 1), (150, 1), (300, 2), (600, 4)])
def test_a_box_is_as_wide_a_line_as_a_150th_of_its_height(height, width_px):
    image = overlay.draw_box(blank(700, 700), np.array([50.0, 60, 250, 60 + height]))
    row = image[60 + height // 2].any(axis=1)
    # with a soft edge on both sides
    assert width_px <= row[:150].sum() <= width_px + 3
    assert np.abs(image[60 + height // 2, 50].astype(int) - BOX).max() <= 25
    x0, y0, x1, y1 = painted(image)
    assert np.abs(np.array([x0, y0, x1, y1]) - [50, 60, 250, 60 + height]).max() <= width_px


def test_fractions_of_pixels_are_drawn():
    left, right = (
        overlay.draw_box(blank(), np.array([x, 60, 200, 160.0]))[100, 45:55].astype(int).sum(1)
        for x in (50.0, 50.5)
    )
    assert left.tolist() != right.tolist()
    assert np.average(np.arange(45, 55), weights=right) == pytest.approx(50.5, abs=0.1)


def test_a_label_stands_above_the_left_corner_of_its_box():
    box = np.array([50.0, 100, 200, 250])
    bare = overlay.draw_box(blank(), box)
    image = overlay.draw_box(blank(), box, 'f1 0.7 m')
    # OpenCV 4 draws thin letters nearly white
    label = (image != bare).any(axis=2) & (image.min(axis=2) > 180)
    rows, columns = np.nonzero(label)
    assert 84 <= rows.min() < rows.max() <= 97
    assert 50 <= columns.min() <= 57
    # at the upper border it stays inside
    places = []
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(overlay, '_draw_label', lambda *given: places.append(given[1:]))
        overlay.draw_box(blank(), box, 'f1')
        overlay.draw_box(blank(), np.array([30.9, 13, 200, 150]), 'f2')
    assert places == [('f1', 50, 96), ('f2', 30, 10)]
    top = overlay.draw_box(blank(), np.array([50.0, 2, 200, 150]), 'f1')
    rows, _ = np.nonzero(top.min(axis=2) > 180)
    assert rows.min() >= 0
    assert rows.max() in (9, 10, 11)


@pytest.mark.parametrize(
    ('axis', 'color', 'end'),
    # seen frontally x points to the viewer, y to image right, z up
    [(1, GREEN, (260, 200)), (2, BLUE, (200, 140))],
)
def test_axes_of_a_frontal_face(axis, color, end):
    image = overlay.draw_pose_axes(blank(), np.array([200.0, 200.0]), FRONTAL, 60.0)
    rows, columns = np.nonzero(is_painted(image, color))
    far = np.argmax(np.hypot(columns - 200, rows - 200))
    assert abs(columns[far] - end[0]) <= 2
    assert abs(rows[far] - end[1]) <= 2
    # x, towards the viewer, is on top
    assert image[200, 200].tolist() == list(RED)


def test_the_nearest_axis_is_drawn_last():
    # turned about: x away from the viewer; it is hidden by the others
    away = np.array([[0.0, -1, 0], [0, 0, -1], [1, 0, 0]])
    image = overlay.draw_pose_axes(blank(), np.array([200.0, 200.0]), away, 60.0)
    assert image[200, 200].tolist() in (list(GREEN), list(BLUE))


def test_the_cage_of_a_frontal_face():
    """Squares of 0.9 and 1.24 face heights around a middle 0.3 below the origin."""
    image = overlay.draw_pose_cage(blank(), np.array([200.0, 150.0]), FRONTAL, 100.0)
    x0, y0, x1, y1 = painted(image)
    assert np.abs(np.array([x0, y0, x1, y1]) - [138, 118, 262, 242]).max() <= 2
    for x in (155, 245):  # the back ring's sides
        assert image[180, x - 1 : x + 2].any()
    for y in (135, 225):
        assert image[y - 1 : y + 2, 200].any()
    # corners are joined
    assert image[126 - 1 : 126 + 2, 146 - 1 : 146 + 3].any()


def test_the_cage_opens_towards_where_the_face_points():
    """Turned to image left: the large end is there, the small one behind."""
    profile = np.array([[-1.0, 0, 0], [0, 0, -1], [0, -1, 0]])
    image = overlay.draw_pose_cage(blank(), np.array([200.0, 150.0]), profile, 100.0)
    x0, y0, x1, y1 = painted(image)
    assert np.abs(np.array([x0, y0, x1, y1]) - [175, 118, 275, 242]).max() <= 2
    assert np.nonzero(image[:, 275].any(axis=1))[0].min() == pytest.approx(135, abs=2)


def test_dense_dots_are_warm_where_they_are_near():
    points = np.array([[50.0, 50, 0], [100, 50, 10], [150, 50, 5], [200, 50, 100]])
    visible = np.array([True, True, True, False])
    image = overlay.draw_dense(blank(), points, visible)
    far, near, middle = image[50, 50], image[50, 100], image[50, 150]
    assert near[2] > near[0]  # red
    assert far[0] >= far[2]  # blue
    assert middle[1] > max(middle[0], middle[2])  # green
    assert not image[50, 200].any()
    assert image.any(axis=2).sum() == 3


def test_dense_dots_are_thinned_to_every_third_of_their_size():
    row = np.column_stack([np.arange(30.0), np.full(30, 40.0), np.arange(30.0)])
    image = overlay.draw_dense(blank(), row, np.ones(30, bool))
    assert image.any(axis=2).sum() == 10
    # 300 px high: two pixels wide
    column = np.array([[40.0, 20, 0], [40, 320, 1]])
    assert overlay.draw_dense(blank(), column, np.ones(2, bool)).any(axis=2).sum() == 8
    # and so there is one in every six
    column = np.column_stack([np.full(301, 40.0), np.arange(20.0, 321), np.arange(301.0)])
    image = overlay.draw_dense(blank(), column, np.ones(301, bool))
    assert image.any(axis=2).sum() == 4 * 51


def test_dense_dots_beyond_the_border_are_left_out():
    points = np.array([[-1.0, 5, 0], [5, -1, 1], [10, 5, 2], [5, 10, 3], [9, 9, 4], [0, 0, 5]])
    image = overlay.draw_dense(np.zeros((10, 10, 3), np.uint8), points, np.ones(6, bool))
    assert image.any(axis=2).sum() == 2
    assert image[0, 0].any()
    assert image[9, 9].any()


def test_no_visible_dot_draws_nothing():
    image = overlay.draw_dense(blank(), np.zeros((3, 3)), np.zeros(3, bool))
    assert not image.any()


def test_labels_of_angles():
    assert overlay.angles_label(FRONTAL) in ('yaw +0 pitch +0 roll +0', 'yaw -0 pitch +0 roll +0',
                                             'yaw -0 pitch -0 roll -0')
    a = np.radians(25)
    left = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    assert overlay.angles_label(left @ FRONTAL).startswith('yaw +25 ')


@pytest.mark.parametrize(
    ('image', 'said'),
    [
        (np.zeros((4, 4), np.uint8), r'uint8 \(4, 4\); wants uint8 \(height, width, 3\)'),
        (np.zeros((4, 4, 4), np.uint8), r'uint8 \(4, 4, 4\)'),
        (np.zeros((4, 4, 3), np.float32), r'float32 \(4, 4, 3\)'),
        ([1, 2], 'is list'),
        (np.broadcast_to(np.uint8(0), (4, 4, 3)), 'read-only; give a copy'),
    ],
)
def test_what_cannot_be_drawn_on(image, said):
    with pytest.raises(ImageError, match=said), overlay.canvas(image):
        pass


def test_a_view_is_drawn_on_where_it_lies():
    image = blank(60, 80)
    overlay.draw_box(image[::-1], np.array([10.0, 5, 70, 20]))
    assert image[55 - 1, 40].any()  # row 5 from below
    assert not image[5, 40].any()
