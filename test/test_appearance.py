import cv2
import numpy as np
import pytest

from face_recon_ros.regression.region import Region
from face_recon_ros.tracking.appearance import LOOK_SIZE, look_distance, look_of, uncovered_cells
from face_recon_ros.tracking.tracker import UNLIKE_LOOK

PLACE = Region(np.array([226.0, 118.0]), 150.0, 0.0)


@pytest.fixture
def look(portrait):
    return look_of(portrait, PLACE)


def test_a_look_is_the_same_upright_or_rolled(portrait, look):
    degrees = 25
    matrix = cv2.getRotationMatrix2D(PLACE.centre.tolist(), -degrees, 1.0)
    rolled = cv2.warpAffine(portrait, matrix, (512, 512))
    region = Region(PLACE.centre, PLACE.side_px, np.radians(degrees))
    assert look_distance(look_of(rolled, region), look) < 0.1


def test_size_hardly_counts_and_exposure_less_than_who_it_is(portrait, look):
    darker = (portrait * 0.7).astype(np.uint8)
    assert look_distance(look_of(darker, PLACE), look) < UNLIKE_LOOK
    smaller = cv2.resize(portrait, (256, 256), interpolation=cv2.INTER_AREA)
    region = Region(PLACE.centre / 2, PLACE.side_px / 2, 0.0)
    assert look_distance(look_of(smaller, region), look) < 0.15


def test_other_faces_and_no_faces_look_different(portrait, look):
    wall = look_of(portrait, Region(np.array([340.0, 60.0]), 100.0, 0.0))
    assert look_distance(wall, look) > 0.6
    assert look_distance(look, look) == 0
    assert look_distance(wall, look) <= 1


def test_cells_under_another_head_are_left_out(look):
    region = Region(np.array([100.0, 100.0]), 90.0, 0.0)
    right_half = np.array([[110.0, 0.0, 300.0, 300.0]])
    cells = uncovered_cells(region, right_half).reshape(LOOK_SIZE, LOOK_SIZE)
    assert not cells.all()
    assert (cells == cells[0]).all()
    assert uncovered_cells(region, np.zeros((0, 4))).all()
    changed = look.copy()
    changed[~cells.ravel()] += 60
    assert look_distance(changed, look) > 0.4
    assert look_distance(changed, look, np.ones(LOOK_SIZE**2, bool)) > 0.4
    assert look_distance(changed, look, cells.ravel()) in (None, 0.0)


def test_too_few_cells_say_nothing(look):
    cells = np.zeros(LOOK_SIZE**2, bool)
    cells[:5] = True
    assert look_distance(look, look, cells) is None


def test_a_look_may_reach_beyond_the_image(portrait):
    outside = look_of(portrait, Region(np.array([0.0, 0.0]), 150.0, 0.0))
    assert np.isfinite(outside).all()
