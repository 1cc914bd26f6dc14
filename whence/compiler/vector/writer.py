"""The writer of vectorised SSA text: functions, loops and branches around the arithmetic of values.

>>> from whence.compiler import llvm
>>> w = Writer(llvm.target("generic"), 4)
>>> with w.function("scale", x="ptr", y="ptr", n="i64") as (x, y, n):
...     with w.loop(0, n, w.lanes) as loop:
...         part = w.load("f32", x, loop.index)
...         w.store(part * 2.0 + 1.0, y, loop.index)
>>> code = llvm.assemble(w.text(), w.target)

Text is written as the calls come; :meth:`Writer.text` is the whole module. No passes run over it, so a kernel
keeps out of its loops what need not be in them. Fused multiply-add is asked for by name (:meth:`Writer.fma`);
nothing else is contracted, reassociated or assumed to be finite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Protocol

from .memory import Memory
from .values import Value, suffix_of, type_of


class Registers(Protocol):
    """What of a target the text depends on (``whence.compiler.llvm.Target`` is one)."""

    @property
    def level(self) -> str:
        """avx512, avx2, neon or generic."""
        ...

    @property
    def width(self) -> int:
        """Bytes in a vector register."""
        ...


class Loop:
    """A counted loop being written: its index, what it carries, and in the end what it has carried out."""

    def __init__(self, index: Value, carried: list[Value]) -> None:
        self.index = index
        self.carried = carried
        self.results: list[Value] = []
        self.given = carried

    def next(self, *values: Value) -> None:
        """What the carried values are in the next round (or after the last)."""
        if [v.type for v in values] != [v.type for v in self.carried]:
            raise TypeError(f"the loop carries {self.carried}, not {list(values)}")
        self.given = list(values)


class Branch:
    """A branch being written: what it gives instead of the values it was opened with."""

    def __init__(self, otherwise: list[Value]) -> None:
        self.given = self.otherwise = otherwise
        self.results: list[Value] = []

    def give(self, *values: Value) -> None:
        """What the results are where the branch is taken."""
        if [v.type for v in values] != [v.type for v in self.otherwise]:
            raise TypeError(f"the branch stands for {self.otherwise}, not {list(values)}")
        self.given = list(values)


class Writer(Memory):
    """Writes one module.

    Args:
        target: whose registers the text is for.
        lanes: elements in the vectors that :meth:`load` and others give unless told otherwise.
            More than a register holds is split by LLVM: both floats may have the same lanes.
    """

    def __init__(self, target: Registers, lanes: int) -> None:
        super().__init__()
        self.target, self.lanes = target, lanes
        self.fused = target.level != "generic"  # the machine multiplies and adds with one rounding
        self._functions: list[str] = []
        self._globals: dict[str, str] = {}
        self._shared: set[str] = set()
        self._block = "entry"
        self._labels = 0

    def text(self) -> str:
        """The module."""
        return "\n".join([*self._globals.values(), *self._functions, *self.declarations, ""])

    @contextmanager
    def function(
        self,
        function: str,
        /,
        returns: tuple[str, int] | None = None,
        *,
        internal: bool = False,
        **arguments: str,
    ) -> Iterator[tuple[Value, ...]]:
        """A function of scalars, ``name="kind"`` each (or ``name="f32x16"`` for a vector).

        ``with w.function("f", x="ptr", n="i64") as (x, n):`` writes its body; ``returns`` is the kind and the
        lanes of what :meth:`give_back` gives. Functions may be opened while another is being written.
        """
        outer, self.lines = self.lines, []
        block, self._block = self._block, "entry"
        values = []
        for name, kind in arguments.items():
            plain, _, lanes = kind.partition("x")
            values.append(Value(self, f"%{name}", plain, int(lanes or 1)))
        try:
            yield tuple(values)
            returned = type_of(*returns) if returns else "void"
            linkage = "internal " if internal else ""
            head = f"define {linkage}{returned} @{function}({', '.join(map(str, values))}) nounwind {{"
            end = [] if returns else ["  ret void"]
            self._functions.append("\n".join([head, "entry:", *self.lines, *end, "}"]))
        finally:
            self.lines, self._block = outer, block

    def give_back(self, value: Value) -> None:
        """Return from a function that has been opened with ``returns``."""
        self.lines.append(f"  ret {value}")

    def call(self, function: str, returns: tuple[str, int] | None, *arguments: Value) -> Value | None:
        """Call a function of this module (or of one added before, once :meth:`external` has named it)."""
        given = ", ".join(map(str, arguments))
        if returns is None:
            self.lines.append(f"  call void @{function}({given})")
            return None
        return self.emit(f"call {type_of(*returns)} @{function}({given})", *returns)

    def external(self, function: str, returns: str, *kinds: str) -> None:
        """Declare a scalar function that is elsewhere, to be called."""
        taken = ", ".join(type_of(kind) for kind in kinds)
        self.declarations[f"declare {type_of(returns) if returns else 'void'} @{function}({taken})"] = None

    def once(self, name: str, write: Callable[[], None]) -> None:
        """Have ``write`` write the function ``name``, unless it has been."""
        if name not in self._shared:
            self._shared.add(name)
            write()

    def table(self, name: str, kind: str, numbers: Sequence[float]) -> Value:
        """The address of a constant array, written once for its name."""
        if name not in self._globals:
            one = type_of(kind)
            items = ", ".join(f"{one} {self.constant(n, kind).name}" for n in numbers)
            self._globals[name] = f"@{name} = private constant [{len(numbers)} x {one}] [{items}], align 64"
        return Value(self, f"@{name}", "ptr")

    def block(self, label: str) -> None:
        """Begin the block ``label``."""
        self.lines.append(f"{label}:")
        self._block = label

    def label(self, word: str) -> str:
        """A label that nothing else has."""
        self._labels += 1
        return f"{word}{self._labels}"

    @contextmanager
    def loop(
        self, start: Value | int, stop: Value | int, step: Value | int = 1, carried: Sequence[Value] = ()
    ) -> Iterator[Loop]:
        """``for index in range(start, stop, step)``, ``step`` above 0, indices of 64 bits.

        Values that change from round to round are ``carried`` in: inside they are ``loop.carried``, what
        ``loop.next`` was given follows them, and after the loop they are ``loop.results``.
        """
        start, stop, step = (
            n if isinstance(n, Value) else self.constant(n, "i64") for n in (start, stop, step)
        )
        body, after = self.label("loop"), self.label("done")
        before = self._block
        self.lines.append(f"  br i1 {(start < stop).name}, label %{body}, label %{after}")
        self.block(body)
        places = [start, *carried]
        inside = [Value(self, self.fresh(), v.kind, v.lanes) for v in places]
        hole = len(self.lines)
        loop = Loop(inside[0], inside[1:])
        yield loop
        index = loop.index + step
        latch = self._block
        self.lines.append(f"  br i1 {(index < stop).name}, label %{body}, label %{after}")
        self.lines[hole:hole] = [
            f"  {v.name} = phi {v.type} [{first.name}, %{before}], [{later.name}, %{latch}]"
            for v, first, later in zip(inside, places, [index, *loop.given], strict=True)
        ]
        self.block(after)
        loop.results = [
            self.emit(f"phi {v.type} [{v.name}, %{before}], [{later.name}, %{latch}]", v.kind, v.lanes)
            for v, later in zip(carried, loop.given, strict=True)
        ]

    @contextmanager
    def when(self, condition: Value, *otherwise: Value) -> Iterator[Branch]:
        """What is written inside runs only where the (scalar) ``condition`` holds.

        ``branch.results`` are the values that ``branch.give`` was given there, and ``otherwise`` elsewhere.
        """
        taken, after = self.label("when"), self.label("done")
        before = self._block
        self.lines.append(f"  br {condition}, label %{taken}, label %{after}")
        self.block(taken)
        branch = Branch(list(otherwise))
        yield branch
        last = self._block
        self.lines.append(f"  br label %{after}")
        self.block(after)
        branch.results = [
            self.emit(f"phi {v.type} [{v.name}, %{before}], [{w.name}, %{last}]", v.kind, v.lanes)
            for v, w in zip(otherwise, branch.given, strict=True)
        ]

    def select(self, condition: Value, a: Value | float, b: Value | float) -> Value:
        """Lane by lane ``a`` where ``condition`` holds, else ``b``."""
        first = a if isinstance(a, Value) else b
        if not isinstance(first, Value):
            raise TypeError("one of the two must be a value: numbers alone have no kind")
        a, b = first.beside(a)[1], first.beside(b)[1]
        lanes = max(a.lanes, b.lanes, condition.lanes)
        if condition.lanes != 1:
            a, b = self.splat(a, lanes), self.splat(b, lanes)
        return self.emit(f"select {condition}, {a}, {b}", a.kind, lanes)

    def fma(self, a: Value | float, b: Value | float, c: Value | float) -> Value:
        """``a * b + c`` with one rounding where the machine can, else with two."""
        values = [x for x in (a, b, c) if isinstance(x, Value)]
        pattern = max(values, key=lambda v: v.lanes)
        a, b, c = (pattern.beside(x)[1] for x in (a, b, c))
        if not self.fused:
            return a * b + c
        suffix = suffix_of(pattern.kind, pattern.lanes)
        return self.intrinsic("llvm.fma", pattern.kind, pattern.lanes, a, b, c, suffix=suffix)

    def unary(self, intrinsic: str, x: Value) -> Value:
        """LLVM's own function of one value: ``"llvm.sqrt"``, ``"llvm.fabs"``, ``"llvm.ctpop"``."""
        return self.intrinsic(intrinsic, x.kind, x.lanes, x, suffix=suffix_of(x.kind, x.lanes))

    def binary(self, intrinsic: str, x: Value, y: Value | float) -> Value:
        """LLVM's own function of two: ``"llvm.copysign"``, ``"llvm.smax"``."""
        x, y = x.beside(y)
        return self.intrinsic(intrinsic, x.kind, x.lanes, x, y, suffix=suffix_of(x.kind, x.lanes))

    def fold(self, x: Value, join: Callable[[Value, Value], Value]) -> Value:
        """One scalar of all lanes: halves joined to halves, so always in the same order.

        ``w.fold(x, lambda a, b: a + b)`` is the sum; the number of lanes is a power of two.
        """
        while x.lanes > 1:
            half = x.lanes // 2
            x = join(self.part(x, 0, half), self.part(x, half, half))
        return x

    def part(self, x: Value, first: int, count: int) -> Value:
        """``count`` neighbouring lanes."""
        return x.lane(first) if count == 1 else self.shuffle(x, x, list(range(first, first + count)))

    def join(self, *parts: Value) -> Value:
        """The lanes of two (or four, eight) vectors of one kind, one after the other."""
        rest = list(parts)
        while len(rest) > 1:
            lanes = 2 * rest[0].lanes
            pairs = zip(rest[::2], rest[1::2], strict=True)
            rest = [self.shuffle(a, b, list(range(lanes))) for a, b in pairs]
        return rest[0]

    def shuffle(self, a: Value, b: Value, lanes: Sequence[int]) -> Value:
        """Lanes picked from ``a`` and, counted on, ``b``; -1 is any."""
        picked = ", ".join(f"i32 {n}" if n >= 0 else "i32 poison" for n in lanes)
        mask = f"<{len(lanes)} x i32> <{picked}>"
        return self.emit(f"shufflevector {a}, {b}, {mask}", a.kind, len(lanes))

    def any(self, condition: Value) -> Value:
        """One truth value: whether any lane holds."""
        if condition.lanes == 1:
            return condition
        bits = f"i{condition.lanes}"
        packed = self.emit(f"bitcast {condition} to {bits}", "i64", 1)  # its own width: only compared below
        return self.emit(f"icmp ne {bits} {packed.name}, 0", "i1", 1)
