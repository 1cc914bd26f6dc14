"""Integrals over several variables: ``quad`` within ``quad``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from scipy import integrate

from ..beyond import bare, holds_variable
from ..examples import for_each
from .quadrature import quad


@for_each
def nquad(func: Any, ranges: Any, args: Any = None, opts: Any = None, full_output: bool = False) -> Any:
    """``scipy.integrate.nquad``: an integral over several variables, with derivatives.

    With respect to ``args``, to the limits (also where they are functions), and to what the
    functions close over. ``func(x0, x1, ..., *args)``; the first variable is the innermost.

    Example:
        >>> import numpy as np, whence
        >>> from whence.scipy.integrate import nquad
        >>> f = lambda p: nquad(lambda x, y, p: p * x * y, [[0, 1], [0, p]], args=(p,))[0]
        >>> print(np.round(whence.grad(f)(2.0), 9))  # of p³ / 4
        3.0
    """
    if full_output:
        if not holds_variable(args, ranges):
            return integrate.nquad(func, bare(ranges), bare(args), opts, full_output)
        error = "full_output=True of scipy.integrate.nquad is for plain arguments"
        raise TypeError(error)
    args = () if args is None else tuple(args) if isinstance(args, (tuple, list)) else (args,)
    limits = [_constantly(limit) for limit in ranges]
    options = [_constantly({} if opts is None else o) for o in _each(opts, len(limits))]
    errors = [0.0]

    def over(level: int, outer: tuple[Any, ...]) -> Any:
        """The integral over the variables up to ``level``, given those above it."""
        low, high = limits[level](*outer)
        option = dict(options[level](*outer))
        if "points" in option:
            option["points"] = [x for x in option["points"] if bare(low) <= x <= bare(high)]
        inner = func if level == 0 else lambda *xs: over(level - 1, xs)
        value, error = quad(inner, low, high, args=outer, **option)[:2]
        errors.append(error)
        return value

    value = over(len(limits) - 1, args)
    return value, max(errors)


def _each(opts: Any, count: int) -> list[Any]:
    return [opts] * count if opts is None or isinstance(opts, dict) else list(opts)


def _constantly(value: Any) -> Callable[..., Any]:
    return value if callable(value) else lambda *args: value


def dblquad(
    func: Any,
    a: Any,
    b: Any,
    gfun: Any,
    hfun: Any,
    args: Any = (),
    epsabs: float = 1.49e-8,
    epsrel: float = 1.49e-8,
) -> Any:
    """``scipy.integrate.dblquad``: ``∫_a^b ∫_g(x)^h(x) func(y, x, *args) dy dx``, with derivatives.

    Example:
        >>> import numpy as np, whence
        >>> from whence.scipy.integrate import dblquad
        >>> area = lambda p: dblquad(lambda y, x: 1.0, 0, 1, 0, lambda x: p * x)[0]
        >>> print(np.round(whence.grad(area)(2.0), 9))
        0.5
    """

    def inner(x: Any, *rest: Any) -> list[Any]:
        return [gfun(x) if callable(gfun) else gfun, hfun(x) if callable(hfun) else hfun]

    return nquad(func, [inner, [a, b]], args, {"epsabs": epsabs, "epsrel": epsrel})


def tplquad(
    func: Any,
    a: Any,
    b: Any,
    gfun: Any,
    hfun: Any,
    qfun: Any,
    rfun: Any,
    args: Any = (),
    epsabs: float = 1.49e-8,
    epsrel: float = 1.49e-8,
) -> Any:
    """``scipy.integrate.tplquad``: ``∫_a^b ∫_g(x)^h(x) ∫_q(x,y)^r(x,y) func(z, y, x, *args) dz dy dx``."""

    def innermost(y: Any, x: Any, *rest: Any) -> list[Any]:
        return [qfun(x, y) if callable(qfun) else qfun, rfun(x, y) if callable(rfun) else rfun]

    def inner(x: Any, *rest: Any) -> list[Any]:
        return [gfun(x) if callable(gfun) else gfun, hfun(x) if callable(hfun) else hfun]

    return nquad(func, [innermost, inner, [a, b]], args, {"epsabs": epsabs, "epsrel": epsrel})
