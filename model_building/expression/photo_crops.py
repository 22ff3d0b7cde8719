# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Crops of real faces, with what their landmarks show: few units, and those weakly.

Of units that hardly ever occur in photos it is taken that they are not there.
"""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from face_recon_ros.expression.crop import expression_region
from face_recon_ros.expression.units import COUNT, NAMES
from face_recon_ros.io.image_files import read_image
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.regression.crop import cut
from face_recon_ros.regression.region import Region
from model_building.expression.generate import CONTEXT, STORED
from model_building.expression.learn import Crops

READ = ('mouthSmileLeft', 'mouthSmileRight', 'jawOpen', 'eyeBlinkLeft', 'eyeBlinkRight',
        'browOuterUpLeft', 'browOuterUpRight')
"""Units that landmarks of photos show."""
RARE = ('jawForward', 'jawLeft', 'jawRight', 'mouthLeft', 'mouthRight', 'mouthFunnel',
        'mouthPucker', 'mouthClose', 'mouthRollLower', 'mouthRollUpper', 'mouthShrugLower',
        'mouthShrugUpper', 'cheekPuff', 'noseSneerLeft', 'noseSneerRight', 'tongueOut',
        'eyeWideLeft', 'eyeWideRight')
TRUST_READ, TRUST_RARE = 0.5, 0.1
LEAST_SIDE_PX = 40
LEAST_SCORE = 0.5


def photo_crops(files: Sequence[Path], first_person: int = 0) -> Crops:
    """Return a crop of the largest sure face of each photo."""
    pipeline = Pipeline(PipelineConfig(expressions=True))
    trust = np.where(np.isin(NAMES, READ), TRUST_READ, 0.0)
    trust = np.where(np.isin(NAMES, RARE), TRUST_RARE, trust)
    images, weights = [], []
    for path in tqdm(files, unit='photo', leave=False, disable=None):
        image = read_image(path)
        faces = [f for f in pipeline.detect(image) if f.score > LEAST_SCORE]
        if not faces:
            continue
        face = max(faces, key=lambda f: float(f.box[2] - f.box[0]))
        region = expression_region(face.parameters)
        if region.side_px < LEAST_SIDE_PX or not np.isfinite(face.blendshapes).all():
            continue
        wide = Region(region.centre, CONTEXT * region.side_px, region.roll_rad)
        rgb, _ = cut(image, wide, STORED)
        images.append(cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY))
        weights.append(np.where(np.isin(NAMES, READ), face.blendshapes, 0.0))
    count = len(images)
    return Crops(
        np.array(images, np.uint8).reshape(count, STORED, STORED),
        np.array(weights, np.float32).reshape(count, COUNT),
        np.tile(trust.astype(np.float32), (count, 1)), first_person + np.arange(count))
