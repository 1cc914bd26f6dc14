"""Functions with the standard's parameters, where NumPy has others."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.array import raw


def argsort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """The indices that sort ``x``, a plain array; equal elements stay in order if ``stable``."""
    x = raw(x)
    if not descending:
        return np.argsort(x, axis=axis, stable=stable)
    backwards = np.flip(np.argsort(np.flip(x, axis), axis=axis, stable=stable), axis)
    return np.shape(x)[axis] - 1 - backwards


def sort(x: Any, /, *, axis: int = -1, descending: bool = False, stable: bool = True) -> Any:
    """``x`` sorted along an axis."""
    return np.flip(np.sort(x, axis=axis), axis) if descending else np.sort(x, axis=axis, stable=stable)


def expand_dims(x: Any, /, *, axis: int | tuple[int, ...] = 0) -> Any:
    """``x`` with new axes of length one."""
    return np.expand_dims(x, axis)


def diff(x: Any, /, *, axis: int = -1, n: int = 1, prepend: Any = None, append: Any = None) -> Any:
    """Differences of neighbours along an axis, ``n`` times over."""
    ends = {name: end for name, end in (("prepend", prepend), ("append", append)) if end is not None}
    return np.diff(x, n, axis, **ends)


def finfo(type: Any, /) -> Any:
    """Limits of a floating-point type, or of the type of an array."""
    return np.finfo(_dtype(type))


def iinfo(type: Any, /) -> Any:
    """Limits of an integer type, or of the type of an array."""
    return np.iinfo(_dtype(type))


def _dtype(type: Any) -> Any:
    type = raw(type)
    return type.dtype if isinstance(type, (np.ndarray, np.generic)) else type
