"""What is put together from factorisations: pinv, lstsq, powers, condition numbers, tensor solves."""

from __future__ import annotations

import operator
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..core.primitive import Primitive
from ..core.variable import Variable, as_array
from ..errors import LinAlgError, NoGradientError
from .batching import as_it_is
from .declare import anywhere, frozen, implements, misfit, no_out
from .factor import adjoint, at_least_matrix, conjugate, hermitian, square_only, swapped

# --- pseudo-inverse and least squares ------------------------------------------------------------


def _pinv_rule(g: Any, y: Any, a: Any, rcond: Any) -> Any:
    """Golub and Pereyra (1973), SIAM J. Numer. Anal. 10(2), (4.12): at constant rank."""
    gh, yt, yc = adjoint(g), swapped(y), conjugate(y)
    outside = (gh - conjugate(a) @ (yc @ gh)) @ (yc @ yt)
    inside = (yt @ yc) @ (gh - (gh @ yc) @ conjugate(a))
    return outside + inside - yt @ g @ yt


pinv = Primitive("np.linalg.pinv", np.linalg.pinv, vjp=[_pinv_rule], reads=["0y"], batch=as_it_is)


@implements(np.linalg.pinv)
def _pinv(a: Any, rcond: Any = None, hermitian: bool = False, *, rtol: Any = np._NoValue) -> Any:
    """The gradient is that among matrices of the same rank: where rank is lost, pinv jumps."""
    if rcond is not None and rtol is not np._NoValue:
        raise ValueError("`rtol` and `rcond` can't be both set.")
    at_least_matrix(a, "np.linalg.pinv")
    if rtol is None:
        rcond = max(a.shape[-2:]) * np.finfo(a.dtype).eps
    elif rtol is not np._NoValue:
        rcond = rtol
    if isinstance(rcond, Variable):
        raise NoGradientError(f"np.linalg.pinv has no gradient for its cutoff{called_at()}\n  → rcond.data")
    if hermitian:
        a = _completed(a)
    if rcond is None or not drops_much(a, rcond):
        return pinv(a, rcond=1e-15 if rcond is None else rcond)
    return _truncated_pinv(a, as_array(rcond))


def _completed(a: Any) -> Any:
    square_only(a, "np.linalg.pinv")
    return hermitian(a)


def drops_much(a: Any, rcond: Any) -> bool:
    """Does the cutoff leave out singular values that are not zero?"""
    a = frozen(a)
    if 0 in a.shape:
        return False
    s = np.linalg.svd(a, compute_uv=False)
    top = s.max(axis=-1, keepdims=True)
    dropped = s <= as_array(rcond)[..., None] * top
    return anywhere(dropped & (s > 100 * max(a.shape[-2:]) * np.finfo(s.dtype).eps * top))


def _truncated_pinv(a: Any, rcond: Any) -> Any:
    u, s, vh = np.linalg.svd(a, full_matrices=False)
    top = frozen(s).max(axis=-1, keepdims=True)
    large = frozen(s) > rcond[..., None] * top
    one = np.ones((), s.dtype)
    weights = np.where(large, one / np.where(large, s, one), 0 * one)
    return adjoint(vh) @ (weights[..., None] * adjoint(u))


def _lstsq(a: Any, b: Any, rcond: Any) -> Any:
    return np.linalg.lstsq(a, b, rcond)[0]


def _columns(b: Any) -> Any:
    return b[:, None] if b.ndim == 1 else b


def _lstsq_left(g: Any, y: Any, a: Any, b: Any, rcond: Any) -> Any:
    """``X = A+ B`` with Golub and Pereyra's dA+."""
    p = np.linalg.pinv(a, rcond)
    g, y, b = _columns(g), _columns(y), _columns(b)
    gh, pc = adjoint(g), conjugate(p)
    outside = conjugate(b - a @ y) @ (gh @ pc) @ swapped(p)
    inside = swapped(p) @ conjugate(y) @ (gh - (gh @ pc) @ conjugate(a))
    return outside + inside - (swapped(p) @ g) @ swapped(y)


lstsq = Primitive(
    "np.linalg.lstsq",
    _lstsq,
    vjp=[_lstsq_left, lambda g, y, a, b, rcond: swapped(np.linalg.pinv(a, rcond)) @ g],
    reads=["01y", "0"],
)


@implements(np.linalg.lstsq)
def _lstsq_of(a: Any, b: Any, rcond: Any = None) -> tuple[Any, Any, Any, Any]:
    if np.ndim(a) != 2 or np.ndim(b) not in (1, 2):
        raise LinAlgError(
            f"np.linalg.lstsq: a has {np.ndim(a)} axes (2 are needed), b {np.ndim(b)} (1 or 2){called_at()}"
        )
    m, n = np.shape(a)
    plain = np.result_type(frozen(a), frozen(b), np.float32)
    rcond = max(m, n) * float(np.finfo(plain).eps) if rcond is None else rcond
    s = np.linalg.svd(a, compute_uv=False) if min(m, n) else np.zeros(0, np.finfo(plain).dtype)
    values = frozen(s)
    rank = int(np.sum(values > rcond * values.max(initial=0)))
    x = _truncated_pinv(a, as_array(rcond)) @ b if drops_much(a, rcond) else lstsq(a, b, rcond=rcond)
    if rank != n or m <= n:
        return x, np.zeros(0, np.finfo(plain).dtype), rank, s
    rest = b - a @ x
    return x, np.sum(np.real(rest * conjugate(rest)), axis=0).reshape(-1), rank, s


# --- powers and chains ---------------------------------------------------------------------------


@implements(np.linalg.matrix_power)
def _matrix_power(a: Any, n: Any) -> Any:
    """By repeated squaring, as NumPy does."""
    square_only(a, "np.linalg.matrix_power")
    try:
        n = operator.index(n)
    except TypeError as error:
        raise TypeError("exponent must be an integer") from error
    if n == 0:
        return np.broadcast_to(np.eye(a.shape[-1], dtype=a.dtype), a.shape).copy()
    if n < 0:
        a, n = np.linalg.inv(a), -n
    if n == 3:
        return (a @ a) @ a
    result, square = None, a
    while True:
        n, bit = divmod(n, 2)
        if bit:
            result = square if result is None else result @ square
        if n == 0:
            return result
        square = square @ square


@implements(np.linalg.multi_dot)
def _multi_dot(arrays: Any, *, out: Any = None) -> Any:
    no_out("np.linalg.multi_dot", out)
    arrays = list(arrays)
    if len(arrays) < 2:
        raise ValueError("Expecting at least two arrays.")
    if len(arrays) == 2:
        return np.dot(*arrays)
    first, last = np.ndim(arrays[0]), np.ndim(arrays[-1])
    if first == 1:
        arrays[0] = np.reshape(arrays[0], (1, -1))
    if last == 1:
        arrays[-1] = np.reshape(arrays[-1], (-1, 1))
    for a in arrays:
        if np.ndim(a) != 2:
            raise LinAlgError(
                f"np.linalg.multi_dot: {np.ndim(a)}-dimensional array given. Array must be "
                f"two-dimensional{called_at()}"
            )
    y = _chained(arrays)
    if first == 1 and last == 1:
        return y[0, 0]
    return np.ravel(y) if 1 in (first, last) else y


def _chained(arrays: list[Any]) -> Any:
    """The product in the order with the fewest multiplications; Cormen et al., 15.2."""
    count = len(arrays)
    lengths = [np.shape(a)[0] for a in arrays] + [np.shape(arrays[-1])[1]]
    best: dict[tuple[int, int], tuple[float, int]] = {(i, i): (0.0, i) for i in range(count)}
    for width in range(1, count):
        for i in range(count - width):
            j = i + width
            best[i, j] = min(
                (best[i, k][0] + best[k + 1, j][0] + lengths[i] * lengths[k + 1] * lengths[j + 1], k)
                for k in range(i, j)
            )

    def product(i: int, j: int) -> Any:
        if i == j:
            return arrays[i]
        k = best[i, j][1]
        return np.matmul(product(i, k), product(k + 1, j))

    return product(0, count - 1)


# --- condition numbers ---------------------------------------------------------------------------


@implements(np.linalg.cond)
def _cond(x: Any, p: Any = None) -> Any:
    at_least_matrix(x, "np.linalg.cond")
    if 0 in x.shape[-2:]:
        raise LinAlgError(f"cond is not defined on empty arrays{called_at()}")
    if p in (None, 2, -2):
        s = np.linalg.svd(x, compute_uv=False)
        largest, smallest = s[..., 0], s[..., -1]
        return _ratio(smallest, largest) if p == -2 else _ratio(largest, smallest)
    square_only(x, "np.linalg.cond")
    return np.linalg.norm(x, p, axis=(-2, -1)) * np.linalg.norm(np.linalg.inv(x), p, axis=(-2, -1))


def _ratio(top: Any, bottom: Any) -> Any:
    if anywhere(np.equal(bottom, 0)):
        raise LinAlgError(
            f"np.linalg.cond of a singular matrix is infinite and has no gradient{called_at()}\n"
            "  → np.linalg.cond(v.data) for its value"
        )
    return top / bottom


# --- tensors -------------------------------------------------------------------------------------


@implements(np.linalg.tensorinv)
def _tensorinv(a: Any, ind: int = 2) -> Any:
    if ind <= 0:
        raise ValueError("Invalid ind argument.")
    rows = int(np.prod(a.shape[ind:], dtype=int))
    return np.linalg.inv(np.reshape(a, (rows, -1))).reshape(a.shape[ind:] + a.shape[:ind])


@implements(np.linalg.tensorsolve)
def _tensorsolve(a: Any, b: Any, axes: Any = None) -> Any:
    ndim = np.ndim(a)
    order = list(range(ndim))
    for k in axes or ():
        order.remove(k)
        order.insert(ndim, k)
    a = np.transpose(a, order)
    shape = np.shape(a)[-(ndim - np.ndim(b)) :] if ndim > np.ndim(b) else ()
    size = int(np.prod(shape, dtype=int))
    if np.size(a) != size**2:
        raise LinAlgError(
            f"np.linalg.tensorsolve: a of shape {np.shape(a)} is no square matrix between the axes of b "
            f"{np.shape(b)} and the others{called_at()}"
        )
    return np.reshape(np.linalg.solve(np.reshape(a, (size, size)), np.ravel(b)), shape)


@implements(np.linalg.cross)
def _cross(x1: Any, x2: Any, /, *, axis: int = -1) -> Any:
    if np.shape(x1)[axis] != 3 or np.shape(x2)[axis] != 3:
        raise misfit(
            "Both input arrays must be (arrays of) 3-dimensional vectors, but they are "
            f"{np.shape(x1)[axis]} and {np.shape(x2)[axis]} dimensional instead."
        )
    a, b = np.moveaxis(x1, axis, -1), np.moveaxis(x2, axis, -1)
    ahead, behind = [1, 2, 0], [2, 0, 1]
    return np.moveaxis(a[..., ahead] * b[..., behind] - a[..., behind] * b[..., ahead], -1, axis)
