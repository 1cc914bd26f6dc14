"""Sampled functions: convolution, interpolation, differences, the trapezoidal rule."""

from __future__ import annotations

import functools
from typing import Any

import numpy as np
from scipy import special

from ..core.primitive import Primitive, elementwise
from ..core.table import OPS
from ..core.variable import Variable, as_array
from .declare import arrayed, frozen, implements, misfit, no_out, normal_axes

_NONE: Any = np._NoValue

# --- convolution -----------------------------------------------------------------------------------


def _other_factor(g: Any, other: Any) -> Any:
    """The gradient of one factor of a full convolution: ``g`` correlated with the other one."""
    return np.convolve(g, np.flip(other), "valid")


# nanoseconds: an element of a Toeplitz matrix, a product in it, a call with one row
MADE, PRODUCT, CALL = 15, 0.1, 20_000


def _convolve_all(op: Any, batched: Any, a: Any, v: Any) -> Any:
    """Many rows with one kernel: a product with its Toeplitz matrix, ``t[i, j] = kernel[j - i]``."""
    rows, kernel = (a, v) if batched[0] else (v, a)
    (count, n), m = np.shape(rows), np.shape(kernel)[0]
    size = n * (n + m)
    if all(batched) or size * (MADE + count * PRODUCT) > count * (CALL + n * m * PRODUCT):
        return NotImplemented
    lag = np.arange(n + m - 1) - np.arange(n)[:, None]
    inside = (lag >= 0) & (lag < m)
    toeplitz = np.where(inside, np.take(kernel, np.clip(lag, 0, m - 1)), np.zeros((), kernel.dtype))
    return np.matmul(rows, toeplitz)


convolution = Primitive(
    "np.convolve",
    lambda a, v: np.convolve(a, v, "full"),
    vjp=[lambda g, y, a, v: _other_factor(g, v), lambda g, y, a, v: _other_factor(g, a)],
    reads=["1", "0"],
    kind="multilinear",
    batch=_convolve_all,
)


def _row(x: Any) -> Any:
    x = arrayed(x)
    if x.ndim > 1:
        raise misfit("object too deep for desired array")
    if x.size == 0:
        raise misfit("a convolution needs elements, got an empty array")
    return np.reshape(x, (-1,))


def _part(full: Any, n: int, m: int, mode: Any) -> Any:
    """The middle of a full convolution of lengths ``n`` and ``m``."""
    modes = {"f": "full", "s": "same", "v": "valid", 0: "valid", 1: "same", 2: "full"}
    mode = modes.get(mode[0].lower() if isinstance(mode, str) and mode else mode)
    if mode is None:
        raise misfit("mode must be one of 'valid', 'same', or 'full'")
    short, long = min(n, m), max(n, m)
    if mode == "full":
        return full
    return full[(short - 1) // 2 :][:long] if mode == "same" else full[short - 1 : long]


@implements(np.convolve)
def _convolve(a: Any, v: Any, mode: Any = "full") -> Any:
    a, v = _row(a), _row(v)
    return _part(convolution(a, v), a.size, v.size, mode)


@implements(np.correlate)
def _correlate(a: Any, v: Any, mode: Any = "valid") -> Any:
    a, v = _row(a), _row(v)
    full = convolution(a, np.flip(np.conjugate(v)))
    if a.size >= v.size:
        return _part(full, a.size, v.size, mode)
    return np.flip(_part(np.flip(full), a.size, v.size, mode))  # NumPy slides the shorter one


# --- between the samples ---------------------------------------------------------------------------


@implements(np.interp)
def _interp(x: Any, xp: Any, fp: Any, left: Any = None, right: Any = None, period: Any = None) -> Any:
    x, xp, fp = (arrayed(a) for a in (x, xp, fp))
    if np.ndim(xp) != 1 or np.ndim(fp) != 1 or np.shape(xp) != np.shape(fp):
        raise misfit("fp and xp must be one-dimensional and of the same length.")
    if np.size(xp) == 0:
        raise misfit("array of sample points is empty")
    wide = np.result_type(x, xp, fp, np.float64)
    if wide.kind == "c":
        x, xp, fp = np.astype(x, np.float64), np.astype(xp, np.float64), np.astype(fp, wide)
    else:
        x, xp, fp = (np.astype(a, np.float64) for a in (x, xp, fp))
    if period is not None:
        period = np.absolute(period)
        if np.any(np.equal(period, 0)):
            raise misfit("period must be a non-zero value")
        x, xp = x % period, xp % period
        order = np.argsort(xp, kind="stable")
        xp, fp = xp[order], fp[order]
        xp = np.concatenate([xp[-1:] - period, xp, xp[:1] + period])
        fp = np.concatenate([fp[-1:], fp, fp[:1]])
        left = right = None
    bare, knots = frozen(x), frozen(xp)
    if len(knots) == 1:
        y = fp[np.zeros(np.shape(bare), np.intp)]
    else:
        place = np.clip(np.searchsorted(knots, bare, side="right") - 1, 0, len(knots) - 2)
        inner = np.where(bare < knots[0], xp[0], np.where(bare > knots[-1], xp[-1], x))
        slope = (fp[place + 1] - fp[place]) / (xp[place + 1] - xp[place])
        y = fp[place] + slope * (inner - xp[place])
    y = np.where(bare < knots[0], fp[0] if left is None else left, y)
    return np.where(bare > knots[-1], fp[-1] if right is None else right, y)


@implements(np.unwrap)
def _unwrap(p: Any, discont: Any = None, axis: int = -1, *, period: Any = 2 * np.pi) -> Any:
    # the jumps that are taken out are multiples of the period: steps in p, linear in the period
    bare = as_array(frozen(p))
    straight = np.unwrap(bare, frozen(discont), axis, period=frozen(period))
    if not isinstance(period, Variable):
        return np.astype(p, straight.dtype) + (straight - bare)
    return p + np.round((straight - bare) / frozen(period)) * period


# --- differences and integrals -----------------------------------------------------------------------


@implements(np.ediff1d)
def _ediff1d(ary: Any, to_end: Any = None, to_begin: Any = None) -> Any:
    flat = np.reshape(ary, (-1,))
    inner = flat[1:] - flat[:-1]
    ends = [to_begin, inner, to_end]
    parts = [np.reshape(part, (-1,)) for part in ends if part is not None]
    y = np.concatenate(parts) if len(parts) > 1 else inner
    return np.astype(y, flat.dtype)


@implements(np.trapezoid)
def _trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    y = arrayed(y)
    (axis,) = normal_axes(axis, y.ndim)
    if x is None:
        d = dx
    elif np.ndim(x) == 1:
        d = np.reshape(np.diff(x), [-1 if i == axis else 1 for i in np.arange(y.ndim)])
    else:
        d = np.diff(x, axis=axis)
    before = (slice(None),) * axis
    return np.sum(d * (y[(*before, slice(1, None))] + y[(*before, slice(None, -1))]) / 2.0, axis=axis)


def _weights(x: Any) -> tuple[Any, Any, Any]:
    """Weights of the left, the middle and the right neighbour in a second-order derivative."""
    h = x[1:] - x[:-1]
    first, second = h[:-1], h[1:]
    left = -second / (first * (first + second))
    right = first / (second * (first + second))
    return left, (second - first) / (first * second), right


def _ends(x: Any, edge_order: int) -> list[tuple[Any, ...]]:
    """Weights of the one-sided differences at the first and (mirrored) at the last sample."""
    h, k = x[1] - x[0], x[-1] - x[-2]
    if edge_order == 1:
        return [(-1.0 / h, 1.0 / h), (1.0 / k, -1.0 / k)]
    after, before = x[2] - x[1], x[-2] - x[-3]
    first = (-(2.0 * h + after) / (h * (h + after)), (h + after) / (h * after), -h / (after * (h + after)))
    last = (
        (2.0 * k + before) / (k * (before + k)),
        -(k + before) / (before * k),
        k / (before * (before + k)),
    )
    return [first, last]


def _slope(f: Any, x: Any, axis: int, edge_order: int) -> Any:
    f = np.moveaxis(f, axis, 0)

    def shaped(w: Any) -> Any:
        return np.reshape(w, (-1,) + (1,) * (f.ndim - 1))

    left, middle, right = (shaped(w) for w in _weights(x))
    inner = left * f[:-2] + middle * f[1:-1] + right * f[2:]
    at_first, at_last = _ends(x, edge_order)
    first = [w * f[i : i + 1] for i, w in enumerate(at_first)]
    last = [w * f[len(f) - 1 - i : len(f) - i] for i, w in enumerate(at_last)]
    parts = [functools.reduce(np.add, first), inner, functools.reduce(np.add, last)]
    return np.moveaxis(np.concatenate(parts), 0, axis)


@implements(np.gradient)
def _gradient(f: Any, *varargs: Any, axis: Any = None, edge_order: int = 1) -> Any:
    f = arrayed(f, float)
    axes = normal_axes(axis, f.ndim)
    if edge_order not in (1, 2):
        raise misfit("'edge_order' greater than 2 not supported")
    if len(varargs) not in (0, 1, len(axes)) or (len(varargs) == 1 < len(axes) and np.ndim(varargs[0])):
        raise TypeError("invalid number of arguments")
    spacings = list(varargs or [1.0]) * (len(axes) if len(varargs) <= 1 else 1)
    slopes = []
    for i, spacing in zip(axes, spacings, strict=True):
        n = f.shape[i]
        if n < edge_order + 1:
            raise misfit(
                "Shape of array too small to calculate a numerical gradient, at least edge_order + 1"
            )
        if np.ndim(spacing) == 0:
            x = np.arange(n).astype(f.real.dtype) * spacing
        elif np.shape(spacing) != (n,):
            raise misfit("when 1d, distances must match the length of the corresponding dimension")
        else:
            x = arrayed(spacing)
        slopes.append(np.astype(_slope(f, x, i, edge_order), f.dtype))
    if axis is None:
        return slopes[0] if f.ndim == 1 else tuple(slopes)
    return slopes[0] if isinstance(axis, (int, np.integer)) else tuple(slopes)


# --- vectors and single functions --------------------------------------------------------------------


@implements(np.cross)
def _cross(a: Any, b: Any, axisa: int = -1, axisb: int = -1, axisc: int = -1, axis: int | None = None) -> Any:
    if axis is not None:
        axisa = axisb = axisc = axis
    a, b = np.moveaxis(a, axisa, -1), np.moveaxis(b, axisb, -1)
    if np.shape(a)[-1] not in (2, 3) or np.shape(b)[-1] not in (2, 3):
        raise misfit("incompatible dimensions for cross product (dimension must be 2 or 3)")
    a0, a1 = a[..., 0], a[..., 1]
    b0, b1 = b[..., 0], b[..., 1]
    flat = a0 * b1 - a1 * b0
    if np.shape(a)[-1] == np.shape(b)[-1] == 2:
        return flat
    a2 = a[..., 2] if np.shape(a)[-1] == 3 else 0
    b2 = b[..., 2] if np.shape(b)[-1] == 3 else 0
    parts = np.broadcast_arrays(a1 * b2 - a2 * b1, a2 * b0 - a0 * b2, flat)
    return np.moveaxis(np.stack(parts, axis=-1), -1, axisc)


bessel_i0 = elementwise(
    np.i0,
    vjp=[lambda g, y, x: g * _bessel_i1(x)],
    reads=["0"],
    domain=[(-3.0, 3.0)],
)
bessel_i1 = Primitive(
    "bessel_i1",
    special.i1,
    # I1' = (I0 + I2) / 2, where a division by x is not needed
    vjp=[lambda g, y, x: g * ((np.i0(x) + _bessel_iv(x, n=2)) / 2)],
    reads=["0"],
    kind="elementwise",
    domain=[(-3.0, 3.0)],
)
bessel_iv = Primitive(
    "bessel_iv",
    lambda x, n: special.iv(n, x),
    vjp=[lambda g, y, x, n: g * ((_bessel_iv(x, n=n - 1) + _bessel_iv(x, n=n + 1)) / 2)],
    reads=["0"],
    kind="elementwise",
    domain=[(-3.0, 3.0)],
)
_bessel_i1, _bessel_iv = bessel_i1.apply, bessel_iv.apply


@implements(np.fix)
def _fix(x: Any, out: Any = None) -> Any:
    no_out("np.fix", out)
    return np.trunc(x)


@implements(np.real_if_close)
def _real_if_close(a: Any, tol: float = 100) -> Any:
    close = np.isrealobj(np.real_if_close(a._data, tol)) and a.dtype.kind == "c"
    return np.real(a) if close else a


@implements(np.sort_complex)
def _sort_complex(a: Any) -> Any:
    y = np.sort(a)
    return y if y.dtype.kind == "c" else np.astype(y, np.sort_complex(frozen(a)).dtype)


OPS[np.trim_zeros] = lambda filt, trim="fb", axis=None: filt[_support(frozen(filt), trim, axis)]


def _support(filt: Any, trim: str, axis: Any) -> tuple[slice, ...]:
    """What ``np.trim_zeros`` leaves, as an index."""
    places = np.argwhere(filt)
    axes = normal_axes(axis, filt.ndim)
    index = [slice(None)] * filt.ndim
    for i in axes:
        low, high = (places[:, i].min(), places[:, i].max() + 1) if len(places) else (0, 0)
        start = low if "f" in trim.lower() else 0
        index[i] = slice(start, high if "b" in trim.lower() and len(places) else (high or None))
        if "b" not in trim.lower():
            index[i] = slice(start if len(places) else filt.shape[i], None)
    return tuple(index)
