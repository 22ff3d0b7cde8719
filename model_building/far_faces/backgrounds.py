# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Gather pictures without faces from Debian packages and wheels that were unpacked into a folder.

    apt-get download gnome-backgrounds       (and mate-backgrounds, ukui-wallpapers,
    dpkg -x gnome-backgrounds_*.deb FOLDER/gnome-backgrounds     plasma-workspace-wallpapers,
    lomiri-wallpapers-16.04, lomiri-wallpapers-20.04, supertuxkart-data, nexuiz-textures)
    pip download --no-deps scikit-image scikit-learn -d FOLDER
    python -m model_building.far_faces.backgrounds FOLDER OUTPUT

Their licences are CC0, CC-BY, CC-BY-SA, GPL and BSD: networks may learn from them. The pictures
themselves are not part of this repository.
"""
from __future__ import annotations

import argparse
import sys
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

ENDINGS = ('.jpg', '.jpeg', '.png', '.webp')
LEAST_SIDE_PX = 200
LEAST_DEVIATION = 12.0
"""Of the grey values: flatter pictures teach nothing."""
# faces, charts of colours, and maps of normals and gloss
UNWANTED = ('astronaut', 'camera.png', 'chessboard', 'color.png', '_norm', '_gloss', '_bump',
            '_glow')


@dataclass(slots=True, frozen=True)
class Source:
    """Where pictures are: files, or members of the archives, that match; every `step` of them."""

    pattern: str
    members: str = ''
    step: int = 1
    least_bytes: int = 0
    longest_px: int = 1024


SOURCES = (
    Source('mate-backgrounds/**/nature/*', longest_px=1600),
    Source('mate-backgrounds/**/abstract/*', longest_px=1600),
    Source('ukui-wallpapers/**/backgrounds/*', longest_px=1600),
    Source('lomiri-wallpapers-*/**/backgrounds/*', longest_px=1600),
    Source('plasma-workspace-wallpapers/**/contents/images/*', longest_px=1600),
    Source('gnome-backgrounds/**/gnome/*', longest_px=1600),
    Source('scikit_*.whl', members='skimage/data/'),
    Source('scikit_*.whl', members='sklearn/datasets/images/'),
    Source('supertuxkart-data/**/data/textures/*', least_bytes=150_000),
    Source('supertuxkart-data/**/data/tracks/*/*', least_bytes=150_000),
    Source('nexuiz-textures/**/textures.pk3', members='textures/', step=3),
)


def pictures(folder: Path) -> Iterator[np.ndarray]:
    """Yield the pictures of all sources, (H, W, 3) uint8 BGR, no longer than wanted."""
    for source in SOURCES:
        for data in _files(folder, source):
            image = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
            if image is None or min(image.shape[:2]) < LEAST_SIDE_PX:
                continue
            scale = source.longest_px / max(image.shape[:2])
            if scale < 1:
                image = cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
            if image.std() >= LEAST_DEVIATION:
                yield np.asarray(image)


def _files(folder: Path, source: Source) -> Iterator[bytes]:
    for path in sorted(folder.glob(source.pattern)):
        if not source.members:
            if _is_wanted(path.name) and path.stat().st_size >= source.least_bytes:
                yield path.read_bytes()
            continue
        with zipfile.ZipFile(path) as archive:
            names = [n for n in archive.namelist() if source.members in n and _is_wanted(n)]
            for name in names[:: source.step]:
                yield archive.read(name)


def _is_wanted(name: str) -> bool:
    return name.lower().endswith(ENDINGS) and not any(word in name for word in UNWANTED)


def main() -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog='python -m model_building.far_faces.backgrounds', description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument('folder', type=Path)
    parser.add_argument('output', type=Path)
    arguments = parser.parse_args()
    arguments.output.mkdir(parents=True, exist_ok=True)
    count = 0
    for image in pictures(arguments.folder):
        cv2.imwrite(str(arguments.output / f'{count:05d}.jpg'), image,
                    [cv2.IMWRITE_JPEG_QUALITY, 90])
        count += 1
    if not count:
        sys.stderr.write(f'{arguments.folder}: no pictures; see --help for what to put there\n')
        return 1
    sys.stdout.write(f'{arguments.output}: {count} pictures\n')
    return 0


if __name__ == '__main__':
    sys.exit(main())
