"""Bessel functions in their argument, by recurrence, and in their order.

For all of them ``f_v'(z) = below f_(v-1) + above f_(v+1) + same(z) f_v`` with constants (DLMF 10.6.1,
10.29.1; the exponentially scaled ones have a third term). Derivatives by the order obey the same
relation, since its coefficients do not hold v; they are computed as `orders` says. SciPy's functions
are entire in the order, so integers are no special case, as they are in the reflection formulas.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from ..core.origin import called_at
from ..core.primitive import Primitive, elementwise
from ..core.variable import as_array
from ..errors import NoGradientError
from .declare import frozen
from .orders import by_parameters, constant_only, differentiated, raised
from .special import is_complex

_ANY, _POSITIVE, _ORDER = (-3.0, 3.0), (0.5, 4.0), (-2.2, 3.7)
_REMEDY = "pass the order as a plain number, or v.data"

# --- any order -----------------------------------------------------------------------------------


def _order_radius(v: Any, z: Any) -> Any:
    """``f_v(z)`` changes with v by a factor of ``e**alpha``, alpha about ``log(2 v / z)``, or turns."""
    with np.errstate(all="ignore"):
        alpha = np.log(2 * np.maximum(np.abs(v), 1) / np.maximum(np.abs(z), 1e-300))
    return 1.1 / np.maximum(alpha, 1)


def _by_order(function: Any, name: str) -> Callable[..., Any]:
    def forward(v: Any, z: Any, order: int) -> Any:
        at = as_array(z)
        if at.dtype.kind != "c" and np.any(at < 0):
            raise NoGradientError(
                f"{name} of a negative argument is real at integer orders only, and has no gradient "
                f"for the order{called_at()}\n  → {_REMEDY}; or a complex argument"
            )
        if np.any(at == 0):
            raise NoGradientError(
                f"{name} at 0 jumps with the order, and has no gradient for it{called_at()}\n  → {_REMEDY}"
            )
        return differentiated(function, (v, z), (order, 0), (_order_radius(v, z), None))

    return forward


def _no_scale(z: Any) -> Any:
    return 0


def _holomorphic(name: str, plain: str, factor: str) -> Callable[[Any], None]:
    """Refuses complex arguments where the scale factor is not holomorphic."""

    def check(z: Any) -> None:
        if is_complex(z):
            raise NoGradientError(
                f"{name} of a complex argument is not holomorphic, and has no gradient in "
                f"whence{called_at()}\n  → {plain}(v, z) * {factor}"
            )

    return check


def _anything(z: Any) -> None:
    """Nothing to refuse."""


def cylinder(
    function: Any,
    below: float,
    above: float,
    same: Callable[[Any], Any] = _no_scale,
    check: Callable[[Any], None] = _anything,
    domain: Any = (),
) -> Primitive:
    """Declare ``function(v, z)`` with ``d/dz = below f(v-1, z) + above f(v+1, z) + same(z) f(v, z)``."""
    name = f"scipy.special.{function.__name__}"

    def slope(f: Callable[[Any], Any], y: Any, v: Any, z: Any) -> Any:
        check(z)
        sides = below * f(v - 1) + above * f(v + 1)
        return sides if same is _no_scale else sides + same(z) * y

    def by_argument(g: Any, y: Any, v: Any, z: Any) -> Any:
        return g * slope(lambda u: function(u, z), y, v, z)

    def by_order(g: Any, y: Any, v: Any, z: Any) -> Any:
        check(z)
        return g * ordered(v, z, order=1)

    ordered = by_parameters(
        f"{name} by order",
        _by_order(function, name),
        vjp=[
            lambda g, y, v, z, order: g * ordered(v, z, order=raised((order,), 0, name)[0]),
            lambda g, y, v, z, order: g * slope(lambda u: ordered(u, z, order=order), y, v, z),
        ],
    )
    return elementwise(function, vjp=[by_order, by_argument], domain=domain)


_BOTH = [_ORDER, _POSITIVE]
_DAMPED, _SHRUNK = "np.exp(-np.abs(np.imag(z)))", "np.exp(-np.abs(np.real(z)))"
jv = cylinder(special.jv, 0.5, -0.5, domain=_BOTH)
yv = cylinder(special.yv, 0.5, -0.5, domain=_BOTH)
iv = cylinder(special.iv, 0.5, 0.5, domain=_BOTH)
kv = cylinder(special.kv, -0.5, -0.5, domain=_BOTH)
kve = cylinder(special.kve, -0.5, -0.5, lambda z: 1, domain=_BOTH)
hankel1 = cylinder(special.hankel1, 0.5, -0.5, domain=_BOTH)
hankel2 = cylinder(special.hankel2, 0.5, -0.5, domain=_BOTH)
hankel1e = cylinder(special.hankel1e, 0.5, -0.5, lambda z: -1j, domain=_BOTH)
hankel2e = cylinder(special.hankel2e, 0.5, -0.5, lambda z: 1j, domain=_BOTH)
jve = cylinder(
    special.jve,
    0.5,
    -0.5,
    check=_holomorphic("scipy.special.jve", "scipy.special.jv", _DAMPED),
    domain=_BOTH,
)
yve = cylinder(
    special.yve,
    0.5,
    -0.5,
    check=_holomorphic("scipy.special.yve", "scipy.special.yv", _DAMPED),
    domain=_BOTH,
)
ive = cylinder(
    special.ive,
    0.5,
    0.5,
    lambda z: -np.sign(frozen(z)),
    check=_holomorphic("scipy.special.ive", "scipy.special.iv", _SHRUNK),
    domain=_BOTH,
)

# --- integer orders ------------------------------------------------------------------------------

yn = elementwise(
    special.yn,
    vjp=[
        constant_only("scipy.special.yn", "the order", "it is an integer; yv takes any order"),
        lambda g, y, n, x: g * ((special.yn(np.trunc(n) - 1, x) - special.yn(np.trunc(n) + 1, x)) / 2),
    ],
    reads=["", "01"],
)
kn = elementwise(
    special.kn,
    vjp=[
        constant_only("scipy.special.kn", "the order", "it is an integer; kv takes any order"),
        lambda g, y, n, x: g * ((special.kn(np.trunc(n) - 1, x) + special.kn(np.trunc(n) + 1, x)) / -2),
    ],
    reads=["", "01"],
)
j0 = elementwise(special.j0, vjp=[lambda g, y, x: -g * special.j1(x)], reads=["0"], domain=[_ANY])
j1 = elementwise(
    special.j1,
    vjp=[lambda g, y, x: g * ((special.j0(x) - special.jv(2, x)) / 2)],
    reads=["0"],
    domain=[_ANY],
)
y0 = elementwise(special.y0, vjp=[lambda g, y, x: -g * special.y1(x)], reads=["0"], domain=[_POSITIVE])
y1 = elementwise(special.y1, vjp=[lambda g, y, x: g * (special.y0(x) - y / x)], domain=[_POSITIVE])
i0 = elementwise(special.i0, vjp=[lambda g, y, x: g * special.i1(x)], reads=["0"], domain=[_ANY])
i1 = elementwise(
    special.i1,
    vjp=[lambda g, y, x: g * ((special.i0(x) + special.iv(2, x)) / 2)],
    reads=["0"],
    domain=[_ANY],
)
k0 = elementwise(special.k0, vjp=[lambda g, y, x: -g * special.k1(x)], reads=["0"], domain=[_POSITIVE])
k1 = elementwise(special.k1, vjp=[lambda g, y, x: -g * (special.k0(x) + y / x)], domain=[_POSITIVE])
i0e = elementwise(
    special.i0e, vjp=[lambda g, y, x: g * (special.i1e(x) - np.sign(x) * y)], domain=[_POSITIVE]
)
i1e = elementwise(
    special.i1e,
    vjp=[lambda g, y, x: g * ((special.i0e(x) + special.ive(2, x)) / 2 - np.sign(x) * y)],
    domain=[_POSITIVE],
)
k0e = elementwise(special.k0e, vjp=[lambda g, y, x: g * (y - special.k1e(x))], domain=[_POSITIVE])
k1e = elementwise(special.k1e, vjp=[lambda g, y, x: g * (y - special.k0e(x) - y / x)], domain=[_POSITIVE])
