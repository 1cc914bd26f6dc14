"""Nodes that stand for a whole function: their inputs are what the function depends on from outside.

``implicit_root`` and ``checkpoint`` run a user's function aside and leave one node in its place. What
the function closes over counts as its input, like what it is given.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.function import Function
from ..core.graph import Absent, Port, nobody
from ..core.origin import user_frame
from ..core.sweep import outside, sweep
from ..core.variable import Variable

SMALL = 4096  # bytes up to which the value of an input is kept for whence() to show


def outer_edges(ys: list[Variable], targets: set[Any], floor: int) -> dict[Any, Any]:
    """Where the graph of ``ys`` ends outside: edges that are older, or held inputs, with their values."""
    found: dict[Any, Any] = {}
    seen: set[Any] = set()
    stack = [(y.edge, y._data) for y in ys if y.edge is not None]
    while stack:
        edge, value = stack.pop()
        if edge in found or edge in targets or edge in seen:
            continue
        if outside(edge, targets, floor):
            found[edge] = Absent(value) if type(value) is np.ndarray and value.nbytes > SMALL else value
        elif edge.node is not None and edge.node not in seen:
            seen.add(edge.node)
            stack.extend(edge.node.operands())
    return found


def attach(node: Function, outer: dict[Any, Any], outputs: list[Variable]) -> None:
    """Make ``node``, with these inputs, the creator of ``outputs``."""
    node.edges, node._values = tuple(outer), tuple(outer.values())
    node._owner = nobody
    node._rules = node._outlets = node._name = node._live = node._stamps = None
    node._stashed, node._kept = (), tuple([v._data for v in outputs])
    frame = user_frame()
    node._code, node._lasti = frame.f_code, frame.f_lasti
    if len(outputs) == 1:
        node.adopt(outputs[0])
    else:
        node.adopt_all(tuple(outputs))


def pull_outward(node: Function, seeds: list[tuple[Any, Any]], record: bool, floor: int) -> list[Any]:
    """Cotangents of the inputs of ``node``, from seeds in the graph that it stands for."""
    targets = {*node.edges, *(edge.node for edge in node.edges if type(edge) is Port)}
    found, _ = sweep(seeds, record=record, targets=targets, floor=floor)
    parts = []
    for edge, value in zip(node.edges, node._values, strict=True):
        if type(edge) is Port and edge.node is not None:  # a sweep collects those of one node together
            several = found.get(edge.node)
            part = None if several is None else several[edge.index]
        else:
            part = found.get(edge)
        parts.append(part if part is None else full(part, value))
    return parts


def full(g: Any, like: Any) -> Any:
    """A cotangent with the shape of its value; zero where there is none."""
    if g is None:
        return np.zeros(like.shape, like.dtype)[()]
    return g if g.shape == like.shape else np.broadcast_to(g, like.shape)
