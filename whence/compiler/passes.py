"""passes: a graph made smaller, the same numbers kept.

Dead code, common subexpressions, constants folded, and the clean-up of what gradients make: sums with
zeros, products with ones, transposes of transposes. Each is a function from graph to graph.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from . import words
from .graph import Graph, Node, Value, values_in
from .stacked import stacked
from .windows import gathered

FOLDED = 1 << 10  # elements up to which a constant result is computed while compiling


def optimized(graph: Graph, check: bool = False) -> Graph:
    """All passes, until hardly anything changes any more (at most four times)."""
    for turn in range(4):
        before = len(graph)
        for improve in (
            simplified,
            shared,
            without_dead,
            *(() if turn else (gathered, stacked, without_dead)),
        ):
            graph = improve(graph)
            if check:
                graph.check()
        if len(graph) >= 0.99 * before:
            break
    return graph


def without_dead(graph: Graph) -> Graph:
    """Without calls whose results nobody takes."""
    live = set(graph.outputs)
    kept = []
    for node in reversed(graph.nodes):
        if not node.pure or any(v in live for v in node.outputs):
            kept.append(node)
            live.update(node.operands)
    constants = {v: array for v, array in graph.constants.items() if v in live}
    return Graph(graph.inputs, constants, reversed(kept), graph.outputs)


def shared(graph: Graph) -> Graph:
    """Each call made once: what is called again on the same operands is the first one's result."""
    same: dict[Value, Value] = {}
    seen: dict[Any, Node] = {}
    nodes = []
    for node in graph.nodes:
        node = node.with_operands(same) if any(v in same for v in node.operands) else node
        key = _key(node) if node.pure else None
        first = seen.get(key) if key is not None else None
        if first is not None:
            same.update(zip(node.outputs, first.outputs, strict=True))
            continue
        if key is not None:
            seen[key] = node
        nodes.append(node)
    return Graph(graph.inputs, graph.constants, nodes, [same.get(v, v) for v in graph.outputs])


def _key(node: Node) -> Any:
    try:
        key = (
            node.function,
            _frozen(node.args),
            _frozen(tuple(node.keywords.items())) if node.keywords else (),
        )
        hash(key)
    except TypeError:
        return None
    return key


def _frozen(part: Any) -> Any:
    kind = type(part)
    if kind is Value:
        return part
    if kind is int or kind is str:
        return (kind, part)
    if isinstance(part, (tuple, list)):
        return (kind, *[_frozen(inner) for inner in part])
    if isinstance(part, slice):
        return (slice, part.start, part.stop, part.step)
    return (type(part), part, str(part)) if isinstance(part, float) else (type(part), part)  # -0.0 is not 0.0


# --- what gradients leave behind -----------------------------------------------------------------------


class _Facts:
    """What is known of values while a graph is gone through."""

    def __init__(self, graph: Graph) -> None:
        self.constants = dict(graph.constants)
        self.makers: dict[Value, Node] = {}
        self.inputs = set(graph.inputs)

    def number(self, part: Any) -> Any:
        """The one number that an operand is everywhere; None if it is not known to be one."""
        if type(part) is Value and isinstance(self.constants.get(part), np.floating):
            return float(self.constants[part])  # NumPy's scalars do not change
        if type(part) is not Value:
            return part if isinstance(part, (int, float)) and not isinstance(part, bool) else None
        node = self.makers.get(part)
        if node is None:
            return None
        if node.function is words.full and not values_in_any(node.args[1]):
            return node.args[1]
        if node.function in (np.broadcast_to, np.reshape, words.astype):
            return self.number(node.args[0])
        return None


def values_in_any(part: Any) -> bool:
    """Is there a Value in an argument?"""
    return next(values_in(part), None) is not None


def simplified(graph: Graph) -> Graph:
    """Calls that only hand an operand on are left out; results that are one number are made as such."""
    facts = _Facts(graph)
    same: dict[Value, Value] = {}
    nodes: list[Node] = []
    for node in graph.nodes:
        node = node.with_operands(same) if any(v in same for v in node.operands) else node
        rule = RULES.get(node.function)
        new = rule(facts, node) if rule is not None and len(node.outputs) == 1 else None
        if isinstance(new, Value):
            same[node.output] = new
            continue
        node = new or node
        nodes.append(node)
        for v in node.outputs:
            facts.makers[v] = node
    return Graph(graph.inputs, facts.constants, nodes, [same.get(v, v) for v in graph.outputs])


def _is_like(x: Any, y: Value) -> bool:
    return type(x) is Value and x.shape == y.shape and x.dtype == y.dtype and x.weak == y.weak


def _filled(node: Node, number: Any) -> Node:
    y = node.output
    return Node(words.full, (y.shape, number, y.dtype), {}, (y,), (node.code, node.lasti))


def _add(facts: _Facts, node: Node) -> Value | Node | None:
    if node.keywords:
        return None
    a, b = node.args
    for x, other in ((a, b), (b, a)):
        if _is_like(x, node.output) and _is_zero(facts.number(other)):
            return x  # x + 0.0 is x but for the sign of a zero
    return None


def _is_zero(number: Any) -> bool:
    return number is not None and number == 0


def _subtract(facts: _Facts, node: Node) -> Value | Node | None:
    if node.keywords:
        return None
    a, b = node.args
    return a if _is_like(a, node.output) and _is_zero(facts.number(b)) else None


def _multiply(facts: _Facts, node: Node) -> Value | Node | None:
    if node.keywords:
        return None
    a, b = node.args
    for x, other in ((a, b), (b, a)):
        if facts.number(other) == 1 and _is_like(x, node.output):
            return x
    one, two = facts.number(a), facts.number(b)
    if one is not None and two is not None and node.output.dtype.kind == "f" and not node.output.weak:
        kind = node.output.dtype.type
        return _filled(node, float(kind(one) * kind(two)))
    return None


def _divide(facts: _Facts, node: Node) -> Value | Node | None:
    if node.keywords:
        return None
    a, b = node.args
    return a if facts.number(b) == 1 and _is_like(a, node.output) else None


def _power(facts: _Facts, node: Node) -> Value | Node | None:
    if node.keywords:
        return None
    a, b = node.args
    if type(b) is Value or not _is_like(a, node.output):
        return None
    origin = (node.code, node.lasti)
    if b == 1:
        return a
    return Node(np.multiply, (a, a), {}, node.outputs, origin) if b == 2 else None


def _reshape(facts: _Facts, node: Node) -> Value | Node | None:
    x, y = node.args[0], node.output
    if _is_like(x, y):
        return x
    number = facts.number(x)
    if number is not None:
        return _filled(node, number)
    maker = facts.makers.get(x)
    if node.function is np.reshape and maker is not None and maker.function is np.reshape:
        if _is_like(maker.args[0], y):
            return maker.args[0]
        return Node(np.reshape, (maker.args[0], y.shape), {}, (y,), (node.code, node.lasti))
    return None


def _transpose(facts: _Facts, node: Node) -> Value | Node | None:
    x, axes = node.args
    number = facts.number(x)
    if number is not None:
        return _filled(node, number)
    maker = facts.makers.get(x)
    if maker is not None and maker.function is np.transpose:
        through = tuple([maker.args[1][i] for i in axes])
        if through == tuple(range(len(through))):
            return maker.args[0]
        return Node(np.transpose, (maker.args[0], through), {}, node.outputs, (node.code, node.lasti))
    return None


def _astype(facts: _Facts, node: Node) -> Value | Node | None:
    x, y = node.args[0], node.output
    if _is_like(x, y):
        return x
    number = facts.number(x)
    if number is not None and y.dtype.kind == "f":
        return _filled(node, float(y.dtype.type(number)))
    return None


def _sum(facts: _Facts, node: Node) -> Value | Node | None:
    x, y = node.args[0], node.output
    if node.keywords["axis"] == () or x.size == y.size:
        if _is_like(x, y):
            return x
        return (
            Node(np.reshape, (x, y.shape), {}, (y,), (node.code, node.lasti)) if x.dtype == y.dtype else None
        )
    number = facts.number(x)
    if number is not None and _is_zero(number):
        return _filled(node, 0)
    return None


def _extreme(facts: _Facts, node: Node) -> Value | Node | None:
    """Of single elements: the element."""
    x, y = node.args[0], node.output
    if x.size != y.size or x.dtype != y.dtype:
        return None
    return x if _is_like(x, y) else Node(np.reshape, (x, y.shape), {}, (y,), (node.code, node.lasti))


def _negative(facts: _Facts, node: Node) -> Value | Node | None:
    maker = facts.makers.get(node.args[0])
    if maker is not None and maker.function is np.negative and not maker.keywords and not node.keywords:
        return maker.args[0]
    return None


#: Function -> what a call of it may be replaced with: another call, one of its operands, or None.
RULES: dict[Callable[..., Any], Callable[[_Facts, Node], Value | Node | None]] = {
    np.add: _add,
    np.subtract: _subtract,
    np.multiply: _multiply,
    np.divide: _divide,
    np.power: _power,
    np.reshape: _reshape,
    np.broadcast_to: _reshape,
    np.transpose: _transpose,
    words.astype: _astype,
    np.sum: _sum,
    **dict.fromkeys((np.prod, np.max, np.min, np.any, np.all), _extreme),
    np.negative: _negative,
}
