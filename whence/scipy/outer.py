"""A user's function, and the Variables from outside that its result depends on.

SciPy calls the function with plain numbers. What it depends on besides (``args``, and whatever it
closes over) is found by recording it once: the edges where the record leaves the call. They are
the operands of the node that stands for SciPy's answer, and where its rule pulls cotangents to.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any
from weakref import ref

import numpy as np

from ..config import mode, no_grad
from ..core.graph import Constant, Leaf, Port, next_generation
from ..core.origin import called_at, made_at
from ..core.sweep import conform, outside, sweep
from ..core.variable import Variable, constant, make
from ..errors import DtypeError, GraphError, NoGradientError
from ..transforms.lift import recording
from .beyond import bare


class Outer:
    """The function ``f(*inputs)`` and what it depends on from outside.

    Attributes:
        name: SciPy's name of what is being computed, for messages.
        variables: the Variables from outside (as they were when ``look`` met them).
    """

    def __init__(self, f: Callable[..., Any], name: str) -> None:
        self.f, self.name = f, name
        self.variables: list[Variable] = []
        self._edges: list[Any] = []
        self._witness: tuple[Any, ...] | None = None  # inputs whose result was a Variable

    def plain(self, *inputs: Any) -> Any:
        """The bare value at plain inputs, recording nothing."""
        with no_grad():
            y = self.f(*inputs)
        if self._witness is None and holds_variable_now(y):
            self._witness = tuple([np.copy(x) if isinstance(x, np.ndarray) else x for x in inputs])
        return bare(y)

    def look(self, *inputs: Any) -> None:
        """Record the function at plain inputs and note the Variables that it depends on."""
        floor, _, y = self._record(inputs)
        for edge, value in _crossings(y, floor):
            if edge not in self._edges:
                self._edges.append(edge)
                self.variables.append(make(value, edge))

    def packed(self) -> Any:
        """All that it depends on as one vector (None: nothing), once ``plain`` was called.

        Where nothing is recorded the vector is empty, so that what is made of it is a Variable.
        """
        if not mode().recording:
            return None if self._witness is None else constant(np.zeros(0))
        if not self.variables and self._witness is not None:
            self.look(*self._witness)
        if not self.variables:
            return None
        parts = [np.reshape(v, (-1,)) for v in self.variables]
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def pull(self, cotangent: Any, *inputs: Any) -> Any:
        """The cotangent of ``packed()``: that of ``f(*inputs)`` pulled back to the outside.

        Recorded where the cotangent is a Variable; inputs may then be Variables too, which are
        constants to this derivative (but not to the next).
        """
        record = isinstance(cotangent, Variable) or any(isinstance(x, Variable) for x in inputs)
        floor, lifted, y = self._record(inputs, record)
        found: dict[Any, Any] = {}
        if isinstance(y, Variable) and y.edge is not None:
            g = conform(cotangent, y._data, self.name)
            if record and not isinstance(g, Variable):
                g = constant(g)
            edges = [*self._edges, *(v.edge for v in lifted)]
            targets = {*edges, *(edge.node for edge in edges if type(edge) is Port)}
            found, foreign = sweep([(y.edge, g)], record=record, targets=targets, floor=floor)
            if foreign or outside(y.edge, targets, floor):
                raise GraphError(
                    f"{self.name}: the function depends on a Variable that it did not depend on where "
                    f"it was looked at first{called_at()}\n"
                    "  → pass it through args, and do not assign to it before the gradient is taken"
                )
        parts = []
        for edge, v in zip(self._edges, self.variables, strict=True):
            part = found.get(edge)
            if type(edge) is Port and edge.node in found:  # a sweep collects those of one node together
                part = found[edge.node][edge.index]
            part = np.zeros(v.shape, v.dtype) if part is None else part
            parts.append(np.reshape(part, (-1,)))
        return parts[0] if len(parts) == 1 else np.concatenate(parts)

    def _record(self, inputs: Sequence[Any], record: bool = True) -> tuple[int, list[Variable], Any]:
        """The result recorded, with the generation that its graph starts from."""
        floor = next_generation()
        lifted = []
        for x in inputs:
            if isinstance(x, Variable):
                v = make(x._data, x.edge)
            else:
                v = constant(x if hasattr(x, "dtype") else np.float64(x))
            if v.edge is None:
                v.edge = Leaf(ref(v))
            lifted.append(v)
        with recording():
            y = self.f(*lifted)
        if isinstance(y, (list, tuple)):
            with recording():
                y = stacked(y)
        return floor, [v for v in lifted if type(v.edge) is not Constant], y


def holds_variable_now(y: Any) -> bool:
    """Did a function return a Variable, or a list with one?"""
    return isinstance(y, Variable) or (isinstance(y, (list, tuple)) and any(map(holds_variable_now, y)))


def stacked(y: Any) -> Any:
    """One array of what a function returned as a (nested) list with Variables in it."""
    if isinstance(y, (list, tuple)):
        parts = [stacked(part) for part in y]
        if any(isinstance(part, Variable) for part in parts):
            return np.stack(parts)
        return np.asarray(parts)
    return y


def _crossings(y: Any, floor: int) -> list[tuple[Any, Any]]:
    """Edges (and values) at which the graph of ``y`` leaves what was recorded since ``floor``."""
    if not isinstance(y, Variable) or y.edge is None:
        return []
    found: dict[Any, Any] = {}
    seen: set[Any] = set()
    stack = [(y.edge, y._data)]
    while stack:
        edge, value = stack.pop()
        if edge in seen or type(edge) is Constant:
            continue
        seen.add(edge)
        if outside(edge, (), floor):
            if value.dtype.kind in "fc":
                found[edge] = _held(edge, value)
        elif edge.node is not None and edge._generation >= floor:
            stack.extend(edge.node.operands())
    return sorted(found.items(), key=lambda item: getattr(item[0], "_generation", 0))


def _held(edge: Any, value: Any) -> Any:
    """The value at an edge, from its Variable where the graph let go of it."""
    owner = edge._owner()
    if owner is not None:
        return owner._data
    if not isinstance(value, (np.ndarray, np.generic)):
        raise NoGradientError(
            f"a value of shape {value.shape} that the function closes over, {made_at(edge)}, is gone"
            f"{called_at()}\n  → pass it through args"
        )
    return value


def real_valued(y: Any, name: str) -> Any:
    """Refuse complex values where SciPy's function takes real ones."""
    if y.dtype.kind == "c":
        raise DtypeError(f"{name}: the function returned complex values{called_at()}")
    return y
