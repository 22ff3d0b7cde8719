# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The network of expressions in PyTorch: from a crop of the face to ARKit's units.

Its first layers begin as those of models/face_recon.tflite, which knows faces from photos and from
all sides, at nearly the same scale; everything is trained.
"""
from __future__ import annotations

from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from face_recon_ros.expression.crop import SIZE
from face_recon_ros.expression.units import COUNT
from model_building.network.model import FaceReconNetwork

BLOCKS = 11
"""Of the trunk: to features of SIDE x SIDE."""
CHANNELS, SIDE = 128, SIZE // 16
NARROW, HIDDEN = 48, 192


class ExpressionNet(nn.Module):
    """Grey (N, 1, SIZE, SIZE), see normalised() -> units (N, 52), which are not cut to 0..1."""

    def __init__(self, trunk: Path, unit_mean: Tensor, unit_scale: Tensor,
                 dropout: tuple[float, float] = (0.0, 0.0)) -> None:
        """
        Begin with the layers of a trunk.

        :param unit_mean: (52,) of the training set; unit_scale (52,): standard deviations
        :param dropout: before the hidden layer, and after it
        :raises ValueError: the file is none of ours.
        """
        super().__init__()
        mesh = FaceReconNetwork.from_file(trunk).face_mesh
        self.stem = nn.Conv2d(1, mesh.stem.out_channels, 3, 2)
        with torch.no_grad():  # a grey image has three equal channels
            self.stem.weight.copy_(mesh.stem.weight.sum(1, keepdim=True))
            self.stem.bias.copy_(mesh.stem.bias)
        self.stem_activation = mesh.stem_activation
        self.blocks = mesh.blocks[:BLOCKS]
        self.narrow = nn.Sequential(
            nn.Conv2d(CHANNELS, NARROW, 1, bias=False), nn.BatchNorm2d(NARROW), nn.ReLU())
        self.hidden = nn.Sequential(
            nn.Dropout(dropout[0]), nn.Linear(NARROW * SIDE**2, HIDDEN, bias=False),
            nn.BatchNorm1d(HIDDEN), nn.ReLU(), nn.Dropout(dropout[1]))
        self.last = nn.Linear(HIDDEN, COUNT)
        self.register_buffer('unit_mean', unit_mean)
        self.register_buffer('unit_scale', unit_scale)

    def forward(self, grey: Tensor) -> Tensor:
        """Return the units."""
        image = functional.pad(grey, (0, 1, 0, 1))  # SAME padding of TensorFlow
        maps = self.narrow(self.blocks(self.stem_activation(self.stem(image))))
        units: Tensor = self.last(self.hidden(maps.flatten(1)))
        return units * self.unit_scale + self.unit_mean

    def load_units(self, other: ExpressionNet) -> None:
        """Take another's weights: it reads what the other reads, whatever means and scales."""
        mean, scale = self.unit_mean.clone(), self.unit_scale.clone()
        self.load_state_dict(other.state_dict())
        with torch.no_grad():
            self.last.weight.mul_((other.unit_scale / scale)[:, None])
            self.last.bias.mul_(other.unit_scale).add_(other.unit_mean - mean).div_(scale)
            self.unit_mean.copy_(mean)
            self.unit_scale.copy_(scale)

    def parameter_groups(self, rate: float, trunk_rate: float) -> list[dict[str, object]]:
        """
        Return the groups of an optimizer, each with its largest learning rate.

        :param trunk_rate: that of the first layers, as a part of the others'
        """
        trunk = [*self.stem.parameters(), *self.stem_activation.parameters(),
                 *self.blocks.parameters()]
        head = [*self.narrow.parameters(), *self.hidden.parameters(), *self.last.parameters()]
        return [{'params': trunk, 'largest': trunk_rate * rate},
                {'params': head, 'largest': rate}]
