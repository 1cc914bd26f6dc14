"""Polynomials by their coefficients, highest power first: ``np.poly``, ``np.polyval`` and their kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.origin import called_at
from ..core.primitive import Primitive
from ..core.variable import Variable, as_array
from ..errors import NoGradientError
from .declare import arrayed, frozen, implements, misfit


def _coefficients(p: Any) -> Any:
    p = arrayed(p)
    return np.reshape(p, (1,)) if np.ndim(p) == 0 else p


@implements(np.polyval)
def _polyval(p: Any, x: Any) -> Any:
    p, x = (arrayed(a) for a in (p, x))
    y: Any = np.zeros_like(x)
    for i in np.arange(len(p)):
        y = y * x + p[i]
    return y


def _padded(p: Any, n: int) -> Any:
    return p if len(p) == n else np.concatenate([np.zeros(n - len(p), p.dtype), p])


@implements(np.polyadd)
def _polyadd(a1: Any, a2: Any) -> Any:
    a1, a2 = _coefficients(a1), _coefficients(a2)
    n = max(len(a1), len(a2))
    return _padded(a1, n) + _padded(a2, n)


@implements(np.polysub)
def _polysub(a1: Any, a2: Any) -> Any:
    a1, a2 = _coefficients(a1), _coefficients(a2)
    n = max(len(a1), len(a2))
    return _padded(a1, n) - _padded(a2, n)


def _trimmed(p: Any) -> Any:
    """Without leading zeros, as ``np.poly1d`` holds it."""
    there = np.flatnonzero(frozen(p))
    return p[there[0] :] if len(there) else p[-1:]


@implements(np.polymul)
def _polymul(a1: Any, a2: Any) -> Any:
    return np.convolve(_trimmed(_coefficients(a1)), _trimmed(_coefficients(a2)))


@implements(np.polydiv)
def _polydiv(u: Any, v: Any) -> Any:
    u, v = _coefficients(u) + 0.0, _coefficients(v) + 0.0
    m, n = len(u) - 1, len(v) - 1
    quotient = []
    rest = [u[i] for i in np.arange(m + 1)]
    for k in np.arange(m - n + 1):
        d = rest[k] / v[0]
        quotient.append(d)
        for j in np.arange(n + 1):
            rest[k + j] = rest[k + j] - d * v[j]
    r = np.astype(np.stack(rest), np.result_type(frozen(u), frozen(v)))
    bare = frozen(r)
    first = 0
    while np.allclose(bare[first], 0, rtol=1e-14) and first < m:
        first += 1
    return np.stack(quotient) if quotient else np.zeros(1, r.dtype), r[first:]


@implements(np.polyder)
def _polyder(p: Any, m: int = 1) -> Any:
    if m < 0:
        raise misfit("Order of derivative must be positive (see polyint)")
    p = _coefficients(p)
    for _ in range(int(m)):
        n = len(p) - 1
        p = p[:-1] * np.arange(n, 0, -1)
    return p


@implements(np.polyint)
def _polyint(p: Any, m: int = 1, k: Any = None) -> Any:
    if m < 0:
        raise misfit("Order of integral must be positive (see polyder)")
    p, m = _coefficients(p), int(m)
    constants = np.zeros(m) if k is None else k
    constants = np.reshape(constants, (-1,))
    if len(constants) == 1 and m > 1:
        constants = np.repeat(constants, m)
    if len(constants) < m:
        raise misfit("k must be a scalar or a rank-1 array of length 1 or >m.")
    for i in range(m):
        p = p / np.arange(len(p), 0, -1)
        p = np.concatenate([p, np.astype(constants[i : i + 1], p.dtype)])
    return p


@implements(np.poly)
def _poly(seq_of_zeros: Any) -> Any:
    zeros = seq_of_zeros if isinstance(seq_of_zeros, Variable) else np.atleast_1d(seq_of_zeros)
    if zeros.ndim == 2 and zeros.shape[0] == zeros.shape[1] and zeros.shape[0] != 0:
        zeros = np.linalg.eigvals(zeros)
    elif zeros.ndim == 0:
        zeros = np.reshape(zeros, (1,))
    elif zeros.ndim != 1:
        raise misfit("input must be 1d or non-empty square 2d array.")
    one = np.ones(1, zeros.dtype)
    p: Any = one
    for i in np.arange(len(zeros)):
        p = np.convolve(p, np.concatenate([one, -zeros[i : i + 1]]))
    if p.dtype.kind == "c":
        bare = frozen(zeros)
        if np.all(np.sort(bare) == np.sort(bare.conjugate())):
            p = np.real(p)
    return p


def _roots_rule(g: Any, y: Any, p: Any) -> Any:
    """``dr = -sum_k r**(n - k) dp_k / P'(r)``, from ``P(r) = 0``."""
    share = g / _polyval(_polyder(p), y)
    return -np.matmul(share, np.vander(y, len(p)))


roots = Primitive("np.roots", np.roots, vjp=[_roots_rule])


@implements(np.roots)
def _roots(p: Any) -> Any:
    p = _coefficients(p)
    if p.ndim != 1:
        raise misfit("Input must be a rank-1 array.")
    return roots(p)


@implements(np.vander)
def _vander(x: Any, N: int | None = None, increasing: bool = False) -> Any:
    if x.ndim != 1:
        raise misfit("x must be a one-dimensional array or sequence.")
    n = len(x) if N is None else int(N)
    x = np.astype(x, np.promote_types(x.dtype, int))
    columns: list[Any] = [np.ones_like(x)]
    for _ in range(n - 1):
        columns.append(columns[-1] * x)
    columns = columns[:n]
    if not columns:
        return np.zeros((len(x), 0), x.dtype)
    return np.stack(columns if increasing else columns[::-1], axis=1)


@implements(np.polyfit)
def _polyfit(
    x: Any,
    y: Any,
    deg: int,
    rcond: float | None = None,
    full: bool = False,
    w: Any = None,
    cov: Any = False,
) -> Any:
    # The bare solution c by QR, and a step from it that changes nothing but carries the derivative:
    # c + inv(A^T A) A^T (y - A c), which is the solution whatever c is.
    x, y = (a + 0.0 if isinstance(a, Variable) else as_array(a) + 0.0 for a in (x, y))
    order = int(deg) + 1
    if full:
        raise NoGradientError(
            f"np.polyfit(full=True) has no gradient in whence{called_at()}\n"
            "  → np.polyfit(x, y, deg) has; pass v.data for the diagnostics"
        )
    _check_fit(x, y, order, w)
    matrix = _vander(x, order) if isinstance(x, Variable) else np.vander(x, order)
    right = y
    if w is not None:
        w = arrayed(w) + 0.0
        matrix = matrix * w[:, None]
        right = np.astype(y * (w[:, None] if np.ndim(y) == 2 else w), y.dtype)
    bare = frozen(matrix)
    scale = np.sqrt((bare * bare.conj()).sum(axis=0)).real
    matrix = matrix / scale
    q, r = np.linalg.qr(frozen(matrix))
    start = np.linalg.solve(r, q.conj().T @ frozen(right))
    adjoint = np.conjugate(np.transpose(matrix))
    normal = np.linalg.inv(np.matmul(adjoint, matrix))
    c = start + np.matmul(normal, np.matmul(adjoint, right - np.matmul(matrix, start)))
    residual = right - np.matmul(matrix, c)
    c = c / (scale[:, None] if np.ndim(c) == 2 else scale)
    if not cov:
        return c
    factor: Any = 1.0
    if cov != "unscaled":
        if len(x) <= order:
            raise misfit("the number of data points must exceed order to scale the covariance matrix")
        factor = np.sum(np.real(residual * np.conjugate(residual)), axis=0) / (len(x) - order)
    base = normal / np.outer(scale, scale)
    return c, (base * factor if np.ndim(y) == 1 else base[:, :, None] * factor)


def _check_fit(x: Any, y: Any, order: int, w: Any) -> None:
    if order < 1:
        raise misfit("expected deg >= 0")
    if np.ndim(x) != 1 or np.size(x) == 0:
        raise misfit("expected 1D, non-empty vector for x")
    if np.ndim(y) not in (1, 2) or np.shape(x)[0] != np.shape(y)[0]:
        raise misfit("expected x and y to have same length")
    if w is not None and (np.ndim(w) != 1 or np.shape(w)[0] != np.shape(y)[0]):
        raise misfit("expected w and y to have the same length")
