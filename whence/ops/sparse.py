"""Products with a constant sparse matrix: ``A @ v``, ``v @ A``, for ``A`` of ``scipy.sparse``.

SciPy asks for a plain array of ``v`` first, is given an object that it cannot use, and leaves the product to
``v``; so the plain text works without a mirror, and without importing ``scipy.sparse`` here.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.primitive import Primitive
from .declare import implements, misfit

product = Primitive(
    "sparse @",
    lambda x, matrix: np.asarray(matrix @ x),
    vjp=[lambda g, y, x, matrix: product(g, matrix=matrix.T)],
    reads=[""],
    kind="linear",
)


def is_sparse(x: Any) -> bool:
    """Is it a matrix or array of ``scipy.sparse`` (or one that behaves so)?"""
    return hasattr(x, "tocsr") and hasattr(x, "nnz")


@implements("sparse matmul")
def _matmul(a: Any, b: Any) -> Any:
    """``a @ b`` where one of them is a sparse matrix, the other a Variable of one or two axes."""
    left = is_sparse(a)
    matrix, x = (a, b) if left else (b, a)
    if hasattr(matrix, "pattern"):  # one of ours, with entries that differentiate
        return NotImplemented
    if x.ndim not in (1, 2):
        raise misfit(f"a sparse matrix times a Variable with {x.ndim} axes: one or two are possible")
    if matrix.ndim != 2 or matrix.shape[1 if left else 0] != x.shape[0 if left else -1]:
        raise misfit(f"shapes {a.shape} and {b.shape} do not fit: a sparse matrix product")
    if left:
        return product.apply(x, matrix=matrix)
    return np.transpose(product.apply(np.transpose(x), matrix=matrix.T))
