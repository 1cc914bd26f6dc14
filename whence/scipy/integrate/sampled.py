"""Integrals of samples: compositions of NumPy's functions, differentiable in samples and places."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import integrate

from ...core.origin import called_at
from ...core.variable import Variable
from ...errors import DtypeError
from ...ops.declare import misfit, normal_axes
from ..beyond import bare, holds_variable
from ..examples import one_by_one


def _last(y: Any, x: Any, axis: int) -> tuple[Any, Any]:
    """``y`` with ``axis`` last, and the spacings along it (None without ``x``)."""
    y = y if hasattr(y, "dtype") else np.asarray(y)
    (place,) = normal_axes(axis, y.ndim)
    y = np.moveaxis(y, place, -1)
    if x is None:
        return y, None
    x = x if hasattr(x, "dtype") else np.asarray(x)
    if x.ndim != 1:
        if x.ndim != y.ndim:
            raise misfit("If given, shape of x must be 1-D or the same as y.")
        x = np.moveaxis(x, place, -1)
    if x.shape[-1] != y.shape[-1]:
        raise misfit("If given, length of x along axis must be the same as y.")
    return y, np.diff(x, axis=-1)


def trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1) -> Any:
    """``scipy.integrate.trapezoid``: the composite trapezoidal rule, ``Σ h (y_i + y_i+1) / 2``."""
    if not holds_variable(y, x, dx):
        return integrate.trapezoid(bare(y), bare(x), bare(dx), axis)
    y, h = _last(y, x, axis)
    total = np.sum((dx if h is None else h) * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)
    kind = y.dtype if y.dtype.kind in "fc" else np.dtype(float)
    if total.dtype.kind == "c" and kind.kind != "c":
        raise DtypeError(f"trapezoid of real values along a complex x{called_at()}\n  → y.astype(complex)")
    return total if total.dtype == kind else total.astype(kind)


def cumulative_trapezoid(y: Any, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None) -> Any:
    """``scipy.integrate.cumulative_trapezoid``: running trapezoidal sums along ``axis``."""
    if not holds_variable(y, x, dx):
        return integrate.cumulative_trapezoid(bare(y), bare(x), bare(dx), axis, initial)
    if initial is not None and initial != 0:
        raise misfit("`initial` must be `None` or `0`.")
    y, h = _last(y, x, axis)
    sums = np.cumsum((dx if h is None else h) * (y[..., 1:] + y[..., :-1]) / 2.0, axis=-1)
    return np.moveaxis(_with_start(sums, initial), -1, axis)


def _with_start(sums: Any, initial: Any) -> Any:
    if initial is None:
        return sums
    start = np.broadcast_to(np.asarray(initial, sums.dtype), (*sums.shape[:-1], 1))
    return np.concatenate([start, sums], axis=-1)


@one_by_one
def simpson(y: Any, x: Any = None, *, dx: Any = 1.0, axis: int = -1) -> Any:
    """``scipy.integrate.simpson``: the composite Simpson rule, for any spacing.

    Where the number of samples is even, the last interval is integrated by the parabola through
    the last three (Cartwright 2017).

    Raises:
        ShapeError: ``x`` has two equal neighbours.
    """
    if not holds_variable(y, x, dx):
        return integrate.simpson(bare(y), bare(x), dx=bare(dx), axis=axis)
    y, h = _last(y, x, axis)
    count = y.shape[-1]
    if h is None:
        h = dx * np.ones(count - 1, y.dtype if y.dtype.kind == "f" else float)
    elif np.any(bare(h) == 0):
        raise misfit("simpson: neighbouring values of x are equal; their rule has no derivative")
    else:
        h = h.astype(float) if h.dtype.kind == "f" else h  # as SciPy does
    if count == 2:
        return 0.5 * h[..., -1] * (y[..., 1] + y[..., 0])
    stop = count - 1 if count % 2 else count - 2  # panels of two intervals end here
    a, b = h[..., 0:stop:2], h[..., 1:stop:2]
    left, middle, right = y[..., 0:stop:2], y[..., 1:stop:2], y[..., 2 : stop + 1 : 2]
    panels = (a + b) / 6.0 * ((2.0 - b / a) * left + (a + b) ** 2 / (a * b) * middle + (2.0 - a / b) * right)
    total = np.sum(panels, axis=-1)
    if count % 2 == 0:
        a, b = h[..., -2], h[..., -1]
        total = total + (2 * b**2 + 3 * a * b) / (6 * (a + b)) * y[..., -1]
        total = total + (b**2 + 3 * a * b) / (6 * a) * y[..., -2]
        total = total - b**3 / (6 * a * (a + b)) * y[..., -3]
    return total


@one_by_one
def cumulative_simpson(y: Any, *, x: Any = None, dx: Any = 1.0, axis: int = -1, initial: Any = None) -> Any:
    """``scipy.integrate.cumulative_simpson``: running sums of parabolas along ``axis``.

    Raises:
        ShapeError: ``x`` does not increase.
    """
    if not holds_variable(y, x, dx, initial):
        return integrate.cumulative_simpson(bare(y), x=bare(x), dx=bare(dx), axis=axis, initial=bare(initial))
    moved, h = _last(y, x, axis)
    count = moved.shape[-1]
    if h is not None and np.any(bare(h) <= 0):
        raise misfit("Input x must be strictly increasing.")
    if count < 3:
        sums = np.moveaxis(cumulative_trapezoid(y, x, dx, axis), axis, -1)
    else:
        if h is None:
            h = np.moveaxis(dx, axis, -1) if np.ndim(dx) else dx
            ahead, behind = _first_of_even(moved, h), _first_of_even(moved[..., ::-1], h)
        else:
            ahead, behind = _first_of_two(moved, h), _first_of_two(moved[..., ::-1], h[..., ::-1])
        both = np.concatenate([ahead, behind[..., ::-1]], axis=-1)
        where = [i if i % 2 == 0 and i < count - 2 else count - 2 + i - 1 for i in range(count - 1)]
        sums = np.cumsum(both[..., np.array(where)], axis=-1)
    if initial is not None:
        start = initial if np.ndim(initial) == 0 else np.moveaxis(initial, axis, -1)
        start = np.broadcast_to(start, (*sums.shape[:-1], 1))
        sums = np.concatenate([start, sums + start], axis=-1)
    return np.moveaxis(sums, -1, axis)


def _first_of_two(y: Any, h: Any) -> Any:
    """The integral over each interval but the last, of the parabola that also meets the next point."""
    a, b = h[..., :-1], h[..., 1:]
    left, middle, right = y[..., :-2], y[..., 1:-1], y[..., 2:]
    s = a + b
    return a / 6 * ((3 - a / s) * left + (3 + a**2 / (s * b) + a / s) * middle - a**2 / (s * b) * right)


def _first_of_even(y: Any, h: Any) -> Any:
    """The same where the spacing is even."""
    parts = 5 * y[..., :-2] / 4 + 2 * y[..., 1:-1] - y[..., 2:] / 4
    return np.asarray(h, float) / 3 * parts if not isinstance(h, Variable) else h / 3 * parts


def romb(y: Any, dx: Any = 1.0, axis: int = -1, show: Any = False) -> Any:
    """``scipy.integrate.romb``: Romberg's rule for ``2**k + 1`` equally spaced samples."""
    if not holds_variable(y, dx):
        return integrate.romb(bare(y), bare(dx), axis, show)
    y, _ = _last(y, None, axis)
    steps = y.shape[-1] - 1
    if steps < 1 or steps & (steps - 1):
        raise misfit("Number of samples must be one plus a non-negative power of 2.")
    h = steps * (np.float64(dx) if not isinstance(dx, Variable) else dx.astype(float))
    row = [(y[..., 0] + y[..., -1]) / 2.0 * h]  # trapezoids, extrapolated: a row of Romberg's table
    for level in range(1, steps.bit_length()):
        stride = steps >> (level - 1)
        finer = [0.5 * (row[0] + h * np.sum(y[..., stride // 2 : steps : stride], axis=-1))]
        for j, coarse in enumerate(row, 1):
            finer.append(finer[-1] + (finer[-1] - coarse) / (4**j - 1))
        row, h = finer, h / 2.0
    return row[-1]


@one_by_one
def fixed_quad(func: Any, a: Any, b: Any, args: Any = (), n: int = 5) -> Any:
    """``scipy.integrate.fixed_quad``: Gauss–Legendre of order ``n``, differentiated as it is.

    With respect to ``a``, ``b``, ``args`` and whatever ``func`` closes over.

    Example:
        >>> import numpy as np, whence
        >>> from whence.scipy.integrate import fixed_quad
        >>> print(np.round(whence.grad(lambda b: fixed_quad(np.cos, 0.0, b)[0])(1.0) - np.cos(1.0), 7))
        0.0
    """
    low, high = bare(a), bare(b)
    if np.isinf(low) or np.isinf(high):
        raise ValueError("Gaussian quadrature is only available for finite limits.")
    nodes, weights = np.polynomial.legendre.leggauss(n)
    places = (b - a) * (nodes + 1) / 2.0 + a
    return (b - a) / 2.0 * np.sum(weights * func(places, *args), axis=-1), None
