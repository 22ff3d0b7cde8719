# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which of GENKI-4K's photos judge how expressions are read; the others may teach."""
from __future__ import annotations

import re
from pathlib import Path

JUDGING_EVERY = 6


def photo_number(path: Path) -> int:
    """Return the number in a photo's name."""
    return int(re.findall(r'\d+', path.stem)[-1])


def is_for_judging(path: Path) -> bool:
    """Tell whether a photo is kept for judging."""
    return photo_number(path) % JUDGING_EVERY == 0
