# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What is said of depth after what it did for faces."""

import pytest

from face_recon_ros.depth_lag import DepthLag
from face_recon_ros.depth_report import DepthReport, together
from face_recon_ros.pipeline import Pipeline


def test_reports_add_up_and_means_are_weighed_by_faces():
    found = together([
        DepthReport(1, ('a',), 0.9, 0.004, 3.0, -1.0),
        DepthReport(0, ('b', 'c')),
        DepthReport(3, (), 0.5, 0.002, 1.0, 1.0),
    ])
    assert (found.used, found.refusals, found.faces) == (4, ('a', 'b', 'c'), 7)
    assert [found.valid, found.residual_m, found.shift_x_px, found.shift_y_px] == pytest.approx(
        [0.6, 0.0025, 1.5, 0.5])
    # how late it is, is known better with time
    late = DepthReport(1, late_s=0.1)
    assert together([DepthReport(1), late]).late_s == 0.1
    assert together([late, DepthReport(1)]).late_s == 0.0
    assert together([]) == DepthReport(0)
    assert together([]).faces == 0


@pytest.mark.parametrize(('report', 'said'), [
    (DepthReport(30, shift_x_px=-4.6), 'depth lies 5 px beside the image'),
    (DepthReport(30, shift_y_px=4.6), 'depth lies 5 px beside the image'),
    (DepthReport(29, shift_x_px=9.0), ''),
    (DepthReport(30, shift_x_px=3.9), ''),
    (DepthReport(1, late_s=0.13), 'depth is 130 ms older than its stamps say'),
    (DepthReport(30, shift_x_px=9.0, late_s=0.2), 'depth is 200 ms older than its stamps say'),
    (DepthReport(7, ('x',) * 30), 'depth is hardly used: x; faces are found without it'),
    (DepthReport(8, ('x',) * 30), ''),
    (DepthReport(0, ('x',) * 29), ''),
])
def test_depth_is_doubted_by_what_many_faces_say(report, said):
    assert report.doubt().startswith(said)
    assert bool(report.doubt()) == bool(said)


def test_one_face_may_be_enough():
    assert DepthReport(0, ('x',)).doubt(least_faces=1).startswith('depth is hardly used: x')
    assert DepthReport(1, ('x',)).doubt(least_faces=1) == ''
    assert DepthReport(0).doubt(least_faces=1) == ''


def test_it_is_what_a_pipeline_reports():
    assert Pipeline().depth_report() == DepthReport(0)


def test_late_depth_is_told_once_it_is_sure(monkeypatch):
    pipeline = Pipeline()
    monkeypatch.setattr(DepthLag, 'late_s', 0.15)
    said = pipeline.depth_report().doubt()
    assert said.startswith('depth is 150 ms older than its stamps say: ')
