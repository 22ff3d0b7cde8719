# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the network is taught of faces that the image cuts or that something covers."""

import numpy as np
import pytest

from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.paths import model_file
from face_recon_ros.rotations import mirrored_rotation
from model_building.network import partial_views
from model_building.network.augmentation import SIZE
from model_building.network.generate import PROFILED, Crop, write_shard
from model_building.network.partial_views import PartialViews, cut_off
from model_building.network.subject import View

NOSE_TIP, CHIN, FOREHEAD, EYES = 1, 152, 10, (159, 386)


@pytest.fixture(scope='module')
def torch():
    return pytest.importorskip('torch', reason='PyTorch is only needed for training')


@pytest.fixture(scope='module')
def model():
    return FaceModel()


@pytest.fixture(scope='module')
def landmarks_px(model):
    view = View(np.eye(3), 800.0, np.full(2, (SIZE - 1) / 2), SIZE)
    return model.landmarks_468.points_px(view.parameters(np.zeros(50)))


def grey(value=128):
    return np.full((SIZE, SIZE, 3), value, np.uint8)


def changed(image, before):
    return np.abs(image.astype(int) - before.astype(int)).max(axis=-1) > 3


def test_what_is_cut_off_is_gone_and_the_rest_stays():
    # the value says where a pixel was
    image = grey()
    image[..., 0] = np.arange(SIZE)
    image[..., 1] = np.arange(SIZE)[:, None]
    least = partial_views.LEAST_CUT * SIZE
    for seed in range(40):
        seen = cut_off(image, np.random.default_rng(seed))
        if np.array_equal(seen, image):  # too little would be left
            continue
        kept = ~changed(seen, image)
        assert 0.3 * partial_views.LEAST_LEFT < kept.mean() < 0.97
        # nothing shows that was nearer to a side than the image's end
        assert changed(seen, image).sum(axis=0).max() > 0.9 * least or (
            changed(seen, image).sum(axis=1).max() > 0.9 * least)
        assert seen[..., :2].max() <= SIZE - 1


def test_nothing_is_cut_off_a_crop_of_which_too_little_would_be_left(monkeypatch):
    monkeypatch.setattr(partial_views, 'LEAST_LEFT', 2.0)
    image = np.random.default_rng(0).integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8)
    for seed in range(10):
        np.testing.assert_array_equal(cut_off(image, np.random.default_rng(seed)), image)


def covered(landmarks_px, model, seed, images=None, edges=0.0):
    images = np.stack([grey()]) if images is None else images
    view = PartialViews(0.0, 1.0, model.landmarks_468.mean, edges)
    return view(images, np.stack([landmarks_px[:, :2]] * len(images)), np.random.default_rng(seed))


def at(mask, landmarks_px, index):
    x, y = landmarks_px[index, :2].round().astype(int)
    return mask[y, x]


def test_a_mask_is_over_the_mouth_and_not_over_the_eyes(monkeypatch, model, landmarks_px):
    monkeypatch.setattr(partial_views, 'MASK_SHARE', 1.0)
    for seed in range(20):
        mask = changed(covered(landmarks_px, model, seed)[0], grey())
        around_chin = landmarks_px[CHIN, :2].round().astype(int) - [0, 8]
        if mask.any():  # else it is as grey as the picture
            assert mask[around_chin[1], around_chin[0]]
        assert not any(at(mask, landmarks_px, eye) for eye in EYES)


def test_a_cap_is_over_the_forehead_and_not_over_the_nose(monkeypatch, model, landmarks_px):
    monkeypatch.setattr(partial_views, 'MASK_SHARE', 0.0)
    monkeypatch.setattr(partial_views, 'CAP_SHARE', 1.0)
    seen = [changed(covered(landmarks_px, model, seed)[0], grey()) for seed in range(20)]
    x, y = landmarks_px[FOREHEAD, :2].round().astype(int)
    assert np.mean([mask[y - 2, x] for mask in seen]) > 0.8
    assert not any(at(mask, landmarks_px, NOSE_TIP) for mask in seen)


def test_things_are_in_front_of_some_of_the_face(monkeypatch, model, landmarks_px):
    monkeypatch.setattr(partial_views, 'MASK_SHARE', 0.0)
    monkeypatch.setattr(partial_views, 'CAP_SHARE', 0.0)
    # the texture is that of the other image, or cloth
    images = np.stack([grey(), grey(20)])
    for seed in range(20):
        mask = changed(covered(landmarks_px, model, seed, images)[0], grey())
        assert mask.mean() < 0.4
        rows, columns = np.nonzero(mask)
        if len(rows):
            apart = np.hypot(landmarks_px[:, 0, None] - columns, landmarks_px[:, 1, None] - rows)
            assert apart.min() < 3


@pytest.mark.parametrize('upright', [1.0, 0.0])
def test_all_beyond_an_edge_is_hidden_and_the_rest_of_the_face_shows(
        monkeypatch, model, landmarks_px, upright):
    monkeypatch.setattr(partial_views, 'UPRIGHT_SHARE', upright)
    # of black and white dots no cloth is
    dots = np.random.default_rng(1).choice([0, 255], (SIZE, SIZE, 1)).astype(np.uint8)
    image = np.repeat(dots, 3, axis=2)
    hidden_parts, first_and_last = [], []
    for seed in range(40):
        seen = covered(landmarks_px, model, seed, np.stack([image, grey()]), edges=1.0)
        mask = changed(seen[0], image)
        x, y = np.clip(landmarks_px[:, :2].round().astype(int), 0, SIZE - 1).T
        hidden_parts.append(mask[y, x].mean())
        # of the four sides of the crop one is hidden, the one across from it is not
        sides = mask[:, :3].mean(), mask[:, -3:].mean(), mask[:3].mean(), mask[-3:].mean()
        across = sides[:2] if upright else sides[2:]
        assert max(across) > 0.6
        assert min(across) < 0.2
        first_and_last.append(across[0] > across[1])
    assert min(hidden_parts) < 0.3
    assert 0.5 < max(hidden_parts) < 0.85
    assert 0.2 < np.mean(first_and_last) < 0.8


def test_shares_say_how_many_crops_are_seen_in_part(model, landmarks_px):
    rng = np.random.default_rng(0)
    images = rng.integers(0, 256, (60, SIZE, SIZE, 3)).astype(np.uint8)
    landmarks = np.stack([landmarks_px[:, :2]] * len(images))
    before = images.copy()

    def seen(cut, covered):
        view = PartialViews(cut, covered, model.landmarks_468.mean)
        found = view(images, landmarks, np.random.default_rng(3))
        np.testing.assert_array_equal(images, before)
        return np.array([not np.array_equal(a, b) for a, b in zip(found, images, strict=True)])

    assert not seen(0, 0).any()
    assert seen(0, 1).all()
    assert seen(1, 0).mean() > 0.8  # of few too little would be left
    assert 0.3 < seen(0.5, 0.2).mean() < 0.8


# --- with PyTorch ------------------------------------------------------------------


@pytest.fixture(scope='module')
def shard(tmp_path_factory, model, landmarks_px):
    rng = np.random.default_rng(1)
    folder = tmp_path_factory.mktemp('crops')
    landmarks = landmarks_px.astype(np.float32)
    crops = [
        Crop(image=rng.integers(0, 256, (SIZE, SIZE, 3)).astype(np.uint8), kind=PROFILED,
             rotation=np.eye(3, dtype=np.float32), scale_px_per_m=800.0,
             centre_px=np.full(2, 95.5, np.float32), coefficients=np.zeros(50, np.float32),
             landmarks=landmarks)
        for _ in range(8)
    ]
    write_shard(folder / 'train_000.npz', crops)
    return folder / 'train_000.npz'


def test_a_teacher_sees_whole_what_is_shown_in_part(torch, model, shard):
    from model_building.network.dataset import CropSet

    def first(**options):
        data = CropSet([shard], model, **options)
        return next(data.epochs(6, 2, 0, torch.device('cpu')))

    plain, cut = first(), first(cut=1.0)
    assert plain.whole is None
    torch.testing.assert_close(cut.whole, plain.image)
    parts = (cut.image - cut.whole).abs().amax(dim=(1, 2, 3))
    assert (parts > 0.1).float().mean() > 0.6
    torch.testing.assert_close(cut.rotation, plain.rotation)


def shipped_network(torch):
    from model_building.network.export import read_weights
    from model_building.network.model import FaceReconNetwork

    network = FaceReconNetwork(torch.zeros(50), torch.ones(50))
    network.load_state_dict(read_weights(model_file('face_recon.tflite')))
    return network


def test_a_teacher_says_of_a_mirror_image_the_mirror_image(torch, model):
    from model_building.network.model import SLICES
    from model_building.network.teacher import Teacher

    network = shipped_network(torch)
    teacher = Teacher(network, model, in_mirror=True)
    image = torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    taught, decoded = teacher(image)
    other, decoded_other = teacher(image.flip(-1))
    for a, b in zip(teacher.back(other), taught, strict=True):
        torch.testing.assert_close(a, b, atol=1e-3, rtol=1e-4)
    # and the package's own: rotations, places, coefficients, landmarks
    signs = np.array([-1.0, 1, 1])
    np.testing.assert_allclose(
        decoded_other.rotation, mirrored_rotation(decoded.rotation.numpy()), atol=1e-4)
    np.testing.assert_allclose(
        decoded_other.matrix, signs[:, None] * decoded.matrix.numpy() * signs, atol=1e-4)
    np.testing.assert_allclose(
        decoded_other.centre_px, [SIZE - 1, 0] + decoded.centre_px.numpy() * [-1, 1], atol=1e-3)
    np.testing.assert_allclose(
        decoded_other.coefficients,
        model.coefficient_mirror_signs() * decoded.coefficients.numpy(), atol=1e-3)
    back = other[1][:, torch.from_numpy(model.landmarks_468_mirror.astype(np.int64))].numpy()
    back = back * signs + [SIZE - 1, 0, 0]
    np.testing.assert_allclose(back, taught[1], atol=1e-2)
    # it is not that the network says so itself, nor a teacher without the mirror
    plain = Teacher(network, model, in_mirror=False)(image.flip(-1))[0][0]
    assert (plain - other[0])[:, SLICES['rotation']].abs().max() > 0.01


def test_answers_like_the_teacher_s_leave_its_own_error(torch, model):
    from model_building.network.losses import Losses, Weights

    network = shipped_network(torch)
    losses = Losses(model, Weights())
    image = torch.rand(2, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        taught = network(image)
        sure = (taught[0], taught[1], torch.full((2, 1), 9.0))
        told = network.decode(sure[0])
        _, same = losses.to_teacher(sure, told, sure, told)
        other = (taught[0] + 0.3, taught[1] + 5.0, sure[2])
        total, off = losses.to_teacher(other, network.decode(other[0]), sure, told)
    for name in ('agreement', 'place', 'coefficients', 'landmarks'):
        assert same[name] == pytest.approx(0, abs=1e-6)
        assert off[name] > 1e-3
    assert same['rotation'] < 1e-3 < off['rotation']
    # the likelihood of its own sigma, were that its error
    assert same['uncertainty'] == pytest.approx(float((told.log_sigma + 1).mean()), abs=0.05)
    assert float(total) == pytest.approx(
        sum(getattr(Weights(), name) * value for name, value in off.items()), rel=1e-5)
    # where it finds no face there is nothing to learn but that
    none = (taught[0], taught[1], torch.full((2, 1), -9.0))
    with torch.no_grad():
        _, nothing = losses.to_teacher(other, network.decode(other[0]), none, told)
    assert {name for name, value in nothing.items() if value} == {'presence'}


def test_training_follows_a_teacher(torch, shard, tmp_path, monkeypatch):
    from model_building.network import train

    shipped = str(model_file('face_recon.tflite'))
    monkeypatch.setattr('sys.argv', [
        'train', '--data', str(shard.parent), '--output', str(tmp_path), '--batch', '4',
        '--steps', '2', '--threads', '1', '--start', shipped, '--teacher', shipped,
        '--cut', '0.5', '--covered', '0.5', '--edges', '0.5', '--teacher-in-mirror'])
    assert train.main() == 0
    assert (tmp_path / 'weights.pt').exists()
