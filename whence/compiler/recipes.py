"""What a loop group's kernel is made from: its form without sizes; groups of one form share a kernel.

The kernel gets all sizes, strides and addresses in a block of words: the length of the inner axis, those of
the outer axes, then for each access its address, its strides along the outer axes, and along the inner one
where that is not 0 or 1; see :class:`Walk`.
"""

from __future__ import annotations

import struct
from typing import Any, NamedTuple

import numpy as np

from .elements import ELEMENTS, kind_of, operands_of
from .fuse import Fusion, Group
from .graph import Node, Value
from .layout import Layout, collapse
from .reductions import axes_of

#: Bytes of a row that are kept on the stack from one pass over it to the next; longer rows are stored.
ROW_BYTES = 32768

#: Elements that one item of a sum over everything takes: its accumulators add up few of them each.
CHUNK = 4096

MOST_CHUNKS = 64

#: Steps of so few instructions in all are computed again in each pass over a row.
CHEAP = 3


class Pointer(NamedTuple):
    """A word that is the address of an element of a stored Value."""

    value: Value
    offset: int  # in bytes


class Step(NamedTuple):
    """A call in a recipe. Operands are numbers of steps, or -1 - the number of an access."""

    function: Any
    operands: tuple[int, ...]
    takes: tuple[str, ...]  # kinds in NumPy's loop
    gives: str
    role: str  # full, row (an element a row), sum (over a row), end (over rows), whole (over everything)


class Recipe(NamedTuple):
    """A kernel's form.

    Attributes:
        outer: number of outer axes.
        chunked: items are chunks of rows (of elements where there is no outer axis), else rows (elements).
        accesses: kind of element, and how: "near" (neighbours), "far" (with a stride), "row" (one a row),
            "one" (the same always), "number" (stands in the block of words itself).
        steps: the calls.
        stores: (step, access).
        kept: steps whose row is kept on the stack for later passes.
        single: there is one element only.
    """

    outer: int
    chunked: bool
    accesses: tuple[tuple[str, str], ...]
    steps: tuple[Step, ...]
    stores: tuple[tuple[int, int], ...]
    kept: tuple[int, ...]
    single: bool = False


class Walk(NamedTuple):
    """A loop group as a launch: kernel, words, number of items, and what it costs in all."""

    recipe: Recipe
    words: list[int | Pointer]
    items: int
    grain: int
    cost: int
    partials: list[tuple[Any, Value, Value, int]]  # function, partial results, result, how many of them


class _Access(NamedTuple):
    layout: Layout
    kind: str
    inner: bool  # of the full domain; else of rows


class Schedule(NamedTuple):
    """In which passes over a row the steps of a recipe are needed.

    Attributes:
        passes: how many there are.
        ready: for each step the pass that it can be computed in (a step with an element a row: before it).
        wanted: for each step over the full domain the passes that need it.
        again: steps that are read back from memory in passes after the first that needs them.
    """

    passes: int
    ready: tuple[int, ...]
    wanted: tuple[tuple[int, ...], ...]
    again: frozenset[int]


def schedule(steps: tuple[Step, ...], stored: frozenset[int]) -> Schedule:
    """When to compute what: as late as it is needed, and once where it is dear."""
    ready: list[int] = []
    price: list[int] = []
    for step in steps:
        inside = [k for k in step.operands if k >= 0]
        ready.append(max((ready[k] for k in inside), default=0) + (step.role == "sum"))
        own = ELEMENTS[step.function].cost if step.role == "full" else 0
        price.append(own + sum(price[k] for k in inside if steps[k].role == "full"))
    wanted: list[set[int]] = [set() for _ in steps]
    again = set()
    for i in reversed(range(len(steps))):
        step = steps[i]
        if step.role == "full":
            wanted[i] = wanted[i] or {ready[i]}
            if len(wanted[i]) > 1 and (i in stored or price[i] > CHEAP):
                again.add(i)
        passes = {"sum": {ready[i] - 1}, "full": {min(wanted[i])} if i in again else wanted[i]}.get(
            step.role, {ready[i]}
        )
        for k in step.operands:
            if k >= 0 and steps[k].role == "full":
                wanted[k] |= passes
    return Schedule(
        max(ready, default=0) + 1, tuple(ready), tuple([tuple(sorted(w)) for w in wanted]), frozenset(again)
    )


class Builder:
    """Makes the walk of one group."""

    def __init__(
        self,
        fusion: Fusion,
        group: Group,
        stored: set[Value],
        numbers: dict[Value, Any],
        moved: dict[Value, Layout],
    ) -> None:
        self.fusion, self.group, self.stored = fusion, group, stored
        self.numbers, self.moved = numbers, moved
        self.accesses: dict[Any, int] = {}
        self.found: list[tuple[Any, str, str]] = []  # what, kind, "full" or "row" or "number" or "end"
        self.steps: list[Step] = []
        self.index: dict[Value, int] = {}

    def walk(self) -> Walk:
        """The whole of it."""
        for node in self.group.nodes:
            self._step(node)
        kept = self._kept()
        stores = []
        for value, i in self.index.items():
            if value in self.stored and self.steps[i].role in ("full", "row", "sum"):
                layout = self.moved.get(value) or Layout(value, 0, self.group.pattern(value))
                place = "full" if self.steps[i].role == "full" else "row"
                stores.append((i, self._access(layout, self.steps[i].gives, place)))
        return self._finish(tuple(stores), kept)

    def _step(self, node: Node) -> None:
        group = self.group
        axes = axes_of(node)
        takes, gives = self.fusion.types.get(node) or (
            (kind_of(node.output.dtype),),
            (kind_of(node.output.dtype),),
        )
        role = "row" if node.output in group.per_row else "full"
        shape = node.output.shape
        if axes is not None:
            (operand,) = node.operands
            shape = operand.shape
            role = "sum" if node.output in group.per_row else "end"
            if role == "end" and axes == tuple(range(operand.ndim)):
                role = "whole"
        operands = tuple(
            [self._operand(part, shape, kind) for part, kind in zip(_parts(node), takes, strict=True)]
        )
        self.index[node.output] = len(self.steps)
        self.steps.append(Step(node.function, operands, takes, gives[0], role))  # type: ignore[arg-type]

    def _operand(self, part: Any, shape: tuple[int, ...], kind: str | None) -> int:
        if type(part) is not Value:
            return -1 - self._number(part, kind)
        layout = self.fusion.access(part, shape)
        if layout.base in self.index:
            return self.index[layout.base]
        if layout.base in self.numbers:
            return -1 - self._number(self.numbers[layout.base], kind)
        return -1 - self._access(layout, kind_of(part.dtype), "full" if shape == self.group.shape else "row")

    def _number(self, number: Any, kind: str | None) -> int:
        assert kind is not None
        return self._add(("number", kind, word_of(number, kind)), kind, "number")

    def _access(self, layout: Layout, kind: str | None, place: str) -> int:
        if place == "row":
            lead = self.group.lead or 0
            missing = len(self.group.shape) - lead
            layout = layout._replace(strides=(*layout.strides[:lead], *(0,) * missing))
        assert kind is not None
        return self._add(layout, kind, place)

    def _add(self, what: Any, kind: str, place: str) -> int:
        key = (what, kind, place)
        if key not in self.accesses:
            self.accesses[key] = len(self.found)
            self.found.append((what, kind, place))
        return self.accesses[key]

    def _kept(self) -> list[int]:
        """Steps to be kept for later passes: on the stack, or stored where rows are long."""
        stored = frozenset([i for value, i in self.index.items() if value in self.stored])
        kept = sorted(schedule(tuple(self.steps), stored).again - stored)
        values = {i: value for value, i in self.index.items()}
        row = int(np.prod(self.group.shape[self.group.lead or 0 :], dtype=np.int64))
        if sum(row * max(1, values[i].dtype.itemsize) for i in kept) > ROW_BYTES:
            self.stored.update(values[i] for i in kept)
            return []
        return kept

    def _finish(self, stores: tuple[tuple[int, int], ...], kept: list[int]) -> Walk:
        group = self.group
        chunked = any(step.role in ("end", "whole") for step in self.steps)
        split = group.lead is not None
        lead = group.lead if group.lead is not None else len(group.shape)
        many = [list(w.strides) for w, _, place in self.found if place != "number"]
        lengths, rows = list(group.shape), many
        outer, steps = collapse(lengths[:lead], [r[:lead] for r in rows])
        inner, tails = collapse(lengths[lead:], [r[lead:] for r in rows])
        if not split and outer:
            inner, tails = [outer.pop()], [[s.pop()] for s in steps]
        n = inner[0] if inner else 1
        assert len(inner) <= 1
        tails = [t or [0] for t in tails]
        accesses: list[tuple[str, str]] = []
        words: list[int | Pointer] = [n, *outer]
        turn = iter(zip(steps, tails, strict=True))
        for what, kind, place in self.found:
            if place == "number":
                accesses.append((kind, "number"))
                words.append(what[2])
                continue
            along, (last,) = next(turn)
            how = how_of(place, along, last, bool(inner))
            accesses.append((kind, how))
            words.append(Pointer(what.base, what.offset * what.base.dtype.itemsize))
            if how != "one":
                words += along
            if how == "far":
                words.append(last)
        count = int(np.prod(outer, dtype=np.int64)) if outer else 1
        cost = sum(cost_of_step(step) for step in self.steps) + 2 * len(accesses)
        single = n == 1 and not outer and not chunked
        recipe = Recipe(len(outer), chunked, tuple(accesses), tuple(self.steps), stores, tuple(kept), single)
        items, grain, partials = count, 1, []
        if 0 in group.shape:
            return Walk(recipe, words, 0, 1, 0, [])
        if not outer and not chunked and not split:
            items, grain = n, 256
        if chunked:
            items, partials = self._chunks(count, n, bool(outer), words)
        return Walk(recipe, words, items, grain, cost * count * n, partials)

    def _chunks(self, rows: int, n: int, outer: bool, words: list[Any]) -> tuple[int, list[Any]]:
        """Items of a group that sums over rows, and the arrays for their partial results."""
        total = rows if outer or self.group.lead is not None else n
        each = max(1, CHUNK // n) if total == rows else CHUNK
        chunks = -(-total // each)
        most = MOST_CHUNKS if total == rows else 1024
        if chunks > most:
            each = -(-total // most)
            chunks = -(-total // each)
        words += [total, each]
        partials = []
        for value, i in self.index.items():
            step = self.steps[i]
            if step.role not in ("end", "whole"):
                continue
            width = n if step.role == "end" else 1
            place = value if chunks == 1 else Value((chunks, width), value.dtype)
            words.append(Pointer(place, 0))
            if chunks > 1:
                partials.append((step.function, place, value, chunks))
        return chunks, partials


def cost_of_step(step: Step) -> int:
    """About how many simple instructions an element takes."""
    return ELEMENTS[step.function].cost if step.function in ELEMENTS else 1


def how_of(place: str, along: list[int], last: int, wide: bool) -> str:
    """How an access goes along the outer axes, and along the inner one where that is longer than 1."""
    if place == "row" or (last == 0 and wide):
        return "row" if any(along) else "one"
    if not wide:
        return "row" if any(along) else "one"
    return "near" if last == 1 else "far"


def _parts(node: Node) -> tuple[Any, ...]:
    return node.operands if axes_of(node) is not None else operands_of(node)


def word_of(number: Any, kind: str) -> int:
    """A number as the word that a kernel reads it from."""
    if kind in ("f32", "f64"):
        text = struct.pack(
            "<f" if kind == "f32" else "<d",
            float(np.asarray(number, np.float32 if kind == "f32" else np.float64)),
        )
        return int.from_bytes(text, "little")
    return int(number) & 0xFFFFFFFFFFFFFFFF
