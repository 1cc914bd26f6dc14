"""Lists of arrays as one vector of real numbers, and back."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np


def reals(values: Sequence[Any]) -> int:
    """How many real numbers the arrays hold; a complex one counts as two."""
    return sum(v.size * (2 if v.dtype.kind == "c" else 1) for v in values)


def packed(gs: Sequence[Any]) -> np.ndarray:
    """Cotangents as one vector; of complex ones ``(Re g, -Im g)``, so that products are sums."""
    parts: list[Any] = [np.zeros(0)]
    for g in gs:
        flat: Any = np.ravel(g)
        parts += [flat.real, -flat.imag] if flat.dtype.kind == "c" else [flat]
    return np.concatenate(parts).astype(np.float64)


def unpacked(vector: np.ndarray, likes: Sequence[Any]) -> list[Any]:
    """The inverse of :func:`packed`, for values of these shapes and dtypes."""
    parts = []
    start = 0
    for like in likes:
        n = like.size
        flat: Any = vector[start : start + n]
        start += n
        if like.dtype.kind == "c":
            flat = flat - 1j * vector[start : start + n]
            start += n
        parts.append(flat.reshape(like.shape).astype(like.dtype)[()])
    return parts
