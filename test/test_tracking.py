import itertools

import numpy as np
import pytest

from face_recon_ros.face_model import FaceParameters, camera_matrix
from face_recon_ros.regression import Region, Regression
from face_recon_ros.smoothing import SmoothingSettings
from face_recon_ros.tracking import Tracker, TrackingSettings

STEP_S = 1 / 30
SIDE_PX = 100.0


class Scene:
    """Faces at known places, as a detector and a regressor with no error would see them."""

    def __init__(self):
        self.faces = {}  # name: (x, y)
        self.hidden_from_detector = set()
        self.doubted = set()
        self.detections = 0

    def detect(self):
        self.detections += 1
        return [
            Region(np.array(place, float), SIDE_PX, 0.0)
            for name, place in self.faces.items()
            if name not in self.hidden_from_detector
        ]

    def regress(self, region):
        """The nearest face within reach of the region; background otherwise."""
        best, presence = region.centre, 0.0
        for name, place in self.faces.items():
            distance = np.linalg.norm(np.array(place) - region.centre)
            if distance < 0.5 * SIDE_PX and (
                presence == 0 or distance < np.linalg.norm(best - region.centre)
            ):
                best, presence = np.array(place, float), 0.1 if name in self.doubted else 0.99
        matrix = camera_matrix(600.0, np.eye(3), np.append(best, 0))
        box = np.concatenate([best - SIDE_PX / 3, best + SIDE_PX / 3])
        return Regression(
            FaceParameters(matrix, np.zeros(40), np.zeros(10)),
            presence,
            0.01,
            box,
            Region(best, SIDE_PX, 0.0),
        )


class Stream:
    """A tracker fed with a scene at 30 Hz."""

    def __init__(self, **settings):
        self.scene = Scene()
        self.tracker = Tracker(TrackingSettings(**settings))
        self.times = itertools.count()

    def step(self, stamp_s=None, **faces):
        """Set the faces, take an image, return {name: id} of those reported."""
        self.scene.faces = faces
        stamp_s = next(self.times) * STEP_S if stamp_s is None else stamp_s
        tracks = self.tracker.update(stamp_s, self.scene.detect, self.scene.regress)
        if self.tracker.search_due():
            self.tracker.suggest(self.scene.detect())
        return {
            name: track.id
            for track in tracks
            for name, place in faces.items()
            if np.linalg.norm(track.region.centre - place) < 5
        }


def test_a_moving_face_keeps_its_id_without_detection():
    stream = Stream(detection_interval=1000)
    ids = [stream.step(a=(100 + 6 * i, 200)) for i in range(60)]
    assert all(i == {'a': 'f1'} for i in ids)
    assert stream.scene.detections == 1  # in the first image


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
    stream = Stream(forget_s=2.0)
    stream.step(a=(200, 200))
    for _ in range(30):
        assert stream.step() == {}
    assert stream.step(a=(230, 210)) == {'a': 'f1'}


def test_a_lost_face_is_forgotten_after_a_while():
    stream = Stream(forget_s=0.5)
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
    stream.scene.doubted = {'a', 'b'}
    for _ in range(10):
        assert stream.step(a=(200, 200), b=(500, 200)) == {'a': 'f1'}


def test_two_tracks_never_report_one_face():
    stream = Stream()
    stream.step(a=(200, 200), b=(300, 200))
    for _ in range(20):
        assert len(stream.step(a=(250, 200))) <= 1


def test_confirm_count_holds_newcomers_back():
    stream = Stream(confirm_count=3)
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
    stream.tracker.configure(TrackingSettings(max_faces=1), SmoothingSettings())
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
