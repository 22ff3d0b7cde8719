# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How models/face_recon.tflite is trained: crops with known truth, decoding, graphs, losses."""

import sys
from pathlib import Path

import cv2
import numpy as np
import pytest

from face_recon_ros.face_model.decoding import ParameterDecoder
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.paths import model_file
from face_recon_ros.regression.face_mesh import FaceMeshRegressor
from face_recon_ros.regression.image_fit import ImageFitter, fit_in_image
from face_recon_ros.regression.loader import load_regressor
from face_recon_ros.regression.region import CROP_CENTRE_M, CROP_SIDE_M, Region
from face_recon_ros.tflite import Network
from model_building.evaluation import crops
from model_building.evaluation.__main__ import main as evaluate
from model_building.network import generate, photos
from model_building.network.augmentation import (
    LARGEST_YAW_DEG,
    SIZE,
    photographed,
    random_rotation,
    rotation_about,
)
from model_building.network.generate import (
    BACKGROUND,
    PHOTO,
    PROFILED,
    CropMaker,
    Mixture,
    write_shard,
)
from model_building.network.profiling import (
    FaceTopology,
    ProfiledPhoto,
    Surroundings,
)
from model_building.network.relief import NOSE_M, NOSE_SPREAD_M, Relief
from model_building.network.subject import View
from model_building.network.tflite_graph import Graph

ROOT = Path(__file__).resolve().parents[1]
PORTRAIT = ROOT / 'samples' / 'astronaut.png'


@pytest.fixture(scope='module')
def model():
    return FaceModel()


@pytest.fixture(scope='module')
def source():
    found = photos.PhotoReader()(PORTRAIT, 1)
    assert found is not None
    return found


@pytest.fixture(scope='module')
def topology(model):
    return FaceTopology(model)


def _face(yaw_deg=30.0):
    rng = np.random.default_rng(3)
    rotation = rotation_about('x', 10) @ rotation_about('y', yaw_deg)
    matrix = camera_matrix(800.0, rotation, np.array([90.0, 80.0, 0.0]))
    return FaceParameters(matrix, rng.normal(0, 0.6, 40), rng.normal(0, 0.6, 10))


def _angle_deg(a, b):
    return np.degrees(np.arccos(np.clip((np.trace(a.T @ b) - 1) / 2, -1, 1)))


@pytest.mark.parametrize('depth_weight', [0.0, 1.0])
def test_fit_in_image_finds_a_known_face(model, depth_weight):
    truth = _face()
    landmarks = model.landmarks_468.points_px(truth)
    if not depth_weight:
        landmarks[:, 2] = np.random.default_rng(0).normal(0, 40, 468)
    start = FaceParameters(
        camera_matrix(700.0, np.eye(3), np.array([95.0, 95.0, 0.0])), np.zeros(40), np.zeros(10))
    found = fit_in_image(model.landmarks_468, start, landmarks, depth_weight, rounds=12)
    assert _angle_deg(found.model_rotation, truth.model_rotation) < 5.0
    shown = model.landmarks_468.points_px(found) - model.landmarks_468.points_px(truth)
    assert np.linalg.norm(shown[:, :2], axis=1).mean() < 0.4


def test_a_fit_can_be_held_where_it_starts(model):
    """The more the start's rotation is trusted, the nearer the fit stays to it."""
    face = _face()
    landmarks = model.landmarks_468.points_px(face)
    wrong = face.model_rotation @ rotation_about('y', 12)
    start = FaceParameters(
        camera_matrix(face.scale_px_per_m, wrong, face.camera_matrix[:, 3]),
        face.shape, face.expression)
    off_deg = [
        _angle_deg(ImageFitter(model.landmarks_468, rotation_hold_m2=hold)
                   .fit(start, landmarks, rounds=8).model_rotation, wrong)
        for hold in ((0, 0, 0), (0, 0.2, 0), (1e6, 0, 1e6), (1e6, 1e6, 1e6))
    ]
    assert off_deg[0] == pytest.approx(12, abs=0.5)
    assert 1 < off_deg[1] < 11
    # only turns about the neck are wrong
    assert off_deg[2] == pytest.approx(12, abs=0.5)
    assert off_deg[3] < 0.01


def test_decoding_finds_shape_and_place_of_a_known_pose(model):
    truth = _face(50.0)
    landmarks = model.landmarks_468.points_px(truth)
    start = np.concatenate([truth.shape, truth.expression]) * 0.7
    found = ParameterDecoder(model)(landmarks, truth.model_rotation, start)
    np.testing.assert_allclose(found.model_rotation, truth.model_rotation, atol=1e-9)
    assert found.scale_px_per_m == pytest.approx(800, rel=0.01)
    shown = model.landmarks_68.points_px(found) - model.landmarks_68.points_px(truth)
    assert np.linalg.norm(shown[:, :2], axis=1).max() < 1.0


def test_a_photo_turned_to_its_own_pose_is_the_photo(topology, source):
    """Profiling changes nothing where it need not: the mesh lies where the face is."""
    photo = cv2.imread(str(PORTRAIT))
    parameters = source.parameters
    centre = parameters.project(CROP_CENTRE_M[None])[0, :2]
    zoom = SIZE / CROP_SIDE_M / parameters.scale_px_per_m
    shift = np.full(2, (SIZE - 1) / 2) - zoom * centre
    original = cv2.warpAffine(photo, np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]]),
                              (SIZE, SIZE))
    view = View(parameters.model_rotation, SIZE / CROP_SIDE_M, np.full(2, (SIZE - 1) / 2), SIZE)
    person = ProfiledPhoto(topology, source, Surroundings(0.1, 0.03, kept=False))
    background = np.zeros((SIZE, SIZE, 3), np.uint8)
    drawn = person.draw(view, background, _NoLight())
    face = cv2.erode((drawn.max(axis=2) > 0).astype(np.uint8), np.ones((9, 9))) > 0
    assert face.mean() > 0.2
    difference = np.abs(drawn.astype(float) - original)[face].mean()
    assert difference < 8


class _NoLight:
    """A generator whose draws leave the photo's own light."""

    def random(self):
        return 0.0


def test_a_turned_photo_shows_its_landmarks_where_they_are_said_to_be(topology, source):
    """At a profile, the tip of the nose is the outermost drawn pixel of the middle of the face."""
    view = View(rotation_about('y', 85), SIZE / CROP_SIDE_M, np.full(2, (SIZE - 1) / 2), SIZE)
    person = ProfiledPhoto(topology, source, Surroundings(0.1, 0.03, kept=False))
    drawn = person.draw(view, np.zeros((SIZE, SIZE, 3), np.uint8), _NoLight())
    tip = topology.model.landmarks_68.points_px(view.parameters(person.coefficients))[30]
    rows = slice(round(tip[1]) - 2, round(tip[1]) + 3)
    columns = np.flatnonzero(drawn[rows].max(axis=(0, 2)))
    assert columns.max() == pytest.approx(tip[0], abs=2.5)


def test_what_is_around_the_face_is_carried_along(topology, source):
    view = View(rotation_about('y', 20), SIZE / CROP_SIDE_M, np.full(2, (SIZE - 1) / 2), SIZE)
    background = np.zeros((SIZE, SIZE, 3), np.uint8)
    drawn = {}
    for kept in (True, False):
        person = ProfiledPhoto(topology, source, Surroundings(0.1, 0.03, kept))
        drawn[kept] = (person.draw(view, background, _NoLight()).max(axis=2) > 0).mean()
    assert drawn[True] > drawn[False] + 0.2


@pytest.fixture(scope='module')
def maker(source):
    return CropMaker([source], Mixture(backgrounds=0.15, photos=0.4))


def test_crops_are_the_same_for_the_same_seed(maker):
    first, second = (maker.crops(np.random.default_rng(5), 6) for _ in range(2))
    for a, b in zip(first, second, strict=True):
        assert a.kind == b.kind
        np.testing.assert_array_equal(a.image, b.image)
        np.testing.assert_array_equal(a.landmarks, b.landmarks)


def test_crops_of_all_kinds_are_made(maker, tmp_path):
    crops = maker.crops(np.random.default_rng(0), 32)
    assert {c.kind for c in crops} == {BACKGROUND, PHOTO, PROFILED}
    assert all(c.image.shape == (SIZE, SIZE, 3) and c.image.dtype == np.uint8 for c in crops)
    write_shard(tmp_path / 'train_000.npz', crops)
    with np.load(tmp_path / 'train_000.npz') as shard:
        assert shard['rotation'].shape == (32, 3, 3)
        assert shard['landmarks'].shape == (32, 468, 3)
    assert [p.name for p in tmp_path.iterdir()] == ['train_000.npz']


def test_landmarks_of_a_photo_s_crop_are_where_face_mesh_sees_them(maker, source, model):
    """The crop's map, its landmarks and its pose agree, whatever roll and size it was cut with."""
    regressor = FaceMeshRegressor(model)
    rng = np.random.default_rng(2)
    errors = []
    for _ in range(6):
        crop = maker._crop_of_photo(cv2.imread(str(PORTRAIT)), source, rng)
        roll = np.arctan2(crop.rotation[0, 1], crop.rotation[1, 1])
        region = Region(crop.centre_px, CROP_SIDE_M * crop.scale_px_per_m, roll)
        clean = _without_noise(source, crop)
        image_from_crop = regressor.preprocess(clean, region)
        seen, _ = regressor.landmarks(regressor.infer(), image_from_crop)
        errors.append(np.linalg.norm(seen[:, :2] - crop.landmarks[:, :2], axis=1).mean())
    assert np.median(errors) < 2.0


def _without_noise(source, crop):
    """Cut the same crop out of the photo by its landmarks alone, without augmentation."""
    before, after = source.landmarks_px[:, :2], crop.landmarks[:, :2]
    # complex numbers: after = turn * before + shift
    x, y = (p[:, 0] + 1j * p[:, 1] for p in (before, after))
    turn = np.vdot(x - x.mean(), y - y.mean()) / np.vdot(x - x.mean(), x - x.mean()).real
    shift = y.mean() - turn * x.mean()
    matrix = np.array([[turn.real, -turn.imag, shift.real], [turn.imag, turn.real, shift.imag]])
    return cv2.warpAffine(cv2.imread(source.path), matrix, (SIZE, SIZE))


def test_rotations_cover_all_yaws_and_are_proper():
    rng = np.random.default_rng(0)
    rotations = np.array([random_rotation(rng) for _ in range(800)])
    np.testing.assert_allclose(np.linalg.det(rotations), 1)
    azimuth = np.degrees(np.arctan2(rotations[:, 0, 2], rotations[:, 2, 2]))
    assert azimuth.max() > 0.85 * LARGEST_YAW_DEG
    assert azimuth.min() < -0.85 * LARGEST_YAW_DEG
    assert (np.abs(azimuth) > 45).mean() > 0.5


def test_photographed_keeps_size_and_type():
    rng = np.random.default_rng(0)
    image = rng.integers(0, 255, (SIZE, SIZE, 3)).astype(np.uint8)
    for _ in range(20):
        made = photographed(image.copy(), rng)
        assert made.shape == image.shape
        assert made.dtype == np.uint8


def test_sources_are_read_as_they_were_written(source, tmp_path):
    photos.save(tmp_path / 'sources.npz', [source])
    again = photos.load(tmp_path / 'sources.npz')[0]
    assert again.number == source.number
    np.testing.assert_allclose(again.parameters.vector(), source.parameters.vector())


def _source(model, number, pitch_deg):
    rotation = rotation_about('x', -pitch_deg) @ rotation_about('y', 5)
    parameters = FaceParameters(
        camera_matrix(800.0, rotation, np.array([90.0, 80.0, 0.0])), np.zeros(40), np.zeros(10))
    landmarks = model.landmarks_468.points_px(parameters)
    return photos.Source(number, 'photo.jpg', parameters, landmarks, 1.0, 0.0)


def test_a_pitch_in_doubt_is_halved_and_the_landmarks_stay(model):
    sources = [_source(model, i, pitch) for i, pitch in enumerate((-8.0, -1.0, 0.0, 2.0, 8.0))]
    drawn = photos.with_doubtful_pitch(sources, trust=0.5)
    pitch_deg = [source.yaw_pitch_deg[1] for source in drawn]
    np.testing.assert_allclose(pitch_deg, (-4.0, -0.5, 0.0, 1.0, 4.0), atol=0.1)
    for before, after in zip(sources, drawn, strict=True):
        assert after.yaw_pitch_deg[0] == pytest.approx(before.yaw_pitch_deg[0], abs=0.6)
        # a part of a millimetre: nobody could tell
        assert after.residual < 0.0006
        np.testing.assert_array_equal(after.landmarks_px, before.landmarks_px)


def test_a_pitch_that_is_trusted_stays(model):
    sources = [_source(model, i, pitch) for i, pitch in enumerate((-8.0, 0.0, 8.0))]
    for before, after in zip(sources, photos.with_doubtful_pitch(sources, trust=1.0), strict=True):
        np.testing.assert_allclose(
            after.parameters.vector(), before.parameters.vector(), rtol=1e-3, atol=0.06)


def test_another_relief_looks_the_same_from_in_front_and_another_from_aside(model):
    relief, sparse = Relief(model), model.landmarks_468
    before = _source(model, 1, 3.0).parameters
    rng = np.random.default_rng(4)
    drawn = [relief.like(before, rng) for _ in range(40)]
    aside = rotation_about('y', 60)

    def moved_mm(rotation):
        across = [((sparse.points(after) - sparse.points(before)) @ rotation.T)[:, :2]
                  for after in drawn]
        return 1e3 * np.linalg.norm(across, axis=2).mean()

    assert moved_mm(before.model_rotation) < 0.6
    assert moved_mm(aside @ before.model_rotation) > 2 * moved_mm(before.model_rotation)
    for after in drawn:
        np.testing.assert_array_equal(after.camera_matrix, before.camera_matrix)
        np.testing.assert_array_equal(after.expression, before.expression)
        assert np.abs(after.shape).max() < 4


def test_noses_are_as_long_as_people_s(model):
    relief, rng = Relief(model), np.random.default_rng(5)
    face = _source(model, 1, 0.0).parameters
    of_photos = [relief.nose_m(relief.like(face, rng).shape) for _ in range(200)]
    of_people = [relief.nose_m(relief.person(rng.standard_normal(40), rng)) for _ in range(200)]
    for noses in (of_photos, of_people):
        assert np.mean(noses) == pytest.approx(NOSE_M, abs=0.0005)
        assert np.std(noses) == pytest.approx(NOSE_SPREAD_M, rel=0.2)


def test_a_regressor_is_measured_on_crops_of_known_truth(model, maker, tmp_path, capsys):
    write_shard(tmp_path / 'train_000.npz', maker.crops(np.random.default_rng(3), 40))
    found = crops.look(load_regressor('network', model), model, tmp_path / 'train_000.npz')
    empty = found.kind == BACKGROUND
    assert found.presence[~empty].mean() > 0.8
    angle = crops.angle_deg(found.rotation, found.true_rotation)
    assert np.median(angle[~empty]) < 15
    nme = crops.nme_percent(found.landmarks, found.true_landmarks)
    assert np.median(nme[~empty]) < 10
    crops.report(found)
    lines = capsys.readouterr().out.splitlines()
    turned = (~empty & (found.kind != PHOTO)).sum()
    assert sum(int(line.split('|')[2]) for line in lines[2:] if line.startswith('|')) == turned


@pytest.mark.parametrize(('arguments', 'complaint'), [
    ([], 'no shards; run model_building.network.generate first'),
    (['--regressor-path', 'none.tflite'], 'none.tflite'),
])
def test_the_evaluation_says_in_one_line_what_it_lacks(tmp_path, capsys, arguments, complaint):
    assert evaluate(['crops', str(tmp_path), *arguments]) == 1
    said = capsys.readouterr().err.splitlines()
    assert len(said) == 1
    assert complaint in said[0]


def test_photos_faces_without_rendered_heads_are_refused(tmp_path, capsys, monkeypatch):
    monkeypatch.setattr(sys, 'argv', [
        'generate', '--sources', 'none.npz', '--output', str(tmp_path / 'crops'),
        '--painted', '1'])
    assert generate.main() == 1
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert '--rendered' in line
    assert not (tmp_path / 'crops').exists()


def test_measures_of_the_evaluation():
    square = np.array([[[0, 0], [10, 0], [10, 40], [0, 40]]], float)
    np.testing.assert_allclose(crops.nme_percent(square + np.array([0, 2]), square), 10)
    turned = np.array([rotation_about('y', 30), rotation_about('x', -20)])
    np.testing.assert_allclose(
        crops.azimuth_and_elevation_deg(turned), [[30, 0], [0, 20]], atol=1e-9)
    np.testing.assert_allclose(
        crops.angle_deg(turned, np.array([np.eye(3)] * 2)), [30, 20], atol=1e-6)


def test_a_graph_cut_off_at_an_inner_tensor_still_runs(tmp_path):
    path = model_file('face_landmark.tflite')
    graph = Graph(path)
    landmarks = int(graph.operators[-1].outputs[0])
    graph.save(tmp_path / 'cut.tflite', {'points': landmarks}, 'test')
    image = np.random.default_rng(0).random((1, 192, 192, 3), np.float32)
    cut = Network(tmp_path / 'cut.tflite').named(image)
    whole = next(o for o in Network(path)(image) if o.size == 1404)
    assert list(cut) == ['points']
    np.testing.assert_allclose(cut['points'].ravel(), whole.ravel(), atol=1e-3)


# ---- the parts that need PyTorch, which make test does not install


@pytest.fixture(scope='module')
def torch():
    return pytest.importorskip('torch', reason='PyTorch is only needed for training')


def test_face_mesh_in_pytorch_is_face_mesh(torch):
    from model_building.network.face_mesh_network import FaceMeshNetwork

    path = model_file('face_landmark.tflite')
    network = FaceMeshNetwork()
    network.load_file(path)
    image = np.random.default_rng(0).random((1, 192, 192, 3), np.float32)
    wanted = {o.size: o.ravel() for o in Network(path)(image)}
    with torch.no_grad():
        _, landmarks, presence = network(torch.from_numpy(image.transpose(0, 3, 1, 2).copy()))
    np.testing.assert_allclose(landmarks.numpy().ravel(), wanted[1404], atol=1e-3)
    np.testing.assert_allclose(presence.numpy().ravel(), wanted[1], atol=1e-3)


def test_training_goes_on_where_it_stopped_and_its_export_is_exact(torch, maker, tmp_path):
    from model_building.network import export, train

    write_shard(tmp_path / 'train_000.npz', maker.crops(np.random.default_rng(0), 16))
    arguments = ['--data', str(tmp_path), '--batch', '6', '--save', '1', '--threads', '1']
    for output, steps in ((['whole'], [4]), (['parts', 'parts'], [2, 4])):
        for name, count in zip(output, steps, strict=True):
            _run(train, [*arguments, '--output', str(tmp_path / name), '--steps', str(count)])
    whole, parts = (
        torch.load(tmp_path / name / 'checkpoint.pt') for name in ('whole', 'parts'))
    assert whole['step'] == parts['step'] == 4
    network = export.load_network(tmp_path / 'whole' / 'weights.pt')
    differences = export.export(network, tmp_path / 'network.tflite')
    assert max(differences.values()) < export.TOLERANCE


def test_the_landmarks_weight_is_the_one_asked_for(torch, maker, tmp_path):
    from model_building.network import train

    write_shard(tmp_path / 'train_000.npz', maker.crops(np.random.default_rng(0), 12))
    weights = []
    for name, landmarks in (('usual', '1'), ('same', '1'), ('more', '10')):
        _run(train, ['--data', str(tmp_path), '--batch', '6', '--steps', '3', '--threads', '1',
                     '--landmarks', landmarks, '--output', str(tmp_path / name)])
        weights.append(torch.load(tmp_path / name / 'weights.pt')['last.weight'])
    usual, same, more = weights
    assert torch.equal(usual, same)
    assert not torch.equal(usual, more)


def test_a_training_starts_from_the_weights_of_a_file(torch):
    """The shipped network can be taught on: what is read back is what the file computes."""
    from model_building.network.export import largest_difference
    from model_building.network.model import FaceReconNetwork

    path = model_file('face_recon.tflite')
    network = FaceReconNetwork.from_file(path).eval()
    image = np.random.default_rng(1).random((1, SIZE, SIZE, 3), np.float32)
    differences = largest_difference(path, network, FaceModel(), image)
    assert max(differences.values()) < 2e-3


def test_a_file_without_the_head_is_no_start(torch):
    from model_building.network.model import FaceReconNetwork

    with pytest.raises(ValueError, match='not a file of'):
        FaceReconNetwork.from_file(model_file('face_landmark.tflite'))


def test_yaws_are_turned_back_in_front_and_pitch_and_roll_kept(torch):
    from model_building.network.model import with_less_yaw

    yaws = np.array([-90.0, -45.0, -10.0, 0.0, 10.0, 45.0, 90.0])
    heads = np.stack([
        rotation_about('y', yaw) @ rotation_about('x', 20) @ rotation_about('z', 5)
        for yaw in yaws])
    found = with_less_yaw(torch.from_numpy(heads), 0.1).numpy()
    less = np.degrees(0.1 * np.sin(2 * np.radians(yaws)) / 2)
    wanted = np.stack([
        rotation_about('y', yaw) @ rotation_about('x', 20) @ rotation_about('z', 5)
        for yaw in yaws - less])
    np.testing.assert_allclose(found, wanted, atol=1e-4)
    level = with_less_yaw(torch.from_numpy(rotation_about('x', 90)[None]), 0.1)
    assert torch.isfinite(level).all()


def test_a_file_says_how_much_yaw_it_takes_back(torch, tmp_path):
    from model_building.network.export import export, largest_difference
    from model_building.network.model import FaceReconNetwork

    network = FaceReconNetwork.from_file(model_file('face_recon.tflite')).eval()
    network.yaw_excess = 0.25
    path = tmp_path / 'network.tflite'
    assert max(export(network, path).values()) < 2e-3
    again = FaceReconNetwork.from_file(path).eval()
    assert again.yaw_excess == 0.25
    image = np.full((1, SIZE, SIZE, 3), 0.5, np.float32)
    assert largest_difference(path, again, FaceModel(), image)['rotation'] < 1e-4


@pytest.mark.parametrize('excess', ['nan', 'inf', '1', '-3'])
def test_an_excess_of_yaw_that_turns_no_head_is_refused(torch, monkeypatch, capsys, excess):
    from model_building.network import export

    words = ['export', '--weights', str(model_file('face_recon.tflite')), f'--yaw-excess={excess}']
    monkeypatch.setattr(sys, 'argv', words)
    with pytest.raises(SystemExit) as ended:
        export.main()
    assert ended.value.code == 2
    assert 'want a number between -1 and 1' in capsys.readouterr().err.splitlines()[-1]


def test_noise_is_new_at_each_step_and_the_same_for_the_same_seed(torch):
    from model_building.network.dataset import LARGEST_NOISE, noisy

    image = torch.full((40, 3, 16, 16), 0.5)
    first, again, later = (noisy(image, 3, step) for step in (7, 7, 8))
    assert torch.equal(first, again)
    assert not torch.equal(first, later)
    spread = (first - 0.5).flatten(1).std(1)
    assert 8 < int((spread > 0).sum()) < 32
    assert spread.max() < 1.2 * LARGEST_NOISE


@pytest.mark.parametrize(('name', 'reason'), [
    ('nowhere.tflite', 'No such file'), ('nowhere.pt', 'No such file'),
    (model_file('face_landmark.tflite'), 'not a file of'),
])
def test_weights_that_cannot_be_read_are_said_in_one_line(
        torch, maker, tmp_path, capsys, monkeypatch, name, reason):
    from model_building.network import export, train

    write_shard(tmp_path / 'train_000.npz', maker.crops(np.random.default_rng(0), 8))
    output = tmp_path / 'out.tflite'
    for module, arguments in (
        (export, ['--weights', str(name), '--output', str(output)]),
        (train, ['--data', str(tmp_path), '--output', str(tmp_path), '--start', str(name)]),
    ):
        monkeypatch.setattr(sys, 'argv', ['command', *arguments])
        assert module.main() == 1
        (line,) = capsys.readouterr().err.strip().splitlines()
        assert reason in line
        assert Path(name).name in line
    assert not output.exists()


def test_weights_of_several_runs_are_averaged(torch, tmp_path):
    from model_building.network.export import load_network, read_weights

    shipped = model_file('face_recon.tflite')
    state = read_weights(shipped)
    torch.save({name: value + 1 for name, value in state.items()}, tmp_path / 'weights.pt')
    average = load_network(shipped, tmp_path / 'weights.pt').state_dict()
    for name, value in state.items():
        torch.testing.assert_close(average[name], value + 0.5)


def test_turned_and_level_heads_are_drawn_as_often_as_asked(torch):
    from model_building.network.dataset import Emphasis

    ahead, aside, profile = (rotation_about('y', yaw) for yaw in (10, 60, -85))
    up = rotation_about('x', -30)
    weights = Emphasis(turned=2, profiles=5, level=3).weights(
        np.stack([ahead, aside, profile, up @ ahead]))
    np.testing.assert_allclose(weights, [4, 8, 20, 1], rtol=0.01)


def _run(module, arguments):
    argv, sys.argv = sys.argv, ['command', *arguments]
    try:
        assert module.main() == 0
    finally:
        sys.argv = argv


def test_mirrored_batches_have_mirrored_truth(torch, maker, model, tmp_path):
    from model_building.network.dataset import CropSet

    crops = [c for c in maker.crops(np.random.default_rng(0), 24) if c.kind == PROFILED]
    write_shard(tmp_path / 'train_000.npz', crops)
    data = CropSet([tmp_path / 'train_000.npz'], model)
    everything = np.arange(len(crops))
    for flip in (False, True):
        batch = data.batch(everything, np.full(len(crops), flip), torch.device('cpu'))
        for i in everything:
            view = View(batch.rotation[i].numpy().astype(float), float(batch.scale_px_per_m[i]),
                        batch.centre_px[i].numpy().astype(float), SIZE)
            shown = model.landmarks_468.points_px(
                view.parameters(batch.coefficients[i].numpy().astype(float)))
            np.testing.assert_allclose(
                shown[:, :2], batch.landmarks[i, :, :2].numpy(), atol=0.05)


def test_losses_are_zero_for_the_truth_and_grow_with_the_angle(torch, model):
    from model_building.network.losses import Losses, Weights, geodesic_rad
    from model_building.network.model import rotation_from_6d

    angles = torch.tensor([0.0, 0.1, 1.0, 3.0])
    a = torch.eye(3).repeat(4, 1, 1)
    b = torch.stack([
        torch.tensor(rotation_about('y', float(np.degrees(v.item())))).float() for v in angles])
    assert geodesic_rad(a, b).numpy() == pytest.approx(angles.numpy(), abs=2e-3)
    six = torch.randn(5, 6)
    rotation = rotation_from_6d(six)
    assert torch.allclose(rotation @ rotation.transpose(1, 2), torch.eye(3), atol=1e-5)
    losses = Losses(model, Weights())
    points = losses.vertices_px(
        losses.vertices_m(torch.zeros(1, 50)), torch.eye(3)[None], torch.tensor([800.0]),
        torch.tensor([[95.5, 95.5]]))
    view = View(np.eye(3), 800.0, np.full(2, 95.5), SIZE)
    wanted = model.landmarks_468.points_px(view.parameters(np.zeros(50)))
    np.testing.assert_allclose(points[0, :468].numpy(), wanted, atol=0.01)


def test_a_crop_cut_anew_has_the_truth_of_what_it_shows(torch, maker, model):
    from model_building.network.dataset import jittered

    crops = [c for c in maker.crops(np.random.default_rng(0), 16) if c.kind == PROFILED]
    dot = np.zeros((SIZE, SIZE, 3), np.uint8)
    names = ('rotation', 'scale_px_per_m', 'centre_px', 'coefficients', 'landmarks')
    arrays = {name: np.stack([np.asarray(getattr(c, name), np.float32) for c in crops])
              for name in names}
    arrays['image'] = np.stack([dot] * len(crops))
    for image, landmarks in zip(arrays['image'], arrays['landmarks'], strict=True):
        x, y = landmarks[1, :2].round().astype(int)
        cv2.circle(image, (int(x), int(y)), 4, (255, 255, 255), -1)
        landmarks[1, :2] = x, y
    cut = jittered(arrays, np.random.default_rng(1))
    assert np.abs(cut['landmarks'] - arrays['landmarks']).max() > 2
    for i in range(len(crops)):
        view = View(cut['rotation'][i].astype(float), float(cut['scale_px_per_m'][i]),
                    cut['centre_px'][i].astype(float), SIZE)
        shown = model.landmarks_468.points_px(
            view.parameters(cut['coefficients'][i].astype(float)))
        np.testing.assert_allclose(shown[2:, :2], cut['landmarks'][i, 2:, :2], atol=0.05)
        bright = np.argwhere(cut['image'][i].max(axis=2) > 128)
        if len(bright) > 40:  # else it left the crop
            np.testing.assert_allclose(
                bright.mean(axis=0)[::-1], cut['landmarks'][i, 1, :2], atol=0.6)


def test_exchanged_surroundings_leave_the_face_and_what_is_true_of_it(torch, maker):
    from model_building.network.dataset import exchanged

    crops = [c for c in maker.crops(np.random.default_rng(0), 24)
             if c.kind == PROFILED and np.ptp(c.landmarks[:, 0]) > 60]
    assert len(crops) > 4
    names = ('image', 'kind', 'rotation', 'landmarks')
    arrays = {name: np.stack([np.asarray(getattr(c, name)) for c in crops]) for name in names}
    for value, image in enumerate(arrays['image']):
        image[:] = 20 + 10 * value
    arrays['kind'][0] = BACKGROUND
    before = {name: values.copy() for name, values in arrays.items()}
    shown = exchanged(arrays, np.random.default_rng(1), 1.0)
    for name in names:
        np.testing.assert_array_equal(arrays[name], before[name])
        if name != 'image':
            np.testing.assert_array_equal(shown[name], before[name])
    np.testing.assert_array_equal(shown['image'][0], before['image'][0])
    changed = 0
    for i in range(1, len(crops)):
        x, y = before['landmarks'][i, :, :2].mean(axis=0).round().astype(int)
        middle = shown['image'][i, y, x].astype(int)
        assert np.abs(middle - (20 + 10 * i)).max() <= 1
        corners = shown['image'][i][[0, 0, -1, -1], [0, -1, 0, -1]].astype(int)
        changed += np.abs(corners - (20 + 10 * i)).max() > 5
    assert changed > len(crops) / 2
    unchanged = exchanged(arrays, np.random.default_rng(1), 0.0)
    np.testing.assert_array_equal(unchanged['image'], before['image'])


def test_the_validation_s_figures_are_those_of_what_is_found(torch):
    from model_building.network.validation import _figures

    rng = np.random.default_rng(0)
    true = np.column_stack([rng.uniform(-90, 90, 600), rng.uniform(-40, 40, 600)])
    error = rng.uniform(1, 20, 600)
    figures = _figures(error, error / 10, true, true * [0.9, 0.5], error**2)
    assert figures['yaw_slope'] == pytest.approx(0.9, abs=0.01)
    assert figures['pitch_slope_30'] == pytest.approx(0.5, abs=0.01)
    assert figures['sigma'] == pytest.approx(1.0)
    turned = np.abs(true[:, 0]) >= 60
    assert figures['error_60'] == pytest.approx(error[turned].mean(), abs=1e-3)
    assert figures['landmarks_60'] == pytest.approx(error[turned].mean() / 10, abs=1e-3)


def test_crops_shown_upside_down_are_said_to_be_no_face(torch, maker, tmp_path, model):
    from model_building.network.dataset import CropSet

    crops = [c for c in maker.crops(np.random.default_rng(0), 16) if c.kind == PROFILED]
    write_shard(tmp_path / 'train_000.npz', crops)
    for share in (0.0, 1.0):
        data = CropSet([tmp_path / 'train_000.npz'], model, upside_down=share)
        batch = next(data.epochs(4, 0, 0, torch.device('cpu')))
        assert set(batch.is_face.tolist()) == {1 - share}
        up = batch.rotation[:, 1, 1]
        assert ((up < 0) == bool(share)).float().mean() > 0.9


def test_with_the_presence_alone_in_training_all_else_stays(torch, maker, tmp_path):
    from model_building.network import train

    write_shard(tmp_path / 'train_000.npz', maker.crops(np.random.default_rng(0), 12))
    usual = ['--data', str(tmp_path), '--batch', '6', '--steps', '2', '--threads', '1']
    before = tmp_path / 'before'
    _run(train, [*usual, '--output', str(before)])
    _run(train, [*usual, '--output', str(tmp_path / 'after'), '--presence-only',
                 '--start', str(before / 'weights.pt')])
    first, second = (torch.load(tmp_path / name / 'weights.pt') for name in ('before', 'after'))
    changed = {name for name in first if not torch.equal(first[name], second[name])}
    assert changed
    assert all(name.startswith('face_mesh.presence.') for name in changed)
