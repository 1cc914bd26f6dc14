"""Pooling: the largest element of each window, or the sum, and what undoes them.

The windows' elements are visited one place in the window at a time, as strided views of the whole array;
nothing is padded or copied. Of elements that tie, the first in the window has the gradient, as in PyTorch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ..core.primitive import Primitive
from ..core.sweep import wary
from .batching import examples, repeated
from .served import served
from .window import BLOCK, Window

SMALL = 1 << 14  # elements below which NumPy is as fast as a native kernel is called

# --- arrays --------------------------------------------------------------------------------------------


def _images(x: Any) -> Iterator[slice]:
    """Some of the images at a time, as many as the cache holds."""
    step = max(1, BLOCK * len(x) // max(1, x.nbytes)) if len(x) else 1
    return (slice(start, start + step) for start in range(0, len(x), step))


def _empty(x: Any, sizes: tuple[int, ...], dtype: Any = None) -> Any:
    """Memory for a result, its axes in the order of x's."""
    channels_last = x.strides[1] <= min(x.strides[2:], default=0)
    dtype = x.dtype if dtype is None else dtype
    if channels_last:
        return np.moveaxis(np.empty((x.shape[0], *sizes, x.shape[1]), dtype), -1, 1)
    return np.empty((*x.shape[:2], *sizes), dtype)


def _max(x: Any, *, window: Window) -> Any:
    y = _empty(x, window.counts)
    if x.size >= SMALL and served("max pooling", y, x, window):
        return y
    covered = all(low <= 0 and high <= 0 for low, high in window.padding)
    for some in _images(x):
        part, first = y[some], covered
        if not covered:
            part[...] = -np.inf
        for _, source, target in window.shifts():
            tap = x[(some, slice(None), *source)]
            if first:
                part[...] = tap
                first = False
            else:
                place = part[(..., *target)]
                np.maximum(place, tap, out=place)
    return y


def _unmax(g: Any, x: Any, y: Any, *, window: Window) -> Any:
    """Each g (N, C, *counts) to where in x the maximum y of its window is.

    What is not yet placed is handed on from one place in the window to the next. It is kept and cut off by
    its bits, so that an infinite gradient makes no others NaN.
    """
    out = _empty(x, window.size)
    if x.size >= SMALL and served("the gradient of max pooling", out, g, x, y, window):
        return out
    bits = np.dtype(f"i{g.dtype.itemsize}")
    if window.tiles:
        _unmax_tiles(out.view(bits), g.view(bits), x, y, window)
        return out
    for some in _images(x):
        out[some] = 0
        left = np.array(g[some]).view(bits)
        mine = np.empty_like(left)
        for _, source, target in window.shifts():
            at, place = (some, slice(None), *source), (..., *target)
            found, rest = mine[place], left[place]
            _take_found(found, rest, x[at], y[some][place])
            out[at] += found.view(g.dtype)
    return out


def _unmax_tiles(out: Any, g: Any, x: Any, y: Any, window: Window) -> None:
    """The same, of bits, where each element of x is in one window: what is left at the end is the last's."""
    for some in _images(x):
        left = np.array(g[some])
        for index, source, _ in window.shifts():
            at = (some, slice(None), *source)
            if index == tuple([k - 1 for k in window.kernel]):
                out[at] = left
            else:
                _take_found(out[at], left, x[at], y[some])


def _take_found(found: Any, left: Any, x: Any, y: Any) -> None:
    """Move the bits from ``left`` to ``found`` where x is the maximum y."""
    np.equal(x, y, out=found, casting="unsafe")
    np.multiply(found, left, out=found)  # integers: by 1 or 0
    np.bitwise_xor(left, found, out=left)


def _pick(h: Any, x: Any, y: Any, *, window: Window) -> Any:
    """The element of h (N, C, *size) at the place of the maximum in each window: the transpose."""
    out = _empty(x, window.counts, h.dtype)
    out[...] = 0
    for some in _images(x):
        free = np.ones(y[some].shape, bool)
        for _, source, target in window.shifts():
            at, place = (some, slice(None), *source), (..., *target)
            mine = np.equal(x[at], y[some][place]) & free[place]
            np.copyto(out[some][place], h[at], where=mine)
            free[place] &= ~mine
    return out


def _sum(x: Any, *, window: Window) -> Any:
    y = _empty(x, window.counts)
    if x.size >= SMALL and served("sum pooling", y, x, window):
        return y
    for some in _images(x):
        y[some] = 0
        for _, source, target in window.shifts():
            place = y[some][(..., *target)]
            np.add(place, x[(some, slice(None), *source)], out=place)
    return y


def _spread(g: Any, *, window: Window) -> Any:
    x = _empty(g, window.size)
    if x.size >= SMALL and served("the gradient of sum pooling", x, g, window):
        return x
    for some in _images(g):
        x[some] = 0
        for _, source, target in window.shifts():
            place = x[(some, slice(None), *source)]
            np.add(place, g[some][(..., *target)], out=place)
    return x


def _unfold(x: Any, *, window: Window) -> Any:
    """(N, C, *size) to (N, C, *kernel, *counts)."""
    y = np.zeros((*x.shape[:2], *window.kernel, *window.counts), x.dtype)
    for tap, source, target in window.shifts():
        y[(slice(None), slice(None), *tap, *target)] = x[(..., *source)]
    return y


def _fold(y: Any, *, window: Window) -> Any:
    x = np.zeros((*y.shape[:2], *window.size), y.dtype)
    for tap, source, target in window.shifts():
        x[(..., *source)] += y[(slice(None), slice(None), *tap, *target)]
    return x


# --- many examples at once -------------------------------------------------------------------------------


def _in_a_row(op: Any, batched: Any, *xs: Any, window: Window) -> Any:
    """Examples (B, N, ...) as images, (B × N, ...)."""
    size = examples(batched, xs)
    xs = tuple(repeated(x, mine, size) for x, mine in zip(xs, batched, strict=True))
    y = op(*[np.reshape(x, (size * x.shape[1], *x.shape[2:])) for x in xs], window=window)
    return np.reshape(y, (size, y.shape[0] // size, *y.shape[1:]))


# --- declarations ----------------------------------------------------------------------------------------


def _no_slope(i: int) -> Any:
    """Where the maxima are does not change with x: no gradient passes to ``xs[i]``."""
    return lambda h, out, *xs, window: np.zeros_like(xs[i])


maximum = Primitive(
    "max pooling",
    _max,
    vjp=[lambda g, y, x, window: unmax(wary(g), x, y, window=window)],
    reads=["0y"],
    batch=_in_a_row,
    chooses=True,
)
unmax = Primitive(
    "the gradient of max pooling",
    _unmax,
    vjp=[lambda h, out, g, x, y, window: pick(wary(h), x, y, window=window), _no_slope(1), _no_slope(2)],
    reads=["12", "1", "2"],
    batch=_in_a_row,
)
pick = Primitive(
    "picking where max pooling does",
    _pick,
    vjp=[lambda g, out, h, x, y, window: unmax(wary(g), x, y, window=window), _no_slope(1), _no_slope(2)],
    reads=["12", "1", "2"],
    batch=_in_a_row,
)


def _linear_pair(names: tuple[str, str], forward: Any, back: Any) -> tuple[Primitive, Primitive]:
    """A linear map and its transpose, each the other's gradient."""
    there = Primitive(
        names[0],
        forward,
        vjp=[lambda g, y, x, window: again(g, window=window)],
        reads=[""],
        kind="linear",
        batch=_in_a_row,
    )
    again = Primitive(
        names[1],
        back,
        vjp=[lambda g, y, x, window: there(g, window=window)],
        reads=[""],
        kind="linear",
        batch=_in_a_row,
    )
    return there, again


window_sum, spread = _linear_pair(("sum pooling", "the gradient of sum pooling"), _sum, _spread)
unfold, fold = _linear_pair(("unfold", "fold"), _unfold, _fold)
