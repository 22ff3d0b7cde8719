# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Stamps of images as cameras give them: none, one for all, small steps back, and large ones."""

import pytest
from builtin_interfaces.msg import Time
from std_msgs.msg import Header

from face_recon_ros.nodes.report import ChangeLogger
from face_recon_ros.nodes.stamps import StampWatch, seconds
from face_recon_ros.tracking.settings import TrackingSettings
from face_recon_ros.tracking.tracker import Tracker


def time(stamp_s):
    nanoseconds = round(1e9 * stamp_s)
    return Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)


class Camera:
    def __init__(self):
        self.lines = []
        self.now_s = 0.0
        self.report = ChangeLogger(
            self.lines.append, self.lines.append, settle_s=0.0, now=lambda: self.now_s
        )
        self.real_s = 0.0
        self.watch = StampWatch(self.report, '/image', now=lambda: self.real_s)

    def take(self, stamp_s, arrived_s, real_s=0.0):
        """Return the stamp that goes out; real_s: since the image before."""
        self.real_s += real_s
        self.now_s = arrived_s
        header = self.watch.usable(Header(stamp=time(stamp_s), frame_id='cam'), time(arrived_s))
        assert header.frame_id == 'cam'
        return seconds(header.stamp)

    @property
    def fault(self):
        return self.report.current('stamps')


def test_good_stamps_go_out_as_they_are():
    camera = Camera()
    for step in range(100):
        stamp_s = 1000 + step / 30
        assert camera.take(stamp_s, 5000 + step / 25) == pytest.approx(stamp_s, abs=1e-9)
    assert camera.lines == []


def test_without_stamps_the_time_of_arrival_stands_in():
    camera = Camera()
    sent = [camera.take(0.0, 1e9 + step / 10) for step in range(50)]
    assert sent == pytest.approx([1e9 + step / 10 for step in range(50)], abs=1e-6)
    (line,) = camera.lines
    assert line == (
        'images on /image have no stamp (header.stamp is 0), so the time of arrival is used: set '
        'header.stamp in the camera driver to when the image was taken'
    )
    assert camera.fault == line
    camera.take(1e9 + 5.1, 1e9 + 5.1)
    assert camera.fault == ''


def test_one_stamp_for_all_is_noticed_once_time_goes_on():
    camera = Camera()
    sent = [camera.take(1000.5, 2000 + step / 10) for step in range(30)]
    assert sent[:6] == [1000.5] * 6
    assert sent[6:] == pytest.approx([2000 + step / 10 for step in range(6, 30)])
    (line,) = camera.lines
    assert 'all have the same stamp, so the time of arrival is used' in line


def test_an_image_that_comes_twice_is_no_fault():
    camera = Camera()
    for step in range(50):
        for copy in range(3):
            camera.take(1000 + step / 10, 1000 + step / 10 + copy / 100)
    assert camera.lines == []


def test_a_simulation_that_is_paused_or_begins_is_no_fault():
    camera = Camera()
    for arrived_s in (0.0, 0.1):
        assert camera.take(0.0, arrived_s) == 0.0
    for _ in range(100):
        assert camera.take(7.0, 7.25) == 7.0
    assert camera.lines == []


def test_a_clock_that_does_not_come_is_said():
    """use_sim_time without /clock: all of the node's time is 0."""
    camera = Camera()
    for _ in range(50):
        assert camera.take(0.0, 0.0, 0.1) == 0.0
    assert camera.lines == []
    for _ in range(50):
        assert camera.take(0.0, 0.0, 0.1) == 0.0
    (line,) = camera.lines
    assert line == camera.fault == (
        'images on /image have no stamp, and the clock stands at 0: use_sim_time is set but '
        'nothing comes on /clock; start the simulation or ros2 bag play --clock, or set '
        'use_sim_time to false'
    )
    camera.take(0.5, 0.5, 0.1)
    assert camera.fault == ''


@pytest.mark.parametrize(('stamp_s', 'clock_s'), [(0.0, 0.01), (7.0, 0.0)])
def test_a_clock_that_goes_on_slowly_and_images_with_a_stamp_of_their_own_are_no_fault(
    stamp_s, clock_s
):
    camera = Camera()
    camera.take(0.0, 0.0)
    for _ in range(100):
        camera.take(stamp_s, clock_s, 0.1)
        assert camera.lines == []


def test_a_clock_is_waited_for_anew_after_a_pause():
    camera = Camera()
    camera.take(0.0, 0.0)
    camera.watch.forget()
    camera.take(0.0, 0.0, 60.0)
    assert camera.lines == []


def test_a_small_step_back_is_said_and_forgets_nothing():
    camera = Camera()
    for stamp_s in (10.0, 10.1, 10.06, 10.2, 10.17):
        camera.take(stamp_s, stamp_s)
        assert not camera.watch.clock_was_set_back
    assert 'step back by less than 1 s' in camera.lines[0]


@pytest.mark.parametrize(('stamps_s', 'set_back'), [
    ((10.0, 9.4, 8.8), True),  # two small steps are a large one
    ((10.0, 9.4, 9.43, 8.83), False),  # time went on in between: two small ones
    ((10.0, 9.4, 9.43, 8.43), True),
    ((10.0, 8.8, 8.83, 8.1), False),  # a large one, then a small one
])  # fmt: skip
def test_steps_one_after_the_other_are_what_they_are_to_the_tracker(stamps_s, set_back):
    camera, tracker = Camera(), Tracker(TrackingSettings())
    for stamp_s in stamps_s:
        forgets = tracker.is_set_back(stamp_s)
        tracker.predict(stamp_s)
        camera.take(stamp_s, stamp_s)
        assert camera.watch.clock_was_set_back == forgets
    assert forgets == set_back
    assert ('so the faces were forgotten' in camera.fault) == set_back
    assert ('step back by less than 1 s' in camera.fault) != set_back


@pytest.mark.parametrize('back_s', [1.0, 1.5])
def test_a_clock_set_back_is_said(back_s):
    """The tracker forgets faces at a second, too: test_tracking_constants.py."""
    camera = Camera()
    camera.take(100.0, 1.0)
    camera.take(100.0 - back_s, 1.1)
    assert camera.watch.clock_was_set_back
    assert 'went back, so the faces were forgotten' in camera.fault
    camera.take(100.1 - back_s, 1.2)
    assert not camera.watch.clock_was_set_back
    assert camera.fault == ''
