"""Cholesky, LU, QR, polar and Schur factors, determinants, pseudo-inverses and least squares."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg as original

from ...core.primitive import PRIMITIVES, Primitive
from ...ops.batching import as_it_is
from ...ops.declare import frozen
from ...ops.factor import adjoint, conjugate, hermitian, no_gauge, solve, swapped, triangle
from .mirror import doubled, mirrors, no_gradient
from .sylvester import sylvester_

# --- Cholesky ------------------------------------------------------------------------------------


@mirrors(original.cholesky)
def cholesky(a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The triangular factor; the triangle of ``a`` that is read has the gradient."""
    return np.linalg.cholesky(a, upper=not lower)


@mirrors(original.cho_factor)
def cho_factor(
    a: Any, lower: bool = False, overwrite_a: bool = False, check_finite: bool = True
) -> tuple[Any, bool]:
    """The factor in one triangle; in the other what stood there, as SciPy leaves it."""
    rest = a * triangle(a.shape[-1], a.dtype, not lower, 0.0)
    return np.linalg.cholesky(a, upper=not lower) + rest, lower


# --- LU ------------------------------------------------------------------------------------------


def _lu_rule(g: Any, y: Any, a: Any) -> Any:
    """``A = P L U`` with P held fixed.

    With ``C = L^-1 P^T dA U^-1`` of the square part, ``dL = L tril(C, -1)`` and ``dU = triu(C) U``; the
    rows below it are ``L2 = A2 U^-1``, the columns beside it ``U2 = L^-1 A2``.
    """
    _, gl, gu = g
    p, lower, upper = y
    m, n = a.shape[-2:]
    k = min(m, n)
    l1, u1, gl1, gu1 = lower[..., :k, :], upper[..., :k], gl[..., :k, :], gu[..., :k]
    parts = []
    if n > k:
        beside = solve(swapped(l1), gu[..., k:])
        gl1 = gl1 - beside @ swapped(upper[..., k:])
        parts = [(beside, -1)]
    if m > k:
        below = swapped(solve(u1, swapped(gl[..., k:, :])))
        gu1 = gu1 - swapped(lower[..., k:, :]) @ below
        parts = [(below, -2)]
    c = (swapped(l1) @ gl1) * triangle(k, a.dtype, True, 0.0)
    c = c + (gu1 @ swapped(u1)) * triangle(k, a.dtype, False, 1.0)
    gb = solve(swapped(l1), swapped(solve(u1, swapped(c))))
    for part, axis in parts:
        gb = np.concatenate([gb, part], axis=axis)
    return frozen(p) @ gb


lu_ = Primitive("scipy.linalg.lu", lambda a: tuple(original.lu(a)), vjp=[_lu_rule], many=True, batch=as_it_is)


@mirrors(original.lu)
def lu(
    a: Any,
    permute_l: bool = False,
    overwrite_a: bool = False,
    check_finite: bool = True,
    p_indices: bool = False,
) -> Any:
    """``a = P L U``; the permutation is a plain array."""
    p, lower, upper = lu_(a)
    p = frozen(p)
    if permute_l:
        return p @ lower, upper
    return (np.argmax(p, axis=-1) if p_indices else p), lower, upper


@mirrors(original.lu_factor)
def lu_factor(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> tuple[Any, Any]:
    """L and U in one matrix, and the row exchanges, a plain array."""
    m, n = a.shape[-2:]
    _, lower, upper = lu_(a)
    lower = np.tril(lower, -1)
    if m > n:
        upper = np.concatenate([upper, np.zeros((*upper.shape[:-2], m - n, n), a.dtype)], axis=-2)
    elif n > m:
        lower = np.concatenate([lower, np.zeros((*lower.shape[:-1], n - m), a.dtype)], axis=-1)
    return lower + upper, original.lu_factor(frozen(a))[1]


# --- QR ------------------------------------------------------------------------------------------


@mirrors(original.qr)
def qr(
    a: Any,
    overwrite_a: bool = False,
    lwork: Any = None,
    mode: str = "full",
    pivoting: bool = False,
    check_finite: bool = True,
) -> Any:
    """``a = Q R``, with ``pivoting`` of the columns in an order that is a plain array."""
    if mode not in ("full", "r", "economic"):
        if mode == "raw":
            raise no_gradient("scipy.linalg.qr(mode='raw')", "mode='full', 'r' or 'economic'")
        raise ValueError("Mode argument should be one of ['full', 'r', 'economic', 'raw']")
    more: tuple[Any, ...] = ()
    if pivoting:
        order: Any = original.qr(frozen(a), mode="r", pivoting=True)[-1]
        more = (order,)
        a = np.take_along_axis(a, np.broadcast_to(order[..., None, :], a.shape), axis=-1)
    if mode != "r":
        return (*np.linalg.qr(a, mode="complete" if mode == "full" else "reduced"), *more)
    r: Any = np.linalg.qr(a, mode="r")
    missing = a.shape[-2] - r.shape[-2]
    if missing:
        r = np.concatenate([r, np.zeros((*r.shape[:-2], missing, r.shape[-1]), r.dtype)], axis=-2)
    return r if a.ndim > 2 and not more else (r, *more)


# --- polar ---------------------------------------------------------------------------------------


def _polar_rule(g: Any, y: Any, a: Any) -> Any:
    """For ``m >= n``: ``X = U^H dU`` solves ``X P + P X = U^H dA - dA^H U``.

    Higham (2008), Functions of Matrices, chapter 8.
    """
    p = hermitian(adjoint(y) @ a)
    q = swapped(y) @ g
    z = sylvester_(swapped(p), swapped(p), q)
    k = conjugate(y) @ (z - adjoint(z))
    if a.shape[-2] > a.shape[-1]:
        k = k + swapped(solve(p, swapped(g - conjugate(y) @ q)))
    return k


polar_ = Primitive(
    "polar factor", lambda a: original.polar(a)[0], vjp=[_polar_rule], reads=["0y"], batch=as_it_is
)


@mirrors(original.polar)
def polar(a: Any, side: str = "right") -> tuple[Any, Any]:
    """``a = U P`` (or ``P U``) with orthonormal U and positive semidefinite P."""
    if side not in ("right", "left"):
        raise ValueError("`side` must be either 'right' or 'left'")
    tall = a.shape[-2] >= a.shape[-1]
    u = polar_(a) if tall else adjoint(polar_(adjoint(a)))
    p = adjoint(u) @ a if side == "right" else a @ adjoint(u)
    return u, (p + adjoint(p)) / 2


# --- Schur ---------------------------------------------------------------------------------------


def _schur_rule(g: Any, y: Any, a: Any, output: str) -> Any:
    """``A = Z T Z^H``: with ``E = Z^H dA Z`` and ``X = Z^H dZ`` antihermitian, ``dT = E - X T + T X``.

    The strict lower part of X follows from what stays zero in T: a triangular system of
    ``n (n - 1) / 2`` unknowns.
    """
    t, z = y
    n = t.shape[-1]
    if np.any(np.tril(frozen(t), -1)):
        raise no_gradient("scipy.linalg.schur of complex eigenvalues in real blocks", "output='complex'")
    gt, gz = g[0] * triangle(n, t.dtype, False, 1.0), g[1]
    gx = swapped(z) @ gz - gt @ swapped(t) + swapped(t) @ gt
    if gx.dtype.kind == "c":
        phases = np.imag(frozen(gx)) * np.eye(n)
        no_gauge(1j * phases, gx, "scipy.linalg.schur", "phases of the columns of Z")
    i, j = np.tril_indices(n, -1)
    row, column = i[:, None], j[:, None]
    system = (row == i) * t[..., j, column] - (column == j) * t[..., row, i]
    skew = (gx - adjoint(gx))[..., i, j]
    below = solve(swapped(system), skew[..., None])[..., 0]
    return conjugate(z) @ (gt + PRIMITIVES["scatter"](below, index=(..., i, j), shape=t.shape)) @ swapped(z)


schur_ = Primitive(
    "scipy.linalg.schur",
    lambda a, output: tuple(original.schur(a, output)),
    vjp=[_schur_rule],
    many=True,
    batch=as_it_is,
)


@mirrors(original.schur)
def schur(
    a: Any,
    output: str = "real",
    lwork: Any = None,
    overwrite_a: bool = False,
    sort: Any = None,
    check_finite: bool = True,
) -> Any:
    """``a = Z T Z^H`` with T upper triangular."""
    if sort is not None:
        raise no_gradient("scipy.linalg.schur(sort=)", "leave sort out")
    return schur_(a, output=output)


# --- what NumPy has too --------------------------------------------------------------------------


@mirrors(original.det)
def det(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The determinant."""
    return np.linalg.det(doubled(a))


@mirrors(original.norm)
def norm(a: Any, ord: Any = None, axis: Any = None, keepdims: bool = False, check_finite: bool = True) -> Any:
    """A norm of vectors or matrices."""
    return np.linalg.norm(a, ord, axis, keepdims)


def _cutoff(a: Any, atol: Any, rtol: Any) -> tuple[float, int]:
    """The relative cutoff of singular values, and how many lie above it."""
    s = np.linalg.svd(frozen(a), compute_uv=False)
    top = s.max(initial=0)
    atol = 0.0 if atol is None else atol
    rtol = max(np.shape(a)) * np.finfo(s.dtype).eps if rtol is None else rtol
    cut = atol + rtol * top
    return (cut / top if top else 0.0), int(np.sum(s > cut))


@mirrors(original.pinv)
def pinv(
    a: Any, *, atol: Any = None, rtol: Any = None, return_rank: bool = False, check_finite: bool = True
) -> Any:
    """The pseudo-inverse of one matrix."""
    relative, rank = _cutoff(a, atol, rtol)
    y = np.linalg.pinv(a, rcond=relative)
    return (y, rank) if return_rank else y


@mirrors(original.pinvh)
def pinvh(
    a: Any,
    atol: Any = None,
    rtol: Any = None,
    lower: bool = True,
    return_rank: bool = False,
    check_finite: bool = True,
) -> Any:
    """The pseudo-inverse of a Hermitian matrix, of which one triangle is read."""
    return pinv(hermitian(a, lower), atol=atol, rtol=rtol, return_rank=return_rank)


@mirrors(original.lstsq)
def lstsq(
    a: Any,
    b: Any,
    cond: Any = None,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    lapack_driver: Any = None,
) -> tuple[Any, Any, Any, Any]:
    """The least squares solution, the residues, the rank and the singular values."""
    cond = np.finfo(np.result_type(frozen(a), frozen(b))).eps if cond is None else cond
    x, residues, rank, s = np.linalg.lstsq(a, b, rcond=cond)
    if np.ndim(b) == 1 and np.size(residues):
        residues = np.reshape(residues, ())
    return x, residues, rank, None if lapack_driver == "gelsy" else s
