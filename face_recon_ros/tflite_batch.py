# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
A .tflite file of one image a run, made one of several.

Weights are read once a run, and small layers fill the processor better: a run of four takes less
than four runs. Only what says "one" is changed: the first axis of tensors, of the shapes that
RESHAPE and SLICE are told, and of constants that are joined to what is calculated. The file is a
flatbuffer; field numbers are those of TensorFlow Lite's schema.fbs.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

# tables' fields
_MODEL_CODES, _MODEL_SUBGRAPHS, _MODEL_BUFFERS = 1, 2, 4
_CODE_OLD, _CODE = 0, 3
_GRAPH_TENSORS, _GRAPH_OPERATORS = 0, 3
_TENSOR_SHAPE, _TENSOR_BUFFER, _TENSOR_SIGNATURE = 0, 2, 7
_OPERATOR_CODE, _OPERATOR_INPUTS, _OPERATOR_OPTIONS = 0, 1, 4
_RESHAPE_SHAPE = 0
_BUFFER_DATA = 0
# operators; for each that is told a shape, which input that is
_CONCATENATION, _RESHAPE = 2, 22
_SHAPE_INPUT = {_RESHAPE: 1, 65: 2}
_ALIGNMENT = 16


def batched(content: bytes, count: int) -> bytes:
    """
    Return a network of one image, as its file has it, as one of `count` images.

    Whether it computes the same is for the caller to try: nothing is known of what operators do.

    :raises ValueError: this is no such file.
    """
    try:
        file = _File(bytearray(content))
        _batch(file, count)
    except (struct.error, IndexError, OverflowError) as error:
        raise ValueError(f'not a TensorFlow Lite file ({error})') from error
    return bytes(file.data)


class _File:
    """A flatbuffer: tables, whose fields are found by number, and vectors."""

    def __init__(self, data: bytearray) -> None:
        self.data = data

    def number(self, position: int, kind: str = 'i') -> int:
        return int(struct.unpack_from('<' + kind, self.data, position)[0])

    def put(self, position: int, value: int, kind: str = 'i') -> None:
        struct.pack_into('<' + kind, self.data, position, value)

    def target(self, position: int) -> int:
        """Return where the reference at a position leads to."""
        return position + self.number(position, 'I')

    def field(self, table: int, number: int) -> int:
        """Return the position of a table's field, 0 where it is left out."""
        positions = table - self.number(table)
        place = 4 + 2 * number
        if place >= self.number(positions, 'H'):
            return 0
        offset = self.number(positions + place, 'H')
        return table + offset if offset else 0

    def value(self, table: int, number: int, kind: str = 'i') -> int:
        """Return a number of a table, 0 where it is left out."""
        position = self.field(table, number)
        return self.number(position, kind) if position else 0

    def vector(self, table: int, number: int) -> tuple[int, int]:
        """Return the position of a vector's first element and the count of them."""
        position = self.field(table, number)
        if not position:
            return 0, 0
        start = self.target(position)
        count = self.number(start, 'I')
        if count > len(self.data):
            raise IndexError(f'a vector of {count} elements')
        return start + 4, count

    def elements(self, table: int, number: int) -> list[int]:
        """Return the positions of a vector of 32-bit numbers or references."""
        first, count = self.vector(table, number)
        return [first + 4 * k for k in range(count)]

    def tables(self, table: int, number: int) -> list[int]:
        """Return the tables of a vector of them."""
        return [self.target(position) for position in self.elements(table, number)]


def _batch(file: _File, count: int) -> None:
    model = file.target(0)
    buffers = file.tables(model, _MODEL_BUFFERS)
    codes = [
        max(file.value(code, _CODE_OLD, 'b'), file.value(code, _CODE))
        for code in file.tables(model, _MODEL_CODES)
    ]
    for graph in file.tables(model, _MODEL_SUBGRAPHS):
        tensors = file.tables(graph, _GRAPH_TENSORS)
        data = [buffers[file.value(t, _TENSOR_BUFFER, 'I')] for t in tensors]
        changed: set[int] = set()
        for operator in file.tables(graph, _GRAPH_OPERATORS):
            code = codes[file.value(operator, _OPERATOR_CODE, 'I')]
            inputs = [file.number(p) for p in file.elements(operator, _OPERATOR_INPUTS)]
            if code in _SHAPE_INPUT and len(inputs) > _SHAPE_INPUT[code]:
                _change_first(file, data[inputs[_SHAPE_INPUT[code]]], _BUFFER_DATA, count)
            if code == _RESHAPE and file.field(operator, _OPERATOR_OPTIONS):
                options = file.target(file.field(operator, _OPERATOR_OPTIONS))
                _change_first(file, options, _RESHAPE_SHAPE, count)
            for tensor in inputs if code == _CONCATENATION else ():
                if tensor not in changed and _is_constant(file, data[tensor]):
                    changed.add(tensor)
                    _repeat(file, tensors[tensor], data[tensor], count)
        for tensor in _calculated(file, tensors, data):
            _change_first(file, tensor, _TENSOR_SHAPE, count)
            _change_first(file, tensor, _TENSOR_SIGNATURE, count)


def _calculated(file: _File, tensors: list[int], data: list[int]) -> Iterator[int]:
    """Yield the tensors that are no constants."""
    for tensor, buffer in zip(tensors, data, strict=True):
        if not _is_constant(file, buffer):
            yield tensor


def _is_constant(file: _File, buffer: int) -> bool:
    return file.vector(buffer, _BUFFER_DATA)[1] > 0


def _change_first(file: _File, table: int, field: int, count: int) -> None:
    """Change the first number of a table's vector, where it is 1."""
    first, length = file.vector(table, field)
    if length and file.number(first) == 1:
        file.put(first, count)


def _repeat(file: _File, tensor: int, buffer: int, count: int) -> None:
    """Give a constant with a first axis of 1 one of `count`; its values go to the file's end."""
    shape, _ = file.vector(tensor, _TENSOR_SHAPE)
    if not shape or file.number(shape) != 1:
        return
    file.put(shape, count)
    first, size = file.vector(buffer, _BUFFER_DATA)
    values = bytes(file.data[first : first + size]) * count
    file.data += bytes(-(len(file.data) + 4) % _ALIGNMENT)
    position = file.field(buffer, _BUFFER_DATA)
    file.put(position, len(file.data) - position, 'I')
    file.data += struct.pack('<I', len(values)) + values
