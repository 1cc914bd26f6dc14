"""Rows of a table."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...config import mode
from ...core.batched import Batched, peeled
from ...core.origin import called_at
from ...core.symbolic import Symbolic
from ...core.table import OPS
from ...errors import BoundsError, DtypeError
from ...ops.declare import frozen
from ...ops.embedding import lookup


def embedding(indices: Any, weight: Any, padding_idx: int | None = None) -> Any:
    """``y[..., :] = weight[indices[...]]``: a row of the table for each index.

    Args:
        indices: (...) integers.
        weight: (count, dim).
        padding_idx: the row that stands for padding; it is read like any other and gets no gradient.

    Returns:
        (..., dim).

    Raises:
        DtypeError: indices that are no integers.
        BoundsError: an index below 0 or not below count.

    Example:
        >>> import numpy as np
        >>> print(embedding(np.array([2, 0]), np.array([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]])))
        [[5. 6.]
         [1. 2.]]
    """
    count = np.shape(weight)[0]
    if padding_idx is not None:
        padding_idx = padding_row(padding_idx, count)
    if isinstance(indices, Batched):  # inside vmap: its own for each example
        _checked(peeled(indices)[0], count)
        y = OPS[np.take](weight, indices, axis=0)
        if padding_idx is None:
            return y
        return np.where(np.equal(indices, padding_idx)[..., None], frozen(y), y)
    return lookup.apply(weight, indices=_checked(indices, count), padding=padding_idx)


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
