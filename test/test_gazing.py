# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Who looks at whom, as the node tells it: ~/gazes and /humans/interactions/gazing."""

import math
import sys
from dataclasses import replace

import numpy as np
import pytest
from builtin_interfaces.msg import Time
from example_modules import EXAMPLES, load
from face_recon_ros.msg import FaceArray, Gazes
from geometry_msgs.msg import TransformStamped
from node_process import (
    FRAME,
    image_profile,  # noqa: F401
    process,
    running,
)
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Header, String
from test_face_outputs import Outputs
from test_messages import make_face, with_eyes
from tf2_msgs.msg import TFMessage

from face_recon_ros.camera import Camera
from face_recon_ros.nodes.gazing import Gazing, gazer_of
from face_recon_ros.nodes.images import to_image
from face_recon_ros.nodes.parameters import DECLARATIONS, Settings
from face_recon_ros.nodes.pictures import Pictures
from face_recon_ros.nodes.result import Result
from face_recon_ros.nodes.targets import Targets
from face_recon_ros.pose import MetricPose
from face_recon_ros.rotations import rotation_about

hri_msgs = pytest.importorskip('hri_msgs.msg')

IMAGE = np.zeros((48, 64, 3), np.uint8)
CAMERA = Camera(640, 480, 600.0, 600.0, 319.5, 239.5)
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Publisher:
    def __init__(self):
        self.messages = []
        self.listeners = 1

    def publish(self, message):
        self.messages.append(message)

    def get_subscription_count(self):
        return self.listeners


class Told:
    """A Gazing without DDS, images at 20 Hz."""

    def __init__(self, targets=None, **parameters):
        self.values = {**{d.name: d.default for d in DECLARATIONS}, **parameters}
        self.publishers = {}
        settings = Settings.from_values(self.values)
        self.gazing = Gazing(
            lambda kind, topic, _: self.publishers.setdefault(topic, Publisher()),
            lambda: Settings.from_values(self.values),
            targets or Targets(None, settings.targets, None),
        )
        self.count = 0
        self.all = self.publishers['~/gazes']
        self.humans = self.publishers['/humans/interactions/gazing']

    def show(self, *faces, images=10, camera=CAMERA):
        for _ in range(images):
            self.count += 1
            stamp = Time(sec=10 + self.count // 20, nanosec=self.count % 20 * 50_000_000)
            self.gazing.publish(
                Result(IMAGE, faces, Header(stamp=stamp, frame_id='cam'), camera))
        return list(zip(self.all.messages[-1].senders, self.all.messages[-1].receivers,
                        strict=True))


def at(place, face_id='7', place_of=(0.1, -0.2, 0.8)):
    """Return a face at a place (3,) whose eyes look at another."""
    way = np.subtract(place, place_of)
    return with_eyes(make_face(face_id, place=place_of), way / np.linalg.norm(way))


def test_a_look_at_the_camera_goes_to_the_robot():
    told = Told()
    assert told.show(at((0, 0, 0)), images=3) == []
    assert told.show(at((0, 0, 0))) == [('7', '')]
    gaze = told.humans.messages[-1]
    assert (gaze.sender, gaze.receiver, gaze.header.frame_id) == ('7', '', 'cam')
    assert gaze.header == told.all.messages[-1].header
    # one of REP-155 with every image as long as it lasts, of ours one with every image
    before = len(told.humans.messages)
    assert told.show(at((0, 0, 0)), images=5) == [('7', '')]
    assert len(told.humans.messages) == before + 5
    assert told.show(at((0.6, 0, 0))) == []
    assert len(told.all.messages) == told.count


def test_the_camera_is_where_the_calibration_says():
    """The right camera of a stereo pair has the left one's frame."""
    right = Camera(640, 480, 600.0, 600.0, 319.5, 239.5, position_m=(0.4, 0.0, 0.0))
    assert Told().show(at((0.4, 0, 0)), camera=right) == [('7', '')]
    assert Told().show(at((0, 0, 0)), camera=right) == []


def test_people_look_at_each_other_and_held_faces_do_not():
    there = (-0.5, 0.0, 0.9)
    other = at((0.1, -0.2, 0.8), 'b', there)
    assert Told().show(at(there), other) == [('7', 'b'), ('b', '7')]
    held = replace(other, score=0.0)
    assert Told(coast_frames=5).show(at((0, 0, 0)), held) == [('7', '')]


def test_who_shows_no_eyes_may_look_aside_of_the_head():
    looking = at((0, 0, 0))
    assert gazer_of(looking).sigma_rad == pytest.approx(0.07)
    shut = replace(looking, eyes=replace(looking.eyes, measured=np.array([False, False])))
    aside_rad = math.radians(9.93)
    assert gazer_of(shut).sigma_rad == pytest.approx(math.hypot(0.07, aside_rad), abs=1e-3)
    one = replace(looking, eyes=replace(looking.eyes, measured=np.array([False, True])))
    assert gazer_of(one).sigma_rad == pytest.approx(0.07)
    unread = replace(looking, eyes=None)
    expected_rad = math.hypot(unread.gaze_sigma_rad, aside_rad)
    assert gazer_of(unread).sigma_rad == pytest.approx(expected_rad, abs=1e-3)


def test_without_targets_only_people_are_looked_at():
    assert Told(attention_targets='').show(at((0, 0, 0))) == []


def test_nothing_is_computed_for_nobody_and_what_was_is_forgotten():
    told = Told()
    assert told.gazing.wanted()
    told.show(at((0, 0, 0)))
    told.gazing.publish(Result.withdrawal(Header()))  # as when deactivated
    assert told.all.messages[-1].senders == []
    assert told.show(at((0, 0, 0)), images=3) == []
    told.all.listeners = told.humans.listeners = 0
    assert not told.gazing.wanted()
    count = len(told.all.messages)
    told.gazing.publish(Result(IMAGE, [at((0, 0, 0))], Header(), CAMERA))
    assert len(told.all.messages) == count
    told.humans.listeners = 1
    assert told.gazing.wanted()
    told.values['publish_humans'] = False
    assert not told.gazing.wanted()


def test_the_time_is_a_parameter():
    assert Told(attention_time=0.0).show(at((0, 0, 0)), images=1) == [('7', '')]
    assert Told(attention_time=1.0).show(at((0, 0, 0)), images=15) == []


# --- frames of TF as targets -------------------------------------------------------


class Listener:
    """Stands in for CameraPoseListener: the pose of the camera in a frame."""

    def __init__(self, _node, frame, _report, purpose):
        self.frame, self.closed = frame, False
        assert frame in purpose

    def camera_pose(self, camera_frame, stamp_s):
        assert (camera_frame, stamp_s) == ('cam', 12.5)
        if self.frame == 'lost':
            return None
        # the camera is 1 m behind the tablet's origin, and the tablet is turned
        rotation = rotation_about('z', 0.5)
        return MetricPose(rotation, rotation @ np.array([-0.2, 0.3, -1.0]))

    def close(self):
        self.closed = True


def test_frames_are_where_tf_has_them():
    targets = Targets(None, ('camera', 'tablet', 'lost'), None, Listener)
    header = Header(frame_id='cam', stamp=Time(sec=12, nanosec=500_000_000))
    places = targets.places(header, (0.0, 0.0, 0.0))
    assert places.keys() == {'', 'tablet'}
    np.testing.assert_allclose(places['tablet'], [0.2, -0.3, 1.0], atol=1e-12)
    assert targets.listeners == 2
    targets.close()
    assert all(frame.closed for frame in targets._frames.values())


def test_targets_are_names_with_commas_between():
    values = {d.name: d.default for d in DECLARATIONS}
    settings = Settings.from_values({**values, 'attention_targets': ' /tablet, camera,,tablet '})
    assert settings.targets == ('tablet', 'camera')


# --- over DDS ----------------------------------------------------------------------


def seen(image):
    return lambda header: to_image(image, 'bgr8', header)


def test_listeners_hear_that_the_person_looks_at_the_camera(peer, image):
    gazes = peer.collect(Gazes, 'face_recon/gazes')
    humans = peer.collect(hri_msgs.Gaze, '/humans/interactions/gazing')
    with running() as node:
        peer.show(seen(image), lambda: humans.collected and gazes.collected)
        told = humans.collected[-1]
        assert (told.sender, told.receiver) == ('f1', '')
        assert told.header.frame_id == FRAME
        peer.show(seen(image), lambda: gazes.collected[-1].senders == ['f1'])
        assert gazes.collected[-1].receivers == ['']
        peer.show(seen(np.zeros_like(image) + 90), lambda: gazes.collected[-1].senders == [])
        assert node.complaints() == []


def test_a_frame_of_tf_is_a_target(peer, image):
    """A tablet beside the camera's lens, and one far off."""
    static = peer.node.create_publisher(TFMessage, '/tf_static', LATCHED)
    sent = []
    for name, x in (('tablet', 0.01), ('door', 3.0)):
        stamped = TransformStamped(header=Header(frame_id=FRAME), child_frame_id=name)
        stamped.transform.translation.x = x
        stamped.transform.rotation.w = 1.0
        sent.append(stamped)
    static.publish(TFMessage(transforms=sent))
    gazes = peer.collect(Gazes, 'face_recon/gazes')
    with running('-p', 'attention_targets:=tablet,door'):
        peer.show(seen(image), lambda: gazes.collected and gazes.collected[-1].senders)
    assert gazes.collected[-1].receivers == ['tablet']


def test_eyes_are_looked_at_for_those_who_show_them():
    outputs = Outputs()
    for publisher in outputs.publishers.values():
        publisher.listeners = 0
    outputs.tf.listeners = 5
    assert not outputs.outputs.wants_eyes()
    outputs.faces.listeners = 1
    assert outputs.outputs.wants_eyes()
    told = Told()
    assert told.gazing.wants_eyes()
    told.all.listeners = told.humans.listeners = 0
    assert not told.gazing.wants_eyes()


@pytest.mark.parametrize(('mode', 'wanted'), [('sparse+gaze', True), ('sparse+pose', False)])
def test_an_overlay_of_gaze_wants_eyes(model, mode, wanted):
    publishers = {}
    settings = Settings.from_values({**{d.name: d.default for d in DECLARATIONS},
                                     'overlay_mode': mode})
    pictures = Pictures(
        lambda kind, topic, _: publishers.setdefault(topic, Publisher()), lambda: settings, model
    )
    assert pictures.wants_eyes() == wanted
    publishers['~/overlay_image'].listeners = 0
    assert not pictures.wants_eyes()


def test_without_use_eyes_the_gaze_is_the_head_s(peer, image):
    faces = peer.collect(FaceArray, 'face_recon/faces')
    with running('-p', 'use_eyes:=never'):
        peer.show(seen(image), lambda: any(m.faces for m in faces.collected))
        (face,) = faces.collected[-1].faces
        assert np.isnan(face.eye_openness).all()
        q = face.pose.pose.orientation
        ahead = [1 - 2 * (q.y**2 + q.z**2), 2 * (q.x * q.y + q.w * q.z),
                 2 * (q.x * q.z - q.w * q.y)]
        np.testing.assert_allclose([face.gaze.x, face.gaze.y, face.gaze.z], ahead, atol=1e-6)
        (result,) = peer.set_parameters(use_eyes='always')
        assert result.successful
        peer.show(
            seen(image),
            lambda: faces.collected[-1].faces
            and not math.isnan(faces.collected[-1].faces[0].eye_openness[0]),
        )


def test_the_greeter_greets_once(peer, image):
    said = peer.collect(String, 'say')
    gazes = peer.collect(Gazes, 'face_recon/gazes')
    command = [sys.executable, str(EXAMPLES / 'greet.py'), '--ros-args']
    with running(), process([*command, '-r', 'gazes:=/face_recon/gazes', '-p',
                             'greeting:=Welcome']) as greeter:
        peer.show(seen(image), lambda: said.collected)
        count = len(gazes.collected)
        peer.show(seen(image), lambda: len(gazes.collected) > count + 10)
        assert greeter.complaints() == []
    assert [m.data for m in said.collected] == ['Welcome']


def test_who_is_greeted():
    greeter = load('greet').Greeter(again_after_s=10.0)
    assert greeter.newcomers(0.0, {'f2', 'f1'}) == ['f1', 'f2']
    assert greeter.newcomers(1.0, {'f1'}) == []
    assert greeter.newcomers(9.0, {'f1', 'f2'}) == []
    assert greeter.newcomers(15.0, {'f1', 'f3'}) == ['f3']
    assert greeter.newcomers(19.5, {'f2'}) == ['f2']
