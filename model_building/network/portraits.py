# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The portraits' split: training, development, test."""
from __future__ import annotations

from pathlib import Path

from model_building.face_model.errors import ModelBuildingError

LEAST = 8


def training_portraits(folder: Path) -> list[Path]:
    """Return every fourth portrait, the training set."""
    return _all(folder)[::4]


def development_portraits(folder: Path) -> list[Path]:
    """Return a fourth of the portraits: skins of the development set's heads."""
    return _all(folder)[2::4]


def judging_portraits(folder: Path) -> list[Path]:
    """Return half of the portraits: skins of the test set's heads."""
    return _all(folder)[1::2]


def _all(folder: Path) -> list[Path]:
    """:raises ModelBuildingError: too few to share out."""
    photos = sorted(folder.glob('*.jpg'))
    if len(photos) < LEAST:
        raise ModelBuildingError(f'{folder}: {len(photos)} *.jpg portraits; give their folder')
    return photos
