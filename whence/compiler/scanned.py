"""scanned: a scan as one call of a program, and as one node of the graph of gradients.

The rule of the node is again a scan: of the cotangents, backward over the carries that the forward loop kept,
each step of it computing the inside of a step anew. It is recorded by the same means, so that it can be
differentiated again.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from ..config import enable_grad, mode
from ..core.function import Function
from ..core.graph import next_generation
from ..core.variable import Variable, constant, make
from ..ops.custom import identity
from ..transforms.outer import attach
from .bodies import Scan
from .steps import (
    Leaves,
    as_now,
    bare,
    check_same,
    cotangents,
    counts_of,
    edge_of,
    is_float,
    leaf,
    lifted,
    now_of,
    pinned_step,
    recorded_step,
    swept,
    variable_like,
    zero_like,
)  # fmt: skip


class Loop(NamedTuple):
    """What the gradient of a scan needs to know."""

    body: Callable[[Leaves, Leaves], tuple[Leaves, Leaves]]
    length: int
    reverse: bool
    count: Any
    carry: Leaves
    xs: Leaves
    past: Leaves  # for each carry what it was before each step
    kinds: list[bool]  # which carries are Variables
    through: list[int]  # carries that are differentiated through
    returned: list[int]  # results that are
    edges: dict[Any, Any]  # of what is captured


def scan(
    tracer: Any,
    body: Callable[[Leaves, Leaves], tuple[Leaves, Leaves]],
    carry: Leaves,
    xs: Leaves,
    length: int,
    reverse: bool,
    count: Any = None,
) -> tuple[Leaves, Leaves]:
    """Record ``carry, ys[i] = body(carry, xs[i])``; of ``length`` steps the first ``count``."""
    carry, width = [lifted(tracer, x) for x in carry], len(carry)
    xs = [lifted(tracer, x) for x in xs]
    at = 0 if not reverse else length - 1 if count is None else max(int(now_of(count)) - 1, 0)
    part, kinds = recorded_step(tracer, body, carry, xs, at)
    keys = part.drawn
    if keys:
        body, carry = pinned_step(body, keys), [*carry, *counts_of(tracer, keys)]
        part, kinds = recorded_step(tracer, body, carry, xs, at)
    deep = len(carry)
    edges = {edge: None for x in (*carry, *xs) if (edge := edge_of(x)) is not None} | part.edges
    results = part.results[deep:]
    differentiable = bool(edges) and mode().recording and any(is_float(y) for y in part.results)
    call = Scan(part.body, deep, len(xs), length, reverse, count is not None, differentiable)
    operands = [*map(bare, carry), *map(bare, xs), *part.captured, *(() if count is None else (count,))]
    outputs = list(tracer.emit(call, tuple(operands), {}))
    finals, ys, past = outputs[:deep], outputs[deep : deep + len(results)], outputs[deep + len(results) :]
    for key, final in zip(keys, finals[width:], strict=True):
        tracer.write(key, final)
    if differentiable:
        through = [i for i, y in enumerate(part.results[:deep]) if is_float(y)]
        returned = [i for i, y in enumerate(results) if is_float(y)]
        inputs = [as_now(x) for x in carry], [as_now(x) for x in xs]
        loop = Loop(body, length, reverse, count, *inputs, past, kinds, through, returned, part.edges)
        _attached(loop, finals, ys)
    finals = [variable_like(x, y) for x, y in zip(finals, part.results, strict=False)]
    return finals[:width], [variable_like(y, like) for y, like in zip(ys, results, strict=True)]


class Looped(Function):
    """The node of a scan in a program: its rule is a scan in the other direction."""

    __slots__ = ("loop",)
    loop: Loop
    label = "scan"  # type: ignore[assignment]

    def pull(self, g: Any, record: bool, wanted: Any = None) -> list[Any]:
        """The cotangents of what the loop began with, went along and captured."""
        gs = cotangents(self, g, record)
        found = _pulled_back(self.loop, gs, self._ports or (self,), self._kept, record)
        return [found.get(edge) for edge in self.edges]


def _attached(loop: Loop, finals: Leaves, ys: Leaves) -> None:
    """Put the node behind the results that are differentiated, which become Variables in the lists."""
    node = Looped()
    node.loop = loop
    edges = dict(loop.edges)
    for x in (*loop.carry, *loop.xs):
        edge = edge_of(x)
        if edge is not None:
            edges[edge] = x._data
    for values, where in ((finals, loop.through), (ys, loop.returned), (loop.past, loop.through)):
        for i in where:
            values[i] = make(values[i])
    outputs = [finals[i] for i in loop.through] + [ys[i] for i in loop.returned]
    outputs += [loop.past[i] for i in loop.through]
    attach(node, edges, outputs)
    for i in loop.through:  # no circle: the node knows its own outputs
        loop.past[i] = loop.past[i]._data


def _pulled_back(
    loop: Loop, gs: Leaves, ports: Sequence[Any], kept: Sequence[Any], record: bool
) -> dict[Any, Any]:
    """The cotangents by edge."""
    tracer, deep, wide = mode().tracer, len(loop.through), len(loop.returned)
    own = [make(y, port) if record else y for y, port in zip(kept, ports, strict=True)]
    past = list(loop.past)
    for i, x in zip(loop.through, own[deep + wide :], strict=True):
        past[i] = x
    start = [zero_like(tracer, y, record) if x is None else x for x, y in zip(gs, kept[:deep], strict=False)]
    start += [zero_like(tracer, value, record) for value in loop.edges.values()]
    late = [(i, x) for i, x in enumerate(gs[deep:]) if x is not None]
    xs = loop.xs if record else [bare(x) for x in loop.xs]
    back = _Back(loop, record, [i for i, _ in late])
    rows = [*past, *xs, *[x for _, x in late]]
    ends, of_xs = scan(tracer, back, start, rows, loop.length, not loop.reverse, loop.count)
    found: dict[Any, Any] = {}
    of_carry = zip([loop.carry[i] for i in loop.through], ends[:deep], strict=True)
    along = zip([loop.xs[i] for i in back.along], of_xs, strict=True)
    pairs = [(edge_of(x), part) for x, part in (*of_carry, *along)]
    pairs += zip(loop.edges, ends[deep:], strict=True)
    for edge, part in pairs:
        if edge is not None:
            part = constant(part) if record and not isinstance(part, Variable) else part
            found[edge] = found[edge] + part if edge in found else part
    return found


class _Back:
    """The step of the loop of cotangents: a step of the loop, swept through."""

    def __init__(self, loop: Loop, record: bool, late: list[int]) -> None:
        self.loop, self.record, self.late = loop, record, late
        self.along = [i for i, x in enumerate(loop.xs) if edge_of(x) is not None]

    def __call__(self, carry: Leaves, rows: Leaves) -> tuple[Leaves, Leaves]:
        """Cotangents of the carry before the step, from those after it; and of the xs."""
        loop, record, floor = self.loop, self.record, next_generation()
        deep, before, given = len(loop.through), len(loop.past), len(loop.past) + len(loop.xs)
        past = [
            self._opened(x, i in loop.through, k)
            for i, (x, k) in enumerate(zip(rows[:before], loop.kinds, strict=True))
        ]
        xs = [
            self._opened(x, i in self.along, isinstance(old, Variable))
            for i, (x, old) in enumerate(zip(rows[before:given], loop.xs, strict=True))
        ]
        late = dict(zip(self.late, rows[given:], strict=True))
        with enable_grad():
            new, ys = loop.body(past, xs)
        check_same(loop.edges, [*new, *ys], {x.edge for x in (*past, *xs) if isinstance(x, Variable)}, floor)
        seeds = [(new[i], g) for i, g in zip(loop.through, carry[:deep], strict=True)]
        seeds += [(ys[i], late[k]) for k, i in enumerate(loop.returned) if k in late]
        inputs = [past[i] for i in loop.through] + [xs[i] for i in self.along]
        parts = swept(seeds, [(x.edge, x._data) for x in inputs], loop.edges, record, floor)
        tracer = mode().tracer
        filled = [
            zero_like(tracer, x, record) if part is None else part
            for x, part in zip([*inputs, *loop.edges.values()], parts, strict=True)
        ]
        of_past = [
            part + late[len(loop.returned) + k] if len(loop.returned) + k in late else part
            for k, part in enumerate(filled[:deep])
        ]
        captured = filled[len(inputs) :]
        of_captured = [old + part for old, part in zip(carry[deep:], captured, strict=True)]
        return [*of_past, *of_captured], filled[deep : len(inputs)]

    def _opened(self, x: Any, follows: bool, variable: bool) -> Any:
        """A value of the step as a fresh input of the graph that is swept."""
        if not follows:
            return constant(bare(x)) if variable else bare(x)
        if self.record and isinstance(x, Variable):
            with enable_grad():
                return identity.apply(x)
        return leaf(bare(x))
