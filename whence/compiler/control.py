"""control: scan, while_loop and cond, as ``compile`` records them.

A body is recorded once, at the shapes of a step, and is a graph inside one call of the program. A while loop
is
differentiated as a scan of as many steps as it made; the room for their carries is part of the program,
which departs where it is too small.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..config import enable_grad, mode
from ..core.function import Function
from ..core.graph import next_generation
from ..core.origin import called_at
from ..core.variable import Variable, constant, make
from ..errors import TraceError
from ..transforms.outer import attach
from .bodies import Branches, While
from .scanned import scan as scan
from .steps import (
    Leaves,
    Pinned,
    as_now,
    bare,
    check_same,
    cotangents,
    counts_of,
    edge_of,
    is_float,
    lifted,
    now_of,
    pinned_step,
    recorded_part,
    recorded_step,
    swept,
    variable_like,
    zero_like,
)  # fmt: skip
from .traced import Traced

ROOM = 64  # steps that a while loop's carries are kept for, at least


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
        while room < 2 * int(now_of(self.count)):
            room *= 4
        tracer.depart_if(np.greater(self.count, room))
        with enable_grad():
            finals, _ = scan(tracer, self.body, self.carry, [], room, False, self.count)
        gs = cotangents(self, g, record)
        seeds = [(finals[i], x) for i, x in zip(self.kept, gs, strict=True) if x is not None]
        return swept(seeds, [], dict(self.operands()), record, floor)


def while_loop(
    tracer: Any, proceed: Callable[[Leaves], Any], step: Callable[[Leaves], Leaves], carry: Leaves
) -> Leaves:
    """Record ``carry = step(carry)`` as long as ``proceed(carry)``."""
    carry, width = [lifted(tracer, x) for x in carry], len(carry)

    def body(leaves: Leaves, _: Leaves) -> tuple[Leaves, Leaves]:
        return step(leaves), []

    def and_asked(state: Leaves, _: Leaves) -> tuple[Leaves, Leaves]:
        new, _ = body(state, [])
        return new, [bare(proceed(new[:width]))]

    kinds = [isinstance(x, Variable) for x in carry]
    asked = recorded_part(tracer, lambda xs: [bare(proceed(xs))], list(map(now_of, carry)), kinds, True)
    if asked.drawn:
        raise TraceError(f"while_loop: the condition draws random numbers{called_at()}\n  → draw in the body")
    part, _ = recorded_step(tracer, and_asked, carry, [], 0)
    keys = part.drawn
    if keys:
        carry = [*carry, *counts_of(tracer, keys)]
        body = pinned_step(body, keys)
        part, _ = recorded_step(tracer, and_asked, carry, [], 0)
        kinds = [*kinds, *[False] * len(keys)]
        asked = recorded_part(
            tracer, lambda xs: [bare(proceed(xs[:width]))], list(map(now_of, carry)), kinds, True
        )
    call = While(asked.body, range(len(asked.captured)), part.body, len(carry))
    operands = (*map(bare, carry), *asked.captured, *part.captured)
    *finals, count = tracer.emit(call, operands, {})
    for key, final in zip(keys, finals[width:], strict=True):
        tracer.write(key, final)
    edges = dict(part.edges) | {edge: x._data for x in carry if (edge := edge_of(x)) is not None}
    kept = [i for i, y in enumerate(part.results[: len(carry)]) if is_float(y)]
    if edges and kept and mode().recording:
        node = Whiled()
        node.body, node.carry, node.count, node.kept = body, [as_now(x) for x in carry], count, kept
        for i in kept:
            finals[i] = make(finals[i])
        attach(node, edges, [finals[i] for i in kept])
    return [variable_like(x, y) for x, y in zip(finals, part.results, strict=False)][:width]


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
        gs = cotangents(self, g, record)
        edges = dict(self.operands())

        def back(branch: Any) -> Any:
            def pulled() -> Leaves:
                floor = next_generation()
                with enable_grad():
                    results = branch()
                check_same(edges, results, set(), floor)
                seeds = [(results[i], x) for i, x in zip(self.kept, gs, strict=True) if x is not None]
                parts = swept(seeds, [], edges, record, floor)
                tracer = mode().tracer
                return [
                    zero_like(tracer, value, record) if part is None else part
                    for part, value in zip(parts, edges.values(), strict=True)
                ]

            return pulled

        true, false = self.branches
        parts = cond(mode().tracer, self.predicate, back(true), back(false), lambda results: None)
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
    parts = [recorded_part(tracer, _called(branch), [], [], False) for branch in branches]
    keys = list(dict.fromkeys(key for part in parts for key in part.drawn))
    width = len(parts[0].results)
    alike([part.results for part in parts])
    if keys:
        counts = counts_of(tracer, keys)
        pinned = [Pinned(_called(branch), keys) for branch in branches]
        parts = [recorded_part(tracer, _called(p, counts), [], [], False) for p in pinned]
        branches = [_first(p, counts, width) for p in pinned]
    call = Branches(parts[0].body, parts[1].body)
    results = list(tracer.emit(call, (predicate, *parts[0].captured, *parts[1].captured), {}))
    for key, count in zip(keys, results[width:], strict=True):
        tracer.write(key, count)
    edges = parts[0].edges | parts[1].edges
    pairs = list(zip(parts[0].results, parts[1].results, strict=True))[:width]
    kept = [i for i, (a, b) in enumerate(pairs) if is_float(a) or is_float(b)]
    if edges and kept and mode().recording:
        node = Chosen()
        node.branches, node.kept, node.predicate = branches, kept, predicate
        for i in kept:
            results[i] = make(results[i])
        attach(node, edges, [results[i] for i in kept])
    return [variable_like(variable_like(x, a), b) for x, (a, b) in zip(results, pairs, strict=False)]


def _called(branch: Callable[..., Leaves], given: Leaves | None = None) -> Callable[[Leaves], Leaves]:
    return lambda _: branch() if given is None else branch(given)


def _first(branch: Callable[[Leaves], Leaves], given: Leaves, width: int) -> Callable[[], Leaves]:
    return lambda: branch(given)[:width]
