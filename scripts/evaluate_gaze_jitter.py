#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Print how steady still gazes are in recordings, as in docs/gaze.md.

    evaluate_gaze_jitter.py VIDEO...

Of every face, windows of 0.5 s count in which its eyes are measured, the head keeps within
STILL_DEG, and the gaze is at the end of the window where it was at its beginning: who looks
elsewhere meanwhile is not still. Told is the root mean square of the gaze around the window's
mean, with the filter and without.
"""

from __future__ import annotations

import argparse
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np

from face_recon_ros import Pipeline, PipelineConfig, SmoothingSettings
from face_recon_ros.io.video_files import Video

WINDOW_S, LEAST_IMAGES = 0.5, 6
# Of the head around its mean; of the gaze, from the first half of a window to the second
STILL_DEG, SAME_DEG = 1.5, 1.5

# Of one face: time, head, gaze, whether the eyes were measured
Track = list[tuple[float, np.ndarray, np.ndarray, bool]]


def tracks(path: Path, smoothing: SmoothingSettings | None) -> list[Track]:
    """Return what is seen of each face of a recording."""
    pipeline = Pipeline(PipelineConfig(smoothing=smoothing, use_eyes='always'))
    found: dict[str, Track] = defaultdict(list)
    for stamp_s, image in Video.open(path):
        for face in pipeline.track(image, stamp_s):
            measured = face.eyes is not None and bool(face.eyes.measured.all())
            found[face.id].append((stamp_s, face.pose.rotation[:, 0], face.gaze, measured))
    return list(found.values())


def windows(track: Track) -> list[Track]:
    """Return the windows of a face, one after the other."""
    parts: dict[int, Track] = defaultdict(list)
    for row in track:
        parts[int(row[0] / WINDOW_S)].append(row)
    return [part for part in parts.values() if len(part) >= LEAST_IMAGES]


def still(window: Track) -> bool:
    """Tell whether eyes are measured throughout, and neither head nor gaze moves."""
    if not all(measured for *_, measured in window):
        return False
    gazes = [gaze for _, _, gaze, _ in window]
    half = len(gazes) // 2
    moved = spread_deg([np.mean(gazes[:half], axis=0), np.mean(gazes[half:], axis=0)]).max() * 2
    return bool(spread_deg([h for _, h, *_ in window]).max() < STILL_DEG and moved < SAME_DEG)


def spread_deg(directions: list[np.ndarray]) -> np.ndarray:
    """Return the angles (N,) of unit vectors to their mean."""
    mean = np.mean(directions, axis=0)
    cosines = np.asarray(directions) @ (mean / np.linalg.norm(mean))
    return np.degrees(np.arccos(np.clip(cosines / np.linalg.norm(directions, axis=1), -1, 1)))


def jitter_deg(window: Track) -> float:
    """Return the root mean square of a window's gazes around their mean."""
    return float(np.sqrt(np.square(spread_deg([gaze for _, _, gaze, _ in window])).mean()))


def main(arguments: list[str] | None = None) -> int:
    """Print a line for each recording; return the exit status."""
    parser = argparse.ArgumentParser(description='How steady still gazes are')
    parser.add_argument('videos', type=Path, nargs='+', metavar='VIDEO')
    options = parser.parse_args(arguments)
    for path in options.videos:
        parts = []
        for name, smoothing in (('filtered', SmoothingSettings()), ('unfiltered', None)):
            of_all = [w for track in tracks(path, smoothing) for w in windows(track)]
            values = [jitter_deg(window) for window in of_all if still(window)]
            told = f'{name} {len(values)} of {len(of_all)} windows'
            if values:
                middle, high = np.quantile(values, [0.5, 0.9])
                told += f', median {middle:.2f}, 90 % below {high:.2f} degrees'
            parts.append(told)
        sys.stdout.write(f'{path.name}: {"; ".join(parts)}\n')
        sys.stdout.flush()
    return 0


if __name__ == '__main__':
    sys.exit(main())
