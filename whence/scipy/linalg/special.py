"""Matrices with a pattern: Toeplitz, circulant, Hankel, block diagonal and others."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg as original

from ...ops.factor import conjugate
from .mirror import mirrors


@mirrors(original.toeplitz)
def toeplitz(c: Any, r: Any = None) -> Any:
    """Constant along the diagonals: first column ``c``, first row ``r`` (the conjugate of ``c``)."""
    c = np.atleast_1d(c)
    r = conjugate(c) if r is None else np.atleast_1d(r)
    rows, columns = np.indices((c.shape[-1], r.shape[-1]))
    values = np.concatenate([c[..., ::-1], r[..., 1:]], axis=-1)
    return values[..., c.shape[-1] - 1 - rows + columns]


@mirrors(original.circulant)
def circulant(c: Any) -> Any:
    """Each column is the one before, moved down by one; the first is ``c``."""
    rows, columns = np.indices((c.shape[-1],) * 2)
    return c[..., (rows - columns) % c.shape[-1]]


@mirrors(original.hankel)
def hankel(c: Any, r: Any = None) -> Any:
    """Constant along the anti-diagonals: first column ``c``, last row ``r`` (zeros)."""
    c = np.atleast_1d(c)
    r = np.zeros(c.shape, c.dtype) if r is None else np.atleast_1d(r)
    rows, columns = np.indices((c.shape[-1], r.shape[-1]))
    return np.concatenate([c, r[..., 1:]], axis=-1)[..., rows + columns]


@mirrors(original.block_diag)
def block_diag(*arrs: Any) -> Any:
    """The arrays along the diagonal, zeros elsewhere."""
    blocks = [np.atleast_2d(a) for a in arrs]
    batch = np.broadcast_shapes(*(b.shape[:-2] for b in blocks))
    total = sum(b.shape[-1] for b in blocks)
    rows, start = [], 0
    for b in blocks:
        b = np.broadcast_to(b, batch + b.shape[-2:])
        before = np.zeros((*b.shape[:-1], start), b.dtype)
        start += b.shape[-1]
        after = np.zeros((*b.shape[:-1], total - start), b.dtype)
        rows.append(np.concatenate([before, b, after], axis=-1))
    return np.concatenate(rows, axis=-2)


@mirrors(original.companion)
def companion(a: Any) -> Any:
    """The companion matrix of a polynomial's coefficients, highest power first."""
    n = a.shape[-1] - 1
    first = (-a[..., 1:] / a[..., :1])[..., None, :]
    shifted = np.broadcast_to(np.eye(n - 1, n, dtype=a.dtype), (*a.shape[:-1], n - 1, n))
    return np.concatenate([first, shifted], axis=-2)


@mirrors(original.leslie)
def leslie(f: Any, s: Any) -> Any:
    """Fecundities ``f`` in the first row, survival rates ``s`` below the diagonal."""
    n = np.shape(f)[-1]
    survivors = np.reshape(s, (n - 1, 1)) * np.eye(n - 1, n, dtype=s.dtype)
    return np.concatenate([np.reshape(f, (1, n)), survivors])


@mirrors(original.khatri_rao)
def khatri_rao(a: Any, b: Any) -> Any:
    """The Kronecker products of the columns: (m, k), (n, k) to (m n, k)."""
    products = a[..., :, None, :] * b[..., None, :, :]
    return np.reshape(products, (*products.shape[:-3], -1, products.shape[-1]))
