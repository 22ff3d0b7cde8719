"""At which times and distances a tracker decides otherwise: expected values are written out."""

import itertools

import numpy as np
import pytest
from tracking_scene import STEP_S, Stream

from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.region import Region
from face_recon_ros.tracking.settings import TrackingSettings
from face_recon_ros.tracking.smoothing import SmoothingSettings
from face_recon_ros.tracking.tracker import Tracker, best_of_each


def blind(stream, stamp_s, **faces):
    """Take an image in which people cannot be told by their looks; return {name: id}."""
    stream.scene.faces = faces
    tracks = stream.tracker.update(stamp_s, stream.scene.detect, stream.scene.regress)
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


def found(box, score):
    middle = np.array([50.0, 50.0])
    parameters = FaceParameters(
        camera_matrix(600.0, np.eye(3), np.zeros(3)), np.zeros(40), np.zeros(10))
    return Regression(parameters, score, 0.0, np.array(box, float), Region(middle, 100.0, 0.0))


@pytest.mark.parametrize(('shift_px', 'kept'), [(0, 1), (40, 1), (46, 2), (200, 2)])
def test_boxes_that_overlap_by_more_than_two_fifths_show_one_face(shift_px, kept):
    worse = found([0, 0, 100, 100], 0.8)
    better = found([shift_px, 0, 100 + shift_px, 100], 0.9)
    best = best_of_each([worse, better])
    assert len(best) == kept
    assert best[0] is better


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


@pytest.mark.parametrize(('off_px', 'face_id'), [(-73, 'f1'), (73, 'f1'), (77, 'f2'), (-77, 'f2')])
def test_a_lost_face_is_back_within_three_quarters_of_its_side(off_px, face_id):
    stream = Stream()
    blind(stream, 0.0, a=(200, 200))
    blind(stream, 0.1)
    assert blind(stream, 0.2, a=(200 + off_px, 200)) == {'a': face_id}


@pytest.mark.parametrize(('off_px', 'face_id'), [(122, 'f1'), (128, 'f2')])
def test_who_looks_alike_may_have_gone_one_side_a_second_further(off_px, face_id):
    stream = Stream()
    stream.scene.looks = {'a': 3}
    for index in range(6):
        stream.step(stamp_s=index * 0.1, a=(200, 200))
    for index in range(4):
        stream.step(stamp_s=0.6 + index * 0.1)
    assert stream.step(stamp_s=1.0, a=(200 + off_px, 200)) == {'a': face_id}


def test_a_search_goes_ahead_by_half_a_side_at_most():
    stream = Stream(detection_interval=1000)
    x = 100.0
    for index in range(30):
        before, x = x, x + min(5.0 * index, 60.0)
        stream.step(a=(x, 200))
    np.testing.assert_allclose(stream.scene.looked_at[-1].centre, [before + 50, 200], atol=1e-6)


def test_a_search_goes_ahead_by_what_the_face_moves():
    stream = Stream(detection_interval=1000)
    last = walk(stream, 4.0)
    np.testing.assert_allclose(stream.scene.looked_at[-1].centre, [last, 200], atol=0.1)


def test_a_search_does_not_go_ahead_of_a_slow_face():
    stream = Stream(detection_interval=1000)
    last = walk(stream, 2.0)
    np.testing.assert_allclose(stream.scene.looked_at[-1].centre, [last - 2, 200], atol=1e-6)


@pytest.mark.parametrize(
    ('change', 'stays'),
    [
        ({'x': 0.9}, True), ({'x': 1.1}, False),
        ({'side_px': 101.4}, True), ({'side_px': 101.6}, False), ({'side_px': 98.4}, False),
        ({'roll_rad': 0.019}, True), ({'roll_rad': -0.021}, False),
    ],
)  # fmt: skip
def test_a_search_stays_where_it_is_while_the_face_trembles(change, stays):
    """By a hundredth of a side, 1.5 % of the size, 0.02 rad."""
    stream = Stream(detection_interval=1000)
    for _ in range(3):
        stream.update(a=(200, 200))
    stream.scene.side_px = change.get('side_px', 100.0)
    stream.scene.roll_rad = change.get('roll_rad', 0.0)
    place = (200 + change.get('x', 0.0), 200)
    stream.update(a=place)
    stream.update(a=place)
    region = stream.scene.looked_at[-1]
    moved = (region.centre[0], region.side_px, region.roll_rad) != (200, 100.0, 0.0)
    assert moved != stays


@pytest.mark.parametrize(('along_px', 'face_id'), [(60, 'f1'), (170, 'f1'), (180, 'f2')])
def test_a_hidden_face_goes_on_for_a_second(along_px, face_id):
    """At a side a second; three quarters of a side may be added to that."""
    stream = Stream(track_timeout_s=10)
    for index in range(21):
        blind(stream, index * 0.1, a=(200 + 10 * index, 200))
    for index in range(15):
        blind(stream, 2.1 + index * 0.1)
    assert blind(stream, 3.6, a=(400 + along_px, 200)) == {'a': face_id}


def test_a_look_is_taken_ten_times_a_second():
    stream = Stream(detection_interval=1000)
    looks = []
    look = stream.scene.look
    stream.scene.look = lambda region: looks.append(region) or look(region)
    for _ in range(30):
        stream.update(a=(200, 200))
    assert len(looks) == 11  # the first time when it is found


@pytest.mark.parametrize(('gap_s', 'part'), [(0.1, 0.3003), (0.15, 0.4148), (1.5, 0.5105)])
def test_a_look_follows_with_a_time_constant_of_a_quarter_second(gap_s, part):
    """1 - exp(-gap / 0.28 s), but no more than after 0.2 s."""
    stream = Stream(track_timeout_s=10)
    stream.scene.looks = {'a': 0}
    stream.update(stamp_s=0.0, a=(200, 200))
    stream.scene.looks = {'a': 5}
    (track,) = stream.update(stamp_s=gap_s, a=(200, 200))
    np.testing.assert_allclose(track.look[:, 1], 128 + 50 * part, rtol=2e-4)


def lost_together(stream):
    """Two faces that touch, 60 px apart, and are lost at once."""
    for index in range(4):
        blind(stream, index * STEP_S, a=(200, 200), b=(260, 200))
    blind(stream, 4 * STEP_S)


@pytest.mark.parametrize(('x', 'ids'), [(204, {'c': 'f1'}), (212, {}), (248, {}),
                                        (256, {'c': 'f2'})])
def test_a_face_that_may_be_one_or_the_other_waits(x, ids):
    """It has to be nearer to one by 0.4 sides."""
    stream = Stream()
    lost_together(stream)
    assert blind(stream, 5 * STEP_S, c=(x, 200)) == ids


def test_it_waits_for_half_a_second():
    stream = Stream()
    lost_together(stream)
    ids = [blind(stream, (5 + i) * STEP_S, c=(225, 200)) for i in range(20)]
    assert ids.index({'c': 'f1'}) in (15, 16)


@pytest.mark.parametrize(('apart_px', 'apart'), [(60, False), (62, False), (65, True)])
def test_boxes_that_overlap_by_more_than_a_fiftieth_touch(apart_px, apart):
    stream = Stream()
    for index in range(2):
        stream.scene.faces = {'a': (200, 200), 'b': (200 + apart_px, 200)}
        tracks = stream.tracker.update(index * STEP_S, stream.scene.detect, stream.scene.regress)
    assert [track.apart for track in tracks] == [apart, apart]


@pytest.mark.parametrize(('gap_s', 'kept'), [(0.24, True), (0.26, False)])
def test_the_detectors_word_counts_for_a_quarter_second(gap_s, kept):
    stream = Stream()
    stream.update(stamp_s=1.0, a=(200, 200))
    stream.scene.doubted = {'a'}
    assert bool(stream.update(stamp_s=1.0 + gap_s, a=(200, 200))) == kept


@pytest.mark.parametrize(('gap_s', 'smoothed'), [(0.48, True), (0.52, False)])
def test_a_filter_goes_on_for_half_a_second(gap_s, smoothed):
    stream = Stream()
    stream.tracker = Tracker(TrackingSettings(), SmoothingSettings(0.5, 0.0))
    for index in range(31):
        stream.update(stamp_s=index * STEP_S, a=(200, 200))
    stream.update(stamp_s=1.0 + gap_s / 2)
    (track,) = stream.update(stamp_s=1.0 + gap_s, a=(210, 200))
    assert (track.parameters.camera_matrix[0, 3] < 209) == smoothed


@pytest.mark.parametrize(('judged', 'ids'), [(0.64, []), (0.65, ['f1']), (0.66, ['f1'])])
def test_somebody_new_has_to_be_a_face_to_the_judge(judged, ids):
    stream = Stream()
    stream.scene.faces = {'a': (200, 200)}
    tracks = stream.tracker.update(
        0.0, stream.scene.detect, stream.scene.regress, judge=lambda region: judged)
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
    assert seen.index(False) + 1 in (50, 51)


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
        regression = stream.scene.regress(region)
        place = tuple(int(v) for v in regression.region.centre)
        turned = Region(regression.region.centre, 100.0, roll_at.get(place, 0.0))
        return Regression(
            regression.parameters, regression.presence, 0.01, regression.box, turned)

    stream.scene.faces = places
    stream.tracker.update(0.0, stream.scene.detect, regress)
    assert stream.tracker.are_upside_down() == hangs


def test_an_image_without_a_sure_face_is_searched_upside_down_once_at_first():
    stream = Stream()
    calls = []

    def upside_down():
        calls.append(1)
        return []

    for index in range(3):
        stream.tracker.update(
            index * STEP_S, stream.scene.detect, stream.scene.regress,
            detect_upside_down=upside_down)
    assert len(calls) == 1
    stream = Stream()
    stream.scene.faces = {'a': (200, 200)}
    stream.tracker.update(
        0.0, stream.scene.detect, stream.scene.regress, detect_upside_down=upside_down)
    assert stream.tracker.is_sure_of_one()
    assert len(calls) == 1


@pytest.mark.parametrize(('later_s', 'ids'), [(0.95, {'a': 'f1'}), (1.05, {})])
def test_what_was_no_face_comes_last_for_a_second(later_s, ids):
    """With one place, one detection of an image is looked at: the first, a poster."""
    stream = Stream(max_faces=1)
    stream.scene.doubted = {'poster'}
    people = {'poster': (100, 100), 'a': (700, 100)}
    assert blind(stream, 0.0, **people) == {}
    assert blind(stream, later_s, **people) == ids


def test_defaults_are_those_of_the_documentation():
    s = TrackingSettings()
    assert (s.max_faces, s.detection_interval) == (8, 5)
    assert (s.min_presence, s.max_fit_error) == (0.5, 0.08)
    assert (s.min_hits, s.coast_frames, s.track_timeout_s) == (1, 0, 2.0)
    assert s.deterministic_ids is True


def test_two_images_of_one_stamp_are_a_millisecond_apart_to_a_filter():
    stream = Stream()
    stream.tracker = Tracker(TrackingSettings(), SmoothingSettings(0.5, 0.0))
    stream.update(stamp_s=1.0, a=(200, 200))
    (track,) = stream.update(stamp_s=1.0, a=(210, 200))
    # weight r / (r + 1), r = 2 pi 0.5 Hz 1 ms
    assert track.parameters.camera_matrix[0, 3] == pytest.approx(200.03132, abs=1e-4)


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

    def regress(region):
        regression = stream.scene.regress(region)
        roll_rad = 0.0 if regression.region.centre[0] < 300 else np.pi
        turned = Region(regression.region.centre, 100.0, roll_rad)
        return Regression(
            regression.parameters, regression.presence, 0.01, regression.box, turned, 0.3)

    def detect(way):
        return lambda: searches.append(way) or []

    stream.scene.faces = {'a': (200, 200), 'b': (500, 200)}
    stream.tracker.update(0.0, stream.scene.detect, regress)
    for index in range(1, 12):
        stream.tracker.update(
            index * STEP_S, detect('upright'), regress,
            detect_upside_down=detect('upside down'))
    assert {'upright', 'upside down'} == set(searches)
    assert all(one != next_ for one, next_ in itertools.pairwise(searches))


def test_a_way_while_unseen_is_no_velocity():
    stream = Stream()
    for index in range(5):
        blind(stream, index * STEP_S, a=(200, 200))
    for index in range(5, 10):
        blind(stream, index * STEP_S)
    stream.scene.faces = {'a': (260, 200)}
    (track,) = stream.tracker.update(10 * STEP_S, stream.scene.detect, stream.scene.regress)
    assert track.id == 'f1'
    assert track.velocity_px_s.tolist() == [0, 0]


def test_where_anything_is_a_face_the_judge_is_not_asked():
    stream = Stream()
    stream.tracker = Tracker(TrackingSettings(min_presence=0.0))
    stream.scene.faces = {'a': (200, 200)}
    tracks = stream.tracker.update(
        0.0, stream.scene.detect, stream.scene.regress, judge=lambda region: 0.1)
    assert [track.id for track in tracks] == ['f1']


def test_what_fits_no_face_is_not_kept_on_the_detectors_word():
    stream = Stream()
    stream.update(stamp_s=1.0, a=(200, 200))
    stream.scene.doubted = {'a'}
    stream.scene.fit_error = 0.09
    assert stream.update(stamp_s=1.1, a=(200, 200)) == []


@pytest.mark.parametrize('limit', [0, 1, 2])
def test_a_lost_face_is_searched_for_at_once_while_there_is_a_place(limit):
    stream = Stream(max_faces=limit, detection_interval=1000)
    stream.update(a=(200, 200))
    stream.update()
    (track,) = stream.update(a=(260, 200))
    assert track.id == 'f1'


def test_without_a_judge_the_score_alone_tells_the_roll():
    """Upright it scores 0.6, below what is sure; lying 0.9."""
    stream = Stream()

    def regress(region):
        lies = abs(region.roll_rad - np.pi / 2) < 0.1
        upright = abs(region.roll_rad) < 0.1
        regression = stream.scene.regress(region)
        return Regression(
            regression.parameters, 0.9 if lies else 0.6 if upright else 0.0, 0.0,
            regression.box, Region(regression.region.centre, 100.0, region.roll_rad))

    stream.scene.faces = {'a': (200, 200)}
    (track,) = stream.tracker.update(0.0, stream.scene.detect, regress)
    assert track.region.roll_rad == pytest.approx(np.pi / 2)


def test_lost_faces_are_given_back_by_their_looks_where_places_differ_little():
    """A look counts for three sides: here 0.49 of it against 0.7 sides."""
    stream = Stream()
    stream.scene.looks = {'a': 1.0, 'b': 1.3}
    for _ in range(5):
        assert stream.step(a=(200, 200), b=(270, 200)) == {'a': 'f1', 'b': 'f2'}
    stream.step()
    assert stream.step(a=(270, 200), b=(200, 200)) == {'a': 'f1', 'b': 'f2'}


def test_a_look_tells_which_of_two_who_were_lost_together_it_is():
    stream = Stream()
    stream.scene.looks = {'a': 1.0, 'b': 1.1}
    for _ in range(5):
        stream.step(a=(200, 200), b=(300, 200))
    for _ in range(3):
        stream.step(a=(200, 200), b=(260, 200))
    stream.step()
    assert stream.step(a=(220, 200)) == {'a': 'f1'}
