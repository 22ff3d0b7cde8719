# Copyright 2026 face_recon_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Small changes of a Python file, one at a time: what a test suite should notice."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

COMPARISONS = {
    ast.Lt: ('<', '<=', '>='), ast.LtE: ('<=', '<', '>'), ast.Gt: ('>', '>=', '<='),
    ast.GtE: ('>=', '>', '<'), ast.Eq: ('==', '!='), ast.NotEq: ('!=', '=='),
    ast.Is: ('is', 'is not'), ast.IsNot: ('is not', 'is'), ast.In: ('in', 'not in'),
    ast.NotIn: ('not in', 'in'),
}
OPERATORS = {
    ast.Add: ('+', '-'), ast.Sub: ('-', '+'), ast.Mult: ('*', '/'), ast.Div: ('/', '*'),
    ast.FloorDiv: ('//', '*'), ast.Mod: ('%', '*'), ast.Pow: ('**', '*'),
    ast.BitAnd: ('&', '|'), ast.BitOr: ('|', '&'),
}
NAMES = {
    'min': 'max', 'max': 'min', 'sin': 'cos', 'cos': 'sin', 'argmin': 'argmax',
    'argmax': 'argmin', 'any': 'all', 'all': 'any', 'arctan2': 'hypot', 'ceil': 'floor',
    'floor': 'ceil', 'minimum': 'maximum', 'maximum': 'minimum', 'mean': 'sum',
}


@dataclass(slots=True, frozen=True)
class Place:
    """
    What a change changes.

    at: the line's text, without the spaces around it. change: as `old -> new`. nth: which one,
    from 1, where the file has several such changes on such lines.
    """

    at: str
    change: str
    nth: int = 1


@dataclass(slots=True, frozen=True)
class Mutant:
    """
    A change of one place of a file.

    module: its path in the package. text: the file as changed. what: for people. key: names it,
    wherever its line or the file has moved to. place: line, change and which of several alike.
    """

    module: str
    line: int
    what: str
    key: str
    text: str
    place: Place | None = None

    def __str__(self) -> str:
        return f'{self.module}:{self.line}: {self.what}'


class _Source:
    """A file's text, and how to replace what a node or an offset covers."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tree = ast.parse(text)
        self._data = text.encode()
        self._starts = [0]
        for line in self._data.splitlines(keepends=True):
            self._starts.append(self._starts[-1] + len(line))

    def begin(self, node: ast.expr | ast.stmt) -> int:
        return self._starts[node.lineno - 1] + node.col_offset

    def end(self, node: ast.expr | ast.stmt) -> int:
        return self._starts[(node.end_lineno or 1) - 1] + (node.end_col_offset or 0)

    def part(self, begin: int, end: int) -> str:
        return self._data[begin:end].decode()

    def replaced(self, begin: int, end: int, new: str) -> str:
        return (self._data[:begin] + new.encode() + self._data[end:]).decode()

    def line_text(self, line: int) -> str:
        return self.text.splitlines()[line - 1].strip()


def mutants_of(module: str, text: str) -> list[Mutant]:
    """Return all changes that are known of a file's text; none is made to what it says only."""
    source = _Source(text)
    counts: dict[tuple[str, str], int] = {}
    found = []
    for node in _code(source.tree):
        for begin, end, new, what in _changes(source, node):
            changed = source.replaced(begin, end, new)
            if changed == text:
                continue
            line = node.lineno
            at = source.line_text(line)
            counts[at, what] = counts.get((at, what), 0) + 1
            place = Place(at, what, counts[at, what])
            key = _key(at, what, str(place.nth))
            found.append(Mutant(module, line, f'{at}   [{what}]', key, changed, place))
    return found


def listed_mutant(module: str, text: str, old: str, new: str) -> Mutant:
    """
    Return a change by hand.

    :raises ValueError: the file does not hold `old` exactly once
    """
    if text.count(old) != 1:
        raise ValueError(f'{module} holds {text.count(old)} times: {old!r}')
    line = text[: text.index(old)].count('\n') + 1
    key = _key('by hand', old, new)
    what = f'{" ".join(old.split())} -> {" ".join(new.split()) or "nothing"}'
    return Mutant(module, line, what, key, text.replace(old, new))


def chance(mutant: Mutant, seed: int) -> float:
    """Return a number in 0..1 that is the same for a change and a seed in every run."""
    return int(_key(str(seed), mutant.key), 16) / 16**10


def _key(*parts: str) -> str:
    return hashlib.sha256(' | '.join(parts).encode()).hexdigest()[:10]


def _code(node: ast.AST) -> Iterator[ast.expr | ast.stmt]:
    """Yield the nodes that do something: no annotation, decorator, docstring or error's text."""
    for name, value in ast.iter_fields(node):
        if name in ('annotation', 'returns', 'decorator_list', 'type_comment'):
            continue
        for child in value if isinstance(value, list) else [value]:
            if not isinstance(child, ast.AST) or isinstance(child, (ast.Raise, ast.JoinedStr)):
                continue
            if isinstance(child, (ast.Import, ast.ImportFrom)):
                continue
            if isinstance(child, (ast.expr, ast.stmt)):
                yield child
            yield from _code(child)


Change = tuple[int, int, str, str]


def _changes(source: _Source, node: ast.expr | ast.stmt) -> Iterator[Change]:
    if isinstance(node, ast.Compare):
        yield from _comparisons(source, node)
    elif isinstance(node, ast.BinOp):
        yield from _operator(source, node)
    elif isinstance(node, ast.BoolOp):
        yield from _junction(source, node)
    elif isinstance(node, ast.UnaryOp) and isinstance(node.op, (ast.Not, ast.USub)):
        operand = source.part(source.begin(node.operand), source.end(node.operand))
        sign = 'not' if isinstance(node.op, ast.Not) else '-'
        yield source.begin(node), source.end(node), operand, f'without {sign}'
    elif isinstance(node, ast.Constant):
        yield from _constant(source, node)
    elif isinstance(node, (ast.If, ast.While, ast.IfExp)):
        test = node.test
        text = source.part(source.begin(test), source.end(test))
        yield source.begin(test), source.end(test), f'(not ({text}))', f'not ({text})'
    elif isinstance(node, (ast.Break, ast.Continue)):
        new = 'continue' if isinstance(node, ast.Break) else 'break'
        yield source.begin(node), source.end(node), new, new
    elif isinstance(node, (ast.Name, ast.Attribute)):
        yield from _name(source, node)
    else:
        yield from _statement(source, node)


def _between(source: _Source, left: ast.expr, right: ast.expr, old: str) -> int | None:
    """Return where an operator stands between two operands."""
    begin = source.end(left)
    place = source.part(begin, source.begin(right)).find(old)
    return None if place < 0 else begin + place


def _comparisons(source: _Source, node: ast.Compare) -> Iterator[Change]:
    left = node.left
    for operator, right in zip(node.ops, node.comparators, strict=True):
        old, *news = COMPARISONS[type(operator)]
        place = _between(source, left, right, old)
        if place is not None:
            for new in news:
                yield place, place + len(old), new, f'{old} -> {new}'
        left = right


def _operator(source: _Source, node: ast.BinOp) -> Iterator[Change]:
    if type(node.op) not in OPERATORS:
        return
    old, new = OPERATORS[type(node.op)]
    place = _between(source, node.left, node.right, old)
    if place is not None:
        yield place, place + len(old), new, f'{old} -> {new}'


def _junction(source: _Source, node: ast.BoolOp) -> Iterator[Change]:
    old, new = ('and', 'or') if isinstance(node.op, ast.And) else ('or', 'and')
    place = _between(source, node.values[0], node.values[1], old)
    if place is not None and len(node.values) == 2:
        yield place, place + len(old), new, f'{old} -> {new}'
    for value in node.values:
        text = source.part(source.begin(value), source.end(value))
        constant = 'True' if old == 'and' else 'False'
        yield source.begin(value), source.end(value), constant, f'{text} -> {constant}'


def _constant(source: _Source, node: ast.Constant) -> Iterator[Change]:
    begin, end = source.begin(node), source.end(node)
    old = source.part(begin, end)
    if isinstance(node.value, bool):
        yield begin, end, str(not node.value), f'{old} -> {not node.value}'
    elif isinstance(node.value, int):
        yield begin, end, str(node.value + 1), f'{old} -> {node.value + 1}'
    elif isinstance(node.value, float):
        new = node.value * 2 if node.value else 1.0
        yield begin, end, repr(new), f'{old} -> {new!r}'


def _name(source: _Source, node: ast.Name | ast.Attribute) -> Iterator[Change]:
    name = node.id if isinstance(node, ast.Name) else node.attr
    if name in NAMES and isinstance(node.ctx, ast.Load):
        end = source.end(node)
        yield end - len(name), end, NAMES[name], f'{name} -> {NAMES[name]}'
    elif name == 'T' and isinstance(node, ast.Attribute):
        yield source.end(node.value), source.end(node), '', 'without .T'


def _statement(source: _Source, node: ast.expr | ast.stmt) -> Iterator[Change]:
    """Leave a statement out: a call, a change of something, an assignment to an attribute."""
    is_call = isinstance(node, ast.Expr) and isinstance(node.value, ast.Call)
    is_store = isinstance(node, ast.Assign) and not isinstance(node.targets[0], ast.Name)
    if is_call or is_store or isinstance(node, ast.AugAssign):
        yield source.begin(node), source.end(node), 'pass', 'left out'
