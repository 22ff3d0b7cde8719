# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Several faces of an image at once."""

import threading

import cv2
import numpy as np
import pytest

from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.paths import model_file
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.lanes import Lanes
from face_recon_ros.regression.loader import REGRESSORS
from face_recon_ros.regression.network import NetworkRegressor
from face_recon_ros.regression.region import Region
from face_recon_ros.tflite import Network

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


class GroupRegressor(Regressor):
    """Takes four at once where a lane has four; says how many came together."""

    def __init__(self, name):
        super().__init__(name)
        self.runs = []

    def group_size(self, faces):
        return 4 if faces >= 4 else 1

    def together(self, image, regions):
        self.runs.append(len(regions))
        return [self(image, region, denoise=True) for region in regions]

    def __call__(self, image, region, denoise=False):
        found = super().__call__(image, region, denoise)
        return (*found, len(self.runs))


@pytest.mark.parametrize(
    ('faces', 'threads', 'groups'),
    [
        (3, 1, 0), (4, 1, 1), (7, 1, 1), (8, 1, 2), (13, 1, 3),
        (4, 2, 0), (6, 2, 0), (7, 2, 1), (8, 2, 2), (12, 2, 2), (15, 2, 3), (10, 3, 2),
    ],
)  # fmt: skip
def test_groups_of_four_where_no_lane_waits_for_them(faces, threads, groups):
    made = [GroupRegressor('alone')]

    def load():
        made.append(GroupRegressor('lane'))
        return made[-1]

    look = Lanes(made[0], load, threads)
    found = look(IMAGE, list(range(faces)))
    assert [f[1] for f in found] == list(range(faces))
    assert [size for m in made for size in m.runs] == [4] * groups


def test_four_faces_at_once_are_what_they_are_one_by_one(portrait):
    # turned, small, partly outside, and one that nothing can come of
    image = np.random.default_rng(3).integers(0, 60, (480, 640, 3)).astype(np.uint8)
    image[40:270, 100:330] = portrait[0:230, 110:340]
    image[300:415, 500:615] = cv2.resize(portrait[0:230, 110:340], (115, 115))
    regions = [
        Region(np.array([215.0, 160.0]), 230.0, 0.0),
        Region(np.array([215.0, 160.0]), 260.0, 0.6),
        Region(np.array([float('nan'), 160.0]), 230.0, 0.0),
        Region(np.array([557.0, 360.0]), 110.0, 0.0),
    ]
    model = FaceModel()
    regressor = NetworkRegressor(model)
    assert regressor.group_size(4) == 4
    together = regressor.together(image, regions)
    alone = NetworkRegressor(model)
    for found, region in zip(together, regions, strict=True):
        expected = alone(image, region, denoise=True)
        np.testing.assert_allclose(found.box, expected.box, atol=1e-3)
        np.testing.assert_allclose(
            found.parameters.vector(), expected.parameters.vector(), rtol=1e-5, atol=1e-4
        )
        assert found.presence == pytest.approx(expected.presence, abs=1e-5, nan_ok=True)
    assert together[0].presence > 0.9


def test_a_network_of_ones_own_looks_at_one_after_the_other(tmp_path, portrait):
    path = tmp_path / 'own.tflite'
    path.write_bytes(model_file('face_recon.tflite').read_bytes())
    regressor = NetworkRegressor(FaceModel(), path)
    assert regressor.group_size(8) == 1
    regions = [Region(np.array([225.0, 115.0]), 230.0, 0.0)] * 4
    assert len({f.presence for f in regressor.together(portrait, regions)}) == 1


def test_a_network_that_finds_something_else_in_groups_is_not_used_so(monkeypatch):
    class Wrong(Network):
        def run(self):
            outputs = super().run()
            return [o + 0.01 * (len(o) > 1) for o in outputs]

    monkeypatch.setattr('face_recon_ros.regression.network.Network', Wrong)
    assert NetworkRegressor(FaceModel()).group_size(4) == 1


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
