# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the pipeline asks of its parts, and when."""

import gc
import weakref

import cv2
import numpy as np
import pytest

from face_recon_ros.pipeline import Pipeline
from face_recon_ros.searching import ImageSearch
from face_recon_ros.tracking.tracker import Orientation


class Recorder:
    """A regressor that remembers whether it was asked to take out noise."""

    def __init__(self, regressor):
        self._regressor = regressor
        self.denoised = []

    def __call__(self, image, region, denoise=False):
        self.denoised.append(denoise)
        return self._regressor(image, region, denoise)

    def __getattr__(self, name):
        return getattr(self._regressor, name)


def track(pipeline, image, count, first=0):
    """Return the faces of the last of so many images at 30 Hz."""
    for index in range(first, first + count):
        faces = pipeline.track(image, index / 30)
    return faces


@pytest.fixture(scope='module')
def pipeline():
    return Pipeline()


@pytest.fixture(autouse=True)
def _from_the_beginning(pipeline):
    pipeline.reset()
    pipeline.eyes_wanted = True


def test_noise_is_taken_out_in_streams_and_not_in_photos(pipeline, portrait, monkeypatch):
    recorder = Recorder(pipeline.regressor)
    monkeypatch.setattr(pipeline, 'regressor', recorder)
    track(pipeline, portrait, 4)
    # looks at the new face; those at a followed one are other parts'
    assert len(recorder.denoised) >= 2
    assert all(recorder.denoised)
    recorder.denoised.clear()
    pipeline.detect(portrait)
    assert not any(recorder.denoised)


def turned_searches(pipeline, image, count, monkeypatch):
    """Return of each search of a stream whether the image was turned upside down for it."""
    turned = []

    def part(search, image, other_way_up, orientation):
        turned.append(orientation is Orientation.UPSIDE_DOWN)
        return []

    monkeypatch.setattr(ImageSearch, 'part', part)
    monkeypatch.setattr(pipeline, '_searches', 0)
    track(pipeline, image, count)
    return turned


def test_one_search_of_four_is_with_the_image_upside_down(pipeline, portrait, monkeypatch):
    track(pipeline, portrait, 5)
    turned = turned_searches(pipeline, portrait, 100, monkeypatch)
    assert len(turned) >= 16
    assert turned == [index % 4 == 3 for index in range(len(turned))]


def test_every_other_search_is_so_while_nobody_is_found(pipeline, portrait, monkeypatch):
    turned = turned_searches(pipeline, np.full_like(portrait, 90), 50, monkeypatch)
    assert len(turned) >= 4
    assert turned == [index % 2 == 1 for index in range(len(turned))]


def test_a_photo_shows_its_eyes_whatever_streams_want(pipeline, portrait):
    pipeline.eyes_wanted = False
    assert pipeline.detect(portrait)[0].eyes is not None
    assert track(pipeline, portrait, 4)[0].eyes is None


def test_a_stream_that_begins_again_has_no_faces_of_the_one_before(pipeline, portrait):
    before = track(pipeline, portrait, 6)
    assert len(before) == 1
    pipeline.reset()
    # nobody is there: a face that were remembered would be held for some images
    assert len(track(pipeline, np.full_like(portrait, 90), 1, first=6)) == 0
    after = track(pipeline, portrait, 6, first=7)
    assert [face.id for face in after] != [face.id for face in before]


def test_somebody_who_comes_to_another_is_found(pipeline, portrait):
    alone = np.hstack([portrait, np.full_like(portrait, 90)])
    assert len(track(pipeline, alone, 6)) == 1
    both = np.hstack([portrait, portrait[:, ::-1]])
    assert len(track(pipeline, both, 45, first=6)) == 2


def test_the_largest_score_comes_first(pipeline, portrait):
    small = np.full_like(portrait, 90)
    small[200:328, 200:328] = cv2.GaussianBlur(cv2.resize(portrait, (128, 128)), None, 1.0)
    for image in (np.hstack([portrait, small]), np.hstack([small, portrait])):
        first, second = pipeline.detect(image)
        assert first.score > second.score
        # the one that is seen well
        assert np.ptp(first.box[[0, 2]]) > np.ptp(second.box[[0, 2]])


def test_a_pipeline_that_nobody_has_is_freed_at_once():
    gc.disable()
    try:
        models = weakref.ref(Pipeline())
        assert models() is None
    finally:
        gc.enable()
