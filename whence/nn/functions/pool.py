"""Pooling, unfolding and folding, with PyTorch's arguments."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.origin import called_at
from ...errors import ShapeError
from ...ops import pool
from ...ops.declare import anywhere, arrayed, frozen
from ...ops.window import Window
from .windows import Size, images, paddings, real_images, sizes, window_over


def max_pool1d(
    x: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """:func:`max_pool2d` of sequences (N, C, L).

    >>> import numpy as np
    >>> print(max_pool1d(np.array([[[1.0, 3.0, 2.0, 0.0]]]), 2))
    [[[3. 2.]]]
    """
    how = (kernel_size, stride, padding, dilation, ceil_mode)
    return _largest("max_pool1d", 1, x, *how, return_indices)


def max_pool2d(
    x: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """The largest element of each window; of equal ones, the first has the gradient.

    Args:
        x: (N, C, H, W), or (C, H, W) for one image.
        kernel_size: of the window; one number, or one for each axis, like the following.
        stride: from one window to the next; None for the window's size.
        padding: how far windows reach beyond the border, at most half their size; the elements there are not
            looked at.
        dilation: from one element of a window to the next.
        ceil_mode: may the last window reach beyond the end?
        return_indices: give where the elements are, too, for :func:`max_unpool2d`?

    Returns:
        (N, C, ⌊(H + 2·padding - dilation·(K - 1) - 1) / stride⌋ + 1, ...); with ``return_indices`` a pair of
        it and places, each counted through the (H, W) of its channel: the first of several that are the
        largest, and the first NaN where there is one.

    Raises:
        ShapeError: sizes that do not fit. DtypeError: complex x.

    Example:
        >>> import numpy as np
        >>> print(max_pool2d(np.arange(16.0).reshape(1, 4, 4), 2))
        [[[ 5.  7.]
          [13. 15.]]]
    """
    how = (kernel_size, stride, padding, dilation, ceil_mode)
    return _largest("max_pool2d", 2, x, *how, return_indices)


def max_pool3d(
    x: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    dilation: Size = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> Any:
    """:func:`max_pool2d` of volumes (N, C, D, H, W).

    >>> import numpy as np
    >>> max_pool3d(np.ones((2, 3, 4, 4, 4)), 2).shape
    (2, 3, 2, 2, 2)
    """
    how = (kernel_size, stride, padding, dilation, ceil_mode)
    return _largest("max_pool3d", 3, x, *how, return_indices)


def avg_pool1d(
    x: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
) -> Any:
    """:func:`avg_pool2d` of sequences (N, C, L).

    >>> import numpy as np
    >>> print(avg_pool1d(np.array([[[1.0, 3.0, 2.0, 0.0]]]), 2))
    [[[2. 1.]]]
    """
    return _average("avg_pool1d", 1, x, kernel_size, stride, padding, ceil_mode, count_include_pad, None)


def avg_pool2d(
    x: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """The mean of each window.

    Args:
        x: (N, C, H, W), or (C, H, W) for one image.
        kernel_size: of the window; one number, or one for each axis, like the following.
        stride: from one window to the next; None for the window's size.
        padding: zeros around x, at most half of the window.
        ceil_mode: may the last window reach beyond the end?
        count_include_pad: are the zeros of the padding counted? What lies beyond them never is.
        divisor_override: a number to divide all sums by instead.

    Returns:
        (N, C, ⌊(H + 2·padding - K) / stride⌋ + 1, ...).

    Raises:
        ShapeError: sizes that do not fit.

    Example:
        >>> import numpy as np
        >>> print(avg_pool2d(np.arange(16.0).reshape(1, 4, 4), 2))
        [[[ 2.5  4.5]
          [10.5 12.5]]]
    """
    return _average(
        "avg_pool2d", 2, x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def avg_pool3d(
    x: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    ceil_mode: bool = False,
    count_include_pad: bool = True,
    divisor_override: int | None = None,
) -> Any:
    """:func:`avg_pool2d` of volumes (N, C, D, H, W).

    >>> import numpy as np
    >>> avg_pool3d(np.ones((2, 3, 4, 4, 4)), 2).shape
    (2, 3, 2, 2, 2)
    """
    return _average(
        "avg_pool3d", 3, x, kernel_size, stride, padding, ceil_mode, count_include_pad, divisor_override
    )


def unfold(x: Any, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1) -> Any:
    """The windows of images as columns: (N, C, H, W) to (N, C·KH·KW, number of windows).

    Raises:
        ShapeError: sizes that do not fit.

    >>> import numpy as np
    >>> print(unfold(np.arange(9.0).reshape(1, 3, 3), 2))
    [[0. 1. 3. 4.]
     [1. 2. 4. 5.]
     [3. 4. 6. 7.]
     [4. 5. 7. 8.]]
    """
    x, single = images("unfold", x, 2)
    window = window_over("unfold", x.shape, _window(x.shape, kernel_size, stride, padding, dilation))
    y = np.reshape(
        pool.unfold(x, window=window), (x.shape[0], x.shape[1] * window.taps, math.prod(window.counts))
    )
    return y[0] if single else y


def fold(
    x: Any, output_size: Size, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
) -> Any:
    """The transpose of :func:`unfold`: columns added up to images of ``output_size``.

    Raises:
        ShapeError: x has not the shape that ``unfold`` would make.

    >>> import numpy as np
    >>> print(fold(np.ones((4, 4)), 3, 2)[0])
    [[1. 2. 1.]
     [2. 4. 2.]
     [1. 2. 1.]]
    """
    x = arrayed(x)
    size = sizes(output_size, 2, "output_size")
    single = x.ndim == 2
    x = x[None] if single else x
    shape = (1, 1, *size)
    window = window_over("fold", shape, _window(shape, kernel_size, stride, padding, dilation))
    if x.ndim != 3 or x.shape[1] % window.taps or x.shape[2] != math.prod(window.counts):
        raise ShapeError(
            f"fold got x of shape {x.shape}{called_at()}\n"
            f"  → (N, a multiple of {window.taps}, {math.prod(window.counts)}) "
            f"for output_size={size} and kernel_size={window.kernel}"
        )
    x = np.reshape(x, (x.shape[0], x.shape[1] // window.taps, *window.kernel, *window.counts))
    y = pool.fold(x, window=window)
    return y[0] if single else y


# --- one text for all of them ----------------------------------------------------------------------------


def _window(shape: tuple[int, ...], kernel_size: Any, stride: Any, padding: Any, dilation: Any) -> Window:
    ndim = len(shape) - 2
    kernel = sizes(kernel_size, ndim, "kernel_size")
    step = kernel if stride is None else sizes(stride, ndim, "stride")
    apart = sizes(dilation, ndim, "dilation")
    border = paddings(sizes(padding, ndim, "padding", 0), kernel, step, apart)
    return Window(shape[2:], kernel, step, border, apart)


def _pool_window(
    name: str,
    shape: tuple[int, ...],
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
) -> Window:
    """The window of a pooling; with ceil_mode its padding at the end is what the last window needs."""
    window = _window(shape, kernel_size, stride, padding, dilation)
    if any(2 * low > k for (low, _), k in zip(window.padding, window.kernel, strict=True)):
        raise ShapeError(
            f"{name} got padding={padding} with kernel_size={kernel_size}{called_at()}\n"
            "  → at most half of the window, or some windows would be empty"
        )
    if not ceil_mode:
        return window_over(name, shape, window)
    borders = []
    for n, k, s, (low, high), d in zip(*window, strict=True):
        count = -(-(n + low + high - d * (k - 1) - 1) // s) + 1
        if (count - 1) * s >= n + low:  # it would lie in the padding as a whole
            count -= 1
        borders.append((low, (count - 1) * s + d * (k - 1) + 1 - n - low))
    return window_over(name, shape, window._replace(padding=tuple(borders)))


def _largest(
    name: str,
    ndim: int,
    x: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    dilation: Any,
    ceil_mode: bool,
    return_indices: bool,
) -> Any:
    x, single = real_images(name, x, ndim)
    window = _pool_window(name, x.shape, kernel_size, stride, padding, dilation, ceil_mode)
    if max(window.dilation) > 1 and not window.meets:
        raise ShapeError(
            f"{name}: a window of {window.kernel}, dilation {window.dilation}, lies in the padding as a whole"
            f"{called_at()}\n  → less padding, or a larger x than {x.shape}"
        )
    y = pool.maximum(x, window=window)
    if not return_indices:
        return y[0] if single else y
    places = np.broadcast_to(np.arange(math.prod(x.shape[2:])).reshape(x.shape[2:]), x.shape)
    places = located(places, frozen(x), frozen(y), window)
    return (y[0], places[0]) if single else (y, places)


def located(places: Any, x: Any, y: Any, window: Any) -> Any:
    """The place of each window's maximum ``y``, the first where several are; of a NaN where there is one."""
    found = pool.pick(places, x, y, window=window)
    missing = np.isnan(y)
    if not anywhere(missing):
        return found
    marks = np.isnan(x).astype(np.float32)
    first = pool.pick(places, marks, pool.maximum(marks, window=window), window=window)
    return np.where(missing, first, found)


def _average(
    name: str,
    ndim: int,
    x: Any,
    kernel_size: Any,
    stride: Any,
    padding: Any,
    ceil_mode: bool,
    count_include_pad: bool,
    divisor: int | None,
) -> Any:
    x, single = images(name, x, ndim)
    window = _pool_window(name, x.shape, kernel_size, stride, padding, 1, ceil_mode)
    if divisor is None:
        border = sizes(padding, ndim, "padding", 0) if count_include_pad else (0,) * ndim
        size = _elements(window, border, x.dtype)
    elif divisor == 0:
        raise ShapeError(
            f"{name} got divisor_override=0{called_at()}\n  → None divides by the size of the window"
        )
    else:
        size = divisor
    y = pool.window_sum(x, window=window) / size
    return y[0] if single else y


def _elements(window: Window, border: tuple[int, ...], dtype: Any) -> Any:
    """How many elements each window has inside ``border`` around the array: a number if all have the same."""
    total: Any = np.ones((), np.finfo(dtype).dtype if dtype.kind in "fc" else np.float64)
    for n, k, s, (low, _), count, wide in zip(*window[:4], window.counts, border, strict=True):
        start = np.arange(count) * s - low
        inside = np.minimum(start + k, n + wide) - np.maximum(start, -wide)
        total = total[..., None] * inside.astype(total.dtype)
    return float(total.flat[0]) if np.all(total == total.flat[0]) else total
