# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Options that are settings: their help, ranges and defaults are those of the settings."""

import argparse
from dataclasses import dataclass

import pytest

from face_recon_ros.cli.options import OneLineParser, add_common, add_setting
from face_recon_ros.pipeline import PipelineConfig
from face_recon_ros.settings import meaning_of, setting

# option: help, default, values that are taken, values that are not
OPTIONS = {
    '--max-faces': (
        'maximum number of faces in an image. 0: no limit [0 to 256] (default 0)',
        0, {'0': 0, '256': 256}, ('-1', '257', '1.5'),
    ),
    '--detector': (
        'face detector: short_range (to 2 m), full_range (to 5 m), both (and smaller faces), or a '
        '.tflite file '
        '(default both)',
        'both', {'my.tflite': 'my.tflite'}, (),
    ),
    '--regressor': (
        'face model regressor: network (one network for every pose), facemesh (MediaPipe Face '
        'Mesh and a closed-form fit), or hybrid (facemesh near the front, network beyond) '
        '(default network)',
        'network', {'hybrid': 'hybrid', 'facemesh': 'facemesh'}, ('nets',),
    ),
    '--regressor-path': (
        'another .tflite network, from face crop to landmarks or parameters. It is used alone. '
        'Empty: the shipped one',
        None, {'my.tflite': 'my.tflite'}, (),
    ),
    '--interpupillary-distance-m': (
        'distance between the pupils of the people seen. All distances are proportional to it '
        '[0.03 to 0.09 m] (default 0.063)',
        0.063, {'0.03': 0.03, '0.09': 0.09}, ('0.029', '0.091', '63', 'nan', 'wide'),
    ),
}  # fmt: skip


@pytest.fixture
def parser():
    parser = OneLineParser(prog='face-recon')
    add_common(parser, 'where to')
    return parser


def attribute(option):
    return option.strip('-').replace('-', '_')


@pytest.mark.parametrize('option', OPTIONS)
def test_the_help_is_the_setting_s_description(parser, option, monkeypatch):
    monkeypatch.setenv('COLUMNS', '100000')
    words, default, _, _ = OPTIONS[option]
    assert f'  {words}\n' in parser.format_help()
    assert getattr(parser.parse_args([]), attribute(option)) == default


@pytest.mark.parametrize(
    ('option', 'text', 'value'),
    [(option, *pair) for option, (_, _, good, _) in OPTIONS.items() for pair in good.items()],
)
def test_values_of_the_range_are_taken(parser, option, text, value):
    assert getattr(parser.parse_args([option, text]), attribute(option)) == value


@pytest.mark.parametrize(
    ('option', 'text'),
    [(option, text) for option, (_, _, _, bad) in OPTIONS.items() for text in bad],
)
def test_values_beyond_the_range_are_refused_in_one_line(parser, option, text, capsys):
    with pytest.raises(SystemExit) as stop:
        parser.parse_args([f'{option}={text}'])
    assert stop.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert option in line
    assert text in line


def test_the_words_are_the_setting_s():
    """What an option says is not written down a second time."""
    parser = argparse.ArgumentParser()
    add_setting(parser, PipelineConfig, 'interpupillary_distance_m')
    (_, action) = parser._actions
    description = meaning_of(PipelineConfig, 'interpupillary_distance_m').description
    assert action.help.startswith(f'd{description[1:-1]}')


def test_a_percent_sign_is_no_format():
    @dataclass
    class Odd:
        share: float = setting(50.0, 'Share of 100 %.', 0.0, 100.0, unit='%')

    parser = argparse.ArgumentParser()
    add_setting(parser, Odd, 'share')
    assert 'share of 100 % [0 to 100 %] (default 50.0)' in ' '.join(parser.format_help().split())
