"""Pooling, and convolutions of each channel, as SSA text: lanes are channels, windows lists of offsets.

For each window ``p`` the elements ``firsts[p] … firsts[p + 1] - 1`` of the tables ``sources`` and ``targets``
say where its elements lie; what lies in the padding is not listed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from ..vector import Value, Writer
from ..vector.rounding import maximum
from ..vector.values import SIZES
from ..vector.writer import Registers

#: What the kernels read, word by word; ``_apart`` are bytes from one image to the next.
WORDS = (
    *("x", "x_apart", "y", "y_apart", "g", "g_apart", "out", "out_apart"),
    *("firsts", "sources", "targets", "places", "g_places"),  # offsets in bytes; of y and g by window
    *("count", "channels", "g_step"),  # windows; channels; bytes from one channel of g to the next
    "cleared",  # bytes of an image of out that are set to 0 first
    *("start", "weights", "taps"),  # of each channel: what is added, kernels (tap, channel), their offsets
)


class Spot(NamedTuple):
    """A vector of channels of a window."""

    said: dict[str, Value]  # the words, arrays moved on to the image
    window: Value
    channel: Value
    mask: Value
    first: Value
    stop: Value


def write(target: Registers, kind: str) -> str:
    """The module for one kind of elements."""
    w = Writer(target, target.width // SIZES[kind])
    w.declarations["declare void @llvm.memset.p0.i64(ptr, i8, i64, i1)"] = None
    for name, body in (("max", _max), ("sum", _sum), ("each", _weighted), ("dot", _dot)):
        with _each(w, kind, f"whence_pool_{name}_{kind}") as spot:
            w.store(body(w, kind, spot), _at(w, spot, "y", "places"), spot.channel, mask=spot.mask)
    for layout, read in (("", _near), ("_far", _far)):
        for name, body in (("unmax", _unmax), ("unmax_tiles", _unmax_tiles), ("spread", _spread)):
            with _each(w, kind, f"whence_pool_{name}{layout}_{kind}") as spot:
                body(w, kind, spot, read(w, kind, spot))
    return w.text()


@contextmanager
def _each(w: Writer, kind: str, name: str) -> Iterator[Spot]:
    """A kernel whose items are images: its body for some channels of one window."""
    pointers = (
        *("x", "y", "g", "out", "firsts", "sources", "targets", "places", "g_places"),
        *("start", "weights", "taps"),
    )
    with w.function(name, words="ptr", begin="i64", end="i64") as (words, begin, end):
        said = {
            word: w.load("ptr" if word in pointers else "i64", words, place, lanes=1)
            for place, word in enumerate(WORDS)
        }
        with w.loop(begin, end) as image:
            moved = {
                word: w.at(said[word], image.index * said[f"{word}_apart"], "u8")
                for word in ("x", "y", "g", "out")
            }
            w.lines.append(
                f"  call void @llvm.memset.p0.i64({moved['out']}, i8 0, {said['cleared']}, i1 false)"
            )
            with w.loop(0, said["count"]) as window:
                first = w.load("i64", said["firsts"], window.index, lanes=1)
                stop = w.load("i64", said["firsts"], window.index + 1, lanes=1)
                with w.loop(0, said["channels"], w.lanes) as part:
                    mask = w.tail(said["channels"] - part.index, w.lanes)
                    yield Spot(said | moved, window.index, part.index, mask, first, stop)


def _at(w: Writer, spot: Spot, array: str, table: str, index: Value | None = None) -> Value:
    """Where an array's pixel is that a table names."""
    index = spot.window if index is None else index
    return w.at(spot.said[array], w.load("i64", spot.said[table], index, lanes=1), "u8")


def _element(w: Writer, kind: str, spot: Spot, index: Value) -> Value:
    return w.load(kind, _at(w, spot, "x", "sources", index), spot.channel, mask=spot.mask)


def _near(w: Writer, kind: str, spot: Spot) -> Value:
    """Elements of g where channels are neighbours."""
    return w.load(kind, _at(w, spot, "g", "g_places"), spot.channel, mask=spot.mask)


def _far(w: Writer, kind: str, spot: Spot) -> Value:
    """Elements of g where they are not: a linear layer's gradient has the channels first."""
    step = spot.said["g_step"] / SIZES[kind]
    indices = (w.numbers("i64", w.lanes) + spot.channel) * step
    return w.gather(kind, _at(w, spot, "g", "g_places"), indices, spot.mask)


def _joined(
    w: Writer, kind: str, spot: Spot, start: Value, first: Value, join: Callable[[Value, Value], Value]
) -> Value:
    with w.loop(first, spot.stop, carried=[start]) as loop:
        loop.next(join(loop.carried[0], _element(w, kind, spot, loop.index)))
    return loop.results[0]


def _max(w: Writer, kind: str, spot: Spot) -> Value:
    return _joined(w, kind, spot, _element(w, kind, spot, spot.first), spot.first + 1, maximum)


def _sum(w: Writer, kind: str, spot: Spot) -> Value:
    return _joined(w, kind, spot, w.constant(0.0, kind, w.lanes), spot.first, lambda a, b: a + b)


def _unmax(w: Writer, kind: str, spot: Spot, g: Value) -> None:
    """The first element that is the maximum has g added; after a NaN there is none."""
    largest = w.load(kind, _at(w, spot, "y", "places"), spot.channel, mask=spot.mask)
    with w.loop(spot.first, spot.stop, carried=[g]) as loop:
        left = loop.carried[0]
        found = _element(w, kind, spot, loop.index).eq(largest)
        target = _at(w, spot, "out", "targets", loop.index)
        before = w.load(kind, target, spot.channel, mask=spot.mask)
        w.store(before + w.select(found, left, 0.0), target, spot.channel, mask=spot.mask)
        loop.next(w.select(found, 0.0, left))


def _unmax_tiles(w: Writer, kind: str, spot: Spot, g: Value) -> None:
    """The same where each element is in one window; what is left at the end is the last's."""
    largest = w.load(kind, _at(w, spot, "y", "places"), spot.channel, mask=spot.mask)
    with w.loop(spot.first, spot.stop - 1, carried=[g]) as loop:
        left = loop.carried[0]
        found = _element(w, kind, spot, loop.index).eq(largest)
        target = _at(w, spot, "out", "targets", loop.index)
        w.store(w.select(found, left, 0.0), target, spot.channel, mask=spot.mask)
        loop.next(w.select(found, 0.0, left))
    target = _at(w, spot, "out", "targets", spot.stop - 1)
    w.store(loop.results[0], target, spot.channel, mask=spot.mask)


def _spread(w: Writer, kind: str, spot: Spot, g: Value) -> None:
    with w.loop(spot.first, spot.stop) as loop:
        target = _at(w, spot, "out", "targets", loop.index)
        before = w.load(kind, target, spot.channel, mask=spot.mask)
        w.store(before + g, target, spot.channel, mask=spot.mask)


def _weighted(w: Writer, kind: str, spot: Spot) -> Value:
    """The sum of a window's elements, each times its weight."""
    start = w.load(kind, spot.said["start"], spot.channel, mask=spot.mask)
    with w.loop(spot.first, spot.stop, carried=[start]) as loop:
        weight = w.load(kind, _at(w, spot, "weights", "taps", loop.index), spot.channel, mask=spot.mask)
        loop.next(w.fma(_element(w, kind, spot, loop.index), weight, loop.carried[0]))
    return loop.results[0]


def _dot(w: Writer, kind: str, spot: Spot) -> Value:
    """The sum of products of x and g, for a tap in the place of a window."""
    with w.loop(spot.first, spot.stop, carried=[w.constant(0.0, kind, w.lanes)]) as loop:
        g = w.load(kind, _at(w, spot, "g", "targets", loop.index), spot.channel, mask=spot.mask)
        loop.next(w.fma(_element(w, kind, spot, loop.index), g, loop.carried[0]))
    return loop.results[0]
