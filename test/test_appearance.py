# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

import cv2
import numpy as np
import pytest

from face_recon_ros.regression.region import Region
from face_recon_ros.tracking.appearance import (
    descriptor_distance,
    descriptor_of,
    followed,
    uncovered_cells,
)

PLACE = Region(np.array([226.0, 118.0]), 150.0, 0.0)


@pytest.fixture
def descriptor(portrait):
    return descriptor_of(portrait, PLACE)


def test_a_descriptor_is_the_same_upright_or_rolled(portrait, descriptor):
    degrees = 25
    matrix = cv2.getRotationMatrix2D(PLACE.centre.tolist(), -degrees, 1.0)
    rolled = cv2.warpAffine(portrait, matrix, (512, 512))
    region = Region(PLACE.centre, PLACE.side_px, np.radians(degrees))
    assert descriptor_distance(descriptor_of(rolled, region), descriptor) < 0.1


def test_size_hardly_counts_and_exposure_less_than_who_it_is(portrait, descriptor):
    darker = (portrait * 0.7).astype(np.uint8)
    assert descriptor_distance(descriptor_of(darker, PLACE), descriptor) < 0.75
    smaller = cv2.resize(portrait, (256, 256), interpolation=cv2.INTER_AREA)
    region = Region(PLACE.centre / 2, PLACE.side_px / 2, 0.0)
    assert descriptor_distance(descriptor_of(smaller, region), descriptor) < 0.15


def test_other_faces_and_no_faces_look_different(portrait, descriptor):
    wall = descriptor_of(portrait, Region(np.array([340.0, 60.0]), 100.0, 0.0))
    assert descriptor_distance(wall, descriptor) > 0.6
    assert descriptor_distance(descriptor, descriptor) == 0
    assert descriptor_distance(wall, descriptor) <= 1


def test_cells_under_another_head_are_left_out(descriptor):
    region = Region(np.array([100.0, 100.0]), 90.0, 0.0)
    right_half = np.array([[110.0, 0.0, 300.0, 300.0]])
    cells = uncovered_cells(region, right_half).reshape(8, 8)
    assert not cells.all()
    assert (cells == cells[0]).all()
    assert uncovered_cells(region, np.zeros((0, 4))).all()
    changed = descriptor.copy()
    changed[~cells.ravel()] += 60
    assert descriptor_distance(changed, descriptor) > 0.4
    assert descriptor_distance(changed, descriptor, np.ones(8**2, bool)) > 0.4
    assert descriptor_distance(changed, descriptor, cells.ravel()) in (None, 0.0)


def test_too_few_cells_say_nothing(descriptor):
    cells = np.zeros(8**2, bool)
    cells[:5] = True
    assert descriptor_distance(descriptor, descriptor, cells) is None


def test_a_descriptor_may_reach_beyond_the_image(portrait):
    outside = descriptor_of(portrait, Region(np.array([0.0, 0.0]), 150.0, 0.0))
    assert np.isfinite(outside).all()


@pytest.mark.parametrize(('step_s', 'part'), [(0.1, 0.3003), (0.15, 0.4148), (1.5, 0.5105)])
def test_a_descriptor_follows_with_a_time_constant_of_0_28_s(step_s, part):
    """1 - exp(-step / 0.28 s), but no more than after 0.2 s."""
    before, now = np.full((64, 3), 100.0), np.full((64, 3), 150.0)
    np.testing.assert_allclose(followed(before, now, step_s), 100 + 50 * part, rtol=2e-4)
    assert followed(None, now, step_s) is now
