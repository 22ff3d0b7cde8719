# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

import copy
import dataclasses
import gc
import pickle
import weakref

import numpy as np
import pytest

from face_recon_ros.camera import Camera
from face_recon_ros.detection.base import Detection
from face_recon_ros.equality import detached
from face_recon_ros.face_model.parameters import FaceParameters
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.pose import MetricPose
from face_recon_ros.regression.region import Region
from face_recon_ros.tracking.settings import TrackingSettings

OBJECTS = [
    Camera(640, 480, 600.0, 600.0, 320.0, 240.0, np.array([0.1, 0.2, 0, 0])),
    MetricPose(np.eye(3), np.array([0.1, np.nan, 1.0])),
    FaceParameters(np.ones((3, 4)), np.zeros(40), np.ones(10)),
    Detection(np.arange(4.0), 0.5, None),
    Region(np.array([1.0, 2.0]), 50.0, 0.1),
]


@pytest.mark.parametrize('value', OBJECTS)
def test_equal_by_value_and_hashed_alike(value):
    for again in (copy.deepcopy(value), pickle.loads(pickle.dumps(value))):
        assert again == value
        assert hash(again) == hash(value)
        assert len({again, value}) == 1


@pytest.mark.parametrize('value', OBJECTS)
def test_one_other_number_is_unequal(value):
    for field in dataclasses.fields(value):
        old = getattr(value, field.name)
        if not isinstance(old, np.ndarray):
            continue
        changed = old.copy()
        changed.flat[0] += 0.5
        assert dataclasses.replace(value, **{field.name: changed}) != value
        if old.ndim == 1 and not isinstance(value, Camera):
            assert dataclasses.replace(value, **{field.name: old[:-1]}) != value
    assert value != 'something else'
    assert value is not None


def test_faces_of_two_images_compare(portrait):
    [face], [again] = (Pipeline().detect(portrait) for _ in range(2))
    assert face == again
    assert face in [again]
    assert dataclasses.replace(face, score=0.1) != face
    assert dataclasses.replace(face, box=face.box + 1) != face


def test_values_can_be_referred_to_weakly():
    value = copy.deepcopy(OBJECTS[0])
    reference = weakref.ref(value)
    assert reference() is value
    del value
    gc.collect()
    assert reference() is None


@pytest.mark.parametrize('value', OBJECTS)
def test_a_detached_copy_shares_no_array(value):
    copied = detached(value)
    assert copied == value
    assert type(copied) is type(value)
    for field in dataclasses.fields(value):
        ours, theirs = getattr(copied, field.name), getattr(value, field.name)
        assert ours is not theirs or not isinstance(ours, np.ndarray)


def arrays_of(value):
    if isinstance(value, np.ndarray):
        yield value
    elif dataclasses.is_dataclass(value):
        for field in dataclasses.fields(value):
            yield from arrays_of(getattr(value, field.name))


@pytest.mark.parametrize('tracking', [
    TrackingSettings(), TrackingSettings(coast_frames=20),
    TrackingSettings(max_regressions_per_image=1),
])
def test_who_changes_a_face_changes_no_face_after_it(portrait, tracking):
    """As one does whose image was made smaller: `face.box *= 2`."""
    pair = np.hstack([portrait, portrait[:, ::-1]])
    left, right = (Pipeline(PipelineConfig(tracking=tracking, expressions=True)) for _ in 'ab')
    count = 0
    for k in range(24):
        image = pair if k < 18 else np.full_like(pair, 128)
        kept, changed = left.track(image, k / 30), right.track(image, k / 30)
        assert kept == changed
        for face in changed:
            for array in arrays_of(face):
                array[...] = array * 2 + 1
                count += 1
    assert count > 200
