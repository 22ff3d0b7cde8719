import dataclasses
import math

import numpy as np
import pytest

from face_recon_ros.errors import FaceReconError, SettingsError
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.settings import range_of
from face_recon_ros.tracking.smoothing import SmoothingSettings
from face_recon_ros.tracking.tracker import TrackingSettings

# name: values that cannot be, values at the ends that can
RANGES = [
    (PipelineConfig, 'detector_threshold', (0, 0.04, 1.01, -1, math.nan), (0.05, 1.0)),
    (PipelineConfig, 'interpupillary_distance_m', (63, 0, -0.06, math.inf), (0.03, 0.09)),
    (PipelineConfig, 'threads', (0, -1, 65, 1.5, True), (1, 64)),
    (TrackingSettings, 'max_faces', (-1, 257, 1.5), (0, 256)),
    (TrackingSettings, 'detection_interval', (0, 1001), (1, 1000)),
    (TrackingSettings, 'min_presence', (-0.1, 1.1, math.nan), (0, 1.0)),
    (TrackingSettings, 'max_fit_error', (0, -1, math.nan), (0.005, math.inf)),
    (TrackingSettings, 'confirm_count', (0, 101), (1, 100)),
    (TrackingSettings, 'hold_count', (-1, 1001), (0, 1000)),
    (TrackingSettings, 'forget_s', (-1, 601, math.nan), (0, 600)),
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
