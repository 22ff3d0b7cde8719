# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Who listens to /tf for frames of faces: nodes of this package listen for the camera's alone.

Without that two of them would keep each other busy for nobody.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node

TOPIC = '/tf'
# A node that publishes both is one of this package: what passes faces on has no gazes
OWN_TYPES = {'face_recon_ros/msg/FaceArray', 'face_recon_ros/msg/Gazes'}
# The graph is asked again when the number of listeners changes, and so often: one may have gone
# as another came, and names come later than listeners do
LOOK_AGAIN_S = 1.0


class TransformListeners:
    """Tells whether anybody may want frames of faces; may be asked in several threads."""

    def __init__(self, node: Node, now: Callable[[], float] = time.monotonic) -> None:
        """:param now: a monotonic clock in seconds."""
        self._node = node
        self._now = now
        self._seen = -1, -LOOK_AGAIN_S, False  # how many there were, when, the answer

    def want_faces(self, count: int, own: int) -> bool:
        """
        Tell whether of so many subscriptions to /tf any is neither of this node nor of its like.

        :param own: how many are this node's, for the camera's frame
        """
        if count <= own:
            return False
        seen, looked_s, answer = self._seen
        now_s = self._now()
        if count != seen or now_s - looked_s >= LOOK_AGAIN_S:
            answer = self._are_others(count, own)
            self._seen = count, now_s, answer
        return answer

    def _are_others(self, count: int, own: int) -> bool:
        listeners = self._node.get_subscriptions_info_by_topic(TOPIC)
        if len(listeners) < count:
            return True  # by somebody who is not known yet
        me = self._node.get_name(), self._node.get_namespace()
        mine = 0
        alike: dict[tuple[str, str], bool] = {}
        for listener in listeners:
            name = listener.node_name, listener.node_namespace
            if name == me:
                mine += 1
            elif name not in alike:
                alike[name] = self._is_alike(*name)
                if not alike[name]:
                    return True
        # more by this name: of another node that has it, or of what was made from this one
        return mine > own

    def _is_alike(self, name: str, namespace: str) -> bool:
        try:
            published = self._node.get_publisher_names_and_types_by_node(name, namespace)
        except rclpy_implementation.RCLError:
            # not known yet, or by no name: what the middleware says then is none
            return False
        return OWN_TYPES.issubset(kind for _, kinds in published for kind in kinds)
