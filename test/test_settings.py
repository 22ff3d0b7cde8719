# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

import dataclasses
import math

import numpy as np
import pytest

from face_recon_ros.errors import FaceReconError, SettingsError
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.settings import meaning_of, range_of
from face_recon_ros.tracking.settings import TrackingSettings
from face_recon_ros.tracking.smoothing import SmoothingSettings

# name: values that cannot be, values at the ends that can
RANGES = [
    (PipelineConfig, 'detector_threshold', (0, 0.04, 1.01, -1, math.nan), (0.05, 1.0)),
    (PipelineConfig, 'interpupillary_distance_m', (63, 0, -0.06, math.inf), (0.03, 0.09)),
    (PipelineConfig, 'threads', (0, -1, 65, 1.5, True), (1, 64)),
    (TrackingSettings, 'max_faces', (-1, 257, 1.5), (0, 256)),
    (TrackingSettings, 'detection_interval', (0, 1001), (1, 1000)),
    (TrackingSettings, 'min_presence', (-0.1, 1.1, math.nan), (0, 1.0)),
    (TrackingSettings, 'max_fit_error', (0, -1, math.nan), (0.005, math.inf)),
    (TrackingSettings, 'min_hits', (0, 101), (1, 100)),
    (TrackingSettings, 'coast_frames', (-1, 1001), (0, 1000)),
    (TrackingSettings, 'max_regressions_per_image', (-1, 257, 1.5), (0, 256)),
    (TrackingSettings, 'track_timeout_s', (-1, 601, math.nan), (0, 600)),
    (SmoothingSettings, 'min_cutoff_hz', (0, -1, 101, math.nan), (0.01, 100)),
    (SmoothingSettings, 'beta', (-1, 101, '1'), (0, 100)),
]


@pytest.mark.parametrize(('kind', 'name', 'value'), [
    (kind, name, value) for kind, name, bad, _ in RANGES for value in bad
])
def test_impossible_numbers_are_refused_in_one_line(kind, name, value):
    with pytest.raises(SettingsError, match=rf'^{name} is .*; give a .*number from \S') as error:
        kind(**{name: value})
    assert '\n' not in str(error.value)
    assert isinstance(error.value, ValueError)
    assert isinstance(error.value, FaceReconError)


@pytest.mark.parametrize(('kind', 'name', 'ends'), [(k, n, ends) for k, n, _, ends in RANGES])
def test_both_ends_of_a_range_belong_to_it(kind, name, ends):
    for value in ends:
        assert getattr(kind(**{name: value}), name) == value
    assert tuple(range_of(kind, name)) == ends


@pytest.mark.parametrize('kind', [PipelineConfig, TrackingSettings, SmoothingSettings])
def test_every_number_has_a_range(kind):
    numbers = {f.name for f in dataclasses.fields(kind) if type(f.default) in (int, float)}
    assert numbers == {name for of, name, *_ in RANGES if of is kind}


def test_numbers_of_numpy_are_numbers():
    assert PipelineConfig(detector_threshold=np.float32(0.5)).detector_threshold == 0.5
    assert TrackingSettings(max_faces=np.int64(3)).max_faces == 3


def test_an_unknown_regressor_is_refused():
    with pytest.raises(SettingsError, match="regressor is 'nets'; use one of network, facemesh"):
        PipelineConfig(regressor='nets')


def test_a_threshold_of_one_finds_nobody_and_of_least_the_face(portrait):
    assert Pipeline(PipelineConfig(detector_threshold=1.0)).detect(portrait) == []
    assert Pipeline(PipelineConfig(detector_threshold=0.05)).detect(portrait)


def test_a_class_of_settings_tells_what_they_mean():
    text = TrackingSettings.__doc__
    assert text.startswith('What a face needs to be taken as one')
    told = 'Time for which a lost track keeps its id. [0 to 600 s]'
    assert f'\n    track_timeout_s: {told}\n' in text
    assert '\n    threads: Threads of each network; several faces' in PipelineConfig.__doc__
    assert '\n    min_cutoff_hz: Cut-off frequency' in SmoothingSettings.__doc__


def test_a_range_without_end_has_one_for_tools():
    meaning = meaning_of(TrackingSettings, 'max_fit_error')
    assert (meaning.range.low, meaning.range.high) == (0.005, float('inf'))
    assert (meaning.tools_range.low, meaning.tools_range.high) == (0.005, 1.0)
    assert meaning.limits == '0.005 to 1'


# --- former names ------------------------------------------------------------------

FORMER = {'forget_s': 'track_timeout_s', 'confirm_count': 'min_hits', 'hold_count': 'coast_frames'}


@pytest.mark.parametrize(('former', 'name'), FORMER.items())
def test_a_former_name_works_with_one_warning(former, name):
    line = f'^TrackingSettings: {former} is deprecated; use {name}$'
    with pytest.warns(DeprecationWarning, match=line) as warned:
        settings = TrackingSettings(**{former: 7})
    assert len(warned) == 1
    assert warned[0].filename == __file__
    assert settings == TrackingSettings(**{name: 7})
    with pytest.warns(DeprecationWarning, match=line) as warned:
        assert getattr(settings, former) == 7
    assert len(warned) == 1
    assert warned[0].filename == __file__


@pytest.mark.parametrize('make', [
    lambda: TrackingSettings(min_hits=3, confirm_count=5),
    lambda: TrackingSettings(8, 5, 0.5, 0.08, 3, confirm_count=5),
    lambda: dataclasses.replace(TrackingSettings(min_hits=3), confirm_count=5),
])
def test_a_new_name_wins_over_the_former_one_and_that_is_said(make):
    line = 'confirm_count is deprecated and ignored here: min_hits is given, too'
    with pytest.warns(UserWarning, match=line) as warned:
        assert make().min_hits == 3
    assert len(warned) == 1


def test_former_names_are_checked_like_the_new_ones():
    with (
        pytest.warns(DeprecationWarning, match='use min_hits'),
        pytest.raises(SettingsError, match='min_hits is 0; give a whole number from 1 to 100'),
    ):
        TrackingSettings(confirm_count=0)


def test_unknown_names_are_refused():
    with pytest.raises(TypeError, match='forget_before'):
        TrackingSettings(forget_before=3)


def test_former_names_are_no_fields():
    names = [f.name for f in dataclasses.fields(TrackingSettings)]
    assert not set(FORMER) & set(names)
    assert set(FORMER.values()) <= set(names)
