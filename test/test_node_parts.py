# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node's parts without DDS: threads, reports, diagnostics, parameters, lazy pictures."""

import os
import sys
import threading
import weakref
from xml.etree import ElementTree

import numpy as np
import pytest
import yaml
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from patience import HANG_S

from face_recon_ros.nodes import fastdds
from face_recon_ros.nodes.diagnostics import (
    CalibrationTask,
    FacesTask,
    ImagesTask,
    NameTask,
    ReportedTask,
    SpeedTask,
    StateTask,
    diagnostic_array,
)
from face_recon_ros.nodes.latest_only import LatestOnlyWorker
from face_recon_ros.nodes.monitor import Monitor, SequenceGaps
from face_recon_ros.nodes.outputs import FaceOutputs
from face_recon_ros.nodes.parameters import DECLARATIONS, ParameterError, Settings
from face_recon_ros.nodes.report import ChangeLogger, one_line
from face_recon_ros.paths import share_directory
from face_recon_ros.pipeline import PipelineConfig

# --- newest item wins ------------------------------------------------------------


class Handler:
    """Holds the worker in each item until it is let go."""

    def __init__(self):
        self.begun = []
        self.let_go = threading.Semaphore(0)
        self.changed = threading.Condition()

    def __call__(self, item):
        with self.changed:
            self.begun.append(item)
            self.changed.notify_all()
        assert self.let_go.acquire(timeout=HANG_S)
        if item == 'bad':
            raise ValueError('bad item')

    def wait_begun(self, count):
        with self.changed:
            assert self.changed.wait_for(lambda: len(self.begun) >= count, HANG_S)


def test_a_slow_worker_takes_the_newest_and_says_what_it_replaced():
    handler = Handler()
    worker = LatestOnlyWorker('test', handler, failed=lambda error: None)
    assert not worker.submit('first')
    handler.wait_begun(1)
    assert [worker.submit(n) for n in (1, 2, 3)] == [False, True, True]
    handler.let_go.release(2)
    handler.wait_begun(2)
    assert worker.stop(HANG_S)
    assert handler.begun == ['first', 3]


def test_a_worker_outlives_a_failure():
    handler = Handler()
    failed = []
    worker = LatestOnlyWorker('test', handler, failed.append)
    worker.submit('bad')
    handler.wait_begun(1)
    worker.submit('good')
    handler.let_go.release(2)
    handler.wait_begun(2)
    assert worker.stop(HANG_S)
    assert [str(e) for e in failed] == ['bad item']


@pytest.mark.parametrize('fails', [False, True])
def test_an_idle_worker_holds_no_image(fails):
    def handle(item):
        if fails:
            raise ValueError('bad item')

    worker = LatestOnlyWorker('test', handle, failed=lambda error: None)
    item, gone = np.zeros(3), threading.Event()
    weakref.finalize(item, gone.set)
    worker.submit(item)
    del item
    assert gone.wait(HANG_S)
    assert worker.stop(HANG_S)


@pytest.mark.skipif(sys.platform != 'linux', reason='threads have no niceness of their own')
def test_only_the_worker_s_thread_is_nice():
    seen, done = [], threading.Event()

    def handle(_item):
        seen.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id()))
        done.set()

    before = os.getpriority(os.PRIO_PROCESS, 0)
    worker = LatestOnlyWorker('test', handle, failed=lambda error: None, niceness=3)
    worker.submit('x')
    assert done.wait(HANG_S)
    assert worker.stop(HANG_S)
    assert seen == [min(before + 3, 19)]
    assert os.getpriority(os.PRIO_PROCESS, 0) == before


def test_a_worker_that_cannot_be_nice_works_all_the_same(monkeypatch):
    def refuse(_niceness):
        raise PermissionError

    monkeypatch.setattr(os, 'nice', refuse)
    done = threading.Event()
    worker = LatestOnlyWorker(
        'test', lambda _: done.set(), failed=lambda error: None, niceness=3)
    worker.submit('x')
    assert done.wait(HANG_S)
    assert worker.stop(HANG_S)


def test_a_stopped_worker_leaves_what_waits():
    handler = Handler()
    worker = LatestOnlyWorker('test', handler, failed=lambda error: None)
    worker.submit('in hand')
    handler.wait_begun(1)
    worker.submit('waiting')
    assert not worker.stop(0.01)
    handler.let_go.release(2)
    assert worker.stop(HANG_S)
    assert handler.begun == ['in hand']


# --- one line per fault ----------------------------------------------------------


class Log:
    def __init__(self):
        self.lines = []
        self.now_s = 0.0
        self.report = ChangeLogger(
            self.lines.append, self.lines.append, settle_s=3.0, now=lambda: self.now_s
        )


def test_a_fault_is_said_once_until_it_changes():
    log = Log()
    for size in (100, 101, 102):
        log.report.fault('image', f'truncated: {size} bytes', ' (now)')
    log.report.fault('image', 'unknown encoding')
    assert log.lines == ['truncated: 100 bytes (now)', 'unknown encoding']


def test_a_flickering_fault_is_over_only_when_it_stays_away():
    log = Log()
    for _ in range(5):
        log.report.fault('image', 'empty')
        log.now_s += 1.0
        log.report.over('image', 'good')
    assert log.lines == ['empty']
    log.now_s += 3.0
    log.report.over('image', 'good')
    log.report.over('image', 'good')
    log.report.fault('image', 'empty')
    assert log.lines == ['empty', 'good', 'empty']


def test_what_nobody_looks_at_any_more_is_forgotten():
    log = Log()
    log.report.fault('images', 'empty')
    log.report.fault('name', 'two of a name')
    log.report.forget(keep=('name',))
    log.now_s = 10.0
    log.report.over('images', 'good')
    log.report.fault('images', 'empty')
    log.report.fault('name', 'two of a name')
    assert log.lines == ['empty', 'two of a name', 'empty']


def test_a_fault_may_take_longer_to_be_over():
    log = Log()
    log.report.fault('speed', 'slow')
    log.now_s = 9.0
    log.report.over('speed', 'good', 10.0)
    assert log.lines == ['slow']
    log.now_s = 10.0
    log.report.over('speed', 'good', 10.0)
    assert log.lines == ['slow', 'good']


def test_an_unexpected_error_becomes_one_line():
    text = one_line(TypeError('wants\n  this' + 1000 * ' and that'))
    assert text.startswith('TypeError: wants this and that')
    assert '\n' not in text
    assert len(text) < 320


# --- diagnostics -----------------------------------------------------------------


def judged(task, monitor, now_s):
    verdict = task.run(monitor.snapshot(now_s))
    return verdict.level, verdict.message


def test_no_images():
    monitor = Monitor(0.0)
    task = ImagesTask('/image', timeout_s=5.0)
    assert judged(task, monitor, 1.0)[0] == DiagnosticStatus.OK
    level, text = judged(task, monitor, 6.0)
    assert level == DiagnosticStatus.ERROR
    assert 'no images on /image' in text
    assert 'nobody publishes' in text
    task.publisher_count = 1
    assert 'shared memory' in judged(task, monitor, 6.0)[1]
    task.instead = 'they are elsewhere; go there'
    assert judged(task, monitor, 6.0)[1] == 'no images on /image: they are elsewhere; go there'
    monitor.received(6.0, idle=False)
    assert judged(task, monitor, 7.0)[0] == DiagnosticStatus.OK
    assert 'images stopped' in judged(task, monitor, 12.0)[1]


def test_bad_images_and_their_end():
    monitor = Monitor(0.0)
    task = ImagesTask('/image', timeout_s=5.0)
    monitor.received(1.0, idle=False)
    monitor.bad_image('image on /image is empty')
    assert judged(task, monitor, 1.1) == (DiagnosticStatus.ERROR, 'image on /image is empty')
    monitor.processed(1.2, 0.005, 0, '')
    assert judged(task, monitor, 1.3)[0] == DiagnosticStatus.OK


def test_calibration_and_faces():
    monitor = Monitor(0.0)
    monitor.received(1.0, idle=False)
    monitor.processed(1.0, 0.005, 0, 'no camera_info on /c', assumed=True)
    level, text = judged(CalibrationTask('/c'), monitor, 1.1)
    assert level == DiagnosticStatus.WARN
    assert text.startswith('no camera_info on /c; ')
    assert 'distances, and directions off the middle of the image, are a guess' in text
    assert '/tf' not in text
    assert 'nothing is published on /tf' in judged(CalibrationTask('/c', True), monitor, 1.1)[1]
    assert 'no face in the images yet' in judged(FacesTask({}), monitor, 1.1)[1]
    monitor.processed(2.0, 0.005, 1, 'camera_info on /c: no lens distortion')
    left_out = judged(CalibrationTask('/c', True), monitor, 2.1)
    assert left_out == (DiagnosticStatus.WARN, 'camera_info on /c: no lens distortion')
    monitor.processed(2.0, 0.005, 2, '')
    assert judged(CalibrationTask('/c'), monitor, 2.1)[0] == DiagnosticStatus.OK
    assert judged(FacesTask({}), monitor, 2.1) == (DiagnosticStatus.OK, '2 face(s)')
    monitor.processed(5.0, 0.005, 0, '')
    assert 'for 4 s' in judged(FacesTask({}), monitor, 6.0)[1]


@pytest.mark.parametrize(('black_s', 'level'), [
    ([1.0, 1.1], DiagnosticStatus.OK),
    ([1.0, 2.0, 2.9], DiagnosticStatus.OK),
    ([1.0, 2.0, 3.1], DiagnosticStatus.WARN),
])
def test_images_are_black_from_the_first_to_the_last_that_was(black_s, level):
    monitor, task = Monitor(0.0), ImagesTask('/image', timeout_s=5.0)
    for now_s in black_s:
        monitor.received(now_s, idle=False)
        monitor.seen(now_s, brightest=0)
    monitor.received(7.0, idle=False)
    assert judged(task, monitor, 7.1)[0] == level
    monitor.seen(7.2, brightest=200)
    assert judged(task, monitor, 7.3)[0] == DiagnosticStatus.OK


def say(task, monitor, log, now_s):
    """Do what the node does with a verdict; return its level."""
    log.now_s = now_s
    verdict = task.run(monitor.snapshot(now_s))
    if verdict.level == DiagnosticStatus.OK:
        log.report.over(task.name, verdict.message, verdict.settle_s)
    else:
        log.report.fault(task.name, verdict.message)
    return verdict.level


def black(monitor, now_s):
    for time_s in (now_s - 3.0, now_s):
        monitor.seen(time_s, brightest=0)


@pytest.mark.parametrize(('task', 'show', 'said', 'over'), [
    (ImagesTask('/i', 5.0), lambda monitor, _: monitor.bad_image('image is truncated'),
     'image is truncated', 'images arrive on /i'),
    (ImagesTask('/i', 5.0), black, 'images on /i are black', 'images arrive on /i'),
    (CalibrationTask('/c'), lambda monitor, now_s: monitor.processed(now_s, 0.1, 0, 'no info'),
     'no info', 'calibrated by /c'),
])
def test_faults_of_images_that_are_looked_at_end_with_looking(task, show, said, over):
    """Nobody knows whether they are over, so the log says it once, however often one looks."""
    monitor, log, now_s = Monitor(0.0), Log(), 1.0
    for _ in range(3):
        monitor.received(now_s, idle=False)
        # one has arrived and none has been looked at
        assert say(task, monitor, log, now_s) == DiagnosticStatus.OK
        show(monitor, now_s)
        assert say(task, monitor, log, now_s) > DiagnosticStatus.OK
        for _ in range(10):
            now_s += 1.0
            monitor.received(now_s, idle=True)
            assert say(task, monitor, log, now_s) == DiagnosticStatus.OK
    assert len(log.lines) == 1
    assert log.lines[0].startswith(said)
    for _ in range(5):
        now_s += 1.0
        monitor.received(now_s, idle=False)
        monitor.seen(now_s, brightest=200)
        monitor.processed(now_s, 0.1, 0, '')
        say(task, monitor, log, now_s)
    assert log.lines[1:] == [over]


def test_images_that_stopped_are_over_also_where_nobody_looks():
    monitor, log, task = Monitor(0.0), Log(), ImagesTask('/i', timeout_s=5.0)
    monitor.received(1.0, idle=False)
    monitor.bad_image('image is truncated')
    say(task, monitor, log, 1.0)
    say(task, monitor, log, 9.0)
    for now_s in range(10, 15):
        monitor.received(float(now_s), idle=True)
        say(task, monitor, log, float(now_s))
    assert ['truncated' in log.lines[0], 'images stopped' in log.lines[1]] == [True, True]
    assert log.lines[2:] == ['images arrive on /i']


def test_a_fault_of_the_calibration_lasts_while_images_are_looked_at():
    monitor, task = Monitor(0.0), CalibrationTask('/c')
    monitor.processed(1.0, 0.1, 0, 'no info')
    for now_s in (1.1, 2.0, 9.0):
        monitor.received(now_s, idle=False)
        assert judged(task, monitor, now_s)[0] == DiagnosticStatus.WARN


def test_what_was_reported_of_images_is_not_held_against_those_that_nobody_looks_at():
    log, monitor = Log(), Monitor(0.0)
    task = ReportedTask('frame_id', log.report)
    log.report.fault('frame_id', 'images have no frame_id')
    monitor.received(1.0, idle=True)
    assert judged(task, monitor, 1.1)[0] == DiagnosticStatus.OK
    monitor.received(2.0, idle=False)
    assert judged(task, monitor, 2.1)[0] == DiagnosticStatus.WARN


def test_idle_is_said():
    monitor = Monitor(0.0)
    monitor.received(1.0, idle=True)
    assert 'nobody subscribes' in judged(FacesTask({}), monitor, 1.1)[1]


def lose(monitor, begin_s, end_s, dropped=True, missed=0, idle=False):
    """Let 100 images a second come, of which every fifth is looked at, or all."""
    for i in range(round(100 * begin_s), round(100 * end_s)):
        monitor.received(i / 100, idle, missed)
        if dropped and i % 5:
            monitor.dropped(i / 100)
        else:
            monitor.processed(i / 100, 0.010 if i else 0.050, 1, '')


def test_drops_are_counted_and_said_when_they_last():
    monitor, task = Monitor(0.0), SpeedTask()
    lose(monitor, 0.0, 1.0)
    first = task.run(monitor.snapshot(1.0))
    assert first.level == DiagnosticStatus.OK  # a busy moment
    assert first.values['dropped'] == '80'
    assert first.values['processed [Hz]'] == '20.0'
    assert first.values['latency median [ms]'] == '10.0'
    assert first.values['latency max [ms]'] == '50.0'
    lose(monitor, 1.0, 20.0)
    verdict = task.run(monitor.snapshot(20.0))
    assert verdict.level == DiagnosticStatus.WARN
    assert 'too slow' in verdict.message
    assert '400 of 499 dropped, 0 missed' in verdict.detail
    # the drops of long ago are still counted, but no fault any more
    late = task.run(monitor.snapshot(60.0))
    assert late.level == DiagnosticStatus.OK
    assert late.values['dropped'] == '1600'


@pytest.mark.parametrize(
    ('how', 'level'),
    [
        ({'dropped': False, 'missed': 1}, DiagnosticStatus.WARN),
        ({'dropped': False}, DiagnosticStatus.OK),
        ({'idle': True}, DiagnosticStatus.OK),  # nobody wants them
    ],
)
def test_what_makes_images_a_loss(how, level):
    monitor, task = Monitor(0.0), SpeedTask()
    for second in range(20):
        lose(monitor, second, second + 1, **how)
        verdict = task.run(monitor.snapshot(second + 1.0))
    assert verdict.level == level
    assert verdict.values['missed'] == str(2000 * how.get('missed', 0))


def test_a_loss_that_comes_and_goes_is_none():
    monitor, task = Monitor(0.0), SpeedTask()
    for second in range(60):
        lose(monitor, second, second + 1, dropped=second % 15 == 0)
        assert task.run(monitor.snapshot(second + 1.0)).level == DiagnosticStatus.OK


def test_an_outage_is_no_lack_of_speed():
    monitor = Monitor(-5.0)
    monitor.received(0.0, idle=False)
    monitor.received(0.5, idle=False, missed=15)
    seen = monitor.snapshot(1.0)
    assert (seen.missed_in_window, seen.missed_total) == (0, 15)
    monitor.dropped(0.6, held=True)
    seen = monitor.snapshot(1.0)
    assert (seen.dropped_in_window, seen.dropped_total) == (0, 1)


def test_a_restart_forgets_all_but_the_totals():
    monitor = Monitor(0.0)
    monitor.received(1.0, idle=False, missed=2)
    monitor.processed(1.0, 0.01, 1, 'no camera_info')
    monitor.restart(1.5)
    seen = monitor.snapshot(2.0)
    assert (seen.received_total, seen.missed_total) == (1, 2)
    assert (seen.received_in_window, seen.processed_in_window, seen.face_count) == (0, 0, 0)
    assert (seen.image_age_s, seen.uptime_s, seen.calibration_fault) == (None, 0.5, '')


def test_gaps_are_counted_per_publisher():
    gaps = SequenceGaps()
    assert gaps.missed(b'a', 7) == 0  # what came before it was there is not missed
    assert gaps.missed(b'a', 8) == 0
    assert gaps.missed(b'b', 1) == 0
    assert gaps.missed(b'a', 11) == 2
    assert gaps.missed(b'b', 2) == 0
    assert gaps.missed(b'a', 3) == 0  # begun again
    assert gaps.missed(b'a', None) == 0  # a middleware without numbers
    for i in range(1000):
        gaps.missed(str(i).encode(), 1)
    assert len(gaps._last) <= gaps._MAX_PUBLISHERS


def test_states_and_their_remedies():
    task = StateTask('/robot/face_recon')
    assert 'lifecycle set /robot/face_recon configure' in judged(task, Monitor(0.0), 1.0)[1]
    task.failure = 'model file x: no such file'
    level, text = judged(task, Monitor(0.0), 1.0)
    assert level == DiagnosticStatus.ERROR
    assert 'model file x' in text
    for state in ('inactive', 'finalized', 'active'):
        task.state = state
        level, text = judged(task, Monitor(0.0), 1.0)
        assert (level, text.split(':')[0]) == (DiagnosticStatus.OK, state)
    task.enabled = False
    assert '/robot/face_recon/enable' in judged(task, Monitor(0.0), 1.0)[1]


def test_namesakes():
    task = NameTask('/face_recon')
    assert judged(task, Monitor(0.0), 1.0)[0] == DiagnosticStatus.OK
    task.others = 1
    level, text = judged(task, Monitor(0.0), 1.0)
    assert level == DiagnosticStatus.WARN
    assert 'another node is named /face_recon too' in text


def test_what_was_reported_is_in_the_diagnostics_too():
    log = Log()
    task = ReportedTask('frame_id', log.report)
    assert task.run(Monitor(0.0).snapshot(1.0)).level == DiagnosticStatus.OK
    log.report.fault('frame_id', 'images have no frame_id')
    verdict = task.run(Monitor(0.0).snapshot(1.0))
    assert (verdict.level, verdict.message) == (DiagnosticStatus.WARN, 'images have no frame_id')
    log.report.forget()
    assert task.run(Monitor(0.0).snapshot(1.0)).level == DiagnosticStatus.OK
    log.report.over('frame_id', 'good')
    assert log.lines == ['images have no frame_id']


def test_diagnostic_array():
    task = SpeedTask()
    stamp = Time(sec=3)
    message = diagnostic_array(
        '/ns/face_recon', '/image', stamp, [(task, task.run(Monitor(0.0).snapshot(1.0)))]
    )
    assert message.header.stamp == stamp
    (status,) = message.status
    assert (status.name, status.hardware_id) == ('ns/face_recon: speed', '/image')
    assert all(isinstance(v.value, str) for v in status.values)


# --- parameters ------------------------------------------------------------------


def defaults(**changes):
    return {**{d.name: d.default for d in DECLARATIONS}, **changes}


def test_defaults_make_the_core_s_defaults():
    assert Settings.from_values(defaults()).pipeline == PipelineConfig()


def test_every_parameter_reaches_the_settings():
    before = Settings.from_values(defaults())
    other = {'overlay_mode': 'box', 'face_id_prefix': 'a_'}
    for d in DECLARATIONS:
        if isinstance(d.default, bool):
            value = not d.default
        elif isinstance(d.default, str):
            others = [c for c in d.choices if c != d.default]
            value = others[0] if others else other.get(d.name, 'other.file')
        else:
            value = d.high
        assert Settings.from_values(defaults(**{d.name: value})) != before, d.name


def test_descriptions_and_ranges_are_complete():
    for d in DECLARATIONS:
        assert len(d.description) > 10, d.name
        descriptor = d.descriptor()
        assert descriptor.read_only == d.read_only
        if isinstance(d.default, bool | str):
            continue
        (limits,) = descriptor.integer_range or descriptor.floating_point_range
        assert limits.from_value <= d.default <= limits.to_value, d.name


@pytest.mark.parametrize(
    ('name', 'value'), [
        ('overlay_mode', 'sparse+wings'),
        ('image_transport', 'theora'),
        ('face_id_prefix', '1_'),
        ('face_id_prefix', 'a/b'),
    ],
)
def test_bad_values_are_refused_with_a_reason(name, value):
    with pytest.raises(ParameterError, match=f"{name} is '.*': use "):
        Settings.from_values(defaults(**{name: value}))


def test_overlay_modes_combine():
    settings = Settings.from_values(defaults(overlay_mode='box + dense'))
    assert settings.overlay_modes == ('box', 'dense')


def test_the_parameter_file_lists_every_parameter_with_its_default():
    with open(share_directory() / 'config' / 'face_recon.yaml') as file:
        listed = yaml.safe_load(file)['/**']['ros__parameters']
    assert listed == defaults()
    for d in DECLARATIONS:
        assert type(listed[d.name]) is type(d.default), d.name


# --- Fast DDS --------------------------------------------------------------------


def test_the_image_profile_is_chosen_unless_the_user_chose():
    environment = {}
    assert fastdds.use_image_profile(environment)
    (path,) = environment.values()
    # five 1920x1080 colour images fit; all of it counts as memory of every process that reads some
    (size,) = ElementTree.parse(path).iter('{http://www.eprosima.com}segment_size')
    assert 5 * 1920 * 1080 * 3 < int(size.text) <= 32 << 20
    chosen = {fastdds.FASTRTPS_VARIABLE: '/mine.xml'}
    assert not fastdds.use_image_profile(chosen)
    assert chosen == {fastdds.FASTRTPS_VARIABLE: '/mine.xml'}


def test_old_fast_dds_has_its_own_variable(tmp_path):
    (tmp_path / 'share' / 'fastrtps').mkdir(parents=True)
    environment = {'AMENT_PREFIX_PATH': str(tmp_path)}
    assert fastdds.use_image_profile(environment)
    assert fastdds.FASTRTPS_VARIABLE in environment
    assert fastdds.FASTDDS_VARIABLE not in environment


# --- outputs that nobody wants -----------------------------------------------------


@pytest.mark.parametrize(
    ('filtering_frame', 'publish_tf', 'listeners', 'is_wanted'),
    [
        ('', True, 0, False), ('', True, 1, True), ('', False, 1, False),
        # the node's own is one of them
        ('odom', True, 1, False), ('odom', True, 2, True), ('odom', False, 2, False),
    ],
)  # fmt: skip
def test_transforms_are_wanted_by_others_alone(filtering_frame, publish_tf, listeners, is_wanted):
    class Publisher:
        def __init__(self, topic):
            self._count = listeners if topic == '/tf' else 0

        def get_subscription_count(self):
            return self._count

    values = {d.name: d.default for d in DECLARATIONS}
    values.update(filtering_frame=filtering_frame, publish_tf=publish_tf)
    outputs = FaceOutputs(
        lambda kind, topic, depth: Publisher(topic),
        lambda: Settings.from_values(values),
        lambda count, own: count > own,
    )
    assert outputs.wanted() is is_wanted
