"""standing: a program that has run before, with its state where it stands.

After a few calls of a training step, parameters, gradients and moments are arrays that nobody has but their
places. Then nothing is read, compared and written back by Python: native code looks whether all is as it was
(:mod:`whence.compiler.native.guards`), and the kernels write the new state over the old. An array that
somebody kept is never written to: the call is refused then, and the program runs the careful way.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import numpy as np

from ..core.variable import Variable
from .in_place import Fixed
from .native.guards import Guards
from .program import Program, unrecorded
from .record import Cell
from .scan import Contents, Elements, Place
from .words import Departed

ndarray = np.ndarray


#: Bytes of an array without a home that are copied at each call: 1 µs.
COPIED = 1 << 14


class Number(NamedTuple):
    """An input without axes or home: an argument by its number or what a cell reads; memory for it."""

    source: int | Cell
    memory: ndarray
    kind: type


class Home(NamedTuple):
    """Where an array of state is kept: a slot of an object, or an entry of a dict."""

    holder: Any
    key: Any

    def get(self) -> Any:
        """What is there."""
        return self.holder[self.key] if isinstance(self.holder, dict) else getattr(self.holder, self.key)

    def put(self, array: ndarray) -> None:
        """Put another array there."""
        if isinstance(self.holder, dict):
            self.holder[self.key] = array
        else:
            setattr(self.holder, self.key, array)

    @property
    def name(self) -> tuple[int, Any]:
        """Tells homes apart."""
        return id(self.holder), self.key


class Plan:
    """What of a program has a home, and what is a number; nothing is changed yet.

    Raises:
        TypeError: something has to be looked at by Python at each call.
    """

    def __init__(self, program: Program, arguments: Sequence[Any]) -> None:
        if program.pullback is not None or program.shared or program.misfit(arguments) is not None:
            raise TypeError("results remember the arguments, or the next call is not like this one")
        if any(isinstance(x, Variable) for x in arguments):
            raise TypeError("arguments may have gradients")
        self.numbers: dict[int, Number] = {}  # by input
        self.taken: dict[int, Home] = {}
        self.order: dict[int, int] = {}  # arrays that are arguments
        for i, (value, leaf) in enumerate(zip(program.graph.inputs, program.leaves, strict=True)):
            small = isinstance(leaf, Cell) and leaf.home is None and value.nbytes <= COPIED
            if value.shape == () or small:
                now = leaf.read() if isinstance(leaf, Cell) else arguments[leaf]
                self.numbers[i] = Number(leaf, np.empty(value.shape, value.dtype), type(now))
            elif isinstance(leaf, Cell):
                self.taken[i] = _home(leaf)
            else:
                self.order[i] = leaf
        looked_at = {*self.order.values()} | {n.source for n in self.numbers.values()}
        if not looked_at.issuperset(range(len(arguments))):
            raise TypeError("an argument that the program knows by its plain value or its shape alone")
        self.counted: dict[int, Cell] = {}  # by output
        self.given: dict[int, Home] = {}
        for cell, number in program.writes:
            if program.graph.outputs[number].shape == ():
                self.counted[number] = cell
            else:
                self.given[number] = _home(cell)
        self.gradients: list[Variable] = []
        self.cleared: list[Variable] = []
        for variable, number in program.gradients:
            if not isinstance(variable, Variable):
                raise TypeError("a gradient of an argument")
            if number is None:
                self.cleared.append(variable)
            elif isinstance(variable.grad, Variable):
                self.gradients.append(variable)
                self.given[number] = Home(variable.grad, "_data")
            else:
                raise TypeError("a gradient that is no Variable")
        for home in (*self.taken.values(), *self.given.values()):
            array = home.get()
            if type(array) is not ndarray or not array.ndim or not array.flags.carray:
                raise TypeError("state that is no array in C order")
        #: Variables without axes: each call gives them a new value, and an edge.
        self.counted_variables = [
            cell.home[0] for cell in self.counted.values() if cell.home and isinstance(cell.home[0], Variable)
        ]
        numbers = [result.number for result in program.results if result.number >= 0]
        if len({*numbers, *self.given, *self.counted}) < len(numbers) + len(self.given) + len(self.counted):
            raise TypeError("an output with two purposes")


class Standing:
    """One native call: ``standing(arguments)`` gives what the function returns, or NotImplemented.

    Args:
        program: that has just run, with such arguments.
        native: what runs it, a :class:`whence.compiler.build.Native`.
        arguments: of that run.

    Attributes:
        program: as given.
        calls: how often it has run.

    Raises:
        TypeError: something has to be looked at by Python at each call; nothing was changed.
    """

    def __init__(self, program: Program, native: Any, arguments: Sequence[Any]) -> None:
        plan = Plan(program, arguments)
        homes = {home.name: i for i, home in plan.taken.items()}
        over = {n: homes[home.name] for n, home in plan.given.items() if home.name in homes}
        fixed = Fixed(native, {*plan.counted, *plan.given}, over)
        guards = Guards()
        self._others = [place for place in program.surroundings.places if not _guarded(guards, place)]
        program.forget()
        native.forget()
        for home in plan.given.values():
            home.put(np.array(home.get(), order="C"))  # one that nobody else has
        _guard_state(guards, program, plan)
        self._counts = {n: np.empty((), program.graph.outputs[n].dtype) for n in plan.counted}
        self._call = fixed.program(
            {i: number.memory for i, number in plan.numbers.items()}
            | {i: home.get() for i, home in plan.taken.items()},
            self._counts | {n: home.get() for n, home in plan.given.items()},
            guards,
        )
        self.program, self.calls = program, 0
        self._native, self._count = native, len(arguments)
        self._edges = [(v, type(v.edge)) for v in plan.counted_variables]
        self._order = list(plan.order.values())
        self._direct = self._order == list(range(len(arguments)))
        self._numbers = list(plan.numbers.values())
        self._writes = [
            (write, self._counts[n], program.graph.outputs[n].weak)
            for n, cell in plan.counted.items()
            for write in cell.writes
        ]
        self._give = _giving(program, native, fixed.open)

    def __call__(self, arguments: tuple[Any, ...]) -> Any:
        """Run, if everything is as it was."""
        if len(arguments) != self._count:
            return NotImplemented
        for place in self._others:
            if place.changed() is not None:
                return NotImplemented
        for variable, kind in self._edges:
            if type(variable.edge) is not kind:
                return NotImplemented
        native = self._native
        if not native.begin():
            return NotImplemented
        try:
            for source, memory, kind in self._numbers:
                x = arguments[source] if isinstance(source, int) else source.read()
                if type(x) is not kind or (kind is ndarray and not _alike(x, memory)):
                    return NotImplemented
                memory[()] = x
            given = arguments if self._direct else [arguments[i] for i in self._order]
            if native.threads_of_blas:
                with native.blas():
                    found = self._call(*given)
            else:
                found = self._call(*given)
            if found is NotImplemented:
                return found
            self.calls += 1
            for write, count, weak in self._writes:
                write(count.item() if weak else count[()])
            return self._give(found, arguments)
        except Departed:
            return NotImplemented
        finally:
            native.end()


def _giving(program: Program, native: Any, taken: Sequence[int]) -> Callable[[Any, Sequence[Any]], Any]:
    """From what the native call gives, outputs number ``taken``, to what the function returns."""
    written = [native.written[at] for at in taken]
    kinds = {result.kind for result in program.results}
    plain = program.flat and [native.graph.outputs[r.number] for r in program.results] == written
    single = [value.ndim > 0 for value in written]
    if plain and kinds == {"array"} and all(single):
        return lambda found, arguments: found
    if plain and kinds == {"array"} and len(single) > 1:
        return lambda found, _: tuple([x if s else x[()] for x, s in zip(found, single, strict=True)])
    if plain and len(single) == 1 and kinds <= {"array", "variable"}:
        kind, whole = program.results[0].kind, single[0]
        make = unrecorded if kind == "variable" else _itself
        return lambda found, _: make(found if whole else found[()])
    readers = {r.number: native.read(r.number) for r in program.results if r.number >= 0}
    count = len(native.written)

    def returned(found: Any, arguments: Sequence[Any]) -> Any:
        arrays: list[Any] = [None] * count
        for at, array in zip(taken, (found,) if len(taken) == 1 else found, strict=True):
            arrays[at] = array
        return program.returned({number: read(arrays) for number, read in readers.items()}, arguments)

    return returned


def _alike(x: ndarray, y: ndarray) -> bool:
    return x.shape == y.shape and x.dtype == y.dtype


def _itself(x: Any) -> Any:
    return x


def _home(cell: Cell) -> Home:
    if cell.home is None:
        raise TypeError(f"{cell.label} has no place that native code can look at")
    holder, key = cell.home
    home = Home(holder.grad, "_data") if key == "grad" else Home(holder, key)
    if home.get() is not cell.read():
        raise TypeError(f"{cell.label} is somewhere else")
    return home


def _guarded(guards: Guards, place: Place | Contents | Elements) -> bool:
    """Let native code look at a place; False if it cannot."""
    try:
        if isinstance(place, Place):
            guards.attribute(place.holder, place.key)
        elif isinstance(place, Contents):
            guards.contents(place.holder)
        else:
            guards.elements(place.array)
    except TypeError:
        return False
    return True


def _guard_state(guards: Guards, program: Program, plan: Plan) -> None:
    """Variables and arrays: the same as now, and what is written to is nobody else's.

    A node of a graph that used a parameter holds its edge, if not its array.
    """
    written = {home.name: home for home in plan.given.values()}
    for home in {**{home.name: home for home in plan.taken.values()}, **written}.values():
        if isinstance(home.holder, dict):
            guards.item(home.holder, home.key)
        else:
            guards.slot(home.holder, home.key)
    for home in written.values():
        guards.alone(home.get())
        if isinstance(home.holder, Variable):
            guards.slot(home.holder, "edge")
            if home.holder.edge is not None:
                guards.alone(home.holder.edge)
    for variable in program.withs + program.without + plan.gradients + plan.cleared:
        guards.slot(variable, "grad")
    counted = {id(v) for v in plan.counted_variables}
    for variable in program.learning + program.frozen:
        if id(variable) not in counted:
            guards.slot(variable, "edge")
    for variable in plan.gradients:
        guards.alone(variable.grad)
