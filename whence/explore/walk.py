"""All nodes behind a value, and what is still known of their outputs."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.graph import Absent, Constant
from ..core.variable import Variable

Values = dict[Any, Any]  # edge -> value


def nodes_behind(*edges: Any) -> list[Any]:
    """The nodes that these values were made by, oldest first."""
    seen: set[Any] = set()
    stack = list(edges)
    while stack:
        edge = stack.pop()
        node = None if edge is None else edge.node
        if node is not None and node not in seen and node.edges:
            seen.add(node)
            stack.extend(node.edges)
    return sorted(seen, key=lambda node: node._generation)


def output_edges(node: Any) -> tuple[Any, ...]:
    """The edges of a node's outputs."""
    return node._ports or (node,)


def known_values(outputs: tuple[Variable, ...], nodes: list[Any]) -> Values:
    """Every value that somebody holds or that some node saved."""
    values: Values = {}
    for node in nodes:
        for edge, value in node.operands():
            if not isinstance(value, Absent):
                values[edge] = value
        if node._rules is None:  # a user's class keeps its outputs
            values.update(zip(output_edges(node), node._kept, strict=True))
        for edge in (*node.edges, *output_edges(node)):
            owner = edge._owner()
            if owner is not None and owner.edge is edge:
                values[edge] = owner._data
    values.update((v.edge, v._data) for v in outputs if v.edge is not None)
    return values


def recomputed(node: Any, values: Values) -> Values:
    """The node's outputs computed again, as far as all that they need is known."""
    inputs = inputs_of(node, values)
    if inputs is None:
        return {}
    ys = node.forward(*inputs)
    return dict(zip(output_edges(node), ys if node._ports else (ys,), strict=True))


def inputs_of(node: Any, values: Values) -> list[Any] | None:
    """The values of a node's inputs; None if one of them, or of its constants, was not kept."""
    inputs = [values.get(edge) for edge in node.edges]
    if any(x is None for x in inputs):
        return None
    differentiated = () if node._rules is None else {i for i, _ in node._rules}
    if node._rules is not None and any(
        isinstance(value, Absent) and i not in differentiated for i, value in enumerate(node._values)
    ):
        return None
    return inputs


def is_input(edge: Any) -> bool:
    """Is this an input or a constant, which no node made?"""
    return edge.node is None or not edge.node.edges


def kind_of(edge: Any) -> str:
    """``np.tanh`` for what a node made, else ``input`` or ``constant``."""
    if not is_input(edge):
        return edge.node.label
    return "constant" if type(edge) is Constant else "input"


def as_array(value: Any) -> np.ndarray[Any, Any]:
    """A value, perhaps a NumPy scalar or a Python number, as an array."""
    return np.asarray(value)
