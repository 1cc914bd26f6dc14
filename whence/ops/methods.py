"""Methods of ufuncs: ``reduce``, ``accumulate``, ``reduceat``, ``at``, for every ufunc of two operands.

Sums, products and extremes have ops of their own; the others are put together from pairs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..core.primitive import PRIMITIVES
from ..core.table import OPS
from ..core.variable import Variable, as_array
from ..errors import NoGradientError
from .declare import arrayed, frozen, misfit, no_out, normal_axes
from .index import plain_index

_NONE: Any = np._NoValue
#: Steps and signs: nobody chains them, and they raise.
_NOT_CHAINED = {
    np.ldexp, np.floor_divide, np.remainder, np.fmod, np.heaviside, np.nextafter, np.copysign,
}  # fmt: skip
_BINARY = [
    f
    for f in OPS
    if isinstance(f, np.ufunc) and (f.nin, f.nout, f.signature) == (2, 1, None)
    if getattr(np, f.__name__, None) is f and f not in _NOT_CHAINED  # of NumPy's own
]


def _start(a: Any, axis: int, dtype: Any) -> Any:
    a = a if dtype is None else np.astype(a, dtype)
    return np.moveaxis(a, normal_axes(axis, a.ndim)[0], 0)


def _reduce(ufunc: Any) -> Callable[..., Any]:
    name = f"np.{ufunc.__name__}.reduce"

    def reduce(
        a: Any,
        axis: Any = 0,
        dtype: Any = None,
        out: Any = None,
        keepdims: bool = False,
        initial: Any = _NONE,
        where: Any = True,
    ) -> Any:
        no_out(name, out)
        if where is not True:
            raise misfit(f"{name} with where= has no gradient; choose the elements first")
        axes = normal_axes(axis, a.ndim)
        if len(axes) > 1 and ufunc.identity is None and not _reorderable(ufunc):
            raise misfit(f"reduction operation '{ufunc.__name__}' is not reorderable")
        y = a if dtype is None else np.astype(a, dtype)
        for i in sorted(axes, reverse=True):
            parts = np.moveaxis(y, i, 0)
            if len(parts) == 0 and initial is _NONE and ufunc.identity is None:
                raise misfit(f"zero-size array to reduction operation {ufunc.__name__} which has no identity")
            if len(parts) == 0:
                y = np.full(parts.shape[1:], ufunc.identity if initial is _NONE else initial, a.dtype)
                continue
            y = parts[0]
            for k in range(1, len(parts)):
                y = ufunc(y, parts[k])
        if initial is not _NONE and a.size:
            y = ufunc(initial, y)
        return np.expand_dims(y, axes) if keepdims and axes else y

    return reduce


def _reorderable(ufunc: Any) -> bool:
    return ufunc in (np.maximum, np.minimum, np.fmax, np.fmin)


def _running(ufunc: Any, parts: Any) -> list[Any]:
    y = [parts[0]]
    for k in range(1, len(parts)):
        y.append(ufunc(y[-1], parts[k]))
    return y


def _accumulate(ufunc: Any) -> Callable[..., Any]:
    def accumulate(array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        no_out(f"np.{ufunc.__name__}.accumulate", out)
        parts = _start(array, axis, dtype)
        if len(parts) == 0:
            return array
        return np.moveaxis(np.stack(_running(ufunc, parts)), 0, axis)

    return accumulate


def _reduceat(ufunc: Any) -> Callable[..., Any]:
    def reduceat(array: Any, indices: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        no_out(f"np.{ufunc.__name__}.reduceat", out)
        parts = _start(array, axis, dtype)
        starts = [int(i) for i in as_array(plain_index(indices))]
        if any(not 0 <= i < len(parts) for i in starts):
            raise IndexError(f"index out-of-bounds in {ufunc.__name__}.reduceat{called_at()}")
        ends = [*starts[1:], len(parts)]
        whole = OPS[ufunc, "reduce"]
        found = [whole(parts[i:j]) if j > i + 1 else parts[i] for i, j in zip(starts, ends, strict=True)]
        return np.moveaxis(np.stack(found), 0, axis)

    return reduceat


def _at(ufunc: Any) -> Callable[..., Any]:
    def at(a: Any, indices: Any, b: Any) -> None:
        if not isinstance(a, Variable):
            raise NoGradientError(
                f"np.{ufunc.__name__}.at would write a Variable into a plain array, which would lose "
                f"its gradient{called_at()}\n  → make the array a Variable first: v = Variable(a)"
            )
        index = plain_index(indices)
        places = np.arange(a.size).reshape(a.shape)[index]
        if ufunc is np.add or ufunc is np.subtract:
            values = np.broadcast_to(arrayed(b), places.shape)
            total = PRIMITIVES["scatter"](values, index=index, shape=a.shape)
            a[...] = np.astype(ufunc(a, total), a.dtype)
            return
        if np.unique(places).size == places.size:
            a[index] = np.astype(ufunc(a[index], b), a.dtype)
            return
        values = np.ravel(np.broadcast_to(arrayed(b), places.shape))
        flat = np.ravel(a)
        latest = {int(place): flat[int(place)] for place in places.flat}
        for k, place in enumerate(places.flat):  # one after the other, as NumPy does
            latest[int(place)] = ufunc(latest[int(place)], values[k])
        where = np.unravel_index(np.array(list(latest)), a.shape)
        a[where] = np.astype(np.stack(list(latest.values())), a.dtype)

    return at


for _ufunc in _BINARY:
    for _method, _make in (
        ("reduce", _reduce), ("accumulate", _accumulate), ("reduceat", _reduceat), ("at", _at),
    ):  # fmt: skip
        OPS.setdefault((_ufunc, _method), _make(_ufunc))


def _running_extreme(ufunc: Any) -> Callable[..., Any]:
    """Running maximum or minimum: the place of each is found plainly, then read."""

    def accumulate(array: Any, axis: int = 0, dtype: Any = None, out: Any = None) -> Any:
        no_out(f"np.{ufunc.__name__}.accumulate", out)
        bare = frozen(array)
        (axis,) = normal_axes(axis, bare.ndim)
        y = ufunc.accumulate(bare, axis)
        counter = np.arange(bare.shape[axis]).reshape([-1 if i == axis else 1 for i in range(bare.ndim)])
        new = np.zeros(bare.shape, bool)
        inner = [slice(None)] * bare.ndim
        inner[axis] = slice(1, None)
        outer = list(inner)
        outer[axis] = slice(None, -1)
        new[tuple(inner)] = y[tuple(inner)] != y[tuple(outer)]
        place = np.maximum.accumulate(np.where(new, counter, 0), axis)
        return np.take_along_axis(array, place, axis)

    return accumulate


for _ufunc in (np.maximum, np.minimum):
    OPS[_ufunc, "accumulate"] = _running_extreme(_ufunc)
