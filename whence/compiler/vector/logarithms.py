"""log and its kin, for float32 and float64.

x = 2ᵉ·(1 + f) with 1 + f in [√½, √2). For float32, log(1 + f) = f - f²/2 + f³·p(f). For float64, with
s = f / (2 + f), log(1 + f) = f - s·(f - z·p(z)), z = s², after Ng and Sun in fdlibm's e_log.c (1993), where
2·atanh(s) = 2s + s·z·p(z). Both p are minimax polynomials of our own (Remez exchange in 50 digits).
"""

from __future__ import annotations

from math import inf, nan

from .exponentials import exp
from .tools import absolute, at_least, exponent_and_fraction, polynomial, two_sum
from .values import Value

LN2 = {"f32": (0.693359375, -2.1219444e-4), "f64": (0.6931471803691238, 1.9082149292705877e-10)}

P32 = (
    *(0.3333333134651184, -0.2500081956386566, 0.20001226663589478, -0.16623356938362122),
    *(0.14201757311820984, -0.13160179555416107, 0.1276157945394516, -0.0763450637459755),
)
P64 = (
    *(0.6666666666666734, 0.3999999999941468, 0.2857142874238726, 0.2222219857323486),
    *(0.18183564322979875, 0.15314050642993388, 0.14795948705212997),
)


def ends(x: Value, y: Value) -> Value:
    """A logarithm's values where x is no positive finite number: -∞ at 0, NaN below, x at ∞ and NaN."""
    w = x.writer
    y = w.select(x < inf, y, x)
    return w.select(x > 0.0, y, w.select(x.eq(0.0), x.like(-inf), w.select(x < 0.0, x.like(nan), x)))


def correction(f: Value) -> Value:
    """What log(1 + f) lacks of f."""
    half = f * f * 0.5
    if f.kind == "f32":
        return half - f * f * f * polynomial(f, P32)
    s = f / (f + 2.0)
    z = s * s
    return half - s * (half + z * polynomial(z, P64))


def log(x: Value) -> Value:
    """To base e: e·ln 2, in two parts, and that of 1 + f, the small parts first."""
    w, (first, second) = x.writer, LN2[x.kind]
    e, m = exponent_and_fraction(x)
    f = m - 1.0
    y = w.fma(e, first, f - w.fma(e, -second, correction(f)))
    return ends(x, y)


def log2(x: Value) -> Value:
    """To base 2; exact for powers of two."""
    w = x.writer
    e, m = exponent_and_fraction(x)
    f = m - 1.0
    return ends(x, w.fma(f - correction(f), 1.4426950408889634, e))


def log10(x: Value) -> Value:
    """To base 10."""
    w = x.writer
    e, m = exponent_and_fraction(x)
    f = m - 1.0
    small = (f - correction(f)) * 0.4342944819032518
    return ends(x, w.fma(e, 0.3010299956639812, small))


def log1p(x: Value) -> Value:
    """That of 1 + x: log u + c/u with u + c = 1 + x, u rounded (Kahan's correction)."""
    w, (first, second) = x.writer, LN2[x.kind]
    u, c = two_sum(x, x.like(1.0))
    e, m = exponent_and_fraction(u)
    f = m - 1.0
    y = w.fma(e, first, f - w.fma(e, -second, correction(f) - c / u))
    return w.select(u.eq(1.0), x, ends(u, y))


def softplus(x: Value) -> Value:
    """log(1 + eˣ) = max(x, 0) + log(1 + e⁻|x|)."""
    return at_least(x, 0.0) + log1p(exp(-absolute(x)))


def logaddexp(x: Value, y: Value) -> Value:
    """log(eˣ + eʸ) = max(x, y) + log(1 + e⁻|x - y|); infinities of one sign are equal."""
    w = x.writer
    far = w.select(x.eq(y), 0.0, x - y)
    return w.select(x > y, x, y) + log1p(exp(-absolute(far)))
