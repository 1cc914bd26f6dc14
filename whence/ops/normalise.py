"""Normalisation: values less their mean, divided by their spread, along some axes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.batched import aligned
from ..core.primitive import Primitive
from .batching import examples, repeated

Axes = tuple[int, ...]


def sums(x: Any, axes: Axes) -> Any:
    """Sums over ``axes`` of an array, which stay with length one; by BLAS where they are last or first."""
    kept, rows = _layout(x, axes)
    if rows is None:
        return np.sum(x, axes, keepdims=True)
    first, middle, last = rows
    y = x.reshape(first * middle, last) @ np.ones(last, x.dtype) if last > 1 else x
    if first > 1:
        y = np.ones(first, x.dtype) @ y.reshape(first, middle)
    return y.reshape(kept)


def products(a: Any, b: Any, axes: Axes) -> Any:
    """``sums(a * b, axes)`` without the product in between."""
    kept, rows = _layout(a, axes)
    if rows is None or not b.flags.c_contiguous or a.dtype.kind == "c":  # vecdot would conjugate a
        return np.sum(a * b, axes, keepdims=True)
    first, middle, last = rows
    if last == 1:
        return np.einsum("ij,ij->j", a.reshape(first, middle), b.reshape(first, middle)).reshape(kept)
    y = np.vecdot(a.reshape(-1, last), b.reshape(-1, last))
    return (y.reshape(first, middle).sum(0) if first > 1 else y).reshape(kept)


def _layout(x: Any, axes: Axes) -> tuple[Axes, tuple[int, int, int] | None]:
    """The shape of a sum, and how to see x as (summed, kept, summed), where that can be."""
    shape = x.shape
    kept = tuple(1 if i in axes else n for i, n in enumerate(shape))
    left = [i for i in range(len(shape)) if i not in axes]
    if not x.flags.c_contiguous or x.size == 0:
        return kept, None
    if not left:
        return kept, (1, 1, x.size)
    start, stop = left[0], left[-1] + 1
    if left != list(range(start, stop)):
        return kept, None
    parts = math.prod(shape[:start]), math.prod(shape[start:stop]), math.prod(shape[stop:])
    return kept, parts


def _count(x: Any, axes: Axes) -> int:
    return math.prod(x.shape[i] for i in axes)


def _standardized(x: Any, axes: Axes, eps: float) -> Any:
    share = 1 / max(1, _count(x, axes))
    mean = sums(x, axes) * share
    y = x - mean
    var = products(y, y, axes) * share
    y *= 1 / np.sqrt(var + eps)
    return y, mean, var


def _standardize_rule(g: Any, y: Any, x: Any, axes: Axes, eps: float) -> Any:
    gy, gmean, gvar = g
    unit, _, var = y
    share = 1 / _count(x, axes)
    scale = 1 / np.sqrt(var + eps)
    pulled = standardize_slope.apply(gy, unit, scale, axes=axes)
    if type(gmean) is type(gvar) is np.ndarray and not np.any(gmean) and not np.any(gvar):
        return pulled  # nobody has read the mean and the variance
    return pulled + (gmean * share + gvar * (2 * share) * (unit / scale))


def _slope(g: Any, unit: Any, scale: Any, axes: Axes) -> Any:
    """``scale (g - mean(g) - unit mean(g unit))``."""
    share = 1 / max(1, _count(g, axes))
    y = unit * (products(g, unit, axes) * -share)
    y += g
    y -= sums(g, axes) * share
    y *= scale
    return y


def _mean(x: Any, axes: Axes) -> Any:
    return np.mean(x, axis=axes, keepdims=True)


def _of_all(op: Any, batched: Any, *xs: Any, axes: Axes, **params: Any) -> Any:
    size = examples(batched, xs)
    xs = tuple(repeated(x, mine, size) for x, mine in zip(xs, batched, strict=True))
    return op(*xs, axes=tuple(axis + 1 for axis in axes), **params)


#: The transpose of the derivative of ``standardize`` in x: symmetric in ``g``.
standardize_slope = Primitive(
    "nn.standardize slope",
    _slope,
    vjp=[
        lambda h, y, g, unit, scale, axes: standardize_slope.apply(h, unit, scale, axes=axes),
        lambda h, y, g, unit, scale, axes: -scale * (h * _mean(g * unit, axes) + g * _mean(h * unit, axes)),
        lambda h, y, g, unit, scale, axes: np.sum(h * y, axis=axes, keepdims=True) / scale,
    ],
    reads=["12", "012", "2y"],
    batch=_of_all,
)

#: Values of mean 0 and variance ``var / (var + eps)`` along ``axes``; the mean; the (biased) variance.
standardize = Primitive(
    "nn.standardize", _standardized, vjp=[_standardize_rule], reads=["y"], many=True, batch=_of_all
)


# --- a scale and a shift for each channel --------------------------------------------------------


def _affine(x: Any, weight: Any, bias: Any) -> Any:
    y = x * weight
    if np.shape(bias) != np.shape(y) and y.dtype == np.result_type(y, bias):
        y += bias
        return y
    return y + bias


def _axes_of(weight: Any, ndim: int) -> Axes:
    """The axes along which one weight serves all."""
    extra = ndim - np.ndim(weight)
    return tuple(i for i in range(ndim) if i < extra or np.shape(weight)[i - extra] == 1)


def _weight_rule(g: Any, y: Any, x: Any, weight: Any, bias: Any) -> Any:
    axes = _axes_of(weight, g.ndim)
    if type(g) is np.ndarray is type(x):
        return products(np.ascontiguousarray(g), np.ascontiguousarray(x), axes).reshape(weight.shape)
    return np.reshape(np.sum(g * x, axis=axes, keepdims=True), weight.shape)


def _bias_rule(g: Any, y: Any, x: Any, weight: Any, bias: Any) -> Any:
    axes = _axes_of(bias, g.ndim)
    if type(g) is np.ndarray:
        return sums(g, axes).reshape(bias.shape)
    return np.reshape(np.sum(g, axis=axes, keepdims=True), bias.shape)


def _affine_of_all(op: Any, batched: Any, x: Any, weight: Any, bias: Any) -> Any:
    x = repeated(x, batched[0], examples(batched, (x, weight, bias)))
    return op(*aligned((True, *batched[1:]), (x, weight, bias)))


#: ``x weight + bias``, where weight and bias broadcast to x.
affine = Primitive(
    "nn.affine",
    _affine,
    vjp=[lambda g, y, x, weight, bias: g * weight, _weight_rule, _bias_rule],
    reads=["1", "0", ""],
    batch=_affine_of_all,
)
