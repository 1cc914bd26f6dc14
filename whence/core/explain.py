"""Texts of errors about operands: their shapes, the lines that made them, what to write."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from .origin import made_at
from .variable import Variable


def operand_lines(args: Sequence[Any], params: dict[str, Any]) -> str:
    """A line for each operand: its shape, what it is, where it was made."""
    names = ("left ", "right") if len(args) == 2 else [f"[{i}]" for i in range(len(args))]
    names = [""] if len(args) == 1 else names
    lines = []
    for name, a in zip(names, args, strict=True):
        lines.append(f"  {name} {_described(a)}".replace("   ", "  "))
    if params:
        lines.append("  with " + ", ".join(f"{key}={_short(x)}" for key, x in params.items()))
    return "\n".join(lines)


def shape_advice(name: str, args: Sequence[Any]) -> str:
    """What to write instead, as far as the shapes tell."""
    shapes: list[Any] = [np.shape(a._data if isinstance(a, Variable) else a) for a in args]
    if len(shapes) != 2:
        return ""
    (a, b) = shapes
    if name.endswith(("matmul", "dot")) and a and b:
        inner = b[-2] if len(b) > 1 else b[0]
        advice = f"\n  → the inner lengths must agree: {a[-1]} ≠ {inner}"
        if len(b) > 1 and a[-1] == b[-1]:
            advice += "; the right one transposed would fit: a @ b.T"
        elif len(a) > 1 and a[-2] == inner:
            advice += "; the left one transposed would fit: a.T @ b"
        return advice
    if len(a) == len(b) == 1 or (a and b and a[0] == b[0]):
        return "\n  → shapes are matched from the right; v[:, None] adds an axis of length 1"
    return ""


def _described(a: Any) -> str:
    if not isinstance(a, Variable):
        return f"{np.shape(a)}  a constant of type {type(a).__name__}"
    kind = "input" if a.creator is None else a.creator.label
    name = f" {a.name!r}" if a.name else ""
    dtype = "" if a.dtype == np.float64 else f" {a.dtype}"
    return f"{a.shape}{dtype}  {kind}{name}, {made_at(a.edge)}"


def _short(x: Any) -> str:
    text = repr(x)
    return text if len(text) < 60 else text[:57] + "..."
