#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Print how far aside Face Mesh places all landmarks of a crop (FACE_MESH_BIAS_PX, regression.py).

    scripts/measure_crop_bias.py DIR...

Each photo's face is looked at twice, as it is and mirrored. What the two disagree in, the mean
over the landmarks, is twice the bias to the side. Up and down cannot be mirrored; Face Mesh pads
both directions alike (at the right and at the bottom), which is where the bias is from.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from face_recon_ros.detection.loader import load_detector
from face_recon_ros.face_model.model import FaceModel
from face_recon_ros.io.image_files import read_image
from face_recon_ros.paths import model_file
from face_recon_ros.pipeline import PipelineConfig
from face_recon_ros.regression.crop import cut
from face_recon_ros.regression.face_mesh import FACE_MESH_BIAS_PX, FACE_MESH_FILE
from face_recon_ros.regression.region import Region
from face_recon_ros.tflite import Network


class CropBias:
    """Looks at faces and at their mirror images."""

    def __init__(self) -> None:
        config = PipelineConfig()
        self._detect = load_detector(config.detector, config.detector_threshold)
        self._network = Network(model_file(FACE_MESH_FILE))
        self._mirror = FaceModel().landmarks_468_mirror
        self._size = self._network.input_shape[1]

    def __call__(self, image: np.ndarray) -> float | None:
        """Return how far to the right of the truth the landmarks are, crop pixels."""
        found = self._detect(image)
        if not found:
            return None
        crop, image_from_crop = cut(image, Region.from_detection(found[0]), self._size)
        in_image = self._landmarks(crop)[:, :2] @ image_from_crop[:, :2].T + image_from_crop[:, 2]
        crop = cut(image, Region.from_landmarks(in_image), self._size)[0]
        seen = self._landmarks(crop)
        mirrored = self._landmarks(cv2.flip(crop, 1))[self._mirror]
        back = self._size - 1 - mirrored[:, 0]
        return float((seen[:, 0] - back).mean() / 2)

    def _landmarks(self, crop: np.ndarray) -> np.ndarray:
        self._network.input_tensor()[0] = crop.astype(np.float32) / 255
        return max(self._network.run(), key=np.size).reshape(-1, 3)


def main() -> int:
    """Measure on the folders named on the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument('folders', nargs='+', type=Path, metavar='DIR')
    paths = sorted(p for d in parser.parse_args().folders for p in d.glob('*.jpg'))
    measure = CropBias()
    found = [measure(read_image(path)) for path in tqdm(paths, unit='photo', disable=None)]
    biases = [bias for bias in found if bias is not None]
    if not biases:
        sys.stderr.write('no faces: give folders of .jpg photos\n')
        return 1
    print(
        f'{len(biases)} faces: {np.median(biases):+.2f} px to the right, half of them between '
        f'{np.quantile(biases, 0.25):+.2f} and {np.quantile(biases, 0.75):+.2f}; '
        f'FACE_MESH_BIAS_PX is {FACE_MESH_BIAS_PX}'
    )
    return 0


if __name__ == '__main__':
    sys.exit(main())
