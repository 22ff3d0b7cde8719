# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The frame_id of images: none, and what is said of it, in the thread that finds faces."""

from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip('rclpy')

from builtin_interfaces.msg import Time
from std_msgs.msg import Header

from face_recon_ros.calibration import Calibration
from face_recon_ros.nodes.frame_ids import FrameWatch
from face_recon_ros.nodes.image_processing import Arrival, ImageProcessor, Telemetry
from face_recon_ros.nodes.parameters import DECLARATIONS, Settings
from face_recon_ros.nodes.report import ChangeLogger

pytestmark = pytest.mark.ros
IMAGE = np.zeros((48, 64, 3), np.uint8)
NONE = (
    'images on /image have no frame_id, so nothing is published on /tf: set it in the camera '
    'driver'
)


class Camera:
    """Gives images to a watch or to a processor, and sees what is logged."""

    def __init__(self):
        self.lines = []
        self.now_s = 0.0
        self.report = ChangeLogger(
            self.lines.append, self.lines.append, now=lambda: self.now_s)
        self.watch = FrameWatch(self.report, '/image')

    def take(self, *frame_ids, period_s=0.1):
        for frame_id in frame_ids:
            self.now_s += period_s
            self.watch.take(frame_id)

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
    assert camera.lines[1:] == ['images on /image have a frame_id']
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
