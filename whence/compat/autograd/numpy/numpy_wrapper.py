"""autograd.numpy.numpy_wrapper: ``whence.numpy`` again, and what rules of other packages use from it."""

from __future__ import annotations

from typing import Any

import numpy as np

from ....numpy import *  # noqa: F403
from ....ops.gather import gathered


def metadata(A: Any) -> tuple[Any, ...]:
    """Shape, number of axes, type, and whether it is complex."""
    return np.shape(A), np.ndim(A), np.result_type(A), np.iscomplexobj(A)


def array_from_args(array_args: tuple[Any, ...], array_kwargs: dict[str, Any], *args: Any) -> Any:
    """The array of these items."""
    return gathered(list(args), *array_args, **array_kwargs)


def concatenate_args(axis: int, *args: Any) -> Any:
    """The items joined along an axis."""
    return np.concatenate(args, axis)
