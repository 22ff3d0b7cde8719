# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What diagnostics and log say of depth that comes, stops, and comes again."""

import time

import pytest

pytest.importorskip('rclpy')

from face_recon_ros.nodes.depth_monitor import DepthMonitor, DepthTask
from face_recon_ros.nodes.diagnostics import OK, WARN
from face_recon_ros.nodes.monitor import Monitor
from face_recon_ros.placing import DepthReport

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
