# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A head that turns all the way left and right and back is one face, followed without a search."""

import numpy as np
import pytest

from face_recon_ros.face_model.parameters import FaceParameters, camera_matrix
from face_recon_ros.pipeline import Pipeline
from face_recon_ros.rendering.renderer import Renderer, Shading
from face_recon_ros.rendering.texture import sample_colors
from face_recon_ros.rotations import EulerAngles, rotation_matrix
from face_recon_ros.searching import ImageSearch

RATE_HZ = 30
UNLIT = Shading(ambient=1.0, diffuse=0.0, specular=0.0)


@pytest.fixture(scope='module')
def turned(portrait):
    """Return a function that renders the portrait's face, turned to image left by degrees."""
    pipeline = Pipeline()
    (face,) = pipeline.detect(portrait)
    model = pipeline.model
    colors = sample_colors(portrait, model.dense_px(face.parameters))
    renderer = Renderer(model.triangles)

    def render(yaw_deg):
        rotation = rotation_matrix(np.array([0, -np.radians(yaw_deg), 0]))
        matrix = camera_matrix(900.0, rotation, np.array([320.0, 220.0, 0.0]))
        parameters = FaceParameters(matrix, face.parameters.shape, face.parameters.expression)
        image = np.full((480, 640, 3), 110, np.uint8)
        renderer.render(model.dense_px(parameters), image, colors=colors, shading=UNLIT)
        return image

    return render


def there_and_back(most_deg, speed_deg_s):
    """Yaw in each image: front, left, right, front."""
    step = speed_deg_s / RATE_HZ
    return np.concatenate([
        np.arange(0, most_deg, step),
        np.arange(most_deg, -most_deg, -step),
        np.arange(-most_deg, step / 2, step),
    ])


@pytest.mark.parametrize(('most_deg', 'speed_deg_s'), [(75, 90), (75, 240), (90, 120)])
def test_a_turning_head_keeps_its_id(turned, monkeypatch, most_deg, speed_deg_s):
    pipeline = Pipeline()
    searches = []
    search = type(pipeline.detector).first_look
    monkeypatch.setattr(
        type(pipeline.detector),
        'first_look',
        lambda detector, image: searches.append(1) or search(detector, image),
    )
    around = ImageSearch.around
    monkeypatch.setattr(
        ImageSearch, 'around', lambda *seek: searches.append('around') or around(*seek))
    yaws, found = there_and_back(most_deg, speed_deg_s), []
    for index, yaw_deg in enumerate(yaws):
        (face,) = pipeline.track(turned(yaw_deg), stamp_s=index / RATE_HZ)
        found.append(EulerAngles.from_rotation(face.rotation).yaw_deg)
        assert face.id == 'f1'
    if most_deg <= 75:
        assert len(searches) == 1  # in the first image
    far = np.abs(yaws) > 20
    # the filter lags behind a quick turn by a few images
    same_side = np.sign(found[3:]) == np.sign(yaws[:-3])
    assert same_side[far[:-3] & far[3:]].mean() > 0.9
    assert max(found) > 40
    assert min(found) < -40
    assert abs(found[-1]) < 15
