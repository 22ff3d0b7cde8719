# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Faces that are held where they were seen last (coast_frames)."""

import numpy as np

from face_recon_ros import Pipeline, PipelineConfig, TrackingSettings
from face_recon_ros.expression.units import INDEX


def test_of_a_held_face_less_is_known_with_time(portrait):
    pipeline = Pipeline(PipelineConfig(tracking=TrackingSettings(coast_frames=60)))
    for k in range(10):
        (seen,) = pipeline.track(portrait, k / 30)[:1] or [None]
    empty = np.full_like(portrait, 128)
    held = [pipeline.track(empty, k / 30)[0] for k in range(10, 60)]
    assert {face.id for face in held} == {seen.id}
    assert {face.score for face in held} == {0.0}
    # nobody waits for a turn
    assert not any(face.predicted for face in held)
    variances = np.array([np.diag(face.pose_covariance) for face in [seen, *held]])
    assert (np.diff(variances[1:], axis=0) > 0).all()
    # a second later the head may be a hand's width beside
    assert np.sqrt(variances[31, 0]) > 0.03 > np.sqrt(variances[0, 0])
    assert np.isfinite(variances).all()


def test_a_held_face_shows_what_it_showed_last(portrait):
    """Looks and blinks, too, though its eyes are not seen."""
    tracking = TrackingSettings(coast_frames=60)
    pipeline = Pipeline(PipelineConfig(tracking=tracking, expressions=True))
    for k in range(40):
        (seen,) = pipeline.track(portrait, k / 30)[:1] or [None]
    empty = np.full_like(portrait, 128)
    looks = seen.blendshapes[[INDEX['eyeLookUpLeft'], INDEX['eyeLookDownLeft']]]
    assert seen.eyes is not None
    assert (looks > 0).any()
    for k in range(40, 60):
        (held,) = pipeline.track(empty, k / 30)
        assert (held.id, held.score, held.eyes) == (seen.id, 0.0, None)
        np.testing.assert_array_equal(held.blendshapes, seen.blendshapes)
        np.testing.assert_array_equal(held.blendshape_confidence, seen.blendshape_confidence)
        assert held.speaking == seen.speaking


def test_of_a_held_face_only_what_is_wanted_is_shown(portrait):
    tracking = TrackingSettings(coast_frames=60)
    pipeline = Pipeline(PipelineConfig(tracking=tracking, expressions=True))
    for k in range(10):
        pipeline.track(portrait, k / 30)
    pipeline.configure(PipelineConfig(tracking=tracking))
    (held,) = pipeline.track(np.full_like(portrait, 128), 10 / 30)
    assert np.isnan(held.blendshapes).all()
