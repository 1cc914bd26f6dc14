"""record: one run of a function, with every call of NumPy noted down.

The recorder is the ``mode().tracer`` of its run. Arguments and state are let in as Traced values; state is
whatever outlives the call (parameters, gradients, moments, counts of draws): each is a :class:`Cell`, which
says how to read it before a call and how to write it back after one.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable
from operator import index as as_index
from time import perf_counter
from typing import Any

import numpy as np

from ..config import EAGER, using
from ..core.batched import Batched
from ..core.graph import Constant, nobody
from ..core.origin import called_at, user_frame
from ..core.table import name_of
from ..core.variable import Variable, make
from ..errors import TraceError, UnknownShapeError
from . import words
from .canon import CANON, DATA_SHAPED, REDUCTIONS, STATIC
from .graph import Graph, Node, Value, part_by_part
from .rearranged import REARRANGED
from .traced import Traced

ndarray = np.ndarray


class Cell:
    """A place outside the program that it reads, and writes if need be.

    Attributes:
        label: what messages call it.
        read: its value now, an array or a number; None where there is none.
        writes: given the new value, put it back; several where the same number is kept in several places.
        home: the object or dict that keeps it, and the attribute or key; of a gradient, its Variable and
            "grad"; None where it is not so simple.
        given: the value that the program begins with.
        now: what it holds at this point of the recording.
    """

    __slots__ = ("given", "home", "label", "now", "read", "writes")

    def __init__(self, label: str, read: Callable[[], Any], given: Any, home: Any = None) -> None:
        self.label, self.read, self.given, self.now, self.home = label, read, given, given, home
        self.writes: list[Callable[[Any], None]] = []

    @property
    def changed(self) -> bool:
        """Is it written by the program?"""
        return self.now is not self.given


class Held:
    """A Variable whose array is a cell while the program is recorded.

    Attributes:
        variable: the Variable.
        data: its array before.
        grad: its gradient before.
        cell: of the array. grad_cell: of the gradient, None where there was none.
        cleared: the program forgot the gradient before it looked at it.
    """

    __slots__ = ("cell", "cleared", "data", "edge", "grad", "grad_cell", "grad_now", "variable")

    def __init__(self, variable: Variable, cell: Cell, grad_cell: Cell | None) -> None:
        self.variable, self.cell, self.grad_cell = variable, cell, grad_cell
        self.data, self.grad, self.edge = variable._data, variable.grad, variable.edge
        self.grad_now: Any = None  # what v.grad is while nothing has touched it
        self.cleared = False


class Rule:
    """A gradient rule that a program calls as it is."""

    def __init__(self, label: str, rule: Callable[..., Any]) -> None:
        self.label, self.rule = label, rule

    def __call__(self, *values: Any, **params: Any) -> Any:
        """The rule of these values."""
        return self.rule(*values, **params)


class Recorder:
    """What a run of a function is noted down in."""

    def __init__(self, outside: Iterable[int] = (), control: Any = None, build: Any = None) -> None:
        """``outside``: the ids of Variables that are known to outlive the call.

        ``control`` records loops and branches, whose bodies ``build`` makes something that can be called.
        """
        self.control, self.build = control, build
        self.inputs: list[Value] = []
        self.constants: dict[Value, Any] = {}
        self.nodes: list[Node] = []
        self.cells: dict[Any, Cell] = {}
        self.held: dict[int, Held] = {}
        self.swept = False
        self.closed = False
        self._known: dict[int, tuple[Any, Value]] = {}
        self._once: dict[Any, Any] = {}
        self._lent: list[tuple[Variable, Any]] = []  # Variables that hold Traced values, and what they held
        self._outside = frozenset(outside)
        self.streams: dict[int, Any] = {}  # whose keys the program takes for granted
        self.forgotten: set[int] = set()  # arguments whose gradient was cleared

    # --- what comes in -------------------------------------------------------------------------------

    def argument(self, now: Any) -> Traced:
        """A value that is given to the program."""
        symbol = Value.like(now)
        self.inputs.append(symbol)
        given = Traced(self, now, symbol, (None, 0))
        given.viewed = True  # the caller's own memory
        return given

    def state(
        self,
        key: Any,
        label: str,
        read: Callable[[], Any],
        write: Callable[[Any], None] | None = None,
        home: tuple[Any, Any] | None = None,
    ) -> Any:
        """What a cell holds at this point; the first question makes the cell."""
        cell = self.cells.get(key)
        if cell is None:
            cell = self.cells[key] = Cell(label, read, self.argument(read()), home)
            if write is not None:
                cell.writes.append(write)
        return cell.now

    def number(self, key: Any, label: str, read: Callable[[], Any]) -> Any:
        """A number that is read at each call and never written."""
        return self.state(key, label, read)

    def write(self, key: Any, value: Any) -> None:
        """Let a cell hold another value."""
        self.cells[key].now = value

    def also_writes(self, key: Any, write: Callable[[Any], None]) -> None:
        """One more place that the cell's value is written to."""
        self.cells[key].writes.append(write)

    def once(self, key: Any, make_it: Callable[[], Any]) -> Any:
        """What ``make_it`` gave the first time."""
        if key not in self._once:
            self._once[key] = make_it()
        return self._once[key]

    def lift(self, parts: Iterable[Any]) -> None:
        """Make cells of the Variables among ``parts`` that come from outside."""
        for v in parts:
            while type(v) is Batched:
                v = v.physical
            known = not isinstance(v, Variable) or type(v._data) is Traced or v._data is None
            if not known and id(v) not in self.held:
                self._hold(v)

    def _hold(self, v: Variable) -> None:
        if type(v.edge) is Constant and v.edge._owner is nobody and id(v) not in self._outside:
            self._lent.append((v, v._data))  # a constant that an op has just made: a seed of ones
            v._data = self._constant_now(v._data)
            return
        label = v.name or "a Variable"
        self.state(("data", id(v)), label, lambda: v._data, home=(v, "_data"))
        cell = self.cells["data", id(v)]
        grad_cell = None
        if v.grad is not None:
            self.state(("grad", id(v)), f"the gradient of {label}", lambda: _gradient(v), home=(v, "grad"))
            grad_cell = self.cells["grad", id(v)]
        held = self.held[id(v)] = Held(v, cell, grad_cell)
        v._data = cell.given
        if grad_cell is not None:
            held.grad_now = v.grad = make(grad_cell.given)

    def clear(self, v: Variable) -> None:
        """The gradient of ``v`` is forgotten: what it was before does not matter any more."""
        self.lift((v,))
        held = self.held.get(id(v))
        if held is not None and not self._is_read(held.grad_cell):
            held.cleared = True
        elif held is None:
            self.forgotten.add(id(v))

    def _is_read(self, cell: Cell | None) -> bool:
        return cell is not None and any(cell.given.symbol in node.operands for node in self.nodes)

    def _constant_now(self, data: Any) -> Traced:
        if isinstance(data, ndarray) and data.ndim and data.size and (data == data.flat[0]).all():
            return self.emit(words.full, (data.shape, data.flat[0].item(), data.dtype), {})
        data = np.asarray(data)[()] if np.ndim(data) == 0 else np.ascontiguousarray(data)
        return Traced(self, data, self.constant(data), (None, 0))

    # --- what is computed ----------------------------------------------------------------------------

    def emit(
        self, function: Callable[..., Any], args: Any, keywords: dict[str, Any], pure: bool = True
    ) -> Any:
        """Note down a call, and make it on the values of this run."""
        if self.closed:
            raise TraceError(
                f"a value of a program was used after its recording had ended{called_at()}\n"
                "  → return it from the compiled function instead of keeping it"
            )
        with using(EAGER):
            start = perf_counter()
            now = function(*_now(args), **{name: _now(part) for name, part in keywords.items()})
            seconds = perf_counter() - start
        frame = user_frame(1)
        origin = (frame.f_code, frame.f_lasti)
        parts = now if isinstance(now, (tuple, list)) else (now,)
        weak = isinstance(function, np.ufunc) and all(_is_weak(part) for part in args)
        if weak:
            parts = tuple([part.item() if isinstance(part, np.generic) else part for part in parts])
        results = [Traced(self, part, Value.like(part), origin) for part in parts]
        symbols = tuple([result.symbol for result in results])
        args = tuple([self._symbols(part) for part in args])
        keywords = {name: self._symbols(part) for name, part in keywords.items()}
        self.nodes.append(Node(function, args, keywords, symbols, origin, pure, seconds))
        if not isinstance(now, (tuple, list)):
            return results[0]
        return type(now)(*results) if hasattr(now, "_fields") else type(now)(results)

    def _symbols(self, part: Any) -> Any:
        """An argument as the node keeps it: Traced as their Values, arrays as constants."""
        if type(part) is Traced:
            return part.symbol if part.recorder is self else self.foreign(part)
        if isinstance(part, (ndarray, np.generic)):
            return self.constant(part)
        return part_by_part(self._symbols, part)

    def foreign(self, part: Traced) -> Value:
        """Refused: a value of another recording."""
        raise TraceError(
            f"a value of a program was used after its recording had ended{called_at()}\n"
            "  → return it from the compiled function (or the body of the loop) instead of keeping it"
        )

    def constant(self, array: Any) -> Value:
        """The Value of an array that the program takes from outside; it is not copied."""
        known = self._known.get(id(array))
        if isinstance(array, ndarray) and _is_one_number(array):
            number = array.flat[0].item()
            return self.once(
                ("full", array.shape, array.dtype, number, str(number)),
                lambda: self.emit(words.full, (array.shape, number, array.dtype), {}),
            ).symbol
        if isinstance(array, ndarray) and (array.ndim == 0 or not array.flags.c_contiguous):
            # What is written into it later would not reach a copy in the program: read it at each call.
            return self.state(("array", id(array)), "an array from outside", lambda: array).symbol
        if known is None:
            known = self._known[id(array)] = (array, Value.like(array))
            self.constants[known[1]] = array
        return known[1]

    def call(self, function: Callable[..., Any], args: Any, keywords: dict[str, Any]) -> Any:
        """One of NumPy's functions, in the words of programs."""
        if function in STATIC:
            return function(*_now(args), **{name: _now(part) for name, part in keywords.items()})
        if function in DATA_SHAPED:
            raise UnknownShapeError(
                f"the shape of what {name_of(function)} gives depends on values{called_at()}; a compiled"
                " program knows all shapes\n  → np.where(mask, x, 0) keeps the shape; or leave this part"
                " out of what is compiled"
            )
        if keywords.get("out") is not None:
            return self._written(keywords["out"], self.call(function, args, {**keywords, "out": None}))
        keywords = {name: part for name, part in keywords.items() if name != "out"}
        rewritten = CANON.get(function) or REARRANGED.get(function)
        if rewritten is not None:
            y = rewritten(self.emit, *args, **keywords)
            if y is not NotImplemented:
                return y
        return self.emit(function, args, keywords)

    def ufunc(self, ufunc: Any, method: str, inputs: Any, keywords: dict[str, Any]) -> Any:
        """A ufunc or one of its methods."""
        out = keywords.pop("out", None)
        if any(isinstance(part, ndarray) for part in out or ()):
            raise TraceError(
                f"np.{ufunc.__name__}(..., out=array) writes into an array outside the program{called_at()}\n"
                "  → use the result: y = np.f(x)"
            )
        if any(isinstance(x, Variable) for x in inputs):
            return NotImplemented
        if method == "__call__" and out is not None and keywords.get("where", True) is not True:
            where = keywords.pop("where")  # elements that are left out stay as they are
            y = np.where(where, self.call(ufunc, inputs, keywords), out[0])
        elif method == "__call__":
            y = self.call(ufunc, inputs, keywords)
        elif method == "reduce" and ufunc in REDUCTIONS:
            y = self.call(REDUCTIONS[ufunc], inputs, {"axis": 0, **keywords})
        elif method == "at":
            target, index, *values = inputs
            if ufunc is not np.add or not isinstance(target, Traced):
                raise TraceError(f"np.{ufunc.__name__}.at cannot be recorded{called_at()}")
            self.overwrite(target, self.emit(words.index_add, (target, index, *values), {}))
            return None
        else:
            y = self.emit(getattr(ufunc, method), inputs, keywords)
        return y if out is None else self._written(out, y)

    def getitem(self, x: Traced, index: Any) -> Any:
        """``x[index]``."""
        parts = index if isinstance(index, tuple) else (index,)
        for part in parts:
            if isinstance(part, Traced) and part.dtype.kind == "b":
                raise UnknownShapeError(
                    f"x[mask] has as many elements as the mask has true ones{called_at()}; a compiled program"
                    " knows all shapes\n  → np.where(mask, x, 0)"
                )
        if all(part is None or part is Ellipsis or _is_whole(part) for part in parts):
            shape = np.empty(x.shape, bool)[index].shape  # only axes of length one are put in
            return x if shape == x.shape else np.reshape(x, shape)
        y = self.emit(words.getitem, (x, index), {})
        if getattr(y.now, "base", None) is not None:
            x.viewed = y.viewed = True
        return y

    def _written(self, out: Any, y: Any) -> Any:
        (target,) = out if isinstance(out, tuple) else (out,)
        if target is None:
            return y
        if not isinstance(target, Traced):
            raise TraceError(
                f"out= writes into an array outside the program{called_at()}\n  → use the result"
            )
        self.overwrite(target, y if y.dtype == target.dtype else y.astype(target.dtype))
        return target

    def overwrite(self, target: Traced, new: Traced) -> None:
        """``target[...] = new``, for a value that nothing else shares memory with."""
        if target.viewed:
            what = "an argument or state" if target.symbol in self.inputs else "an array that has views"
            raise TraceError(
                f"writing into {what} cannot be recorded{called_at()}\n"
                "  → make a new array: y = x + 1, np.where(mask, a, x), x.copy() first"
            )
        if new.shape != target.shape:
            new = self.emit(np.broadcast_to, (new, target.shape), {})
        target.now, target.symbol = new.now, new.symbol

    def forward_of(self, primitive: Any) -> Callable[..., Any]:
        """What computes a primitive's value here: the words that it is made of, or one call."""

        def forward(*values: Any, **params: Any) -> Any:
            if not any(_holds_traced(part) for part in (*values, *params.values())):
                with using(EAGER):
                    return primitive.forward(*values, **params)
            if primitive.expansion == "call":
                return self.emit(primitive, values, params)
            return self._followed(primitive.expansion or primitive.forward, primitive, values, params)

        return forward

    def rule_of(self, primitive: Any, rule: Callable[..., Any]) -> Callable[..., Any]:
        """A gradient rule: followed where that can be done, else one call."""

        def pull(*values: Any, **params: Any) -> Any:
            return self._followed(rule, Rule(f"{primitive.name} backward", rule), values, params)

        return pull

    def _followed(self, function: Any, whole: Any, values: Any, params: dict[str, Any]) -> Any:
        """``function`` in words; one call of ``whole`` if it writes in place or looks at memory."""
        nodes = len(self.nodes)
        try:
            return function(*values, **params)
        except UnknownShapeError:
            raise
        except Exception:  # if it is a fault of the arguments, the call below meets it too
            del self.nodes[nodes:]
            return self.emit(whole, values, params)

    def decide(self, condition: Traced) -> bool:
        """This run's answer to a question; the program departs where the answer is another."""
        answer = bool(condition.now)
        self.depart_if(np.not_equal(condition, answer))
        return answer

    def draw(self, stream: Any, kind: str, *how: Any) -> Any:
        """The next draw of a random stream; how many there have been is state."""
        key = ("draws", id(stream))
        count = self.state(key, f"the draws of {stream!r}", lambda: stream.state.draws, _counter(stream))
        self.write(key, count + 1)
        self.streams[id(stream)] = stream
        return self.emit(getattr(words, kind), (stream.state.key, count, *how), {})

    # --- what the engine asks --------------------------------------------------------------------------

    def broken(self, g: Any) -> bool:
        """Is there a NaN in a gradient? The program will look; here the answer is no."""
        self.depart_if(np.any(np.isnan(g)))
        return False

    def depart_if(self, condition: Any) -> None:
        """Where ``condition`` is true the program does not hold, and the function runs eagerly instead."""
        self.emit(words.depart_if, (condition,), {}, pure=False)

    def concrete(self, x: Any) -> Any:
        """The value of this run."""
        return x.now if isinstance(x, Traced) else x

    # --- the end ---------------------------------------------------------------------------------------

    def release(self) -> None:
        """Give the Variables their arrays and gradients back, as they were."""
        self.closed = True
        for v, data in self._lent:
            v._data = data
        for held in self.held.values():
            v = held.variable
            v._data, v.grad, v.edge = held.data, held.grad, held.edge

    def forget_temporaries(self) -> None:
        """Variables that the function made inside, and that are gone with it, are constants and no state."""
        for key, held in list(self.held.items()):
            mine = 3  # references: the Held, the cell's way to read it, and the argument of getrefcount
            if key in self._outside or held.grad_cell or sys.getrefcount(held.variable) > mine:
                continue
            symbol, data = held.cell.given.symbol, held.data
            self.inputs.remove(symbol)
            del self.held[key], self.cells["data", key]
            if isinstance(data, ndarray) and data.size and (data == data.flat[0]).all():
                filled = (data.shape, data.flat[0].item(), data.dtype)
                self.nodes.insert(0, Node(words.full, filled, {}, (symbol,)))
            else:
                self.constants[symbol] = np.ascontiguousarray(data) if np.ndim(data) else data

    def graph(self, outputs: Iterable[Any]) -> Graph:
        """The program that computes ``outputs``."""
        symbols = [self._symbols(out) if isinstance(out, Traced) else self.constant(out) for out in outputs]
        return Graph(self.inputs, self.constants, self.nodes, symbols)


def _now(part: Any) -> Any:
    if type(part) is Traced:
        return part.now
    if isinstance(part, Variable):
        raise TraceError(f"a Variable inside a list that NumPy was given{called_at()}\n  → np.stack(list)")
    return part_by_part(_now, part)


def _is_one_number(array: Any) -> bool:
    """Is it a number broadcast, whose only holder is this array (so that nobody can write into it)?"""
    base = array.base
    if not array.size or not array.ndim or any(array.strides) or not isinstance(base, ndarray):
        return False
    return base.base is None and sys.getrefcount(base) <= 3  # of the array, of this name, of the argument


def _is_whole(part: Any) -> bool:
    return type(part) is slice and part == slice(None)


def _is_weak(part: Any) -> bool:
    return part.symbol.weak if type(part) is Traced else type(part) in (int, float, complex)


def _holds_traced(part: Any) -> bool:
    if isinstance(part, (tuple, list)):
        return any(_holds_traced(inner) for inner in part)
    return type(part) is Traced


def _gradient(v: Variable) -> Any:
    g = v.grad
    return g._data if isinstance(g, Variable) else g


def _counter(stream: Any) -> Callable[[Any], None]:
    def write(count: Any) -> None:
        stream.state = (stream.state.key, as_index(count))

    return write
