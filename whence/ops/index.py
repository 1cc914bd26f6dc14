"""Indexing: reading, writing and reordering elements.

``getitem`` and ``scatter`` are each other's transpose: an index that occurs twice reads twice, and
its gradients are added up.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.origin import called_at
from ..core.primitive import Primitive
from ..core.sweep import wary
from ..core.table import OPS
from ..core.variable import Variable, as_array
from ..errors import BatchingError, DtypeError
from .declare import implements, misfit, no_out, normal_axes
from .indexing import gathered, holds_batched, read, spread, write, written


def plain_index(index: Any) -> Any:
    """An index without Variables: integer and boolean ones are read, others refused."""
    if isinstance(index, tuple):
        return tuple(plain_index(part) for part in index)
    if isinstance(index, Variable):
        if index.dtype.kind not in "iub":
            raise DtypeError(f"an index must hold integers or booleans, not {index.dtype}{called_at()}")
        return index._data
    if isinstance(index, list):
        return as_array(index, dtype=None if index else np.intp)
    # a copy: the gradient will read it, and the user may fill it anew meanwhile
    return index.copy() if isinstance(index, np.ndarray) else index


def _repeats(index: Any) -> bool:
    """May the index name an element twice? Only integer arrays can."""
    parts = index if isinstance(index, tuple) else (index,)
    return any(isinstance(p, np.ndarray) and p.dtype.kind in "iu" and p.ndim for p in parts)


def _scatter(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    total = np.zeros(shape, g.dtype)
    if _repeats(index):
        np.add.at(total, index, g)
    else:
        total[index] = g
    return total


def _scatter_expanded(g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """``_scatter`` with zeros that a recorder can follow."""
    total = np.zeros_like(g, shape=shape)
    if _repeats(index):
        np.add.at(total, index, g)
    else:
        total[index] = g
    return total


getitem = Primitive(
    "getitem",
    lambda x, index: x[index],
    vjp=[lambda g, y, x, index: scatter(wary(g), index=index, shape=x.shape)],
    reads=[""],
    kind="linear",
    batch=read,
)
scatter = Primitive(
    "scatter",
    _scatter,
    vjp=[lambda g, y, x, index, shape: g[index]],
    reads=[""],
    kind="linear",
    batch=spread,
    expansion=_scatter_expanded,
)


@implements("getitem")
def _getitem(x: Any, index: Any) -> Any:
    kind = type(index)
    if kind is slice or kind is int:
        return getitem.apply(x, index=index)
    index = plain_index(index)
    try:
        return getitem.apply(x, index=index)
    except BatchingError:
        if holds_batched(index):
            return gathered(x, index)
        raise


def _set(x: Any, value: Any, index: Any) -> Any:
    if not np.can_cast(as_array(value).dtype, x.dtype, "same_kind"):
        raise DtypeError(
            f"values of dtype {as_array(value).dtype} cannot be written into {x.dtype} data"
            f"{called_at()}\n  → make the Variable of a wider type first, v.astype(...)"
        )
    y = np.array(x)  # of a NumPy scalar too
    y[index] = value
    return y


def _setitem_rest(g: Any, y: Any, x: Any, value: Any, index: Any) -> Any:
    kept = np.ones(x.shape, bool)
    kept[index] = False
    return wary(g) * kept


def _setitem_value(g: Any, y: Any, x: Any, value: Any, index: Any) -> Any:
    g = g[index]
    if _repeats(index):  # of several writes to one element the last one stays
        order = np.full(x.shape, -1)
        mine = np.reshape(np.arange(g.size), g.shape)
        order[index] = mine
        g = g * np.equal(order[index], mine)
    extra = np.ndim(value) - g.ndim
    return np.reshape(g, (1,) * extra + g.shape) if extra > 0 else g


setitem = Primitive(
    "setitem", _set, vjp=[_setitem_rest, _setitem_value], reads=["", ""], kind="linear", batch=write
)


@implements("setitem")
def _setitem(x: Any, value: Any, index: Any) -> Any:
    index = plain_index(index)
    return written(x, value, index) if holds_batched(index) else setitem(x, value, index=index)


def _whole_index(indices: Any) -> Any:
    """Indices for ``take``, as one array."""
    indices = plain_index(indices)
    return indices if isinstance(indices, Variable) else as_array(indices)


# --- NumPy's functions over them -----------------------------------------------------------------


@implements(np.take)
def _take(a: Any, indices: Any, axis: int | None = None, out: Any = None, mode: Any = "raise") -> Any:
    no_out("np.take", out)
    a = a if isinstance(a, Variable) else as_array(a)
    if axis is None:
        a, axis = np.ravel(a), 0
    (axis,) = normal_axes(axis, a.ndim)
    order = _whole_index(indices)
    if mode == "wrap":
        order = order % a.shape[axis]
    elif mode == "clip":
        order = np.clip(order, 0, a.shape[axis] - 1)
    return _getitem(a, (slice(None),) * axis + (order,))


@implements(np.take_along_axis)
def _take_along_axis(arr: Any, indices: Any, axis: int | None = -1) -> Any:
    if axis is None:
        arr, axis = np.ravel(arr), 0
    (axis,) = normal_axes(axis, arr.ndim)
    indices = _whole_index(indices)
    where = list(np.ogrid[tuple(slice(n) for n in arr.shape)])
    where[axis] = indices
    return _getitem(arr, tuple(where))


@implements(np.sort)
def _sort(a: Any, axis: int | None = -1, kind: Any = None, order: Any = None, *, stable: Any = None) -> Any:
    if axis is None:
        a, axis = np.ravel(a), 0
    if a.ndim == 0:
        return np.copy(a)
    return _take_along_axis(a, np.argsort(a._data, axis=axis, kind="stable"), axis)


@implements(np.partition)
def _partition(a: Any, kth: Any, axis: int | None = -1, kind: Any = "introselect", order: Any = None) -> Any:
    if axis is None:
        a, axis = np.ravel(a), 0
    return _take_along_axis(a, np.argpartition(a._data, kth, axis=axis), axis)


@implements(np.diagonal)
def _diagonal(a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1) -> Any:
    first, second = normal_axes((axis1, axis2), a.ndim)
    a = np.moveaxis(a, (first, second), (-2, -1))
    rows = np.arange(max(0, min(a.shape[-2] + min(offset, 0), a.shape[-1] - max(offset, 0))))
    return a[..., rows - min(offset, 0), rows + max(offset, 0)]


@implements(np.linalg.diagonal)
def _linalg_diagonal(x: Any, /, *, offset: int = 0) -> Any:
    return _diagonal(x, offset, -2, -1)


@implements(np.trace)
def _trace(
    a: Any, offset: int = 0, axis1: int = 0, axis2: int = 1, dtype: Any = None, out: Any = None
) -> Any:
    no_out("np.trace", out)
    return np.sum(_diagonal(a, offset, axis1, axis2), axis=-1, dtype=dtype)


@implements(np.diag)
def _diag(v: Any, k: int = 0) -> Any:
    if v.ndim == 2:
        return _diagonal(v, k)
    if v.ndim != 1:
        raise misfit("Input must be 1- or 2-d.")
    n = v.shape[0] + abs(k)
    rows = np.arange(v.shape[0])
    return scatter(v, index=(rows - min(k, 0), rows + max(k, 0)), shape=(n, n))


OPS[np.diagflat] = lambda v, k=0: _diag(np.ravel(v), k)


@implements(np.tril)
def _tril(m: Any, k: int = 0) -> Any:
    return np.where(np.tri(*m.shape[-2:], k=k, dtype=bool), m, np.zeros((), m.dtype))


@implements(np.triu)
def _triu(m: Any, k: int = 0) -> Any:
    return np.where(np.tri(*m.shape[-2:], k=k - 1, dtype=bool), np.zeros((), m.dtype), m)


@implements(np.diff)
def _diff(a: Any, n: int = 1, axis: int = -1, prepend: Any = np._NoValue, append: Any = np._NoValue) -> Any:
    if n < 0:
        raise misfit(f"order must be non-negative but got {n}")
    (axis,) = normal_axes(axis, np.ndim(a))
    ends = [x for x in (prepend, a, append) if x is not np._NoValue]
    if len(ends) > 1:
        lengths = list(np.shape(a))
        lengths[axis] = 1
        ends = [np.broadcast_to(x, lengths) if np.ndim(x) == 0 else x for x in ends]
        a = np.concatenate(ends, axis=axis)
    before = (slice(None),) * axis
    for _ in range(n):
        a = a[(*before, slice(1, None))] - a[(*before, slice(None, -1))]
    return a
