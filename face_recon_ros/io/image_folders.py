# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Find the photos in the files and folders given on a command line."""

from __future__ import annotations

import os
import stat
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import cv2

from face_recon_ros.errors import ImageError
from face_recon_ros.io.outputs import PART_PREFIX, is_own, is_special
from face_recon_ros.io.pillow_images import pillow_knows

# Every OpenCV reads these
IMAGE_SUFFIXES = frozenset(
    [
        '.bmp', '.dib', '.jfif', '.jpe', '.jpeg', '.jpg', '.pbm', '.pgm', '.png', '.pnm',
        '.ppm', '.tif', '.tiff', '.webp',
    ]
)
# Some OpenCV, or Pillow: checked for each file
_MAYBE_SUFFIXES = frozenset(
    [
        '.avif', '.avifs', '.exr', '.gif', '.hdr', '.heic', '.heif', '.hif', '.ico',
        '.j2k', '.jp2', '.jpf', '.jpx', '.jxl', '.pfm', '.psd', '.ras', '.sr', '.tga',
    ]
)
# Raw photos: decoders find only a thumbnail in them
_RAW_SUFFIXES = frozenset(
    [
        '.3fr', '.arw', '.cr2', '.cr3', '.dng', '.nef', '.nrw', '.orf', '.pef', '.raf',
        '.raw', '.rw2', '.srw',
    ]
)
_HEIF_SUFFIXES = frozenset(['.heic', '.heif', '.hif'])
# What macOS puts beside each file on foreign disks, and files that another run is writing
_NO_PHOTO_PREFIXES = ('._', PART_PREFIX)


@dataclass(slots=True)
class FoundImages:
    """Photos in order; a line for each input without one; remarks on what was left out."""

    paths: list[Path] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    remarks: list[str] = field(default_factory=list)


def image_paths(inputs: Iterable[Path]) -> list[Path]:
    """
    Return the files named, and the images in the folders named, in order.

    :raises ImageError: a folder without images, or nothing of that name.
    """
    found = find_images(inputs)
    if found.faults:
        raise ImageError(found.faults[0])
    return found.paths


def find_images(inputs: Iterable[Path], outputs: Sequence[Path] = ()) -> FoundImages:
    """
    Look for the files named and the images in the folders named.

    :param outputs: folders of output pictures; no remark if they are inside an input
    """
    found = FoundImages()
    for given in inputs:
        try:
            is_folder = stat.S_ISDIR(given.stat().st_mode)
            if is_folder:
                _look_into(given, found, {os.path.realpath(o) for o in outputs})
            else:
                found.paths.append(given)
        except FileNotFoundError:
            found.faults.append(f'{given}: no such file or folder')
        except (OSError, ValueError) as error:
            found.faults.append(f'{given}: {getattr(error, "strerror", None) or error}')
    return found


def _look_into(folder: Path, found: FoundImages, outputs: set[str]) -> None:
    """Add the images of a folder, and what is to be said of the rest. :raises OSError: locked."""
    images: list[Path] = []
    own = folders = 0
    unreadable: Counter[str] = Counter()
    for path in sorted(folder.iterdir()):
        suffix = path.suffix.lower()
        if path.name.startswith(_NO_PHOTO_PREFIXES) or is_special(path):
            continue
        if path.is_dir():
            hidden = path.name.startswith('.') or os.path.realpath(path) in outputs
            folders += not hidden
        elif suffix in _RAW_SUFFIXES or (suffix in _MAYBE_SUFFIXES and not _is_readable(path)):
            unreadable[suffix] += 1
        elif suffix in IMAGE_SUFFIXES or suffix in _MAYBE_SUFFIXES:
            if is_own(path):
                own += 1
            else:
                images.append(path)
    remarks = _remarks(own, folders, unreadable)
    if images:
        found.paths += images
        found.remarks += [f'{folder}: {remark}' for remark in remarks]
    else:
        looked_for = ', '.join(sorted(IMAGE_SUFFIXES))
        reason = '; '.join(remarks) or f'looked for {looked_for}'
        found.faults.append(f'{folder}: no images in this folder ({reason})')


def _remarks(own: int, folders: int, unreadable: Counter[str]) -> list[str]:
    remarks = []
    if unreadable:
        kinds = ', '.join(sorted(unreadable))
        heif = _HEIF_SUFFIXES.intersection(unreadable)
        remedy = ', or pip install pillow-heif' if heif else ''
        remarks.append(
            f'{_count(unreadable.total(), "file")} left out ({kinds}): convert to JPEG{remedy}'
        )
    if own:
        remarks.append(f'{_count(own, "picture")} left out that this program wrote')
    if folders:
        remarks.append(f'{_count(folders, "folder")} inside not looked into: name them too')
    return remarks


def _count(number: int, noun: str) -> str:
    return f'{number} {noun}' if number == 1 else f'{number} {noun}s'


def _is_readable(path: Path) -> bool:
    """Tell whether OpenCV or Pillow of this machine knows the format of a file."""
    try:
        if cv2.haveImageReader(os.fspath(path)):
            return True
    except (cv2.error, UnicodeError, TypeError):
        pass
    return pillow_knows(path)
