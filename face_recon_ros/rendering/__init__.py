# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Pictures and meshes of faces: views and overlays, the C++ renderer beneath them, exports."""

from typing import TYPE_CHECKING

from face_recon_ros.lazy import lazy_names

if TYPE_CHECKING:
    from face_recon_ros.rendering.overlay import (
        draw_box,
        draw_dense,
        draw_landmarks,
        draw_pose_axes,
        draw_pose_cage,
    )
    from face_recon_ros.rendering.renderer import PlacedMesh, Renderer, Shading
    from face_recon_ros.rendering.views import MODES, FaceViews

__all__ = [
    'MODES',
    'FaceViews',
    'PlacedMesh',
    'Renderer',
    'Shading',
    'draw_box',
    'draw_dense',
    'draw_landmarks',
    'draw_pose_axes',
    'draw_pose_cage',
]

_OVERLAY = 'face_recon_ros.rendering.overlay'
_RENDERER = 'face_recon_ros.rendering.renderer'
_VIEWS = 'face_recon_ros.rendering.views'

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        'MODES': _VIEWS,
        'FaceViews': _VIEWS,
        'PlacedMesh': _RENDERER,
        'Renderer': _RENDERER,
        'Shading': _RENDERER,
        'draw_box': _OVERLAY,
        'draw_dense': _OVERLAY,
        'draw_landmarks': _OVERLAY,
        'draw_pose_axes': _OVERLAY,
        'draw_pose_cage': _OVERLAY,
    },
)
