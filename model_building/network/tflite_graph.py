# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A TensorFlow Lite graph as it lies in its file: read its constants, change and extend it."""
from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import flatbuffers
import numpy as np
from ai_edge_litert import schema_py_generated as schema

from face_recon_ros.io.outputs import write_bytes
from face_recon_ros.tflite import FILE_IDENTIFIER

FLOAT32, INT32 = 0, 2
NO_ACTIVATION = 0
VALID = 1
_NAMES = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}


class Graph:
    """The one subgraph of a .tflite file; tensors are named by their index."""

    def __init__(self, path: Path) -> None:
        """Read a file; raises OSError or ValueError."""
        data = path.read_bytes()
        if data[4:8] != FILE_IDENTIFIER:
            raise ValueError(f'{path}: not a TensorFlow Lite file')
        self._model = schema.ModelT.InitFromObj(schema.Model.GetRootAs(data, 0))
        self._graph = self._model.subgraphs[0]

    @classmethod
    def empty(cls, input_shape: Sequence[int]) -> Graph:
        """Return a graph of one float32 input and no operator."""
        graph = cls.__new__(cls)
        model, subgraph, buffer = schema.ModelT(), schema.SubGraphT(), schema.BufferT()
        model.version = 3
        model.operatorCodes, model.buffers = [], [buffer]
        subgraph.tensors, subgraph.operators = [], []
        model.subgraphs = [subgraph]
        graph._model, graph._graph = model, subgraph
        subgraph.inputs = [graph._add_tensor(input_shape, 'image')]
        return graph

    @property
    def operators(self) -> list[Any]:
        """The operators in the order of execution."""
        return list(self._graph.operators)

    @property
    def input(self) -> int:
        """The one input."""
        return int(self._graph.inputs[0])

    def name(self, operator: Any) -> str:
        """Return what an operator does, such as 'CONV_2D'."""
        code = self._model.operatorCodes[operator.opcodeIndex]
        return _NAMES[max(code.builtinCode, code.deprecatedBuiltinCode)]

    def shape(self, tensor: int) -> tuple[int, ...]:
        """Return a tensor's shape."""
        return tuple(int(n) for n in self._graph.tensors[tensor].shape)

    def is_constant(self, tensor: int) -> bool:
        """Return whether a tensor's values lie in the file."""
        return self._model.buffers[self._graph.tensors[tensor].buffer].data is not None

    def constant_named(self, name: str) -> np.ndarray | None:
        """Return the float32 constant that add_constant() gave a name; None if there is none."""
        for index, tensor in enumerate(self._graph.tensors):
            if tensor.name == name.encode() and self.is_constant(index):
                return self.constant(index)
        return None

    def constant(self, tensor: int) -> np.ndarray:
        """Return a float32 constant."""
        data = np.asarray(self._model.buffers[self._graph.tensors[tensor].buffer].data, np.uint8)
        return np.frombuffer(data.tobytes(), np.float32).reshape(self.shape(tensor))

    def set_constant(self, tensor: int, values: np.ndarray) -> None:
        """Replace a float32 constant by one of the same shape; raises ValueError for others."""
        if values.shape != self.shape(tensor):
            raise ValueError(f'tensor {tensor} is {self.shape(tensor)}, not {values.shape}')
        self._model.buffers[self._graph.tensors[tensor].buffer].data = _bytes(values, np.float32)

    def add_constant(self, values: np.ndarray, name: str) -> int:
        """Add a float32 or int32 constant."""
        kind = INT32 if values.dtype.kind == 'i' else FLOAT32
        data = _bytes(values, np.int32 if kind == INT32 else np.float32)
        return self._add_tensor(values.shape, name, kind, data)

    def _add_tensor(self, shape: Sequence[int], name: str, kind: int = FLOAT32,
                    data: np.ndarray | None = None) -> int:
        tensor, buffer = schema.TensorT(), schema.BufferT()
        tensor.shape, tensor.type, tensor.name = list(shape), kind, name.encode()
        buffer.data = data
        self._model.buffers.append(buffer)
        tensor.buffer = len(self._model.buffers) - 1
        self._graph.tensors.append(tensor)
        return len(self._graph.tensors) - 1

    def add(self, kind: str, inputs: Sequence[int], shape: Sequence[int], name: str,
            options: Any = None) -> int:
        """Append an operator of one output of this shape; return the output."""
        operator = schema.OperatorT()
        operator.opcodeIndex = self._code(kind)
        operator.inputs = list(inputs)
        operator.outputs = [self._add_tensor(shape, name)]
        if options is not None:
            operator.builtinOptions = options
            operator.builtinOptionsType = getattr(
                schema.BuiltinOptions, type(options).__name__.removesuffix('T'))
        self._graph.operators.append(operator)
        return operator.outputs[0]

    def _code(self, kind: str) -> int:
        number = getattr(schema.BuiltinOperator, kind)
        for index, code in enumerate(self._model.operatorCodes):
            if max(code.builtinCode, code.deprecatedBuiltinCode) == number:
                return index
        code = schema.OperatorCodeT()
        code.builtinCode = number
        code.deprecatedBuiltinCode = min(number, 127)
        code.version = 1
        self._model.operatorCodes.append(code)
        return len(self._model.operatorCodes) - 1

    def save(self, path: Path, outputs: dict[str, int], description: str) -> None:
        """Write what leads to these outputs, named so."""
        self._keep(list(outputs.values()))
        graph, model = self._graph, self._model
        for name, tensor in outputs.items():
            graph.tensors[tensor].name = name.encode()
        graph.tensors[self.input].name = b'image'
        self._drop_unused(list(outputs.values()))
        model.signatureDefs = model.metadata = model.metadataBuffer = None
        model.description = description.encode()
        builder = flatbuffers.Builder(1 << 22)
        builder.Finish(model.Pack(builder), FILE_IDENTIFIER)
        write_bytes(path, bytes(builder.Output()))

    def _keep(self, outputs: list[int]) -> None:
        """Drop operators that no output needs."""
        needed = set(outputs)
        kept = []
        for operator in reversed(self._graph.operators):
            if needed.intersection(int(t) for t in operator.outputs):
                needed.update(int(t) for t in operator.inputs)
                kept.append(operator)
        self._graph.operators = kept[::-1]

    def _drop_unused(self, outputs: list[int]) -> None:
        """Drop tensors and buffers that nothing uses, and number the rest anew."""
        graph, model = self._graph, self._model
        used = {self.input, *outputs}
        for operator in graph.operators:
            used.update(int(t) for t in [*operator.inputs, *operator.outputs])
        place = {tensor: i for i, tensor in enumerate(sorted(used))}
        graph.tensors = [graph.tensors[tensor] for tensor in sorted(used)]
        for operator in graph.operators:
            operator.inputs = [place[int(t)] for t in operator.inputs]
            operator.outputs = [place[int(t)] for t in operator.outputs]
        graph.inputs = [place[self.input]]
        graph.outputs = [place[t] for t in outputs]
        buffers = sorted({0, *(t.buffer for t in graph.tensors)})
        buffer_place = {buffer: i for i, buffer in enumerate(buffers)}
        model.buffers = [model.buffers[buffer] for buffer in buffers]
        for tensor in graph.tensors:
            tensor.buffer = buffer_place[tensor.buffer]


def _bytes(values: np.ndarray, dtype: type) -> np.ndarray:
    return np.frombuffer(np.ascontiguousarray(values, dtype).tobytes(), np.uint8)
