# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What goes out about faces, and what does not: ~/faces, /tf and the rest, without DDS."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from face_recon_ros.msg import Blendshapes, FaceArray
from geometry_msgs.msg import PoseArray
from std_msgs.msg import Header
from test_messages import FRONTAL, make_face
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import MarkerArray

from face_recon_ros.camera import Camera
from face_recon_ros.nodes.image_processing import ImageProcessor
from face_recon_ros.nodes.outputs import FaceOutputs
from face_recon_ros.nodes.parameters import DECLARATIONS, Settings, own_prefix
from face_recon_ros.nodes.pictures import Pictures
from face_recon_ros.nodes.result import Result
from face_recon_ros.rotations import rotation_from_quaternion, rotation_matrix

IMAGE = np.zeros((480, 640, 3), np.uint8)
HEADER = Header(frame_id='camera')
CALIBRATED = Camera(640, 480, 600.0, 600.0, 319.5, 239.5)


class Publisher:
    def __init__(self):
        self.messages = []
        self.listeners = 0

    def publish(self, message):
        self.messages.append(message)

    def get_subscription_count(self):
        return self.listeners


class Outputs:
    """The node's outputs, and who listens to which."""

    def __init__(self, **parameters):
        self.values = {**{d.name: d.default for d in DECLARATIONS}, **parameters}
        self.publishers = {}
        self.outputs = FaceOutputs(
            self._make,
            lambda: Settings.from_values(self.values),
            lambda count, own: count > own,
        )
        self.tf = self.publishers[TFMessage]
        self.faces = self.publishers[FaceArray]

    def _make(self, kind, _topic, _depth):
        return self.publishers.setdefault(kind, Publisher())

    def show(self, *faces, camera=CALIBRATED, header=HEADER):
        self.outputs.publish(Result(IMAGE, faces, header, camera))

    def frames(self):
        return [t.child_frame_id for m in self.tf.messages for t in m.transforms]


def test_a_listener_to_tf_wants_nothing_of_a_node_that_publishes_none():
    """There is one on every robot: it must not keep the node busy."""
    node = Outputs(publish_tf=False)
    node.tf.listeners = 3
    assert not node.outputs.wanted()
    node.show(make_face())
    assert node.tf.messages == []
    node.values['publish_tf'] = True
    assert node.outputs.wanted()
    node.show(make_face())
    assert node.frames() == ['face_7', 'gaze_7']


def test_expressions_are_wanted_by_those_who_listen_to_faces_alone():
    node = Outputs()
    node.tf.listeners = node.publishers[PoseArray].listeners = 1
    assert node.outputs.wanted()
    assert not node.outputs.wants_expressions()
    node.faces.listeners = 1
    assert node.outputs.wants_expressions()


@pytest.mark.parametrize(('use', 'mode', 'heard', 'wanted'), [
    ('auto', 'sparse', (), False),
    ('auto', 'sparse', ('faces',), True),
    ('auto', 'sparse', ('overlay',), False),
    ('auto', 'sparse+expression', ('overlay',), True),
    ('auto', 'sparse+expression', (), False),
    ('never', 'expression', ('faces', 'overlay'), False),
    ('always', 'sparse', (), True),
])
def test_when_expressions_are_computed(model, use, mode, heard, wanted):
    node = Outputs(use_expressions=use, overlay_mode=mode)
    of_pictures = {}
    settings = Settings.from_values(node.values)
    pictures = Pictures(
        lambda _kind, topic, _depth: of_pictures.setdefault(topic, Publisher()),
        lambda: settings,
        model,
    )
    of_pictures['~/overlay_image'].listeners = int('overlay' in heard)
    node.faces.listeners = int('faces' in heard)
    processor = SimpleNamespace(
        _settings=lambda: settings, _outputs=[node.outputs, pictures])
    assert ImageProcessor._expressions_wanted(processor) is wanted


def test_faces_carry_the_coefficients_at_the_places_of_their_names():
    values = np.zeros(52)
    values[17] = 0.75
    node = Outputs()
    node.faces.listeners = 1
    node.show(replace(make_face(), blendshapes=values), make_face())
    known, unknown = node.faces.messages[0].faces
    assert known.blendshapes[Blendshapes.JAW_OPEN] == 0.75
    assert known.blendshapes.sum() == 0.75
    assert len(known.blendshapes) == Blendshapes.COUNT == 52
    assert np.isnan(unknown.blendshapes).all()
    assert (Blendshapes.EYE_BLINK_LEFT, Blendshapes.EYE_BLINK_RIGHT, Blendshapes.TONGUE_OUT) == (
        0, 7, 51)


def test_the_node_s_own_listener_to_tf_does_not_count():
    node = Outputs(filtering_frame='odom')
    node.tf.listeners = 1
    assert not node.outputs.wanted()
    node.tf.listeners = 2
    assert node.outputs.wanted()


def test_without_faces_nothing_goes_out_on_tf():
    node = Outputs()
    node.tf.listeners = node.faces.listeners = 1
    node.show()
    assert node.tf.messages == []
    assert [len(m.faces) for m in node.faces.messages] == [0]


def test_a_held_face_has_score_0_and_no_new_transform():
    """TF has no score: with a new stamp, where a face was would look like where it is."""
    node = Outputs(coast_frames=5)
    for publisher in node.publishers.values():
        publisher.listeners = 1
    held = replace(make_face('old'), score=0.0)
    node.show(held, make_face('new'))
    assert node.frames() == ['face_new', 'gaze_new']
    (array,) = node.faces.messages
    assert [(f.id, f.score) for f in array.faces] == [('old', 0.0), ('new', 0.75)]
    (poses,), (markers,) = (
        node.publishers[kind].messages for kind in (PoseArray, MarkerArray)
    )
    assert len(poses.poses) == 2
    assert [m.text for m in markers.markers if m.text] == ['old', 'new']
    node.show(held)
    assert len(node.tf.messages) == 1


@pytest.mark.parametrize(
    ('camera', 'allowed', 'count'),
    [
        (Camera.uncalibrated(640, 480), True, 2),
        (Camera.uncalibrated(640, 480), False, 0),
        (CALIBRATED, False, 2),
    ],
)
def test_transforms_of_a_camera_without_calibration_may_be_withheld(camera, allowed, count):
    node = Outputs(publish_tf_uncalibrated=allowed)
    node.tf.listeners = node.faces.listeners = 1
    node.show(make_face(), camera=camera)
    assert len(node.frames()) == count
    assert len(node.faces.messages) == 1


def test_faces_of_an_image_without_frame_id_have_no_transform():
    node = Outputs()
    node.tf.listeners = node.faces.listeners = 1
    node.show(make_face(), header=Header())
    assert node.frames() == []
    assert len(node.faces.messages) == 1


def test_quaternions_do_not_jump_when_a_head_turns_past_the_camera():
    node = Outputs()
    node.tf.listeners = 1
    yaws = np.radians(np.concatenate([np.arange(-80, 81, 2.0), np.arange(80, -81, -2.0)]))
    turned = [rotation_matrix(np.array([0, yaw, 0])) @ FRONTAL for yaw in yaws]
    for rotation in turned:
        node.show(make_face(rotation=rotation))
    for index, name in enumerate(('face_7', 'gaze_7')):
        quaternions = [m.transforms[index].transform.rotation for m in node.tf.messages]
        assert {m.transforms[index].child_frame_id for m in node.tf.messages} == {name}
        numbers = np.array([[q.x, q.y, q.z, q.w] for q in quaternions])
        np.testing.assert_allclose(np.linalg.norm(numbers, axis=1), 1.0)
        # two degrees of turning are 0.0175 of the quaternion
        assert np.abs(np.diff(numbers, axis=0)).max() < 0.02
    # and they still say how the head is turned
    gazes = [m.transforms[1].transform.rotation for m in node.tf.messages]
    for rotation, q in zip(turned, gazes, strict=True):
        along = rotation_from_quaternion(q.x, q.y, q.z, q.w)[:, 2]
        np.testing.assert_allclose(along, rotation[:, 0], atol=1e-9)


def test_signs_are_remembered_of_faces_in_sight_only():
    node = Outputs()
    node.tf.listeners = 1
    for number in range(50):
        node.show(make_face(f'f{number}'))
    assert set(node.outputs._signs._last) == {'face_f49', 'gaze_f49'}


# --- ids -------------------------------------------------------------------------


@pytest.mark.parametrize(
    ('namespace', 'name', 'prefix'),
    [
        ('/', 'face_recon', ''),
        ('/front', 'face_recon', 'front_'),
        ('/robot/head_left', 'face_recon', 'robot__head_left_'),
        ('/', 'left', 'left__'),
        ('/robot', 'left', 'robot__left__'),
        ('/_hidden', 'face_recon', 'n__hidden_'),
    ],
)
def test_ids_of_a_node_begin_with_its_name(namespace, name, prefix):
    assert own_prefix(namespace, name) == prefix
    values = {d.name: d.default for d in DECLARATIONS}
    assert Settings.from_values(values, prefix).face_id_prefix == prefix
    # as before where the user says so
    for chosen in ('', 'door_'):
        values['face_id_prefix'] = chosen
        assert Settings.from_values(values, prefix).face_id_prefix == chosen


def test_no_two_nodes_make_the_same_ids():
    tokens = ['a', 'b', 'a_b', 'face_recon', 'b_a']
    namespaces = ['/', *(f'/{t}' for t in tokens), *(f'/{t}/{u}' for t in tokens for u in tokens)]
    prefixes = [own_prefix(namespace, name) for namespace in namespaces for name in tokens]
    assert len(set(prefixes)) == len(prefixes)
    assert all(prefix == '' or prefix[0].isalpha() for prefix in prefixes)
