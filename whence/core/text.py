"""The tree of creators as text: what ``y.whence()`` prints."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from .graph import Absent, Constant
from .origin import place_of

_WIDTH = 72  # the column, at most, where the source lines start
_SOURCE = 100  # characters of a source line
_OPERANDS = 8  # of one node, that are written out
_LINES = 200  # of the whole tree


class _Branch(NamedTuple):
    """A value that is still to be written, and how its line begins."""

    edge: Any
    value: Any
    head: str
    tail: str  # how the lines below it begin
    level: int


def creators_text(variable: Any, depth: int = 10) -> str:
    """The creators of ``variable``, newest first, each with its line, shape and value.

    A value that occurs twice is written out once; what lies more than ``depth`` levels deep, or
    beyond 200 lines, is counted.
    """
    lines: list[tuple[str, str]] = []
    shown: set[Any] = set()
    cut: list[Any] = []
    stack = [_Branch(variable.edge, variable._data, "", "", 0)]
    while stack and len(lines) < _LINES:
        edge, value, head, tail, level = stack.pop()
        if edge is None and value is None:  # the operands that were left out
            lines.append((head, ""))
            continue
        node = None if edge is None else edge.node
        leaf = node is None or not node.edges
        note = ""
        if not leaf and node in shown:
            note = " (see above)"
        elif not leaf and level >= depth:
            note = " …"
            cut.append(node)
        elif not leaf:
            shown.add(node)
            branches, left_out = _below(node, tail, level)
            stack += reversed(branches)
            cut += left_out
        text, place = _line(edge, None if leaf else node, value)
        lines.append((head + text + note, place))
    cut += [branch.edge.node for branch in stack if branch.edge is not None]
    width = min(_WIDTH, max(len(text) for text, _ in lines))
    written = [f"{text:<{width}}   {place}".rstrip() for text, place in lines]
    hidden = _count(cut, shown)
    if hidden:
        written.append(f"… and {hidden} more creator{'s' if hidden > 1 else ''} (depth={depth})")
    return "\n".join(written)


def _below(node: Any, tail: str, level: int) -> tuple[list[_Branch], list[Any]]:
    """The operands of a node as branches, and the nodes of those that are left out."""
    operands = list(node.operands())
    count = len(operands) if len(operands) <= _OPERANDS + 1 else _OPERANDS
    branches = [
        _Branch(edge, value, tail + "├─ ", tail + "│  ", level + 1) for edge, value in operands[:count]
    ]
    left_out = [edge.node for edge, _ in operands[count:]]
    if left_out:
        branches.append(_Branch(None, None, f"{tail}└─ … {len(left_out)} more inputs", "", level))
    else:
        branches[-1] = branches[-1]._replace(head=tail + "└─ ", tail=tail + "   ")
    return branches, left_out


def _count(nodes: list[Any], written: set[Any]) -> int:
    """How many nodes there are at and behind ``nodes``, besides those that are written out."""
    seen: set[Any] = set()
    stack = [node for node in nodes if node is not None]
    while stack:
        node = stack.pop()
        if node in seen or not node.edges:
            continue
        seen.add(node)
        stack.extend(edge.node for edge in node.edges if edge.node is not None)
    return len(seen - written)


def brief(value: Any) -> str:
    """Shape, dtype and the first values of an array, in one short line."""
    if value is None:
        return "value not kept"
    if isinstance(value, Absent):
        return f"{_kind(value)} (value not kept)"
    if not hasattr(value, "dtype"):  # a Python number
        return str(value)
    if value.ndim == 0:
        return f"{value!s}" + ("" if value.dtype == np.float64 else f" {value.dtype}")
    if value.size <= 4:
        short = "{:.4g}".format
        kinds: Any = {"float_kind": short, "complex_kind": short, "int": str, "bool": str}
        numbers = np.array2string(value, separator=", ", formatter=kinds)
        return f"{_kind(value)} {' '.join(numbers.split())}"
    row = value[(0,) * (value.ndim - 1)]
    head = ", ".join(f"{x:.4g}" for x in (row if row.size > 2 else value.ravel())[:3])
    return f"{_kind(value)} [{head}, …]"


def _kind(value: Any) -> str:
    dtype = "" if value.dtype == np.float64 else f" {value.dtype}"
    return f"{value.shape}{dtype}"


def _line(edge: Any, node: Any, value: Any) -> tuple[str, str]:
    """What a value is, and the source line that made it."""
    name = getattr(edge, "_name", None)
    if node is None:
        what = "constant" if type(edge) is Constant else "input"
    else:
        what = node.label if node._ports is None else f"{node.label}[{edge.index}]"
    title = f"{what} {name!r}" if name else what
    place = place_of(getattr(edge, "_code", None), getattr(edge, "_lasti", 0))
    source = "" if place is None else str(place)
    source = source if len(source) <= _SOURCE else source[: _SOURCE - 1] + "…"
    return f"{title} = {brief(value)}", source
