"""Linear equations: general, triangular, banded, Toeplitz; from Cholesky and LU factors."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg as original

from ...core.primitive import PRIMITIVES, Primitive
from ...ops.declare import frozen
from ...ops.factor import conjugate, hermitian, swapped, triangle
from .mirror import doubled, mirrors
from .special import circulant, toeplitz

# --- triangular ----------------------------------------------------------------------------------


def _triangular_left(g: Any, y: Any, a: Any, b: Any, trans: int, lower: bool, unit_diagonal: bool) -> Any:
    gb = _triangular_right(g, y, a, b, trans, lower, unit_diagonal)
    if np.ndim(b) == 1:
        gb, y = gb[..., None], y[..., None]
    ga = -(y @ swapped(gb)) if trans else -(gb @ swapped(y))
    return ga * triangle(a.shape[-1], a.dtype, lower, 0.0 if unit_diagonal else 1.0)


def _triangular_right(g: Any, y: Any, a: Any, b: Any, trans: int, lower: bool, unit_diagonal: bool) -> Any:
    if np.ndim(b) == 1 and np.ndim(g) > 1:  # one vector for a stack of matrices
        return solve_triangular(a, g[..., None], 1 - trans, lower, unit_diagonal)[..., 0]
    return solve_triangular(a, g, 1 - trans, lower, unit_diagonal)


def _triangular(a: Any, b: Any, trans: int, lower: bool, unit_diagonal: bool) -> Any:
    return original.solve_triangular(a, b, trans, lower, unit_diagonal)


# one triangle of ``a`` is read, and the gradient lies in it
triangular_ = Primitive(
    "scipy.linalg.solve_triangular",
    _triangular,
    vjp=[_triangular_left, _triangular_right],
    reads=["01y", "01"],
)


@mirrors(original.solve_triangular)
def solve_triangular(
    a: Any,
    b: Any,
    trans: Any = 0,
    lower: bool = False,
    unit_diagonal: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """X with ``op(a) x = b``, of a triangular ``a``."""
    trans = {"N": 0, "T": 1, "C": 2}.get(trans, trans)
    if trans == 2:
        a, trans = conjugate(a), 1
    return triangular_(a, b, trans=trans, lower=bool(lower), unit_diagonal=bool(unit_diagonal))


# --- general -------------------------------------------------------------------------------------


def _structured(a: Any, assume_a: Any, lower: bool) -> Any:
    """The matrix that is meant, of which some structures read a part."""
    if assume_a in ("sym", "symmetric"):
        half = a * triangle(a.shape[-1], a.dtype, lower)
        return half + swapped(half)
    if assume_a in ("her", "hermitian", "pos", "positive definite"):
        return hermitian(a, lower)
    if assume_a in ("diagonal", "tridiagonal"):
        n = a.shape[-1]
        reach = 0 if assume_a == "diagonal" else 1
        band = np.abs(np.subtract.outer(np.arange(n), np.arange(n))) <= reach
        return a * band.astype(np.zeros(0, a.dtype).real.dtype)
    if assume_a in ("upper triangular", "lower triangular"):
        return a * triangle(a.shape[-1], a.dtype, assume_a == "lower triangular", 1.0)
    if assume_a in (None, "gen", "general", "banded"):
        return a
    raise ValueError(f"{assume_a} is not a recognized matrix structure")


@mirrors(original.solve)
def solve(
    a: Any,
    b: Any,
    lower: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    assume_a: Any = None,
    transposed: bool = False,
) -> Any:
    """X with ``a x = b``; the part of ``a`` that ``assume_a`` says is read has the gradient."""
    if assume_a in ("upper triangular", "lower triangular"):
        return solve_triangular(a, b, int(transposed), assume_a == "lower triangular")
    a = _structured(a, assume_a, lower)
    return np.linalg.solve(swapped(a) if transposed else a, b)


@mirrors(original.inv)
def inv(
    a: Any,
    overwrite_a: bool = False,
    check_finite: bool = True,
    *,
    assume_a: Any = None,
    lower: bool = False,
) -> Any:
    """The inverse."""
    return np.linalg.inv(_structured(a, assume_a, lower))


@mirrors(original.cho_solve)
def cho_solve(c_and_lower: Any, b: Any, overwrite_b: bool = False, check_finite: bool = True) -> Any:
    """X with ``a x = b`` from the Cholesky factor of ``a``."""
    c, lower = c_and_lower
    first, second = (0, 2) if lower else (2, 0)
    return solve_triangular(c, solve_triangular(c, b, first, lower), second, lower)


@mirrors(original.lu_solve)
def lu_solve(
    lu_and_piv: Any, b: Any, trans: int = 0, overwrite_b: bool = False, check_finite: bool = True
) -> Any:
    """X with ``op(a) x = b`` from the LU factors of one matrix ``a``."""
    lu, piv = lu_and_piv
    order = np.arange(np.shape(lu)[-1])
    for i, p in enumerate(frozen(piv)):
        order[[i, p]] = order[[p, i]]
    if trans == 0:
        return solve_triangular(lu, solve_triangular(lu, b[order], 0, True, True))
    x = solve_triangular(lu, solve_triangular(lu, b, trans), trans, True, True)
    return x[np.argsort(order)]


# --- banded --------------------------------------------------------------------------------------


def _transposed_band(ab: Any, lower: int, upper: int) -> Any:
    """The diagonal ordered form of the transpose: what stood in row r, column j goes to (-r, j + r - u)."""
    n = ab.shape[-1]
    rows, columns = np.indices((lower + upper + 1, n))
    source = columns + rows - lower
    inside = (source >= 0) & (source < n)
    return ab[lower + upper - rows, np.where(inside, source, 0)] * inside.astype(
        np.zeros(0, ab.dtype).real.dtype
    )


def _banded_left(g: Any, y: Any, ab: Any, b: Any, l_and_u: tuple[int, int]) -> Any:
    gb = _banded_right(g, y, ab, b, l_and_u)
    if np.ndim(b) == 1:
        gb, y = gb[:, None], y[:, None]
    lower, upper = l_and_u
    n = ab.shape[-1]
    rows, columns = np.indices((lower + upper + 1, n))
    i = columns + rows - upper
    inside = (i >= 0) & (i < n)
    products = np.sum(gb[np.where(inside, i, 0)] * y[columns], axis=-1)
    return -products * inside.astype(np.zeros(0, y.dtype).real.dtype)


def _banded_right(g: Any, y: Any, ab: Any, b: Any, l_and_u: tuple[int, int]) -> Any:
    lower, upper = l_and_u
    return solve_banded((upper, lower), _transposed_band(ab, lower, upper), g)


banded_ = Primitive(
    "scipy.linalg.solve_banded",
    lambda ab, b, l_and_u: original.solve_banded(l_and_u, ab, b),
    vjp=[_banded_left, _banded_right],
    reads=["01y", "01"],
)


@mirrors(original.solve_banded)
def solve_banded(
    l_and_u: Any,
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
) -> Any:
    """X with ``a x = b`` of a banded ``a`` in diagonal ordered form, ``ab[u + i - j, j] = a[i, j]``."""
    return banded_(ab, b, l_and_u=(int(l_and_u[0]), int(l_and_u[1])))


@mirrors(original.solveh_banded)
def solveh_banded(
    ab: Any,
    b: Any,
    overwrite_ab: bool = False,
    overwrite_b: bool = False,
    lower: bool = False,
    check_finite: bool = True,
) -> Any:
    """X with ``a x = b`` of a Hermitian positive definite banded ``a``, of which one half is stored."""
    width, n = np.shape(ab)[0] - 1, np.shape(ab)[1]
    half = (
        ab
        if lower
        else _transposed_band(np.concatenate([ab, np.zeros((width, n), ab.dtype)]), width, width)[width:]
    )
    half = half if lower else conjugate(half)
    diagonal, below = np.real(half[:1]), half[1:]
    empty = np.zeros((width + 1, n), ab.dtype)
    above = _transposed_band(np.concatenate([empty, below]), width, width)[:width]
    return solve_banded((width, width), np.concatenate([conjugate(above), diagonal, below]), b)


# --- Toeplitz and circulant ----------------------------------------------------------------------


def _toeplitz_operand(i: int, g: Any, y: Any, c: Any, r: Any, b: Any) -> Any:
    gb = toeplitz_(r, c, g)
    if i == 2:
        return gb
    n = c.shape[-1]
    if b.ndim == 1:
        gb, y = gb[:, None], y[:, None]
    products = -(gb @ swapped(y))  # the gradient of each element of the matrix
    rows, columns = np.indices((n, n))
    at = rows - columns if i == 0 else columns - rows
    kept = (at >= 0) if i == 0 else (at > 0)  # the corner is c[0]
    weight = kept.astype(np.zeros(0, products.dtype).real.dtype)
    return PRIMITIVES["scatter"](products * weight, index=np.where(kept, at, 0), shape=(n,))


toeplitz_ = Primitive(
    "scipy.linalg.solve_toeplitz",
    lambda c, r, b: original.solve_toeplitz((c, np.concatenate([c[:1], r[1:]])), b),
    vjp=[
        lambda g, y, c, r, b: _toeplitz_operand(0, g, y, c, _cornered(c, r), b),
        lambda g, y, c, r, b: _toeplitz_operand(1, g, y, c, _cornered(c, r), b),
        lambda g, y, c, r, b: _toeplitz_operand(2, g, y, c, _cornered(c, r), b),
    ],
    reads=["01y", "01y", "012"],
)


def _cornered(c: Any, r: Any) -> Any:
    return np.concatenate([c[:1], r[1:]])


def _column_and_row(c_or_cr: Any) -> tuple[Any, Any]:
    if isinstance(c_or_cr, tuple):
        return tuple(np.ravel(part) for part in c_or_cr)  # type: ignore[return-value]
    return np.ravel(c_or_cr), conjugate(np.ravel(c_or_cr))


@mirrors(original.solve_toeplitz)
def solve_toeplitz(c_or_cr: Any, b: Any, check_finite: bool = True) -> Any:
    """X with ``T x = b``, T constant along its diagonals."""
    c, r = _column_and_row(c_or_cr)
    y = toeplitz_(c, r, b if np.ndim(b) < 3 else np.reshape(b, (np.shape(b)[0], -1)))
    return y if np.ndim(b) < 3 else np.reshape(y, np.shape(b))


@mirrors(original.matmul_toeplitz)
def matmul_toeplitz(c_or_cr: Any, x: Any, check_finite: bool = False, workers: Any = None) -> Any:
    """``T x``, T constant along its diagonals."""
    return toeplitz(*_column_and_row(c_or_cr)) @ doubled(x)


@mirrors(original.solve_circulant)
def solve_circulant(
    c: Any,
    b: Any,
    singular: str = "raise",
    tol: Any = None,
    caxis: int = -1,
    baxis: int = 0,
    outaxis: int = 0,
) -> Any:
    """X with ``C x = b``, C circulant."""
    x = np.linalg.solve(circulant(np.moveaxis(c, caxis, -1)), np.moveaxis(b, baxis, 0))
    return np.moveaxis(x, 0 if np.ndim(c) == 1 else -1, outaxis)
