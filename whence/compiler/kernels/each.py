"""Convolutions of each channel by a kernel of its own (depthwise), with channels as lanes."""

from __future__ import annotations

from functools import lru_cache
from typing import Any

import numpy as np

from ...ops.window import Window
from ..native.program import address
from .pool import by_window, elements, places, run
from .tables import KINDS, offsets


def _ready(*xs: Any) -> bool:
    """Arrays of one type that kernels take, the last axis side by side."""
    dtype = xs[0].dtype
    return dtype in KINDS and all(
        x.dtype == dtype and x.size and x.strides[-1] == x.itemsize and x.flags.aligned for x in xs
    )


@lru_cache(32)
def _taps(window: Window, step: int) -> Any:
    """Offsets of the weights of the elements of all windows."""
    return elements(window)[2] * step


def convolve_into(y: Any, x: Any, w: Any, b: Any, window: Window) -> bool | None:
    """Convolve x (N, *size, C) with w (C, 1, *kernel) into y (N, *counts, C); None if it is not done.

    Where a weight is not finite it is not: it would have to meet the zeros of the border.
    """
    if len(w) != x.shape[-1] or not _ready(y, x) or w.dtype != x.dtype or not np.all(np.isfinite(w)):
        return None
    weights = np.ascontiguousarray(w.reshape(len(w), -1).T)
    start = np.zeros(len(w), y.dtype)
    if b is not None:
        start[...] = b
    said = {
        "x": address(x),
        "x_apart": x.strides[0],
        "y": address(y),
        "y_apart": y.strides[0],
        "sources": address(by_window(window, x.strides[1:-1])),
        "places": address(places(window.counts, y.strides[1:-1])),
        "start": address(start),
        "weights": address(weights),
        "taps": address(_taps(window, weights.strides[0])),
    }
    run("each", said, window, np.moveaxis(x, -1, 1))
    return True


@lru_cache(32)
def _by_tap(window: Window, x_strides: tuple[int, ...], g_strides: tuple[int, ...]) -> tuple[Any, Any, Any]:
    """Where the lists of the taps begin, and in them, the offsets in x and g of all windows."""
    inside, pixels = offsets(window.size, x_strides, 0), offsets(window.counts, g_strides, 0)
    inside, pixels = inside.reshape(window.size), pixels.reshape(window.counts)
    found = {
        index: (inside[source].reshape(-1), pixels[target].reshape(-1))
        for index, source, target in window.shifts()
    }
    none = np.zeros(0, np.int64)
    lists = [found.get(index, (none, none)) for index in np.ndindex(window.kernel)]
    firsts = np.cumsum([0, *[len(one) for one, _ in lists]], dtype=np.int64)
    sources, targets = (np.concatenate(side) for side in zip(*lists, strict=True))
    return firsts, sources, targets


def kernel_gradient(x: Any, g: Any, window: Window) -> Any:
    """The gradient of the kernels, (C, 1, *kernel), of x (N, *size, C) and g (N, *counts, C).

    None if it is not done: for other types, and where g is not finite and would meet a border's zeros.
    """
    bordered = any(pair != (0, 0) for pair in window.padding)
    if g.shape[-1] != x.shape[-1] or not _ready(x, g) or (bordered and not np.all(np.isfinite(g))):
        return None
    parts = np.empty((len(x), window.taps, x.shape[-1]), x.dtype)
    firsts, sources, targets = _by_tap(window, x.strides[1:-1], g.strides[1:-1])
    said = {
        "x": address(x),
        "x_apart": x.strides[0],
        "g": address(g),
        "g_apart": g.strides[0],
        "y": address(parts),
        "y_apart": parts.strides[0],
        "firsts": address(firsts),
        "count": window.taps,
        "sources": address(sources),
        "targets": address(targets),
        "places": address(places((window.taps,), parts.strides[1:2])),
    }
    run("dot", said, window, np.moveaxis(x, -1, 1))
    return np.ascontiguousarray(parts.sum(0).T).reshape(x.shape[-1], 1, *window.kernel)
