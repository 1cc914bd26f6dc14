"""What all transforms share: inputs to differentiate, and plain results.

A transform never marks levels. Each call makes fresh inputs (for an argument that is itself a
Variable, an identity node on top of it) and differentiates with respect to *these*; so nested
transforms cannot mistake one level's perturbation for another's.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from operator import index
from typing import Any, NamedTuple
from weakref import ref

import numpy as np

from ..config import EAGER, Level, Strictly, enable_grad, levels, mode
from ..core.batched import Batched, is_plain, logical, physical
from ..core.graph import Leaf, next_generation
from ..core.origin import called_at, user_frame
from ..core.sweep import outside
from ..core.table import OPS
from ..core.variable import Variable, as_data, constant, make
from ..errors import BatchingError, DtypeError, GraphError, ShapeError
from ..ops.custom import identity
from ..tree import LEAF, Structure, flatten

Argnums = int | tuple[int, ...]


class Lifted(NamedTuple):
    """Arguments made into inputs of a graph of their own.

    Inside ``vmap`` the graph is one of whole batches: the variables have an axis in front for each
    ``vmap`` that is running, even where an argument is the same for all examples (else gradients of
    all examples would be added up in it).
    """

    tree: Any  # the arguments, with a fresh Variable for each array
    variables: list[Variable]
    edges: list[Any]  # theirs: what the derivative is taken with respect to
    structure: Structure
    floor: int  # nodes of this graph are younger than this
    live: bool  # is an argument itself a Variable, whose graph the result must join?
    levels: tuple[Level, ...] = ()  # the vmaps that are running, outermost first


def lift(tree: Any, copy: bool = False) -> Lifted:
    """Fresh Variables for all arrays and numbers in ``tree``. Integers become float64.

    With ``copy`` the graph outlives the call, and must not see what is written to the arrays later.
    """
    floor = next_generation()
    running = levels()
    if type(tree) is np.ndarray and tree.dtype.kind in "fc" and not running:  # one array, the common case
        v = make(tree.copy() if copy else tree.view())
        frame = user_frame()
        edge = v.edge = Leaf(ref(v), frame.f_code, frame.f_lasti)
        return Lifted(v, [v], [edge], LEAF, floor, False)
    leaves, structure = flatten(tree)
    frame = None
    live = False
    variables = []
    for x in leaves:
        if running:
            with recording():
                x = physical(x if isinstance(x, Variable) else _numeric(x), running)
        if isinstance(x, Variable):
            live = True
            if x.dtype.kind in "iub":
                x = make(x._data.astype(float))
            with recording():
                variables.append(identity.apply(x))
            continue
        data = x if type(x) is np.float64 else _numeric(x)
        if type(data) is np.ndarray:  # a view, so that the user's own array is never handed out
            data = data.copy() if copy else data.view()
        frame = user_frame() if frame is None else frame
        v = make(data)
        v.edge = Leaf(ref(v), frame.f_code, frame.f_lasti)
        variables.append(v)
    edges = [v.edge for v in variables]
    tree = structure.unflatten([logical(v, running) for v in variables] if running else variables)
    return Lifted(tree, variables, edges, structure, floor, live, running)


def _numeric(x: Any) -> Any:
    if type(x) is float or type(x) is int:
        return np.float64(x)
    if x is None or isinstance(x, (str, bytes)) or callable(x):
        raise DtypeError(
            f"{_described(x)} is not an array to differentiate with respect to{called_at()}\n"
            "  → leave it out of the container, or choose the arguments with argnums"
        )
    data = as_data(x)
    return data if data.dtype.kind in "fc" else data.astype(np.float64)


def _described(x: Any) -> str:
    if x is None:
        return "None"
    return f"{x!r} ({type(x).__name__})" if isinstance(x, (str, bytes)) else f"a {type(x).__name__}"


def recording() -> AbstractContextManager[None]:
    """A block in which ops record, whatever the caller's setting, and ``float(v)`` is refused."""
    return Strictly() if mode() is EAGER else _recording()


@contextmanager
def _recording() -> Iterator[None]:
    with enable_grad(), Strictly():
        yield


def positions(args: tuple[Any, ...], argnums: Argnums, name: str) -> list[int]:
    """``argnums`` as indices from the front, each at most once."""
    try:
        numbers = [index(i) for i in argnums] if isinstance(argnums, (tuple, list)) else [index(argnums)]
    except TypeError:
        raise GraphError(
            f"{name}: argnums is an int or a tuple of ints, not {argnums!r}{called_at()}"
        ) from None
    count = len(args)
    if any(not -count <= i < count for i in numbers):
        raise GraphError(
            f"{name}: argnums={argnums} but the function was called with {count} positional "
            f"argument{'' if count == 1 else 's'}{called_at()}\n"
            "  → arguments to differentiate are passed by position, not by keyword"
        )
    found = [i % count for i in numbers]
    if len(set(found)) < len(found):
        raise GraphError(f"{name}: argnums={argnums} names an argument twice{called_at()}")
    return found


def lift_arguments(args: tuple[Any, ...], argnums: Argnums, name: str) -> tuple[Lifted, list[Any]]:
    """The arguments at ``argnums`` lifted (one, or a tuple of them), and the new list of all."""
    if argnums == 0 and args:  # as nearly always
        lifted = lift(args[0])
        return lifted, [lifted.tree, *args[1:]]
    where = positions(args, argnums, name)
    many = isinstance(argnums, (tuple, list))
    lifted = lift(tuple([args[i] for i in where]) if many else args[where[0]])
    new = list(args)
    for i, x in zip(where, lifted.tree if many else (lifted.tree,), strict=True):
        new[i] = x
    return lifted, new


def result_of(function: Callable[..., Any], y: Any, name: str, running: tuple[Level, ...] = ()) -> Variable:
    """One output of the user's function, which must be a Variable; inside ``vmap`` the physical one."""
    if running and isinstance(y, Variable):
        with recording():
            y = _of_all_examples(y, running)
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


def _of_all_examples(y: Variable, running: tuple[Level, ...]) -> Any:
    """The physical value of a result, which belongs to no ``vmap`` that has come to its end."""
    y = physical(y, running)
    if type(y) is Batched:
        raise BatchingError(
            f"a value from inside a vmap that has come to its end{called_at()}\n"
            "  → return it from the function that vmap runs"
        )
    return y


def _named(function: Callable[..., Any]) -> str:
    return getattr(function, "__name__", type(function).__name__)


def depends_on_others(lifted: Lifted, ys: Iterable[Variable]) -> bool:
    """Does any of ``ys`` depend on Variables from outside, that somebody still holds?"""
    targets = set(lifted.edges)
    seen: set[Any] = set()
    stack = [y.edge for y in ys if y.edge is not None]
    while stack:
        edge = stack.pop()
        if edge in seen:
            continue
        seen.add(edge)
        if outside(edge, targets, lifted.floor):
            return True
        if edge not in targets and edge.node is not None:
            stack.extend(edge.node.edges)
    return False


def fitting(given: Any, like: Variable, what: str, running: tuple[Level, ...] = ()) -> Any:
    """A cotangent or tangent that the user gave, in the dtype of the value that it belongs to.

    ``like`` is physical: it has an axis in front for each ``vmap`` that is running; so has the result.
    """
    given = given if isinstance(given, Variable) else as_data(given)
    shape = like.shape[len(running) :]
    if given.shape != shape:
        raise ShapeError(
            f"a {what} of shape {given.shape} for a value of shape {shape}{called_at()}\n"
            f"  → a {what} has the shape of its value"
        )
    if given.dtype.kind == "c" and like.dtype.kind != "c":
        raise DtypeError(
            f"a complex {what} for a value of dtype {like.dtype}{called_at()}\n"
            f"  → a {what} is real where its value is; take the real and the imaginary part in turn"
        )
    given = physical(given, running)
    if isinstance(given, Variable) and given.dtype.kind in "iub":
        given = given._data if type(given) is Batched else constant(given._data)
    return given if given.dtype == like.dtype else given.astype(like.dtype)


def seed_of(y: Variable, cotangent: Any, record: bool, running: tuple[Level, ...] = ()) -> Any:
    """A user's cotangent (steepest ascent) as the sweep takes it (bilinear)."""
    g = fitting(cotangent, y, "cotangent", running)
    if not record:
        g = borrowed(g)
        return np.conjugate(g) if g.dtype.kind == "c" else g
    g = g if isinstance(g, Variable) else constant(g)
    return OPS[np.conjugate](g) if g.dtype.kind == "c" else g


def borrowed(x: Any) -> Any:
    """The bare value of ``x``, marked (as a view) as memory that is not ours to give away."""
    data = x._data if isinstance(x, Variable) else x
    return data.view() if type(data) is np.ndarray else data


def bare(g: Any, like: Variable) -> Any:
    """A bilinear cotangent (None for zero) as the user gets it: steepest ascent, plain."""
    if g is None:
        return np.zeros(like.shape, like.dtype)[()]
    return np.conjugate(g) if g.dtype.kind == "c" else g


def is_recorded(x: Any) -> bool:
    """Is ``x`` a Variable that a gradient may be wanted for (a batch of plain arrays is not)?"""
    return isinstance(x, Variable) and not (type(x) is Batched and is_plain(x))


def recorded(g: Any, like: Variable) -> Variable:
    """The same where the result can be differentiated further."""
    if g is None:
        return constant(np.zeros(like.shape, like.dtype)[()])
    g = g if isinstance(g, Variable) else constant(g)
    return OPS[np.conjugate](g) if g.dtype.kind == "c" else g


def owned(values: Iterable[Any], seen: set[int] | None = None) -> list[Any]:
    """The values, none sharing memory with another, with an input or with what is ``seen``."""
    seen = set() if seen is None else seen
    mine = []
    for value in values:
        if isinstance(value, Variable):
            value = identity.apply(value) if id(value) in seen else value
        elif type(value) is np.ndarray:
            if value.ndim == 0:
                value = value[()]
            elif value.base is not None or id(value) in seen:
                value = value.copy()
        seen.add(id(value))
        mine.append(value)
    return mine


def handed(lifted: Lifted, values: Iterable[Any], seen: set[int] | None = None) -> list[Any]:
    """Physical results as the user gets them: memory of their own, and inside ``vmap`` batched again."""
    mine = owned(values, seen)
    return [logical(v, lifted.levels) for v in mine] if lifted.levels else mine


def value_of(v: Any, record: bool) -> Any:
    """A result as the user gets it: the Variable where its graph is still needed."""
    return v if record or not isinstance(v, Variable) else v._data


def with_aux(result: Any) -> tuple[Any, Any]:
    """``(value, anything)``, which a function with ``has_aux=True`` must return."""
    if isinstance(result, tuple) and len(result) == 2:
        return result
    raise ShapeError(
        f"has_aux=True needs a function that returns (value, anything), not "
        f"{f'{len(result)} values' if isinstance(result, tuple) else f'a {type(result).__name__}'}"
        f"{called_at()}"
    )


def aux_value(lifted: Lifted, v: Any, record: bool, seen: set[int]) -> Any:
    """A part of what came along: still a Variable if it depends on Variables from outside."""
    if not isinstance(v, Variable):
        return v
    if lifted.levels:
        v = physical(v, lifted.levels)
        if not isinstance(v, Variable):
            return handed(lifted, [v], seen)[0]
    record = record or (mode().recording and depends_on_others(lifted, [v]))
    return handed(lifted, [value_of(v, record)], seen)[0]
