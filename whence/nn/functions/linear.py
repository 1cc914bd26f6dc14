"""The affine map and the bilinear one."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.origin import called_at
from ...errors import ShapeError
from ...ops.affine import affine


def linear(x: Any, weight: Any, bias: Any = None) -> Any:
    """``x Wᵀ + b``.

    Args:
        x: (..., in).
        weight: (out, in).
        bias: (out,) or None.

    Returns:
        (..., out).

    Raises:
        ShapeError: sizes that do not fit.

    Example:
        >>> import numpy as np
        >>> print(linear(np.array([1.0, 2.0]), np.array([[3.0, 4.0]]), np.array([0.5])))
        [11.5]
    """
    return affine.apply(x, weight) if bias is None else affine.apply(x, weight, bias)


def bilinear(x1: Any, x2: Any, weight: Any, bias: Any = None) -> Any:
    """``y_o = x1ᵀ W_o x2 + b_o``.

    Args:
        x1: (..., in1).
        x2: (..., in2), with the same axes in front.
        weight: (out, in1, in2).
        bias: (out,) or None.

    Returns:
        (..., out).

    Raises:
        ShapeError: sizes that do not fit.

    Example:
        >>> import numpy as np
        >>> print(bilinear(np.array([1.0, 2.0]), np.array([3.0]), np.ones((1, 2, 1))))
        [9.]
    """
    out, in1, in2 = np.shape(weight)
    before = np.shape(x1)[:-1]
    if np.shape(x1)[-1:] != (in1,) or np.shape(x2) != (*before, in2):
        raise ShapeError(
            f"bilinear of x1 {np.shape(x1)} and x2 {np.shape(x2)} with a weight {np.shape(weight)}"
            f"{called_at()}\n"
            f"  → x1 (..., {in1}) and x2 (..., {in2}) with the same axes in front"
        )
    flat = np.reshape(np.swapaxes(weight, 0, 1), (in1, out * in2))
    rows = np.reshape(np.matmul(x1, flat), (*before, out, in2))
    y = np.reshape(np.matmul(rows, np.expand_dims(x2, -1)), (*before, out))
    return y if bias is None else y + bias
