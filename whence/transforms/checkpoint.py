"""Memory for time: forget a function's intermediate values, and compute them again for its gradient."""

from __future__ import annotations

import copy
import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..config import at_levels, levels, mode
from ..core.batched import covered, peeled
from ..core.function import Function, filled
from ..core.graph import next_generation
from ..core.origin import made_at
from ..core.variable import Variable, make
from ..errors import GraphError
from ..tree import Structure, flatten
from .lift import recording
from .outer import attach, outer_edges, pull_outward


def checkpoint(f: Callable[..., Any]) -> Callable[..., Any]:
    """``f``, of which only arguments and results are kept; the gradient runs it a second time.

    Of a chain of ``n`` equal blocks, each checkpointed, a sweep keeps ``n`` results and the inside of one
    block, for one more forward computation (Griewank, *Achieving logarithmic growth of temporal and
    spatial complexity in reverse automatic differentiation*, 1992). Values and derivatives of every
    order are those of ``f``.

    Args:
        f: a function of anything that returns an array or a container of arrays. Variables that it
            closes over (parameters) are differentiated too. It must give the same result each time;
            a ``np.random.Generator`` that is an argument is put back for the second run.

    Raises:
        GraphError: when the gradient is computed, the second run gave another result than the first.

    Example:
        >>> import numpy as np, whence
        >>> block = whence.checkpoint(lambda x: np.tanh(np.sin(x) * np.exp(x)))
        >>> print(round(whence.grad(lambda x: block(block(x)))(0.1), 12))
        1.450645031777
    """

    @functools.wraps(f)
    def call(*args: Any, **kwargs: Any) -> Any:
        if not mode().recording:
            return f(*args, **kwargs)
        leaves, structure = flatten((args, kwargs))
        if levels():
            return _of_batches(f, leaves, structure)
        floor = next_generation()
        given = [_opened(x) for x in leaves]
        kept = [_kept(x) for x in given]
        args, kwargs = structure.unflatten(given)
        with recording():
            out = f(*args, **kwargs)
        results, shape = flatten(out)
        ys = [y for y in results if isinstance(y, Variable)]
        outer = outer_edges(ys, set(), floor)
        if not outer:
            return out
        node = Replayed()
        node.function, node.arguments, node.structure = f, kept, structure
        outputs = [make(y._data) for y in ys]
        attach(node, outer, outputs)
        fresh = iter(outputs)
        return shape.unflatten([next(fresh) if isinstance(y, Variable) else y for y in results])

    return call


def _of_batches(f: Callable[..., Any], leaves: list[Any], structure: Structure) -> Any:
    """Inside ``vmap``: a checkpoint around the function of whole batches."""
    running = levels()
    around = [peeled(x)[1] for x in leaves]
    found: list[Any] = []  # of the results: what is around each, and their container

    def of_physical(*xs: Any) -> list[Any]:
        args, kwargs = structure.unflatten(map(covered, xs, around))
        with at_levels(running):
            results, shape = flatten(f(*args, **kwargs))
        parts = [peeled(y) for y in results]
        found[:] = [numbers for _, numbers in parts], shape
        return [y for y, _ in parts]

    functools.update_wrapper(of_physical, f)
    with at_levels(()):
        results = checkpoint(of_physical)(*[peeled(x)[0] for x in leaves])
    numbers, shape = found
    return shape.unflatten(map(covered, results, numbers))


def _opened(x: Any) -> Any:
    """An argument: a Variable with its edge, apart from the user's own, which may be changed later."""
    if not isinstance(x, Variable):
        return x
    if x.edge is None:
        x.edge = x._leaf()
    return make(x._data, x.edge)


def _kept(x: Any) -> Any:
    """An argument as it must be found at the second run."""
    if type(x) is np.ndarray:
        return x.copy()
    return copy.deepcopy(x) if isinstance(x, np.random.Generator) else x


class Replayed(Function):
    """The node of a checkpointed call."""

    __slots__ = ("arguments", "function", "structure")
    function: Callable[..., Any]
    arguments: list[Any]
    structure: Structure

    @property
    def label(self) -> str:
        """What to call this node in texts."""
        return f"checkpoint({getattr(self.function, '__name__', type(self.function).__name__)})"

    def pull(self, g: Any, record: bool, wanted: Any = None) -> list[Any]:
        """Run the function again, now keeping all, and sweep through it."""
        floor = next_generation()
        args, kwargs = self.structure.unflatten([_kept(x) for x in self.arguments])
        with recording():
            out = self.function(*args, **kwargs)
        ys = [y for y in flatten(out)[0] if isinstance(y, Variable)]
        known = outer_edges(ys, set(), floor).keys() <= set(self.edges)
        same = len(ys) == len(self._kept) and all(
            y.shape == old.shape and np.array_equal(y._data, old, equal_nan=True)
            for y, old in zip(ys, self._kept, strict=True)
        )
        if not known or not same:
            raise GraphError(
                f"{self.label} gave another result when it ran again for its gradient\n"
                f"  it was {made_at(self)}\n"
                "  → pass random generators and whatever else changes as arguments"
            )
        gs = [g] if self._ports is None else filled(self._ports, g, record)
        seeds = [(y.edge, part) for y, part in zip(ys, gs, strict=True)]
        with recording():
            return pull_outward(self, seeds, record, floor)
