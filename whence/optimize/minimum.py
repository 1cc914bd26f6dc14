"""minimize: scipy.optimize.minimize with exact derivatives, on containers."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize
from scipy.optimize import LinearConstraint, NonlinearConstraint

from ..core.origin import called_at
from ..core.variable import Variable
from ..errors import GraphError, WhenceError
from ..transforms.gradient import grad
from ..transforms.implicit import implicit_root
from ..tree import flatten, map_tree
from .fit import Fit
from .problem import Scalar, Vector, check_start
from .space import Space

#: What each method uses besides values.
_USES = {
    "nelder-mead": "", "powell": "", "cobyla": "", "cobyqa": "",
    "cg": "gradient", "bfgs": "gradient", "l-bfgs-b": "gradient", "tnc": "gradient", "slsqp": "gradient",
    "newton-cg": "hessp", "trust-ncg": "hessp", "trust-krylov": "hessp", "trust-constr": "hessp",
    "dogleg": "hess", "trust-exact": "hess",
}  # fmt: skip


def minimize(
    f: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    method: str | None = None,
    bounds: Any = None,
    constraints: Any = (),
    tol: float | None = None,
    callback: Callable[..., Any] | None = None,
    options: dict[str, Any] | None = None,
) -> Fit:
    """The ``x`` where ``f(x, *args)`` is least, near ``x0``: SciPy's methods with exact derivatives.

    Gradients, products with the Hessian, or the Hessian are given to the method that uses them; the
    gradient is swept only where it is asked for, and then on the graph that the value has left.

    Args:
        f: a function of an array, or a container of arrays, that returns one real number.
        x0: where to start: an array or a container. Computed in float64.
        args: further arguments of ``f``.
        method: SciPy's name; None chooses as SciPy does: BFGS, L-BFGS-B with bounds, SLSQP with constraints.
        bounds: SciPy's forms; for a container the same container with a pair ``(lower, upper)`` at the
            place of each leaf (numbers, arrays or None). Of a dict keys may be left out.
        constraints: SciPy's forms (dicts, NonlinearConstraint, LinearConstraint, or a list of them), their
            functions taking the container; their Jacobians and Hessians are exact.
        tol, options: as in SciPy.
        callback: called after each iteration with the container, or with ``intermediate_result=`` whose
            ``x`` is one.

    Returns:
        A :class:`Fit`: ``x``, ``fun``, ``jac``, ``hess``, ``covariance``, ``standard_errors``,
        ``propagate`` and SciPy's fields. Where ``args`` hold Variables, ``x`` depends on them by the
        implicit function theorem (without bounds and constraints).

    Raises:
        NonFiniteError: ``x0``, or ``f`` or its gradient there, is not finite. ShapeError: ``f`` returns
            more than a number; bounds that do not fit. WhenceError: an unknown method.

    Example:
        >>> import numpy as np, whence
        >>> t = np.array([0.5, 1.0, 3.0, 1.5])
        >>> def nll(p):                                              # exponential waiting times
        ...     return -np.sum(p["log_rate"] - np.exp(p["log_rate"]) * t)
        >>> fit = whence.optimize.minimize(nll, {"log_rate": 0.0})
        >>> print(round(fit.x["log_rate"], 3), round(fit.standard_errors["log_rate"], 3))
        -0.405 0.5
    """
    space = Space(x0, "minimize")
    plain = map_tree(_bare, args if isinstance(args, tuple) else (args,))
    problem = Scalar(f, space, plain, "minimize")
    uses = _USES.get((method or "bfgs").lower())
    if uses is None:
        raise WhenceError(f"minimize has no method {method!r}{called_at()}\n  → one of {', '.join(_USES)}")
    check_start(problem, bool(uses))
    limits = space.bounds(bounds, "minimize")
    jac = problem.jac if uses else None
    result = scipy.optimize.minimize(
        problem.fun if uses else problem.plain,
        space.start,
        method=method,
        jac=jac,
        hess=problem.hess if uses == "hess" else None,
        hessp=problem.hessp if uses == "hessp" else None,
        bounds=limits,
        constraints=_constraints(constraints, space),
        tol=tol,
        callback=None if callback is None else _callback(callback, space),
        options=options,
    )
    vector = np.array(result.x, np.float64)
    fields = {key: value for key, value in result.items() if key not in ("hess", "hess_inv")}
    fields |= {"x": space.tree(vector), "fun": result.fun}
    if uses:
        fields["jac"] = space.tree(problem.jac(vector))
    if any(isinstance(leaf, Variable) for leaf in flatten(args)[0]):
        if limits is not None or constraints:
            raise GraphError(
                f"minimize with bounds or constraints is not differentiable in its args{called_at()}\n"
                "  → pass v.data for constants, or solve the optimality conditions with whence.root_of"
            )
        slope = grad(f)
        fields["x"] = implicit_root(lambda x: slope(x, *args), fields["x"])
    return Fit(fields, problem, vector)


def _bare(x: Any) -> Any:
    return x._data if isinstance(x, Variable) else x


def _callback(callback: Callable[..., Any], space: Space) -> Callable[..., Any]:
    """The user's callback, which is to see containers; SciPy goes by the name of its parameter."""
    if list(inspect.signature(callback).parameters) == ["intermediate_result"]:

        def with_result(intermediate_result: Any) -> Any:
            shown = type(intermediate_result)({**intermediate_result, "x": space.tree(intermediate_result.x)})
            return callback(intermediate_result=shown)

        return with_result

    def with_x(xk: Any, *state: Any) -> Any:
        return callback(space.tree(xk), *state)

    return with_x


def _constraints(constraints: Any, space: Space) -> Any:
    """Constraints on the vector, with exact derivatives where the user has given none."""
    single = isinstance(constraints, (dict, NonlinearConstraint, LinearConstraint))
    converted = [_constraint(c, space) for c in ([constraints] if single else constraints)]
    return converted[0] if single else converted


def _constraint(constraint: Any, space: Space) -> Any:
    if isinstance(constraint, LinearConstraint):
        return constraint
    if isinstance(constraint, dict):
        args = tuple(constraint.get("args", ()))
        inner = Vector(_as_container(constraint["fun"]), space, args, "a constraint")
        return {"type": constraint["type"], "fun": inner.fun, "jac": inner.jac}
    if not isinstance(constraint, NonlinearConstraint):
        raise WhenceError(
            f"minimize: a constraint is a dict, a NonlinearConstraint or a LinearConstraint, not a "
            f"{type(constraint).__name__}{called_at()}"
        )
    inner: Any = Vector(_as_container(constraint.fun), space, (), "a constraint")
    jac: Any = inner.jac

    def hess(x: np.ndarray, v: np.ndarray) -> np.ndarray:
        def weighted(tree: Any) -> Any:
            leaves = flatten(constraint.fun(tree))[0]
            parts = np.split(v, np.cumsum([np.size(leaf) for leaf in leaves])[:-1])
            pairs = zip(leaves, parts, strict=True)
            return sum(np.sum(leaf * part.reshape(np.shape(leaf))) for leaf, part in pairs)

        return Scalar(weighted, space, (), "a constraint").hess(x)

    return NonlinearConstraint(inner.fun, constraint.lb, constraint.ub, jac, hess, constraint.keep_feasible)


def _as_container(f: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(f)
    def joined(*args: Any) -> Any:
        out = f(*args)
        return tuple(out) if isinstance(out, (tuple, list)) else out

    return joined
