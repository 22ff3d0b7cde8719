# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Crops of real faces, with what their landmarks show: few units; nothing of the others."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from tqdm import tqdm

from face_recon_ros.expression.crop import SIZE, expression_crop, expression_region
from face_recon_ros.expression.units import COUNT, NAMES
from face_recon_ros.io.image_files import read_image
from model_building.expression.landmark_teacher import LandmarkTeacher
from model_building.expression.learn import Crops

READ = ('mouthSmileLeft', 'mouthSmileRight', 'jawOpen', 'eyeBlinkLeft', 'eyeBlinkRight',
        'browOuterUpLeft', 'browOuterUpRight')
"""Units that landmarks of photos show."""
LEAST_SIDE_PX = 40


def photo_crops(files: Sequence[Path], teacher: LandmarkTeacher) -> Crops:
    """Return a crop of the largest sure face of each photo."""
    trust = np.isin(NAMES, READ)
    images, weights = [], []
    for path in tqdm(files, unit='photo', leave=False, disable=None):
        image = read_image(path)
        found = teacher(image)
        if found is None:
            continue
        face, read = found
        if expression_region(face.parameters).side_px < LEAST_SIDE_PX:
            continue
        images.append(expression_crop(image, face.parameters))
        weights.append(np.where(np.isin(NAMES, READ), read, 0.0))
    count = len(images)
    return Crops.alone(
        np.array(images, np.uint8).reshape(count, SIZE, SIZE),
        np.array(weights, np.float32).reshape(count, COUNT),
        np.tile(trust.astype(np.float32), (count, 1)))
