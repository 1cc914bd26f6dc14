"""Pooling by native kernels: windows as tables of offsets, channels as lanes.

Arrays come as (N, C, *size) with channels last in memory, as convolutions leave them.
"""

from __future__ import annotations

import math
from functools import lru_cache
from typing import Any

import numpy as np

from ...ops.window import Window
from ..native.direct import launch
from ..native.program import address
from . import pool_text
from .library import kernel
from .tables import KINDS, offsets


@lru_cache(32)
def elements(window: Window) -> tuple[Any, Any, Any]:
    """Where the lists of the windows begin, the numbers of the elements in them, and those of their taps."""
    pixels, numbers = np.arange(math.prod(window.counts)).reshape(window.counts), []
    inside = np.arange(math.prod(window.size)).reshape(window.size)
    for index, source, target in window.shifts():
        tap = np.ravel_multi_index(index, window.kernel)
        mine = pixels[target].reshape(-1)
        numbers.append(np.stack([mine, np.full(mine.size, tap), inside[source].reshape(-1)]))
    both = np.concatenate(numbers, 1)
    both = both[:, np.lexsort((both[1], both[0]))]
    firsts = np.searchsorted(both[0], np.arange(pixels.size + 1))
    return firsts.astype(np.int64), both[2], both[1]


@lru_cache(32)
def by_window(window: Window, strides: tuple[int, ...]) -> Any:
    """Offsets of the elements of all windows in an array with these strides along its size."""
    return offsets(window.size, strides, 0)[elements(window)[1]]


@lru_cache(32)
def places(counts: tuple[int, ...], strides: tuple[int, ...]) -> Any:
    """Offsets of the windows' results in an array with these strides along its counts."""
    return offsets(counts, strides, 0)


def _near(*xs: Any) -> bool:
    """Arrays of one type that kernels take, channels side by side."""
    dtype = xs[0].dtype
    return dtype in KINDS and all(
        x.dtype == dtype and x.size and x.strides[1] == x.itemsize and x.flags.aligned for x in xs
    )


def run(name: str, said: dict[str, int], window: Window, like: Any) -> None:
    """Run a kernel over the images of ``like`` (N, C, ...); words that are not said are 0."""
    firsts = elements(window)[0]
    usual = {
        "firsts": address(firsts),
        "count": math.prod(window.counts),
        "channels": like.shape[1],
    }
    words = usual | said
    block = [words.get(word, 0) for word in pool_text.WORDS]
    launch(kernel("pool", name, KINDS[like.dtype]), block, len(like))


def _windows(name: str, x: Any, y: Any, window: Window) -> dict[str, int]:
    """The words of an array of windows: of y or g."""
    table = {"y": "places", "g": "g_places"}[name]
    return {
        name: address(y),
        f"{name}_apart": y.strides[0],
        table: address(places(window.counts, y.strides[2:])),
    }


def _joined(name: str, y: Any, x: Any, window: Window) -> bool | None:
    if not _near(x, y) or not np.all(np.diff(elements(window)[0])):
        return None
    said = _windows("y", x, y, window) | {
        "x": address(x),
        "x_apart": x.strides[0],
        "sources": address(by_window(window, x.strides[2:])),
    }
    run(name, said, window, x)
    return True


def max_into(y: Any, x: Any, window: Window) -> bool | None:
    """The largest of each window of x (N, C, *size) into y (N, C, *counts); None if it is not done."""
    return _joined("max", y, x, window)


def sum_into(y: Any, x: Any, window: Window) -> bool | None:
    """The sums of the windows."""
    return _joined("sum", y, x, window)


def _whole(out: Any) -> bool:
    """Is an image of out (N, C, *size), channels last, in one piece?"""
    return bool(np.moveaxis(out[0], 0, -1).flags.c_contiguous)


def _back(name: str, out: Any, g: Any, window: Window) -> dict[str, int]:
    return _windows("g", out, g, window) | {
        "g_step": g.strides[1],
        "out": address(out),
        "out_apart": out.strides[0],
        "targets": address(by_window(window, out.strides[2:])),
        "cleared": 0 if name == "unmax_tiles" else out[0].nbytes,
    }


def unmax_into(out: Any, g: Any, x: Any, y: Any, window: Window) -> bool | None:
    """Each g (N, C, *counts) to where in x the maximum y of its window is; None if it is not done."""
    if not _near(x, y, out) or g.dtype != x.dtype or not g.flags.aligned or not _whole(out):
        return None
    if not np.all(np.diff(elements(window)[0])):
        return None
    name = "unmax_tiles" if window.tiles else "unmax"
    said = (
        _back(name, out, g, window)
        | _windows("y", x, y, window)
        | {
            "x": address(x),
            "x_apart": x.strides[0],
            "sources": address(by_window(window, x.strides[2:])),
        }
    )
    run(name if g.strides[1] == g.itemsize else f"{name}_far", said, window, x)
    return True


def spread_into(out: Any, g: Any, window: Window) -> bool | None:
    """Each g (N, C, *counts) added to all elements of its window; None if it is not done."""
    if not _near(out) or g.dtype != out.dtype or not g.flags.aligned or not _whole(out):
        return None
    said = _back("spread", out, g, window)
    run("spread" if g.strides[1] == g.itemsize else "spread_far", said, window, out)
    return True
