"""sin and cos, for float32 and float64.

x = n·π/2 + r with |r| ≤ π/4 (Cody and Waite, 1980): π/2 in three parts for a fused multiply-add, whose
products are exact, or in four short ones without. Polynomials in r² are our own (Remez, 50 digits). What
is too far out for these parts is left to the system's C library, in a branch taken only where a lane is.
"""

from __future__ import annotations

from .library import each_lane
from .tools import absolute, nearest, polynomial
from .values import Value

FAR = {"f32": 8192.0, "f64": 1e6}

FUSED_PARTS = {
    "f32": (1.5707963705062866, -4.371138828673793e-08, -1.7151245100058819e-15),
    "f64": (1.5707963267948966, 6.123233995736766e-17, -1.4973849048591698e-33),
}
SHORT_PARTS = {
    "f32": (1.5703125, 0.00048351287841796875, 3.1385570764541626e-07, 6.07709993438732e-11),
    "f64": (1.570796325802803, 9.920935791635221e-10, 5.17018297889025e-19, 2.90385597397936e-28),
}
SINE = {
    "f32": (-0.16666655242443085, 0.008332176133990288, -0.00019516977772582322),
    "f64": (
        *(-0.16666666666666632, 0.00833333333332237, -0.0001984126982977114),
        *(2.75573136786586e-06, -2.5050755960520746e-08, 1.58966664674907e-10),
    ),
}
COSINE = {
    "f32": (0.04166664555668831, -0.0013887364184483886, 2.443809171381872e-05),
    "f64": (
        *(0.0416666666666666, -0.0013888888888874064, 2.480158728944351e-05),
        *(-2.75573143406675e-07, 2.0875721624820296e-09, -1.1359559387801176e-11),
    ),
}


def _of_quarter(x: Value, later: int) -> Value:
    """The sine of x + later·π/2, for x that is not far out."""
    w = x.writer
    n, quarter = nearest(x * 0.6366197723675814)
    r = x
    for part in (FUSED_PARTS if w.fused else SHORT_PARTS)[x.kind]:
        r = w.fma(n, -part, r)
    z = r * r
    sine = w.fma(z * polynomial(z, SINE[x.kind]), r, r)
    cosine = w.fma(z * z, polynomial(z, COSINE[x.kind]), w.fma(z, -0.5, 1.0))
    quarter = quarter + later
    y = w.select((quarter & 1).eq(0), sine, cosine)
    return w.select((quarter & 2).eq(0), y, -y)


def _anywhere(x: Value, y: Value, name: str) -> Value:
    """``y``, and the C library's function where x is far out."""
    w = x.writer
    far = absolute(x) > FAR[x.kind]
    with w.when(w.any(far), y) as branch:
        branch.give(w.select(far, each_lane(name)(x), y))
    return branch.results[0]


def sin(x: Value) -> Value:
    """The sine."""
    y = _of_quarter(x, 0)
    return _anywhere(x, x.writer.select(x.eq(0.0), x, y), "sin")  # -0 keeps its sign


def cos(x: Value) -> Value:
    """The cosine."""
    return _anywhere(x, _of_quarter(x, 1), "cos")
