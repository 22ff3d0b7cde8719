# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Face Mesh's network (Kartynnik et al. 2019) in PyTorch, with its weights from the .tflite file.

Residual blocks of a depthwise and a pointwise convolution (BlazeBlocks, Bazarevsky et al. 2019).
"""
from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from model_building.network.tflite_graph import Graph

SIZE = 192
STAGES = ((16, 2), (32, 2), (64, 2), (128, 2), (128, 2))
"""Channels and residual blocks after the first of each halving of the resolution."""


class Block(nn.Module):
    """A BlazeBlock: depthwise 3x3, pointwise, shortcut, PReLU."""

    def __init__(self, inputs: int, outputs: int, stride: int = 1) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(inputs, inputs, 3, stride, 1 if stride == 1 else 0,
                                   groups=inputs)
        self.pointwise = nn.Conv2d(inputs, outputs, 1)
        self.activation = nn.PReLU(outputs)
        self._stride, self._grown = stride, outputs - inputs

    def forward(self, x: Tensor) -> Tensor:
        shortcut = x
        if self._stride == 2:
            shortcut = functional.max_pool2d(x, 2, 2)
            x = functional.pad(x, (0, 1, 0, 1))  # SAME padding of TensorFlow
        if self._grown:
            shortcut = functional.pad(shortcut, (0, 0, 0, 0, 0, self._grown))
        return self.activation(shortcut + self.pointwise(self.depthwise(x)))


class Branch(nn.Module):
    """From features to one vector: a block, 32 channels, a block, a convolution over all."""

    def __init__(self, first: Block, outputs: int) -> None:
        super().__init__()
        self.first = first
        self.narrow = nn.Conv2d(128, 32, 1)
        self.activation = nn.PReLU(32)
        self.second = Block(32, 32)
        self.last = nn.Conv2d(32, outputs, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.activation(self.narrow(self.first(x)))
        return self.last(self.second(x)).flatten(1)


class FaceMeshNetwork(nn.Module):
    """RGB (N, 3, 192, 192) in 0..1 -> features, 468 landmarks in crop pixels, presence logit."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(3, 16, 3, 2)
        self.stem_activation = nn.PReLU(16)
        blocks: list[nn.Module] = []
        before = 16
        for stage, (channels, count) in enumerate(STAGES):
            if stage:
                blocks.append(Block(before, channels, 2))
            blocks += [Block(channels, channels) for _ in range(count)]
            before = channels
        self.blocks = nn.Sequential(*blocks)
        self.top = nn.Sequential(Block(128, 128, 2), Block(128, 128))
        self.presence = Branch(Block(128, 128, 2), 1)
        self.landmarks = Branch(Block(128, 128), 1404)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return features (N, 128, 3, 3), landmarks (N, 468, 3), presence (N, 1)."""
        x = self.stem_activation(self.stem(functional.pad(image, (0, 1, 0, 1))))
        x = self.blocks(x)
        top = self.top(x)
        return top, self.landmarks(top).unflatten(1, (468, 3)), self.presence(x)

    def layers(self) -> Iterator[nn.Module]:
        """Yield convolutions and PReLUs in the order of the file's operators."""
        yield from (self.stem, self.stem_activation)
        for block in [*self.blocks, *self.top]:
            yield from _layers(block)
        pair = self.presence, self.landmarks
        for part in ('depthwise', 'pointwise', 'activation'):
            yield from (getattr(branch.first, part) for branch in pair)
        for part in ('narrow', 'activation'):
            yield from (getattr(branch, part) for branch in pair)
        for part in ('depthwise', 'pointwise', 'activation'):
            yield from (getattr(branch.second, part) for branch in pair)
        yield from (branch.last for branch in pair)

    def load_file(self, path: Path) -> None:
        """Take the weights of a Face Mesh .tflite file; raises ValueError for another file."""
        load_layers(Graph(path), path, list(self.layers()))

    def write_into(self, graph: Graph) -> None:
        """Put the weights into the graph of a Face Mesh file."""
        for layer, operator in pairs(graph, list(self.layers())):
            weight = layer.weight.detach().numpy()
            graph.set_constant(int(operator.inputs[1]), _to_file(graph.name(operator), weight))
            if not isinstance(layer, nn.PReLU):
                graph.set_constant(int(operator.inputs[2]), layer.bias.detach().numpy())


def pairs(graph: Graph, layers: Sequence[nn.Module], skip: int = 0) -> list[tuple[Any, Any]]:
    """
    Return each layer with its operator, after so many others of their kinds.

    Raises ValueError where the graph has too few.
    """
    operators = [o for o in graph.operators
                 if graph.name(o) in ('CONV_2D', 'DEPTHWISE_CONV_2D', 'PRELU')]
    return list(zip(layers, operators[skip : skip + len(layers)], strict=True))


def load_layers(
    graph: Graph, path: Path, layers: Sequence[nn.Module], skip: int = 0
) -> None:
    """Take the weights of layers from a file's graph; raises ValueError where they differ."""
    for layer, operator in pairs(graph, layers, skip):
        weight = torch.from_numpy(
            _from_file(graph.name(operator), graph.constant(int(operator.inputs[1]))))
        if weight.shape != layer.weight.shape:
            raise ValueError(f'{path}: layer of {tuple(weight.shape)}, wants '
                             f'{tuple(layer.weight.shape)}')
        with torch.no_grad():
            layer.weight.copy_(weight)
            if not isinstance(layer, nn.PReLU):
                layer.bias.copy_(torch.from_numpy(
                    graph.constant(int(operator.inputs[2])).copy()))


def _layers(block: nn.Module) -> Iterator[nn.Module]:
    yield from (block.depthwise, block.pointwise, block.activation)


def _from_file(name: str, values: np.ndarray) -> np.ndarray:
    """Return weights in PyTorch's order of axes."""
    if name == 'PRELU':
        return values.flatten()
    order = (0, 3, 1, 2) if name == 'CONV_2D' else (3, 0, 1, 2)
    return values.transpose(order).copy()


def _to_file(name: str, values: np.ndarray) -> np.ndarray:
    """Return weights in the file's order of axes."""
    if name == 'PRELU':
        return values.reshape(1, 1, -1)
    return values.transpose((0, 2, 3, 1) if name == 'CONV_2D' else (1, 2, 3, 0))
