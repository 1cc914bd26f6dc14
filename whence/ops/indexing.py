"""Indices under ``vmap``: where NumPy puts the axes, and indices that differ from example to example."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from ..core.batched import Batched, Refused, wrap
from ..core.origin import called_at
from ..core.table import OPS
from ..errors import BatchingError
from .batching import Flags, Op, examples, repeated


class Layout(NamedTuple):
    """What NumPy makes of an index.

    The integer arrays (and with them the integers) broadcast to ``chosen`` axes. They stand in front
    if something else stands between them (``apart``), else where the first of them does, after
    ``before`` axes. The result has ``ndim`` axes.
    """

    chosen: int
    apart: bool
    before: int
    ndim: int


def _is_array(part: Any) -> bool:
    return isinstance(part, (np.ndarray, Batched)) and (part.ndim > 0 or part.dtype.kind == "b")


def _is_number(part: Any) -> bool:
    return isinstance(part, (int, np.integer, np.ndarray, Batched)) and not _is_array(part)


def layout(parts: tuple[Any, ...], ndim: int) -> Layout:
    """The layout of the result of an index, as a tuple, into an array of ``ndim`` axes."""
    arrays = [p for p in parts if _is_array(p)]
    fancy = [i for i, p in enumerate(parts) if _is_array(p) or (arrays and _is_number(p))]
    chosen = max((1 if p.dtype.kind == "b" else p.ndim for p in arrays), default=0)
    apart = bool(fancy) and fancy[-1] - fancy[0] + 1 != len(fancy)
    used = sum(_taken(p) for p in parts)
    before = basic = 0
    for i, part in enumerate(parts):
        if fancy and i == fancy[0]:
            before = basic
        if part is Ellipsis:
            basic += ndim - used
        elif part is None or isinstance(part, slice):
            basic += 1
    rest = 0 if any(p is Ellipsis for p in parts) else ndim - used
    return Layout(chosen, apart, before, basic + rest + chosen)


def _taken(part: Any) -> int:
    """How many axes a part of an index speaks of."""
    if part is None or part is Ellipsis:
        return 0
    return part.ndim if _is_array(part) and part.dtype.kind == "b" else 1


def as_tuple(index: Any) -> tuple[Any, ...]:
    """An index as the tuple that NumPy would take it for."""
    return index if isinstance(index, tuple) else (index,)


def _odd(parts: tuple[Any, ...]) -> bool:
    """Is a single truth value among the parts, which makes an axis of its own?"""
    return any(isinstance(p, (bool, np.bool_)) or (_is_array(p) and p.ndim == 0) for p in parts)


# --- the same index for every example --------------------------------------------------------------


def read(op: Op, batched: Flags, x: Any, index: Any) -> Any:
    """The batching rule of ``x[index]``."""
    parts = as_tuple(index)
    if _odd(parts):
        return NotImplemented
    chosen, apart, *_ = layout(parts, np.ndim(x) - 1)
    y = op(x, index=(slice(None), *parts))
    return np.moveaxis(y, chosen, 0) if apart else y  # NumPy put the chosen axes before the examples


def spread(op: Op, batched: Flags, g: Any, index: Any, shape: tuple[int, ...]) -> Any:
    """The batching rule of ``scatter``, the transpose of reading."""
    parts = as_tuple(index)
    if _odd(parts):
        return NotImplemented
    chosen, apart, *_ = layout(parts, len(shape))
    g_ = np.moveaxis(g, 0, chosen) if apart else g
    return op(g_, index=(slice(None), *parts), shape=(np.shape(g)[0], *shape))


def write(op: Op, batched: Flags, x: Any, value: Any, index: Any) -> Any:
    """The batching rule of ``x[index] = value``."""
    size = examples(batched, (x, value))
    if any(isinstance(p, Batched) for p in as_tuple(index)):
        return NotImplemented
    parts = as_tuple(index)
    if _odd(parts):
        return NotImplemented
    x = repeated(x, batched[0], size)
    chosen, apart, _, ndim = layout(parts, np.ndim(x) - 1)
    value = repeated(value, batched[1], size)
    lengths = np.shape(value)[1:]
    extra = len(lengths) - ndim  # NumPy takes more axes, of length one
    lengths = lengths[extra:] if extra > 0 else (1,) * -extra + lengths
    value = np.reshape(value, (size, *lengths))
    value = np.moveaxis(value, 0, chosen) if apart else value
    return op(x, value, index=(slice(None), *parts))


# --- an index for each example -------------------------------------------------------------------


def holds_batched(index: Any) -> bool:
    """Does an index differ from example to example?"""
    return any(isinstance(part, Batched) for part in as_tuple(index))


class _Physical(NamedTuple):
    """An index for each example as one index into all of them."""

    parts: tuple[Any, ...]
    layout: Layout
    size: int


def _physical(x_batched: bool, ndim: int, index: Any, level: int) -> _Physical:
    parts = []
    for part in as_tuple(index):
        if _is_array(part) and part.dtype.kind == "b":
            if isinstance(part, Batched):
                raise Refused(
                    f"a mask that differs from example to example chooses differently many elements"
                    f"{called_at()}\n  → np.where(mask, v, 0); np.where(mask, new, v) to write"
                )
            parts += np.nonzero(part)
        else:
            parts.append(part)
    mine = [isinstance(p, Batched) and p.level == level for p in parts]
    # even one number for each example is an array of them
    likes = [np.empty(np.shape(p), int) if isinstance(p, Batched) else p for p in parts]
    numbers = [i for i, p in enumerate(parts) if _is_array(p) or _is_number(p)]
    chosen = max(np.ndim(parts[i]) for i in numbers)
    plan = layout(tuple(likes), ndim)
    apart = numbers[-1] - numbers[0] + 1 != len(numbers)
    widest: list[Any] = []
    size = 0
    for part, m in zip(parts, mine, strict=True):
        if m:
            size = np.shape(part.physical)[0]
            part = np.reshape(part.physical, (size,) + (1,) * (chosen - part.ndim) + part.shape)
        widest.append(part)
    if x_batched:
        widest.insert(0, np.reshape(np.arange(size), (size,) + (1,) * chosen))
    before = sum(1 for p in parts[: numbers[0]] if p is None or isinstance(p, slice))
    if any(p is Ellipsis for p in parts[: numbers[0]]):
        before += ndim - sum(_taken(p) for p in parts)
    # with nothing but single numbers NumPy keeps the order of the axes
    return _Physical(tuple(widest), Layout(chosen, apart and chosen > 0, before, plan.ndim), size)


def gathered(x: Any, index: Any) -> Any:
    """``x[index]`` where a part of the index differs from example to example."""
    level = max(p.level for p in (x, *as_tuple(index)) if isinstance(p, Batched))
    mine = isinstance(x, Batched) and x.level == level
    if not any(isinstance(p, Batched) and p.level == level for p in as_tuple(index)):
        return wrap(_gathered_over(x, index), level)
    found, (chosen, apart, before, _), _ = _physical(mine, np.ndim(x), index, level)
    y = OPS["getitem"](x.physical if mine else x, found)
    if mine:  # (examples, chosen..., the rest...)
        if not apart and before:
            y = np.moveaxis(y, tuple(range(1, 1 + chosen)), tuple(range(1 + before, 1 + before + chosen)))
    elif not layout(found, np.ndim(x)).apart:
        y = np.moveaxis(y, before, 0)
    return wrap(y, level)


def _gathered_over(x: Batched, index: Any) -> Any:
    """The index differs at a lower level than ``x``: read behind x's own examples."""
    parts = as_tuple(index)
    if any(p is Ellipsis for p in parts):
        parts = (*parts, slice(None))
    y = OPS["getitem"](np.moveaxis(x.physical, 0, -1), parts)
    return np.moveaxis(y, -1, 0)


def written(x: Any, value: Any, index: Any) -> Any:
    """``x[index] = value`` where a part of the index differs from example to example."""
    parts = as_tuple(index)
    if len(parts) == 1 and parts[0].dtype.kind == "b" and np.ndim(value) == 0:
        return np.where(parts[0], value, x)
    level = max(p.level for p in (x, value, *parts) if isinstance(p, Batched))
    mine = [isinstance(p, Batched) and p.level == level for p in (x, value)]
    if not any(isinstance(p, Batched) and p.level == level for p in parts):
        raise BatchingError(
            f"an index that differs within the outer vmap only, to write inside the inner one{called_at()}\n"
            "  → np.where(np.arange(n) == i, value, v)"
        )
    found, (chosen, apart, before, ndim), size = _physical(True, np.ndim(x), index, level)
    shape = np.shape(OPS["getitem"](np.empty(np.shape(x), bool), tuple(_first(p) for p in parts)))
    old = repeated(x.physical if mine[0] else x, mine[0], size)
    new = value.physical if mine[1] else value
    lengths = np.shape(new)[1:] if mine[1] else np.shape(new)
    lengths = lengths[max(0, len(lengths) - ndim) :]
    if mine[1]:
        new = np.reshape(new, (size,) + (1,) * (len(shape) - len(lengths)) + lengths)
    new = np.broadcast_to(new, (size, *shape))
    if not apart and before:
        new = np.moveaxis(new, tuple(range(1 + before, 1 + before + chosen)), tuple(range(1, 1 + chosen)))
    return wrap(OPS["setitem"](old, new, found), level)


def _first(part: Any) -> Any:
    return np.zeros(part.shape, int) if isinstance(part, Batched) else part
