"""Batching rules that ops share: parameters that name axes are moved past the axis of the examples.

A rule gets the op, which of its operands carry the examples along an axis in front, the operands and
the parameters, and returns the result with the examples in front (see ``Primitive.batch``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.batched import Refused, aligned, composing, pointwise
from ..core.origin import called_at
from ..core.table import BATCHING, OF_TYPES
from ..errors import BatchingError
from .declare import normal_axes

Op = Callable[..., Any]
Flags = tuple[bool, ...]


def as_it_is(op: Op, batched: Flags, x: Any, **params: Any) -> Any:
    """Of ops whose parameters say nothing about axes."""
    return op(x, **params)


def over_axes(op: Op, batched: Flags, x: Any, axis: Any = None, **params: Any) -> Any:
    """Of reductions: ``axis`` is None, one axis or several."""
    ndim = np.ndim(x) - 1
    axes = () if ndim == 0 and axis in (0, -1) else normal_axes(axis, ndim)
    return op(x, axis=tuple(a + 1 for a in axes), **params)


def along_axis(op: Op, batched: Flags, x: Any, *, axis: Any = -1, **params: Any) -> Any:
    """Of ops that work along one axis; None stands for all elements in a row."""
    ndim = np.ndim(x) - 1
    if axis is None or ndim == 0:
        return op(np.reshape(x, (np.shape(x)[0], -1)), axis=1, **params)
    (axis,) = normal_axes(axis, ndim)
    return op(x, axis=axis + 1, **params)


def leading(*core: int) -> Op:
    """Of ops on the last ``core`` axes of each operand, whose axes before them broadcast."""

    def rule(op: Op, batched: Flags, *xs: Any, **params: Any) -> Any:
        return op(*aligned(batched, xs, core), **params)

    return rule


def repeated(x: Any, mine: bool, size: int) -> Any:
    """An operand with the examples in front, the same for all if it was not batched."""
    return x if mine else np.broadcast_to(x, (size, *np.shape(x)))


def examples(batched: Flags, xs: tuple[Any, ...]) -> int:
    """How many examples there are."""
    return next(np.shape(x)[0] for x, mine in zip(xs, batched, strict=True) if mine)


# --- plain functions -----------------------------------------------------------------------------


def _position(op: Op, batched: Flags, a: Any, axis: Any = None, *rest: Any, **params: Any) -> Any:
    """Of argmax and its kin: one position for all elements, or one along an axis."""
    if rest or (axis is None and params.get("keepdims") not in (None, False, np._NoValue)):
        return NotImplemented
    return along_axis(op, batched, a, axis=axis, **params)


def _order(op: Op, batched: Flags, a: Any, axis: Any = -1, kind: Any = None, **params: Any) -> Any:
    if axis is not None and np.ndim(a) == 1:  # one number for each example
        return NotImplemented
    return along_axis(op, batched, a, axis=axis, kind=kind, **params)


def _partial_order(op: Op, batched: Flags, a: Any, kth: Any, axis: Any = -1, **params: Any) -> Any:
    if any(batched[1:]):
        return NotImplemented
    return along_axis(lambda x, axis: op(x, kth, axis=axis, **params), batched, a, axis=axis)


def _test(op: Op, batched: Flags, a: Any, axis: Any = None, *rest: Any, **params: Any) -> Any:
    if rest or not batched[0] or params.get("where", True) is not True:
        return NotImplemented
    return over_axes(op, batched, a, axis, **params)


def _like(op: Op, batched: Flags, a: Any, *rest: Any, **params: Any) -> Any:
    if len(rest) > 3:
        return NotImplemented
    shape = params.pop("shape", None)
    if shape is not None:
        shape = (np.shape(a)[0], *(shape if isinstance(shape, (tuple, list)) else (shape,)))
    return op(a, *rest, shape=shape, **params)


def _in_first(op: Op, batched: Flags, a: Any, *rest: Any, **params: Any) -> Any:
    return NotImplemented if any(batched[1:]) else op(a, *rest, **params)


def _in_second(op: Op, batched: Flags, a: Any, v: Any, *rest: Any, **params: Any) -> Any:
    return NotImplemented if batched[0] or any(batched[2:]) else op(a, v, *rest, **params)


def _of_data(op: Op, batched: Flags, *args: Any, **params: Any) -> Any:
    refusal = BatchingError if composing() else Refused
    raise refusal(
        f"np.{op.__name__} gives as many results as the data has, which differs from example to example "
        f"(inside vmap){called_at()}\n  → np.where(mask, v, 0) keeps the shape"
    )


for _f in (np.isclose, np.iscomplex, np.isreal, np.isneginf, np.isposinf):
    BATCHING[_f] = pointwise
for _f in (np.all, np.any, np.count_nonzero):
    BATCHING[_f] = _test
for _f in (np.argmax, np.argmin, np.nanargmax, np.nanargmin):
    BATCHING[_f] = _position
for _f in (np.zeros_like, np.ones_like, np.empty_like):
    BATCHING[_f] = _like
for _f in (np.isin, np.digitize):
    BATCHING[_f] = _in_first
for _f in (np.nonzero, np.argwhere, np.flatnonzero):
    BATCHING[_f] = _of_data
BATCHING[np.argsort] = _order
BATCHING[np.argpartition] = _partial_order
BATCHING[np.searchsorted] = _in_second
OF_TYPES |= {
    np.result_type, np.can_cast, np.min_scalar_type, np.common_type, np.iscomplexobj, np.isrealobj,
    np.isscalar,
}  # fmt: skip
