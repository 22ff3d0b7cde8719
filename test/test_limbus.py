# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Distances by irises: measured on drawn eyes of known size, fused with the assumed head."""

import math
from dataclasses import replace

import cv2
import numpy as np
import pytest

from face_recon_ros import placing
from face_recon_ros.camera import Camera
from face_recon_ros.eyes.landmarks import EyeLandmarks, Eyes
from face_recon_ros.eyes.limbus import iris_distance, limbus_of
from face_recon_ros.face import DistanceSource
from face_recon_ros.head_size import HeadSize
from face_recon_ros.io.image_files import read_image
from face_recon_ros.io.records import COLUMNS, row
from face_recon_ros.paths import share_directory
from face_recon_ros.pipeline import Pipeline, PipelineConfig

CAMERA = Camera(640, 480, 900.0, 900.0, 319.5, 239.5)
MIDDLES = np.array([[290.0, 240.0], [360.0, 240.0]])
# What the network always says, whatever the iris
SAID_PX = 10.0


def lids_of(middle):
    """Outline as EyeLandmarks has it: inner corner, lower lid, outer corner, upper lid."""
    side = -1 if middle[0] < 320 else 1
    t = np.linspace(0, 1, 9)
    x, arch = middle[0] + side * (44 * t - 22), 11 * np.sin(np.pi * t)
    lower = np.column_stack([x, middle[1] + arch])
    upper = np.column_stack([x, middle[1] - arch])[::-1]
    return np.vstack([lower, upper[1:-1]])


def eyes_of(gaze=(0.0, 0.0, -1.0), openness=1.0, said_px=SAID_PX):
    lids = np.stack([lids_of(middle) for middle in MIDDLES])
    landmarks = EyeLandmarks(MIDDLES.copy(), np.full(2, said_px), lids, np.full(2, openness),
                     np.full(2, 44.0))
    return Eyes(landmarks, np.array(gaze), 0.1, np.array([True, True]))


def drawn(radii_px, narrowed=1.0, seed=0, iris=(70, 60, 50)):
    """Skin, whites and irises with pupils and highlights; blurred, noisy."""
    large = np.full((4 * 480, 4 * 640, 3), (130, 150, 190), np.uint8)
    for middle, radius in zip(MIDDLES, radii_px, strict=True):
        eye, mask = large.copy(), np.zeros(large.shape[:2], np.uint8)
        at = (4 * middle + 1.5).astype(int)
        cv2.fillPoly(mask, [(4 * lids_of(middle) + 1.5).astype(np.int32)], 255)
        eye[:] = (205, 210, 215)
        axes = (round(4 * radius * narrowed), round(4 * radius))
        cv2.ellipse(eye, tuple(map(int, at)), axes, 0, 0, 360, iris, -1)
        cv2.circle(eye, tuple(map(int, at)), round(1.6 * radius), (15, 15, 15), -1)
        cv2.circle(eye, tuple(map(int, at - 8)), 6, (255, 255, 255), -1)
        large[mask > 0] = eye[mask > 0]
    small = cv2.GaussianBlur(cv2.resize(large, (640, 480), interpolation=cv2.INTER_AREA),
                             (0, 0), 0.8)
    noise = np.random.default_rng(seed).normal(0, 3, small.shape)
    return np.clip(small + noise, 0, 255).astype(np.uint8)


@pytest.mark.parametrize('radius_px', [9.5, 10.5, 11.5, 12.5, 13.5])
def test_the_edge_is_found_where_the_network_says_the_same_of_all(radius_px):
    image = drawn([radius_px] * 2)
    for side in range(2):
        centre, found_px = limbus_of(image, eyes_of().landmarks, side)
        assert found_px == pytest.approx(radius_px, rel=0.05)
        np.testing.assert_allclose(centre, MIDDLES[side], atol=1.2)


@pytest.mark.parametrize('radius_px', [10.0, 12.0, 13.0])
def test_the_distance_is_that_of_an_iris_of_average_size(radius_px):
    found_m = iris_distance(drawn([radius_px] * 2), eyes_of(), CAMERA)
    assert found_m == pytest.approx(900.0 * 0.00585 / radius_px, rel=0.05)


def test_an_iris_that_is_turned_is_no_smaller():
    turned = math.radians(25)
    gaze = (math.sin(turned), 0.0, -math.cos(turned))
    found_m = iris_distance(drawn([12.0] * 2, math.cos(turned)), eyes_of(gaze), CAMERA)
    assert found_m == pytest.approx(900.0 * 0.00585 / 12.0, rel=0.05)


@pytest.mark.parametrize(('image', 'eyes'), [
    (np.full((480, 640, 3), 128, np.uint8), eyes_of()),
    (drawn([12.0] * 2), eyes_of(openness=0.2)),
    (drawn([12.0] * 2), eyes_of(said_px=6.0)),
    (drawn([12.0] * 2), eyes_of(gaze=(math.sin(0.7), 0.0, -math.cos(0.7)))),
    (drawn([10.0, 12.5]), eyes_of()),
    (drawn([12.0] * 2), replace(eyes_of(), measured=np.array([True, False]))),
])
def test_what_cannot_be_measured_is_not(image, eyes):
    """No edge; closed; small; turned away; one eye larger than the other; one eye only."""
    assert iris_distance(image, eyes, CAMERA) is None


def test_iris_and_assumed_head_count_by_their_variances():
    size = HeadSize(1.0)
    assert size.sigma == pytest.approx(0.057)
    size.measure_iris(1.1, 0.065, 0.06)
    # prior 0.057^2, one image 0.065^2 + 0.06^2
    share = 0.003249 / (0.003249 + 0.004225 + 0.0036)
    assert size.scale == pytest.approx(1.1**share)
    assert size.sigma == pytest.approx(math.sqrt(0.003249 * (1 - share)))
    assert size.by_iris
    for _ in range(400):
        size.predict(0.5)
        size.measure_iris(1.1, 0.065, 0.06)
    # what stays with a person does not average out
    assert size.sigma == pytest.approx(math.sqrt(0.003249 * 0.00367 / (0.003249 + 0.00367)), 0.01)
    size.measure(0.9, 1.0, None)
    assert size.scale == pytest.approx(0.9 * math.exp(-0.016))
    assert not size.by_iris
    assert not size.iris_due


def test_images_alike_count_as_one():
    size = HeadSize(1.0)
    size.measure_iris(1.1, 0.065, 0.06)
    once = size.sigma
    assert not size.iris_due
    size.predict(0.1)
    assert not size.iris_due
    size.predict(0.4)
    assert size.iris_due
    size.measure_iris(1.1, 0.065, 0.06)
    assert size.sigma < once


@pytest.fixture(scope='module')
def portrait():
    return read_image(share_directory() / 'samples' / 'astronaut.png')


def test_a_photo_is_as_far_as_irises_and_head_say(portrait, monkeypatch):
    pipeline = Pipeline(PipelineConfig(smoothing=None))
    monkeypatch.setattr(placing, 'iris_distance', lambda *given: None)
    (without,) = pipeline.detect(portrait)
    assert without.distance_source == DistanceSource.ASSUMED
    eyes_m = np.linalg.norm(without.landmarks_m[[36, 39, 42, 45]].mean(axis=0))
    monkeypatch.setattr(placing, 'iris_distance', lambda *given: 0.8 * eyes_m)
    (face,) = pipeline.detect(portrait)
    assert face.distance_source == DistanceSource.IRIS
    # by 0.057^2 of the head against 0.03^2 + 0.0427^2 + 0.035^2 of the irises
    ratio = 0.8 ** (0.003249 / (0.003249 + 0.0009 + 0.001826 + 0.001225))
    assert face.distance_m == pytest.approx(ratio * without.distance_m, rel=1e-3)
    assert face.head_scale == pytest.approx(ratio * without.head_scale, rel=1e-3)
    np.testing.assert_allclose(face.landmarks_m, ratio * without.landmarks_m, rtol=1e-3)
    np.testing.assert_allclose(face.pose.rotation, without.pose.rotation)
    np.testing.assert_allclose(face.landmarks_px, without.landmarks_px)
    assert row('a', face)[COLUMNS.index('distance_source')] == 'iris'


def test_a_stream_keeps_what_irises_said_and_covariance_says_so(portrait, monkeypatch):
    camera = Camera.uncalibrated(portrait.shape[1], portrait.shape[0])
    camera = Camera(camera.width, camera.height, camera.fx, camera.fy, camera.cx, camera.cy)
    asked = []

    def once(*given):
        asked.append(given)
        return 0.5 if len(asked) == 1 else None

    monkeypatch.setattr(placing, 'iris_distance', once)
    pipeline = Pipeline()
    found = [f for i in range(24) for f in pipeline.track(portrait, i / 30, camera)]
    assert {f.distance_source for f in found[2:]} == {DistanceSource.IRIS}
    # no more often than every half second where it was measured, every tenth where it was not
    assert 2 <= len(asked) <= 6

    def sigma(face):
        ray = face.pose.translation_m / face.distance_m
        return math.sqrt(ray @ face.pose_covariance[:3, :3] @ ray) / face.distance_m

    assert sigma(found[-1]) == pytest.approx(0.0422, abs=0.002)


def test_without_eyes_nothing_is_asked(portrait, monkeypatch):
    monkeypatch.setattr(placing, 'iris_distance', lambda *given: 1 / 0)
    (face,) = Pipeline(PipelineConfig(use_eyes='never')).detect(portrait)
    assert face.distance_source == DistanceSource.ASSUMED


def test_the_portraits_irises_agree_with_its_head(portrait):
    """An adult: by the irises alone no further off than three of both sigmas."""
    large = cv2.resize(portrait[:320, 60:400], None, fx=3, fy=3, interpolation=cv2.INTER_CUBIC)
    (face,) = Pipeline(PipelineConfig(smoothing=None)).detect(large)
    camera = Camera.uncalibrated(large.shape[1], large.shape[0])
    found_m = iris_distance(large, face.eyes, camera)
    assert found_m is not None
    eyes_m = np.linalg.norm(face.landmarks_m[[36, 39, 42, 45]].mean(axis=0)) / face.head_scale
    assert abs(math.log(found_m / eyes_m)) < 3 * math.hypot(0.057, 0.092)
