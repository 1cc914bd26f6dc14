"""How SciPy's functions are mirrored: plain arrays go to SciPy, Variables to what stands for it."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ...core.origin import called_at
from ...core.variable import Variable
from ...errors import NoGradientError

#: SciPy's function -> what stands for it.
MIRRORS: dict[Any, Callable[..., Any]] = {}


def has_variables(values: Any) -> bool:
    """Is there a Variable among these, also inside lists and tuples?"""
    return any(isinstance(x, Variable) or (isinstance(x, (list, tuple)) and has_variables(x)) for x in values)


def mirrors(original: Any) -> Callable[[Any], Any]:
    """Let the decorated function stand for SciPy's ``original`` where a Variable is an argument."""

    def register(ours: Any) -> Any:
        @functools.wraps(original)
        def call(*args: Any, **keywords: Any) -> Any:
            if has_variables(args) or has_variables(keywords.values()):
                return ours(*args, **keywords)
            return original(*args, **keywords)

        MIRRORS[original] = call
        return call

    return register


def doubled(x: Any) -> Any:
    """In double precision, where SciPy computes in no other."""
    return x.astype(np.result_type(x.dtype, np.float64)) if hasattr(x, "astype") else x


def refusing(original: Any) -> Any:
    """SciPy's ``original``, which has no gradient in whence, for plain arrays only."""

    @functools.wraps(original)
    def call(*args: Any, **keywords: Any) -> Any:
        if has_variables(args) or has_variables(keywords.values()):
            raise no_gradient(f"scipy.linalg.{original.__name__}")
        return original(*args, **keywords)

    return call


def no_gradient(what: str, instead: str = "pass v.data to treat the value as a constant") -> NoGradientError:
    """The error for what has no gradient here."""
    return NoGradientError(f"{what} has no gradient in whence{called_at()}\n  → {instead}")
