"""inner: the recording of a loop's body or a branch, inside the recording of a program.

What the body closes over, values of the program among it, becomes an operand that it *captures*; what does
not depend on the step at all is computed once, outside. A random stream's count of draws is handed from step
to step: where it is not *pinned* yet, the recorder notes that it has to be.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..errors import TraceError
from .graph import Value
from .record import Recorder
from .traced import Traced

#: Calls that only look at memory otherwise: done outside they would make an array.
_VIEWS = frozenset({np.broadcast_to, np.reshape, np.transpose})


class Inner(Recorder):
    """What one run of a body is noted down in.

    Attributes:
        outer: the recorder of the program, or of the body around this one.
        captured: for each Value from outside, the Traced that it came as, and the input that it is here.
        pinned: the counts of draws at this point, by key.
        drawn: keys of counts that were changed.
    """

    def __init__(self, outer: Recorder, hoists: bool = True) -> None:
        super().__init__()
        self.outer, self.hoists = outer, hoists
        self.control, self.build = outer.control, outer.build
        self.streams, self.held = outer.streams, outer.held
        self.captured: dict[Value, tuple[Traced, Value]] = {}
        self.pinned: dict[Any, Any] = {}
        self.drawn: dict[Any, None] = {}

    # --- state, which is the program's ---------------------------------------------------------------

    def lift(self, parts: Iterable[Any]) -> None:
        """By the program."""
        self.outer.lift(parts)

    def clear(self, v: Any) -> None:
        """Refused: a body changes nothing outside."""
        _refuse("a gradient is cleared")

    def also_writes(self, key: Any, write: Callable[[Any], None]) -> None:
        """Refused: a body changes nothing outside."""
        _refuse("an optimiser makes a step")

    def state(
        self,
        key: Any,
        label: str,
        read: Callable[[], Any],
        write: Callable[[Any], None] | None = None,
        home: tuple[Any, Any] | None = None,
    ) -> Any:
        """What a cell of the program holds at this point."""
        return self.pinned[key] if key in self.pinned else self.outer.state(key, label, read, write, home)

    def write(self, key: Any, value: Any) -> None:
        """Let a count be another."""
        self.drawn[key] = None
        self.pinned[key] = value

    # --- operands --------------------------------------------------------------------------------------

    def foreign(self, part: Traced) -> Value:
        """A value of the program, or of a body around this one: an operand of the whole loop."""
        around: Any = self.outer
        while part.recorder is not around:
            if not isinstance(around, Inner):
                return super().foreign(part)
            around = around.outer
        known = self.captured.get(part.symbol)
        if known is None:
            outside = Traced(part.recorder, part.now, part.symbol, (part.code, part.lasti))
            symbol = Value(part.shape, part.dtype, part.symbol.weak)
            known = self.captured[part.symbol] = outside, symbol
        return known[1]

    def constant(self, array: Any) -> Value:
        """An array that the program takes from outside; a NumPy scalar is written into the body."""
        if isinstance(array, np.generic):
            return super().constant(array)
        value = self.outer.constant(array)
        around: Any = self.outer
        while isinstance(around, Inner):
            around = around.outer
        return self.foreign(Traced(self.outer, array, value, (None, 0)))

    def emit(
        self, function: Callable[..., Any], args: Any, keywords: dict[str, Any], pure: bool = True
    ) -> Any:
        """Note down a call; outside the loop, if none of its operands changes inside."""
        if self.hoists and pure and function not in _VIEWS:
            operands = list(_traced_in((args, keywords)))
            if operands and all(x.recorder is not self for x in operands):
                return self.outer.emit(function, args, keywords)
        return super().emit(function, args, keywords, pure)

    def overwrite(self, target: Traced, new: Traced) -> None:
        """``target[...] = new``, for a value of this body."""
        if target.recorder is not self:
            _refuse("an array from outside is written to")
        super().overwrite(target, new)


def _refuse(what: str) -> None:
    raise TraceError(
        f"{what} in the body of a loop or branch{called_at()}: it would happen once, not at each step\n"
        "  → make it a part of the carry, and do it after the loop"
    )


def _traced_in(part: Any) -> Iterator[Traced]:
    if type(part) is Traced:
        yield part
    elif isinstance(part, (tuple, list)):
        for inner in part:
            yield from _traced_in(inner)
    elif isinstance(part, dict):
        for inner in part.values():
            yield from _traced_in(inner)
