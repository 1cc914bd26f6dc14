"""compile: a function that is recorded once for each signature, and run as a program from then on."""

from __future__ import annotations

import functools
import importlib
import importlib.util
import inspect
import sys
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from typing import Any

import numpy as np

from ..config import EAGER, enable_grad, levels, mode
from ..core.batched import Batched
from ..core.function import Function
from ..core.graph import Constant
from ..core.origin import called_at
from ..core.sweep import sweep
from ..core.symbolic import Symbolic
from ..core.variable import Variable, constant, make
from ..errors import GraphError, SettingError, TraceError
from ..tree import Structure, flatten
from . import words
from .collector import collector_waits
from .graph import Graph
from .interpret import interpreted
from .program import Executable, Program, recorded
from .words import Departed

ndarray = np.ndarray
ALIKE = 8  # programs for one signature, after which calls that none fits run eagerly
MANY = 16  # programs for one function, after which a warning says what keeps changing
WORTH = 8  # calls in place that pay for having settled: copies of the state, a table of launches
_PLAIN = frozenset({ndarray, Variable})  # arguments that are leaves, and nothing that stands for others


class CompileWarning(UserWarning):
    """A function is compiled again and again."""


class Compiled:
    """A function whose calls are recorded once, and then run as one program; see :func:`compile`."""

    def __init__(self, function: Callable[..., Any], static: Sequence[str], build: Any) -> None:
        functools.update_wrapper(self, function, updated=())
        self.function, self.build = function, build
        self._static = tuple(static)
        self._signature = inspect.signature(function) if self._static else None
        self._programs: dict[Any, list[Program]] = {}
        self._quick: Any = None  # the program that ran last, with its state where it stands
        self._warned = False
        self._why: list[str] = []

    def __get__(self, instance: Any, owner: Any = None) -> Any:
        if instance is None:
            return self
        bound = functools.partial(self.__call__, instance)
        return functools.update_wrapper(bound, self.function)

    def __reduce__(self) -> Any:
        """A copy has the function (its own, where that can be copied) and no programs."""
        module, name = getattr(self, "__module__", None), getattr(self, "__qualname__", "")
        try:
            if functools.reduce(getattr, name.split("."), sys.modules[module or ""]) is self:
                return name
        except (AttributeError, KeyError):
            pass
        return Compiled, (self.function, self._static, self.build)

    def __repr__(self) -> str:
        count = sum(len(programs) for programs in self._programs.values())
        return f"<compiled {getattr(self.function, '__qualname__', self.function)!s}, {count} programs>"

    # --- a call ----------------------------------------------------------------------------------------

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """The function's result, by a program if one fits, else by recording one."""
        setting = mode()
        if self._quick is not None and setting is EAGER and not kwargs and not levels():
            found = self._quick(args)
            if found is not NotImplemented:
                return found
            if self._quick.calls >= WORTH:
                self._quick.program.runs = (
                    1  # it was worth it: the next run that is like this one settles again
                )
            self._quick = None
        if setting is not EAGER and (setting.tracer is not None or setting.watch is not None):
            return self.function(*args, **kwargs)
        plain = not kwargs and _PLAIN.issuperset(map(type, args))
        leaves, structure = (list(args), _of_leaves(len(args))) if plain else flatten((args, kwargs))
        if levels() or (not plain and any(isinstance(x, (Batched, Symbolic)) for x in leaves)):
            return self.function(*args, **kwargs)
        static = self._static_leaves(args, kwargs) if self._static else frozenset()
        kinds = tuple([_kind(x, i in static) for i, x in enumerate(leaves)])
        key = (structure, kinds, setting.recording, () if plain else _holders(structure))
        positional = setting is EAGER and not kwargs and (plain or structure == _of_leaves(len(args)))
        programs = self._programs.get(key, ())
        for program in programs:
            why = program.misfit(leaves)
            if why is not None:
                self._why.append(why)
                continue
            try:
                return self._run(program, leaves, structure, positional)
            except Departed:
                self._why.append("questions about values got other answers")
        if len(programs) < ALIKE:
            try:
                program = self._record(key, leaves, structure, kinds)
                return self._run(program, leaves, structure, positional)
            except Departed:
                self._why.append("questions about values got other answers")
        return self.function(*args, **kwargs)

    def _run(
        self, program: Program, leaves: Sequence[Any], structure: Structure, positional: bool = False
    ) -> Any:
        if program.pullback is not None:
            return self._recorded_run(program, leaves, structure)
        bare = [x._data if isinstance(x, Variable) else x for x in leaves]
        outputs = program.run(program.inputs(bare))
        program.finish(outputs, leaves)
        returned = program.returned(outputs, leaves)
        if positional:
            self._settle(program, leaves)
        return returned

    def _settle(self, program: Program, leaves: Sequence[Any]) -> None:
        """From now on with the state in place, if that can be: tried after 2, 4, 8, ... runs."""
        program.runs += 1
        standing = getattr(program.run, "standing", None)
        if program.runs < 2 or program.runs & (program.runs - 1) or standing is None:
            return
        with suppress(TypeError):  # something stands in the way
            self._quick = standing(program, leaves)

    def _record(self, key: Any, leaves: Sequence[Any], structure: Structure, kinds: Any) -> Program:
        traced = [i for i, kind in enumerate(kinds) if kind[0] != "static"]
        with collector_waits():
            program = recorded(self.function, leaves, traced, structure, self.build).program
        self._programs.setdefault(key, []).append(program)
        count = sum(len(programs) for programs in self._programs.values())
        if count > MANY and not self._warned:
            self._warned = True
            why = self._why[-1] if self._why else "the shapes, types or plain values of the arguments differ"
            warnings.warn(
                f"{self!r} has been recorded {count} times{called_at()}: {why}\n"
                "  → give numbers that change as floats or arrays; pad arrays to a few shapes",
                CompileWarning,
                stacklevel=3,
            )
        return program

    def _recorded_run(self, program: Program, leaves: Sequence[Any], structure: Structure) -> Any:
        """A run whose results remember the arguments."""
        pullback = program.pullback
        assert pullback is not None
        given = [_as_variable(leaves[i]) for i in pullback.arguments]
        given += [h.variable for h in pullback.held]
        node = Ran(self, program, list(leaves), structure)
        made = node(*given)
        made = made if isinstance(made, tuple) else (made,)
        outputs = node.outputs_of_run
        program.finish(outputs, leaves)
        variables = []
        differentiable = dict(zip(pullback.results, made, strict=True))
        for i, result in enumerate(program.results):
            if result.kind == "variable":
                v = differentiable.get(i)
                variables.append(make(outputs[result.number], Constant(None)) if v is None else v)
        return program.returned(outputs, leaves, variables)

    def _static_leaves(self, args: Any, kwargs: Any) -> frozenset[int]:
        assert self._signature is not None
        names = list(self._signature.parameters)
        found: set[int] = set()
        count = 0
        for i, a in enumerate(args):
            width = flatten(a)[1].leaves
            if i < len(names) and names[i] in self._static:
                found.update(range(count, count + width))
            count += width
        for name in sorted(kwargs):
            width = flatten(kwargs[name])[1].leaves
            if name in self._static:
                found.update(range(count, count + width))
            count += width
        return frozenset(found)

    def compile_parts(self, label: str) -> Iterator[tuple[Any, Any, Any, str]]:
        """What a program that calls this function takes for granted: the function itself."""
        yield self.__dict__, "function", self.function, label

    # --- looking at it ---------------------------------------------------------------------------------

    @property
    def programs(self) -> list[Program]:
        """All that have been recorded, oldest first."""
        return [program for programs in self._programs.values() for program in programs]

    @property
    def graph(self) -> Graph:
        """The program that was recorded last.

        Raises:
            GraphError: none was.
        """
        if not self._programs:
            raise GraphError(f"nothing has been recorded yet{called_at()}\n  → call the function once")
        return self.programs[-1].graph

    def lower(self, *args: Any, **kwargs: Any) -> Graph:
        """Record and build the program for such arguments, without running it or changing any state.

        Args:
            args, kwargs: as the function takes them; for an array, anything with ``shape`` and ``dtype``.

        Returns:
            The program's graph.
        """
        leaves, structure = flatten((args, kwargs))
        shaped = [isinstance(x, (ndarray, np.generic, Variable)) or not hasattr(x, "dtype") for x in leaves]
        leaves = [x if s else np.ones(x.shape, x.dtype) for x, s in zip(leaves, shaped, strict=True)]
        args, kwargs = structure.unflatten(leaves)
        static = self._static_leaves(args, kwargs) if self._static else frozenset()
        kinds = tuple([_kind(x, i in static) for i, x in enumerate(leaves)])
        key = (structure, kinds, mode().recording, _holders(structure))
        return self._record(key, leaves, structure, kinds).graph

    def explain(self) -> str:
        """What the program that was recorded last consists of, and which of its calls go back to Python.

        Raises:
            GraphError: nothing was recorded yet.
        """
        graph = self.graph
        calls = [node for node in graph.nodes if not words.is_word(node.function)]
        lines = [f"{len(graph)} calls, of which {len(calls)} are made as they are, in Python"]
        for node in sorted(calls, key=lambda node: -node.seconds):
            lines.append(f"  {node.seconds * 1e6:8.1f} µs  {node.name}   {node.place or ''}".rstrip())
        if self._why:
            lines.append(f"recorded anew the last time because {self._why[-1]}")
        return "\n".join(lines)


class Ran(Function):
    """The node of a program that ran: its backward is the other half of the program."""

    def __init__(self, compiled: Compiled, program: Program, leaves: list[Any], structure: Structure) -> None:
        self.compiled, self.program = compiled, program
        self.leaves, self.structure = leaves, structure
        self.outputs_of_run: list[Any] = []
        self.residuals: list[Any] = []

    @property
    def label(self) -> str:
        """The function's name."""
        return getattr(self.compiled.function, "__name__", "compiled")

    def forward(self, *xs: Any) -> Any:
        """All outputs; the differentiable ones are returned."""
        program = self.program
        pullback = program.pullback
        assert pullback is not None
        bare = [x._data if isinstance(x, Variable) else x for x in self.leaves]
        outputs = program.run(program.inputs(bare))
        self.residuals = outputs[len(outputs) - pullback.residuals :]
        self.outputs_of_run = outputs[: len(outputs) - pullback.residuals]
        ys = [self.outputs_of_run[program.results[i].number] for i in pullback.results]
        return tuple(ys) if len(ys) > 1 else ys[0]

    def pull(self, g: Any, record: bool, wanted: Any = None) -> list[Any]:
        """The cotangents of arguments and state."""
        pullback = self.program.pullback
        assert pullback is not None
        gs = g if isinstance(g, list) else [g]
        like = [self.outputs_of_run[self.program.results[i].number] for i in pullback.results]
        if record:
            return self._pull_recorded(gs, like)
        gs = [np.zeros(np.shape(y), y.dtype)[()] if x is None else x for x, y in zip(gs, like, strict=True)]
        gs = [np.broadcast_to(x, np.shape(y)) for x, y in zip(gs, like, strict=True)]
        return pullback.run([*self.residuals, *gs])

    def _pull_recorded(self, gs: Sequence[Any], like: Sequence[Any]) -> list[Any]:
        """By the function itself, run again eagerly: so that the sweep can be differentiated."""
        pullback = self.program.pullback
        assert pullback is not None
        all_edges: list[Any] = list(self.edges)
        count = len(pullback.arguments)
        edges, mine = dict(zip(pullback.arguments, all_edges[:count], strict=True)), all_edges[count:]
        for h, edge in zip(pullback.held, mine, strict=True):
            if h.variable.edge is not edge:
                raise GraphError(
                    f"{h.cell.label} was changed after {self.label} had used it; a second derivative would"
                    f" mix old and new values{called_at()}\n  → differentiate before the update"
                )
        with enable_grad():
            leaves = list(self.leaves)
            for i, edge in edges.items():
                old = leaves[i]
                leaves[i] = make(old._data if isinstance(old, Variable) else old, edge)
            args, kwargs = self.structure.unflatten(leaves)
            out, _ = flatten(self.compiled.function(*args, **kwargs))
            seeds = []
            for i, x in zip(pullback.results, gs, strict=True):
                if x is not None:
                    seeds.append((out[i].edge, x if isinstance(x, Variable) else constant(x)))
            found, _ = sweep(seeds, record=True, targets=set(self.edges))
        return [found.get(edge) for edge in self.edges]


@functools.cache
def _of_leaves(count: int) -> Structure:
    """The structure of a call with so many arrays and no keywords: 6 µs to find out."""
    return flatten(((0.0,) * count, {}))[1]


def _as_variable(leaf: Any) -> Variable:
    return leaf if isinstance(leaf, Variable) else constant(leaf)


def _kind(x: Any, static: bool) -> tuple[Any, ...]:
    """What a leaf contributes to the signature."""
    if static:
        return ("static", _hashable(x))
    if type(x) is ndarray:
        if x.dtype.kind not in "fciub":
            raise TraceError(f"an array of {x.dtype} cannot be compiled{called_at()}")
        return ("array", x.shape, x.dtype)
    if isinstance(x, Variable):
        return ("variable", type(x), x.shape, x.dtype, type(x.edge) is Constant)
    if isinstance(x, np.generic) and x.dtype.kind in "fciub":
        return ("number", x.dtype)
    if type(x) is float or type(x) is complex:
        return ("weak", type(x))
    if isinstance(x, ndarray):
        return ("array", x.shape, x.dtype, type(x))
    return ("static", _hashable(x))


def _hashable(x: Any) -> Any:
    try:
        hash(x)
    except TypeError:
        return ("by identity", id(x))
    return (type(x), x)


def _holders(structure: Structure) -> tuple[int, ...]:
    """The objects among containers, which may differ in what they do."""
    own = (id(structure.factory),) if hasattr(structure.kind, "tree_parts") else ()
    return own + tuple([i for child in structure.children for i in _holders(child)])


def compile(
    function: Callable[..., Any] | None = None,
    *,
    static: Sequence[str] = (),
    backend: str = "auto",
) -> Any:
    """Record a function once for each signature, and run it as one program from then on.

    The first call with arguments of new shapes, types or plain values runs the function once, eagerly, on
    these arguments, and notes down every call of NumPy, the backward sweep and the optimiser's update among
    them. What the function closes over (parameters, gradients, moments, running statistics, random streams)
    is state: read afresh at each call, and written back.

    Args:
        function: of arrays, numbers, Variables, modules, and containers of these. Arrays and floats are
        values
            of the program; ints, strings and None are static: another one makes another program.
        static: names of parameters that are static whatever they are.
        backend: ``"auto"`` (native kernels where llvmlite is installed) or ``"numpy"``.

    Returns:
        A function with the same results, within rounding; :class:`Compiled`.

    Raises:
        TraceError: when called: the function reads a value (``float(v)``, ``if v > 0``).

    Example:
        >>> import numpy as np, whence
        >>> @whence.compile
        ... def distance(x, y):
        ...     return np.sqrt(np.sum((x - y) ** 2))
        >>> print(distance(np.zeros(4), np.ones(4)))
        2.0
    """
    if backend not in ("auto", "numpy"):
        raise SettingError(f"no backend is called {backend!r}{called_at()}\n  → 'auto' or 'numpy'")
    if function is None:
        return functools.partial(compile, static=static, backend=backend)
    if isinstance(function, Compiled):
        return function
    if isinstance(static, str):
        static = (static,)
    return Compiled(function, static, interpreted if backend == "numpy" else _built)


def _built(graph: Graph) -> Executable:
    """Native kernels, where llvmlite is installed."""
    if importlib.util.find_spec("llvmlite") is None:
        return interpreted(graph)
    return importlib.import_module(".build", __package__).build(graph)
