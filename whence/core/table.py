"""The two tables that NumPy's functions are looked up in.

Ops register here; ``Variable`` looks up here. Neither imports the other.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

#: NumPy function -> the function that stands for it when an argument is a Variable.
OPS: dict[Any, Callable[..., Any]] = {}

#: NumPy functions that have no derivative to lose: they see plain arrays and return plain arrays.
PLAIN: set[Any] = set()

#: Those that ask only for types and shapes: inside ``vmap`` they answer for every example alike.
OF_TYPES: set[Any] = set()

#: Plain function -> its rule for whole batches, ``rule(function, batched, *arrays, **keywords)`` (see
#: ``Primitive.batch``); a plain function without one is called for each example.
BATCHING: dict[Any, Callable[..., Any]] = {}


def name_of(function: Any) -> str:
    """``np.linalg.inv`` for ``numpy.linalg.inv``: how users write a function."""
    name = getattr(function, "__name__", repr(function))
    module = getattr(function, "__module__", None) or "numpy"
    if isinstance(function, np.ufunc) and getattr(np, name, None) is not function:
        module = "scipy.special"  # ufuncs do not know where they live
    return f"{module.replace('numpy', 'np', 1)}.{name}"
