"""The quality of service of what the nodes publish."""

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
