"""Activations of networks that NumPy has no function for: relu, elu, gelu, softmax and their kin.

Elementwise rules are ``g * f'(x)``. At a kink the derivative is PyTorch's: that of the side which is
left of it for the rectifiers, 0 at the ends of ``hardtanh``.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from ..core.primitive import Primitive
from ..core.variable import as_array
from .batching import along_axis

_ANY = (-3.0, 3.0)
BLOCK = 1 << 15  # elements that are worked on at a time: with their temporaries they stay in the cache


# --- rectifiers ----------------------------------------------------------------------------------

relu = Primitive(
    "nn.relu",
    lambda x: np.maximum(x, 0),
    vjp=[lambda g, y, x: g * np.greater(y, 0)],
    reads=["y"],
    kind="elementwise",
    domain=[_ANY],
    chooses=True,
)


def _leaky(x: Any, slope: float) -> Any:
    if 0 <= slope <= 1:
        return np.maximum(x, x * slope)
    return np.maximum(x, 0) + np.minimum(x, 0) * slope


def _leaky_rule(g: Any, y: Any, x: Any, slope: float) -> Any:
    right = np.greater(x, 0)
    if 0 <= slope <= 1:  # true is 1: exact, and five times as fast as np.where
        return g * np.maximum(right, as_array(slope, x.dtype))
    return g * np.where(right, np.ones((), x.dtype), as_array(slope, x.dtype))


leaky_relu = Primitive(
    "nn.leaky_relu", _leaky, vjp=[_leaky_rule], reads=["0"], kind="elementwise", domain=[_ANY]
)
prelu = Primitive(
    "nn.prelu",
    lambda x, weight: np.maximum(x, 0) + weight * np.minimum(x, 0),
    vjp=[
        lambda g, y, x, weight: np.where(np.greater(x, 0), g, g * weight),
        lambda g, y, x, weight: g * np.minimum(x, 0),
    ],
    reads=["01", "0"],
    kind="elementwise",
    domain=[_ANY, _ANY],
)
hardtanh = Primitive(
    "nn.hardtanh",
    lambda x, low, high: np.minimum(np.maximum(x, low), high),
    vjp=[lambda g, y, x, low, high: g * np.logical_and(np.greater(y, low), np.less(y, high))],
    reads=["y"],
    kind="elementwise",
    domain=[_ANY],
    chooses=True,
)


def _elu_rule(g: Any, y: Any, x: Any, alpha: float, scale: float, rate: float) -> Any:
    left = np.exp(np.minimum(x, 0) * rate) * (scale * alpha * rate)
    return g * np.where(np.greater(x, 0), as_array(scale, x.dtype), left)


elu = Primitive(
    "nn.elu",
    lambda x, alpha, scale, rate: (np.maximum(x, 0) + np.expm1(np.minimum(x, 0) * rate) * alpha) * scale,
    vjp=[_elu_rule],
    reads=["0"],
    kind="elementwise",
    domain=[_ANY],
)


# --- smooth steps --------------------------------------------------------------------------------


def _sigmoid(x: Any) -> Any:
    with np.errstate(over="ignore"):  # exp(-x) = inf gives 0, as it should
        y = np.exp(-x)
    y += 1
    return 1 / y


sigmoid = Primitive(
    "nn.sigmoid",
    _sigmoid,
    vjp=[lambda g, y, x: g * (y * (1 - y))],
    reads=["y"],
    kind="elementwise",
    domain=[_ANY],
)


def _silu_rule(g: Any, y: Any, x: Any) -> Any:
    s = sigmoid.apply(x)
    return g * (s * (1 + x * (1 - s)))


silu = Primitive(
    "nn.silu", lambda x: x * _sigmoid(x), vjp=[_silu_rule], reads=["0"], kind="elementwise", domain=[_ANY]
)


def _softplus(x: Any, beta: float, threshold: float) -> Any:
    z = x * beta
    y = (np.maximum(z, 0) + np.log1p(np.exp(-np.abs(z)))) / beta
    return np.where(z > threshold, x, y)[()] if np.any(z > threshold) else y


def _softplus_rule(g: Any, y: Any, x: Any, beta: float, threshold: float) -> Any:
    z = x * beta
    return g * np.where(np.greater(z, threshold), np.ones((), x.dtype), sigmoid.apply(z))


softplus = Primitive(
    "nn.softplus", _softplus, vjp=[_softplus_rule], reads=["0"], kind="elementwise", domain=[_ANY]
)


def _step_of_mish(x: Any) -> Any:
    """``tanh(log(1 + e^x)) = n / (n + 2)`` with ``n = e^x (e^x + 2)``."""
    e = np.exp(np.minimum(x, 20))  # from 20 on the step is 1 in double precision
    n = e * (e + 2)
    return n / (n + 2)


def _mish_rule(g: Any, y: Any, x: Any) -> Any:
    step = _step_of_mish(x)
    return g * (step + x * (1 - step * step) * sigmoid.apply(x))


mish = Primitive(
    "nn.mish",
    lambda x: x * _step_of_mish(x),
    vjp=[_mish_rule],
    reads=["0"],
    kind="elementwise",
    domain=[_ANY],
)


# --- gelu ----------------------------------------------------------------------------------------

ROOT_2PI = float(np.sqrt(2 * np.pi))
# log(Φ(x) / Φ(-x)) / x is a smooth function of x²: a polynomial, fitted on [0, 30] by weighted least squares,
# gives x Φ(x) to 1e-7, a quarter of what rounding costs in single precision; special.ndtr is 15 times slower.
_LOGIT = (1.595768928527832, 0.07266867905855179, -6.70573499519378e-05, -0.00011005286069121212,
          7.855086550989654e-06, -2.602674840090913e-07, 3.430110862012725e-09)  # fmt: skip
_TINY = 1e-30  # below it x Φ(x) has lost digits
_K, _CUBE = float(np.sqrt(2 / np.pi)), 0.044715  # Hendrycks and Gimpel 2016, section 2


def _in_blocks(kernel: Callable[[Any], Any], x: Any) -> Any:
    """``kernel`` of a large array, a piece at a time."""
    if type(x) is not np.ndarray or x.size <= BLOCK or not x.flags.forc:
        return kernel(x)
    y = np.empty_like(x)
    source, target = x.ravel("K"), y.ravel("K")
    for start in range(0, x.size, BLOCK):
        target[start : start + BLOCK] = kernel(source[start : start + BLOCK])
    return y


def _normal_cdf(x: Any) -> Any:
    """Φ(x)."""
    if x.dtype != np.float32:
        return special.ndtr(x)
    with np.errstate(over="ignore"):  # far out the polynomial only grows, to inf
        s = x * x
        r = s * _LOGIT[-1]
        for c in _LOGIT[-2:0:-1]:
            r += c
            r *= s
        r += _LOGIT[0]
        r *= -x
        y = np.exp(r)
    y += 1
    return np.divide(1, y, out=y) if type(y) is np.ndarray else 1 / y


def _normal_density(x: Any) -> Any:
    with np.errstate(over="ignore"):
        return np.exp(x * x * -0.5) * (1 / ROOT_2PI)


def _gelu_kernel(x: Any) -> Any:
    y = _normal_cdf(x)
    y *= x
    return y


def _gelu_slope_kernel(x: Any) -> Any:
    y = _normal_density(x)
    y *= x
    y += _normal_cdf(x)
    return y


gelu_slope = Primitive(
    "nn.gelu slope",
    lambda x: _in_blocks(_gelu_slope_kernel, x),
    vjp=[lambda g, y, x: g * (np.exp(x * x * -0.5) * (2 - x * x) * (1 / ROOT_2PI))],
    reads=["0"],
    kind="elementwise",
    domain=[_ANY],
)


def _gelu_values(x: Any, out: Any, r: Any, s: Any) -> None:
    """``x Φ(x)`` of a piece, in single precision by the polynomial, with two pieces of scratch."""
    if x.dtype != np.float32:
        np.multiply(special.ndtr(x, r), x, out)
        return
    np.multiply(x, x, s)
    np.multiply(s, _LOGIT[-1], r)
    for c in _LOGIT[-2:0:-1]:
        np.add(r, c, r)
        np.multiply(r, s, r)
    np.add(r, _LOGIT[0], r)
    np.multiply(r, x, r)
    np.exp(np.negative(r, r), r)
    np.divide(x, np.add(r, 1, r), out)


def _gelu_pulled(g: Any, x: Any, y: Any, out: Any, cdf: Any, size: Any) -> None:
    """``g`` times the slope; Φ is ``y / x``, which is quicker than Φ anew: 2.0 ms to 0.8 for 0.5 M."""
    np.multiply(x, x, out)
    np.multiply(out, -0.5, out)
    np.exp(out, out)
    np.multiply(out, 1 / ROOT_2PI, out)
    np.multiply(out, x, out)
    np.divide(y, x, cdf)
    if np.fmin.reduce(np.abs(x, size), initial=1.0) < _TINY:  # whatever is NaN
        cdf[size < _TINY] = 0.5
    np.add(out, cdf, out)
    np.multiply(out, g, out)


def _piecewise(kernel: Callable[..., None], *parts: Any) -> Any:
    """``kernel(*parts, out, scratch, scratch)`` of arrays of one layout, a piece at a time."""
    y = np.empty_like(parts[0])
    rows = [part.ravel("K") for part in (*parts, y)]
    scratch = np.empty((2, min(y.size, BLOCK)), y.dtype)
    with np.errstate(over="ignore", invalid="ignore", divide="ignore"):  # inf and 0 / 0 are meant
        for start in range(0, y.size, BLOCK):
            piece = [row[start : start + BLOCK] for row in rows]
            kernel(*piece, *scratch[:, : len(piece[0])])
    return y


def _gelu(x: Any) -> Any:
    return _piecewise(_gelu_values, x) if type(x) is np.ndarray and x.flags.forc else _gelu_kernel(x)


def _gelu_rule(g: Any, y: Any, x: Any) -> Any:
    if type(g) is type(y) is type(x) is np.ndarray and x.flags.forc:
        same = g.dtype == y.dtype == x.dtype and g.dtype.kind == "f"
        if same and g.strides == y.strides == x.strides and g.shape == x.shape:
            return _piecewise(_gelu_pulled, g, x, y)
    return g * gelu_slope.apply(x)


gelu = Primitive(
    "nn.gelu",
    _gelu,
    vjp=[_gelu_rule],
    reads=["0y"],
    kind="elementwise",
    domain=[_ANY],
    expansion=_gelu_kernel,
)


def _inner_tanh(x: Any) -> Any:
    square = x * x
    square *= _K * _CUBE
    square += _K
    square *= x
    return np.tanh(square)


def _gelu_tanh_kernel(x: Any) -> Any:
    y = _inner_tanh(x)
    y += 1
    y *= x
    y *= 0.5
    return y


def _gelu_tanh_slope_kernel(x: Any) -> Any:
    t = _inner_tanh(x)
    slope = x * x
    slope *= 3 * _K * _CUBE
    slope += _K
    slope *= x
    slope *= 1 - t
    slope += 1
    t += 1
    slope *= t
    slope *= 0.5
    return slope  # (1 + t) / 2 + x (1 - t²) u' / 2


def _gelu_tanh_bend(g: Any, y: Any, x: Any) -> Any:
    t = np.tanh(_K * x * (1 + _CUBE * x * x))
    u = _K * (1 + 3 * _CUBE * x * x)
    return g * ((1 - t * t) * (u + x * (3 * _K * _CUBE * x - t * u * u)))


gelu_tanh_slope = Primitive(
    "nn.gelu(approximate='tanh') slope",
    lambda x: _in_blocks(_gelu_tanh_slope_kernel, x),
    vjp=[_gelu_tanh_bend],
    reads=["0"],
    kind="elementwise",
    domain=[_ANY],
)
gelu_tanh = Primitive(
    "nn.gelu(approximate='tanh')",
    lambda x: _in_blocks(_gelu_tanh_kernel, x),
    vjp=[lambda g, y, x: g * gelu_tanh_slope.apply(x)],
    reads=["0"],
    kind="elementwise",
    domain=[_ANY],
)


# --- softmax -------------------------------------------------------------------------------------


def row_sums(x: Any, axis: int) -> Any:
    """Sums along one axis, which stays with length one: of arrays; the last axis by BLAS."""
    if axis in (-1, x.ndim - 1) and x.ndim > 1 and x.flags.c_contiguous:
        return (x @ np.ones(x.shape[-1], x.dtype))[..., None]
    return np.sum(x, axis, keepdims=True)


def _products(a: Any, b: Any, axis: int) -> Any:
    """Sums of ``a * b`` along one axis, which stays."""
    if axis in (-1, a.ndim - 1):
        return np.expand_dims(np.vecdot(a, b), -1)
    return np.sum(a * b, axis=axis, keepdims=True)


def _softmax(x: Any, axis: int) -> Any:
    y = np.exp(x - np.max(x, axis, keepdims=True))
    y *= 1 / row_sums(y, axis)  # at least 1; a division for each element takes as long as the exponential
    return y


softmax = Primitive(
    "nn.softmax",
    _softmax,
    vjp=[lambda g, y, x, axis: (g - _products(g, y, axis)) * y],
    reads=["y"],
    batch=along_axis,
)


def _log_softmax(x: Any, axis: int) -> Any:
    y = x - np.max(x, axis, keepdims=True)
    y -= np.log(row_sums(np.exp(y), axis))
    return y


log_softmax = Primitive(
    "nn.log_softmax",
    _log_softmax,
    vjp=[lambda g, y, x, axis: g - np.exp(y) * np.sum(g, axis=axis, keepdims=True)],
    reads=["y"],
    batch=along_axis,
)
