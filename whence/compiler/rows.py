"""Rows by number: ``x[indices]``, and rows added at indices, as kernels.

Indices are looked at as they are used; one that names no row sets a byte, and the program then lets NumPy say
what is wrong with it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .elements import kind_of
from .graph import Node, Value
from .layout import Layouts, strides_of
from .vector.values import SIZES
from .vector.writer import Writer
from .words import getitem, index_add

#: The words of an argument block: addresses, then counts; ``width`` elements are one row.
WORDS = ("target", "source", "indices", "bad", "rows", "width", "count")

#: From so many single elements on NumPy takes them faster (1.2 ns each, here 2.1), call included.
MANY = 4096


class Rows(NamedTuple):
    """A call as a kernel over rows."""

    adds: bool
    table: Value  # what rows are read from; with ``adds``, what they are added to a copy of
    indices: Value
    values: Value | None
    width: int


def rows_of(node: Node, layouts: Layouts) -> Rows | None:
    """The call as rows by number along the first axis; None for all others."""
    if node.function not in (getitem, index_add) or node.keywords:
        return None
    table, indices, *values = node.args
    if isinstance(indices, tuple) and len(indices) == 1:
        (indices,) = indices
    if type(table) is not Value or type(indices) is not Value or not table.ndim or not indices.ndim:
        return None
    shape = indices.shape + table.shape[1:]
    plain = indices.dtype.kind in "iu" and indices.dtype.itemsize <= 8 and indices.dtype != np.uint64
    if not plain or kind_of(table.dtype) is None or 0 in (*shape, *table.shape):
        return None
    if node.function is index_add:
        added = values[0] if len(values) == 1 else None
        if type(added) is not Value or added.shape != shape or added.dtype != table.dtype:
            return None
        if added.dtype.kind not in "fiu":
            return None
        values = [added]
    if not all(_whole(value, layouts) for value in (table, indices, *values)):
        return None
    width = int(np.prod(table.shape[1:], dtype=np.int64))
    if width == 1 and indices.size > MANY:
        return None
    return Rows(node.function is index_add, table, indices, values[0] if values else None, width)


def _whole(value: Value, layouts: Layouts) -> bool:
    pairs = zip(value.shape, layouts.of(value).strides, strides_of(value.shape), strict=True)
    return all(length == 1 or own == usual for length, own, usual in pairs)


def kernel(adds: bool, kind: str, index: str, target: Any) -> tuple[str, str]:
    """Name and text: rows copied, items one each, or rows added one after the other, as one item."""
    w = Writer(target, target.lanes(SIZES[kind]))
    name = f"rows_{'added' if adds else 'taken'}_{kind}_{index}"
    with w.function(name, words="ptr", begin="i64", end="i64") as (words, begin, end):
        y, x, indices, bad = (w.load("ptr", words, at, lanes=1) for at in range(4))
        rows, width, count = (w.load("i64", words, at, lanes=1) for at in range(4, 7))
        first, last = (begin * count, end * count) if adds else (begin, end)
        with w.loop(first, last) as loop:
            place = w.load(index, indices, loop.index, lanes=1).to("i64")
            place = w.select(place < 0, place + rows, place)
            inside = place.compare("ult", rows)
            with w.when(inside):
                into, out_of = (place, loop.index) if adds else (loop.index, place)
                to, source = w.at(y, into * width, kind), w.at(x, out_of * width, kind)
                join = (lambda a, b: a + b) if adds else None
                _row(w, kind, to, source, width, join)
            with w.when(~inside):
                w.store(w.constant(1, "u8"), bad)
    return name, w.text()


def _row(w: Writer, kind: str, to: Any, source: Any, width: Any, join: Callable[..., Any] | None) -> None:
    """One row, a vector at a time, what is left under a mask."""
    main = width & -w.lanes
    for start, stop in ((w.constant(0, "i64"), main), (main, width)):
        with w.loop(start, stop, w.lanes) as columns:
            mask = None if stop is main else w.tail(width - columns.index)
            x = w.load(kind, source, columns.index, mask=mask)
            if join is not None:
                x = join(w.load(kind, to, columns.index, mask=mask), x)
            w.store(x, to, columns.index, mask=mask)
