"""Sums of products of matrices as one product: ``Σ aᵢ bᵢ = [a₁ a₂ ...] [b₁; b₂; ...]``.

The gradient of a weight that every step of a loop uses is such a sum. One product of long matrices runs at
the speed of the machine and is written once; thirty of short ones, added up, take three times as long (100
units, 30 steps of 30 examples).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from .graph import Graph, Node, Value

#: Products that are worth it: with fewer the joined factors cost as much as they save.
MANY = 4

#: What is summed up in one product, at most: longer ones run at full speed alone.
SHORT = 256


def stacked(graph: Graph) -> Graph:
    """Sums of many short products become products of stacked factors."""
    if sum(node.function is np.matmul for node in graph.nodes) < MANY:
        return graph
    return _Stacking(graph).run()


class _Stacking:
    """The pass, going through a graph."""

    def __init__(self, graph: Graph) -> None:
        self.graph, self.makers = graph, graph.makers
        self.nodes: list[Node] = []
        self.uses: dict[Value, int] = {}
        for node in graph.nodes:
            for value in node.operands:
                self.uses[value] = self.uses.get(value, 0) + 1
        for value in graph.outputs:
            self.uses[value] = self.uses.get(value, 0) + 1

    def run(self) -> Graph:
        """The graph with its sums of products stacked."""
        sums = [node for node in self.graph.nodes if _is_sum(node)]
        inner = {m for node in sums for m in map(self._sum_behind, node.operands) if m is not None}
        for node in self.graph.nodes:
            if not (_is_sum(node) and node not in inner and self._stack(node)):
                self.nodes.append(node)
        return Graph(self.graph.inputs, self.graph.constants, self.nodes, self.graph.outputs)

    def _sum_behind(self, value: Any) -> Node | None:
        """The sum that gives a term which nothing else takes."""
        maker = self.makers.get(value) if type(value) is Value else None
        return maker if maker is not None and _is_sum(maker) and self.uses[value] == 1 else None

    def _terms(self, node: Node) -> list[Value]:
        found, waiting = [], [*reversed(node.args)]
        while waiting:
            term = waiting.pop()
            behind = self._sum_behind(term)
            if behind is None:
                found.append(term)
            else:
                waiting += reversed(behind.args)
        return found

    def _stack(self, node: Node) -> bool:
        """Write a sum with products of one form together; False where there are too few."""
        forms: dict[Any, list[tuple[Value, Value]]] = {}
        others: list[Value] = []
        for term in self._terms(node):
            found = self._product(term)
            if found is None:
                others.append(term)
            else:
                form, a, b = found
                forms.setdefault(form, []).append((a, b))
        if max(map(len, forms.values()), default=0) < MANY:
            return False
        parts = list(others)
        for (turned, left, right), pairs in forms.items():
            parts.append(self._one(node, turned, left, right, pairs))
        y = node.output
        for n, part in enumerate(parts[1:], 2):
            last = n == len(parts)
            parts[0] = self._new(node, np.add, (parts[0], part), y if last else Value(y.shape, y.dtype))
        if len(parts) == 1:
            self._new(node, np.reshape, (parts[0], y.shape), y)
        return True

    def _product(self, term: Value) -> tuple[Any, Value, Value] | None:
        """A product, or one transposed, that nothing else takes: its form, and its factors."""
        maker = self.makers.get(term)
        turned = maker is not None and _turns(maker) and self.uses[term] == 1
        if turned:
            assert maker is not None
            term = maker.args[0]
            maker = self.makers.get(term)
        if maker is None or maker.function is not np.matmul or maker.keywords or self.uses[term] != 1:
            return None
        a, b = maker.args
        plain = type(a) is Value and type(b) is Value and a.ndim == b.ndim == 2 and a.dtype == b.dtype
        if not plain or a.shape[1] > SHORT or term.dtype != a.dtype:
            return None
        behind = self.makers.get(a)
        left = behind is not None and _turns(behind)
        behind_b = self.makers.get(b)
        right = behind_b is not None and _turns(behind_b)
        form = turned, (left, a.shape), (right, b.shape)
        return form, behind.args[0] if left and behind else a, behind_b.args[0] if right and behind_b else b

    def _one(self, node: Node, turned: bool, left: Any, right: Any, pairs: Any) -> Value:
        """The sum of products of one form."""
        (left_turned, (rows, _)), (right_turned, (_, columns)) = left, right
        a = self._joined(node, [a for a, _ in pairs], left_turned, 1)
        b = self._joined(node, [b for _, b in pairs], right_turned, 0)
        y = self._new(node, np.matmul, (a, b), Value((rows, columns), a.dtype))
        return self._turned(node, y) if turned else y

    def _joined(self, node: Node, values: list[Value], turned: bool, axis: int) -> Value:
        """Factors one after the other along what is summed over; as they are stored, then turned."""
        if len(values) == 1:
            return self._turned(node, values[0]) if turned else values[0]
        axis = 1 - axis if turned else axis
        shape = list(values[0].shape)
        shape[axis] *= len(values)
        y = self._new(node, np.concatenate, (values,), Value(tuple(shape), values[0].dtype), axis=axis)
        return self._turned(node, y) if turned else y

    def _turned(self, node: Node, value: Value) -> Value:
        return self._new(node, np.transpose, (value, (1, 0)), Value(value.shape[::-1], value.dtype))

    def _new(self, node: Node, function: Any, args: tuple[Any, ...], y: Value, **keywords: Any) -> Value:
        self.nodes.append(Node(function, args, keywords, (y,), (node.code, node.lasti)))
        return y


def _is_sum(node: Node) -> bool:
    """Is it a sum of two matrices of one shape and type?"""
    if node.function is not np.add or node.keywords or len(node.args) != 2:
        return False
    y = node.output
    return y.ndim == 2 and all(
        type(x) is Value and x.shape == y.shape and x.dtype == y.dtype for x in node.args
    )


def _turns(node: Node) -> bool:
    """Is it the transposition of a matrix?"""
    if node.function is not np.transpose or node.keywords or node.output.ndim != 2:
        return False
    return type(node.args[0]) is Value and (len(node.args) == 1 or node.args[1] in (None, (1, 0), [1, 0]))
