"""NumPy's functions that write into their first argument: on a Variable, as ``v[i] = x`` does.

What was made from ``v`` before keeps the old values; the write is recorded.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.origin import called_at
from ..core.variable import Variable, as_array
from ..errors import NoGradientError
from .declare import arrayed, frozen, implements, misfit, normal_axes


def _target(name: str, a: Any) -> Variable:
    """The Variable that is written to; a plain array could not remember where its values came from."""
    if not isinstance(a, Variable):
        raise NoGradientError(
            f"{name} would write a Variable into a plain array, which would lose its gradient{called_at()}\n"
            "  → make the array a Variable first, v = Variable(a), or build a new one with np.where"
        )
    return a


def _repeated(values: Any, count: int) -> Any:
    """The first ``count`` of ``values``, over and over."""
    flat = np.ravel(values) if isinstance(values, Variable) else as_array(values).ravel()
    if flat.size == 0:
        raise misfit("Cannot insert from an empty array!")
    return flat[np.arange(count) % flat.size]


@implements(np.put)
def _put(a: Any, ind: Any, v: Any, mode: Any = "raise") -> None:
    a = _target("np.put", a)
    places = as_array(frozen(ind)).ravel()
    if places.size == 0:
        return
    if mode == "wrap":
        places = places % a.size
    elif mode == "clip":
        places = np.clip(places, 0, a.size - 1)
    elif np.any((places < -a.size) | (places >= a.size)):
        raise IndexError(f"np.put: an index is out of bounds for {a.size} elements{called_at()}")
    a[np.unravel_index(places % a.size, a.shape)] = _repeated(v, places.size)


@implements(np.place)
def _place(arr: Any, mask: Any, vals: Any) -> None:
    arr = _target("np.place", arr)
    mask = as_array(frozen(mask), bool).reshape(arr.shape)
    if np.any(mask):
        arr[mask] = _repeated(vals, int(mask.sum()))


@implements(np.putmask)
def _putmask(a: Any, /, mask: Any, values: Any) -> None:
    a = _target("np.putmask", a)
    mask = as_array(frozen(mask), bool)
    if mask.size != a.size:
        raise misfit("putmask: mask and data must be the same size")
    mask = mask.reshape(a.shape)
    if np.any(mask):
        a[mask] = _repeated(values, a.size)[np.flatnonzero(mask)]


@implements(np.copyto)
def _copyto(dst: Any, src: Any, casting: Any = "same_kind", where: Any = True) -> None:
    dst = _target("np.copyto", dst)
    src = arrayed(src)
    mask = as_array(frozen(where), bool)
    if mask.ndim == 0:
        if mask:
            dst[...] = src
        return
    mask = np.broadcast_to(mask, dst.shape)
    dst[mask] = np.broadcast_to(src, dst.shape)[mask]


@implements(np.put_along_axis)
def _put_along_axis(arr: Any, indices: Any, values: Any, axis: int | None) -> None:
    arr = _target("np.put_along_axis", arr)
    indices = as_array(frozen(indices))
    if axis is None:
        arr[np.unravel_index(indices % arr.size, arr.shape)] = values
        return
    (axis,) = normal_axes(axis, arr.ndim)
    where = list(np.ogrid[tuple(slice(n) for n in indices.shape)])
    where[axis] = indices
    arr[tuple(where)] = values


@implements(np.fill_diagonal)
def _fill_diagonal(a: Any, val: Any, wrap: bool = False) -> None:
    a = _target("np.fill_diagonal", a)
    if a.ndim < 2:
        raise misfit("array must be at least 2-d")
    if a.ndim == 2:
        end = None if wrap else a.shape[1] * a.shape[1]
        step = a.shape[1] + 1
    else:
        if len(set(a.shape)) != 1:
            raise misfit("All dimensions of input must be of equal length")
        end, step = None, 1 + int(np.cumprod(a.shape[:-1]).sum())
    places = np.arange(a.size)[:end:step]
    a[np.unravel_index(places, a.shape)] = _repeated(val, places.size)
