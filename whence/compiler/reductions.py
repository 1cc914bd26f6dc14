"""Sums and their kin: which ones kernels know, and what they join elements with."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from .elements import ELEMENTS, Vector, kind_of
from .graph import Node, Value
from .vector.values import FLOATS, SIZES
from .vector.writer import Writer


class Reduction(NamedTuple):
    """How elements are joined."""

    join: Callable[[Writer, Vector, Vector], Vector]
    start: Callable[[str], float]  # what joins without effect


def _least(kind: str) -> float:
    if kind in FLOATS:
        return float("-inf")
    return 0 if kind[0] == "u" or kind == "i1" else -(1 << (8 * SIZES[kind] - 1))


def _greatest(kind: str) -> float:
    if kind in FLOATS:
        return float("inf")
    if kind == "i1":
        return 1
    bits = 8 * SIZES[kind]
    return (1 << bits) - 1 if kind[0] == "u" else (1 << (bits - 1)) - 1


REDUCTIONS: dict[Any, Reduction] = {
    np.sum: Reduction(ELEMENTS[np.add].write, lambda kind: -0.0),  # the sum of -0.0 is -0.0
    np.prod: Reduction(ELEMENTS[np.multiply].write, lambda kind: 1),
    np.max: Reduction(ELEMENTS[np.maximum].write, _least),
    np.min: Reduction(ELEMENTS[np.minimum].write, _greatest),
    np.any: Reduction(lambda w, a, b: a | b, lambda kind: 0),
    np.all: Reduction(lambda w, a, b: a & b, lambda kind: 1),
}


def axes_of(node: Node) -> tuple[int, ...] | None:
    """The axes, counted from 0 and in order, of a reduction that kernels know; None for all other calls."""
    try:
        known = node.function in REDUCTIONS
    except TypeError:
        return None
    if not known or len(node.args) not in (1, 2) or type(node.args[0]) is not Value:
        return None
    if not set(node.keywords) <= {"axis", "keepdims"} or len(node.operands) != 1:
        return None
    x, y = node.args[0], node.output
    if kind_of(x.dtype) is None or kind_of(y.dtype) is None:
        return None
    if x.size == 0 or (node.function in (np.max, np.min) and x.dtype != y.dtype):
        return None
    axis = node.args[1] if len(node.args) == 2 else node.keywords.get("axis")
    axes = range(x.ndim) if axis is None else axis if isinstance(axis, (tuple, list)) else (axis,)
    found = tuple(sorted(a % x.ndim for a in axes)) if x.ndim else ()
    return found or None
