# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The network of eyes in PyTorch: from a crop of one eye to iris and lids.

Small on purpose: it runs twice for every face of every image.
"""
from __future__ import annotations

import torch
from torch import Tensor, nn

SIZE = 64
"""Side of the crop of an eye, pixels."""
TOP, HEIGHT = 12, 40
"""Rows of the crop that the network looks at."""
CHANNELS = ((24, 2), (32, 2), (32, 1), (64, 2), (64, 1))
"""Channels and strides of the convolutions."""
HIDDEN = 96
POINTS = 17
"""The iris' centre, then the 16 points of the outline."""
POINT_MIDDLE, POINT_UNIT = 32.0, 16.0
RADIUS_MIDDLE, RADIUS_UNIT = 8.0, 4.0
GAZE_UNIT = 0.3
OUTPUTS = 2 * POINTS + 1 + 2 + 4
"""
Points; radius of the iris; the gaze of a head from in front, sines from the viewing ray, outwards
and down; and by how much a turned head changes it: (2, 2), of a sine of the head, see turned_by().
"""
FRONT = 2 * POINTS + 1 + 2
"""Outputs without those of turned heads."""


class EyeNet(nn.Module):
    """RGB (N, 3, HEIGHT, SIZE) in 0..1 of left eyes -> (N, OUTPUTS) in the units above."""

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before = 3
        for channels, stride in CHANNELS:
            layers.append(nn.Sequential(
                nn.Conv2d(before, channels, 3, stride, 1),
                nn.BatchNorm2d(channels),
                nn.ReLU(inplace=True),
            ))
            before = channels
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(0.1),
            nn.Linear(before * (HEIGHT // 8) * (SIZE // 8), HIDDEN),
            nn.ReLU(inplace=True),
            nn.Linear(HIDDEN, OUTPUTS),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return the outputs."""
        found: Tensor = self.head(self.features(image))
        return found


def turned_by(outputs: Tensor, head: Tensor) -> Tensor:
    """Return points, radius and gaze (N, 37) of heads that are turned by sines (N, 2)."""
    changes = outputs[:, FRONT:].reshape(-1, 2, 2)
    gaze = outputs[:, FRONT - 2 : FRONT] + (changes @ head[:, :, None] / GAZE_UNIT)[:, :, 0]
    return torch.cat([outputs[:, : FRONT - 2], gaze], dim=1)
