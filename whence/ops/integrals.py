"""Exponential, trigonometric and Fresnel integrals, zeta and W, and hypergeometric functions.

Hypergeometric functions differentiate in the argument; their parameters raise.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special
from scipy.special import _ufuncs

from ..core.origin import called_at
from ..core.primitive import Primitive, elementwise
from ..core.table import OPS
from ..core.variable import as_array
from ..errors import NoGradientError
from .declare import frozen
from .orders import by_parameters, constant_only, differentiated, raised

_ANY, _POSITIVE = (-3.0, 3.0), (0.3, 3.0)

# --- hypergeometric ------------------------------------------------------------------------------


def _constants(name: str, *operands: str) -> list[Any]:
    return [constant_only(f"scipy.special.{name}", operand) for operand in operands]


hyp0f1 = elementwise(
    special.hyp0f1,
    vjp=[
        *_constants("hyp0f1", "v"),
        lambda g, y, v, z: g * (special.hyp0f1(v + 1, z) / v),
    ],
    reads=["", "01"],
)
hyp1f1 = elementwise(
    special.hyp1f1,
    vjp=[
        *_constants("hyp1f1", "a", "b"),
        lambda g, y, a, b, x: g * (a / b * special.hyp1f1(a + 1, b + 1, x)),
    ],
    reads=["", "", "012"],
)
hyp2f1 = elementwise(
    special.hyp2f1,
    vjp=[
        *_constants("hyp2f1", "a", "b", "c"),
        lambda g, y, a, b, c, z: g * (a * b / c * special.hyp2f1(a + 1, b + 1, c + 1, z)),
    ],
    reads=["", "", "", "0123"],
)
hyperu = elementwise(
    special.hyperu,
    vjp=[
        *_constants("hyperu", "a", "b"),
        lambda g, y, a, b, x: g * (-a * special.hyperu(a + 1, b + 1, x)),
    ],
    reads=["", "", "012"],
)
wright_bessel = elementwise(
    special.wright_bessel,
    vjp=[
        *_constants("wright_bessel", "a", "b"),
        lambda g, y, a, b, x: g * special.wright_bessel(a, a + b, x),
    ],
    reads=["", "", "012"],
)
log_wright_bessel = elementwise(
    special.log_wright_bessel,
    vjp=[
        *_constants("log_wright_bessel", "a", "b"),
        lambda g, y, a, b, x: g * np.exp(special.log_wright_bessel(a, a + b, x) - y),
    ],
    reads=["", "", "012y"],
)

# --- exponential integrals -----------------------------------------------------------------------


def _expn_slope(n: Any, x: Any) -> Any:
    """``-E_(n-1)(x)``; SciPy has no ``E_-1 = exp(-x) (1 + x) / x**2``."""
    n = np.trunc(frozen(n))  # as SciPy does
    first = np.equal(n, 0)
    lower = -special.expn(np.maximum(n - 1, 0), x)
    return np.where(first, -np.exp(-x) * (1 + x) / (x * x), lower) if np.any(first) else lower


expn = elementwise(
    special.expn,
    vjp=[
        constant_only("scipy.special.expn", "n", "it is an integer"),
        lambda g, y, n, x: g * _expn_slope(n, x),
    ],
    reads=["", "01"],
)
exp1 = elementwise(special.exp1, vjp=[lambda g, y, x: -g * (np.exp(-x) / x)], reads=["0"], domain=[_POSITIVE])
expi = elementwise(special.expi, vjp=[lambda g, y, x: g * (np.exp(x) / x)], reads=["0"], domain=[_POSITIVE])


def _many(function: Any, *slopes: Any) -> Primitive:
    """Declare a function of one argument with several values, from the slope of each."""

    def rule(g: Any, y: Any, x: Any) -> Any:
        terms = [part * slope(x) for part, slope in zip(g, slopes, strict=True)]
        return sum(terms[1:], terms[0])

    primitive = Primitive(f"scipy.special.{function.__name__}", function, vjp=[rule], reads=["0"], many=True)
    OPS[function] = primitive.apply
    return primitive


_PI = float(np.pi)
sici = _many(special.sici, lambda x: np.sinc(x / _PI), lambda x: np.cos(x) / x)
shichi = _many(
    special.shichi,
    lambda x: special.exprel(x) / 2 + special.exprel(-x) / 2 if x.dtype.kind == "f" else np.sinh(x) / x,
    lambda x: np.cosh(x) / x,
)
fresnel = _many(special.fresnel, lambda x: np.sin(x * x * (_PI / 2)), lambda x: np.cos(x * x * (_PI / 2)))
itj0y0 = _many(special.itj0y0, special.j0, special.y0)
iti0k0 = _many(special.iti0k0, special.i0, special.k0)
it2j0y0 = _many(special.it2j0y0, lambda x: (1 - special.j0(x)) / x, lambda x: -special.y0(x) / x)
it2i0k0 = _many(special.it2i0k0, lambda x: (special.i0(x) - 1) / x, lambda x: -special.k0(x) / x)


def _spence_slope(x: Any) -> Any:
    """``log(x) / (1 - x)``, regular at 1: log1p(w) / w is 2F1(1, 1; 2; -w)."""
    w = x - 1
    near = np.absolute(frozen(w)) < 0.5
    series = -special.hyp2f1(1.0, 1.0, 2.0, -np.where(near, w, 0))
    far = np.where(near, 2, x)
    return np.where(near, series, np.log(far) / (1 - far))


spence = elementwise(
    special.spence, vjp=[lambda g, y, x: g * _spence_slope(x)], reads=["0"], domain=[_POSITIVE]
)

# --- zeta ----------------------------------------------------------------------------------------


def _declare_zeta() -> tuple[Primitive, Primitive]:
    """The two ufuncs behind ``special.zeta``."""
    riemann, hurwitz = _ufuncs._riemann_zeta, _ufuncs._zeta

    def by_x(x: Any, q: Any, order: int) -> Any:
        exponent = as_array(x)
        if exponent.dtype.kind == "c":
            raise NoGradientError(
                f"scipy.special.zeta of a complex argument has no gradient in whence{called_at()}\n"
                "  → pass v.data to treat it as a constant"
            )
        radius = np.minimum(1.0, 0.3 * np.abs(exponent - 1))  # there is a pole at 1
        if q is None:
            return differentiated(riemann, (x,), (order,), (radius,))
        length = 2 / np.maximum(np.abs(np.log(q)), 1)
        return differentiated(hurwitz, (x, q), (order, 0), (np.minimum(radius, length), None))

    def riemann_rule(g: Any, y: Any, x: Any, order: int) -> Any:
        return g * by_riemann(x, order=raised((order,), 0, "scipy.special.zeta")[0])

    by_riemann = by_parameters(
        "scipy.special.zeta by x",
        lambda x, order: by_x(x, None, order),
        vjp=[riemann_rule],
        reads=["0"],
    )
    # zeta(x, q)' in q is -x zeta(x + 1, q); so its derivatives in x are a sum of two
    by_hurwitz = by_parameters(
        "scipy.special.zeta(x, q) by x",
        by_x,
        vjp=[
            lambda g, y, x, q, order: (
                g * by_hurwitz(x, q, order=raised((order,), 0, "scipy.special.zeta")[0])
            ),
            lambda g, y, x, q, order: (
                -g
                * (
                    x * by_hurwitz(x + 1, q, order=order)
                    + order * (by_hurwitz(x + 1, q, order=order - 1) if order > 1 else hurwitz(x + 1, q))
                )
            ),
        ],
        reads=["01", "01"],
    )
    elementwise(
        special.zetac, vjp=[lambda g, y, x: g * by_riemann(x, order=1)], reads=["0"], domain=[(1.5, 5.0)]
    )
    return (
        elementwise(
            riemann,
            vjp=[lambda g, y, x: g * by_riemann(x, order=1)],
            reads=["0"],
            domain=[(1.5, 5.0)],
            name="scipy.special.zeta",
        ),
        elementwise(
            hurwitz,
            vjp=[
                lambda g, y, x, q: g * by_hurwitz(x, q, order=1),
                lambda g, y, x, q: g * (-x * hurwitz(x + 1, q)),
            ],
            reads=["01", "01"],
            domain=[(1.5, 5.0), (0.5, 3.0)],
            name="scipy.special.zeta(x, q)",
        ),
    )


riemann_zeta, hurwitz_zeta = _declare_zeta()

# --- W and omega ---------------------------------------------------------------------------------

wrightomega = elementwise(
    special.wrightomega, vjp=[lambda g, y, z: g * (y / (1 + y))], reads=["y"], domain=[_ANY]
)
lambertw = Primitive(
    "scipy.special.lambertw",
    lambda z, k, tol: _ufuncs._lambertw(z, k, tol),
    vjp=[lambda g, y, z, k, tol: g * (np.exp(-y) / (1 + y))],
    reads=["y"],
    kind="elementwise",
)
OPS[_ufuncs._lambertw] = lambda z, k, tol: lambertw(z, k=frozen(k), tol=frozen(tol))
