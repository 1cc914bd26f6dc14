"""exp and its kin, for float32 and float64.

All rest on x = n·ln 2 + r with |r| ≤ ½ ln 2 (Cody and Waite, *Software Manual for the Elementary Functions*,
1980: ln 2 in two parts, the first short enough that n times it is exact) and eʳ - 1 = r + r²·q(r), q being
the minimax polynomial for the relative error of the left side (Remez exchange in 50 digits).
"""

from __future__ import annotations

from typing import NamedTuple

from .tools import absolute, clamp, nearest, polynomial, power_of_two, scaled, with_sign
from .values import Value


class Constants(NamedTuple):
    """What depends on the kind."""

    low: float  # exp is 0 from here down, expm1 and others well at their limits
    high: float  # exp is infinite from here on
    ln2: tuple[float, float]
    q: tuple[float, ...]


LOG2_E = 1.4426950408889634

TABLE = {
    "f32": Constants(
        -104.0,
        89.0,
        (0.693359375, -2.1219444e-4),
        (0.5, 0.1666654348373413, 0.04166628047823906, 0.008366583846509457, 0.0013946449616923928),
    ),
    "f64": Constants(
        -746.0,
        710.0,
        (0.6931471803691238, 1.9082149292705877e-10),
        (
            *(0.5000000000000006, 0.16666666666666685, 0.04166666666657362, 0.008333333333314607),
            *(0.0013888888932379628, 0.00019841269902993932, 2.4801504445069106e-05, 2.755722798656925e-06),
            *(2.7626326845778685e-07, 2.511446093642401e-08),
        ),
    ),
}


def reduced(x: Value) -> tuple[Value, Value, Value]:
    """The n (as float and as integer) and the r of x = n·ln 2 + r."""
    w, (first, second) = x.writer, TABLE[x.kind].ln2
    n, whole = nearest(x * LOG2_E)
    return n, whole, w.fma(n, -second, w.fma(n, -first, x))


def grown(r: Value) -> Value:
    """eʳ - 1 of a reduced argument."""
    return r.writer.fma(r * r, polynomial(r, TABLE[r.kind].q), r)


def exp(x: Value) -> Value:
    """eˣ."""
    table = TABLE[x.kind]
    n, whole, r = reduced(clamp(x, table.low, table.high))
    w = x.writer
    return scaled(w.fma(r, w.fma(r, polynomial(r, table.q), 1.0), 1.0), n, whole)


def falling_expm1(x: Value) -> Value:
    """eˣ - 1 for x ≤ 0 (and NaN)."""
    w = x.writer
    limit = -17.5 if x.kind == "f32" else -38.0  # -1 from here down
    _, whole, r = reduced(w.select(x < limit, limit, x))
    power = power_of_two(whole, x.kind)
    return w.fma(grown(r), power, power - 1.0)


def tanh(x: Value) -> Value:
    """Of the size of x: tanh |x| = -t / (2 + t) with t = exp(-2|x|) - 1."""
    t = falling_expm1(absolute(x) * -2.0)
    return with_sign(-t / (t + 2.0), x)


def sigmoid(x: Value) -> Value:
    """1 / (1 + e⁻ˣ), as e⁻|x| / (1 + e⁻|x|) for negative x: no overflow, small values exact."""
    w = x.writer
    t = exp(-absolute(x))
    return w.select(x < 0.0, t, 1.0) / (t + 1.0)


def exp2(x: Value) -> Value:
    """2ˣ."""
    low, high = (-151.0, 129.0) if x.kind == "f32" else (-1076.0, 1025.0)
    w, x = x.writer, clamp(x, low, high)
    n, whole = nearest(x)
    r = (x - n) * 0.6931471805599453
    return scaled(w.fma(r, w.fma(r, polynomial(r, TABLE[x.kind].q), 1.0), 1.0), n, whole)


def expm1(x: Value) -> Value:
    """eˣ - 1 = 2ⁿ·(eʳ - 1) + (2ⁿ - 1), halved on the way so that 2ⁿ does not overflow."""
    w = x.writer
    n, whole, r = reduced(clamp(x, -17.5 if x.kind == "f32" else -38.0, TABLE[x.kind].high))
    p, half = grown(r), power_of_two(whole - 1, x.kind)
    y = w.fma(p, half, half - 0.5) * 2.0
    return with_sign(w.select(n.eq(0.0), p, y), x)
