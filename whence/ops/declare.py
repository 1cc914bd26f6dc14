"""What declarations of ops share: registering, axes, keywords that have no gradient."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from ..core.batched import peeled
from ..core.origin import called_at
from ..core.symbolic import Symbolic
from ..core.table import OPS
from ..core.variable import Variable
from ..errors import AxisError, NoGradientError, ShapeError

F = TypeVar("F", bound=Callable[..., Any])


def implements(*functions: Any) -> Callable[[F], F]:
    """Let the decorated function stand for NumPy's ``functions`` where a Variable is an argument.

    It takes NumPy's own signature.
    """

    def register(function: F) -> F:
        for key in functions:
            OPS[key] = function
        return function

    return register


def no_out(name: str, out: Any) -> None:
    """Refuse ``out=``: a result cannot be recorded in an array that is already there."""
    if out is not None and out is not np._NoValue:
        raise NoGradientError(
            f"{name}(..., out=) has no gradient in whence{called_at()}\n"
            f"  → write y = {name}(...), or v[...] = {name}(...) to overwrite a Variable; "
            "to update a parameter, v.assign(v.data - step) with a plain step (v.grad.data)"
        )


def normal_axes(axis: Any, ndim: int) -> tuple[int, ...]:
    """``axis`` (None, an int, a tuple) as non-negative ints."""
    if axis is None:
        return tuple(range(ndim))
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    normal = []
    for a in axes:
        if not -ndim <= a < ndim:
            raise AxisError(f"axis {a} is out of bounds for {ndim} axes{called_at()}")
        normal.append(int(a) % ndim)
    if len(set(normal)) != len(normal):
        raise AxisError(f"axis {axes} names an axis twice{called_at()}")
    return tuple(normal)


def misfit(text: str) -> ShapeError:
    """The error for arguments that do not fit together, with the user's line."""
    return ShapeError(text + called_at())


def arrayed(x: Any, dtype: Any = None) -> Any:
    """A Variable as it is, anything else as NumPy's array."""
    return x if isinstance(x, (Variable, Symbolic)) else np.asarray(x, dtype)


def frozen(x: Any) -> Any:
    """The bare value: what is computed from it is a constant to the gradient."""
    return x._data if isinstance(x, Variable) else x


def anywhere(condition: Any) -> bool:
    """Is a condition true of any element (inside ``vmap``: of any example)? For checks that raise."""
    return bool(np.any(frozen(peeled(condition)[0])))


def integral(dtype: Any) -> bool:
    """Does ``dtype=`` ask for integers or booleans, which no gradient passes through?"""
    return dtype is not None and np.dtype(dtype).kind in "iub"


def expanded(g: Any, ndim: int, axis: Any, keepdims: bool) -> Any:
    """The result of a reduction with its axes put back, of length one."""
    if keepdims or ndim == 0:
        return g
    if axis is None:
        return np.reshape(g, (1,) * ndim)
    return np.expand_dims(g, normal_axes(axis, ndim))


def is_number(x: Any, number: float) -> bool:
    """Is ``x`` this plain number (comparing an array would compare its elements)?"""
    return isinstance(x, (int, float, np.number)) and bool(x == number)
