# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Bags of a few small messages, to be damaged."""

from __future__ import annotations

import tempfile
from pathlib import Path

import cv2
import numpy as np
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.typesys import Stores, get_typestore


def small_bags(image: np.ndarray) -> list[bytes]:
    """Return an MCAP and an SQLite file with raw and compressed images and a calibration."""
    types = get_typestore(Stores.ROS2_HUMBLE)
    known = types.types
    stamp = known['builtin_interfaces/msg/Time'](sec=1, nanosec=0)
    header = known['std_msgs/msg/Header'](stamp=stamp, frame_id='camera')
    height, width = image.shape[:2]
    raw = known['sensor_msgs/msg/Image'](
        header=header, height=height, width=width, encoding='bgr8', is_bigendian=0,
        step=3 * width, data=image.reshape(-1))
    compressed = known['sensor_msgs/msg/CompressedImage'](
        header=header, format='jpeg', data=cv2.imencode('.jpg', image)[1].reshape(-1))
    info = known['sensor_msgs/msg/CameraInfo'](
        header=header, height=height, width=width, distortion_model='plumb_bob',
        d=np.zeros(5), k=np.array([50.0, 0, 24, 0, 50, 20, 0, 0, 1]), r=np.eye(3).ravel(),
        p=np.zeros(12), binning_x=0, binning_y=0,
        roi=known['sensor_msgs/msg/RegionOfInterest'](
            x_offset=0, y_offset=0, height=0, width=0, do_rectify=False))
    files = []
    with tempfile.TemporaryDirectory() as folder:
        for plugin, suffix in ((StoragePlugin.MCAP, 'mcap'), (StoragePlugin.SQLITE3, 'db3')):
            for pictures in ([raw, raw, raw], [compressed, compressed]):
                path = Path(folder, f'{suffix}_{len(pictures)}')
                with Writer(path, version=9, storage_plugin=plugin) as writer:
                    for topic, messages in (('/camera_info', [info]), ('/image', pictures)):
                        kind = messages[0].__msgtype__
                        connection = writer.add_connection(topic, kind, typestore=types)
                        for number, message in enumerate(messages):
                            data = types.serialize_cdr(message, kind)
                            writer.write(connection, 10**9 * (number + 1), data)
                files.append((path / f'{path.name}.{suffix}').read_bytes())
    return files
