"""``const_graph``: in whence a plain call, since there is no graph to save from being made again."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any


def const_graph(fun: Callable[..., Any], *args: Any, **kwargs: Any) -> Callable[..., Any]:
    """``fun`` with these arguments filled in. autograd would run it once and then only its operations."""
    return functools.partial(fun, *args, **kwargs)
