"""Gradients where eigenvalues or singular values are equal: the limit from values that are not.

With equal values the numbers ``dL/dw`` and ``dL/dV`` do not determine the gradient: for
``L = sum(G * (V f(w) V^H))`` the quotient ``N_ij / (w_j - w_i)`` has the limit ``(V^H G V)_ij f'(w)``,
of which they only show the diagonal. But the limit is a derivative (l'Hopital's rule): let the values
part by ``dw = t`` with V held fixed; then ``N_ij`` grows by ``t_j - t_i`` times what is wanted. The
recorded sweep knows how N depends on w, so this is exact.

A loss that is a function of the matrix gives numbers that turn with the basis, ``C -> R^H C R``.
A loss that depends on the basis, or on the order of equal values, does not, and is refused.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from weakref import ref

import numpy as np

from ..core.graph import Leaf
from ..core.origin import called_at
from ..core.primitive import Primitive
from ..core.sweep import NeedsGraph, sweep
from ..core.variable import Variable, constant, make
from ..errors import NoGradientError
from .declare import frozen
from .gaps import close_pairs, negligible, refuse_pair, size_of


def must_be_recorded(g: Any, name: str) -> None:
    """Ask for a recorded sweep if this one is not."""
    if not any(isinstance(part, Variable) for part in g):
        raise NeedsGraph(
            f"{name}: equal values; their gradient can be had by v.backward() or whence.grad, not "
            f"step by step{called_at()}",
            constant,
        )


def slope(z: Any, y: tuple[Any, ...], directions: tuple[Any, ...], record: bool = False) -> Any:
    """How ``z`` changes as the outputs ``y`` of one node move along ``directions`` (None: not).

    Two sweeps: ``c . dz`` is linear in c, and so is its gradient with respect to y.
    """
    node = getattr(y[0].edge, "node", None) if isinstance(y[0], Variable) else None
    if node is None or not isinstance(z, Variable) or z.edge is None:
        return np.zeros(z.shape, z.dtype)
    c = make(np.zeros(z.shape, z.dtype))
    c.edge = Leaf(ref(c))
    found, _ = sweep([(z.edge, c)], record=True, targets={node}, floor=node._generation)
    parts = found.get(node) or [None] * len(directions)
    seeds = [
        (part.edge, constant(d.astype(part.dtype)) if record else d.astype(part.dtype))
        for part, d in zip(parts, directions, strict=True)
        if isinstance(part, Variable) and part.edge is not None and d is not None
    ]
    found, _ = sweep(seeds, record=record, targets={c.edge}, floor=node._generation)
    return found.get(c.edge, np.zeros(z.shape, z.dtype))


def parting(w: Any) -> Any:
    """A number for each value, all different: how fast they part."""
    k = w.shape[-1]
    return np.broadcast_to(np.sqrt(2.0) + np.arange(k), w.shape).astype(frozen(w).dtype)


def limit_of_gaps(n: Any, y: tuple[Any, ...], place: int, pairs: Any, record: bool = False) -> Any:
    """The limit of ``n_ij / (w_j - w_i)`` at the ``pairs``, zero elsewhere; w is ``y[place]``."""
    t = parting(frozen(y[place]))
    directions = tuple(t if i == place else None for i in range(len(y)))
    gaps = np.where(pairs, t[..., None, :] - t[..., :, None], np.ones((), t.dtype))
    return slope(n, y, directions, record) * (pairs / gaps).astype(t.dtype)


def limit_of_sums(n: Any, y: tuple[Any, ...], place: int, dead: Any) -> Any:
    """The limit of ``n_ij / (s_i + s_j)``, or of ``n_ij / s_j``, where that is zero."""
    t = parting(frozen(y[place]))
    directions = tuple(t if i == place else None for i in range(len(y)))
    square = n.shape[-2] == n.shape[-1] == t.shape[-1]
    sums = t[..., None, :] + t[..., :, None] if square else np.broadcast_to(t[..., None, :], n.shape)
    return slope(n, y, directions) * (dead / sums).astype(t.dtype)


def turning(pairs: Any, dtype: Any) -> Any:
    """A small rotation of the vectors of equal values: antihermitian, zero between others."""
    k = pairs.shape[-1]
    e = np.subtract.outer(np.sqrt(np.arange(1.0, k + 1)), np.sqrt(np.arange(1.0, k + 1)))
    if np.dtype(dtype).kind == "c":
        e = e + 0.7j * (1 - np.eye(k))
    return (pairs * e).astype(dtype)


def turns_along(
    c: Any, levels: Any, y: tuple[Any, ...], vectors: Callable[[Any], tuple[Any, ...]], pairs: Any
) -> Any:
    """What of ``c`` (recorded) does not turn with the basis as a matrix does: zero for a good loss.

    ``levels``: its diagonal. ``vectors(e)``: the directions in which the outputs move.
    """
    whole = frozen(c) + frozen(levels)[..., None, :] * np.eye(pairs.shape[-1])
    e = turning(pairs, np.result_type(whole, *(frozen(part) for part in y)))
    moved = frozen(slope(c, y, vectors(e)))
    e = np.conjugate(e)  # cotangents are bilinear: C turns into R^T C conj(R)
    return (moved - (whole @ e - e @ whole)) * pairs


def at_equal_values(
    n: Any, levels: Any, y: tuple[Any, ...], place: int, vectors: Any, size: Any, name: str
) -> Any:
    """What ``over_gaps(n)`` leaves out: the limits at equal values.

    Raises:
        LinAlgError: the loss depends on the basis of their vectors, or on their order.
    """
    w = frozen(y[place])
    pairs = close_pairs(w)
    c = limit_of_gaps(n, y, place, pairs, record=True)
    lost = turns_along(c, levels, y, vectors, pairs)
    # where the loss is only stationary under turns, as V[0, 0] is at the identity, n does not stay zero
    lost = np.abs(lost) + pairs * np.abs(frozen(slope(n, y, vectors(turning(pairs, n.dtype)))))
    size = size + size_of(c) + np.abs(frozen(levels)).max(axis=-1, initial=0)[..., None, None]
    lost = pairs & ~negligible(lost, size)
    if np.any(lost):
        raise refuse_pair(w, lost, name, "the loss depends on their order or on the vectors chosen for them")
    return limit(n, value=frozen(c), places=pairs, name=name)


def at_zero_values(n: Any, y: tuple[Any, ...], place: int, dead: Any, name: str) -> Any:
    """What ``over_sums(n)`` or ``over_values(n)`` leaves out: the limits at singular values of zero."""
    return limit(n, value=frozen(limit_of_sums(n, y, place, dead)), places=dead, name=name)


def _no_second(g: Any, y: Any, n: Any, value: Any, places: Any, name: str) -> Any:
    if np.any(np.not_equal(frozen(g), 0) & places):
        raise NoGradientError(
            f"{name}: the derivative of a gradient at equal values, or along a direction in which they "
            f"part, is not known to whence{called_at()}\n  → separate the values by a small shift"
        )
    return 0 * g


# a value that the graph cannot differentiate further; it stands for a limit of its operand
limit = Primitive("limit", lambda n, value, places, name: value, vjp=[_no_second], reads=[""])
