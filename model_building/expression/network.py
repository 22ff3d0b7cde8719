# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The network of expressions in PyTorch: from a crop of the face to ARKit's units."""
from __future__ import annotations

from torch import Tensor, nn

from face_recon_ros.expression.crop import SIZE
from face_recon_ros.expression.units import COUNT

CHANNELS = ((16, 2), (24, 2), (48, 2), (64, 1), (96, 2), (128, 1), (64, 2))
"""Channels and strides of the convolutions."""
HIDDEN = 128


class ExpressionNet(nn.Module):
    """
    Grey (N, 1, SIZE, SIZE), normalised -> (N, 104): units, then logarithms of their variances.

    Units are not cut to 0..1.
    """

    def __init__(self) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        before, side = 1, SIZE
        for channels, stride in CHANNELS:
            layers.append(nn.Sequential(
                nn.Conv2d(before, channels, 3, stride, 1),
                nn.BatchNorm2d(channels),
                nn.ReLU(inplace=True),
            ))
            before, side = channels, (side + stride - 1) // stride
        self.side = side
        self.features = nn.Sequential(*layers)
        self.head = nn.Sequential(
            nn.Flatten(),
            nn.Dropout(0.1),
            nn.Linear(before * side**2, HIDDEN),
            nn.ReLU(inplace=True),
            nn.Linear(HIDDEN, 2 * COUNT),
        )

    def forward(self, image: Tensor) -> Tensor:
        """Return the outputs."""
        found: Tensor = self.head(self.features(image))
        return found
