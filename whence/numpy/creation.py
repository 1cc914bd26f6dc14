"""Functions that make arrays, and that NumPy does not let a Variable answer for."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..core.array import raw
from ..core.origin import called_at
from ..core.variable import Variable
from ..errors import NoGradientError
from ..ops.gather import gathered, has_variables


def array(
    object: Any,
    dtype: Any = None,
    *,
    copy: bool | None = True,
    order: Any = "K",
    subok: bool = False,
    ndmin: int = 0,
    **keywords: Any,
) -> Any:
    """``numpy.array``; of a Variable, or of nested lists with Variables in them, a Variable.

    ``order`` and ``subok`` say nothing about Variables. An integer or boolean ``dtype`` gives a plain
    array.

    Raises:
        ShapeError: parts of different shapes.

    Example:
        >>> import whence
        >>> import whence.numpy as np
        >>> whence.grad(lambda x: np.sum(np.array([[x, 1.0], [2.0, x * x]])))(3.0)
        np.float64(7.0)
    """
    if not has_variables(object):
        return np.array(object, dtype, copy=copy, order=order, subok=subok, ndmin=ndmin, **keywords)
    y = gathered(object, dtype)
    if y is object and copy:
        y = np.copy(y)
    return np.reshape(y, (1,) * (ndmin - y.ndim) + y.shape) if y.ndim < ndmin else y


def asarray(
    a: Any, dtype: Any = None, order: Any = None, *, device: Any = None, copy: Any = None, like: Any = None
) -> Any:
    """``numpy.asarray``; a Variable stays one, and the same one where nothing has to be converted."""
    if has_variables(a):
        return array(a, dtype, copy=copy)
    return np.asarray(a, dtype, order, device=device, copy=copy, **_like(like))


def asanyarray(
    a: Any, dtype: Any = None, order: Any = None, *, device: Any = None, copy: Any = None, like: Any = None
) -> Any:
    """``numpy.asanyarray``; a Variable stays one."""
    if has_variables(a):
        return array(a, dtype, copy=copy)
    return np.asanyarray(a, dtype, order, device=device, copy=copy, **_like(like))


def ascontiguousarray(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    """``numpy.ascontiguousarray``; a Variable stays one, with at least one axis."""
    if has_variables(a):
        return array(a, dtype, copy=None, ndmin=1)
    return np.ascontiguousarray(a, dtype, **_like(like))


def asfortranarray(a: Any, dtype: Any = None, *, like: Any = None) -> Any:
    """``numpy.asfortranarray``; a Variable stays one."""
    if has_variables(a):
        return array(a, dtype, copy=None)
    return np.asfortranarray(a, dtype, **_like(like))


def asarray_chkfinite(a: Any, dtype: Any = None, order: Any = None) -> Any:
    """``numpy.asarray_chkfinite``; a Variable stays one.

    Raises:
        ValueError: an element is NaN or infinite.
    """
    if not has_variables(a):
        return np.asarray_chkfinite(a, dtype, order)
    y = array(a, dtype, copy=None)
    np.asarray_chkfinite(raw(y))
    return y


def require(a: Any, dtype: Any = None, requirements: Any = None, *, like: Any = None) -> Any:
    """``numpy.require``; a Variable stays one, and the requirements on its memory say nothing."""
    if has_variables(a):
        return array(a, dtype, copy=None)
    return np.require(a, dtype, requirements, **_like(like))


def from_dlpack(x: Any, /, *, device: Any = None, copy: bool | None = None) -> Any:
    """``numpy.from_dlpack``; a Variable stays one."""
    if isinstance(x, Variable):
        return np.copy(x) if copy else x.to_device(device or "cpu")
    return np.from_dlpack(x, device=device, copy=copy)


def fromiter(iter: Iterable[Any], dtype: Any, count: int = -1, *, like: Any = None) -> Any:
    """``numpy.fromiter``; where the items are Variables, a Variable."""
    items = list(iter)
    if not has_variables(items):
        return np.fromiter(items, dtype, count, **_like(like))
    return gathered(items if count < 0 else items[:count], dtype)


def full(
    shape: Any,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "C",
    *,
    device: Any = None,
    like: Any = None,
) -> Any:
    """``numpy.full``; filled with a Variable (broadcast to ``shape``), a Variable."""
    if not has_variables(fill_value):
        return np.full(shape, fill_value, dtype, order, device=device, **_like(like))
    return np.copy(np.broadcast_to(gathered(fill_value, dtype), shape))


def arange(*args: Any, **named: Any) -> Any:
    """``numpy.arange``; with a Variable for ``start`` or ``step``, ``start + step * (0, 1, 2 …)``.

    The arguments are NumPy's: ``(stop)`` or ``(start, stop, step, dtype)``, by position or name.
    How many numbers there are does not change with the arguments, as far as the gradient knows.
    """
    if not any(isinstance(a, Variable) for a in (*args, *named.values())):
        return np.arange(*args, **named)
    names = ("stop",) if len(args) == 1 else ("start", "stop", "step", "dtype")
    given = {**dict(zip(names, args, strict=False)), **named}
    start, stop, step = (given.get(name) for name in ("start", "stop", "step"))
    start, step = 0 if start is None else start, 1 if step is None else step
    if stop is None:
        raise TypeError(f"arange() needs a stop{called_at()}")
    count = np.arange(*(np.asarray(raw(x)).item() for x in (start, stop, step))).size
    y: Any = start + step * np.arange(count)
    if not isinstance(y, Variable):  # only stop is one: nothing moves with it
        y = np.asarray(y, np.result_type(raw(stop), y))
    dtype = given.get("dtype")
    return y if dtype is None else y.astype(dtype)


def isscalar(element: Any) -> bool:
    """``numpy.isscalar``; of a Variable, whether its value is a NumPy scalar."""
    return np.isscalar(raw(element))


def refuse(name: str, instead: str) -> NoGradientError:
    """The error for a function that cannot keep a gradient."""
    return NoGradientError(f"{name} has no gradient in whence{called_at()}\n  → {instead}")


def _like(like: Any) -> dict[str, Any]:
    return {} if like is None else {"like": like}
