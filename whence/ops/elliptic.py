"""Elliptic integrals and functions, and the arithmetic-geometric mean.

Legendre's integrals differentiate into Carlson's symmetric ones (DLMF 19.4, 19.18, 19.25), without
the divisions by m that cancel at m = 0.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from ..core.origin import called_at
from ..core.primitive import Primitive, elementwise
from ..core.table import OPS
from ..core.variable import as_array
from ..errors import NoGradientError
from .declare import frozen
from .orders import by_parameters, differentiated, raised

_POSITIVE, _MODULUS = (0.4, 3.0), (-0.7, 0.7)

# --- Carlson's -----------------------------------------------------------------------------------


def _symmetric(function: Any, count: int, highest: int = 3) -> Primitive:
    """Derivatives of a homogeneous function of positive numbers in any of them, numerically."""
    name = f"scipy.special.{function.__name__}"

    def forward(*xs: Any, orders: tuple[int, ...]) -> Any:
        xs = tuple(np.broadcast_arrays(*[as_array(x) for x in xs]))
        return differentiated(function, xs, orders, [0.3 * np.abs(x) for x in xs])  # singular at 0

    def rule(i: int, g: Any, y: Any, *xs: Any, orders: tuple[int, ...]) -> Any:
        return g * partial(*xs, orders=raised(orders, i, name, highest))

    partial = by_parameters(f"{name} by operands", forward, vjp=rule)

    def rule_for(i: int) -> Any:
        orders = tuple(int(j == i) for j in range(count))
        return lambda g, y, *xs: g * partial(*xs, orders=orders)

    return elementwise(function, vjp=[rule_for(i) for i in range(count)], domain=[_POSITIVE] * count)


elliprd = _symmetric(special.elliprd, 3)
elliprj = _symmetric(special.elliprj, 4)


def _carlson_rf(i: int) -> Any:
    # DLMF 19.18.1 with 19.16.5
    return lambda g, y, *xs: g * (special.elliprd(xs[i - 1], xs[i - 2], xs[i]) / -6)


elliprf = elementwise(
    special.elliprf,
    vjp=[_carlson_rf(0), _carlson_rf(1), _carlson_rf(2)],
    reads=["012"] * 3,
    domain=[_POSITIVE] * 3,
)


def _carlson_rg(i: int) -> Any:
    def rule(g: Any, y: Any, *xs: Any) -> Any:
        x, others = xs[i], (xs[i - 1], xs[i - 2])
        nothing = np.equal(x, 0)  # where RD is infinite, and x RD is not
        inner = np.where(nothing, 1, x)
        rd = np.where(nothing, 0, x) * special.elliprd(*others, inner)
        return g * (special.elliprf(*xs) / 4 - rd / 12)

    return rule


elliprg = elementwise(
    special.elliprg,
    vjp=[_carlson_rg(0), _carlson_rg(1), _carlson_rg(2)],
    reads=["012"] * 3,
    domain=[_POSITIVE] * 3,
)


def _rc_by_y(g: Any, value: Any, x: Any, y: Any) -> Any:
    """RC(x, y) is RF(x, y, y); for y < 0, a principal value, by its differential equation."""
    beyond = np.real(frozen(y)) < 0
    inside = special.elliprd(x, np.where(beyond, 1, y), np.where(beyond, 1, y)) / -3
    if not np.any(beyond):
        return g * inside
    safe = np.where(beyond, y, -1)
    outside = (np.sqrt(x) / safe - value) / (2 * (safe - x))
    return g * np.where(beyond, outside, inside)


def _rc_by_x(g: Any, value: Any, x: Any, y: Any) -> Any:
    beyond = np.real(frozen(y)) < 0
    inner = np.where(beyond, 1, y)
    inside = special.elliprd(inner, inner, x) / -6
    if not np.any(beyond):
        return g * inside
    safe = np.where(beyond, y, -1)
    return g * np.where(beyond, (value - 1 / np.sqrt(x)) / (2 * (safe - x)), inside)


elliprc = elementwise(special.elliprc, vjp=[_rc_by_x, _rc_by_y], domain=[_POSITIVE, _POSITIVE])


def _agm_rule(i: int) -> Any:
    # 2 agm(a, b) RF(0, a**2, b**2) = pi   (DLMF 19.22.9)
    def rule(g: Any, y: Any, *xs: Any) -> Any:
        mine, other = xs[i], xs[1 - i]
        if np.any(np.equal(y, 0)):
            raise NoGradientError(
                f"scipy.special.agm has no gradient where it is 0{called_at()}\n"
                "  → np.where with other arguments in place of these"
            )
        return g * (2 / (3 * np.pi) * mine * y * y * special.elliprd(0.0, other * other, mine * mine))

    return rule


agm = elementwise(special.agm, vjp=[_agm_rule(0), _agm_rule(1)], domain=[_POSITIVE, _POSITIVE])

# --- Legendre's ----------------------------------------------------------------------------------

ellipk = elementwise(
    special.ellipk,
    vjp=[lambda g, y, m: g * (special.elliprd(0.0, 1.0, 1 - m) / 6)],
    reads=["0"],
    domain=[_MODULUS],
)
ellipkm1 = elementwise(
    special.ellipkm1,
    vjp=[lambda g, y, p: g * (special.elliprd(0.0, 1.0, p) / -6)],
    reads=["0"],
    domain=[_POSITIVE],
)
ellipe = elementwise(
    special.ellipe,
    vjp=[lambda g, y, m: g * (special.elliprd(0.0, 1 - m, 1.0) / -6)],
    reads=["0"],
    domain=[_MODULUS],
)


def _reduced(phi: Any) -> tuple[Any, Any]:
    """``phi - turns * pi`` within ``[-pi/2, pi/2]``, and the turns."""
    turns = np.round(frozen(phi) / np.pi)
    return phi - turns * np.pi, turns


def _by_modulus(phi: Any, m: Any, first_kind: bool) -> Any:
    """The slope in m of F(phi, m), or of E(phi, m) (DLMF 19.25.5, 19.25.9, 19.4)."""
    inner, turns = _reduced(phi)
    sine, cosine = np.sin(inner), np.cos(inner)
    square = cosine * cosine
    delta = square + (1 - m) * sine * sine
    if first_kind:
        part, whole = special.elliprd(square, 1.0, delta), special.elliprd(0.0, 1.0, 1 - m)
    else:
        part, whole = -special.elliprd(square, delta, 1.0), -special.elliprd(0.0, 1 - m, 1.0)
    part = sine * sine * sine * part
    return (part + np.where(turns == 0, 0, 2 * turns * whole)) / 6 if np.any(turns) else part / 6


def _delta(phi: Any, m: Any) -> Any:
    sine = np.sin(phi)
    return np.sqrt(1 - m * sine * sine)


ellipkinc = elementwise(
    special.ellipkinc,
    vjp=[
        lambda g, y, phi, m: g / _delta(phi, m),
        lambda g, y, phi, m: g * _by_modulus(phi, m, True),
    ],
    reads=["01", "01"],
    domain=[(0.2, 2.5), _MODULUS],
)
ellipeinc = elementwise(
    special.ellipeinc,
    vjp=[
        lambda g, y, phi, m: g * _delta(phi, m),
        lambda g, y, phi, m: g * _by_modulus(phi, m, False),
    ],
    reads=["01", "01"],
    domain=[(0.2, 2.5), _MODULUS],
)

# --- Jacobi's ------------------------------------------------------------------------------------


def _ellipj_by_argument(g: Any, y: Any, u: Any, m: Any) -> Any:
    sn, cn, dn, _ = y
    return g[0] * (cn * dn) - g[1] * (sn * dn) - g[2] * (m * sn * cn) + g[3] * dn


def _ellipj_by_modulus(g: Any, y: Any, u: Any, m: Any) -> Any:
    sn, cn, dn, phi = y
    turn = -dn * _by_modulus(phi, m, True)  # of phi, since F(phi, m) = u stays
    stretch = -sn * (sn + 2 * m * cn * turn) / (2 * dn)
    return g[0] * (cn * turn) - g[1] * (sn * turn) + g[2] * stretch + g[3] * turn


ellipj = Primitive(
    "scipy.special.ellipj", special.ellipj, vjp=[_ellipj_by_argument, _ellipj_by_modulus], many=True
)
OPS[special.ellipj] = ellipj.apply
