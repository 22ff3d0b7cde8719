# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Quality of service: bad overrides are refused by name.

And what was published last is given the time to arrive.
"""

import pytest
from node_process import NODE, refused
from rclpy.lifecycle import TransitionCallbackReturn
from std_srvs.srv import SetBool
from test_lifecycle import make_node  # noqa: F401

from face_recon_ros.nodes.qos import overrides_of, wait_for_delivery
from face_recon_ros.tools.processes import module_command


class Slow:
    """A publisher whose subscriber acknowledges after some time, by a clock that it moves."""

    def __init__(self, clock, takes_s):
        self._clock = clock
        self._takes_s = takes_s
        self.waited_s = None

    def wait_for_all_acked(self, timeout):
        self.waited_s = timeout.nanoseconds * 1e-9
        self._clock.now_s += min(self._takes_s, self.waited_s)
        return self._takes_s <= self.waited_s


class Unsupported:
    def wait_for_all_acked(self, timeout):
        raise RuntimeError('not supported')


class Clock:
    now_s = 100.0

    def monotonic(self):
        return self.now_s


def test_all_publishers_together_are_waited_for_no_longer_than_the_patience(monkeypatch):
    clock = Clock()
    monkeypatch.setattr('face_recon_ros.nodes.qos.time', clock)
    publishers = [Slow(clock, takes_s) for takes_s in (0.25, 60.0, 60.0)]
    wait_for_delivery(publishers, 0.5)
    assert [p.waited_s for p in publishers] == [0.5, 0.25, 0.0]
    assert clock.now_s == 100.5


def test_a_middleware_without_acknowledgements_is_not_waited_for():
    wait_for_delivery([Unsupported()], 0.5)


# --- overrides ---------------------------------------------------------------------

SAMPLE_CAMERA = module_command('face_recon_ros.tools.sample_camera')


@pytest.mark.parametrize(
    ('override', 'value', 'needed', 'command'),
    [
        ('/image.subscription.reliability', 'bestest', 'reliable or best_effort', NODE),
        ('/image.subscription.depth', '-1', '0 to 2147483647', NODE),
        ('/depth_image.subscription.history', 'keep', 'keep_last or keep_all', NODE),
        ('/face_recon/faces.publisher.reliability', 'unknown', 'reliable or best_effort', NODE),
        ('/diagnostics.publisher.history', 'foo', 'keep_last or keep_all', NODE),
        ('/image.publisher.reliability', 'bestest', 'reliable or best_effort', SAMPLE_CAMERA),
    ],
)
def test_an_override_that_cannot_be_used_ends_the_start(override, value, needed, command):
    line = refused('-p', f'qos_overrides.{override}:={value}', command=command)
    assert f"qos_overrides.{override} is '{value}': start the node again with" in line
    assert needed in line


@pytest.fixture
def managed(make_node):  # noqa: F811
    """Return a function that makes the node here with one override, without autostart."""

    def make(override, *more):
        return make_node(*(a for p in (f'qos_overrides.{override}', *more) for a in ('-p', p)))

    return make


def names_of(things):
    return sorted(thing.topic_name for thing in things)


def test_an_override_that_cannot_be_used_keeps_the_node_unconfigured(managed):
    node = managed('/face_recon/faces.publisher.reliability:=bestest')
    before = names_of(node.publishers)
    for _ in range(2):
        assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
        assert node.state == 'unconfigured'
        assert '/face_recon/faces.publisher.reliability' in node.failure
        assert 'start the node again' in node.failure
        assert names_of(node.publishers) == before


@pytest.mark.parametrize('topic', ['/image', '/camera_info', '/depth_image'])
def test_an_override_of_a_subscription_leaves_nothing_behind(managed, topic):
    node = managed(f'{topic}.subscription.reliability:=bestest')
    before = names_of(node.subscriptions)
    for _ in range(2):
        assert node.trigger_configure() == TransitionCallbackReturn.SUCCESS
        assert node.trigger_activate() == TransitionCallbackReturn.ERROR
        assert f'qos_overrides.{topic}.subscription.reliability' in node.failure
        assert node.state == 'unconfigured'
        assert names_of(node.subscriptions) == before


@pytest.mark.parametrize('topic', ['/tf', '/tf_static'])
def test_an_override_of_transforms_leaves_nothing_behind(managed, topic):
    node = managed(f'{topic}.subscription.reliability:=bestest', 'filtering_frame:=odom')
    before, timers = names_of(node.subscriptions), len(list(node.timers))
    for _ in range(2):
        assert node.trigger_configure() == TransitionCallbackReturn.FAILURE
        assert f'qos_overrides.{topic}.subscription.reliability' in node.failure
        assert names_of(node.subscriptions) == before
        assert len(list(node.timers)) == timers


def test_an_override_that_cannot_be_used_is_said_when_the_node_is_enabled(managed):
    node = managed('/image.subscription.depth:=-1')
    node._on_enable(SetBool.Request(data=False), SetBool.Response())
    node.trigger_configure()
    node.trigger_activate()
    before = names_of(node.subscriptions)
    for _ in range(2):
        answer = node._on_enable(SetBool.Request(data=True), SetBool.Response())
        assert not answer.success
        assert '/image.subscription.depth' in answer.message
        assert names_of(node.subscriptions) == before
        assert node._recognition._workers == []


def test_errors_that_are_no_override_s_stay_what_they_are(managed):
    node = managed('/image.subscription.depth:=2')
    node.trigger_configure()
    node.trigger_activate()
    with pytest.raises(ZeroDivisionError), overrides_of(node):
        raise ZeroDivisionError
