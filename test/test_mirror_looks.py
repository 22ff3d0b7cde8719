# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Streams look at crops as they are and in the mirror by turns: errors to one side cancel."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest

from face_recon_ros.camera import Camera
from face_recon_ros.io.image_files import read_image
from face_recon_ros.paths import model_file
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.mirror_looks import (
    AS_IT_IS,
    Look,
    MirrorLooks,
    Reading,
)
from face_recon_ros.regression.own_network import OwnNetworkAdapter
from face_recon_ros.regression.region import Region, seen_through
from face_recon_ros.rotations import rotation_vector
from face_recon_ros.tflite import Network

PORTRAIT = Path(__file__).resolve().parents[1] / 'samples' / 'astronaut.png'
ERROR = np.random.default_rng(1).normal(0, 2, 60)


def truth(time_s):
    """Return what a network without errors finds of a head that moves evenly."""
    return 90.0 + 30 * time_s * np.arange(60)


def read(look, time_s):
    """Return what a network finds that errs by ERROR to one side."""
    return Reading(truth(time_s) + (-ERROR if look.in_mirror else ERROR), look.in_mirror)


def test_looks_are_by_turns():
    looks, seen = MirrorLooks(), []
    for index in range(5):
        seen.append(looks.next().in_mirror)
        looks.take(read(looks.next(), index / 30), index / 30)
    assert seen == [False, True, False, True, False]


@pytest.mark.parametrize('times_s', [(0.0, 0.033, 0.067), (0.0, 0.033, 0.167, 0.2)])
def test_the_error_to_one_side_is_learnt_though_the_head_moves(times_s):
    looks = MirrorLooks()
    for time_s in times_s:
        assert looks.next().error is None or time_s == times_s[-1]
        looks.take(read(looks.next(), time_s), time_s)
    look = looks.next()
    np.testing.assert_allclose(look.error, ERROR, atol=1e-9)
    left = read(look, 1.0).without(look.error)
    np.testing.assert_allclose(left.values, truth(1.0), atol=1e-9)


@pytest.mark.parametrize(('most_meant', 'least_left'), [(10, 0.0), (100, 0.02)])
def test_a_change_of_the_error_is_followed(most_meant, least_left):
    looks = MirrorLooks(most_meant)
    for index in range(100):
        reading = read(looks.next(), index / 30)
        looks.take(Reading(reading.without(ERROR).values, reading.in_mirror), index / 30)
    for index in range(100, 150):
        looks.take(read(looks.next(), index / 30), index / 30)
    left = np.abs(looks.next().error / ERROR - 1).max()
    assert least_left <= left < least_left + 0.5
    assert most_meant > 10 or left < 0.001


def test_a_crop_that_was_looked_at_both_ways_tells_the_error_at_once():
    looks = MirrorLooks()
    looks.take(None, 0.0, error=ERROR)
    assert looks.next() == Look(in_mirror=False, error=ERROR)


@pytest.mark.parametrize('times_s', [(0.0, 0.033, 1.0), (0.0, 0.0, 0.033)])
def test_looks_that_are_far_apart_teach_nothing(times_s):
    looks = MirrorLooks()
    for time_s in times_s:
        looks.take(read(looks.next(), time_s), time_s)
    assert looks.next().error is None


def test_images_that_are_doubled_or_late_do_not_end_the_turns():
    looks, seen = MirrorLooks(), []
    for index in range(4):
        seen.append(looks.next().in_mirror)
        looks.take(read(looks.next(), index / 30), index / 30)
        # the clock stands still; what it shows is of another time
        looks.take(read(looks.next(), (index - 1) / 30), index / 30)
    assert seen == [False, True, False, True]
    np.testing.assert_allclose(looks.next().error, ERROR, atol=1e-9)


def test_slow_streams_see_no_mirror_images_until_they_are_fast_again():
    looks, seen = MirrorLooks(), []
    looks.take(None, 0.0, error=ERROR)
    for time_s in (0.4, 0.8, 1.2, 1.6, 1.63, 1.67, 1.7):
        seen.append(looks.next().in_mirror)
        looks.take(read(looks.next(), time_s), time_s)
    # whether a stream is slow is known with its second reading
    assert seen == [False, True, False, False, False, True, False]
    np.testing.assert_allclose(looks.next().error, ERROR, atol=1e-9)


@pytest.mark.parametrize('in_mirror', [False, True])
def test_two_looks_of_one_kind_teach_nothing(in_mirror):
    looks = MirrorLooks()
    for index in range(3):
        looks.take(read(Look(in_mirror), index / 30), index / 30)
    assert looks.next().error is None


def test_a_regressor_without_readings_sees_no_mirror_images():
    looks = MirrorLooks()
    for index in range(3):
        looks.take(None, index / 30)
        assert looks.next() == AS_IT_IS


# --- the network ----------------------------------------------------------------------


@pytest.fixture(scope='module')
def adapter(model):
    return OwnNetworkAdapter(Network(model_file('face_recon.tflite')), model)


@pytest.mark.parametrize('camera', [None, Camera(640, 480, 400.0, 400.0, 319.5, 239.5)])
def test_a_crop_in_the_mirror_is_the_mirror_image_of_the_crop(adapter, camera):
    grains = np.random.default_rng(2).integers(0, 255, (12, 16, 3), np.uint8)
    image = cv2.resize(grains, (640, 480), interpolation=cv2.INTER_CUBIC)
    region = replace(Region(np.array([400.0, 150.0]), 210.0, 0.3), camera=camera)
    crops = np.empty((2, adapter.size, adapter.size, 3), np.float32)
    places = [
        adapter.cut(crop, image, replace(region, look=Look(in_mirror)), True)
        for crop, in_mirror in zip(crops, (False, True), strict=True)
    ]
    np.testing.assert_allclose(crops[1], crops[0][:, ::-1], atol=0.01)
    assert [place.look.in_mirror for place in places] == [False, True]
    for place in places:
        assert type(place.where) is type(places[0].where)


@pytest.mark.parametrize('kind', ['flat', 'straight'])
def test_what_is_read_in_the_mirror_is_what_is_read_both_ways(kind):
    """One look at each, with the error that both ways tell, is their mean."""
    pipeline = Pipeline(PipelineConfig(use_eyes='never'))
    image = read_image(PORTRAIT)
    height, width = image.shape[:2]
    camera = Camera(width, height, float(width), float(width), width / 2, height / 2)
    (face,) = pipeline.detect(image, camera)
    region = Region.from_parameters(face.parameters)
    if kind == 'straight':
        region = seen_through(region, camera)
    both = pipeline.regressor.flip_augmented(image, region, denoise=True)
    assert both.reading is None
    for in_mirror in (False, True):
        look = Look(in_mirror, both.side_error)
        one = pipeline.regressor(image, replace(region, look=look), denoise=True)
        found, meant = one.parameters, both.parameters
        assert angle_deg(found.model_rotation, meant.model_rotation) < 0.05
        np.testing.assert_allclose(found.vector()[[3, 7]], meant.vector()[[3, 7]], atol=0.05)
        np.testing.assert_allclose(found.vector()[12:], meant.vector()[12:], atol=0.02)
        assert one.reading.in_mirror is in_mirror
        plain = pipeline.regressor(image, replace(region, look=Look(in_mirror)), denoise=True)
        assert angle_deg(plain.parameters.model_rotation, meant.model_rotation) > 0.2


# --- streams --------------------------------------------------------------------------


def followed(pipeline, image, count, noise_seed=None):
    """Return the rotations of the portrait's face in a stream of so many images."""
    rng = np.random.default_rng(noise_seed)
    pipeline.reset()
    rotations = []
    for index in range(count):
        shown = image
        if noise_seed is not None:
            noise = rng.normal(0, 4, image.shape)
            shown = np.clip(image + noise, 0, 255).astype(np.uint8)
        rotations += [f.rotation for f in pipeline.track(shown, index / 30)[:1]]
    return rotations


def angle_deg(a, b):
    return np.degrees(np.linalg.norm(rotation_vector(a.T @ b)))


def test_the_mirror_image_of_a_stream_has_the_mirror_image_of_the_pose(monkeypatch):
    image = read_image(PORTRAIT)
    pipeline = Pipeline(PipelineConfig(use_eyes='never', smoothing=None))

    def unlike_deg():
        as_it_is = followed(pipeline, image, 12)[-1]
        mirrored = followed(pipeline, np.ascontiguousarray(image[:, ::-1]), 12)[-1]
        # the image's x, the face's y to its left
        back = np.diag([-1.0, 1.0, 1.0]) @ mirrored @ np.diag([1.0, -1.0, 1.0])
        return angle_deg(as_it_is, back)

    with_turns = unlike_deg()
    assert with_turns < 0.4
    monkeypatch.setattr(MirrorLooks, 'next', lambda self: AS_IT_IS)
    assert unlike_deg() > with_turns + 0.5


def test_turns_do_not_make_a_face_tremble(monkeypatch):
    image = read_image(PORTRAIT)
    pipeline = Pipeline(PipelineConfig(use_eyes='never', smoothing=None))

    def jitter_deg():
        late = followed(pipeline, image, 40, noise_seed=3)[-25:]
        return np.mean([angle_deg(a, b) for a, b in pairwise(late)])

    with_turns = jitter_deg()
    monkeypatch.setattr(MirrorLooks, 'next', lambda self: AS_IT_IS)
    assert with_turns < 1.3 * jitter_deg()


def test_faces_in_groups_are_looked_at_both_ways_too(model):
    image = read_image(PORTRAIT)
    pipeline = Pipeline(PipelineConfig(use_eyes='never'))
    (face,) = pipeline.detect(image)
    region = Region.from_parameters(face.parameters)
    error = 0.1 * pipeline.regressor(image, region, denoise=True).reading.values
    looks = [AS_IT_IS, Look(in_mirror=True), Look(True, error), Look(False, error)]
    regions = [replace(region, look=look) for look in looks]
    together = pipeline.regressor.together(image, regions)
    for found, one in zip(together, regions, strict=True):
        alone = pipeline.regressor(image, one, denoise=True)
        np.testing.assert_allclose(
            found.parameters.vector(), alone.parameters.vector(), rtol=1e-3, atol=1e-2)
