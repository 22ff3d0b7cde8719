# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""REP-155: the topics under /humans/faces, their messages, and how long they live."""

import json
import math
import os
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import rclpy
from builtin_interfaces.msg import Time
from patience import HANG_S
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import ReliabilityPolicy
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from face_recon_ros.nodes import humans as humans_module
from face_recon_ros.nodes.humans import Humans, facial_landmarks, region
from face_recon_ros.nodes.parameters import DECLARATIONS, Settings
from face_recon_ros.nodes.result import Result
from face_recon_ros.pipeline import Pipeline
from face_recon_ros.rendering import crops

hri_msgs = pytest.importorskip('hri_msgs.msg')

WIDTH, HEIGHT = 640, 480
DEFAULTS = {d.name: d.default for d in DECLARATIONS}
HEADER = Header(frame_id='camera')
HEADER.stamp.sec = 7

# Computed by rosbags from the complete definitions of hri_msgs 2.0.0; the changelogs up to 2.3.2
# (Jazzy and Rolling; Humble has 2.1.0) name no change of these.
RELEASED_HASHES = {
    'Expression': '411b88e0604397d44775d8ec6a4bc69398fb0dfbfe864c33a40fa99ee85f1b00',
    'FacialActionUnits': '20ec0e642de00315d2d9954ef07279e2542357adf114098a3ed46a45f8e733a2',
    'FacialLandmarks': 'f1d6b0ba159f4d6be1632e5dfc9cb79ce5e35da73888da2a4789bd9b35112a63',
    'Gaze': 'e8c46fafadbeca4367ca1987944b54863fcfc0175319002a76df5298570f4ab3',
    'IdsList': '7e0812d1ac945c98fd3e393568d581ad0ab567f37b24eff633eab778c1bfe62d',
    'NormalizedPointOfInterest2D': (
        'cc1d2f720c82afeb850ff1dbf66f41ecb7caf19f842987f1247e66160cf03953'
    ),
    'NormalizedRegionOfInterest2D': (
        '2e50c93f1ca166ee77af9a5424dc951ae4e452b740162a7f83c082d917dcaff5'
    ),
}
FIELDS = {
    'Gaze': {'header': 'std_msgs/Header', 'sender': 'string', 'receiver': 'string'},
    'IdsList': {'header': 'std_msgs/Header', 'ids': 'sequence<string>'},
    'NormalizedRegionOfInterest2D': {
        'header': 'std_msgs/Header',
        **dict.fromkeys(('xmin', 'ymin', 'xmax', 'ymax', 'c'), 'float'),
    },
    'NormalizedPointOfInterest2D': dict.fromkeys('xyc', 'float'),
    'FacialActionUnits': {
        'header': 'std_msgs/Header',
        **dict.fromkeys(('intensity', 'confidence'), 'sequence<float>'),
    },
    'Expression': {
        'header': 'std_msgs/Header',
        'expression': 'string',
        **dict.fromkeys(('valence', 'arousal', 'confidence'), 'float'),
    },
    'FacialLandmarks': {
        'header': 'std_msgs/Header',
        'landmarks': 'hri_msgs/NormalizedPointOfInterest2D[70]',
        'height': 'uint32',
        'width': 'uint32',
    },
}


def share() -> Path:
    prefixes = [*os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep), sys.prefix]
    paths = (Path(prefix) / 'share' / 'hri_msgs' for prefix in prefixes)
    return next(path for path in paths if path.is_dir())


@pytest.mark.parametrize('name', RELEASED_HASHES)
def test_messages_are_those_of_every_other_ros_machine(name):
    # Peers match topics by this hash.
    described = json.loads((share() / 'msg' / f'{name}.json').read_text())
    hashes = {entry['type_name']: entry['hash_string'] for entry in described['type_hashes']}
    assert hashes[f'hri_msgs/msg/{name}'] == f'RIHS01_{RELEASED_HASHES[name]}'


@pytest.mark.parametrize('name', FIELDS)
def test_fields_are_those_of_rep_155(name):
    assert getattr(hri_msgs, name).get_fields_and_field_types() == FIELDS[name]


# --- the messages ----------------------------------------------------------------


@pytest.fixture(scope='module')
def face(portrait):
    (found,) = Pipeline().detect(portrait)
    return found


def test_region_is_the_box_in_fractions_of_the_image(face):
    roi = region(face, HEADER, 512, 256)
    assert roi.header == HEADER
    np.testing.assert_allclose(
        [roi.xmin * 512, roi.ymin * 256, roi.xmax * 512, roi.ymax * 256], face.box, rtol=1e-5
    )
    assert roi.c == pytest.approx(face.score, abs=1e-6)
    small = region(face, HEADER, 200, 100)  # the face reaches over its right and lower edge
    assert (small.xmax, small.ymax) == (1.0, 1.0)
    assert small.xmin == pytest.approx(face.box[0] / 200)


def test_landmarks_are_where_their_names_say(face):
    message = facial_landmarks(face, HEADER, 512, 512)
    assert message.header == HEADER
    assert (message.width, message.height, len(message.landmarks)) == (512, 512, 70)
    codes = hri_msgs.FacialLandmarks

    def place(name):
        point = message.landmarks[getattr(codes, name)]
        return np.array([point.x, point.y]) * 512

    # The person looks into the camera: the right of the body is image-left.
    left_of = (
        ('RIGHT_EAR', 'RIGHT_PROFILE_4'),
        ('RIGHT_PROFILE_4', 'MENTON'),
        ('MENTON', 'LEFT_PROFILE_4'),
        ('LEFT_PROFILE_4', 'LEFT_EAR'),
        ('RIGHT_EYEBROW_OUTSIDE', 'RIGHT_EYEBROW_INSIDE'),
        ('RIGHT_EYEBROW_INSIDE', 'LEFT_EYEBROW_INSIDE'),
        ('LEFT_EYEBROW_INSIDE', 'LEFT_EYEBROW_OUTSIDE'),
        ('RIGHT_EYE_OUTSIDE', 'RIGHT_PUPIL'),
        ('RIGHT_PUPIL', 'RIGHT_EYE_INSIDE'),
        ('RIGHT_EYE_INSIDE', 'SELLION'),
        ('SELLION', 'LEFT_EYE_INSIDE'),
        ('LEFT_EYE_INSIDE', 'LEFT_PUPIL'),
        ('LEFT_PUPIL', 'LEFT_EYE_OUTSIDE'),
        ('NOSTRIL_1', 'NOSTRIL_3'),
        ('NOSTRIL_3', 'NOSTRIL_5'),
        ('MOUTH_OUTER_RIGHT', 'MOUTH_INNER_RIGHT'),
        ('MOUTH_INNER_RIGHT', 'MOUTH_INNER_LEFT'),
        ('MOUTH_INNER_LEFT', 'MOUTH_OUTER_LEFT'),
    )
    above = (
        ('RIGHT_EYEBROW_2', 'RIGHT_EYE_TOP_1'),
        ('RIGHT_EYE_TOP_1', 'RIGHT_EYE_BOTTOM_1'),
        ('LEFT_EYE_TOP_1', 'LEFT_EYE_BOTTOM_1'),
        ('SELLION', 'NOSE_1'),
        ('NOSE_1', 'NOSE'),
        ('NOSE', 'NOSTRIL_3'),
        ('NOSTRIL_3', 'MOUTH_OUTER_TOP_3'),
        ('MOUTH_OUTER_TOP_3', 'MOUTH_INNER_TOP_2'),
        ('MOUTH_INNER_TOP_2', 'MOUTH_INNER_BOTTOM_2'),
        ('MOUTH_INNER_BOTTOM_2', 'MOUTH_OUTER_BOTTOM_3'),
        ('MOUTH_OUTER_BOTTOM_3', 'MENTON'),
    )
    assert [pair for pair in left_of if not place(pair[0])[0] < place(pair[1])[0]] == []
    assert [pair for pair in above if not place(pair[0])[1] < place(pair[1])[1]] == []


def test_what_is_not_known_has_no_confidence(face):
    points = facial_landmarks(face, HEADER, 512, 512).landmarks
    codes = hri_msgs.FacialLandmarks
    confidence = np.array([p.c for p in points])
    assert confidence == pytest.approx(face.score, abs=1e-6)
    pupils = [(points[i].x * 512, points[i].y * 512) for i in (68, 69)]
    np.testing.assert_allclose(pupils, face.eyes.landmarks.iris_px, atol=1e-3)

    # of closed eyes, and where nobody looks at eyes, pupils are not known
    closed = replace(face.eyes, measured=np.array([True, False]))
    for eyes, unknown in ((closed, [codes.LEFT_PUPIL]), (None, [68, 69])):
        points = facial_landmarks(replace(face, eyes=eyes), HEADER, 512, 512).landmarks
        assert [i for i, p in enumerate(points) if p.c == 0] == unknown
        x = np.mean([face.landmarks_px[i, 0] for i in range(42, 48)])
        assert points[codes.LEFT_PUPIL].x * 512 == pytest.approx(x, abs=1e-3)

    cut = facial_landmarks(face, HEADER, 220, 512).landmarks
    for point, place in zip(cut[:68], face.landmarks_px, strict=True):
        assert 0 <= point.x <= 1
        assert (point.c > 0) == (place[0] <= 220)


# --- the pictures ----------------------------------------------------------------


def test_crop_keeps_the_face_s_proportions_and_is_black_around():
    image = np.full((100, 200, 3), 50, np.uint8)
    image[20:60, 40:60] = 200  # 20 wide, 40 high
    crop = crops.cropped(image, np.array([40, 20, 60, 60]), 64, 64)
    assert crop.shape == (64, 64, 3)
    assert (crop[:, 16:48] == 200).all()
    assert not crop[:, :16].any()
    assert not crop[:, 48:].any()
    wide = crops.cropped(image, np.array([40, 20, 60, 60]), 128, 32)
    assert wide.shape == (32, 128, 3)
    assert (wide[:, 56:72] == 200).all()
    assert not wide[:, :56].any()


def test_crop_of_a_box_that_leaves_the_image_is_still_centred():
    image = np.full((100, 100, 3), 200, np.uint8)
    crop = crops.cropped(image, np.array([-20, 40, 20, 80]), 40, 40)
    assert not crop[:, :20].any()
    assert (crop[:, 20:] == 200).all()
    for outside in ([-50, 10, -10, 50], [10, 120, 50, 160]):
        assert not crops.cropped(image, np.array(outside), 40, 40).any()
        assert not crops.aligned(image, np.array(outside), np.zeros((68, 2)), 4, 4).any()


@pytest.mark.parametrize('degrees', [-150, -40, 0, 25, 90])
@pytest.mark.parametrize('box_side', [40, 128, 400])
def test_aligned_eyes_are_level(degrees, box_side):
    angle = np.radians(degrees)
    along = np.array([np.cos(angle), np.sin(angle)])
    middle = np.array([300.0, 280.0])
    landmarks = np.zeros((68, 3))
    landmarks[36:42, :2] = middle - 0.2 * box_side * along
    landmarks[42:48, :2] = middle + 0.2 * box_side * along
    # one eye is red, the other blue
    rows, columns = np.mgrid[:560, :600]
    image = np.zeros((560, 600, 3), np.uint8)
    for eye, channel in ((36, 2), (42, 0)):
        distance = np.hypot(columns - landmarks[eye, 0], rows - landmarks[eye, 1])
        image[..., channel] = np.where(distance < 0.06 * box_side, 255, 0)
    box = np.concatenate([middle - box_side / 2, middle + box_side / 2])
    crop = crops.aligned(image, box, landmarks, 128, 128).astype(float)
    centres = [
        np.array([(np.arange(128) * crop[..., c].sum(axis=a)).sum() for a in (0, 1)])
        / crop[..., c].sum()
        for c in (2, 0)
    ]
    expected = [[63.5 - 25.6, 63.5], [63.5 + 25.6, 63.5]]
    np.testing.assert_allclose(centres, expected, atol=0.7)


def test_crops_show_the_face(face, portrait):
    crop = crops.cropped(portrait, face.box, 128, 128)
    again = crops.aligned(portrait, face.box, face.landmarks_px, 128, 128)
    (in_crop,), (in_aligned,) = (Pipeline().detect(i) for i in (crop, again))
    assert abs(np.degrees(crops.eye_line_angle(in_aligned.landmarks_px))) < 2
    assert in_crop.score > 0.5
    assert in_aligned.score > 0.5


# --- the topics ------------------------------------------------------------------


class Machine:
    """A Humans in a node, and a peer that listens."""

    def __init__(self):
        self.context = rclpy.Context()
        rclpy.init(context=self.context)
        self.node = rclpy.create_node('speaker', context=self.context)
        self.peer = rclpy.create_node('listener', context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)
        self.executor.add_node(self.peer)
        self.values = {**DEFAULTS, 'image_timeout': 3600.0}
        self.depths = {}
        self.humans = Humans(
            self.node,
            self.make_publisher,
            lambda: Settings.from_values(self.values),
        )

    def make_publisher(self, kind, topic, depth):
        self.depths[topic] = depth
        return self.node.create_publisher(kind, topic, depth)

    def close(self):
        self.humans.close()
        self.executor.shutdown()
        self.node.destroy_node()
        self.peer.destroy_node()
        self.context.try_shutdown()

    def topics(self):
        return {name for name, _ in self.peer.get_topic_names_and_types() if 'humans' in name}

    def collect(self, kind, topic):
        messages = []
        self.peer.create_subscription(kind, topic, messages.append, 10)
        return messages

    def wait(self, condition, publish=None):
        end_s = time.monotonic() + HANG_S
        while not condition():
            assert time.monotonic() < end_s
            if publish:
                publish()
            self.executor.spin_once(timeout_sec=0.05)


@pytest.fixture
def machine():
    machine = Machine()
    yield machine
    machine.close()


TRACKED = '/humans/faces/tracked'
SUBTOPICS = ('roi', 'landmarks', 'cropped', 'aligned', 'facs')


def named(face_id):
    return {f'/humans/faces/{face_id}/{name}' for name in SUBTOPICS}


def with_id(face, face_id):
    return SimpleNamespace(
        id=face_id, score=face.score, box=face.box, landmarks_px=face.landmarks_px, eyes=face.eyes
    )


def test_topics_of_a_face_live_as_long_as_the_face(machine, portrait, face):
    ids = machine.collect(hri_msgs.IdsList, TRACKED)
    both = [with_id(face, 'f1'), with_id(face, 'f2')]
    machine.wait(
        lambda: named('f1') | named('f2') <= machine.topics() and ids and len(ids[-1].ids) == 2,
        lambda: machine.humans.publish(Result(portrait, both, HEADER)),
    )
    assert ids[-1] == hri_msgs.IdsList(header=HEADER, ids=['f1', 'f2'])

    machine.wait(
        lambda: not named('f1') & machine.topics(),
        lambda: machine.humans.publish(Result(portrait, both[1:], HEADER)),
    )
    machine.wait(lambda: ids[-1].ids == ['f2'])
    assert named('f2') <= machine.topics()

    machine.humans.publish(Result.withdrawal(HEADER))  # as when deactivated
    machine.wait(lambda: machine.topics() == {TRACKED})
    machine.wait(lambda: ids[-1].ids == [])


def smiling(face, face_id):
    """Return the face with a smile of the person's left side alone, who speaks."""
    values, known = np.zeros(52), np.full(52, 0.5)
    values[23] = 0.8  # mouthSmileLeft
    return replace(face, id=face_id, score=0.8, blendshapes=values,
                   blendshape_confidence=known, speaking=0.75)  # fmt: skip


def test_action_units_are_published_by_their_numbers(machine, portrait, face):
    assert not machine.humans.wants_expressions()
    found = machine.collect(hri_msgs.FacialActionUnits, '/humans/faces/f1/facs')
    machine.wait(
        lambda: found,
        lambda: machine.humans.publish(Result(portrait, [smiling(face, 'f1')], HEADER)),
    )
    assert machine.humans.wants_expressions()
    units, codes = found[0], hri_msgs.FacialActionUnits
    assert units.header == HEADER
    assert len(units.intensity) == len(units.confidence) == 99
    assert units.intensity[codes.LIP_CORNER_PULLER] == pytest.approx(0.4)
    assert units.confidence[codes.LIP_CORNER_PULLER] == pytest.approx(0.4)
    assert units.intensity[codes.SPEECH] == 1.0
    assert units.confidence[codes.SPEECH] == pytest.approx(0.4)
    assert units.confidence[codes.CHEWING] == 0.0
    assert '/humans/faces/f1/expression' not in machine.topics()


def test_names_of_expressions_are_published_where_asked_for(machine, portrait, face):
    machine.values['publish_expression'] = True
    found = machine.collect(hri_msgs.Expression, '/humans/faces/f1/expression')
    shown = smiling(face, 'f1')
    shown.blendshapes[24] = 0.6
    machine.wait(lambda: found, lambda: machine.humans.publish(Result(portrait, [shown], HEADER)))
    assert found[0].header == HEADER
    assert found[0].expression == hri_msgs.Expression.HAPPY == 'happy'
    assert 0 < found[0].confidence <= 0.4
    assert math.isnan(found[0].valence)


def test_the_numbers_of_action_units_are_those_of_the_table():
    codes = hri_msgs.FacialActionUnits
    assert [codes.INNER_BROW_RAISER, codes.BROW_LOWERER, codes.CHEEK_RAISER, codes.JAW_DROP,
            codes.LIPS_PART, codes.JAW_SIDEWAYS, codes.EYES_CLOSED, codes.WINK, codes.SPEECH,
            codes.HEAD_TURN_LEFT, codes.HEAD_TILT_RIGHT, codes.EYES_TURN_LEFT,
            codes.EYES_DOWN] == [1, 4, 6, 26, 25, 30, 43, 46, 50, 51, 56, 61, 64]  # fmt: skip


def test_a_face_missed_for_a_moment_stays_tracked(machine, portrait, face, monkeypatch):
    now_s = 100.0
    monkeypatch.setattr(humans_module, 'time', SimpleNamespace(monotonic=lambda: now_s))
    ids = machine.collect(hri_msgs.IdsList, TRACKED)
    machine.wait(
        lambda: ids and ids[-1].ids,
        lambda: machine.humans.publish(Result(portrait, [with_id(face, 'f1')], HEADER)),
    )
    for later_s, tracked in ((100.2, ['f1']), (100.3, [])):
        now_s = later_s
        header = Header(frame_id='camera', stamp=Time(sec=8, nanosec=round(1e8 * now_s) % 10**9))
        machine.humans.publish(Result(portrait, [], header))
        machine.wait(lambda header=header: ids[-1].header == header)
        assert ids[-1].ids == tracked


def test_a_consumer_that_is_held_up_misses_nothing_of_five_images(
    machine, portrait, face, monkeypatch
):
    made = []
    make = humans_module.passing_publisher

    def noted(node, kind, topic, depth):
        made.append((topic, depth))
        return make(node, kind, topic, depth)

    monkeypatch.setattr(humans_module, 'passing_publisher', noted)
    machine.humans.publish(Result(portrait, [with_id(face, 'f1')], HEADER))
    machine.humans._maker.submit(lambda: None).result(timeout=HANG_S)
    assert machine.depths == {TRACKED: 5}
    assert named('f1') <= {topic for topic, _ in made}
    assert {depth for _, depth in made} == {5}


def test_topics_end_when_images_stop(machine, portrait, face):
    assert machine.humans._timer.timer_period_ns == 1_000_000_000  # looked at so often
    ids = machine.collect(hri_msgs.IdsList, TRACKED)
    machine.wait(
        lambda: named('f1') <= machine.topics() and ids,
        lambda: machine.humans.publish(Result(portrait, [with_id(face, 'f1')], HEADER)),
    )
    machine.values['image_timeout'] = 0.5
    machine.wait(lambda: machine.topics() == {TRACKED})
    machine.wait(lambda: ids[-1].ids == [])


def test_everything_is_published_reliable_and_only_if_wanted(machine, portrait, face):
    assert not machine.humans.wanted()
    received = {
        'roi': machine.collect(hri_msgs.NormalizedRegionOfInterest2D, '/humans/faces/f1/roi'),
        'landmarks': machine.collect(hri_msgs.FacialLandmarks, '/humans/faces/f1/landmarks'),
        'cropped': machine.collect(Image, '/humans/faces/f1/cropped'),
        'aligned': machine.collect(Image, '/humans/faces/f1/aligned'),
    }
    machine.values.update(face_image_width=96, face_image_height=64)
    machine.wait(
        lambda: all(received.values()),
        lambda: machine.humans.publish(Result(portrait, [with_id(face, 'f1')], HEADER)),
    )
    assert machine.humans.wanted()
    for messages in received.values():
        assert messages[-1].header == HEADER
    for name in ('cropped', 'aligned'):
        picture = received[name][-1]
        assert (picture.width, picture.height, picture.encoding) == (96, 64, 'bgr8')
        assert picture.step == 3 * 96
    pixels = np.frombuffer(received['cropped'][-1].data, np.uint8).reshape(64, 96, 3)
    np.testing.assert_array_equal(pixels, crops.cropped(portrait, face.box, 96, 64))
    for topic in (TRACKED, *named('f1')):
        # data may arrive before it is known whose it is
        machine.wait(lambda t=topic: machine.peer.get_publishers_info_by_topic(t))
        (info,) = machine.peer.get_publishers_info_by_topic(topic)
        assert info.qos_profile.reliability == ReliabilityPolicy.RELIABLE

    machine.values['publish_humans'] = False
    assert not machine.humans.wanted()
    machine.humans.publish(Result(portrait, [with_id(face, 'f1')], HEADER))
    machine.wait(lambda: not machine.node.count_publishers('/humans/faces/f1/roi'))


def test_nothing_grows_as_faces_come_and_go(machine, portrait, face):
    for number in range(30):
        machine.humans.publish(Result(portrait, [with_id(face, f'f{number}')], HEADER))
        machine.humans.publish(Result.withdrawal(HEADER))
        machine.executor.spin_once(timeout_sec=0)
    machine.humans._maker.submit(lambda: None).result(timeout=HANG_S)  # all are made
    assert len(list(machine.node.publishers)) <= 3  # tracked, /rosout, /parameter_events
    assert not [name for name in machine.node._parameters if 'qos' in name]


class SlowTopics:
    """Stands in for the making of a face's topics, which DDS may take long for."""

    def __init__(self, monkeypatch):
        self.begun, self.let_go = threading.Semaphore(0), threading.Semaphore(0)
        make = humans_module._FaceTopics.of

        def slowly(node, face_id):
            self.begun.release()
            assert self.let_go.acquire(timeout=HANG_S)
            return make(node, face_id)

        monkeypatch.setattr(humans_module._FaceTopics, 'of', slowly)


def test_nothing_waits_while_the_topics_of_a_face_are_made(machine, portrait, face, monkeypatch):
    slow = SlowTopics(monkeypatch)
    ids = machine.collect(hri_msgs.IdsList, TRACKED)
    both = [with_id(face, 'f1'), with_id(face, 'f2')]
    machine.wait(lambda: ids, lambda: machine.humans.publish(Result(portrait, both, HEADER)))
    assert slow.begun.acquire(timeout=HANG_S)
    # in the midst of it images come, and are looked at
    assert machine.humans.wanted()
    machine.humans.publish(Result(portrait, both, HEADER))
    assert ids[-1].ids == []
    slow.let_go.release(2)
    machine.wait(
        lambda: sorted(ids[-1].ids) == ['f1', 'f2'],
        lambda: machine.humans.publish(Result(portrait, both, HEADER)),
    )


def test_a_face_that_goes_before_its_topics_are_there_leaves_none(
    machine, portrait, face, monkeypatch
):
    slow = SlowTopics(monkeypatch)
    machine.humans.publish(Result(portrait, [with_id(face, 'f1')], HEADER))
    assert slow.begun.acquire(timeout=HANG_S)
    machine.humans.publish(Result.withdrawal(HEADER))
    slow.let_go.release(1)
    machine.humans._maker.submit(lambda: None).result(timeout=HANG_S)
    assert not [p for p in machine.node.publishers if '/f1/' in p.topic_name]
    assert not machine.humans._faces
    assert not machine.humans._making


def test_topics_that_cannot_be_made_are_an_error_of_the_next_image(
    machine, portrait, face, monkeypatch
):
    with monkeypatch.context() as patched:
        patched.setattr(humans_module._FaceTopics, 'of', lambda *_: 1 / 0)
        machine.humans.publish(Result(portrait, [with_id(face, 'f1')], HEADER))
        machine.humans._maker.submit(lambda: None).result(timeout=HANG_S)
    with pytest.raises(ZeroDivisionError):
        machine.humans.publish(Result(portrait, [with_id(face, 'f1')], HEADER))
    machine.wait(
        lambda: machine.humans._faces,
        lambda: machine.humans.publish(Result(portrait, [with_id(face, 'f1')], HEADER)),
    )
