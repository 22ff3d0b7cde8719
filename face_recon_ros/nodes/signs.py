# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Quaternions q and -q are one rotation: which of them goes out does not change on the way."""

from __future__ import annotations

from geometry_msgs.msg import Quaternion
from tf2_msgs.msg import TFMessage


class QuaternionSigns:
    """
    Keeps the sign of each frame's quaternion continuous from message to message.

    Plots and filters that take the four numbers by themselves see no jump then. A gaze into the
    camera has w near 0, so a sign by w alone would change all the time.
    """

    def __init__(self) -> None:
        self._last: dict[str, Quaternion] = {}

    def align(self, message: TFMessage) -> None:
        """Choose the signs nearest to the last ones; frames not in the message are forgotten."""
        now = {}
        for transform in message.transforms:
            quaternion = transform.transform.rotation
            last = self._last.get(transform.child_frame_id)
            if last is not None and _dot(quaternion, last) < 0:
                _negate(quaternion)
            now[transform.child_frame_id] = quaternion
        self._last = now


def _dot(a: Quaternion, b: Quaternion) -> float:
    return float(a.x * b.x + a.y * b.y + a.z * b.z + a.w * b.w)


def _negate(quaternion: Quaternion) -> None:
    for name in ('x', 'y', 'z', 'w'):
        setattr(quaternion, name, -getattr(quaternion, name))
