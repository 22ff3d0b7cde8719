#!/usr/bin/env python3
# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Write a network of the 3DDFA family's size with random weights, to time.

    stand_in_network.py FILE

MobileNet-V1 1.0 (Howard et al. 2017) on a 120 x 120 crop, 62 parameters, and the dense vertices
(38,365 x 3) as one matrix product of the 50 shape and expression parameters: the operations of
3DDFA_V2's TFLite descendants. It finds nothing: its weights are noise. Latency does not depend on
weights, so `face-recon bench --network FILE` times what such a network costs on this machine.
"""

from __future__ import annotations

import sys
from pathlib import Path

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

CROP_PX = 120
PARAMETERS = 62
COEFFICIENTS = 50
VERTICES = 38365
# (stride, output channels) of the thirteen depthwise separable blocks
BLOCKS = [(1, 64), (2, 128), (1, 128), (2, 256), (1, 256), (2, 512), *[(1, 512)] * 5,
          (2, 1024), (1, 1024)]


class GraphBuilder:
    """Collects tensors, weights and operators of one subgraph."""

    def __init__(self) -> None:
        self.model = schema.ModelT()
        self.model.version = 3
        self.model.description = 'stand-in with random weights: for timing only'
        self.model.buffers = [schema.BufferT()]
        self.model.operatorCodes = []
        self.graph = schema.SubGraphT()
        self.graph.tensors, self.graph.operators = [], []
        self.model.subgraphs = [self.graph]
        self._codes: dict[int, int] = {}
        self._random = np.random.default_rng(0)

    def tensor(self, name: str, shape: tuple[int, ...], data: np.ndarray | None = None) -> int:
        """Add a tensor, with constant contents if data is given; return its index."""
        tensor = schema.TensorT()
        tensor.name, tensor.shape = name, list(shape)
        is_int = data is not None and data.dtype == np.int32
        tensor.type = schema.TensorType.INT32 if is_int else schema.TensorType.FLOAT32
        tensor.buffer = 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            tensor.buffer = len(self.model.buffers)
            self.model.buffers.append(buffer)
        self.graph.tensors.append(tensor)
        return len(self.graph.tensors) - 1

    def weights(self, name: str, *shape: int) -> int:
        """Add random weights of a size that keeps activations finite."""
        spread = 1 / np.sqrt(np.prod(shape[1:]))
        data = self._random.normal(0, spread, shape).astype(np.float32)
        return self.tensor(name, shape, data)

    def operator(
        self, code: int, inputs: list[int], output: int, kind: int, options: object
    ) -> int:
        """Add an operator with one output; return that."""
        if code not in self._codes:
            entry = schema.OperatorCodeT()
            entry.builtinCode = entry.deprecatedBuiltinCode = code
            entry.version = 1
            self._codes[code] = len(self.model.operatorCodes)
            self.model.operatorCodes.append(entry)
        operator = schema.OperatorT()
        operator.opcodeIndex = self._codes[code]
        operator.inputs, operator.outputs = inputs, [output]
        operator.builtinOptionsType, operator.builtinOptions = kind, options
        self.graph.operators.append(operator)
        return output

    def convolution(self, x: int, stride: int, channels: int, size: int) -> int:
        """Add a convolution with bias and ReLU6."""
        _, height, width, depth = self.graph.tensors[x].shape
        options = schema.Conv2DOptionsT()
        options.strideH = options.strideW = stride
        options.dilationHFactor = options.dilationWFactor = 1
        options.padding = schema.Padding.SAME
        options.fusedActivationFunction = schema.ActivationFunctionType.RELU6
        shape = (1, -(-height // stride), -(-width // stride), channels)
        inputs = [x, self.weights('w', channels, size, size, depth), self.weights('b', channels)]
        return self.operator(
            schema.BuiltinOperator.CONV_2D, inputs, self.tensor('conv', shape),
            schema.BuiltinOptions.Conv2DOptions, options)

    def depthwise(self, x: int, stride: int) -> int:
        """Add a 3 x 3 depthwise convolution with bias and ReLU6."""
        _, height, width, depth = self.graph.tensors[x].shape
        options = schema.DepthwiseConv2DOptionsT()
        options.strideH = options.strideW = stride
        options.depthMultiplier = options.dilationHFactor = options.dilationWFactor = 1
        options.padding = schema.Padding.SAME
        options.fusedActivationFunction = schema.ActivationFunctionType.RELU6
        shape = (1, -(-height // stride), -(-width // stride), depth)
        inputs = [x, self.weights('w', 1, 3, 3, depth), self.weights('b', depth)]
        return self.operator(
            schema.BuiltinOperator.DEPTHWISE_CONV_2D, inputs, self.tensor('depthwise', shape),
            schema.BuiltinOptions.DepthwiseConv2DOptions, options)

    def average(self, x: int) -> int:
        """Add the mean over rows and columns."""
        options = schema.ReducerOptionsT()
        options.keepDims = False
        axes = self.tensor('axes', (2,), np.array([1, 2], np.int32))
        shape = (1, self.graph.tensors[x].shape[3])
        return self.operator(
            schema.BuiltinOperator.MEAN, [x, axes], self.tensor('mean', shape),
            schema.BuiltinOptions.ReducerOptions, options)

    def dense(self, name: str, x: int, outputs: int) -> int:
        """Add a fully connected layer with bias."""
        options = schema.FullyConnectedOptionsT()
        width = self.graph.tensors[x].shape[1]
        inputs = [x, self.weights('w', outputs, width), self.weights('b', outputs)]
        return self.operator(
            schema.BuiltinOperator.FULLY_CONNECTED, inputs, self.tensor(name, (1, outputs)),
            schema.BuiltinOptions.FullyConnectedOptions, options)


def stand_in() -> bytes:
    """Return the .tflite file."""
    g = GraphBuilder()
    image = g.tensor('input', (1, CROP_PX, CROP_PX, 3))
    x = g.convolution(image, 2, 32, 3)
    for stride, channels in BLOCKS:
        x = g.convolution(g.depthwise(x, stride), 1, channels, 1)
    features = g.average(x)
    parameters = g.dense('params', features, PARAMETERS)
    vertices = g.dense('landmarks', g.dense('coefficients', features, COEFFICIENTS), 3 * VERTICES)
    g.graph.inputs, g.graph.outputs = [image], [parameters, vertices]
    builder = flatbuffers.Builder(1 << 20)
    builder.Finish(g.model.Pack(builder), b'TFL3')
    return bytes(builder.Output())


if __name__ == '__main__':
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    Path(sys.argv[1]).write_bytes(stand_in())
