# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Train the network of expressions on rendered crops, and on photos by what landmarks show."""
from __future__ import annotations

import copy
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from face_recon_ros.expression.crop import SIZE, normalised
from face_recon_ros.expression.units import COUNT, MIRROR
from model_building.expression.network import ExpressionNet

HELD_OUT_EVERY = 12
"""One person in so many takes no part: units are calibrated on them."""
ALIKE = 4
"""Crops that are drawn of a group."""
SCALE_SPREAD, SHIFT_SPREAD, ROLL_SPREAD_DEG = 0.06, 0.025, 4.0
BEYOND = 0.3
"""What error beyond 0 or 1 counts, where the truth is that: values are cut there."""
SHOWN_COUNTS = 2.0
"""How much more a unit in full counts than one at rest."""
LEAST_SCALE = 0.02
WEIGHT_DECAY = 0.02
WARM_UP_STEPS = 100
LAST_RATE = 0.02
"""Part of the learning rate that is left in the end."""
GRADIENT_LIMIT = 2.0
AVERAGE_DECAY = 0.995
SAVE_EVERY = 250


@dataclass(slots=True, frozen=True)
class Plan:
    """
    Steps of batches, and the largest learning rate.

    A batch has groups of ALIKE crops that differ in the expression alone, single crops, and
    photos. difference: weight of the loss of what differs within groups. trunk_rate: learning rate
    of the first layers, as a part of the others'; dropout: before the hidden layer, and after it.
    """

    steps: int
    rate: float
    seed: int
    groups: int = 0
    singles: int = 0
    photos: int = 0
    difference: float = 0.0
    trunk_rate: float = 1.0
    dropout: tuple[float, float] = (0.06, 0.04)


@dataclass(slots=True, frozen=True)
class Crops:
    """
    Crops of faces and what they show.

    image (N, SIZE, SIZE) uint8 grey; weights and trust (N, 52); person and group (N,): crops of a
    group differ in the expression alone.
    """

    image: np.ndarray
    weights: np.ndarray
    trust: np.ndarray
    person: np.ndarray
    group: np.ndarray

    @classmethod
    def rendered(cls, shards: Sequence[Path]) -> Crops:
        """Read what generate.py wrote; every unit is known."""
        columns: dict[str, list[np.ndarray]] = {
            'image': [], 'weights': [], 'person': [], 'group': []}
        for path in shards:
            with np.load(path) as file:
                for name, values in columns.items():
                    values.append(file[name])
        image, weights = (np.concatenate(columns[name]) for name in ('image', 'weights'))
        person, group = (_numbered(columns[name]) for name in ('person', 'group'))
        return cls(image, weights, np.ones_like(weights), person, group)

    @classmethod
    def alone(cls, image: np.ndarray, weights: np.ndarray, trust: np.ndarray) -> Crops:
        """Return crops of as many people."""
        numbers = np.arange(len(image))
        return cls(image, weights, trust, numbers, numbers)

    def chosen(self, rows: np.ndarray) -> Crops:
        """Return some of them."""
        return Crops(*(getattr(self, f.name)[rows] for f in fields(self)))

    def with_more(self, others: Crops) -> Crops:
        """Return these and others, whose people and groups are others."""
        return Crops(np.concatenate([self.image, others.image]),
                     np.concatenate([self.weights, others.weights]),
                     np.concatenate([self.trust, others.trust]),
                     _numbered([self.person, others.person]),
                     _numbered([self.group, others.group]))

    def held_out(self, is_held_out: bool) -> Crops:
        """Return those of people that are held out, or of the others."""
        return self.chosen(np.flatnonzero((self.person % HELD_OUT_EVERY == 0) == is_held_out))


def _numbered(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Return numbers (N,) one part after the other, all different between parts."""
    numbers, first = [], 0
    for part in parts:
        numbers.append(part + first)
        first += int(part.max(initial=-1)) + 1
    return np.concatenate(numbers)


def _seen(image: np.ndarray, turn_deg: float, zoom: float, shift: np.ndarray) -> np.ndarray:
    centre = (SIZE - 1) / 2
    place = cv2.getRotationMatrix2D((centre, centre), turn_deg, zoom)
    place[:, 2] += shift * SIZE
    return cv2.warpAffine(image, place, (SIZE, SIZE), borderMode=cv2.BORDER_REPLICATE)


def seen_again(image: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Return a crop (SIZE, SIZE) as another tracker and camera might give it."""
    crop = _seen(image, float(rng.normal(0, ROLL_SPREAD_DEG)),
                 float(np.exp(rng.normal(0, SCALE_SPREAD))), rng.normal(0, SHIFT_SPREAD, 2))
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


def loss_of(values: Tensor, weights: Tensor, trust: Tensor, scale: Tensor) -> Tensor:
    """
    Return the loss of units (N, 52), which count by their standard deviations, scale (52,).

    Units that are shown count more than those that are not, which are many.
    """
    error = (values - weights) / scale
    beyond = ((weights <= 0) & (error < 0)) | ((weights >= 1) & (error > 0))
    squared = torch.where(beyond, BEYOND * error, error) ** 2
    return (trust * (1 + SHOWN_COUNTS * weights) * squared).mean()


def difference_loss(values: Tensor, weights: Tensor, scale: Tensor) -> Tensor:
    """
    Return the loss of what differs within groups: values and weights (groups, ALIKE, 52).

    What all crops of a group have in common, such as the person's own face, does not count.
    """
    error = ((values - values.mean(1, keepdim=True))
             - (weights - weights.mean(1, keepdim=True))) / scale
    return ((1 + SHOWN_COUNTS * weights) * error**2).mean()


class Batches:
    """Draws crops as another camera might give them, half of them in the mirror."""

    def __init__(self, rendered: Crops, photos: Crops | None, plan: Plan) -> None:
        """:raises ValueError: groups are asked for, and no group has ALIKE crops."""
        self._rendered, self._photos, self._plan = rendered, photos, plan
        order = np.argsort(rendered.group, kind='stable')
        starts = np.flatnonzero(np.diff(rendered.group[order])) + 1
        self._groups = [rows for rows in np.split(order, starts) if len(rows) >= ALIKE]
        if plan.groups and not self._groups:
            raise ValueError(f'no group of {ALIKE} crops that differ in the expression alone')

    def __call__(self, step: int) -> tuple[Tensor, Tensor, Tensor]:
        """
        Return images (N, 1, SIZE, SIZE), weights and trust (N, 52); the same for a step.

        Groups come first, ALIKE crops each, which are changed alike.
        """
        rng = np.random.default_rng([self._plan.seed, step])
        drawn = []
        for _ in range(self._plan.groups):
            rows = self._groups[int(rng.integers(len(self._groups)))]
            seed = int(rng.integers(2**31))
            drawn += [_drawn(self._rendered, row, np.random.default_rng(seed))
                      for row in rng.permutation(rows)[:ALIKE]]
        for crops, count in ((self._rendered, self._plan.singles),
                             (self._photos, self._plan.photos)):
            if crops is not None:
                drawn += [_drawn(crops, row, rng)
                          for row in rng.integers(len(crops.person), size=count)]
        images, weights, trust = (np.array(values) for values in zip(*drawn, strict=True))
        return (torch.from_numpy(normalised(images)[:, None]),
                torch.from_numpy(weights.astype(np.float32)),
                torch.from_numpy(trust.astype(np.float32)))


def _drawn(crops: Crops, row: int,
           rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return image, weights and trust of a crop, or of its mirror image."""
    is_mirrored = rng.random() < 0.5
    image, order = seen_again(crops.image[row], rng), np.arange(COUNT)
    if is_mirrored:
        image, order = image[:, ::-1], MIRROR
    return image, crops.weights[row][order], crops.trust[row][order]


class Training:
    """A network under training; a restart goes on from the last checkpoint."""

    def __init__(self, trunk: Path, rendered: Crops, photos: Crops | None, plan: Plan,
                 checkpoint: Path, start: ExpressionNet | None = None) -> None:
        """:param start: weights to begin with; default: those of the trunk, and random ones"""
        torch.manual_seed(plan.seed)
        teaching = rendered.held_out(False)
        mean = torch.from_numpy(teaching.weights.mean(0))
        scale = torch.from_numpy(teaching.weights.std(0)).clamp(min=LEAST_SCALE)
        self.network = ExpressionNet(trunk, mean, scale, plan.dropout).to(
            memory_format=torch.channels_last)
        if start is not None:
            self.network.load_units(start)
        self.average = copy.deepcopy(self.network)
        self._optimizer = torch.optim.AdamW(
            self.network.parameter_groups(plan.rate, plan.trunk_rate), plan.rate,
            weight_decay=WEIGHT_DECAY)
        self._batches = Batches(teaching, photos, plan)
        self._held_out = rendered.held_out(True)
        self._plan, self._checkpoint = plan, checkpoint
        self._step = 0
        if checkpoint.exists():
            state = torch.load(checkpoint, weights_only=True)
            self.network.load_state_dict(state['network'])
            self.average.load_state_dict(state['average'])
            self._optimizer.load_state_dict(state['optimizer'])
            self._step = state['step']

    def run(self, say: Callable[[str], object]) -> ExpressionNet:
        """Train to the end; return the averaged weights."""
        self.network.train()
        while self._step < self._plan.steps:
            loss = self._advance()
            if self._step % SAVE_EVERY == 0 or self._step == self._plan.steps:
                self._save()
                read = outputs(self.average, self._held_out.image)
                say(f'step {self._step}: loss {loss:.3f}; held out: '
                    f'{judged(read, self._held_out.weights)}')
        return self.average.eval()

    def _advance(self) -> float:
        plan, step = self._plan, self._step
        part = min(1.0, (step + 1) / WARM_UP_STEPS)
        part *= LAST_RATE + (1 - LAST_RATE) * 0.5 * (1 + math.cos(math.pi * step / plan.steps))
        for group in self._optimizer.param_groups:
            group['lr'] = group['largest'] * part
        torch.manual_seed(plan.seed + step)
        images, weights, trust = self._batches(step)
        values = self.network(images)
        loss = loss_of(values, weights, trust, self.network.unit_scale)
        if plan.groups:
            shape, count = (plan.groups, ALIKE, COUNT), plan.groups * ALIKE
            loss = loss + plan.difference * difference_loss(
                values[:count].reshape(shape), weights[:count].reshape(shape),
                self.network.unit_scale)
        self._optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), GRADIENT_LIMIT)
        self._optimizer.step()
        self._step += 1
        self._add_to_average(min(AVERAGE_DECAY, self._step / (self._step + 9)))
        return float(loss.detach())

    def _add_to_average(self, decay: float) -> None:
        pairs = zip(self.average.state_dict().values(), self.network.state_dict().values(),
                    strict=True)
        with torch.no_grad():
            for kept, new in pairs:
                if kept.dtype.is_floating_point:
                    kept.lerp_(new, 1 - decay)
                else:
                    kept.copy_(new)

    def _save(self) -> None:
        partial = self._checkpoint.with_suffix('.partial')
        torch.save({'network': self.network.state_dict(), 'average': self.average.state_dict(),
                    'optimizer': self._optimizer.state_dict(), 'step': self._step}, partial)
        partial.replace(self._checkpoint)


def outputs(network: ExpressionNet, images: np.ndarray, at_once: int = 128) -> np.ndarray:
    """Return the units (N, 52) of crops (N, SIZE, SIZE) uint8."""
    was_training = network.training
    network.eval()
    with torch.no_grad():
        found = [network(torch.from_numpy(normalised(images[k : k + at_once])[:, None])).numpy()
                 for k in range(0, len(images), at_once)]
    network.train(was_training)
    return np.concatenate(found)


def judged(read: np.ndarray, weights: np.ndarray) -> str:
    """Return how crops are read: mean error, and of units in full and not there."""
    values = np.clip(read, 0, 1)
    full, rest = weights > 0.85, weights == 0
    shown = np.array([values[full[:, k], k].mean() for k in range(COUNT) if full[:, k].any()])
    return (f'error {np.abs(values - weights).mean():.3f}, in full {shown.mean():.2f} '
            f'(from 0.5 on: {(shown > 0.5).mean():.2f}), at rest {values[rest].mean():.3f}')
