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

from . import exponentials, logarithms
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


def sqrt(x: Value) -> Value:
    """√x, as the machine rounds it."""
    return x.writer.unary("llvm.sqrt", x)


_REMEZ = "Cody and Waite (1980) for the reduction, a minimax polynomial of our own"

#: Name (NumPy's or SciPy's) → how it is written, bounds for float32 and float64, where the formula is from.
MATHS: dict[str, Function] = {
    "exp": Function(exponentials.exp, 1.25, 1.25, _REMEZ),
    "tanh": Function(exponentials.tanh, 3.0, 3.0, "-expm1(-2|x|) / (2 + expm1(-2|x|))"),
    "sigmoid": Function(exponentials.sigmoid, 3.0, 3.0, "exp(-|x|) or 1 over 1 + exp(-|x|)"),
    "log": Function(logarithms.log, 1.0, 1.0, "Ng and Sun, fdlibm (1993), polynomials of our own"),
    "sqrt": Function(sqrt, 0.5, 0.5, "IEEE 754"),
}
