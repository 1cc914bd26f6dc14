"""All nodes behind a value, and what is still known of their outputs."""

from __future__ import annotations

from typing import Any

from ..core.graph import Absent, Port
from ..core.variable import Variable


def nodes_behind(edge: Any) -> list[Any]:
    """The nodes that a value was made by, oldest first."""
    seen: set[Any] = set()
    stack = [edge]
    while stack:
        current = stack.pop()
        node = None if current is None else current.node
        if node is not None and node not in seen and node.edges:
            seen.add(node)
            stack.extend(node.edges)
    return sorted(seen, key=lambda node: node.generation)


def known_values(v: Variable, nodes: list[Any]) -> dict[Any, Any]:
    """Edge -> value, for every value that somebody holds or that some node saved."""
    values: dict[Any, Any] = {}
    for node in nodes:
        for edge, value in node.operands():
            if not isinstance(value, Absent):
                values[edge] = value
        for port in node.ports or (node,):
            owner = port.owner()
            if owner is not None and owner.edge is port:
                values[port] = owner._data
    if v.edge is not None:
        values[v.edge] = v._data
    return values


def output_edges(node: Any) -> tuple[Any, ...]:
    """The edges of a node's outputs."""
    return node.ports or (node,)


__all__ = ["Port", "known_values", "nodes_behind", "output_edges"]
