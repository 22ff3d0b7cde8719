# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The detectors by their names, and from files. Which one a file is follows from its shapes."""

from __future__ import annotations

from pathlib import Path

from face_recon_ros.detection.base import Search
from face_recon_ros.detection.blazeface import BlazeFaceDetector, is_blazeface
from face_recon_ros.detection.tiling import MergedDetector, WholeImageDetector
from face_recon_ros.detection.ultralight import UltraLightDetector, is_ultralight
from face_recon_ros.errors import ModelFileError
from face_recon_ros.paths import model_file
from face_recon_ros.tflite import Network

SHORT_RANGE = 'short_range'
FULL_RANGE = 'full_range'
BOTH = 'both'
SHIPPED = {
    SHORT_RANGE: 'face_detection_short_range.tflite',
    FULL_RANGE: 'face_detection_full_range.tflite',
}


def load_detector(name: str, threshold: float = 0.5, threads: int = 1) -> Search:
    """
    Return the detector called `name`.

    :param name: 'short_range' (faces up to about 2 m), 'full_range' (about 5 m), 'both', or the
        path of a .tflite file.
    :raises ModelFileError: the file cannot be read or is no face detector known here.
    """
    if name == BOTH:
        return MergedDetector(
            load_detector(SHORT_RANGE, threshold, threads),
            load_detector(FULL_RANGE, threshold, threads),
        )
    path = model_file(SHIPPED[name]) if name in SHIPPED else Path(name)
    network = Network(path, threads)
    shapes = network.output_shapes()
    if is_blazeface(network):
        return WholeImageDetector(BlazeFaceDetector(network, threshold))
    if is_ultralight(network):
        return WholeImageDetector(UltraLightDetector(network, threshold))
    raise ModelFileError(
        f'model file {path}: input {network.input_shape} and outputs {shapes} are neither '
        'BlazeFace nor UltraLight; give one of those detectors'
    )
