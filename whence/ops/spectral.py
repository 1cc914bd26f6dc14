"""Eigenvalues and singular values: eigh, eigvalsh, svd, svdvals, eig, eigvals.

Eigenvectors are known up to a sign (a phase if complex), and those of equal eigenvalues up to a
rotation. Losses that do not depend on these choices have their exact gradient; others raise
``LinAlgError`` (see ``gaps``).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.origin import called_at
from ..core.primitive import Primitive
from ..core.table import OPS
from ..errors import LinAlgError
from .batching import as_it_is
from .declare import anywhere, frozen, implements
from .factor import (
    adjoint,
    at_least_matrix,
    conjugate,
    folded,
    no_gauge,
    real_part,
    swapped,
    triangle,
)
from .gaps import (
    both_vanish,
    close_pairs,
    negligible,
    on_diagonal,
    over_gaps,
    over_sums,
    over_values,
    refuse_pair,
    size_of,
    vanishing,
)
from .limits import at_equal_values, at_zero_values, limit_of_gaps, must_be_recorded


def phases_free(q: Any, size: Any, name: str) -> None:
    """Raise if a loss depends on the phases of complex vectors: ``diag(q)`` must be real."""
    if q.dtype.kind != "c":
        return
    turn = np.diagonal(np.imag(frozen(q)), axis1=-2, axis2=-1)[..., None, :]
    if anywhere(~negligible(turn, size)):
        raise LinAlgError(
            f"the loss depends on the phases of the vectors of {name}, which are arbitrary{called_at()}\n"
            "  → let it depend on np.abs(v), on v * v[:1].conj() or on projectors v @ v.conj().T"
        )


# --- Hermitian matrices --------------------------------------------------------------------------


def _lower(uplo: str) -> bool:
    return uplo.upper() == "L"


def eigh_pull(g: Any, y: Any, name: str) -> Any:
    """The cotangent of a Hermitian A, twice its Hermitian part (before it is folded).

    ``dw = diag(M)``, ``dV = V (M_ij / (w_j - w_i))`` with ``M = V^H dA V``; Giles (2008), An extended
    collection of matrix derivative results, 3.1.
    """
    gw, gv = g
    w, v = y
    q = swapped(v) @ gv
    size = size_of(q)
    phases_free(q, size, name)
    n = q - adjoint(q)
    h = over_gaps(n, w, size, name)
    if np.any(close_pairs(w)):
        must_be_recorded(g, name)
        h = h + 2 * at_equal_values(n / 2, gw, y, 0, lambda e: (None, frozen(v) @ e), size, name)
    h = h + 2 * (real_part(gw)[..., None, :] * np.eye(w.shape[-1], dtype=frozen(w).dtype))
    return conjugate(v) @ h @ swapped(v)


def _eigh_rule(g: Any, y: Any, a: Any, UPLO: str) -> Any:
    k = eigh_pull(g, y, "np.linalg.eigh")
    return k * triangle(k.shape[-1], k.dtype, _lower(UPLO))


eigh = Primitive(
    "np.linalg.eigh",
    lambda a, UPLO: tuple(np.linalg.eigh(a, UPLO)),
    vjp=[_eigh_rule],
    many=True,
    batch=as_it_is,
)
_EighResult = type(np.linalg.eigh(np.eye(1)))


@implements(np.linalg.eigh)
def _eigh(a: Any, UPLO: str = "L") -> Any:
    return _EighResult(*eigh(a, UPLO=UPLO))


def _eigvalsh_rule(g: Any, y: Any, a: Any, UPLO: Any) -> Any:
    w, v = np.linalg.eigh(a, UPLO)
    d = on_diagonal(g, frozen(w), dead=None, name="np.linalg.eigvalsh")
    return folded(conjugate(v) @ d @ swapped(v), _lower(UPLO))


eigvalsh = Primitive(
    "np.linalg.eigvalsh", np.linalg.eigvalsh, vjp=[_eigvalsh_rule], reads=["0"], batch=as_it_is
)
OPS[np.linalg.eigvalsh] = lambda a, UPLO="L": eigvalsh(a, UPLO=UPLO)


# --- singular values -----------------------------------------------------------------------------


def svd_pull(g: Any, y: Any, name: str) -> Any:
    """The cotangent of A = U S V^H.

    With ``P = U^H dA V`` the antihermitian ``X = U^H dU`` and ``Y = V^H dV`` are known from
    ``X + Y = (P + P^H) / (s_j - s_i)`` and ``X - Y = (P - P^H) / (s_i + s_j)``; Townsend (2016),
    Differentiating the singular value decomposition.
    """
    gu, gs, gvh = g
    u, s, vh = y
    k = s.shape[-1]
    v, gv = adjoint(vh), adjoint(gvh)
    qu, qv = swapped(u) @ gu, swapped(v) @ gv
    inner_u, inner_v = qu[..., :k, :k], qv[..., :k, :k]
    size = np.maximum(size_of(qu, qv), size_of(gu, gv))
    both, differ = (inner_u + inner_v) / 2, (inner_u - inner_v) / 2
    phases_free(both, size, name)
    sums, differences = both - adjoint(both), differ - adjoint(differ)
    p = over_gaps(sums, s, size, name) + over_sums(differences, s, size, name)
    zeros = vanishing(s)
    if np.any(close_pairs(s)):
        must_be_recorded(g, name)
        p = p + at_equal_values(sums, gs, y, 1, lambda e: _turned(u, vh, e), size, name)
    if np.any(zeros):
        must_be_recorded(g, name)
        p = p + at_zero_values(differences, y, 1, both_vanish(s), name)
    p = p + real_part(gs)[..., None, :] * np.eye(k, dtype=frozen(s).dtype)
    first_u, first_v = u[..., :k], v[..., :k]
    total = conjugate(first_u) @ p @ swapped(first_v)
    if u.shape[-2] > k:
        w = _by_values(_outside(u, gu, qu, k, name), y, size, name)
        total = total + w @ swapped(first_v)
    if v.shape[-2] > k:
        w = _by_values(_outside(v, gv, qv, k, name), y, size, name)
        total = total + conjugate(first_u) @ adjoint(w)
    return total


def _by_values(w: Any, y: Any, size: Any, name: str) -> Any:
    s = y[1]
    zeros = vanishing(s)
    quotients = over_values(w, s, size, name)
    if not np.any(zeros):
        return quotients
    return quotients + at_zero_values(w, y, 1, np.broadcast_to(zeros[..., None, :], w.shape), name)


def _turned(u: Any, vh: Any, e: Any) -> tuple[Any, Any, Any]:
    """How U and V^H move as the vectors of equal singular values turn together."""
    u, vh, k = frozen(u), frozen(vh), e.shape[-1]
    left, right = np.zeros(u.shape, e.dtype), np.zeros(vh.shape, e.dtype)
    left[..., :k] = u[..., :k] @ e
    right[..., :k, :] = -e @ vh[..., :k, :]
    return left, None, right


def _outside(u: Any, gu: Any, qu: Any, k: int, name: str) -> Any:
    """What the first k columns of U take from outside of their span; for a full U, from the others."""
    first = u[..., :k]
    w = gu[..., :k] - conjugate(first) @ qu[..., :k, :k]
    if u.shape[-1] > k:
        no_gauge(qu[..., k:, k:], gu, name, "vectors of the null space")
        w = w - conjugate(u[..., k:]) @ adjoint(qu[..., :k, k:])
    return w


def _svd_rule(g: Any, y: Any, a: Any, full_matrices: bool) -> Any:
    return svd_pull(g, y, "np.linalg.svd")


svd = Primitive(
    "np.linalg.svd",
    lambda a, full_matrices: tuple(np.linalg.svd(a, full_matrices)),
    vjp=[_svd_rule],
    many=True,
    batch=as_it_is,
)
_SVDResult = type(np.linalg.svd(np.eye(1)))


def _svdvals_rule(g: Any, y: Any, a: Any) -> Any:
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    s = frozen(s)
    d = on_diagonal(g, s, dead=vanishing(s), name="np.linalg.svdvals")
    return conjugate(u) @ d @ conjugate(vh)


# at a singular value of zero, where it has a kink, the derivative is zero, as for abs
svdvals = Primitive(
    "np.linalg.svdvals",
    lambda a: np.linalg.svd(a, compute_uv=False),
    vjp=[_svdvals_rule],
    reads=["0"],
    batch=as_it_is,
)
OPS[np.linalg.svdvals] = lambda x, /: svdvals.apply(x)


@implements(np.linalg.svd)
def _svd(a: Any, full_matrices: bool = True, compute_uv: bool = True, hermitian: bool = False) -> Any:
    at_least_matrix(a, "np.linalg.svd")
    if hermitian:
        return _hermitian_svd(a, compute_uv)
    if not compute_uv:
        return svdvals(a)
    return _SVDResult(*svd(a, full_matrices=full_matrices))


def _hermitian_svd(a: Any, compute_uv: bool) -> Any:
    """By eigenvalues: s = |w|, largest first, U = V, and the signs go to V^H."""
    if not compute_uv:
        w = np.linalg.eigvalsh(a)
        order = np.argsort(np.abs(frozen(w)), axis=-1)[..., ::-1]
        return np.abs(np.take_along_axis(w, order, axis=-1))
    w, v = np.linalg.eigh(a)
    order = np.argsort(np.abs(frozen(w)), axis=-1)[..., ::-1]
    w = np.take_along_axis(w, order, axis=-1)
    u = np.take_along_axis(v, np.broadcast_to(order[..., None, :], v.shape), axis=-1)
    return _SVDResult(u, np.abs(w), adjoint(u * np.sign(frozen(w))[..., None, :]))


# --- matrices of any kind ------------------------------------------------------------------------


def eig_pull(g: Any, y: Any, name: str) -> Any:
    """The cotangent of A: ``dw = diag(M)``, ``dV = V T``, ``T_ij = M_ij / (w_j - w_i)``, ``M = V^-1 dA V``.

    The diagonal of T keeps the columns at length one: ``T_ii = -Re((V^H V T)_ii)``; Boeddeker et al.
    (2017), On the computation of complex-valued gradients with application to statistically optimum
    beamforming, arXiv:1701.00392, 4.6.
    """
    gw, gv = g
    w, v = y
    q = swapped(v) @ gv
    size = size_of(q)
    phases_free(q, size, name)
    lengths = np.diagonal(real_part(q), axis1=-2, axis2=-1)
    q = q - conjugate(adjoint(v) @ v) * lengths[..., None, :]
    pairs = close_pairs(w)
    if np.any(pairs):
        must_be_recorded(g, name)
        _refuse_unlike(q, g, y, pairs, name)
    m = over_gaps(q, w, size, name) + gw[..., None, :] * np.eye(w.shape[-1], dtype=frozen(w).real.dtype)
    return _solve_for_eig(v, m, name)


def _refuse_unlike(q: Any, g: Any, y: Any, pairs: Any, name: str) -> None:
    """Equal eigenvalues of a general matrix: only a loss that treats them alike passes."""
    gw, w = frozen(g[0]), frozen(y[0])
    used = np.abs(frozen(g[1])).max(axis=-2)  # which vectors the loss reads
    unlike = used[..., None, :] + used[..., :, None] + np.abs(gw[..., None, :] - gw[..., :, None])
    unlike = unlike + np.abs(frozen(limit_of_gaps(q, y, 0, pairs)))
    lost = pairs & ~negligible(unlike, size_of(q) + np.abs(gw).max(axis=-1)[..., None, None])
    if np.any(lost):
        raise refuse_pair(w, lost, name, "the loss does not treat them alike")


def _solve_for_eig(v: Any, m: Any, name: str) -> Any:
    """``V^-T m V^T``."""
    if np.any(np.linalg.cond(frozen(v)) * np.finfo(v.dtype).eps > 1e-3):
        raise LinAlgError(
            f"{name}: the matrix has no full set of eigenvectors (it is defective), and its eigenvalues "
            f"have no derivative{called_at()}\n  → separate the eigenvalues, or use np.linalg.eigh if it "
            "is Hermitian"
        )
    return np.linalg.solve(swapped(v), m @ swapped(v))


eig = Primitive(
    "np.linalg.eig",
    lambda a: tuple(np.linalg.eig(a)),
    vjp=[lambda g, y, a: eig_pull(g, y, "np.linalg.eig")],
    many=True,
    batch=as_it_is,
)
_EigResult = type(np.linalg.eig(np.eye(1)))
OPS[np.linalg.eig] = lambda a: _EigResult(*eig(a))


def _eigvals_rule(g: Any, y: Any, a: Any) -> Any:
    w, v = np.linalg.eig(a)
    d = on_diagonal(g, frozen(w), dead=None, name="np.linalg.eigvals")
    return _solve_for_eig(v, d, "np.linalg.eigvals")


eigvals = Primitive("np.linalg.eigvals", np.linalg.eigvals, vjp=[_eigvals_rule], reads=["0"], batch=as_it_is)
OPS[np.linalg.eigvals] = lambda a: eigvals.apply(a)
