#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Plot the figures of `face-recon bench --json F`: `scripts/plot_bench.py F docs/speed.png`.

Needs matplotlib, which nothing else here does: pip install matplotlib.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use('Agg')
from matplotlib import pyplot

STAGES = ('preprocess', 'inference', 'postprocess', 'decode', 'render', 'tracked image')


def main() -> None:
    """Draw medians by number of faces and by image size."""
    source, target = map(Path, sys.argv[1:3])
    figures = [m for m in json.loads(source.read_text())['measurements'] if m['threads'] == 1]
    by_faces = [m for m in figures if m['width'] == 640]
    single = [m for m in figures if m['faces'] == 1]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(11, 4))
    for stage in STAGES:
        some = [m for m in by_faces if m['stage'] == stage]
        left.plot([m['faces'] for m in some], [m['median_ms'] for m in some], 'o-', label=stage)
        some = [m for m in single if m['stage'] == stage]
        right.plot([m['height'] for m in some], [m['median_ms'] for m in some], 'o-', label=stage)
    left.set(xlabel='faces, 640x480', ylabel='median ms, one thread', ylim=(0, None))
    right.set(xlabel='image height, one face of 3/4 of it', ylim=(0, None))
    left.legend()
    for axes in (left, right):
        axes.grid(alpha=0.3)
    figure.tight_layout()
    figure.savefig(target, dpi=110)


if __name__ == '__main__':
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main()
