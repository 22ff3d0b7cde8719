#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Print how well ids are kept where people cross, leave and return.

    scripts/evaluate_tracking.py [--rate HZ] [DIR COUNT]

The scenes of scenes/crossing.py, played by the sample portrait's people, and by COUNT groups of
three, drawn from the photos of DIR at random (seed 0).
"""

from __future__ import annotations

import argparse
import sys
from itertools import chain
from pathlib import Path

import numpy as np
from scenes.crossing import RATE_HZ, Cutout, Outcome, evaluate, sample_people, scenes
from tqdm import tqdm

from face_recon_ros.errors import FaceReconError
from face_recon_ros.io.image_files import image_paths, read_image
from face_recon_ros.paths import share_directory
from face_recon_ros.pipeline import Pipeline


def casts(pipeline: Pipeline, folder: Path | None, count: int) -> list[list[Cutout]]:
    """Return groups of three people: of the sample portrait, and so many of a folder's photos."""
    sample = read_image(share_directory() / 'samples' / 'astronaut.png')
    groups = [sample_people(pipeline, sample)]
    if folder is None:
        return groups
    paths = image_paths([folder])
    people: list[Cutout] = []
    for index in np.random.default_rng(0).permutation(len(paths)):
        photo = read_image(paths[index])
        faces = pipeline.detect(photo)
        if faces and faces[0].score > 0.9:
            people.append(Cutout(pipeline, photo))
        if len(people) == 3 * count:
            break
    return groups + [people[i : i + 3] for i in range(0, len(people) - 2, 3)]


def main() -> None:
    """Print a table of the scenes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('--rate', type=float, default=RATE_HZ, help='images per second')
    parser.add_argument('folder', nargs='?', type=Path, help='photos')
    parser.add_argument('count', nargs='?', type=int, default=6, help='groups drawn from them')
    arguments = parser.parse_args()
    try:
        groups = casts(Pipeline(), arguments.folder, arguments.count)
    except FaceReconError as error:
        sys.exit(str(error))
    outcomes: dict[str, list[Outcome]] = {}
    for group in tqdm(groups, unit='group', leave=False, disable=None):
        for name, (people, duration_s) in scenes(group).items():
            outcome = evaluate(people, duration_s, Pipeline(), arguments.rate)
            outcomes.setdefault(name, []).append(outcome)
    print('| scene | played | ids swapped | new ids | images unseen | false positives | '
          'seen again after, mean and most |')
    print('|---|---|---|---|---|---|---|')
    for name, played in {**outcomes, 'all': list(chain(*outcomes.values()))}.items():
        again_s = np.concatenate([o.reacquired_images for o in played]) / arguments.rate
        print(
            f'| {name} | {len(played)} | {sum(o.swaps for o in played)} '
            f'| {sum(o.new_ids for o in played)} | {sum(o.unseen for o in played)} '
            f'| {sum(o.false_positives for o in played)} '
            f'| {again_s.mean():.2f} s, {again_s.max():.2f} s |'
        )


if __name__ == '__main__':
    main()
