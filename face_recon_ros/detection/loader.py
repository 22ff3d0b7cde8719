# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The detectors by their names, and from files. Which one a file is follows from its shapes."""

from __future__ import annotations

from pathlib import Path

from face_recon_ros.detection.base import Search
from face_recon_ros.detection.blazeface import BlazeFaceDetector, is_blazeface
from face_recon_ros.detection.far_faces import FarFaceSearch
from face_recon_ros.detection.tiling import MergedDetector, WholeImageDetector
from face_recon_ros.detection.ultralight import UltraLightDetector, is_ultralight
from face_recon_ros.errors import ModelFileError
from face_recon_ros.paths import model_file
from face_recon_ros.tflite import Network

SHORT_RANGE = 'short_range'
FULL_RANGE = 'full_range'
BOTH = 'both'
FAR_FACES_FILE = 'far_faces.tflite'
SHIPPED = {
    SHORT_RANGE: 'face_detection_short_range.tflite',
    FULL_RANGE: 'face_detection_full_range.tflite',
}


def load_detector(
    name: str,
    threshold: float = 0.5,
    threads: int = 1,
    loaded: dict[str, Network] | None = None,
) -> Search:
    """
    Return the detector called `name`.

    :param name: 'short_range' (faces up to about 2 m), 'full_range' (about 5 m), 'both' (those
        two, and faces of 24 pixels), or the path of a .tflite file
    :param loaded: networks of the files that ship, by name, for detectors that run in one thread
        at a time; those not there yet are added
    :raises ModelFileError: the file cannot be read or is no face detector known here.
    """
    loaded = {} if loaded is None else loaded
    if name == BOTH:
        far = load_detector(FULL_RANGE, threshold, threads, loaded)
        tiny = FarFaceSearch(_shipped(FAR_FACES_FILE, threads, loaded), far)
        near = load_detector(SHORT_RANGE, threshold, threads, loaded)
        return MergedDetector(near, far, tiny)
    if name in SHIPPED:
        network = _shipped(SHIPPED[name], threads, loaded)
    else:
        network = Network(Path(name), threads)
    shapes = network.output_shapes()
    if is_blazeface(network):
        return WholeImageDetector(BlazeFaceDetector(network, threshold))
    if is_ultralight(network):
        return WholeImageDetector(UltraLightDetector(network, threshold))
    raise ModelFileError(
        f'model file {network.path}: input {network.input_shape} and outputs {shapes} are neither '
        'BlazeFace nor UltraLight; give one of those detectors'
    )


def _shipped(file: str, threads: int, loaded: dict[str, Network]) -> Network:
    if file not in loaded:
        loaded[file] = Network(model_file(file), threads)
    return loaded[file]
