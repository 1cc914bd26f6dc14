"""The backward sweep: from outputs to leaves, newest node first, without recursion.

Inside a sweep cotangents are *bilinear*: for a complex value the cotangent ``g`` satisfies
``dL = Re(sum(g * dx))``, so that a rule is a plain product with the derivative. The steepest
descent direction that users see, ``dL/dRe + i dL/dIm``, is its conjugate; it is conjugated where
cotangents enter and leave (``Variable.backward``, the transforms, ``Function.backward``).
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush, heappushpop
from typing import Any

from numpy import float64
from numpy import sum as np_sum

from ..config import mode
from ..errors import GraphError
from .graph import Constant, Leaf, Port, check_stamps

Cotangents = dict[Any, Any]


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
        axis
        for axis in range(g.ndim)
        if axis < extra or (shape[axis - extra] == 1 and g.shape[axis] != 1)
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
        if not _broadcasts(shape, g.shape):
            raise GraphError(
                f"the gradient of {maker} has shape {g.shape}, but its input has shape {shape}; "
                "backward must return one gradient of the input's shape for each input"
            )
        g = unbroadcast(g, shape)
    if g.dtype is not x.dtype and g.dtype != x.dtype:
        kind = x.dtype.kind
        if kind == "f" and g.dtype.kind == "c":
            g = g.real
        if kind in "fc" and g.dtype != x.dtype:
            g = g.astype(x.dtype)
    return g


def _broadcasts(shape: tuple[int, ...], to: tuple[int, ...]) -> bool:
    if len(shape) > len(to):
        return False
    return all(
        a == b or a == 1 for a, b in zip(reversed(shape), reversed(to), strict=False)
    )


def sweep(
    seeds: Iterable[tuple[Any, Any]],
    *,
    record: bool = False,
    targets: Any = None,
    floor: int = 0,
    retained: Cotangents | None = None,
) -> tuple[Cotangents, bool]:
    """Push cotangents from ``seeds`` (pairs of edge and cotangent) back to the leaves.

    With ``targets`` only these edges are collected, and neither other leaves nor nodes older than
    ``floor`` are followed. With ``record`` the rules run on Variables and record themselves.

    Returns the cotangents by edge, and whether anything was left aside because of ``targets``:
    the result then depends on Variables from outside.
    """
    found: Cotangents = {}  # what has arrived at leaves and targets
    table: Cotangents = {}  # what is known so far of each waiting node's cotangent
    heap: list[tuple[int, Any]] = []  # waiting nodes, newest first ...
    newest: Any = None  # ... except the last one to come: a chain needs no heap
    watch = mode().watch
    foreign = False
    plain = not record and watch is None

    for edge, g in seeds:
        waiting = _arrive(edge, g, found, table)
        if waiting is not None:
            heappush(heap, (-waiting.generation, waiting))
    while True:
        if newest is None:
            if not heap:
                return found, foreign
            node = heappop(heap)[1]
        elif heap and heap[0][0] < -newest.generation:
            node = heappushpop(heap, (-newest.generation, newest))[1]
        else:
            node = newest
        newest = None
        g = table.pop(node)
        edges = node.edges
        if not edges or (targets is not None and node in targets):  # unchained, or asked for
            found[node] = g
            continue
        if node.stamps is not None:
            check_stamps(node.stamps, node, node)
        if retained is not None:
            _retain(node, g, retained)
        wanted = None
        if targets is not None:
            wanted = [_leads_to(edge, targets, floor) for edge in edges]
            if all(wanted):
                wanted = None
            else:
                foreign = foreign or any(
                    not want and type(edge) is not Constant
                    for edge, want in zip(edges, wanted, strict=True)
                )
                if not any(wanted):
                    continue
        rules = node.rules
        if plain and wanted is None and rules is not None and node.ports is None:
            # A primitive, first order: its rules, called from here.
            values, y, params = node.values, node.y, node.params
            pulled = []
            for i, rule in rules:
                part = rule(g, y, *values, **params) if params else rule(g, y, *values)
                x = values[i]
                if type(part) is not float64 or type(x) is not float64:
                    part = conform(part, x, node)
                pulled.append(part)
        else:
            pulled = node.pull(g, record, wanted)
        for edge, part in zip(edges, pulled, strict=True):
            if part is None:
                continue
            if watch is not None:
                watch(node, part, "backward")
            if type(edge) is Leaf:
                if edge.stamps is not None:
                    later = tuple(s for s in edge.stamps if s.generation > node.generation)
                    check_stamps(later, node, node)
                old = found.get(edge)
                found[edge] = part if old is None else old + part
            elif edge in table:
                table[edge] = table[edge] + part
            else:
                waiting = _arrive(edge, part, found, table)
                if waiting is None:
                    continue
                if newest is None:
                    newest = waiting
                elif newest.generation < waiting.generation:
                    heappush(heap, (-newest.generation, newest))
                    newest = waiting
                else:
                    heappush(heap, (-waiting.generation, waiting))


def _arrive(edge: Any, g: Any, found: Cotangents, table: Cotangents) -> Any:
    """Add a cotangent to what is known of an edge; the node, if it must now start to wait."""
    kind = type(edge)
    if kind is Port and edge.node is not None:
        node = edge.node
        parts = table.get(node)
        new = parts is None
        if parts is None:
            parts = table[node] = [None] * len(node.ports)
        old = parts[edge.index]
        parts[edge.index] = g if old is None else old + g
        return node if new else None
    if kind is Constant:
        return None
    if kind is Leaf or kind is Port:  # a Port without a node was unchained
        old = found.get(edge)
        found[edge] = g if old is None else old + g
        return None
    old = table.get(edge)
    table[edge] = g if old is None else old + g
    return edge if old is None else None


def _leads_to(edge: Any, targets: Any, floor: int) -> bool:
    """May a target lie behind this edge?"""
    return edge in targets or (edge.node is not None and edge.generation >= floor)


def _retain(node: Any, g: Any, retained: Cotangents) -> None:
    """Keep a node's cotangent for the Variables that somebody still holds."""
    for port, part in zip(node.ports or (node,), g if node.ports else (g,), strict=True):
        if part is not None and port.owner() is not None:
            retained[port] = part
