#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Print how well irises are measured, as in docs/depth.md.

    evaluate_iris.py PORTRAITS_FOLDER [--count N]

Nobody measured these people. But an iris is 11.7 mm wide (SD 4.3 %) and the pupils are 63 mm apart
(SD 5.7 %), so the ratio of the two has a spread of 7.1 %: what is more is the measurement's error.
Then each iris is made smaller and larger by a known factor: a measurement follows it with a slope
of 1, one of the eye's width with 0.
"""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import cv2
import numpy as np

from face_recon_ros import Face, Pipeline, PipelineConfig
from face_recon_ros.eyes.iris import EyeNetwork
from face_recon_ros.eyes.landmarks import EyeLandmarks
from face_recon_ros.eyes.limbus import MOST_DIFFERENCE, limbus_of
from face_recon_ros.eyes.openness import part_open
from face_recon_ros.io.image_files import read_image

FACTORS = (0.87, 1.15)
# The whole iris is about so much wider than the network's, and its surroundings are twice as wide
IRIS_PER_NETWORK, AROUND = 1.19, 2.0
EXPECTED_RATIO, EXPECTED_SPREAD = 11.7 / 63, 0.071
LEAST_OPEN = 0.4


def main(arguments: list[str] | None = None) -> int:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('portraits', type=Path, help='folder of portraits, *.jpg')
    parser.add_argument('--count', type=int, default=1000)
    options = parser.parse_args(arguments)
    pipeline = Pipeline(PipelineConfig(smoothing=None, use_eyes='always'))
    rows, faces, network = [], 0, EyeNetwork()
    for path in sorted(options.portraits.glob('*.jpg'))[: options.count]:
        image = read_image(path)
        for face in pipeline.detect(image)[:1]:
            if face.eyes is None or not part_open(face.eye_openness).min() > LEAST_OPEN:
                continue
            faces += 1
            row = measured(image, face, face.eyes.landmarks, network)
            if row is not None:
                rows.append(row)
    report(np.array(rows), faces)
    return 0


def measured(
    image: np.ndarray, face: Face, landmarks: EyeLandmarks, network: EyeNetwork
) -> np.ndarray | None:
    """Return distance of the pupils, and mean radii by edge and network at each factor; px."""
    apart_px = float(np.linalg.norm(np.subtract(*landmarks.iris_px)))
    across = float(np.linalg.norm(face.rotation[:2, 1]))
    row = [apart_px / across]
    for factor in (1.0, *FACTORS):
        shown = image
        for side in range(2) if factor != 1 else ():
            radius_px = IRIS_PER_NETWORK * landmarks.radius_px[side]
            shown = grown(shown, landmarks.iris_px[side], radius_px, factor)
        found = [limbus_of(shown, landmarks, side) for side in range(2)]
        radii = [circle[1] for circle in found if circle is not None]
        if len(radii) < len(found):
            return None
        if abs(np.log(radii[0] / radii[1])) > MOST_DIFFERENCE and factor == 1:
            return None
        row.append(float(np.exp(np.log(radii).mean())))
        row.append(float(network(shown, face.landmarks_px).radius_px.mean()))
    return np.array(row)


def grown(image: np.ndarray, centre: np.ndarray, radius: float, factor: float) -> np.ndarray:
    """Return an image in which a disc is larger by a factor, and what is around it pushed away."""
    height, width = image.shape[:2]
    y, x = np.mgrid[:height, :width].astype(np.float64)
    away = np.hypot(x - centre[0], y - centre[1]) + 1e-9
    edge, end = factor * radius, AROUND * radius
    ring = radius + (away - edge) * (end - radius) / (end - edge)
    part = np.where(away < edge, away / factor, np.where(away < end, ring, away)) / away
    source = centre + (np.stack([x, y], axis=-1) - centre) * part[..., None]
    across, down = np.moveaxis(source.astype(np.float32), -1, 0)
    return cv2.remap(image, across, down, cv2.INTER_CUBIC)


def report(rows: np.ndarray, faces: int) -> None:
    """Print what comes of the rows of measured()."""
    apart, edge, network = rows[:, :3].T
    slopes = np.log(rows[:, 5:] / rows[:, 3:5]) / np.log(FACTORS[1] / FACTORS[0])
    print(f'{len(rows)} of {faces} faces measured, irises {2 * np.median(edge):.0f} px wide')
    print('| | diameter / distance of the pupils | spread | slope |')
    print('|---|---|---|---|')
    print(f'| people | {EXPECTED_RATIO:.3f} | {100 * EXPECTED_SPREAD:.1f} % | |')
    for name, radius, follows in (('edge', edge, 0), ('network', network, 1)):
        ratio = 2 * radius / apart
        spread = 100 * np.std(np.log(ratio))
        slope = np.median(slopes[:, follows])
        print(f'| {name} | {np.median(ratio):.3f} | {spread:.1f} % | {slope:.2f} |')
    excess = np.sqrt(max(np.var(np.log(2 * edge / apart)) - EXPECTED_SPREAD**2, 0.0))
    print(f'error of one measurement: {100 * excess:.1f} %')


if __name__ == '__main__':
    sys.exit(main())
