"""What max pooling took, back in its places."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ...core.batched import Batched, peeled
from ...core.origin import called_at
from ...core.table import OPS
from ...errors import BoundsError, DtypeError, ShapeError
from ...ops.declare import arrayed, frozen
from .windows import Size, sizes


def max_unpool1d(
    x: Any,
    indices: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Any = None,
) -> Any:
    """:func:`max_unpool2d` of sequences (N, C, L).

    >>> import numpy as np
    >>> print(max_unpool1d(np.array([[3.0, 2.0]]), np.array([[1, 2]]), 2))
    [[0. 3. 2. 0.]]
    """
    return _unpool("max_unpool1d", 1, x, indices, kernel_size, stride, padding, output_size)


def max_unpool2d(
    x: Any,
    indices: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Any = None,
) -> Any:
    """Each element at the place where max pooling took it, zeros elsewhere.

    Args:
        x: (N, C, H, W), or (C, H, W) for one image.
        indices: the places, as ``max_pool2d(..., return_indices=True)`` gives them; of places that are named
            more than once, the last counts.
        kernel_size: of the pooling, like the following.
        stride: from one window to the next; None for the window's size.
        padding: around what was pooled.
        output_size: the size of what was pooled, its last axes at least; None for the smallest that the
            windows fill.

    Returns:
        (N, C, *output_size).

    Raises:
        ShapeError: sizes that do not fit. DtypeError: places that are no integers.
        BoundsError: places outside.

    Example:
        >>> import numpy as np
        >>> from whence.nn.functional import max_pool2d
        >>> y, places = max_pool2d(np.arange(16.0).reshape(1, 4, 4), 2, return_indices=True)
        >>> print(max_unpool2d(y, places, 2)[0])
        [[ 0.  0.  0.  0.]
         [ 0.  5.  0.  7.]
         [ 0.  0.  0.  0.]
         [ 0. 13.  0. 15.]]
    """
    return _unpool("max_unpool2d", 2, x, indices, kernel_size, stride, padding, output_size)


def max_unpool3d(
    x: Any,
    indices: Any,
    kernel_size: Size,
    stride: Size | None = None,
    padding: Size = 0,
    output_size: Any = None,
) -> Any:
    """:func:`max_unpool2d` of volumes (N, C, D, H, W).

    >>> import numpy as np
    >>> max_unpool3d(np.ones((2, 3, 2, 2, 2)), np.zeros((2, 3, 2, 2, 2), int), 2).shape
    (2, 3, 4, 4, 4)
    """
    return _unpool("max_unpool3d", 3, x, indices, kernel_size, stride, padding, output_size)


def _unpool(
    name: str, ndim: int, x: Any, indices: Any, kernel_size: Any, stride: Any, padding: Any, output_size: Any
) -> Any:
    x, indices = arrayed(x), frozen(arrayed(indices))
    if x.ndim not in (ndim + 1, ndim + 2) or indices.shape != x.shape:
        raise ShapeError(
            f"{name} got x of shape {x.shape} and indices of shape {indices.shape}{called_at()}\n"
            f"  → the same shape, a channel axis and {ndim} more, with or without a batch"
        )
    if indices.dtype.kind not in "iu":
        raise DtypeError(f"{name} takes integers as indices, not {indices.dtype}{called_at()}")
    size = _size(name, x.shape[-ndim:], kernel_size, stride, padding, output_size)
    images, each = math.prod(x.shape[:-ndim]), math.prod(size)
    values = peeled(indices)[0] if isinstance(indices, Batched) else indices
    if np.any((values < 0) | (values >= each)):
        raise BoundsError(
            f"{name} got places outside of {size}{called_at()}\n  → output_size= of what was pooled"
        )
    first = np.reshape(np.arange(images) * each, (*x.shape[:-ndim], *(1,) * ndim))
    places = np.reshape(indices + first, (-1,))
    y = OPS["setitem"](np.zeros(images * each, x.dtype), np.reshape(x, (-1,)), places)
    return np.reshape(y, (*x.shape[:-ndim], *size))


def _size(
    name: str, counts: tuple[int, ...], kernel_size: Any, stride: Any, padding: Any, wanted: Any
) -> tuple[int, ...]:
    """The size of what was pooled."""
    ndim = len(counts)
    kernel = sizes(kernel_size, ndim, "kernel_size")
    step = kernel if stride is None else sizes(stride, ndim, "stride")
    border = sizes(padding, ndim, "padding", 0)
    usual = tuple([(n - 1) * s - 2 * p + k for n, s, p, k in zip(counts, step, border, kernel, strict=True)])
    if wanted is None:
        return usual
    size = tuple(wanted)[-ndim:]
    if len(size) != ndim or any(abs(n - m) >= s for n, m, s in zip(size, usual, step, strict=True)):
        raise ShapeError(
            f"{name} got output_size={tuple(wanted)}{called_at()}\n"
            f"  → each less than the stride {step} away from {usual}"
        )
    return size
