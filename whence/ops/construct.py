"""Arrays put together: sequences between ends, grids, blocks, insertions and choices."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.table import OPS
from ..core.variable import Variable, as_array
from .declare import arrayed, frozen, implements, integral, misfit, no_out, normal_axes

# --- sequences -------------------------------------------------------------------------------------


def _steps(num: Any, endpoint: bool) -> tuple[int, int]:
    num = int(num)
    if num < 0:
        raise misfit(f"Number of samples, {num}, must be non-negative.")
    return num, (num - 1 if endpoint else num)


@implements(np.linspace)
def _linspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    retstep: bool = False,
    dtype: Any = None,
    axis: int = 0,
    *,
    device: Any = None,
) -> Any:
    if integral(dtype):
        given: Any = (num, endpoint, retstep, dtype, axis)
        return np.linspace(frozen(start), frozen(stop), *given)
    num, divisions = _steps(num, endpoint)
    precise = np.result_type(frozen(start), frozen(stop))
    precise = precise if precise.kind in "fc" else np.dtype(float)
    start, stop = (np.astype(x, precise) for x in np.broadcast_arrays(start, stop))
    delta = stop - start
    step = delta / divisions if divisions > 0 else np.nan * delta
    where = np.reshape(np.arange(num).astype(precise), (-1,) + (1,) * np.ndim(delta))
    y = start + where * (step if divisions > 0 else delta)
    if endpoint and num > 1:
        y = np.concatenate([y[:-1], stop[None]])
    y = np.moveaxis(y, 0, axis) if axis else y
    y = y if dtype is None else np.astype(y, dtype)
    return (y, step) if retstep else y


@implements(np.logspace)
def _logspace(
    start: Any,
    stop: Any,
    num: Any = 50,
    endpoint: bool = True,
    base: Any = 10.0,
    dtype: Any = None,
    axis: int = 0,
) -> Any:
    if np.ndim(base) > 0:
        ndmax = np.broadcast(frozen(start), frozen(stop), frozen(base)).ndim
        start, stop, base = (
            np.reshape(a, (1,) * (ndmax - np.ndim(a)) + np.shape(a)) for a in (start, stop, base)
        )
        base = np.expand_dims(base, axis)
    y = np.power(base, _linspace(start, stop, num, endpoint, axis=axis))
    return y if dtype is None else np.astype(y, dtype)


@implements(np.geomspace)
def _geomspace(
    start: Any, stop: Any, num: Any = 50, endpoint: bool = True, dtype: Any = None, axis: int = 0
) -> Any:
    if np.any(np.equal(start, 0)) or np.any(np.equal(stop, 0)):
        raise misfit("Geometric sequence cannot include zero")
    num, _ = _steps(num, endpoint)
    precise = np.result_type(frozen(start), frozen(stop), np.float64)
    start, stop = (np.astype(x, precise) for x in np.broadcast_arrays(start, stop))
    if start.dtype.kind == "c" or stop.dtype.kind == "c":
        turn = start / np.absolute(start)  # the sequence turns and grows from here
    else:
        turn = np.where(np.less(start, 0) & np.less(stop, 0), -1, 1).astype(start.dtype)
    ratio = np.log10(stop / turn), np.log10(start / turn)
    y = turn * np.power(10.0, _linspace(ratio[1], ratio[0], num, endpoint))
    parts = [start[None]] if num else []
    if num > 1:
        parts += [y[1:-1], stop[None]] if endpoint else [y[1:]]
    y = np.concatenate(parts) if parts else y
    y = np.moveaxis(y, 0, axis) if axis else y
    return y if dtype is None else np.astype(y, dtype)


@implements(np.meshgrid)
def _meshgrid(*xi: Any, copy: bool = True, sparse: bool = False, indexing: str = "xy") -> Any:
    if indexing not in ("xy", "ij"):
        raise misfit("Valid values for `indexing` are 'xy' and 'ij'.")
    ndim = len(xi)
    grids = [np.reshape(x, (1,) * i + (-1,) + (1,) * (ndim - i - 1)) for i, x in enumerate(xi)]
    if indexing == "xy" and ndim > 1:
        grids = [np.swapaxes(x, 0, 1) for x in grids]
    if not sparse:
        grids = np.broadcast_arrays(*grids)
    return tuple(np.copy(x) for x in grids) if copy else tuple(grids)


# --- joining ---------------------------------------------------------------------------------------


@implements(np.append)
def _append(arr: Any, values: Any, axis: int | None = None) -> Any:
    if axis is None:
        arr, values, axis = np.ravel(arr), np.ravel(values), 0
    return np.concatenate((arr, values), axis=axis)


def _depth(arrays: Any) -> int:
    if not isinstance(arrays, list):
        return 0
    if not arrays:
        raise misfit("List at arrays cannot be empty")
    depths = {_depth(part) for part in arrays}
    if len(depths) > 1:
        raise misfit("List depths are mismatched")
    return 1 + depths.pop()


def _most_axes(arrays: Any) -> int:
    return max(map(_most_axes, arrays)) if isinstance(arrays, list) else np.ndim(arrays)


@implements(np.block)
def _block(arrays: Any) -> Any:
    depth = _depth(arrays)
    ndim = max(depth, _most_axes(arrays))

    def joined(part: Any, level: int) -> Any:
        if not isinstance(part, list):
            return np.reshape(part, (1,) * (ndim - np.ndim(part)) + np.shape(part))
        return np.concatenate([joined(inner, level + 1) for inner in part], axis=level - depth)

    y = joined(arrays, 0)
    return np.copy(y) if depth == 0 else y


@implements(np.resize)
def _resize(a: Any, new_shape: Any) -> Any:
    shape = (new_shape,) if isinstance(new_shape, (int, np.integer)) else tuple(new_shape)
    if any(n < 0 for n in shape):
        raise misfit("all elements of `new_shape` must be non-negative")
    flat = np.ravel(a)
    if flat.size == 0:
        return np.zeros(shape, flat.dtype)
    return np.reshape(flat[np.arange(int(np.prod(shape, dtype=int))) % flat.size], shape)


# --- taking out and putting in ---------------------------------------------------------------------


@implements(np.delete)
def _delete(arr: Any, obj: Any, axis: int | None = None) -> Any:
    if axis is None:
        arr, axis = np.ravel(arr), 0
    (axis,) = normal_axes(axis, arr.ndim)
    kept = np.delete(np.arange(arr.shape[axis]), frozen(obj))
    return np.take(arr, kept, axis=axis)


@implements(np.insert)
def _insert(arr: Any, obj: Any, values: Any, axis: int | None = None) -> Any:
    arr = arrayed(arr)
    values = arrayed(values)
    # NumPy inserts the numbers of the elements; they say where each element goes
    numbers = np.arange(arr.size).reshape(arr.shape)
    new = arr.size + np.arange(values.size).reshape(values.shape)
    source = np.insert(numbers, frozen(obj), new, axis)
    both = np.concatenate([np.ravel(arr), np.astype(np.ravel(values), arr.dtype)])
    return both[source]


@implements(np.compress)
def _compress(condition: Any, a: Any, axis: int | None = None, out: Any = None) -> Any:
    no_out("np.compress", out)
    kept = np.flatnonzero(as_array(frozen(condition)))
    return np.take(a, kept, axis=axis)


@implements(np.extract)
def _extract(condition: Any, arr: Any) -> Any:
    return np.take(np.ravel(arr), np.flatnonzero(as_array(frozen(condition))))


@implements(np.choose)
def _choose(a: Any, choices: Any, out: Any = None, mode: Any = "raise") -> Any:
    no_out("np.choose", out)
    which = as_array(frozen(a))
    parts = list(choices)
    if mode == "wrap":
        which = which % len(parts)
    elif mode == "clip":
        which = np.clip(which, 0, len(parts) - 1)
    elif np.any((which < 0) | (which >= len(parts))):
        raise misfit("invalid entry in choice array")
    shape = np.broadcast_shapes(which.shape, *(np.shape(part) for part in parts))
    stacked = np.stack([np.broadcast_to(part, shape) for part in parts])
    return np.take_along_axis(stacked, np.broadcast_to(which, shape)[None], axis=0)[0]


@implements(np.select)
def _select(condlist: Any, choicelist: Any, default: Any = 0) -> Any:
    if len(condlist) != len(choicelist):
        raise misfit("list of cases must be same length as list of conditions")
    if not len(condlist):
        raise misfit("select with an empty condition list is not possible")
    dtype = np.result_type(*(frozen(c) for c in choicelist), frozen(default))
    y = arrayed(default)
    for condition, choice in zip(reversed(condlist), reversed(choicelist), strict=True):
        y = np.where(as_array(frozen(condition)), choice, y)
    return np.astype(y, dtype)


@implements(np.piecewise)
def _piecewise(x: Any, condlist: Any, funclist: Any, *args: Any, **kw: Any) -> Any:
    one = np.ndim(condlist) == 0 or (not isinstance(condlist[0], (list, np.ndarray)) and x.ndim != 0)
    masks = [as_array(c, bool) for c in ([condlist] if one else condlist)]
    functions = list(funclist)
    if len(functions) == len(masks) + 1:
        masks.append(~np.any(np.stack(np.broadcast_arrays(*masks)), axis=0))
    if len(functions) != len(masks):
        raise misfit(f"with {len(masks)} condition(s), as many or one more functions are expected")
    y: Any = np.zeros(x.shape, x.dtype)
    for mask, function in zip(masks, functions, strict=True):
        mask = np.broadcast_to(mask, x.shape)
        if not np.any(mask):
            continue
        part = function(x[mask], *args, **kw) if callable(function) else function
        if isinstance(y, Variable) or isinstance(part, Variable):
            y = OPS["setitem"](y, part.astype(x.dtype) if isinstance(part, Variable) else part, mask)
        else:
            y[mask] = part
    return y


@implements(np.unique)
def _unique(
    ar: Any,
    return_index: bool = False,
    return_inverse: bool = False,
    return_counts: bool = False,
    axis: int | None = None,
    *,
    equal_nan: bool = True,
    sorted: bool = True,
) -> Any:
    _, first, inverse, counts = np.unique(frozen(ar), True, True, True, axis, equal_nan=equal_nan)
    y = np.take(np.ravel(ar) if axis is None else ar, first, axis=axis or 0)
    wanted = [(return_index, first), (return_inverse, inverse), (return_counts, counts)]
    more = [part for asked, part in wanted if asked]
    return (y, *more) if more else y


OPS[np.unique_values] = lambda x, /: _unique(x, equal_nan=False)
OPS[np.union1d] = lambda ar1, ar2: _unique(np.concatenate((ar1, ar2), axis=None))


# --- functions along axes --------------------------------------------------------------------------


@implements(np.apply_along_axis)
def _apply_along_axis(func1d: Callable[..., Any], axis: int, arr: Any, *args: Any, **kwargs: Any) -> Any:
    arr = arrayed(arr)
    (axis,) = normal_axes(axis, arr.ndim)
    lines = np.moveaxis(arr, axis, -1)
    around = lines.shape[:-1]
    if 0 in around:
        raise misfit("Cannot apply_along_axis when any iteration dimensions are 0")
    results = [func1d(lines[i], *args, **kwargs) for i in np.ndindex(*around)]
    y = np.stack(results)
    inner = y.shape[1:]
    y = np.reshape(y, around + inner)
    return np.moveaxis(y, tuple(range(len(around), y.ndim)), tuple(axis + i for i in np.arange(len(inner))))


@implements(np.apply_over_axes)
def _apply_over_axes(func: Callable[..., Any], a: Any, axes: Any) -> Any:
    y = a
    for axis in (axes,) if np.ndim(axes) == 0 else axes:
        result = func(y, axis + y.ndim if axis < 0 else axis)
        y = result if np.ndim(result) == np.ndim(y) else np.expand_dims(result, axis)
    return y
