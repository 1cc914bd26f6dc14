"""What the functions are made of: polynomials, rounding, powers of two, exact sums and products."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from .values import Value

#: Bits of the fraction, and the exponent of 1.0, by kind.
FRACTION = {"f32": 23, "f64": 52}
BIAS = {"f32": 127, "f64": 1023}
SAME_SIZE = {"f32": "i32", "f64": "i64"}

#: Added and taken away again, it rounds to an integer (half to even).
ROUNDER = {"f32": 1.5 * 2**23, "f64": 1.5 * 2**52}


def polynomial(x: Value, coefficients: Sequence[float]) -> Value:
    """c0 + c1 x + c2 x² + …, by Estrin's scheme: neighbours in pairs, then pairs of pairs.

    Its chain of dependent operations has the length of the logarithm of the degree.
    """
    w = x.writer
    terms: list[Value | float] = list(coefficients)
    power = x
    while len(terms) > 1:
        odd = [terms.pop()] if len(terms) % 2 else []
        pairs = zip(terms[::2], terms[1::2], strict=True)
        terms = [w.fma(power, b, a) for a, b in pairs] + odd
        if len(terms) > 1:
            power = power * power
    last = terms[0]
    return last if isinstance(last, Value) else x.like(last)


def at_most(x: Value, limit: float) -> Value:
    """The smaller of the two; NaN stays NaN."""
    return x.writer.select(x > limit, limit, x)


def at_least(x: Value, limit: float) -> Value:
    """The larger of the two; NaN stays NaN."""
    return x.writer.select(x < limit, limit, x)


def clamp(x: Value, low: float, high: float) -> Value:
    """Within ``[low, high]``; NaN stays NaN."""
    return at_least(at_most(x, high), low)


def absolute(x: Value) -> Value:
    """|x|, by clearing the sign."""
    return x.writer.unary("llvm.fabs", x)


def with_sign(size: Value, sign: Value) -> Value:
    """``size`` with the sign bit of ``sign``."""
    return size.writer.binary("llvm.copysign", size, sign)


def nearest(x: Value) -> tuple[Value, Value]:
    """The nearest integer to a small ``x`` (|x| < 2²² or 2⁵¹), as a float and as an integer."""
    magic = ROUNDER[x.kind]
    shifted = x + magic
    kind = SAME_SIZE[x.kind]
    return shifted - magic, shifted.bitcast(kind) - x.like(magic).bitcast(kind)


def power_of_two(n: Value, kind: str) -> Value:
    """2ⁿ for integer lanes ``n`` within the normal numbers."""
    return ((n + BIAS[kind]) << FRACTION[kind]).bitcast(kind)


def _by_register(function: Callable[..., Value], x: Value, *others: Value) -> Value:
    """Apply what takes exactly one register to values of any number of lanes."""
    w, size = x.writer, {"f32": 4, "f64": 8}[x.kind]
    one = w.target.width // size
    if x.lanes == one:
        return function(x, *others)
    if x.lanes > one:
        half = x.lanes // 2
        parts = [[w.part(v, start, half) for v in (x, *others)] for start in (0, half)]
        return w.join(*(_by_register(function, *part) for part in parts))
    lanes = [*range(x.lanes), *[-1] * (one - x.lanes)]
    wide = [w.splat(v, one) if v.lanes == 1 else w.shuffle(v, v, lanes) for v in (x, *others)]
    return w.part(function(*wide), 0, x.lanes)


def _avx512(name: str, *immediates: str, after: str = "") -> Callable[..., Value]:
    """An intrinsic of AVX-512 on a whole register, under a full mask, rounding as the machine does."""

    def apply(*values: Value) -> Value:
        x = values[0]
        letters = "ps" if x.kind == "f32" else "pd"
        zero, mask = x.like(0.0), f"i{x.lanes} -1"
        full = f"llvm.x86.avx512.mask.{name}.{letters}.512"
        return x.writer.intrinsic(full, x.kind, x.lanes, *values, *immediates, zero, mask, "i32 4")

    return apply


_scalef = _avx512("scalef")
_getexp = _avx512("getexp")
_getmant = _avx512("getmant", "i32 0")  # within [1, 2), with the sign of x


def scaled(x: Value, n: Value, whole: Value) -> Value:
    """x·2ⁿ with one rounding, through denormals and overflow: ``n`` as a float, ``whole`` as integers.

    Without AVX-512's scalef in two steps, of which only the second can leave the normal numbers; |n| is
    at most twice what the exponent holds.
    """
    if x.writer.target.level == "avx512":
        return _by_register(_scalef, x, n)
    half = whole >> 1
    return x * power_of_two(half, x.kind) * power_of_two(whole - half, x.kind)


def two_sum(a: Value, b: Value) -> tuple[Value, Value]:
    """The sum as a float and what rounding took from it (Knuth, any order)."""
    total = a + b
    other = total - a
    return total, (a - (total - other)) + (b - other)


def fast_two_sum(a: Value, b: Value) -> tuple[Value, Value]:
    """The same where |a| is at least |b| (Dekker)."""
    total = a + b
    return total, b - (total - a)


def two_product(a: Value, b: Value | float) -> tuple[Value, Value]:
    """The product as a float and what rounding took from it: one fma, or Dekker's split."""
    w = a.writer
    b = a.beside(b)[1]
    product = a * b
    if w.fused:
        return product, w.fma(a, b, -product)
    (ah, al), (bh, bl) = _split(a), _split(b)
    return product, ((ah * bh - product) + ah * bl + al * bh) + al * bl


def _split(a: Value) -> tuple[Value, Value]:
    """Two halves of half the fraction each (Dekker) for |a| well below overflow."""
    high = a * (4097.0 if a.kind == "f32" else 134217729.0)
    high = high - (high - a)
    return high, a - high


def exponent_and_fraction(x: Value) -> tuple[Value, Value]:
    """Both of x = 2ᵉ·m with m in [√½, √2), both as floats, for x above 0 and finite (denormals too).

    For others the two mean nothing.
    """
    w, kind = x.writer, SAME_SIZE[x.kind]
    if w.target.level == "avx512":
        exponent, fraction = _by_register(_getexp, x), _by_register(_getmant, x)
        big = fraction > 2**0.5
        return w.select(big, exponent + 1.0, exponent), w.select(big, fraction * 0.5, fraction)
    bits, bias = FRACTION[x.kind], BIAS[x.kind]
    tiny = x < 2.0 ** (1 - bias)
    normal = w.select(tiny, x * 2.0**bits, x).bitcast(kind)
    root = x.like(2**-0.5).bitcast(kind)  # from √½ on, a fraction's exponent is one higher
    above = normal - root
    exponent = above >> bits
    fraction = (normal - (exponent << bits)).bitcast(x.kind)
    shift = w.select(tiny, x.like(-float(bits)), x.like(0.0))
    return small_to_float(exponent, x.kind) + shift, fraction


def small_to_float(n: Value, kind: str) -> Value:
    """Integers of the same size, |n| < 2²², to floats; by the rounding constant where no instruction is."""
    if kind == "f32" or n.writer.target.level in ("avx512", "neon"):
        return n.to(kind)
    magic = n.writer.constant(ROUNDER[kind], kind, n.lanes)
    return (n + magic.bitcast(n.kind)).bitcast(kind) - magic
