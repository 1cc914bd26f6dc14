"""The error function.

For float32, x + x·p(x²) below 1 and 1 - exp(q(|x|)) above, q being the minimax approximation of log erfc
that makes the absolute error of its exponential smallest (Remez exchange in 50 digits). For float64 the C
library's.
"""

from __future__ import annotations

from .exponentials import exp
from .library import each_lane
from .tools import absolute, at_most, polynomial, with_sign
from .values import Value

P = (
    *(0.12837916709551256, -0.37612637877464294, 0.11283784359693527, -0.0268655177205801),
    *(0.005221251398324966, -0.0008487043087370694, 0.00011286206427030265, -9.722145478008315e-06),
)
Q = (
    *(0.00018803619605023414, -1.1295783519744873, -0.6332198977470398, -0.1084185466170311),
    *(0.025208236649632454, -0.004204554483294487, 0.0004413349961396307, -2.1686739273718558e-05),
)
_library = each_lane("erf")


def erf(x: Value) -> Value:
    """2/√π times the integral of exp(-t²) from 0 to x."""
    if x.kind == "f64":
        return _library(x)
    w = x.writer
    size = at_most(absolute(x), 4.0)  # erfc(4) is below half an ULP of 1
    small = w.fma(size, polynomial(size * size, P), size)
    large = 1.0 - exp(polynomial(size, Q))
    return with_sign(w.select(size < 1.0, small, large), x)
