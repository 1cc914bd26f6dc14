"""Nested lists with Variables in them, made into one: what ``whence.numpy.array`` does.

NumPy itself cannot be asked to: it takes the elements of a list without looking at their protocols.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.primitive import Primitive
from ..core.table import OPS
from ..core.variable import Variable
from .batching import examples, repeated
from .declare import misfit

Leaves = tuple[list[Any], tuple[int, ...]]


def _gather_rule(i: int, g: Any, y: Any, *xs: Any, shape: tuple[int, ...]) -> Any:
    return np.reshape(g, (len(xs), *np.shape(xs[i])))[i]


def _gather_all(op: Any, batched: Any, *xs: Any, shape: tuple[int, ...]) -> Any:
    size = examples(batched, xs)
    parts = [repeated(x, mine, size) for x, mine in zip(xs, batched, strict=True)]
    return np.moveaxis(op(*parts, shape=shape), len(shape), 0)


gather = Primitive(
    "np.array",
    lambda *xs, shape: np.reshape(np.array(xs), (*shape, *np.shape(xs[0]))),
    vjp=_gather_rule,
    reads=[""],
    kind="linear",
    batch=_gather_all,
)


def has_variables(x: Any) -> bool:
    """Is ``x`` a Variable, or a list, tuple or object array with one in it, however deep?"""
    if isinstance(x, Variable):
        return True
    if isinstance(x, (list, tuple)):
        return any(has_variables(part) for part in x)
    return type(x) is np.ndarray and x.dtype.kind == "O" and any(has_variables(part) for part in x.flat)


def gathered(x: Any, dtype: Any = None) -> Any:
    """One Variable of a nested list (or object array) with Variables in it.

    Raises:
        ShapeError: the parts differ in shape.
    """
    if isinstance(x, Variable):
        y = x
    else:
        leaves, shape = _leaves(x)
        shapes = sorted({np.shape(leaf) for leaf in leaves})
        if len(shapes) > 1:
            raise misfit(f"np.array got parts of different shapes, {', '.join(str(s) for s in shapes[:4])}")
        y = gather(*leaves, shape=shape)
    return y if dtype is None or y.dtype == dtype else OPS["astype"](y, dtype)


def _leaves(x: Any) -> Leaves:
    """What is not a list, left to right, and the lengths of the lists around it."""
    if not isinstance(x, (list, tuple)):
        if type(x) is np.ndarray and x.dtype.kind == "O":
            return _leaves(x.tolist())
        return [x], ()
    found = [_leaves(part) for part in x]
    if len({shape for _, shape in found}) > 1:  # some parts are arrays, others lists of the same shape
        found = [([_whole(leaves, shape)], ()) for leaves, shape in found]
    inner = found[0][1] if found else ()
    return [leaf for leaves, _ in found for leaf in leaves], (len(found), *inner)


def _whole(leaves: list[Any], shape: tuple[int, ...]) -> Any:
    if shape == ():
        return leaves[0]
    if not leaves:
        return np.zeros(shape)
    if any(np.shape(leaf) != np.shape(leaves[0]) for leaf in leaves):
        raise misfit("np.array got nested lists of different lengths")
    if math.prod(shape) and not any(isinstance(leaf, Variable) for leaf in leaves):
        return np.reshape(np.array(leaves), (*shape, *np.shape(leaves[0])))
    return gather(*leaves, shape=shape)
