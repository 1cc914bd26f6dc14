"""Cubic interpolation: each class finds slopes at the points; the rest is Hermite's formula."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from scipy import interpolate

from ..beyond import bare
from .banded import solve
from .ppoly import PPoly, as_floats, has_variable


class CubicHermiteSpline(PPoly):
    """``scipy.interpolate.CubicHermiteSpline``: given values and slopes at points, with derivatives.

    In the points ``x``, the values ``y``, the slopes ``dydx``, and where it is called.
    """

    def __init__(self, x: Any, y: Any, dydx: Any, axis: int = 0, extrapolate: Any = None) -> None:
        self._plain = interpolate.CubicHermiteSpline(bare(x), bare(y), bare(dydx), axis, extrapolate)
        self._through(x, y, lambda x, y: np.moveaxis(as_floats(dydx), self._plain.axis, 0), dydx)

    def _through(self, x: Any, y: Any, slopes: Any, *others: Any) -> None:
        """Hold the coefficients of the cubics with ``slopes(x, y)`` (SciPy's own for plain input)."""
        self._x, self._y = x, y
        if not has_variable(x, y, *others):
            self._hold(self._plain.c, self._plain.x)
            return
        x = as_floats(x)
        y = np.moveaxis(as_floats(y), self._plain.axis, 0)
        s = slopes(x, y)
        h = np.reshape(np.diff(x), (-1,) + (1,) * (y.ndim - 1))
        chord = np.diff(y, axis=0) / h
        bend = (s[:-1] + s[1:] - 2 * chord) / h
        self._hold(np.stack([bend / h, (chord - s[:-1]) / h - bend, s[:-1], y[:-1]]), x)


class CubicSpline(CubicHermiteSpline):
    """``scipy.interpolate.CubicSpline``: twice continuously differentiable, with derivatives.

    In the points ``x``, the values ``y``, the values in ``bc_type``, and where it is called.

    Args:
        x: ``(n,)``, increasing. y: values, ``n`` of them along ``axis``.
        bc_type: ``"not-a-knot"``, ``"periodic"``, ``"clamped"``, ``"natural"``, or a pair of these or
            of ``(order, value)``.
        extrapolate: True, False or ``"periodic"``.

    Example:
        >>> import numpy as np, whence
        >>> from whence.scipy.interpolate import CubicSpline
        >>> x = np.linspace(0, 3, 7)
        >>> g = whence.grad(lambda y: CubicSpline(x, y)(1.25))(np.sin(x))
        >>> print(np.round(np.sum(g), 12))
        1.0
    """

    def __init__(
        self, x: Any, y: Any, axis: int = 0, bc_type: Any = "not-a-knot", extrapolate: Any = None
    ) -> None:
        plain_bc: Any = bc_type
        values: list[Any] = []
        if not isinstance(bc_type, str):
            plain_bc = tuple([bc if isinstance(bc, str) else (bc[0], bare(bc[1])) for bc in bc_type])
            values = [bc[1] for bc in bc_type if not isinstance(bc, str)]
        self._plain = interpolate.CubicSpline(bare(x), bare(y), axis, plain_bc, extrapolate)
        self._through(x, y, lambda x, y: _spline_slopes(x, y, bc_type), *values)


def _spline_slopes(x: Any, y: Any, bc_type: Any) -> Any:
    """Slopes of the cubic spline: a tridiagonal system (de Boor, *A Practical Guide to Splines*, IV)."""
    count = x.shape[0]
    h = np.diff(x)
    wide = np.reshape(h, (-1,) + (1,) * (y.ndim - 1))
    chord = np.diff(y, axis=0) / wide
    start, end = (bc_type, bc_type) if isinstance(bc_type, str) else bc_type
    if start == "periodic" and count > 2:
        return _periodic_slopes(h, wide, chord)
    if count == 2:
        start = (1, chord[0]) if start in ("not-a-knot", "periodic") else start
        end = (1, chord[0]) if end in ("not-a-knot", "periodic") else end
    if count == 3 and start == end == "not-a-knot":  # the parabola through three points
        middle = (wide[0] * chord[1] + wide[1] * chord[0]) / (wide[0] + wide[1])
        return np.stack([2 * chord[0] - middle, middle, 2 * chord[1] - middle])
    first = _end_row(start, h, wide, chord)
    last = _end_row(end, h[::-1], wide[::-1], chord[::-1], -1)
    zero = np.zeros(1)
    inner = 3 * (wide[1:] * chord[:-1] + wide[:-1] * chord[1:])
    ab = np.stack(
        [
            np.concatenate([zero, np.reshape(first[1], (1,)), h[:-1]]),
            np.concatenate([np.reshape(first[0], (1,)), 2 * (h[:-1] + h[1:]), np.reshape(last[0], (1,))]),
            np.concatenate([h[1:], np.reshape(last[1], (1,)), zero]),
        ]
    )
    return _tridiagonal(ab, np.concatenate([first[2][None], inner, last[2][None]]))


_NAMED = {"clamped": (1, 0.0), "natural": (2, 0.0)}


def _end_row(condition: Any, h: Any, wide: Any, chord: Any, sign: int = 1) -> tuple[Any, Any, Any]:
    """The equation at an end: factors of its slope and its neighbour's, and the right-hand side."""
    if isinstance(condition, str) and condition == "not-a-knot":
        span = wide[0] + wide[1]
        right = ((wide[0] + 2 * span) * wide[1] * chord[0] + wide[0] ** 2 * chord[1]) / span
        return h[1], h[0] + h[1], right
    order, value = _NAMED[condition] if isinstance(condition, str) else condition
    if order == 1:
        return np.ones(()), np.zeros(()), value + 0 * chord[0]
    right = 3 * chord[0] * wide[0] - sign * 0.5 * value * wide[0] ** 2
    return 2 * h[0], h[0], right


def _tridiagonal(ab: Any, b: Any) -> Any:
    flat = np.reshape(b, (b.shape[0], -1))
    return np.reshape(solve(ab, flat, width=(1, 1)), b.shape)


def _periodic_slopes(h: Any, wide: Any, chord: Any) -> Any:
    """The same with the ends joined: a cyclic system, by the solutions of two that are not."""
    n = h.shape[0]  # unknowns: the slopes at all points but the last
    if n == 2:
        slope = np.sum(chord / wide, axis=0) / np.sum(1.0 / wide, axis=0)
        return np.stack([slope] * 3)
    before, chord_before = np.roll(h, 1), np.roll(chord, 1, axis=0)
    wide_before = np.roll(wide, 1, axis=0)
    right = 3 * (wide * chord_before + wide_before * chord)
    # row i: h[i] s[i-1] + 2 (h[i-1] + h[i]) s[i] + h[i-1] s[i+1]; the last unknown is taken out
    zero = np.zeros(1)
    ab = np.stack(
        [
            np.concatenate([zero, before[: n - 2]]),
            2 * (before + h)[: n - 1],
            np.concatenate([h[1 : n - 1], zero]),
        ]
    )
    corner = np.concatenate([-h[:1], np.zeros(n - 3), -before[n - 2 : n - 1]])
    free = _tridiagonal(ab, right[:-1])
    moving = np.reshape(_tridiagonal(ab, corner[:, None]), (-1,) + (1,) * (chord.ndim - 1))
    last = (right[-1] - before[-1] * free[0] - h[-1] * free[-1]) / (
        2 * (before[-1] + h[-1]) + before[-1] * moving[0] + h[-1] * moving[-1]
    )
    slopes = free + last[None] * moving
    return np.concatenate([slopes, last[None], slopes[:1]])


class PchipInterpolator(CubicHermiteSpline):
    """``scipy.interpolate.PchipInterpolator``: monotone where the data are, with derivatives.

    In the points, the values, and where it is called. (Fritsch and Butland 1984.) Where two
    neighbouring chords have opposite signs or one is level, the slope there is zero, and so is its
    derivative.
    """

    def __init__(self, x: Any, y: Any, axis: int = 0, extrapolate: Any = None) -> None:
        self._plain = interpolate.PchipInterpolator(bare(x), bare(y), axis, extrapolate)
        self._through(x, y, _pchip_slopes)


def _pchip_slopes(x: Any, y: Any) -> Any:
    h = np.reshape(np.diff(x), (-1,) + (1,) * (y.ndim - 1))
    chord = np.diff(y, axis=0) / h
    if x.shape[0] == 2:
        return np.concatenate([chord, chord])
    left, right = chord[:-1], chord[1:]
    level = np.sign(bare(left)) * np.sign(bare(right)) <= 0
    safe_left, safe_right = np.where(level, 1.0, left), np.where(level, 1.0, right)
    a, b = 2 * h[1:] + h[:-1], h[1:] + 2 * h[:-1]
    inner = np.where(level, 0.0, (a + b) / (a / safe_left + b / safe_right))
    first = _pchip_end(h[0], h[1], chord[0], chord[1])
    last = _pchip_end(h[-1], h[-2], chord[-1], chord[-2])
    return np.concatenate([first[None], inner, last[None]])


def _pchip_end(h0: Any, h1: Any, chord0: Any, chord1: Any) -> Any:
    """The three-point formula, kept within what preserves the shape."""
    slope = ((2 * h0 + h1) * chord0 - h0 * chord1) / (h0 + h1)
    s, m0, m1 = bare(slope), bare(chord0), bare(chord1)
    level = np.sign(s) != np.sign(m0)
    steep = (np.sign(m0) != np.sign(m1)) & (np.abs(s) > 3.0 * np.abs(m0)) & ~level
    return np.where(level, 0.0, np.where(steep, 3.0 * chord0, slope))


class Akima1DInterpolator(CubicHermiteSpline):
    """``scipy.interpolate.Akima1DInterpolator``, ``method="akima"`` or ``"makima"``, with derivatives.

    In the points, the values, and where it is called. (Akima 1970.)
    """

    def __init__(
        self,
        x: Any,
        y: Any,
        axis: int = 0,
        *,
        method: Literal["akima", "makima"] = "akima",
        extrapolate: Any = None,
    ) -> None:
        self._plain = interpolate.Akima1DInterpolator(
            bare(x), bare(y), axis, method=method, extrapolate=extrapolate
        )
        self._through(x, y, lambda x, y: _akima_slopes(x, y, method))


def _akima_slopes(x: Any, y: Any, method: str) -> Any:
    h = np.reshape(np.diff(x), (-1,) + (1,) * (y.ndim - 1))
    m = np.diff(y, axis=0) / h
    if x.shape[0] == 2:
        return np.concatenate([m, m])
    m = np.concatenate([(3 * m[0] - 2 * m[1])[None], (2 * m[0] - m[1])[None], m])
    m = np.concatenate([m, (2 * m[-1] - m[-2])[None], (3 * m[-1] - 2 * m[-2])[None]])
    change = np.abs(np.diff(m, axis=0))
    if method == "makima":
        change = change + 0.5 * np.abs(m[1:] + m[:-1])
    after, before = change[2:], change[:-2]
    total = after + before
    plain_total = bare(total)
    defined = plain_total > 1e-9 * np.max(plain_total, initial=0.0)
    share = np.where(defined, before, 0.0) / np.where(defined, total, 1.0)
    return np.where(defined, m[1:-2] + share * (m[2:-1] - m[1:-2]), 0.5 * (m[3:] + m[:-3]))
