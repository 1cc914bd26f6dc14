"""Minima: found by SciPy, differentiated through the conditions that they fulfil.

Inside, the gradient is zero. At active bounds and constraints it is the Karush–Kuhn–Tucker system
(Nocedal and Wright, *Numerical Optimization*, chapter 12): ``∇f - λ ∇c = 0``, ``c = 0``, with the constraints
that hold the minimum taken as equations.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import optimize

from ...core.variable import Variable
from ...transforms.gradient import grad
from ..beyond import bare
from ..examples import for_each
from ..outer import stacked
from .active import Constraint, bounds_of, constraints_of, held
from .solved import Given, solution

_DERIVATIVE_FREE = ("nelder-mead", "powell", "cobyla", "cobyqa")


@for_each
def minimize(
    fun: Callable[..., Any],
    x0: Any,
    args: Any = (),
    method: Any = None,
    jac: Any = None,
    hess: Any = None,
    hessp: Any = None,
    bounds: Any = None,
    constraints: Any = (),
    tol: Any = None,
    callback: Any = None,
    options: Any = None,
) -> Any:
    """``scipy.optimize.minimize``, with derivatives of ``sol.x`` and ``sol.fun``.

    With respect to everything in ``args``, to what ``fun`` and the constraints close over, and to
    Variables in ``bounds``. With Variables the gradient that SciPy gets is exact (``jac=None``). Bounds
    and constraints that hold the minimum stay held; where one just touches it, the derivative is that
    of the side on which it does not hold.

    Raises:
        GraphError: when a gradient is asked for of a run that did not converge.
        SingularError: the minimum is flat (or its constraints redundant).

    Example:
        >>> import numpy as np, whence
        >>> from whence.scipy.optimize import minimize
        >>> f = lambda a: minimize(lambda x, a: np.sum((x - a) ** 2) + x[0] ** 2, np.zeros(2), (a,)).x
        >>> print(np.round(whence.jacobian(f)(np.array([1.0, 3.0])), 6))
        [[0.5 0. ]
         [0.  1. ]]
    """
    given = Given(fun, args, second=jac is True)
    x0 = np.atleast_1d(np.asarray(bare(stacked(x0)), float))
    limits, plain_limits = bounds_of(bounds, x0.size)
    rules, plain_rules = constraints_of(constraints)
    given.depends(x0)
    moving = given.moving or isinstance(limits[0], Variable) or isinstance(limits[1], Variable)
    moving = moving or any(rule.moving(x0) for rule in rules)
    named = method.lower() if isinstance(method, str) else method
    if moving and jac is None and not callable(method) and named not in _DERIVATIVE_FREE:
        jac = given.plain_slope
    elif callable(jac):
        jac = Given(jac, args).plain
    hess, hessp = Given(hess, args).plain if callable(hess) else hess, _with_direction(hessp, args)
    sol = optimize.minimize(
        given.plain, x0, (), method, jac, hess, hessp, plain_limits, plain_rules, tol, callback, options
    )
    if moving:
        text = f"minimize did not converge: {sol.message}"
        sol.x = _minimum(given, sol.x, limits, rules, bool(sol.success), text)
        sol.fun = given.recorded(sol.x)
    return sol


def _with_direction(hessp: Any, args: Any) -> Any:
    """The Hessian's product ``hessp(x, p, *args)`` on plain numbers."""
    if not callable(hessp):
        return hessp
    args = bare(args if isinstance(args, tuple) else (args,))
    return lambda x, p: bare(hessp(x, p, *args))


def _minimum(
    given: Given, x: Any, limits: tuple[Any, Any], rules: list[Constraint], success: bool, text: str
) -> Any:
    """The minimum as the solution of its conditions."""
    slope = np.asarray(bare(given.plain_slope(x)))
    rows = [row for rule in rules for row in rule.active(x)]

    def bindings(x: Any) -> Any:
        """The constraints that may hold it, zero there."""
        return np.concatenate([np.reshape(row(x), (-1,)) for row in rows])

    at = bare(limits[0]), bare(limits[1])
    near = 1e-6 * (1 + np.abs(x))
    low, high = x - at[0] <= near, at[1] - x <= near
    multipliers = np.zeros(0)
    if rows:
        rows, multipliers, slope = held(rows, x, slope, low | high)
    low, high = low & (slope > 0), high & (slope < 0) | (at[0] == at[1])
    fixed = low | high
    bound = np.where(high, limits[1], np.where(low, limits[0], 0.0))
    if not rows:

        def conditions(x: Any) -> Any:
            return np.where(fixed, x - bound, given.slope(x))

        return solution(conditions, x, success, text)
    count = x.size

    def system(z: Any) -> Any:
        x, force = z[:count], z[count:]
        slope = grad(lambda x: np.reshape(given.recorded(x), ()) - np.sum(force * bindings(x)))(x)
        return np.concatenate([np.where(fixed, x - bound, slope), bindings(x)])

    return solution(system, np.concatenate([x, multipliers]), success, text)[:count]


@for_each
def minimize_scalar(
    fun: Callable[..., Any],
    bracket: Any = None,
    bounds: Any = None,
    args: Any = (),
    method: Any = None,
    tol: Any = None,
    options: Any = None,
) -> Any:
    """``scipy.optimize.minimize_scalar``, with derivatives of ``sol.x`` and ``sol.fun``.

    With respect to everything in ``args``, to what ``fun`` closes over, and to Variables in ``bounds``
    where the minimum lies at one.
    """
    given = Given(fun, args)
    sol: Any = optimize.minimize_scalar(given.plain, bare(bracket), bare(bounds), (), method, tol, options)
    if not given.moving and not (bounds is not None and any(isinstance(b, Variable) for b in bounds)):
        return sol
    x = float(np.squeeze(sol.x))
    end = None if bounds is None else _pressed_against(given, x, bounds)
    if end is None:
        text = f"minimize_scalar did not converge: {getattr(sol, 'message', '')}"
        sol.x = solution(given.slope, np.float64(x), bool(sol.success), text)
    elif isinstance(end, Variable):
        sol.x = end + (x - bare(end))
    sol.fun = given.recorded(sol.x)
    return sol


def _pressed_against(given: Given, x: float, bounds: Any) -> Any:
    """The bound that the minimum lies at, if Newton's step from ``x`` leads out."""
    low, high = bounds
    slope = float(given.plain_slope(np.float64(x)))
    step = 1e-5 * (abs(x) + 1e-3)
    bend = (float(given.plain_slope(np.float64(x + step))) - slope) / step
    target = x - slope / bend if bend > 0 else (-np.inf if slope > 0 else np.inf)
    if target < bare(low):
        return low
    return high if target > bare(high) else None
