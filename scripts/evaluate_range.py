# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Print which faces are found by their width in pixels, in stills and in streams.

    scripts/evaluate_range.py PHOTOS BACKGROUNDS [--sizes 640x480 1920x1080] [--people 60]

People of photos (one face each) are put into pictures without faces, one to a picture, and the
pipeline looks for them. A stream shows the same picture at 30 Hz, from its second second on with
the person. False positives are faces elsewhere than where the person is.
"""

from __future__ import annotations

import argparse
import sys
from dataclasses import dataclass, field
from pathlib import Path

import cv2
import numpy as np

from face_recon_ros import Pipeline
from face_recon_ros.detection.loader import FULL_RANGE, load_detector

WIDTHS_PX = (16, 20, 24, 32, 48, 64, 96)
RATE_HZ = 30
ENDINGS = {'.jpg', '.jpeg', '.png', '.webp'}


@dataclass(slots=True)
class Count:
    """Faces shown, found in stills and in streams; images until found; false positives."""

    shown: int = 0
    found: int = 0
    wrong: int = 0
    images: list[int] = field(default_factory=list)


def people_of(folder: Path, count: int) -> list[tuple[np.ndarray, np.ndarray]]:
    """Return photos and the box of their one face, evenly from a folder."""
    detector = load_detector(FULL_RANGE)
    files = sorted(p for p in folder.iterdir() if p.suffix.lower() in ENDINGS)
    people = []
    for path in files[:: max(1, len(files) // count)]:
        image = cv2.imread(str(path))
        if image is None:
            continue
        found = detector(image)
        if len(found) == 1:
            people.append((image, found[0].box))
    return people


def backgrounds_of(folder: Path, size: tuple[int, int], count: int) -> list[np.ndarray]:
    """Return pictures of a size (width, height), filled without changing their aspect."""
    files = sorted(p for p in folder.rglob('*') if p.suffix.lower() in ENDINGS)
    pictures = []
    for path in files[:: max(1, len(files) // count)]:
        image = cv2.imread(str(path))
        if image is None:
            continue
        scale = max(size[0] / image.shape[1], size[1] / image.shape[0])
        image = cv2.resize(image, None, fx=scale + 1e-3, fy=scale + 1e-3)
        pictures.append(np.ascontiguousarray(image[: size[1], : size[0]]))
    return pictures


def composite(
    background: np.ndarray, person: tuple[np.ndarray, np.ndarray], width_px: float,
    random: np.random.Generator,
) -> tuple[np.ndarray, np.ndarray] | None:
    """Return a picture with a person in it and the centre of the face; None without room."""
    image, box = person
    scale = width_px / float(box[2] - box[0])
    small = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    height, width = small.shape[:2]
    if height >= background.shape[0] or width >= background.shape[1]:
        return None
    y = int(random.integers(0, background.shape[0] - height))
    x = int(random.integers(0, background.shape[1] - width))
    scene = background.copy()
    scene[y : y + height, x : x + width] = small
    return scene, (box[:2] + box[2:]) / 2 * scale + [x, y]


def images_until_found(
    pipeline: Pipeline, before: np.ndarray, scene: np.ndarray, centre: np.ndarray, width_px: float
) -> int | None:
    """Return after how many images of a stream a face that appears is reported; None: never."""
    pipeline.reset()
    for i in range(RATE_HZ):
        pipeline.track(before, i / RATE_HZ)
    for i in range(2 * RATE_HZ):
        faces = pipeline.track(scene, (RATE_HZ + i) / RATE_HZ)
        if any(is_at(face.box, centre, width_px) for face in faces):
            return i
    return None


def is_at(box: np.ndarray, centre: np.ndarray, width_px: float) -> bool:
    """Tell whether a box is around a face of this place and width."""
    return bool(np.abs((box[:2] + box[2:]) / 2 - centre).max() < 0.6 * width_px)


def counted(
    pipeline: Pipeline, people: list[tuple[np.ndarray, np.ndarray]], scenery: list[np.ndarray],
    width_px: float, streams: int,
) -> Count:
    """Show everybody at one width, `streams` of them in a stream, too."""
    random, count = np.random.default_rng(0), Count()
    for i, person in enumerate(people):
        background = scenery[i % len(scenery)]
        made = composite(background, person, width_px, random)
        if made is None:
            continue
        scene, centre = made
        right = [is_at(face.box, centre, width_px) for face in pipeline.detect(scene)]
        count.shown += 1
        count.found += any(right)
        count.wrong += len(right) - sum(right)
        if i < streams:
            images = images_until_found(pipeline, background, scene, centre, width_px)
            if images is not None:
                count.images.append(images)
    return count


def main() -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument('photos', type=Path)
    parser.add_argument('backgrounds', type=Path)
    parser.add_argument('--sizes', nargs='+', default=['640x480', '1920x1080'])
    parser.add_argument('--people', type=int, default=60)
    parser.add_argument('--streams', type=int, default=0, help='of so many people a stream each')
    arguments = parser.parse_args()
    people = people_of(arguments.photos, arguments.people)
    pipeline = Pipeline()
    for text in arguments.sizes:
        width, height = (int(n) for n in text.split('x'))
        scenery = backgrounds_of(arguments.backgrounds, (width, height), arguments.people)
        empty = [face.score for b in scenery for face in pipeline.detect(b)]
        sys.stdout.write(
            f'{text}: {len(empty)} false positives in {len(scenery)} empty pictures, '
            f'{sum(score > 0.5 for score in empty)} of them with a score above 0.5\n')
        for width_px in WIDTHS_PX:
            count = counted(pipeline, people, scenery, width_px, arguments.streams)
            line = f'  {width_px:3} px: {count.found} of {count.shown}, {count.wrong} wrong'
            if arguments.streams:
                seconds = (np.array(count.images) + 1) / RATE_HZ
                within = int((seconds <= 1.0).sum())
                line += f'; in streams {within} of {arguments.streams} within 1 s'
            sys.stdout.write(line + '\n')
            sys.stdout.flush()
    return 0


if __name__ == '__main__':
    sys.exit(main())
