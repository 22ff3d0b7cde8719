# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""At which times and distances a tracker decides otherwise: expected values are written out."""

import itertools

import numpy as np
import pytest
from tracking_scene import STEP_S, Stream

from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.region import Region
from face_recon_ros.tracking.settings import TrackingSettings
from face_recon_ros.tracking.track import TrackState


def blind(stream, stamp_s, **faces):
    """Take an image in which people cannot be told by their looks; return {name: id}."""
    stream.descriptors = False
    tracks = stream.update(stamp_s, **faces)
    return {
        name: track.id
        for track in tracks
        for name, place in faces.items()
        if np.linalg.norm(track.region.centre - place) < 5
    }


def walk(stream, speed_px, count=30, start=(200.0, 200.0)):
    """Let a face move evenly; return where it is in the end."""
    x, y = start
    for index in range(count):
        stream.step(a=(x + speed_px * index, y))
    return x + speed_px * (count - 1)


@pytest.mark.parametrize(('off_px', 'looked_at'), [(33, False), (37, True)])
def test_a_detection_nearer_than_a_third_of_its_side_is_the_face_that_is_followed(
    off_px, looked_at
):
    stream = Stream()
    for _ in range(3):
        stream.update(a=(200, 200))
    stream.tracker.suggest([Region(np.array([200.0 + off_px, 200]), 100.0, 0.0)])
    stream.scene.looked_at.clear()
    stream.update(a=(200, 200))
    places = [region.centre[0] for region in stream.scene.looked_at]
    assert (200 + off_px in places) == looked_at


def test_what_another_search_has_found_counts_while_a_face_is_sought():
    stream = Stream()
    stream.scene.hidden_from_detector.add('b')
    for _ in range(3):
        stream.update(a=(200, 200))
    stream.update(b=(600, 200))
    stream.tracker.suggest([Region(np.array([600.0, 200]), 100.0, 0.0)])
    # the other face is lost and looked for, by a detector that does not see this one
    assert stream.step(b=(600, 200)) == {'b': 'f2'}


@pytest.mark.parametrize(('off_px', 'looked_at'), [(90, False), (110, True)])
def test_where_a_face_is_sought_an_earlier_finding_is_out_of_date(off_px, looked_at):
    stream = Stream()
    for _ in range(3):
        stream.update(a=(200, 200))
    stream.tracker.suggest([Region(np.array([200.0 + off_px, 200]), 100.0, 0.0)])
    stream.scene.looked_at.clear()
    stream.update()
    # besides where it was followed to
    places = {round(region.centre[0]) for region in stream.scene.looked_at}
    assert places == {200, *[200 + off_px] * looked_at}


def test_nothing_that_was_found_before_a_gap_counts_after_it():
    stream = Stream()
    for _ in range(3):
        stream.update(a=(200, 200))
    stream.tracker.suggest([Region(np.array([600.0, 200]), 100.0, 0.0)])
    stream.scene.looked_at.clear()
    stream.update(stamp_s=100.0, a=(200, 200))
    assert stream.scene.looked_at
    assert all(region.centre[0] != 600 for region in stream.scene.looked_at)


@pytest.mark.parametrize(('off_px', 'face_id'), [(-96, 'f1'), (96, 'f1'), (105, 'f2'),
                                                 (-105, 'f2')])
def test_a_lost_face_is_back_within_four_deviations(off_px, face_id):
    """After 0.2 s: 24.7 px, of them 20 of a jump."""
    stream = Stream()
    blind(stream, 0.0, a=(200, 200))
    blind(stream, 0.1, a=(200, 200))
    blind(stream, 0.2)
    assert blind(stream, 0.3, a=(200 + off_px, 200)) == {'a': face_id}


@pytest.mark.parametrize('rate_hz', [5, 10, 30])
def test_a_search_goes_ahead_by_what_the_face_moves(rate_hz):
    """1.2 sides per second."""
    stream = Stream(detection_interval=1000)
    for index in range(2 * rate_hz):
        x = 200 + 120 * index / rate_hz
        stream.step(stamp_s=index / rate_hz, a=(x, 200))
    step_px = 120 / rate_hz
    np.testing.assert_allclose(
        stream.scene.looked_at[-1].centre, [x, 200], atol=0.3 * step_px)


@pytest.mark.parametrize(
    ('change', 'stays'),
    [
        ({'x': 1.5}, True), ({'x': 1.7}, False),
        ({'side_px': 102.3}, True), ({'side_px': 102.5}, False), ({'side_px': 97.5}, False),
        ({'roll_rad': 0.031}, True), ({'roll_rad': -0.033}, False),
    ],
)  # fmt: skip
def test_a_search_stays_where_it_is_while_the_face_jitters(change, stays):
    """Of a rotation's sigma of 0.1 rad: by 1.6 % of a side, 2.4 % of the size, 0.032 rad."""
    stream = Stream(detection_interval=1000)
    for _ in range(3):
        stream.update(a=(200, 200))
    stream.scene.side_px = change.get('side_px', 100.0)
    stream.scene.roll_rad = change.get('roll_rad', 0.0)
    place = (200 + change.get('x', 0.0), 200)
    stream.update(a=place)
    stream.update(a=place)
    region = stream.scene.looked_at[-1]
    there = np.allclose([region.centre[0], region.side_px, region.roll_rad], [200, 100, 0])
    assert there == stays


def test_the_appearance_of_a_face_that_is_alone_is_taken_ten_times_a_second():
    stream = Stream(detection_interval=1000)
    looks = []
    look = stream.scene.look
    stream.scene.look = lambda region: looks.append(region) or look(region)
    for _ in range(30):
        stream.update(a=(200, 200))
    assert len(looks) == 10  # the first time when it is found
    for _ in range(10):
        stream.update(a=(200, 200), b=(260, 200))
    assert len(looks) >= 10 + 3


def lost_together(stream):
    """Two faces that touch, 60 px apart, and are lost at once."""
    for index in range(4):
        blind(stream, index * STEP_S, a=(200, 200), b=(260, 200))
    blind(stream, 4 * STEP_S)


@pytest.mark.parametrize(('x', 'waits'), [(230, True), (208, False), (252, False)])
def test_a_face_that_may_be_one_or_the_other_waits(x, waits):
    """Alike, they are told by place alone: 60 px from each other, at a deviation of 20 px."""
    stream = Stream()
    for index in range(4):
        stream.update(stamp_s=index * STEP_S, a=(200, 200), b=(260, 200))
    stream.update(stamp_s=4 * STEP_S)
    found = stream.step(stamp_s=5 * STEP_S, c=(x, 200))
    assert bool(found) != waits


def test_it_waits_for_half_a_second():
    stream = Stream()
    lost_together(stream)
    ids = [blind(stream, (5 + i) * STEP_S, c=(228, 200)) for i in range(20)]
    assert len(list(itertools.takewhile(lambda found: not found, ids))) in (15, 16)


@pytest.mark.parametrize(('gap_s', 'kept'), [(0.24, True), (0.26, False)])
def test_the_detectors_word_counts_for_a_quarter_second(gap_s, kept):
    stream = Stream()
    stream.update(stamp_s=1.0, a=(200, 200))
    stream.scene.uncertain = {'a'}
    assert bool(stream.update(stamp_s=1.0 + gap_s, a=(200, 200))) == kept


@pytest.mark.parametrize(
    ('judged', 'ids', 'sigma_rad'),
    [
        (0.64, [], 0.2), (0.65, ['f1'], 0.2), (0.66, ['f1'], 0.2),
        # the score of the face itself falls below 0.8 at 0.175
        (0.64, [], 0.181), (0.64, ['f1'], 0.17), (0.46, ['f1'], 0.1), (0.44, [], 0.1),
    ],
)  # fmt: skip
def test_somebody_new_has_to_be_a_face_to_the_detector(judged, ids, sigma_rad):
    stream = Stream()
    stream.scene.sigma_rad = sigma_rad
    stream.upright_score = lambda region: judged
    tracks = stream.update(a=(200, 200))
    assert [track.id for track in tracks] == ids


@pytest.mark.parametrize(
    ('doubt', 'kept'),
    [
        ({'sigma_rad': 0.19}, True), ({'sigma_rad': 0.21}, False),
        ({'says_sigma': False, 'fit_error': 0.039}, True),
        ({'says_sigma': False, 'fit_error': 0.041}, False),
    ],
)  # fmt: skip
def test_what_is_doubtful_needs_the_detector(doubt, kept):
    stream = Stream(detection_interval=1000)
    stream.step(a=(200, 200))
    stream.scene.hidden_from_detector = {'a'}
    for name, value in doubt.items():
        setattr(stream.scene, name, value)
    ids = [stream.step(a=(200, 200)) for _ in range(18)]
    assert ids[13] == {'a': 'f1'}
    assert bool(ids[-1]) == kept


def test_a_doubtful_face_is_asked_about_after_a_tenth_of_a_second():
    stream = Stream(detection_interval=1000)
    stream.scene.unsure = {'a'}
    for index in range(101):
        stream.update(stamp_s=index / 100, a=(200, 200))
    # every 0.1 s and an image, after the first
    assert stream.scene.detections in (10, 11)


def test_a_doubtful_face_is_let_go_after_half_a_second():
    stream = Stream(detection_interval=1000)
    stream.update(stamp_s=0.0, a=(200, 200))
    stream.scene.unsure = stream.scene.hidden_from_detector = {'a'}
    seen = [bool(stream.update(stamp_s=i / 100, a=(200, 200))) for i in range(1, 60)]
    assert len(list(itertools.takewhile(bool, seen))) in (49, 50)


@pytest.mark.parametrize(('gap_s', 'searches'), [(0.48, 0), (0.52, 1)])
def test_a_gap_of_half_a_second_makes_the_detector_search(gap_s, searches):
    stream = Stream(detection_interval=1000)
    stream.update(stamp_s=0.0, a=(200, 200))
    before = stream.scene.detections
    stream.update(stamp_s=gap_s, a=(200, 200))
    assert stream.scene.detections - before == searches


def test_no_search_is_due_while_all_places_are_taken():
    stream = Stream(max_faces=1, detection_interval=1)
    stream.update(a=(200, 200))
    assert [stream.tracker.search_due() for _ in range(3)] == [False] * 3


def test_a_search_is_due_every_so_many_images():
    stream = Stream(detection_interval=3)
    stream.update(a=(200, 200))
    assert [stream.tracker.search_due() for _ in range(7)] == [
        False, False, True, False, False, True, False]


def test_a_search_is_due_at_each_image_without_a_face():
    stream = Stream(detection_interval=3)
    stream.update()
    assert [stream.tracker.search_due() for _ in range(3)] == [True] * 3


@pytest.mark.parametrize(
    ('rolls_rad', 'hangs'),
    [
        ([3.1], True), ([0.0], False), ([2.0], False), ([-2.2], True), ([3.1, 0.0], False),
        ([], False),
    ],
)
def test_a_camera_hangs_where_most_faces_are_upside_down(rolls_rad, hangs):
    places = {f'p{i}': (200 + 300 * i, 200) for i in range(len(rolls_rad))}
    roll_at = dict(zip(places.values(), rolls_rad, strict=True))
    stream = Stream()

    def regress(region):
        regression = regressed(region)
        place = tuple(int(v) for v in regression.region.centre)
        turned = Region(regression.region.centre, 100.0, roll_at.get(place, 0.0))
        return Regression(
            regression.parameters, regression.presence, 0.01, regression.box, turned)

    regressed = stream.scene.regress
    stream.scene.regress = regress
    stream.update(**places)
    assert stream.tracker.are_upside_down() == hangs


def test_an_image_without_a_sure_face_is_searched_upside_down_once_at_first():
    calls = []
    stream = Stream()
    stream.detect_upside_down = lambda: calls.append(1) or []
    for _ in range(3):
        stream.update()
    assert len(calls) == 1
    stream = Stream()
    stream.detect_upside_down = lambda: calls.append(1) or []
    stream.update(a=(200, 200))
    assert stream.tracker.is_sure_of_one()
    assert len(calls) == 1


@pytest.mark.parametrize(('later_s', 'ids'), [(0.95, {'a': 'f1'}), (1.05, {})])
def test_what_was_no_face_comes_last_for_a_second(later_s, ids):
    """With one place, one detection of an image is looked at: the first, a poster."""
    stream = Stream(max_faces=1)
    stream.scene.uncertain = {'poster'}
    people = {'poster': (100, 100), 'a': (700, 100)}
    assert blind(stream, 0.0, **people) == {}
    assert blind(stream, later_s, **people) == ids


def test_defaults_are_those_of_the_documentation():
    s = TrackingSettings()
    assert (s.max_faces, s.detection_interval) == (8, 5)
    assert (s.min_presence, s.max_fit_error) == (0.5, 0.08)
    assert (s.min_hits, s.coast_frames, s.track_timeout_s) == (1, 0, 2.0)
    assert s.deterministic_ids is True


def test_what_a_search_in_parts_sees_is_trusted():
    stream = Stream(detection_interval=1000)
    stream.scene.unsure = {'a'}
    for _ in range(60):
        stream.tracker.suggest([Region(np.array([205.0, 200]), 100.0, 0.0)])
        stream.update(a=(200, 200))
    assert stream.scene.detections == 1


def test_doubtful_faces_of_both_ways_up_are_looked_for_in_turn():
    stream = Stream(detection_interval=1000)
    stream.scene.unsure = {'a', 'b'}
    searches = []
    regressed = stream.scene.regress

    def regress(region):
        regression = regressed(region)
        roll_rad = 0.0 if regression.region.centre[0] < 300 else np.pi
        turned = Region(regression.region.centre, 100.0, roll_rad)
        return Regression(
            regression.parameters, regression.presence, 0.01, regression.box, turned, 0.3)

    stream.scene.regress = regress
    faces = {'a': (200, 200), 'b': (500, 200)}
    stream.update(**faces)
    stream.scene.detect = lambda: searches.append('upright') or []
    stream.detect_upside_down = lambda: searches.append('upside down') or []
    for _ in range(11):
        stream.update(**faces)
    assert {'upright', 'upside down'} == set(searches)
    assert all(one != next_ for one, next_ in itertools.pairwise(searches))


def test_a_way_while_unseen_is_no_velocity():
    stream = Stream()
    for index in range(5):
        blind(stream, index * STEP_S, a=(200, 200))
    for index in range(5, 10):
        blind(stream, index * STEP_S)
    (track,) = stream.update(10 * STEP_S, a=(260, 200))
    assert track.id == 'f1'
    assert track.motion.velocity_px_s.tolist() == pytest.approx([0, 0])


def test_where_anything_is_a_face_the_detector_is_not_asked():
    stream = Stream(min_presence=0.0)
    stream.upright_score = lambda region: 0.1
    tracks = stream.update(a=(200, 200))
    assert [track.id for track in tracks] == ['f1']


def test_what_fits_no_face_is_not_kept_on_the_detectors_word():
    stream = Stream()
    stream.update(stamp_s=1.0, a=(200, 200))
    stream.scene.uncertain = {'a'}
    stream.scene.fit_error = 0.09
    assert stream.update(stamp_s=1.1, a=(200, 200)) == []


@pytest.mark.parametrize('limit', [0, 1, 2])
def test_a_lost_face_is_searched_for_at_once_while_there_is_a_place(limit):
    stream = Stream(max_faces=limit, detection_interval=1000)
    stream.update(a=(200, 200))
    stream.update()
    (track,) = stream.update(a=(260, 200))
    assert track.id == 'f1'


def test_without_a_detector_the_score_alone_tells_the_roll():
    """Upright it scores 0.6, below what is sure; lying 0.9."""
    stream = Stream()
    regressed = stream.scene.regress

    def regress(region):
        lies = abs(region.roll_rad - np.pi / 2) < 0.1
        upright = abs(region.roll_rad) < 0.1
        regression = regressed(region)
        return Regression(
            regression.parameters, 0.9 if lies else 0.6 if upright else 0.0, 0.0,
            regression.box, Region(regression.region.centre, 100.0, region.roll_rad))

    stream.scene.regress = regress
    (track,) = stream.update(a=(200, 200))
    assert track.region.roll_rad == pytest.approx(np.pi / 2)


def test_lost_faces_are_given_back_by_their_looks_where_places_differ_little():
    """What the colours say outweighs 0.7 sides."""
    stream = Stream()
    stream.scene.looks = {'a': 1.0, 'b': 1.5}
    for _ in range(5):
        assert stream.step(a=(200, 200), b=(270, 200)) == {'a': 'f1', 'b': 'f2'}
    stream.step()
    assert stream.step(a=(270, 200), b=(200, 200)) == {'a': 'f1', 'b': 'f2'}


def test_a_descriptor_tells_which_of_two_who_were_lost_together_it_is():
    stream = Stream()
    stream.scene.looks = {'a': 1.0, 'b': 1.5}
    for _ in range(5):
        stream.step(a=(200, 200), b=(300, 200))
    for _ in range(3):
        stream.step(a=(200, 200), b=(260, 200))
    stream.step()
    assert stream.step(a=(222, 200)) == {'a': 'f1'}


def test_a_track_is_tentative_confirmed_lost_removed():
    stream = Stream(min_hits=2, track_timeout_s=1.0)
    states = []
    for place in ((200, 200), (200, 200), None, (200, 200), None):
        stream.step(**({'a': place} if place else {}))
        (track,) = stream.tracker._tracks
        states.append(track.state)
    assert states == [
        TrackState.TENTATIVE, TrackState.CONFIRMED, TrackState.LOST, TrackState.CONFIRMED,
        TrackState.LOST]
    for _ in range(32):
        stream.step()
    assert track.state is TrackState.REMOVED
    assert stream.tracker.ids() == set()


def test_a_face_that_is_followed_is_not_forgotten_however_short_forget_after_is():
    stream = Stream(track_timeout_s=0.0)
    ids = [stream.step(a=(200 + i, 200)) for i in range(5)]
    assert ids == [{'a': 'f1'}] * 5
    stream.step()
    stream.step(a=(205, 200))
    assert stream.step(a=(205, 200)) == {'a': 'f2'}


@pytest.mark.parametrize(('speed_px', 'lost_s'), [(200, 0.25), (100, 0.5), (300, 0.1)])
def test_a_face_on_its_way_is_expected_ahead(speed_px, lost_s):
    """Not farther than it would go in 0.7 s."""
    stream = Stream()
    for index in range(31):
        stream.update(stamp_s=index * STEP_S, a=(100 + speed_px * index * STEP_S, 200))
    stream.update(stamp_s=31 * STEP_S)
    (track,) = stream.tracker._tracks
    ahead_px = track.motion.predict(1.0 + lost_s).place[0] - 100 - speed_px
    assert 0.6 * speed_px * lost_s < ahead_px < speed_px * lost_s
    assert track.motion.predict(60.0).place[0] - 100 - speed_px < 0.75 * speed_px
