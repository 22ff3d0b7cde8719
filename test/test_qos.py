# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What was published last is given the time to arrive."""

from face_recon_ros.nodes.qos import wait_for_delivery


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
