# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Write models/eyes.tflite: both eyes in one run.

Batch normalisation goes into the convolutions, units into the last layer. The result is compared
with PyTorch.
"""
from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import nn

from face_recon_ros.tflite import Network
from model_building.eyes.network import (
    GAZE_UNIT,
    HEIGHT,
    POINT_MIDDLE,
    POINT_UNIT,
    POINTS,
    RADIUS_MIDDLE,
    RADIUS_UNIT,
    SIZE,
    EyeNet,
)
from model_building.tflite_writer import GraphWriter

EYES = 2
OUTPUT = 'points_radius_gaze_changes'
TOLERANCE = 2e-3
DESCRIPTION = 'face_recon_ros: crops of two left eyes to irises, lids and gaze; docs/gaze.md'


def folded(block: nn.Module) -> tuple[np.ndarray, np.ndarray, int]:
    """Return weight, bias and stride of a convolution with its batch normalisation."""
    convolution, normal, _ = block.children()
    scale = normal.weight / torch.sqrt(normal.running_var + normal.eps)
    weight = convolution.weight * scale[:, None, None, None]
    bias = (convolution.bias - normal.running_mean) * scale + normal.bias
    return weight.detach().numpy(), bias.detach().numpy(), int(convolution.stride[0])


_UNITS = np.array([POINT_UNIT] * (2 * POINTS) + [RADIUS_UNIT] + [GAZE_UNIT] * 2 + [1.0] * 4)
_MIDDLES = np.array([POINT_MIDDLE] * (2 * POINTS) + [RADIUS_MIDDLE] + [0.0] * 6)


def without_units(values: np.ndarray) -> np.ndarray:
    """Return the network's outputs (N, 41) as pixels of the crop (35) and sines (6)."""
    return np.asarray(values * _UNITS + _MIDDLES)


def write(network: EyeNet, path: Path) -> None:
    """Write the file of a trained network."""
    network.eval()
    graph = GraphWriter((EYES, HEIGHT, SIZE, 3), DESCRIPTION)
    for index, block in enumerate(network.features):
        graph.convolution(*folded(block), name=f'convolution_{index + 1}')
    graph.flatten()
    _, _, first, _, last = network.head
    weight = first.weight.detach().numpy()
    # PyTorch flattens channels, rows, columns; here they are rows, columns, channels
    maps = weight.reshape(len(weight), -1, HEIGHT // 8, SIZE // 8).transpose(0, 2, 3, 1)
    graph.linear(maps.reshape(len(weight), -1), first.bias.detach().numpy(), True, 'hidden')
    weight, bias = last.weight.detach().numpy(), last.bias.detach().numpy()
    graph.linear(weight * _UNITS[:, None], bias * _UNITS + _MIDDLES, False, OUTPUT)
    graph.save(path)


def largest_difference(network: EyeNet, path: Path) -> float:
    """Return how far the file's outputs are from PyTorch's on noise, pixels and sines."""
    images = np.random.default_rng(0).random((EYES, HEIGHT, SIZE, 3), np.float32)
    with torch.no_grad():
        expected = network.eval()(torch.from_numpy(images.transpose(0, 3, 1, 2))).numpy()
    (found,) = Network(path)(images)
    return float(np.abs(found - without_units(expected)).max())
