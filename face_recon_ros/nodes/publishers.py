# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Publishers of results: how they are made, and that nothing is made for nobody."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rclpy.lifecycle import LifecycleNode, LifecyclePublisher
from rclpy.node import Node
from rclpy.publisher import Publisher

from face_recon_ros.nodes.qos import overrides_of, results_qos

try:
    from rclpy.event_handler import PublisherEventCallbacks
except ModuleNotFoundError:  # Humble
    from rclpy.qos_event import PublisherEventCallbacks

# Of a message type, a topic and a depth
MakePublisher = Callable[[type, str, int], Publisher]


def managed_publisher(
    node: LifecycleNode, kind: type, topic: str, depth: int
) -> LifecyclePublisher:
    """Make a publisher that is open while the node is active; parameters override its QoS."""
    with overrides_of(node) as overrides:
        publisher: LifecyclePublisher = node.create_lifecycle_publisher(
            kind, topic, results_qos(depth), qos_overriding_options=overrides
        )
    return publisher


def lasting_publisher(node: Node, kind: type, topic: str, depth: int) -> Publisher:
    """Make a publisher that is open in every state; parameters override its QoS."""
    with overrides_of(node) as overrides:
        return node.create_publisher(
            kind, topic, results_qos(depth), qos_overriding_options=overrides
        )


def passing_publisher(node: Node, kind: type, topic: str, depth: int) -> Publisher:
    """
    Make a publisher that may come and go while the node is spun in another thread.

    So it has no event handlers, which the executor would hold; and no parameters for its QoS, as
    those would outlive it.
    """
    return node.create_publisher(
        kind,
        topic,
        results_qos(depth),
        event_callbacks=PublisherEventCallbacks(use_default_callbacks=False),
    )


def has_listener(publisher: Publisher) -> bool:
    """Tell whether anybody subscribes."""
    return publisher.get_subscription_count() > 0


def publish_if_heard(publisher: Publisher, make: Callable[[], Any]) -> bool:
    """Make a message and publish it if anybody subscribes; tell whether it was."""
    if not has_listener(publisher):
        return False
    publisher.publish(make())
    return True
