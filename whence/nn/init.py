"""Initialisers: arrays to start from, drawn from a stream.

For weights ``(out, in, *kernel)``: fan-in is in × kernel, fan-out is out × kernel.
"""

from __future__ import annotations

import math
from typing import Any

from .. import random
from .dtypes import default_dtype


def fans(shape: tuple[int, ...]) -> tuple[int, int]:
    """Fan-in and fan-out of a weight.

    >>> fans((8, 3, 5, 5))
    (75, 200)
    """
    kernel = math.prod(shape[2:])
    return shape[1] * kernel, shape[0] * kernel


def uniform(
    shape: tuple[int, ...], bound: float, stream: random.Stream | None = None, dtype: Any = None
) -> Any:
    """Uniform on ``[-bound, bound)``."""
    stream = random.default if stream is None else stream
    return stream.uniform(shape, -bound, bound, default_dtype(dtype))
