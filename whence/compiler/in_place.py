"""A native program once more, with some of its inputs and outputs at fixed addresses.

An output may lie where an input lies if every element of the input is read before, or just when, the same
element of the output is written: by the last kernel that reads the input, in one pass, element by element.
Where that is not sure the output goes to memory of its own and is copied at the end; so does one that is
written while the program may still be left for a number that is out of bounds.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any

import numpy as np

from . import words
from .graph import Value
from .layout import Layout, strides_of
from .native.engine import engine
from .native.guards import Guards
from .native.program import At, Input, Launch, Output, Program, Step, address
from .recipes import schedule

ndarray = np.ndarray


def overwrites(native: Any, given: Value, made: Value) -> bool:
    """May ``made`` be written where the input ``given`` lies?"""
    fusion = native.fusion
    group = fusion.home.get(made)
    if given.shape != made.shape or given.dtype != made.dtype or group is None or group not in native.walks:
        return False
    if made in group.per_row or made in group.ends or made.shape != group.shape:
        return False
    recipe = native.walks[group].recipe
    if schedule(recipe.steps, frozenset(i for i, _ in recipe.stores)).passes > 1:
        return False
    after = False
    for other in fusion.order:
        readers = [v for node in other.nodes for v in node.operands if fusion.layouts.of(v).base is given]
        if readers and after:
            return False
        if other is group:
            after = True
            whole = given.shape, 0, strides_of(given.shape)
            if any((v.shape, *fusion.layouts.of(v)[1:]) != whole for v in readers):
                return False
    return True


class Fixed:
    """The program of a :class:`whence.compiler.build.Native` with memory that stays.

    Args:
        native: the program.
        outputs: the numbers of those that are fixed.
        over: for outputs the number of the input whose array theirs is.

    Raises:
        TypeError: Python has to do something on the way.
    """

    def __init__(
        self,
        native: Any,
        outputs: Collection[int],
        over: Mapping[int, int],
    ) -> None:
        self._native, graph = native, native.graph
        if any(isinstance(one, Step) and not one.when for one in native.program.launches):
            raise TypeError("calls of Python's")
        self.again = {n: graph.outputs.index(graph.outputs[n]) for n in native.again}
        if any(n not in outputs or m not in outputs for n, m in self.again.items()):
            raise TypeError("a result that is another output too")
        layouts = {n: native.fusion.layouts.of(v) for n, v in enumerate(graph.outputs)}
        bases = {layouts[n].base for n in outputs}
        if any(at.base in graph.inputs or at.base in bases for n, at in layouts.items() if n not in outputs):
            raise TypeError("a result that looks at state")
        made = {n: graph.outputs[n] for n in outputs if n not in self.again}
        self.direct = [n for n, v in made.items() if v in native.written]
        self.copied = {n: _in_arena(native, layouts[n], v) for n, v in made.items() if n not in self.direct}
        launches = native.program.launches
        left = max([i for i, one in enumerate(launches) if isinstance(one, Step)], default=-1)
        first = {n: _first(launches, native.slots[made[n]]) for n in self.direct}
        self.apart = {
            n
            for n in self.direct
            if first[n] < left or (n in over and not overwrites(native, graph.inputs[over[n]], made[n]))
        }
        self.first = min([at for n, at in first.items() if n not in self.apart], default=len(launches))
        self.open = [i for i, v in enumerate(native.written) if v not in made.values()]

    def program(
        self, inputs: Mapping[int, ndarray], outputs: Mapping[int, ndarray], guards: Guards
    ) -> Callable[..., Any]:
        """The call: it takes the other inputs and gives a tuple of the other outputs, or the only one.

        Args:
            inputs, outputs: arrays by number.
            guards: what has to stand where it stood.
        """
        native, graph = self._native, self._native.graph
        fixed = {native.slots[graph.inputs[i]]: address(array) for i, array in inputs.items()}
        launches = [
            Step(_depart, (), one.name, one.when) if isinstance(one, Step) else one
            for one in native.program.launches
        ]
        kept = []
        for n in self.direct:
            array = outputs[n]
            if n in self.apart:
                kept.append(np.empty_like(array))
                launches.append(_copy(array, address(kept[-1])))
                array = kept[-1]
            fixed[native.slots[graph.outputs[n]]] = address(array)
        for n, place in self.copied.items():
            launches.append(_copy(outputs[n], address(native.arena) + place))
        for n, first in self.again.items():
            launches.append(_copy(outputs[n], address(outputs[first])))
        given = [native.written[at] for at in self.open]
        taken = [v for i, v in enumerate(graph.inputs) if i not in inputs]
        self._alive = Program(
            launches,
            len(native.slots),
            inputs=[Input(v.dtype, v.shape, native.slots[v]) for v in taken],
            outputs=[Output(v.dtype, v.shape, native.slots[v]) for v in given],
            fixed=fixed,
            nanoseconds=native.nanoseconds,
            last_stop=self.first,
            guards=guards,
            keep=(native.program, kept),
        )
        return self._alive.call


def _in_arena(native: Any, layout: Layout, value: Value) -> int:
    """Where in the arena an output lies as it has to be copied."""
    pairs = zip(value.shape, layout.strides, strides_of(value.shape), strict=True)
    if layout.base not in native.places or any(n > 1 and own != usual for n, own, usual in pairs):
        raise TypeError("an output that is a constant, or whose elements lie in another order")
    return native.places[layout.base] + layout.offset * value.dtype.itemsize


def _first(launches: Sequence[Launch | Step], slot: int) -> int:
    """The number of the first launch that knows of a slot."""
    return next(
        i
        for i, one in enumerate(launches)
        if isinstance(one, Launch) and any(type(word) is At and word.slot == slot for word in one.arguments)
    )


def _copy(target: ndarray, source: int) -> Launch:
    return Launch(engine().copy, [address(target), source, target.itemsize], target.size, 0, "copy")


def _depart() -> None:
    raise words.Departed
