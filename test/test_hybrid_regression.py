# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Face Mesh near the front, the network beyond, joined without a jump."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from face_recon_ros.camera import Camera
from face_recon_ros.errors import ModelFileError
from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.base import Regression
from face_recon_ros.regression.hybrid import blended, network_weight
from face_recon_ros.regression.loader import load_regressor, regressor_files
from face_recon_ros.regression.region import Region
from face_recon_ros.rendering.renderer import Renderer, Shading
from face_recon_ros.rendering.texture import sample_colors
from face_recon_ros.rotations import rotation_matrix, rotation_vector

UNLIT = Shading(ambient=1.0, diffuse=0.0, specular=0.0)


@pytest.fixture(scope='module')
def pipeline():
    return Pipeline(PipelineConfig(smoothing=None, regressor='hybrid'))


@pytest.fixture(scope='module')
def shown(portrait, pipeline):
    """Return a function that renders the portrait's face, turned left and up by degrees."""
    (face,) = pipeline.detect(portrait)
    model = pipeline.model
    colors = sample_colors(portrait, model.dense_px(face.parameters))
    renderer = Renderer(model.triangles)

    def render(yaw_deg, pitch_deg=0.0):
        turns = np.radians([-yaw_deg, -pitch_deg])
        rotation = rotation_matrix(turns[0] * np.eye(3)[1]) @ rotation_matrix(
            turns[1] * np.eye(3)[0]
        )
        matrix = camera_matrix(900.0, rotation, np.array([320.0, 220.0, 0.0]))
        parameters = FaceParameters(matrix, face.parameters.shape, face.parameters.expression)
        image = np.full((480, 640, 3), 110, np.uint8)
        renderer.render(model.dense_px(parameters), image, colors=colors, shading=UNLIT)
        return image, Region.from_parameters(parameters)

    return render


@pytest.fixture
def looks(pipeline, monkeypatch):
    """The names of the networks that are run, as they are."""
    names = []
    for name, part in (
        ('facemesh', pipeline.regressor._face_mesh), ('network', pipeline.regressor._network)
    ):
        infer = part.infer

        def noted(infer=infer, name=name):
            names.append(name)
            return infer()

        monkeypatch.setattr(part, 'infer', noted)
    return names


def test_the_network_is_the_default_and_the_hybrid_names_both_files():
    assert PipelineConfig().regressor == 'network'
    assert {name: path.name for name, path in regressor_files('hybrid').items()} == {
        'regressor facemesh': 'face_landmark.tflite', 'regressor network': 'face_recon.tflite',
    }


def test_a_file_of_ones_own_stands_by_itself(pipeline, tmp_path):
    path = regressor_files('network')['regressor']
    assert type(load_regressor('hybrid', pipeline.model, path)).__name__ == 'NetworkRegressor'
    assert regressor_files('hybrid', path) == {'regressor': path}
    with pytest.raises(ModelFileError, match=r'none\.tflite'):
        load_regressor('hybrid', pipeline.model, tmp_path / 'none.tflite')


@pytest.mark.parametrize(('face_mesh_deg', 'network_deg', 'weight'), [
    (0, 0, 0), (19, 40, 0), (20, 30, 0), (30, 40, 0.5), (25, 35, 0.25), (40, 50, 1), (10, 60, 1),
    (49, 49.9, 0.997),
])
def test_the_weight_follows_the_turns_found(face_mesh_deg, network_deg, weight):
    found = network_weight(np.radians(face_mesh_deg), np.radians(network_deg))
    assert found == pytest.approx(weight, abs=1e-3)


def test_what_lies_between_two_findings_value_by_value(model):
    def parameters(scale, turn, x):
        rotation = rotation_matrix(np.array([0.0, turn, 0.0]))
        matrix = camera_matrix(scale, rotation, np.array([x, 100.0, 0.0]))
        return FaceParameters(matrix, np.full(40, x / 100), np.full(10, turn))

    def finding(scale, turn, x, **more):
        return Regression(
            parameters=parameters(scale, turn, x), box=np.array([x, x, x + 100, x + 200]), **more)

    front = finding(1000.0, 0.4, 100.0, presence=0.8, fit_error=0.02, rotation_sigma_rad=0.1,
                    region=Region(np.array([10.0, 20.0]), 100.0, 3.1))
    beyond = finding(4000.0, 0.8, 300.0, presence=0.4, fit_error=0.06, rotation_sigma_rad=0.3,
                     region=Region(np.array([20.0, 60.0]), 400.0, -3.1))
    found = blended(model.landmarks_68, front, beyond, 0.25)
    assert (found.presence, found.fit_error) == pytest.approx((0.7, 0.03))
    assert found.rotation_sigma_rad == pytest.approx(0.15)
    np.testing.assert_allclose(found.box, [150, 150, 250, 350])
    np.testing.assert_allclose(found.region.centre, [12.5, 30.0])
    assert found.region.side_px == pytest.approx(100 * 2**0.5)
    # the short way round
    assert found.region.roll_rad == pytest.approx(3.1 + 0.25 * (2 * np.pi - 6.2))
    assert found.region.turned_rad == pytest.approx(0.5)
    assert found.parameters.scale_px_per_m == pytest.approx(1000 * 2**0.5)
    np.testing.assert_allclose(
        rotation_vector(found.parameters.model_rotation), [0, 0.5, 0], atol=1e-9)
    np.testing.assert_allclose(found.parameters.shape, 1.5)
    np.testing.assert_allclose(found.parameters.expression, 0.5)
    centres = [model.landmarks_68.points_px(f.parameters).mean(axis=0)
               for f in (front, beyond, found)]
    np.testing.assert_allclose(0.75 * centres[0] + 0.25 * centres[1], centres[2], atol=1e-6)


def test_what_sees_no_face_has_no_say():
    assert network_weight(np.radians(45), np.radians(20), face_mesh_presence=0.0) == 1
    found = network_weight(np.radians(30), np.radians(40), face_mesh_presence=0.5)
    assert found == pytest.approx(2 / 3)


@pytest.mark.parametrize(('yaw_deg', 'expected'), [
    (0, ['facemesh']), (12, ['facemesh']), (-12, ['facemesh']), (75, ['network']),
    (-75, ['network']),
])
def test_a_stream_runs_one_network_outside_the_zone(pipeline, shown, looks, yaw_deg, expected):
    image, region = shown(yaw_deg)
    pipeline.regressor(image, region, denoise=True)
    assert looks == expected


def test_face_meshs_sigma_goes_by_its_fit(pipeline, shown):
    image, region = shown(0)
    found = pipeline.regressor(image, region, denoise=True)
    assert 0.003 < found.fit_error < 0.05
    assert found.rotation_sigma_rad == pytest.approx(5.0 * found.fit_error)


def test_a_stream_runs_both_in_the_zone_whichever_was_expected(pipeline, shown, looks):
    image, region = shown(36)
    found = [
        pipeline.regressor(image, replace(region, turned_rad=turned_rad), denoise=True)
        for turned_rad in (0.1, 1.2)
    ]
    assert sorted(looks) == ['facemesh'] * 2 + ['network'] * 2
    for other in found[1:]:
        np.testing.assert_allclose(
            other.parameters.vector(), found[0].parameters.vector(), atol=1e-9
        )


def test_a_face_that_has_turned_away_since_asks_for_the_network(pipeline, shown, looks):
    image, region = shown(60)
    found = pipeline.regressor(image, replace(region, turned_rad=0.0), denoise=True)
    assert looks == ['facemesh', 'network']
    assert found.region.turned_rad > np.radians(50)
    looks.clear()
    image, region = shown(5)
    found = pipeline.regressor(image, replace(region, turned_rad=1.3), denoise=True)
    assert looks == ['network', 'facemesh']
    assert found.region.turned_rad < np.radians(20)


@pytest.mark.parametrize('yaw_deg', [0, 80])
def test_the_network_alone_says_which_way_up_a_newcomer_is(pipeline, shown, looks, yaw_deg):
    image, region = shown(yaw_deg)
    newcomer = replace(region, turned_rad=None)
    found = pipeline.regressor(image, newcomer, denoise=True)
    pipeline.regressor.flip_augmented(image, newcomer)
    assert looks == ['network', 'network']
    looks.clear()
    pipeline.regressor.refined(image, found, still=False)
    assert looks == (['network'] if yaw_deg else ['facemesh'])


@pytest.mark.parametrize('yaw_deg', [0, 75])
def test_a_still_is_looked_at_by_both(pipeline, shown, looks, yaw_deg):
    image, region = shown(yaw_deg)
    pipeline.regressor.flip_augmented(image, region)
    assert sorted(looks) == ['facemesh', 'network']


def test_no_landmark_moves_where_a_weight_is_nothing(pipeline, shown):
    """Just inside the zone the other network has next to no weight."""
    image, region = shown(0)
    regressor = pipeline.regressor
    front = regressor._front(image, region, denoise=True)
    beyond = replace(
        front, parameters=regressor._network(image, region, denoise=True).parameters,
        rotation_sigma_rad=0.1,
    )
    marks = [
        pipeline.model.landmarks_68_px(
            blended(pipeline.model.landmarks_68, front, beyond, w).parameters
        )
        for w in (0.0, 1e-6, 0.5, 1 - 1e-6, 1.0)
    ]
    np.testing.assert_allclose(marks[1][:, :2], marks[0][:, :2], atol=1e-3)
    np.testing.assert_allclose(marks[3][:, :2], marks[4][:, :2], atol=1e-3)
    np.testing.assert_allclose(
        marks[2].mean(axis=0)[:2], (marks[0] + marks[4]).mean(axis=0)[:2] / 2, atol=1e-6
    )


@pytest.mark.parametrize(('axis', 'most_deg'), [('yaw', 84), ('pitch', 40)])
@pytest.mark.parametrize('still', [False, True])
def test_nothing_jumps_in_a_slow_sweep(pipeline, shown, axis, most_deg, still):
    """Every degree of a turn; noise of a crop makes what is found tremble by two or so."""
    angles = np.arange(-most_deg, most_deg + 1, 1 if not still else 2)
    found, turned_rad = [], None
    for angle in angles:
        image, region = shown(angle, 0) if axis == 'yaw' else shown(0, angle)
        if still:
            regression = pipeline.regressor.flip_augmented(image, region)
        else:
            region = replace(region, turned_rad=turned_rad)
            regression = pipeline.regressor(image, region, denoise=True)
            if turned_rad is None:
                regression = pipeline.regressor.refined(image, regression, still=False)
            turned_rad = regression.region.turned_rad
        camera = Camera.uncalibrated(640, 480)
        found.append(pipeline._placer.place('f', regression, regression.parameters, camera))
    steps = np.degrees([
        np.linalg.norm(rotation_vector(b.rotation @ a.rotation.T))
        for a, b in pairwise(found)
    ])
    # stills are two degrees apart; at 48 the two networks differ most
    assert steps.max() < (7 if still else 6)
    scales = np.log([f.parameters.scale_px_per_m for f in found])
    assert np.abs(np.diff(scales)).max() < 0.06
    sigmas = np.array([np.trace(f.pose_covariance[3:, 3:]) for f in found]) ** 0.5
    assert np.abs(np.diff(np.log(sigmas))).max() < 0.5
    marks = np.array([f.landmarks_px[:, :2] for f in found])
    assert np.linalg.norm(np.diff(marks, axis=0), axis=2).mean(axis=1).max() < 6
