"""steps: bodies of loops and branches, recorded; and swept, for their gradients."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..config import enable_grad, mode, using
from ..core.function import Function
from ..core.graph import Constant, next_generation
from ..core.origin import called_at
from ..core.sweep import conform
from ..core.variable import Variable, constant, make
from ..errors import GraphError, TraceError
from ..transforms.outer import outer_edges, pull_outward
from . import words
from .bodies import Body, trimmed
from .graph import Graph
from .inner import Inner
from .passes import optimized
from .traced import Traced

Leaves = list[Any]


class Part(NamedTuple):
    """A body that was recorded."""

    body: Body
    captured: list[Any]  # Traced values from outside, its last operands
    results: Leaves  # as the body returned them
    edges: dict[Any, Any]  # of Variables from outside that they depend on, with their values
    drawn: list[Any]  # the keys of counts that it changed


def recorded_part(
    outer: Any, function: Callable[[Leaves], Leaves], nows: Sequence[Any], kinds: Sequence[bool], hoists: bool
) -> Part:
    """``function`` of values like ``nows``, Variables where ``kinds`` says so."""
    inner = Inner(outer, hoists)
    floor = next_generation()
    with using(mode()._replace(tracer=inner)), np.errstate(all="ignore"):
        given = [_given(inner, now, kind) for now, kind in zip(nows, kinds, strict=True)]
        symbols = [bare(x).symbol for x in given]  # before anything is written to
        results = [strong(x) for x in function(given)]
        outputs = [
            inner._symbols(np.asarray(y)[()] if np.ndim(y) == 0 else y)
            if not isinstance(y, Traced)
            else inner._symbols(y)
            for y in map(bare, results)
        ]
    inner.closed = True
    for held in outer.held.values():
        if isinstance(held.variable._data, Traced) and held.variable._data.recorder is inner:
            held.variable._data = held.cell.now
            raise TraceError(
                f"{held.cell.label} is changed in the body of a loop or branch{called_at()}\n"
                "  → make it a part of the carry, and assign it after the loop"
            )
    targets = {x.edge for x in given if isinstance(x, Variable)}
    edges = _outside(results, targets, floor, inner)
    pairs = list(inner.captured.values())
    graph = optimized(Graph([*symbols, *[s for _, s in pairs]], inner.constants, inner.nodes, outputs))
    live = {v for node in graph.nodes for v in node.operands} | set(graph.outputs)
    pairs = [(x, s) for x, s in pairs if s in live]
    graph = Graph([*symbols, *[s for _, s in pairs]], graph.constants, graph.nodes, graph.outputs)
    return Part(Body(trimmed(graph), outer.build), [x for x, _ in pairs], results, edges, list(inner.drawn))


def _given(inner: Inner, now: Any, kind: bool) -> Any:
    x = inner.argument(np.asarray(now)[()])
    return leaf(x) if kind else x


def leaf(data: Any) -> Variable:
    """A Variable that a gradient is wanted for."""
    v = make(data)
    v.edge = v._leaf()
    return v


def bare(x: Any) -> Any:
    """The value, without what it remembers."""
    return x._data if isinstance(x, Variable) else x


def now_of(x: Any) -> Any:
    """The value of this run."""
    x = bare(x)
    return x.now if isinstance(x, Traced) else x


def strong(x: Any) -> Any:
    """A value of its own type; a Python number is one of float64 or int64."""
    return x.astype(x.dtype) if isinstance(x, Traced) and x.symbol.weak else x


def edge_of(v: Any) -> Any:
    """A Variable's edge; None for what no gradient is wanted for."""
    if not isinstance(v, Variable):
        return None
    if v.edge is None:
        v.edge = v._leaf()
    return None if type(v.edge) is Constant or v._data.dtype.kind not in "fc" else v.edge


def as_now(x: Any) -> Any:
    """A leaf as it is now, whatever is assigned to the Variable later."""
    if not isinstance(x, Variable):
        return x
    edge = edge_of(x)
    return constant(x._data) if edge is None else make(x._data, edge)


def is_float(x: Any) -> bool:
    """Is it a Variable that can have a gradient?"""
    return isinstance(x, Variable) and x._data.dtype.kind in "fc"


def zero_like(tracer: Any, like: Any, record: bool) -> Any:
    """A cotangent of zeros."""
    zero = tracer.emit(words.full, (like.shape, 0.0, like.dtype), {})
    return constant(zero) if record else zero


def cotangents(node: Function, g: Any, record: bool) -> Leaves:
    """One for each output, of its shape and type; None for zero."""
    gs = g if isinstance(g, list) else [g]
    gs = [x if x is None else conform(x, y, node) for x, y in zip(gs, node._kept, strict=True)]
    return [constant(x) if record and x is not None and not isinstance(x, Variable) else x for x in gs]


class Pinned:
    """A function of leaves whose counts of draws are leaves, too: the last it is given and returns."""

    def __init__(self, function: Callable[[Leaves], Leaves], keys: Sequence[Any]) -> None:
        self.function, self.keys = function, keys

    def __call__(self, leaves: Leaves) -> Leaves:
        """Run it with these counts."""
        tracer, width = mode().tracer, len(leaves) - len(self.keys)
        before, drawn = dict(tracer.pinned), dict(tracer.drawn)
        tracer.pinned.update(zip(self.keys, map(bare, leaves[width:]), strict=True))
        try:
            results = self.function(leaves[:width])
            return [*results, *[tracer.pinned[key] for key in self.keys]]
        finally:
            tracer.pinned, tracer.drawn = before, drawn


def counts_of(tracer: Any, keys: Iterable[Any]) -> Leaves:
    """The counts of draws at this point."""
    return [strong(tracer.state(key, "the draws of a stream", None)) for key in keys]


def lifted(tracer: Any, x: Any) -> Any:
    """A leaf as the program knows it."""
    tracer.lift((x,))
    if isinstance(x, Variable):
        return x
    return strong(x) if isinstance(x, Traced) else x


def variable_like(x: Any, like: Any) -> Any:
    """A result, a Variable where ``like`` is one."""
    return constant(x) if isinstance(like, Variable) and not isinstance(x, Variable) else x


def recorded_step(tracer: Any, body: Any, carry: Leaves, xs: Leaves, at: int) -> tuple[Part, list[bool]]:
    """The recorded step; carries that become Variables on the way are Variables from the start."""
    deep = len(carry)
    nows = [*map(now_of, carry), *[now_of(x)[at] for x in xs]]
    kinds = [isinstance(x, Variable) for x in (*carry, *xs)]

    def flat(leaves: Leaves) -> Leaves:
        new, ys = body(leaves[:deep], leaves[deep:])
        return [*new, *ys]

    while True:
        part = recorded_part(tracer, flat, nows, kinds, True)
        found = [k or isinstance(y, Variable) for k, y in zip(kinds[:deep], part.results, strict=False)]
        if found == kinds[:deep]:
            return part, found
        kinds[:deep] = found


def pinned_step(body: Any, keys: Sequence[Any]) -> Any:
    """A step whose carry has the counts of draws at its end."""

    def step(carry: Leaves, xs: Leaves) -> tuple[Leaves, Leaves]:
        ys: Leaves = []

        def one(leaves: Leaves) -> Leaves:
            new, ys[:] = body(leaves, xs)
            return new

        return Pinned(one, keys)(carry), ys

    return step


def swept(
    seeds: Sequence[tuple[Any, Any]], inputs: Sequence[Any], edges: dict[Any, Any], record: bool, floor: int
) -> Leaves:
    """Cotangents of inputs and of what is captured; None for zero."""
    ends = [*inputs, *edges.items()]
    node: Any = _node([e for e, _ in ends], [v for _, v in ends])
    started = [(y.edge, g) for y, g in seeds if edge_of(y) is not None]
    if not started:
        return [None] * len(ends)
    with enable_grad():
        return pull_outward(node, started, record, floor)


def _node(edges: Sequence[Any], values: Sequence[Any]) -> Any:
    node = Function()
    node.edges, node._values = tuple(edges), tuple(values)
    return node


def _outside(results: Leaves, targets: set[Any], floor: int, inner: Any) -> dict[Any, Any]:
    """The edges from outside that results depend on, with their values.

    What the body makes while nothing is recorded (under ``no_grad``) looks like an input, and is none.
    """
    found = outer_edges([y for y in results if isinstance(y, Variable)], targets, floor)
    return {e: v for e, v in found.items() if not (isinstance(v, Traced) and v.recorder is inner)}


def check_same(edges: dict[Any, Any], results: Leaves, targets: set[Any], floor: int) -> None:
    """Refused: what is captured is no longer what it was in the forward loop."""
    now = _outside(results, targets, floor, mode().tracer)
    for edge, value in now.items():
        old = edges.get(edge)
        changed = isinstance(value, Traced) and isinstance(old, Traced) and old.symbol is not value.symbol
        if edge not in edges or changed:
            raise GraphError(
                f"what the body of a loop uses from outside was changed before its gradient{called_at()}\n"
                "  → differentiate before the update; pass what changes as carry or xs"
            )
