# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Write models/eyes.tflite: both eyes in one run.

Batch normalisation goes into the convolutions, units into the last layer. The result is compared
with PyTorch.
"""
from __future__ import annotations

from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
import torch
from ai_edge_litert import schema_py_generated as schema
from torch import nn

from face_recon_ros.io.outputs import write_bytes
from face_recon_ros.tflite import Network
from model_building.eyes.network import (
    HEIGHT,
    POINT_MIDDLE,
    POINT_UNIT,
    POINTS,
    RADIUS_MIDDLE,
    RADIUS_UNIT,
    SIZE,
    EyeNet,
)

EYES = 2
OUTPUT = 'points_and_radius'
TOLERANCE_PX = 2e-3
DESCRIPTION = 'face_recon_ros: crops of two left eyes to irises and lids; docs/gaze.md'
FILE_IDENTIFIER = b'TFL3'
SAME, RELU, NO_ACTIVATION = 0, 1, 0


class GraphWriter:
    """A new .tflite graph of float32 tensors, layer after layer."""

    def __init__(self, shape: tuple[int, ...]) -> None:
        self._model = schema.ModelT()
        self._model.version = 3
        self._model.description = DESCRIPTION.encode()
        self._model.operatorCodes = []
        self._model.buffers = [schema.BufferT()]
        self._graph = schema.SubGraphT()
        self._graph.tensors, self._graph.operators = [], []
        self._model.subgraphs = [self._graph]
        self.last = self._tensor(shape, 'image')
        self._graph.inputs = [self.last]

    def _tensor(
        self, shape: tuple[int, ...], name: str, values: np.ndarray | None = None
    ) -> int:
        tensor, buffer = schema.TensorT(), schema.BufferT()
        tensor.shape, tensor.name = list(shape), name.encode()
        tensor.type = schema.TensorType.FLOAT32
        if values is not None:
            if values.dtype.kind == 'i':
                tensor.type = schema.TensorType.INT32
            buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        self._model.buffers.append(buffer)
        tensor.buffer = len(self._model.buffers) - 1
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def _constant(self, values: np.ndarray, name: str) -> int:
        kept = values if values.dtype.kind == 'i' else values.astype(np.float32)
        return self._tensor(values.shape, name, kept)

    def _shape(self, tensor: int) -> tuple[int, ...]:
        return tuple(self._graph.tensors[tensor].shape)

    def _operator(
        self, kind: str, constants: list[int], shape: tuple[int, ...], options: Any, name: str
    ) -> None:
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, kind)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 1
        known = [c.builtinCode for c in self._model.operatorCodes]
        if code.builtinCode not in known:
            self._model.operatorCodes.append(code)
            known.append(code.builtinCode)
        operator = schema.OperatorT()
        operator.opcodeIndex = known.index(code.builtinCode)
        operator.inputs = [self.last, *constants]
        self.last = self._tensor(shape, name)
        operator.outputs = [self.last]
        operator.builtinOptions = options
        operator.builtinOptionsType = getattr(
            schema.BuiltinOptions, type(options).__name__.removesuffix('T'))
        self._graph.operators.append(operator)

    def convolution(self, weight: np.ndarray, bias: np.ndarray, stride: int, name: str) -> None:
        """Append a 3x3 convolution (out, in, 3, 3) with a ReLU, padded by one row all around."""
        if stride == 2:
            self._pad(f'{name}_pad')
        options = schema.Conv2DOptionsT()
        # SAME pads strides of two on one side only, PyTorch on both: they are padded above
        options.padding = schema.Padding.VALID if stride == 2 else schema.Padding.SAME
        options.strideH = options.strideW = stride
        options.dilationHFactor = options.dilationWFactor = 1
        options.fusedActivationFunction = RELU
        count, height, width, _ = self._shape(self.last)
        if stride == 2:
            height, width = (height - 3) // 2 + 1, (width - 3) // 2 + 1
        constants = [
            self._constant(weight.transpose(0, 2, 3, 1), f'{name}_weight'),
            self._constant(bias, f'{name}_bias'),
        ]
        self._operator('CONV_2D', constants, (count, height, width, len(bias)), options, name)

    def _pad(self, name: str) -> None:
        count, height, width, channels = self._shape(self.last)
        rows = np.array([[0, 0], [1, 1], [1, 1], [0, 0]], np.int32)
        shape = (count, height + 2, width + 2, channels)
        self._operator(
            'PAD', [self._constant(rows, f'{name}_rows')], shape, schema.PadOptionsT(), name)

    def flatten(self) -> None:
        """Append a reshape to (N, values)."""
        count = self._shape(self.last)[0]
        shape = (count, int(np.prod(self._shape(self.last)[1:])))
        options = schema.ReshapeOptionsT()
        options.newShape = list(shape)
        target = self._constant(np.array(shape, np.int32), 'flat_shape')
        self._operator('RESHAPE', [target], shape, options, 'flat')

    def linear(self, weight: np.ndarray, bias: np.ndarray, relu: bool, name: str) -> None:
        """Append a fully connected layer (out, in)."""
        options = schema.FullyConnectedOptionsT()
        options.fusedActivationFunction = RELU if relu else NO_ACTIVATION
        constants = [
            self._constant(weight, f'{name}_weight'),
            self._constant(bias, f'{name}_bias'),
        ]
        shape = (self._shape(self.last)[0], len(bias))
        self._operator('FULLY_CONNECTED', constants, shape, options, name)

    def save(self, path: Path) -> None:
        """Write the file; the last tensor is its output."""
        self._graph.outputs = [self.last]
        builder = flatbuffers.Builder(1 << 20)
        builder.Finish(self._model.Pack(builder), FILE_IDENTIFIER)
        write_bytes(path, bytes(builder.Output()))


def folded(block: nn.Module) -> tuple[np.ndarray, np.ndarray, int]:
    """Return weight, bias and stride of a convolution with its batch normalisation."""
    convolution, normal, _ = block.children()
    scale = normal.weight / torch.sqrt(normal.running_var + normal.eps)
    weight = convolution.weight * scale[:, None, None, None]
    bias = (convolution.bias - normal.running_mean) * scale + normal.bias
    return weight.detach().numpy(), bias.detach().numpy(), int(convolution.stride[0])


def in_pixels(values: np.ndarray) -> np.ndarray:
    """Return the network's outputs (N, 37) as points and radius (N, 35) in pixels of the crop."""
    points = values[:, : 2 * POINTS] * POINT_UNIT + POINT_MIDDLE
    radius = values[:, 2 * POINTS : 2 * POINTS + 1] * RADIUS_UNIT + RADIUS_MIDDLE
    return np.concatenate([points, radius], axis=1)


def write(network: EyeNet, path: Path) -> None:
    """Write the file of a trained network."""
    network.eval()
    graph = GraphWriter((EYES, HEIGHT, SIZE, 3))
    for index, block in enumerate(network.features):
        graph.convolution(*folded(block), name=f'convolution_{index + 1}')
    graph.flatten()
    _, _, first, _, last = network.head
    weight = first.weight.detach().numpy()
    # PyTorch flattens channels, rows, columns; here they are rows, columns, channels
    maps = weight.reshape(len(weight), -1, HEIGHT // 8, SIZE // 8).transpose(0, 2, 3, 1)
    graph.linear(maps.reshape(len(weight), -1), first.bias.detach().numpy(), True, 'hidden')
    count = 2 * POINTS + 1
    unit = np.append(np.full(2 * POINTS, POINT_UNIT), RADIUS_UNIT)
    middle = np.append(np.full(2 * POINTS, POINT_MIDDLE), RADIUS_MIDDLE)
    weight, bias = last.weight.detach().numpy()[:count], last.bias.detach().numpy()[:count]
    graph.linear(weight * unit[:, None], bias * unit + middle, False, OUTPUT)
    graph.save(path)


def largest_difference_px(network: EyeNet, path: Path) -> float:
    """Return how far the file's outputs are from PyTorch's on noise, pixels."""
    images = np.random.default_rng(0).random((EYES, HEIGHT, SIZE, 3), np.float32)
    with torch.no_grad():
        expected = network.eval()(torch.from_numpy(images.transpose(0, 3, 1, 2))).numpy()
    (found,) = Network(path)(images)
    return float(np.abs(found - in_pixels(expected)).max())
