"""Roots: found by SciPy at plain values, differentiated by the implicit function theorem.

``F(x, a) = 0`` gives ``dx/da = -(∂F/∂x)⁻¹ ∂F/∂a``: the derivative of the answer, whatever the solver did.
Starts and brackets have no influence on it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import optimize

from ..beyond import bare
from ..examples import for_each
from ..outer import stacked
from .solved import Given, solution


@for_each
def root(
    fun: Callable[..., Any],
    x0: Any,
    args: Any = (),
    method: str = "hybr",
    jac: Any = None,
    tol: Any = None,
    callback: Any = None,
    options: Any = None,
) -> Any:
    """``scipy.optimize.root``: ``fun(x, *args) = 0``, with derivatives of ``sol.x``.

    With respect to everything in ``args`` and to Variables that ``fun`` closes over. With Variables
    the Jacobian is exact where the method takes one.

    Raises:
        GraphError: when a gradient is asked for of a run that did not converge.
        SingularError: the Jacobian at the root is singular.

    Example:
        >>> import numpy as np, whence
        >>> from whence.scipy.optimize import root
        >>> f = lambda a: root(lambda x, a: x**3 - a, [1.0], (a,)).x[0]
        >>> print(round(whence.grad(f)(8.0) * 12, 9))
        1.0
    """
    given = Given(fun, args, second=jac is True)
    x0 = bare(stacked(x0))
    if given.depends(x0) and jac is None and method in ("hybr", "lm"):
        jac = given.plain_jacobian
    elif callable(jac) and jac is not given.plain_jacobian:
        jac = Given(jac, args).plain
    sol = optimize.root(given.plain, x0, (), method, jac, tol, callback, options)
    if given.moving:
        sol.x = solution(given.recorded, sol.x, sol.success, f"root did not converge: {sol.message}")
    return sol


@for_each
def fsolve(
    func: Callable[..., Any],
    x0: Any,
    args: Any = (),
    fprime: Any = None,
    full_output: Any = 0,
    *options: Any,
    **keywords: Any,
) -> Any:
    """``scipy.optimize.fsolve``: ``func(x, *args) = 0``, with derivatives as in :func:`root`."""
    given = Given(func, args)
    x0 = bare(stacked(x0))
    column = keywords.get("col_deriv", options[0] if options else 0)
    if given.depends(np.atleast_1d(x0)) and fprime is None and not column:
        fprime = given.plain_jacobian
    elif fprime is not None:
        fprime = Given(fprime, args).plain
    x, info, flag, message = optimize.fsolve(given.plain, x0, (), fprime, 1, *options, **keywords)
    if given.moving:
        x = solution(given.recorded, x, flag == 1, f"fsolve did not converge: {message}")
    return (x, info, flag, message) if full_output else x


@for_each
def fixed_point(
    func: Callable[..., Any],
    x0: Any,
    args: Any = (),
    xtol: float = 1e-8,
    maxiter: int = 500,
    method: str = "del2",
) -> Any:
    """``scipy.optimize.fixed_point``: ``x = func(x, *args)``, with derivatives.

    Example:
        >>> import numpy as np, whence
        >>> from whence.scipy.optimize import fixed_point
        >>> f = lambda a: fixed_point(lambda x, a: np.sqrt(x + a), 1.0, (a,))
        >>> print(round(whence.grad(f)(2.0), 9))  # 1 / (2 x - 1), x = 2
        0.333333333
    """
    given = Given(func, args)
    x = optimize.fixed_point(given.plain, bare(x0), (), xtol, maxiter, method)
    if not given.moving:
        return x
    return solution(lambda x: x - given.recorded(x), x, True, "")


@for_each
def root_scalar(
    f: Callable[..., Any],
    args: Any = (),
    method: Any = None,
    bracket: Any = None,
    fprime: Any = None,
    fprime2: Any = None,
    x0: Any = None,
    x1: Any = None,
    xtol: Any = None,
    rtol: Any = None,
    maxiter: Any = None,
    options: Any = None,
) -> Any:
    """``scipy.optimize.root_scalar``: ``f(x, *args) = 0``, with derivatives of ``sol.root``."""
    given = Given(f, args, second=fprime is True)
    fprime, fprime2 = (Given(d, args).plain if callable(d) else d for d in (fprime, fprime2))
    sol = optimize.root_scalar(
        given.plain,
        (),
        method,
        bare(bracket),
        fprime,
        fprime2,
        bare(x0),
        bare(x1),
        xtol,
        rtol,
        maxiter,
        options,
    )
    if given.moving:
        sol.root = solution(given.recorded, sol.root, sol.converged, f"root_scalar: {sol.flag}")
    return sol


def _bracketing(name: str) -> Callable[..., Any]:
    """The mirror of a solver ``(f, a, b, args, ..., full_output, disp)``."""
    solver = getattr(optimize, name)

    def solve(f: Any, a: Any, b: Any, args: Any = (), *options: Any, **keywords: Any) -> Any:
        given = Given(f, args)
        result = solver(given.plain, bare(a), bare(b), (), *options, **keywords)
        if not given.moving:
            return result
        if isinstance(result, tuple):
            x, info = result
            x = solution(given.recorded, x, info.converged, f"{name}: {info.flag}")
            info.root = x
            return x, info
        return solution(given.recorded, result, True, "")

    solve.__name__ = solve.__qualname__ = name
    solve.__doc__ = (
        f"``scipy.optimize.{name}``: a root of ``f(x, *args)`` between ``a`` and ``b``, with derivatives.\n\n"
        "With respect to everything in ``args`` and to Variables that ``f`` closes over."
    )
    return for_each(solve)


brentq = _bracketing("brentq")
brenth = _bracketing("brenth")
bisect = _bracketing("bisect")
ridder = _bracketing("ridder")
toms748 = _bracketing("toms748")


@for_each
def newton(
    func: Callable[..., Any],
    x0: Any,
    fprime: Any = None,
    args: Any = (),
    tol: float = 1.48e-8,
    maxiter: int = 50,
    fprime2: Any = None,
    x1: Any = None,
    rtol: float = 0.0,
    full_output: bool = False,
    disp: bool = True,
) -> Any:
    """``scipy.optimize.newton``: roots of ``func(x, *args)``, one for each start, with derivatives."""
    given = Given(func, args)
    fprime, fprime2 = (None if d is None else Given(d, args).plain for d in (fprime, fprime2))
    result = optimize.newton(
        given.plain, bare(stacked(x0)), fprime, (), tol, maxiter, fprime2, bare(x1), rtol, full_output, disp
    )
    if not given.moving:
        return result
    found = result[0] if full_output else result
    converged = True
    if full_output:
        converged = bool(np.all(getattr(result[1], "converged", result[1])))
    x = solution(given.recorded, found, converged, "newton did not converge")
    return (x, *result[1:]) if full_output else x
