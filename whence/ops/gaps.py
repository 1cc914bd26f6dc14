"""Quotients by differences of eigenvalues, and what becomes of them where the values are equal.

Eigenvectors turn by ``(V^H dA V)_ij / (w_j - w_i)``. Where two values are equal, any basis of their
space is as good as another. A loss that does not depend on that choice has a numerator of zero
there; one that does has no derivative, and raises.
"""

from __future__ import annotations

import functools
from typing import Any

import numpy as np

from ..core.batched import peeled
from ..core.origin import called_at
from ..core.primitive import Primitive
from ..errors import LinAlgError
from .declare import frozen

ROUNDING = 1e4  # what counts as zero, in units of n * eps * size


def close_pairs(w: Any, spread: Any = None) -> Any:
    """Which pairs of values are equal as far as rounding can tell: (..., n, n), not the diagonal."""
    w = frozen(w)
    n = w.shape[-1]
    size = np.abs(w).max(axis=-1, initial=0)[..., None, None]
    gaps = np.abs(w[..., None, :] - w[..., :, None])
    return (gaps <= 8 * n * np.finfo(w.dtype).eps * size) & ~np.eye(n, dtype=bool)


def negligible(n: Any, size: Any) -> Any:
    """Which elements are zero up to rounding, beside ``size`` (a number for each matrix)."""
    n = np.abs(frozen(n))
    return n <= ROUNDING * n.shape[-1] * np.finfo(n.dtype).eps * size


def size_of(*matrices: Any) -> Any:
    """The largest element of each matrix of a stack, over several stacks: (..., 1, 1)."""
    sizes = [np.max(np.abs(frozen(m)), axis=(-2, -1), initial=0) for m in matrices]
    return functools.reduce(np.maximum, sizes)[..., None, None]


def refuse_pair(w: Any, where: Any, name: str, why: str) -> LinAlgError:
    """The error for the first pair of values at ``where``: their indices, values and gap."""
    w = frozen(w)
    *batch, i, j = (int(k) for k in np.argwhere(where)[0])
    i, j = sorted((i, j))
    batch = batch[len(batch) + 1 - w.ndim :]  # where many cotangents come at once, of which matrix it was
    a, b = w[(*batch, i)], w[(*batch, j)]
    stack = f" of matrix {tuple(batch)}" if batch else ""
    return LinAlgError(
        f"{name}: values {i} and {j}{stack} are {a} and {b}, a gap of {abs(a - b):.3g}; {why}{called_at()}\n"
        "  → let the loss depend on what they share (their sum, the space of their vectors), or separate them"
    )


# --- quotients -----------------------------------------------------------------------------------


def _quotient(n: Any, d: Any, dead: Any, size: Any, refusal: Any) -> Any:
    if not np.any(dead):
        return n / d
    lost = dead & ~negligible(n, np.maximum(size, size_of(n)))
    if np.any(lost):
        raise refusal(lost)
    return np.where(dead, np.zeros((), n.dtype), n / np.where(dead, np.ones((), d.dtype), d))


def _quotient_top(g: Any, y: Any, n: Any, d: Any, dead: Any, size: Any, refusal: Any) -> Any:
    return quotient(g, d, dead=dead, size=0.0, refusal=refusal)


def _quotient_bottom(g: Any, y: Any, n: Any, d: Any, dead: Any, size: Any, refusal: Any) -> Any:
    return -quotient(g, d, dead=dead, size=0.0, refusal=refusal) * y


def _quotient_all(op: Any, batched: Any, n: Any, d: Any, dead: Any, size: Any, refusal: Any) -> Any:
    """Many numerators at once; the rest is the same for all, but for their sizes."""
    if batched[1]:
        return NotImplemented
    return op(n, d, dead=dead, size=peeled(size)[0], refusal=refusal)


def _first_only(op: Any, batched: Any, x: Any, w: Any, **params: Any) -> Any:
    return NotImplemented if batched[1] else op(x, w, **params)


# n / d, where d is dead zero; then n has to be zero up to rounding, and so has what comes back
quotient = Primitive(
    "quotient",
    _quotient,
    vjp=[_quotient_top, _quotient_bottom],
    reads=["1", "1y"],
    batch=_quotient_all,
)


def over_gaps(n: Any, w: Any, size: Any, name: str) -> Any:
    """``n_ij / (w_j - w_i)``, zero on the diagonal: how eigenvectors turn.

    Raises:
        LinAlgError: equal values whose ``n_ij`` does not vanish beside ``size``.
    """
    k = w.shape[-1]
    off = 1 - np.eye(k, dtype=frozen(w).real.dtype)
    dead = close_pairs(w)

    def refusal(lost: Any) -> LinAlgError:
        return refuse_pair(w, lost, name, "the loss depends on which vectors were chosen for them")

    d = (w[..., None, :] - w[..., :, None]) + np.eye(k, dtype=off.dtype)
    return quotient(n * off, d, dead=dead, size=size, refusal=refusal) * off


def over_sums(n: Any, s: Any, size: Any, name: str) -> Any:
    """``n_ij / (s_i + s_j)`` of singular values; zero where both are."""
    dead = both_vanish(s)

    def refusal(lost: Any) -> LinAlgError:
        return refuse_pair(s, lost, name, "the loss depends on which singular vectors were chosen for them")

    return quotient(n, s[..., None, :] + s[..., :, None], dead=dead, size=size, refusal=refusal)


def over_values(n: Any, s: Any, size: Any, name: str) -> Any:
    """``n_ij / s_j``; zero where ``s_j`` is."""
    dead = np.broadcast_to(vanishing(s)[..., None, :], n.shape)

    def refusal(lost: Any) -> LinAlgError:
        return LinAlgError(
            f"{name}: a singular value is 0, and the loss depends on which vectors were chosen for it"
            f"{called_at()}\n  → let the loss depend on the vectors of nonzero singular values"
        )

    return quotient(n, np.broadcast_to(s[..., None, :], n.shape), dead=dead, size=size, refusal=refusal)


def vanishing(s: Any) -> Any:
    """Which singular values are zero up to rounding."""
    s = frozen(s)
    return s <= 8 * s.shape[-1] * np.finfo(s.dtype).eps * s.max(axis=-1, initial=0)[..., None]


def both_vanish(s: Any) -> Any:
    """Which pairs of singular values are zero up to rounding."""
    dead = vanishing(s)
    return dead[..., None, :] & dead[..., :, None]


# --- gradients of the values themselves ----------------------------------------------------------


def _on_diagonal(g: Any, w: Any, dead: Any, name: str) -> Any:
    """``diag(g)``, for a loss that treats equal values alike."""
    pairs = close_pairs(w)
    if dead is not None:
        g = np.where(dead, np.zeros((), g.dtype), g)
        pairs &= ~both_vanish(w)
    if np.any(pairs):
        apart = np.abs(g[..., None, :] - g[..., :, None])
        size = np.abs(g).max(axis=-1, initial=0)[..., None, None]
        lost = pairs & ~negligible(apart, size)
        if np.any(lost):
            raise refuse_pair(w, lost, name, "the loss treats them differently, so it has a kink there")
    return g[..., None, :] * np.eye(w.shape[-1], dtype=g.dtype)


def _from_diagonal(g: Any, y: Any, x: Any, w: Any, dead: Any, name: str) -> Any:
    return diagonal_of(g, w, dead=dead, name=name)


def _diagonal_of(h: Any, w: Any, dead: Any, name: str) -> Any:
    """The transpose of ``on_diagonal``: it refuses directions that would split equal values."""
    pairs = close_pairs(w)
    if dead is not None:
        pairs &= ~both_vanish(w)
    levels = np.diagonal(h, axis1=-2, axis2=-1)
    if np.any(pairs):
        off = np.abs(h) + np.abs(levels[..., None, :] - levels[..., :, None])
        lost = pairs & ~negligible(off, size_of(h))
        if np.any(lost):
            raise refuse_pair(w, lost, name, "along this direction they part, so they have a kink there")
    return levels if dead is None else np.where(dead, np.zeros((), h.dtype), levels)


on_diagonal = Primitive(
    "on_diagonal",
    _on_diagonal,
    vjp=[_from_diagonal, lambda g, y, x, w, dead, name: None],
    reads=["1", ""],
    batch=_first_only,
)
diagonal_of = Primitive(
    "diagonal_of",
    _diagonal_of,
    vjp=[
        lambda g, y, h, w, dead, name: on_diagonal(g, w, dead=dead, name=name),
        lambda g, y, h, w, dead, name: None,
    ],
    reads=["1", ""],
    batch=_first_only,
)
