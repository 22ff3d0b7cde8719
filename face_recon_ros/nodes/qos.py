# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The quality of service of what the nodes publish."""

import time
from collections.abc import Iterable

from rclpy.duration import Duration
from rclpy.publisher import Publisher
from rclpy.qos import QoSProfile, ReliabilityPolicy
from rclpy.qos_overriding_options import QoSOverridingOptions


def results_qos(depth: int) -> QoSProfile:
    """
    Return a reliable profile, which best-effort subscribers receive from too.

    A new one each time: rclpy writes overrides into the profile it is given.
    """
    return QoSProfile(depth=depth, reliability=ReliabilityPolicy.RELIABLE)


def overrides() -> QoSOverridingOptions:
    """Return what lets parameters override a profile."""
    return QoSOverridingOptions.with_default_policies()


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
