"""What all transforms share: inputs to differentiate, and plain results.

A transform never marks levels. Each call makes fresh inputs (for an argument that is itself a
Variable, an identity node on top of it) and differentiates with respect to *these*; so nested
transforms cannot mistake one level's perturbation for another's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from ..config import EAGER, enable_grad, mode
from ..core.graph import Leaf, next_generation
from ..core.origin import called_at, user_frame
from ..core.table import OPS
from ..core.variable import Variable, as_data, constant, make
from ..errors import DtypeError, GraphError
from ..ops.custom import identity
from ..tree import Structure, flatten


class Lifted(NamedTuple):
    """Arguments made into inputs of a graph of their own."""

    tree: Any  # the arguments, with a fresh Variable for each array
    variables: list[Variable]
    structure: Structure
    floor: int  # nodes of this graph are younger than this
    live: bool  # is an argument itself a Variable, whose graph the result must join?

    @property
    def edges(self) -> list[Any]:
        """The edges that the derivative is taken with respect to."""
        return [v.edge for v in self.variables]


def lift(tree: Any) -> Lifted:
    """Fresh Variables for all arrays and numbers in ``tree``. Integers become float64."""
    leaves, structure = flatten(tree)
    floor = next_generation()
    live = mode().recording and any(isinstance(x, Variable) for x in leaves)
    frame = None
    variables = []
    with recording():
        for x in leaves:
            if isinstance(x, Variable):
                if x.dtype.kind in "iub":
                    x = make(x._data.astype(float))
                variables.append(identity.apply(x))
                continue
            data = x if type(x) is np.float64 else _numeric(x)
            frame = user_frame() if frame is None else frame
            v = make(data)
            v.edge = Leaf(ref(v), frame.f_code, frame.f_lasti)
            variables.append(v)
    return Lifted(structure.unflatten(variables), variables, structure, floor, live)


def _numeric(x: Any) -> Any:
    if type(x) is float or type(x) is int:
        return np.float64(x)
    if x is None:
        raise DtypeError(
            f"None is not an array to differentiate with respect to{called_at()}\n"
            "  → leave it out of the container, or choose the arguments with argnums"
        )
    data = as_data(x)
    return data if data.dtype.kind in "fc" else data.astype(np.float64)


@contextmanager
def _recording() -> Iterator[None]:
    with enable_grad():
        yield


class _Already:
    def __enter__(self) -> None: ...
    def __exit__(self, *error: object) -> None: ...


_ALREADY = _Already()


def recording() -> Any:
    """A block in which ops record, whatever the caller's setting."""
    return _ALREADY if mode() is EAGER else _recording()


def select(args: tuple[Any, ...], argnums: int | tuple[int, ...], name: str) -> Any:
    """The arguments at ``argnums``: one, or a tuple."""
    numbers = (argnums,) if isinstance(argnums, int) else tuple(argnums)
    for i in numbers:
        if not -len(args) <= i < len(args):
            raise GraphError(
                f"{name}: argnums={argnums} but the function was called with {len(args)} positional "
                f"arguments{called_at()}"
            )
    return args[argnums] if isinstance(argnums, int) else tuple(args[i] for i in numbers)


def replaced(args: tuple[Any, ...], argnums: int | tuple[int, ...], new: Any) -> list[Any]:
    """The arguments with those at ``argnums`` replaced."""
    out = list(args)
    if isinstance(argnums, int):
        out[argnums] = new
    else:
        for i, x in zip(argnums, new, strict=True):
            out[i] = x
    return out


def result_of(function: Callable[..., Any], y: Any, name: str) -> Variable:
    """One output of the user's function, which must be a Variable."""
    if isinstance(y, Variable):
        if y._data.dtype.kind not in "fc":
            raise DtypeError(f"{name}: the function returned {y.dtype} values{called_at()}")
        return y
    raise GraphError(
        f"{name}: {_named(function)} returned a plain {type(y).__name__}, which does not remember the "
        f"arguments{called_at()}\n"
        "  → compute the result with np.* and operators; math.*, float(v), v.data and comparisons "
        "give plain values. For a constant return it as 0 * x + c"
    )


def _named(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


def seed_of(y: Variable, cotangent: Any, record: bool) -> Any:
    """A user's cotangent (steepest ascent) as the sweep takes it (bilinear)."""
    if isinstance(cotangent, Variable):
        cotangent = cotangent if record else cotangent._data
    else:
        cotangent = as_data(cotangent)
    if cotangent.shape != y.shape:
        raise GraphError(
            f"a cotangent of shape {cotangent.shape} for a result of shape {y.shape}{called_at()}"
        )
    if cotangent.dtype.kind == "c":
        cotangent = OPS[np.conjugate](cotangent) if record else np.conjugate(cotangent)
    if cotangent.dtype != y.dtype:
        cotangent = cotangent.astype(y.dtype)
    return cotangent if isinstance(cotangent, Variable) or not record else constant(cotangent)


def bare(g: Any, like: Variable, record: bool) -> Any:
    """A derivative as the user gets it: conjugated back; an array of its own, or a Variable."""
    if g is None:
        g = np.zeros(like.shape, like.dtype)
    if record:
        g = g if isinstance(g, Variable) else constant(g)
        return OPS[np.conjugate](g) if g.dtype.kind == "c" else g
    if type(g) is np.float64:
        return g
    if g.dtype.kind == "c":
        return np.conjugate(g)
    if g.ndim == 0:
        return g[()]
    return g.copy() if g.base is not None else g


def value_of(v: Any, record: bool) -> Any:
    """A result as the user gets it: the Variable where its graph is still needed."""
    if record or not isinstance(v, Variable):
        return v
    data = v._data
    return data[()] if data.ndim == 0 else (data.copy() if data.base is not None else data)
