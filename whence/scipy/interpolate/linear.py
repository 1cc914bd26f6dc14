"""Interpolation between neighbours: ``interp1d`` and regular grids."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from scipy import interpolate

from ...core.origin import called_at
from ...errors import BoundsError
from ..beyond import bare, no_gradient
from ..examples import MadeOneByOne, one_by_one
from .bspline import make_interp_spline
from .ppoly import as_floats, has_variable, moved_back

_SPLINES: dict[Any, int] = {"zero": 0, "slinear": 1, "quadratic": 2, "cubic": 3}


class interp1d(MadeOneByOne):
    """``scipy.interpolate.interp1d``: all kinds, with derivatives.

    In the points where it is called, in ``x``, ``y`` and ``fill_value``. The kinds that jump
    (``nearest``, ``previous``, ``next``, ``zero``) have a derivative of zero in the points and in ``x``.

    Raises:
        ValueError: a point outside, as in SciPy.

    Example:
        >>> import numpy as np, whence
        >>> from whence.scipy.interpolate import interp1d
        >>> print(whence.grad(lambda p: interp1d([0.0, 1.0, 3.0], [0.0, 2.0, 8.0])(p))(1.7))
        3.0
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        kind: Any = "linear",
        axis: int = -1,
        copy: bool = True,
        bounds_error: Any = None,
        fill_value: Any = np.nan,
        assume_sorted: bool = False,
    ) -> None:
        plain_fill: Any = (
            tuple(bare(f) for f in fill_value) if isinstance(fill_value, tuple) else bare(fill_value)
        )
        self._plain = interpolate.interp1d(
            bare(x), bare(y), kind, axis, copy, bounds_error, plain_fill, assume_sorted
        )
        self._fill = fill_value
        self._held = has_variable(x, y) or any(
            has_variable(f) for f in (fill_value if isinstance(fill_value, tuple) else (fill_value,))
        )
        x, y = as_floats(x), as_floats(y)
        if not assume_sorted:
            order = np.argsort(bare(x), kind="stable")
            x, y = x[order], np.take(y, order, axis=axis)
        self.x, self.y = x, y
        self.axis = axis % y.ndim
        self._kind = kind
        self._first = np.moveaxis(y, self.axis, 0)  # (n, ...)
        self._spline = None
        if kind in _SPLINES or isinstance(kind, int):
            degree = _SPLINES[kind] if isinstance(kind, str) else kind
            self._spline = make_interp_spline(x, self._first, degree, check_finite=False)

    @property
    def fill_value(self) -> Any:
        """What stands for values outside."""
        return self._fill

    @property
    def bounds_error(self) -> bool:
        """Does a point outside raise?"""
        return bool(self._plain.bounds_error)

    @one_by_one
    def __call__(self, x: Any) -> Any:
        """The values at the points ``x``."""
        if not self._held and not has_variable(x):
            return self._plain(x)
        x = as_floats(x)
        points = np.ndim(x)
        at = np.reshape(bare(x), (-1,))
        low, high = at < bare(self.x)[0], at > bare(self.x)[-1]
        if self.bounds_error and np.any(low | high):
            raise BoundsError(
                f"interp1d: {at[low | high][0]} is outside of the interpolation range, "
                f"[{bare(self.x)[0]}, {bare(self.x)[-1]}]{called_at()}"
            )
        y = self._at(np.reshape(x, (-1,)), at)
        if not (isinstance(self._fill, str) and self._fill == "extrapolate"):
            below, above = self._fill if isinstance(self._fill, tuple) else (self._fill, self._fill)
            rest = (-1,) + (1,) * (y.ndim - 1)
            y = np.where(np.reshape(low, rest), below, np.where(np.reshape(high, rest), above, y))
        y = np.reshape(y, (*np.shape(x), *self._first.shape[1:]))
        return moved_back(y, points, self.axis)

    def _at(self, x: Any, at: np.ndarray) -> Any:
        """Values along the first axis at a vector of points."""
        knots, values = bare(self.x), self._first
        count = len(knots)
        if self._spline is not None:
            return self._spline(x)
        if self._kind == "linear":
            right = np.clip(np.searchsorted(knots, at), 1, count - 1)
            left = right - 1
            share = (x - self.x[left]) / (self.x[right] - self.x[left])
            share = np.reshape(share, (-1,) + (1,) * (values.ndim - 1))
            return values[left] + share * (values[right] - values[left])
        if self._kind in ("nearest", "nearest-up"):
            side = "left" if self._kind == "nearest" else "right"
            return values[np.searchsorted((knots[1:] + knots[:-1]) / 2, at, side=side)]
        if self._kind == "previous":
            return values[np.clip(np.searchsorted(knots, at, side="right") - 1, 0, count - 1)]
        return values[np.clip(np.searchsorted(knots, at, side="left"), 0, count - 1)]


class RegularGridInterpolator(MadeOneByOne):
    """``scipy.interpolate.RegularGridInterpolator``, linear or nearest, with derivatives.

    In the points, the values, and the grid's coordinates; other methods have no gradient.

    Example:
        >>> import numpy as np, whence
        >>> from whence.scipy.interpolate import RegularGridInterpolator
        >>> x = y = np.arange(3.0)
        >>> f = RegularGridInterpolator((x, y), x[:, None] * y)
        >>> print(whence.grad(lambda p: f(p)[0])(np.array([[0.5, 1.5]])))
        [[1.5 0.5]]
    """

    def __init__(
        self,
        points: Any,
        values: Any,
        method: str = "linear",
        bounds_error: bool = True,
        fill_value: Any = np.nan,
        **options: Any,
    ) -> None:
        self._plain = interpolate.RegularGridInterpolator(
            tuple(bare(p) for p in points), bare(values), method, bounds_error, bare(fill_value), **options
        )
        self._held = has_variable(values, fill_value, *points)
        self.grid, self.values = tuple(as_floats(p) for p in points), as_floats(values)
        for axis, p in enumerate(self.grid):  # SciPy turns falling coordinates over
            if len(bare(p)) > 1 and bare(p)[0] > bare(p)[-1]:
                self.grid = (*self.grid[:axis], p[::-1], *self.grid[axis + 1 :])
                self.values = np.flip(self.values, axis)
        self.method, self.bounds_error, self.fill_value = method, bounds_error, fill_value

    @one_by_one
    def __call__(self, xi: Any, method: Any = None, *, nu: Any = None) -> Any:
        """The values at points ``(..., dimensions)``."""
        if isinstance(xi, tuple):
            xi = np.stack(np.broadcast_arrays(*[as_floats(part) for part in xi]), axis=-1)
        if not self._held and not has_variable(xi):
            return self._plain(xi, method, nu=nu)
        method = self.method if method is None else method
        if method not in ("linear", "nearest") or nu is not None:
            raise no_gradient(
                f'scipy.interpolate.RegularGridInterpolator(method="{method}")',
                'method="linear", or interpolate along each axis with whence.scipy.interpolate.CubicSpline',
            )
        xi = as_floats(xi)
        dims = len(self.grid)
        if np.ndim(xi) == 1:
            xi = np.reshape(xi, (-1, dims) if dims > 1 else (-1, 1))
        flat = np.reshape(xi, (-1, dims))
        at = bare(flat)
        outside = np.zeros(len(at), bool)
        for axis, p in enumerate(self.grid):
            outside |= ~((at[:, axis] >= bare(p)[0]) & (at[:, axis] <= bare(p)[-1]))
        if self.bounds_error and outside.any():
            raise BoundsError(f"One of the requested xi is out of bounds{called_at()}")
        y = self._linear(flat, at) if method == "linear" else self._nearest(at)
        if self.fill_value is not None and outside.any():
            y = np.where(np.reshape(outside, (-1,) + (1,) * (y.ndim - 1)), self.fill_value, y)
        return np.reshape(y, (*np.shape(xi)[:-1], *self.values.shape[dims:]))

    def _cells(self, at: np.ndarray) -> list[np.ndarray]:
        return [
            np.clip(np.searchsorted(bare(p), at[:, axis], side="right") - 1, 0, max(len(bare(p)) - 2, 0))
            for axis, p in enumerate(self.grid)
        ]

    def _linear(self, x: Any, at: np.ndarray) -> Any:
        """The sum over the corners of each cell."""
        cells = self._cells(at)
        shares = []
        for axis, (p, i) in enumerate(zip(self.grid, cells, strict=True)):
            if len(bare(p)) == 1:
                shares.append(np.zeros(len(at)))
            else:
                shares.append((x[:, axis] - p[i]) / (p[i + 1] - p[i]))
        trailing = (1,) * (self.values.ndim - len(self.grid))
        total: Any = 0.0
        for corner in itertools.product((0, 1), repeat=len(cells)):
            weight: Any = 1.0
            for up, share in zip(corner, shares, strict=True):
                weight = weight * (share if up else 1 - share)
            index = [
                np.minimum(i + up, len(bare(p)) - 1)
                for i, up, p in zip(cells, corner, self.grid, strict=True)
            ]
            total = total + np.reshape(weight, (-1, *trailing)) * self.values[tuple(index)]
        return total

    def _nearest(self, at: np.ndarray) -> Any:
        index = []
        for axis, (p, i) in enumerate(zip(self.grid, self._cells(at), strict=True)):
            knots = bare(p)
            above = np.minimum(i + 1, len(knots) - 1)
            width = np.where(above > i, knots[above] - knots[i], 1.0)
            index.append(np.where((at[:, axis] - knots[i]) / width <= 0.5, i, above))
        return self.values[tuple(index)]


@one_by_one
def interpn(
    points: Any,
    values: Any,
    xi: Any,
    method: str = "linear",
    bounds_error: bool = True,
    fill_value: Any = np.nan,
) -> Any:
    """``scipy.interpolate.interpn`` on a regular grid, linear or nearest, with derivatives."""
    if method not in ("linear", "nearest"):
        if has_variable(values, xi, *points):
            raise no_gradient(f'scipy.interpolate.interpn(method="{method}")', 'method="linear"')
        return interpolate.interpn(points, values, xi, method, bounds_error, fill_value)
    return RegularGridInterpolator(points, values, method, bounds_error, fill_value)(xi)
