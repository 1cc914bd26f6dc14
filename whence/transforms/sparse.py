"""Sparse Jacobians and Hessians: the pattern from the recorded graph, coloured, compressed.

Columns that have no row in common are found together by one product with the Jacobian (Curtis, Powell
and Reid, *On the estimation of sparse Jacobian matrices*, 1974): as many products as colours.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import csr_array

from ..config import levels, mode
from ..core.batched import Batched, new_level
from ..core.origin import called_at
from ..core.sweep import sweep
from ..core.symbolic import Symbolic
from ..core.variable import Variable, constant
from ..errors import BatchingError, DtypeError, GraphError
from ..tree import flatten
from .coloring import Pattern, alone, color_adjacent, color_columns, color_symmetric
from .forward import nodes_between, push_forward
from .gradient import pull_back, scalar
from .lift import Argnums, Lifted, depends_on_others, lift_arguments, owned, recording, result_of
from .pattern import copying, dependencies, signature
from .seeds import apart, most_at_once, stretches, together


class Plan(NamedTuple):
    """How a matrix of one pattern is computed: a pattern, and a colour for each column (or row)."""

    pattern: Pattern
    colors: np.ndarray
    by_columns: bool
    direct: np.ndarray | None = None  # of a Hessian: which entries are read in their own row
    copies: Copies | None = None  # rows are those of the derivative by copies of the inputs


class Entries:
    """The entries of a matrix while a program that computes them is recorded: a container of one array."""

    def __init__(self, pattern: Pattern, data: Any) -> None:
        self.pattern, self.data = pattern, data

    def tree_parts(self) -> dict[str, Any]:
        """The array of entries."""
        return {"data": self.data}

    def with_tree_parts(self, parts: dict[str, Any]) -> csr_array:
        """The matrix with these entries."""
        pattern = self.pattern
        return csr_array((parts["data"], pattern.indices, pattern.indptr), shape=pattern.shape)


class Copies(NamedTuple):
    """The Jacobian by the copies that indexing makes of the inputs: entries of one input are added up.

    A camera that a hundred residuals read is a hundred cameras here, and rows that met in it no longer do.
    """

    nodes: list[int]  # which nodes of the graph make the copies
    pattern: Pattern
    places: np.ndarray  # where each entry belongs in the matrix


class SparseJacobian:
    """What :func:`sparse_jacobian` returns: call it at a point.

    Attributes:
        pattern: after the first call, the Boolean pattern, a csr_array of the shape of the result.
        colors: the colour of each column (of each row where ``by_columns`` is False).
        by_columns: were columns compressed (products ``J v``) or rows (products ``v J``)? Whichever
            took fewer colours.
    """

    def __init__(self, f: Callable[..., Any], argnums: Argnums = 0) -> None:
        self.f, self.argnums = f, argnums
        self._plans: dict[Any, Plan] = {}
        self._plan: Plan | None = None
        functools.update_wrapper(self, f, updated=())

    @property
    def pattern(self) -> Any:
        """The Boolean pattern of the latest call."""
        return None if self._plan is None else self._plan.pattern

    @property
    def colors(self) -> np.ndarray | None:
        """The colours of the latest call."""
        return None if self._plan is None else self._plan.colors

    @property
    def by_columns(self) -> bool:
        """Did the latest call compress columns?"""
        return self._plan is None or self._plan.by_columns

    def __call__(self, *args: Any, **kwargs: Any) -> csr_array:
        """The Jacobian at these arguments of the function."""
        return self.with_value(*args, **kwargs)[1]

    def with_value(self, *args: Any, **kwargs: Any) -> tuple[Any, csr_array]:
        """``(f(x), J)``, from one recorded graph."""
        name = type(self)._name
        not_inside_vmap(name)
        lifted, args_ = lift_arguments(args, self.argnums, name)
        with recording():
            out = self.f(*args_, **kwargs)
        value, ys = self._results(out, lifted)
        _check_real(name, lifted, ys)
        if mode().recording and (lifted.live or depends_on_others(lifted, ys)):
            raise GraphError(
                f"{name} of a function of outer Variables cannot be differentiated further: a sparse "
                f"matrix holds plain numbers{called_at()}\n"
                "  → whence.jacobian or whence.hessian, or pass v.data for the constants"
            )
        key = signature(lifted, ys)
        plan = self._plans.get(key)
        if plan is None:
            if len(self._plans) >= 8:  # the function takes another path at nearly every call
                self._plans.clear()
            plan = self._plans[key] = self._planned(lifted, ys)
        self._plan = plan
        return value, _computed(plan, lifted, ys)

    _name = "sparse_jacobian"

    def _results(self, out: Any, lifted: Lifted) -> tuple[Any, list[Variable]]:
        leaves, structure = flatten(out)
        ys = [result_of(self.f, y, self._name) for y in leaves]
        return structure.unflatten(owned([y._data for y in ys])), ys

    def _planned(self, lifted: Lifted, ys: list[Variable]) -> Plan:
        pattern = dependencies(lifted, ys)
        plans = [
            Plan(pattern, color_columns(pattern), True),
            Plan(pattern, color_columns(csr_array(pattern.T)), False),
        ]
        copies = _copies(pattern, lifted, ys)
        if copies is not None:
            plans.append(Plan(pattern, color_columns(csr_array(copies.pattern.T)), False, copies=copies))
        return min(plans, key=lambda plan: plan.colors.max(initial=0))


class SparseHessian(SparseJacobian):
    """What :func:`sparse_hessian` returns: call it at a point. See :class:`SparseJacobian`."""

    _name = "sparse_hessian"

    def _results(self, out: Any, lifted: Lifted) -> tuple[Any, list[Variable]]:
        y = scalar(result_of(self.f, out, self._name))
        return y._data, recorded_gradient(lifted, y)

    def _planned(self, lifted: Lifted, ys: list[Variable]) -> Plan:
        pattern = dependencies(lifted, ys)
        pattern = csr_array(pattern + pattern.T)
        pattern.sort_indices()
        colors = color_symmetric(pattern)
        return Plan(pattern, colors, True, alone(pattern, colors))


def sparse_jacobian(f: Callable[..., Any], argnums: Argnums = 0) -> SparseJacobian:
    """A function that returns the Jacobian of ``f`` as a ``scipy.sparse.csr_array``.

    Which element of the result depends on which of the argument is read off the recorded graph;
    columns (or rows) that do not meet are coloured alike (Gebremedhin, Manne and Pothen, *What color
    is your Jacobian?*, 2005), and each colour costs one product. Where indexing makes copies of inputs
    (``x[1:] * x[:-1]``, ``cameras[seen_by]``), rows need only differ from those that read the same copy.
    Pattern and colouring are kept, and used again where a call records the same ops on the same shapes,
    with the same indices.

    Args:
        f: a function of arrays (or containers) that returns an array (or a container), all real.
        argnums: which positional argument(s) to differentiate with respect to.

    Returns:
        A :class:`SparseJacobian`. Called with the arguments of ``f`` it gives a matrix with a row for
        each element of the result and a column for each of the argument(s), both in C order,
        containers as ``whence.tree.flatten`` orders them. Entries of the pattern that happen
        to be zero are stored.

    Raises:
        DtypeError: complex values. GraphError: inside another transform, or where ``f`` closes over
            a Variable.

    Example:
        >>> import numpy as np, whence
        >>> J = whence.sparse_jacobian(lambda x: x[1:] * x[:-1])
        >>> print(J(np.array([1.0, 2.0, 3.0])).toarray(), J.colors.max() + 1)
        [[2. 1. 0.]
         [0. 3. 2.]] 1
    """
    return SparseJacobian(f, argnums)


def sparse_hessian(f: Callable[..., Any], argnums: Argnums = 0) -> SparseHessian:
    """A function that returns the Hessian of a scalar function as a ``scipy.sparse.csr_array``.

    As :func:`sparse_jacobian` of the gradient, with a star colouring that makes use of the symmetry
    (Coleman and Moré, *Estimation of sparse Hessian matrices and graph coloring problems*, 1984).

    Example:
        >>> import numpy as np, whence
        >>> H = whence.sparse_hessian(lambda x: np.sum(x[1:] * x[0] + x[1:] ** 3))
        >>> print(H(np.array([1.0, 2.0, 3.0])).toarray(), H.colors)
        [[ 0.  1.  1.]
         [ 1. 12.  0.]
         [ 1.  0. 18.]] [0 1 1]
    """
    return SparseHessian(f, argnums)


def hessian_diagonal(
    f: Callable[..., Any], argnums: Argnums = 0, separable: bool = False
) -> Callable[..., Any]:
    """A function that returns the diagonal of the Hessian, ``d²f/dx[i]²``, in the shape of ``x``.

    Elements without a second derivative in common share one product with the Hessian: a function that
    is a sum of terms in one element each costs one product, a dense one as many as elements.

    Args:
        f: a function that returns one real number.
        argnums: which positional argument(s) to differentiate with respect to.
        separable: the Hessian is known to be diagonal, so that its product with ones will do; the
            graph is not looked at.

    Example:
        >>> import numpy as np, whence
        >>> print(whence.hessian_diagonal(lambda x: np.sum(x**3))(np.array([1.0, 2.0])))
        [ 6. 12.]
    """
    groups: dict[Any, np.ndarray] = {}

    @functools.wraps(f)
    def diagonal(*args: Any, **kwargs: Any) -> Any:
        not_inside_vmap("hessian_diagonal")
        lifted, args_ = lift_arguments(args, argnums, "hessian_diagonal")
        with recording():
            y = scalar(result_of(f, f(*args_, **kwargs), "hessian_diagonal"))
        gs = recorded_gradient(lifted, y)
        _check_real("hessian_diagonal", lifted, gs)
        record = mode().recording and (lifted.live or depends_on_others(lifted, [y]))
        if separable:
            colors = np.zeros(sum(v.size for v in lifted.variables), np.intp)
        else:
            key = signature(lifted, gs)
            if key not in groups:
                groups.clear()
                groups[key] = color_adjacent(dependencies(lifted, gs))
            colors = groups[key]
        total: list[Any] = [0.0] * len(gs)
        for seeds in _compressing(colors, lifted.variables, most_at_once(lifted, gs)):
            directions = [constant(s) if record and type(s) is not Batched else s for s in seeds]
            pushed = push_forward(lifted, gs, directions, record)
            parts = [np.sum(apart(s, s) * apart(t, s), 0) for s, t in zip(seeds, pushed, strict=True)]
            total = [old + part for old, part in zip(total, parts, strict=True)]
        return lifted.structure.unflatten(owned(total))

    return diagonal


def not_inside_vmap(name: str) -> None:
    """Raise inside ``vmap``: patterns and colours are those of one function."""
    if levels():
        raise BatchingError(
            f"{name} inside vmap has no rule for whole batches{called_at()}\n"
            "  → whence.hessian or whence.jacobian inside, or a loop over the examples"
        )


def recorded_gradient(lifted: Lifted, y: Variable) -> list[Variable]:
    """The gradient of ``y``, as values of the graph."""
    with recording():
        seeds = [(y.edge, constant(np.ones_like(y._data)[()]))]
        found, _ = sweep(seeds, record=True, targets=set(lifted.edges), floor=lifted.floor)
        gs: list[Any] = [
            np.broadcast_to(found[edge], v.shape) if edge in found else constant(np.zeros_like(v._data))
            for edge, v in zip(lifted.edges, lifted.variables, strict=True)
        ]
    return gs


def _check_real(name: str, lifted: Lifted, ys: list[Variable]) -> None:
    if any(v.dtype.kind == "c" for v in (*lifted.variables, *ys)):
        raise DtypeError(
            f"{name} is for real functions{called_at()}\n"
            "  → pass the real and the imaginary part as two arguments, and return both"
        )


def _compressing(colors: np.ndarray, likes: list[Variable], most: int) -> Iterator[list[Any]]:
    """For each colour, ones at all elements that have it, in arrays like these; ``most`` colours in one."""
    ends = np.cumsum([v.size for v in likes])[:-1]
    for start, stop in stretches(int(colors.max(initial=-1)) + 1, most):
        chosen = np.equal.outer(np.arange(start, stop), colors)
        level = new_level() if stop - start > 1 else None
        parts = zip(np.split(chosen, ends, axis=1), likes, strict=True)
        shaped = [part.astype(v.dtype).reshape(-1, *v.shape) for part, v in parts]
        yield [together(part, level) for part in shaped]


def _copies(pattern: Pattern, lifted: Lifted, ys: list[Variable]) -> Copies | None:
    """The copies that the graph makes of its inputs by indexing, and the pattern of the results in them."""
    nodes, sources = copying(lifted, ys)
    if not nodes:
        return None
    wide = dependencies(_cut(lifted, ys, nodes), ys)
    columns = np.concatenate([np.arange(pattern.shape[1]), *sources])[wide.indices]
    rows = np.repeat(np.arange(wide.shape[0]), np.diff(wide.indptr))
    # numbers of entries in the matrix, by key: its rows are sorted
    width = pattern.shape[1]
    keys = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr)) * width + pattern.indices
    return Copies(nodes, wide, np.searchsorted(keys, rows * width + columns))


def _cut(lifted: Lifted, ys: list[Variable], numbers: list[int]) -> Lifted:
    """The graph with the results of these nodes as further inputs."""
    nodes = nodes_between(lifted, ys)
    outputs = [nodes[i].output_like() for i in numbers]
    variables, edges = [*lifted.variables, *outputs], [*lifted.edges, *(nodes[i] for i in numbers)]
    return lifted._replace(variables=variables, edges=edges)


def _computed(plan: Plan, lifted: Lifted, ys: list[Variable]) -> Any:
    """The entries of the pattern, from one product for each colour."""
    dtype = np.result_type(*(y.dtype for y in ys)) if ys else np.float64
    most = most_at_once(lifted, ys)
    pattern = plan.pattern
    if plan.copies is not None:
        lifted, pattern = _cut(lifted, ys, plan.copies.nodes), plan.copies.pattern
    results = ys if plan.by_columns else lifted.variables
    compressed = [np.empty((0, sum(v.size for v in results)), dtype)]
    for seeds in _compressing(plan.colors, lifted.variables if plan.by_columns else ys, most):
        if plan.by_columns:
            parts = push_forward(lifted, ys, seeds, False)
        else:
            parts, _ = pull_back(lifted, list(zip(ys, seeds, strict=True)))
        parts = [
            np.broadcast_to(apart(part, seeds[0]), (apart(seeds[0], seeds[0]).shape[0], *v.shape))
            for part, v in zip(parts, results, strict=True)
        ]
        compressed.append(np.concatenate([part.reshape(len(part), -1) for part in parts], 1))
    products = np.concatenate(compressed)
    rows = np.repeat(np.arange(pattern.shape[0]), np.diff(pattern.indptr))
    columns = pattern.indices
    data = products[plan.colors[columns], rows] if plan.by_columns else products[plan.colors[rows], columns]
    if plan.direct is not None:
        data = np.where(plan.direct, data, products[plan.colors[rows], columns])
    if plan.copies is not None:
        data = np.bincount(plan.copies.places, data, plan.pattern.nnz).astype(dtype)
    entries = Entries(plan.pattern, data)
    return entries if isinstance(data, Symbolic) else entries.with_tree_parts(entries.tree_parts())
