"""The affine map."""

from __future__ import annotations

from typing import Any

import numpy as np


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
    y = np.matmul(x, np.swapaxes(weight, -1, -2))
    return y if bias is None else y + bias
