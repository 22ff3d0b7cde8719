# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The network file that ships, and files of the 3DDFA family."""

import importlib.util
from pathlib import Path

import flatbuffers
import numpy as np
import pytest
from ai_edge_litert import schema_py_generated as schema

from face_recon_ros import tflite
from face_recon_ros.detection.loader import load_detector
from face_recon_ros.errors import ModelFileError
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.io.image_files import read_image
from face_recon_ros.paths import model_file
from face_recon_ros.pose import face_rotation
from face_recon_ros.regression.loader import load_regressor
from face_recon_ros.regression.network import NetworkRegressor
from face_recon_ros.regression.own_network import NETWORK_FILE
from face_recon_ros.regression.region import CROP_CENTRE_M, CROP_SIDE_M, Region
from face_recon_ros.rotations import EulerAngles

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope='module')
def model():
    return FaceModel()


@pytest.fixture(scope='module')
def network():
    return tflite.Network(model_file(NETWORK_FILE))


def _outputs(network):
    image = np.random.default_rng(1).random(network.input_shape, np.float32)
    return network.named(image)


def test_outputs_have_the_promised_shapes(network):
    shapes = {name: value.shape for name, value in _outputs(network).items()}
    assert shapes == {
        'camera': (1, 3, 4), 'params': (1, 62), 'landmarks': (1, 68, 3), 'rotation': (1, 3, 3),
        'uncertainty': (1, 1), 'presence': (1, 1), 'landmarks_468': (1, 468, 3),
    }
    assert network.path.stat().st_size <= 4e6


def test_rotation_is_one_and_the_camera_follows_it(network):
    outputs = _outputs(network)
    rotation, camera = outputs['rotation'][0], outputs['camera'][0]
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-5)
    assert np.linalg.det(rotation) == pytest.approx(1, abs=1e-5)
    parameters = FaceParameters(camera.astype(float), np.zeros(40), np.zeros(10))
    np.testing.assert_allclose(parameters.model_rotation, rotation, atol=1e-5)
    np.testing.assert_array_equal(outputs['params'][0, :12], camera.ravel())


def test_landmarks_are_those_of_the_parameters(network, model):
    outputs = _outputs(network)
    numbers = outputs['params'][0].astype(float)
    parameters = FaceParameters(numbers[:12].reshape(3, 4), numbers[12:52], numbers[52:])
    np.testing.assert_allclose(
        model.landmarks_68_px(parameters), outputs['landmarks'][0], atol=1e-2)


def test_parameters_come_back_to_the_image(model):
    """A crop turned and zoomed elsewhere in the image gives the same face there."""
    regressor = load_regressor('network', model)
    image = _portrait()
    first = regressor(image, _region_of_the_portrait())
    turned = Region(first.region.centre, 1.1 * first.region.side_px, first.region.roll_rad + 0.15)
    second = regressor(image, turned)
    assert first.presence > 0.9
    assert second.presence > 0.9
    a, b = (model.landmarks_68_px(r.parameters)[:, :2] for r in (first, second))
    assert np.linalg.norm(a - b, axis=1).mean() < 0.025 * first.region.side_px
    angle = np.trace(face_rotation(first.parameters).T @ face_rotation(second.parameters))
    assert np.degrees(np.arccos(min(1, (angle - 1) / 2))) < 6


def test_the_mirror_image_gives_the_mirrored_face(model):
    """Looked at in both mirrors, a face and its mirror image are found alike."""
    regressor = load_regressor('network', model)
    image, region = _portrait(), _region_of_the_portrait()
    flipped = np.ascontiguousarray(image[:, ::-1])
    width = image.shape[1]
    centre = np.array([width - 1 - region.centre[0], region.centre[1]])
    other_region = Region(centre, region.side_px, -region.roll_rad)
    apart = {}
    for name in ('__call__', 'flip_augmented'):
        look = getattr(regressor, name)
        found, other = look(image, region), look(flipped, other_region)
        signs = np.array([-1.0, 1.0, 1.0])
        back = other.parameters.model_rotation * signs[:, None] * signs
        cosine = (np.trace(found.parameters.model_rotation.T @ back) - 1) / 2
        apart[name] = np.degrees(np.arccos(min(1, cosine)))
        back_px = other.box[[2, 1, 0, 3]] * [-1, 1, -1, 1] + [width - 1, 0, width - 1, 0]
        assert np.abs(found.box - back_px).max() < 3
        assert found.presence > 0.9
    # two resamplings of one picture differ a little
    assert apart['flip_augmented'] < 0.3 * apart['__call__']
    assert apart['flip_augmented'] < 0.2


def test_a_blurred_crop_jitters_less_with_the_sensor_s_noise(model):
    """As a stream's crops are; the pose stays the sharp crop's."""
    regressor = load_regressor('network', model)
    region = regressor(_portrait(), _region_of_the_portrait()).region
    random = np.random.default_rng(2)
    noise = random.normal(0, 8, (16, *_portrait().shape))
    noisy = np.clip(_portrait() + noise, 0, 255).astype(np.uint8)

    def rotations(denoise):
        for image in noisy:
            image_from_crop = regressor.preprocess(image, region, denoise)
            found = regressor.postprocess(regressor.infer(), image_from_crop)
            yield found.parameters.model_rotation

    sharp, soft = (np.array(list(rotations(denoise))) for denoise in (False, True))
    called = np.array([
        regressor(i, region, denoise=True).parameters.model_rotation for i in noisy])
    np.testing.assert_allclose(called, soft, atol=1e-6)
    spread = [np.linalg.norm(r - r.mean(axis=0), axis=(1, 2)).mean() for r in (sharp, soft)]
    assert spread[1] < 0.9 * spread[0]
    assert np.linalg.norm(sharp.mean(axis=0) - soft.mean(axis=0)) < 0.05


def test_a_face_that_has_left_the_image_is_not_there(model):
    regressor = load_regressor('network', model)
    image, region = _portrait(), _region_of_the_portrait()
    box = regressor(image, region).box
    for part, there in ((0.95, True), (0.4, False)):
        right = round(box[0] + part * (box[2] - box[0]))
        assert (regressor(image[:, :right].copy(), region).presence > 0.5) == there


def test_a_wall_is_no_face(model):
    regressor = load_regressor('network', model)
    wall = np.full((240, 320, 3), (140, 160, 170), np.uint8)
    assert regressor(wall, Region(np.array([160.0, 120.0]), 150.0, 0.0)).presence < 0.5


def _portrait():
    return read_image(ROOT / 'samples' / 'astronaut.png')


def _region_of_the_portrait():
    detections = load_detector('both', 0.5, 1)(_portrait())
    return Region.from_detection(detections[0])


def test_region_of_parameters_is_centred_on_the_head(model):
    rotation = np.eye(3)
    matrix = camera_matrix(500.0, rotation, np.array([320.0, 200.0, 0.0]))
    parameters = FaceParameters(matrix, np.zeros(40), np.zeros(10))
    region = Region.from_parameters(parameters)
    np.testing.assert_allclose(region.centre, [320, 200 - 500 * CROP_CENTRE_M[1]])
    assert region.side_px == pytest.approx(500 * CROP_SIDE_M)
    assert region.roll_rad == pytest.approx(0)


# ---- files of the 3DDFA family


def _graph_builder():
    path = ROOT / 'scripts' / 'stand_in_network.py'
    spec = importlib.util.spec_from_file_location('stand_in_network', path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.GraphBuilder()


def _constant_network(path, landmarks, camera):
    """A network of the 3DDFA family that answers the same to every image."""
    builder = _graph_builder()
    image = builder.tensor('input', (1, 3, 120, 120))
    axes = builder.tensor('axes', (3,), np.array([1, 2, 3], np.int32))
    options = schema.ReducerOptionsT()
    options.keepDims = True
    mean = builder.operator(
        schema.BuiltinOperator.MEAN, [image, axes], builder.tensor('mean', (1, 1, 1, 1)),
        schema.BuiltinOptions.ReducerOptions, options)
    flat = _reshape(builder, mean, (1, 1))
    nothing = builder.operator(
        schema.BuiltinOperator.MUL,
        [flat, builder.tensor('zero', (1, 1), np.zeros((1, 1), np.float32))],
        builder.tensor('nothing', (1, 1)), schema.BuiltinOptions.MulOptions, schema.MulOptionsT())
    outputs = []
    for name, value in (('camera', camera), ('landmarks', landmarks)):
        constant = builder.tensor(f'{name}_value', (1, value.size),
                                  value.astype(np.float32).reshape(1, -1))
        total = builder.operator(
            schema.BuiltinOperator.ADD, [nothing, constant],
            builder.tensor(f'{name}_flat', (1, value.size)),
            schema.BuiltinOptions.AddOptions, schema.AddOptionsT())
        outputs.append(_reshape(builder, total, (1, *value.shape), name))
    builder.graph.inputs, builder.graph.outputs = [image], outputs
    packer = flatbuffers.Builder(1 << 16)
    packer.Finish(builder.model.Pack(packer), b'TFL3')
    path.write_bytes(bytes(packer.Output()))
    return path


def _reshape(builder, tensor, shape, name='reshaped'):
    options = schema.ReshapeOptionsT()
    options.newShape = list(shape)
    target = builder.tensor('shape', (len(shape),), np.array(shape, np.int32))
    return builder.operator(
        schema.BuiltinOperator.RESHAPE, [tensor, target], builder.tensor(name, shape),
        schema.BuiltinOptions.ReshapeOptions, options)


def _turned_face(yaw_deg):
    cosine, sine = np.cos(np.radians(yaw_deg)), np.sin(np.radians(yaw_deg))
    rotation = np.array([[cosine, 0, sine], [0, 1, 0], [-sine, 0, cosine]])
    matrix = camera_matrix(420.0, rotation, np.array([60.0, 45.0, 0.0]))
    shape = np.zeros(40)
    shape[:3] = [0.8, -0.5, 0.6]
    return FaceParameters(matrix, shape, np.zeros(10))


@pytest.mark.parametrize('columns', [2, 3])
@pytest.mark.parametrize('yaw_deg', [0, 25, -40])
def test_a_file_of_the_3ddfa_family_gives_the_pose_of_its_landmarks(
    model, tmp_path, columns, yaw_deg
):
    truth = _turned_face(yaw_deg)
    landmarks = model.landmarks_68_px(truth)[:, :columns]
    path = _constant_network(tmp_path / 'sparse_face.tflite', landmarks, np.zeros((3, 4)))
    regressor = NetworkRegressor(model, path)
    region = Region(np.array([100.0, 80.0]), 120 * Region.ENLARGEMENT / 1.35, 0.0)
    found = regressor(np.zeros((200, 200, 3), np.uint8), region)
    offset = np.array([100 - 59.5, 80 - 59.5])
    shown = model.landmarks_68_px(found.parameters)[:, :2] - offset
    assert np.linalg.norm(shown - landmarks[:, :2], axis=1).max() < 0.8
    angles = EulerAngles.from_rotation(face_rotation(found.parameters))
    assert angles.yaw_deg == pytest.approx(
        EulerAngles.from_rotation(face_rotation(truth)).yaw_deg, abs=4)
    assert found.presence > 0.9
    assert found.fit_error < 0.02


def test_dense_landmarks_of_our_own_mesh_do_too(model, tmp_path):
    truth = _turned_face(20)
    path = _constant_network(tmp_path / 'dense_face.tflite', model.dense_px(truth),
                             np.zeros((3, 4)))
    region = Region(np.array([100.0, 80.0]), 120 * Region.ENLARGEMENT / 1.35, 0.0)
    found = NetworkRegressor(model, path)(np.zeros((200, 200, 3), np.uint8), region)
    assert found.fit_error < 0.02


def test_landmarks_of_another_mesh_are_refused(model, tmp_path):
    path = _constant_network(tmp_path / 'dense_face.tflite', np.zeros((500, 3)), np.zeros((3, 4)))
    with pytest.raises(ModelFileError, match=r'dense_face\.tflite: outputs .* give its sparse'):
        NetworkRegressor(model, path)


def test_scattered_landmarks_are_no_face(model, tmp_path):
    landmarks = np.random.default_rng(0).uniform(0, 120, (68, 2))
    path = _constant_network(tmp_path / 'noise.tflite', landmarks, np.zeros((3, 4)))
    region = Region(np.array([100.0, 80.0]), 130.0, 0.0)
    assert NetworkRegressor(model, path)(np.zeros((200, 200, 3), np.uint8), region).presence < 0.5


def test_another_network_is_refused(model):
    with pytest.raises(ModelFileError, match=r'face_landmark\.tflite: image .* no face network'):
        NetworkRegressor(model, model_file('face_landmark.tflite'))


def test_an_unknown_kind_is_refused(model):
    with pytest.raises(ValueError, match="'magic': choose one of network, facemesh"):
        load_regressor('magic', model)
