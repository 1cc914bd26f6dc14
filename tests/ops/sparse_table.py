"""Calls of the sparse primitives for the laws."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import sparse

from whence.ops.sparse import product

from .entries import Draw, Spec, Trial, entry

MATRIX = sparse.csr_array(np.array([[1.0, 0.0, 2.0], [0.0, 0.0, -3.0]]))


@entry("sparse @")
def _product(draw: Draw, large: bool) -> Trial:
    shape = (3, 300) if large else (3, 2)
    return Trial(
        lambda x: product.apply(x, matrix=MATRIX), lambda x: MATRIX.astype(_kind(x)) @ x, (Spec(shape),), True
    )


def _kind(x: Any) -> Any:
    return np.result_type(x.dtype, np.float64)
