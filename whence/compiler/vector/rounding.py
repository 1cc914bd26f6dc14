"""Rounding, remainders, signs, larger and smaller: by NumPy's rules."""

from __future__ import annotations

from collections.abc import Callable

from .library import each_lane
from .tools import with_sign
from .values import Value

fmod = each_lane("fmod")


def machine(name: str) -> Callable[[Value], Value]:
    """LLVM's own function of one value."""
    return lambda x: x.writer.unary(name, x)


def reciprocal(x: Value) -> Value:
    """1/x, divided."""
    return 1.0 / x


def rsqrt(x: Value) -> Value:
    """1/√x, with the machine's root and quotient."""
    return 1.0 / x.writer.unary("llvm.sqrt", x)


def sign(x: Value) -> Value:
    """-1, 0 or 1; NaN stays NaN."""
    w = x.writer
    y = w.select(x < 0.0, -1.0, w.select(x.eq(0.0), 0.0, x))
    return w.select(x > 0.0, 1.0, y)


def maximum(x: Value, y: Value) -> Value:
    """The larger; NaN where either is."""
    w = x.writer
    return w.select(x.isnan(), x, w.select(x > y, x, y))


def minimum(x: Value, y: Value) -> Value:
    """The smaller; NaN where either is."""
    w = x.writer
    return w.select(x.isnan(), x, w.select(x < y, x, y))


def fmax(x: Value, y: Value) -> Value:
    """The larger; NaN only where both are."""
    w = x.writer
    return w.select(y.isnan(), x, w.select(x > y, x, y))


def fmin(x: Value, y: Value) -> Value:
    """The smaller; NaN only where both are."""
    w = x.writer
    return w.select(y.isnan(), x, w.select(x < y, x, y))


def _divided(x: Value, y: Value) -> tuple[Value, Value]:
    """C's remainder, and where Python's lies one divisor further."""
    rest = fmod(x, y)
    return rest, rest.ne(0.0) & ((y < 0.0) ^ (rest < 0.0))


def remainder(x: Value, y: Value) -> Value:
    """What ⌊x/y⌋·y leaves of x, with the sign of y."""
    w = x.writer
    rest, further = _divided(x, y)
    rest = w.select(further, rest + y, rest)
    return w.select(rest.eq(0.0), with_sign(rest, y), rest)


def floor_divide(x: Value, y: Value) -> Value:
    """⌊x/y⌋ from the exact remainder; x/y where y is 0."""
    w = x.writer
    rest, further = _divided(x, y)
    quotient = (x - rest) / y
    quotient = w.select(further, quotient - 1.0, quotient)
    whole = w.unary("llvm.floor", quotient)
    whole = w.select(quotient - whole > 0.5, whole + 1.0, whole)
    whole = w.select(quotient.eq(0.0), with_sign(x.like(0.0), x / y), whole)
    return w.select(y.eq(0.0), x / y, whole)
