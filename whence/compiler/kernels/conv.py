"""Convolutions by native kernels: what NumPy's arrays become as tables and argument blocks.

Channels lie last in memory (as :mod:`whence.ops.conv` keeps them): those of the result are the lanes.
"""

from __future__ import annotations

import math
from functools import cache, lru_cache
from typing import Any, NamedTuple

import numpy as np

from ...ops.window import Window
from .. import llvm
from ..native.direct import launch
from ..native.program import address
from ..vector.values import SIZES
from . import conv_text
from .library import kernel
from .tables import KINDS, offsets

#: Pixels of a block of small images: enough for the weights to be read seldom.
PIXELS = 512

#: Steps of a tile at a time: their weights (384 × 64 elements, 98 KB) stay in the second cache.
DEPTH = 384

#: Blocks that the gradient of a kernel is summed up in, and then over, at least.
BLOCKS = 16

#: Items of a launch, where there is enough to do: what 16 threads are busy with.
ITEMS = 16

#: Products that are worth an item: 50 µs.
WORK = 1 << 21

#: Rows of an item are a multiple of this, which all tiles' heights divide: no item touches another's rows.
HEIGHT = 72

#: Vectors of weights that are worth a thread to bring into order: 20 µs.
PACKED = 4096

#: Elements of a matrix below which NumPy transposes it in less time than a launch takes.
SMALL = 4096

#: Entries behind the end of a table: tiles may have so many rows.
SPARE = 16


class Plan(NamedTuple):
    """Tables of a geometry; offsets in bytes."""

    images: int  # in a block
    pixels: Any  # of x or its bordered copy, by window
    taps: Any  # of x, by (channel, tap)
    plane: int  # bytes of a bordered copy of a block, 0 for none
    runs: Any  # (from, to) of each run of that copy
    run_bytes: int


@lru_cache(256)
def _plan(
    count: int, most: int, window: Window, channels: int, strides: tuple[int, ...], size: int
) -> Plan | None:
    """The plan for x (N, *size, C) with these strides; None if a border has to be cut off.

    A block is as many images as divide ``count`` and are at most ``most``, or ``PIXELS`` pixels.
    """
    most = max(1, most, PIXELS // math.prod(window.counts))
    images = next(n for n in range(min(most, count), 0, -1) if count % n == 0)
    bordered = any(pair != (0, 0) for pair in window.padding)
    if not bordered:
        return Plan(images, *_tables(images, window, channels, strides), 0, _none(), 0)
    sizes = [n + low + high for n, (low, high) in zip(window.size, window.padding, strict=True)]
    if min(min(pair) for pair in window.padding) < 0 or strides[-1] != size:
        return None
    run = 1 if strides[-2] == channels * size else 0  # axes of a run of neighbours: a line, or a pixel
    outside = len(sizes) - run
    inner = [size * channels * math.prod(sizes[axis + 1 :]) for axis in range(len(sizes))]
    apart = size * channels * math.prod(sizes)
    outer = np.indices((images, *window.size[:outside])).reshape(1 + outside, -1)
    source = np.array(strides[: 1 + outside]) @ outer
    first = sum(low * step for (low, _), step in zip(window.padding, inner, strict=True))
    target = np.array([apart, *inner[:outside]]) @ outer + first
    runs = np.stack([source, target], 1)
    pixels, taps = _tables(images, window, channels, (apart, *inner, size))
    length = math.prod(window.size[outside:]) * channels * size
    return Plan(images, pixels, taps, apart * images, runs, length)


def _tables(images: int, window: Window, channels: int, strides: tuple[int, ...]) -> tuple[Any, Any]:
    """Offsets by pixel and by (channel, tap)."""
    steps = [stride * step for stride, step in zip(strides[1:-1], window.stride, strict=True)]
    gaps = [stride * apart for stride, apart in zip(strides[1:-1], window.dilation, strict=True)]
    pixels = offsets((images, *window.counts), (strides[0], *steps), SPARE)
    return pixels, offsets((channels, *window.kernel), (strides[-1], *gaps), SPARE)


@lru_cache(256)
def _places(shape: tuple[int, ...], strides: tuple[int, ...]) -> Any:
    return offsets(shape, strides, SPARE)


@cache
def _none() -> Any:
    return np.zeros(64, np.int64)


def convolve_into(y: Any, x: Any, w: Any, b: Any, window: Window) -> bool | None:
    """Convolve x (N, *size, C) with w (O, C, *kernel) into y (N, *counts, O), b (O,) added.

    Returns:
        True where it was done; None for types and layouts that the kernels do not take.
    """
    kind, plan = _start(y, x, w, window, 1)
    if kind is None or plan is None or y.strides[-1] != y.itemsize:
        return None
    outputs = y.shape[-1]
    flat, step = _packed(w, kind)
    start = np.zeros(outputs, y.dtype)
    if b is not None:
        start[:outputs] = b
    places = _places((plan.images, *y.shape[1:-1]), y.strides[:-1])
    said = _said(plan, x, window) | {
        "y": address(y),
        "y_apart": y.strides[0] * plan.images,
        "b": address(flat),
        "b_step": step,
        "b_panel": step * (len(plan.taps) - SPARE),
        "rows": address(plan.pixels),
        "places": address(places),
        "steps": address(plan.taps),
        "count": len(plan.pixels) - SPARE,
        "inner": len(plan.taps) - SPARE,
        "columns": outputs,
        "start": address(start),
    }
    _multiply(kind, said, len(x) // plan.images)
    return True


def kernel_gradient(x: Any, g: Any, window: Window) -> Any:
    """The gradient of a kernel, (O, C, *kernel), of x (N, *size, C) and g (N, *counts, O).

    Each block of images has a sum of its own; they are added up in their order. None for what the kernels do
    not take.
    """
    kind, plan = _start(g, x, g, window, len(x) // BLOCKS)
    if kind is None or plan is None or not _even(g):
        return None
    inner, outputs = len(plan.taps) - SPARE, g.shape[-1]
    if not conv_text.masks(llvm.host()):
        g = _whole(g)
    blocks = len(x) // plan.images
    parts = np.empty((blocks, inner, outputs), g.dtype)
    start = np.zeros(outputs, g.dtype)
    places = _places((inner,), (parts.strides[1],))
    said = _said(plan, x, window) | {
        "y": address(parts),
        "y_apart": parts.strides[0],
        "b": address(g),
        "b_apart": g.strides[0] * plan.images,
        "b_step": g.strides[-2],
        "b_panel": _width(g.itemsize) * g.itemsize,
        "rows": address(plan.taps),
        "places": address(places),
        "steps": address(plan.pixels),
        "count": inner,
        "inner": len(plan.pixels) - SPARE,
        "columns": outputs,
        "start": address(start),
    }
    _multiply(kind, said, blocks)
    total = parts[0] if blocks == 1 else parts.sum(0)
    return _turned(total, kind).reshape(outputs, x.shape[-1], *window.kernel)


def _even(g: Any) -> bool:
    """Do the pixels of g (N, *counts, O) follow each other at one distance, elements side by side?"""
    apart = zip(g.shape[1:-1], g.strides[1:-1], g.strides[:-2], strict=True)
    return g.strides[-1] == g.itemsize and all(n * step == more for n, step, more in apart)


def _start(y: Any, x: Any, w: Any, window: Window, most: int) -> tuple[str | None, Plan | None]:
    kind = KINDS.get(y.dtype)
    if not (x.flags.aligned and y.flags.aligned and w.flags.aligned):
        return None, None
    if kind is None or x.dtype != y.dtype or w.dtype != y.dtype or 0 in (*y.shape, *x.shape, *w.shape):
        return None, None
    return kind, _plan(len(x), most, window, x.shape[-1], x.strides, x.itemsize)


def _said(plan: Plan, x: Any, window: Window) -> dict[str, int]:
    """The words that both launches share."""
    return {
        "x": address(x),
        "x_apart": x.strides[0] * plan.images,
        "b_apart": 0,
        "depth": DEPTH,
        "none": address(_none()),
        "plane": plan.plane,
        "runs": address(plan.runs),
        "run_count": len(plan.runs),
        "run_bytes": plan.run_bytes,
    }


def _multiply(kind: str, said: dict[str, int], blocks: int) -> None:
    """Run over blocks; few ones are divided into panels and rows, for what is worth ``WORK`` products."""
    count, columns = said["count"], said["columns"]
    products = count * columns * said["inner"] * blocks
    wanted = min(ITEMS, products // WORK)
    width = _width(SIZES[kind])
    across = -(-columns // width) if blocks < wanted else 1
    lines = -(-count // HEIGHT)
    high = HEIGHT * -(-lines // min(lines, max(1, wanted // (blocks * across))))
    down = -(-count // high)
    parts = {
        "wide": width if across > 1 else columns,
        "high": high,
        "across": across,
        "down": down,
    }
    _run("tiles", kind, said | parts, blocks * across * down)


def _run(name: str, kind: str, said: dict[str, int], items: int, grain: int = 1) -> None:
    words = [said.get(word, 0) for word in conv_text.WORDS]
    launch(kernel("conv", name, kind), words, items, grain)


def _width(size: int) -> int:
    """Elements of a full panel."""
    made_for = llvm.host()
    return len(conv_text.rows_of(made_for)) * made_for.lanes(size)


def _packed(w: Any, kind: str) -> tuple[Any, int]:
    """Weights (O, C, *kernel) as panels (steps, width) behind each other, and the bytes of a step."""
    outputs, inner = len(w), w[0].size
    lanes = llvm.host().lanes(w.itemsize)
    vectors = -(-outputs // lanes)
    row = min(_width(w.itemsize), vectors * lanes)
    flat = np.empty(-(-vectors * lanes // row) * inner * row, w.dtype)
    said = {
        "x": address(w),
        "x_apart": w.strides[0],
        "y": address(flat),
        "b_step": row * w.itemsize,
        "rows": address(_places(w.shape[1:], w.strides[1:])),
        "inner": inner,
        "columns": outputs,
    }
    _run("pack", kind, said, vectors, 1 + PACKED // inner)
    return flat, row * w.itemsize


def _turned(x: Any, kind: str) -> Any:
    """A matrix transposed, in C order; large ones whose rows become whole vectors by the packer."""
    rows, columns = x.shape
    vectors = rows // llvm.host().lanes(x.itemsize)
    if x.size < SMALL or rows % llvm.host().lanes(x.itemsize):
        return np.ascontiguousarray(x.T)
    y = np.empty((columns, rows), x.dtype)
    said = {
        "x": address(x),
        "x_apart": x.strides[0],
        "y": address(y),
        "b_step": y.strides[0],
        "rows": address(_places((columns,), (x.itemsize,))),
        "inner": columns,
        "columns": rows,
    }
    _run("pack", kind, said, vectors, 1 + PACKED // columns)
    return y


def _whole(x: Any) -> Any:
    """The array with zeros behind its last axis, up to whole vectors."""
    lacking = -x.shape[-1] % llvm.host().lanes(x.itemsize)
    return np.pad(x, [(0, 0)] * (x.ndim - 1) + [(0, lacking)]) if lacking else x
