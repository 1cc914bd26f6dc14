"""Powers: for float32 exp(y·log|x|) in float64, whose spare digits hold the error of the product.

For float64 the C library's, which carries the logarithm in more digits than a float64 has.
"""

from __future__ import annotations

from math import inf, nan

from .exponentials import exp
from .library import each_lane
from .logarithms import log
from .tools import absolute
from .values import Value

_library = each_lane("pow")


def power(x: Value, y: Value) -> Value:
    """To the power of y, with the specials of C's pow: 1 for y = 0 and x = 1, even where the other is NaN."""
    w = x.writer
    if x.kind == "f64" or not w.fused:  # 5 ns an element there, and 12 this way
        return _library(x, y)
    size = absolute(x)
    z = exp(y.to("f64") * log(size.to("f64"))).to("f32")
    whole = w.unary("llvm.floor", y).eq(y)
    half = y * 0.5
    odd = whole & w.unary("llvm.floor", half).ne(half)
    negative = x.bitcast("i32") < 0
    z = w.select(odd & negative, -z, z)
    z = w.select((x < 0.0) & (x > -inf) & ~whole, nan, z)
    one = y.eq(0.0) | x.eq(1.0) | (size.eq(1.0) & absolute(y).eq(inf))
    return w.select(one, 1.0, z)
