"""Piecewise polynomials: in the points, the coefficients and the breakpoints."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import interpolate

from ...core.variable import Variable
from ...ops.declare import misfit
from ...transforms.implicit import implicit_root
from ..beyond import bare, no_gradient
from ..examples import MadeOneByOne, one_by_one


def as_floats(x: Any) -> Any:
    """As an array of float64 or complex128 (a Variable stays one)."""
    x = x if isinstance(x, Variable) else np.asarray(bare(x))
    wide = np.result_type(x.dtype, np.float64)
    return x if x.dtype == wide else x.astype(wide)


def has_variable(*values: Any) -> bool:
    """Is one of the values a Variable?"""
    return any(isinstance(v, Variable) for v in values)


def moved_back(y: Any, points: int, axis: int) -> Any:
    """Values of shape ``points + rest``, with the axes of the points at ``axis`` of the rest."""
    if axis == 0 or points == y.ndim:
        return y
    order = list(range(y.ndim))
    order = order[points : points + axis] + order[:points] + order[points + axis :]
    return np.transpose(y, order)


class PPoly(MadeOneByOne):
    """``scipy.interpolate.PPoly``: ``Σ_i c[i] (x - x_j)^(k - i)`` on each interval, with derivatives.

    Args:
        c: ``(k + 1, m, ...)`` coefficients, highest power first.
        x: ``(m + 1,)`` breakpoints.
        extrapolate: True, False (NaN outside) or ``"periodic"``.
        axis: of the interpolation, in results.

    Calling it, ``.derivative``, ``.antiderivative`` and ``.integrate`` differentiate in the points and
    limits, in ``c`` and in ``x``; ``.solve`` and ``.roots`` by the implicit function theorem.

    Example:
        >>> import numpy as np, whence
        >>> from whence.scipy.interpolate import PPoly
        >>> f = lambda c: PPoly(np.reshape(c, (2, 1)), [0.0, 1.0])(0.5)
        >>> print(whence.grad(f)(np.array([3.0, 1.0])))
        [0.5 1. ]
    """

    def __init__(self, c: Any, x: Any, extrapolate: Any = None, axis: int = 0) -> None:
        self._plain: Any = interpolate.PPoly(bare(c), bare(x), extrapolate, axis)
        self._hold(c if has_variable(c) else self._plain.c, x if has_variable(x) else self._plain.x)

    def _hold(self, c: Any, x: Any) -> None:
        self.c, self.x = as_floats(c), as_floats(x)
        self.extrapolate, self.axis = self._plain.extrapolate, self._plain.axis

    @classmethod
    def construct_fast(cls, c: Any, x: Any, extrapolate: Any = None, axis: int = 0) -> Any:
        """A piecewise polynomial of these coefficients."""
        made = object.__new__(cls)
        made._plain = interpolate.PPoly(bare(c), bare(x), extrapolate, axis)
        made._hold(c, x)
        return made

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or "_plain" not in self.__dict__:
            raise AttributeError(name)
        if has_variable(self.c, self.x):
            raise no_gradient(f"scipy.interpolate.{type(self).__name__}.{name}")
        return getattr(self._plain, name)

    @one_by_one
    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        """The value (or the derivative of order ``nu``) at the points ``x``."""
        if not has_variable(x, self.c, self.x):
            return self._plain(x, nu, extrapolate)
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        x = as_floats(x)
        points = np.ndim(x)
        flat = np.reshape(x, (-1,))
        knots, shift = self.x, 0.0
        if extrapolate == "periodic":
            flat = knots[0] + np.remainder(flat - knots[0], knots[-1] - knots[0])
        else:
            shift = np.where(_outside(bare(flat), bare(knots)) & (not extrapolate), np.nan, 0.0)
        piece = _pieces(bare(flat), bare(knots))
        y = _horner(_derived(self.c, nu), flat - knots[piece], piece)
        y = np.reshape(y, (*np.shape(x), *self.c.shape[2:]))
        if np.any(np.isnan(shift)):
            y = y + np.reshape(shift, np.shape(x) + (1,) * (self.c.ndim - 2))
        return moved_back(y, points, self.axis)

    def derivative(self, nu: int = 1) -> Any:
        """The piecewise polynomial of the derivative of order ``nu``."""
        if nu < 0:
            return self.antiderivative(-nu)
        return PPoly.construct_fast(_derived(self.c, nu), self.x, self.extrapolate, self.axis)

    def antiderivative(self, nu: int = 1) -> Any:
        """The piecewise polynomial of the antiderivative, zero and continuous from the first breakpoint."""
        if nu <= 0:
            return self.derivative(-nu)
        c = self.c
        widths = np.reshape(np.diff(self.x), (-1,) + (1,) * (c.ndim - 2))
        for _ in range(nu):
            k = c.shape[0]
            c = c / np.reshape(np.arange(k, 0, -1.0), (-1,) + (1,) * (c.ndim - 1))
            gains = widths * _horner_all(c, widths)
            starts = np.cumsum(gains, axis=0)[:-1]
            starts = np.concatenate([np.zeros((1, *c.shape[2:]), c.dtype), starts])
            c = np.concatenate([c, starts[None]])
        extrapolate = False if self.extrapolate == "periodic" else self.extrapolate
        return PPoly.construct_fast(c, self.x, extrapolate, self.axis)

    @one_by_one
    def integrate(self, a: Any, b: Any, extrapolate: Any = None) -> Any:
        """The integral from ``a`` to ``b``."""
        if not has_variable(a, b, self.c, self.x):
            return self._plain.integrate(a, b, extrapolate)
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        whole = self.antiderivative()
        if extrapolate != "periodic":
            return whole(b, extrapolate=extrapolate) - whole(a, extrapolate=extrapolate)
        first, last = self.x[0], self.x[-1]

        def up_to(t: Any) -> Any:
            turns = np.floor(bare((t - first) / (last - first)))
            return turns * whole(last) + whole(t - turns * (last - first), extrapolate=True)

        return up_to(b) - up_to(a)

    def solve(self, y: Any = 0.0, discontinuity: bool = True, extrapolate: Any = None) -> Any:
        """Where the polynomial is ``y``: differentiable where it passes through ``y`` with a slope."""
        if not has_variable(y, self.c, self.x):
            return self._plain.solve(y, discontinuity, extrapolate)
        if self.c.ndim != 2:
            raise misfit("roots of several polynomials at once: take them one by one")
        found = self._plain.solve(bare(y), False, extrapolate)
        if np.any(np.isnan(found)):
            raise no_gradient("scipy.interpolate.PPoly.solve of a polynomial that is constant somewhere")
        return implicit_root(lambda r: self(r, extrapolate=True) - y, found) if found.size else found

    def roots(self, discontinuity: bool = True, extrapolate: Any = None) -> Any:
        """Where the polynomial is zero."""
        return self.solve(0.0, discontinuity, extrapolate)


def _pieces(x: np.ndarray, knots: np.ndarray) -> np.ndarray:
    """The interval that each point belongs to: half-open, the outer ones reach on."""
    if knots[-1] < knots[0]:
        knots, x = -knots, -x
    return np.clip(np.searchsorted(knots, x, side="right") - 1, 0, len(knots) - 2)


def _outside(x: np.ndarray, knots: np.ndarray) -> np.ndarray:
    low, high = min(knots[0], knots[-1]), max(knots[0], knots[-1])
    return ~((x >= low) & (x <= high))


def _derived(c: Any, nu: int) -> Any:
    """The coefficients of the derivative of order ``nu``."""
    for _ in range(nu):
        k = c.shape[0] - 1
        if k == 0:
            return np.zeros(c.shape, c.dtype) * c
        c = c[:-1] * np.reshape(np.arange(k, 0, -1.0), (-1,) + (1,) * (c.ndim - 1))
    return c


def _horner(c: Any, step: Any, piece: np.ndarray) -> Any:
    """The polynomials of the ``piece``s at ``step`` from their breakpoints."""
    return _horner_all(c[:, piece], np.reshape(step, (-1,) + (1,) * (c.ndim - 2)))


def _horner_all(c: Any, step: Any) -> Any:
    y = c[0]
    for row in range(1, c.shape[0]):
        y = y * step + c[row]
    return y
