# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

import copy
import itertools
import pickle
from dataclasses import replace

import cv2
import numpy as np
import pytest

from face_recon_ros.camera import Camera
from face_recon_ros.errors import ArgumentError, GeometryError, ImageError, ModelFileError
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.rendering.renderer import Renderer, Shading
from face_recon_ros.rendering.texture import sample_colors
from face_recon_ros.rotations import EulerAngles, rotation_matrix, rotation_vector

UNLIT = Shading(ambient=1.0, diffuse=0.0, specular=0.0)


@pytest.fixture(scope='module')
def pipeline():
    return Pipeline()


@pytest.fixture(scope='module')
def unsmoothed():
    return Pipeline(PipelineConfig(smoothing=None))


@pytest.fixture(scope='module')
def turned_portrait(pipeline, portrait):
    """Return a function that renders the portrait's face, colours from the photo, turned."""
    (face,) = pipeline.detect(portrait)
    model = pipeline.model
    dense = model.dense_px(face.parameters)
    colors = sample_colors(portrait, dense)
    renderer = Renderer(model.triangles)

    def render(turn_deg):
        turn = rotation_matrix(np.radians(turn_deg))
        matrix = camera_matrix(900.0, turn, np.array([320.0, 220.0, 0.0]))
        parameters = FaceParameters(matrix, face.parameters.shape, face.parameters.expression)
        image = np.full((480, 640, 3), 110, np.uint8)
        renderer.render(model.dense_px(parameters), image, colors=colors, shading=UNLIT)
        return image, parameters

    return render


def test_portrait_is_found_upright_and_frontal(pipeline, portrait):
    (face,) = pipeline.detect(portrait)
    assert face.id == ''
    assert face.score > 0.9
    angles = EulerAngles.from_rotation(face.rotation)
    assert abs(angles.yaw_deg) < 8
    assert abs(angles.roll_deg) < 6
    # read off the picture: outer corners of the eyes, tip of the nose, corners of the mouth
    for index, place in ((36, (195, 105)), (45, (255, 107)), (30, (229, 132)), (48, (205, 146)),
                         (54, (246, 149))):
        assert np.linalg.norm(face.landmarks_px[index, :2] - place) < 10


@pytest.mark.parametrize(
    ('turn_deg', 'name'),
    [
        ((0, 25, 0), 'to image right'),
        ((0, -25, 0), 'to image left'),
        ((18, 0, 0), 'down'),
        ((-18, 0, 0), 'up'),
        ((0, 0, 20), 'rolled counter-clockwise'),
        ((0, 0, -20), 'rolled clockwise'),
    ],
)
def test_a_turned_face_is_found_turned(pipeline, turned_portrait, turn_deg, name):
    image, true = turned_portrait(turn_deg)
    (face,) = pipeline.detect(image)
    error = rotation_vector(face.parameters.model_rotation @ true.model_rotation.T)
    assert np.degrees(np.linalg.norm(error)) < 10
    found = rotation_vector(face.parameters.model_rotation)
    main = int(np.argmax(np.abs(turn_deg)))
    assert np.sign(found[main]) == np.sign(turn_deg[main])


def test_turned_left_and_right_are_mirror_images(pipeline, portrait):
    (face,) = pipeline.detect(portrait)
    (mirrored,) = pipeline.detect(np.ascontiguousarray(portrait[:, ::-1]))
    a, b = EulerAngles.from_rotation(face.rotation), EulerAngles.from_rotation(mirrored.rotation)
    assert a.yaw_deg == pytest.approx(-b.yaw_deg, abs=2.5)
    assert a.roll_deg == pytest.approx(-b.roll_deg, abs=2.5)
    assert a.pitch_deg == pytest.approx(b.pitch_deg, abs=4)


def test_in_plane_rotation_is_measured(pipeline, portrait):
    (straight,) = pipeline.detect(portrait)
    around = straight.landmarks_px[27, :2]
    for degrees in (-30, 30):
        turn = cv2.getRotationMatrix2D(around.tolist(), degrees, 1.0)
        (turned,) = pipeline.detect(cv2.warpAffine(portrait, turn, (512, 512)))
        roll = EulerAngles.from_rotation(turned.rotation).roll_deg
        # cv2 turns counter-clockwise, roll is clockwise
        before = EulerAngles.from_rotation(straight.rotation).roll_deg
        assert roll - before == pytest.approx(-degrees, abs=2.0)


def test_distance_follows_size(pipeline, portrait):
    camera = Camera(512, 512, 600.0, 600.0, 255.5, 255.5)
    (near,) = pipeline.detect(portrait, camera)
    smaller = np.full_like(portrait, 90)
    smaller[128:384, 128:384] = cv2.resize(portrait, (256, 256), interpolation=cv2.INTER_AREA)
    (far,) = pipeline.detect(smaller, camera)
    ratio = far.pose.translation_m[2] / near.pose.translation_m[2]
    assert ratio == pytest.approx(2, rel=0.04)


def test_interpupillary_distance_scales_distance(portrait, pipeline):
    (adult,) = pipeline.detect(portrait)
    child = Pipeline(PipelineConfig(interpupillary_distance_m=0.0525))
    (other,) = child.detect(portrait)
    ratio = other.pose.translation_m / adult.pose.translation_m
    np.testing.assert_allclose(ratio, 0.0525 / 0.063, rtol=1e-6)


def test_landmarks_in_metres_project_to_landmarks_in_pixels(pipeline, portrait):
    (face,) = pipeline.detect(portrait)
    camera = Camera.uncalibrated(512, 512)
    pixels = face.landmarks_m[:, :2] / face.landmarks_m[:, 2:] * camera.fx + camera.cx
    # weak perspective against the true one: within a few hundredths of the face
    assert np.abs(pixels - face.landmarks_px[:, :2]).max() < 0.06 * np.ptp(pixels[:, 1])
    distance_m = np.linalg.norm(face.landmarks_m[36] - face.landmarks_m[45])
    assert 0.075 < distance_m < 0.105  # outer corners of an adult's eyes


def test_several_faces_in_one_image(pipeline, portrait):
    faces = pipeline.detect(np.hstack([portrait[:, 80:400]] * 3))
    assert len(faces) == 3
    assert len({round(f.box[0] / 320) for f in faces}) == 3


def test_ids_over_a_stream_with_two_people(portrait):
    pipeline = Pipeline()
    two = np.hstack([portrait[:, 60:420], portrait[:, 60:420]])
    sides = {}
    for i in range(12):
        faces = pipeline.track(np.roll(two, 3 * i, axis=0), stamp_s=i / 30)
        assert len(faces) == 2
        for face in faces:
            sides.setdefault(face.id, set()).add(bool(face.box[0] > 330))
    assert all(len(seen) == 1 for seen in sides.values())
    assert len(sides) == 2


def test_detector_is_not_asked_while_a_face_is_followed(portrait, monkeypatch):
    pipeline = Pipeline()
    pipeline.track(portrait, stamp_s=0.0)

    def fail(*_):
        raise AssertionError('detected')

    for search in ('next_part', 'first_look', '__call__'):
        monkeypatch.setattr(type(pipeline.detector), search, fail)
    for i in range(1, pipeline.config.tracking.detection_interval - 1):
        assert len(pipeline.track(portrait, stamp_s=i / 30)) == 1


@pytest.mark.parametrize(('leap_px', 'looks'), [(0, 1), (12, 1), (50, 2)])
def test_a_face_that_leaps_is_looked_at_again_where_it_is(portrait, monkeypatch, leap_px, looks):
    """Few images a second: a face at the edge of its crop is found badly, or is another one."""
    pipeline = Pipeline(PipelineConfig(smoothing=None))
    wide = np.full((480, 640, 3), 128, np.uint8)
    wide[:, 80:560] = cv2.resize(portrait, (480, 480))
    for stamp_s in (0.0, 0.2, 0.4):
        (before,) = pipeline.track_without_search(wide, stamp_s)
    calls = []
    kind = type(pipeline.regressor)
    regress = kind.__call__
    monkeypatch.setattr(kind, '__call__', lambda *a, **k: (calls.append(a), regress(*a, **k))[1])
    (after,) = pipeline.track_without_search(np.roll(wide, leap_px, axis=1), 0.6)
    assert len(calls) == looks
    assert after.id == before.id
    moved_px = (after.box - before.box)[[0, 2]].mean()
    assert moved_px == pytest.approx(leap_px, abs=1.5)


def test_faces_that_leap_together_are_found_alike_by_any_number_of_threads(portrait):
    image = np.full((480, 640, 3), 128, np.uint8)
    image[80:400, :320] = image[80:400, 320:] = cv2.resize(portrait, (320, 320))
    found = []
    for threads in (1, 2):
        pipeline = Pipeline(PipelineConfig(threads=threads, smoothing=None))
        for stamp_s in (0.0, 0.2, 0.4):
            before = pipeline.track_without_search(image, stamp_s)
        after = pipeline.track_without_search(np.roll(image, 30, axis=1), 0.6)
        assert len(after) == len(before) == 2
        moved_px = np.sort(after.boxes[:, 0]) - np.sort(before.boxes[:, 0])
        np.testing.assert_allclose(moved_px, 30, atol=2)
        found.append(sorted(f.pose.translation_m.tolist() for f in after))
    np.testing.assert_allclose(found[0], found[1], rtol=1e-6)


def test_photos_wait_for_all_faces_of_a_crowd_and_streams_do_not(portrait, monkeypatch):
    pipeline, looks = Pipeline(), []
    kind = type(pipeline.detector)
    for name in ('first_look', '__call__'):
        monkeypatch.setattr(kind, name, lambda self, image, name=name: looks.append(name) or [])
    pipeline.detect(portrait)
    assert looks == ['__call__', '__call__']  # both ways up
    looks.clear()
    pipeline.track_without_search(portrait, stamp_s=0.0)
    assert looks == ['first_look', 'first_look']


def test_search_can_wait_until_the_faces_are_out(portrait):
    """A newcomer is found by search() and reported with the next image."""
    pipeline = Pipeline()
    empty = np.full_like(portrait, 120)
    assert pipeline.track_without_search(empty, stamp_s=0.0) == []
    for i in range(1, 4):
        assert pipeline.track_without_search(portrait, stamp_s=i / 30) == []
    pipeline.search(portrait)
    assert len(pipeline.track_without_search(portrait, stamp_s=0.2)) == 1


def test_other_settings_keep_the_face(portrait):
    pipeline = Pipeline()
    (before,) = pipeline.track(portrait, stamp_s=0.0)
    pipeline.configure(replace(pipeline.config, smoothing=None, interpupillary_distance_m=0.06))
    (after,) = pipeline.track(portrait, stamp_s=0.1)
    assert after.id == before.id
    ratio = after.pose.translation_m[2] / before.pose.translation_m[2]
    assert ratio == pytest.approx(0.06 / 0.063, rel=0.03)
    with pytest.raises(ArgumentError, match=r'^threads is 2, and 1 before; make a new pipeline'):
        pipeline.configure(replace(pipeline.config, threads=2))
    assert pipeline.config.threads == 1


@pytest.mark.parametrize('carry', [copy.copy, copy.deepcopy, pickle.dumps])
def test_a_pipeline_stays_in_its_process(carry):
    with pytest.raises(TypeError, match=r'^a Pipeline is neither copied nor pickled; make one of'):
        carry(Pipeline())


def test_smoothing_steadies_a_noisy_still_face(portrait):
    rng = np.random.default_rng(0)
    frames = [
        np.clip(portrait + rng.normal(0, 12, portrait.shape), 0, 255).astype(np.uint8)
        for _ in range(40)
    ]

    def jitter_deg(smoothing):
        config = PipelineConfig() if smoothing else PipelineConfig(smoothing=None)
        pipeline = Pipeline(config)
        rotations = [pipeline.track(f, stamp_s=i / 30)[0].rotation for i, f in enumerate(frames)]
        turns = [rotation_vector(b @ a.T) for a, b in itertools.pairwise(rotations)]
        return np.degrees(np.linalg.norm(turns[10:], axis=1).mean())

    assert jitter_deg(smoothing=True) < 0.5 * jitter_deg(smoothing=False)


def test_switched_off_smoothing_reports_what_was_measured(portrait, unsmoothed):
    shifted = np.roll(portrait, 25, axis=1)
    unsmoothed.reset()
    unsmoothed.track(portrait, stamp_s=0.0)
    (after,) = unsmoothed.track(shifted, stamp_s=1 / 30)
    unsmoothed.reset()
    (alone,) = unsmoothed.track(shifted, stamp_s=0.0)
    assert np.abs(after.landmarks_px - alone.landmarks_px)[:, :2].mean() < 1.0


def test_score_falls_when_the_face_turns_away(pipeline, turned_portrait):
    scores = []
    for yaw_deg in (0, 40, 70):
        faces = pipeline.detect(turned_portrait((0, yaw_deg, 0))[0])
        scores.append(faces[0].score if faces else 0.0)
    assert scores[0] > 0.9
    assert scores[0] > scores[1] > scores[2]


def test_no_face_is_an_empty_list(pipeline):
    assert pipeline.detect(np.full((480, 640, 3), 128, np.uint8)) == []


@pytest.mark.parametrize(
    'image',
    [
        np.zeros((480, 640), np.uint8),
        np.zeros((480, 640, 4), np.uint8),
        np.zeros((480, 640, 3), np.float32),
        np.zeros((0, 640, 3), np.uint8),
    ],
)
def test_other_arrays_are_refused_with_what_is_wanted(pipeline, image):
    with pytest.raises(ImageError, match='wants uint8') as error:
        pipeline.detect(image)
    assert '\n' not in str(error.value)


def test_image_is_not_changed(pipeline, portrait):
    before = portrait.copy()
    pipeline.detect(portrait)
    np.testing.assert_array_equal(portrait, before)


def test_unknown_detector_file_is_named():
    with pytest.raises(ModelFileError, match=r'no_such\.tflite'):
        Pipeline(PipelineConfig(detector='no_such.tflite'))


@pytest.mark.parametrize('clip', ['intel_female-and-male', 'intel_male', 'intel_female'])
def test_every_face_of_a_clip_keeps_one_id(shared_data, clip):
    from face_recon_ros.io.image_files import Video

    pipeline, people = Pipeline(), 2 if clip == 'intel_female-and-male' else 1
    ids, frames = {}, 0
    for stamp_s, image in Video.open(shared_data / 'data' / 'clips' / f'{clip}.mp4'):
        frames += 1
        for face in pipeline.track(image, stamp_s=stamp_s):
            ids[face.id] = ids.get(face.id, 0) + 1
    assert ids == dict.fromkeys(ids, frames)
    assert len(ids) == people


@pytest.mark.parametrize('image', [None, [[1, 2], [3, 4]], 'portrait.png', memoryview(b'abc')])
def test_what_is_no_array_gets_one_clear_line(pipeline, image):
    with pytest.raises(ImageError, match=r'image is a \w+; wants a NumPy array') as error:
        pipeline.detect(image)
    assert '\n' not in str(error.value)


def test_a_face_without_a_pose_is_left_out(pipeline, portrait, monkeypatch):
    """As of a lens all around whose rim the face lies on."""

    def no_pose(*_):
        raise GeometryError('landmarks are all around the camera; no pose follows')

    assert len(pipeline.detect(portrait)) == 1
    monkeypatch.setattr('face_recon_ros.pose_solver.PoseSolver.__call__', no_pose)
    assert pipeline.detect(portrait) == []


@pytest.mark.parametrize('stream', [False, True])
@pytest.mark.parametrize('value', [0.0, np.nan, np.inf])
def test_landmarks_that_make_no_face_give_none(portrait, monkeypatch, value, stream):
    """Of a network gone wrong: no NaN comes out, no traceback either."""
    pipeline = Pipeline(PipelineConfig(regressor='facemesh'))
    run = pipeline.regressor._network.run

    def broken():
        return [np.full_like(o, value) if o.size == 1404 else o for o in run()]

    monkeypatch.setattr(pipeline.regressor._network, 'run', broken)
    with np.errstate(invalid='ignore'):
        found = pipeline.track(portrait, 1.0) if stream else pipeline.detect(portrait)
    assert found == []
