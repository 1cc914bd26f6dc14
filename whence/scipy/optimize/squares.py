"""Least squares: the solution differentiates through the equation that its gradient is zero."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import linalg, optimize

from ...core.variable import Variable
from ...transforms.gradient import grad
from ...transforms.implicit import implicit_root
from ...transforms.matrices import jacobian
from ..beyond import bare, holds_variable, no_gradient
from ..examples import for_each
from ..outer import stacked
from .solved import Given, solution

#: The losses of ``scipy.optimize.least_squares``, of the squared residuals.
_LOSSES: dict[str, Callable[[Any], Any]] = {
    "linear": lambda z: z,
    "soft_l1": lambda z: 2 * (np.sqrt(1 + z) - 1),
    "huber": lambda z: np.where(z <= 1, z, 2 * np.sqrt(np.where(z <= 1, 1.0, z)) - 1),
    "cauchy": lambda z: np.log1p(z),
    "arctan": lambda z: np.arctan(z),
}


@for_each
def least_squares(
    fun: Callable[..., Any],
    x0: Any,
    jac: Any = "2-point",
    bounds: Any = (-np.inf, np.inf),
    method: str = "trf",
    *options: Any,
    loss: Any = "linear",
    f_scale: float = 1.0,
    args: Any = (),
    kwargs: Any = None,
    **keywords: Any,
) -> Any:
    """``scipy.optimize.least_squares``, with derivatives of ``x``, ``fun`` and ``cost``.

    With respect to everything in ``args`` and ``kwargs``, to what ``fun`` closes over, and to Variables
    in ``bounds``. With Variables the Jacobian that SciPy gets is exact (``jac="2-point"``). The derivative
    is the exact one, second derivatives of the residuals included.

    Example:
        >>> import numpy as np, whence
        >>> from whence.scipy.optimize import least_squares
        >>> t = np.array([0.0, 1.0, 2.0])
        >>> fit = lambda y: least_squares(lambda p, y: p[0] + p[1] * t - y, np.zeros(2), args=(y,)).x
        >>> print(np.round(whence.jacobian(fit)(np.array([1.0, 2.0, 2.5]))[1], 6) + 0.0)
        [-0.5  0.   0.5]
    """
    if options:
        names = ("ftol", "xtol", "gtol", "x_scale", "loss", "f_scale")
        keywords |= dict(zip(names, options, strict=False))
        loss, f_scale = keywords.pop("loss", loss), keywords.pop("f_scale", f_scale)
    more = kwargs or {}
    args = args if isinstance(args, tuple) else (args,)
    given = Given(lambda x, args, more: fun(x, *args, **more), (args, more))
    x0 = np.atleast_1d(np.asarray(bare(stacked(x0)), float))
    low, high, plain_bounds = _limits(bounds, x0.size)
    moving = given.depends(x0) or isinstance(low, Variable) or isinstance(high, Variable)
    if callable(jac):
        jac = Given(lambda x, args, more, jac=jac: jac(x, *args, **more), (args, more)).plain
    elif moving and jac == "2-point":
        jac = given.plain_jacobian
    sol = optimize.least_squares(
        given.plain, x0, jac, plain_bounds, method, loss=loss, f_scale=f_scale, **keywords
    )
    if not moving:
        return sol

    own: Any = loss if callable(loss) else None

    def cost(x: Any) -> Any:
        z = (np.reshape(given.recorded(x), (-1,)) / f_scale) ** 2
        rho = own(z)[0] if own is not None else _LOSSES[str(loss)](z)
        return 0.5 * f_scale**2 * np.sum(rho)

    text = f"least_squares did not converge: {sol.message}"
    sol.x = _stationary(cost, sol.x, low, high, sol.status > 0, text)
    sol.fun, sol.cost = given.recorded(sol.x), cost(sol.x)
    return sol


def _limits(bounds: Any, count: int) -> tuple[Any, Any, Any]:
    if isinstance(bounds, optimize.Bounds):
        low, high = bounds.lb, bounds.ub
    else:
        low, high = (stacked(b) for b in bounds)
    plain = (bare(low), bare(high))
    return np.broadcast_to(low, (count,)), np.broadcast_to(high, (count,)), plain


def _stationary(
    cost: Callable[[Any], Any], x: np.ndarray, low: Any, high: Any, success: bool, text: str
) -> Any:
    """Where the gradient of the cost is zero, or a bound holds."""
    slope = np.asarray(bare(grad(cost)(x)))
    near = 1e-6 * (1 + np.abs(x))
    down, up = (x - bare(low) <= near) & (slope > 0), (bare(high) - x <= near) & (slope < 0)
    bound = np.where(down, low, np.where(up, high, 0.0))
    return solution(lambda x: np.where(down | up, x - bound, grad(cost)(x)), x, success, text)


@for_each
def curve_fit(
    f: Callable[..., Any],
    xdata: Any,
    ydata: Any,
    p0: Any = None,
    sigma: Any = None,
    absolute_sigma: bool = False,
    check_finite: Any = None,
    bounds: Any = (-np.inf, np.inf),
    method: Any = None,
    jac: Any = None,
    *,
    full_output: bool = False,
    nan_policy: Any = None,
    **kwargs: Any,
) -> Any:
    """``scipy.optimize.curve_fit``: parameters and their covariance, both with derivatives.

    With respect to ``xdata``, ``ydata``, ``sigma`` (a vector) and what ``f`` closes over.

    Returns:
        ``(popt, pcov)``, and with ``full_output`` SciPy's further three.

    Example:
        >>> import numpy as np, whence
        >>> from whence.scipy.optimize import curve_fit
        >>> t = np.array([0.0, 1.0, 2.0, 3.0])
        >>> slope = lambda y: curve_fit(lambda t, a, b: a + b * t, t, y)[0][1]
        >>> print(np.round(whence.grad(slope)(np.array([1.0, 2.0, 2.5, 4.0])), 6))
        [-0.3 -0.1  0.1  0.3]
    """
    closing = _Model(f, jac)
    plain_bounds = bounds if isinstance(bounds, optimize.Bounds) else tuple(bare(b) for b in bounds)
    found = optimize.curve_fit(
        closing, bare(xdata), bare(stacked(ydata)), bare(p0), bare(stacked(sigma)), absolute_sigma,
        check_finite, plain_bounds, method, closing.jacobian,
        full_output=True, nan_policy=nan_policy, **kwargs,
    )  # fmt: skip
    if closing.moving or holds_variable(xdata, ydata, sigma, bounds):
        if nan_policy is not None:
            raise no_gradient("scipy.optimize.curve_fit(nan_policy=)", "drop the missing points first")
        popt, pcov = _fitted(f, xdata, ydata, sigma, absolute_sigma, bounds, found)
        found = (popt, pcov, *found[2:])
    return found if full_output else found[:2]


class _Model:
    """The model on plain numbers."""

    def __init__(self, f: Callable[..., Any], jac: Any) -> None:
        self.f, self.moving = f, False
        self.__signature__ = inspect.signature(f)  # SciPy counts the parameters
        self.jacobian = (lambda *args: bare(jac(*args))) if callable(jac) else jac

    def __call__(self, *args: Any) -> Any:
        y = self.f(*args)
        self.moving = self.moving or isinstance(y, Variable)
        return bare(y)


def _fitted(
    f: Any, xdata: Any, ydata: Any, sigma: Any, absolute_sigma: bool, bounds: Any, found: Any
) -> tuple[Any, Any]:
    """Parameters and covariance as functions of the data."""
    popt, pcov = found[:2]
    x = xdata if isinstance(xdata, Variable) or not isinstance(xdata, (list, tuple)) else stacked(xdata)
    y = stacked(ydata)
    whiten = _whitening(stacked(sigma), np.size(y))

    def residuals(p: Any) -> Any:
        return whiten(np.reshape(f(x, *p), (-1,)) - y)

    low, high, _ = _limits(bounds, popt.size)
    best = _stationary(lambda p: np.sum(residuals(p) ** 2), popt, low, high, True, "")
    if not np.all(np.isfinite(pcov)):
        return best, pcov
    J = jacobian(residuals)(best)
    information = np.matmul(np.transpose(J), J)
    plain = np.linalg.inv(bare(information))
    inverse = implicit_root(lambda X: np.matmul(information, X) - np.eye(popt.size), plain)
    if absolute_sigma:
        return best, inverse
    return best, inverse * np.sum(residuals(best) ** 2) / (np.size(y) - popt.size)


def _whitening(sigma: Any, count: int) -> Callable[[Any], Any]:
    """What divides residuals by their errors."""
    if sigma is None:
        return lambda r: r
    if np.size(sigma) == 1 or np.shape(sigma) == (count,):
        return lambda r: r / sigma
    if isinstance(sigma, Variable):
        raise no_gradient(
            "scipy.optimize.curve_fit with a covariance matrix that is a Variable", "sigma as a vector"
        )
    inverse = linalg.solve_triangular(np.linalg.cholesky(sigma), np.eye(count), lower=True)
    return lambda r: np.matmul(inverse, r)


@for_each
def nnls(A: Any, b: Any, **options: Any) -> Any:
    """``scipy.optimize.nnls``: ``argmin |A x - b|`` over ``x >= 0`` and its residual norm, with derivatives.

    With respect to ``A`` and ``b``; components that are zero stay zero.
    """
    x, norm = optimize.nnls(bare(A), bare(b), **options)
    if not holds_variable(A, b):
        return x, norm
    free = x > 0

    def conditions(x: Any) -> Any:
        return np.where(free, np.matmul(np.transpose(A), np.matmul(A, x) - np.reshape(b, (-1,))), x)

    x = implicit_root(conditions, x)
    rest = np.matmul(A, x) - np.reshape(b, (-1,))
    return x, np.linalg.norm(rest)


@for_each
def lsq_linear(A: Any, b: Any, bounds: Any = (-np.inf, np.inf), *options: Any, **keywords: Any) -> Any:
    """``scipy.optimize.lsq_linear``: least squares within bounds; ``x``, ``fun``, ``cost`` differentiate."""
    low, high, plain_bounds = _limits(bounds, np.shape(bare(A))[1])
    sol = optimize.lsq_linear(bare(A), bare(b), plain_bounds, *options, **keywords)
    if not holds_variable(A, b, low, high):
        return sol

    def cost(x: Any) -> Any:
        return 0.5 * np.sum((np.matmul(A, x) - b) ** 2)

    sol.x = _stationary(cost, sol.x, low, high, bool(sol.success), f"lsq_linear: {sol.message}")
    sol.fun, sol.cost = np.matmul(A, sol.x) - b, cost(sol.x)
    return sol


def linear_sum_assignment(cost_matrix: Any, maximize: bool = False) -> Any:
    """``scipy.optimize.linear_sum_assignment``: indices, for which a Variable's values are read.

    ``np.sum(cost[rows, columns])`` of a Variable differentiates.
    """
    return optimize.linear_sum_assignment(bare(cost_matrix), maximize)
