"""interpret: a graph run by NumPy, call after call: the reference, and what there is without native code."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..config import EAGER, using
from . import words
from .graph import Graph, Node, Value


class Interpreter:
    """A graph as a list of calls on numbered places; places are emptied after their last use.

    >>> from whence.compiler.graph import Graph, Node, Value
    >>> x, y = Value((2,), np.float64), Value((2,), np.float64)
    >>> run = Interpreter(Graph((x,), {}, (Node(np.exp, (x,), {}, (y,)),), (y,)))
    >>> run([np.zeros(2)])
    [array([1., 1.])]
    """

    def __init__(self, graph: Graph) -> None:
        self._places = {v: i for i, v in enumerate([*graph.inputs, *graph.constants])}
        self._constants = list(graph.constants.values())
        last: dict[Value, int] = {}
        for i, node in enumerate(graph.nodes):
            for v in (*node.operands, *node.outputs):
                last[v] = i
        kept = {*graph.inputs, *graph.constants, *graph.outputs}
        ends: dict[int, list[Value]] = {}
        for v, i in last.items():
            if v not in kept:
                ends.setdefault(i, []).append(v)
        self._steps = []
        for i, node in enumerate(graph.nodes):
            for v in node.outputs:
                self._places[v] = len(self._places)
            self._steps.append((self._call(node), node, [self._places[v] for v in ends.get(i, ())]))
        self._outputs = [self._places[v] for v in graph.outputs]

    def __call__(self, inputs: Sequence[Any]) -> list[Any]:
        """The outputs for these inputs."""
        places = [*inputs, *self._constants]
        places += [None] * (len(self._places) - len(places))
        with using(EAGER):
            for call, node, ended in self._steps:
                try:
                    call(places)
                except Exception as error:
                    if node.place is not None:
                        error.add_note(f"  in a compiled program: {node.name}, at {node.place}")
                    raise
                for i in ended:
                    places[i] = None
        return [places[i] for i in self._outputs]

    def _call(self, node: Node) -> Callable[[list[Any]], None]:
        function = node.function
        args = tuple([self._reader(part) for part in node.args])
        keywords = {name: self._reader(part) for name, part in node.keywords.items()}
        targets = [self._places[v] for v in node.outputs]
        weak = [v.weak for v in node.outputs]
        checked = not isinstance(function, np.ufunc) and not node.name.startswith("np.")

        def call(places: list[Any]) -> None:
            ys = function(
                *[read(places) for read in args], **{k: read(places) for k, read in keywords.items()}
            )
            ys = ys if isinstance(ys, (tuple, list)) else (ys,)
            if checked and any(np.shape(y) != v.shape for y, v in zip(ys, node.outputs, strict=True)):
                raise words.Departed
            for i, y, w in zip(targets, ys, weak, strict=True):
                places[i] = y.item() if w and isinstance(y, np.generic) else y

        return call

    def _reader(self, part: Any) -> Callable[[list[Any]], Any]:
        if type(part) is Value:
            place = self._places[part]
            return lambda places: places[place]
        if isinstance(part, (tuple, list)) and any(type(inner) is not int for inner in part):
            readers = [self._reader(inner) for inner in part]
            kind = getattr(part, "_make", type(part))
            return lambda places: kind([read(places) for read in readers])
        return lambda places: part


def interpreted(graph: Graph) -> Callable[[Sequence[Any]], list[Any]]:
    """A graph run by NumPy, its outputs in memory of their own."""
    run = Interpreter(graph)

    def execute(inputs: Sequence[Any]) -> list[Any]:
        seen = {id(x) for x in inputs} | {id(x) for x in graph.constants.values()}
        outputs = []
        for y in run(inputs):
            if isinstance(y, np.ndarray) and (y.base is not None or id(y) in seen):
                y = y.copy()
            seen.add(id(y))
            outputs.append(y)
        return outputs

    return execute
