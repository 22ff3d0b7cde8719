# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Train the network of expressions on rendered crops, and weakly on photos."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from face_recon_ros.expression.crop import SIZE, normalised
from face_recon_ros.expression.units import COUNT, MIRROR
from model_building.expression.network import ExpressionNet

HELD_OUT_EVERY = 12
"""One person in so many takes no part: units are calibrated on them."""
SCALE_SPREAD, SHIFT_SPREAD, ROLL_SPREAD_DEG = 0.06, 0.025, 3.0
BEYOND = 0.3
"""What error beyond 0 or 1 counts, where the truth is that: values are cut there."""
SIGMA_SHARE, LEAST_VARIANCE = 0.01, 1e-3
WARM_UP_STEPS = 200


@dataclass(slots=True, frozen=True)
class Plan:
    """Steps of batches, the largest learning rate, the share of photos in a batch, the seed."""

    steps: int
    batch: int
    rate: float
    photos: float
    seed: int


@dataclass(slots=True, frozen=True)
class Crops:
    """image (N, S, S) uint8 grey, wider than SIZE; weights and trust (N, 52); person (N,)."""

    image: np.ndarray
    weights: np.ndarray
    trust: np.ndarray
    person: np.ndarray

    @classmethod
    def rendered(cls, shards: Sequence[Path]) -> Crops:
        """Read what generate.py wrote; every unit is known."""
        columns: dict[str, list[np.ndarray]] = {'image': [], 'weights': [], 'person': []}
        first = 0
        for path in shards:
            with np.load(path) as file:
                for name, values in columns.items():
                    values.append(file[name])
            columns['person'][-1] = columns['person'][-1] + first
            first = int(columns['person'][-1].max()) + 1
        image, weights, person = (np.concatenate(values) for values in columns.values())
        return cls(image, weights, np.ones_like(weights), person)

    def chosen(self, rows: np.ndarray) -> Crops:
        """Return some of them."""
        return Crops(self.image[rows], self.weights[rows], self.trust[rows], self.person[rows])

    def held_out(self, is_held_out: bool) -> Crops:
        """Return those of people that are held out, or of the others."""
        return self.chosen(np.flatnonzero((self.person % HELD_OUT_EVERY == 0) == is_held_out))


def middle(images: np.ndarray) -> np.ndarray:
    """Return the (N, SIZE, SIZE) that are read at run time."""
    start = (images.shape[-1] - SIZE) // 2
    return images[..., start : start + SIZE, start : start + SIZE]


def seen_again(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a crop (SIZE, SIZE) as another tracker and camera might give it."""
    turn = cv2.getRotationMatrix2D(
        ((image.shape[1] - 1) / 2,) * 2, float(rng.normal(0, ROLL_SPREAD_DEG)),
        float(np.exp(rng.normal(0, SCALE_SPREAD))))
    turn[:, 2] += rng.normal(0, SHIFT_SPREAD, 2) * SIZE - (image.shape[1] - SIZE) / 2
    crop = cv2.warpAffine(image, turn, (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE)
    if rng.random() < 0.15:
        crop = cv2.GaussianBlur(crop, (0, 0), rng.uniform(0.4, 1.5))
    if rng.random() < 0.5:
        gamma = float(np.exp(rng.normal(0, 0.3)))
        table = np.linspace(0, 1, 256) ** gamma * 255
        crop = cv2.LUT(crop, table.astype(np.uint8))
    if rng.random() < 0.3:
        noise = rng.normal(0, rng.uniform(1, 8), crop.shape)
        crop = np.clip(crop + noise, 0, 255).astype(np.uint8)
    return crop


def _batch(crops: Crops, rows: np.ndarray,
           rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return crops (N, SIZE, SIZE), weights and trust (N, 52), half of them mirrored."""
    images, weights, trust = [], crops.weights[rows].copy(), crops.trust[rows].copy()
    for k, row in enumerate(rows):
        image = seen_again(crops.image[row], rng)
        if rng.random() < 0.5:
            image = image[:, ::-1]
            weights[k], trust[k] = weights[k, MIRROR], trust[k, MIRROR]
        images.append(image)
    return np.stack(images), weights, trust


def loss_of(found: Tensor, weights: Tensor, trust: Tensor) -> Tensor:
    """Return the loss; variances learn from errors without moving what is read."""
    values, log_variance = found[:, :COUNT], found[:, COUNT:]
    error = values - weights
    beyond = ((weights <= 0) & (error < 0)) | ((weights >= 1) & (error > 0))
    squared = torch.where(beyond, BEYOND * error, error) ** 2
    of_cut = (values.detach().clamp(0, 1) - weights) ** 2 + LEAST_VARIANCE
    sigma = 0.5 * (of_cut * torch.exp(-log_variance) + log_variance)
    return (trust * (squared + SIGMA_SHARE * sigma)).sum(1).mean()


def train(rendered: Crops, photos: Crops | None, plan: Plan, say: Callable[[str], object],
          network: ExpressionNet | None = None) -> ExpressionNet:
    """Return the trained network; its channels are last."""
    torch.manual_seed(plan.seed)
    rng = np.random.default_rng(plan.seed)
    network = (network or ExpressionNet()).to(memory_format=torch.channels_last).train()
    optimizer = torch.optim.AdamW(network.parameters(), plan.rate, weight_decay=1e-2)
    training, judge = rendered.held_out(False), rendered.held_out(True)
    of_photos = round(plan.photos * plan.batch) if photos is not None else 0
    for step in range(plan.steps):
        warm = min(1.0, step / WARM_UP_STEPS + 0.05)
        for group in optimizer.param_groups:
            group['lr'] = plan.rate * warm * 0.5 * (1 + np.cos(np.pi * step / plan.steps))
        rows = rng.integers(len(training.person), size=plan.batch - of_photos)
        parts = [_batch(training, rows, rng)]
        if photos is not None and of_photos:
            parts.append(_batch(photos, rng.integers(len(photos.person), size=of_photos), rng))
        images, weights, trust = (np.concatenate(p) for p in zip(*parts, strict=True))
        with torch.autocast('cpu', torch.bfloat16):
            found = network(_tensor(images))
        loss = loss_of(found.float(), torch.from_numpy(weights), torch.from_numpy(trust))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 200 == 199 or step == plan.steps - 1:
            say(f'step {step + 1}: loss {float(loss.detach()):.3f}; held out: '
                f'{judged(network, judge)}')
    return network.eval()


def _tensor(images: np.ndarray) -> Tensor:
    tensor = torch.from_numpy(normalised(images)[:, None])
    return tensor.contiguous(memory_format=torch.channels_last)


def outputs(network: ExpressionNet, images: np.ndarray, at_once: int = 256) -> np.ndarray:
    """Return the network's outputs (N, 104) of crops (N, SIZE, SIZE) uint8."""
    was_training = network.training
    network.eval()
    with torch.no_grad():
        found = [network(_tensor(images[k : k + at_once])).numpy()
                 for k in range(0, len(images), at_once)]
    network.train(was_training)
    return np.concatenate(found)


def judged(network: ExpressionNet, crops: Crops) -> str:
    """Return how crops are read: mean error, and of units in full and not there."""
    values = np.clip(outputs(network, middle(crops.image))[:, :COUNT], 0, 1)
    full, rest = crops.weights > 0.85, crops.weights == 0
    shown = [values[full[:, k], k].mean() for k in range(COUNT) if full[:, k].any()]
    return (f'error {np.abs(values - crops.weights).mean():.3f}, in full {np.mean(shown):.2f} '
            f'(from 0.5 on: {np.mean(np.array(shown) > 0.5):.2f}), '
            f'at rest {values[rest].mean():.3f}')
