"""How SciPy's functions are mirrored: plain arrays go to SciPy, Variables to what stands for it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..beyond import no_gradient as no_gradient
from ..beyond import variables_in
from ..examples import one_by_one

#: SciPy's function -> what stands for it.
MIRRORS: dict[Any, Callable[..., Any]] = {}


def mirrors(original: Any) -> Callable[[Any], Any]:
    """Let the decorated function stand for SciPy's ``original`` where a Variable is an argument."""

    def register(ours: Any) -> Any:
        ours = one_by_one(ours)

        @functools.wraps(original)
        def call(*args: Any, **keywords: Any) -> Any:
            if any(True for _ in variables_in((args, keywords))):
                return ours(*args, **keywords)
            return original(*args, **keywords)

        MIRRORS[original] = call
        return call

    return register


def doubled(x: Any) -> Any:
    """In double precision, where SciPy computes in no other."""
    return x.astype(np.result_type(x.dtype, np.float64)) if hasattr(x, "astype") else x
