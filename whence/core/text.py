"""The tree of creators as text: what ``y.whence()`` prints."""

from __future__ import annotations

from typing import Any

import numpy as np

from .graph import Absent, Constant
from .origin import place_of


def creators_text(variable: Any, depth: int = 10) -> str:
    """The creators of ``variable``, newest first, each with its line, shape and value.

    A value that occurs twice is written out once; below ``depth`` levels the rest is counted.
    """
    lines: list[str] = []
    seen: set[Any] = set()
    stack: list[tuple[Any, Any, str, str, int]] = [(variable.edge, variable._data, "", "", 0)]
    while stack:
        edge, value, head, tail, level = stack.pop()
        node = None if edge is None else edge.node
        leaf = node is None or not node.edges
        again = not leaf and edge in seen
        cut = not leaf and not again and level >= depth
        lines.append(head + _line(edge, None if leaf else node, value) + (" (see above)" if again else ""))
        if leaf or again:
            continue
        if cut:
            lines[-1] += f" … {count_nodes(node)} more creators (depth={depth})"
            continue
        seen.add(edge)
        below = list(node.operands())
        for i in range(len(below) - 1, -1, -1):
            last = i == len(below) - 1
            branch, stem = ("└─ ", "   ") if last else ("├─ ", "│  ")
            stack.append((*below[i], tail + branch, tail + stem, level + 1))
    where = [line.partition("\0") for line in lines]
    width = min(60, max(len(text) for text, _, _ in where))
    return "\n".join(f"{text:<{width}}   {place}".rstrip() for text, _, place in where)


def count_nodes(node: Any) -> int:
    """How many nodes lie behind ``node``."""
    seen = {node}
    stack = [node]
    while stack:
        for edge in stack.pop().edges:
            below = edge.node
            if below is not None and below not in seen and below.edges:
                seen.add(below)
                stack.append(below)
    return len(seen) - 1


def brief(value: Any) -> str:
    """Shape, dtype and the first values of an array, in one short line."""
    if value is None:
        return "value not kept"
    if isinstance(value, Absent):
        return f"{_kind(value)} (value not kept: no gradient needs it)"
    if value.ndim == 0:
        return f"{value!s}" + ("" if value.dtype == np.float64 else f" {value.dtype}")
    if value.size <= 4:
        return f"{_kind(value)} {np.array2string(value, separator=', ', precision=4)}".replace("\n", "")
    flat = value.ravel()[:3]
    head = ", ".join(f"{x:.4g}" for x in flat)
    return f"{_kind(value)} [{head}, …]"


def _kind(value: Any) -> str:
    dtype = "" if value.dtype == np.float64 else f" {value.dtype}"
    return f"{value.shape}{dtype}"


def _line(edge: Any, node: Any, value: Any) -> str:
    name = getattr(edge, "name", None)
    what = node.label if node is not None else ("constant" if type(edge) is Constant else "input")
    title = f"{what} {name!r}" if name else what
    place = place_of(getattr(edge, "code", None), getattr(edge, "lasti", 0))
    return f"{title} = {brief(value)}\0{place or ''}"
