"""Pooling to a given size, whatever the size of the input."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.origin import called_at
from ...errors import ShapeError
from ...ops import pool
from ...ops.declare import frozen
from ...ops.window import Window
from .pool import located
from .windows import images, real_images

Sizes = int | Sequence[int | None]


def adaptive_avg_pool1d(x: Any, output_size: Sizes) -> Any:
    """:func:`adaptive_avg_pool2d` of sequences (N, C, L).

    >>> import numpy as np
    >>> print(adaptive_avg_pool1d(np.array([[1.0, 3.0, 5.0]]), 2))
    [[2. 4.]]
    """
    return _average("adaptive_avg_pool1d", 1, x, output_size)


def adaptive_avg_pool2d(x: Any, output_size: Sizes) -> Any:
    """The mean of each of ``output_size`` windows.

    Window i of m over n elements reaches from ``⌊i·n/m⌋`` to before ``⌈(i+1)·n/m⌉``.

    Args:
        x: (N, C, H, W), or (C, H, W) for one image.
        output_size: one number, or one for each axis; None keeps an axis as it is; 1 is the mean of all.

    Returns:
        (N, C, *output_size).

    Raises:
        ShapeError: sizes that do not fit.

    Example:
        >>> import numpy as np
        >>> print(adaptive_avg_pool2d(np.arange(12.0).reshape(1, 3, 4), (1, 2)))
        [[[4.5 6.5]]]
    """
    return _average("adaptive_avg_pool2d", 2, x, output_size)


def adaptive_avg_pool3d(x: Any, output_size: Sizes) -> Any:
    """:func:`adaptive_avg_pool2d` of volumes (N, C, D, H, W).

    >>> import numpy as np
    >>> adaptive_avg_pool3d(np.ones((2, 3, 4, 5, 6)), 2).shape
    (2, 3, 2, 2, 2)
    """
    return _average("adaptive_avg_pool3d", 3, x, output_size)


def adaptive_max_pool1d(x: Any, output_size: Sizes, return_indices: bool = False) -> Any:
    """:func:`adaptive_max_pool2d` of sequences (N, C, L).

    >>> import numpy as np
    >>> print(adaptive_max_pool1d(np.array([[1.0, 3.0, 5.0]]), 2))
    [[3. 5.]]
    """
    return _largest("adaptive_max_pool1d", 1, x, output_size, return_indices)


def adaptive_max_pool2d(x: Any, output_size: Sizes, return_indices: bool = False) -> Any:
    """The largest element of each of ``output_size`` windows, which lie as in :func:`adaptive_avg_pool2d`.

    With ``return_indices`` a pair: and where they are, as :func:`max_pool2d` says it.

    >>> import numpy as np
    >>> print(adaptive_max_pool2d(np.arange(12.0).reshape(1, 3, 4), (1, 2)))
    [[[ 9. 11.]]]
    """
    return _largest("adaptive_max_pool2d", 2, x, output_size, return_indices)


def adaptive_max_pool3d(x: Any, output_size: Sizes, return_indices: bool = False) -> Any:
    """:func:`adaptive_max_pool2d` of volumes (N, C, D, H, W).

    >>> import numpy as np
    >>> adaptive_max_pool3d(np.ones((2, 3, 4, 5, 6)), 2).shape
    (2, 3, 2, 2, 2)
    """
    return _largest("adaptive_max_pool3d", 3, x, output_size, return_indices)


# --- one text for all of them ----------------------------------------------------------------------------


def _wanted(name: str, x: Any, output_size: Any) -> tuple[int, ...]:
    ndim = x.ndim - 2
    wanted = tuple(output_size) if isinstance(output_size, (tuple, list)) else (output_size,) * ndim
    if len(wanted) == ndim:
        wanted = tuple([n if m is None else m for m, n in zip(wanted, x.shape[2:], strict=True)])
    if len(wanted) != ndim or not all(isinstance(m, (int, np.integer)) and m > 0 for m in wanted):
        raise ShapeError(
            f"{name} got output_size={output_size!r}{called_at()}\n"
            f"  → a positive integer, or {ndim} of them (None keeps an axis)"
        )
    if 0 in x.shape[2:]:
        raise ShapeError(f"{name} got x of shape {x.shape}, which has nothing to pool{called_at()}")
    return wanted


def _even(x: Any, wanted: tuple[int, ...]) -> Window | None:
    """The windows, if all are alike and do not overlap."""
    size = x.shape[2:]
    if any(n % m for n, m in zip(size, wanted, strict=True)):
        return None
    kernel = tuple([n // m for n, m in zip(size, wanted, strict=True)])
    return Window(size, kernel, kernel, ((0, 0),) * len(size), (1,) * len(size))


def _average(name: str, ndim: int, x: Any, output_size: Any) -> Any:
    x, single = images(name, x, ndim)
    wanted = _wanted(name, x, output_size)
    window = _even(x, wanted)
    if set(wanted) == {1}:
        y = np.mean(x, axis=tuple(range(2, x.ndim)), keepdims=True)
    elif window is not None:
        y = pool.window_sum(x, window=window) / window.taps
    else:
        y = x
        for axis, (n, m) in enumerate(zip(x.shape[2:], wanted, strict=True), 2):
            y = along(y, axis, _means(n, m))
    return y[0] if single else y


def along(x: Any, axis: int, matrix: Any) -> Any:
    """A matrix (m, n) times each vector along an axis of x, in x's type."""
    matrix = matrix.astype(x.dtype) if x.dtype.kind in "fc" else matrix
    return np.moveaxis(np.matmul(np.moveaxis(x, axis, -1), matrix.T), -1, axis)


def _bounds(n: int, m: int) -> tuple[Any, Any]:
    i = np.arange(m)
    return i * n // m, -(-(i + 1) * n // m)


def _means(n: int, m: int) -> Any:
    """The matrix that takes n elements to m means."""
    start, stop = (bound[:, None] for bound in _bounds(n, m))
    place = np.arange(n)
    return ((place >= start) & (place < stop)) / (stop - start)


def _largest(name: str, ndim: int, x: Any, output_size: Any, return_indices: bool) -> Any:
    x, single = real_images(name, x, ndim)
    wanted = _wanted(name, x, output_size)
    places = np.reshape(np.arange(math.prod(x.shape[2:])), (1, 1, *x.shape[2:]))
    if _even(x, wanted) is None:  # windows of one length, with their last elements named again
        for axis, (n, m) in enumerate(zip(x.shape[2:], wanted, strict=True), 2):
            start, stop = _bounds(n, m)
            named = start[:, None] + np.arange(np.max(stop - start))
            named = np.minimum(named, stop[:, None] - 1).ravel()
            x = np.take(x, named, axis=axis)
            places = np.take(places, named, axis=axis) if return_indices else places
    window = _even(x, wanted)
    y = pool.maximum(x, window=window)
    if not return_indices:
        return y[0] if single else y
    found = located(np.broadcast_to(places, x.shape), frozen(x), frozen(y), window)
    return (y[0], found[0]) if single else (y, found)
