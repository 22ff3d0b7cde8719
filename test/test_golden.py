# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Heads of known pose: the errors are what they were, within a band; see golden_scenes.py."""

import json

import pytest
from golden_scenes import TABLE, Studio, measure_stills, measure_stream

from face_recon_ros.pipeline import PipelineConfig
from face_recon_ros.regression.loader import REGRESSORS

# Parts of the written figure. A grain of noise in a tenth of the pixels moves the figures by up
# to 2 %, and jitter by 7 %. OpenCV 4.5 and 4.6 give other distances than 5.0 by up to 12 %, other
# differences to the mirror image by 12 %, and the hybrid, whose networks meet at 50 degrees,
# another rotation by 7 %; Face Mesh sees lips of turned heads otherwise by 18 %. What is 10 %
# worse, or better, is a change to look at (golden_scenes.py --write).
BAND = 0.06
BANDS = {
    'jitter_deg': 0.15, 'mirror_deg': 0.15, 'distance_percent': 0.15, 'lips_percent': 0.12
}  # fmt: skip
OWN_BANDS = {'hybrid': {'rotation_deg': 0.1}, 'facemesh': {'lips_percent': 0.22}}
MEASURES = {'stills': measure_stills, 'stream': measure_stream}


@pytest.fixture(scope='module')
def studio():
    return Studio()


@pytest.mark.parametrize('kind', MEASURES)
@pytest.mark.parametrize('regressor', REGRESSORS)
def test_errors_are_those_of_the_table(studio, regressor, kind):
    expected = json.loads(TABLE.read_text())[regressor][kind]
    found = MEASURES[kind](PipelineConfig(regressor=regressor), studio)
    assert found.keys() == expected.keys()
    bands = BANDS | OWN_BANDS.get(regressor, {})
    off = {
        name: f'{value:.3f} instead of {expected[name]:.3f}'
        for name, value in found.items()
        if abs(value - expected[name]) > bands.get(name, BAND) * expected[name]
    }
    assert off == {}
