"""Where a program's Values are in memory while it runs: one arena, places used again once they are free."""

from __future__ import annotations

import bisect
import heapq
from collections.abc import Iterable, Iterator

from .fuse import Fusion, Group
from .graph import Value
from .layout import Layout

LINE = 64


def lifetimes(
    fusion: Fusion,
    stored: Iterable[Value],
    partials: dict[Group, list[Value]],
    moved: dict[Value, Layout],
) -> dict[Value, tuple[int, int]]:
    """From which group to which, by number, each stored Value is needed; ``moved``: lie in another."""
    wanted, spans = set(stored), {}
    for at, group in enumerate(fusion.order):
        for value in (
            *(v for v in _stored_by(fusion, group) if v in wanted),
            *partials.get(group, ()),
        ):
            value = moved[value].base if value in moved else value
            spans[value] = (spans.get(value, (at, at))[0], at)
        for node in group.nodes:
            for value in node.operands:
                base = fusion.layouts.of(value).base
                if base in spans:
                    spans[base] = (spans[base][0], at)
    for value in fusion.graph.outputs:
        base = fusion.layouts.of(value).base
        if base in spans:
            spans[base] = (spans[base][0], len(fusion.order))
    return spans


def _stored_by(fusion: Fusion, group: Group) -> Iterator[Value]:
    """What the memory is called that the results of a group lie in."""
    for node in group.nodes:
        for value in node.outputs:
            yield fusion.layouts.of(value).base


def arrange(spans: dict[Value, tuple[int, int]]) -> tuple[dict[Value, int], int]:
    """An offset in the arena for each Value, and the arena's size: first fit, in order of birth.

    >>> import numpy as np
    >>> a, b, c = (Value((16,), np.float32) for _ in range(3))
    >>> places, size = arrange({a: (0, 1), b: (1, 2), c: (2, 3)})
    >>> [places[v] for v in (a, b, c)], size
    ([0, 64, 0], 128)
    """
    holes: list[list[int]] = []  # [start, end], in order
    living: list[tuple[int, int, int]] = []
    places, end = {}, 0
    for value, (birth, death) in sorted(spans.items(), key=lambda item: item[1][0]):
        while living and living[0][0] < birth:
            _, start, stop = heapq.heappop(living)
            _free(holes, start, stop)
        size = max(LINE, -(-value.nbytes // LINE) * LINE)
        for at, hole in enumerate(holes):
            if hole[1] - hole[0] >= size:
                start = hole[0]
                hole[0] += size
                if hole[0] == hole[1]:
                    del holes[at]
                break
        else:
            start, end = end, end + size
        places[value] = start
        heapq.heappush(living, (death, start, start + size))
    return places, end


def _free(holes: list[list[int]], start: int, stop: int) -> None:
    """One more hole, joined with its neighbours."""
    at = bisect.bisect(holes, [start])
    if at < len(holes) and holes[at][0] == stop:
        stop = holes.pop(at)[1]
    if at and holes[at - 1][1] == start:
        holes[at - 1][1] = stop
    else:
        holes.insert(at, [start, stop])
