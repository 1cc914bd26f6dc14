"""Elementwise ops: NumPy's ufuncs and their derivatives.

A rule is ``g * f'(x)`` and nothing else; the engine undoes broadcasting and keeps dtypes. At a tie
(``maximum(a, a)``) the gradient is shared equally; at a kink (``abs`` at 0) it is zero; where a
function is constant almost everywhere (``floor``) it is zero everywhere.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from scipy import special

from ..core.batched import pointwise
from ..core.primitive import Primitive, elementwise
from ..core.sweep import wary
from ..core.table import OPS
from ..core.variable import Variable
from .corner import cornered
from .declare import frozen

LN2, LN10 = float(np.log(2.0)), float(np.log(10.0))
_ANY, _POSITIVE, _UNIT = (-3.0, 3.0), (0.2, 3.0), (-0.9, 0.9)


def _zero(g: Any, y: Any, *xs: Any) -> Any:
    return np.zeros_like(g)


def _scaled(g: Any, b: Any) -> Any:
    """``g * b``, without a pass over memory where g is the 1 that a sweep started with."""
    if type(b) is np.ndarray and isinstance(g, np.generic) and g == 1:
        return b.view()
    return g * b


# --- arithmetic ----------------------------------------------------------------------------------

add = elementwise(
    np.add,
    vjp=[lambda g, y, a, b: g, lambda g, y, a, b: g],
    reads=["", ""],
    domain=[_ANY, _ANY],
    forward=operator.add,
)
subtract = elementwise(
    np.subtract,
    vjp=[lambda g, y, a, b: g, lambda g, y, a, b: -g],
    reads=["", ""],
    domain=[_ANY, _ANY],
    forward=operator.sub,
)
multiply = elementwise(
    np.multiply,
    vjp=[lambda g, y, a, b: _scaled(g, b), lambda g, y, a, b: _scaled(g, a)],
    reads=["1", "0"],
    domain=[_ANY, _ANY],
    forward=operator.mul,
)
divide = elementwise(
    np.true_divide,
    vjp=[lambda g, y, a, b: g / b, lambda g, y, a, b: -g * a / (b * b)],
    reads=["1", "01"],
    domain=[_ANY, (0.5, 3.0)],
    forward=operator.truediv,
    name="np.divide",
)
negative = elementwise(np.negative, vjp=[lambda g, y, a: -g], reads=[""], domain=[_ANY], forward=operator.neg)
positive = elementwise(np.positive, vjp=[lambda g, y, a: g], reads=[""], domain=[_ANY])
reciprocal = elementwise(np.reciprocal, vjp=[lambda g, y, a: -g * y * y], reads=["y"], domain=[(0.5, 3.0)])
square = elementwise(
    np.square,
    vjp=[lambda g, y, a: g * (2 * a)],
    reads=["0"],
    domain=[_ANY],
    forward=lambda a: a * a,  # the same value, ten times as fast on a NumPy scalar
)


def _power_base(g: Any, y: Any, a: Any, b: Any) -> Any:
    if isinstance(b, (int, float)):  # a plain number: no test for each element
        if b == 2:
            return g * (2 * a)
        return wary(g) * (b * a ** (b - 1)) if b != 0 else np.zeros_like(g)
    corner = np.logical_and(np.equal(a, 0), np.equal(b, 0))  # where 0 * 0**-1 would be NaN
    return wary(g) * (b * np.where(corner, 1, a) ** (b - 1))


def _power_exponent(g: Any, y: Any, a: Any, b: Any) -> Any:
    still = np.equal(a, 0) & np.greater(np.real(b), 0)  # 0**b does not move with b > 0
    slope = y * np.log(np.where(still, 1, a))
    if isinstance(a, Variable):
        # along a it has the slope a**(b - 1) (1 + b log a), which is infinite there unless b > 1
        slope = cornered(slope, still & np.less_equal(np.real(b), 1))
    return wary(g) * slope


power = elementwise(
    np.power,
    vjp=[_power_base, _power_exponent],
    reads=["01", "01y"],
    domain=[_POSITIVE, _ANY],
    forward=operator.pow,
)
float_power = elementwise(np.float_power, vjp=[_power_base, _power_exponent], domain=[_POSITIVE, _ANY])
remainder = elementwise(
    np.remainder,
    vjp=[lambda g, y, a, b: g, lambda g, y, a, b: -g * np.floor_divide(a, b)],
    reads=["", "01"],
    domain=[(3.1, 3.9), (1.35, 1.5)],
)
fmod = elementwise(
    np.fmod,
    vjp=[lambda g, y, a, b: g, lambda g, y, a, b: -g * np.trunc(a / b)],
    reads=["", "01"],
    domain=[(-3.9, -3.1), (1.35, 1.5)],
)
floor_divide = elementwise(
    np.floor_divide, vjp=[_zero, _zero], reads=["", ""], domain=[(3.1, 3.9), (1.35, 1.5)]
)
hypot = elementwise(
    np.hypot,
    vjp=[
        lambda g, y, a, b: g * _over_length(a, y),
        lambda g, y, a, b: g * _over_length(b, y),
    ],
    domain=[_POSITIVE, _ANY],
)


def _over_length(a: Any, length: Any) -> Any:
    """``a / length``, and 0 where both are."""
    origin = np.equal(length, 0)
    return cornered(a, origin) / np.where(origin, 1, length)


def _over_square(g: Any, radius: Any) -> Any:
    return wary(g) / radius / radius  # a square would overflow first


arctan2 = elementwise(
    np.arctan2,
    vjp=[
        lambda g, y, a, b: _over_square(g * b, np.hypot(a, b)),
        lambda g, y, a, b: _over_square(-g * a, np.hypot(a, b)),
    ],
    reads=["01", "01"],
    domain=[_POSITIVE, _ANY],
)

# --- exponentials and logarithms -----------------------------------------------------------------

exp = elementwise(np.exp, vjp=[lambda g, y, x: g * y], reads=["y"], domain=[_ANY])
exp2 = elementwise(np.exp2, vjp=[lambda g, y, x: g * (LN2 * y)], reads=["y"], domain=[_ANY])
expm1 = elementwise(np.expm1, vjp=[lambda g, y, x: g * (y + 1)], reads=["y"], domain=[_ANY])
log = elementwise(np.log, vjp=[lambda g, y, x: g / x], reads=["0"], domain=[_POSITIVE])
log2 = elementwise(np.log2, vjp=[lambda g, y, x: g / (LN2 * x)], reads=["0"], domain=[_POSITIVE])
log10 = elementwise(np.log10, vjp=[lambda g, y, x: g / (LN10 * x)], reads=["0"], domain=[_POSITIVE])
log1p = elementwise(np.log1p, vjp=[lambda g, y, x: g / (1 + x)], reads=["0"], domain=[(-0.7, 3.0)])


def _share(g: Any, exp: Any, mine: Any, other: Any) -> Any:
    """``g`` times the part of ``exp(mine)`` in the sum: exp(mine - y) would be off by eps * |y|."""
    top = np.maximum(frozen(mine), frozen(other))
    finite = np.isfinite(top)
    top = np.where(finite, top, 0)
    weight = exp(mine - top)
    total = weight + exp(other - top)
    if not np.all(finite):
        total = np.where(np.equal(total, 0), 1, total)  # both -inf: neither has a share
    return g * (weight / total)


logaddexp = elementwise(
    np.logaddexp,
    vjp=[lambda g, y, a, b: _share(g, np.exp, a, b), lambda g, y, a, b: _share(g, np.exp, b, a)],
    reads=["01", "01"],
    domain=[_ANY, _ANY],
)
logaddexp2 = elementwise(
    np.logaddexp2,
    vjp=[lambda g, y, a, b: _share(g, np.exp2, a, b), lambda g, y, a, b: _share(g, np.exp2, b, a)],
    reads=["01", "01"],
    domain=[_ANY, _ANY],
)
sqrt = elementwise(np.sqrt, vjp=[lambda g, y, x: wary(g) / (2 * y)], reads=["y"], domain=[_POSITIVE])
cbrt = elementwise(np.cbrt, vjp=[lambda g, y, x: wary(g) / (3 * y * y)], reads=["y"], domain=[_POSITIVE])

# --- trigonometric and hyperbolic ----------------------------------------------------------------

sin = elementwise(np.sin, vjp=[lambda g, y, x: g * np.cos(x)], reads=["0"], domain=[_ANY])
cos = elementwise(np.cos, vjp=[lambda g, y, x: -g * np.sin(x)], reads=["0"], domain=[_ANY])
tan = elementwise(np.tan, vjp=[lambda g, y, x: g * (1 + y * y)], reads=["y"], domain=[(-1.2, 1.2)])
arcsin = elementwise(
    np.arcsin, vjp=[lambda g, y, x: wary(g) / np.sqrt(1 - x * x)], reads=["0"], domain=[_UNIT]
)
arccos = elementwise(
    np.arccos, vjp=[lambda g, y, x: -wary(g) / np.sqrt(1 - x * x)], reads=["0"], domain=[_UNIT]
)
arctan = elementwise(np.arctan, vjp=[lambda g, y, x: g / (1 + x * x)], reads=["0"], domain=[_ANY])
sinh = elementwise(np.sinh, vjp=[lambda g, y, x: g * np.cosh(x)], reads=["0"], domain=[_ANY])
cosh = elementwise(np.cosh, vjp=[lambda g, y, x: g * np.sinh(x)], reads=["0"], domain=[_ANY])
tanh = elementwise(np.tanh, vjp=[lambda g, y, x: g * (1 - y * y)], reads=["y"], domain=[_ANY])
arcsinh = elementwise(np.arcsinh, vjp=[lambda g, y, x: g / np.sqrt(x * x + 1)], reads=["0"], domain=[_ANY])
arccosh = elementwise(
    np.arccosh,
    vjp=[lambda g, y, x: wary(g) / (np.sqrt(x - 1) * np.sqrt(x + 1))],
    reads=["0"],
    domain=[(1.2, 4.0)],
)
arctanh = elementwise(np.arctanh, vjp=[lambda g, y, x: g / (1 - x * x)], reads=["0"], domain=[_UNIT])
_DEGREES, _RADIANS = 180 / float(np.pi), float(np.pi) / 180
for _to_degrees in (np.degrees, np.rad2deg):
    elementwise(_to_degrees, vjp=[lambda g, y, x: g * _DEGREES], reads=[""], domain=[_ANY])
for _to_radians in (np.radians, np.deg2rad):
    elementwise(_to_radians, vjp=[lambda g, y, x: g * _RADIANS], reads=[""], domain=[_ANY])


# sinc(x) = j0(pi x), and the spherical Bessel functions differentiate into each other without a
# division by x: j_n' = (n j_(n-1) - (n+1) j_(n+1)) / (2n + 1)   (DLMF 10.51.1, 10.51.2 combined).
def _spherical_rule(g: Any, y: Any, x: Any, n: Any) -> Any:
    lower = n * spherical_jn(x, n=np.maximum(n - 1, 0)) if np.any(n) else 0
    return g * ((lower - (n + 1) * spherical_jn(x, n=n + 1)) / (2 * n + 1))


spherical_jn = Primitive(
    "spherical_jn",
    lambda x, n: special.spherical_jn(n, x),
    vjp=[_spherical_rule],
    reads=["0"],
    kind="elementwise",
    domain=[_ANY],
)
sinc = elementwise(
    np.sinc,
    vjp=[lambda g, y, x: g * (-np.pi * spherical_jn(np.pi * x, n=1))],
    reads=["0"],
    domain=[_ANY],
)

# --- kinks, ties and steps -----------------------------------------------------------------------


def _winner(g: Any, y: Any, mine: Any, other: Any) -> Any:
    """The gradient of the operand that was chosen; shared at a tie."""
    return wary(g) * (np.equal(mine, y) / (1 + np.equal(mine, other)))


_choose = [lambda g, y, a, b: _winner(g, y, a, b), lambda g, y, a, b: _winner(g, y, b, a)]
maximum = elementwise(np.maximum, vjp=_choose, domain=[_ANY, _ANY], chooses=True)
minimum = elementwise(np.minimum, vjp=_choose, domain=[_ANY, _ANY], chooses=True)
fmax = elementwise(np.fmax, vjp=_choose, domain=[_ANY, _ANY], chooses=True)
fmin = elementwise(np.fmin, vjp=_choose, domain=[_ANY, _ANY], chooses=True)


def _modulus(g: Any, y: Any, x: Any) -> Any:
    if x.dtype.kind == "c":
        return g * _over_length(np.conjugate(x), y)
    return g * np.sign(x)


absolute = elementwise(np.absolute, vjp=[_modulus], domain=[_POSITIVE], forward=operator.abs)
fabs = elementwise(np.fabs, vjp=[_modulus], domain=[_POSITIVE])


def _sign_rule(g: Any, y: Any, x: Any) -> Any:
    if x.dtype.kind != "c":
        return np.zeros_like(g)
    # y = x/|x|: dy = (dx - y Re(conj(y) dx)) / |x|, and its transpose
    size = np.absolute(x)
    return np.where(size == 0, 0, (g - np.conjugate(y) * np.real(g * y)) / np.where(size == 0, 1, size))


sign = Primitive("np.sign", np.sign, vjp=[_sign_rule], batch=pointwise)
OPS[np.sign] = sign.apply
copysign = elementwise(
    np.copysign,
    vjp=[lambda g, y, a, b: g * (np.sign(a) * np.copysign(1.0, b)), _zero],
    domain=[_POSITIVE, _POSITIVE],
)
heaviside = elementwise(
    np.heaviside,
    vjp=[_zero, lambda g, y, a, b: g * np.equal(a, 0)],
    reads=["", "0"],
    domain=[_POSITIVE, _ANY],
)
for _step in (np.floor, np.ceil, np.rint, np.trunc, np.spacing):
    elementwise(_step, vjp=[_zero], reads=[""], domain=[(0.1, 0.4)])
ldexp = elementwise(np.ldexp, vjp=[lambda g, y, a, b: np.ldexp(g, b), _zero], reads=["1", ""], domain=[_ANY])
nextafter = elementwise(np.nextafter, vjp=[lambda g, y, a, b: g, _zero], reads=["", ""], domain=[_ANY, _ANY])

# --- complex parts (the rules are transposes of real-linear maps: bilinear, see `sweep`) ---------


def _conjugate_rule(g: Any, y: Any, x: Any) -> Any:
    return np.conjugate(g) if g.dtype.kind == "c" else g


conjugate = elementwise(np.conjugate, vjp=[_conjugate_rule], reads=[""], domain=[_ANY])
# Reading y below tells forward mode that the output is real.
real = elementwise(
    np.real,
    vjp=[lambda g, y, x: g],
    reads=["y"],
    domain=[_ANY],
    forward=lambda x: x.real.view() if x.ndim else x.real,  # of a real array: itself, not a view
)
imag = elementwise(
    np.imag,
    vjp=[lambda g, y, x: g * -1j if x.dtype.kind == "c" else np.zeros_like(g)],
    reads=["y"],
    domain=[_ANY],
)
