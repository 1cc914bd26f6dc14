"""Rows of a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...config import mode
from ...core.batched import Batched, peeled
from ...core.origin import called_at
from ...core.symbolic import Symbolic
from ...core.table import OPS
from ...core.variable import Variable
from ...errors import BatchingError, BoundsError, DtypeError, GraphError, WhenceError
from ...ops.declare import frozen
from ...ops.embedding import lookup, slowed


def embedding(
    indices: Any,
    weight: Any,
    padding_idx: int | None = None,
    max_norm: float | None = None,
    norm_type: float = 2.0,
    scale_grad_by_freq: bool = False,
) -> Any:
    """``y[..., :] = weight[indices[...]]``: a row of the table for each index.

    Args:
        indices: (...) integers.
        weight: (count, dim).
        padding_idx: the row that stands for padding; it is read like any other and gets no gradient.
        max_norm: rows that are read and longer are first shortened to this length, in ``weight`` itself,
            which has to be an array or an input such as a Parameter. No gradient passes through that.
        norm_type: p of the p-norm that lengths are measured by.
        scale_grad_by_freq: the gradient of a row is the mean over the places where it is read, not the sum.

    Returns:
        (..., dim).

    Raises:
        DtypeError: indices that are no integers.
        BoundsError: an index below 0 or not below count.
        GraphError: max_norm, of a weight that is a result; BatchingError: max_norm inside ``vmap``.

    Example:
        >>> import numpy as np
        >>> print(embedding(np.array([2, 0]), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])))
        [[5. 6.]
         [1. 2.]]
    """
    count = np.shape(weight)[0]
    if padding_idx is not None:
        padding_idx = padding_row(padding_idx, count)
    batched = isinstance(indices, Batched)  # inside vmap: its own for each example
    plain = _checked(peeled(indices)[0] if batched else indices, count)
    if max_norm is not None:
        _shorten(weight, plain, max_norm, norm_type)
    if not batched:
        y = lookup.apply(weight, indices=plain, padding=padding_idx)
    else:
        y = OPS[np.take](weight, indices, axis=0)
        if padding_idx is not None:
            y = np.where(np.equal(indices, padding_idx)[..., None], frozen(y), y)
    return slowed.apply(y, _rarity(indices if batched else plain, y.dtype)) if scale_grad_by_freq else y


def _shorten(weight: Any, indices: Any, longest: float, p: float) -> None:
    """Give the rows that are read, and are longer than ``longest``, that length."""
    if longest < 0 or p <= 0:
        raise WhenceError(f"embedding got max_norm={longest}, norm_type={p}: lengths{called_at()}")
    table = weight._data if isinstance(weight, Variable) else weight
    if isinstance(table, Batched):
        raise BatchingError(
            f"max_norm would write to the table for each example of a vmap{called_at()}\n"
            "  → max_norm=None inside vmap"
        )
    if isinstance(weight, Variable) and weight.creator is not None:
        raise GraphError(
            f"max_norm writes to the table, and this one is the result of an op{called_at()}\n"
            "  → a Parameter (and inside a transform such as grad: loss.backward() in its place),"
            " or max_norm=None"
        )
    rows = np.take(table, indices.reshape(-1), axis=0)
    lengths = _lengths(rows, p)
    if not np.any(lengths > longest):
        return
    shares = np.where(lengths > longest, longest / (lengths + 1e-7), 1).astype(rows.dtype)
    new = table * table.dtype.type(1) if isinstance(weight, Variable) else table
    new[indices.reshape(-1)] = rows * shares[:, None]
    if isinstance(weight, Variable):
        weight.assign(new)


def _lengths(rows: Any, p: float) -> Any:
    """The p-norm of each row."""
    sizes = np.abs(rows)
    if p == np.inf:
        return np.max(sizes, axis=1, initial=0)
    return np.sum(sizes**p, axis=1) ** (1 / p)


def _rarity(indices: Any, dtype: Any) -> Any:
    """One over how often each index is there, beside the rows: (..., 1)."""
    flat = np.reshape(indices, (-1,))
    if isinstance(indices, (Batched, Symbolic)):
        often = np.sum(np.equal(flat[:, None], flat), axis=1)
    else:
        often = np.bincount(flat, minlength=1)[flat]
    return np.reshape((1 / often).astype(dtype), (*indices.shape, 1))


def padding_row(padding_idx: int, count: int) -> int:
    """The row that stands for padding, counted from the first."""
    if not -count <= padding_idx < count:
        raise BoundsError(f"padding_idx {padding_idx} is no row of a table of {count}{called_at()}")
    return padding_idx % count


def _checked(indices: Any, count: int) -> Any:
    """The indices as an array of our own: the gradient reads them later."""
    plain: Any = frozen(indices)
    plain = plain if isinstance(plain, Symbolic) else np.array(plain)
    if plain.dtype.kind not in "iu":
        raise DtypeError(
            f"embedding takes integers as indices, not {plain.dtype}{called_at()}\n  → indices.astype(int)"
        )
    if plain.dtype not in (np.int32, np.int64):
        plain = plain.astype(np.int64)
    if isinstance(plain, Symbolic):
        return _expected(plain, count)
    if plain.size and (plain.min() < 0 or plain.max() >= count):
        wrong = (plain < 0) | (plain >= count)
        where = tuple(int(i) for i in np.argwhere(wrong)[0])
        more = int(wrong.sum()) - 1
        raise BoundsError(
            f"index {plain[where]} at {list(where)} is not among the rows 0 to {count - 1} of the table"
            f"{called_at()}" + (f"\n  and {more} more" if more else "")
        )
    return plain


def _expected(indices: Any, count: int) -> Any:
    """Indices of a program that is recorded: it departs where one is no row, and the error comes then."""
    mode().tracer.depart_if(np.any((indices < 0) | (indices >= count)))
    return indices
