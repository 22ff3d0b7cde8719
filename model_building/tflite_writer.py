# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Write .tflite files of small networks, layer after layer."""
from __future__ import annotations

from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from face_recon_ros.io.outputs import write_bytes
from face_recon_ros.tflite import FILE_IDENTIFIER

RELU, NO_ACTIVATION = 1, 0


class GraphWriter:
    """A new .tflite graph of float32 tensors, layer after layer."""

    def __init__(self, shape: tuple[int, ...], description: str) -> None:
        self._model = schema.ModelT()
        self._model.version = 3
        self._model.description = description.encode()
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
        self, kind: str, inputs: list[int], shape: tuple[int, ...], options: Any, name: str
    ) -> None:
        """Append an operator on the last tensor and other inputs; its output is the last one."""
        code = schema.OperatorCodeT()
        code.builtinCode = getattr(schema.BuiltinOperator, kind)
        code.deprecatedBuiltinCode, code.version = min(code.builtinCode, 127), 1
        known = [c.builtinCode for c in self._model.operatorCodes]
        if code.builtinCode not in known:
            self._model.operatorCodes.append(code)
            known.append(code.builtinCode)
        operator = schema.OperatorT()
        operator.opcodeIndex = known.index(code.builtinCode)
        operator.inputs = [self.last, *inputs]
        self.last = self._tensor(shape, name)
        operator.outputs = [self.last]
        if options is not None:
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

    def strided(self, weight: np.ndarray, bias: np.ndarray, name: str) -> None:
        """Append a 3x3 convolution (out, in, 3, 3) of stride 2, padded as TensorFlow does."""
        options = schema.Conv2DOptionsT()
        self._set(options, 2)
        constants = [self._constant(weight.transpose(0, 2, 3, 1), f'{name}_weight'),
                     self._constant(bias, f'{name}_bias')]
        self._operator('CONV_2D', constants, self._halved(len(bias)), options, name)

    def pointwise(self, weight: np.ndarray, bias: np.ndarray, relu: bool, name: str) -> None:
        """Append a 1x1 convolution (out, in, 1, 1)."""
        options = schema.Conv2DOptionsT()
        self._set(options, 1)
        options.fusedActivationFunction = RELU if relu else NO_ACTIVATION
        constants = [self._constant(weight.transpose(0, 2, 3, 1), f'{name}_weight'),
                     self._constant(bias, f'{name}_bias')]
        shape = (*self._shape(self.last)[:3], len(bias))
        self._operator('CONV_2D', constants, shape, options, name)

    def depthwise(self, weight: np.ndarray, bias: np.ndarray, stride: int, name: str) -> None:
        """Append a depthwise 3x3 convolution (channels, 1, 3, 3)."""
        options = schema.DepthwiseConv2DOptionsT()
        self._set(options, stride)
        options.depthMultiplier = 1
        constants = [self._constant(weight.transpose(1, 2, 3, 0), f'{name}_weight'),
                     self._constant(bias, f'{name}_bias')]
        shape = self._halved(len(bias)) if stride == 2 else self._shape(self.last)
        self._operator('DEPTHWISE_CONV_2D', constants, shape, options, name)

    def prelu(self, slopes: np.ndarray, name: str) -> None:
        """Append a PReLU with a slope (channels,) for each channel."""
        constant = self._constant(slopes.reshape(1, 1, -1), f'{name}_slopes')
        self._operator('PRELU', [constant], self._shape(self.last), None, name)

    def add(self, other: int, name: str) -> None:
        """Append the sum with another tensor."""
        self._operator('ADD', [other], self._shape(self.last), schema.AddOptionsT(), name)

    def halve(self, name: str) -> None:
        """Append the largest of each 2x2."""
        options = schema.Pool2DOptionsT()
        options.padding = schema.Padding.VALID
        options.strideH = options.strideW = options.filterHeight = options.filterWidth = 2
        self._operator('MAX_POOL_2D', [], self._halved(self._shape(self.last)[3]), options, name)

    def more_channels(self, count: int, name: str) -> None:
        """Append channels of zeros."""
        rows = np.array([[0, 0], [0, 0], [0, 0], [0, count]], np.int32)
        *others, channels = self._shape(self.last)
        self._operator('PAD', [self._constant(rows, f'{name}_rows')],
                       (*others, channels + count), schema.PadOptionsT(), name)

    @staticmethod
    def _set(options: Any, stride: int) -> None:
        options.padding = schema.Padding.SAME
        options.strideH = options.strideW = stride
        options.dilationHFactor = options.dilationWFactor = 1

    def _halved(self, channels: int) -> tuple[int, ...]:
        count, height, width, _ = self._shape(self.last)
        return count, (height + 1) // 2, (width + 1) // 2, channels

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
