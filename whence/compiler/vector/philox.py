"""Philox 4×64-10 as NumPy runs it: the numbers of a stream's draw, from any block on.

Salmon, Moraes, Dror and Shaw, *Parallel random numbers: as easy as 1, 2, 3* (2011), section 4.3: a round
multiplies two of the counter's four words by constants and mixes the halves of the products with the key,
which grows by constants from round to round. A stream's draw ``count`` has the counters (b + 1, count, 0, 0)
for blocks b = 0, 1, …; a block is four float64 or eight float32.
"""

from __future__ import annotations

from .values import Value
from .writer import Writer

ROUNDS = 10
MULTIPLIERS = (0xD2E7470EE14C6C93, 0xCA5A826395121157)
GROWTH = (0x9E3779B97F4A7C15, 0xBB67AE8584CAA73B)


def _product(x: Value, factor: int) -> tuple[Value, Value]:
    """High and low word of the product of 128 bits."""
    w = x.writer
    wide = w.fresh(), w.fresh(), w.fresh()
    w.lines.append(f"  {wide[0]} = zext {x} to i128")
    w.lines.append(f"  {wide[1]} = mul i128 {wide[0]}, {factor}")
    w.lines.append(f"  {wide[2]} = lshr i128 {wide[1]}, 64")
    high, low = (w.emit(f"trunc i128 {name} to i64", "u64", 1) for name in (wide[2], wide[1]))
    return high, low


def block(counter: tuple[Value, Value, Value, Value], key: tuple[Value, Value]) -> Value:
    """The four words of a block, in lanes."""
    a, b, c, d = counter
    k, m = key
    for _ in range(ROUNDS):
        (high, low), (other_high, other_low) = _product(a, MULTIPLIERS[0]), _product(c, MULTIPLIERS[1])
        a, b, c, d = other_high ^ b ^ k, other_low, high ^ d ^ m, low
        k, m = k + GROWTH[0], m + GROWTH[1]
    words = Value(a.writer, "poison", "u64", 4)
    for lane, word in enumerate((a, b, c, d)):
        words = a.writer.emit(f"insertelement {words}, {word}, i64 {lane}", "u64", 4)
    return words


def write_uniform(w: Writer, name: str, kind: str) -> None:
    """Write ``name(key low, key high, count, start, stop, y)``: elements start … stop - 1 of a draw into y.

    They are those of ``numpy.random.Generator.random`` (53 or 24 high bits of each word or half word);
    ``start`` is a multiple of 8.
    """
    lanes = 4 if kind == "f64" else 8
    whole, bits = ("u64", 53) if kind == "f64" else ("u32", 24)
    with (
        w.function(name, low="u64", high="u64", count="u64", start="i64", stop="i64", y="ptr") as given,
        w.loop(given[3], given[4], lanes) as loop,
    ):
        low, high, count, _, stop, y = given
        number = (loop.index / lanes + 1).to("u64")
        zero = number.like(0)
        words = block((number, count, zero, zero), (low, high))
        if kind == "f32":
            words = w.emit(f"bitcast {words} to <8 x i32>", "u32", 8)
        signed = (words >> (int(whole[1:]) - bits)).to("i" + whole[1:])
        w.store(signed.to(kind) * 2.0**-bits, y, loop.index, mask=w.tail(stop - loop.index, lanes))
