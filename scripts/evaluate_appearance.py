#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Print how well appearance descriptors, and shape parameters, tell people apart.

    scripts/evaluate_appearance.py DIR

DIR: photos with labels.csv, columns file, person, pan_deg, tilt_up_deg, as Pointing'04. Pairs of
photos whose labels lie within 15 degrees of each other are compared; printed is how often a pair
of one person differs less than a pair of two people (0.5 is chance), and how the log-likelihood
ratio of two people to one grows with the descriptors' distance (tracking/association.py).
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np
from evaluate import labelled_faces, read_rows
from scipy.stats import rankdata

from face_recon_ros.io.image_files import read_image
from face_recon_ros.pipeline import Pipeline
from face_recon_ros.regression.region import Region
from face_recon_ros.tracking.appearance import descriptor_distance, descriptor_of

NEAR_DEG = 15
LARGEST_PAN_DEG, LARGEST_TILT_DEG = 45, 30
# Part of the mean variance that is added to each, so that a full covariance can be inverted
SHRINKAGE = 0.02
# Of the histogram of distances: width, and in how many pairs a bin says something
BIN, LEAST_IN_BIN = 0.05, 20


def ordered_rightly(distances: np.ndarray, same: np.ndarray) -> float:
    """Return the share of (same, different) pairs of pairs in which the same differ less."""
    ranks = rankdata(distances)
    count, others = int(same.sum()), int((~same).sum())
    return 1 - float((ranks[same].sum() - count * (count + 1) / 2) / (count * others))


def likelihood_line(distances: np.ndarray, same: np.ndarray) -> tuple[float, float]:
    """Return slope and zero of the log-likelihood ratio of two people to one, as a line."""
    edges = np.arange(0, 1 + BIN, BIN)
    one, two = (np.histogram(distances[of], edges)[0] for of in (same, ~same))
    told = (one >= LEAST_IN_BIN) & (two >= LEAST_IN_BIN)
    one, two, middle = one[told], two[told], (edges[:-1] + BIN / 2)[told]
    ratio = np.log(two / (~same).sum()) - np.log(one / same.sum())
    slope, start = np.polyfit(middle, ratio, 1, w=1 / np.sqrt(1 / one + 1 / two))
    return float(slope), float(-start / slope)


def print_appearance(pairs: list[tuple[np.ndarray, np.ndarray]], same: np.ndarray) -> None:
    """Print what the distances of pairs of descriptors (64, 3) are worth."""
    compared = np.array([descriptor_distance(one, other) for one, other in pairs], np.float64)
    print(f'appearance: {ordered_rightly(compared, same):.3f}')
    slope, neutral = likelihood_line(compared, same)
    print(f'appearance: {slope:.1f} nats per unit of the distance, above {neutral:.3f}')


def main() -> None:
    """Print the shares."""
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    folder = Path(sys.argv[1])
    rows = [
        r
        for r in read_rows(folder)
        if abs(float(r['pan_deg'])) <= LARGEST_PAN_DEG
        and abs(float(r['tilt_up_deg'])) <= LARGEST_TILT_DEG
    ]
    descriptors, shapes, people, angles = [], [], [], []
    for row, face in labelled_faces(Pipeline(), folder, rows):
        if face is None:
            continue
        low, high = face.box.reshape(2, 2)
        side_px = Region.ENLARGEMENT * float((high - low).max())
        image = read_image(folder / row['file'])
        descriptors.append(descriptor_of(image, Region((low + high) / 2, side_px, 0.0)))
        shapes.append(face.parameters.shape)
        people.append(row['person'])
        angles.append((float(row['pan_deg']), float(row['tilt_up_deg'])))
    place, person, shape = np.array(angles), np.array(people), np.array(shapes)
    a, b = np.triu_indices(len(person), 1)
    near = (np.abs(place[a] - place[b]) <= NEAR_DEG).all(axis=1)
    a, b = a[near], b[near]
    same = person[a] == person[b]
    within = np.mean([np.cov(shape[person == p].T) for p in set(people)], axis=0)
    ridge = SHRINKAGE * np.trace(within) / len(within) * np.eye(len(within))
    weights = np.linalg.inv(within + ridge)
    steps = shape[a] - shape[b]
    print(f'{len(person)} photos, {len(set(people))} people, {same.sum()} pairs of one person, '
          f'{(~same).sum()} of two')
    print_appearance([(descriptors[i], descriptors[j]) for i, j in zip(a, b, strict=True)], same)
    print(f'shape: {ordered_rightly((steps**2).sum(axis=1), same):.3f}')
    weighted = np.einsum('ni,ij,nj->n', steps, weights, steps)
    print(f'shape, weighted by how much it varies within a person: '
          f'{ordered_rightly(weighted, same):.3f}')


if __name__ == '__main__':
    main()
