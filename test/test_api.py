# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a library user imports and calls, and what he is told when he calls it wrongly."""

import ast
import importlib
import subprocess
import sys
import warnings
from pathlib import Path

import numpy as np
import pytest

import face_recon_ros
from face_recon_ros import Camera, Faces, MetricPose, Pipeline, PipelineConfig, rendering
from face_recon_ros import pipeline as pipeline_module
from face_recon_ros.errors import CalibrationError, FaceReconError

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
    [float('nan'), float('inf'), -float('inf'), None, '0.5', True, [1.0], 1_764_168_475 * 10**9],
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
