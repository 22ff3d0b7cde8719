# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
From landmarks to the 62 parameters: face_model.decoding is the definition.

The operators in the network's file are held to it here; PyTorch's export in test_training.
"""

import numpy as np
import pytest

from face_recon_ros.face_model.decoding import ParameterDecoder
from face_recon_ros.face_model.landmark_fit import LandmarkFitter
from face_recon_ros.face_model.lips import with_closed_lips
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.paths import model_file
from face_recon_ros.rotations import rotation_about

UPPER_LIP, LOWER_LIP = 13, 14
CROP_PX_PER_M = 800.0


@pytest.mark.filterwarnings('ignore:.*experimental_preserve_all_tensors')
def test_the_network_s_file_decodes_as_numpy_does(model):
    """
    What the file says of an image, decoded anew from its own landmarks, rotation and coefficients.

    The coefficients that the file's operators start from are no output: they are read where its
    last layer's outputs get their scale and mean.
    """
    interpreter = pytest.importorskip('ai_edge_litert.interpreter')
    from model_building.network.tflite_graph import Graph

    path = model_file('face_recon.tflite')
    graph = Graph(path)
    (start,) = [
        int(operator.outputs[0])
        for operator in graph.operators
        if graph.name(operator) == 'ADD'
        and graph.shape(int(operator.inputs[1])) == (1, 50)
        and graph.is_constant(int(operator.inputs[1]))
    ]
    network = interpreter.Interpreter(str(path), experimental_preserve_all_tensors=True)
    network.allocate_tensors()
    outputs = {d['name']: d['index'] for d in network.get_output_details()}
    decode, rng = ParameterDecoder(model), np.random.default_rng(0)
    for image in (np.full((192, 192, 3), 0.5), rng.random((192, 192, 3))):
        network.set_tensor(network.get_input_details()[0]['index'], image[None].astype(np.float32))
        network.invoke()
        found = {name: network.get_tensor(i)[0].astype(float) for name, i in outputs.items()}
        coefficients = network.get_tensor(start)[0].astype(float)
        wanted = decode(found['landmarks_468'], found['rotation'], coefficients)
        np.testing.assert_allclose(found['params'], wanted.vector(), rtol=2e-3, atol=2e-3)
        np.testing.assert_allclose(found['camera'], wanted.camera_matrix, rtol=1e-3, atol=1e-2)
        # and not for want of a difference between start and end
        assert np.abs(coefficients - found['params'][12:]).max() > 0.1


def seen(model, yaw_deg, coefficients):
    """Return the landmarks (468, 3) px of a face in a crop, and its parameters."""
    shape, expression = np.split(coefficients, [40])
    rotation = rotation_about('y', np.radians(yaw_deg))
    matrix = camera_matrix(CROP_PX_PER_M, rotation, np.array([96.0, 60.0, 0.0]))
    parameters = FaceParameters(matrix, shape, expression)
    return model.landmarks_468.points_px(parameters), parameters


@pytest.mark.parametrize('yaw_deg', [0, 35])
def test_decoding_and_fit_find_the_same_face(model, yaw_deg):
    """One is given the rotation and no depth, the other finds it from landmarks with depth."""
    coefficients = np.zeros(50)
    coefficients[[0, 2, 40]] = 1.0, -1.0, 0.5
    landmarks, truth = seen(model, yaw_deg, coefficients)
    decoded = ParameterDecoder(model)(landmarks, truth.model_rotation, coefficients)
    fitted = LandmarkFitter(model).fit(landmarks).parameters
    for found in (decoded, fitted):
        shown = model.landmarks_68.points_px(found) - model.landmarks_68.points_px(truth)
        assert np.abs(shown[:, :2]).max() < 1.0
    np.testing.assert_allclose(
        decoded.camera_matrix[:2], fitted.camera_matrix[:2], rtol=0.02, atol=CROP_PX_PER_M * 0.02
    )


def lips(gap):
    """Return landmarks whose lips all gape by so much, of a face with a canthal distance of 1."""
    points = np.zeros((468, 3))
    upper = [80, 81, 82, 13, 312, 311, 310]
    lower = [88, 178, 87, 14, 317, 402, 318]
    points[upper, 0] = points[lower, 0] = np.linspace(-0.2, 0.2, 7)
    points[lower, 1] = gap
    return points


@pytest.mark.parametrize(
    ('gap', 'left'),
    [(0.0, 0.0), (0.01, 0.0), (0.02, 0.0), (0.035, 0.0175), (0.05, 0.05), (0.2, 0.2)],
)
@pytest.mark.parametrize('unit', [1.0, 80.0, 0.09])
def test_lips_that_are_all_but_closed_are_closed(gap, left, unit):
    points = lips(gap) * unit
    closed = with_closed_lips(points, unit)
    assert closed[LOWER_LIP, 1] - closed[UPPER_LIP, 1] == pytest.approx(left * unit, abs=1e-12)
    # both lips move alike, and nothing else does
    middle = (closed[LOWER_LIP] + closed[UPPER_LIP]) / 2
    np.testing.assert_allclose(middle, [0, gap / 2 * unit, 0], atol=1e-12)
    np.testing.assert_array_equal(closed[:, [0, 2]], points[:, [0, 2]])
    np.testing.assert_array_equal(points, lips(gap) * unit)


@pytest.mark.parametrize('distance', [0.0, np.nan])
def test_lips_of_landmarks_in_one_place_stay(distance):
    points = np.zeros((468, 3))
    assert with_closed_lips(points, distance) is points
