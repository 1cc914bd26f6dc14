"""Which array library: always NumPy."""

from __future__ import annotations

from types import ModuleType
from typing import Any, NoReturn

import numpy as np

from ...core.origin import called_at
from ...errors import MissingExtraError
from .core import plain

gpu_enable = False


def get_array_module(x: Any) -> ModuleType:
    """NumPy."""
    return np


def as_numpy(x: Any) -> Any:
    """The ndarray of a Variable, an array or a number."""
    return np.asarray(plain(x))


def as_cupy(x: Any) -> NoReturn:
    """Not here.

    Raises:
        MissingExtraError: always.
    """
    raise MissingExtraError(
        f"arrays are on the CPU here{called_at()}\n  → ask dezero.cuda.gpu_enable first: it is False"
    )
