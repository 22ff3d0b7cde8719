# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""How models/far_faces.tflite is made: scenes with known faces, what is wanted of the network."""

import sys

import cv2
import numpy as np
import pytest

from face_recon_ros.paths import model_file
from face_recon_ros.tflite import Network
from model_building.far_faces import backgrounds
from model_building.far_faces.scenes import Person, SceneMaker, read_backgrounds, read_people

WHITE, GREEN = (255, 255, 255), (0, 160, 0)


def person():
    """A green photo with a white square for a face."""
    image = np.full((120, 100, 3), GREEN, np.uint8)
    image[30:70, 30:70] = WHITE
    return Person(image, np.array([29.5, 29.5, 69.5, 69.5]))


@pytest.fixture
def maker():
    return SceneMaker(
        [person()], [np.full((300, 400, 3), 60, np.uint8)], np.random.default_rng(7))


def test_faces_are_where_the_scene_says(maker):
    bright, sizes = [], []
    for _ in range(60):
        scene = maker()
        assert scene.image.shape == (192, 192, 3)
        assert scene.image.dtype == np.uint8
        assert scene.faces.shape == (len(scene.faces), 3)
        grey = scene.image.min(axis=2).astype(float)
        for x, y, width in scene.faces:
            assert 9 <= width <= 48
            assert 0 <= min(x, y) <= max(x, y) < 192
            sizes.append(width)
            inside = grey[max(round(y) - 2, 0) : round(y) + 3, max(round(x) - 2, 0) : round(x) + 3]
            bright.append(np.median(inside) > np.median(grey))
    assert len(bright) > 50
    assert np.mean(bright) > 0.9
    assert min(sizes) < 14
    assert max(sizes) > 35


def test_some_scenes_have_no_face(maker):
    counts = [len(maker().faces) for _ in range(60)]
    assert min(counts) == 0
    assert max(counts) >= 3


def test_the_same_seed_makes_the_same_scenes():
    scenery = [np.full((300, 400, 3), 60, np.uint8)]
    one, other = (
        SceneMaker([person()], scenery, np.random.default_rng(3)) for _ in range(2))
    for _ in range(5):
        first, second = one(), other()
        np.testing.assert_array_equal(first.image, second.image)
        np.testing.assert_array_equal(first.faces, second.faces)


def test_photos_are_kept_where_one_face_is_found(tmp_path, portrait):
    cv2.imwrite(str(tmp_path / 'a.png'), portrait)
    cv2.imwrite(str(tmp_path / 'b.png'), np.hstack([portrait[:, 80:400]] * 2))
    cv2.imwrite(str(tmp_path / 'c.png'), np.full((200, 200, 3), 90, np.uint8))
    (tmp_path / 'd.png').write_bytes(b'no picture')
    (found,) = read_people([tmp_path], slice(None))
    width = found.box[2] - found.box[0]
    assert 70 < width <= 97
    assert len(read_backgrounds(tmp_path, slice(None))) == 3


def test_backgrounds_are_gathered(tmp_path, capsys, monkeypatch):
    folder, output = tmp_path / 'in', tmp_path / 'out'
    nature = folder / 'mate-backgrounds' / 'usr' / 'nature'
    nature.mkdir(parents=True)
    noise = np.random.default_rng(0).integers(0, 255, (900, 2000, 3), np.uint8)
    cv2.imwrite(str(nature / 'a.png'), noise)
    cv2.imwrite(str(nature / 'flat.png'), np.full((900, 2000, 3), 90, np.uint8))
    cv2.imwrite(str(nature / 'small.png'), noise[:100, :100])
    monkeypatch.setattr(sys, 'argv', ['backgrounds', str(folder), str(output)])
    assert backgrounds.main() == 0
    (found,) = output.iterdir()
    assert cv2.imread(str(found)).shape == (720, 1600, 3)
    monkeypatch.setattr(sys, 'argv', ['backgrounds', str(tmp_path / 'none'), str(output)])
    assert backgrounds.main() == 1
    assert 'no pictures; see --help' in capsys.readouterr().err


def test_the_shipped_network_proposes_nothing_in_an_empty_picture():
    network = Network(model_file('far_faces.tflite'))
    (output,) = network(np.zeros((1, 288, 384, 3), np.float32))
    assert output.shape == (1, 36, 48, 4)
    assert output[..., 0].max() < -2


class TestNetwork:
    """What needs PyTorch."""

    @pytest.fixture(autouse=True)
    def _torch(self):
        pytest.importorskip('torch')

    def test_what_is_wanted_of_a_face(self):
        from model_building.far_faces.model import targets

        heat, values = targets(np.array([[43.5, 29.5, 20.0]]), 192)
        assert heat.shape == (24, 24)
        assert np.argwhere(heat == 1).tolist() == [[3, 5]]
        # the middle of cell (3, 5) is at pixel (43.5, 27.5)
        np.testing.assert_allclose(values[:, 3, 5], [0, 0.25, 0, 1])
        assert values[3, 10, 10] == heat[20, 20].round(6) == 0

    def test_the_right_answer_costs_least(self):
        from model_building.far_faces.model import loss, targets

        heat, values = targets(np.array([[43.5, 29.5, 20.0]]), 192)
        heat, values = torch_of(heat[None]), torch_of(values[None])
        right = values.clone()
        right[:, 0] = torch_of(np.where(heat == 1, 9.0, -9.0).astype(np.float32))
        right[:, 1:] = values[:, :3]
        wrong = right.clone()
        wrong[:, 0] = -9
        beside = right.clone()
        beside[:, 1] += 1
        costs = [float(loss(o, heat, values)) for o in (right, wrong, beside)]
        assert costs[0] < 0.2
        assert costs[0] < costs[2] < costs[1]

    def test_a_file_says_what_the_network_says(self, tmp_path):
        import torch

        from model_building.far_faces.export import build, largest_difference
        from model_building.far_faces.model import FarFaceNetwork

        torch.manual_seed(0)
        network = FarFaceNetwork().eval()
        torch.nn.init.normal_(network.last.weight, 0, 0.3)
        graph, output = build(network)
        graph.save(tmp_path / 'net.tflite', {'proposals': output}, 'test')
        assert largest_difference(tmp_path / 'net.tflite', network) < 1e-3


def torch_of(array):
    import torch

    return torch.from_numpy(np.asarray(array))
