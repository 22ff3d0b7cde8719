# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The crops that generate.py wrote, as batches."""
from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from face_recon_ros.face_model.model import FaceModel
from model_building.network.augmentation import TURNED_FROM_DEG, rotation_about
from model_building.network.face_mesh_network import SIZE
from model_building.network.generate import BACKGROUND, PHOTO
from model_building.network.losses import Batch
from model_building.network.partial_views import PartialViews

MIRRORED_SHARE = 0.5
NOISY_SHARE, LARGEST_NOISE = 0.5, 12 / 255
"""So many crops get noise, anew each time they are seen: what trembles with it is no feature."""
JITTER_ROLL_DEG, JITTER_SIZE, JITTER_SHIFT_PX = 5.0, 0.05, 3.0
JITTER_GAIN, JITTER_LEVEL = 0.12, 8.0
"""Standard deviations of how each crop is cut and exposed anew each time it is seen."""
UPSIDE_DOWN_WITHIN_DEG = 50.0
PLAIN_SHARE, LARGEST_GROWTH, LARGEST_SOFTNESS_PX = 0.25, 0.2, 5.0
"""Of exchanged surroundings, so many are of one colour; how far they stay off the face, as a part
of its size, and how softly they begin."""
PROFILE_FROM_DEG, LEVEL_SPREAD_DEG, STEEP_FROM_DEG = 75.0, 6.0, 22.0
FACE_MESH_DEPTH_M = 0.0333
"""Face Mesh's depth is zero at this distance before the plane through CROP_CENTRE_M, and grows
away from the viewer; the median over frontal photos."""


@dataclass(slots=True, frozen=True)
class Emphasis:
    """
    How much more often some crops are drawn than the others.

    turned, profiles: heads turned by TURNED_FROM_DEG, by PROFILE_FROM_DEG and more; what is seldom
    seen is understated. level: by how much more those are that look straight ahead: a face that
    could be level is more likely so, and a far look up or down is not doubted. steep: heads that
    look up or down by STEEP_FROM_DEG and more.
    """

    turned: float = 2.0
    profiles: float = 2.0
    level: float = 0.0
    steep: float = 1.0

    def weights(self, rotation: np.ndarray) -> np.ndarray:
        """Return (N,) for model rotations (N, 3, 3)."""
        x, y, z = rotation[:, :, 2].T
        aside_deg = np.degrees(np.abs(np.arctan2(x, z)))
        up_deg = np.degrees(np.arcsin(np.clip(y, -1, 1)))
        weights = np.where(aside_deg > TURNED_FROM_DEG, self.turned, 1.0)
        weights = np.where(aside_deg > PROFILE_FROM_DEG, self.profiles, weights)
        weights = np.where(np.abs(up_deg) > STEEP_FROM_DEG, self.steep * weights, weights)
        return weights * (1 + self.level * np.exp(-((up_deg / LEVEL_SPREAD_DEG) ** 2) / 2))


class CropSet:
    """All crops of some shards, in memory."""

    def __init__(self, paths: list[Path], model: FaceModel, emphasis: Emphasis | None = None,
                 upside_down: float = 0.0, exchanged: float = 0.0, cut: float = 0.0,
                 covered: float = 0.0, edges: float = 0.0) -> None:
        """
        Read shards.

        :param upside_down: share of the crops that epochs() shows so, as what is no face: heads
            the wrong way up must not be taken for found
        :param exchanged: share of the crops that epochs() shows with the surroundings of others
        :param cut: share of the crops of epochs() that the image cuts; see Batch.whole
        :param covered: share of the others that something covers
        :param edges: share of these that are behind an edge
        :raises ValueError: no shard given.
        """
        self._emphasis = emphasis or Emphasis()
        self._upside_down = upside_down
        self._exchanged = exchanged
        self._in_part = PartialViews(cut, covered, model.landmarks_468.mean, edges) if (
            cut or covered) else None
        if not paths:
            raise ValueError('no shards: run model_building.network.generate first')
        shards = [np.load(path) for path in paths]
        self._arrays = {
            name: np.concatenate([shard[name] for shard in shards]) for name in shards[0].files
        }
        self._mirror = torch.from_numpy(model.landmarks_468_mirror.astype(np.int64))
        self._signs = torch.from_numpy(model.coefficient_mirror_signs()).float()

    def __len__(self) -> int:
        return len(self._arrays['kind'])

    @property
    def coefficients(self) -> np.ndarray:
        """(N, 50) of the crops that show a face."""
        return self._arrays['coefficients'][self._arrays['kind'] != BACKGROUND]

    def batch(self, indices: np.ndarray, mirrored: np.ndarray, device: torch.device,
              rng: np.random.Generator | None = None) -> Batch:
        """
        Return the crops of these indices (N,), some of them mirrored (N,) bool.

        :param rng: to cut and expose each a little differently; None: as they are
        """
        chosen = {name: values[indices] for name, values in self._arrays.items()}
        if rng:
            chosen = exchanged(chosen, rng, self._exchanged)
            chosen = jittered(chosen, rng, self._upside_down)
        whole = chosen['image']
        if rng and self._in_part:
            seen = self._in_part(whole, chosen['landmarks'][:, :, :2], rng)
            chosen = chosen | {'image': seen}
        a = {name: torch.from_numpy(values) for name, values in chosen.items()}
        flip = torch.from_numpy(mirrored)
        landmarks = a['landmarks'][:, self._mirror] * torch.tensor([-1.0, 1, 1])
        landmarks = landmarks + torch.tensor([SIZE - 1.0, 0, 0])
        landmarks = torch.where(flip[:, None, None], landmarks, a['landmarks'])
        landmarks[..., 2] = (FACE_MESH_DEPTH_M * a['scale_px_per_m'][:, None]
                             - landmarks[..., 2])
        kind = a['kind']
        return Batch(
            image=_images(a['image'], flip).to(device),
            whole=_images(torch.from_numpy(whole), flip).to(device) if self._in_part else None,
            rotation=_either(flip, mirrored_rotation(a['rotation']), a['rotation'], device),
            scale_px_per_m=a['scale_px_per_m'].to(device),
            centre_px=_either(flip, a['centre_px'] * torch.tensor([-1.0, 1])
                              + torch.tensor([SIZE - 1.0, 0]), a['centre_px'], device),
            coefficients=_either(
                flip, a['coefficients'] * self._signs, a['coefficients'], device),
            landmarks=landmarks.to(device),
            is_face=(kind != BACKGROUND).float().to(device),
            is_photo=(kind == PHOTO).float().to(device))

    def _shares(self) -> np.ndarray:
        """Return how often each crop is drawn (N,)."""
        face = self._arrays['kind'] != BACKGROUND
        weights = np.where(face, self._emphasis.weights(self._arrays['rotation']), 1.0)
        return weights / weights.sum()

    def epochs(self, size: int, seed: int, first_step: int,
               device: torch.device) -> Iterator[Batch]:
        """Yield random batches without end, from a step on; the same for the same seed."""
        steps = len(self) // size
        step = first_step
        while True:
            order = np.random.default_rng([seed, step // steps]).choice(
                len(self), steps * size, p=self._shares())
            for i in range(step % steps, steps):
                chosen = order[i * size : (i + 1) * size]
                flips = np.random.default_rng([seed, step, 1]).random(size) < MIRRORED_SHARE
                batch = self.batch(chosen, flips, device, np.random.default_rng([seed, step, 2]))
                batch.image = noisy(batch.image, int(seed), step)
                if batch.whole is not None:
                    batch.whole = noisy(batch.whole, int(seed), step)
                yield batch
                step += 1


def exchanged(crops: dict[str, np.ndarray], rng: np.random.Generator,
              share: float) -> dict[str, np.ndarray]:
    """
    Return crops (see generate.write_shard), some with the surroundings of another one.

    Hair and the outline of the skull tell how far a head is turned; of people whose hair is of a
    kind that was not learnt they tell it wrongly. These heads can be read by their faces alone.

    :param share: how many; 0 draws nothing from rng
    """
    if share == 0:
        return crops
    images = crops['image'].copy()
    for i, image in enumerate(crops['image']):
        if rng.random() >= share or crops['kind'][i] == BACKGROUND:
            continue
        other = crops['image'][rng.integers(len(images))]
        if rng.random() < PLAIN_SHARE:
            other = np.full_like(image, rng.integers(0, 256, 3))
        images[i] = _with_surroundings(image, other, crops['landmarks'][i, :, :2], rng)
    return crops | {'image': images}


def _with_surroundings(image: np.ndarray, other: np.ndarray, landmarks_px: np.ndarray,
                       rng: np.random.Generator) -> np.ndarray:
    """Return the face of one crop (S, S, 3) uint8 in another; landmarks_px (468, 2)."""
    middle = landmarks_px.mean(axis=0)
    grown = middle + (landmarks_px - middle) * (1 + rng.uniform(0, LARGEST_GROWTH, 2))
    mask = np.zeros(image.shape[:2], np.float32)
    cv2.fillConvexPoly(mask, cv2.convexHull(grown.astype(np.float32)).astype(np.int32), 1.0)
    part = cv2.GaussianBlur(mask, (0, 0), rng.uniform(0.5, LARGEST_SOFTNESS_PX))[..., None]
    return np.clip(part * image + (1 - part) * other + 0.5, 0, 255).astype(np.uint8)


def jittered(crops: dict[str, np.ndarray], rng: np.random.Generator,
             upside_down: float = 0.0) -> dict[str, np.ndarray]:
    """
    Return crops (see generate.write_shard) cut and exposed a little differently.

    :param upside_down: share of them that are turned over and said to be no face
    """
    new = {name: values.copy() for name, values in crops.items()}
    middle = (SIZE - 1) / 2
    for i, image in enumerate(crops['image']):
        roll_deg, zoom = rng.normal(0, JITTER_ROLL_DEG), np.exp(rng.normal(0, JITTER_SIZE))
        if upside_down and rng.random() < upside_down:
            roll_deg = 180 + rng.uniform(-UPSIDE_DOWN_WITHIN_DEG, UPSIDE_DOWN_WITHIN_DEG)
            new['kind'][i] = BACKGROUND
        # clockwise in the image, whose y is down
        linear = zoom * rotation_about('z', roll_deg)[:2, :2]
        shift = middle - linear @ [middle, middle] + rng.normal(0, JITTER_SHIFT_PX, 2)
        matrix = np.column_stack([linear, shift])
        border = cv2.BORDER_REPLICATE if rng.random() < 0.5 else cv2.BORDER_CONSTANT
        moved = cv2.warpAffine(image, matrix, (SIZE, SIZE), borderMode=border)
        gain, lift = np.exp(rng.normal(0, JITTER_GAIN)), rng.normal(0, JITTER_LEVEL)
        new['image'][i] = cv2.convertScaleAbs(moved, alpha=gain, beta=max(lift, 0.0))
        new['rotation'][i] = rotation_about('z', -roll_deg) @ crops['rotation'][i]
        new['scale_px_per_m'][i] *= zoom
        new['centre_px'][i] = linear @ crops['centre_px'][i] + shift
        new['landmarks'][i, :, :2] = crops['landmarks'][i, :, :2] @ linear.T + shift
        new['landmarks'][i, :, 2] *= zoom
    return new


def noisy(image: Tensor, seed: int, step: int) -> Tensor:
    """Return crops (N, 3, S, S) in 0..1, some of them with a sensor's noise; all of a seed."""
    generator = torch.Generator().manual_seed(seed * 1_000_003 + step)
    count = len(image)
    sigma = LARGEST_NOISE * torch.rand(count, generator=generator)
    sigma = sigma * (torch.rand(count, generator=generator) < NOISY_SHARE)
    noise = torch.randn(image.shape, generator=generator).to(image.device)
    noise = noise.contiguous(memory_format=torch.channels_last)
    return (image + sigma.view(-1, 1, 1, 1).to(image.device) * noise).clamp(0, 1)


def mirrored_rotation(rotation: Tensor) -> Tensor:
    """Return the rotations (N, 3, 3) of the mirror images."""
    signs = torch.tensor([-1.0, 1.0, 1.0])
    return rotation * signs[:, None] * signs


def _images(crops: Tensor, flip: Tensor) -> Tensor:
    """Return crops (N, S, S, 3) uint8 BGR as (N, 3, S, S) RGB in 0..1, some mirrored."""
    image = crops.flip(-1).permute(0, 3, 1, 2).float() / 255
    image = torch.where(flip[:, None, None, None], image.flip(-1), image)
    return image.contiguous(memory_format=torch.channels_last)


def _either(flip: Tensor, mirrored: Tensor, plain: Tensor, device: torch.device) -> Tensor:
    return torch.where(flip.view(-1, *[1] * (plain.dim() - 1)), mirrored, plain).to(device)
