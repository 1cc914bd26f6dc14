"""What the elementwise functions do to one element, as instructions, in the types that NumPy resolves to.

>>> import numpy as np
>>> from .graph import Node, Value
>>> x, y = Value((3,), np.float32), Value((3,), np.float32)
>>> types_of(Node(np.add, (x, 2.0), {}, (y,)))
(('f32', 'f32'), ('f32',))
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from scipy import special

from .graph import Node, Value, _kind
from .vector import values as vectors
from .vector.maths import MATHS
from .vector.writer import Writer
from .words import astype, full

Vector = vectors.Value

FLOATS, INTEGERS, TRUTH = "f", "iu", "b"
NUMBERS, ALL = "fiu", "fiub"


class Element(NamedTuple):
    """How one function is written, and for which types.

    Attributes:
        write: ``write(w, *operands)``, operands converted to the types of NumPy's loop.
        takes: kinds of dtypes that it is for.
        cost: about how many simple instructions it is.
    """

    write: Callable[..., Vector]
    takes: str = ALL
    cost: int = 1


@cache
def kind_of(dtype: Any) -> str | None:
    """The kind that elements of a dtype have in vectors; None for what kernels know nothing of."""
    dtype = np.dtype(dtype)
    if not dtype.isnative:
        return None
    if dtype.kind == "b":
        return "i1"
    kind = f"{dtype.kind}{dtype.itemsize * 8}"
    return kind if kind in vectors.SIZES else None


def element_of(function: Any) -> Element | None:
    """The entry of a function; None for what is called as it is."""
    try:
        return ELEMENTS.get(function)
    except TypeError:  # cannot be hashed
        return None


def types_of(node: Node) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    """Kinds of the operands in NumPy's loop, and of the outputs; None where there are no kernels for it."""
    element = element_of(node.function)
    if element is None or len(node.outputs) != 1:
        return None
    outputs = tuple([kind_of(value.dtype) for value in node.outputs])
    if None in outputs:
        return None
    if node.function is full:
        return ((outputs[0],), outputs) if not node.keywords else None  # type: ignore[return-value]
    if node.keywords or not all(_is_plain(part) for part in operands_of(node)):
        return None
    found = _loop(node)
    if found is None or not set(found[0]) <= set(_letters(element.takes, found[0])):
        return None
    return found if found[1] == outputs or node.output.weak else None


def operands_of(node: Node) -> tuple[Any, ...]:
    """The elementwise arguments: Values and numbers."""
    if node.function is astype:
        return node.args[:1]
    return node.args[1:2] if node.function is full else node.args


def _loop(node: Node) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    function, out = node.function, kind_of(node.output.dtype)
    if function is astype:
        kind = _own(node.args[0])
        return None if kind is None or out is None else ((kind,), (out,))
    if function is np.where:
        return None if len(node.args) != 3 or out is None else (("i1", out, out), (out,))
    return _resolved(function, tuple([_kind(part) for part in node.args]))


@cache
def _resolved(function: Any, kinds: tuple[Any, ...]) -> tuple[tuple[str, ...], tuple[str, ...]] | None:
    types = function.resolve_dtypes((*kinds, *[None] * function.nout))
    found = [kind_of(dtype) for dtype in types]
    if (
        None in found or len(set(found[: function.nin])) > 1
    ):  # int64 and uint64 are compared in a loop of their own
        return None
    return tuple(found[: function.nin]), tuple(found[function.nin :])  # type: ignore[arg-type]


def _own(part: Any) -> str | None:
    return kind_of(part.dtype if type(part) is Value else np.asarray(part).dtype)


def _is_plain(part: Any) -> bool:
    if type(part) is Value:
        return kind_of(part.dtype) is not None
    return isinstance(part, (bool, int, float, np.generic)) and kind_of(np.asarray(part).dtype) is not None


def _letters(takes: str, kinds: tuple[str, ...]) -> list[str]:
    return [kind for kind in kinds if ("b" if kind == "i1" else kind[0]) in takes]


def cost_of(node: Node) -> int:
    """About how many simple instructions an element costs."""
    return ELEMENTS[node.function].cost


def _zero_free(w: Writer, a: Vector, b: Vector) -> tuple[Vector, Vector]:
    """A divisor that the machine can divide by (1 where NumPy's result does not depend on it), and where."""
    bad = b.eq(0)
    if b.kind[0] == "i":
        least = -(1 << (8 * vectors.SIZES[b.kind] - 1))
        bad = bad | (a.eq(least) & b.eq(-1))
    return w.select(bad, 1, b), bad


def _floor_divide(w: Writer, a: Vector, b: Vector) -> Vector:
    divisor, _ = _zero_free(w, a, b)
    quotient = a // divisor
    if a.kind[0] == "i":
        inexact = (a - quotient * divisor).ne(0) & ((a ^ divisor) < 0)
        quotient = quotient - inexact.to(a.kind)
    return w.select(b.eq(0), 0, quotient)


def _remainder(w: Writer, a: Vector, b: Vector) -> Vector:
    divisor, bad = _zero_free(w, a, b)
    rest = a % divisor
    if a.kind[0] == "i":
        rest = w.select(rest.ne(0) & ((rest ^ divisor) < 0), rest + divisor, rest)
    return w.select(bad, 0, rest)


def _fmod(w: Writer, a: Vector, b: Vector) -> Vector:
    divisor, bad = _zero_free(w, a, b)
    return w.select(bad, 0, a % divisor)


def _left_shift(w: Writer, a: Vector, b: Vector) -> Vector:
    bits = 8 * vectors.SIZES[a.kind]
    inside = b.compare("ult", bits)
    return w.select(inside, a << w.select(inside, b, 0), 0)


def _right_shift(w: Writer, a: Vector, b: Vector) -> Vector:
    bits = 8 * vectors.SIZES[a.kind]
    inside = b.compare("ult", bits)
    beyond = a >> (bits - 1) if a.kind[0] == "i" else a.like(0)
    return w.select(inside, a >> w.select(inside, b, 0), beyond)


def _add(w: Writer, a: Vector, b: Vector) -> Vector:
    return a | b if a.kind == "i1" else a + b


def _multiply(w: Writer, a: Vector, b: Vector) -> Vector:
    return a & b if a.kind == "i1" else a * b


def _maximum(w: Writer, a: Vector, b: Vector) -> Vector:
    if a.kind == "i1":
        return a | b
    return w.select((a >= b) | a.isnan() if a.is_float else a >= b, a, b)


def _minimum(w: Writer, a: Vector, b: Vector) -> Vector:
    if a.kind == "i1":
        return a & b
    return w.select((a <= b) | a.isnan() if a.is_float else a <= b, a, b)


def _fmax(w: Writer, a: Vector, b: Vector) -> Vector:
    return w.select((a >= b) | b.isnan(), a, b) if a.is_float else _maximum(w, a, b)


def _fmin(w: Writer, a: Vector, b: Vector) -> Vector:
    return w.select((a <= b) | b.isnan(), a, b) if a.is_float else _minimum(w, a, b)


def _absolute(w: Writer, a: Vector) -> Vector:
    if a.is_float:
        return w.unary("llvm.fabs", a)
    return a if a.kind[0] == "u" or a.kind == "i1" else w.select(a < 0, -a, a)


def _sign(w: Writer, a: Vector) -> Vector:
    if a.is_float:
        return w.select(a > 0, 1.0, w.select(a < 0, -1.0, w.select(a.isnan(), a, 0.0)))
    return (
        w.select(a > 0, 1, w.select(a < 0, -1, a.like(0)))
        if a.kind[0] == "i"
        else w.select(a > 0, 1, a.like(0))
    )


def _reciprocal(w: Writer, a: Vector) -> Vector:
    return 1.0 / a


def _isinf(w: Writer, a: Vector) -> Vector:
    return w.unary("llvm.fabs", a).eq(float("inf"))


def _isfinite(w: Writer, a: Vector) -> Vector:
    return w.unary("llvm.fabs", a) < float("inf")


def _signbit(w: Writer, a: Vector) -> Vector:
    return a.bitcast("i32" if a.kind == "f32" else "i64") < 0


def _less(word: str) -> Callable[..., Vector]:
    def write(w: Writer, a: Vector, b: Vector) -> Vector:
        return a.compare("u" + word, b) if a.kind == "i1" else getattr(a, f"__{word}__")(b)

    return write


def _logical(join: Callable[[Vector, Vector], Vector]) -> Callable[..., Vector]:
    return lambda w, a, b: join(a.to("i1"), b.to("i1"))


def _intrinsic(name: str) -> Callable[..., Vector]:
    return lambda w, a: w.unary(name, a)


def _same(w: Writer, a: Vector) -> Vector:
    return a


#: NumPy's functions (and the words of programs) that kernels are made of.
ELEMENTS: dict[Any, Element] = {
    np.add: Element(_add),
    np.subtract: Element(lambda w, a, b: a - b, NUMBERS),
    np.multiply: Element(_multiply),
    np.divide: Element(lambda w, a, b: a / b, FLOATS, 4),
    np.negative: Element(lambda w, a: -a, NUMBERS),
    np.positive: Element(_same, NUMBERS, 0),
    np.absolute: Element(_absolute),
    np.fabs: Element(_absolute, FLOATS),
    np.square: Element(lambda w, a: a * a, NUMBERS),
    np.reciprocal: Element(_reciprocal, FLOATS, 4),
    np.sqrt: Element(_intrinsic("llvm.sqrt"), FLOATS, 5),
    np.floor: Element(_intrinsic("llvm.floor"), FLOATS),
    np.ceil: Element(_intrinsic("llvm.ceil"), FLOATS),
    np.trunc: Element(_intrinsic("llvm.trunc"), FLOATS),
    np.rint: Element(_intrinsic("llvm.roundeven"), FLOATS),
    np.sign: Element(_sign, NUMBERS),
    np.copysign: Element(lambda w, a, b: w.binary("llvm.copysign", a, b), FLOATS),
    np.floor_divide: Element(_floor_divide, INTEGERS, 12),
    np.remainder: Element(_remainder, INTEGERS, 12),
    np.fmod: Element(_fmod, INTEGERS, 12),
    np.maximum: Element(_maximum),
    np.minimum: Element(_minimum),
    np.fmax: Element(_fmax),
    np.fmin: Element(_fmin),
    np.less: Element(_less("lt")),
    np.less_equal: Element(_less("le")),
    np.greater: Element(_less("gt")),
    np.greater_equal: Element(_less("ge")),
    np.equal: Element(lambda w, a, b: a.eq(b)),
    np.not_equal: Element(lambda w, a, b: a.ne(b)),
    np.logical_and: Element(_logical(lambda a, b: a & b)),
    np.logical_or: Element(_logical(lambda a, b: a | b)),
    np.logical_xor: Element(_logical(lambda a, b: a ^ b)),
    np.logical_not: Element(lambda w, a: ~a.to("i1")),
    np.bitwise_and: Element(lambda w, a, b: a & b),
    np.bitwise_or: Element(lambda w, a, b: a | b),
    np.bitwise_xor: Element(lambda w, a, b: a ^ b),
    np.invert: Element(lambda w, a: ~a),
    np.left_shift: Element(_left_shift, INTEGERS, 2),
    np.right_shift: Element(_right_shift, INTEGERS, 2),
    np.isnan: Element(lambda w, a: a.isnan(), FLOATS),
    np.isinf: Element(_isinf, FLOATS),
    np.isfinite: Element(_isfinite, FLOATS),
    np.signbit: Element(_signbit, FLOATS),
    np.where: Element(lambda w, c, a, b: w.select(c, a, b)),
    astype: Element(_same),
    full: Element(_same, ALL, 0),
}


def _both(whole: Callable[..., Vector], real: Callable[..., Vector]) -> Callable[..., Vector]:
    """One way to write it for integers, another for floats."""
    return lambda w, *xs: real(*xs) if xs[0].is_float else whole(w, *xs)


def _of_floats(emit: Callable[..., Vector]) -> Callable[..., Vector]:
    return lambda w, *xs: emit(*xs)


#: Functions of floats that have a name in the table of maths, and about how many instructions they are.
_MATHS = {
    20: ("exp", "exp2", "expm1", "tanh", "log", "log2", "log10", "log1p", "logaddexp", "sin", "cos"),
    200: (
        *("tan", "arcsin", "arccos", "arctan", "arctan2", "sinh", "cosh", "arcsinh", "arccosh", "arctanh"),
        *("power", "cbrt", "hypot"),
    ),
}
for _cost, _names in _MATHS.items():
    for _name in _names:
        ELEMENTS[getattr(np, _name)] = Element(_of_floats(MATHS[_name].emit), FLOATS, _cost)
for _name in ("floor_divide", "remainder", "fmod"):
    _function = getattr(np, _name)
    ELEMENTS[_function] = Element(_both(ELEMENTS[_function].write, MATHS[_name].emit), NUMBERS, 40)
for _function, _name in ((special.erf, "erf"), (special.expit, "sigmoid"), (special.erfc, "erfc")):
    ELEMENTS[_function] = Element(_of_floats(MATHS[_name].emit), FLOATS, 30)
