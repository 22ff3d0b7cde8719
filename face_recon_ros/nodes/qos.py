# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The quality of service of what the nodes publish, and parameters that override it."""

import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.publisher import Publisher
from rclpy.qos import HistoryPolicy, QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions

from face_recon_ros.errors import SettingsError

OVERRIDES = 'qos_overrides'
MAX_DEPTH = 2**31 - 1  # DDS'
_POLICIES = {'history': HistoryPolicy, 'reliability': ReliabilityPolicy}


def results_qos(depth: int) -> QoSProfile:
    """
    Return a reliable profile, which best-effort subscribers receive from too.

    A new one each time: rclpy writes overrides into the profile it is given.
    """
    return QoSProfile(depth=depth, reliability=ReliabilityPolicy.RELIABLE)


@contextmanager
def overrides_of(node: Node) -> Iterator[QoSOverridingOptions]:
    """
    Give what lets parameters of a node override profiles, to make publishers or subscriptions.

    :raises SettingsError: such a parameter has a value that cannot be used.
    """
    try:
        yield QoSOverridingOptions.with_default_policies()
    except Exception as error:
        # rclpy and DDS raise errors of many kinds, and none names the parameter
        for name, parameter in node.get_parameters_by_prefix(OVERRIDES).items():
            needed = _needed_instead(name.rpartition('.')[2], parameter.value)
            if needed:
                raise SettingsError(
                    f"parameter {OVERRIDES}.{name} is '{parameter.value}': start the node again "
                    f'with {needed}'
                ) from error
        raise


def _needed_instead(policy: str, value: object) -> str:
    """Return what a policy may be, '' where it is that."""
    if policy == 'depth':
        is_usable = isinstance(value, int) and 0 <= value <= MAX_DEPTH
        return '' if is_usable else f'0 to {MAX_DEPTH}'
    words = [p.name.lower() for p in _POLICIES.get(policy, ()) if p.name != 'UNKNOWN']
    return '' if str(value).lower() in words else ' or '.join(words)


def wait_for_delivery(publishers: Iterable[Publisher], patience_s: float) -> None:
    """
    Give what was published last the time to arrive: it is lost with its publisher.

    Waiting for one is waiting for all: what was published is on its way meanwhile.

    :param patience_s: for all together; a subscriber that is stopped acknowledges nothing
    """
    end_s = time.monotonic() + patience_s
    for publisher in publishers:
        left_s = max(0.0, end_s - time.monotonic())
        try:
            publisher.wait_for_all_acked(Duration(seconds=left_s))
        except RuntimeError:  # rclpy's for a middleware that has no acknowledgements
            return
