"""Rows of a table by number, and their transpose: rows added up by number.

``np.add.at`` takes one row at a time. As a product with a sparse matrix of ones, which SciPy walks column by
column, the sum costs about what reading the rows does: 60 instead of 1200 µs for 1024 rows of 128.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy.sparse import csc_array

from ..core.primitive import Primitive
from ..core.sweep import wary

FEW = 2048  # numbers up to which the sparse matrix would cost more than it saves


def _kept(g: Any, indices: Any, padding: int | None) -> Any:
    """``g`` with zeros in the rows that stand for padding."""
    if padding is None:
        return g
    keep = np.not_equal(indices, padding)
    lengths = keep.shape + (1,) * (np.ndim(g) - keep.ndim)
    return g * np.reshape(keep, lengths)


def _add_rows(g: Any, indices: Any, count: int, padding: int | None) -> Any:
    g = _kept(g, indices, padding)
    rest = g.shape[indices.ndim :]
    width = math.prod(rest)
    if g.size <= FEW:
        total = np.zeros((count, *rest), g.dtype)
        np.add.at(total, indices, g)
        return total
    n = indices.size
    ones = csc_array(
        (np.ones(n, g.dtype), indices.reshape(-1), np.arange(n + 1, dtype=indices.dtype)), shape=(count, n)
    )
    return (ones @ np.reshape(g, (n, width))).reshape(count, *rest)


def _lookup_examples(op: Any, batched: Any, weight: Any, indices: Any, padding: int | None) -> Any:
    y = op(np.moveaxis(weight, 0, 1), indices=indices, padding=padding)
    return np.moveaxis(y, indices.ndim, 0)


def _add_examples(op: Any, batched: Any, g: Any, indices: Any, **params: Any) -> Any:
    return np.moveaxis(op(np.moveaxis(g, 0, indices.ndim), indices=indices, **params), 1, 0)


def _slowed_examples(op: Any, batched: Any, x: Any, by: Any) -> Any:
    return op(x if batched[0] else np.broadcast_to(x, (by.shape[0], *x.shape)), by)


lookup = Primitive(
    "embedding",
    lambda weight, indices, padding: np.take(weight, indices, axis=0),
    vjp=[
        lambda g, y, weight, indices, padding: add_rows(
            wary(g), indices=indices, count=weight.shape[0], padding=padding
        )
    ],
    reads=[""],
    batch=_lookup_examples,
)
add_rows = Primitive(
    "rows added",
    _add_rows,
    vjp=[
        lambda g, y, x, indices, count, padding: _kept(
            lookup(g, indices=indices, padding=padding), indices, padding
        )
    ],
    reads=[""],
    kind="linear",
    batch=_add_examples,
)
slowed = Primitive(
    "gradient scaled",
    lambda x, by: x,
    vjp=[lambda g, y, x, by: g * by, lambda g, y, x, by: np.zeros_like(by)],
    reads=["1", "1"],
    batch=_slowed_examples,
    listed=False,  # its gradient is not the derivative: the laws of primitives do not hold
)
