"""Ops whose gradients are found all at once, by hand, and at higher orders from their formula.

A loop over time steps or a softmax between two products has one way back for all of its operands: rules that
stand alone would walk it once for each. So such an op has one rule for all of them, on plain arrays, as
fast as NumPy allows. Where a sweep is recorded, the same gradients come from differentiating the op's
*formula*, the same function composed of other ops: slower, and right at every order.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

import numpy as np

from ..config import enable_grad, mode
from ..core.function import filled
from ..core.graph import next_generation
from ..core.primitive import Applied, Primitive
from ..core.sweep import conform, sweep
from ..core.variable import Variable, constant
from ..errors import BatchingError
from .custom import identity


class Together(Primitive):
    """An op with several outputs and one rule for all operands.

    Attributes:
        pull: ``pull(gs, ys, *inputs, **params)``, on plain arrays: the gradient for each operand, given
            those of the outputs (zeros, not to be written to, for outputs that none has reached).
        formula: ``formula(*inputs, **params)``, the same outputs from ops that differentiate.
    """

    __slots__ = ("formula", "pull")

    def __init__(
        self,
        name: str,
        forward: Callable[..., tuple[Any, ...]],
        pull: Callable[..., tuple[Any, ...]],
        formula: Callable[..., tuple[Any, ...]],
        batch: Callable[..., Any] | None = None,
    ) -> None:
        self.pull, self.formula = pull, formula
        super().__init__(name, forward, self._rule, many=True, batch=batch)

    def _rule(self, i: int, g: Any, y: Any, *xs: Any, **params: Any) -> Any:
        """The gradient for one operand alone."""
        if any(isinstance(part, Variable) for part in (*g, *xs)):
            return self.from_formula(g, xs, params, (i,))[0]
        return self.pull(g, y, *xs, **params)[i]

    def from_formula(
        self, g: Any, xs: tuple[Any, ...], params: dict[str, Any], wanted: Collection[int]
    ) -> list[Any]:
        """The gradients for the operands ``wanted``, recorded."""
        with enable_grad():
            floor = next_generation()
            inputs = [
                x if isinstance(x, Variable) else constant(x) if i in wanted else x for i, x in enumerate(xs)
            ]
            inputs = [identity.apply(x) if isinstance(x, Variable) else x for x in inputs]
            outputs = self.formula(*inputs, **params)
            seeds = [
                (y.edge, part if isinstance(part, Variable) else constant(part))
                for y, part in zip(outputs, g, strict=True)
                if isinstance(y, Variable) and y.edge is not None
            ]
            edges = [inputs[i].edge for i in wanted]
            found, _ = sweep(seeds, record=True, targets=set(edges), floor=floor)
        like = [xs[i] for i in wanted]
        return [
            constant(np.zeros(x.shape, x.dtype)) if edge not in found else found[edge]
            for edge, x in zip(edges, like, strict=True)
        ]


class Jointly(Applied):
    """The node of such an op."""

    __slots__ = ()

    def pull(self, g: Any, record: bool, wanted: Any = None) -> list[Any]:
        """The cotangents of all inputs, found together."""
        op: Any = self.primitive
        if any(part is not None and hasattr(part, "physical") for part in g):
            raise BatchingError(f"{op.name} takes one cotangent at a time")  # and so gets them
        params = self.params or {}
        places = [i for i, _ in self._rules]
        if record:
            g = filled(self._ports or (), g, record)
            values, _ = self.recorded()
            chosen = [i for k, i in enumerate(places) if wanted is None or wanted[k]]
            parts = dict(zip(chosen, op.from_formula(g, values, params, chosen), strict=True))
        else:
            g = [
                np.broadcast_to(np.zeros((), y.dtype), y.shape) if part is None else part
                for part, y in zip(g, self.y, strict=True)
            ]
            tracer = mode().tracer
            pull = op.pull if tracer is None else tracer.rule_of(op, op.pull)
            parts = dict(enumerate(pull(g, self.y, *self._values, **params)))
        return [None if i not in parts else conform(parts[i], self._values[i], self) for i in places]


Together.node_type = Jointly
