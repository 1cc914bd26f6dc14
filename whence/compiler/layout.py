"""Where the elements of a value lie: views cost nothing, they are strides over what is stored.

Offsets and strides are counted in elements.

>>> strides_of((3, 4))
(4, 1)
>>> reshaped((3, 4), (4, 1), (2, 6)), reshaped((3, 4), (1, 3), (12,))
((6, 1), None)
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any, NamedTuple

import numpy as np

from .graph import Node, Value
from .words import getitem


class Layout(NamedTuple):
    """A value as a view of one that is stored whole, in C order."""

    base: Value
    offset: int
    strides: tuple[int, ...]


@lru_cache(1 << 12)
def strides_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Of an array in C order."""
    strides, step = [], 1
    for length in reversed(shape):
        strides.append(step)
        step *= length
    return tuple(reversed(strides))


def is_view(node: Node) -> bool:
    """Does the call only look at its operand in another way?"""
    function = node.function
    if function in (np.reshape, np.transpose, np.broadcast_to):
        return not node.keywords and type(node.args[0]) is Value
    return function is getitem and type(node.args[0]) is Value and is_basic(node.args[1])


def is_basic(index: Any) -> bool:
    """Is an index made of slices, integers and new axes only?"""
    parts = index if isinstance(index, tuple) else (index,)
    return all(part is None or part is Ellipsis or type(part) in (slice, int) for part in parts)


def viewed(node: Node, shape: tuple[int, ...], layout: Layout) -> Layout | None:
    """The layout of a view's output from that of its operand; None where only a copy has it."""
    base, offset, strides = layout
    if node.function is np.reshape:
        found = reshaped(shape, strides, node.output.shape)
        return None if found is None else Layout(base, offset, found)
    if node.function is np.transpose:
        axes = node.args[1] if len(node.args) > 1 else None
        axes = tuple(reversed(range(len(shape)))) if axes is None else axes
        return Layout(base, offset, tuple([strides[axis] for axis in axes]))
    if node.function is np.broadcast_to:
        return Layout(base, offset, broadcast(shape, strides, node.output.shape))
    return sliced(node.args[1], shape, layout)


def broadcast(shape: tuple[int, ...], strides: tuple[int, ...], wide: tuple[int, ...]) -> tuple[int, ...]:
    """Strides of an array that is repeated along the axes that it lacks or has once."""
    new = len(wide) - len(shape)
    kept = [
        0 if length == 1 and wide[new + i] != 1 else step
        for i, (length, step) in enumerate(zip(shape, strides, strict=True))
    ]
    return (0,) * new + tuple(kept)


def reshaped(
    shape: tuple[int, ...], strides: tuple[int, ...], new: tuple[int, ...]
) -> tuple[int, ...] | None:
    """Strides under another shape; None where the elements do not lie so."""
    if 0 in shape:
        return strides_of(new)
    runs = collapse(
        [length for length in shape if length != 1],
        [[s for n, s in zip(shape, strides, strict=True) if n != 1]],
    )
    found, step, left = [0] * len(new), 0, 1
    lengths, (steps,) = runs
    for axis in reversed(range(len(new))):
        if new[axis] == 1:
            continue
        if left == 1:
            left, step = lengths.pop(), steps.pop()
        if left % new[axis]:
            return None
        found[axis] = step
        left //= new[axis]
        step *= new[axis]
    return tuple(found)


def sliced(index: Any, shape: tuple[int, ...], layout: Layout) -> Layout:
    """The layout of ``x[index]``."""
    parts = list(index) if isinstance(index, tuple) else [index]
    named = sum(part is not None and part is not Ellipsis for part in parts)
    at = parts.index(Ellipsis) if Ellipsis in parts else len(parts)
    parts[at : at + 1] = [slice(None)] * (len(shape) - named)
    base, offset, strides = layout
    found, axis = [], 0
    for part in parts:
        if part is None:
            found.append(0)
            continue
        if type(part) is int:
            offset += strides[axis] * (part % shape[axis])
        else:
            start, stop, step = part.indices(shape[axis])
            if len(range(start, stop, step)):
                offset += strides[axis] * start
            found.append(strides[axis] * step)
        axis += 1
    return Layout(base, offset, tuple(found))


def collapse(lengths: list[int], many: list[list[int]]) -> tuple[list[int], list[list[int]]]:
    """Fewest axes that several arrays (rows of strides) can be walked along together."""
    kept = [axis for axis, length in enumerate(lengths) if length != 1]
    out: list[int] = []
    steps: list[list[int]] = [[] for _ in many]
    for axis in kept:
        length = lengths[axis]
        if out and all(s[-1] == row[axis] * length for s, row in zip(steps, many, strict=True)):
            out[-1] *= length
            for s, row in zip(steps, many, strict=True):
                s[-1] = row[axis]
        else:
            out.append(length)
            for s, row in zip(steps, many, strict=True):
                s.append(row[axis])
    return out, steps


class Layouts(dict[Value, Layout]):
    """The layout of each value of a program: a view's is asked for with :meth:`follow` where it is made."""

    def __init__(self) -> None:
        self._known: dict[Value, Layout] = {}  # of views and of all else

    def of(self, value: Value) -> Layout:
        """Of a value: itself, in C order, unless a view of another."""
        found = self._known.get(value)
        if found is None:
            found = self._known[value] = Layout(value, 0, strides_of(value.shape))
        return found

    def store_as(self, value: Value, layout: Layout) -> None:
        """Let a value that is not a view lie in the memory of another, that looks at it."""
        self[value] = self._known[value] = layout

    def follow(self, node: Node) -> bool:
        """Take in a view; False where only a copy has that shape."""
        operand = node.args[0]
        layout = viewed(node, operand.shape, self.of(operand))
        if layout is not None:
            self[node.output] = self._known[node.output] = layout
        return layout is not None
