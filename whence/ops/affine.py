"""The affine map of networks, ``x Wᵀ + b``, as one op: one product of matrices, one sum in place."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.batched import aligned
from ..core.primitive import Primitive


def rows(a: Any) -> Any:
    """All axes but the last in a row: ``(..., n)`` as ``(m, n)``."""
    if a.ndim == 2:
        return a
    shape = a.shape
    return np.reshape(a, (math.prod(shape[:-1]), shape[-1]))


def _forward(x: Any, weight: Any, bias: Any = None) -> Any:
    if x.ndim == 2:
        y = np.matmul(x, weight.T)
        if bias is None:
            return y
        if bias.dtype != y.dtype:
            return y + bias
        y += bias
        return y
    y = _forward(rows(x), weight, bias)
    return np.reshape(y, (*x.shape[:-1], y.shape[-1]))


def _of_x(g: Any, y: Any, x: Any, weight: Any, *bias: Any) -> Any:
    gx = np.matmul(rows(g), weight)
    return gx if g.ndim == 2 else np.reshape(gx, (*g.shape[:-1], gx.shape[-1]))


def _of_weight(g: Any, y: Any, x: Any, weight: Any, *bias: Any) -> Any:
    return np.matmul(rows(g).T, rows(x))


def _of_bias(g: Any, y: Any, x: Any, weight: Any, bias: Any) -> Any:
    g = rows(g)
    return np.add.reduce(g, 0) if type(g) is np.ndarray else g.sum(axis=0)  # without sum's 1 µs of Python


def _of_examples(op: Any, batched: Any, x: Any, weight: Any, *bias: Any) -> Any:
    if not any(batched[1:]):  # examples are more rows
        return op(x, weight, *bias)
    single = np.ndim(x) - batched[0] == 1
    x = np.expand_dims(x, -2) if single else x
    y = np.matmul(*aligned(batched[:2], (x, np.swapaxes(weight, -1, -2)), (2, 2)))
    if bias:
        y = np.add(*aligned((any(batched[:2]), batched[2]), (y, *bias)))
    return y[..., 0, :] if single else y


affine = Primitive(
    "linear",
    _forward,
    vjp=[_of_x, _of_weight, _of_bias],
    reads=["1", "0", ""],
    batch=_of_examples,
)
