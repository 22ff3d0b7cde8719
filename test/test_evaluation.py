# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The evaluation: errors of faces of known truth, tables, traits, labels, commands."""

import csv
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from face_recon_ros import Face, FaceParameters, MetricPose
from face_recon_ros.confidence import BY_OWN_SIGMA
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import camera_matrix
from face_recon_ros.paths import model_file
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.loader import load_regressor
from face_recon_ros.rotations import (
    MODEL_FROM_FACE,
    OPTICAL_FROM_VIEWER,
    azimuth_seen_rad,
    rotation_about,
    rotation_matrix,
    rotation_vector,
)
from model_building.evaluation import crops, hidden, tables, traits
from model_building.evaluation.__main__ import COMMANDS, main
from model_building.evaluation.errors import (
    Truth,
    compare,
    direction_deg,
    excess_of_yaw,
    reliability,
    slope_of_pitch,
    slope_of_yaw,
)
from model_building.evaluation.heads import last_of_stream
from model_building.evaluation.known_heads import Photographer, rotation_of
from model_building.evaluation.labels import landmarks_of, read_rows, true_rotation, truth_of
from model_building.evaluation.mitsuba_renderer import MitsubaRenderer
from model_building.evaluation.surface import SurfaceErrors
from model_building.face_model.errors import ModelBuildingError
from model_building.network.generate import BACKGROUND, SCANNED
from model_building.network.portraits import LEAST

ROOT = Path(__file__).resolve().parents[1]
PORTRAIT = ROOT / 'samples' / 'astronaut.png'


def face_frame(yaw_deg, pitch_deg=0.0, roll_deg=0.0):
    """Return face frame -> optical frame; towards image left, up, clockwise."""
    return OPTICAL_FROM_VIEWER @ rotation_of(yaw_deg, pitch_deg, roll_deg) @ MODEL_FROM_FACE


def face(rotation, sigma_deg=(3.0, 3.0, 3.0), landmarks_px=None, coefficients=None):
    """Return a face whose standard deviations about its own x, y and z are given."""
    covariance = np.zeros((6, 6))
    covariance[3:, 3:] = rotation @ np.diag(np.radians(sigma_deg) ** 2) @ rotation.T
    coefficients = np.zeros(50) if coefficients is None else coefficients
    marks = np.zeros((68, 3)) if landmarks_px is None else landmarks_px
    return Face(
        id='', score=0.9, fit_error=0.01, box=np.array([10.0, 10, 50, 50]),
        parameters=FaceParameters(
            camera_matrix(1000.0, np.eye(3), np.zeros(3)), coefficients[:40], coefficients[40:]),
        rotation=rotation, pose=MetricPose(rotation, np.array([0.0, 0, 1])),
        pose_covariance=covariance, landmarks_px=marks, landmarks_m=marks / 1000)


def seen(found_of, yaws=(-60, -30, 0, 30, 60), pitches=(-20, 0, 20), **options):
    """Return pairs of truths and the faces that were found at (yaw, pitch)."""
    return [
        (Truth(7, yaw, pitch, face_frame(yaw, pitch)), face(found_of(yaw, pitch), **options))
        for yaw in yaws for pitch in pitches
    ]


# --- errors ----------------------------------------------------------------------


def test_slopes_are_those_of_what_was_found(model):
    errors = compare(seen(lambda yaw, pitch: face_frame(1.1 * yaw, 0.8 * pitch)), model)
    everything = np.ones(15, bool)
    assert slope_of_yaw(errors, everything) == pytest.approx(1.1, abs=0.01)
    assert slope_of_pitch(errors, everything) == pytest.approx(0.8, abs=0.02)
    frontal = np.abs(errors.yaw_deg) == 0
    np.testing.assert_allclose(errors.geodesic_deg[frontal], [4, 0, 4], atol=0.1)


def test_the_excess_of_yaw_is_what_the_network_can_take_back(model):
    """Of a head that was not understood nothing is taken."""
    def found(yaw, pitch):
        return face_frame(yaw + 0.1 * np.degrees(np.sin(2 * np.radians(yaw)) / 2), pitch)

    pairs = seen(found, yaws=(-90, -60, -30, 0, 30, 60, 90), pitches=(0,))
    assert excess_of_yaw(compare(pairs, model)) == pytest.approx(0.1, abs=0.005)
    pairs[1] = pairs[1][0], face(face_frame(60))
    assert excess_of_yaw(compare(pairs, model)) == pytest.approx(0.1, abs=0.01)


def test_a_constant_offset_is_removed_of_each_group(model):
    offset = rotation_matrix(np.radians([0.0, 9.0, -4.0]))
    errors = compare(seen(lambda yaw, pitch: face_frame(yaw, pitch) @ offset), model)
    np.testing.assert_allclose(errors.geodesic_deg, 0, atol=1e-3)
    np.testing.assert_allclose(errors.azimuth_deg, errors.yaw_deg, atol=1e-3)


def test_what_was_missed_is_counted_and_has_no_error(model):
    pairs = seen(face_frame)
    pairs[4] = pairs[4][0], None
    errors = compare(pairs, model)
    assert errors.found.tolist() == [i != 4 for i in range(15)]
    assert np.isnan(errors.geodesic_deg).tolist() == [i == 4 for i in range(15)]


def test_coverage_and_sharpness_are_about_the_axes_of_the_face(model):
    """Every second face is rolled by 5 degrees to one side or the other, none is turned."""
    rolls = np.tile([0.0, 5.0, 0.0, -5.0], 5)
    pairs = [
        (Truth(1, 40.0, 0.0, face_frame(40.0)), face(face_frame(40.0, 0, roll), (3.0, 1.0, 2.0)))
        for roll in rolls
    ]
    judged = reliability(compare(pairs, model), np.ones(20, bool))
    np.testing.assert_allclose(judged.inside, [0.5, 1, 1])
    np.testing.assert_allclose(judged.sharpness_deg, [3, 1, 2], atol=1e-6)


def test_the_order_of_the_sigmas_is_held_against_the_best_one(model):
    sizes = np.arange(1.0, 21.0)
    signs = np.tile([1, -1], 10)
    pairs = [
        (Truth(1, 0.0, 0.0, face_frame(0)), face(face_frame(0, 0, roll), (sigma, 1, 1)))
        for roll, sigma in zip(sizes * signs, sizes, strict=True)
    ]
    judged = reliability(compare(pairs, model), np.ones(20, bool))
    assert judged.falls == pytest.approx(judged.could_fall, abs=0.01)
    # the mean of 1 to 18 against that of 1 to 20, about one half more or less of the middle
    assert judged.could_fall == pytest.approx(1 - 9.5 / 10.5, abs=0.02)


def test_landmarks_are_told_in_parts_of_their_box(model):
    marks = np.zeros((68, 3))
    marks[:, :2] = np.random.default_rng(0).uniform(0, 1, (68, 2)) * [40, 90]
    marks[:4, :2] = [[0, 0], [40, 0], [0, 90], [40, 90]]
    shifted = marks + np.array([3.0, 0, 0])
    errors = compare([(Truth(landmarks_px=marks[:, :2]), face(np.eye(3), landmarks_px=shifted))],
                     model)
    assert errors.nme68[0] == pytest.approx(100 * 3 / 60)


def test_distance_is_that_of_the_eyes(model):
    middle = model.landmarks_68.mean[[36, 45]].mean(axis=0) @ MODEL_FROM_FACE
    one = face(np.eye(3))
    truth = Truth(eyes_m=0.8 * (one.pose.translation_m + middle))
    assert compare([(truth, one)], model).distance[0] == pytest.approx(0.25)


# --- the surface -----------------------------------------------------------------


@pytest.fixture(scope='module')
def surface(model):
    chosen = np.flatnonzero(~model.eye_mask)[::25]
    return SurfaceErrors(model, chosen), chosen


def test_the_mean_face_lies_on_itself_however_it_is_placed(model, surface):
    errors, chosen = surface
    places = model.mean[chosen].astype(float)
    turned = 3.0 * places @ rotation_matrix(np.array([0.3, -1.0, 2.0])).T + [1.0, 2.0, 3.0]
    assert errors.mean_face_mm(turned) < 1e-3


def test_a_found_face_is_nearer_to_itself_than_the_mean_is(model, surface):
    errors, chosen = surface
    coefficients = np.zeros(50)
    coefficients[:5] = [2, -1, 1.5, 1, -2]
    one = face(np.eye(3), coefficients=coefficients)
    places = model.decoder.decode(
        np.eye(3, 4), one.parameters.shape, one.parameters.expression)[chosen].astype(float)
    assert errors.found_mm(one.parameters, places) < 1e-3
    assert errors.mean_face_mm(places) > 0.5


def test_a_surface_is_as_far_as_its_skin_moved(model, surface):
    """Skin that is rough by a millimetre to and fro, and moves along itself by another."""
    errors, chosen = surface
    from model_building.network.piece import normals_of
    normals = normals_of(model.mean.astype(float), model.triangles)[chosen].astype(float)
    signs = np.where(np.arange(len(chosen)) % 2, 1e-3, -1e-3)[:, None]
    places = model.mean[chosen] + signs * normals
    assert errors.mean_face_mm(places) == pytest.approx(1.0, abs=0.1)


# --- traits ----------------------------------------------------------------------


@pytest.mark.parametrize('sigma_px', [0.8, 1.2, 2.0])
def test_blur_is_found_at_edges(sigma_px):
    fine = np.full((800, 800), 60, np.float32)
    y, x = np.mgrid[:800, :800]
    fine[0.9 * x + 0.3 * y > 450] = 180
    blurred = cv2.GaussianBlur(fine, (0, 0), 8 * sigma_px).reshape(100, 8, 100, 8).mean((1, 3))
    noisy = blurred + np.random.default_rng(0).normal(0, 2, blurred.shape)
    image = np.clip(noisy, 0, 255).astype(np.uint8)[:, :, None].repeat(3, 2)
    assert traits.blur_px(image) == pytest.approx(sigma_px, abs=0.15)


def test_tones_are_in_the_order_of_skins():
    tones = [traits.tone_deg(np.array(rgb[::-1]))
             for rgb in ((92, 58, 40), (140, 90, 60), (205, 155, 120), (224, 180, 150))]
    assert tones == sorted(tones)
    labels = [traits.BINS[traits.TONE].label(tone) for tone in tones]
    assert labels == ['below -30', '-30 to 10', 'from 28', 'from 28']


def test_bins_are_named_and_ordered():
    assert [traits.BINS[traits.SIZE].label(v) for v in (10, 60, 119, 120)] == [
        'below 60', '60 to 120', '60 to 120', 'from 120']
    assert traits.in_order(traits.SIZE, {'from 120', 'below 60', '60 to 120'}) == [
        'below 60', '60 to 120', 'from 120']
    assert traits.in_order('glasses', {'yes', 'no'}) == ['no', 'yes']


def test_labels_give_traits():
    said = traits.labelled({'file': 'a.jpg', 'age': '37', 'glasses': '1', 'smile': ''})
    assert said == {'age': '20 to 40', 'glasses': '1'}


def test_a_face_outside_the_image_has_no_tone():
    marks = np.random.default_rng(0).uniform(200, 260, (68, 2))
    assert set(traits.measured(np.zeros((100, 100, 3), np.uint8), marks)) == {traits.SIZE}


# --- tables ----------------------------------------------------------------------


def test_tables_have_the_columns_of_which_something_is_known(model, capsys):
    pairs = [
        (Truth(t.group, t.yaw_deg, t.pitch_deg, t.rotation, traits={'glasses': 'no'}), f)
        for t, f in seen(face_frame)]
    pairs[0] = pairs[0][0], None
    tables.report('ours', compare(pairs, model))
    lines = capsys.readouterr().out.splitlines()
    assert '| ours: yaw | faces | missed | geodesic error | yaw slope | pitch slope |' in lines
    assert '| 0-30 | 3 | 0 | 0.0 | - | 1.00 |' in lines
    assert '| 30-60 | 6 | 0 | 0.0 | 1.00 | 1.00 |' in lines
    assert '| 60-90 | 6 | 1 | 0.0 | 1.00 | 1.00 |' in lines
    assert '| no | 15 | 1 | 0.0 | 1.00 | 1.00 |' in lines
    assert not any('NME68' in line or 'dense' in line for line in lines)


# --- labelled photos -------------------------------------------------------------


def test_labels_become_rotations():
    posed = true_rotation({'pan_deg': '30', 'tilt_up_deg': '-10'})
    np.testing.assert_allclose(direction_deg(posed), [30, -10], atol=1e-9)
    # towards image right there
    angles = {'yaw_rad': str(np.radians(20)), 'pitch_rad': str(np.radians(5)), 'roll_rad': '0'}
    np.testing.assert_allclose(direction_deg(true_rotation(angles))[0], -20, atol=0.5)


def test_landmarks_without_a_rotation_are_told_by_the_yaw_found():
    marks = np.random.default_rng(1).uniform(20, 80, (68, 2))
    row = {f'{axis}{i}': str(marks[i, k]) for i in range(68) for k, axis in enumerate('xy')}
    np.testing.assert_allclose(landmarks_of(row), marks)
    truth = truth_of(row, np.zeros((100, 100, 3), np.uint8), face(face_frame(25)))
    assert truth.yaw_deg == pytest.approx(25)
    assert truth.rotation is None
    assert np.isnan(truth_of(row, np.zeros((100, 100, 3), np.uint8), None).yaw_deg)


@pytest.mark.parametrize(('text', 'complaint'), [
    ('file,pan_deg\n', 'no row'),
    ('file,pan_deg\na.png,3\n', 'give the columns'),
    ('file,yaw_rad,pitch_rad\na.png,0,0\n', 'give the columns'),
])
def test_labels_without_truth_are_refused(tmp_path, text, complaint):
    (tmp_path / 'labels.csv').write_text(text)
    with pytest.raises(ModelBuildingError, match=complaint):
        read_rows(tmp_path)


@pytest.fixture
def photos(tmp_path):
    """Return a folder with the sample portrait, labelled, and a photo without a face."""
    cv2.imwrite(str(tmp_path / 'nobody.png'), np.full((200, 200, 3), 90, np.uint8))
    (tmp_path / 'portrait.png').symlink_to(PORTRAIT)
    with (tmp_path / 'labels.csv').open('w', newline='') as file:
        writer = csv.writer(file)
        writer.writerow(['file', 'yaw_rad', 'pitch_rad', 'roll_rad', 'glasses'])
        writer.writerows([['portrait.png', 0, 0, 0, 'no'], ['nobody.png', 0, 0, 0, 'yes']])
    return tmp_path


def test_photos_are_evaluated_by_every_regressor(photos, capsys):
    assert main(['photos', '--regressor', 'network', '--regressor', 'facemesh', str(photos)]) == 0
    out = capsys.readouterr().out
    for name in ('network', 'facemesh'):
        assert f'{photos.name}, {name}: 2 images, 1 without a face' in out
        assert f'| {name}: yaw of the labels | faces | missed | geodesic error |' in out
    assert '| 0-30 | 2 | 1 |' in out
    assert '| yes | 1 | 1 | - |' in out


def test_networks_in_other_files_are_measured_beside(photos, capsys):
    other = photos / 'of_mine.tflite'
    other.symlink_to(model_file('face_recon.tflite'))
    assert main(['photos', str(photos), '--also', str(other)]) == 0
    lines = capsys.readouterr().out.splitlines()
    ours, theirs = ([line.split('|')[2:] for line in lines if line.startswith(f'| {name}: ')]
                    for name in ('network', 'of_mine'))
    assert len(ours) == len(theirs) > 2
    rows = [line for line in lines if line.startswith('| 0-30 ')]
    assert rows[0] == rows[2], 'the same file says the same'


def test_the_script_takes_folders_as_it_always_did(photos):
    result = subprocess.run(
        [sys.executable, ROOT / 'scripts' / 'evaluate.py', photos, '--every', '2'],
        capture_output=True, text=True, check=False)
    assert result.returncode == 0, result.stderr
    assert f'{photos.name}, network: 1 images, 0 without a face' in result.stdout
    assert 'MAE in degrees: pitch' in result.stdout


# --- commands --------------------------------------------------------------------


@pytest.mark.parametrize('command', COMMANDS)
def test_every_command_says_what_it_does(command, capsys):
    with pytest.raises(SystemExit) as exit_:
        main([command, '--help'])
    assert exit_.value.code == 0
    assert f'python -m model_building.evaluation {command}' in capsys.readouterr().out


@pytest.mark.parametrize('words', [
    ['photos', 'FOLDER'],
    ['photos', 'FOLDER', '--also', 'none.tflite'],
    ['photos', 'FOLDER', '--regressor-path', 'none.tflite'],
    ['heads', 'FOLDER', 'FOLDER'],
    ['depth', 'FOLDER', 'FOLDER'],
    ['fit', '--photos', 'FOLDER'],
])
def test_what_is_missing_is_said_in_one_line(tmp_path, capsys, words):
    assert main([str(tmp_path) if word == 'FOLDER' else word for word in words]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path) in line or 'none.tflite' in line


def test_a_renderer_that_is_not_installed_is_said_in_one_line(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, 'mitsuba', None)
    assert main(['heads', str(tmp_path), str(tmp_path), '--renderer', 'mitsuba']) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert 'pip install -r requirements-evaluation.txt' in line


# --- heads of known rotation -----------------------------------------------------


@pytest.fixture(scope='module')
def photographer(shared_data):
    data = shared_data / 'data'
    assert len(list((data / 'portraits_congress').glob('*.jpg'))) > LEAST
    return Photographer(
        data / 'ict_face_model_light', data / 'portraits_congress', development=True)


def test_glasses_are_all_that_differs(photographer):
    bare, worn = photographer(1, [(10.0, 0.0)], glasses=True)
    assert (bare.truth.traits['glasses'], worn.truth.traits['glasses']) == ('no', 'yes')
    np.testing.assert_array_equal(bare.landmarks_px, worn.landmarks_px)
    changed = np.abs(cv2.blur(bare.image, (5, 5)).astype(int) - cv2.blur(worn.image, (5, 5)))
    y, x = np.nonzero(changed.max(axis=2) > 8)
    assert len(y) > 100
    eyes = bare.landmarks_px[36:48]
    width = np.ptp(eyes[:, 0])
    assert np.abs(np.median(x) - eyes[:, 0].mean()) < width
    assert np.abs(np.median(y) - eyes[:, 1].mean()) < width / 2


def test_heads_are_shown_in_streams_too(photographer):
    (sight,) = photographer(1, [(20.0, 0.0)])
    pipeline = Pipeline(PipelineConfig(smoothing=None, use_eyes='never'))
    rng = np.random.default_rng(1)
    face = last_of_stream(pipeline, sight, 8, rng)
    off = sight.truth.rotation.T @ face.pose.rotation
    assert np.degrees(np.linalg.norm(rotation_vector(off))) < 15
    one_way = last_of_stream(pipeline, sight, 8, rng, one_way=True)
    assert not np.allclose(one_way.pose.rotation, face.pose.rotation, atol=0.003)
    # nobody is known from the stream before
    assert last_of_stream(pipeline, sight, 2, rng).id != face.id


def test_heads_have_a_true_surface(photographer, model):
    (sight,) = photographer(1, [(0.0, 0.0)])
    errors = SurfaceErrors(model, photographer.places.chosen)
    assert len(sight.surface_m) == len(photographer.places.chosen) > 1500
    assert 0.5 < errors.mean_face_mm(sight.surface_m) < 6


def test_mitsuba_draws_what_our_renderer_draws(photographer):
    pytest.importorskip('mitsuba')
    heads = photographer.heads
    rng = np.random.default_rng(2)
    points = heads.person(rng)
    from face_recon_ros.camera import Camera
    from model_building.network.ict_heads import Shot
    shot = Shot(rotation_of(30, 10, 5), np.array([0.02, 0.01, 0.7]),
                Camera(160, 120, 150.0, 150.0, 70.0, 65.0))
    scene = heads.scene(points, heads.skins.plain_skin(rng), shot, rng)
    behind = np.full((120, 160, 3), (0, 255, 0), np.uint8)
    shown = [(image != behind).any(axis=2)
             for image in (heads.drawn(scene, behind), MitsubaRenderer('mitsuba')(scene, behind))]
    assert (shown[0] & shown[1]).sum() / (shown[0] | shown[1]).sum() > 0.97


# --- hidden ------------------------------------------------------------------------


@pytest.fixture(scope='module')
def crops_of_a_portrait(portrait, model, tmp_path_factory):
    """A shard of a face, its pose turned by 3 degrees of yaw, and of no face; its folder."""
    [found] = Pipeline(PipelineConfig(smoothing=None)).detect(portrait)
    x0, y0, x1, y1 = found.box.round().astype(int)
    margin = (x1 - x0) // 4
    crop = cv2.resize(portrait[y0 - margin:y1 + margin, x0 - margin:x1 + margin], (192, 192))
    regressor = load_regressor('network', model)
    seen = crops.found_in(regressor, crop)
    turned = rotation_about('y', np.radians(3.0))
    count = 24
    shard = {
        'image': np.repeat(crop[None], count, axis=0),
        'kind': np.where(np.arange(count) == 5, BACKGROUND, SCANNED),
        'rotation': np.repeat((seen.parameters.model_rotation @ turned)[None], count, axis=0),
        'landmarks': np.repeat(
            model.landmarks_468.points_px(seen.parameters)[None], count, axis=0),
    }
    folder = tmp_path_factory.mktemp('crops')
    np.savez(folder / 'scanned_000.npz', **shard)
    return folder, shard, regressor, seen


def test_errors_of_hidden_faces_are_about_the_faces_axes(crops_of_a_portrait):
    _, shard, regressor, seen = crops_of_a_portrait
    rows = hidden.errors_deg(regressor, shard, shard['image'])
    assert len(rows) == 23  # the one without a face is left out
    np.testing.assert_allclose(np.abs(rows[:, 1:4]), [[0, 0, 3]] * 23, atol=1e-4)
    np.testing.assert_allclose(rows[:, 0], seen.rotation_sigma_rad / 0.101, rtol=1e-3)
    expected_deg = np.degrees(BY_OWN_SIGMA.sigma_rad(
        azimuth_seen_rad(seen.parameters.model_rotation), seen.rotation_sigma_rad))
    np.testing.assert_allclose(rows[:, 4:], [expected_deg] * 23, rtol=1e-3)


def test_faces_are_hidden_as_it_is_said(crops_of_a_portrait, model):
    _, shard, _, _ = crops_of_a_portrait
    changed = {}
    for name, shares in hidden.SHOWN.items():
        images = hidden.seen(shard, shares, model, 1)
        changed[name] = (images != shard['image']).any(axis=(1, 2, 3)).mean()
    assert changed.pop('as they are') == 0
    assert min(changed.values()) > 0.6


def test_the_command_prints_what_covariances_say(crops_of_a_portrait, capsys, tmp_path):
    folder, *_ = crops_of_a_portrait
    assert main(['hidden', str(folder)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split(':')[0] for line in lines if 'units of own' in line] == [
        f'| {name}' for name in hidden.SHOWN]
    whole = next(line for line in lines if line.startswith('| all'))
    assert whole.startswith('| all | 23 | 0.0, 0.0, 3.0 |')
    assert main(['hidden', str(tmp_path)]) == 1
    assert 'no shards' in capsys.readouterr().err
    mesh = load_regressor('facemesh', FaceModel())
    with pytest.raises(ModelBuildingError, match='no sigma'):
        hidden.errors_deg(mesh, crops_of_a_portrait[1], crops_of_a_portrait[1]['image'])
