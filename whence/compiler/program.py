"""program: a recorded function with everything that a call of it needs to know."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..config import Mode, mode, using
from ..core.graph import Constant, Leaf
from ..core.sweep import sweep
from ..core.variable import Parameter, Variable, make
from ..tree import LEAF, Structure, flatten
from . import control
from .bodies import trimmed
from .channels import channels_last
from .graph import Graph, Value
from .passes import optimized
from .record import Cell, Held, Recorder
from .scan import Place, Surroundings
from .traced import Traced

ndarray = np.ndarray
Executable = Callable[[Sequence[Any]], list[Any]]


class Result(NamedTuple):
    """One leaf of what the function returns: an output of the program, or something that stays as it is."""

    kind: str  # "array", "variable", "argument", "held" or "static"
    number: int = -1
    value: Any = None


class Writes(NamedTuple):
    """A cell that the program changes, and the number of the output that it gets."""

    cell: Cell
    number: int


class Added(NamedTuple):
    """An argument whose gradient the function adds to, or (``anew``) makes."""

    leaf: int
    anew: bool

    def add(self, arguments: Sequence[Any], g: Any) -> None:
        """Put the gradient into the argument's."""
        v = arguments[self.leaf]
        old = None if self.anew else v.grad
        v.grad = g if old is None else make(getattr(old, "_data", old) + g._data)


class Gradient(NamedTuple):
    """What becomes of a Variable's gradient: output ``number``, or nothing for None."""

    variable: Variable | Added
    number: int | None


class Pullback(NamedTuple):
    """The second half of a program: cotangents from residuals and the cotangents of the results."""

    run: Executable
    graph: Graph
    results: list[int]  # the leaves of the results that are differentiable
    residuals: int  # how many outputs of the first half it takes
    arguments: list[int]  # the leaves of the arguments that get a cotangent, in order
    held: list[Held]  # and the Variables from outside that do


class Program:
    """What was recorded, for one signature.

    Attributes:
        graph: all of it, as passes left it.
        run: computes the outputs of the (first) graph from its inputs.
        leaves: for each input the number of the argument's leaf; a Cell for state.
        pullback: where the results can be differentiated.
        runs: how often it has run with Python looking at its state.
    """

    def __init__(
        self,
        graph: Graph,
        leaves: list[int | Cell],
        structure: Structure,
        results: list[Result],
        writes: list[Writes],
        gradients: list[Gradient],
        held: list[Held],
        surroundings: Surroundings,
        pullback: Pullback | None,
        build: Callable[[Graph], Executable],
        shared: dict[int, Variable],
    ) -> None:
        self.graph, self.leaves, self.structure, self.results = graph, leaves, structure, results
        self.writes, self.gradients, self.held = writes, gradients, held
        self.surroundings, self.pullback = surroundings, pullback
        self.run = build(graph)
        self.runs = 0
        pairs = enumerate(zip(graph.inputs, leaves, strict=True))
        self._state = [(i, value, leaf) for i, (value, leaf) in pairs if isinstance(leaf, Cell)]
        self._seen: list[Any] = [None] * len(leaves)
        self.without = [h.variable for h in held if h.grad is None and not h.cleared]
        self.withs = [h.variable for h in held if h.grad is not None and not h.cleared]
        self.shared = {i: id(v) for i, v in shared.items()}
        self._outside = {id(h.variable): id(h.variable) for h in held}
        self.learning = [h.variable for h in held if type(h.edge) is not Constant]
        self.frozen = [h.variable for h in held if type(h.edge) is Constant]

    def misfit(self, arguments: Sequence[Any]) -> str | None:
        """Why the program does not hold just now: what changed; None if it does."""
        for i, v in enumerate(arguments):
            if isinstance(v, Variable) and self._outside.get(id(v), -1) != self.shared.get(i, -1):
                return "an argument is also reached in another way, or is not any more"
        for i, value, cell in self._state:
            now = cell.read()
            if now is self._seen[i]:  # what was here the last time, or was written back then
                continue
            if type(now) is ndarray:
                if now.shape != value.shape or now.dtype != value.dtype:
                    return f"{cell.label} has another shape or type"
                self._seen[i] = now
            elif now is None or np.shape(now) != value.shape or np.asarray(now).dtype != value.dtype:
                return f"{cell.label} has another shape or type"
        if any(v.grad is not None for v in self.without):
            return "there are gradients that were not there before"
        if any(v.grad is None for v in self.withs):
            return "gradients are missing that were there before"
        if any(type(v.edge) is Constant for v in self.learning):
            return "a parameter was frozen"
        if any(type(v.edge) is not Constant for v in self.frozen):
            return "a parameter learns again"
        change = self.surroundings.change()
        return None if change is None else f"{change} changed"

    @property
    def flat(self) -> bool:
        """Does the function return one leaf, or a tuple of several?"""
        return self.structure is LEAF or self.structure == flatten((None,) * max(2, len(self.results)))[1]

    def forget(self) -> None:
        """Let go of the state of the last call."""
        self._seen = [None] * len(self._seen)

    def inputs(self, arguments: Sequence[Any]) -> list[Any]:
        """The arrays that the program runs on."""
        return [
            arguments[leaf] if type(leaf) is int else leaf.read()  # type: ignore[union-attr]
            for leaf in self.leaves
        ]

    def finish(self, outputs: Sequence[Any], arguments: Sequence[Any]) -> None:
        """Write back what changed."""
        for cell, index in self.writes:
            for write in cell.writes:
                write(outputs[index])
        for variable, index in self.gradients:
            g = None if index is None else make(outputs[index])
            if isinstance(variable, Added):
                variable.add(arguments, g)
            else:
                variable.grad = g

    def returned(self, outputs: Any, arguments: Sequence[Any], variables: Sequence[Variable] = ()) -> Any:
        """What the function returns, in its containers; ``outputs`` by number."""
        made = iter(variables)
        leaves = []
        for kind, index, value in self.results:
            if kind == "array":
                leaves.append(outputs[index])
            elif kind == "variable":
                leaves.append(next(made) if variables else unrecorded(outputs[index]))
            elif kind == "argument":
                leaves.append(arguments[index])
            else:
                leaves.append(value)
        return self.structure.unflatten(leaves)


def unrecorded(data: Any) -> Variable:
    """A result that remembers nothing: an input, made at the user's line."""
    v = make(data)
    v.edge = v._leaf()
    return v


class Recording(NamedTuple):
    """A program, and what its first run gave."""

    program: Program
    outputs: list[Any]


def recorded(
    function: Callable[..., Any],
    leaves: Sequence[Any],
    traced: Sequence[int],
    structure: Structure,
    build: Callable[[Graph], Executable],
) -> Recording:
    """Run ``function`` once and make a program of it.

    Args:
        function: takes ``(args, kwargs)`` as ``structure`` has them.
        leaves: of the arguments.
        traced: the numbers of those that are values of the program; the others are static.
        build: makes a graph something that can be called.

    Whatever happens, Variables are left as they were.
    """
    surroundings = Surroundings(function, *[x for x in leaves if not isinstance(x, (Variable, ndarray))])
    recorder = Recorder([id(v) for v in surroundings.variables], control, build)
    setting = mode()
    inputs: dict[int, Any] = {}
    pulled: _Pulled | None = None
    try:
        with using(Mode(setting.recording, None, recorder)):
            parts = list(leaves)
            reached = {id(v) for v in surroundings.variables}
            shared = {i: leaves[i] for i in traced if id(leaves[i]) in reached}
            for i in traced:
                if i not in shared:
                    inputs[i] = parts[i] = _argument(recorder, leaves[i])
            recorder.lift(surroundings.variables)
            args, kwargs = structure.unflatten(parts)
            out, shape = flatten(function(*args, **kwargs))
            if setting.recording:
                pulled = _pulled(recorder, out, inputs)
        collected = _collect(recorder, out, inputs)
        surroundings.places += [Place(s, "_key", s._key, "a random seed") for s in recorder.streams.values()]
    finally:
        recorder.release()
    recorder.forget_temporaries()
    return _assembled(recorder, collected, shape, inputs, surroundings, pulled, build, shared)


def _argument(recorder: Recorder, leaf: Any) -> Any:
    if not isinstance(leaf, Variable):
        return recorder.argument(leaf)
    v = object.__new__(type(leaf)) if type(leaf) in (Variable, Parameter) else object.__new__(Variable)
    v._data, v.grad = recorder.argument(leaf._data), None
    v.edge = v._leaf(leaf.name)
    if type(leaf.edge) is Constant:
        v.edge = Constant(v.edge._owner, v.edge._code, v.edge._lasti, leaf.name)
    return v


class _Pulled(NamedTuple):
    cotangents: list[Traced]  # given
    results: list[int]
    arguments: list[int]
    held: list[Held]
    found: list[Any]  # Traced, for arguments and then held


def _pulled(recorder: Recorder, out: Sequence[Any], inputs: dict[int, Any]) -> _Pulled | None:
    """The sweep from the results, recorded behind them; None where there is nothing to differentiate."""
    if any(h.cell.changed or h.variable.grad is not h.grad_now for h in recorder.held.values()):
        return None
    results = [
        i
        for i, v in enumerate(out)
        if isinstance(v, Variable) and isinstance(v._data, Traced) and v.creator is not None
        if v._data.dtype.kind in "fc"
    ]
    if not results:
        return None
    cotangents = [recorder.argument(np.ones(out[i].shape, out[i].dtype)[()]) for i in results]
    found, _ = sweep([(out[i].edge, g) for i, g in zip(results, cotangents, strict=True)])
    owners = {v.edge: i for i, v in inputs.items() if isinstance(v, Variable)}
    arguments = [i for edge, i in owners.items() if edge in found and type(edge) is Leaf]
    held = [h for h in recorder.held.values() if h.variable.edge in found and type(h.variable.edge) is Leaf]
    cots = [found[inputs[i].edge] for i in arguments] + [found[h.variable.edge] for h in held]
    if not cots:
        return None
    return _Pulled(cotangents, results, arguments, held, cots)


class _Collected(NamedTuple):
    outputs: list[Any]
    results: list[Result]
    writes: list[Writes]
    gradients: list[Gradient]


def _collect(recorder: Recorder, out: Sequence[Any], inputs: dict[int, Any]) -> _Collected:
    """Everything that leaves the program, while Variables still hold what was recorded."""
    outputs: list[Any] = []

    def number(x: Any) -> int:
        outputs.append(x)
        return len(outputs) - 1

    given = {id(v): i for i, v in inputs.items() if isinstance(v, Variable)}
    results = []
    for leaf in out:
        if id(leaf) in given:
            results.append(Result("argument", given[id(leaf)]))
        elif isinstance(leaf, Traced):
            results.append(Result("array", number(leaf)))
        elif isinstance(leaf, Variable) and id(leaf) in recorder.held:
            results.append(Result("held", value=leaf))
        elif isinstance(leaf, Variable):
            results.append(Result("variable", number(leaf._data)))
        else:
            results.append(Result("static", value=leaf))
    gradients = []
    for i, v in inputs.items():
        if isinstance(v, Variable) and v.grad is not None:
            g = v.grad._data if isinstance(v.grad, Variable) else v.grad
            gradients.append(Gradient(Added(i, id(v) in recorder.forgotten), number(g)))
    for held in recorder.held.values():
        v = held.variable
        held.cell.now = v._data
        if held.cell.changed and not held.cell.writes:
            held.cell.writes.append(_assigner(v))
        if v.grad is not held.grad_now:
            g = v.grad._data if isinstance(v.grad, Variable) else v.grad
            gradients.append(Gradient(v, None if v.grad is None else number(g)))
        elif v.grad is None and held.cleared:
            gradients.append(Gradient(v, None))
    writes = [Writes(cell, number(cell.now)) for cell in recorder.cells.values() if cell.changed]
    return _Collected(outputs, results, writes, gradients)


def _assigner(v: Variable) -> Callable[[Any], None]:
    def write(data: Any) -> None:
        v._data = data
        edge = v.edge
        if isinstance(edge, Leaf):
            v.edge = type(edge)(edge._owner, edge._code, edge._lasti, edge._name)

    return write


def _assembled(
    recorder: Recorder,
    collected: _Collected,
    shape: Structure,
    inputs: dict[int, Any],
    surroundings: Surroundings,
    pulled: _Pulled | None,
    build: Callable[[Graph], Executable],
    shared: dict[int, Variable],
) -> Recording:
    places: dict[Value, int | Cell] = {_symbol(x): i for i, x in inputs.items()}
    places |= {cell.given.symbol: cell for cell in recorder.cells.values()}
    now = [recorder.concrete(x) for x in collected.outputs]
    graph = recorder.graph([*collected.outputs, *(pulled.found if pulled else ())])
    graph = trimmed(optimized(channels_last(graph)))
    pullback = None
    if pulled is not None:
        first, second, kept = split(graph, [g.symbol for g in pulled.cotangents], len(collected.outputs))
        pullback = Pullback(build(second), second, pulled.results, kept, pulled.arguments, pulled.held)
        graph = trimmed(first)
    live = {v for node in graph.nodes for v in node.operands} | set(graph.outputs)
    taken = [v for v in graph.inputs if v in live]
    graph = Graph(taken, graph.constants, graph.nodes, graph.outputs)
    program = Program(
        graph,
        [places[v] for v in taken],
        shape,
        collected.results,
        collected.writes,
        collected.gradients,
        list(recorder.held.values()),
        surroundings,
        pullback,
        build,
        shared,
    )
    return Recording(program, now)


def _symbol(x: Any) -> Value:
    return (x._data if isinstance(x, Variable) else x).symbol


def split(graph: Graph, late: Sequence[Value], count: int) -> tuple[Graph, Graph, int]:
    """A graph in two: what does not depend on ``late`` inputs, and the rest.

    The first half gives the first ``count`` outputs, and after them the residuals: what the second half
    takes from it. The second half takes the residuals, then ``late``, and gives the other outputs.
    """
    depends = set(late)
    first, second = [], []
    for node in graph.nodes:
        if any(v in depends for v in node.operands):
            second.append(node)
            depends.update(node.outputs)
        else:
            first.append(node)
    outputs = graph.outputs[count:]
    mine = {v for node in second for v in node.outputs} | set(late) | set(graph.constants)
    wanted = [v for node in second for v in node.operands] + list(outputs)
    residuals = list(dict.fromkeys(v for v in wanted if v not in mine))
    constants = {v: a for v, a in graph.constants.items() if v in set(wanted)}
    early = [v for v in graph.inputs if v not in set(late)]
    head = Graph(early, graph.constants, first, [*graph.outputs[:count], *residuals])
    return head, Graph([*residuals, *late], constants, second, outputs), len(residuals)
