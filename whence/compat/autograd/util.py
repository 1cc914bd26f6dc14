"""autograd.util: small helpers that programs import from there."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

from .sequences import func as func
from .sequences import subval as subval
from .sequences import subvals as subvals
from .sequences import toposort as toposort
from .test_util import check_grads


def quick_grad_check(
    fun: Callable[..., Any],
    arg0: Any,
    extra_args: tuple[Any, ...] = (),
    kwargs: dict[str, Any] | None = None,
    **tolerances: Any,
) -> None:
    """Deprecated: check the gradient for the first argument; use ``test_util.check_grads``."""
    warnings.warn("quick_grad_check is deprecated; use test_util.check_grads", stacklevel=2)
    check_grads(lambda x: fun(x, *extra_args, **(kwargs or {})), modes=["rev"], order=1)(arg0)
