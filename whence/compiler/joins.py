"""Calls that put arrays side by side or into one another: each part is written where it belongs.

``np.concatenate``, ``index_set`` and ``index_add`` at slices, ``placed``, and reshaped views that only a copy
has. :mod:`whence.compiler.copies` makes launches of the parts.

>>> import numpy as np
>>> a, b, y = Value((2,), np.float64), Value((3,), np.float64), Value((5,), np.float64)
>>> [part.window.offset for part in parts_of(Node(np.concatenate, ([a, b],), {"axis": 0}, (y,))) or ()]
[0, 2]
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .elements import kind_of
from .graph import Node, Value
from .layout import Layout, collapse, is_basic, sliced, strides_of
from .windows import Window, apart, window_of
from .words import index_add, index_set, placed

#: So many windows of one array are looked at in pairs.
MOST_WINDOWS = 64


class Part(NamedTuple):
    """What is written to one window of the result.

    Attributes:
        source: a Value, or a number.
        shape: of the window; the source is broadcast to it.
        window: where in the result.
        adds: it is added to what is there.
        alone: no other part writes there.
    """

    source: Any
    shape: tuple[int, ...]
    window: Layout
    adds: bool = False
    alone: bool = True


def parts_of(node: Node) -> tuple[Part, ...] | None:
    """The call as parts, in the order that they are written in; None for all other calls."""
    if len(node.outputs) != 1:
        return None
    if node.function is np.concatenate:
        parts = _side_by_side(node)
    elif node.function is np.reshape and len(node.args) == 2 and not node.keywords:
        (x, y) = (node.args[0], node.output)
        parts = (Part(x, x.shape, Layout(y, 0, strides_of(x.shape))),) if type(x) is Value else None
    elif node.function is placed:
        parts = _placed(node)
    elif node.function in (index_set, index_add) and not node.keywords and is_basic(node.args[1]):
        parts = _written(node)
    else:
        return None
    if parts is None or not all(_is_known(part, node.output) for part in parts):
        return None
    return tuple([part for part in parts if 0 not in part.shape])


def _side_by_side(node: Node) -> tuple[Part, ...] | None:
    y, axis = node.output, node.keywords.get("axis", 0)
    if len(node.args) != 1 or set(node.keywords) > {"axis"} or type(axis) is not int:
        return None
    strides, at, parts = strides_of(y.shape), 0, []
    for part in node.args[0]:
        if type(part) is not Value:
            return None
        parts.append(Part(part, part.shape, Layout(y, at * strides[axis], strides)))
        at += part.shape[axis]
    return tuple(parts)


def _written(node: Node) -> tuple[Part, ...] | None:
    """Windows at an index of slices."""
    x, index, values = node.args
    y = node.output
    whole = Layout(y, 0, strides_of(y.shape))
    shape = np.broadcast_to(np.zeros((), bool), y.shape)[index].shape
    window = sliced(index, y.shape, whole) if 0 not in shape else whole
    source_shape = values.shape if type(values) is Value else np.shape(values)
    while len(source_shape) > len(shape) and source_shape[0] == 1:
        source_shape = source_shape[1:]  # NumPy lets axes of length one stand in front
    if len(source_shape) > len(shape) or (type(values) is Value and source_shape != values.shape):
        return None
    first = Part(x, y.shape, whole, alone=False)
    return first, Part(values, shape, window, adds=node.function is index_add, alone=False)


def _placed(node: Node) -> tuple[Part, ...]:
    """Windows that nothing else is written to, zeros around them, and then what is added to that."""
    values, indices, *_ = node.args
    y = node.output
    whole = Layout(y, 0, strides_of(y.shape))
    first: list[tuple[Window, Part]] = []
    added: list[Part] = []
    for part, index in zip(values, indices, strict=True):
        window = window_of(index, y.shape) or ()
        if 0 in part.shape:
            continue
        if len(first) < MOST_WINDOWS and all(apart(window, other) for other, _ in first):
            first.append((window, Part(part, part.shape, sliced(index, y.shape, whole))))
        else:
            added.append(Part(part, part.shape, sliced(index, y.shape, whole), adds=True))
    parts = [part for _, part in first]
    around = _around(y, parts)
    if around is None:
        return Part(0, y.shape, whole), *[part._replace(alone=False) for part in parts], *added
    return *around, *parts, *added


def _around(y: Value, parts: list[Part]) -> list[Part] | None:
    """Zeros between windows that are runs of neighbours; None where some are not."""
    runs = []
    for part in parts:
        lengths, (steps,) = collapse(list(part.shape), [list(part.window.strides)])
        if len(lengths) > 1 or steps not in ([], [1]):
            return None
        runs.append((part.window.offset, lengths[0] if lengths else 1))
    found, at = [], 0
    for start, count in [*sorted(runs), (y.size, 0)]:
        if start > at:
            found.append(Part(0, (start - at,), Layout(y, at, (1,))))
        at = start + count
    return found


def bits_of(number: Any, dtype: Any) -> int:
    """A number as the unsigned integer that has its bytes."""
    return int.from_bytes(np.asarray(number).astype(dtype).tobytes(), "little")


def _is_known(part: Part, y: Value) -> bool:
    source = part.source
    if type(source) is not Value:
        plain = isinstance(source, (bool, int, float, complex, np.generic))
        return plain and (y.dtype.itemsize <= 8 or bits_of(source, y.dtype) == 0)
    if part.adds:
        return kind_of(y.dtype) is not None and source.dtype == y.dtype and y.dtype.kind in "fiub"
    if source.dtype == y.dtype:
        return True
    return kind_of(source.dtype) is not None and kind_of(y.dtype) is not None
