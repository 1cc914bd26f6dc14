"""Parts of joins as launches: written by the loops that compute them, or copied.

A part that a loop computes for nothing else is written to its window by that loop (:func:`moved`). Others are
copied by kernels that know no more of an element than how many bytes it has.
"""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np

from .elements import kind_of
from .fuse import Fusion, Group
from .graph import Node, Value
from .joins import Part, bits_of, parts_of
from .layout import Layout, collapse, reshaped, strides_of
from .recipes import Pointer, Recipe, Step, Walk, how_of
from .vector.values import SIZES
from .words import astype

#: Rows shorter than this are not worth a loop of their own (5 ns a row, 1 ns an element of strided ones).
SHORT_ROW = 8

#: Rows shorter than this are not written straight into a join: the loop that computes them takes all its
#: elements in one row otherwise, and copying them costs less than cutting that up.
CUT_ROW = 32


def moved(fusion: Fusion) -> dict[Value, Layout]:
    """Where loops write what they compute for one part of one join only.

    The value that they would have stored is then nowhere; the part needs no copy.
    """
    uses: dict[Value, int] = {}
    for value in fusion.graph.outputs:
        base = fusion.layouts.of(value).base
        uses[base] = uses.get(base, 0) + 2
    for group in fusion.order:
        for node in group.nodes:
            for value in node.operands:
                base = fusion.layouts.of(value).base
                if fusion.home.get(base) is not group:
                    uses[base] = uses.get(base, 0) + 1
    found: dict[Value, Layout] = {}
    for group in fusion.order:
        if group.kind != "join":
            continue
        parts = parts_of(group.nodes[0]) or ()
        for i, part in enumerate(parts):
            if part.adds or type(part.source) is not Value or (i and not part.alone):
                continue
            base = fusion.layouts.of(part.source).base
            home = fusion.home.get(base)
            if uses.get(base) == 1 and home is not None and home.kind == "loop" and base not in home.ends:
                window = _window_of(fusion, part, base)
                if window is not None and _fits(home, base, window):
                    found[base] = window
    return found


def _window_of(fusion: Fusion, part: Part, base: Value) -> Layout | None:
    """The window as strides over the stored value, if the part is that value, in its own order."""
    _, offset, strides = fusion.layouts.of(part.source)
    target = part.window.base
    same = base.dtype == target.dtype and part.source.shape == part.shape and base.size == part.source.size
    usual = strides_of(part.shape)
    if (
        not same
        or offset
        or any(n != 1 and s != t for n, s, t in zip(part.shape, strides, usual, strict=True))
    ):
        return None
    found = reshaped(part.shape, part.window.strides, base.shape)
    return None if found is None else Layout(target, part.window.offset, found)


def _fits(group: Group, base: Value, window: Layout) -> bool:
    """Can the group's kernel write there, without being cut into short rows?"""
    lead = len(group.shape) if group.lead is None else group.lead
    if base in group.per_row:
        return True
    inner, _ = collapse(list(group.shape[lead:]), [list(window.strides[lead:])])
    if len(inner) > 1:
        return False
    lengths, _ = collapse(list(base.shape), [list(window.strides)])
    return len(lengths) <= 1 or lengths[-1] >= CUT_ROW or group.lead is not None


def copies_of(
    node: Node, fusion: Fusion, numbers: dict[Value, Any], moved: dict[Value, Layout]
) -> list[Walk]:
    """The parts of a join that no loop writes, one after the other."""
    parts = parts_of(node) or ()
    return [walk_of(p, fusion, numbers) for p in parts if _base(fusion, p) not in moved]


def _base(fusion: Fusion, part: Part) -> Value | None:
    return fusion.layouts.of(part.source).base if type(part.source) is Value else None


def walk_of(part: Part, fusion: Fusion, numbers: dict[Value, Any]) -> Walk:
    """A part as a launch of its own."""
    y = part.window.base
    source = part.source
    known = numbers.get(fusion.layouts.of(source).base) if type(source) is Value else source
    if known is not None and not part.adds and (y.dtype.itemsize <= 8 or type(source) is not Value):
        shape, (window,), kind = _as_bytes(part.shape, [part.window], y.dtype.itemsize)
        return _walk(shape, [("number", bits_of(known, y.dtype)), window], kind, None)
    assert type(source) is Value
    given = fusion.access(source, part.shape)
    if part.adds:
        return _walk(part.shape, [part.window, given, part.window], kind_of(y.dtype) or "", None)
    if source.dtype != y.dtype:
        return _walk(part.shape, [given, part.window], kind_of(y.dtype) or "", kind_of(source.dtype))
    return _walk(*_as_bytes(part.shape, [given, part.window], y.dtype.itemsize), None)


def _as_bytes(shape: tuple[int, ...], layouts: list[Layout], size: int) -> tuple[Any, list[Layout], str]:
    """Elements as unsigned integers of their size, wider ones as several."""
    width = min(size, 8)
    many = size // width
    if many == 1:
        return shape, layouts, f"u{8 * width}"
    wide = [Layout(at.base, at.offset * many, (*[s * many for s in at.strides], 1)) for at in layouts]
    return (*shape, many), wide, f"u{8 * width}"


@cache
def _recipe(outer: int, kinds: tuple[str, ...], hows: tuple[str, ...]) -> Recipe:
    accesses = tuple(zip(kinds, hows, strict=True))
    function = np.add if len(kinds) == 3 else astype
    operands = tuple([-1 - i for i in range(len(kinds) - 1)])
    return Recipe(
        outer,
        False,
        accesses,
        (Step(function, operands, kinds[:-1], kinds[-1], "full"),),
        ((0, len(kinds) - 1),),
        (),
    )


def _walk(shape: tuple[int, ...], found: list[Any], kind: str, source: str | None) -> Walk:
    """Words and form of the kernel that joins the first ones and writes the last."""
    many = [list(at.strides) for at in found if type(at) is Layout]
    order = _order(shape, many)
    lengths, steps = collapse([shape[i] for i in order], [[row[i] for i in order] for row in many])
    n = lengths.pop() if lengths else 1
    words: list[int | Pointer] = [n, *lengths]
    turn, hows = iter(steps), []
    kinds = [source or kind] * (len(found) - 1) + [kind]
    for at, one in zip(found, kinds, strict=True):
        if type(at) is not Layout:
            hows.append("number")
            words.append(at[1])
            continue
        along = next(turn)
        last = along.pop() if along else 0
        how = how_of("full", along, last, n > 1)
        hows.append(how)
        words.append(Pointer(at.base, at.offset * SIZES[one]))
        if how != "one":
            words += along
        if how == "far":
            words.append(last)
    count = int(np.prod(lengths, dtype=np.int64))
    cost = count * (8 + n * (1 if "far" not in hows else 12))
    flat = not lengths
    return Walk(
        _recipe(len(lengths), tuple(kinds), tuple(hows)),
        words,
        n if flat else count,
        256 if flat else 1,
        cost,
        [],
    )


def _order(shape: tuple[int, ...], many: list[list[int]]) -> list[int]:
    """The axes, a long one last where the last one is short."""
    order = [axis for axis, length in enumerate(shape) if length != 1]
    lengths, _ = collapse([shape[i] for i in order], [[row[i] for i in order] for row in many])
    if len(lengths) > 1 and lengths[-1] < SHORT_ROW:
        longest = max(order, key=lambda axis: shape[axis])
        if shape[longest] >= 4 * lengths[-1]:
            order.remove(longest)
            order.append(longest)
    return order
