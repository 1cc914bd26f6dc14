"""Forward mode: tangents pushed along the recorded graph, oldest node first.

There is no second table. The Jacobian of an elementwise op is diagonal, so its rule pushes as well
as it pulls; a linear op pushes with itself, a multilinear one with each operand in turn; the rest
differentiate their rule with respect to the cotangent, in which it is linear.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from typing import Any
from weakref import ref

import numpy as np

from ..config import mode
from ..core.batched import Batched, pull_rows
from ..core.graph import Leaf, next_generation
from ..core.origin import made_at
from ..core.primitive import Applied
from ..core.sweep import broadcasts, sweep
from ..core.variable import Variable, constant, make
from ..errors import ShapeError
from ..tree import flatten, flatten_like, map_tree
from .lift import (
    Lifted,
    aux_value,
    borrowed,
    depends_on_others,
    fitting,
    handed,
    is_recorded,
    lift,
    recording,
    result_of,
    value_of,
    with_aux,
)

Tangents = dict[Any, Any]


def jvp(
    f: Callable[..., Any], primals: tuple[Any, ...], tangents: tuple[Any, ...], has_aux: bool = False
) -> tuple[Any, ...]:
    """``f(*primals)`` and its derivative in the direction ``tangents``: ``(y, J v)``.

    Args:
        f: a function of arrays or containers that returns an array or a container of arrays.
        primals: where to differentiate, a tuple of arguments.
        tangents: the direction, of the structure and shapes of ``primals``.
        has_aux: ``f`` returns ``(y, anything)``; the result is then ``(y, dy, anything)``.

    Returns:
        ``(y, dy)``, both of the structure of the result: arrays, or Variables where a primal, a
        tangent or a value that ``f`` closes over is one.

    Raises:
        ShapeError: a tangent of another shape than its primal. DtypeError: a complex one for a
            real primal. TreeError: a container of another structure.

    Example:
        >>> import numpy as np, whence
        >>> y, dy = whence.jvp(lambda x: x ** 2, (np.array([1.0, 3.0]),), (np.array([1.0, 1.0]),))
        >>> print(y, dy)
        [1. 9.] [2. 6.]
    """
    primals, tangents = tuple(primals), tuple(tangents)
    lifted = lift(primals)
    given = flatten_like(lifted.structure, tangents)
    pairs = zip(given, lifted.variables, strict=True)
    directions = [fitting(t, v, "tangent", lifted.levels) for t, v in pairs]
    with recording():
        out = f(*lifted.tree)
    out, aux = with_aux(out) if has_aux else (out, None)
    leaves, structure = flatten(out)
    ys = [result_of(f, y, "jvp", lifted.levels) for y in leaves]
    moving = lifted.live or any(is_recorded(t) for t in directions)
    record = mode().recording and (moving or depends_on_others(lifted, ys))
    if not record:
        directions = [borrowed(t) for t in directions]
    pushed = push_forward(lifted, ys, directions, record)
    seen = {id(t) for t in directions}
    results = handed(lifted, [*(value_of(y, record) for y in ys), *pushed], seen)
    y, dy = structure.unflatten(results[: len(ys)]), structure.unflatten(results[len(ys) :])
    return (y, dy, map_tree(lambda v: aux_value(lifted, v, record, seen), aux)) if has_aux else (y, dy)


def push_forward(lifted: Lifted, ys: list[Variable], directions: list[Any], record: bool) -> list[Any]:
    """The tangents of ``ys`` for these tangents (None for zero) of the lifted inputs."""
    tangents: Tangents = dict(zip(lifted.edges, directions, strict=True))
    with recording():
        for node in nodes_between(lifted, ys):
            incoming = [tangents.get(edge) for edge in node.edges]
            if all(t is None for t in incoming):
                continue
            if record:
                incoming = [t if t is None or isinstance(t, Variable) else constant(t) for t in incoming]
            outgoing = _push(node, incoming, record)
            if node._ports is None:
                tangents[node] = outgoing
            else:
                pairs = zip(node._ports, outgoing, strict=True)
                tangents.update((port, t) for port, t in pairs if port.node is not None)
    results = []
    for y in ys:
        t = tangents.get(y.edge)
        t = np.zeros_like(y._data) if t is None else t
        results.append(constant(t) if record and not isinstance(t, Variable) else t)
    return results


def nodes_between(lifted: Lifted, ys: list[Variable]) -> list[Any]:
    """The nodes of this graph behind ``ys``, oldest first."""
    targets = set(lifted.edges)
    nodes: set[Any] = set()
    stack = [y.edge for y in ys if y.edge is not None]
    while stack:
        edge = stack.pop()
        node = edge.node
        if edge in targets or node is None or node in nodes or node._generation < lifted.floor:
            continue
        nodes.add(node)
        stack.extend(node.edges)
    return sorted(nodes, key=lambda node: node._generation)


def _push(node: Any, incoming: list[Any], record: bool) -> Any:
    if isinstance(node, Applied) and node.primitive.jvp is not None:
        return _push_by_rule(node, incoming, record)
    kind = node.primitive.kind if isinstance(node, Applied) and node._ports is None else "opaque"
    if kind == "opaque":
        return _push_by_transposing(node, incoming, record)
    values, y = node.recorded() if record else (node._values, node.y)
    params = node.params or {}
    moving = [(i, rule, t) for (i, rule), t in zip(node._rules, incoming, strict=True) if t is not None]
    if kind == "elementwise":
        parts = [rule(t, y, *values, **params) for _, rule, t in moving]
        return _fitted(sum(parts[1:], parts[0]), node, y, values)
    apply = node.primitive.apply
    if kind == "linear":
        operands = [np.zeros(*_like(v)) for v in values]
        for i, _, t in moving:
            operands[i] = t
        return apply(*operands, **params)
    parts = [apply(*values[:i], t, *values[i + 1 :], **params) for i, _, t in moving]
    return sum(parts[1:], parts[0])


def _push_by_rule(node: Applied, incoming: list[Any], record: bool) -> Any:
    """``J v`` by the rules that a user has declared for it: the sum over the operands."""
    values, y = node.recorded() if record else (node._values, node.y)
    params = node.params or {}
    rules: Any = node.primitive.jvp
    many = node._ports is not None
    sums: list[Any] = []
    if any(type(t) is Batched for t in incoming):  # a user's rule may do anything with its tangent
        parts = pull_rows(lambda row, *_: _pushed_row(node, row, record), incoming, record, None, node.label)
        return parts if many else parts[0]
    for (i, _), t in zip(node._rules, incoming, strict=True):
        if t is None:
            continue
        part = rules[i](t, y, *values, **params)
        parts = part if many else (part,)
        sums = [a + b for a, b in zip(sums, parts, strict=True)] if sums else list(parts)
    for t, like in zip(sums, y if many else (y,), strict=True):
        if t.shape != like.shape:
            raise ShapeError(
                f"the jvp rule of {node.label} returned shape {t.shape} for a result of shape "
                f"{like.shape}; {node.label} was {made_at(node)}\n"
                "  → a tangent has the shape of the result"
            )
    return sums if many else sums[0]


def _pushed_row(node: Applied, incoming: list[Any], record: bool) -> list[Any]:
    pushed = _push_by_rule(node, incoming, record)
    return list(pushed) if node._ports is not None else [pushed]


def _like(value: Any) -> tuple[tuple[int, ...], Any]:
    """Shape and dtype of an operand."""
    if hasattr(value, "dtype"):
        return value.shape, value.dtype
    return np.shape(value), np.result_type(value)


def _result_like(values: tuple[Any, ...]) -> tuple[tuple[int, ...], Any]:
    """Shape and dtype that an elementwise op makes of these operands."""
    likes = {_like(v) for v in values if type(v) not in (int, float)}
    if len(likes) == 1:
        shape, dtype = likes.pop()
        if dtype.kind in "fc":
            return shape, dtype
    shape = np.broadcast_shapes(*(_like(v)[0] for v in values))
    # plain Python numbers do not widen a type
    weak = [v if type(v) in (int, float, complex) else _like(v)[1] for v in values]
    return shape, np.result_type(*weak)


def _fitted(t: Any, node: Any, y: Any, values: tuple[Any, ...]) -> Any:
    """The tangent of an elementwise op, with the shape and type of its output."""
    shape, dtype = _result_like(values) if y is None else (y.shape, y.dtype)
    t = t if hasattr(t, "dtype") else np.asarray(t)
    if t.shape != shape:
        if not broadcasts(t.shape, shape):
            raise ShapeError(
                f"{node.label} is declared elementwise, but its rule gives shape {t.shape} for a "
                f"result of shape {shape}; {node.label} was {made_at(node)}\n"
                "  → declare it kind='opaque'"
            )
        t = np.broadcast_to(t, shape)
    if dtype.kind == "f" and t.dtype.kind == "c":
        t = np.real(t)
    return t if t.dtype == dtype or dtype.kind not in "fc" else t.astype(dtype)


def _push_by_transposing(node: Any, incoming: list[Any], record: bool) -> Any:
    """``J v`` from the rule ``g -> g J``: the gradient of ``g J v`` with respect to ``g``."""
    floor = next_generation()
    outputs = node._ports or (node.output_like(),)
    gs = [make(np.zeros(y.shape, y.dtype)[()]) for y in outputs]
    for g in gs:
        g.edge = Leaf(ref(g))
    with nullcontext() if record else _stash_as_constants(node):
        pulled = node.pull(gs[0] if node._ports is None else gs, True)
    seeds = [
        (gx.edge, t if record or not isinstance(t, Variable) else t._data)
        for gx, t in zip(pulled, incoming, strict=True)
        if t is not None and isinstance(gx, Variable) and gx.edge is not None
    ]
    batched = any(type(t) is Batched for _, t in seeds)
    found, _ = sweep(seeds, record=record, targets={g.edge for g in gs}, floor=floor, batched=batched)
    tangents = [found.get(g.edge, np.zeros(g.shape, g.dtype)) for g in gs]
    return tangents[0] if node._ports is None else tangents


@contextmanager
def _stash_as_constants(node: Any) -> Iterator[None]:
    """Let a user's ``backward`` read what forward left on self: at first order it may."""
    stashed = getattr(node, "_stashed", None)
    if not stashed:
        yield
        return
    node._stashed = ()
    try:
        yield
    finally:
        node._stashed = stashed
