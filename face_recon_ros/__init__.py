# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Faces in 3D from camera images: head pose, landmarks, dense mesh, depth, expression.

The names below are what a program needs; they are imported when first used, so that those who
want messages alone (face_recon_ros.msg) import nothing else.
"""

from pkgutil import extend_path
from typing import TYPE_CHECKING

from face_recon_ros.lazy import lazy_names

# The generated half of this package (msg/, _renderer) is installed beside these files. Where the
# source tree shadows the installed package (running from the repository root), look there as well.
__path__ = extend_path(__path__, __name__)

if TYPE_CHECKING:
    from face_recon_ros.camera import Camera
    from face_recon_ros.errors import FaceReconError
    from face_recon_ros.face import Face
    from face_recon_ros.face_model.model import FaceModel
    from face_recon_ros.face_model.parameters import FaceParameters
    from face_recon_ros.faces import Faces
    from face_recon_ros.pipeline import Pipeline
    from face_recon_ros.pipeline_config import PipelineConfig
    from face_recon_ros.pose import MetricPose
    from face_recon_ros.rotations import EulerAngles
    from face_recon_ros.tracking.settings import TrackingSettings
    from face_recon_ros.tracking.smoothing import SmoothingSettings

__all__ = [
    'Camera',
    'EulerAngles',
    'Face',
    'FaceModel',
    'FaceParameters',
    'FaceReconError',
    'Faces',
    'MetricPose',
    'Pipeline',
    'PipelineConfig',
    'SmoothingSettings',
    'TrackingSettings',
]

__getattr__, __dir__ = lazy_names(
    __name__,
    {
        'Camera': 'face_recon_ros.camera',
        'EulerAngles': 'face_recon_ros.rotations',
        'Face': 'face_recon_ros.face',
        'FaceModel': 'face_recon_ros.face_model.model',
        'FaceParameters': 'face_recon_ros.face_model.parameters',
        'FaceReconError': 'face_recon_ros.errors',
        'Faces': 'face_recon_ros.faces',
        'MetricPose': 'face_recon_ros.pose',
        'Pipeline': 'face_recon_ros.pipeline',
        'PipelineConfig': 'face_recon_ros.pipeline_config',
        'SmoothingSettings': 'face_recon_ros.tracking.smoothing',
        'TrackingSettings': 'face_recon_ros.tracking.settings',
    },
)
