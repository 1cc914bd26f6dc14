"""The table of all functions that kernels may call: how each is written, how far from the truth it may be.

>>> from whence.compiler import llvm
>>> from whence.compiler.vector.writer import Writer
>>> w = Writer(llvm.target("generic"), 4)
>>> with w.function("f", x="ptr", y="ptr") as (x, y):
...     w.store(MATHS["exp"].emit(w.load("f32", x)), y)
>>> len(llvm.assemble(w.text(), w.target)) > 0
True
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

from . import circles, exponentials, integrals, logarithms, powers, rounding
from .library import each_lane
from .values import Value


class Function(NamedTuple):
    """One function.

    ``ulp32`` and ``ulp64`` bound the error in units of the last place of the true result.
    The tests hold them on every level of registers.
    """

    emit: Callable[..., Value]
    ulp32: float
    ulp64: float
    source: str


_REMEZ = "Cody and Waite (1980) for the reduction, a minimax polynomial of our own"
_LOG = "Ng and Sun, fdlibm (1993), polynomials of our own"
_IEEE = "IEEE 754"
_NUMPY = "NumPy's rules"
_LIBRARY = "the system's C library"

#: Name (NumPy's or SciPy's) → how it is written, bounds for float32 and float64, where the formula is from.
MATHS: dict[str, Function] = {
    "exp": Function(exponentials.exp, 1.25, 1.25, _REMEZ),
    "exp2": Function(exponentials.exp2, 1.5, 1.5, _REMEZ),
    "expm1": Function(exponentials.expm1, 3.0, 3.0, _REMEZ),
    "tanh": Function(exponentials.tanh, 3.0, 3.0, "-expm1(-2|x|) / (2 + expm1(-2|x|))"),
    "sigmoid": Function(exponentials.sigmoid, 3.0, 3.0, "exp(-|x|) or 1 over 1 + exp(-|x|)"),
    "log": Function(logarithms.log, 1.0, 1.0, _LOG),
    "log2": Function(logarithms.log2, 3.0, 3.0, _LOG),
    "log10": Function(logarithms.log10, 3.0, 3.0, _LOG),
    "log1p": Function(logarithms.log1p, 2.0, 2.0, "Kahan's correction of log(1 + x)"),
    "softplus": Function(logarithms.softplus, 4.0, 4.0, "max(x, 0) + log1p(exp(-|x|))"),
    "logaddexp": Function(logarithms.logaddexp, 4.0, 4.0, "max(x, y) + log1p(exp(-|x - y|))"),
    "sqrt": Function(rounding.machine("llvm.sqrt"), 0.5, 0.5, _IEEE),
    "rsqrt": Function(rounding.rsqrt, 1.5, 1.5, _IEEE),
    "reciprocal": Function(rounding.reciprocal, 0.5, 0.5, _IEEE),
    "absolute": Function(rounding.machine("llvm.fabs"), 0.0, 0.0, _IEEE),
    "floor": Function(rounding.machine("llvm.floor"), 0.0, 0.0, _IEEE),
    "ceil": Function(rounding.machine("llvm.ceil"), 0.0, 0.0, _IEEE),
    "trunc": Function(rounding.machine("llvm.trunc"), 0.0, 0.0, _IEEE),
    "rint": Function(rounding.machine("llvm.rint"), 0.0, 0.0, _IEEE),
    "sign": Function(rounding.sign, 0.0, 0.0, _NUMPY),
    "maximum": Function(rounding.maximum, 0.0, 0.0, _NUMPY),
    "minimum": Function(rounding.minimum, 0.0, 0.0, _NUMPY),
    "fmax": Function(rounding.fmax, 0.0, 0.0, _NUMPY),
    "fmin": Function(rounding.fmin, 0.0, 0.0, _NUMPY),
    "fmod": Function(rounding.fmod, 0.0, 0.0, _NUMPY),
    "remainder": Function(rounding.remainder, 1.0, 1.0, _NUMPY),
    "floor_divide": Function(rounding.floor_divide, 0.0, 0.0, _NUMPY),
    "sin": Function(circles.sin, 3.0, 3.0, _REMEZ),
    "cos": Function(circles.cos, 3.0, 3.0, _REMEZ),
    "tan": Function(each_lane("tan"), 1.5, 1.5, _LIBRARY),
    "arcsin": Function(each_lane("asin"), 1.5, 1.5, _LIBRARY),
    "arccos": Function(each_lane("acos"), 1.5, 1.5, _LIBRARY),
    "arctan": Function(each_lane("atan"), 1.5, 1.5, _LIBRARY),
    "arctan2": Function(each_lane("atan2"), 1.5, 1.5, _LIBRARY),
    "sinh": Function(each_lane("sinh"), 3.0, 3.0, _LIBRARY),
    "cosh": Function(each_lane("cosh"), 3.0, 3.0, _LIBRARY),
    "arcsinh": Function(each_lane("asinh"), 3.0, 3.0, _LIBRARY),
    "arccosh": Function(each_lane("acosh"), 3.0, 3.0, _LIBRARY),
    "arctanh": Function(each_lane("atanh"), 3.0, 3.0, _LIBRARY),
    "power": Function(powers.power, 1.0, 1.0, "exp(y log|x|) in float64; C for float64"),
    "cbrt": Function(each_lane("cbrt"), 4.0, 4.0, _LIBRARY),
    "hypot": Function(each_lane("hypot"), 1.5, 1.5, _LIBRARY),
    "erf": Function(integrals.erf, 3.0, 2.0, "minimax approximations of erf and log erfc; C for float64"),
    "erfc": Function(each_lane("erfc"), 6.0, 6.0, _LIBRARY),
}
