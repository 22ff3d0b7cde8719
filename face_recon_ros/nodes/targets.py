# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What people may look at: the camera, and frames of TF."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from rclpy.node import Node
from std_msgs.msg import Header

from face_recon_ros.eyes.attention import CAMERA
from face_recon_ros.nodes.camera_pose_listener import CameraPoseListener
from face_recon_ros.nodes.report import ChangeLogger
from face_recon_ros.nodes.settings import CAMERA_TARGET
from face_recon_ros.nodes.stamps import seconds


class Targets:
    """The places of the parameter attention_targets; listens to TF for those that are frames."""

    def __init__(
        self,
        node: Node,
        names: tuple[str, ...],
        report: ChangeLogger,
        listen: Callable[..., CameraPoseListener] = CameraPoseListener,
    ) -> None:
        """:param names: 'camera' and names of frames."""
        self._has_camera = CAMERA_TARGET in names
        frames = [name for name in names if name != CAMERA_TARGET]
        self._frames = {
            name: listen(node, name, report, purpose=f'no look at {name} is told (parameter '
                         'attention_targets)')
            for name in frames
        }  # fmt: skip

    @property
    def listeners(self) -> int:
        """How many subscriptions to /tf there are of its own."""
        return len(self._frames)

    def places(
        self, header: Header, camera_position_m: tuple[float, float, float]
    ) -> dict[str, np.ndarray]:
        """
        Return where the targets are, in the frame of an image; without those that are not known.

        :param camera_position_m: of the camera in that frame
        """
        places = {CAMERA: np.array(camera_position_m)} if self._has_camera else {}
        for name, frame in self._frames.items():
            pose = frame.camera_pose(header.frame_id, seconds(header.stamp))
            if pose is not None:
                places[name] = -pose.rotation.T @ pose.translation_m
        return places

    def close(self) -> None:
        """Listen no more."""
        for frame in self._frames.values():
            frame.close()
