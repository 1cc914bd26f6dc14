"""The program as a graph: calls of NumPy's functions on values of known shape and type.

A graph is immutable; passes make new ones. It prints as a list of assignments:

>>> import numpy as np
>>> x, w = Value((3, 2), np.float64), Value((2,), np.float64)
>>> s, y = Value((3, 2), np.float64), Value((), np.float64)
>>> graph = Graph((x, w), {}, (Node(np.multiply, (x, w), {}, (s,)), Node(np.sum, (s,), {}, (y,))), (y,))
>>> print(graph)
inputs   %0: f64[3,2], %1: f64[2]
%2: f64[3,2] = np.multiply(%0, %1)
%3: f64[] = np.sum(%2)
outputs  %3
>>> graph.check()
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cached_property
from types import CodeType
from typing import Any

import numpy as np

from ..core.origin import Place, place_of
from ..core.table import name_of
from ..errors import WhenceError


class ProgramError(WhenceError):
    """A graph that is no program: found by :meth:`Graph.check`, after a pass of ours went wrong."""


class Value:
    """An array that a program computes, by shape and type; what it is called is decided where it is printed.

    Attributes:
        shape: lengths of the axes.
        dtype: of the elements.
        weak: a Python number, which does not widen the type of arrays that it is combined with.
    """

    __slots__ = ("dtype", "shape", "weak")

    def __init__(self, shape: tuple[int, ...], dtype: Any, weak: bool = False) -> None:
        self.shape, self.dtype, self.weak = tuple(shape), np.dtype(dtype), weak

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def size(self) -> int:
        """Number of elements."""
        size = 1
        for length in self.shape:
            size *= length
        return size

    @property
    def nbytes(self) -> int:
        """Bytes of the elements."""
        return self.size * self.dtype.itemsize

    @classmethod
    def like(cls, array: Any) -> Value:
        """The description of an array, a NumPy scalar or a Python number."""
        if isinstance(array, (bool, int, float, complex)) and not isinstance(array, np.generic):
            return cls((), np.asarray(array).dtype, weak=not isinstance(array, bool))
        return cls(np.shape(array), np.asarray(array).dtype)

    def __repr__(self) -> str:
        kind = {"f": "f", "c": "c", "i": "i", "u": "u", "b": "b"}.get(self.dtype.kind, self.dtype.kind)
        kind = f"{kind}{self.dtype.itemsize * 8}"
        return f"{'~' if self.weak else ''}{kind}[{','.join(map(str, self.shape))}]"


class Node:
    """One call: ``outputs = function(*args, **keywords)``.

    Attributes:
        function: NumPy's function (or another on arrays) that computes it.
        args: its arguments: Values, plain Python values, and tuples and lists of these.
        keywords: plain Python values and Values.
        outputs: what it gives; more than one where the function returns a tuple.
        code, lasti: the user's instruction that asked for it.
        pure: calling it twice gives the same, and has no other effect.
        seconds: what it took when it was recorded.
    """

    __slots__ = ("args", "code", "function", "keywords", "lasti", "operands", "outputs", "pure", "seconds")

    def __init__(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        keywords: Mapping[str, Any],
        outputs: tuple[Value, ...],
        origin: tuple[CodeType | None, int] = (None, 0),
        pure: bool = True,
        seconds: float = 0.0,
    ) -> None:
        self.function, self.args, self.keywords, self.outputs = function, args, keywords, outputs
        self.code, self.lasti = origin
        self.pure, self.seconds = pure, seconds
        self.operands = tuple(values_in(args)) + tuple(values_in(tuple(keywords.values())))

    @property
    def name(self) -> str:
        """What the function is called."""
        function = self.function
        if isinstance(function, np.ufunc) or (getattr(function, "__module__", "") or "").startswith("numpy"):
            return name_of(function)
        for name in ("label", "name", "__name__"):
            if isinstance(getattr(function, name, None), str):
                return getattr(function, name)
        return type(function).__name__

    @property
    def place(self) -> Place | None:
        """The user's line."""
        return place_of(self.code, self.lasti)

    @property
    def output(self) -> Value:
        """The only output."""
        (output,) = self.outputs
        return output

    def with_operands(
        self, replaced: Mapping[Value, Value], outputs: tuple[Value, ...] | None = None
    ) -> Node:
        """The same call on other operands."""
        args = tuple([_with(part, replaced) for part in self.args])
        keywords = {name: _with(part, replaced) for name, part in self.keywords.items()}
        outputs = self.outputs if outputs is None else outputs
        return Node(self.function, args, keywords, outputs, (self.code, self.lasti), self.pure, self.seconds)


def values_in(part: Any) -> Iterator[Value]:
    """The Values in an argument, from left to right."""
    if type(part) is Value:
        yield part
    elif isinstance(part, (tuple, list)):
        for inner in part:
            yield from values_in(inner)
    elif isinstance(part, dict):
        for inner in part.values():
            yield from values_in(inner)


def _with(part: Any, replaced: Mapping[Value, Value]) -> Any:
    if type(part) is Value:
        return replaced.get(part, part)
    return part_by_part(lambda inner: _with(inner, replaced), part)


def part_by_part(function: Callable[[Any], Any], part: Any) -> Any:
    """``function`` of the parts of a tuple or list, put together again; anything else as it is."""
    if type(part) is tuple or type(part) is list:
        return type(part)([function(inner) for inner in part])
    if isinstance(part, tuple) and hasattr(part, "_make"):
        return part._make([function(inner) for inner in part])  # type: ignore[attr-defined]
    return part


class Graph:
    """A program: inputs, constants, calls in order, outputs.

    Attributes:
        inputs: what is given to it.
        constants: arrays and numbers that stay the same from call to call.
        nodes: the calls, each after those whose outputs it takes.
        outputs: what it gives; a Value may be there twice, or be an input.
    """

    def __init__(
        self,
        inputs: Iterable[Value],
        constants: Mapping[Value, Any],
        nodes: Iterable[Node],
        outputs: Iterable[Value],
    ) -> None:
        self.inputs, self.constants = tuple(inputs), dict(constants)
        self.nodes, self.outputs = tuple(nodes), tuple(outputs)

    @cached_property
    def makers(self) -> dict[Value, Node]:
        """The node that each Value comes from; inputs and constants have none."""
        return {value: node for node in self.nodes for value in node.outputs}

    @cached_property
    def readers(self) -> dict[Value, list[Node]]:
        """The nodes that take each Value, in order; one that takes it twice is there once."""
        found: dict[Value, list[Node]] = {}
        for node in self.nodes:
            for value in dict.fromkeys(node.operands):
                found.setdefault(value, []).append(node)
        return found

    @cached_property
    def names(self) -> dict[Value, str]:
        """What the Values are called when the graph is printed."""
        values = dict.fromkeys(self.inputs)
        for node in self.nodes:
            for value in node.outputs:
                values[value] = None
        named = {value: f"%{i}" for i, value in enumerate(values)}
        return named | {value: f"c{i}" for i, value in enumerate(self.constants)}

    def __len__(self) -> int:
        return len(self.nodes)

    def __str__(self) -> str:
        named = self.names
        lines = ["inputs   " + ", ".join(f"{named[v]}: {v!r}" for v in self.inputs)]
        lines += [f"{named[v]}: {v!r} = {_short(array)}" for v, array in self.constants.items()]
        for node in self.nodes:
            left = ", ".join(f"{named[v]}: {v!r}" for v in node.outputs)
            parts = [_text(part, named) for part in node.args]
            parts += [f"{name}={_text(part, named)}" for name, part in node.keywords.items()]
            lines.append(f"{left} = {node.name}({', '.join(parts)})")
        lines.append("outputs  " + ", ".join(named[v] for v in self.outputs))
        return "\n".join(lines)

    def check(self) -> None:
        """Is every Value made before it is taken, once, with the shape and type that its function gives?

        Raises:
            ProgramError: no; it names the node.
        """
        known = set(self.inputs) | set(self.constants)
        if len(known) != len(self.inputs) + len(self.constants):
            raise ProgramError(f"an input is there twice:\n{self}")
        for value, array in self.constants.items():
            if np.shape(array) != value.shape or np.asarray(array).dtype != value.dtype:
                raise ProgramError(f"a constant {_short(array)} is not {value!r}")
        for node in self.nodes:
            for value in node.operands:
                if value not in known:
                    raise ProgramError(f"{node.name} takes a {value!r} that nothing before it made:\n{self}")
            for value in node.outputs:
                if value in known:
                    raise ProgramError(f"{node.name} makes a {value!r} a second time:\n{self}")
                known.add(value)
            _check_result(node)
        for value in self.outputs:
            if value not in known:
                raise ProgramError(f"an output {value!r} comes from nowhere:\n{self}")


def _check_result(node: Node) -> None:
    """Shape and type of an elementwise call, as NumPy gives them."""
    function = node.function
    if not isinstance(function, np.ufunc) or function.signature is not None:
        return
    shape = np.broadcast_shapes(*[v.shape for v in node.operands])
    kinds = [_kind(part) for part in node.args]
    types = function.resolve_dtypes((*kinds, *[None] * function.nout))[function.nin :]
    for value, dtype in zip(node.outputs, types, strict=True):
        if value.shape != shape or (value.dtype != dtype and not value.weak):
            raise ProgramError(f"{node.name} of {list(node.args)} does not give {value!r}")


def _kind(part: Any) -> Any:
    """What NumPy's rules of promotion see in an argument."""
    if type(part) is Value and not part.weak:
        return part.dtype
    if type(part) is Value:
        return {"i": int, "f": float, "c": complex}[part.dtype.kind]
    if isinstance(part, bool):
        return np.dtype(bool)
    return type(part) if type(part) in (int, float, complex) else np.asarray(part).dtype


def _text(part: Any, named: Mapping[Value, str]) -> str:
    if type(part) is Value:
        return named.get(part, "?")
    if isinstance(part, (tuple, list)):
        inside = ", ".join(_text(inner, named) for inner in part)
        return f"[{inside}]" if isinstance(part, list) else f"({inside}{',' * (len(part) == 1)})"
    if isinstance(part, slice):
        ends = ["" if end is None else str(end) for end in (part.start, part.stop, part.step)]
        return ":".join(ends if ends[2] else ends[:2])
    return _short(part)


def _short(part: Any) -> str:
    if isinstance(part, np.ndarray):
        return f"array{list(part.shape)}" if part.size > 4 else str(part.tolist())
    if isinstance(part, np.dtype):
        return part.name
    return getattr(part, "__name__", None) or repr(part)
