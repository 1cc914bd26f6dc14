"""Windows that slide over the last axes of an array: what convolution and pooling share."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import product
from typing import Any, NamedTuple

import numpy as np
from numpy.lib.stride_tricks import as_strided

BLOCK = 3 << 19  # bytes of copied windows at a time: what a core keeps in its cache beside the rest
SHORT = 32  # bytes of channels below which runs along the last axis of the windows are longer


class Window(NamedTuple):
    """How windows lie on an array of ``size``.

    Element ``k`` of window ``p`` is the array's ``p·stride + k·dilation - low``;
    ``padding`` holds ``(low, high)`` for each axis: how many elements are imagined before and after the array
    (negative: left out of it).

    >>> window = Window((5,), (3,), (2,), ((1, 1),), (1,))
    >>> window.counts
    (3,)
    """

    size: tuple[int, ...]
    kernel: tuple[int, ...]
    stride: tuple[int, ...]
    padding: tuple[tuple[int, int], ...]
    dilation: tuple[int, ...]

    @property
    def counts(self) -> tuple[int, ...]:
        """How many windows there are along each axis."""
        return tuple(
            [
                (n + low + high - d * (k - 1) - 1) // s + 1
                for n, k, s, (low, high), d in zip(*self, strict=True)
            ]
        )

    @property
    def taps(self) -> int:
        """How many elements a window has."""
        return math.prod(self.kernel)

    @property
    def dense(self) -> bool:
        """Does a window begin at every element, without padding, and has it no gaps?"""
        return set(self.stride) == set(self.dilation) == {1} and set(self.padding) == {(0, 0)}

    @property
    def tiles(self) -> bool:
        """Is each element of the array in exactly one window?"""
        plain = self.kernel == self.stride and set(self.dilation) == {1} and set(self.padding) == {(0, 0)}
        return plain and all(n % k == 0 for n, k in zip(self.size, self.kernel, strict=True))

    @property
    def meets(self) -> bool:
        """Does every window hold an element of the array?"""
        for n, k, s, (low, _), d, count in zip(*self, self.counts, strict=True):
            places = np.add.outer(np.arange(count) * s - low, np.arange(k) * d)
            if not np.all(np.any((places >= 0) & (places < n), axis=1)):
                return False
        return True

    def shifts(self) -> Iterator[tuple[tuple[int, ...], tuple[slice, ...], tuple[slice, ...]]]:
        """For each element of the window: its index, where it lies in the array, and in which windows.

        Windows whose element lies in the padding are left out, so that nothing has to be padded.
        """
        axes = []
        for n, k, s, (low, _), d, count in zip(*self, self.counts, strict=True):
            axis = []
            for tap in range(k):
                offset = tap * d - low
                first = max(0, -(offset // s))
                last = min(count, (n - 1 - offset) // s + 1)
                if last <= first:
                    continue
                start = first * s + offset
                axis.append((tap, slice(start, start + (last - first - 1) * s + 1, s), slice(first, last)))
            axes.append(axis)
        for choice in product(*axes):
            index, source, target = zip(*choice, strict=True)
            yield index, source, target

    def padded(self, x: Any, few: bool) -> Any:
        """``x`` (N, *size, C) with the padding around it; with ``few`` channels they lie outside."""
        if all(pair == (0, 0) for pair in self.padding):
            return x
        n, c = x.shape[0], x.shape[-1]
        sizes = [m + low + high for m, (low, high) in zip(self.size, self.padding, strict=True)]
        if few:
            y = np.moveaxis(np.zeros((n, c, *sizes), x.dtype), 1, -1)
        else:
            y = np.zeros((n, *sizes, c), x.dtype)
        inner, outer = [slice(None)], [slice(None)]
        for m, (low, high) in zip(self.size, self.padding, strict=True):
            inner.append(slice(max(0, -low), m - max(0, -high)))
            outer.append(slice(max(0, low), max(0, low) + m - max(0, -low) - max(0, -high)))
        y[tuple(outer)] = x[tuple(inner)]
        return y

    def view(self, x: Any) -> Any:
        """All windows of a padded x (N, *sizes, C): (N, *counts, *kernel, C), without copying."""
        inner = x.strides[1:-1]
        steps = [a * s for a, s in zip(inner, self.stride, strict=True)]
        gaps = [a * d for a, d in zip(inner, self.dilation, strict=True)]
        shape = (x.shape[0], *self.counts, *self.kernel, x.shape[-1])
        return as_strided(x, shape, (x.strides[0], *steps, *gaps, x.strides[-1]), writeable=False)


def patches(x: Any, window: Window, size: int = 0) -> Iterator[tuple[slice, slice, Any]]:
    """The windows of x (N, *size, C) as rows of matrices (P, taps × C), a block of them at a time.

    A block is some images, or some rows of windows of one image: the slices say which. The memory of a
    matrix is used again for the next. What it is multiplied by, of ``size`` bytes, is read once for each
    block: where it is large, blocks are too.
    """
    counts, taps, c = window.counts, window.taps, x.shape[-1]
    if 0 in (x.shape[0], *counts):
        return
    each = math.prod(counts) * taps * c * x.itemsize
    block = max(BLOCK, min(size, 16 * BLOCK))
    images = min(max(1, block // max(1, each)), x.shape[0])
    rows = counts[0] if each <= block else max(1, block * counts[0] // each)
    few = c * x.itemsize < SHORT
    memory = np.empty(images * rows * math.prod(counts[1:]) * taps * c, x.dtype)
    for start in range(0, x.shape[0], images):
        some = slice(start, min(start + images, x.shape[0]))
        windows = window.view(window.padded(x[some], few))
        for row in range(0, counts[0], rows):
            part = windows[:, row : row + rows]
            columns = part.reshape(-1, c) if taps == 1 else _matrix(part, few, memory, taps * c)
            yield some, slice(row, row + rows), columns


def _matrix(part: Any, few: bool, memory: Any, width: int) -> Any:
    """A copy of windows (N, *counts, *kernel, C) as a matrix with a row for each."""
    memory = memory[: part.size]
    if not few:
        np.copyto(memory.reshape(part.shape), part)
        return memory.reshape(-1, width)
    axes = (part.ndim - 2) // 2
    order = (*range(1 + axes, part.ndim), *range(1 + axes))  # runs along a row of the image
    windows = part.transpose(order)
    np.copyto(memory.reshape(windows.shape), windows)
    return memory.reshape(width, -1).T
