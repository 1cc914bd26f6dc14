"""Linear systems with a banded matrix, in diagonals as ``scipy.linalg.solve_banded`` holds them."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import linalg

from ...core.origin import called_at
from ...core.primitive import Primitive
from ...errors import SingularError

Width = tuple[int, int]  # diagonals below and above the main one


def _solved(ab: Any, b: Any, width: Width) -> Any:
    try:
        return linalg.solve_banded(width, ab, b, check_finite=False)
    except np.linalg.LinAlgError:
        raise SingularError(f"the equations of the spline are singular{called_at()}") from None


def transposed(ab: Any, width: Width) -> Any:
    """The diagonals of the transposed matrix: each one moved, in opposite order."""
    below, above = width
    n = ab.shape[1]
    rows = np.arange(below + above, -1, -1)[:, None]
    columns = np.arange(n) + np.arange(-below, above + 1)[:, None]  # of the entry that lands in column j
    inside = (columns >= 0) & (columns < n)
    moved = ab[rows, np.clip(columns, 0, n - 1)]
    return np.where(inside, moved, np.zeros((), ab.dtype))


def _matrix_rule(g: Any, y: Any, ab: Any, b: Any, width: Width) -> Any:
    below, above = width
    n = ab.shape[1]
    w = solve(transposed(ab, width), g, width=(above, below))
    rows = np.arange(n) + np.arange(-above, below + 1)[:, None]  # of the entry at each place of ab
    inside = (rows >= 0) & (rows < n)
    product = w[np.clip(rows, 0, n - 1)] * y
    if product.ndim > 2:
        product = np.sum(product, axis=tuple(range(2, product.ndim)))
    return -product * inside


solve = Primitive(
    "solve_banded",
    _solved,
    vjp=[
        _matrix_rule,
        lambda g, y, ab, b, width: solve(transposed(ab, width), g, width=(width[1], width[0])),
    ],
    reads=["0y", "0"],
    listed=False,
)
