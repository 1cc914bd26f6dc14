"""The second, careful sweep: what it does where a gradient came out NaN.

A cotangent may be zero because nothing depends on the value there: a branch of ``np.where`` that is
not taken, an element that is not read. Such an element is *dead*, and passes nothing on, though the
derivative behind it be infinite (``0 * inf`` is NaN). The guard follows which elements are alive. A
NaN that arises at an element that is alive, from values that are all finite, is refused.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from ..errors import NonFiniteError
from .graph import Absent, Constant
from .origin import called_at, made_at
from .primitive import Applied
from .sweep import conform
from .table import OPS
from .variable import Variable

DEPTH = 40  # how far back to look for what makes a value zero for good


class Guard:
    """Pulls cotangents through nodes, keeping account of the elements that are alive.

    Attributes:
        alive: for each edge, which elements of its cotangent anything depends on.
        sound: no infinity or NaN has been seen among the values so far.
    """

    def __init__(self, seeds: Iterable[tuple[Any, Any]], refuses: bool) -> None:
        self.alive: dict[Any, Any] = {}
        self.sound, self.refuses = True, refuses
        for edge, g in seeds:  # a plain zero asks for nothing
            fixed = not isinstance(g, Variable) or isinstance(g.edge, Constant)
            self._arrive(edge, np.not_equal(_bare(g), 0) if fixed else np.ones(g.shape, bool))

    def __call__(self, node: Any, g: Any, record: bool, wanted: Any) -> list[Any]:
        """What ``node.pull`` gives, with zeros where nothing depends on the elements."""
        with np.errstate(all="ignore"):
            if node._ports is None and isinstance(node, Applied):
                return self._applied(node, g, self.alive.pop(node, np.True_), record, wanted)
            ports = node._ports or (node,)
            alive = any(np.any(self.alive.pop(port, False)) for port in ports)
            parts = node.pull(g, record, wanted)
            for k, (edge, part) in enumerate(zip(node.edges, parts, strict=True)):
                if part is not None:
                    parts[k] = part if alive else part * 0.0 if not _broken(part) else _zeros(part)
                    self._arrive(edge, np.full(np.shape(_bare(part)), alive))
            return parts

    def _applied(self, node: Any, g: Any, alive: Any, record: bool, wanted: Any) -> list[Any]:
        self._examine(node, alive)
        self._refuse(_bare(g), alive, node)
        values, y = node.recorded() if record else (node._values, node.y)
        params = node.params or {}
        parts: list[Any] = []
        for k, (i, rule) in enumerate(node._rules):
            part = None
            if wanted is None or wanted[k]:
                part = rule(g, y, *values, **params)
            if part is None:
                parts.append(None)
                continue
            lives = self._lives(node, k, np.shape(_bare(g)), alive)
            if node.primitive.kind == "elementwise":
                self._refuse(_bare(part), lives, node)
                part = conform(_cleared(part, lives), node._values[i], node)
                lives = _any_of(lives, part.shape)
            else:
                part = _cleared(conform(part, node._values[i], node), lives)
                self._refuse(_bare(part), lives, node)
            parts.append(part)
            self._arrive(node.edges[k], np.broadcast_to(lives, part.shape))
        return parts

    def _lives(self, node: Any, k: int, shape: tuple[int, ...], alive: Any) -> Any:
        """Which elements of the k-th part depend on an element that is alive.

        Before broadcasting is undone, if the op is elementwise.
        """
        i, rule = node._rules[k]
        kind = node.primitive.kind
        if not np.any(alive):
            return np.False_
        if node.primitive.chooses or _constant_slope(node, i):
            # a positive cotangent that no sum cancels: zero comes of zeros that are there for good
            trial = np.random.default_rng(0).uniform(1, 2, shape) * alive
            pulled = rule(trial, node.y, *node._values, **(node.params or {}))
            if kind == "elementwise":
                return np.not_equal(pulled, 0) & alive
            return np.not_equal(conform(pulled, node._values[i], node), 0)
        if kind != "elementwise":
            return np.True_
        name = node.primitive.name
        if len(node._rules) == 2 and (name == "np.multiply" or (name == "np.divide" and i == 1)):
            other = 1 - k
            return alive & ~zero_for_good(node.edges[other], node._values[1 - i])
        return alive

    def _arrive(self, edge: Any, alive: Any) -> None:
        old = self.alive.get(edge)
        self.alive[edge] = alive if old is None else old | alive

    def _examine(self, node: Any, alive: Any) -> None:
        """Note if a value that takes part is not finite: then a NaN is no accident."""
        if not self.sound or not self.refuses:
            return
        y = node.y
        if y is None and not any(isinstance(v, Absent) for v in node._values):
            y = node.output_like()
        if isinstance(y, (np.ndarray, np.generic)) and y.dtype.kind in "fc":
            self.sound = bool(np.all(np.isfinite(y) | ~np.broadcast_to(alive, y.shape)))

    def _refuse(self, part: Any, alive: Any, node: Any) -> None:
        """Raise for a NaN among elements that are alive, if all values were finite."""
        if self.refuses and self.sound and np.any(np.isnan(part) & alive):
            raise NonFiniteError(
                f"the gradient at {node.label} is not a number, though the values are finite{called_at()}\n"
                f"  {node.label} was {made_at(node)}\n"
                "  → a derivative there is infinite or not defined, and it meets a zero or another "
                "infinity; keep such points away from it: np.where(safe, f(np.where(safe, v, 1)), other)"
            )

    def finish(self, found: dict[Any, Any]) -> None:
        """Raise if infinities cancelled on the way into an input."""
        for edge, g in found.items():
            if self.refuses and self.sound and _broken(g):
                raise NonFiniteError(
                    f"a gradient is not a number, though the values are finite{called_at()}\n"
                    f"  it belongs to a Variable {made_at(edge)}\n"
                    "  → infinite derivatives cancelled; keep such points out with np.where"
                )


def _bare(g: Any) -> Any:
    return g._data if isinstance(g, Variable) else g


def _broken(g: Any) -> bool:
    if isinstance(g, (list, tuple)):
        return any(part is not None and _broken(part) for part in g)
    return bool(np.any(np.isnan(_bare(g))))


def _zeros(part: Any) -> Any:
    return np.where(False, part, np.zeros((), _bare(part).dtype))


def _cleared(part: Any, alive: Any) -> Any:
    """``part``, and zero where it is dead; recorded if it is a Variable."""
    return part if np.all(alive) else np.where(alive, part, np.zeros((), _bare(part).dtype))


def _any_of(alive: Any, shape: tuple[int, ...]) -> Any:
    """What lives once broadcasting is undone."""
    full = np.broadcast_to(alive, np.broadcast_shapes(np.shape(alive), shape))
    extra = full.ndim - len(shape)
    axes = tuple(i for i in range(full.ndim) if i < extra or (shape[i - extra] == 1 and full.shape[i] != 1))
    return np.reshape(np.any(full, axis=axes, keepdims=True), shape) if axes else full


def _constant_slope(node: Any, i: int) -> bool:
    """Does the rule for operand ``i`` read plain operands only? Then its zeros are there for good."""
    reads = node.primitive.reads
    if reads is None:
        return False
    read = reads[0] if callable(node.primitive.vjp) else reads[i]
    return "y" not in read and not any(str(j) in read for j, _ in node._rules)


def zero_for_good(edge: Any, value: Any, depth: int = 0) -> Any:
    """Which elements are zero whatever the inputs: those of a recorded branch that was not taken."""
    if not isinstance(edge, Applied) or edge._ports is not None or depth > DEPTH:
        return np.False_
    node, name = edge, edge.primitive.name
    of = {
        i: zero_for_good(e, node._values[i], depth + 1)
        for e, (i, _) in zip(node.edges, node._rules, strict=True)
    }
    for i, operand in enumerate(node._values):
        if i not in of:
            of[i] = np.False_ if isinstance(operand, Absent) or operand is None else np.equal(operand, 0)
    if name == "np.where":
        zero = np.where(node._values[0], of[1], of[2])
    elif name == "np.multiply":
        zero = of[0] | of[1]
    elif name == "np.divide":
        zero = of[0]
    elif node.primitive.reads is not None and not any(node.primitive.reads):
        rng = np.random.default_rng(0)
        trials = [rng.uniform(1, 2, np.shape(v)) * ~of[i] for i, v in enumerate(node._values)]
        zero = np.equal(node.primitive.forward(*trials, **(node.params or {})), 0)
    else:
        return np.False_
    return np.broadcast_to(zero, np.broadcast_shapes(np.shape(zero), np.shape(value)))


OPS["guard"] = Guard
