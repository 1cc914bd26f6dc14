"""From an operator on functions of one argument to one on functions of several."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

from .sequences import subvals

ArgNum = int | tuple[int, ...] | list[int]


def unary_to_nary(unary_operator: Callable[..., Any]) -> Callable[..., Any]:
    """``operator(fun, x)`` as ``operator(fun, argnum=0)(*args, **kwargs)``.

    With a tuple or list of argnums, ``x`` is the tuple of those arguments.
    """

    @functools.wraps(unary_operator)
    def nary_operator(fun: Any, argnum: ArgNum = 0, *more: Any, **keywords: Any) -> Any:
        @functools.wraps(fun, updated=())
        def nary_f(*args: Any, **kwargs: Any) -> Any:
            @functools.wraps(fun, updated=())
            def unary_f(x: Any) -> Any:
                replaced = [(argnum, x)] if isinstance(argnum, int) else zip(argnum, x, strict=True)
                return fun(*subvals(args, replaced), **kwargs)

            x = args[argnum] if isinstance(argnum, int) else tuple([args[i] for i in argnum])
            return unary_operator(unary_f, x, *more, **keywords)

        return nary_f

    return nary_operator


def get_name(f: Any) -> str:
    """What a function is called."""
    return getattr(f, "__name__", "[unknown name]")


def get_doc(f: Any) -> str:
    """Its docstring."""
    return getattr(f, "__doc__", "") or ""


def wraps(fun: Any, namestr: str = "{fun}", docstr: str = "{doc}", **names: Any) -> Callable[[Any], Any]:
    """Give a function the name and docstring of another."""

    def rename(f: Any) -> Any:
        f.__name__ = namestr.format(fun=get_name(fun), **names)
        f.__doc__ = docstr.format(fun=get_name(fun), doc=get_doc(fun), **names)
        return f

    return rename
