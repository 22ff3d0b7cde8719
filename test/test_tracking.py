# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

import itertools

import numpy as np
import pytest
from tracking_scene import Stream

from face_recon_ros.tracking.settings import TrackingSettings


def test_a_moving_face_keeps_its_id_without_detection():
    stream = Stream(detection_interval=1000)
    ids = [stream.step(a=(100 + 6 * i, 200)) for i in range(60)]
    assert all(i == {'a': 'f1'} for i in ids)
    assert stream.scene.detections == 1  # in the first image


def test_an_unsure_face_that_the_detector_does_not_see_is_let_go():
    """As a pattern that has taken the place of a face."""
    stream = Stream(detection_interval=5)
    for _ in range(10):
        stream.step(a=(100, 100))
    stream.scene.unsure = stream.scene.hidden_from_detector = {'a'}
    ids = [stream.step(a=(100, 100)) for _ in range(60)]
    assert all(i == {'a': 'f1'} for i in ids[:12])
    assert not any(ids[18:])


def test_an_unsure_face_that_the_detector_sees_stays():
    stream = Stream(detection_interval=1000)
    stream.scene.unsure = {'a'}
    ids = [stream.step(a=(100, 100)) for _ in range(150)]
    assert all(i == {'a': 'f1'} for i in ids)
    assert 30 <= stream.scene.detections <= 55  # some ten times a second


def test_a_sure_face_needs_no_detector():
    stream = Stream(detection_interval=1000)
    stream.step(a=(100, 100))
    stream.scene.hidden_from_detector = {'a'}
    ids = [stream.step(a=(100, 100)) for _ in range(120)]
    assert all(i == {'a': 'f1'} for i in ids)
    assert stream.scene.detections == 1


def test_newcomers_are_found_within_the_interval():
    stream = Stream(detection_interval=5)
    for _ in range(10):
        stream.step(a=(100, 100))
    ids = [stream.step(a=(100, 100), b=(400, 100)) for _ in range(6)]  # searched in five
    assert ids[-1] == {'a': 'f1', 'b': 'f2'}


def test_people_that_cross_keep_their_ids():
    """Two people pass each other on lines half a face apart."""
    stream = Stream()
    for i in range(81):
        x = 8 * i
        ids = stream.step(a=(100 + x, 200), b=(740 - x, 262))
        assert ids == {'a': 'f1', 'b': 'f2'}


def test_a_lost_face_gets_its_id_back_when_it_returns_near():
    stream = Stream(track_timeout_s=2.0)
    stream.step(a=(200, 200))
    for _ in range(30):
        assert stream.step() == {}
    assert stream.step(a=(230, 210)) == {'a': 'f1'}


def test_a_lost_face_is_forgotten_after_a_while():
    stream = Stream(track_timeout_s=0.5)
    stream.step(a=(200, 200))
    for _ in range(30):
        stream.step()
    stream.step(a=(200, 200))
    assert stream.step(a=(200, 200)) == {'a': 'f2'}


def test_a_face_that_appears_elsewhere_is_another():
    stream = Stream()
    stream.step(a=(200, 200))
    stream.step()
    stream.step(b=(600, 400))
    assert stream.step(b=(600, 400)) == {'b': 'f2'}


def test_lost_faces_are_given_back_to_the_nearest():
    stream = Stream()
    stream.step(a=(200, 200), b=(320, 200))
    stream.step()
    assert stream.step(a=(215, 200), b=(335, 200)) == {'a': 'f1', 'b': 'f2'}


def test_a_known_face_is_kept_on_the_detectors_word():
    """The regressor doubts profiles; a stranger it doubts is not taken for a face."""
    stream = Stream()
    stream.step(a=(200, 200))
    stream.scene.uncertain = {'a', 'b'}
    for _ in range(10):
        assert stream.step(a=(200, 200), b=(500, 200)) == {'a': 'f1'}


def test_two_tracks_never_report_one_face():
    stream = Stream()
    stream.step(a=(200, 200), b=(300, 200))
    for _ in range(20):
        assert len(stream.step(a=(250, 200))) <= 1


def test_min_hits_holds_new_faces_back():
    stream = Stream(min_hits=3)
    assert [len(stream.step(a=(200, 200))) for _ in range(4)] == [0, 0, 1, 1]


@pytest.mark.parametrize('limit', [1, 2])
def test_max_faces(limit):
    stream = Stream(max_faces=limit, detection_interval=1)
    for _ in range(5):
        ids = stream.step(a=(100, 100), b=(300, 100), c=(500, 100))
    assert len(ids) == limit


def test_a_stamp_that_goes_back_starts_anew():
    stream = Stream()
    stream.step(stamp_s=10.0, a=(200, 200))
    assert stream.step(stamp_s=3.0, a=(200, 200)) == {'a': 'f2'}


def test_equal_stamps_do_no_harm():
    stream = Stream()
    for _ in range(3):
        assert stream.step(stamp_s=1.0, a=(200, 200)) == {'a': 'f1'}


def test_other_settings_keep_the_ids():
    stream = Stream()
    stream.step(a=(200, 200))
    stream.tracker.configure(TrackingSettings(max_faces=1))
    assert stream.step(a=(205, 200)) == {'a': 'f1'}


def test_reset_forgets_faces_but_not_given_ids():
    stream = Stream()
    stream.step(a=(200, 200))
    stream.tracker.reset()
    assert stream.step(a=(200, 200)) == {'a': 'f2'}


def test_random_ids_differ():
    stream = Stream(deterministic_ids=False)
    ids = stream.step(a=(100, 100), b=(300, 100))
    assert len(set(ids.values())) == 2
    assert all(i.isalpha() and len(i) == 5 for i in ids.values())


def test_a_lost_face_is_held_for_as_many_images_as_asked_for():
    """Where it was seen last, with presence 0; then it is gone, and may come back."""
    stream = Stream(coast_frames=3)
    stream.step(a=(200, 200))
    (before,) = stream.update(a=(210, 200))
    place = before.region.centre
    held = [stream.update() for _ in range(5)]
    assert [len(tracks) for tracks in held] == [1, 1, 1, 0, 0]
    for (track,) in held[:3]:
        assert track.id == 'f1'
        np.testing.assert_array_equal(track.region.centre, place)
    assert held[0][0].regression.presence == 0
    (again,) = stream.update(a=(215, 200))
    assert again.id == 'f1'
    assert again.regression.presence > 0.9


def test_lost_faces_are_not_held_by_default():
    stream = Stream()
    stream.step(a=(200, 200))
    assert stream.update() == []


def test_a_newcomer_that_is_lost_begins_to_count_anew():
    stream = Stream(min_hits=3)
    counts = [len(stream.step(a=(200, 200))) for _ in range(2)]
    counts += [len(stream.step())]
    counts += [len(stream.step(a=(200, 200))) for _ in range(3)]
    assert counts == [0, 0, 0, 0, 0, 1]


def test_a_face_that_went_on_behind_something_is_expected_on_its_way():
    """Lost at 300, it went on at the same speed, further than a standing face could be off."""
    stream = Stream()
    for i in range(11):
        stream.step(a=(100 + 20 * i, 200))
    for _ in range(8):
        assert stream.step() == {}
    assert stream.step(a=(480, 200)) == {'a': 'f1'}


def test_lost_faces_that_changed_places_are_told_by_their_looks():
    stream = Stream()
    stream.scene.looks = {'a': 1, 'b': 4}
    for _ in range(5):
        assert stream.step(a=(200, 200), b=(320, 200)) == {'a': 'f1', 'b': 'f2'}
    for _ in range(10):
        stream.step()
    assert stream.step(a=(290, 200), b=(230, 200)) == {'a': 'f1', 'b': 'f2'}


def test_somebody_else_in_about_the_same_place_gets_another_id():
    stream = Stream()
    stream.scene.looks = {'a': 0, 'b': 9}
    for _ in range(5):
        stream.step(a=(200, 200))
    stream.step()
    assert stream.step(b=(250, 200)) == {'b': 'f2'}


def test_a_face_keeps_its_id_in_its_place_whatever_it_looks_like():
    """Light changes, people turn."""
    stream = Stream()
    stream.scene.looks = {'a': 0}
    for _ in range(5):
        stream.step(a=(200, 200))
    stream.step()
    stream.scene.looks = {'a': 9}
    assert stream.step(a=(205, 200)) == {'a': 'f1'}


def test_of_two_who_claim_one_face_it_is_theirs_whose_look_it_has():
    """b is hidden where a stands: what both are followed to is a."""
    stream = Stream()
    stream.scene.looks = {'a': 1, 'b': 5}
    for i in range(5):
        stream.step(a=(300, 200), b=(180 + 10 * i, 200))
    for i in range(4):
        stream.step(a=(300, 200), b=(230 + 5 * i, 200))
    for _ in range(5):
        assert stream.step(a=(270, 200)) == {'a': 'f1'}


def test_of_two_who_left_at_one_place_half_a_face_is_neither():
    """Both were alone when they were lost: by place it is one of them, by appearance none."""
    stream = Stream(detection_interval=1)
    stream.scene.looks = {'a': 1, 'b': 5, 'half of b': 9}
    for _ in range(5):
        assert stream.step(a=(200, 200), b=(500, 200)) == {'a': 'f1', 'b': 'f2'}
    for index in range(15):
        assert stream.step(b=(500 - 20 * index, 200)) == {'b': 'f2'}
    for _ in range(3):
        assert stream.step() == {}
    assert stream.step(**{'half of b': (207, 200)}) == {}
    assert stream.step(b=(214, 200)) == {'b': 'f2'}


def test_a_newcomer_where_somebody_was_lost_among_others_waits_but_not_for_long():
    stream = Stream(track_timeout_s=10)
    stream.scene.looks = {'a': 1, 'b': 5, 'c': 9}
    for x in range(180, 245, 5):
        stream.step(a=(300, 200), b=(x, 200))
    ids = [stream.step(a=(300, 200), c=(240, 200)) for _ in range(20)]
    waited = sum('c' not in found for found in ids)
    assert 5 < waited < 19
    assert ids[-1] == {'a': 'f1', 'c': 'f3'}


def test_a_fast_face_is_looked_for_ahead_of_where_it_was():
    """Half a side per image: more than it may be off a region that stays behind."""
    stream = Stream(detection_interval=1000)
    x = 100.0
    for i in range(30):
        x += min(5.0 * i, 60.0)
        assert stream.step(a=(x, 200)) == {'a': 'f1'}
    assert stream.scene.detections == 1


class Places:
    """A regressor that notes where it is made to look."""

    def __init__(self, stream):
        self.looked_at = []
        self._regress = stream.scene.regress
        stream.scene.regress = self

    def __call__(self, region):
        self.looked_at.append(region)
        return self._regress(region)


def test_a_jittering_face_is_looked_for_in_the_same_place():
    """Else the noise of one image moves the crop of the next, and jitters on."""
    stream = Stream()
    stream.step(a=(200, 200))
    places = Places(stream)
    for i in range(20):
        stream.step(a=(200 + 0.4 * (-1) ** i, 200 - 0.4 * (-1) ** i))
    centres = np.array([region.centre for region in places.looked_at[1:]])
    assert len(centres) >= 18
    assert np.ptp(centres, axis=0).max() == 0


def test_a_roll_that_is_set_right_is_no_motion():
    """As a second look does, after a first one at a wrong roll."""
    stream = Stream(detection_interval=1000)
    for roll_rad in (3.1, 3.1, 3.1, 0.0, 0.0, 0.0):
        stream.scene.roll_rad = roll_rad
        stream.update(a=(200, 200))
    assert stream.scene.looked_at[-1].roll_rad == pytest.approx(0, abs=0.01)


@pytest.mark.parametrize('rate_hz', [5, 30, 60])
def test_a_noisy_face_is_looked_for_in_the_same_place(rate_hz):
    """As found in the sample portrait with sensor noise; its rotation's sigma is 0.03 rad."""
    stream = Stream(detection_interval=1000)
    stream.scene.sigma_rad = 0.03
    rng = np.random.default_rng(0)
    for index in range(100):
        x, y, size = rng.normal(0, (0.25, 0.25, 0.0016))
        stream.scene.roll_rad = rng.normal(0, 0.0017)
        stream.scene.side_px = 100 * np.exp(size)
        stream.update(stamp_s=index / rate_hz, a=(200 + x, 200 + y))
    places = {(*r.centre, r.side_px, r.roll_rad) for r in stream.scene.looked_at[20:]}
    assert len(places) <= 6


def test_a_face_that_creeps_away_is_looked_for_where_it_is():
    stream = Stream()
    stream.step(a=(200, 200))
    places = Places(stream)
    for i in range(60):
        assert stream.step(a=(200 + 0.5 * i, 200)) == {'a': 'f1'}
    assert abs(places.looked_at[-1].centre[0] - 230) < 3


def test_after_a_gap_the_whole_image_is_searched():
    """Nobody wanted faces for a while; who is there then is in the first image's answer."""
    stream = Stream()
    assert stream.step(0.0) == {}
    assert stream.step(1 / 30) == {}
    seen_before_the_gap = stream.scene.detections
    found = stream.update(10.0, a=(50, 60))
    assert [track.id for track in found] == ['f1']
    assert stream.scene.detections == seen_before_the_gap + 1
    # images that follow one another wait for the part of the image that is searched
    assert stream.update(10.0 + 1 / 30, a=(50, 60), b=(400, 60))[1:] == []
class Regressions:
    """A regressor that counts how often it is called in an image."""

    def __init__(self, stream):
        self.count = 0
        self._regress = stream.scene.regress
        stream.scene.regress = self

    def __call__(self, region):
        self.count += 1
        return self._regress(region)


def crowd(count, missing=()):
    return {
        f'p{i}': (200 * (i % 6) + 100, 200 * (i // 6) + 100)
        for i in range(count)
        if i not in missing
    }


def test_the_limit_of_faces_limits_the_work():
    """Of 18 people 8 are followed; when one hides, one other is looked at, not all ten."""
    stream = Stream(max_faces=8)
    regressions = Regressions(stream)
    counts = []
    for image in range(20):
        regressions.count = 0
        ids = stream.step(**crowd(18, missing=(2,) if 5 <= image < 15 else ()))
        counts.append(regressions.count)
        assert len(ids) == 8
    # of a new face: four rolls at first sight, each refined at most twice
    assert counts[0] <= 8 * 12
    assert max(counts[1:]) <= 8 + 12


def test_the_limit_holds_when_a_lost_face_comes_back():
    stream = Stream(max_faces=1)
    stream.step(a=(100, 100))
    for _ in range(8):
        stream.step(b=(400, 100))
    for _ in range(8):
        assert stream.step(a=(100, 100), b=(400, 100)) == {'b': 'f2'}


def test_faces_held_do_not_exceed_the_limit():
    stream = Stream(max_faces=1, coast_frames=20)
    stream.step(a=(100, 100))
    for _ in range(8):
        assert len(stream.update(b=(400, 100))) == 1


def test_a_smaller_limit_lets_go_of_the_newest():
    stream = Stream()
    stream.step(a=(100, 100), b=(400, 100))
    stream.tracker.configure(TrackingSettings(max_faces=1))
    assert stream.step(a=(100, 100), b=(400, 100)) == {'a': 'f1'}


def test_what_is_no_face_does_not_keep_a_face_from_the_last_place():
    """The detector takes three posters for faces and lists them before the person."""
    stream = Stream(max_faces=1)
    stream.scene.uncertain = {'poster1', 'poster2', 'poster3'}
    for _ in range(6):
        ids = stream.step(
            poster1=(100, 100), poster2=(300, 100), poster3=(500, 100), a=(700, 100)
        )
    assert ids == {'a': 'f1'}


def moving(stream, stamps):
    """A face that moves by the images' true times (30 Hz); return its ids and the searches."""
    ids = set()
    for index, stamp_s in enumerate(stamps):
        x = 300 + 200 * np.sin(2 * np.pi * 0.3 * index / 30)
        ids |= set(stream.step(stamp_s=float(stamp_s), a=(x, 200)).values())
    return ids, stream.scene.detections


def stamps_with(**changes):
    stamps = 100 + np.arange(240) / 30
    for index, change_s in changes.items():
        stamps[int(index[1:])] += change_s
    return stamps


def jittered(seed):
    return 100 + np.arange(240) / 30 + np.random.default_rng(seed).normal(0, 0.02, 240)


def in_pairs(apart_s):
    index = np.arange(240)
    return 100 + (index // 2) / 15 + (index % 2) * apart_s


@pytest.mark.parametrize(
    'stamps',
    [
        stamps_with(i100=-0.04),
        stamps_with(i50=-0.3, i120=-0.9),
        stamps_with(i50=-0.3, i51=-0.3),
        jittered(0),
        jittered(1),
        np.repeat(stamps_with()[::2], 2),
        in_pairs(1e-3),
        in_pairs(1e-4),
        in_pairs(1e-5),
        np.where(np.arange(240) < 120, stamps_with(), stamps_with() - 0.5),
    ],
    ids=['early', 'late', 'two late', 'jitter', 'more jitter', 'doubled', '1 ms', '0.1 ms',
         '0.01 ms', 'clock set back'],
)
def test_stamps_that_are_not_even_keep_the_id(stamps):
    stream = Stream(detection_interval=1000)
    ids, searches = moving(stream, stamps)
    assert ids == {'f1'}
    assert searches <= 3


@pytest.mark.parametrize('back_s', [1.0, 5.0, 1000.0])
def test_stamps_a_second_or_more_back_start_anew(back_s):
    stream = Stream()
    stream.step(stamp_s=2000.0, a=(200, 200))
    assert stream.step(stamp_s=2000.0 - back_s, a=(200, 200)) == {'a': 'f2'}


@pytest.mark.parametrize('rate_hz', [5, 10, 30, 60])
def test_a_newcomer_waits_as_long_at_any_rate(rate_hz):
    """Who may be one who was lost among others waits for half a second."""
    stream = Stream(track_timeout_s=10)
    stream.scene.looks = {'a': 1, 'b': 5, 'c': 9}
    times = itertools.count()

    def step(**faces):
        return stream.step(stamp_s=next(times) / rate_hz, **faces)

    for index in range(2 * rate_hz):
        step(a=(300, 200), b=(180 + 30 * index / rate_hz, 200))
    waited = sum('c' not in step(a=(300, 200), c=(240, 200)) for _ in range(3 * rate_hz))
    assert 0.3 <= waited / rate_hz <= 0.8


@pytest.mark.parametrize('rate_hz', [5, 10, 30, 60])
def test_a_hidden_face_is_expected_on_its_way_at_any_rate(rate_hz):
    stream = Stream()
    times = itertools.count()
    for index in range(rate_hz + 1):
        stream.step(stamp_s=next(times) / rate_hz, a=(100 + 200 * index / rate_hz, 200))
    for _ in range(max(rate_hz // 2, 1)):
        assert stream.step(stamp_s=next(times) / rate_hz) == {}
    assert stream.step(stamp_s=next(times) / rate_hz, a=(440, 200)) == {'a': 'f1'}


def test_a_false_detection_near_a_lost_face_is_not_taken_for_it():
    stream = Stream()
    for _ in range(5):
        stream.step(a=(200, 200))
    for _ in range(10):
        stream.step()
    stream.scene.uncertain = {'ghost'}
    for _ in range(20):
        assert stream.update(ghost=(215, 205)) == []


def test_random_ids_are_not_given_twice():
    class Dice:
        """Throws what was thrown before, now and then."""

        def __init__(self):
            self.throws = iter(['aaaaa', 'aaaaa', 'aaaaa', 'bbbbb'])

        def choices(self, letters, k):
            return list(next(self.throws))

    stream = Stream(deterministic_ids=False)
    stream.tracker._random = Dice()
    assert stream.step(a=(100, 100), b=(400, 100)) == {'a': 'aaaaa', 'b': 'bbbbb'}
