# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a library user imports and calls, and what he is told when he calls it wrongly."""

import ast
import importlib
import subprocess
import sys
import warnings
from functools import partial
from pathlib import Path

import numpy as np
import pytest

import face_recon_ros
from face_recon_ros import Camera, Faces, MetricPose, Pipeline, PipelineConfig, rendering
from face_recon_ros import pipeline as pipeline_module
from face_recon_ros.errors import (
    ArgumentError,
    CalibrationError,
    FaceReconError,
    SettingsError,
)
from face_recon_ros.eyes.attention import Attention

NAMES = {
    'Camera', 'EulerAngles', 'Face', 'FaceModel', 'FaceParameters', 'FaceReconError', 'Faces',
    'MetricPose', 'Pipeline', 'PipelineConfig', 'SmoothingSettings', 'TrackingSettings',
}  # fmt: skip
HEAVY = {'numpy', 'cv2', 'scipy', 'ai_edge_litert', 'tflite_runtime', 'rclpy'}


@pytest.fixture(scope='module')
def pipeline():
    return Pipeline()


def modules_after(code):
    """Return the top-level modules that a new Python has imported after some code."""
    told = f'{code}\nimport sys\nprint(*{{name.split(".")[0] for name in sys.modules}})'
    done = subprocess.run(
        [sys.executable, '-c', told], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_names_of_the_package():
    assert set(face_recon_ros.__all__) == NAMES
    assert set(dir(face_recon_ros)) >= NAMES
    for name in NAMES:
        assert getattr(face_recon_ros, name).__name__ == name
        assert name in vars(face_recon_ros)  # from then on it is found at once
    with pytest.raises(AttributeError, match="'face_recon_ros' has no attribute 'Pipelin'"):
        face_recon_ros.Pipelin  # noqa: B018


def test_the_names_of_drawing():
    assert set(rendering.__all__) == {
        'MODES', 'FaceViews', 'PlacedMesh', 'Renderer', 'Shading', 'draw_box', 'draw_dense',
        'draw_landmarks', 'draw_pose_axes', 'draw_pose_cage',
    }  # fmt: skip
    assert rendering.MODES == (
        'sparse', 'dense', 'pose', 'mesh', 'depth', 'pncc', 'box', 'gaze', 'expression'
    )  # fmt: skip


def test_importing_the_package_imports_nothing_heavy():
    assert not modules_after('import face_recon_ros') & HEAVY
    assert modules_after('from face_recon_ros import Pipeline') >= {'numpy', 'cv2'}


@pytest.mark.ros
def test_messages_do_not_bring_the_library():
    """Of what messages bring themselves, nothing sees images."""
    loaded = modules_after('from face_recon_ros.msg import FaceArray; FaceArray()')
    assert not loaded & {'cv2', 'scipy', 'ai_edge_litert', 'tflite_runtime'}


def imports_for_checkers(package):
    """Yield module and name of what a package imports for type checkers alone."""
    for node in ast.parse(Path(package.__file__).read_text()).body:
        if isinstance(node, ast.If) and ast.unparse(node.test) == 'TYPE_CHECKING':
            for line in node.body:
                yield from ((line.module, alias.name) for alias in line.names)


@pytest.mark.parametrize('package', [face_recon_ros, rendering])
def test_type_checkers_are_told_of_the_same_names(package):
    told = {name: module for module, name in imports_for_checkers(package)}
    assert set(told) == set(package.__all__)
    for name, module in told.items():
        assert getattr(importlib.import_module(module), name) is getattr(package, name)
    assert set(dir(package)) >= set(package.__all__)


def test_a_photo_and_a_stream(portrait):
    pipeline = Pipeline(PipelineConfig(smoothing=None))
    photo = pipeline.detect(portrait)
    assert isinstance(photo, Faces)
    assert photo.ids.tolist() == ['']
    first = pipeline.track(portrait, 0.0)
    # a photo in between disturbs nobody
    pipeline.detect(np.full_like(portrait, 120))
    second = pipeline.track(portrait, 1 / 30)
    assert isinstance(second, Faces)
    assert first.ids.tolist() == second.ids.tolist() == ['f1']
    np.testing.assert_allclose(second.boxes, photo.boxes, atol=12)


@pytest.mark.parametrize(
    'stamp_s',
    [float('nan'), float('inf'), -float('inf'), None, '0.5', True, [1.0], 1_764_168_475 * 10**9,
     10**400],
)
def test_a_stamp_that_is_none(pipeline, portrait, stamp_s):
    for track in (pipeline.track, pipeline.track_without_search):
        with pytest.raises(ValueError, match=r'^stamp_s is .*seconds') as error:
            track(portrait, stamp_s)
        assert isinstance(error.value, FaceReconError)
        assert '\n' not in str(error.value)


@pytest.mark.parametrize('stamp_s', [0, 1, np.float32(1.5), np.int64(2), 1.7e9])
def test_every_number_of_seconds_is_a_stamp(portrait, stamp_s):
    assert len(Pipeline().track(portrait, stamp_s)) == 1


@pytest.mark.parametrize('given', [
    {'fx': 0.5, 'fy': 0.5}, {'fx': 1e9, 'fy': 1e9},
    {'fx': 0.5, 'fy': 0.5, 'distortion': np.zeros(4), 'distortion_model': 'equidistant'},
])
def test_a_camera_that_no_lens_makes(pipeline, portrait, given):
    height, width = portrait.shape[:2]
    impossible = camera(width=width, height=height, **given)
    for find in (partial(pipeline.detect, portrait), partial(pipeline.track, portrait, 1.0)):
        with pytest.raises(CalibrationError, match=r'^focal length .* px gives an image of '):
            find(camera=impossible)


def test_a_camera_of_another_size(pipeline, portrait):
    camera = Camera(640, 480, 600.0, 600.0, 319.5, 239.5)
    for call in (pipeline.detect, lambda *a, **k: pipeline.track(a[0], 0.0, **k)):
        with pytest.raises(CalibrationError, match=r'640x480 px, the image has 512x512; give'):
            call(portrait, camera=camera)


@pytest.mark.parametrize('camera', [np.eye(3), (600, 600), 600.0, 'camera.yaml'])
def test_a_camera_that_is_none(pipeline, portrait, camera):
    with pytest.raises(ValueError, match=r'^camera is a \w+; give a face_recon_ros.Camera, or'):
        pipeline.detect(portrait, camera)


def test_a_camera_pose_that_is_none(pipeline, portrait):
    with pytest.raises(ValueError, match=r'^camera_pose is a ndarray; give a .*MetricPose'):
        pipeline.track(portrait, 0.0, camera_pose=np.eye(4))


def test_a_camera_pose_is_taken(portrait):
    pose = MetricPose(np.eye(3), np.zeros(3))
    assert len(Pipeline().track(portrait, 0.0, camera_pose=pose)) == 1


@pytest.mark.parametrize('config', ['short_range', {}, 0, PipelineConfig])
def test_a_configuration_that_is_none(config):
    with pytest.raises(ValueError, match=r'^config is a \w+; give a .*PipelineConfig') as error:
        Pipeline(config)
    assert isinstance(error.value, FaceReconError)


# --- values that cannot be ---------------------------------------------------------


def camera(**given):
    values = {'width': 640, 'height': 480, 'fx': 600.0, 'fy': 600.0, 'cx': 320.0, 'cy': 240.0}
    return Camera(**{**values, **given})


def calibration(k=(600.0, 0, 320, 0, 600, 240, 0, 0, 1), **given):
    return Camera.from_calibration(640, 480, np.array(k), np.zeros(0), '', **given)


@pytest.mark.parametrize('side', [640.5, '640', None, True, 0, -640, float('nan'), 1j, [640]])
def test_a_size_that_no_image_has(side):
    for make in (lambda: camera(width=side), lambda: Camera.uncalibrated(side, 480),
                 lambda: Camera.uncalibrated(480, side)):
        with pytest.raises(CalibrationError, match=r'^image of .* px; give its real size$'):
            make()


@pytest.mark.parametrize('side', [640, 640.0, np.int64(640), np.float32(640)])
def test_a_whole_size_is_taken_whatever_its_type(side):
    assert repr(Camera.uncalibrated(side, 480).width) == '640'


@pytest.mark.parametrize(('given', 'words'), [
    ({'fx': '600'}, 'fx, fy, cx, cy, skew is '),
    ({'cy': None}, 'fx, fy, cx, cy, skew is '),
    ({'fy': 600j}, 'fx, fy, cx, cy, skew is '),
    ({'fx': np.array([600, 600])}, 'fx, fy, cx, cy, skew is '),
    ({'skew': []}, 'fx, fy, cx, cy, skew is '),
    ({'distortion': None}, 'distortion is None; give numbers'),
    ({'distortion': ['a']}, 'distortion is '),
    ({'distortion': [[1], [1, 2]]}, 'distortion is '),
    ({'distortion_model': 5, 'distortion': np.ones(4)}, 'distortion_model is 5; use one of'),
    ({'position_m': (0, 0)}, r'position_m is \(0, 0\); give 3 numbers'),
    ({'position_m': 'here'}, "position_m is 'here'; give 3 numbers"),
    ({'position_m': None}, 'position_m is None; give 3 numbers'),
    ({'position_m': (0, 0, float('inf'))}, 'holds NaN, infinity'),
])
def test_a_camera_of_what_is_no_number(given, words):
    with pytest.raises(CalibrationError, match=f'^{words}') as refused:
        camera(**given)
    assert len(str(refused.value).splitlines()) == 1


@pytest.mark.parametrize(('given', 'words'), [
    ({'k': ['a'] * 9}, 'K is '),
    ({'binning': (-1, 1)}, r'binning is \(-1, 1\); give two whole numbers from 0 on'),
    ({'binning': (1.5, 1)}, 'binning is '),
    ({'binning': (1,)}, 'binning is '),
    ({'binning': 2}, 'binning is 2; give two whole numbers from 0 on'),
    ({'roi': None}, 'roi is None; give two'),
    ({'roi': (-5, 0)}, r'roi is \(-5, 0\); give two whole numbers from 0 on'),
    ({'roi': (0, float('nan'))}, 'roi is '),
])
def test_a_calibration_of_what_is_no_number(given, words):
    with pytest.raises(CalibrationError, match=f'^{words}'):
        calibration(**given)


@pytest.mark.parametrize(('name', 'value', 'words'), [
    ('learn_gaze_offset', 'no', "'no'; give True or False"),
    ('learn_gaze_offset', 1, '1; give True or False'),
    ('expressions', 'no', "'no'; give True or False"),
    ('expressions', None, 'None; give True or False'),
    ('detector', 5, '5; give a string'),
    ('detector', None, 'None; give a string'),
    ('model_path', 5, '5; give a path or None'),
    ('regressor_path', b'x', "b'x'; give a path or None"),
    ('tracking', None, r'None; give TrackingSettings\(...\)'),
    ('tracking', {}, r'\{\}; give TrackingSettings\(...\)'),
    ('smoothing', True, r'True; give SmoothingSettings\(...\), or None for none'),
])
def test_a_setting_of_another_type(name, value, words):
    with pytest.raises(SettingsError, match=f'^{name} is {words}$'):
        PipelineConfig(**{name: value})


def test_settings_of_a_kind_that_does(tmp_path):
    config = PipelineConfig(detector=tmp_path, model_path=tmp_path, regressor_path='x',
                            learn_gaze_offset=np.bool_(True), smoothing=None)
    assert (config.detector, config.smoothing) == (tmp_path, None)


@pytest.mark.parametrize('config', ['short_range', {}, 0])
def test_a_new_configuration_that_is_none(pipeline, config):
    with pytest.raises(ArgumentError, match=r'^config is a \w+; give a .*PipelineConfig'):
        pipeline.configure(config)


@pytest.mark.parametrize(('rotation', 'translation_m'), [
    (np.full((3, 3), np.nan), np.zeros(3)),
    (np.eye(3), np.array([0, 0, np.inf])),
    (np.eye(2), np.zeros(3)),
    (np.eye(3), np.zeros(2)),
    (2 * np.eye(3), np.zeros(3)),
    (np.diag([1.0, 1.0, -1.0]), np.zeros(3)),
    ([[1, 0, 0], [0, 1, 0], [0, 0, 1]], np.zeros(3)),
])
def test_a_camera_pose_that_cannot_be(pipeline, portrait, rotation, translation_m):
    with pytest.raises(ArgumentError, match=r'^camera_pose is no pose; give a rotation matrix'):
        pipeline.track(portrait, 0.0, camera_pose=MetricPose(rotation, translation_m))


@pytest.mark.parametrize('least_s', [-0.1, float('nan'), float('inf')])
def test_a_time_for_looks_that_cannot_be(least_s):
    with pytest.raises(ArgumentError, match=r'^least_s is .*; give seconds from 0 on$'):
        Attention(least_s)


def test_the_package_has_types_for_checkers():
    assert Path(face_recon_ros.__file__).with_name('py.typed').is_file()


def test_values_are_double_precision(pipeline, portrait):
    (face,) = pipeline.detect(portrait)
    for name in ('box', 'rotation', 'pose_covariance', 'landmarks_px', 'landmarks_m'):
        assert getattr(face, name).dtype == np.float64, name
    assert (type(face.score), type(face.fit_error)) == (float, float)


@pytest.fixture
def fresh_warnings():
    """Let what is said once per process be said again."""
    from face_recon_ros import deprecation

    deprecation.warn_once.cache_clear()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter('always')
        yield caught
    deprecation.warn_once.cache_clear()


def test_the_old_names_work_and_warn_once(portrait, fresh_warnings):
    for _ in range(2):
        assert pipeline_module.FaceReconPipeline is Pipeline
        pipeline = pipeline_module.FaceReconPipeline()
        (photo,) = pipeline.process(portrait)
        (followed,) = pipeline.process(portrait, None, 0.0)
        (again,) = pipeline.process(portrait, stamp_s=0.1, search=False, camera_pose=None)
        assert (photo.id, followed.id, again.id) == ('', 'f1', 'f1')
        assert isinstance(pipeline.process(portrait), list)
        assert photo.depth_plane.shape == (4,)
    said = [str(w.message) for w in fresh_warnings]
    assert said == [
        'face_recon_ros.pipeline.FaceReconPipeline is deprecated; use face_recon_ros.Pipeline',
        'Pipeline.process() is deprecated; use detect() for a photo, track() for a stream',
        'Face.depth_plane is deprecated; use face_recon_ros.pose.depth_plane()',
    ]
    assert {w.filename for w in fresh_warnings} == {__file__}
    assert {w.category for w in fresh_warnings} == {DeprecationWarning}


def test_no_other_name_is_made_up():
    with pytest.raises(AttributeError, match='FaceReconPipelin'):
        pipeline_module.FaceReconPipelin  # noqa: B018
