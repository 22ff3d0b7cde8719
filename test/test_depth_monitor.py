# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What diagnostics and log say of depth that comes, stops, and comes again."""

import time

import pytest

pytest.importorskip('rclpy')

from face_recon_ros.depth_report import DepthReport
from face_recon_ros.nodes.depth_monitor import DepthMonitor, DepthTask
from face_recon_ros.nodes.diagnostics import OK, WARN
from face_recon_ros.nodes.monitor import Monitor

pytestmark = pytest.mark.ros
AUTO = 'auto'


def verdict(monitor, use=AUTO):
    return DepthTask('/d', monitor, use).run(Monitor(0.0).snapshot(100.0))


def test_depth_that_never_came_is_no_fault_unless_it_is_wanted():
    assert verdict(DepthMonitor()).level == OK
    wanted = verdict(DepthMonitor(), 'always')
    assert wanted.level == WARN
    assert wanted.message.startswith('no depth on /d: start the camera')


@pytest.mark.parametrize('use', ['auto', 'always'])
def test_depth_that_stopped_is_said_with_what_is_used_instead(use):
    monitor, now_s = DepthMonitor(), time.monotonic()
    for age_s in (7.2, 7.1, 7.0):
        monitor.received(now_s - age_s)
    said = verdict(monitor, use)
    assert said.level == WARN
    assert said.message == (
        'depth stopped: nothing on /d for 7 s; until it comes again, faces keep the sizes that it '
        'measured, and new ones have the assumed size')


def test_stamps_are_not_blamed_for_depth_that_stopped():
    monitor, now_s = DepthMonitor(), time.monotonic()
    monitor.received(now_s - 4.0)
    monitor.unusable('the stamps of image and depth are 4.000 s apart')
    assert verdict(monitor).message.startswith('depth stopped: nothing on /d for 4 s')


def test_slow_depth_has_not_stopped_and_depth_that_comes_again_is_well():
    monitor, now_s = DepthMonitor(), time.monotonic()
    for age_s in (6.0, 4.0, 2.0):
        monitor.received(now_s - age_s)
    monitor.used(now_s, DepthReport(1, valid=0.9))
    assert verdict(monitor).message == 'depth arrives on /d'
    monitor.restart()
    assert verdict(monitor).message == 'no depth on /d'
    for age_s in (4.0, 0.0):
        monitor.received(now_s - age_s)
    assert verdict(monitor).level == OK


def reports(monitor, count=40, **given):
    now_s = time.monotonic()
    for _ in range(count):
        monitor.received(now_s)
        report = {'used': 1, 'valid': 0.91, 'residual_m': 0.0034, **given}
        monitor.used(now_s, DepthReport(**report))
    return monitor


def test_rate_age_valid_part_residual_and_shift_are_told():
    monitor = reports(DepthMonitor(), shift_x_px=1.25, shift_y_px=-0.5)
    monitor.matched(0.0123)
    said = verdict(monitor)
    assert (said.level, said.message) == (OK, 'depth arrives on /d')
    assert float(said.values['rate [Hz]']) > 1
    assert 0 <= float(said.values['age [s]']) < 5
    assert said.values['stamps apart [ms]'] == '12.3'
    assert said.values['faces with depth'] == '40 of 40'
    assert said.values['valid [%]'] == '91'
    assert said.values['residual [mm]'] == '3.4'
    assert said.values['beside the image [px]'] == '+1.2 -0.5'


def test_depth_that_lies_beside_the_image_is_suspicious():
    few = verdict(reports(DepthMonitor(), 29, shift_x_px=6.0))
    assert few.level == OK
    said = verdict(reports(DepthMonitor(), 31, shift_x_px=6.0))
    assert said.level == WARN
    assert said.message == (
        'depth lies 6 px beside the image: is it registered to it, by the right calibration?')


def test_depth_of_another_frame_is_suspicious():
    monitor = reports(DepthMonitor())
    monitor.matched(0.0, 'camera_depth_optical_frame', 'camera_color_optical_frame')
    said = verdict(monitor)
    assert said.level == WARN
    assert said.message == (
        "depth is of the frame 'camera_depth_optical_frame', the image of "
        "'camera_color_optical_frame': is it registered to the image? (RealSense: "
        'align_depth.enable:=true)')
    for frames in (('', 'camera'), ('camera', ''), ('camera', 'camera')):
        monitor.matched(0.0, *frames)
        assert verdict(monitor).level == OK


@pytest.mark.parametrize(('rate_hz', 'refused', 'seen', 'is_doubted'), [
    (5.0, 60, 60, True),
    (1.0, 60, 60, True),
    (5.0, 29, 29, False),
    (5.0, 27, 33, False),
    (30.0, 29, 30, False),
    (30.0, 150, 150, True),
])
def test_depth_of_slow_cameras_is_judged_by_as_many_images(rate_hz, refused, seen, is_doubted):
    monitor, now_s = DepthMonitor(), time.monotonic()
    for index in range(seen):
        age_s = (seen - 1 - index) / rate_hz
        monitor.received(now_s - age_s)
        report = DepthReport(0, ('no depth',)) if index < refused else DepthReport(1)
        monitor.used(now_s - age_s, report)
    assert verdict(monitor).message.startswith('depth is hardly used: no depth') is is_doubted


@pytest.mark.parametrize('fault', ['', 'depth cannot be read'])
def test_depth_that_nobody_looks_at_is_no_fault_and_the_log_leaves_it_at_that(fault):
    monitor, seen = reports(DepthMonitor(), used=0, refusals=('no depth',)), Monitor(0.0)
    if fault:
        monitor.unusable(fault)
    task = DepthTask('/d', monitor, AUTO)
    assert task.run(seen.snapshot(1.0)).level == WARN
    seen.received(1.0, idle=True)
    idle = task.run(seen.snapshot(1.1))
    assert (idle.level, idle.message, idle.settle_s) == (OK, 'depth arrives on /d', float('inf'))
    seen.received(2.0, idle=False)
    assert task.run(seen.snapshot(2.1)).level == WARN
    reports(monitor, 200)
    monitor.matched(0.0)
    assert task.run(seen.snapshot(2.1)).level == OK
    seen.received(3.0, idle=True)
    assert task.run(seen.snapshot(3.1)).settle_s is None


def test_faces_of_long_ago_are_no_reason_to_doubt_depth():
    refused = DepthReport(0, ('no depth',))
    monitor, now_s = DepthMonitor(), time.monotonic()
    for index in range(300):  # at 30 Hz, of which the first 100 have a face
        monitor.received(now_s - (299 - index) / 30)
        monitor.used(now_s - (299 - index) / 30, refused if index < 100 else DepthReport(0))
    assert verdict(monitor).level == OK
    monitor = DepthMonitor()
    for age_s in range(180, -1, -5):
        monitor.received(now_s - age_s)
        monitor.used(now_s - age_s, refused)
    assert verdict(monitor).level == OK


def test_depth_that_is_hardly_used_says_why():
    why = 'depth is a thousand times too large: are its float32 numbers millimetres?'
    said = verdict(reports(DepthMonitor(), used=0, refusals=(why,)))
    assert said.level == WARN
    assert said.message == f'depth is hardly used: {why}; faces are found without it'
