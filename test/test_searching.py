# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where a lost face is looked for, and what of the image with each of its images."""

import threading
from dataclasses import replace

import cv2
import numpy as np
import pytest
from patience import HANG_S
from tracking_scene import STEP_S, Stream

from face_recon_ros.detection.far_faces import FarFaceSearch
from face_recon_ros.detection.tiling import MergedDetector
from face_recon_ros.pipeline import Pipeline
from face_recon_ros.tracking.tracker import Orientation

WIDTH, HEIGHT = 1920, 1080
FACE_PX = 120


def test_a_lost_face_is_looked_for_where_it_is_expected():
    stream = Stream()
    for image in range(10):
        stream.update(walker=(200.0 + 6 * image, 300.0))
    assert stream.tracker.sought() == []
    stream.update()
    (first,) = stream.tracker.sought()
    assert abs(first.centre - [260, 300]).max() < 5
    for _ in range(5):
        stream.update()
    (later,) = stream.tracker.sought()
    # on its way, though slower: nobody walks on for ever
    assert first.centre[0] + 12 < later.centre[0] < first.centre[0] + 30


def test_first_images_are_searched_as_a_whole():
    stream = Stream()
    stream.update()
    assert stream.tracker.sought() == []
    assert stream.scene.detections == 1
    stream.update(one=(300.0, 300.0))
    stream.update(stamp_s=0.1, one=(300.0, 300.0))
    # after a gap, too: lost faces are anywhere
    stream.update(stamp_s=1.5)
    assert stream.tracker.sought() == []
    assert stream.tracker.wanted_search() is not None


def test_of_many_lost_faces_each_is_looked_for_in_turn():
    stream = Stream(max_faces=0)
    crowd = {f'p{i}': (200.0 + 300 * i, 300.0) for i in range(9)}
    for _ in range(4):
        stream.update(**crowd)
    looked_for = set()
    for image in range(9):
        stream.update()
        sought = stream.tracker.sought()
        assert len(sought) == 4, image
        looked_for |= {round(float(r.centre[0]), -2) for r in sought}
    assert looked_for == {200.0 + 300 * i for i in range(9)}


@pytest.fixture(scope='module')
def room(portrait):
    """Return a function that draws an empty room, or the portrait's head with a corner there."""
    head = cv2.resize(portrait[0:230, 110:340], (2 * FACE_PX, 2 * FACE_PX))
    shades = np.random.default_rng(0).integers(110, 140, (6, 10, 3), np.uint8)
    wall = cv2.resize(shades, (WIDTH, HEIGHT), interpolation=cv2.INTER_LINEAR)

    def draw(corner=None, upside_down=False):
        image = wall.copy()
        if corner is not None:
            x, y = corner
            image[y : y + 2 * FACE_PX, x : x + 2 * FACE_PX] = head
        return np.ascontiguousarray(image[::-1, ::-1]) if upside_down else image

    return draw


@pytest.mark.parametrize('upside_down', [False, True])
@pytest.mark.parametrize('away', [7, 8, 9])
def test_a_lost_face_that_comes_back_elsewhere_is_found_within_a_second(room, upside_down, away):
    pipeline = Pipeline()
    pipeline.eyes_wanted = False
    stamps = iter(np.arange(200) * STEP_S)
    for _ in range(3):
        assert len(pipeline.track(room((30, 40), upside_down), next(stamps))) == 1
    for _ in range(away):
        assert len(pipeline.track(room(), next(stamps))) == 0
    found = [
        len(pipeline.track(room((1600, 780), upside_down), next(stamps))) for _ in range(30)
    ]
    assert 1 in found
    assert found[-1] == 1


def test_no_image_without_the_lost_face_is_searched_as_a_whole(room, monkeypatch):
    looks, pipeline = [], Pipeline()
    pipeline.eyes_wanted = False
    tile, window = FarFaceSearch.__call__, MergedDetector._merged

    def search_tile(self, image, where, known=(), turn=None):
        looks.append('tile')
        return tile(self, image, where, known, turn)

    def search_parts(self, image, parts, tiles, turn=None):
        looks.extend(['part'] * len(parts))
        return window(self, image, parts, tiles, turn)

    for index in range(3):
        pipeline.track_without_search(room((30, 40)), index * STEP_S)
    monkeypatch.setattr(FarFaceSearch, '__call__', search_tile)
    monkeypatch.setattr(MergedDetector, '_merged', search_parts)
    for index in range(3, 15):
        looks.clear()
        pipeline.track_without_search(room(), index * STEP_S)
        # its neighbourhood and a third of the image
        assert looks.count('part') == 2
        assert looks.count('tile') == 3


def test_a_search_runs_beside_the_images_that_follow(portrait, monkeypatch):
    """None is due meanwhile; the first image after its end reports what it found."""
    pipeline, empty = Pipeline(), np.full_like(portrait, 120)
    stamps = iter(np.arange(100) * STEP_S)
    assert pipeline.track_without_search(empty, next(stamps)) == []
    begun, go_on, part = threading.Event(), threading.Event(), pipeline._search.part

    def search(*arguments):
        begun.set()
        assert go_on.wait(HANG_S)
        return part(*arguments)

    monkeypatch.setattr(pipeline._search, 'part', search)
    task = pipeline.search_task(portrait)
    beside = threading.Thread(target=task)
    beside.start()
    assert begun.wait(HANG_S)
    for _ in range(7):
        assert pipeline.track_without_search(portrait, next(stamps)) == []
        assert pipeline.search_task(portrait) is None
    go_on.set()
    beside.join(HANG_S)
    assert task.is_over
    assert len(pipeline.track_without_search(portrait, next(stamps))) == 1


def test_a_search_that_fails_is_over(portrait, monkeypatch):
    pipeline, empty = Pipeline(), np.full_like(portrait, 120)
    pipeline.track_without_search(empty, 0.0)
    part = pipeline._search.part

    def fail(*_arguments):
        raise MemoryError

    monkeypatch.setattr(pipeline._search, 'part', fail)
    with pytest.raises(MemoryError):
        pipeline.search(portrait)
    monkeypatch.setattr(pipeline._search, 'part', part)
    # every second one is with the image upside down
    assert [len(pipeline.track(portrait, n * STEP_S)) for n in (1, 2, 3)] == [0, 0, 1]


FORGETS = {
    'reset': Pipeline.reset,
    'clock set back': lambda p: p.track_without_search(np.full((64, 64, 3), 120, np.uint8), -60.0),
}


@pytest.mark.parametrize('forget', FORGETS.values(), ids=FORGETS)
def test_a_new_start_forgets_the_search_that_is_going_on(portrait, forget):
    pipeline, empty = Pipeline(), np.full_like(portrait, 120)
    pipeline.track_without_search(empty, 0.0)
    old = pipeline.search_task(portrait)
    forget(pipeline)
    pipeline.track_without_search(empty, STEP_S)
    new = pipeline.search_task(empty)
    assert new is not None
    old()
    new()
    # what the old one found is nobody's
    assert pipeline.track_without_search(portrait, 2 * STEP_S) == []


def test_two_searches_between_images_are_both_reported(portrait):
    """The second one may find nothing, and ends before the next image."""
    pipeline, empty = Pipeline(), np.full_like(portrait, 120)
    pipeline.track_without_search(empty, 0.0)
    task = pipeline.search_task(portrait)
    pipeline.track_without_search(empty, STEP_S)
    task()
    pipeline.search_task(empty)()
    assert len(pipeline.track_without_search(portrait, 2 * STEP_S)) == 1


def test_another_threshold_may_come_in_the_middle_of_a_search(portrait):
    pipeline = Pipeline()
    searching = pipeline._search
    expected = places(searching.whole(portrait, Orientation.UPRIGHT))
    seen, failed, stop = [], [], threading.Event()

    def search():
        try:
            while not stop.is_set():
                seen.append(places(searching.whole(portrait, Orientation.UPRIGHT)))
        except Exception as error:
            failed.append(error)

    beside = threading.Thread(target=search)
    beside.start()
    while len(seen) < 5 and not failed:
        for threshold in (0.5, 0.4):
            pipeline.configure(replace(pipeline.config, detector_threshold=threshold))
    stop.set()
    beside.join(HANG_S)
    assert failed == []
    assert all(found == expected for found in seen)


def test_threads_that_search_share_networks(portrait, room):
    """Each sees what it sees alone: the networks' inputs are not mixed up."""
    pipeline = Pipeline()
    images = [portrait, room((300, 400)), room((1600, 780), upside_down=True)]
    looks = [
        lambda: pipeline._search.whole(images[0], Orientation.UPRIGHT),
        lambda: pipeline._search.whole(images[1], Orientation.UPRIGHT),
        lambda: pipeline._search.whole(images[2], Orientation.UPSIDE_DOWN),
    ]
    alone = [places(look()) for look in looks]
    assert [len(a) for a in alone] == [1, 1, 1]
    together = [[] for _ in looks]

    def work(number):
        for _ in range(8):
            together[number].append(places(looks[number]()))

    threads = [threading.Thread(target=work, args=(n,)) for n in range(len(looks))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_S)
    assert together == [[a] * 8 for a in alone]


def places(regions):
    return [(*region.centre.tolist(), region.side_px, region.roll_rad) for region in regions]
