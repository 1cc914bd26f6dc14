"""``np.einsum`` of two operands as stacked matrix products, which BLAS does many times as fast."""

from __future__ import annotations

from functools import lru_cache
from math import prod
from typing import Any, NamedTuple

import numpy as np

#: Multiplications, in all and for one matrix of the stack, from which BLAS beats einsum's own loop:
#: 20 × 20 times 20 × 20 takes as long either way, 100 of 10 × 10 times 10 × 1 too; 25 of 10 × 10
#: times 10 × 1,000 a ninth, 100 of 8 × 8 times 8 × 8 a thirteenth.
WORTH, WORTH_EACH = 8000, 200


class Products(NamedTuple):
    """How two operands become stacks of matrices, and their product the result."""

    stacked: str  # letters of both operands and of the result
    summed: str  # of both operands only
    rows: str  # of the left operand and of the result
    columns: str  # of the right operand and of the result
    left: tuple[int, ...]  # the axes of the operands in the order of their matrices
    right: tuple[int, ...]
    back: tuple[int, ...]  # the axes of the product in the order of the result


@lru_cache(maxsize=256)
def products(subscripts: str) -> Products | None:
    """The plan for explicit ``subscripts`` without an ellipsis; None if they are no such products."""
    sources, _, output = subscripts.partition("->")
    terms = sources.split(",")
    if len(terms) != 2:
        return None
    a, b = terms
    if any(len(set(term)) < len(term) for term in (a, b, output)):
        return None  # a diagonal
    if any((c in a) + (c in b) + (c in output) < 2 for c in a + b + output):
        return None  # summed over in one operand alone
    stacked = "".join(c for c in output if c in a and c in b)
    summed = "".join(c for c in a if c in b and c not in output)
    rows = "".join(c for c in output if c not in b)
    columns = "".join(c for c in output if c not in a)
    if not summed or not (rows or columns):
        return None  # nothing that a matrix product would add up
    made = stacked + rows + columns
    return Products(
        stacked,
        summed,
        rows,
        columns,
        tuple(a.index(c) for c in stacked + rows + summed),
        tuple(b.index(c) for c in stacked + summed + columns),
        tuple(made.index(c) for c in output),
    )


def contract(*xs: Any, subscripts: str, optimize: Any = False) -> Any:
    """``np.einsum(subscripts, *xs)``; as matrix products where that is quicker.

    Sums run in another order than einsum's own, so the last digits may differ.

    >>> a, b = np.ones((2, 3, 50)), np.ones((50, 3, 4))
    >>> contract(a, b, subscripts="ijk,kjl->jil").shape
    (3, 2, 4)
    """
    plan = products(subscripts) if optimize is False and len(xs) == 2 else None
    if plan is not None and xs[0].dtype == xs[1].dtype and xs[0].dtype.kind in "fc":
        a, b = np.transpose(xs[0], plan.left), np.transpose(xs[1], plan.right)
        stack, many = len(plan.stacked), len(plan.summed)
        rows = a.shape[stack : a.ndim - many]
        columns = b.shape[stack + many :]
        inner = a.shape[a.ndim - many :]
        same = a.shape[:stack] == b.shape[:stack] and inner == b.shape[stack : stack + many]
        each = prod(rows) * prod(inner) * prod(columns)
        if same and each >= WORTH_EACH and each * prod(a.shape[:stack]) >= WORTH:
            left = a.reshape(*a.shape[:stack], prod(rows), prod(inner))
            right = b.reshape(*b.shape[:stack], prod(inner), prod(columns))
            return _product(left, right, (*a.shape[:stack], *rows, *columns), plan.back)
    return np.einsum(subscripts, *xs, optimize=optimize)


def _product(left: Any, right: Any, shape: tuple[int, ...], back: tuple[int, ...]) -> Any:
    """The product, with its axes in the order ``back``, in memory that runs in that order.

    What is added to a result with its axes out of order takes eight times as long (1,000 × 25 × 10).
    """
    if back == tuple(range(len(back))):
        return np.matmul(left, right).reshape(shape)
    y = np.empty([shape[axis] for axis in back], left.dtype)
    matrices = (*left.shape[:-1], right.shape[-1])
    try:
        target = y.transpose(np.argsort(back)).reshape(matrices, copy=False)
    except ValueError:  # rows and columns alternate
        y[...] = np.matmul(left, right).reshape(shape).transpose(back)
    else:
        np.matmul(left, right, out=target)
    return y
