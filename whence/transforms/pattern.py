"""Which results depend on which inputs: a sparsity pattern, read off a recorded graph.

Every edge of the graph has a Boolean matrix, one row for each element of the value, one column for each
element of the inputs; a node maps the matrices of its operands to that of its result. What a node does to
*positions* is found from its kind: elementwise ops keep them, linear ones are run on numbered elements
or probed bit by bit with masked random numbers, reductions are known by name, the rest counts as dense.
Values never enter, so equal graphs have equal patterns, and an entry is never missed.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Hashable
from typing import Any

import numpy as np
from scipy.sparse import csr_array, vstack

from ..core.primitive import Applied
from ..core.variable import Variable
from .coloring import Pattern
from .forward import nodes_between
from .lift import Lifted

#: Opaque ops that are elementwise, each operand broadcast.
ELEMENTWISE = {"np.where", "np.clip", "np.round", "np.modf", "np.nan_to_num"}
#: Ops whose result at a place depends on the slice along ``axis`` there.
REDUCTIONS = {
    "np.sum", "np.mean", "np.prod", "np.max", "np.min", "np.var", "np.std",
    "np.linalg.norm",
}  # fmt: skip
#: Ops of the same shape as their operand, each slice along ``axis`` for itself.
ALONG = {"np.cumsum", "np.cumprod"}
#: Ops on the last two axes, each matrix for itself.
MATRICES = {
    f"np.linalg.{name}"
    for name in (
        "inv", "det", "slogdet", "solve", "cholesky", "eigh", "eigvalsh", "eig", "eigvals", "svd", "svdvals",
        "qr", "pinv", "matrix_power",
    )
}  # fmt: skip

_rng = np.random.default_rng(20050)  # for probes: any numbers without structure do


def dependencies(lifted: Lifted, ys: list[Variable]) -> Pattern:
    """The pattern of the Jacobian: Boolean, ``(all elements of ys, all elements of the inputs)``."""
    sizes = [v.size for v in lifted.variables]
    width = sum(sizes)
    known: dict[Any, Pattern] = {}
    for edge, size, end in zip(lifted.edges, sizes, itertools.accumulate(sizes), strict=True):
        known[edge] = _chosen(np.arange(end - size, end), width)
    for node in nodes_between(lifted, ys):
        moving = [(i, known[edge]) for i, edge in _operands(node) if edge in known]
        if not moving:
            continue
        ports = node._ports or (node,)
        for port, shape in zip(ports, _shapes_of(node), strict=True):
            total: Any = None
            for i, pattern in moving:
                below = _through(node, i, shape, pattern)
                total = below if total is None else total + below
            known[port] = total
    blocks = [known[y.edge] if y.edge in known else csr_array((y.size, width), dtype=bool) for y in ys]
    pattern: Any = vstack(blocks, format="csr") if blocks else csr_array((0, width), dtype=bool)
    pattern.sum_duplicates()
    pattern.sort_indices()
    return pattern


def copying(lifted: Lifted, ys: list[Variable]) -> tuple[list[int], list[np.ndarray]]:
    """The nodes that only rearrange elements of an input, by number, and the column of each result's element.

    But for those that leave all elements in their order: a reshape would gain nothing.
    """
    ends = list(itertools.accumulate(v.size for v in lifted.variables))
    starts = {edge: end - v.size for edge, end, v in zip(lifted.edges, ends, lifted.variables, strict=True)}
    numbers, columns = [], []
    for number, node in enumerate(nodes_between(lifted, ys)):
        operands = _operands(node)
        if not isinstance(node, Applied) or node.primitive.kind != "linear" or len(operands) != 1:
            continue
        (i, edge), many = operands[0], node._ports is not None
        if many or edge not in starts:
            continue
        source = _moved(node, i)
        if (
            source is not None
            and (source >= 0).all()
            and not np.array_equal(source, np.arange(node._values[i].size))
        ):
            numbers.append(number)
            columns.append(source + starts[edge])
    return numbers, columns


def signature(lifted: Lifted, ys: list[Variable]) -> Any:
    """What the pattern is a function of: ops, connections, shapes and parameters, but no values."""
    number: dict[Any, Any] = {edge: i for i, edge in enumerate(lifted.edges)}
    parts: list[Any] = [tuple(v.shape for v in lifted.variables)]
    for node in nodes_between(lifted, ys):
        number[node] = len(number)
        for port in node._ports or ():
            number[port] = (number[node], port.index)
        what = node.primitive if isinstance(node, Applied) else type(node)
        edges = tuple((i, number.get(edge)) for i, edge in _operands(node))
        shapes = tuple(_shape(value) for value in node._values)
        params = _frozen(getattr(node, "params", None))
        parts.append((what, edges, shapes, params, tuple(_shapes_of(node))))
    parts.append(tuple((number.get(y.edge), y.shape) for y in ys))
    return tuple(parts)


def _frozen(x: Any) -> Any:
    """A parameter as something that compares by value."""
    if isinstance(x, np.ndarray):
        return x.shape, x.dtype.str, x.tobytes()
    if isinstance(x, dict):
        return tuple((key, _frozen(value)) for key, value in x.items())
    if isinstance(x, (list, tuple)):
        return type(x), tuple(_frozen(part) for part in x)
    if isinstance(x, slice):
        return "slice", x.start, x.stop, x.step
    return x if isinstance(x, Hashable) else object()  # which equals nothing: no pattern is used again


def _operands(node: Any) -> list[tuple[int, Any]]:
    """Position and edge of each differentiable operand."""
    if isinstance(node, Applied):
        return [(i, edge) for (i, _), edge in zip(node._rules, node.edges, strict=True)]
    return list(enumerate(node.edges))


def _shape(value: Any) -> tuple[int, ...]:
    return value.shape if hasattr(value, "shape") else np.shape(value)


def _shapes_of(node: Any) -> list[tuple[int, ...]]:
    """The shape of each output."""
    if node._ports is not None:
        return [port.shape for port in node._ports]
    if not isinstance(node, Applied):
        return [node._kept[0].shape]
    if node.y is not None:
        return [node.y.shape]
    return [np.broadcast_shapes(*(_shape(value) for value in node._values))]


# --- from an operand to a result -------------------------------------------------------------------


def _through(node: Any, i: int, shape: tuple[int, ...], pattern: Pattern) -> Pattern:
    """What a result of ``shape`` depends on, through operand ``i`` that depends on ``pattern``."""
    given = _shape(node._values[i])
    if not isinstance(node, Applied):
        return _dense(pattern, shape)
    name, kind, params = node.primitive.name, node.primitive.kind, node.params or {}
    if kind == "elementwise" or name in ELEMENTWISE:
        return pattern if given == shape else pattern[np.broadcast_to(_numbered(given), shape).ravel()]
    if name in REDUCTIONS or name in ALONG:
        axis = params.get("axis")
        kept = np.zeros(tuple(1 if _covers(axis, k, len(given)) else n for k, n in enumerate(given)), bool)
        groups = np.broadcast_to(_numbered(kept.shape), given).ravel()
        reduced = _grouped(groups, kept.size, pattern)
        return reduced if name in REDUCTIONS else reduced[groups]
    if name in MATRICES:
        batch = given[:-2]
        if len(given) < 2 or shape[: len(batch)] != batch or not all(_same_batch(node, batch)):
            return _dense(pattern, shape)
        count = math.prod(batch)
        whole = _grouped(np.repeat(np.arange(count), math.prod(given[-2:])), count, pattern)
        return whole[np.repeat(np.arange(count), math.prod(shape[len(batch) :]))]
    if kind not in ("linear", "multilinear") or node._ports is not None:
        return _dense(pattern, shape)
    if kind == "linear":
        source = _moved(node, i)
        if source is not None:
            return _gathered(source, pattern)
    local = _probed(node, i, given)
    return _dense(pattern, shape) if local is None else csr_array(local @ pattern)


def _same_batch(node: Any, batch: tuple[int, ...]) -> list[bool]:
    return [_shape(value)[:-2] == batch for value in node._values if len(_shape(value)) >= 2]


def _covers(axis: Any, k: int, ndim: int) -> bool:
    axes = axis if isinstance(axis, (tuple, list)) else (axis,)
    return axis is None or any(a % ndim == k for a in axes)


def _numbered(shape: tuple[int, ...]) -> np.ndarray:
    return np.arange(math.prod(shape)).reshape(shape)


def _chosen(columns: np.ndarray, width: int) -> Pattern:
    """One entry in each row, at these columns."""
    ones, starts = np.ones(len(columns), bool), np.arange(len(columns) + 1)
    return csr_array((ones, columns, starts), shape=(len(columns), width))


def _grouped(groups: np.ndarray, count: int, pattern: Pattern) -> Pattern:
    """Rows of the same group united."""
    sums = csr_array(
        (np.ones(len(groups), bool), (groups, np.arange(len(groups)))), shape=(count, len(groups))
    )
    return csr_array(sums @ pattern)


def _dense(pattern: Pattern, shape: tuple[int, ...]) -> Pattern:
    """Every element of the result depends on all that the operand depends on."""
    columns = np.unique(pattern.indices)
    count = math.prod(shape)
    starts = np.arange(count + 1) * len(columns)
    ones = np.ones(count * len(columns), bool)
    return csr_array((ones, np.tile(columns, count), starts), shape=(count, pattern.shape[1]))


def _gathered(source: np.ndarray, pattern: Pattern) -> Pattern:
    """Rows taken from ``source``; -1 for none."""
    if not (source < 0).any():
        return pattern if np.array_equal(source, np.arange(pattern.shape[0])) else pattern[source]
    kept = np.flatnonzero(source >= 0)
    entries = (np.ones(len(kept), bool), (kept, source[kept]))
    return csr_array(csr_array(entries, shape=(len(source), pattern.shape[0])) @ pattern)


def _moved(node: Any, i: int) -> np.ndarray | None:
    """Where each element of the result comes from in operand ``i``, if it is one element or none.

    The op is run on the elements' numbers, and then on random numbers, which shows whether the result
    was an arrangement (a sum of numbers could look like one).
    """
    shapes = [_shape(value) for value in node._values]
    ends = list(itertools.accumulate(math.prod(s) for s in shapes))
    values = np.concatenate([[0.0], _rng.uniform(1, 2, ends[-1])])
    numbers = [
        np.arange(end - math.prod(s), end).reshape(s) + 1.0 for end, s in zip(ends, shapes, strict=True)
    ]
    numbered = _run(node, numbers).real
    if not np.all((numbered >= 0) & (numbered <= ends[-1])):
        return None
    source = numbered.astype(np.intp)
    mixed = _run(node, [values[n.astype(np.intp)] for n in numbers])
    expected = values[source].astype(mixed.real.dtype)
    both = mixed.dtype.kind != "c" or np.array_equal(abs(mixed.imag), expected)
    if not np.all(source == numbered) or not np.array_equal(mixed.real, expected) or not both:
        return None
    source = source - 1 - (ends[i] - math.prod(shapes[i]))
    return np.where((source >= 0) & (source < math.prod(shapes[i])), source, -1)


def _run(node: Any, operands: list[Any]) -> Any:
    """The op's value, flat; complex where it was: real and imaginary parts take ways of their own."""
    turned = [
        x * (1 + 1j) if getattr(value, "dtype", np.dtype(float)).kind == "c" else x
        for x, value in zip(operands, node._values, strict=True)
    ]
    return np.ravel(node.primitive.forward(*turned, **(node.params or {})))


def _probed(node: Any, i: int, given: tuple[int, ...]) -> Pattern | None:
    """The places of operand ``i`` that each element of the result depends on, or a few more.

    A place is a string of bits, those of its index along each axis. For each bit the op, linear in
    this operand, is run on random numbers where the bit is 1, and where it is 0: a result that
    stays zero depends on none of those. What is left for a result element is a product of sets.
    """
    joint = node.primitive.kind == "linear"
    others = [np.zeros(_shape(v)) if joint else _rng.uniform(1, 2, _shape(v)) for v in node._values]
    x = _rng.uniform(1, 2, given)

    def touched(mask: Any) -> np.ndarray:
        return _run(node, [*others[:i], x * mask, *others[i + 1 :]]) != 0

    rows = np.flatnonzero(touched(1.0))
    bits = [(axis, b) for axis, n in enumerate(given) for b in range(max(n - 1, 0).bit_length())]
    ones = np.zeros((len(rows), len(bits)), bool)
    free = np.zeros((len(rows), len(bits)), bool)
    index = np.indices(given, sparse=True)
    for k, (axis, b) in enumerate(bits):
        mask = (index[axis] >> b) & 1
        ones[:, k] = touched(mask)[rows]
        free[:, k] = ones[:, k] & touched(1 - mask)[rows]
    kinds: Any = np.unique(free, axis=0)
    found = [_enumerated(rows, ones, free, kind, bits, given) for kind in kinds]
    size = math.prod(_shapes_of(node)[0])
    entries = [np.concatenate(part) for part in zip(*found, strict=True)] if found else [rows, rows]
    return csr_array((np.ones(len(entries[0]), bool), tuple(entries)), shape=(size, math.prod(given)))


def _enumerated(
    rows: np.ndarray, ones: np.ndarray, free: np.ndarray, kind: np.ndarray, bits: Any, given: tuple[int, ...]
) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns of the results whose free bits are those of ``kind``."""
    alike = np.flatnonzero((free == kind).all(axis=1))
    index: Any = np.zeros((len(given), len(alike), 1), np.intp)
    for k, (axis, b) in enumerate(bits):
        if kind[k]:
            index = np.concatenate([index, index], axis=2)
            index[axis, :, index.shape[2] // 2 :] += 1 << b
        else:
            index[axis] += (ones[alike, k] << b)[:, None]
    lengths = np.reshape(given, (-1, 1, 1))
    inside = (index < lengths).all(axis=0)
    flat = np.ravel_multi_index(tuple(np.minimum(index, lengths - 1)), given) if given else index.sum(axis=0)
    return np.broadcast_to(rows[alike][:, None], inside.shape)[inside], np.asarray(flat)[inside]
