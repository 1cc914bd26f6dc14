"""Inverse, solve, determinants, Cholesky and QR, of one matrix or of stacks ``(..., n, n)``.

Rules are bilinear (see ``core.sweep``): with ``dY = -Y dX Y`` the rule of the inverse is
``-Y^T g Y^T``, for complex matrices too. What reads one triangle of its argument (``cholesky``)
has its gradient there, as finite differences of the function have it.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.batched import aligned
from ..core.origin import called_at
from ..core.primitive import Primitive
from ..core.table import OPS
from ..errors import LinAlgError, NoGradientError
from .batching import as_it_is, leading
from .declare import anywhere, frozen, implements


def swapped(a: Any) -> Any:
    """The transposes of a stack of matrices."""
    return np.swapaxes(a, -1, -2)


def adjoint(a: Any) -> Any:
    """The conjugate transposes of a stack of matrices."""
    return np.conjugate(np.swapaxes(a, -1, -2)) if a.dtype.kind == "c" else np.swapaxes(a, -1, -2)


def conjugate(a: Any) -> Any:
    """The complex conjugate; a real array as it is."""
    return np.conjugate(a) if a.dtype.kind == "c" else a


def real_part(a: Any) -> Any:
    """The real part; a real array as it is."""
    return np.real(a) if a.dtype.kind == "c" else a


def triangle(n: int, dtype: Any, lower: bool = True, diagonal: float = 0.5) -> Any:
    """Ones in a triangle of an ``(n, n)`` matrix, ``diagonal`` on the diagonal: a mask to multiply with."""
    real = np.zeros(0, dtype).real.dtype
    mask = np.tril(np.ones((n, n), real), -1) + diagonal * np.eye(n, dtype=real)
    return mask if lower else mask.T


def folded(k: Any, lower: bool = True) -> Any:
    """The gradient of a function of a Hermitian matrix of which one triangle is read.

    ``k`` is its cotangent as if all elements were free, ``dL = Re sum(k * dA)``. The element
    ``(i, j)`` of the triangle moves ``(j, i)`` too, by its conjugate; of the diagonal the real
    part is read.
    """
    return (k + adjoint(k)) * triangle(k.shape[-1], k.dtype, lower)


def hermitian(a: Any, lower: bool = True) -> Any:
    """The Hermitian matrix that one triangle of ``a`` stands for."""
    part = a * triangle(a.shape[-1], a.dtype, lower)
    return part + adjoint(part)


def square_only(x: Any, name: str) -> None:
    """Raise what NumPy raises for a matrix that is not square."""
    if np.ndim(x) < 2:
        raise LinAlgError(
            f"{name}: {np.ndim(x)}-dimensional array given. Array must be at least "
            f"two-dimensional{called_at()}"
        )
    if np.shape(x)[-1] != np.shape(x)[-2]:
        raise LinAlgError(f"{name}: Last 2 dimensions of the array must be square{called_at()}")


def at_least_matrix(x: Any, name: str) -> None:
    """Raise what NumPy raises for what is not a matrix."""
    if np.ndim(x) < 2:
        raise LinAlgError(
            f"{name}: {np.ndim(x)}-dimensional array given. Array must be at least "
            f"two-dimensional{called_at()}"
        )


# --- inverse and solve ---------------------------------------------------------------------------

inv = Primitive(
    "np.linalg.inv",
    np.linalg.inv,
    vjp=[lambda g, y, x: -(swapped(y) @ g @ swapped(y))],
    reads=["y"],
    batch=as_it_is,
)
OPS[np.linalg.inv] = lambda a: inv.apply(a)


def _solve_left(g: Any, y: Any, a: Any, b: Any) -> Any:
    gb = _solve_right(g, y, a, b)
    if np.ndim(b) == 1:
        return -(gb[..., :, None] * y[..., None, :])
    return -(gb @ swapped(y))


def _solve_right(g: Any, y: Any, a: Any, b: Any) -> Any:
    if np.ndim(b) == 1:
        return solve(swapped(a), g[..., None])[..., 0]
    return solve(swapped(a), g)


def _solve_all(op: Any, batched: Any, a: Any, b: Any) -> Any:
    """Where the matrix is the same for all examples: once, with all of their columns side by side."""
    vector = np.ndim(b) - batched[1] == 1
    b = b[..., None] if vector else b
    if not batched[0] and np.ndim(a) == 2 and np.ndim(b) == 3:
        count, n, k = np.shape(b)
        beside = op(a, np.reshape(np.moveaxis(b, 0, 1), (n, count * k)))
        y = np.moveaxis(np.reshape(beside, (n, count, k)), 1, 0)
    else:
        y = op(*aligned(batched, (a, b), (2, 2)))
    return y[..., 0] if vector else y


solve = Primitive(
    "np.linalg.solve",
    np.linalg.solve,
    vjp=[_solve_left, _solve_right],
    reads=["01y", "01"],
    batch=_solve_all,
)
OPS[np.linalg.solve] = lambda a, b: solve.apply(a, b)

# --- determinants --------------------------------------------------------------------------------


def _stretched(g: Any) -> Any:
    """Numbers as matrices of one element, to multiply a stack of matrices with."""
    return np.reshape(g, (*np.shape(g), 1, 1))


det = Primitive(
    "np.linalg.det",
    np.linalg.det,
    vjp=[lambda g, y, x: _stretched(g) * cofactors(x)],
    reads=["0"],
    batch=as_it_is,
)
OPS[np.linalg.det] = lambda a: det.apply(a)


def _inverse_if_regular(x: Any) -> Any:
    """The inverses, or None where a matrix is too close to a singular one to trust them."""
    try:
        y = np.linalg.inv(x)
    except np.linalg.LinAlgError:
        return None
    size = np.abs(x).sum(-1).max(-1) * np.abs(y).sum(-1).max(-1)
    return y if np.all(size < np.finfo(x.dtype).eps ** -0.5) else None


def _products_without(s: Any, pairs: bool) -> Any:
    """Products of all values but one (..., n), or but two (..., n, n), those with zeros too."""
    n = s.shape[-1]
    eye = np.eye(n, dtype=bool)
    if not pairs:
        return np.prod(np.where(eye, 1, s[..., None, :]), axis=-1)
    left_out = eye[:, None, :] | eye[None, :, :]
    return np.prod(np.where(left_out, 1, s[..., None, None, :]), axis=-1) * ~eye


def _svd_with_phase(x: Any) -> tuple[Any, Any, Any, Any]:
    u, s, vh = np.linalg.svd(x)
    return _stretched(np.linalg.det(u) * np.linalg.det(vh)), u.conj(), s, vh.conj()


def _cofactors(x: Any) -> Any:
    """``cof(U S V^H) = det(U) det(V^H) conj(U) cof(S) conj(V^H)``: right for singular matrices."""
    if 0 in x.shape:
        return np.zeros_like(x)
    y = _inverse_if_regular(x)
    if y is not None:
        return _stretched(np.linalg.det(x)) * swapped(y)
    phase, u, s, vh = _svd_with_phase(x)
    return phase * (u @ (_products_without(s, pairs=False)[..., :, None] * vh))


def _cofactors_rule(g: Any, y: Any, x: Any) -> Any:
    if 0 in x.shape:
        return 0 * g
    if _inverse_if_regular(frozen(x)) is None:
        return cofactors_along(x, g)
    y = swapped(np.linalg.inv(x))
    along = _stretched(np.sum(y * g, axis=(-2, -1)))
    return _stretched(np.linalg.det(x)) * (along * y - y @ swapped(g) @ y)


cofactors = Primitive("cofactors", _cofactors, vjp=[_cofactors_rule], reads=["0"], batch=as_it_is)


def _cofactors_along(x: Any, e: Any) -> Any:
    """How the cofactors of ``x`` change along ``e``; symmetric: a second derivative of det."""
    if 0 in x.shape:
        return np.zeros_like(x)
    phase, u, s, vh = _svd_with_phase(x)
    f = swapped(u) @ e @ swapped(vh)
    products = _products_without(s, pairs=True)
    turned = np.einsum("...ij,...jj->...i", products, f)[..., :, None] * np.eye(s.shape[-1])
    return phase * (u @ (turned - products * swapped(f)) @ vh).astype(np.result_type(x, e))


def _no_third(g: Any, y: Any, x: Any, e: Any) -> Any:
    raise NoGradientError(
        f"the third derivative of np.linalg.det at a singular matrix is not known to whence{called_at()}"
    )


cofactors_along = Primitive(
    "cofactors_along",
    _cofactors_along,
    vjp=[_no_third, lambda g, y, x, e: cofactors_along(x, g)],
    reads=["01", "0"],
    batch=leading(2, 2),
)


def _slogdet_rule(g: Any, y: Any, x: Any) -> Any:
    g_sign, g_log = g
    sign, log = y
    singular = ~np.isfinite(frozen(log))
    if np.any(singular):
        if anywhere(np.not_equal(frozen(g_log), 0) & singular):
            raise LinAlgError(
                "np.linalg.slogdet of a singular matrix: the logarithm of the determinant is -inf and "
                f"has no gradient{called_at()}\n  → np.linalg.det has one"
            )
        x = np.where(_stretched(singular), np.eye(x.shape[-1], dtype=x.dtype), x)
        g_log = np.where(singular, np.zeros((), g_log.dtype), g_log)
    if x.dtype.kind == "c":  # sign turns by Im tr(X^-1 dX)
        turn = np.where(singular, 0, np.imag(g_sign * sign))
        g_log = g_log + 1j * turn
    return _stretched(g_log) * swapped(np.linalg.inv(x))


slogdet = Primitive(
    "np.linalg.slogdet",
    lambda x: tuple(np.linalg.slogdet(x)),
    vjp=[_slogdet_rule],
    many=True,
    batch=as_it_is,
)
_SlogdetResult = type(np.linalg.slogdet(np.eye(1)))


@implements(np.linalg.slogdet)
def _slogdet(a: Any) -> Any:
    return _SlogdetResult(*slogdet(a))


# --- Cholesky ------------------------------------------------------------------------------------


def _cholesky_rule(g: Any, y: Any, a: Any) -> Any:
    """``dL = L (tril of L^-1 dA L^-H, its diagonal halved)``; Murray (2016), arXiv:1602.07527."""
    lt = swapped(y)
    w = (lt @ g) * triangle(y.shape[-1], y.dtype)
    k = np.linalg.solve(lt, w)
    return folded(swapped(np.linalg.solve(conjugate(lt), swapped(k))))


cholesky = Primitive(
    "np.linalg.cholesky", np.linalg.cholesky, vjp=[_cholesky_rule], reads=["y"], batch=as_it_is
)


@implements(np.linalg.cholesky)
def _cholesky(a: Any, /, *, upper: bool = False) -> Any:
    return adjoint(cholesky(adjoint(a))) if upper else cholesky(a)


# --- QR ------------------------------------------------------------------------------------------


def _qr_rule(g: Any, y: Any, a: Any, mode: str) -> Any:
    """For ``m >= n``; Walter, Lehmann and Lamour (2012), Optim. Methods Softw. 27(2), in reverse.

    With ``C = Q^H dA R^-1``: ``dR = T R`` and ``dQ = dA R^-1 - Q T``, where T is the upper triangular
    matrix (its diagonal real) for which ``C - T`` is antihermitian.
    """
    gq, gr = g
    q, r = y
    n = a.shape[-1]
    size = np.abs(frozen(r))
    pivots = np.diagonal(size, axis1=-2, axis2=-1)
    if np.any(pivots <= n * np.finfo(q.dtype).eps * size.max(axis=(-2, -1), initial=0)[..., None]):
        raise LinAlgError(
            f"the gradient of np.linalg.qr needs linearly independent columns{called_at()}\n"
            "  → np.linalg.svd for matrices that may lose rank"
        )
    first, gfirst, r, gr = q[..., :n], gq[..., :n], r[..., :n, :], gr[..., :n, :]
    m = gr @ swapped(r) - swapped(first) @ gfirst
    upper = m * triangle(n, q.dtype, lower=False)
    z = gfirst + conjugate(first) @ (upper + adjoint(upper))
    if mode == "complete" and q.shape[-1] > n:
        rest, grest = q[..., n:], gq[..., n:]
        no_gauge(swapped(rest) @ grest, grest, "np.linalg.qr(mode='complete')", "columns of Q beyond R")
        z = z - conjugate(rest) @ adjoint(swapped(first) @ grest)
    return swapped(solve(r, swapped(z)))


def no_gauge(q: Any, g: Any, name: str, what: str) -> None:
    """Raise if a loss depends on a basis that the function chose: ``q`` must be Hermitian."""
    q = frozen(q)
    turn = np.abs(q - adjoint(q))
    size = np.abs(frozen(g)).max(initial=0) * max(1, q.shape[-1])
    if anywhere(turn > 1e4 * np.finfo(q.dtype).eps * size):
        raise LinAlgError(
            f"the loss depends on the {what} of {name}, which are an arbitrary basis{called_at()}\n"
            "  → let the loss depend on the space that they span (their projector) only"
        )


qr = Primitive(
    "np.linalg.qr",
    lambda a, mode: tuple(np.linalg.qr(a, mode)),
    vjp=[_qr_rule],
    many=True,
    batch=as_it_is,
)
_QRResult = type(np.linalg.qr(np.eye(1)))


@implements(np.linalg.qr)
def _qr(a: Any, mode: str = "reduced") -> Any:
    mode = {"f": "reduced", "full": "reduced"}.get(mode, mode)
    at_least_matrix(a, "np.linalg.qr")
    if mode not in ("reduced", "complete", "r"):
        if mode in ("raw", "e", "economic"):
            raise NoGradientError(
                f"np.linalg.qr(mode={mode!r}) has no gradient in whence: it returns LAPACK's reflectors"
                f"{called_at()}\n  → mode='reduced', 'complete' or 'r'"
            )
        raise ValueError(f"Unrecognized mode '{mode}'")
    m, n = a.shape[-2:]
    kind = "complete" if mode == "complete" else "reduced"
    if m >= n:
        q, r = qr(a, mode=kind)
    else:  # the first m columns decide Q; the others are seen from its basis
        q, r = qr(a[..., :m], mode="reduced")
        r = np.concatenate([r, adjoint(q) @ a[..., m:]], axis=-1)
    return r if mode == "r" else _QRResult(q, r)
