"""Norms, and the logarithm of a sum of exponentials."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from ..core.primitive import Primitive
from ..core.table import OPS
from ..core.variable import Variable
from .batching import along_axis, over_axes
from .corner import cornered
from .declare import anywhere, expanded, frozen, implements, is_number, misfit, normal_axes


def _norm_rule(g: Any, y: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    size = expanded(y, x.ndim, axis, keepdims)
    origin = np.equal(size, 0)
    along = np.conjugate(x) if x.dtype.kind == "c" else x
    direction = cornered(along, origin) / np.where(origin, 1, size)
    return expanded(g, x.ndim, axis, keepdims) * direction  # zero at zero


norm2 = Primitive(
    "np.linalg.norm",
    lambda x, axis=None, keepdims=False: _euclidean(x, axis, keepdims),
    vjp=[_norm_rule],
    batch=over_axes,
)


def _euclidean(x: Any, axis: Any, keepdims: bool) -> Any:
    square = x * x if x.dtype.kind != "c" else x.real**2 + x.imag**2
    return np.sqrt(np.add.reduce(square, axis, keepdims=keepdims))


@implements(np.linalg.norm)
def _norm(x: Any, ord: Any = None, axis: Any = None, keepdims: bool = False) -> Any:
    if axis is None:
        if ord is None or (ord in ("fro", "f") and x.ndim == 2) or (is_number(ord, 2) and x.ndim == 1):
            return norm2(x, axis=None, keepdims=keepdims)
        axis = tuple(range(x.ndim))
    axes = normal_axes(axis, x.ndim)
    if len(axes) == 1:
        return _vector_norm(x, ord, axes[0], keepdims)
    if len(axes) == 2:
        return _matrix_norm(x, ord, axes, keepdims)
    raise misfit("Improper number of dimensions to norm.")


def _vector_norm(x: Any, ord: Any, axis: int, keepdims: bool) -> Any:
    if ord is None or is_number(ord, 2):
        return norm2(x, axis=axis, keepdims=keepdims)
    if isinstance(ord, str):
        raise misfit(f"Invalid norm order '{ord}' for vectors")
    size = np.absolute(x)
    if ord == np.inf:
        return np.max(size, axis=axis, keepdims=keepdims)
    if ord == -np.inf:
        return np.min(size, axis=axis, keepdims=keepdims)
    if ord == 0:
        return np.sum(np.not_equal(x, 0).astype(size.dtype), axis=axis, keepdims=keepdims)
    if ord == 1:
        return np.sum(size, axis=axis, keepdims=keepdims)
    return norm_p(x, order=float(ord), axis=axis, keepdims=keepdims)


def _p_norm(x: Any, order: float, axis: int, keepdims: bool) -> Any:
    return np.linalg.norm(x, order, axis, keepdims)


def _p_norm_rule(g: Any, y: Any, x: Any, order: float, axis: int, keepdims: bool) -> Any:
    """``g (|x| / y)^(p - 1) sign(x)``, zero where x is."""
    y, g = expanded(y, x.ndim, axis, keepdims), expanded(g, x.ndim, axis, keepdims)
    origin = np.broadcast_to(np.equal(y, 0), np.shape(x))
    size = np.absolute(x)
    zero = np.equal(size, 0) | origin
    one = np.ones((), y.dtype)
    size, y = np.where(zero, one, size), np.where(origin, one, y)
    direction = np.conjugate(x) / size if x.dtype.kind == "c" else np.sign(x)
    slope = np.where(zero, np.zeros((), x.dtype), (size / y) ** (order - 1) * direction)
    return g * (np.where(origin, cornered(x, origin), slope) if anywhere(origin) else slope)


norm_p = Primitive("np.linalg.norm(p)", _p_norm, vjp=[_p_norm_rule], batch=along_axis)


def _matrix_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    if ord is None or ord in ("fro", "f"):
        return norm2(x, axis=axes, keepdims=keepdims)
    if ord not in (1, -1, np.inf, -np.inf):
        return _singular_norm(x, ord, axes, keepdims)
    row, column = axes
    along, across = (row, column) if abs(ord) == 1 else (column, row)
    sums = np.sum(np.absolute(x), axis=along, keepdims=True)
    best = np.max if ord > 0 else np.min
    y = best(sums, axis=across, keepdims=True)
    return y if keepdims else np.squeeze(y, axis=axes)


def _singular_norm(x: Any, ord: Any, axes: tuple[int, ...], keepdims: bool) -> Any:
    """Norms by singular values: the largest, the smallest, their sum.

    Equal largest values share the gradient; a value of zero has none (its derivative is taken as zero,
    as that of abs is).
    """
    if ord not in (2, -2, "nuc"):
        raise misfit(f"Invalid norm order {ord!r} for matrices")
    values = np.linalg.svd(np.moveaxis(x, axes, (-2, -1)), compute_uv=False)
    pick = {2: np.max, -2: np.min, "nuc": np.sum}[ord]
    y = pick(values, axis=-1)
    return np.expand_dims(y, axes) if keepdims else y


@implements(np.linalg.matrix_norm)
def _matrix_norm_of(x: Any, /, *, keepdims: bool = False, ord: Any = "fro") -> Any:
    return np.linalg.norm(x, ord, (-2, -1), keepdims)


@implements(np.linalg.vector_norm)
def _vector_norm_of(x: Any, /, *, axis: Any = None, keepdims: bool = False, ord: Any = 2) -> Any:
    axes = normal_axes(axis, x.ndim)
    rest = tuple(i for i in range(x.ndim) if i not in axes)
    flat = np.reshape(np.transpose(x, rest + axes), (*(x.shape[i] for i in rest), -1))
    y = _vector_norm(flat, ord, len(rest), False)
    return np.expand_dims(y, axes) if keepdims else y


def _top(a: Any, axis: Any) -> Any:
    """The largest exponents, as constants; 0 where they are infinite."""
    top = np.max(np.real(frozen(a)), axis=axis, keepdims=True, initial=-np.inf)
    return np.where(np.isfinite(top), top, 0)


def _log_total(a: Any, axis: Any) -> Any:
    """``log(sum(exp(a)))`` with the axes kept, composed: its gradient needs no second exponential."""
    top = _top(a, axis)
    weights = np.exp(a - top)
    total = np.sum(weights, axis=axis, keepdims=True)
    if anywhere(np.equal(total, 0)):  # nothing but -inf: no weight anywhere
        nothing = np.equal(total, 0)
        return np.where(nothing, -np.inf, np.log(np.where(nothing, 1, total)) + top)
    if anywhere((np.absolute(total) < 1.5) & (np.absolute(top) < 1)):
        # The result may be nearly 0: what exceeds 1 in the total is added up on its own.
        largest = np.equal(frozen(a), top)
        several = np.sum(largest, axis=axis, keepdims=True, dtype=top.dtype) - 1
        return np.log1p(np.sum(weights - largest, axis=axis, keepdims=True) + several) + top
    return np.log(total) + top


def logsumexp(
    a: Any, axis: Any = None, b: Any = None, keepdims: bool = False, return_sign: bool = False
) -> Any:
    """``log(sum(b * exp(a)))`` without overflow, as ``scipy.special.logsumexp``; differentiable.

    Args:
        a: exponents.
        axis: over which axes; None for all.
        b: factors, broadcast against ``a``; their sum must be positive unless ``return_sign``.
        keepdims: keep the summed axes with length one.
        return_sign: return ``(log|sum|, sign)``.

    Example:
        >>> import numpy as np
        >>> from whence.scipy.special import logsumexp
        >>> print(logsumexp(np.array([1000.0, 1000.0])))
        1000.6931471805599
    """
    if not isinstance(a, Variable) and not isinstance(b, Variable):
        return special.logsumexp(a, axis, b, keepdims, return_sign)
    if b is None:
        a = np.reshape(a, (1,)) if a.ndim == 0 else a  # as SciPy, which makes one axis of none
        y = _log_total(a, axis)
        if not keepdims:
            y = np.squeeze(y, axis=None if axis is None else normal_axes(axis, a.ndim))
        return (y, np.ones_like(y)) if return_sign else y
    a = a * np.ones((), np.result_type(a, b))  # the dtype of both
    top = _top(np.where(np.not_equal(b, 0), a, -np.inf), axis)
    total = np.sum(b * np.exp(a - top), axis=axis, keepdims=True)
    sign = np.sign(frozen(total))
    y = np.log(np.absolute(total)) + top
    if not keepdims:
        y = np.squeeze(y, axis=None if axis is None else normal_axes(axis, np.ndim(y)))
        sign = np.reshape(sign, np.shape(y))
    if return_sign:
        return y, sign
    return np.where(sign < 0, np.nan, y)


OPS[np.logaddexp, "reduce"] = lambda a, axis=0, keepdims=False: logsumexp(a, axis, keepdims=keepdims)
