# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The view that RViz is started with: the shipped one, or one made from it.

config/face_recon.rviz shows one camera that sends raw images. Compressed images need another
topic, and each of several cameras its own displays. Depends on RViz's file format, not on ROS.
"""

from __future__ import annotations

import copy
import hashlib
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from face_recon_ros.errors import FaceReconError
from face_recon_ros.paths import PACKAGE, share_directory

View = dict[str, Any]

CAMERA_IMAGE_TOPIC = 'image'
DISPLAYS = 'Displays'
TF = 'rviz_default_plugins/TF'
# Of each camera, where there are several; by what ends their topics
PER_CAMERA = ('mesh_image', 'markers', 'points')

# QMainWindow::saveState(), Qt 5: its markers, and where docks are
_STATE, _DOCKS, _SEQUENCE, _WIDGET, _TOOLBARS = 0xFF, 0xFD, 0xFC, 0xFB, 0xFC
_LEFT, _RIGHT, _VERTICAL = 0, 1, 2
# Pixels
_LEFT_WIDTH, _RIGHT_WIDTH, _MINIMUM, _LARGEST = 330, 420, 19, 0xFFFFFF


@dataclass(frozen=True, slots=True)
class Dock:
    """A panel at a side of the window, by its name."""

    name: str
    visible: bool = True


def shipped_view() -> Path:
    """Return the path of the view that ships."""
    return share_directory() / 'config' / 'face_recon.rviz'


def read(path: Path) -> View:
    """Return a view file as a dictionary."""
    view: View = yaml.safe_load(path.read_text())
    return view


def with_compressed_images(view: View) -> View:
    """Return a view whose camera panel shows the compressed images."""
    changed = copy.deepcopy(view)
    for display in changed['Visualization Manager']['Displays']:
        topic = display.get('Topic', {})
        if topic.get('Value') == CAMERA_IMAGE_TOPIC:
            topic['Value'] = f'{CAMERA_IMAGE_TOPIC}/compressed'
    return changed


def of_cameras(view: View, cameras: Sequence[str]) -> View:
    """Return a view of several cameras: a group of displays for each, their frames together."""
    changed = copy.deepcopy(view)
    manager, window = changed['Visualization Manager'], changed['Window Geometry']
    displays = manager['Displays']
    manager['Displays'] = [
        *(d for d in displays if d['Class'] == TF),
        *(_group(camera, displays) for camera in cameras),
    ]
    docks = [Dock(panel['Name'], panel['Name'] == DISPLAYS) for panel in changed['Panels']]
    images = [Dock(_image_name(camera)) for camera in cameras]
    window['QMainWindow State'] = window_state(docks, images, window['Height'])
    return changed


def _image_name(camera: str) -> str:
    # an image's panel is known by this name alone
    return f'{camera}: mesh image'


def _group(camera: str, displays: Sequence[View]) -> View:
    shown = []
    for display in displays:
        topic = display.get('Topic', {}).get('Value', '')
        if topic.rpartition('/')[2] in PER_CAMERA:
            own = copy.deepcopy(display)
            own['Topic']['Value'] = f'{camera}/{topic}'
            if display['Class'].endswith('/Image'):
                own['Name'] = _image_name(camera)
            shown.append(own)
    return {
        'Class': 'rviz_common/Group',
        'Displays': shown,
        'Enabled': True,
        'Name': camera,
        'Value': True,
    }


def window_state(left: Sequence[Dock], right: Sequence[Dock], height: int) -> str:
    """
    Return what QMainWindow::saveState() gives for docks one above the other, as hexadecimals.

    Without it RViz makes every image's panel visible, in one column, and enables its display.

    :param left, right: the docks at the two sides, from the top.
    :param height: of the window, pixels; Qt fits the docks into what there is.
    """
    areas = [(_LEFT, _LEFT_WIDTH, left), (_RIGHT, _RIGHT_WIDTH, right)]
    return b''.join(
        [
            struct.pack('>iiBi', _STATE, 0, _DOCKS, len(areas)),
            *(_dock_area(*area, height) for area in areas),
            # the middle, and to which side the corners belong
            struct.pack('>2i4i', 0, height, 4, 4, 8, 8),
            # one toolbar at the top, RViz's tools
            struct.pack('>B3i', _TOOLBARS, 1, 2, 1),
            _text('Tools'),
            struct.pack('>B4i', True, 0, -1, 0, 0),
        ]
    ).hex()


def _dock_area(side: int, width: int, docks: Sequence[Dock], height: int) -> bytes:
    each = height // max(sum(dock.visible for dock in docks), 1)
    area = struct.pack('>3iBBi', side, width, height, _SEQUENCE, _VERTICAL, len(docks))
    top = 0
    for dock in docks:
        area += struct.pack('>B', _WIDGET) + _text(dock.name)
        area += struct.pack('>B4i', dock.visible, top, each, _MINIMUM, _LARGEST)
        top += each if dock.visible else 0
    return area


def _text(text: str) -> bytes:
    encoded = text.encode('utf-16-be')
    return struct.pack('>I', len(encoded)) + encoded


def write(view: View) -> Path:
    """
    Write a view where RViz may write it, too, and return its path.

    The name depends on the content. An existing file is kept: changes that the user saved in RViz
    are used again.

    :raises FaceReconError: the folder cannot be written to.
    """
    text = yaml.safe_dump(view, sort_keys=False, width=4096)
    digest = hashlib.sha256(text.encode()).hexdigest()[:12]
    folder = Path(os.environ.get('ROS_HOME') or '~/.ros').expanduser() / PACKAGE
    path = folder / f'view_{digest}.rviz'
    if path.is_file():
        return path
    partial = path.with_suffix(f'.{os.getpid()}')
    try:
        folder.mkdir(parents=True, exist_ok=True)
        partial.write_text(text)
        partial.replace(path)
    except OSError as error:
        raise FaceReconError(
            f'{path}: cannot be written ({error.strerror}): set ROS_HOME to a folder of yours, or '
            'give a view with rviz_config:='
        ) from None
    return path
