# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The managed node: transitions from and to every state, ~/enable and ~/reset."""

import dataclasses
import gc
import os
import threading
import time
import weakref

import domains
import pytest
import rclpy
from diagnostic_msgs.msg import DiagnosticArray
from face_recon_ros.msg import FaceArray
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState
from node_process import (
    FRAME,
    image_profile,  # noqa: F401
    running,
    statuses,
)
from patience import HANG_S
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.lifecycle import LifecycleNode, TransitionCallbackReturn
from std_msgs.msg import Header
from std_srvs.srv import SetBool, Trigger
from tf2_msgs.msg import TFMessage
from visualization_msgs.msg import Marker, MarkerArray

from face_recon_ros.errors import ModelFileError
from face_recon_ros.nodes import humans
from face_recon_ros.nodes import node as node_module
from face_recon_ros.nodes.images import to_image
from face_recon_ros.nodes.node import FaceReconNode
from face_recon_ros.nodes.recognition import Arrival
from face_recon_ros.pipeline import Pipeline
from face_recon_ros.searching import SearchTask
from face_recon_ros.tools.sources import PortraitSource

TRANSITIONS = {
    'configure': Transition.TRANSITION_CONFIGURE,
    'activate': Transition.TRANSITION_ACTIVATE,
    'deactivate': Transition.TRANSITION_DEACTIVATE,
    'cleanup': Transition.TRANSITION_CLEANUP,
}
OUTPUTS = ('faces', 'poses', 'markers', 'mesh_image', 'overlay_image', 'depth_image', 'points')


@pytest.fixture(scope='module', autouse=True)
def _domain():
    """Keep these tests from hearing of nodes that the file before them killed."""
    before, own = os.environ['ROS_DOMAIN_ID'], domains.claim()
    os.environ['ROS_DOMAIN_ID'] = str(own)
    yield
    os.environ['ROS_DOMAIN_ID'] = before
    domains.release(own)


class Manager:
    """Sends a node through its states, as a lifecycle manager does."""

    def __init__(self, peer):
        self._peer = peer

    def __call__(self, *names):
        return [
            self._peer.call(
                ChangeState, 'face_recon/change_state', transition=Transition(id=TRANSITIONS[name])
            ).success
            for name in names
        ]

    @property
    def state(self):
        return self._peer.call(GetState, 'face_recon/get_state').current_state.label


def state_message(peer, diagnostics, text):
    """Wait until the state's message holds a text; return its status."""

    def there():
        return diagnostics.collected and text in statuses(diagnostics)['state'].message

    peer.wait(there, f'{text!r} in /diagnostics')
    return statuses(diagnostics)['state']


# --- in a process of its own -------------------------------------------------------

MANAGED = ('-p', 'autostart:=false', '-p', 'diagnostics_period:=0.1')


def test_a_manager_brings_it_up_and_down(peer, image):
    with running(*MANAGED) as node:
        manager = Manager(peer)
        diagnostics = peer.collect(DiagnosticArray, '/diagnostics')
        assert manager.state == 'unconfigured'
        status = state_message(peer, diagnostics, 'unconfigured')
        assert (status.level, 'lifecycle set /face_recon configure' in status.message) == (
            b'\x00', True,
        )  # fmt: skip
        assert 'unconfigured' in statuses(diagnostics)['faces'].message
        assert peer.images.get_subscription_count() == 0

        assert manager('configure') == [True]
        state_message(peer, diagnostics, 'inactive')
        assert peer.images.get_subscription_count() == 0
        assert manager('activate') == [True]
        state_message(peer, diagnostics, 'active')
        assert peer.faces_in(image).faces

        faces = peer.collect(FaceArray, 'face_recon/faces')
        markers = peer.collect(MarkerArray, 'face_recon/markers')
        tf = peer.collect(TFMessage, '/tf')
        peer.show(
            lambda h: to_image(image, 'bgr8', h),
            lambda: (
                any(f.faces for f in faces.collected) and markers.collected and tf.collected
            ),
        )
        assert manager('deactivate') == [True]
        assert manager.state == 'inactive'
        # what was shown is withdrawn, with the stamp it was shown with
        peer.wait(lambda: not faces.collected[-1].faces, 'an empty FaceArray')
        assert faces.collected[-1].header == faces.collected[-2].header
        peer.wait(
            lambda: {m.action for m in markers.collected[-1].markers} == {Marker.DELETE},
            'the deletion of the markers',
        )
        peer.wait(lambda: peer.images.get_subscription_count() == 0, 'no subscription')
        count = len(faces.collected), len(tf.collected)
        peer.images.publish(to_image(image, 'bgr8', peer.header()))
        status = state_message(peer, diagnostics, 'inactive')
        assert 'lifecycle set /face_recon activate' in status.message
        assert (len(faces.collected), len(tf.collected)) == count

        assert manager('activate') == [True]
        assert peer.faces_in(image).faces
        assert manager('deactivate', 'cleanup') == [True, True]
        peer.wait(lambda: not topics(peer), 'the outputs to go')
        assert manager('configure', 'activate') == [True, True]
        assert peer.faces_in(image).faces
        assert node.complaints() == []
        assert manager('cleanup') == [False]  # not from active
        assert manager.state == 'active'
        peer.drop(diagnostics, faces, markers, tf)
        assert node.end() == 0
        assert not node.count('Traceback'), node.lines


POSSIBLE = {
    'unconfigured': ('configure',),
    'inactive': ('cleanup', 'activate'),
    'active': ('deactivate',),
}


def test_what_a_state_does_not_allow_is_refused_and_survived(peer):
    with running(*MANAGED) as node:
        manager = Manager(peer)
        refused = 0
        for state in ('unconfigured', 'inactive', 'active'):
            assert manager.state == state
            for name in set(TRANSITIONS) - set(POSSIBLE[state]):
                assert manager(name) == [False]
                assert manager.state == state
                refused += 1
                peer.wait(lambda n=refused: node.count('[ERROR]') >= n, 'a line of it')
            no_such = Transition(id=77)
            answer = peer.call(ChangeState, 'face_recon/change_state', transition=no_such)
            assert not answer.success
            refused += 1
            if state != 'active':
                assert manager(POSSIBLE[state][-1]) == [True]
        assert node.end() == 0
        # rcl_lifecycle itself adds a warning to each
        assert node.count('[ERROR]') == refused, node.lines
        assert not node.count('Traceback'), node.lines


def topics(peer):
    """Return the outputs that are offered."""
    names = {name for name, _ in peer.node.get_topic_names_and_types()}
    ours = [f'/face_recon/{output}' for output in OUTPUTS]
    return [t for t in ours if t in names and peer.node.count_publishers(t)]


def test_an_unreadable_model_can_be_put_right(peer, tmp_path, image):
    missing = str(tmp_path / 'missing.npz')
    with running(*MANAGED, '-p', f'model_path:={missing}') as node:
        manager = Manager(peer)
        diagnostics = peer.collect(DiagnosticArray, '/diagnostics')
        for count in (1, 2):
            assert manager('configure') == [False]
            assert manager.state == 'unconfigured'
            peer.wait(lambda n=count: node.count('cannot configure: ') >= n, 'a line of it')
            assert node.count('missing.npz') == count
        assert len(node.complaints()) == 2
        status = state_message(peer, diagnostics, 'missing.npz')
        assert status.level == b'\x02'
        (result,) = peer.set_parameters(model_path='')
        assert result.successful, result.reason
        assert manager('configure', 'activate') == [True, True]
        assert peer.faces_in(image).faces
        assert state_message(peer, diagnostics, 'active').level == b'\x00'
        (result,) = peer.set_parameters(model_path=missing)
        assert not result.successful
        assert 'can be set only while the node is unconfigured' in result.reason
        assert len(node.complaints()) == 2


def test_enable_and_reset(peer, image):
    with running('-p', 'diagnostics_period:=0.1') as node:
        manager = Manager(peer)
        diagnostics = peer.collect(DiagnosticArray, '/diagnostics')
        (first,) = peer.faces_in(image).faces
        assert peer.call(Trigger, 'face_recon/reset').success
        (second,) = peer.faces_in(image).faces
        assert second.id != first.id

        faces = peer.collect(FaceArray, 'face_recon/faces')
        peer.show(lambda h: to_image(image, 'bgr8', h), lambda: faces.collected)
        assert peer.call(SetBool, 'face_recon/enable', data=False).success
        peer.wait(lambda: not faces.collected[-1].faces, 'an empty FaceArray')
        peer.wait(lambda: peer.images.get_subscription_count() == 0, 'no subscription')
        status = state_message(peer, diagnostics, 'disabled: call /face_recon/enable')
        assert status.level == b'\x00'
        assert manager.state == 'active'
        # it stays so over deactivation, and may be taken back at any time
        assert manager('deactivate', 'activate') == [True, True]
        state_message(peer, diagnostics, 'disabled')
        assert manager('deactivate') == [True]
        answer = peer.call(SetBool, 'face_recon/enable', data=True)
        assert (answer.success, answer.message) == (True, 'noted; the node is inactive')
        assert manager('activate') == [True]
        assert peer.faces_in(image).faces
        assert peer.call(SetBool, 'face_recon/enable', data=True).success  # twice is no fault
        assert node.complaints() == []


def test_a_process_that_ends_withdraws_its_faces(peer, image):
    with running() as node:
        faces = peer.collect(FaceArray, 'face_recon/faces')
        peer.show(
            lambda h: to_image(image, 'bgr8', h), lambda: any(f.faces for f in faces.collected)
        )
        assert node.end() == 0
        peer.wait(lambda: not faces.collected[-1].faces, 'an empty FaceArray')
        assert node.complaints() == []


# --- in this process -----------------------------------------------------------------


@pytest.fixture
def make_node():
    """Return a function that makes the node here, without autostart."""
    made = []

    def make(*arguments):
        rclpy.init(args=['--ros-args', '-p', 'autostart:=false', *arguments])
        made.append(FaceReconNode())
        return made[-1]

    yield make
    for node in made:
        node.close()
        node.destroy_node()
    rclpy.try_shutdown()


def test_an_rclpy_that_raises_in_an_illegal_transition_does_not_end_the_node(
    monkeypatch, make_node
):
    """Up to Jazzy rclpy lets the error of its state machine out of the service's callback."""

    def raises(*_):
        raise rclpy_implementation.RCLError('Failed to trigger:\n  Transition is not registered')

    node = make_node()
    lines = []
    (service,) = (s for s in node.services if s.srv_type is ChangeState)
    request = ChangeState.Request(transition=Transition(id=2))
    with monkeypatch.context() as patched:
        patched.setattr(LifecycleNode, '_LifecycleNodeMixin__change_state', raises)
        patched.setattr(node.get_logger(), 'error', lines.append)
        answer = service.callback(request, ChangeState.Response(success=True))
    assert not answer.success
    (line,) = lines
    assert line == (
        'transition with id 2 refused in state unconfigured: Failed to trigger: Transition is not '
        'registered'
    )


TRIGGERS = {
    'unconfigured': [],
    'inactive': ['configure'],
    'active': ['configure', 'activate'],
}


def bring(node, state):
    for name in TRIGGERS[state]:
        assert getattr(node, f'trigger_{name}')() == TransitionCallbackReturn.SUCCESS
    assert node.state == state


@pytest.mark.parametrize('state', TRIGGERS)
def test_shutdown_from_any_state(make_node, state):
    node = make_node()
    before = threading.active_count()
    bring(node, state)
    assert node.trigger_shutdown() == TransitionCallbackReturn.SUCCESS
    assert node.state == 'finalized'
    assert threading.active_count() == before
    assert not [s for s in node.subscriptions if s.topic_name == '/image']


@pytest.fixture
def uncollected():
    """Let Python not look for what refers to itself unless it is told to."""
    gc.disable()
    yield
    gc.enable()


def test_cleanup_frees_models_and_outputs(make_node, uncollected):
    node = make_node()
    offered = {p.topic_name for p in node.publishers}
    threads = threading.active_count()
    for _ in range(3):
        bring(node, 'active')
        pipeline = weakref.ref(node._recognition.pipeline)
        model = weakref.ref(pipeline().model)
        assert threading.active_count() == threads + 3
        node.trigger_deactivate()
        assert threading.active_count() == threads
        node.trigger_cleanup()
        assert pipeline() is None
        assert model() is None
        assert {p.topic_name for p in node.publishers} == offered
    assert len(node._managed_entities) == 0


@pytest.mark.parametrize(
    ('part', 'transitions'),
    [('ImageProcessor', ['configure']), ('CameraSubscription', ['configure', 'activate'])],
)
def test_a_transition_that_fails_frees_the_models(
    monkeypatch, make_node, uncollected, part, transitions
):
    node = make_node()
    made = []

    def load(config):
        pipeline = Pipeline(config)
        made.append(weakref.ref(pipeline))
        return pipeline

    def refuse(*_):
        try:
            raise ValueError('of DDS')
        except ValueError as error:
            raise RuntimeError('no') from error

    monkeypatch.setattr(node_module, 'Pipeline', load)
    monkeypatch.setattr(node_module, part, refuse)
    for name in transitions:
        getattr(node, f'trigger_{name}')()
    assert (node.state, node.failure) == ('unconfigured', 'RuntimeError: no')
    assert [pipeline() for pipeline in made] == [None]


def test_only_what_withdraws_faces_is_waited_for_at_the_end(make_node, monkeypatch):
    """What nobody misses, as /tf, takes as long to be acknowledged."""
    waits = []

    def wait(publishers, patience_s):
        publishers = list(publishers)
        assert all(p.topic_name in {o.topic_name for o in node.publishers} for p in publishers)
        waits.append(({p.topic_name for p in publishers}, patience_s))

    monkeypatch.setattr(node_module, 'wait_for_delivery', wait)
    node = make_node()
    bring(node, 'active')
    node.close()
    ((topics, patience_s),) = waits
    own = {f'/face_recon/{name}' for name in ('faces', 'poses', 'markers', 'gazes')}
    assert topics == own | ({'/humans/faces/tracked'} if humans.AVAILABLE else set())
    # what docs/ros.md promises, with the time for the image in hand
    assert patience_s + node_module.END_PATIENCE_S < 2.0


@pytest.mark.parametrize(
    ('place', 'trigger'),
    [('Pipeline', 'configure'), ('Pictures', 'configure'), ('CameraSubscription', 'activate')],
)
def test_a_transition_that_breaks_ends_where_it_can_begin_again(
    make_node, monkeypatch, place, trigger
):
    node = make_node()
    bring(node, 'unconfigured' if trigger == 'configure' else 'inactive')
    threads = threading.active_count() if trigger == 'configure' else None

    def broken(*_):
        raise OSError('disk on fire')

    with monkeypatch.context() as patched:
        patched.setattr(node_module, place, broken)
        assert getattr(node, f'trigger_{trigger}')() == TransitionCallbackReturn.ERROR
    assert node.state == 'unconfigured'
    assert node._recognition is None
    if threads is not None:
        assert threading.active_count() == threads
    bring(node, 'active')


def test_a_configuration_that_fails_halfway_leaves_nothing(make_node, monkeypatch):
    node = make_node()
    offered = len(list(node.publishers))

    def refused(*_):
        raise ModelFileError('model file x: wants another')

    with monkeypatch.context() as patched:
        patched.setattr(node_module, 'Pictures', refused)
        for _ in range(2):
            assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
            assert node.state == 'unconfigured'
            assert len(list(node.publishers)) == offered
    bring(node, 'active')


def arrival():
    image = PortraitSource(64, 48).read(0.0)
    return Arrival(to_image(image, 'bgr8', Header(frame_id=FRAME)), 1.0)


def test_deactivation_in_the_middle_of_an_image(make_node, monkeypatch):
    """What is in hand is finished, what waits is not begun, nothing comes after."""
    node = make_node()
    bring(node, 'active')
    node._patience_s = HANG_S
    recognition = node._recognition
    begun, go_on = threading.Event(), threading.Event()
    published = []

    def process(*_, **__):
        begun.set()
        assert go_on.wait(HANG_S)
        return []

    monkeypatch.setattr(recognition.pipeline, 'track_without_search', process)
    output = recognition._outputs[0]
    monkeypatch.setattr(output, 'publish', lambda *_: published.append(node._camera is None))
    for _ in range(2):
        recognition.submit(arrival())
        assert begun.wait(HANG_S)
    release = threading.Timer(0.2, go_on.set)
    release.start()
    assert node.trigger_deactivate() == TransitionCallbackReturn.SUCCESS
    release.join()
    # the image in hand, and the withdrawal
    assert published == [True, True]


def test_an_image_that_hangs_is_left_behind(make_node, monkeypatch):
    node = make_node()
    bring(node, 'active')
    recognition = node._recognition
    begun, go_on = threading.Event(), threading.Event()

    def process(*_, **__):
        begun.set()
        assert go_on.wait(HANG_S)
        raise ValueError('too late')

    monkeypatch.setattr(recognition.pipeline, 'track_without_search', process)
    node._patience_s = 0.1
    recognition.submit(arrival())
    assert begun.wait(HANG_S)
    thread = recognition._recognise._thread
    assert node.trigger_deactivate() == TransitionCallbackReturn.ERROR
    assert node.state == 'unconfigured'
    bring(node, 'active')
    go_on.set()
    thread.join(HANG_S)
    assert not thread.is_alive()
    assert node._report.current('images') == ''


class SlowPipeline:
    """Stands in for the pipeline: stays in each image until it is let go, and counts who is in."""

    def __init__(self, recognition, monkeypatch):
        self.inside = self.most_inside = 0
        self.begun, self.let_go = threading.Semaphore(0), threading.Semaphore(0)
        self.fails = False
        monkeypatch.setattr(recognition.pipeline, 'track_without_search', self.process)
        monkeypatch.setattr(recognition.pipeline, 'search_task', lambda image: None)

    def process(self, *_, **__):
        self.inside += 1
        self.most_inside = max(self.most_inside, self.inside)
        self.begun.release()
        assert self.let_go.acquire(timeout=HANG_S)
        self.inside -= 1
        if self.fails:
            raise ValueError('broken network')
        return []


def enable(node, data):
    return node._on_enable(SetBool.Request(data=data), SetBool.Response())


def test_disabled_and_enabled_while_an_image_takes_long(make_node, monkeypatch):
    """Two threads in one pipeline would mix up faces, and what comes later would be lost."""
    node = make_node()
    bring(node, 'active')
    recognition = node._recognition
    pipeline = SlowPipeline(recognition, monkeypatch)
    published = []
    for output in recognition._outputs:
        monkeypatch.setattr(output, 'publish', lambda result: published.append(result.faces))
    node._patience_s = 0.05
    recognition.submit(arrival())
    assert pipeline.begun.acquire(timeout=HANG_S)
    first = recognition._recognise._thread

    answer = enable(node, False)
    assert answer.success  # nothing is looked at, and nothing comes of what is in hand
    assert 'the image in hand takes longer' in answer.message
    assert (node.state, node.is_listening) == ('active', False)
    assert enable(node, True).success
    recognition.submit(arrival())
    second = recognition._recognise._thread
    assert second is not first
    # and once more, before the first has ended
    assert enable(node, False).success
    assert enable(node, True).success
    recognition.submit(arrival())
    assert pipeline.inside == 1

    pipeline.let_go.release(1)
    first.join(HANG_S)
    assert not first.is_alive()
    assert published == []  # the image of before is nobody's any more
    assert pipeline.begun.acquire(timeout=HANG_S)  # the newest image has its turn
    pipeline.let_go.release(1)
    second.join(HANG_S)
    assert not second.is_alive()
    wait_until(lambda: len(published) == len(recognition._outputs))
    assert pipeline.most_inside == 1

    # errors are said as before
    pipeline.fails = True
    recognition.submit(arrival())
    assert pipeline.begun.acquire(timeout=HANG_S)
    pipeline.let_go.release(1)
    wait_until(lambda: node._report.current('images') == (
        'images cannot be processed: ValueError: broken network'))
    node._patience_s = HANG_S
    assert enable(node, False).message == ''


def test_faces_are_withdrawn_though_an_image_takes_long(make_node, monkeypatch):
    node = make_node()
    bring(node, 'active')
    recognition = node._recognition
    pipeline = SlowPipeline(recognition, monkeypatch)
    headers = []
    for output in recognition._outputs:
        monkeypatch.setattr(output, 'publish', lambda result: headers.append(result.header))
    pipeline.let_go.release(1)
    recognition.submit(arrival())
    count = len(recognition._outputs)
    wait_until(lambda: len(headers) == count and pipeline.inside == 0)
    assert pipeline.begun.acquire(timeout=HANG_S)
    recognition.submit(arrival())
    assert pipeline.begun.acquire(timeout=HANG_S)
    node._patience_s = 0.05
    assert enable(node, False).success
    assert headers == [headers[0]] * 2 * count
    pipeline.let_go.release(1)


def test_a_search_that_takes_long_delays_no_faces(make_node, monkeypatch):
    node = make_node()
    bring(node, 'active')
    recognition = node._recognition
    begun, go_on, published = threading.Event(), threading.Event(), []

    def search():
        begun.set()
        assert go_on.wait(HANG_S)
        return []

    tasks = iter([SearchTask(search)])
    monkeypatch.setattr(recognition.pipeline, 'track_without_search', lambda *_, **__: [])
    monkeypatch.setattr(recognition.pipeline, 'search_task', lambda image: next(tasks, None))
    monkeypatch.setattr(recognition._outputs[0], 'publish', published.append)
    recognition.submit(arrival())
    assert begun.wait(HANG_S)
    wait_until(lambda: len(published) == 1)
    recognition.submit(arrival())
    wait_until(lambda: len(published) == 2)
    go_on.set()
    node._patience_s = HANG_S
    assert enable(node, False).message == ''


def test_a_search_that_fails_is_said_and_the_next_one_is_made(make_node, monkeypatch):
    node = make_node()
    bring(node, 'active')
    recognition = node._recognition
    made = []

    def search():
        made.append(True)
        raise ValueError('broken detector')

    monkeypatch.setattr(recognition.pipeline, 'track_without_search', lambda *_, **__: [])
    monkeypatch.setattr(recognition.pipeline._search, 'part', lambda *_: search())
    for count in (1, 2):
        recognition.submit(arrival())
        wait_until(lambda count=count: len(made) == count)
        wait_until(lambda: recognition.pipeline._task.is_over)
    wait_until(lambda: 'broken detector' in node._report.current('search'))
    assert node._report.current('images') == ''


def test_an_image_that_cannot_be_processed_is_one_line(make_node, monkeypatch):
    node = make_node()
    bring(node, 'active')
    lines = []
    monkeypatch.setattr(node._report, '_warn', lines.append)
    said = 'images cannot be processed: ValueError: broken network'

    def fail(*_, **__):
        raise ValueError('broken network')

    monkeypatch.setattr(node._recognition.pipeline, 'track_without_search', fail)
    monkeypatch.setattr(node._monitor, 'snapshot', with_image(node._monitor.snapshot))
    for _ in range(3):
        node._recognition.submit(arrival())
        wait_until(lambda: node._report.current('images') == said)
        wait_until(lambda: node._monitor.snapshot(0.0).image_fault == said)
        node._diagnosis._diagnose()
    assert lines == [said]


def with_image(snapshot):
    """Return what has seen an image just now."""
    return lambda now_s: dataclasses.replace(snapshot(now_s), image_age_s=0.0)


def test_a_picture_that_cannot_be_made_is_one_line_and_no_fault_of_images(make_node, monkeypatch):
    node = make_node()
    bring(node, 'active')
    recognition, lines = node._recognition, []
    monkeypatch.setattr(node._report, '_warn', lines.append)
    monkeypatch.setattr(recognition.pipeline, 'track_without_search', lambda *_, **__: [])
    monkeypatch.setattr(recognition._pictures, 'wanted', lambda: True)
    drawn = []

    def draw(_):
        drawn.append(True)
        raise ValueError('broken renderer')

    monkeypatch.setattr(recognition._pictures, 'publish', draw)
    for count in (1, 2):
        recognition.submit(arrival())
        wait_until(lambda count=count: len(drawn) == count)
        wait_until(lambda: node._report.current('pictures'))
    assert lines == ['no pictures are made: ValueError: broken renderer']
    assert node._monitor.snapshot(0.0).image_fault == ''
    # as long as a fault has to stay away
    node._report._settle_s = 0.0
    monkeypatch.setattr(recognition._pictures, 'publish', lambda _: drawn.append(True))
    recognition.submit(arrival())
    wait_until(lambda: node._report.current('pictures') == '')


def wait_until(condition):
    end_s = time.monotonic() + HANG_S
    while not condition():
        assert time.monotonic() < end_s
        threading.Event().wait(0.005)
