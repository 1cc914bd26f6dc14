"""Eigenvalues and singular values with SciPy's signatures."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg as original

from ...core.primitive import Primitive
from ...ops.batching import as_it_is
from ...ops.declare import frozen
from ...ops.factor import adjoint, hermitian, triangle
from ...ops.spectral import eigh_pull, svd_pull
from .mirror import mirrors, no_gradient

# --- singular values -----------------------------------------------------------------------------

svd_ = Primitive(
    "scipy.linalg.svd",
    lambda a, full_matrices, lapack_driver: tuple(
        original.svd(a, full_matrices, lapack_driver=lapack_driver)
    ),
    vjp=[lambda g, y, a, full_matrices, lapack_driver: svd_pull(g, y, "scipy.linalg.svd")],
    many=True,
    batch=as_it_is,
)


@mirrors(original.svd)
def svd(
    a: Any,
    full_matrices: bool = True,
    compute_uv: bool = True,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """``a = U S V^H``."""
    if not compute_uv:
        return np.linalg.svd(a, compute_uv=False)
    return svd_(a, full_matrices=full_matrices, lapack_driver=lapack_driver)


@mirrors(original.svdvals)
def svdvals(a: Any, overwrite_a: bool = False, check_finite: bool = True) -> Any:
    """The singular values."""
    return np.linalg.svd(a, compute_uv=False)


def _rank(s: Any, shape: tuple[int, ...], rcond: Any) -> int:
    rcond = np.finfo(s.dtype).eps * max(shape) if rcond is None else rcond
    return int(np.sum(frozen(s) > np.max(frozen(s), initial=0) * rcond))


@mirrors(original.orth)
def orth(A: Any, rcond: Any = None) -> Any:
    """An orthonormal basis of the range; differentiable in losses that do not depend on the choice."""
    u, s, _ = svd(A, full_matrices=False)
    return u[:, : _rank(s, A.shape, rcond)]


@mirrors(original.null_space)
def null_space(
    A: Any,
    rcond: Any = None,
    *,
    overwrite_a: bool = False,
    check_finite: bool = True,
    lapack_driver: str = "gesdd",
) -> Any:
    """An orthonormal basis of the null space; a loss that depends on the choice of it raises."""
    _, s, vh = svd(A, full_matrices=True, lapack_driver=lapack_driver)
    return adjoint(vh[_rank(s, A.shape, rcond) :])


@mirrors(original.orthogonal_procrustes)
def orthogonal_procrustes(A: Any, B: Any, check_finite: bool = True) -> tuple[Any, Any]:
    """The orthogonal R that brings ``A R`` closest to B, and the sum of singular values."""
    u, w, vh = svd(adjoint(A) @ B, full_matrices=True)
    return u @ vh, np.sum(w)


# --- Hermitian matrices --------------------------------------------------------------------------


def _eigh_rule(g: Any, y: Any, a: Any, lower: bool, driver: Any) -> Any:
    k = eigh_pull(g, y, "scipy.linalg.eigh")
    return k * triangle(k.shape[-1], k.dtype, lower)


eigh_ = Primitive(
    "scipy.linalg.eigh",
    lambda a, lower, driver: tuple(original.eigh(a, lower=lower, driver=driver)),
    vjp=[_eigh_rule],
    many=True,
    batch=as_it_is,
)


def aligned(v: Any, target: Any) -> Any:
    """Vectors (columns) with the signs and phases of others that they agree with but for these."""
    overlap = np.sum(np.conjugate(frozen(v)) * target, axis=-2, keepdims=True)
    return v * (overlap / np.abs(overlap)).astype(np.result_type(frozen(v)))


def _reduced(a: Any, b: Any, lower: bool, kind: int) -> tuple[Any, Any]:
    """A pair of matrices as one: C with ``C y = w y``, and what turns y into v.

    Of ``a v = w b v`` (kind 1), ``a b v = w v`` (2), ``b a v = w v`` (3); Golub and Van Loan, 8.7.2.
    """
    a = hermitian(a, lower)
    factor = np.linalg.cholesky(b, upper=not lower)
    factor = factor if lower else adjoint(factor)
    if kind == 1:
        inverse = np.linalg.inv(factor)
        return inverse @ a @ adjoint(inverse), adjoint(inverse)
    c = adjoint(factor) @ a @ factor
    return c, adjoint(np.linalg.inv(factor)) if kind == 2 else factor


@mirrors(original.eigh)
def eigh(
    a: Any,
    b: Any = None,
    *,
    lower: bool = True,
    eigvals_only: bool = False,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    type: int = 1,
    check_finite: bool = True,
    subset_by_index: Any = None,
    subset_by_value: Any = None,
    driver: Any = None,
) -> Any:
    """Eigenvalues and vectors of a Hermitian matrix, or of a pair of them."""
    back = None
    if b is not None:
        a, back = _reduced(a, b, lower, type)
        lower = True
    if eigvals_only:
        w = np.linalg.eigvalsh(a, "L" if lower else "U")
        return w[..., _subset(w, subset_by_index, subset_by_value)]
    if back is None:
        w, v = eigh_(a, lower=lower, driver=None if driver in ("gv", "gvd", "gvx") else driver)
    else:
        w, v = np.linalg.eigh(a)
        v = back @ v
    chosen = _subset(w, subset_by_index, subset_by_value)
    return w[..., chosen], v[..., chosen]


def _subset(w: Any, by_index: Any, by_value: Any) -> Any:
    if by_index is not None:
        return slice(int(by_index[0]), int(by_index[1]) + 1)
    if by_value is not None:
        inside = (frozen(w) > by_value[0]) & (frozen(w) <= by_value[1])
        return np.flatnonzero(inside)
    return slice(None)


@mirrors(original.eigvalsh)
def eigvalsh(a: Any, b: Any = None, **keywords: Any) -> Any:
    """Eigenvalues of a Hermitian matrix, or of a pair of them."""
    return eigh(a, b, eigvals_only=True, **keywords)


@mirrors(original.eigh_tridiagonal)
def eigh_tridiagonal(
    d: Any,
    e: Any,
    eigvals_only: bool = False,
    select: str = "a",
    select_range: Any = None,
    check_finite: bool = True,
    tol: float = 0.0,
    lapack_driver: str = "auto",
) -> Any:
    """Eigenvalues and vectors of a real symmetric tridiagonal matrix."""
    i = np.arange(np.shape(d)[-1])
    below = np.concatenate([e, np.zeros(1, e.dtype)])
    dense = d * np.equal(i[:, None], i).astype(d.dtype)
    dense = dense + below * np.equal(i[:, None], i + 1).astype(e.dtype)
    keywords = {"i": {"subset_by_index": select_range}, "v": {"subset_by_value": select_range}}
    found = eigh(dense, eigvals_only=eigvals_only, **keywords.get(select, {}))
    if eigvals_only:
        return found
    plain = original.eigh_tridiagonal(
        frozen(d), frozen(e), False, select, select_range, True, tol, lapack_driver
    )
    return found[0], aligned(found[1], plain[1])


@mirrors(original.eigvalsh_tridiagonal)
def eigvalsh_tridiagonal(
    d: Any,
    e: Any,
    select: str = "a",
    select_range: Any = None,
    check_finite: bool = True,
    tol: float = 0.0,
    lapack_driver: str = "auto",
) -> Any:
    """Eigenvalues of a real symmetric tridiagonal matrix."""
    return eigh_tridiagonal(d, e, True, select, select_range)


# --- matrices of any kind ------------------------------------------------------------------------


@mirrors(original.eig)
def eig(
    a: Any,
    b: Any = None,
    left: bool = False,
    right: bool = True,
    overwrite_a: bool = False,
    overwrite_b: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Any:
    """Eigenvalues (complex) and left or right eigenvectors of ``a v = w b v``."""
    if homogeneous_eigvals or (left and b is not None):
        raise no_gradient("scipy.linalg.eig(homogeneous_eigvals=True), or with left=True and b,")
    w, v = np.linalg.eig(a if b is None else np.linalg.solve(b, a))
    plain: Any = original.eig(frozen(a), frozen(b), left=left, right=True)
    order = np.argmin(np.abs(plain[0][..., :, None] - frozen(w)[..., None, :]), axis=-1)
    w = np.take_along_axis(w, order, axis=-1)
    v = np.take_along_axis(v, np.broadcast_to(order[..., None, :], v.shape), axis=-1)
    results = [w.astype(np.result_type(w, np.complex64))]
    if left:
        dual = adjoint(np.linalg.inv(v))
        dual = dual / np.linalg.norm(dual, axis=-2, keepdims=True)
        results.append(aligned(dual, plain[1]))
    if right:
        results.append(aligned(v, plain[-1]))
    return tuple(results) if len(results) > 1 else results[0]


@mirrors(original.eigvals)
def eigvals(
    a: Any,
    b: Any = None,
    overwrite_a: bool = False,
    check_finite: bool = True,
    homogeneous_eigvals: bool = False,
) -> Any:
    """Eigenvalues (complex) of ``a v = w b v``."""
    if homogeneous_eigvals:
        raise no_gradient("scipy.linalg.eigvals(homogeneous_eigvals=True)")
    w = np.linalg.eigvals(a if b is None else np.linalg.solve(b, a))
    plain = np.asarray(original.eigvals(frozen(a), frozen(b)))
    order = np.argmin(np.abs(plain[..., :, None] - frozen(w)[..., None, :]), axis=-1)
    w = np.take_along_axis(w, order, axis=-1)
    return w.astype(np.result_type(w, np.complex64))
