# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Faces that are held where they were seen last (coast_frames)."""

import numpy as np

from face_recon_ros import Pipeline, PipelineConfig, TrackingSettings


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
