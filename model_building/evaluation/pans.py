# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Whether a head stays where it is when the camera turns.

    python -m model_building.evaluation pans PORTRAITS_FOLDER [--lens fisheye] [--streams]
        [--count N]

Turning a camera about its centre moves the image in a known way, whatever the photo shows. So
photos of real people have a truth without labels: their head's rotation in the world. Printed is
how far it seems to turn, about its own axes, from where it is found in the middle of the image.
"""
from __future__ import annotations

import argparse
from collections.abc import Iterable, Iterator
from pathlib import Path

import cv2
import numpy as np
from tqdm import tqdm

from face_recon_ros.camera import Camera
from face_recon_ros.face import Face
from face_recon_ros.io.image_files import read_image
from face_recon_ros.pipeline import Pipeline, PipelineConfig
from face_recon_ros.rotations import rotation_about, rotation_vector
from model_building.network.portraits import development_portraits, judging_portraits

WIDTH, HEIGHT, FOCAL_PX = 1280, 960, 640.0
"""Of the flat lens."""
FACE_PART = 0.6
"""Photos are shown at this part of their size."""
ANGLES_DEG = (-30.0, -20.0, -10.0, 10.0, 20.0, 30.0)
TURNS = {'aside': 'y', 'up and down': 'x'}
WRONG_DEG = 60.0
LEAST_COSINE = 0.05
"""Of where the photo is seen: beside and behind it there is nothing."""
LOOKS = 3
"""At equal images of a stream."""
FISHEYE_FOCAL_PX = 500.0
LENSES = {
    'flat': Camera(WIDTH, HEIGHT, FOCAL_PX, FOCAL_PX, (WIDTH - 1) / 2, (HEIGHT - 1) / 2),
    'fisheye': Camera(
        WIDTH, HEIGHT, FISHEYE_FOCAL_PX, FISHEYE_FOCAL_PX, (WIDTH - 1) / 2, (HEIGHT - 1) / 2,
        np.zeros(4), 'equidistant'),
}


def seen_by_turned_camera(photo: np.ndarray, seen: Camera, turned: np.ndarray) -> np.ndarray:
    """
    Return what a camera sees of a photo that hangs before it, once it has turned.

    :param turned: (3, 3) the camera's frame of before -> that of now, optical axes
    """
    height, width = photo.shape[:2]
    pixels = np.stack(np.meshgrid(np.arange(seen.width), np.arange(seen.height)), axis=-1)
    before = seen.directions(pixels.reshape(-1, 2)) @ turned
    depth = np.where(before[:, 2:] > LEAST_COSINE, before[:, 2:], np.nan)
    middle = (np.array([width, height]) - 1) / 2
    places = before[:, :2] / depth * (FOCAL_PX / FACE_PART) + middle
    places = np.clip(np.nan_to_num(places, nan=-1e3), -1e3, 1e4).astype(np.float32)
    places = places.reshape(*pixels.shape)
    return cv2.remap(photo, places[..., 0], places[..., 1], cv2.INTER_LINEAR,
                     borderMode=cv2.BORDER_REPLICATE)


def turned_by_deg(pipeline: Pipeline, photo: np.ndarray, axis: str,
                  seen: Camera, streams: bool) -> Iterator[np.ndarray]:
    """Yield (3,) degrees about the face's axes for each of ANGLES_DEG; NaN where it is missed."""

    def look(angle_deg: float) -> np.ndarray | None:
        turned = rotation_about(axis, np.radians(angle_deg))
        image = seen_by_turned_camera(photo, seen, turned)
        face = _found(pipeline, image, seen, streams)
        return None if face is None else np.asarray(turned.T @ face.pose.rotation)

    straight = look(0.0)
    for angle_deg in ANGLES_DEG:
        rotation = look(angle_deg)
        if straight is None or rotation is None:
            yield np.full(3, np.nan)
        else:
            yield np.degrees(rotation_vector(straight.T @ rotation))


def _found(pipeline: Pipeline, image: np.ndarray, seen: Camera, streams: bool) -> Face | None:
    if not streams:
        faces = pipeline.detect(image, seen)
    else:
        pipeline.reset()
        for index in range(LOOKS):
            faces = pipeline.track(image, index / 30, seen)
    return faces[0] if len(faces) == 1 else None


def report(pipeline: Pipeline, photos: Iterable[Path], seen: Camera, streams: bool) -> None:
    """Print the table."""
    found: dict[str, list[list[np.ndarray]]] = {name: [] for name in TURNS}
    for path in photos:
        photo = read_image(path)
        for name, axis in TURNS.items():
            found[name].append(list(turned_by_deg(pipeline, photo, axis, seen, streams)))
    print('| camera turned | by, degrees | faces | roll: mean | pitch | yaw | roll: rms | pitch '
          '| yaw |\n|---|---|---|---|---|---|---|---|---|')
    for name, of_photos in found.items():
        for angle_deg, off in zip(ANGLES_DEG, np.array(of_photos).swapaxes(0, 1), strict=True):
            right = off[np.linalg.norm(off, axis=1) < WRONG_DEG]
            means = ' | '.join(f'{v:+.1f}' for v in right.mean(axis=0))
            spreads = ' | '.join(f'{v:.1f}' for v in np.sqrt((right**2).mean(axis=0)))
            print(f'| {name} | {angle_deg:+.0f} | {len(right)} of {len(off)} | {means} '
                  f'| {spreads} |')


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add this command's options."""
    parser.add_argument('portraits', type=Path, help='folder of portraits, *.jpg')
    parser.add_argument('--count', type=int, default=60, help='of photos (default: %(default)s)')
    parser.add_argument('--lens', choices=LENSES, default='flat',
                        help='of 90 degrees across, or 147 (default: %(default)s)')
    parser.add_argument('--streams', action='store_true', help='as images of a stream')
    parser.add_argument('--development', action='store_true', help='photos to choose by')
    parser.add_argument('--regressor', default='network', help='default: %(default)s')
    parser.add_argument('--regressor-path', metavar='FILE', help='another .tflite file')


def run(arguments: argparse.Namespace) -> int:
    """Print the table."""
    share = development_portraits if arguments.development else judging_portraits
    photos = share(arguments.portraits)[: arguments.count]
    pipeline = Pipeline(PipelineConfig(
        use_eyes='never', smoothing=None, regressor=arguments.regressor,
        regressor_path=arguments.regressor_path))
    shown = tqdm(photos, unit='photo', leave=False, disable=None)
    report(pipeline, shown, LENSES[arguments.lens], arguments.streams)
    return 0
