"""vmap: a function of one example made into a function of a batch of them."""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator, Sequence
from operator import index
from typing import Any, cast

import numpy as np

from ..config import Level, at_levels, levels
from ..core.batched import Batched, new_level, wrap
from ..core.origin import called_at
from ..core.variable import Variable, as_data
from ..errors import AxisError, BatchingError, DtypeError, GraphError, ShapeError
from ..tree import Structure, flatten, paths
from .lift import owned

Axes = Any  # int, None, or a container of them


def vmap(f: Callable[..., Any], in_axes: Axes = 0, out_axes: Axes = 0) -> Callable[..., Any]:
    """``f``, which is written for one example, as a function of a batch of examples.

    ``vmap(f)(xs)[i] = f(xs[i])``, computed by one run of ``f`` on values that carry all examples; no
    loop. Inside ``f`` such a value has the shape of one example.

    Args:
        f: a function of arrays (or containers) that returns an array (or a container). Its keyword
            arguments are the same for all examples.
        in_axes: along which axis of each argument the examples lie; None: it is the same for all.
            One for all arguments, or a tuple with one for each; for a container, one for all of its
            arrays or a container of them. Negative ones count from the end.
        out_axes: where the axis of the examples is put in each result; None for a result that is the
            same for all. As ``in_axes``, in the structure of the result.

    Returns:
        A function of the same arguments. Arrays in, arrays out; Variables where an argument or a
        value that ``f`` closes over is one. It composes with every other transform, in any order.

    Raises:
        ShapeError: arguments with different numbers of examples, or none with any.
        AxisError: an axis that an argument or a result does not have.
        BatchingError: ``f`` reads a value as if it were one (``if v > 0``, ``float(v)``), or a result
            with ``out_axes=None`` differs from example to example.

    Ops without a rule for whole batches are computed for each example; a ``BatchingWarning`` names
    them (``whence.core.primitive.PRIMITIVES[name].batching`` is ``"rule"`` or ``"loop"``).

    Example:
        >>> import numpy as np, whence
        >>> rows = np.array([[1.0, 2.0], [3.0, 4.0]])
        >>> print(whence.vmap(lambda x, k: k * np.sum(x), in_axes=(0, None))(rows, 10.0))
        [30. 70.]
        >>> print(whence.vmap(whence.grad(lambda x: np.prod(x)))(rows))
        [[2. 1.]
         [4. 3.]]
    """

    @functools.wraps(f)
    def of_batches(*args: Any, **kwargs: Any) -> Any:
        leaves, structure = flatten(args)
        axes = _axes_of_arguments(in_axes, structure)
        number = new_level()
        values, size = _split(leaves, axes, structure, number)
        with at_levels((*levels(), Level(number, size))):
            out = f(*structure.unflatten(values), **kwargs)
            results, shape = flatten(out)
            ends = _axes_of_results(out_axes, shape)
            joined = [_whole(y, axis, number, size) for y, axis in zip(results, ends, strict=True)]
        given = {id(x) for x in leaves}
        return shape.unflatten(_owned(joined, given))

    return of_batches


def _split(leaves: list[Any], axes: list[Any], structure: Structure, number: int) -> tuple[list[Any], int]:
    """The arguments as one example sees them, and how many examples there are."""
    values: list[Any] = []
    sizes: list[tuple[str, int]] = []
    for x, axis, path in zip(leaves, axes, paths(structure), strict=True):
        if axis is None:
            values.append(x)
            continue
        x = cast(Any, x if isinstance(x, Variable) else as_data(x))
        where = f"argument {path}"
        if not -x.ndim <= axis < x.ndim:
            raise AxisError(
                f"vmap: {where} of shape {x.shape} has no axis {axis} for the examples{called_at()}\n"
                "  → in_axes=None for an argument that is the same for all examples"
            )
        x = np.moveaxis(x, axis, 0) if axis % x.ndim else x
        sizes.append((where, x.shape[0]))
        value = wrap(x, number)
        value.given = True
        values.append(value)
    if not sizes:
        raise ShapeError(
            f"vmap: in_axes is None for every argument, so there are no examples{called_at()}\n"
            "  → call the function itself, or give an axis: in_axes=0"
        )
    if len({size for _, size in sizes}) > 1:
        listed = ", ".join(f"{size} in {where}" for where, size in sizes)
        raise ShapeError(
            f"vmap: different numbers of examples: {listed}{called_at()}\n"
            "  → in_axes says which axis of each argument counts the examples; None: the same for all"
        )
    return values, sizes[0][1]


def _whole(y: Any, axis: Any, number: int, size: int) -> Any:
    """One result with its examples along ``axis``."""
    if y is None:
        return None
    mine = type(y) is Batched and y.level == number
    if type(y) is Batched and not mine and all(y.level != level.number for level in levels()):
        raise BatchingError(
            f"vmap: the function returned a value from inside a vmap that has come to its end{called_at()}\n"
            "  → return values from the function that vmap runs, instead of keeping them elsewhere"
        )
    if axis is None:
        if mine:
            raise BatchingError(
                f"vmap: a result with out_axes=None differs from example to example{called_at()}\n"
                "  → out_axes=0, or reduce it over the examples outside"
            )
        return y
    if not mine:
        if not isinstance(y, (Variable, np.ndarray, np.generic, int, float, complex)):
            raise DtypeError(
                f"vmap: the function returned a {type(y).__name__}, which is not an array{called_at()}\n"
                "  → return arrays, numbers, or containers of them; out_axes=None passes it through"
            )
        y = np.broadcast_to(y, (size, *np.shape(y)))
    else:
        y = y.physical
    if not -y.ndim <= axis < y.ndim:
        raise AxisError(
            f"vmap: a result with {y.ndim} axes (one of them for the examples) has no axis {axis}"
            f"{called_at()}"
        )
    return np.moveaxis(y, 0, axis) if axis % y.ndim else y


def _owned(values: list[Any], given: set[int]) -> list[Any]:
    """Arrays that share memory with nothing else; batches of them as they are."""
    plain = [type(v) is np.ndarray for v in values]
    mine = iter(owned([v for v, p in zip(values, plain, strict=True) if p], given))
    return [next(mine) if p else v for v, p in zip(values, plain, strict=True)]


# --- axes ----------------------------------------------------------------------------------------


def _axes_of_arguments(axes: Axes, structure: Structure) -> list[Any]:
    """For each array of the arguments the axis of its examples."""
    if isinstance(axes, list):
        axes = tuple(axes)
    if isinstance(axes, tuple) and len(axes) != len(structure.children):
        raise GraphError(
            f"vmap: in_axes has {len(axes)} entries, but the function was called with "
            f"{len(structure.children)} positional arguments{called_at()}\n"
            "  → one for each argument, or one int for all; keyword arguments are the same for all"
        )
    return _spread(axes, structure, "in_axes")


def _axes_of_results(axes: Axes, structure: Structure) -> list[Any]:
    return _spread(axes, structure, "out_axes")


def _spread(axes: Axes, structure: Structure, name: str) -> list[Any]:
    """The axis for each leaf: an int or None stands for a whole container."""
    leaves, given = flatten(axes)
    for axis in leaves:
        if axis is not None and not _is_int(axis):
            raise GraphError(f"vmap: {name} holds ints and None, not {axis!r}{called_at()}")
    found: list[Any] = []
    _descend(given, iter([None if a is None else index(a) for a in leaves]), structure, name, found)
    return found


def _is_int(axis: Any) -> bool:
    return hasattr(axis, "__index__") and not isinstance(axis, (bool, np.ndarray))


def _descend(
    given: Structure, axes: Iterator[Any], structure: Structure, name: str, found: list[Any]
) -> None:
    if given.kind is None:
        found += [next(axes)] * structure.leaves
        return
    fits = structure.kind is not None and len(given.children) == len(structure.children)
    if not fits or given.keys != structure.keys or not _alike(given.kind, structure.kind):
        raise GraphError(
            f"vmap: {name} does not fit the structure of the "
            f"{'arguments' if name == 'in_axes' else 'results'}{called_at()}\n"
            "  → a container of the same structure with an int or None at each place, or one for all"
        )
    for inner, part in zip(given.children, structure.children, strict=True):
        _descend(inner, axes, part, name, found)


def _alike(first: type | None, second: type | None) -> bool:
    """Two kinds of container, lists and tuples being the same."""

    def family(kind: Any) -> Any:
        return Sequence if issubclass(kind, (list, tuple)) else dict if issubclass(kind, dict) else kind

    return family(first) is family(second)
