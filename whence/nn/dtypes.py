"""The floating-point type that layers are made with."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..errors import DtypeError

_DEFAULT: ContextVar[str] = ContextVar("whence dtype of layers", default="float32")


def default_dtype(dtype: Any = None) -> Any:
    """``dtype``, or what layers have unless they are told otherwise: float32 at first.

    Raises:
        DtypeError: a type that layers do not compute with.
    """
    return np.dtype(_DEFAULT.get()) if dtype is None else _checked(dtype)


def set_default_dtype(dtype: Any) -> None:
    """Make layers from now on (in this thread) with another floating-point type.

    Raises:
        DtypeError: the type is neither float32 nor float64. In float16 NumPy computes slowly and gradients
            vanish; ``model.to(np.float16)`` makes such weights for storage.
    """
    _DEFAULT.set(_checked(dtype).name)


def _checked(dtype: Any) -> Any:
    try:
        wanted = np.dtype(dtype)
    except TypeError:
        wanted = dtype
    if wanted not in (np.dtype(np.float32), np.dtype(np.float64)):
        stored = (
            "; model.to(np.float16) converts trained weights, for storage" if wanted == np.float16 else ""
        )
        raise DtypeError(
            f"layers are float32 or float64, not {wanted}{called_at()}\n  → dtype=np.float32{stored}"
        )
    return wanted
