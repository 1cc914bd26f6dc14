"""control: scan, while_loop and cond as calls of a program, and as nodes of the graph of gradients.

A body is recorded once, at the shapes of a step. Where gradients are wanted, a node stands for the whole loop,
and its rule is again a loop: of the cotangents, backward over the carries that the forward loop kept, each
step of it computing the inside of a step anew. That loop is recorded by the same means, so that it can be
differentiated again. A while loop is differentiated as a scan of as many steps as it made; the room for their
carries is part of the program, which departs where it is too small.
"""

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
from ..ops.custom import identity
from ..transforms.outer import attach, outer_edges, pull_outward
from . import words
from .bodies import Body, Branches, Scan, While, trimmed
from .graph import Graph
from .inner import Inner
from .passes import optimized
from .traced import Traced

Leaves = list[Any]
ROOM = 64  # steps that a while loop's carries are kept for, at least


class Part(NamedTuple):
    """A body that was recorded."""

    body: Body
    captured: list[Any]  # Traced values from outside, its last operands
    results: Leaves  # as the body returned them
    edges: dict[Any, Any]  # of Variables from outside that they depend on, with their values
    drawn: list[Any]  # the keys of counts that it changed


def _recorded(
    outer: Any, function: Callable[[Leaves], Leaves], nows: Sequence[Any], kinds: Sequence[bool], hoists: bool
) -> Part:
    """``function`` of values like ``nows``, Variables where ``kinds`` says so."""
    inner = Inner(outer, hoists)
    floor = next_generation()
    with using(mode()._replace(tracer=inner)), np.errstate(all="ignore"):
        given = [_given(inner, now, kind) for now, kind in zip(nows, kinds, strict=True)]
        symbols = [_bare(x).symbol for x in given]  # before anything is written to
        results = [_strong(x) for x in function(given)]
        outputs = [
            inner._symbols(np.asarray(y)[()] if np.ndim(y) == 0 else y)
            if not isinstance(y, Traced)
            else inner._symbols(y)
            for y in map(_bare, results)
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
    edges = outer_edges([y for y in results if isinstance(y, Variable)], targets, floor)
    pairs = list(inner.captured.values())
    graph = optimized(Graph([*symbols, *[s for _, s in pairs]], inner.constants, inner.nodes, outputs))
    live = {v for node in graph.nodes for v in node.operands} | set(graph.outputs)
    pairs = [(x, s) for x, s in pairs if s in live]
    graph = Graph([*symbols, *[s for _, s in pairs]], graph.constants, graph.nodes, graph.outputs)
    return Part(Body(trimmed(graph), outer.build), [x for x, _ in pairs], results, edges, list(inner.drawn))


def _given(inner: Inner, now: Any, kind: bool) -> Any:
    x = inner.argument(np.asarray(now)[()])
    return _leaf(x) if kind else x


def _leaf(data: Any) -> Variable:
    v = make(data)
    v.edge = v._leaf()
    return v


def _bare(x: Any) -> Any:
    return x._data if isinstance(x, Variable) else x


def _now(x: Any) -> Any:
    x = _bare(x)
    return x.now if isinstance(x, Traced) else x


def _strong(x: Any) -> Any:
    """A value of its own type; a Python number is one of float64 or int64."""
    return x.astype(x.dtype) if isinstance(x, Traced) and x.symbol.weak else x


def _edge(v: Any) -> Any:
    """A Variable's edge; None for what no gradient is wanted for."""
    if not isinstance(v, Variable):
        return None
    if v.edge is None:
        v.edge = v._leaf()
    return None if type(v.edge) is Constant or v._data.dtype.kind not in "fc" else v.edge


def _kept(x: Any) -> Any:
    """A leaf as it is now, whatever is assigned to the Variable later."""
    if not isinstance(x, Variable):
        return x
    edge = _edge(x)
    return constant(x._data) if edge is None else make(x._data, edge)


def _is_float(x: Any) -> bool:
    return isinstance(x, Variable) and x._data.dtype.kind in "fc"


def _zero(tracer: Any, like: Any, record: bool) -> Any:
    zero = tracer.emit(words.full, (like.shape, 0.0, like.dtype), {})
    return constant(zero) if record else zero


def _cotangents(node: Function, g: Any, record: bool) -> Leaves:
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
        tracer.pinned.update(zip(self.keys, map(_bare, leaves[width:]), strict=True))
        try:
            results = self.function(leaves[:width])
            return [*results, *[tracer.pinned[key] for key in self.keys]]
        finally:
            tracer.pinned, tracer.drawn = before, drawn


def _counts(tracer: Any, keys: Iterable[Any]) -> Leaves:
    return [_strong(tracer.state(key, "the draws of a stream", None)) for key in keys]


# --- scan ----------------------------------------------------------------------------------------------


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
    carry, width = [_lifted(tracer, x) for x in carry], len(carry)
    xs = [_lifted(tracer, x) for x in xs]
    at = 0 if not reverse else length - 1 if count is None else max(int(_now(count)) - 1, 0)
    part, kinds = _step(tracer, body, carry, xs, at)
    keys = part.drawn
    if keys:
        body, carry = _pinned_step(body, keys), [*carry, *_counts(tracer, keys)]
        part, kinds = _step(tracer, body, carry, xs, at)
    deep = len(carry)
    edges = {edge: None for x in (*carry, *xs) if (edge := _edge(x)) is not None} | part.edges
    results = part.results[deep:]
    differentiable = bool(edges) and any(_is_float(y) for y in part.results)
    call = Scan(part.body, deep, len(xs), length, reverse, count is not None, differentiable)
    operands = [*map(_bare, carry), *map(_bare, xs), *part.captured, *(() if count is None else (count,))]
    outputs = list(tracer.emit(call, tuple(operands), {}))
    finals, ys, past = outputs[:deep], outputs[deep : deep + len(results)], outputs[deep + len(results) :]
    for key, final in zip(keys, finals[width:], strict=True):
        tracer.write(key, final)
    if differentiable:
        through = [i for i, y in enumerate(part.results[:deep]) if _is_float(y)]
        returned = [i for i, y in enumerate(results) if _is_float(y)]
        inputs = [_kept(x) for x in carry], [_kept(x) for x in xs]
        loop = Loop(body, length, reverse, count, *inputs, past, kinds, through, returned, part.edges)
        _attached(loop, finals, ys)
    finals = [_like(x, y) for x, y in zip(finals, part.results, strict=False)]
    return finals[:width], [_like(y, like) for y, like in zip(ys, results, strict=True)]


def _lifted(tracer: Any, x: Any) -> Any:
    """A leaf as the program knows it."""
    tracer.lift((x,))
    if isinstance(x, Variable):
        return x
    return _strong(x) if isinstance(x, Traced) else x


def _like(x: Any, like: Any) -> Any:
    return constant(x) if isinstance(like, Variable) and not isinstance(x, Variable) else x


def _step(tracer: Any, body: Any, carry: Leaves, xs: Leaves, at: int) -> tuple[Part, list[bool]]:
    """The recorded step; carries that become Variables on the way are Variables from the start."""
    deep = len(carry)
    nows = [*map(_now, carry), *[_now(x)[at] for x in xs]]
    kinds = [isinstance(x, Variable) for x in (*carry, *xs)]

    def flat(leaves: Leaves) -> Leaves:
        new, ys = body(leaves[:deep], leaves[deep:])
        return [*new, *ys]

    while True:
        part = _recorded(tracer, flat, nows, kinds, True)
        found = [k or isinstance(y, Variable) for k, y in zip(kinds[:deep], part.results, strict=False)]
        if found == kinds[:deep]:
            return part, found
        kinds[:deep] = found


def _pinned_step(body: Any, keys: Sequence[Any]) -> Any:
    def step(carry: Leaves, xs: Leaves) -> tuple[Leaves, Leaves]:
        ys: Leaves = []

        def one(leaves: Leaves) -> Leaves:
            new, ys[:] = body(leaves, xs)
            return new

        return Pinned(one, keys)(carry), ys

    return step


class Looped(Function):
    """The node of a scan in a program: its rule is a scan in the other direction."""

    __slots__ = ("loop",)
    loop: Loop
    label = "scan"  # type: ignore[assignment]

    def pull(self, g: Any, record: bool, wanted: Any = None) -> list[Any]:
        """The cotangents of what the loop began with, went along and captured."""
        gs = _cotangents(self, g, record)
        found = _pulled_back(self.loop, gs, self._ports or (self,), self._kept, record)
        return [found.get(edge) for edge in self.edges]


def _attached(loop: Loop, finals: Leaves, ys: Leaves) -> None:
    """Put the node behind the results that are differentiated, which become Variables in the lists."""
    node = Looped()
    node.loop = loop
    edges = dict(loop.edges)
    for x in (*loop.carry, *loop.xs):
        edge = _edge(x)
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
    start = [_zero(tracer, y, record) if x is None else x for x, y in zip(gs, kept[:deep], strict=False)]
    start += [_zero(tracer, value, record) for value in loop.edges.values()]
    late = [(i, x) for i, x in enumerate(gs[deep:]) if x is not None]
    xs = loop.xs if record else [_bare(x) for x in loop.xs]
    back = _Back(loop, record, [i for i, _ in late])
    rows = [*past, *xs, *[x for _, x in late]]
    ends, of_xs = scan(tracer, back, start, rows, loop.length, not loop.reverse, loop.count)
    found: dict[Any, Any] = {}
    of_carry = zip([loop.carry[i] for i in loop.through], ends[:deep], strict=True)
    along = zip([loop.xs[i] for i in back.along], of_xs, strict=True)
    pairs = [(_edge(x), part) for x, part in (*of_carry, *along)]
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
        self.along = [i for i, x in enumerate(loop.xs) if _edge(x) is not None]

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
        _check_same(loop.edges, [*new, *ys], {x.edge for x in (*past, *xs) if isinstance(x, Variable)}, floor)
        seeds = [(new[i], g) for i, g in zip(loop.through, carry[:deep], strict=True)]
        seeds += [(ys[i], late[k]) for k, i in enumerate(loop.returned) if k in late]
        inputs = [past[i] for i in loop.through] + [xs[i] for i in self.along]
        parts = _swept(seeds, [(x.edge, x._data) for x in inputs], loop.edges, record, floor)
        tracer = mode().tracer
        filled = [
            _zero(tracer, x, record) if part is None else part
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
            return constant(_bare(x)) if variable else _bare(x)
        if self.record and isinstance(x, Variable):
            with enable_grad():
                return identity.apply(x)
        return _leaf(_bare(x))


def _swept(
    seeds: Sequence[tuple[Any, Any]], inputs: Sequence[Any], edges: dict[Any, Any], record: bool, floor: int
) -> Leaves:
    """Cotangents of inputs and of what is captured; None for zero."""
    ends = [*inputs, *edges.items()]
    node: Any = _node([e for e, _ in ends], [v for _, v in ends])
    started = [(y.edge, g) for y, g in seeds if _edge(y) is not None]
    if not started:
        return [None] * len(ends)
    with enable_grad():
        return pull_outward(node, started, record, floor)


def _node(edges: Sequence[Any], values: Sequence[Any]) -> Any:
    node = Function()
    node.edges, node._values = tuple(edges), tuple(values)
    return node


def _check_same(edges: dict[Any, Any], results: Leaves, targets: set[Any], floor: int) -> None:
    """Refused: what is captured is no longer what it was in the forward loop."""
    now = outer_edges([y for y in results if isinstance(y, Variable)], targets, floor)
    for edge, value in now.items():
        old = edges.get(edge)
        changed = isinstance(value, Traced) and isinstance(old, Traced) and old.symbol is not value.symbol
        if edge not in edges or changed:
            raise GraphError(
                f"what the body of a loop uses from outside was changed before its gradient{called_at()}\n"
                "  → differentiate before the update; pass what changes as carry or xs"
            )


# --- while_loop ----------------------------------------------------------------------------------------


class Whiled(Function):
    """The node of a while loop: differentiated as a scan of as many steps."""

    __slots__ = ("body", "carry", "count", "kept")
    body: Any
    carry: Leaves
    count: Traced
    kept: list[int]
    label = "while_loop"  # type: ignore[assignment]

    def pull(self, g: Any, record: bool, wanted: Any = None) -> list[Any]:
        """The cotangents of the first carry and of what is captured."""
        tracer, floor, room = mode().tracer, next_generation(), ROOM
        while room < 2 * int(_now(self.count)):
            room *= 4
        tracer.depart_if(np.greater(self.count, room))
        with enable_grad():
            finals, _ = scan(tracer, self.body, self.carry, [], room, False, self.count)
        gs = _cotangents(self, g, record)
        seeds = [(finals[i], x) for i, x in zip(self.kept, gs, strict=True) if x is not None]
        return _swept(seeds, [], dict(self.operands()), record, floor)


def while_loop(
    tracer: Any, proceed: Callable[[Leaves], Any], step: Callable[[Leaves], Leaves], carry: Leaves
) -> Leaves:
    """Record ``carry = step(carry)`` as long as ``proceed(carry)``."""
    carry, width = [_lifted(tracer, x) for x in carry], len(carry)

    def body(leaves: Leaves, _: Leaves) -> tuple[Leaves, Leaves]:
        return step(leaves), []

    def and_asked(state: Leaves, _: Leaves) -> tuple[Leaves, Leaves]:
        new, _ = body(state, [])
        return new, [_bare(proceed(new[:width]))]

    kinds = [isinstance(x, Variable) for x in carry]
    asked = _recorded(tracer, lambda xs: [_bare(proceed(xs))], list(map(_now, carry)), kinds, True)
    if asked.drawn:
        raise TraceError(f"while_loop: the condition draws random numbers{called_at()}\n  → draw in the body")
    part, _ = _step(tracer, and_asked, carry, [], 0)
    keys = part.drawn
    if keys:
        carry = [*carry, *_counts(tracer, keys)]
        body = _pinned_step(body, keys)
        part, _ = _step(tracer, and_asked, carry, [], 0)
        kinds = [*kinds, *[False] * len(keys)]
        asked = _recorded(
            tracer, lambda xs: [_bare(proceed(xs[:width]))], list(map(_now, carry)), kinds, True
        )
    call = While(asked.body, range(len(asked.captured)), part.body, len(carry))
    operands = (*map(_bare, carry), *asked.captured, *part.captured)
    *finals, count = tracer.emit(call, operands, {})
    for key, final in zip(keys, finals[width:], strict=True):
        tracer.write(key, final)
    edges = dict(part.edges) | {edge: x._data for x in carry if (edge := _edge(x)) is not None}
    kept = [i for i, y in enumerate(part.results[: len(carry)]) if _is_float(y)]
    if edges and kept:
        node = Whiled()
        node.body, node.carry, node.count, node.kept = body, [_kept(x) for x in carry], count, kept
        for i in kept:
            finals[i] = make(finals[i])
        attach(node, edges, [finals[i] for i in kept])
    return [_like(x, y) for x, y in zip(finals, part.results, strict=False)][:width]


# --- cond ------------------------------------------------------------------------------------------------


class Chosen(Function):
    """The node of a branch: its rule is a branch again."""

    __slots__ = ("branches", "kept", "predicate")
    branches: Any
    kept: list[int]
    predicate: Any
    label = "cond"  # type: ignore[assignment]

    def pull(self, g: Any, record: bool, wanted: Any = None) -> list[Any]:
        """The cotangents of what either branch captures."""
        gs = _cotangents(self, g, record)
        edges = dict(self.operands())

        def back(branch: Any) -> Any:
            def pulled() -> Leaves:
                floor = next_generation()
                with enable_grad():
                    results = branch()
                _check_same(edges, results, set(), floor)
                seeds = [(results[i], x) for i, x in zip(self.kept, gs, strict=True) if x is not None]
                parts = _swept(seeds, [], edges, record, floor)
                tracer = mode().tracer
                return [
                    _zero(tracer, value, record) if part is None else part
                    for part, value in zip(parts, edges.values(), strict=True)
                ]

            return pulled

        parts = cond(mode().tracer, self.predicate, *map(back, self.branches), lambda results: None)
        return [constant(x) if record and not isinstance(x, Variable) else x for x in parts]


def cond(
    tracer: Any,
    predicate: Any,
    true: Callable[[], Leaves],
    false: Callable[[], Leaves],
    alike: Callable[[Sequence[Leaves]], None],
) -> Leaves:
    """Record one of two branches."""
    branches: list[Any] = [true, false]
    parts = [_recorded(tracer, _called(branch), [], [], False) for branch in branches]
    keys = list(dict.fromkeys(key for part in parts for key in part.drawn))
    width = len(parts[0].results)
    alike([part.results for part in parts])
    if keys:
        counts = _counts(tracer, keys)
        pinned = [Pinned(_called(branch), keys) for branch in branches]
        parts = [_recorded(tracer, _called(p, counts), [], [], False) for p in pinned]
        branches = [_first(p, counts, width) for p in pinned]
    call = Branches(parts[0].body, parts[1].body)
    results = list(tracer.emit(call, (predicate, *parts[0].captured, *parts[1].captured), {}))
    for key, count in zip(keys, results[width:], strict=True):
        tracer.write(key, count)
    edges = parts[0].edges | parts[1].edges
    pairs = list(zip(parts[0].results, parts[1].results, strict=True))[:width]
    kept = [i for i, (a, b) in enumerate(pairs) if _is_float(a) or _is_float(b)]
    if edges and kept:
        node = Chosen()
        node.branches, node.kept, node.predicate = branches, kept, predicate
        for i in kept:
            results[i] = make(results[i])
        attach(node, edges, [results[i] for i in kept])
    return [_like(_like(x, a), b) for x, (a, b) in zip(results, pairs, strict=False)]


def _called(branch: Callable[..., Leaves], given: Leaves | None = None) -> Callable[[Leaves], Leaves]:
    return lambda _: branch() if given is None else branch(given)


def _first(branch: Callable[[Leaves], Leaves], given: Leaves, width: int) -> Callable[[], Leaves]:
    return lambda: branch(given)[:width]
