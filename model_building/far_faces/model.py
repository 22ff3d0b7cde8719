# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A fully convolutional network: for each cell of 8 pixels, whether a small face is there."""
from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from face_recon_ros.detection.far_faces import CELL_PX, UNIT_WIDTH_PX

CHANNELS = 4
"""Of the output: logit, centre x and y in cells from the cell's own, log of the width."""
FIRST_LOGIT = -4.6
"""Before training: one cell of a hundred holds a face."""


class Convolution(nn.Module):
    """Convolution, batch normalisation, ReLU; of even inputs, padded as TensorFlow's SAME."""

    def __init__(self, inputs: int, outputs: int, size: int, stride: int, groups: int) -> None:
        super().__init__()
        self.stride = stride
        self.depthwise = groups > 1
        self.convolution = nn.Conv2d(inputs, outputs, size, stride, groups=groups, bias=False)
        self.norm = nn.BatchNorm2d(outputs)
        # SAME: an even size and a stride of 2 need one pixel, after the last
        self.padding = (0, 1, 0, 1) if stride == 2 else (size // 2,) * 4

    def forward(self, x: Tensor) -> Tensor:
        x = self.convolution(functional.pad(x, self.padding))
        return functional.relu(self.norm(x))

    def folded(self) -> tuple[np.ndarray, np.ndarray]:
        """Return weights (out, in, h, w) and bias (out,) that include the normalisation."""
        norm = self.norm
        factor = norm.weight / torch.sqrt(norm.running_var + norm.eps)
        weights = self.convolution.weight * factor[:, None, None, None]
        bias = norm.bias - norm.running_mean * factor
        return weights.detach().numpy(), bias.detach().numpy()


def _separable(inputs: int, outputs: int, stride: int) -> list[Convolution]:
    return [
        Convolution(inputs, inputs, 3, stride, groups=inputs),
        Convolution(inputs, outputs, 1, 1, groups=1),
    ]


class FarFaceNetwork(nn.Module):
    """RGB images (N, 3, H, W) in [-1, 1] -> (N, 4, H/8, W/8); H and W are multiples of 8."""

    def __init__(self) -> None:
        super().__init__()
        self.layers = nn.ModuleList([
            Convolution(3, 12, 3, 2, groups=1),
            *_separable(12, 24, 2),
            *_separable(24, 24, 1),
            *_separable(24, 24, 1),
            *_separable(24, 48, 2),
            *(layer for _ in range(4) for layer in _separable(48, 48, 1)),
        ])
        self.last = nn.Conv2d(48, CHANNELS, 1)
        nn.init.normal_(self.last.weight, 0, 0.01)
        with torch.no_grad():
            self.last.bias.copy_(torch.tensor([FIRST_LOGIT, 0.0, 0.0, 0.0]))

    def forward(self, image: Tensor) -> Tensor:
        x = image
        for layer in self.layers:
            x = layer(x)
        return self.last(x)


def targets(faces: np.ndarray, side_px: int) -> tuple[np.ndarray, np.ndarray]:
    """
    Return the heat (h, w) and the values (4, h, w) wanted of faces (N, 3) x, y, width px.

    Heat is 1 in the cell of a face's centre and falls off around it (Zhou et al., "Objects as
    Points", 2019). values: offset x, y, log width, and 1 where they count.
    """
    cells = side_px // CELL_PX
    heat = np.zeros((cells, cells), np.float32)
    values = np.zeros((4, cells, cells), np.float32)
    y, x = np.mgrid[:cells, :cells]
    # coordinates are of pixel centres, the first cell covers pixels -0.5 to 7.5
    centres = (np.stack([x, y], -1) + 0.5) * CELL_PX - 0.5
    for face in faces:
        offset = (face[:2] - centres) / CELL_PX
        away = np.abs(offset).max(-1)
        sigma = max(0.5, 0.18 * face[2] / CELL_PX)
        bump = np.exp(-(offset**2).sum(-1) / (2 * sigma**2))
        own = away <= 0.5
        heat = np.maximum(heat, np.where(own, 1.0, np.minimum(bump, 0.95))).astype(np.float32)
        near = away <= 1.0
        values[:2, near] = offset[near].T
        values[2, near] = np.log(face[2] / UNIT_WIDTH_PX)
        values[3, near] = 1
    return heat, values


def loss(output: Tensor, heat: Tensor, values: Tensor) -> Tensor:
    """Penalty-reduced focal loss of the heat, and smooth L1 of place and size."""
    logit = output[:, 0]
    p = torch.sigmoid(logit)
    found = heat == 1
    hit = -functional.logsigmoid(logit) * (1 - p) ** 2
    false = -functional.logsigmoid(-logit) * p**2 * (1 - heat) ** 4
    count = found.sum().clamp(min=1)
    focal = (hit[found].sum() + false[~found].sum()) / count
    weight = values[:, 3]
    off = functional.smooth_l1_loss(output[:, 1:], values[:, :3], reduction='none').sum(1)
    return focal + (off * weight).sum() / weight.sum().clamp(min=1)
