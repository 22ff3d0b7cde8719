# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Train the network of far faces.

    python -m model_building.far_faces.train --photos FOLDER... --backgrounds FOLDER --output RUN

Of the photos every sixth is held out, and every eighth background. RUN/checkpoint.pt is written
every 250 steps, and a run goes on from it; RUN/weights.pt is the moving average of the weights.
"""
from __future__ import annotations

import argparse
import copy
import sys
from pathlib import Path

import numpy as np
import torch
from torch import nn

from model_building.far_faces.model import FarFaceNetwork, loss, targets
from model_building.far_faces.scenes import (
    SIDE_PX,
    Person,
    SceneMaker,
    read_backgrounds,
    read_people,
)

AVERAGE = 0.998
EVERY = 250
HELD_OUT_PERSON, HELD_OUT_BACKGROUND = 6, 8
"""Each so manieth is not trained on."""


def batch(
    maker: SceneMaker, size: int
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return images (N, 3, S, S) RGB in [-1, 1], heat and values of `size` scenes."""
    scenes = [maker() for _ in range(size)]
    images = np.stack([s.image[..., ::-1].transpose(2, 0, 1) for s in scenes])
    heat, values = zip(*(targets(s.faces, SIDE_PX) for s in scenes), strict=True)
    return (
        torch.from_numpy(images.astype(np.float32) / 127.5 - 1),
        torch.from_numpy(np.stack(heat)), torch.from_numpy(np.stack(values)),
    )


def read_data(arguments: argparse.Namespace) -> tuple[list[Person], list[np.ndarray]]:
    """Return people and backgrounds to learn from."""
    everyone = read_people(arguments.photos, slice(None))
    backgrounds = read_backgrounds(arguments.backgrounds, slice(None))
    people = [p for i, p in enumerate(everyone) if i % HELD_OUT_PERSON]
    scenery = [b for i, b in enumerate(backgrounds) if i % HELD_OUT_BACKGROUND]
    sys.stdout.write(f'{len(people)} people, {len(scenery)} backgrounds\n')
    return people, scenery


class Run:
    """Network, moving average and optimizer; in a folder, from which it goes on."""

    def __init__(self, folder: Path, rate: float) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.network = FarFaceNetwork()
        self.average = copy.deepcopy(self.network)
        self.optimizer = torch.optim.AdamW(self.network.parameters(), rate, weight_decay=1e-4)
        self.step = 0
        checkpoint = folder / 'checkpoint.pt'
        if checkpoint.exists():
            state = torch.load(checkpoint)
            self.network.load_state_dict(state['network'])
            self.average.load_state_dict(state['average'])
            self.optimizer.load_state_dict(state['optimizer'])
            self.step = state['step']

    def learn(self, images: torch.Tensor, heat: torch.Tensor, values: torch.Tensor) -> float:
        """Make one step; return the loss."""
        error = loss(self.network(images), heat, values)
        self.optimizer.zero_grad()
        error.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), 5.0)
        self.optimizer.step()
        self.step += 1
        _follow(self.average, self.network, min(AVERAGE, self.step / (self.step + 9)))
        return float(error.detach())

    def save(self) -> None:
        """Write checkpoint.pt and weights.pt."""
        average = self.average.state_dict()
        torch.save({
            'network': self.network.state_dict(), 'average': average,
            'optimizer': self.optimizer.state_dict(), 'step': self.step,
        }, self._folder / 'checkpoint.pt')
        torch.save(average, self._folder / 'weights.pt')


def train(arguments: argparse.Namespace) -> None:
    """Run the steps that are left, write checkpoints."""
    torch.manual_seed(arguments.seed)
    run = Run(arguments.output, arguments.rate)
    random = np.random.default_rng([arguments.seed, run.step])
    maker = SceneMaker(*read_data(arguments), random)
    total = 0.0
    while run.step < arguments.steps:
        for group in run.optimizer.param_groups:
            group['lr'] = arguments.rate * rate_at(run.step, arguments.steps)
        total += run.learn(*batch(maker, arguments.batch))
        if run.step % EVERY == 0 or run.step == arguments.steps:
            sys.stdout.write(f'step {run.step}: loss {total / EVERY:.3f}\n')
            sys.stdout.flush()
            total = 0.0
            run.save()


def rate_at(step: int, steps: int) -> float:
    """Return the learning rate's factor: a short rise, then half a cosine to a hundredth."""
    rise = min(1.0, (step + 1) / 200)
    return float(rise * (0.01 + 0.99 * 0.5 * (1 + np.cos(np.pi * min(1.0, step / steps)))))


@torch.no_grad()
def _follow(average: nn.Module, network: nn.Module, keep: float) -> None:
    for old, new in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if old.dtype.is_floating_point:
            old.mul_(keep).add_(new, alpha=1 - keep)
        else:
            old.copy_(new)


def main() -> int:
    """Run the command; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog='python -m model_building.far_faces.train', description=__doc__)
    parser.add_argument('--photos', type=Path, nargs='+', required=True,
                        help='folders of photos with one face each')
    parser.add_argument('--backgrounds', type=Path, required=True,
                        help='a folder of pictures without faces')
    parser.add_argument('--output', type=Path, required=True)
    parser.add_argument('--steps', type=int, default=3600)
    parser.add_argument('--batch', type=int, default=16)
    parser.add_argument('--rate', type=float, default=3e-3)
    parser.add_argument('--seed', type=int, default=0)
    train(parser.parse_args())
    return 0


if __name__ == '__main__':
    sys.exit(main())
