# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Each constant of the tracker is held by a scene that comes out otherwise with another value.

A scene is a function without arguments that ends in an assertion. Constants for which there is no
such scene have no place in the code: the last test finds them.
"""

import ast
import importlib
import math
import pkgutil
from contextlib import contextmanager
from dataclasses import fields
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import pytest
import test_appearance
import test_association
import test_motion
import test_searching
import test_smoothing
import test_smoothing_values
import test_tracking
import test_tracking_limits as limits
import test_turns
from tracking_scene import Stream

import face_recon_ros.tracking as room
from face_recon_ros.regression.region import Region
from face_recon_ros.tracking.appearance import descriptor_distance, descriptor_of, uncovered_cells
from face_recon_ros.tracking.association import assign, sightings
from face_recon_ros.tracking.egomotion import View, carried
from face_recon_ros.tracking.settings import TrackingSettings
from face_recon_ros.tracking.smoothing import FaceSmoother, SmoothingSettings

MODULES = [
    importlib.import_module(f'{room.__name__}.{module.name}')
    for module in pkgutil.iter_modules(room.__path__)
]


# --- scenes of pictures ----------------------------------------------------------

FACE = Region(np.array([100.0, 100.0]), 90.0, 0.0)
# CIELAB's neutral colour is grey: people differ by light and dark
PEOPLE = np.random.default_rng(1).integers(0, 256, (3, 8, 8), np.uint8)


def picture(person, region=FACE, behind=128, covered=None):
    """A wall with a person's face of 8 x 8 patches; a black head over a box (4,) of it."""
    image = np.full((200, 200), behind, np.uint8)
    side = int(region.side_px)
    # the patches reach as far as a face does, two thirds of the region
    face = cv2.resize(person, (side * 2 // 3, side * 2 // 3), interpolation=cv2.INTER_NEAREST)
    x, y = (region.centre - side / 3).astype(int)
    image[y : y + len(face), x : x + len(face)] = face
    if covered is not None:
        x0, y0, x1, y1 = (int(v) for v in covered)
        image[y0:y1, x0:x1] = 0
    return cv2.cvtColor(image, cv2.COLOR_GRAY2BGR)


def distance(a, b, cells=None):
    return descriptor_distance(descriptor_of(a, FACE), descriptor_of(b, FACE), cells)


def people_who_differ_in_detail_differ():
    """In each quarter of a cell's neighbours the same patches, at other places."""
    blocks = PEOPLE[0].reshape(4, 2, 4, 2)
    other = blocks[:, ::-1, :, ::-1].reshape(8, 8)
    assert distance(picture(PEOPLE[0]), picture(other)) > 0.4


def noise_of_the_sensor_changes_nobody():
    noise = np.random.default_rng(0).normal(0, 50, (200, 200, 1))
    noisy = np.clip(picture(PEOPLE[0]) + noise, 0, 255).astype(np.uint8)
    assert distance(noisy, picture(PEOPLE[0])) < 0.12


def the_wall_behind_somebody_does_not_count():
    assert distance(picture(PEOPLE[0]), picture(PEOPLE[0], behind=255)) < 0.1


def faces_that_differ_in_cheeks_and_chin_differ():
    other = PEOPLE[0].copy()
    other[:, :2], other[:, -2:], other[-2:] = PEOPLE[1][:, :2], PEOPLE[1][:, -2:], PEOPLE[1][-2:]
    assert distance(picture(PEOPLE[0]), picture(other)) > 0.4


def the_hair_of_somebody_before_a_face_is_not_the_face():
    """A head is larger than its box (6 px here), and the rest of the face tells who it is."""
    box = np.array([110.0, 60.0, 150.0, 140.0])
    hair = box + np.array([-9, -9, 9, 9])
    free = uncovered_cells(FACE, box[None])
    half = distance(picture(PEOPLE[0]), picture(PEOPLE[0], covered=hair), free)
    assert half is not None
    assert half < 0.1


def half_a_face_tells_who_it_is():
    right_half = np.arange(64) % 8 >= 4
    apart = distance(picture(PEOPLE[0]), picture(PEOPLE[1]), right_half)
    assert apart is not None
    assert apart > 0.4


def a_quarter_of_a_face_says_nothing():
    assert distance(picture(PEOPLE[0]), picture(PEOPLE[1]), np.arange(64) < 16) is None


# --- scenes of people ------------------------------------------------------------


def blind(stream, stamp_s, **faces):
    return limits.blind(stream, stamp_s, **faces)


def back(face_id, x=0.0, looks=None, size=1.0, away_s=0.1):
    """A face that is alone is lost, and found again there; None: as another one."""
    stream = Stream()
    if looks is not None:
        stream.scene.looks = {'a': 0}
    take = stream.step if looks is not None else partial(blind, stream)
    for index in range(3):
        take(index / 10, a=(200, 200))
    for index in range(round(10 * away_s)):
        take(0.3 + index / 10)
    if looks is not None:
        stream.scene.looks = {'a': looks}
    stream.scene.side_px *= size
    assert take(0.3 + away_s, a=(200 + x, 200)) == {'a': face_id}


def back_from_among_others(x, waits):
    """Two touch; one of them is hidden for an image, and seen again further on."""
    stream = Stream()
    for index in range(4):
        blind(stream, index / 30, a=(200, 200), b=(260, 200))
    blind(stream, 4 / 30, b=(260, 200))
    found = blind(stream, 5 / 30, a=(200 + x, 200), b=(260, 200))
    assert found == ({'b': 'f2'} if waits else {'a': 'f1', 'b': 'f2'})


def a_head_that_rolls_is_searched_ahead(rate_hz=10, speed_rad_s=5.0):
    stream = Stream(detection_interval=1000)
    for index in range(12):
        stream.scene.roll_rad = math.remainder(speed_rad_s * index / rate_hz, math.tau)
        stream.update(index / rate_hz, a=(200, 200))
    searched = stream.scene.looked_at[-1].roll_rad
    assert abs(math.remainder(searched - stream.scene.roll_rad, math.tau)) < 0.2


def as_many_as_there_are_get_a_face():
    """The cheapest pair alone would leave somebody without."""
    cost, possible = np.array([[1.0, 9.0], [5.0, 5.0]]), np.array([[True, True], [True, False]])
    assert assign(cost, possible) == [(0, 1), (1, 0)]


def heads_that_touch(apart_px, touching):
    seen = sightings([test_association.face(200.0), test_association.face(200.0 + apart_px)])
    assert [s.touching for s in seen] == [touching] * 2


def a_clock_that_is_set_back_by(back_s, times_s):
    """At 30 Hz, from 10 s on."""
    stamps = [10 - back_s + index / 30 for index in range(3)]
    assert test_motion.times_of(10.0, *stamps)[1:] == pytest.approx(times_s, abs=1e-3)


def a_head_this_near_is_carried(depth_m, is_carried):
    """The camera has moved towards a head 1 m away."""
    start = test_smoothing.camera_at((0, 0, 0), (0, 0, 0))
    near = test_smoothing.camera_at((0, 0, 0), (0, 0, 1 - depth_m))
    view = View(test_smoothing.CAMERA, start), View(test_smoothing.CAMERA, near)
    moved = carried(600.0, np.eye(3), np.array([320.0, 240, 0]), *view)
    assert (moved is not None) == is_carried


def nobody_waits_until_a_crowd_is_known():
    """Five new ones take fifteen images; who was there waits for eleven."""
    known, *_ = people = [
        test_turns.Somebody(100.0), *(test_turns.Somebody(100.0, hits=0) for _ in range(5))]
    test_turns.take_turns(people, 1, 20)
    assert known.looks[0] == 11


# --- the table: constant, factor, the scene that comes out otherwise -------------

HALF, DOUBLE = 0.5, 2.0
VALUES = test_smoothing_values
HELD = [
    # what people look like
    ('appearance.CELLS', HALF, people_who_differ_in_detail_differ),
    ('appearance._SAMPLED_SIZE', 0.25, noise_of_the_sensor_changes_nobody),
    ('appearance._SAMPLED_PART', HALF, faces_that_differ_in_cheeks_and_chin_differ),
    ('appearance._SAMPLED_PART', DOUBLE, the_wall_behind_somebody_does_not_count),
    ('appearance._COLOR_UNIT', HALF, partial(back, 'f1', x=88, looks=0.245)),
    ('appearance._COLOR_UNIT', DOUBLE,
     limits.test_lost_faces_are_given_back_by_their_looks_where_places_differ_little),
    ('appearance._MOST', HALF,
     test_tracking.test_somebody_else_in_about_the_same_place_gets_another_id),
    ('appearance._HEAD_MARGIN', HALF, the_hair_of_somebody_before_a_face_is_not_the_face),
    ('appearance._HEAD_MARGIN', 4, the_hair_of_somebody_before_a_face_is_not_the_face),
    ('appearance._LEAST_PART', HALF, a_quarter_of_a_face_says_nothing),
    ('appearance._LEAST_PART', DOUBLE, half_a_face_tells_who_it_is),
    ('appearance._FOLLOWED_S', HALF,
     partial(test_appearance.test_a_descriptor_follows_with_a_time_constant_of_0_28_s, 0.1, 0.3)),
    ('appearance._FOLLOWED_S', DOUBLE,
     partial(test_appearance.test_a_descriptor_follows_with_a_time_constant_of_0_28_s, 0.1, 0.3)),
    ('appearance._MOST_FOLLOWED_S', HALF,
     partial(test_appearance.test_a_descriptor_follows_with_a_time_constant_of_0_28_s,
             1.5, 0.5105)),
    ('appearance._MOST_FOLLOWED_S', DOUBLE,
     partial(test_appearance.test_a_descriptor_follows_with_a_time_constant_of_0_28_s,
             1.5, 0.5105)),
    # whose a face is
    ('association.SAME_FACE_IOU', HALF,
     partial(test_association.test_boxes_that_overlap_by_more_than_two_fifths_show_one_face,
             46, 2)),
    ('association.SAME_FACE_IOU', DOUBLE,
     partial(test_association.test_boxes_that_overlap_by_more_than_two_fifths_show_one_face,
             40, 1)),
    ('association.TOUCHING_IOU', HALF, partial(heads_that_touch, 64, False)),
    ('association.TOUCHING_IOU', DOUBLE, partial(heads_that_touch, 62, True)),
    ('association.FRONT_SIGMA_RATIO', HALF, partial(
        test_association.test_a_face_that_is_much_less_sure_is_behind_and_covers_nothing,
        0.18, True)),
    ('association.FRONT_SIGMA_RATIO', DOUBLE, partial(
        test_association.test_a_face_that_is_much_less_sure_is_behind_and_covers_nothing,
        0.16, False)),
    ('association.GATE', HALF, partial(back, 'f1', x=88)),
    ('association.GATE', DOUBLE, partial(back, 'f2', x=105)),
    ('association.APPEARANCE_NATS', HALF,
     test_tracking.test_somebody_else_in_about_the_same_place_gets_another_id),
    ('association.APPEARANCE_NATS', DOUBLE, partial(back, 'f1', x=70, looks=0.4)),
    ('association.APPEARANCE_NEUTRAL', HALF, partial(back, 'f1', x=88, looks=0.245)),
    ('association.APPEARANCE_NEUTRAL', DOUBLE,
     test_tracking.test_somebody_else_in_about_the_same_place_gets_another_id),
    ('association.APPEARANCE_MOST', HALF,
     test_tracking.test_somebody_else_in_about_the_same_place_gets_another_id),
    ('association.APPEARANCE_MOST', DOUBLE,
     test_tracking.test_a_face_keeps_its_id_in_its_place_whatever_it_looks_like),
    ('association.BESIDE_NATS', HALF, partial(back_from_among_others, -58, True)),
    ('association.BESIDE_NATS', DOUBLE, partial(back_from_among_others, -40, False)),
    ('association.AMBIGUOUS_NATS', HALF,
     partial(limits.test_a_face_that_may_be_one_or_the_other_waits, 243, True)),
    ('association.AMBIGUOUS_NATS', DOUBLE,
     partial(limits.test_a_face_that_may_be_one_or_the_other_waits, 252, False)),
    ('association.FAR_IN_CROP', HALF, partial(
        test_association.test_a_face_far_from_where_it_was_looked_for_may_be_another_one,
        8, False)),
    ('association.FAR_IN_CROP', DOUBLE, partial(
        test_association.test_a_face_far_from_where_it_was_looked_for_may_be_another_one,
        12, True)),
    ('association._IMPOSSIBLE', 1e-6, as_many_as_there_are_get_a_face),
    # how people move
    ('motion.SPEED_SIGMA[0:2]', HALF, partial(back, 'f1', x=88)),
    ('motion.SPEED_SIGMA[0:2]', DOUBLE, partial(back, 'f2', x=105)),
    ('motion.SPEED_SIGMA[2]', HALF, partial(back, 'f1', size=4.0, away_s=1.0)),
    ('motion.SPEED_SIGMA[2]', DOUBLE, partial(back, 'f2', size=8.0, away_s=1.0)),
    ('motion.SPEED_SIGMA[3]', 0.1, a_head_that_rolls_is_searched_ahead),
    ('motion.VELOCITY_KEPT_S', HALF, partial(limits.test_a_face_on_its_way_is_expected_ahead,
                                             100, 0.5)),
    ('motion.VELOCITY_KEPT_S', DOUBLE, partial(limits.test_a_face_on_its_way_is_expected_ahead,
                                               100, 0.5)),
    ('motion.MEASURED_SIGMA[0:2]', HALF,
     partial(test_tracking.test_a_noisy_face_is_looked_for_in_the_same_place, 30)),
    ('motion.MEASURED_SIGMA[0:2]', DOUBLE,
     partial(limits.test_a_search_stays_where_it_is_while_the_face_jitters, {'x': 1.7}, False)),
    ('motion.MEASURED_SIGMA[2]', HALF,
     partial(limits.test_a_search_stays_where_it_is_while_the_face_jitters,
             {'side_px': 102.3}, True)),
    ('motion.MEASURED_SIGMA[2]', DOUBLE,
     partial(limits.test_a_search_stays_where_it_is_while_the_face_jitters,
             {'side_px': 102.5}, False)),
    ('motion.MEASURED_SIGMA[3]', HALF,
     partial(limits.test_a_search_stays_where_it_is_while_the_face_jitters,
             {'roll_rad': 0.031}, True)),
    ('motion.MEASURED_SIGMA[3]', DOUBLE,
     partial(limits.test_a_search_stays_where_it_is_while_the_face_jitters,
             {'roll_rad': 0.033}, False)),
    ('motion.DOUBLED_BY_RAD', HALF,
     partial(limits.test_a_search_stays_where_it_is_while_the_face_jitters, {'x': 1.7}, False)),
    ('motion.DOUBLED_BY_RAD', DOUBLE,
     partial(limits.test_a_search_stays_where_it_is_while_the_face_jitters, {'x': 1.5}, True)),
    ('motion.JUMP_SIGMA[0:2]', HALF, partial(back, 'f1', x=88)),
    ('motion.JUMP_SIGMA[0:2]', DOUBLE, partial(back, 'f2', x=105)),
    ('motion.JUMP_SIGMA[2]', HALF, partial(back, 'f1', size=2.2)),
    ('motion.JUMP_SIGMA[2]', DOUBLE, partial(back, 'f2', size=2.5)),
    # who is new
    ('new_faces.SAME_REGION_DISTANCE', HALF,
     partial(limits.test_a_detection_nearer_than_a_third_of_its_side_is_the_face_that_is_followed,
             33, False)),
    ('new_faces.SAME_REGION_DISTANCE', DOUBLE,
     partial(limits.test_a_detection_nearer_than_a_third_of_its_side_is_the_face_that_is_followed,
             37, True)),
    ('tracker.SOUGHT_DISTANCE', HALF,
     partial(limits.test_where_a_face_is_sought_an_earlier_finding_is_out_of_date, 90, False)),
    ('tracker.SOUGHT_DISTANCE', DOUBLE,
     partial(limits.test_where_a_face_is_sought_an_earlier_finding_is_out_of_date, 110, True)),
    ('new_faces.LONGEST_WAIT_S', HALF, limits.test_it_waits_for_half_a_second),
    ('new_faces.LONGEST_WAIT_S', DOUBLE, limits.test_it_waits_for_half_a_second),
    ('new_faces.STILL_THERE_S', HALF,
     partial(limits.test_the_detectors_word_counts_for_a_quarter_second, 0.24, True)),
    ('new_faces.STILL_THERE_S', DOUBLE,
     partial(limits.test_the_detectors_word_counts_for_a_quarter_second, 0.26, False)),
    ('new_faces.NO_FACE_S', HALF,
     partial(limits.test_what_was_no_face_comes_last_for_a_second, 0.95, {'a': 'f1'})),
    ('new_faces.NO_FACE_S', DOUBLE,
     partial(limits.test_what_was_no_face_comes_last_for_a_second, 1.05, {})),
    ('new_faces.LEAST_UPRIGHT_SCORE', HALF,
     partial(limits.test_somebody_new_has_to_be_a_face_to_the_detector, 0.64, [], 0.2)),
    ('new_faces.LEAST_UPRIGHT_SCORE', 1.1,
     partial(limits.test_somebody_new_has_to_be_a_face_to_the_detector, 0.66, ['f1'], 0.2)),
    ('new_faces.LEAST_UPRIGHT_SCORE_IF_SURE', HALF,
     partial(limits.test_somebody_new_has_to_be_a_face_to_the_detector, 0.44, [], 0.1)),
    ('new_faces.LEAST_UPRIGHT_SCORE_IF_SURE', 1.1,
     partial(limits.test_somebody_new_has_to_be_a_face_to_the_detector, 0.46, ['f1'], 0.1)),
    ('new_faces.SURE_NEW_SCORE', HALF,
     partial(limits.test_somebody_new_has_to_be_a_face_to_the_detector, 0.64, [], 0.181)),
    ('new_faces.SURE_NEW_SCORE', 1.1,
     partial(limits.test_somebody_new_has_to_be_a_face_to_the_detector, 0.64, ['f1'], 0.17)),
    # time
    ('stream_clock.SET_BACK_S', HALF, partial(
        test_tracking.test_stamps_that_are_not_even_keep_the_id,
        test_tracking.stamps_with(i50=-0.3, i120=-0.9))),
    ('stream_clock.SET_BACK_S', DOUBLE,
     partial(test_tracking.test_stamps_a_second_or_more_back_start_anew, 1.0)),
    ('stream_clock.STEP_BACK_S', HALF,
     test_motion.test_jitter_below_a_tenth_of_a_second_sets_nothing_back),
    ('stream_clock.STEP_BACK_S', DOUBLE,
     partial(a_clock_that_is_set_back_by, 0.15, [10.0, 10.0, 10.033])),
    ('egomotion.LEAST_DEPTH_M', HALF, partial(a_head_this_near_is_carried, 0.04, False)),
    ('egomotion.LEAST_DEPTH_M', DOUBLE, partial(a_head_this_near_is_carried, 0.06, True)),
    # what is asked of the detector, and when
    ('track.UNCERTAIN_SIGMA_RAD', HALF,
     partial(limits.test_what_is_doubtful_needs_the_detector, {'sigma_rad': 0.19}, True)),
    ('track.UNCERTAIN_SIGMA_RAD', DOUBLE,
     partial(limits.test_what_is_doubtful_needs_the_detector, {'sigma_rad': 0.21}, False)),
    ('track.OTHER_ROLL_RAD', HALF, a_head_that_rolls_is_searched_ahead),
    ('track.OTHER_ROLL_RAD', 5, test_tracking.test_a_roll_that_is_set_right_is_no_motion),
    ('track.DESCRIBED_EVERY_S', HALF,
     limits.test_the_appearance_of_a_face_that_is_alone_is_taken_ten_times_a_second),
    ('track.DESCRIBED_EVERY_S', DOUBLE,
     limits.test_the_appearance_of_a_face_that_is_alone_is_taken_ten_times_a_second),
    ('tracker.ASK_S', HALF, limits.test_a_doubtful_face_is_asked_about_after_a_tenth_of_a_second),
    ('tracker.ASK_S', DOUBLE,
     limits.test_a_doubtful_face_is_asked_about_after_a_tenth_of_a_second),
    ('tracker.GIVE_UP_S', HALF, limits.test_a_doubtful_face_is_let_go_after_half_a_second),
    ('tracker.GIVE_UP_S', DOUBLE, limits.test_a_doubtful_face_is_let_go_after_half_a_second),
    ('tracker.LONG_GAP_S', HALF,
     partial(limits.test_a_gap_of_half_a_second_makes_the_detector_search, 0.48, 0)),
    ('tracker.LONG_GAP_S', DOUBLE,
     partial(limits.test_a_gap_of_half_a_second_makes_the_detector_search, 0.52, 1)),
    ('tracker.MOST_SOUGHT', HALF,
     test_searching.test_of_many_lost_faces_each_is_looked_for_in_turn),
    ('tracker.MOST_SOUGHT', DOUBLE,
     test_searching.test_of_many_lost_faces_each_is_looked_for_in_turn),
    # who is looked at, where not all are
    ('turns.NEW_LOOKS', HALF, test_turns.test_a_new_face_comes_first_in_its_first_three_images),
    ('turns.NEW_LOOKS', DOUBLE, test_turns.test_a_new_face_comes_first_in_its_first_three_images),
    ('turns.LONGEST_ROUNDS', HALF,
     test_turns.test_the_nearest_is_looked_at_twice_as_often_as_the_farthest),
    ('turns.LONGEST_ROUNDS', DOUBLE, nobody_waits_until_a_crowd_is_known),
    # smoothing
    *[(f'smoothing.{name}', factor, partial(
        VALUES.test_what_is_further_off_than_noise_makes_it_is_followed, angles, 0.05))
      for factor in (HALF, DOUBLE)
      for name, angles in (
          ('DISTANCE_SIGMAS', (0.0, 0.01, 0.02, 0.0)),
          ('DISTANCE_POWER', (0.0, 0.01, 0.02, 0.0)),
          ('MOST_DISTANCE', (0.0, 0.02, 0.1, 0.05)),
      )],
    ('smoothing.KNOWN_SIGMA_CUTOFF', 3.0,
     partial(test_smoothing.test_a_known_sigma_lowers_lag_and_jitter, 30)),
    *[(f'smoothing.FaceSmoother.{name}', factor, scene)
      for factor in (HALF, DOUBLE)
      for name, scene in (
          ('_ROTATION_BETA', VALUES.test_a_faces_rotation),
          ('_POSITION_BETA', VALUES.test_a_faces_place),
          ('_SIZE_BETA', VALUES.test_a_faces_size),
          ('_EXPRESSION_BETA', VALUES.test_a_faces_shape_and_expression),
          ('_SHAPE_CUTOFF', VALUES.test_a_faces_shape_and_expression),
          ('_EXPRESSION_CUTOFF', VALUES.test_a_faces_shape_and_expression),
      )],
    ('smoothing.SMOOTHED_GAP_S', HALF,
     partial(test_smoothing.test_a_filter_goes_on_for_half_a_second, 0.48, True)),
    ('smoothing.SMOOTHED_GAP_S', DOUBLE,
     partial(test_smoothing.test_a_filter_goes_on_for_half_a_second, 0.52, False)),
    ('smoothing.LEAST_STEP_S', DOUBLE,
     test_smoothing.test_two_images_of_one_stamp_are_a_millisecond_apart_to_a_filter),
]  # fmt: skip


def placed(name):
    """Return owner, attribute and index (None: all of it) of a constant."""
    module, attribute = name.split('.', 1)
    owner = next(m for m in MODULES if m.__name__.endswith(f'.{module}'))
    attribute, _, index = attribute.partition('[')
    *classes, attribute = attribute.split('.')
    for of in classes:
        owner = getattr(owner, of)
    if not index:
        return owner, attribute, None
    low, colon, high = index.rstrip(']').partition(':')
    return owner, attribute, slice(int(low), int(high) if colon else int(low) + 1)


@contextmanager
def changed(name, factor):
    """Change a constant wherever it has been imported to."""
    owner, attribute, index = placed(name)
    before = getattr(owner, attribute)
    if index is None:
        after = type(before)(before * factor)
    else:
        after = before.copy()
        after[index] *= factor
    holders = [m for m in (owner, *MODULES) if getattr(m, attribute, None) is before]
    try:
        for holder in holders:
            setattr(holder, attribute, after)
        yield
    finally:
        for holder in holders:
            setattr(holder, attribute, before)


@pytest.mark.parametrize(
    ('constant', 'factor', 'scene'), HELD, ids=[f'{name}*{factor}' for name, factor, _ in HELD])
def test_a_scene_comes_out_otherwise(constant, factor, scene):
    scene()
    with changed(constant, factor), pytest.raises(AssertionError):
        scene()


def constants():
    """All numbers with a name in capitals that the modules of the tracker define."""
    for module in MODULES:
        name = module.__name__.rpartition('.')[2]
        for scope, prefix in scopes(ast.parse(Path(module.__file__).read_text())):
            owner = getattr(module, prefix.rstrip('.')) if prefix else module
            for attribute in names(scope):
                value = getattr(owner, attribute)
                if isinstance(value, (int, float)):
                    yield f'{name}.{prefix}{attribute}'
                elif isinstance(value, np.ndarray):
                    yield from (f'{name}.{prefix}{attribute}[{i}]' for i in range(len(value))
                                if value[i])


def scopes(tree):
    yield tree.body, ''
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not any('Enum' in ast.dump(b) for b in node.bases):
            yield node.body, f'{node.name}.'


def names(scope):
    for node in scope:
        if isinstance(node, ast.Assign):
            for target in node.targets:
                elements = target.elts if isinstance(target, ast.Tuple) else [target]
                yield from (e.id for e in elements if isinstance(e, ast.Name) and e.id.isupper())


def covered(name):
    """Return the single constants that a row of the table changes."""
    owner, attribute, index = placed(name)
    if index is None:
        return {name}
    base = name.partition('[')[0]
    return {f'{base}[{i}]' for i in range(len(getattr(owner, attribute)))[index]}


def test_every_constant_of_the_tracker_is_in_the_table():
    held = set().union(*(covered(name) for name, _, _ in HELD))
    assert set(constants()) - held == set()


# --- settings: a value, another one, the scene that comes out otherwise ----------


def three_people(**settings):
    stream = Stream(**settings)
    for _ in range(5):
        ids = stream.step(a=(100, 100), b=(300, 100), c=(500, 100))
    assert len(ids) == 1


def somebody_comes(**settings):
    stream = Stream(**settings)
    stream.step(a=(100, 100))
    ids = [stream.step(a=(100, 100), b=(400, 100)) for _ in range(6)]
    assert ids[-1] == {'a': 'f1', 'b': 'f2'}


def a_poster_of_low_score(**settings):
    stream = Stream(**settings)
    stream.scene.uncertain = {'poster'}
    assert [stream.step(poster=(100, 100)) for _ in range(3)] == [{}] * 3


def a_wall_that_fits_badly(**settings):
    stream = Stream(**settings)
    stream.scene.fit_error = 0.09
    assert [stream.step(wall=(100, 100)) for _ in range(3)] == [{}] * 3


def a_glimpse(**settings):
    stream = Stream(**settings)
    assert [len(stream.step(a=(200, 200))) for _ in range(4)] == [0, 0, 1, 1]


def a_blink_of_the_camera(**settings):
    stream = Stream(**settings)
    stream.step(a=(200, 200))
    assert [len(stream.update()) for _ in range(4)] == [1, 1, 0, 0]


def away_for_a_second(**settings):
    stream = Stream(**settings)
    stream.step(a=(200, 200))
    for _ in range(30):
        stream.step()
    stream.step(a=(200, 200))
    assert stream.step(a=(200, 200)) == {'a': 'f2'}


def the_first_face(**settings):
    assert Stream(**settings).step(a=(200, 200)) == {'a': 'f1'}


def a_still_face_with_noise(**settings):
    """Its place is off by 0.1 px from image to image."""
    smooth = FaceSmoother(SmoothingSettings(**settings))
    off_px = np.random.default_rng(0).normal(0, 0.1, 200)
    places = [
        smooth(test_smoothing.face(origin=(300 + off, 200, 0)), 1 / 30).camera_matrix[0, 3]
        for off in off_px
    ]
    assert np.std(places[50:]) < 0.06


def a_face_that_moves(**settings):
    """By two of its heights in a second; it may lag by a twentieth of its height."""
    smooth = FaceSmoother(SmoothingSettings(**settings))
    for index in range(60):
        x = 300 + 300 * index / 30
        found = smooth(test_smoothing.face(origin=(x, 200, 0)), 1 / 30)
    assert x - found.camera_matrix[0, 3] < 7.5


def two_faces_and_time_for_one(**settings):
    stream = Stream(detection_interval=1000, **settings)
    for index in range(4):
        stream.scene.looked_at.clear()
        stream.update(a=(100 + index, 100), b=(500, 100))
    assert len(stream.scene.looked_at) == 1


CHOSEN = [
    ('max_faces', 1, 0, three_people),
    ('detection_interval', 5, 50, somebody_comes),
    ('min_presence', 0.5, 0.05, a_poster_of_low_score),
    ('max_fit_error', 0.08, 0.2, a_wall_that_fits_badly),
    ('min_hits', 3, 1, a_glimpse),
    ('coast_frames', 2, 0, a_blink_of_the_camera),
    ('track_timeout_s', 0.5, 5.0, away_for_a_second),
    ('deterministic_ids', True, False, the_first_face),
    ('max_regressions_per_image', 1, 0, two_faces_and_time_for_one),
    ('min_cutoff_hz', 0.5, 20.0, a_still_face_with_noise),
    ('beta', 1.0, 0.0, a_face_that_moves),
]


@pytest.mark.parametrize(
    ('setting', 'value', 'other', 'scene'), CHOSEN, ids=[name for name, *_ in CHOSEN])
def test_a_scene_comes_out_otherwise_with_another_setting(setting, value, other, scene):
    scene(**{setting: value})
    with pytest.raises(AssertionError):
        scene(**{setting: other})


def test_every_setting_of_the_tracker_is_in_the_table():
    known = {f.name for kind in (TrackingSettings, SmoothingSettings) for f in fields(kind)}
    assert known == {name for name, *_ in CHOSEN}
