# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Parameters are told of everywhere as the settings say, and work by their former names."""

import dataclasses
import shutil
import subprocess
import sys
from pathlib import Path

import launch_stand_in
import pytest
import rclpy
import yaml
from launch_stand_in import LaunchFile, command_line
from node_process import running, start_refused
from rcl_interfaces.srv import (
    DescribeParameters,
    GetParameters,
    GetParameterTypes,
    ListParameters,
    SetParametersAtomically,
)
from rclpy.exceptions import ParameterNotDeclaredException
from rclpy.parameter import Parameter
from rclpy.parameter_client import AsyncParameterClient

from face_recon_ros.nodes.declarations import SECTIONS
from face_recon_ros.nodes.node import FaceReconNode
from face_recon_ros.nodes.parameters import DECLARATIONS, Settings
from face_recon_ros.pipeline import PipelineConfig
from face_recon_ros.tools.sample_camera_node import SampleCameraNode
from face_recon_ros.tracking.settings import TrackingSettings
from face_recon_ros.tracking.smoothing import SmoothingSettings

REPOSITORY = Path(__file__).resolve().parents[1]
WRITER = REPOSITORY / 'scripts' / 'write_parameters.py'
FILES = ('config/face_recon.yaml', 'docs/ros.md')
# former name: name, a value that is not the default
FORMER = {
    'forget_after': ('track_timeout', 7.5),
    'confirm_count': ('min_hits', 3),
    'hold_count': ('coast_frames', 4),
}


# --- one definition ----------------------------------------------------------------


def write(*arguments):
    return subprocess.run(
        [sys.executable, WRITER, *arguments], capture_output=True, text=True, check=False
    )


@pytest.fixture
def copy(tmp_path):
    """Return a folder with the files that the writer writes."""
    for name in FILES:
        (tmp_path / name).parent.mkdir()
        shutil.copy(REPOSITORY / name, tmp_path / name)
    return tmp_path


def test_the_parameter_file_and_the_documentation_are_as_the_settings_say():
    done = write('--check')
    assert (done.returncode, done.stderr) == (0, '')


@pytest.mark.parametrize(
    ('name', 'now', 'then'),
    [
        ('config/face_recon.yaml', 'a lost track keeps its id', 'a lost face keeps its id'),
        ('config/face_recon.yaml', 'track_timeout: 2.0', 'track_timeout: 3.0'),
        ('config/face_recon.yaml', '[0 to 600 s]', '[0 to 60 s]'),
        ('docs/ros.md', 'a lost track keeps its id', 'a lost face keeps its id'),
        ('docs/ros.md', '| `forget_after` |', '| `forget_before` |'),
    ],
)
def test_a_file_that_drifts_is_named_and_written_anew(copy, name, now, then):
    file = copy / name
    before = file.read_text()
    assert now in before
    file.write_text(before.replace(now, then))
    done = write('--check', '--root', copy)
    assert done.returncode == 1
    assert done.stderr == f'{file} is not as the settings say: make parameters\n'
    assert then in file.read_text()
    assert write('--root', copy).returncode == 0
    assert file.read_text() == before


def test_words_outside_the_table_are_the_writer_s(copy):
    file = copy / 'docs' / 'ros.md'
    file.write_text(f'My words.\n{file.read_text()}')
    assert write('--check', '--root', copy).returncode == 0


def test_a_table_without_its_place_is_said_and_nothing_is_written(copy):
    (copy / 'docs' / 'ros.md').write_text('no marks\n')
    done = write('--root', copy)
    assert done.returncode == 1
    (line,) = done.stderr.splitlines()
    assert line.startswith('error: docs/ros.md: write <!-- made by make parameters -->')
    assert (copy / 'docs' / 'ros.md').read_text() == 'no marks\n'


def test_every_setting_is_one_parameter():
    fields = [
        field.name
        for kind in (PipelineConfig, TrackingSettings, SmoothingSettings, Settings)
        for field in dataclasses.fields(kind)
    ]
    # classes of settings of their own, and what a node decides by who listens
    whole = {'tracking', 'pipeline', 'expressions'}
    assert len(DECLARATIONS) == len(set(fields) - whole)
    assert len({d.name for d in DECLARATIONS}) == len(DECLARATIONS)
    assert {d.section for d in DECLARATIONS} == set(SECTIONS)


def test_what_is_told_of_a_parameter_is_the_same_everywhere():
    (declaration,) = (d for d in DECLARATIONS if d.name == 'track_timeout')
    descriptor = declaration.descriptor()
    assert declaration.default == 2.0
    assert descriptor.description == 'Time for which a lost track keeps its id. Unit: s.'
    (limits,) = descriptor.floating_point_range
    assert (limits.from_value, limits.to_value) == (0.0, 600.0)
    assert (
        '    # Time for which a lost track keeps its id. [0 to 600 s]\n    track_timeout: 2.0\n'
    ) in (REPOSITORY / 'config' / 'face_recon.yaml').read_text()
    assert (
        '\n| `track_timeout` | `2.0` | 0 to 600 s | Time for which a lost track keeps its id. |  |'
    ) in (REPOSITORY / 'docs' / 'ros.md').read_text()


def test_when_a_parameter_can_be_set_is_the_same_everywhere():
    text = (REPOSITORY / 'config' / 'face_recon.yaml').read_text()
    document = (REPOSITORY / 'docs' / 'ros.md').read_text()
    by_name = {d.name: d.descriptor() for d in DECLARATIONS}
    assert by_name['diagnostics_period'].read_only
    assert '/diagnostics. [0.05 to 60 s] (start)\n    diagnostics_period: 1.0\n' in text
    assert 'Time between two messages on /diagnostics. | start |\n' in document
    assert by_name['image_transport'].additional_constraints == (
        'one of: raw, compressed; can be set only while the node is unconfigured'
    )
    assert '[raw, compressed] (configure)\n    image_transport: "raw"\n' in text
    assert '| raw, compressed | Transport of the images' in document


def test_descriptions_are_sentences():
    for d in DECLARATIONS:
        text = d.meaning.description
        assert text.endswith('.'), d.name
        assert text[0].isupper(), d.name
        assert '\n' not in text, d.name


def test_a_limit_that_the_library_alone_goes_beyond():
    """A still image is looked at without a limit of the fit error; tools need an end."""
    (declaration,) = (d for d in DECLARATIONS if d.name == 'max_fit_error')
    (limits,) = declaration.descriptor().floating_point_range
    assert (limits.from_value, limits.to_value) == (0.005, 1.0)
    assert TrackingSettings(max_fit_error=float('inf')).max_fit_error == float('inf')


# --- unknown names at the start -------------------------------------------------------


@pytest.mark.parametrize(
    ('kind', 'given', 'meant'),
    [
        (FaceReconNode, 'min_hit:=5', 'min_hits'),
        (FaceReconNode, 'confirm_coun:=5', None),  # former names are in no list
        (SampleCameraNode, 'widht:=320', 'width'),
    ],
)
def test_misspelt_parameters_are_warned_of(make_node, said, kind, given, meant):
    autostart = UNCONFIGURED if kind is FaceReconNode else []
    make_node(kind, ['--ros-args', *autostart, '-p', given])
    name = given.partition(':')[0]
    lines = said(name)
    assert len(lines) == (1 if meant else 0)
    for line in lines:
        assert f'no parameter is named {name}: did you mean {meant}?' in line


def test_parameters_of_other_nodes_are_one_line_and_no_warning(make_node, tmp_path, capfd):
    file = tmp_path / 'all.yaml'
    of_all = {'robot': 'r2', 'speed': {'top': 2.0}, 'use_sim_time': False, 'max_faces': 2}
    file.write_text(yaml.safe_dump({'/**': {'ros__parameters': of_all}}))
    qos = 'qos_overrides./image.subscription.depth:=3'
    make_node(
        FaceReconNode, ['--ros-args', *UNCONFIGURED, '--params-file', str(file), '-p', qos])
    text = capfd.readouterr().err
    assert 'parameters that face_recon does not have are ignored: robot, speed.top\n' in text
    assert '[WARN]' not in text


# --- former names at the start -------------------------------------------------------


def of_former(name=None):
    """Return the values of former names, or of one."""
    return {former: value for former, (_, value) in FORMER.items() if name in (None, former)}


def warnings_in(text, name):
    return [line for line in text.splitlines() if '[WARN]' in line and name in line]


@pytest.fixture
def said(capfd):
    """Return a function that returns the warnings so far that hold a word."""
    lines = []

    def read(word):
        lines.append(capfd.readouterr().err)
        return warnings_in(''.join(lines), word)

    return read


def is_set(node):
    """Hold the node to the values of FORMER, by their names and in its settings."""
    for name, value in FORMER.values():
        assert node.get_parameter(name).value == value, name
    tracking = node._tuning.settings.pipeline.tracking
    assert (tracking.track_timeout_s, tracking.min_hits, tracking.coast_frames) == (7.5, 3, 4)


def names_of(node):
    return set(node.list_parameters([], 0).names)


UNCONFIGURED = ['-p', 'autostart:=false']


def test_former_names_on_the_command_line(make_node, said):
    given = [a for n, v in of_former().items() for a in ('-p', f'{n}:={v}')]
    node = make_node(FaceReconNode, ['--ros-args', *UNCONFIGURED, *given])
    is_set(node)
    assert not names_of(node) & set(FORMER)
    for former, (name, _) in FORMER.items():
        (line,) = said(former)
        assert f'parameter {former} is deprecated; use {name}' in line


def test_former_names_in_a_parameter_file(make_node, said, tmp_path):
    file = tmp_path / 'my.yaml'
    file.write_text(yaml.safe_dump({'/**': {'ros__parameters': of_former()}}))
    node = make_node(
        FaceReconNode, ['--ros-args', *UNCONFIGURED, '--params-file', str(file)]
    )
    is_set(node)
    assert not names_of(node) & set(FORMER)
    assert [len(said(former)) for former in FORMER] == [1, 1, 1]


def test_former_names_in_a_launch_file(make_node, said, tmp_path, monkeypatch):
    """As `parameters=[{...}]` gives them to a node, and through the package's own launch file."""
    launch_stand_in.install(monkeypatch)
    file = tmp_path / 'my.yaml'
    file.write_text(yaml.safe_dump({'/**': {'ros__parameters': {'confirm_count': 3}}}))
    started = LaunchFile('face_recon').start(params_file=str(file), autostart='false')
    (node,) = (n for n in started if n['executable'] == 'face_recon_node')
    node['parameters'].append({'forget_after': 7.5, 'hold_count': 4})
    is_set(make_node(FaceReconNode, command_line(node, tmp_path)))
    assert [len(said(former)) for former in FORMER] == [1, 1, 1]


def test_a_new_name_wins_over_the_former_one(make_node, said):
    node = make_node(
        FaceReconNode,
        ['--ros-args', *UNCONFIGURED, '-p', 'min_hits:=5', '-p', 'confirm_count:=9'],
    )
    assert node.get_parameter('min_hits').value == 5
    (line,) = said('confirm_count')
    assert 'parameter confirm_count is deprecated and ignored here: min_hits is given, too' in line


def test_new_names_alone_say_nothing(make_node, said):
    given = [a for n, v in FORMER.values() for a in ('-p', f'{n}:={v}')]
    node = make_node(FaceReconNode, ['--ros-args', *UNCONFIGURED, *given])
    is_set(node)
    assert said('deprecated') == []


@pytest.mark.parametrize(
    ('given', 'words'),
    [
        ('forget_after:=2', 'parameter forget_after is 2: use a value like 2.0'),
        ('confirm_count:=many', "parameter confirm_count is 'many': use a value like 1"),
        ('confirm_count:=0', 'min_hits'),
    ],
)
def test_bad_values_of_former_names_keep_the_node_from_starting(given, words):
    assert words in start_refused(given)


# --- former names at run time --------------------------------------------------------


def test_former_names_over_the_services_of_a_running_node(peer):
    with running(*UNCONFIGURED) as node:
        results = peer.set_parameters(**of_former())
        assert [r.successful for r in results] == [True] * 3
        peer.set_parameters(**of_former())
        names = [*FORMER, *(name for name, _ in FORMER.values())]
        values = peer.call(GetParameters, 'face_recon/get_parameters', names=names).values
        assert [v.double_value or v.integer_value for v in values] == [7.5, 3, 4] * 2
        types = peer.call(GetParameterTypes, 'face_recon/get_parameter_types', names=names).types
        assert list(types) == [3, 2, 2] * 2
        described = peer.call(
            DescribeParameters, 'face_recon/describe_parameters', names=['forget_after']
        ).descriptors
        assert described[0].description == 'Time for which a lost track keeps its id. Unit: s.'
        listed = peer.call(ListParameters, 'face_recon/list_parameters').result.names
        assert 'track_timeout' in listed
        assert not set(FORMER) & set(listed)
        (refused,) = peer.set_parameters(confirm_count=0)
        assert not refused.successful
        assert 'min_hits' in refused.reason
        (unknown,) = peer.set_parameters(forget_before=1)
        assert not unknown.successful
        assert "['forget_before']" in unknown.reason
        for former in FORMER:
            node.wait_line(f'parameter {former} is deprecated')
        assert node.end() == 0
        assert [node.count(f'parameter {former} ') for former in FORMER] == [1, 1, 1]


def test_in_one_atomic_set_the_new_name_wins(peer):
    with running(*UNCONFIGURED) as node:
        parameters = [
            Parameter('min_hits', value=5).to_parameter_msg(),
            Parameter('confirm_count', value=9).to_parameter_msg(),
            Parameter('hold_count', value=4).to_parameter_msg(),
        ]
        result = peer.call(
            SetParametersAtomically,
            'face_recon/set_parameters_atomically',
            parameters=parameters,
        ).result
        assert result.successful
        values = peer.call(
            GetParameters, 'face_recon/get_parameters', names=['min_hits', 'coast_frames']
        ).values
        assert [v.integer_value for v in values] == [5, 4]
        node.wait_line('confirm_count is deprecated and ignored here: min_hits is given, too')
        assert node.end() == 0
        assert node.count('confirm_count') == 1


def test_an_atomic_set_with_names_that_are_none_names_them_and_sets_nothing(make_node):
    node = make_node(FaceReconNode, ['--ros-args', '-p', 'autostart:=false'])
    parameters = [Parameter(name, value=3) for name in ('min_hits', 'no', '', 'neither')]
    with pytest.raises(ParameterNotDeclaredException, match=r"\['no', '', 'neither'\]"):
        node.set_parameters_atomically(parameters)
    assert node.get_parameter('min_hits').value == 1


def test_ros2_param_load_takes_a_file_of_former_names(make_node, said, tmp_path):
    file = tmp_path / 'my.yaml'
    file.write_text(yaml.safe_dump({'/**': {'ros__parameters': of_former()}}))
    node = make_node(FaceReconNode, ['--ros-args', *UNCONFIGURED])
    sent = []
    client = AsyncParameterClient(node, '/face_recon')
    client.set_parameters = lambda parameters, callback=None: sent.extend(parameters)
    client.load_parameter_file(str(file), use_wildcard=True)
    results = node.set_parameters([Parameter.from_parameter_msg(m) for m in sent])
    assert [r.successful for r in results] == [True] * 3
    is_set(node)
    assert [len(said(former)) for former in FORMER] == [1, 1, 1]


# --- the sample camera ---------------------------------------------------------------


def test_the_sample_camera_s_parameters_are_its_settings(make_node):
    node = make_node(SampleCameraNode, ['--ros-args', '-p', 'rate:=12.5', '-p', 'width:=320'])
    descriptor = node.describe_parameter('rate')
    words = "Rate of the images. 0: the video's own, else 30 Hz. Unit: Hz."
    assert descriptor.description == words
    assert descriptor.read_only
    (limits,) = descriptor.floating_point_range
    assert (limits.from_value, limits.to_value) == (0.0, 1000.0)
    assert node.get_parameter('width').value == 320
    assert node._source.camera(320, 480).width == 320
    with pytest.raises(rclpy.exceptions.ParameterNotDeclaredException):
        node.get_parameter('rate_hz')
