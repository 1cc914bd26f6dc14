"""B-splines: in the points, the coefficients and the knots."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import interpolate

from ...ops.index import scatter
from ..beyond import bare, no_gradient
from ..examples import MadeOneByOne, one_by_one
from .banded import solve
from .ppoly import as_floats, has_variable, moved_back


class BSpline(MadeOneByOne):
    """``scipy.interpolate.BSpline``: ``Σ_i c_i B_i,k(x)``, with derivatives.

    Args:
        t: ``(n + k + 1,)`` knots. c: ``(n, ...)`` coefficients. k: degree.
        extrapolate: True, False (NaN outside) or ``"periodic"``.

    Calling it, ``.derivative``, ``.antiderivative`` and ``.integrate`` differentiate in the points and
    limits, in ``c`` and in ``t`` (where knots coincide, for as long as they do).

    Example:
        >>> import numpy as np, whence
        >>> from whence.scipy.interpolate import BSpline
        >>> t = np.array([0.0, 0, 0, 1, 2, 2, 2])
        >>> print(whence.grad(lambda c: BSpline(t, c, 2)(0.5))(np.ones(4)))
        [0.25  0.625 0.125 0.   ]
    """

    def __init__(self, t: Any, c: Any, k: int, extrapolate: Any = True, axis: int = 0) -> None:
        self._plain: Any = interpolate.BSpline(bare(t), bare(c), k, extrapolate, axis)
        c = np.moveaxis(c, axis, 0) if has_variable(c) else self._plain.c
        self._hold(t if has_variable(t) else self._plain.t, c)

    def _hold(self, t: Any, c: Any) -> None:
        self.t, self.c, self.k = as_floats(t), as_floats(c), self._plain.k
        self.extrapolate, self.axis = self._plain.extrapolate, self._plain.axis

    @classmethod
    def construct_fast(cls, t: Any, c: Any, k: int, extrapolate: Any = True, axis: int = 0) -> Any:
        """The spline of these knots and coefficients (which run along their first axis)."""
        made = object.__new__(cls)
        made._plain = interpolate.BSpline.construct_fast(
            np.asarray(bare(t), float), np.asarray(bare(c)), k, extrapolate, axis
        )
        made._hold(t, c)
        return made

    @property
    def tck(self) -> tuple[Any, Any, int]:
        """Knots, coefficients and degree."""
        return self.t, self.c, self.k

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or "_plain" not in self.__dict__:
            raise AttributeError(name)
        if has_variable(self.t, self.c):
            raise no_gradient(f"scipy.interpolate.BSpline.{name}")
        return getattr(self._plain, name)

    @staticmethod
    def basis_element(t: Any, extrapolate: Any = True) -> Any:
        """The B-spline of these knots alone."""
        k = len(t) - 2
        t = as_floats(t)
        padded = np.concatenate([t[:1] - np.ones(k), t, t[-1:] + np.ones(k)])
        c = np.zeros(len(padded) - k - 1)
        c[k] = 1.0
        made = BSpline.construct_fast(padded, c, k, extrapolate)
        made._plain = interpolate.BSpline.construct_fast(bare(padded), c, k, extrapolate)
        return made

    @one_by_one
    def __call__(self, x: Any, nu: int = 0, extrapolate: Any = None) -> Any:
        """The value (or the derivative of order ``nu``) at the points ``x``."""
        if not has_variable(x, self.t, self.c):
            return self._plain(x, nu, extrapolate)
        if nu:
            if nu > self.k:
                return 0.0 * self(x, 0, extrapolate)
            return self.derivative(nu)(x, 0, self.extrapolate if extrapolate is None else extrapolate)
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        x, t, k = as_floats(x), self.t, self.k
        flat = np.reshape(x, (-1,))
        count = t.shape[0] - k - 1
        first, last = t[k], t[count]
        if extrapolate == "periodic":
            flat = first + np.remainder(flat - first, last - first)
        y = _value(t, self.c[:count], k, flat)
        y = np.reshape(y, (*np.shape(x), *self.c.shape[1:]))
        if not extrapolate:
            at, low, high = bare(x), bare(first), bare(last)
            nothing = np.where((at < low) | (at > high), np.nan, 0.0)
            y = y + np.reshape(nothing, np.shape(x) + (1,) * (self.c.ndim - 1))
        return moved_back(y, np.ndim(x), self.axis)

    def derivative(self, nu: int = 1) -> Any:
        """The spline of the derivative of order ``nu``."""
        if nu < 0:
            return self.antiderivative(-nu)
        t, k = self.t, self.k
        c = self.c[: t.shape[0] - k - 1]
        if nu > k:
            raise ValueError(f"Order of derivative (n = {nu!r}) must be <= order of spline (k = {k!r})")
        for _ in range(nu):
            c = _columns(k * _inverse(t[k + 1 : -1] - t[1 : -k - 1]), c) * np.diff(c, axis=0)
            t, k = t[1:-1], k - 1
        return BSpline.construct_fast(t, _padded(c, k), k, self.extrapolate, self.axis)

    def antiderivative(self, nu: int = 1) -> Any:
        """The spline of the antiderivative, zero at its first knot."""
        if nu <= 0:
            return self.derivative(-nu)
        t, k = self.t, self.k
        c = self.c[: t.shape[0] - k - 1]
        for _ in range(nu):
            terms = _columns((t[k + 1 :] - t[: -k - 1]) / (k + 1), c) * c
            c = np.concatenate([np.zeros((1, *c.shape[1:]), c.dtype), np.cumsum(terms, axis=0)])
            t, k = np.concatenate([t[:1], t, t[-1:]]), k + 1
        extrapolate = False if self.extrapolate == "periodic" else self.extrapolate
        # beyond the last knot the coefficients go on being what they were
        c = np.concatenate([c, *([c[-1:]] * (k + 1))])
        return BSpline.construct_fast(t, c, k, extrapolate, self.axis)

    @one_by_one
    def integrate(self, a: Any, b: Any, extrapolate: Any = None) -> Any:
        """The integral from ``a`` to ``b``."""
        if not has_variable(a, b, self.t, self.c):
            return self._plain.integrate(a, b, extrapolate)
        extrapolate = self.extrapolate if extrapolate is None else extrapolate
        whole = self.antiderivative()
        first, last = self.t[self.k], self.t[self.t.shape[0] - self.k - 1]

        def up_to(x: Any) -> Any:
            if extrapolate == "periodic":
                turns = np.floor(bare((x - first) / (last - first)))
                around = whole(last, extrapolate=True) - whole(first, extrapolate=True)
                return turns * around + whole(x - turns * (last - first), extrapolate=True)
            if not extrapolate:
                x = np.clip(x, first, last)
            return whole(x, extrapolate=True)

        return up_to(b) - up_to(a)


def _inverse(width: Any) -> Any:
    """``1 / width``, zero where it is zero (a basis function of no width takes no part)."""
    none = bare(width) == 0
    return np.where(none, 0.0, 1.0 / np.where(none, 1.0, width))


def _columns(factors: Any, c: Any) -> Any:
    return np.reshape(factors, (-1,) + (1,) * (c.ndim - 1))


def _padded(c: Any, k: int) -> Any:
    """As SciPy holds coefficients: zeros behind them, up to the number of knots."""
    return np.concatenate([c, np.zeros((k + 1, *c.shape[1:]), c.dtype)])


def _interval(t: np.ndarray, k: int, x: np.ndarray) -> np.ndarray:
    """The knot interval that each point belongs to, of those with width."""
    count = len(t) - k - 1
    last = int(np.searchsorted(t, t[count], side="left")) - 1 if k else count - 1
    first = int(np.searchsorted(t, t[k], side="right")) - 1
    return np.clip(np.searchsorted(t, x, side="right") - 1, first, max(last, first))


def _value(t: Any, c: Any, k: int, x: Any) -> Any:
    """De Boor's algorithm at all points at once (*A Practical Guide to Splines*, X)."""
    interval = _interval(bare(t), k, bare(x))
    d = c[interval[:, None] + np.arange(-k, 1)]  # (points, k + 1, ...)
    return _triangle(t, d, k, x, interval)


def _triangle(t: Any, d: Any, k: int, x: Any, interval: np.ndarray) -> Any:
    at = np.reshape(x, (-1, 1))
    for r in range(1, k + 1):
        places = interval[:, None] + np.arange(r - k, 1)
        low, high = t[places], t[places + k - r + 1]
        share = (at - low) / (high - low)
        share = np.reshape(share, share.shape + (1,) * (d.ndim - 2))
        d = (1 - share) * d[:, :-1] + share * d[:, 1:]
    return d[:, 0]


def _basis(t: Any, k: int, x: Any) -> tuple[Any, np.ndarray]:
    """The ``k + 1`` basis functions that are not zero at each point, and the index of the first."""
    interval = _interval(bare(t), k, bare(x))
    unit = np.broadcast_to(np.eye(k + 1), (len(interval), k + 1, k + 1))
    values = _triangle(t, unit, k, x, interval) if k else np.ones((len(interval), 1))
    return values, interval - k


@one_by_one
def make_interp_spline(
    x: Any, y: Any, k: int = 3, t: Any = None, bc_type: Any = None, axis: int = 0, check_finite: bool = True
) -> Any:
    """``scipy.interpolate.make_interp_spline``: the spline of degree ``k`` through the points.

    Differentiable in ``x``, ``y``, the knots ``t`` and the values in ``bc_type``. ``"periodic"`` has
    no gradient (a cubic one has in ``CubicSpline``).

    Example:
        >>> import numpy as np, whence
        >>> from whence.scipy.interpolate import make_interp_spline
        >>> x = np.linspace(0, 1, 6)
        >>> f = lambda y: make_interp_spline(x, y, k=5)(0.3)
        >>> print(np.round(whence.grad(f)(x**2) @ x**2, 12))
        0.09
    """
    plain_bc, values = _plain_conditions(bc_type)
    plain = interpolate.make_interp_spline(bare(x), bare(y), k, bare(t), plain_bc, axis, check_finite)
    if not has_variable(x, y, t, *values):
        return BSpline.construct_fast(plain.t, plain.c, plain.k, plain.extrapolate, plain.axis)
    if isinstance(bc_type, str) and bc_type == "periodic":
        raise no_gradient(
            'scipy.interpolate.make_interp_spline(bc_type="periodic")',
            'a cubic one: whence.scipy.interpolate.CubicSpline(x, y, bc_type="periodic")',
        )
    x, y = as_floats(x), np.moveaxis(as_floats(y), plain.axis, 0)
    if k == 0:
        return BSpline.construct_fast(np.concatenate([x, x[-1:]]), y, 0, True, plain.axis)
    ends = (bc_type, bc_type) if isinstance(bc_type, str) and bc_type != "not-a-knot" else bc_type
    start, end = (None, None) if ends is None or isinstance(ends, str) else ends
    knots = _knots(x, k, start is None and end is None) if t is None else as_floats(t)
    c = _coefficients(x, y, knots, k, _conditions(start), _conditions(end))
    return BSpline.construct_fast(knots, c, k, True, plain.axis)


def _plain_conditions(bc_type: Any) -> tuple[Any, list[Any]]:
    """SciPy's ``bc_type`` with bare values, and the values in it."""
    if bc_type is None or isinstance(bc_type, str):
        return bc_type, []
    plain, values = [], []
    for end in bc_type:
        if end is None or isinstance(end, str):
            plain.append(end)
        else:
            values += [value for _, value in end]
            plain.append([(order, bare(value)) for order, value in end])
    return tuple(plain), values


def _conditions(end: Any) -> list[tuple[int, Any]]:
    """Orders and values of the derivatives that are given at an end."""
    if end is None:
        return []
    if isinstance(end, str):
        return [({"clamped": 1, "natural": 2}[end], 0.0)]
    return [(int(order), value) for order, value in end]


def _knots(x: Any, k: int, free: bool) -> Any:
    """The knots that SciPy chooses: not-a-knot, or all points where derivatives are given."""
    ends = np.concatenate([x[:1]] * k), np.concatenate([x[-1:]] * k)
    if not free:
        return np.concatenate([ends[0], x, ends[1]])
    if k == 1:
        return np.concatenate([x[:1], x, x[-1:]])
    drop = (k + 1) // 2 if k % 2 else k // 2
    inner = x if k % 2 else (x[1:] + x[:-1]) / 2
    return np.concatenate([ends[0], x[:1], inner[drop:-drop], x[-1:], ends[1]])


def _coefficients(x: Any, y: Any, t: Any, k: int, start: Any, end: Any) -> Any:
    """Solve the collocation equations, derivatives at the ends before and behind the points."""
    count = t.shape[0] - k - 1
    values, first = _basis(t, k, x)
    rows = len(start) + np.arange(x.shape[0])[:, None] + np.zeros(k + 1, int)
    columns = first[:, None] + np.arange(k + 1)
    entries, places, right = [np.reshape(values, (-1,))], [(rows.ravel(), columns.ravel())], []
    for row, at, (order, value) in [
        *((i, x[0], given) for i, given in enumerate(start)),
        *((count - len(end) + i, x[-1], given) for i, given in enumerate(end)),
    ]:
        slopes, begin = _derivative_basis(t, k, at, order)
        entries.append(slopes)
        places.append((np.full(k + 1, row), begin + np.arange(k + 1)))
        right.append(np.broadcast_to(value, y.shape[1:])[None] + 0 * y[:1])
    rows, columns = (np.concatenate([place[i] for place in places]) for i in (0, 1))
    ab = scatter.apply(np.concatenate(entries), index=(k + rows - columns, columns), shape=(2 * k + 1, count))
    b = np.concatenate([*right[: len(start)], y, *right[len(start) :]])
    flat = np.reshape(b, (count, -1))
    return np.reshape(solve(ab, flat, width=(k, k)), b.shape)


def _derivative_basis(t: Any, k: int, at: Any, order: int) -> tuple[Any, int]:
    """Derivatives of the basis functions at one of the outermost points."""
    interval = int(_interval(bare(t), k, np.reshape(bare(at), (1,)))[0])
    near = t[interval - k : interval + k + 2]  # the knots that matter there
    unit = BSpline.construct_fast(near, np.eye(k + 1), k)
    for _ in range(order):
        unit = unit.derivative()
    c = unit.c[: near.shape[0] - 2 * order - unit.k - 1]
    x = np.reshape(at, (1,))
    local = np.array([k - order])
    d = c[local[:, None] + np.arange(-unit.k, 1)]
    return _triangle(unit.t, d, unit.k, x, local)[0], interval - k


@one_by_one
def splev(x: Any, tck: Any, der: int = 0, ext: int = 0) -> Any:
    """``scipy.interpolate.splev``: a spline (knots, coefficients, degree) at points, with derivatives.

    In the points, the coefficients and the knots; ``ext=0`` (extrapolate) and ``ext=3`` (the value at
    the boundary) for Variables.
    """
    t, c, k = (tck.t, tck.c, tck.k) if isinstance(tck, (BSpline, interpolate.BSpline)) else tck
    if not has_variable(x, t, c):
        return interpolate.splev(x, (t, c, k), der, ext)
    if ext not in (0, 3) or isinstance(c, (list, tuple)):
        raise no_gradient(f"scipy.interpolate.splev(ext={ext})", "ext=0 or 3, and one curve at a time")
    x = np.clip(as_floats(x), t[k], t[np.shape(t)[0] - k - 1]) if ext == 3 else x
    return BSpline(t, c, k)(x, der)
