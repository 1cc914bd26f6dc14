"""Sparse arrays whose stored entries are Variables: entries, and the rows and columns they stand at."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from ...core.primitive import Primitive
from ...core.variable import Variable
from ...ops.declare import misfit, normal_axes
from ...ops.index import scatter
from ...ops.sparse import is_sparse
from ..beyond import bare, no_gradient
from ..outer import stacked


class Pattern:
    """Where entries are stored: ``rows[i]``, ``columns[i]`` for the entry ``i``, in a ``shape``."""

    def __init__(self, rows: Any, columns: Any, shape: tuple[int, ...]) -> None:
        self.rows, self.columns = np.asarray(rows), np.asarray(columns)
        self.shape = (int(shape[0]), int(shape[1]))

    @property
    def T(self) -> Pattern:
        """The pattern of the transposed matrix."""
        return Pattern(self.columns, self.rows, self.shape[::-1])

    def matrix(self, data: Any) -> Any:
        """SciPy's matrix with these entries (those at one place added up)."""
        return sparse.csr_array((data, (self.rows, self.columns)), shape=self.shape)


#: ``A x`` in the entries of A and in x; ``sampled``: the entries of ``g xᵀ`` at the places of A. Each is
#: the derivative of the other.
product = Primitive(
    "scipy.sparse @",
    lambda data, x, pattern: np.asarray(pattern.matrix(data) @ x),
    vjp=[
        lambda g, y, data, x, pattern: sampled(g, x, pattern=pattern),
        lambda g, y, data, x, pattern: product(data, g, pattern=pattern.T),
    ],
    reads=["1", "0"],
    kind="multilinear",
    listed=False,
)


def _sampled(left: Any, right: Any, pattern: Pattern) -> Any:
    terms = left[pattern.rows] * right[pattern.columns]
    return terms if terms.ndim == 1 else np.sum(terms, axis=-1)


sampled = Primitive(
    "scipy.sparse sampled",
    _sampled,
    vjp=[
        lambda g, y, left, right, pattern: product(g, right, pattern=pattern),
        lambda g, y, left, right, pattern: product(g, left, pattern=pattern.T),
    ],
    reads=["1", "0"],
    kind="multilinear",
    listed=False,
)


class SparseArray:
    """A sparse array with differentiable entries: made by ``csr_array`` and its kin.

    It has ``.data`` (the entries, a Variable), ``.shape``, ``.T``, ``@`` with vectors, matrices and sparse
    arrays, ``+``, ``-``, scaling and elementwise ``*``, ``.sum``, ``.diagonal``, ``.toarray``. Results are
    sparse where SciPy's are, in coordinates; ``.format`` is that which it was made in.
    """

    __array_priority__ = 2000.0
    __array_ufunc__ = None  # so that v @ A and x * A come here

    def __init__(self, data: Any, pattern: Pattern, format: str = "coo") -> None:
        self.data, self.pattern, self.format = data, pattern, format
        self.shape = pattern.shape

    ndim = 2

    @property
    def dtype(self) -> Any:
        """Type of the entries."""
        return self.data.dtype

    @property
    def nnz(self) -> int:
        """Number of stored entries."""
        return self.pattern.rows.size

    @property
    def T(self) -> SparseArray:
        """The transposed array."""
        turned = {"csr": "csc", "csc": "csr"}.get(self.format, self.format)
        return SparseArray(self.data, self.pattern.T, turned)

    def transpose(self) -> SparseArray:
        """The transposed array."""
        return self.T

    def __repr__(self) -> str:
        return f"SparseArray(shape={self.shape}, {self.nnz} stored entries, {self.dtype})"

    def __matmul__(self, other: Any) -> Any:
        if isinstance(other, SparseArray) or is_sparse(other):
            return _sparse_product(self, sparse_like(other))
        other = other if isinstance(other, Variable) else np.asarray(other)
        if other.ndim not in (1, 2) or other.shape[0] != self.shape[1]:
            raise misfit(f"shapes {self.shape} and {other.shape} do not fit: a sparse product")
        return product(self.data, other, pattern=self.pattern)

    def __rmatmul__(self, other: Any) -> Any:
        if is_sparse(other):
            return _sparse_product(sparse_like(other), self)
        return np.transpose(self.T @ np.transpose(other))

    dot = __matmul__

    def __neg__(self) -> SparseArray:
        return SparseArray(-self.data, self.pattern, self.format)

    def __add__(self, other: Any) -> Any:
        if isinstance(other, SparseArray) or is_sparse(other):
            other = sparse_like(other)
            if other.shape != self.shape:
                raise misfit(f"inconsistent shapes {self.shape} and {other.shape}")
            rows = np.concatenate([self.pattern.rows, other.pattern.rows])
            columns = np.concatenate([self.pattern.columns, other.pattern.columns])
            data = np.concatenate([self.data, other.data])
            return SparseArray(data, Pattern(rows, columns, self.shape), self.format)
        return self.toarray() + other

    __radd__ = __add__

    def __sub__(self, other: Any) -> Any:
        return self + (-other)

    def __rsub__(self, other: Any) -> Any:
        return -self + other

    def multiply(self, other: Any) -> SparseArray:
        """Elementwise, with a number or what broadcasts to the shape: sparse."""
        if isinstance(other, SparseArray) or is_sparse(other):
            raise no_gradient(
                "the elementwise product of two sparse arrays", "A.multiply(B.toarray()) gives it, sparse"
            )
        if np.ndim(other) == 0:
            return SparseArray(self.data * other, self.pattern, self.format)
        at = np.broadcast_to(other, self.shape)[self.pattern.rows, self.pattern.columns]
        return SparseArray(self.data * at, self.pattern, self.format)

    __mul__ = __rmul__ = multiply

    def __truediv__(self, other: Any) -> SparseArray:
        return self.multiply(1.0 / other)

    def toarray(self) -> Any:
        """The dense array."""
        return scatter.apply(self.data, index=(self.pattern.rows, self.pattern.columns), shape=self.shape)

    todense = toarray

    def sum(self, axis: Any = None) -> Any:
        """The sum of all entries, or along an axis."""
        if axis is None:
            return np.sum(self.data)
        (axis,) = normal_axes(axis, 2)
        kept = self.pattern.columns if axis == 0 else self.pattern.rows
        return scatter.apply(self.data, index=(kept,), shape=(self.shape[1 - axis],))

    def mean(self, axis: Any = None) -> Any:
        """The mean of all elements, zeros included, or along an axis."""
        count = self.shape[0] * self.shape[1] if axis is None else self.shape[normal_axes(axis, 2)[0]]
        return self.sum(axis) / count

    def diagonal(self) -> Any:
        """The main diagonal."""
        on = np.flatnonzero(self.pattern.rows == self.pattern.columns)
        return scatter.apply(self.data[on], index=(self.pattern.rows[on],), shape=(min(self.shape),))

    def trace(self) -> Any:
        """The sum of the main diagonal."""
        return np.sum(self.data[np.flatnonzero(self.pattern.rows == self.pattern.columns)])

    def plain(self) -> Any:
        """SciPy's array with the bare entries, in ``.format``."""
        return self.pattern.matrix(bare(self.data)).asformat(self.format)

    def tocsr(self) -> SparseArray:
        """In the format of compressed rows."""
        return SparseArray(self.data, self.pattern, "csr")

    def tocsc(self) -> SparseArray:
        """In the format of compressed columns."""
        return SparseArray(self.data, self.pattern, "csc")

    def tocoo(self) -> SparseArray:
        """In coordinates."""
        return SparseArray(self.data, self.pattern, "coo")


def sparse_like(x: Any) -> SparseArray:
    """A sparse array of SciPy's as one of ours."""
    if isinstance(x, SparseArray):
        return x
    plain = x.tocoo()
    return SparseArray(plain.data, Pattern(plain.coords[0], plain.coords[1], plain.shape), x.format)


def _sparse_product(a: SparseArray, b: SparseArray) -> SparseArray:
    """``A B``: each pair of entries that meet gives one of the result's."""
    if a.shape[1] != b.shape[0]:
        raise misfit(f"shapes {a.shape} and {b.shape} do not fit: a sparse product")
    order = np.argsort(b.pattern.rows, kind="stable")
    starts = np.searchsorted(b.pattern.rows[order], np.arange(b.shape[0] + 1))
    first, counts = starts[a.pattern.columns], np.diff(starts)[a.pattern.columns]
    left = np.repeat(np.arange(a.nnz), counts)
    within = np.arange(left.size) - np.repeat(np.cumsum(counts) - counts, counts)
    right = order[np.repeat(first, counts) + within]
    rows, columns = a.pattern.rows[left], b.pattern.columns[right]
    keys = rows.astype(np.int64) * b.shape[1] + columns
    places, slot = np.unique(keys, return_inverse=True)
    data = scatter.apply(a.data[left] * b.data[right], index=(slot,), shape=(places.size,))
    return SparseArray(data, Pattern(places // b.shape[1], places % b.shape[1], (a.shape[0], b.shape[1])))


def _made(arg1: Any, shape: Any, dtype: Any, copy: bool, format: str) -> Any:
    """What ``csr_array(...)`` and its kin give: SciPy's array, or ours where entries are Variables."""
    plain = {"csr": sparse.csr_array, "csc": sparse.csc_array, "coo": sparse.coo_array}[format]
    if isinstance(arg1, SparseArray):
        return SparseArray(arg1.data, arg1.pattern, format)
    if isinstance(arg1, Variable):  # dense: the elements that are not zero are stored
        rows, columns = np.nonzero(bare(arg1))
        return SparseArray(arg1[rows, columns], Pattern(rows, columns, arg1.shape), format)
    pairs = isinstance(arg1, tuple) and len(arg1) in (2, 3) and not isinstance(arg1[0], (int, np.integer))
    data = stacked(arg1[0]) if pairs else None
    if not isinstance(data, Variable):
        return plain(arg1, shape=shape, dtype=dtype, copy=copy)
    data = data if dtype is None else data.astype(dtype)
    numbered = np.arange(data.size, dtype=np.int64)
    if len(arg1) == 3:  # (data, indices, indptr): let SciPy say where each entry stands
        where: Any = plain((numbered, *map(bare, arg1[1:])), shape=shape).tocoo()
        rows, columns = where.coords
        return SparseArray(data[where.data], Pattern(rows, columns, where.shape), format)
    rows, columns = (np.asarray(bare(part)) for part in arg1[1])
    where = sparse.coo_array((numbered, (rows, columns)), shape=shape)
    return SparseArray(data, Pattern(where.coords[0], where.coords[1], where.shape), format)


def csr_array(arg1: Any, shape: Any = None, dtype: Any = None, copy: bool = False) -> Any:
    """``scipy.sparse.csr_array``: with entries that are Variables, a :class:`SparseArray`.

    Args:
        arg1: ``(data, indices, indptr)``, ``(data, (rows, columns))``, a dense Variable (its elements
            that are not zero are stored), or anything that SciPy takes.

    Example:
        >>> import numpy as np, whence
        >>> from whence.scipy import sparse
        >>> places = np.array([0, 1, 1]), np.array([2, 0, 1])
        >>> f = lambda d: np.sum(sparse.csr_array((d, places), shape=(2, 3)) @ np.array([1.0, 2.0, 3.0]))
        >>> print(whence.grad(f)(np.ones(3)))
        [3. 1. 2.]
    """
    return _made(arg1, shape, dtype, copy, "csr")


def csc_array(arg1: Any, shape: Any = None, dtype: Any = None, copy: bool = False) -> Any:
    """``scipy.sparse.csc_array``; see :func:`csr_array`."""
    return _made(arg1, shape, dtype, copy, "csc")


def coo_array(arg1: Any, shape: Any = None, dtype: Any = None, copy: bool = False) -> Any:
    """``scipy.sparse.coo_array``; see :func:`csr_array`."""
    return _made(arg1, shape, dtype, copy, "coo")


def diags_array(
    diagonals: Any, /, *, offsets: Any = 0, shape: Any = None, format: Any = None, dtype: Any = None
) -> Any:
    """``scipy.sparse.diags_array``: diagonals that are Variables give a :class:`SparseArray`."""
    given = [diagonals] if np.ndim(offsets) == 0 and np.ndim(stacked_or(diagonals)) == 1 else list(diagonals)
    places = np.atleast_1d(offsets)
    if not any(isinstance(stacked(d), Variable) for d in given):
        return sparse.diags_array(diagonals, offsets=offsets, shape=shape, format=format, dtype=dtype)
    if shape is None:
        side = np.size(stacked(given[0])) + abs(int(places[0]))
        shape = (side, side)
    parts, rows, columns = [], [], []
    for d, k in zip(given, places, strict=True):
        d, k = stacked(d), int(k)
        length = min(shape[0] + min(k, 0), shape[1] - max(k, 0))
        d = np.broadcast_to(d, (length,)) if np.size(d) == 1 else d
        if d.shape != (length,):
            raise misfit(f"diagonal {k} of an array of shape {shape} has {length} elements, not {d.shape}")
        parts.append(d)
        rows.append(np.arange(length) - min(k, 0))
        columns.append(np.arange(length) + max(k, 0))
    pattern = Pattern(np.concatenate(rows), np.concatenate(columns), shape)
    data = np.concatenate(parts)
    return SparseArray(data if dtype is None else data.astype(dtype), pattern, format or "dia")


def stacked_or(x: Any) -> Any:
    """One array of a list, or the list where its parts have different lengths."""
    try:
        return stacked(x)
    except ValueError:
        return np.empty((len(x), 0))


def diags(diagonals: Any, offsets: Any = 0, shape: Any = None, format: Any = None, dtype: Any = None) -> Any:
    """``scipy.sparse.diags``; see :func:`diags_array`."""
    made = diags_array(diagonals, offsets=offsets, shape=shape, format=format, dtype=dtype)
    if isinstance(made, SparseArray):
        return made
    return sparse.diags(diagonals, offsets, shape, format, dtype)


def _joined(blocks: Any, axis: int, format: Any, dtype: Any) -> Any:
    if not any(isinstance(b, SparseArray) for b in blocks):
        return (sparse.hstack if axis else sparse.vstack)(blocks, format, dtype)
    parts = [sparse_like(b) for b in blocks]
    if len({p.shape[1 - axis] for p in parts}) != 1:
        raise misfit(f"sparse blocks of shapes {[p.shape for p in parts]} do not fit together")
    starts = np.cumsum([0, *(p.shape[axis] for p in parts)])
    rows = np.concatenate([p.pattern.rows + (0 if axis else s) for p, s in zip(parts, starts, strict=False)])
    columns = np.concatenate(
        [p.pattern.columns + (s if axis else 0) for p, s in zip(parts, starts, strict=False)]
    )
    other = parts[0].shape[1 - axis]
    shape = (other, int(starts[-1])) if axis else (int(starts[-1]), other)
    return SparseArray(
        np.concatenate([p.data for p in parts]), Pattern(rows, columns, shape), format or "coo"
    )


def hstack(blocks: Any, format: Any = None, dtype: Any = None) -> Any:
    """``scipy.sparse.hstack``: sparse arrays side by side."""
    return _joined(blocks, 1, format, dtype)


def vstack(blocks: Any, format: Any = None, dtype: Any = None) -> Any:
    """``scipy.sparse.vstack``: sparse arrays one above the other."""
    return _joined(blocks, 0, format, dtype)


def kron(A: Any, B: Any, format: Any = None) -> Any:
    """``scipy.sparse.kron``: the Kronecker product."""
    if not isinstance(A, SparseArray) and not isinstance(B, SparseArray):
        return sparse.kron(A, B, format)
    a, b = sparse_like(A), sparse_like(B)
    rows = (a.pattern.rows[:, None] * b.shape[0] + b.pattern.rows).ravel()
    columns = (a.pattern.columns[:, None] * b.shape[1] + b.pattern.columns).ravel()
    data = np.reshape(np.reshape(a.data, (-1, 1)) * np.reshape(b.data, (1, -1)), (-1,))
    return SparseArray(
        data, Pattern(rows, columns, (a.shape[0] * b.shape[0], a.shape[1] * b.shape[1])), format or "coo"
    )
