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
    if x.ndim not in (1, 2):
        raise misfit(f"a sparse matrix times a Variable with {x.ndim} axes: one or two are possible")
    if matrix.ndim != 2 or matrix.shape[1 if left else 0] != x.shape[0 if left else -1]:
        raise misfit(f"shapes {a.shape} and {b.shape} do not fit: a sparse matrix product")
    if left:
        return product.apply(x, matrix=matrix)
    return np.transpose(product.apply(np.transpose(x), matrix=matrix.T))


@implements("sparse multiply")
def _multiply(a: Any, b: Any) -> Any:
    """``a * b``, elementwise; for SciPy's matrices (not its arrays) the matrix product, as there."""
    matrix, x = (a, b) if is_sparse(a) else (b, a)
    if type(matrix).__name__.endswith("_matrix") and x.ndim:
        return _matmul(a, b)
    return np.multiply(matrix.toarray(), x)


@implements("sparse add")
def _add(a: Any, b: Any, sign: float = 1.0) -> Any:
    """``a + b`` (or ``a - b``): dense, as in SciPy."""
    a, b = (x.toarray() if is_sparse(x) else x for x in (a, b))
    return np.add(a, b) if sign > 0 else np.subtract(a, b)
