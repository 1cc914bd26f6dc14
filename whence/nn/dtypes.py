"""The floating-point type that layers are made with."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..errors import DtypeError

_DEFAULT: ContextVar[str] = ContextVar("whence dtype of layers", default="float32")


def default_dtype(dtype: Any = None) -> Any:
    """``dtype``, or what layers have unless they are told otherwise: float32 at first."""
    return np.dtype(_DEFAULT.get() if dtype is None else dtype)


def set_default_dtype(dtype: Any) -> None:
    """Make layers from now on (in this thread) with another floating-point type.

    Raises:
        DtypeError: the type is not a floating-point one.
    """
    wanted = np.dtype(dtype)
    if wanted.kind not in "fc":
        raise DtypeError(f"layers hold floating-point numbers, not {wanted}{called_at()}")
    _DEFAULT.set(wanted.name)
