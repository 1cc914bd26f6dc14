"""rearranged: joining, splitting, rolling, repeating and padding, in slices, views and joins.

Entries are as those of :mod:`whence.compiler.canon`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from . import words
from .einsums import einsum

Emit = Callable[..., Any]

#: NumPy's function -> how it is said in words.
REARRANGED: dict[Any, Callable[..., Any]] = {}


def _says(*functions: Any) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def register(rewriting: Callable[..., Any]) -> Callable[..., Any]:
        for function in functions:
            REARRANGED[function] = rewriting
        return rewriting

    return register


def _axis(axis: int, ndim: int) -> int:
    return np.lib.array_utils.normalize_axis_index(axis, ndim)


def _along(axis: int, start: int | None, stop: int | None, step: int | None = None) -> tuple[Any, ...]:
    """The index of a slice of one axis."""
    return (*(slice(None),) * axis, slice(start, stop, step))


def _is_recorded(a: Any) -> bool:
    return hasattr(a, "recorder")


# --- joining ------------------------------------------------------------------------------------------------


def _wide(a: Any, ndim: int) -> Any:
    """At least so many axes, as NumPy puts them."""
    shape = np.shape(a)
    if len(shape) >= ndim:
        return a
    if ndim == 3:
        new = (1, *(shape or (1,)), 1) if len(shape) < 2 else (*shape, 1)
    else:
        new = (1,) * (ndim - len(shape)) + shape
    return np.reshape(a, new)


def _at_least(ndim: int) -> Callable[..., Any]:
    def at_least(emit: Emit, *arrays: Any) -> Any:
        wide = tuple([_wide(a, ndim) for a in arrays])
        return wide[0] if len(wide) == 1 else wide

    return at_least


for _ndim, _function in enumerate((np.atleast_1d, np.atleast_2d, np.atleast_3d)):
    REARRANGED[_function] = _at_least(_ndim + 1)


def _stacked(ndim: int, axis: int) -> Callable[..., Any]:
    def stack(emit: Emit, tup: Any, **more: Any) -> Any:
        if more:
            return NotImplemented
        arrays = [_wide(a, ndim) for a in tup]
        return np.concatenate(arrays, axis if np.ndim(arrays[0]) > 1 else 0)

    return stack


REARRANGED |= {np.vstack: _stacked(2, 0), np.hstack: _stacked(1, 1), np.dstack: _stacked(3, 2)}


@_says(np.column_stack)
def _column_stack(emit: Emit, tup: Any) -> Any:
    return np.concatenate([np.reshape(a, (-1, 1)) if np.ndim(a) < 2 else a for a in tup], 1)


@_says(np.append)
def _append(emit: Emit, arr: Any, values: Any, axis: Any = None) -> Any:
    if axis is None:
        return np.concatenate([np.ravel(arr), np.ravel(values)])
    return np.concatenate([arr, values], axis)


# --- splitting ----------------------------------------------------------------------------------------------


def _parts(function: Any, a: Any, sections: Any, axis: int) -> list[Any]:
    """``a`` cut as ``function`` cuts the numbers of the places along an axis."""
    found = []
    for places in function(np.arange(a.shape[axis]), sections):
        start = int(places[0]) if len(places) else 0
        found.append(a[_along(axis, start, start + len(places))])
    return found


def _split(function: Any) -> Callable[..., Any]:
    def split(emit: Emit, ary: Any, indices_or_sections: Any, axis: int = 0) -> Any:
        if not _is_recorded(ary) or _is_recorded(indices_or_sections):
            return NotImplemented
        return _parts(function, ary, indices_or_sections, _axis(axis, ary.ndim))

    return split


REARRANGED |= {np.split: _split(np.split), np.array_split: _split(np.array_split)}


def _split_at(axis: int) -> Callable[..., Any]:
    def split(emit: Emit, ary: Any, indices_or_sections: Any) -> Any:
        plain = _is_recorded(ary) and ary.ndim > max(axis - (axis == 1), 0)
        if not plain or _is_recorded(indices_or_sections):
            return NotImplemented
        return _parts(np.split, ary, indices_or_sections, min(axis, ary.ndim - 1))

    return split


REARRANGED |= {np.vsplit: _split_at(0), np.hsplit: _split_at(1), np.dsplit: _split_at(2)}


@_says(np.unstack)
def _unstack(emit: Emit, x: Any, /, *, axis: int = 0) -> Any:
    axis = _axis(axis, x.ndim)
    return tuple([x[(*(slice(None),) * axis, i)] for i in range(x.shape[axis])])


# --- turning ------------------------------------------------------------------------------------------------


@_says(np.roll)
def _roll(emit: Emit, a: Any, shift: Any, axis: Any = None) -> Any:
    if not _is_recorded(a) or _is_recorded(shift):
        return NotImplemented
    if axis is None:
        return np.reshape(np.roll(np.ravel(a), shift, 0), a.shape)
    shifts, axes = np.broadcast_arrays(shift, axis)
    for by, along in zip(shifts.ravel().tolist(), axes.ravel().tolist(), strict=True):
        along = _axis(along, a.ndim)
        n = a.shape[along]
        by = by % n if n else 0
        if by:
            a = np.concatenate([a[_along(along, n - by, None)], a[_along(along, None, n - by)]], along)
    return np.copy(a)


@_says(np.rot90)
def _rot90(emit: Emit, m: Any, k: int = 1, axes: Any = (0, 1)) -> Any:
    one, other = (_axis(axis, m.ndim) for axis in axes)
    k = k % 4
    if one == other:
        return NotImplemented
    if k == 2:
        return np.flip(m, (one, other))
    if k == 0:
        return m
    return (
        np.swapaxes(np.flip(m, other), one, other) if k == 1 else np.flip(np.swapaxes(m, one, other), other)
    )


# --- repeating ----------------------------------------------------------------------------------------------


@_says(np.repeat)
def _repeat(emit: Emit, a: Any, repeats: Any, axis: Any = None) -> Any:
    if not _is_recorded(a) or _is_recorded(repeats) or np.size(repeats) != 1 or np.ndim(repeats) > 1:
        return NotImplemented
    if axis is None:
        a, axis = np.ravel(a), 0
    axis, times = _axis(axis, a.ndim), int(np.reshape(repeats, ()))
    if times < 0:
        return NotImplemented
    before, n, after = a.shape[:axis], a.shape[axis], a.shape[axis + 1 :]
    wide = np.broadcast_to(np.reshape(a, (*before, n, 1, *after)), (*before, n, times, *after))
    return np.reshape(wide, (*before, n * times, *after))


@_says(np.tile)
def _tile(emit: Emit, A: Any, reps: Any) -> Any:
    if not _is_recorded(A) or _is_recorded(reps):
        return NotImplemented
    reps = tuple([int(r) for r in np.ravel(reps)])
    lengths = (1,) * (len(reps) - A.ndim) + A.shape
    reps = (1,) * (len(lengths) - len(reps)) + reps
    once = tuple([part for n in lengths for part in (1, n)])
    wide = tuple([part for pair in zip(reps, lengths, strict=True) for part in pair])
    whole = tuple([r * n for r, n in zip(reps, lengths, strict=True)])
    return np.copy(np.reshape(np.broadcast_to(np.reshape(A, once), wide), whole))


# --- padding ------------------------------------------------------------------------------------------------


@_says(np.pad)
def _pad(emit: Emit, array: Any, pad_width: Any, mode: Any = "constant", **more: Any) -> Any:
    plain = _is_recorded(array) and not _is_recorded(pad_width) and not isinstance(pad_width, dict)
    if not plain or not isinstance(mode, str):
        return NotImplemented
    widths = np.broadcast_to(np.asarray(pad_width), (array.ndim, 2)).tolist()
    if mode == "constant":
        return _framed(emit, array, widths, **more)
    ends = _ENDS.get(mode)
    usual = not more or more == {"reflect_type": "even"}
    if ends is None or not usual or any(min(w) < 0 for w in widths):
        return NotImplemented
    if any(max(w) > array.shape[i] - (mode == "reflect") for i, w in enumerate(widths) if mode != "edge"):
        return NotImplemented
    if 0 in array.shape:
        return NotImplemented
    for axis, (before, after) in enumerate(widths):
        parts = [part for part in ends(array, axis, before, after) if part.shape[axis]]
        array = np.concatenate(parts, axis) if len(parts) > 1 else parts[0]
    return np.copy(array)


def _framed(emit: Emit, array: Any, widths: list[list[int]], constant_values: Any = 0) -> Any:
    """One number around an array."""
    if not isinstance(constant_values, (bool, int, float, np.generic)) or any(min(w) < 0 for w in widths):
        return NotImplemented
    shape = tuple([a + n + b for (a, b), n in zip(widths, array.shape, strict=True)])
    number = np.asarray(constant_values).astype(array.dtype).item()
    frame = emit(words.full, (shape, number, array.dtype), {})
    index = tuple([slice(a, a + n) for (a, _), n in zip(widths, array.shape, strict=True)])
    return emit(words.index_set, (frame, index, array), {})


def _edges(a: Any, axis: int, before: int, after: int) -> Iterator[Any]:
    yield np.repeat(a[_along(axis, None, 1)], before, axis)
    yield a
    yield np.repeat(a[_along(axis, -1, None)], after, axis)


def _mirrored(once: int) -> Callable[..., Iterator[Any]]:
    """What stands at the ends, backwards; the last element is not there twice with ``once`` = 1."""

    def ends(a: Any, axis: int, before: int, after: int) -> Iterator[Any]:
        n = a.shape[axis]
        yield np.flip(a[_along(axis, once, before + once)], axis)
        yield a
        yield np.flip(a[_along(axis, n - once - after, n - once)], axis)

    return ends


def _wrapped(a: Any, axis: int, before: int, after: int) -> Iterator[Any]:
    n = a.shape[axis]
    yield a[_along(axis, n - before, None)]
    yield a
    yield a[_along(axis, None, after)]


_ENDS: dict[str, Callable[..., Iterator[Any]]] = {
    "edge": _edges,
    "reflect": _mirrored(1),
    "symmetric": _mirrored(0),
    "wrap": _wrapped,
}


def _triangle(lower: bool) -> Callable[..., Any]:
    def triangle(emit: Emit, m: Any, k: int = 0) -> Any:
        if m.ndim < 2:
            return NotImplemented
        mask = np.tri(*m.shape[-2:], k=k if lower else k - 1, dtype=bool)
        kept, other = (m, m.dtype.type(0)) if lower else (m.dtype.type(0), m)
        return np.where(mask, kept, other)

    return triangle


REARRANGED |= {np.einsum: einsum, np.tril: _triangle(True), np.triu: _triangle(False)}
