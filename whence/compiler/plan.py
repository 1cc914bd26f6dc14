"""Where a program's Values are in memory while it runs: one arena, places used again once they are free."""

from __future__ import annotations

from collections.abc import Iterable

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
            *(v for node in group.nodes for v in node.outputs if v in wanted),
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
        gone = [part for part in living if part[0] < birth]
        living = [part for part in living if part[0] >= birth]
        holes = _joined(holes + [[start, stop] for _, start, stop in gone])
        size = max(LINE, -(-value.nbytes // LINE) * LINE)
        for hole in holes:
            if hole[1] - hole[0] >= size:
                start = hole[0]
                hole[0] += size
                break
        else:
            start, end = end, end + size
        places[value] = start
        living.append((death, start, start + size))
    return places, end


def _joined(holes: list[list[int]]) -> list[list[int]]:
    found: list[list[int]] = []
    for start, stop in sorted(hole for hole in holes if hole[0] < hole[1]):
        if found and found[-1][1] == start:
            found[-1][1] = stop
        else:
            found.append([start, stop])
    return found
