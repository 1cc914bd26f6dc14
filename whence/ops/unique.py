"""The array API standard's functions of the different values: ``unique_all``, ``_counts``, ``_inverse``."""

from __future__ import annotations

from typing import Any

import numpy as np

from .declare import implements


def _with_values(function: Any, x: Any) -> Any:
    """NumPy's result, its values with a memory."""
    return function(x._data)._replace(values=np.unique(x, equal_nan=False))


@implements(np.unique_all)
def _unique_all(x: Any, /) -> Any:
    return _with_values(np.unique_all, x)


@implements(np.unique_counts)
def _unique_counts(x: Any, /) -> Any:
    return _with_values(np.unique_counts, x)


@implements(np.unique_inverse)
def _unique_inverse(x: Any, /) -> Any:
    return _with_values(np.unique_inverse, x)
