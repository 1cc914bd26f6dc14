"""Windows: what slices and integers name of an array, in one form, so that they can be compared and composed.

A window has one part for each axis of the array: an integer, or ``(start, count, step)``.

>>> window_of((slice(None, None, -2), 1), (5, 3))
((4, 3, -2), 1)
>>> within(((4, 3, -2), 1), ((1, 2, 1),))
((2, 2, -2), 1)
>>> index_of(((2, 2, -2), 1))
(slice(2, None, -2), 1)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .graph import Graph, Node, Value
from .layout import is_basic
from .words import full, index_add, index_set, placed

Window = tuple[Any, ...]


def window_of(index: Any, shape: tuple[int, ...]) -> Window | None:
    """The window of an index; None for what is not made of slices, integers, None and an ellipsis."""
    if not is_basic(index):
        return None
    parts = [part for part in (index if isinstance(index, tuple) else (index,)) if part is not None]
    at = parts.index(Ellipsis) if Ellipsis in parts else len(parts)
    parts[at : at + 1] = [slice(None)] * (len(shape) - len(parts) + (at < len(parts)))
    found: list[Any] = []
    for part, length in zip(parts, shape, strict=True):
        if type(part) is int:
            found.append(part % length)
        else:
            run = range(*part.indices(length))
            found.append((run.start if len(run) else 0, len(run), run.step))
    return tuple(found)


def within(outer: Window, inner: Window) -> Window:
    """The window of a window."""
    turn, found = iter(inner), []
    for part in outer:
        if type(part) is int:
            found.append(part)
            continue
        start, _, step = part
        one = next(turn)
        found.append(
            start + one * step if type(one) is int else (start + one[0] * step, one[1], step * one[2])
        )
    return tuple(found)


def index_of(window: Window) -> tuple[Any, ...]:
    """The window as NumPy's index."""
    found: list[Any] = []
    for part in window:
        if type(part) is int:
            found.append(part)
            continue
        start, count, step = part
        stop = start + count * step
        found.append(slice(start, None if stop < 0 else stop, step))
    return tuple(found)


def shape_of(window: Window) -> tuple[int, ...]:
    """The shape of what it names."""
    return tuple([part[1] for part in window if type(part) is not int])


def apart(one: Window, other: Window) -> bool:
    """Do two windows of an array have no element in common?"""
    return any(_apart(_run(a), _run(b)) for a, b in zip(one, other, strict=True))


def _run(part: Any) -> range:
    if type(part) is int:
        return range(part, part + 1)
    start, count, step = part
    run = range(start, start + count * step, step)
    return run if step > 0 else run[::-1]


def _apart(a: range, b: range) -> bool:
    if not len(a) or not len(b) or a[-1] < b[0] or b[-1] < a[0]:
        return True
    return a.step == b.step and (a.start - b.start) % a.step != 0


# --- sums of arrays that are zero outside a window -------------------------------------------------------


def gathered(graph: Graph) -> Graph:
    """Sums of arrays that are zero but for a window become one array, written window by window.

    So are the gradients of an array that is taken apart by slices, one step of a loop after the other: sums
    for the same window are taken over the window alone.
    """
    return _Gathering(graph).run() if any(n.function in _MAKES for n in graph.nodes) else graph


_MAKES = {index_set, index_add, placed}


class _Gathering:
    """The pass, going through a graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.makers: dict[Value, Node] = {}
        self.nodes: list[Node] = []
        self.uses: dict[Value, int] = {}
        for node in graph.nodes:
            for value in node.operands:
                self.uses[value] = self.uses.get(value, 0) + 1
        for value in graph.outputs:
            self.uses[value] = self.uses.get(value, 0) + 2

    def run(self) -> Graph:
        """The graph without its sums of windows."""
        inner = self._inner_sums()
        for node in self.graph.nodes:
            made = self._placed(node)
            if made is None and node.function is np.add and node not in inner:
                made = self._summed(node)
            self._keep(made or node)
        return Graph(self.graph.inputs, self.graph.constants, self.nodes, self.graph.outputs)

    def _keep(self, node: Node) -> None:
        self.nodes.append(node)
        self.makers.update(dict.fromkeys(node.outputs, node))

    def _inner_sums(self) -> set[Node]:
        """Sums that are only a term of another sum of the same shape and type."""
        found = set()
        for node in self.graph.nodes:
            if _is_sum(node):
                for value in node.operands:
                    maker = self.graph.makers.get(value)
                    if maker is not None and _is_sum(maker) and self.uses[value] == 1:
                        found.add(maker)
        return found

    def _placed(self, node: Node) -> Node | None:
        """An array of zeros that is written to at slices, or a window put into a window."""
        if node.function not in (index_set, index_add) or node.keywords:
            return None
        x, index, values = node.args
        y = node.output
        maker = self.makers.get(x) if type(x) is Value else None
        if (
            maker is None
            or maker.function is not full
            or type(values) is not Value
            or values.dtype != y.dtype
        ):
            return None
        number = maker.args[1]
        if type(number) is Value or number != 0 or y.dtype.kind not in "fiuc":
            return None
        window = window_of(index, y.shape)
        if window is None:
            return None
        shape = shape_of(window)
        if values.shape != shape:
            if values.size != int(np.prod(shape, dtype=np.int64)):
                return None
            values = self._new(node, np.reshape, (values, shape), Value(shape, y.dtype))
        return self._of([(window, values)], node)

    def _of(self, terms: Sequence[tuple[Window, Value]], node: Node) -> Node:
        """The node that puts values into windows; windows of windows are seen through."""
        y = node.output
        found: list[tuple[Window, Value]] = []
        for window, values in terms:
            maker = self.makers.get(values)
            if maker is not None and maker.function is placed and self.uses.get(values) == 1:
                found += [
                    (within(window, window_of(index, values.shape) or ()), part)
                    for index, part in zip(maker.args[1], maker.args[0], strict=True)
                ]
            else:
                found.append((window, values))
        indices = tuple([index_of(window) for window, _ in found])
        args = ([values for _, values in found], indices, y.shape, y.dtype)
        return Node(placed, args, {}, (y,), (node.code, node.lasti))

    def _new(self, node: Node, function: Callable[..., Any], args: tuple[Any, ...], y: Value) -> Value:
        self._keep(Node(function, args, {}, (y,), (node.code, node.lasti)))
        self.uses.setdefault(y, 1)
        return y

    def _summed(self, node: Node) -> Node | None:
        """A sum with at least two terms that are windows, each window's values added up first."""
        terms = self._terms(node)
        windows: dict[Window, list[Value]] = {}
        others: list[Any] = []
        count = 0
        for term in terms:
            maker = self.makers.get(term) if type(term) is Value else None
            if maker is None or maker.function is not placed or self.uses[term] != 1:
                others.append(term)
                continue
            count += 1
            for values, index in zip(maker.args[0], maker.args[1], strict=True):
                windows.setdefault(window_of(index, term.shape) or (), []).append(values)
        if count < 2:
            return None
        placed_terms = [(window, self._total(node, parts)) for window, parts in windows.items()]
        if not others:
            return self._of(placed_terms, node)
        y = node.output
        sparse = self._of(placed_terms, Node(placed, (), {}, (Value(y.shape, y.dtype),)))
        self._keep(sparse)
        rest = self._total(node, others)
        return Node(np.add, (rest, sparse.output), {}, (y,), (node.code, node.lasti))

    def _terms(self, node: Node) -> list[Any]:
        """The terms of a sum of sums, from left to right."""
        found, waiting = [], [*reversed(node.args)]
        while waiting:
            term = waiting.pop()
            maker = self.makers.get(term) if type(term) is Value else None
            if maker is not None and _is_sum(maker) and self.uses[term] == 1:
                waiting += reversed(maker.args)
            else:
                found.append(term)
        return found

    def _total(self, node: Node, parts: list[Any]) -> Any:
        total = parts[0]
        for part in parts[1:]:
            total = self._new(node, np.add, (total, part), Value(part.shape, part.dtype))
        return total


def _is_sum(node: Node) -> bool:
    """Is it a sum of two values of one shape and type?"""
    if node.function is not np.add or node.keywords or len(node.args) != 2:
        return False
    y = node.output
    return all(type(x) is Value and x.shape == y.shape and x.dtype == y.dtype for x in node.args)
