"""Calls of the mirror of ``scipy.interpolate`` for the laws."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import interpolate

from whence.scipy import interpolate as ours

from .entries import Spec
from .examples import EXAMPLES, Example

GAPS, VALUES, ROWS = Spec((6,), 0.4, 1.0), Spec((6,)), Spec((2, 6))
INSIDE, WIDE = Spec((2, 3), 0.4, 2.0), Spec((4,), -1.0, 6.0)
ENDS = Spec((2,))


def _both(call: Any, *specs: Spec) -> Example:
    """``call(module, *arrays)`` with our module and with SciPy's."""
    return Example(
        lambda *xs: call(ours, *xs), specs, complex=False, plain=lambda *xs: call(interpolate, *xs)
    )


def _x(gaps: Any) -> Any:
    """Increasing points, as doubles (SciPy's splines compute in doubles)."""
    return np.cumsum(gaps.astype(np.float64))


def _closed(y: Any) -> Any:
    """Values whose last is the first."""
    return np.concatenate([y[..., :-1], y[..., :1]], axis=-1)


def _spline(bc_type: Any, nu: int = 0, **options: Any) -> Example:
    return _both(
        lambda m, g, y, p: m.CubicSpline(_x(g), y, bc_type=bc_type, **options)(p.astype(float), nu),
        GAPS,
        VALUES,
        INSIDE,
    )


def _interpolating(k: int, nu: int = 0, **options: Any) -> Example:
    return _both(
        lambda m, g, y, p: m.make_interp_spline(_x(g), y.astype(float), k, **options)(p.astype(float), nu),
        GAPS,
        VALUES,
        INSIDE,
    )


GRID = (np.array([0.0, 0.5, 2.0]), np.array([0.0, 1.0, 1.5, 2.5]))
KNOTS = np.array([0.0, 0, 0, 0.5, 1.2, 2.0, 2.0, 2.0])

EXAMPLES.update(
    {
        ours.CubicSpline: [
            *[_spline(bc) for bc in ("not-a-knot", "clamped", "natural")],
            _spline(("natural", (1, 0.5)), 1),
            _spline("not-a-knot", 2, extrapolate="periodic"),
            _both(
                lambda m, g, y, p: m.CubicSpline(_x(g), _closed(y), bc_type="periodic")(p.astype(float)),
                GAPS,
                VALUES,
                WIDE,
            ),
            _both(
                lambda m, g, y, e: m.CubicSpline(
                    _x(g), y, axis=1, bc_type=((1, e.astype(float)), (2, e.astype(float)))
                )(1.3),
                GAPS,
                ROWS,
                ENDS,
            ),
            _both(
                lambda m, g, y, e: m.CubicSpline(_x(g), y).integrate(e[0].astype(float), e[1].astype(float)),
                GAPS,
                VALUES,
                ENDS,
            ),
            _both(
                lambda m, g, y, p: m.CubicSpline(_x(g), y).antiderivative().derivative(2)(p.astype(float)),
                GAPS,
                VALUES,
                INSIDE,
            ),
            *[
                _both(
                    lambda m, g, y, n=n: m.CubicSpline(_x(g), y)(np.array([0.1, 0.7 * n])),
                    Spec((n,), 0.4, 1.0),
                    Spec((n,)),
                )
                for n in (2, 3, 4)
            ],
        ],
        ours.PchipInterpolator: [
            _both(
                lambda m, g, y, p: m.PchipInterpolator(_x(g), y.astype(float))(p.astype(float)),
                GAPS,
                VALUES,
                INSIDE,
            ),
            _both(
                lambda m, g, y: m.PchipInterpolator(_x(g), np.cumsum(np.exp(y.astype(float))))(1.1, 1),
                GAPS,
                VALUES,
            ),
        ],
        ours.Akima1DInterpolator: [
            _both(
                lambda m, g, y, method=method: m.Akima1DInterpolator(_x(g), y.astype(float), method=method)(
                    1.1
                ),
                GAPS,
                VALUES,
            )
            for method in ("akima", "makima")
        ],
        ours.CubicHermiteSpline: [
            _both(
                lambda m, g, y, s, p: m.CubicHermiteSpline(_x(g), y, s, axis=1)(p.astype(float)),
                GAPS,
                ROWS,
                ROWS,
                INSIDE,
            )
        ],
        ours.PPoly: [
            _both(
                lambda m, c, g, p: m.PPoly(c.astype(float), _x(g))(p.astype(float)),
                Spec((3, 5, 2)),
                GAPS,
                WIDE,
            ),
            _both(
                lambda m, c, e: m.PPoly(c.astype(float), np.arange(6.0), extrapolate="periodic").integrate(
                    e[0].astype(float) * 7, e[1].astype(float)
                ),
                Spec((3, 5)),
                ENDS,
            ),
        ],
        ours.BSpline: [
            _both(
                lambda m, c, p: m.BSpline(KNOTS, c.astype(float), 2)(p.astype(float)), Spec((5, 2)), INSIDE
            ),
            _both(
                lambda m, g, c, p: m.BSpline(_x(g), c.astype(float), 3, extrapolate="periodic")(
                    p.astype(float)
                ),
                Spec((9,), 0.4, 1.0),
                Spec((5,)),
                WIDE,
            ),
            _both(
                lambda m, g, c, e: m.BSpline(_x(g), c.astype(float), 3).integrate(
                    e[0].astype(float), e[1].astype(float)
                ),
                Spec((9,), 0.4, 1.0),
                Spec((5,)),
                ENDS,
            ),
            _both(lambda m, c: m.BSpline(KNOTS, c.astype(float), 2).derivative()(0.7), Spec((5,))),
        ],
        ours.make_interp_spline: [
            *[_interpolating(k) for k in (1, 2, 3, 4, 5)],
            _interpolating(3, 2),
            _interpolating(3, bc_type="natural"),
            _interpolating(3, bc_type=([(1, 0.3)], [(2, 0.5)])),
            _interpolating(5, bc_type=([(1, 0.3), (2, 0.1)], [(1, 0.0), (3, 0.5)])),
        ],
        ours.splev: [
            _both(
                lambda m, c, p: m.splev(p.astype(float), (KNOTS, c.astype(float), 2), der=1),
                Spec((5,)),
                INSIDE,
            )
        ],
        ours.interp1d: [
            *[
                _both(
                    lambda m, g, y, p, kind=kind: m.interp1d(
                        _x(g), y.astype(float), kind, fill_value="extrapolate"
                    )(p.astype(float)),
                    GAPS,
                    ROWS,
                    INSIDE,
                )
                for kind in ("linear", "quadratic", "cubic", "slinear", 5)
            ],
            *[
                _both(
                    lambda m, y, kind=kind: m.interp1d(
                        np.arange(6.0),
                        y.astype(float),
                        kind,
                        axis=0,
                        bounds_error=False,
                        fill_value=(1.0, 2.0),
                    )(np.array([-1.0, 0.3, 2.0, 3.5, 9.0])),
                    VALUES,
                )
                for kind in ("nearest", "nearest-up", "previous", "next", "zero", "linear")
            ],
        ],
        ours.RegularGridInterpolator: [
            _both(
                lambda m, v, p: m.RegularGridInterpolator(GRID, v.astype(float))(p.astype(float)),
                Spec((3, 4)),
                Spec((5, 2), 0.0, 2.0),
            ),
            _both(
                lambda m, g, v: m.RegularGridInterpolator(
                    (_x(g), GRID[1]), v.astype(float), bounds_error=False, fill_value=None
                )(np.array([[1.0, 1.1], [9.0, -1.0]])),
                Spec((3,), 0.4, 1.0),
                Spec((3, 4, 2)),
            ),
            _both(
                lambda m, v: m.RegularGridInterpolator(GRID, v.astype(float), "nearest")(
                    np.array([[0.1, 0.7], [1.9, 1.0]])
                ),
                Spec((3, 4)),
            ),
        ],
        ours.interpn: [
            _both(
                lambda m, v, p: m.interpn(GRID, v.astype(float), p.astype(float)),
                Spec((3, 4)),
                Spec((5, 2), 0.0, 2.0),
            )
        ],
    }
)
