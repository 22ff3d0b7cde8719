# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Train the network of eyes on crops of moved eyes."""
from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from model_building.eyes.network import (
    GAZE_UNIT,
    HEIGHT,
    POINT_MIDDLE,
    POINT_UNIT,
    POINTS,
    RADIUS_MIDDLE,
    RADIUS_UNIT,
    SIZE,
    TOP,
    EyeNet,
    turned_by,
)
from model_building.eyes.samples import Samples

SHIFT_PX = 4
HEAD_SIGMA = 0.07
"""Of a sine of the head: as well as the pose network knows it."""
GAZE_WEIGHT = 2.0
"""Of the loss."""
OPEN = 0.5
"""Less closed than this, an eye shows its iris."""


@dataclass(slots=True, frozen=True)
class Plan:
    """Steps, crops of each set of samples in a batch, the largest learning rate, and the seed."""

    steps: int
    batch: tuple[int, ...]
    rate: float
    seed: int


@dataclass(slots=True, frozen=True)
class _Batch:
    images: Tensor
    truth: Tensor
    head: Tensor
    open: Tensor
    has_gaze: Tensor


class _Data:
    """Samples as tensors, in the network's units."""

    def __init__(self, samples: Samples) -> None:
        self.images = torch.from_numpy(samples.images.transpose(0, 3, 1, 2).copy())
        points = (samples.points.reshape(len(samples.points), -1) - POINT_MIDDLE) / POINT_UNIT
        radius = (samples.radius[:, None] - RADIUS_MIDDLE) / RADIUS_UNIT
        truth = np.concatenate([points, radius, samples.gaze / GAZE_UNIT], axis=1)
        self.truth = torch.from_numpy(truth.astype(np.float32))
        self.open = torch.from_numpy((samples.close < OPEN).astype(np.float32))
        self.has_gaze = torch.from_numpy(samples.has_gaze.astype(np.float32))
        self.head = torch.from_numpy(samples.head.astype(np.float32))
        self.training = np.flatnonzero(~samples.held_out)
        self.held_out = np.flatnonzero(samples.held_out)

    def batch(self, count: int, random: np.random.Generator) -> _Batch:
        """Return images in other light, shifted, and their truth."""
        chosen = random.choice(self.training, min(count, len(self.training)), replace=False)
        images = self.images[chosen].float() / 255
        truth = self.truth[chosen].clone()
        x, y = random.integers(-SHIFT_PX, SHIFT_PX + 1, 2).tolist()
        wide = functional.pad(images, (SHIFT_PX, SHIFT_PX, 0, 0), mode='replicate')
        images = wide[:, :, TOP + y : TOP + y + HEIGHT, SHIFT_PX + x : SHIFT_PX + x + SIZE]
        truth[:, : 2 * POINTS] += torch.tensor([-x / POINT_UNIT, -y / POINT_UNIT]).repeat(POINTS)
        head = self.head[chosen]
        head = head + HEAD_SIGMA * torch.from_numpy(random.standard_normal(head.shape)).float()
        return _Batch(_relit(images, random), truth, head, self.open[chosen],
                      self.has_gaze[chosen])


def _relit(images: Tensor, random: np.random.Generator) -> Tensor:
    """Change contrast, colour, brightness and noise of each image; some batches are grey."""
    count = len(images)

    def draw(low: float, high: float, channels: int = 1) -> Tensor:
        return torch.from_numpy(random.uniform(low, high, (count, channels, 1, 1))).float()

    mean = images.mean((2, 3), keepdim=True)
    images = (images - mean) * draw(0.6, 1.5) + mean * draw(0.88, 1.12, 3) + draw(-0.12, 0.12)
    images = (images + torch.randn_like(images) * draw(0, 0.03)).clamp(0, 1)
    if random.random() < 0.3:
        images = images.mean(1, keepdim=True).expand(-1, 3, -1, -1)
    return images.contiguous(memory_format=torch.channels_last)


def loss_of(found: Tensor, truth: Tensor, is_open: Tensor, has_gaze: Tensor) -> Tensor:
    """Return the loss: outlines always, irises of open eyes, gazes where they are known."""
    error = functional.smooth_l1_loss(found, truth, reduction='none', beta=0.1)
    iris, lids = error[:, :2].mean(1), error[:, 2 : 2 * POINTS].mean(1)
    radius, gaze = error[:, 2 * POINTS], error[:, 2 * POINTS + 1 :].mean(1)
    return (2 * lids + is_open * (3 * iris + 0.3 * radius + GAZE_WEIGHT * has_gaze * gaze)).mean()


def train(sets: Sequence[Samples], plan: Plan, say: Callable[[str], object]) -> EyeNet:
    """Return the network trained on sets of samples; the first has those that judge."""
    torch.manual_seed(plan.seed)
    random = np.random.default_rng(plan.seed)
    data = [_Data(samples) for samples in sets]
    network = EyeNet().to(memory_format=torch.channels_last)
    optimizer = torch.optim.AdamW(network.parameters(), plan.rate, weight_decay=1e-3)
    for step in range(plan.steps):
        warm = min(1.0, step / 200 + 0.05)
        rate = plan.rate * warm * 0.5 * (1 + np.cos(np.pi * step / plan.steps))
        for group in optimizer.param_groups:
            group['lr'] = rate
        batches = [d.batch(count, random) for d, count in zip(data, plan.batch, strict=True)]
        batch = _Batch(*(
            torch.cat([getattr(part, f.name) for part in batches]) for f in fields(_Batch)))
        found = turned_by(network(batch.images), batch.head)
        loss = loss_of(found, batch.truth, batch.open, batch.has_gaze)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if step % 200 == 199 or step == plan.steps - 1:
            value = float(loss.detach())
            say(f'step {step + 1}: loss {value:.3f}; held-out eyes: {judged(network, data[0])}')
    return network.eval()


def judged(network: EyeNet, data: _Data) -> str:
    """
    Return how held-out eyes are seen.

    Errors and slopes of the iris against the corners, and of the gaze.
    """
    network.eval()
    chosen = data.held_out[data.open[data.held_out].numpy() > 0]
    with torch.no_grad():
        images = data.images[chosen, :, TOP : TOP + HEIGHT].float() / 255
        found = turned_by(network(images), data.head[chosen]).numpy()
    network.train()
    truth = data.truth[chosen].numpy()
    beside = _told(POINT_UNIT * _beside_corners(truth), POINT_UNIT * _beside_corners(found), 'px')
    gaze = np.degrees(GAZE_UNIT * truth[:, -2:]), np.degrees(GAZE_UNIT * found[:, -2:])
    return f'iris {beside}; gaze {_told(*gaze, "degrees")}'


def _told(true: np.ndarray, found: np.ndarray, unit: str) -> str:
    error = (found - true).std(axis=0)
    slopes = [np.polyfit(true[:, axis], found[:, axis], 1)[0] for axis in (0, 1)]
    return f'{error[0]:.2f} {error[1]:.2f} {unit}, slope {slopes[0]:.2f} {slopes[1]:.2f}'


def _beside_corners(values: np.ndarray) -> np.ndarray:
    """Return where irises lie (N, 2) from the middle of the corners."""
    return np.asarray(values[:, :2] - (values[:, 2:4] + values[:, 18:20]) / 2)
