"""NumPy's functions that autograd takes more for: lists with Variables in them, any iterable of arrays."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ....ops.gather import gathered, has_variables

F = TypeVar("F", bound=Callable[..., Any])


def _of_lists(function: F) -> F:
    """The function, its lists with Variables made into Variables."""

    @functools.wraps(function, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        if any(isinstance(a, (list, tuple)) for a in args):
            args = tuple([gathered(a) if _listed(a) else a for a in args])
        return function(*args, **kwargs)

    return call  # type: ignore[return-value]


def _of_iterables(function: F) -> F:
    """The function, which takes its arrays from any iterable: a generator, the values of a dict."""

    @functools.wraps(function, updated=())
    def call(arrays: Any, *args: Any, **kwargs: Any) -> Any:
        held = isinstance(arrays, (list, tuple)) or hasattr(arrays, "shape")
        return function(arrays if held else list(arrays), *args, **kwargs)

    return call  # type: ignore[return-value]


def _listed(a: Any) -> bool:
    return isinstance(a, (list, tuple)) and has_variables(a)


def where(condition: Any, x: Any = None, y: Any = None) -> Any:
    """``numpy.where``, also by keyword; of plain Python values a plain Python value."""
    if x is None and y is None:
        return np.where(condition)
    result: Any = np.where(condition, x, y)
    return result.tolist() if _is_python(condition) and _is_python(x) and _is_python(y) else result


def _is_python(value: Any) -> bool:
    if isinstance(value, (list, tuple)):
        return all(_is_python(part) for part in value)
    return not hasattr(value, "dtype")


def make_diagonal(D: Any, offset: int = 0, axis1: int = -1, axis2: int = -2) -> Any:
    """Matrices with the rows of ``D`` on their diagonals."""
    if offset != 0 or {axis1, axis2} != {-1, -2}:
        raise NotImplementedError("make_diagonal makes main diagonals of the last two axes only")
    return D[..., None] * np.eye(D.shape[-1], dtype=D.dtype)


amax = _of_lists(np.amax)
amin = _of_lists(np.amin)
append = _of_lists(np.append)
column_stack = _of_iterables(np.column_stack)
concatenate = _of_iterables(np.concatenate)
cumsum = _of_lists(np.cumsum)
dot = _of_lists(np.dot)
hstack = _of_iterables(np.hstack)
max = _of_lists(np.max)
mean = _of_lists(np.mean)
min = _of_lists(np.min)
norm = _of_lists(np.linalg.norm)
prod = _of_lists(np.prod)
stack = _of_iterables(np.stack)
std = _of_lists(np.std)
sum = _of_lists(np.sum)
var = _of_lists(np.var)
vstack = row_stack = _of_iterables(np.vstack)
