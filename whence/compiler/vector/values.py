"""Values of vectorised SSA text: what a name stands for, and the arithmetic that makes new ones.

A :class:`Value` is the name of a register's content together with the kind of its elements and the number of
its lanes. Arithmetic on values writes lines: ``x * y + 1.0`` is two of them. Numbers become constants of the
other operand's kind, and a scalar beside a vector is spread over its lanes. Nothing is folded, fused or
reordered: what is written is what runs.
"""

from __future__ import annotations

import struct
from typing import Any

#: Kinds of elements: how LLVM names them. ``u8`` … ``u64`` are integers whose comparisons, conversions,
#: quotients and right shifts take them as unsigned; ``i1`` is a truth value (one byte of 0 or 1 in memory).
KINDS = {
    "f32": "float",
    "f64": "double",
    "ptr": "ptr",
    "i1": "i1",
    **{f"{sign}{bits}": f"i{bits}" for sign in "iu" for bits in (8, 16, 32, 64)},
}

#: Bytes of an element in memory.
SIZES = {"f32": 4, "f64": 8, "ptr": 8, "i1": 1, **{f"{s}{8 * n}": n for s in "iu" for n in (1, 2, 4, 8)}}

FLOATS = ("f32", "f64")


def type_of(kind: str, lanes: int = 1) -> str:
    """LLVM's type: ``<16 x float>``, or ``float`` where ``lanes`` is 1."""
    return KINDS[kind] if lanes == 1 else f"<{lanes} x {KINDS[kind]}>"


def suffix_of(kind: str, lanes: int = 1) -> str:
    """How the names of intrinsics end: ``v16f32``, ``f64``, ``v8i32``."""
    plain = kind.replace("u", "i")
    return plain if lanes == 1 else f"v{lanes}{plain}"


def literal(number: float, kind: str) -> str:
    """A number as LLVM writes it: floats exactly, in hexadecimal.

    >>> literal(1.5, "f32"), literal(-3, "i32"), literal(True, "i1")
    ('0x3FF8000000000000', '-3', 'true')
    """
    if kind in FLOATS:
        if kind == "f32":
            try:
                number = struct.unpack("f", struct.pack("f", number))[0]
            except OverflowError:
                number = float("inf") if number > 0 else float("-inf")
        return f"0x{struct.unpack('Q', struct.pack('d', number))[0]:016X}"
    if kind == "i1":
        return "true" if number else "false"
    return str(int(number))


class Lines:
    """Lines of text, fresh names, and the declarations that the lines need."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self.declarations: dict[str, None] = {}  # ordered
        self._count = 0

    def fresh(self) -> str:
        """A name that nothing else has."""
        self._count += 1
        return f"%v{self._count}"

    def emit(self, text: str, kind: str, lanes: int) -> Value:
        """Write ``%name = text``; the value that it names."""
        name = self.fresh()
        self.lines.append(f"  {name} = {text}")
        return Value(self, name, kind, lanes)

    def constant(self, number: float, kind: str, lanes: int = 1) -> Value:
        """The same number in every lane."""
        text = literal(number, kind)
        if lanes > 1:
            text = f"splat ({KINDS[kind]} {text})"
        return Value(self, text, kind, lanes)

    def splat(self, x: Value, lanes: int) -> Value:
        """A scalar in every lane."""
        if x.lanes == lanes:
            return x
        if x.lanes != 1:
            raise ValueError(f"only a scalar is spread over lanes, not {x.type}")
        one = f"<1 x {KINDS[x.kind]}>"
        first = self.emit(f"insertelement {one} poison, {x}, i64 0", x.kind, lanes)
        wide = f"shufflevector {one} {first.name}, {one} poison, <{lanes} x i32> zeroinitializer"
        return self.emit(wide, x.kind, lanes)

    def intrinsic(self, name: str, kind: str, lanes: int, *operands: Value | str, suffix: str = "") -> Value:
        """Call LLVM's ``name`` (with ``.suffix`` where it is overloaded), which gives ``kind`` in ``lanes``.

        Operands that are plain strings are immediates with their type, ``"i32 8"``.
        """
        full = f"@{name}.{suffix}" if suffix else f"@{name}"
        returned = type_of(kind, lanes)
        types = ", ".join(o.split()[0] if isinstance(o, str) else o.type for o in operands)
        self.declarations[f"declare {returned} {full}({types})"] = None
        return self.emit(f"call {returned} {full}({', '.join(map(str, operands))})", kind, lanes)


class Value:
    """A name, the kind of its elements, and how many there are (``lanes == 1``: a scalar).

    Operators: ``+ - * /`` and unary ``-`` on floats and integers, ``% //`` on integers (towards zero, as the
    machine divides), ``& | ^ << >> ~`` on integers and truth values, ``< <= > >=`` and :meth:`eq`, :meth:`ne`
    (ordered but for :meth:`ne`: comparing with NaN is false, and different is true).
    """

    __slots__ = ("kind", "lanes", "name", "writer")

    def __init__(self, writer: Any, name: str, kind: str, lanes: int = 1) -> None:
        self.writer, self.name, self.kind, self.lanes = writer, name, kind, lanes

    @property
    def type(self) -> str:
        """As LLVM writes it."""
        return type_of(self.kind, self.lanes)

    @property
    def is_float(self) -> bool:
        """Of kind f32 or f64."""
        return self.kind in FLOATS

    def __str__(self) -> str:
        return f"{self.type} {self.name}"

    def __repr__(self) -> str:
        return f"Value({self})"

    def like(self, number: float) -> Value:
        """A number as a constant of this kind and width."""
        return self.writer.constant(number, self.kind, self.lanes)

    def beside(self, other: Value | float) -> tuple[Value, Value]:
        """Both, brought to one kind and width: numbers become constants, scalars are spread."""
        if not isinstance(other, Value):
            return self, self.like(other)
        if self.kind != other.kind:
            raise TypeError(f"{self} beside {other}: convert one with .to({self.kind!r}) first")
        lanes = max(self.lanes, other.lanes)
        return self.writer.splat(self, lanes), self.writer.splat(other, lanes)

    def _binary(self, word: str, other: Value | float) -> Value:
        a, b = self.beside(other)
        return self.writer.emit(f"{word} {a.type} {a.name}, {b.name}", a.kind, a.lanes)

    def _sort(self, real: str, signed: str, unsigned: str) -> str:
        return real if self.is_float else unsigned if self.kind[0] == "u" else signed

    def __add__(self, other: Value | float) -> Value:
        return self._binary("fadd" if self.is_float else "add", other)

    def __sub__(self, other: Value | float) -> Value:
        return self._binary("fsub" if self.is_float else "sub", other)

    def __mul__(self, other: Value | float) -> Value:
        return self._binary("fmul" if self.is_float else "mul", other)

    def __truediv__(self, other: Value | float) -> Value:
        return self._binary(self._sort("fdiv", "sdiv", "udiv"), other)

    def __floordiv__(self, other: Value | float) -> Value:
        return self._binary(self._sort("not", "sdiv", "udiv"), other)

    def __mod__(self, other: Value | float) -> Value:
        return self._binary(self._sort("not", "srem", "urem"), other)

    def __and__(self, other: Value | float) -> Value:
        return self._binary("and", other)

    def __or__(self, other: Value | float) -> Value:
        return self._binary("or", other)

    def __xor__(self, other: Value | float) -> Value:
        return self._binary("xor", other)

    def __lshift__(self, other: Value | float) -> Value:
        return self._binary("shl", other)

    def __rshift__(self, other: Value | float) -> Value:
        return self._binary(self._sort("not", "ashr", "lshr"), other)

    def __radd__(self, other: float) -> Value:
        return self.like(other) + self

    def __rsub__(self, other: float) -> Value:
        return self.like(other) - self

    def __rmul__(self, other: float) -> Value:
        return self.like(other) * self

    def __rtruediv__(self, other: float) -> Value:
        return self.like(other) / self

    def __neg__(self) -> Value:
        if self.is_float:
            return self.writer.emit(f"fneg {self}", self.kind, self.lanes)
        return self.like(0) - self

    def __invert__(self) -> Value:
        return self ^ (1 if self.kind == "i1" else -1)

    def compare(self, word: str, other: Value | float) -> Value:
        """Truth values of LLVM's comparison ``word``: ``"olt"``, ``"uno"``, ``"slt"``, ``"eq"``."""
        a, b = self.beside(other)
        op = "fcmp" if a.is_float else "icmp"
        return self.writer.emit(f"{op} {word} {a.type} {a.name}, {b.name}", "i1", a.lanes)

    def __lt__(self, other: Value | float) -> Value:
        return self.compare(self._sort("olt", "slt", "ult"), other)

    def __le__(self, other: Value | float) -> Value:
        return self.compare(self._sort("ole", "sle", "ule"), other)

    def __gt__(self, other: Value | float) -> Value:
        return self.compare(self._sort("ogt", "sgt", "ugt"), other)

    def __ge__(self, other: Value | float) -> Value:
        return self.compare(self._sort("oge", "sge", "uge"), other)

    def eq(self, other: Value | float) -> Value:
        """Where they are equal."""
        return self.compare("oeq" if self.is_float else "eq", other)

    def ne(self, other: Value | float) -> Value:
        """Where they differ; NaN differs from everything."""
        return self.compare("une" if self.is_float else "ne", other)

    def isnan(self) -> Value:
        """Where it is NaN."""
        return self.compare("uno", self)

    def to(self, kind: str) -> Value:
        """Converted as NumPy's ``astype``: floats to integers towards zero, to truth values by ``!= 0``."""
        if kind == self.kind:
            return self
        if kind == "i1":
            return self.ne(0)
        old, new = self.kind, kind
        if KINDS[old] == KINDS[new]:
            return Value(self.writer, self.name, kind, self.lanes)
        unsigned = old == "i1" or old[0] == "u"
        if old in FLOATS and new in FLOATS:
            word = "fpext" if new == "f64" else "fptrunc"
        elif new in FLOATS:
            word = "uitofp" if unsigned else "sitofp"
        elif old in FLOATS:
            word = "fptoui" if new[0] == "u" else "fptosi"
        elif SIZES[new] < SIZES[old]:
            word = "trunc"
        else:
            word = "zext" if unsigned else "sext"
        return self.writer.emit(f"{word} {self} to {type_of(new, self.lanes)}", new, self.lanes)

    def bitcast(self, kind: str) -> Value:
        """The same bits as another kind of the same size."""
        if KINDS[kind] == KINDS[self.kind]:
            return Value(self.writer, self.name, kind, self.lanes)
        return self.writer.emit(f"bitcast {self} to {type_of(kind, self.lanes)}", kind, self.lanes)

    def lane(self, index: int) -> Value:
        """One element, as a scalar."""
        if self.lanes == 1:
            return self
        return self.writer.emit(f"extractelement {self}, i64 {index}", self.kind, 1)
