# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The frame_id of images: none, another one, and two cameras by turns, of one frame or two."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy')

from builtin_interfaces.msg import Time
from sensor_msgs.msg import CameraInfo
from std_msgs.msg import Header

from face_recon_ros.calibration import Calibration
from face_recon_ros.nodes.frame_ids import FrameWatch, Publishers, PublisherTurns
from face_recon_ros.nodes.image_processing import Arrival, ImageProcessor, Telemetry
from face_recon_ros.nodes.parameters import DECLARATIONS, Settings
from face_recon_ros.nodes.report import ChangeLogger

pytestmark = pytest.mark.ros
IMAGE = np.zeros((48, 64, 3), np.uint8)
NONE = (
    'images on /image have no frame_id, so nothing is published on /tf: set it in the camera '
    'driver'
)
BY_TURNS = (
    "images on /image are of the frames 'camA' and 'camB' by turns, so faces are forgotten each "
    'time: two cameras on one topic? remap one'
)
TWO_PUBLISHERS = (
    'images on /image are of two publishers by turns, so faces of one are taken for those of the '
    'other: two cameras on one topic? remap one'
)
ONE = 'images on /image have one frame_id'


class Camera:
    """Gives images to a watch or to a processor, and sees what is logged."""

    def __init__(self):
        self.lines = []
        self.now_s = 0.0
        self.report = ChangeLogger(
            self.lines.append, self.lines.append, now=lambda: self.now_s)
        self.watch = FrameWatch(self.report, '/image', now=lambda: self.now_s)
        self.turns = PublisherTurns()

    def take(self, *frame_ids, period_s=0.1):
        """Return whether the last one is another than the one before it."""
        for frame_id in frame_ids:
            self.now_s += period_s
            changed = self.watch.changed(frame_id)
        return changed

    def take_from(self, *publishers, frames=None, period_s=0.1):
        """Take an image from each of the publishers, of one frame unless others are given."""
        for publisher in publishers:
            self.now_s += period_s
            turn_s = self.turns.turn_s(publisher, self.now_s)
            self.watch.changed((frames or {}).get(publisher, 'cam'), turn_s)

    @property
    def fault(self):
        return self.report.current('frame_id')


class Pipeline:
    """Stands in for one that finds nobody; counts how often it was told to forget."""

    def __init__(self, config):
        self.config = config
        self.resets = 0

    def configure(self, config):
        self.config = config

    def reset(self):
        self.resets += 1

    def track_without_search(self, *_):
        return []


def processor(report, **parameters):
    values = {**{d.name: d.default for d in DECLARATIONS}, **parameters}
    settings = Settings.from_values(values)
    telemetry = Telemetry(SimpleNamespace(), SimpleNamespace(), report, SimpleNamespace())
    return ImageProcessor(
        Pipeline(settings.pipeline), Calibration('/c', False), lambda: settings, [], telemetry,
        '/image')


def arrival(frame_id, stamp_s):
    header = Header(stamp=Time(sec=stamp_s), frame_id=frame_id)
    return Arrival(SimpleNamespace(header=header), float(stamp_s), Time(sec=stamp_s))


def test_images_without_frame_id_are_said_once_until_they_have_one():
    camera = Camera()
    camera.take(*20 * [''])
    assert camera.lines == [NONE]
    camera.take(*80 * ['cam'])
    assert camera.lines[1:] == [ONE]
    assert camera.fault == ''


@pytest.mark.parametrize('publish_tf', [True, False])
def test_frame_ids_are_judged_without_faces_and_listeners_to_tf(publish_tf):
    camera = Camera()
    finder = processor(camera.report, publish_tf=publish_tf)
    finder.find(arrival('', 1), IMAGE)
    assert camera.fault == NONE
    camera.now_s = 10.0
    finder.find(arrival('cam', 2), IMAGE)
    assert camera.fault == ''


def test_another_frame_is_no_fault_and_faces_are_forgotten():
    camera = Camera()
    assert not camera.take('camA')
    assert not camera.take('camA')
    assert camera.take('camB')
    assert not camera.take('camB')
    assert camera.take(*60 * ['camB'], 'camA')  # six seconds later
    assert camera.lines == []


@pytest.mark.parametrize(('run', 'period_s'), [(1, 0.1), (5, 0.1), (2, 1.0), (1, 4.0)])
def test_two_frames_by_turns_are_said_once_until_one_stays(run, period_s):
    camera = Camera()
    camera.take(*20 * [*run * ['camB'], *run * ['camA']], period_s=period_s)
    assert camera.lines == [BY_TURNS]
    assert camera.fault == BY_TURNS
    camera.take(*40 * ['camA'])
    assert camera.fault == BY_TURNS
    camera.take(*12 * ['camA'])
    assert camera.fault == ''
    assert camera.lines == [BY_TURNS, ONE]


def test_of_many_frames_by_turns_two_are_named():
    camera = Camera()
    camera.take(*10 * ['camA', 'camB', 'camC', ''])
    assert camera.lines == [BY_TURNS.replace('camA', 'camB').replace("and 'camB'", "and 'camC'")]


def test_a_camera_without_frame_beside_another_is_one_fault():
    camera = Camera()
    camera.take('cam', '', '', 'cam', 'cam', '', '', 'cam')
    assert len(camera.lines) == 2
    assert camera.lines[0] == NONE  # as the first one may be by itself
    assert "are of the frames '' and 'cam' by turns" in camera.lines[1]


@pytest.mark.parametrize(('run', 'period_s'), [(1, 0.1), (5, 0.1), (1, 8.0), (1, 28.0)])
def test_two_publishers_of_one_frame_by_turns_are_said_once_until_one_stays(run, period_s):
    camera = Camera()
    camera.take_from(*10 * [*run * [b'A'], *run * [b'B']], period_s=period_s)
    assert camera.lines == [TWO_PUBLISHERS]
    assert camera.fault == TWO_PUBLISHERS
    camera.take_from(*40 * [b'B'])
    assert camera.fault == TWO_PUBLISHERS
    camera.take_from(*600 * [b'B'])
    assert camera.fault == ''
    assert camera.lines == [TWO_PUBLISHERS, ONE]


@pytest.mark.parametrize('period_s', [0.1, 8.0, 28.0])
def test_frames_of_two_publishers_are_named_however_slowly_they_take_turns(period_s):
    camera = Camera()
    frames = {b'A': 'camA', b'B': 'camB'}
    camera.take_from(*10 * [b'A', b'B'], frames=frames, period_s=period_s)
    assert camera.lines == [BY_TURNS]


def test_a_camera_that_is_started_again_and_again_takes_no_turns():
    camera = Camera()
    camera.take_from(*(bytes([n]) for n in range(100) for _ in range(3)))
    camera.take_from(b'')  # of nobody known
    camera.take_from(bytes([99]))
    assert camera.lines == []


def test_a_camera_that_another_stood_in_for_over_a_minute_takes_no_turns():
    camera = Camera()
    camera.take_from(b'A', *62 * [b'B'], b'A', period_s=1.0)
    assert camera.lines == []
    camera.take_from(b'B', period_s=1.0)
    assert camera.lines == []
    camera.take_from(b'A', period_s=1.0)
    assert camera.lines == [TWO_PUBLISHERS]


def named(*numbers):
    """Return the names of who published images, told apart by their numbers alone."""
    publishers = Publishers(lambda: {b'x', b'y'})
    return [publishers.of({'publication_sequence_number': n}) for n in numbers]


def named_after_starts(*runs, idle=()):
    """Return the names of one that is started for each run of numbers, beside others."""
    there = set()
    publishers, names = Publishers(lambda: there), []
    for index, numbers in enumerate(runs):
        there = {bytes([index]), *idle}
        names += [publishers.of({'publication_sequence_number': n}) for n in numbers]
    return names


def test_publishers_are_those_that_rclpy_names():
    publishers = Publishers(lambda: {b'x', b'y'})
    infos = [
        {'publisher_gid': {'data': name}, 'publication_sequence_number': 1}
        for name in (b'x', b'y')
    ]
    assert [publishers.of(info) for info in infos] == [b'x', b'y']
    assert publishers.of({}) == b''
    assert publishers.of({'publication_sequence_number': None}) == b''


@pytest.mark.parametrize(
    'numbers',
    [
        [900, 5, 901, 6, 902, 7, 905, 9],  # two of each are lost
        [5, 5, 6, 6, 7, 7, 8, 8],  # started at once
        [5, 7, 6, 8, 7, 9, 8, 10],  # ... and nearly so
    ],
)
def test_publishers_without_a_name_are_told_apart_by_their_numbers(numbers):
    names = named(*numbers)
    assert len(set(names)) == 2
    camera = Camera()
    camera.take_from(*names)
    assert camera.lines == [TWO_PUBLISHERS]


def test_one_publisher_without_a_name_is_one():
    camera = Camera()
    # images are lost, then it is started again, and again, and passes its former numbers
    runs = [[*range(1, 20), *range(40, 60)], range(1, 10), range(1, 100)]
    names = named_after_starts(*runs)
    camera.take_from(*names)
    assert len(set(names)) == 3
    assert camera.lines == []


@pytest.mark.parametrize('idle', [(), (b'idle',)])
def test_a_camera_that_is_started_again_and_loses_images_takes_no_turns(idle):
    # its numbers are those that others which are gone would have had next
    camera = Camera()
    runs = [range(1, 30), range(1, 10), range(12, 40), [3, 4, 5, 11, 12, 31, 41], [2, 6, 13, 42]]
    camera.take_from(*named_after_starts(*3 * runs, idle=idle))
    assert camera.lines == []


def test_many_publishers_are_forgotten():
    *names, last = named(*range(1000, 0, -1), 500)
    # of 16 remembered, the one whose newest is nearest below; 499's is no longer among them
    assert last == names[-16]
    assert len(set(names)) == 1000


def test_a_watch_that_forgets_begins_anew():
    camera = Camera()
    camera.take('camA', 'camB')
    camera.watch.forget()
    assert not camera.take('camA')
    assert camera.take('camB')
    assert camera.lines == []


def test_calibration_of_another_frame_is_told_but_not_of_two_cameras_by_turns():
    camera = Camera()
    finder = processor(camera.report)
    k = [50.0, 0, 32, 0, 50, 24, 0, 0, 1]
    finder.calibration.update(CameraInfo(header=Header(frame_id='a'), width=64, height=48, k=k))
    faults = [finder.find(arrival(f, n), IMAGE)[1] for n, f in enumerate(['b', 'a', 'b', 'a'])]
    assert "of the frame 'a', but images are of 'b'" in faults[0]
    assert faults[1:] == ['', '', '']


def test_faces_are_forgotten_when_images_are_of_another_frame():
    finder = processor(Camera().report)
    resets = []
    for stamp_s, frame_id in enumerate(['a', 'a', 'b', 'b', 'a', 'b']):
        finder.find(arrival(frame_id, stamp_s), IMAGE)
        resets.append(finder.pipeline.resets)
    assert resets == [0, 0, 1, 1, 2, 3]
    finder.forget()
    finder.find(arrival('a', 9), IMAGE)
    assert finder.pipeline.resets == 4
