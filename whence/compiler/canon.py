"""canon: NumPy's many ways to say a thing, brought down to the words of programs.

Each entry takes ``emit(function, args, keywords)`` and NumPy's own arguments; ``NotImplemented`` leaves the
call as it is.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..errors import TraceError, UnknownShapeError
from . import words

Emit = Callable[..., Any]

#: Ask only for shapes and types: answered while recording.
STATIC: set[Any] = {
    np.shape, np.ndim, np.size, np.result_type, np.iscomplexobj, np.isrealobj, np.can_cast, np.common_type,
    np.min_scalar_type, np.may_share_memory, np.shares_memory, np.broadcast_shapes,
}  # fmt: skip

#: The shape of their result depends on values.
DATA_SHAPED: set[Any] = {
    np.nonzero, np.flatnonzero, np.argwhere, np.extract, np.compress, np.unique, np.unique_values,
    np.unique_counts, np.unique_inverse, np.unique_all, np.union1d, np.intersect1d, np.setdiff1d, np.setxor1d,
    np.trim_zeros, np.delete,
}  # fmt: skip

#: ufunc -> the function that its ``reduce`` is.
REDUCTIONS: dict[Any, Any] = {
    np.add: np.sum, np.multiply: np.prod, np.maximum: np.max, np.minimum: np.min, np.logical_or: np.any,
    np.logical_and: np.all,
}  # fmt: skip

#: NumPy's function -> how it is said in words.
CANON: dict[Any, Callable[..., Any]] = {}


def says(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Register a rewriting for these functions of NumPy."""

    def register(rewriting: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            CANON[function] = rewriting
        return rewriting

    return register


_MISSING = np._NoValue


def _axes(axis: Any, ndim: int) -> tuple[int, ...]:
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return tuple([np.lib.array_utils.normalize_axis_index(a, ndim) for a in axes])


def _given(value: Any) -> bool:
    return value is not None and value is not _MISSING


def _masked(where: Any) -> bool:
    return _given(where) and where is not True


def _whole(a: Any) -> Any:
    """One value, where NumPy is given a list of them."""
    return np.stack([_whole(part) for part in a]) if isinstance(a, (list, tuple)) else a


def _reduction(function: Any) -> None:
    def reduce(
        emit: Emit,
        a: Any,
        axis: Any = None,
        dtype: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = _MISSING,
        where: Any = _MISSING,
    ) -> Any:
        a = _whole(a)
        if dtype is not None:
            a = a.astype(dtype)
        elif a.dtype.kind in "biu" and a.dtype.itemsize < 8 and function in (np.sum, np.prod):
            a = a.astype(np.uint64 if a.dtype.kind == "u" else np.int64)
        if _masked(where):
            a = np.where(where, a, a.dtype.type(0 if function is np.sum else 1))
        how = {"axis": _axes(axis, a.ndim), "keepdims": bool(keepdims) if _given(keepdims) else False}
        y = emit(function, (a,), how)
        if not _given(initial):
            return y
        return np.add(y, initial) if function is np.sum else np.multiply(y, initial)

    CANON[function] = reduce


for _function in (np.sum, np.prod):
    _reduction(_function)


def _extreme(function: Any) -> None:
    def extreme(
        emit: Emit, a: Any, axis: Any = None, out: Any = None, keepdims: Any = False,
        initial: Any = _MISSING, where: Any = _MISSING,
    ) -> Any:  # fmt: skip
        a = _whole(a)
        chosen = np.maximum if function is np.max else np.minimum
        if _masked(where):
            if not _given(initial):
                raise ValueError(f"np.{function.__name__} with where= needs initial=")
            a = np.where(where, a, initial)
        how = {"axis": _axes(axis, a.ndim), "keepdims": bool(keepdims) if _given(keepdims) else False}
        if not _given(initial):
            return emit(function, (a,), how)
        if 0 in a.shape:
            return np.full_like(np.sum(a, **how), initial)
        return chosen(emit(function, (a,), how), initial)

    CANON[function] = extreme


for _function in (np.max, np.min):
    _extreme(_function)


def _truth(function: Any) -> None:
    def truth(
        emit: Emit, a: Any, axis: Any = None, out: Any = None, keepdims: Any = False, *, where: Any = _MISSING
    ) -> Any:
        a = _whole(a)
        a = a if a.dtype.kind == "b" else np.not_equal(a, 0)
        if _masked(where):
            a = np.where(where, a, np.bool(function is np.all))
        how = {"axis": _axes(axis, a.ndim), "keepdims": bool(keepdims) if _given(keepdims) else False}
        return emit(function, (a,), how)

    CANON[function] = truth


for _function in (np.any, np.all):
    _truth(_function)


def _averaged(a: Any) -> Any:
    return a.astype(np.float64) if a.dtype.kind in "biu" else a


@says(np.mean)
def _mean(
    emit: Emit, a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False,
    *, where: Any = _MISSING,
) -> Any:  # fmt: skip
    if dtype is not None or (_given(where) and where is not True) or not hasattr(a, "recorder"):
        return NotImplemented
    if a.dtype == np.float16:
        return NotImplemented
    a = _averaged(a)
    total = np.sum(a, axis=axis, keepdims=bool(keepdims) if _given(keepdims) else False)
    return total / _count(a, axis)


def _count(a: Any, axis: Any) -> int:
    count = 1
    for i in _axes(axis, a.ndim):
        count *= a.shape[i]
    return count


@says(np.var)
def _var(
    emit: Emit, a: Any, axis: Any = None, dtype: Any = None, out: Any = None, ddof: Any = 0,
    keepdims: Any = False, *, where: Any = _MISSING, mean: Any = _MISSING, correction: Any = _MISSING,
) -> Any:  # fmt: skip
    plain = dtype is None and not _given(where) and not _given(mean) and not _given(correction)
    if not plain or not hasattr(a, "recorder") or a.dtype.kind == "c" or a.dtype == np.float16:
        return NotImplemented
    a = _averaged(a)
    off = a - np.mean(a, axis=axis, keepdims=True)
    total = np.sum(off * off, axis=axis, keepdims=bool(keepdims) if _given(keepdims) else False)
    return total / max(_count(a, axis) - ddof, 0)


@says(np.std)
def _std(emit: Emit, a: Any, *args: Any, **keywords: Any) -> Any:
    y = _var(emit, a, *args, **keywords)
    return y if y is NotImplemented else np.sqrt(y)


def _shaped(function: Any) -> None:
    """A function that gives the same elements in another shape, in C order."""

    def reshape(emit: Emit, a: Any, *args: Any, **keywords: Any) -> Any:
        order = keywords.get("order") or (args[-1] if args and isinstance(args[-1], str) else "C")
        if order != "C" or not hasattr(a, "recorder"):
            return NotImplemented
        shape = np.shape(function(np.broadcast_to(np.zeros((), a.dtype), a.shape), *args, **keywords))
        if shape == a.shape:
            return a
        y = emit(np.reshape, (a, shape), {})
        a.viewed = y.viewed = True
        return y

    CANON[function] = reshape


for _function in (np.reshape, np.expand_dims, np.squeeze, np.ravel):
    _shaped(_function)


def _permuted(function: Any) -> None:
    """A function that permutes the axes."""

    def transpose(emit: Emit, a: Any, *args: Any, **keywords: Any) -> Any:
        if not hasattr(a, "recorder"):
            return NotImplemented
        marked = np.broadcast_to(np.zeros((), bool), range(a.ndim))  # the length of an axis is its number
        axes = np.shape(function(marked, *args, **keywords))
        if axes == tuple(range(a.ndim)):
            return a
        y = emit(np.transpose, (a, axes), {})
        a.viewed = y.viewed = True
        return y

    CANON[function] = transpose


for _function in (np.transpose, np.swapaxes, np.moveaxis, np.rollaxis, np.matrix_transpose):
    _permuted(_function)


@says(np.broadcast_to)
def _broadcast_to(emit: Emit, array: Any, shape: Any, subok: bool = False) -> Any:
    shape = (shape,) if isinstance(shape, int) else tuple(shape)
    if not hasattr(array, "recorder"):
        return NotImplemented
    if array.shape == shape:
        return array
    y = emit(np.broadcast_to, (array, shape), {})
    array.viewed = y.viewed = True
    return y


@says(np.broadcast_arrays)
def _broadcast_arrays(emit: Emit, *args: Any, subok: bool = False) -> Any:
    shape = np.broadcast_shapes(*[np.shape(a) for a in args])
    return tuple([np.broadcast_to(a, shape) for a in args])


@says(np.copy)
def _copy(emit: Emit, a: Any, order: str = "K", subok: bool = False) -> Any:
    if not hasattr(a, "recorder"):
        return NotImplemented
    return type(a)(a.recorder, a.now, a.symbol, (a.code, a.lasti))


@says(np.astype)
def _astype(emit: Emit, x: Any, dtype: Any, /, *, copy: bool = True, device: Any = None) -> Any:
    return x.astype(dtype, copy=copy)


def _writing(function: Any) -> None:
    """A function that writes into its first argument."""

    def write(emit: Emit, a: Any, *args: Any, **keywords: Any) -> Any:
        if not hasattr(a, "recorder"):
            raise TraceError(
                f"np.{function.__name__} writes into an array outside the program{called_at()}\n"
                "  → make a new array: np.where(mask, a, b)"
            )
        a.recorder.overwrite(a, emit(words.written, (a, function, *args), keywords))

    CANON[function] = write


for _function in (np.put, np.place, np.putmask, np.copyto, np.fill_diagonal, np.put_along_axis):
    _writing(_function)


def _filled(function: Any, number: Any) -> None:
    def fill(emit: Emit, a: Any, dtype: Any = None, order: str = "K", subok: bool = True, shape: Any = None,
             *, device: Any = None) -> Any:  # fmt: skip
        shape = a.shape if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
        return emit(words.full, (shape, number, np.dtype(a.dtype if dtype is None else dtype)), {})

    CANON[function] = fill


for _function, _number in ((np.zeros_like, 0), (np.ones_like, 1), (np.empty_like, 0)):
    _filled(_function, _number)


@says(np.full_like)
def _full_like(
    emit: Emit, a: Any, fill_value: Any, dtype: Any = None, order: str = "K", subok: bool = True,
    shape: Any = None, *, device: Any = None,
) -> Any:  # fmt: skip
    shape = np.shape(a) if shape is None else (shape,) if isinstance(shape, int) else tuple(shape)
    kind = np.dtype(np.asarray(a).dtype if dtype is None and not hasattr(a, "recorder") else dtype or a.dtype)
    if isinstance(fill_value, (bool, int, float, complex)) and not isinstance(fill_value, np.generic):
        return emit(words.full, (shape, fill_value, kind), {})
    return np.broadcast_to(fill_value, shape).astype(kind)


@says(np.clip)
def _clip(emit: Emit, a: Any, a_min: Any = None, a_max: Any = None, out: Any = None, **more: Any) -> Any:
    low, high = more.pop("min", a_min), more.pop("max", a_max)
    if more:
        return NotImplemented
    y = a
    if _given(low):
        y = np.maximum(y, low)
    if _given(high):
        return np.minimum(y, high)
    return np.positive(y) if y is a else y


@says(np.where)
def _where(emit: Emit, condition: Any, x: Any = None, y: Any = None, /) -> Any:
    if x is None and y is None:
        raise UnknownShapeError(
            f"np.where(condition) gives as many places as are true{called_at()}; a compiled program knows all"
            " shapes\n  → np.where(condition, x, y)"
        )
    condition = np.bool(condition) if isinstance(condition, bool) else condition
    if np.result_type(condition).kind != "b":
        condition = np.not_equal(condition, 0)
    return emit(np.where, (condition, x, y), {})


@says(np.take)
def _take(emit: Emit, a: Any, indices: Any, axis: Any = None, out: Any = None, mode: Any = "raise") -> Any:
    shapes = getattr(a, "ndim", 0) and getattr(indices, "ndim", 0)
    if axis != 0 or out is not None or mode != "raise" or not shapes or indices.dtype.kind != "i":
        return NotImplemented
    return emit(words.getitem, (a, indices), {})


@says(np.real)
def _real(emit: Emit, val: Any) -> Any:
    return val if val.dtype.kind != "c" else NotImplemented


@says(np.conjugate)
def _conjugate(emit: Emit, x: Any) -> Any:
    return np.copy(x) if hasattr(x, "recorder") and x.dtype.kind == "f" else NotImplemented


@says(np.positive)
def _positive(emit: Emit, x: Any) -> Any:
    return np.copy(x) if hasattr(x, "recorder") else NotImplemented


@says(np.stack)
def _stack(emit: Emit, arrays: Any, axis: int = 0, out: Any = None, **more: Any) -> Any:
    if more:
        return NotImplemented
    arrays = list(arrays)
    axis = np.lib.array_utils.normalize_axis_index(axis, np.ndim(arrays[0]) + 1)
    return np.concatenate([np.expand_dims(a, axis) for a in arrays], axis=axis)


@says(np.concatenate)
def _concatenate(emit: Emit, arrays: Any, axis: Any = 0, out: Any = None, **more: Any) -> Any:
    if more or axis is None:
        return NotImplemented
    axis = np.lib.array_utils.normalize_axis_index(axis, np.ndim(arrays[0]))
    return emit(np.concatenate, (list(arrays),), {"axis": axis})


@says(np.dot)
def _dot(emit: Emit, a: Any, b: Any, out: Any = None) -> Any:
    ndims = (np.ndim(a), np.ndim(b))
    if 0 in ndims:
        return np.multiply(a, b)
    return np.matmul(a, b) if ndims[1] <= 2 and ndims[0] >= 1 else NotImplemented


@says(np.outer)
def _outer(emit: Emit, a: Any, b: Any, out: Any = None) -> Any:
    return np.multiply(np.reshape(a, (-1, 1)), np.reshape(b, (1, -1)))


@says(np.flip)
def _flip(emit: Emit, m: Any, axis: Any = None) -> Any:
    axes = _axes(axis, m.ndim)
    return m[tuple(slice(None, None, -1) if i in axes else slice(None) for i in range(m.ndim))]


@says(np.diff)
def _diff(emit: Emit, a: Any, n: int = 1, axis: int = -1, prepend: Any = None, append: Any = None) -> Any:
    if n != 1 or _given(prepend) or _given(append) or a.dtype.kind == "b":
        return NotImplemented
    (axis,) = _axes(axis, a.ndim)
    head: tuple[Any, ...] = (slice(None),) * axis
    return a[(*head, slice(1, None))] - a[(*head, slice(None, -1))]


@says(np.vecdot)
def _vecdot(emit: Emit, a: Any, b: Any, /, axis: int = -1) -> Any:
    if np.result_type(a).kind == "c":
        return NotImplemented
    return np.sum(np.multiply(a, b), axis=axis)


@says(np.ascontiguousarray)
def _contiguous(emit: Emit, a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    return a if dtype is None else a.astype(dtype)
