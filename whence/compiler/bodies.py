"""bodies: loops and branches as calls of a program: graphs that one node runs, step after step."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from .graph import Graph, Node
from .passes import optimized, without_dead

Executable = Callable[[Sequence[Any]], list[Any]]


class Body:
    """A graph inside a node, built when it first runs.

    The inputs are the changing ones, then those that the loop captures.
    """

    def __init__(self, graph: Graph, build: Callable[[Graph], Executable]) -> None:
        self.graph, self._build = trimmed(optimized(graph)), build

    @cached_property
    def run(self) -> Executable:
        """The program of one step."""
        return self._build(self.graph)


class Scan:
    """``carry, ys[i] = body(carry, xs[i], captured)``; with ``counted`` only the first so many steps.

    Called with the carries, the ``xs``, what is captured and the count. Gives the last carries, the ``ys``
    stacked, and (``history``) for each step the carry that it was given.
    """

    label = "scan"

    def __init__(
        self, body: Body, carries: int, xs: int, length: int, reverse: bool, counted: bool, history: bool
    ) -> None:
        self.body, self.carries, self.xs, self.length = body, carries, xs, length
        self.reverse, self.counted, self.history = reverse, counted, history

    def __call__(self, *operands: Any) -> tuple[Any, ...]:
        """Run it."""
        count = self.length
        if self.counted:
            *operands, count = operands  # type: ignore[assignment]
            count = int(count)
        carry, xs = _arrays(operands[: self.carries]), operands[self.carries : self.carries + self.xs]
        captured = operands[self.carries + self.xs :]
        make = np.zeros if count < self.length else np.empty
        ys = [make((self.length, *v.shape), v.dtype) for v in self.body.graph.outputs[self.carries :]]
        past = [make((self.length, *c.shape), c.dtype) for c in carry] if self.history else []
        run = self.body.run
        for i in range(count - 1, -1, -1) if self.reverse else range(count):
            for kept, c in zip(past, carry, strict=bool(past)) if past else ():
                kept[i] = c
            found = run([*carry, *[x[i] for x in xs], *captured])
            carry = found[: self.carries]
            for y, row in zip(ys, found[self.carries :], strict=True):
                y[i] = row
        return (*carry, *ys, *past)

    def without_history(self) -> Scan:
        """The same, of which nobody takes the carries of all steps."""
        return Scan(self.body, self.carries, self.xs, self.length, self.reverse, self.counted, False)


class While:
    """``carry = body(carry)`` as long as the condition holds.

    The body gives the new carry and whether to go on. Called with the carries and what is captured. Gives the
    last carries and the number of steps.
    """

    label = "while_loop"

    def __init__(self, asked: Body, of_asked: Sequence[int], body: Body, carries: int) -> None:
        self.asked, self.of_asked, self.body, self.carries = asked, of_asked, body, carries

    def __call__(self, *operands: Any) -> tuple[Any, ...]:
        """Run it."""
        carry, captured = _arrays(operands[: self.carries]), operands[self.carries :]
        (goes_on,) = self.asked.run([*carry, *[captured[i] for i in self.of_asked]])
        captured = captured[len(self.of_asked) :]
        count, run = 0, self.body.run
        while goes_on:
            *carry, goes_on = run([*carry, *captured])
            count += 1
        return (*carry, np.int64(count))


class Branches:
    """One of two graphs: called with the predicate, what the first captures and what the second does."""

    label = "cond"

    def __init__(self, true: Body, false: Body) -> None:
        self.true, self.false = true, false

    def __call__(self, predicate: Any, *captured: Any) -> tuple[Any, ...]:
        """Run the one that is taken."""
        width = len(self.true.graph.inputs)
        if predicate:
            return tuple(self.true.run(captured[:width]))
        return tuple(self.false.run(captured[width:]))


def _arrays(carry: Sequence[Any]) -> list[Any]:
    """Python's numbers as NumPy's, which have a type of their own."""
    return [np.float64(c) if type(c) is float else np.asarray(c)[()] for c in carry]


def trimmed(graph: Graph) -> Graph:
    """Scans whose history nobody takes do not keep it."""
    live = {v for node in graph.nodes for v in node.operands} | set(graph.outputs)
    nodes = []
    for node in graph.nodes:
        call = node.function
        if isinstance(call, Scan) and call.history and live.isdisjoint(node.outputs[-call.carries :]):
            outputs, origin = node.outputs[: -call.carries], (node.code, node.lasti)
            node = Node(
                call.without_history(), node.args, node.keywords, outputs, origin, node.pure, node.seconds
            )
        nodes.append(node)
    return without_dead(Graph(graph.inputs, graph.constants, nodes, graph.outputs))
