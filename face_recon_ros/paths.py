# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Where the files that ship with the package lie."""

import os
import sys
from pathlib import Path

from face_recon_ros.errors import FaceReconError

PACKAGE = 'face_recon_ros'


def share_directory() -> Path:
    """
    Return the folder that holds models/, config/, launch/ and samples/.

    Looked for in the prefixes of a sourced ROS workspace, in this Python's prefix, where pip's
    options --user, --prefix and --target put it, and in the source tree, in that order.

    :raises FaceReconError: nothing of it is installed.
    """
    prefixes = [Path(p) for p in os.environ.get('AMENT_PREFIX_PATH', '').split(os.pathsep) if p]
    parents = Path(__file__).resolve().parents
    # <prefix>/lib/pythonX.Y/site-packages/face_recon_ros/paths.py; <target>/face_recon_ros/...
    pips = [parents[4], parents[1]] if len(parents) > 4 else [parents[1]]
    candidates = [p / 'share' / PACKAGE for p in [*prefixes, Path(sys.prefix), *pips]]
    candidates.append(parents[1])
    for candidate in candidates:
        if (candidate / 'models').is_dir():
            return candidate
    raise FaceReconError(
        f'{PACKAGE}: its models are not installed (looked in {candidates[0].parent}, '
        f'{sys.prefix}/share); reinstall the package'
    )


def model_file(name: str) -> Path:
    """Return the path of a file in models/ (which may not exist)."""
    return share_directory() / 'models' / name


def is_shipped(path: Path) -> bool:
    """Tell whether a file is one of models/, or leads to one; there it may be a link itself."""
    try:
        shipped = (share_directory() / 'models').resolve()
        return shipped in (path.parent.resolve(), path.resolve().parent)
    except (OSError, RuntimeError, FaceReconError):
        return False
