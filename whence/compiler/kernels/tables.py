"""Tables of offsets: where the elements of arrays lie, for kernels that are not told strides."""

from __future__ import annotations

from typing import Any

import numpy as np

#: Types of elements that kernels are made for, as kernels name them.
KINDS = {np.dtype(np.float32): "f32", np.dtype(np.float64): "f64"}


def offsets(shape: tuple[int, ...], strides: tuple[int, ...], spare: int) -> Any:
    """Of all elements in order, in bytes, and then the last again ``spare`` times.

    >>> print(offsets((2, 2), (100, 4), 1))
    [  0   4 100 104 104]
    """
    grid = np.indices(shape, sparse=True)
    flat = np.asarray(sum(n * stride for n, stride in zip(grid, strides, strict=True))).reshape(-1)
    return np.concatenate([flat, np.repeat(flat[-1:], spare)]).astype(np.int64)
