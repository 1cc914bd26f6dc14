"""Airy, Kelvin, Struve, spherical Bessel and parabolic cylinder functions in their argument."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from ..core.origin import called_at
from ..core.primitive import Primitive, elementwise
from ..core.table import OPS
from ..errors import NoGradientError
from .declare import frozen
from .elementwise import spherical_jn
from .orders import constant_only
from .special import is_complex

_ANY, _POSITIVE = (-3.0, 3.0), (0.5, 4.0)

# --- Airy: each solution f has f'' = z f ---------------------------------------------------------


def _airy_rule(g: Any, y: Any, z: Any) -> Any:
    ai, aip, bi, bip = y
    return g[0] * aip + g[1] * (z * ai) + g[2] * bip + g[3] * (z * bi)


def _airye_rule(g: Any, y: Any, z: Any) -> Any:
    if is_complex(z):
        raise NoGradientError(
            f"scipy.special.airye of a complex argument is not holomorphic, and has no gradient in "
            f"whence{called_at()}\n  → scipy.special.airy(z), scaled as it should be"
        )
    left, right = frozen(z) < 0, frozen(z) > 0
    ai, aip = (np.where(left, 0, part) for part in y[:2])  # not scaled left of 0: NaN
    bi, bip = y[2:]
    root = np.where(right, np.sqrt(np.where(right, z, 1)), 0)  # the slope of 2/3 z**(3/2)
    first = g[0] * (aip + root * ai) + g[1] * (z * ai + root * aip)
    second = g[2] * (bip - root * bi) + g[3] * (z * bi - root * bip)
    return np.where(left, 0, first) + second


airy = Primitive("scipy.special.airy", special.airy, vjp=[_airy_rule], many=True)
airye = Primitive("scipy.special.airye", special.airye, vjp=[_airye_rule], many=True)
OPS[special.airy], OPS[special.airye] = airy.apply, airye.apply

# --- Kelvin: ber + i bei solves x**2 f'' + x f' = i x**2 f  (DLMF 10.61.3) -----------------------


def _over(x: Any, slope: Any, name: str) -> Any:
    if np.any(np.equal(x, 0)):
        raise NoGradientError(
            f"scipy.special.{name} has no gradient at 0 in whence{called_at()}\n"
            "  → np.where with another argument in its place"
        )
    return slope / x


def _kelvin(function: Any, slope: Any, other: Any, sign: int) -> None:
    """``f' = slope`` and ``slope' = sign * other - slope / x``."""
    elementwise(function, vjp=[lambda g, y, x: g * slope(x)], reads=["0"], domain=[_POSITIVE])
    name = slope.__name__
    elementwise(slope, vjp=[lambda g, y, x: g * (sign * other(x) - _over(x, y, name))], domain=[_POSITIVE])


_kelvin(special.ber, special.berp, special.bei, -1)
_kelvin(special.bei, special.beip, special.ber, 1)
_kelvin(special.ker, special.kerp, special.kei, -1)
_kelvin(special.kei, special.keip, special.ker, 1)

# --- Struve (DLMF 11.4.27 to 11.4.30) ------------------------------------------------------------


def _struve_rest(v: Any, x: Any) -> Any:
    return (x / 2) ** v * (special.rgamma(v + 1.5) / float(np.sqrt(np.pi)))


struve = elementwise(
    special.struve,
    vjp=[
        constant_only("scipy.special.struve", "the order"),
        lambda g, y, v, x: (
            g * ((special.struve(v - 1, x) - special.struve(v + 1, x) + _struve_rest(v, x)) / 2)
        ),
    ],
    reads=["", "01"],
)
modstruve = elementwise(
    special.modstruve,
    vjp=[
        constant_only("scipy.special.modstruve", "the order"),
        lambda g, y, v, x: (
            g * ((special.modstruve(v - 1, x) + special.modstruve(v + 1, x) + _struve_rest(v, x)) / 2)
        ),
    ],
    reads=["", "01"],
)
itstruve0 = elementwise(
    special.itstruve0, vjp=[lambda g, y, x: g * special.struve(0, x)], reads=["0"], domain=[_POSITIVE]
)
itmodstruve0 = elementwise(
    special.itmodstruve0, vjp=[lambda g, y, x: g * special.modstruve(0, x)], reads=["0"], domain=[_POSITIVE]
)
it2struve0 = elementwise(
    special.it2struve0, vjp=[lambda g, y, x: g * (special.struve(0, x) / -x)], reads=["0"], domain=[_POSITIVE]
)

# --- spherical Bessel ----------------------------------------------------------------------------


class Spherical:
    """A family f_n with ``(2 n + 1) f_n' = below n f_(n-1) + above (n + 1) f_(n+1)``.

    (DLMF 10.51.2, 10.51.5: without a division by z.)
    """

    def __init__(self, name: str, value: Primitive | None, below: float, above: float) -> None:
        self.name, self.below, self.above = name, below, above
        plain = getattr(special, name)
        self.value = value or Primitive(
            f"scipy.special.{name}",
            lambda z, n: plain(n, z),
            vjp=[lambda g, y, z, n: g * self.combined(self.value, z, n)],
            reads=["0"],
            kind="elementwise",
        )
        self.slope = Primitive(
            f"scipy.special.{name}'",
            lambda z, n: plain(n, z, derivative=True),
            vjp=[lambda g, y, z, n: g * self.combined(self.slope, z, n)],
            reads=["0"],
            kind="elementwise",
        )

    def combined(self, f: Primitive, z: Any, n: Any) -> Any:
        """The derivative of ``f``, the family or its derivative, by z."""
        lower = self.below * n * f(z, n=np.maximum(n - 1, 0)) if np.any(n) else 0
        return (lower + self.above * (n + 1) * f(z, n=n + 1)) / (2 * n + 1)


#: Each family by its name in SciPy, whose functions take plain arrays only: see the mirror.
SPHERICAL = {
    family.name: family
    for family in (
        Spherical("spherical_jn", spherical_jn, 1, -1),
        Spherical("spherical_yn", None, 1, -1),
        Spherical("spherical_in", None, 1, 1),
        Spherical("spherical_kn", None, -1, -1),
    )
}

# --- parabolic cylinder functions: values (f, f'), with f'' = potential * f (DLMF 12.2) ----------


def _parabolic(function: Any, operand: str, potential: Any) -> Primitive:
    name = f"scipy.special.{function.__name__}"

    def rule(g: Any, y: Any, v: Any, x: Any) -> Any:
        return g[0] * y[1] + g[1] * (potential(v, x) * y[0])

    primitive = Primitive(name, function, vjp=[constant_only(name, operand), rule], many=True)
    OPS[function] = primitive.apply
    return primitive


pbdv = _parabolic(special.pbdv, "v", lambda v, x: x * x / 4 - v - 0.5)
pbvv = _parabolic(special.pbvv, "v", lambda v, x: x * x / 4 - v - 0.5)
pbwa = _parabolic(special.pbwa, "a", lambda a, x: a - x * x / 4)
