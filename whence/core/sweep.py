"""The backward sweep: from outputs to leaves, newest node first, without recursion.

Inside a sweep cotangents are *bilinear*: for a complex value the cotangent ``g`` satisfies
``dL = Re(sum(g * dx))``, so that a rule is a plain product with the derivative. The steepest
ascent direction that users see, ``dL/dRe + i dL/dIm``, is its conjugate; it is conjugated where
cotangents enter and leave (``Variable.backward``, the transforms, ``Function.backward``).
"""

from __future__ import annotations

from collections.abc import Collection
from heapq import heappop, heappush, heappushpop
from itertools import count
from typing import Any

from numpy import add, broadcast_to, float64, isnan, ndarray
from numpy import sum as np_sum

from ..config import enable_grad, mode, passing_nan
from ..errors import GraphError, LinAlgError
from .graph import Constant, Leaf, Port, check_stamps
from .origin import made_at
from .symbolic import Symbolic
from .table import OPS

Cotangents = dict[Any, Any]

#: Steps whenever a rule runs that may lead to ``0 * inf`` (see `wary`).
_tick = count().__next__
IN_PLACE = 1 << 16  # bytes above which sums are written over a summand


class NeedsGraph(LinAlgError):
    """A rule's sign that the cotangents' numbers are not enough: it must see how they came about.

    The sweep then starts again, recorded. ``lift`` makes a recorded constant of an array. Users see
    it, as the error that it also is, where a node's ``backward`` is called by hand.
    """

    def __init__(self, text: str, lift: Any) -> None:
        super().__init__(text)
        self.lift = lift


def unbroadcast(g: Any, shape: tuple[int, ...]) -> Any:
    """Sum ``g`` over the axes along which a value of ``shape`` was broadcast.

    >>> import numpy as np
    >>> unbroadcast(np.ones((2, 3)), (3,))
    array([2., 2., 2.])
    """
    if g.shape == shape:
        return g
    extra = g.ndim - len(shape)
    stretched = tuple(
        axis for axis in range(g.ndim) if axis < extra or (shape[axis - extra] == 1 and g.shape[axis] != 1)
    )
    g = np_sum(g, axis=stretched, keepdims=True) if stretched else g
    return g if g.shape == shape else g.reshape(shape)


def conform(g: Any, x: Any, maker: Any) -> Any:
    """Give a cotangent the shape and the type of the value that it belongs to.

    Undoes broadcasting, keeps float32 float32, and takes the real part where a real value took
    part in a complex computation. The one place where any of these happens.
    """
    if not hasattr(g, "shape"):
        g = x.dtype.type(g) if x.dtype.kind in "fc" else float64(g)
    shape = x.shape
    if g.shape != shape:
        if g.ndim == 0:  # one number for all elements
            g = broadcast_to(g, shape)
        elif not broadcasts(shape, g.shape):
            raise GraphError(
                f"the gradient of {maker} has shape {g.shape}, but its input has shape {shape}; "
                "backward must return one gradient of the input's shape for each input"
            )
        else:
            g = unbroadcast(g, shape)
    if g.dtype is not x.dtype and g.dtype != x.dtype:
        kind = x.dtype.kind
        if kind == "f" and g.dtype.kind == "c":
            g = g.real
        if kind in "fc" and g.dtype != x.dtype:
            g = g.astype(x.dtype)
    return g


def broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    """Can a value of ``shape`` be broadcast to the shape ``to``?"""
    if len(shape) > len(to):
        return False
    return all(a == b or a == 1 for a, b in zip(reversed(shape), reversed(to), strict=False))


def wary(g: Any) -> Any:
    """``g``; for rules that cut elements off (``np.where``), or whose derivative has a pole (``sqrt``).

    Gradients of a sweep that such a rule took part in are looked through for NaNs at its end: if
    there are any, the sweep is repeated with a guard, which knows what does not depend on what.
    """
    _tick()
    return g


def sweep(
    seeds: Collection[tuple[Any, Any]],
    *,
    record: bool = False,
    targets: Any = None,
    floor: int = 0,
    retained: Cotangents | None = None,
    guard: Any = None,
    batched: bool = False,
) -> tuple[Cotangents, bool]:
    """Push cotangents from ``seeds`` (pairs of edge and cotangent) back to the leaves.

    With ``targets`` only these edges are collected, and neither other leaves nor nodes older than
    ``floor`` are followed. With ``record`` the rules run on Variables and record themselves. A
    ``guard`` calls the rules in place of the nodes. With ``batched`` the cotangents are Batched
    values: many sweeps in one.

    Returns the cotangents by edge, and whether anything was left aside because of ``targets``:
    the result then depends on Variables from outside.
    """
    found: Cotangents = {}  # what has arrived at leaves and targets
    table: Cotangents = {}  # what is known so far of each waiting node's cotangent
    heap: list[tuple[int, Any]] = []  # waiting nodes, newest first ...
    newest: Any = None  # ... except the newest of all: a chain needs no heap
    watch, tracer = mode().watch, mode().tracer
    foreign = False
    if watch is not None and guard is None:
        if batched:
            return OPS["sweep by rows"](seeds, record=record, targets=targets, floor=floor)
        guard = OPS["guard"](seeds, refuses=False)
    plain = not record and watch is tracer is retained is guard is None and not batched
    start = _tick()
    for edge, g in seeds:
        newest = _queue(_arrive(edge, g, found, table), newest, heap)
    while newest is not None or heap:
        if newest is None:
            node = heappop(heap)[1]
        elif heap and heap[0][0] < -newest._generation:
            node = heappushpop(heap, (-newest._generation, newest))[1]
        else:
            node = newest
        newest = None
        g = table.pop(node)
        second = node._second
        if second is None:  # node.edges, without a call: a tenth of the sweep
            edges = () if node._first is None else (node._first,)
        else:
            edges = (node._first, second) if node._rest is None else node.edges
        if node._stamps is not None:
            check_stamps(node._stamps, node, node)
        if not edges or (targets is not None and node in targets):  # unchained, or asked for
            found[node] = g
            continue
        if retained is not None:
            _retain(node, g, retained)
        wanted = None
        if targets is not None:
            for edge in edges:
                if (type(edge) is Leaf or edge._generation < floor) and edge not in targets:
                    wanted = [_leads_to(other, targets, floor) for other in edges]
                    foreign = foreign or any(outside(other, targets, floor) for other in edges)
                    break
            if wanted is not None and not any(wanted):
                continue
        try:
            if plain and wanted is None and node._rules is not None and node._outlets is None:
                pulled = _first_order(node, g, edges)
            elif guard is not None:
                pulled = guard(node, g, record, wanted)
            else:
                pulled = (node.pull_batched if batched else node.pull)(g, record, wanted)
        except NeedsGraph as sign:
            if record:
                raise
            if batched:
                return OPS["sweep by rows"](seeds, record=record, targets=targets, floor=floor)
            return _recorded_sweep(seeds, sign.lift, targets, floor, retained)
        except Exception as error:
            error.add_note(f"  while differentiating {node.label}, {made_at(node)}")
            raise
        for edge, part in zip(edges, pulled, strict=True):
            if part is None:
                continue
            if watch is not None:
                watch(node, part, "backward")
            kind = type(edge)
            if kind is Leaf:
                if edge._stamps is not None and node._generation < edge._stamps[-1].generation:
                    check_stamps(edge._stamps[-1:], node, node)
                if edge in found:
                    old = found[edge]
                    large = type(part) is ndarray and part.nbytes > IN_PLACE
                    part = _added(old, part, g, node, plain) if large else old + part
                found[edge] = part
            elif edge in table:
                table[edge] = _added(table[edge], part, g, node, plain)
            elif kind is Port or kind is Constant:
                newest = _queue(_arrive(edge, part, found, table), newest, heap)
            else:
                table[edge] = part
                newest = edge if newest is None else _queue(edge, newest, heap)
    if guard is None and _tick() != start + 1 and any(_broken(g) for g in found.values()):
        if batched:
            return OPS["sweep by rows"](seeds, record=record, targets=targets, floor=floor)
        guard = OPS["guard"](seeds, refuses=not passing_nan())
        again = sweep(seeds, record=record, targets=targets, floor=floor, retained=retained, guard=guard)
        guard.finish(again[0])
        return again
    return found, foreign


def _broken(g: Any) -> bool:
    """Is there a NaN in a cotangent?"""
    if type(g) is float64:
        return bool(g != g)
    if isinstance(g, Symbolic):
        return mode().tracer.broken(g)
    if type(g) is list:
        return any(part is not None and _broken(part) for part in g)
    while hasattr(g, "physical"):  # of many cotangents: in any
        g = g.physical
    g = getattr(g, "_data", g)
    if isinstance(g, Symbolic):
        return mode().tracer.broken(g)
    if g.dtype.kind == "f":
        return g.size > 0 and bool(isnan(g.min()))  # one pass, and no array of answers
    return g.dtype.kind == "c" and bool(isnan(g).any())


def _recorded_sweep(
    seeds: Collection[tuple[Any, Any]], lift: Any, targets: Any, floor: int, retained: Cotangents | None
) -> tuple[Cotangents, bool]:
    """The same sweep with a record of itself, of which only the numbers are handed on."""

    def bare(part: Any) -> Any:
        return [bare(one) for one in part] if isinstance(part, list) else getattr(part, "_data", part)

    with enable_grad():
        starts = [(edge, g if hasattr(g, "_data") else lift(g)) for edge, g in seeds]
        found, foreign = sweep(starts, record=True, targets=targets, floor=floor, retained=retained)
    if retained is not None:
        retained.update({port: bare(part) for port, part in retained.items()})
    return {edge: bare(part) for edge, part in found.items()}, foreign


def _queue(node: Any, newest: Any, heap: list[tuple[int, Any]]) -> Any:
    """Let ``node`` (if any) wait; the newest of those waiting, as far as known here."""
    if node is None or newest is None:
        return node or newest
    if newest._generation < node._generation:
        node, newest = newest, node
    heappush(heap, (-node._generation, node))
    return newest


def _first_order(node: Any, g: Any, edges: tuple[Any, ...]) -> list[Any]:
    """The rules of a primitive on plain arrays: what most of a sweep is."""
    values, y, params = node._values, node.y, node.params
    pulled: list[Any] = []
    for i, rule in node._rules:
        part = rule(g, y, *values, **params) if params else rule(g, y, *values)
        x = values[i]
        if type(part) is ndarray is type(x):
            if part.shape != x.shape or part.dtype is not x.dtype:
                part = conform(part, x, node)
        elif type(part) is not float64 or type(x) is not float64:
            short = type(part) is not ndarray and x.shape and hasattr(part, "dtype")
            if not short or not _stays_short(edges[len(pulled)], x, part):
                part = conform(part, x, node)
        pulled.append(part)
    return pulled


def _arrive(edge: Any, g: Any, found: Cotangents, table: Cotangents) -> Any:
    """Add a cotangent to what is known of an edge; the node, if it must now start to wait."""
    kind = type(edge)
    if kind is Port and edge.node is not None:
        node = edge.node
        parts = table.get(node)
        new = parts is None
        if parts is None:
            parts = table[node] = [None] * len(node._outlets)
        old = parts[edge.index]
        parts[edge.index] = g if old is None else old + g
        return node if new else None
    if kind is Constant:
        return None
    if kind is Leaf or kind is Port:  # a Port without a node was unchained
        if kind is Port and edge._stamps is not None:
            check_stamps(edge._stamps, edge, edge)
        old = found.get(edge)
        found[edge] = g if old is None else old + g
        return None
    old = table.get(edge)
    table[edge] = g if old is None else old + g
    return edge if old is None else None


def _added(old: Any, part: Any, g: Any, node: Any, plain: bool) -> Any:
    """``old + part``; into ``part``'s memory where a rule has just made it and it is large.

    Writing a fresh 4 MB array costs more than the sum (page faults): 1.5 to 0.2 ms.
    """
    if plain and type(part) is ndarray and part.nbytes > IN_PLACE and type(old) is ndarray:
        mine = part.base is None and node._rules is not None and node.primitive.listed
        if mine and old.shape == part.shape and old.dtype == part.dtype:
            several = (g, node.y) if node._ports is None else (*g, *(node.y or ()))
            if not any(part is other for other in (*several, *node._values)):
                return add(old, part, part)
    return old + part


def _stays_short(edge: Any, x: Any, part: Any) -> bool:
    """May one number stand for a cotangent of ``x``'s shape at this edge?

    What comes of a sum over everything: most elementwise rules are content with the number.
    """
    return edge.takes_short(x.shape) and part.dtype == x.dtype


def outside(edge: Any, targets: Any, floor: int) -> bool:
    """Is this a value from before ``floor``, or an input that somebody holds, and no target?"""
    if edge in targets or type(edge) is Constant:
        return False
    return edge._owner() is not None if edge.node is None else edge._generation < floor


def _leads_to(edge: Any, targets: Any, floor: int) -> bool:
    """May a target lie behind this edge? Constants are left aside, and so are older nodes."""
    if type(edge) is Constant:
        return False
    return edge in targets or (edge.node is not None and edge._generation >= floor)


def _retain(node: Any, g: Any, retained: Cotangents) -> None:
    """Keep a node's cotangent for the Variables that somebody still holds."""
    for port, part in zip(node._ports or (node,), g if node._ports else (g,), strict=True):
        if part is not None and port._owner() is not None:
            retained[port] = part
