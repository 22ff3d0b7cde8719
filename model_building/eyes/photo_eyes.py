# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Eyes of photos: cut out by this package, marked by MediaPipe's iris network.

The marks are the mean of several looks through shifted crops. That network puts iris and corners
of eyes that look aside too near each other; of people who look ahead it is right on average.
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import cv2
import numpy as np

from face_recon_ros import Face, Pipeline, PipelineConfig
from face_recon_ros.eyes.crops import CORNERS_68, eye_regions, sines_seen
from face_recon_ros.eyes.landmarks import RIGHT
from face_recon_ros.io.image_files import read_image
from face_recon_ros.regression.crop import cut
from face_recon_ros.regression.region import Region
from face_recon_ros.tflite import Network

SIDE = 160
"""Side of what is cut out, pixels: twice as wide as a crop of the network."""
CONTEXT = 2.0
IRIS_SIZE = 64
IRIS_PER_WIDTH = 2.3
WIDTH = SIDE / (CONTEXT * IRIS_PER_WIDTH)
"""Distance of the corners in what is cut out, pixels."""
OUTLINE, IRIS = 'output_eyes_contours_and_brows', 'output_iris'
MOST_SPREAD_PX = 3.0
LEAST_SCORE = 0.5
HELD_OUT = 4
"""One portrait in so many is not learnt from: the constants of gazes are chosen on them."""


@dataclass(slots=True, frozen=True)
class PhotoEye:
    """
    An eye as a left one: RGB (SIDE, SIDE, 3) float32, outline (16, 2), iris (5, 2), px.

    head (2,): how far the head is turned from the eye's viewing ray, sines, x outwards, y down.
    photo: number of the photo in its folder, to hold people out.
    """

    image: np.ndarray
    lids: np.ndarray
    iris: np.ndarray
    head: np.ndarray = field(default_factory=lambda: np.zeros(2))
    looks_at_lens: bool = False
    photo: int = 0


class IrisMarker:
    """MediaPipe's iris network, looking several times."""

    def __init__(self, path: Path, looks: int) -> None:
        """:raises ModelFileError: the file cannot be used."""
        self._network = Network(path)
        self._looks = looks

    def marks(
        self, rgb: np.ndarray, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray, float]:
        """Return outline (16, 2), iris (5, 2), and how far the looks differ; of a left eye."""
        outlines: list[np.ndarray] = []
        irises: list[np.ndarray] = []
        for look in range(self._looks):
            crop_map = _jittered(random if look else None)
            flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
            crop = cv2.warpAffine(rgb, crop_map, (IRIS_SIZE, IRIS_SIZE), flags=flags)
            found = self._network.named(crop[None].astype(np.float32) / 255)
            for name, count, kept in ((OUTLINE, 16, outlines), (IRIS, 5, irises)):
                # that network's pixels begin at their corners
                points = found[name].reshape(-1, 3)[:count, :2].astype(np.float64) - 0.5
                kept.append(points @ crop_map[:, :2].T + crop_map[:, 2])
        spread = float(np.std([iris[0] for iris in irises], axis=0).max())
        return np.mean(outlines, axis=0), np.mean(irises, axis=0), spread


def _jittered(random: np.random.Generator | None) -> np.ndarray:
    """Return a map (2, 3) of crop pixels to those of what was cut out."""
    shift, scale, turn = np.zeros(2), 1.0, 0.0
    if random is not None:
        shift = random.uniform(-0.08, 0.08, 2) * WIDTH
        scale, turn = random.uniform(0.85, 1.2), random.uniform(-0.1, 0.1)
    side = IRIS_PER_WIDTH * WIDTH * scale
    return Region(np.full(2, (SIDE - 1) / 2) + shift, side, turn).image_from_crop(IRIS_SIZE)


def photos(folder: Path, every: int, start: int = 0) -> list[Path]:
    """Return one in so many of a folder's photos, in the order of their names."""
    files = [p for p in folder.iterdir() if p.suffix.lower() in ('.jpg', '.jpeg', '.png')]
    return sorted(files)[start::every]


def photo_eyes(
    files: Sequence[Path], marker: IrisMarker, looks_at_lens: bool, seed: int
) -> Iterator[PhotoEye]:
    """Give both eyes of the largest sure face of each photo, where the marks agree."""
    pipeline = Pipeline(PipelineConfig(use_eyes='never'))
    for number, path in enumerate(files):
        random = np.random.default_rng([seed, number])
        image = read_image(path)
        faces = [f for f in pipeline.detect(image) if f.score > LEAST_SCORE]
        if not faces:
            continue
        face = max(faces, key=lambda f: float(f.box[2] - f.box[0]))
        for side in range(2):
            eye, image_from_cut, spread = photo_eye(
                image, face.landmarks_px, side, marker, random)
            corners = (eye.lids[0] + eye.lids[8]) / 2
            if spread < MOST_SPREAD_PX and np.hypot(*(eye.iris[0] - corners)) < WIDTH / 2:
                head = turned_in_cut(_turned(face)[side], image_from_cut, side)
                yield replace(eye, head=head, looks_at_lens=looks_at_lens, photo=number)


def _turned(face: Face) -> np.ndarray:
    """Return how far a head is turned from the rays to its eyes (2, 2), sines in the image."""
    return sines_seen(face.pose.rotation[:, 0], face.landmarks_m[CORNERS_68].mean(axis=1))


def turned_in_cut(sines: np.ndarray, image_from_cut: np.ndarray, side: int) -> np.ndarray:
    """Return sines (2,) of an image in what was cut out of it, mirrored where it is the right."""
    along = image_from_cut[:, 0] / np.linalg.norm(image_from_cut[:, 0])
    turned = np.array([[along[0], along[1]], [-along[1], along[0]]]) @ sines
    return np.asarray(turned * [-1, 1] if side == RIGHT else turned)


def photo_eye(
    image: np.ndarray,
    landmarks_px: np.ndarray,
    side: int,
    marker: IrisMarker,
    random: np.random.Generator,
) -> tuple[PhotoEye, np.ndarray, float]:
    """
    Cut an eye of a face out, mirrored where it is the right one, and mark it.

    Return it, the map (2, 3) of its pixels, not mirrored, to the image's, and how far the looks
    differ.
    """
    region = eye_regions(landmarks_px)[side]
    rgb, image_from_cut = cut(image, replace(region, side_px=CONTEXT * region.side_px), SIDE)
    rgb = np.ascontiguousarray(rgb[:, ::-1]) if side == RIGHT else rgb
    lids, iris, spread = marker.marks(rgb, random)
    return PhotoEye(rgb.astype(np.float32), lids, iris), image_from_cut, spread
