"""The backward sweep: from outputs to leaves, newest node first, without recursion.

Inside a sweep cotangents are *bilinear*: for a complex value the cotangent ``g`` satisfies
``dL = Re(sum(g * dx))``, so that a rule is a plain product with the derivative. The steepest
descent direction that users see, ``dL/dRe + i dL/dIm``, is its conjugate; it is conjugated where
cotangents enter and leave (``Variable.backward``, the transforms, ``Function.backward``).
"""

from __future__ import annotations

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Any

from numpy import float64, ndarray
from numpy import sum as np_sum

from ..config import mode
from ..errors import GraphError
from .graph import Leaf, Port, check_stamps

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
    table: Cotangents = {}  # what is known so far of each edge's cotangent
    found: Cotangents = {}
    heap: list[tuple[int, Any]] = []
    watch = mode().watch
    foreign = False

    def arrive(edge: Any, g: Any) -> None:
        """Add a cotangent to a leaf or target; queue a node."""
        if type(edge) is Leaf:
            if not edge.constant:
                old = found.get(edge)
                found[edge] = g if old is None else old + g
            return
        node = edge
        if type(edge) is Port:
            node = edge.node
            if node is None:  # unchained: now a leaf
                old = found.get(edge)
                found[edge] = g if old is None else old + g
                return
        old = table.get(edge)
        table[edge] = g if old is None else old + g
        if node not in queued:
            queued.add(node)
            heappush(heap, (-node.generation, node))

    queued: set[Any] = set()
    for edge, g in seeds:
        arrive(edge, g)
    while heap:
        _, node = heappop(heap)
        if targets is not None and node in targets:
            found[node] = table.pop(node)
            continue
        edges = node.edges
        if not edges:  # unchained: now a leaf
            found[node] = table.pop(node)
            continue
        if node.stamps is not None:
            check_stamps(node.stamps, node, node)
        g = table.pop(node, None) if node.ports is None else [table.pop(p, None) for p in node.ports]
        if retained is not None:
            for port, part in zip(node.ports or (node,), g if node.ports else (g,), strict=True):
                if part is not None and port.owner() is not None:
                    retained[port] = part
        wanted = None
        if targets is not None:
            wanted = [
                e in targets or (type(e) is not Leaf and e.generation >= floor) for e in edges
            ]
            if not all(wanted):
                foreign = foreign or any(
                    not w and not (type(e) is Leaf and e.constant)
                    for e, w in zip(edges, wanted, strict=True)
                )
                if not any(wanted):
                    continue
        for edge, part in zip(edges, node.pull(g, record, wanted), strict=True):
            if part is None:
                continue
            if watch is not None:
                watch(node, part, "backward")
            if type(edge) is Leaf and edge.stamps is not None:
                later = tuple(s for s in edge.stamps if s.generation > node.generation)
                check_stamps(later, node, node)
            arrive(edge, part)
    return found, foreign


__all__ = ["conform", "float64", "ndarray", "sweep", "unbroadcast"]
