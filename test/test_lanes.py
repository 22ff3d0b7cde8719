# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Several faces of an image at once."""

import threading

import cv2
import numpy as np
import pytest

from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.lanes import Lanes
from face_recon_ros.regression.loader import REGRESSORS

IMAGE = np.zeros((4, 4, 3), np.uint8)


class Regressor:
    """Says which of them looked where, in which thread; waits for others where told to."""

    def __init__(self, name, meet=None):
        self.name = name
        self.meet = meet
        self.busy = threading.Lock()

    def __call__(self, image, region, denoise=False):
        assert image is IMAGE
        assert denoise
        assert self.busy.acquire(blocking=False), 'two faces at once in one network'
        try:
            if region == 'bad':
                raise ValueError('a face that cannot be looked at')
            if self.meet is not None:
                self.meet.wait(60)
            return self.name, region, threading.get_ident()
        finally:
            self.busy.release()


def lanes(threads, meet=None):
    made = []

    def load():
        made.append(Regressor(f'lane {len(made)}', meet))
        return made[-1]

    return Lanes(Regressor('alone'), load, threads), made


def test_one_thread_looks_at_one_after_the_other():
    look, made = lanes(1)
    found = look(IMAGE, ['a', 'b', 'c'])
    assert [f[:2] for f in found] == [('alone', 'a'), ('alone', 'b'), ('alone', 'c')]
    assert made == []
    assert look(IMAGE, []) == []


def test_a_face_that_is_alone_has_the_network_that_uses_all_threads():
    look, made = lanes(3)
    assert look(IMAGE, ['a'])[0][:2] == ('alone', 'a')
    assert made == []


def test_several_are_looked_at_at_once_and_come_back_in_order():
    # nobody goes on before three look at the same time
    look, made = lanes(3, threading.Barrier(3))
    for _ in range(5):
        found = look(IMAGE, list('abcdef'))
        assert [region for _, region, _ in found] == list('abcdef')
        assert len({thread for _, _, thread in found}) == 3
    assert len(made) == 3


def test_no_more_networks_than_faces():
    look, made = lanes(8, threading.Barrier(2))
    look(IMAGE, ['a', 'b'])
    assert len(made) == 2


@pytest.mark.parametrize('regions', [['bad', 'bad'], ['a', 'bad', 'c'], ['bad', 'b', 'c', 'd']])
def test_an_error_comes_through_and_the_next_image_is_looked_at(regions):
    look, _ = lanes(2)
    with pytest.raises(ValueError, match='cannot be looked at'):
        look(IMAGE, regions)
    assert [f[1] for f in look(IMAGE, ['a', 'b', 'c'])] == ['a', 'b', 'c']


@pytest.mark.parametrize('regressor', REGRESSORS)
def test_two_threads_find_what_one_finds(portrait, regressor):
    image = np.full((480, 720, 3), 120, np.uint8)
    head = cv2.resize(portrait[0:230, 110:340], (230, 230))
    for left, top in ((5, 5), (245, 5), (485, 5), (5, 245), (245, 245)):
        image[top : top + 230, left : left + 230] = head
    one, two = (
        Pipeline(PipelineConfig(threads=threads, regressor=regressor)) for threads in (1, 2))
    for index in range(5):
        moved = np.roll(image, index, axis=1)
        expected, found = (p.track(moved, index / 30) for p in (one, two))
        assert len(expected) == 5
        np.testing.assert_array_equal(found.ids, expected.ids)
        np.testing.assert_allclose(found.parameters, expected.parameters, rtol=1e-4, atol=1e-3)
        np.testing.assert_allclose(found.landmarks_px, expected.landmarks_px, atol=0.01)
