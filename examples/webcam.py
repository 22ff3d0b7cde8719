#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Faces of a camera or a video, live in a window; ESC ends.

    python3 examples/webcam.py                     # the first camera
    python3 examples/webcam.py clip.mp4 --mode pose

Without a display, or with an OpenCV without windows (opencv-python-headless), it writes a video
instead; Ctrl-C ends it, and what there is by then plays.
"""

import argparse
import os
import sys
import time
from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import cv2
import numpy as np

from face_recon_ros import FaceReconError, Pipeline
from face_recon_ros.errors import ImageError
from face_recon_ros.io.outputs import check_output, identities
from face_recon_ros.io.video_files import Video
from face_recon_ros.io.video_writing import VideoWriter
from face_recon_ros.rendering import MODES, FaceViews

TITLE = 'face_recon_ros: ESC ends'
ESCAPE = 27
CAMERA_RATE_HZ = 30.0


def camera_images(name: str) -> Iterator[tuple[float, np.ndarray]]:
    """
    Yield time in seconds and image of a camera, for as long as there are any.

    :param name: a number, or a device such as /dev/video0
    :raises ImageError: no camera there, or none that gives images.
    """
    capture = cv2.VideoCapture(int(name) if name.isdigit() else name)
    try:
        ok, image = capture.read()
        if not ok:
            raise ImageError(f'{name}: no camera gives images there; is it used by another?')
        while ok:
            yield time.monotonic(), image
            ok, image = capture.read()
    finally:
        capture.release()


def open_source(name: str) -> tuple[Iterator[tuple[float, np.ndarray]], float]:
    """Return times and images of a camera or video, and their rate in Hz."""
    if name.isdigit() or name.startswith('/dev/'):
        return camera_images(name), CAMERA_RATE_HZ
    video = Video.open(Path(name))
    return iter(video), video.frames_per_second


def has_window() -> bool:
    """Open the window; tell whether that is possible."""
    if sys.platform == 'linux' and not {'DISPLAY', 'WAYLAND_DISPLAY'} & os.environ.keys():
        return False
    try:
        cv2.namedWindow(TITLE, cv2.WINDOW_NORMAL)
    except cv2.error:  # this OpenCV was built without windows
        return False
    return True


def drawn(
    images: Iterator[tuple[float, np.ndarray]], mode: str
) -> Iterator[tuple[float, np.ndarray]]:
    """Yield time and picture of image after image, with the faces drawn in."""
    pipeline = Pipeline()
    views = FaceViews(pipeline.model)
    for stamp_s, image in images:
        faces = pipeline.track(image, stamp_s)
        yield stamp_s, views.draw(mode, image, faces)


def show(pictures: Iterator[tuple[float, np.ndarray]]) -> None:
    """Show pictures until ESC is pressed or the window closed."""
    try:
        for _, picture in pictures:
            cv2.imshow(TITLE, picture)
            pressed = cv2.waitKey(1) & 0xFF == ESCAPE
            if pressed or cv2.getWindowProperty(TITLE, cv2.WND_PROP_VISIBLE) < 1:
                break
    finally:
        cv2.destroyAllWindows()


def write(pictures: Iterator[tuple[float, np.ndarray]], out: Path, rate_hz: float) -> None:
    """Write pictures to a video, which plays also when this is interrupted."""
    with VideoWriter(out, rate_hz) as writer:
        for stamp_s, picture in pictures:
            writer.write(picture, stamp_s)
    print(f'wrote {out}')


def main(arguments: list[str] | None = None) -> int:
    """Follow faces until the end; return the exit status."""
    parser = argparse.ArgumentParser(description=(__doc__ or '').strip().splitlines()[0])
    parser.add_argument('source', nargs='?', default='0', help='number, /dev/videoN or a video')
    parser.add_argument('--mode', choices=MODES, default='mesh', help='what is drawn')
    parser.add_argument('--out', type=Path, help='video to write instead of a window, .mp4')
    parser.add_argument('--images', type=int, help='end after so many')
    options = parser.parse_args(arguments)
    out = options.out or Path('webcam_faces.mp4')
    try:
        images, rate_hz = open_source(options.source)
        pictures = drawn(islice(images, options.images), options.mode)
        if options.out is None and has_window():
            show(pictures)
        else:
            check_output(out, '--out', identities([Path(options.source)]))
            write(pictures, out, rate_hz)
    except KeyboardInterrupt:
        return 130
    except FaceReconError as error:
        print(f'error: {error}', file=sys.stderr)
        return 1
    return 0


if __name__ == '__main__':
    sys.exit(main())
