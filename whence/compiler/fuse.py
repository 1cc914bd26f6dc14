"""Which calls of a program run in one kernel.

A *loop group* walks one shape, its *domain*: elementwise calls, sums and the like over the last axes (what
follows on the same rows is in the group too), and, at its end, sums over the leading axes or over everything.
Groups have a level, above that of all groups that they take from; a call joins a group only if everything
else that it takes is of a lower level, so groups never wait for each other in a circle.
"""

from __future__ import annotations

import heapq
from collections.abc import Iterator
from typing import Any

import numpy as np

from .elements import types_of
from .graph import Graph, Node, Value
from .joins import parts_of
from .layout import Layout, Layouts, broadcast, collapse, is_view, strides_of
from .reductions import axes_of

#: A whole array of so many elements is summed as one row, so that what follows stays in the same kernel.
ONE_ROW = 4096

#: Calls in one kernel: compiling takes longer than linearly, and registers run out.
MOST_NODES = 150


class Group:
    """Calls that run together.

    Attributes:
        kind: "loop", "product", "join" or "call".
        nodes: the calls, in order.
        level: one more than the highest level that it takes from.
        shape: of a loop: what is walked.
        lead: of a loop: how many axes count rows; None where that is not yet decided.
        per_row: Values with one element a row.
        ends: Values summed over rows, there only when all is done.
    """

    __slots__ = ("ends", "kind", "lead", "level", "members", "nodes", "per_row", "shape")

    def __init__(self, kind: str, level: int, shape: tuple[int, ...] = ()) -> None:
        self.kind, self.level, self.shape = kind, level, shape
        self.lead: int | None = None
        self.nodes: list[Node] = []
        self.members: set[Value] = set()
        self.per_row: set[Value] = set()
        self.ends: set[Value] = set()

    def add(self, node: Node) -> None:
        """Take in a call."""
        self.nodes.append(node)
        self.members.update(node.outputs)

    def pattern(self, value: Value) -> tuple[int, ...]:
        """Strides over the domain, were the Value of this group stored."""
        if value in self.per_row:
            assert self.lead is not None
            return strides_of(self.shape[: self.lead]) + (0,) * (len(self.shape) - self.lead)
        return strides_of(self.shape)


class Fusion:
    """The groups of a program and where its Values lie."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.layouts = Layouts()
        self.home: dict[Value, Group] = {}
        self.groups: dict[Group, None] = {}  # in order
        self._beside: dict[tuple[Any, ...], Group] = {}
        self.types: dict[Node, Any] = {}  # of elementwise calls
        self._became: dict[Any, Group] = {}  # groups that were taken into another
        for node in graph.nodes:
            self._place(node)
        self._sink()
        self.order = self._sorted()

    def _place(self, node: Node) -> None:
        if node.function is np.transpose and self._turns_product(node):
            return
        if is_view(node) and self.layouts.follow(node):
            return
        if axes_of(node) is not None:
            self._reduce(node)
        elif (types := types_of(node)) is not None:
            self.types[node] = types
            self._elementwise(node)
        else:
            joins = node.function is not np.matmul and parts_of(node) is not None
            self._apart("join" if joins else "product" if node.function is np.matmul else "call", node)

    def _turns_product(self, node: Node) -> bool:
        """Store a product as its only reader, a permutation of all axes but the last, wants it to lie."""
        product, axes = node.args[0], node.args[1] if len(node.args) > 1 else None
        group = self.home.get(product) if type(product) is Value else None
        if group is None or group.kind != "product" or product in self.layouts or node.keywords:
            return False
        only = self.graph.readers[product] == [node] and product not in self.graph.outputs
        if not only or type(axes) is not tuple or not axes or axes[-1] != len(axes) - 1:
            return False
        y = node.output
        steps = strides_of(y.shape)
        turned = tuple([steps[axes.index(axis)] for axis in range(product.ndim)])
        self.layouts.store_as(product, Layout(y, 0, turned))
        self.home[y] = group
        return True

    def _apart(self, kind: str, node: Node) -> None:
        group = Group(kind, 1 + max((self.level(v) for v in node.operands), default=0))
        group.add(node)
        self.groups[group] = None
        self.home.update(dict.fromkeys(node.outputs, group))

    def level(self, value: Value) -> int:
        """Of the group that stores what the Value looks at; 0 for inputs and constants."""
        group = self.home.get(self.layouts.of(value).base)
        return group.level if group else 0

    def access(self, value: Value, shape: tuple[int, ...]) -> Layout:
        """How a Value is read along a shape that it is broadcast to."""
        base, offset, strides = self.layouts.of(value)
        return Layout(base, offset, broadcast(value.shape, strides, shape))

    def role(self, group: Group, value: Value, shape: tuple[int, ...]) -> str | None:
        """How a call of a shape sees a Value of a group: "full", "row", or None: it must be stored first."""
        base, offset, strides = self.access(value, shape)
        if base in group.ends or offset:
            return None
        if base in group.per_row:
            return "row" if _matches(shape, strides, self._row_strides(group, shape)) else None
        return "full" if shape == group.shape and _matches(shape, strides, strides_of(shape)) else None

    def _row_strides(self, group: Group, shape: tuple[int, ...]) -> tuple[int, ...] | None:
        lead = group.lead or 0
        if shape[:lead] != group.shape[:lead]:
            return None
        return strides_of(shape[:lead]) + (0,) * (len(shape) - lead)

    def _candidates(self, node: Node) -> list[Group]:
        found = dict.fromkeys(self.home.get(self.layouts.of(value).base) for value in node.operands)
        groups = [group for group in found if group is not None and group.kind == "loop"]
        return sorted(groups, key=lambda group: -group.level)

    def _elementwise(self, node: Node) -> None:
        shape = node.output.shape
        candidates = self._candidates(node)
        for group in candidates:
            if self._joins(group, node):
                kind = self._kind_in(group, node, shape)
                if kind is not None:
                    self._join(group, node, per_row=kind == "row")
                    return
                if len(candidates) > 1 and self._unite(group, candidates, node, shape):
                    return
        self._join(self._group_for(node, shape), node)

    def _joins(self, group: Group, node: Node) -> bool:
        """May the call join, as far as the order of groups goes?"""
        if len(group.nodes) >= MOST_NODES:
            return False
        for value in node.operands:
            base = self.layouts.of(value).base
            home = self.home.get(base)
            if home is group:
                if base in group.ends:
                    return False
            elif home is not None and home.level >= group.level:
                return home.level == group.level and home.kind == "loop"
        return True

    def _kind_in(self, group: Group, node: Node, shape: tuple[int, ...]) -> str | None:
        """Is the call over the whole domain ("full") or one element a row ("row")? None: it does not fit."""
        full, rows = shape == group.shape, False
        for value in node.operands:
            base = self.layouts.of(value).base
            home = self.home.get(base)
            if home is not None and home is not group and home.level >= group.level:
                return None
        if not full:
            lead = group.lead
            rows = (
                lead is not None
                and shape[:lead] == group.shape[:lead]
                and all(length == 1 for length in shape[lead:])
                and len(shape) in (lead, len(group.shape))
            )
        if not full and not rows:
            return None
        for value in node.operands:
            if self.home.get(self.layouts.of(value).base) is group:
                role = self.role(group, value, shape)
                if role is None or (rows and role != "row"):
                    return None
            elif full and not self._loads(group, value, group.lead):
                return None
        return "full" if full else "row"

    def _loads(self, group: Group, value: Value, lead: int | None) -> bool:
        """Can a kernel with rows so far in read the Value along the row with one stride?"""
        if lead is None:
            return True
        strides = self.access(value, group.shape).strides[lead:]
        return len(collapse(list(group.shape[lead:]), [list(strides)])[0]) <= 1

    def _unite(self, group: Group, candidates: list[Group], node: Node, shape: tuple[int, ...]) -> bool:
        """Make one group of several of the same level that a call takes from."""
        peers = [other for other in candidates if other is not group and other.level == group.level]
        leads = {g.lead for g in (group, *peers) if g.lead is not None}
        together = len(group.nodes) + sum(len(other.nodes) for other in peers)
        if not peers or len(leads) > 1 or together > MOST_NODES:
            return False
        if any(other.shape != group.shape for other in peers) or shape != group.shape:
            return False
        lead = next(iter(leads), None)
        everyone = (group, *peers)
        if any(not self._reads_rows(g, lead) for g in everyone):
            return False
        if any(self.layouts.of(v).base in g.ends for v in node.operands for g in everyone):
            return False
        trial = Group("loop", group.level, group.shape)
        trial.lead = lead
        for g in everyone:
            trial.per_row |= g.per_row
            trial.ends |= g.ends
        homes = {v: self.home[v] for g in everyone for v in g.members}
        self.home.update(dict.fromkeys(homes, trial))
        if self._kind_in(trial, node, shape) != "full":
            self.home.update(homes)
            return False
        group.lead, group.per_row, group.ends = lead, trial.per_row, trial.ends
        for other in peers:
            for inner in other.nodes:
                group.add(inner)
            del self.groups[other]
            self._became[other] = group
        self.home.update(dict.fromkeys(homes, group))
        self._join(group, node)
        return True

    def _reads_rows(self, group: Group, lead: int | None) -> bool:
        if lead is None or group.lead == lead:
            return True
        for node in group.nodes:
            for value in node.operands:
                if self.layouts.of(value).base not in group.members and not self._loads(group, value, lead):
                    return False
        return True

    def _group_for(self, node: Node, shape: tuple[int, ...]) -> Group:
        """A group that the call can be in although it takes nothing of it, or a new one."""
        level = 1 + max((self.level(v) for v in node.operands), default=0)
        keys = [(level, shape, self.layouts.of(v).base) for v in node.operands if v.size > 1]
        for key in keys:
            group = self._beside.get(key)
            while group in self._became:
                group = self._became[group]
            if group is not None and self._joins(group, node) and self._kind_in(group, node, shape) == "full":
                return group
        return Group("loop", level, shape)

    def _join(self, group: Group, node: Node, per_row: bool = False) -> None:
        if not group.nodes:
            self.groups[group] = None
        group.add(node)
        self.home[node.output] = group
        if per_row:
            group.per_row.add(node.output)
        else:
            for value in node.operands:
                if value.size > 1:
                    key = (group.level, group.shape, self.layouts.of(value).base)
                    self._beside.setdefault(key, group)

    def _reduce(self, node: Node) -> None:
        (operand,) = node.operands
        axes = axes_of(node)
        assert axes is not None
        base = self.layouts.of(operand).base
        group = self.home.get(base)
        if group is None or group.kind != "loop" or not self._reduces_in(group, node, operand, axes):
            group = self._group_for(node, operand.shape)
            if not self._reduces_in(group, node, operand, axes):
                group = Group("loop", 1 + self.level(operand), operand.shape)
                if not self._reduces_in(group, node, operand, axes):
                    self._apart("call", node)
                    return
        lead = lead_of(operand.shape, axes)
        self._join(group, node, per_row=True)
        if lead is None or base in group.per_row:
            group.per_row.discard(node.output)
            group.ends.add(node.output)
            if axes != tuple(range(operand.ndim)):
                group.lead = len(axes)
        elif base not in group.per_row:
            group.lead = lead
        if base not in group.members:
            self._beside.setdefault((group.level, group.shape, base), group)

    def _reduces_in(self, group: Group, node: Node, operand: Value, axes: tuple[int, ...]) -> bool:
        if not self._joins(group, node):
            return False
        kind = self._kind_in(group, node, operand.shape)
        everything = axes == tuple(range(operand.ndim))
        if kind is None or (kind == "row" and not everything):
            return False
        if kind == "row":
            return True
        lead = lead_of(operand.shape, axes)
        if lead is None:  # over the leading axes, or over all of a long array
            if everything:
                return True
            if axes != tuple(range(len(axes))):
                return False
            lead = len(axes)
        if group.lead not in (None, lead):
            return False
        return self._loads(group, operand, lead) and self._reads_rows(group, lead)

    def _sink(self) -> None:
        """Move calls down into the only group that takes what they give, where nothing more is stored then.

        So a moment that decays does not go through memory on its way to the sum with the new gradient.
        """
        readers: dict[Value, set[Group | None]] = {}
        for value in self.graph.outputs:
            readers.setdefault(self.layouts.of(value).base, set()).add(None)
        for group in self.groups:
            for node in group.nodes:
                for value in node.operands:
                    readers.setdefault(self.layouts.of(value).base, set()).add(group)
        for group in sorted(self.groups, key=lambda group: -group.level):
            if group.kind != "loop" or group.lead is not None or group.ends:
                continue
            takers = {r for node in group.nodes for r in readers.get(node.output, ()) if r is not group}
            if len(takers) == 1:
                (taker,) = takers
                if taker is not None and self._takes_in(taker, group):
                    self._move(group, taker, readers)

    def _takes_in(self, taker: Group, group: Group) -> bool:
        """May all of a group be computed in another one, that is later?"""
        if taker.kind != "loop" or taker.shape != group.shape or taker.level <= group.level:
            return False
        if len(taker.nodes) + len(group.nodes) > MOST_NODES:
            return False
        for node in taker.nodes:
            for value in node.operands:
                base, offset, strides = self.layouts.of(value)
                whole = value.shape == group.shape and _matches(value.shape, strides, strides_of(value.shape))
                if base in group.members and (offset or not whole or axes_of(node) is not None):
                    return False
        return all(
            self.layouts.of(value).base in group.members or self._loads(taker, value, taker.lead)
            for node in group.nodes
            for value in node.operands
        )

    def _move(self, group: Group, taker: Group, readers: dict[Value, set[Group | None]]) -> None:
        """Make one group of two, at the level of the later one."""
        taker.nodes[:0] = group.nodes
        taker.members |= group.members
        self.home.update(dict.fromkeys(group.members, taker))
        del self.groups[group]
        for node in group.nodes:
            for value in node.operands:
                found = readers[self.layouts.of(value).base]
                found.discard(group)
                found.add(taker)

    def _sorted(self) -> list[Group]:
        """Groups in an order that they can run in: as early as the program's own order lets them."""
        place = {node: i for i, node in enumerate(self.graph.nodes)}
        needs: dict[Group, set[Group]] = {group: set() for group in self.groups}
        last: Group | None = None
        for group in sorted(self.groups, key=lambda group: place[group.nodes[0]]):
            for node in group.nodes:
                homes = (self.home.get(self.layouts.of(value).base) for value in node.operands)
                needs[group].update(home for home in homes if home is not None and home is not group)
            if not all(node.pure for node in group.nodes):
                needs[group].update([last] if last else [])
                last = group
        readers: dict[Group, list[Group]] = {group: [] for group in self.groups}
        for group, wanted in needs.items():
            group.nodes.sort(key=place.__getitem__)
            for other in wanted:
                readers[other].append(group)
        waiting = {group: len(wanted) for group, wanted in needs.items()}
        ready = [
            (place[group.nodes[-1]], i, group) for i, group in enumerate(self.groups) if not waiting[group]
        ]
        heapq.heapify(ready)
        order, count = [], len(self.groups)
        while ready:
            _, _, group = heapq.heappop(ready)
            order.append(group)
            for reader in readers[group]:
                waiting[reader] -= 1
                if not waiting[reader]:
                    count += 1
                    heapq.heappush(ready, (place[reader.nodes[-1]], count, reader))
        return order

    def stored(self) -> Iterator[Value]:
        """Values that must be in memory: the program's, and what another group than their own takes."""
        for value in self.graph.outputs:
            yield self.layouts.of(value).base
        for group in self.order:
            for node in group.nodes:
                for value in node.operands:
                    base = self.layouts.of(value).base
                    if self.home.get(base) is not group:
                        yield base


def lead_of(shape: tuple[int, ...], axes: tuple[int, ...]) -> int | None:
    """How many axes are left of those that are summed, if these are the last ones; None: rows are summed."""
    lead = len(shape) - len(axes)
    if not axes or axes != tuple(range(lead, len(shape))):
        return None
    if lead == 0 and int(np.prod(shape)) > ONE_ROW:
        return None
    return lead


def _matches(shape: tuple[int, ...], strides: tuple[int, ...], wanted: tuple[int, ...] | None) -> bool:
    if wanted is None:
        return False
    return all(n == 1 or s == t for n, s, t in zip(shape, strides, wanted, strict=True))
