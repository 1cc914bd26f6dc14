"""least_squares and root: SciPy's solvers for several equations, with exact Jacobians."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.optimize

from ..core.origin import called_at
from ..core.variable import Variable
from ..errors import GraphError, ShapeError
from ..transforms.implicit import implicit_root
from ..transforms.sparse import SparseJacobian
from ..tree import flatten, map_tree
from .fit import Fit
from .problem import Vector, check_start
from .space import Space


def least_squares(
    residuals: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    bounds: Any = None,
    method: str | None = None,
    loss: Any = "linear",
    sparse: bool = False,
    absolute_sigma: bool = False,
    **options: Any,
) -> Fit:
    """The ``x`` where ``Σ r(x)²`` is least: scipy.optimize.least_squares with the exact Jacobian.

    Args:
        residuals: ``r(x, *args)``: of an array or a container, to an array or a container of arrays.
        x0: where to start: an array or a container.
        args: further arguments of ``residuals``.
        bounds: as in :func:`minimize`, or SciPy's ``(lower, upper)``.
        method: ``"trf"``, ``"dogbox"`` or ``"lm"``; None: ``"trf"`` with bounds, a loss or a sparse
            Jacobian, else ``"lm"`` where there are as many residuals as parameters.
        loss: as in SciPy.
        sparse: compute the Jacobian by :func:`whence.sparse_jacobian` and solve with it sparse.
        absolute_sigma: the residuals are in units of their known standard deviations, so the covariance
            is ``(JᵀJ)⁻¹``; else it is scaled by ``Σ r² / (m - n)``.
        options: SciPy's further keywords (``ftol``, ``x_scale``, ``max_nfev`` ...).

    Returns:
        A :class:`Fit`; ``fun`` are the residuals in one vector, ``jac`` is the matrix, ``(m, n)``.

    Raises:
        NonFiniteError: ``x0``, or the residuals or their derivatives there, are not finite.

    Example:
        >>> import numpy as np, whence
        >>> t = np.array([0.0, 1.0, 2.0, 3.0])
        >>> y = np.array([2.0, 1.2, 0.75, 0.44])
        >>> fit = whence.optimize.least_squares(lambda p: p["a"] * np.exp(-p["k"] * t) - y,
        ...                                     {"a": 1.0, "k": 1.0})
        >>> print(round(fit.x["k"], 2), fit.jac.shape)
        0.5 (4, 2)
    """
    space = Space(x0, "least_squares")
    problem = _vector_problem(residuals, space, args, "least_squares")
    if sparse:
        problem.sparse = SparseJacobian(residuals)
    check_start(problem, True)
    limits = _limits(bounds, space)
    m, n = problem.value.size, space.size
    if method is None:
        plain = limits is None and loss == "linear" and not sparse
        method = "lm" if plain and m >= n else "trf"
    if method == "lm" and m < n:
        raise ShapeError(
            f"least_squares: {m} residuals for {n} parameters, too few for method='lm'{called_at()}\n"
            "  → method='trf'"
        )
    if limits is not None:
        options["bounds"] = limits
    jac: Any = problem.jac
    result = scipy.optimize.least_squares(
        problem.fun, space.start, jac=jac, method=method, loss=loss, **options
    )
    vector = np.array(result.x, np.float64)
    scale = 1.0 if absolute_sigma else np.sum(problem.fun(vector) ** 2) / (m - n) if m > n else np.nan
    return Fit({**result, "x": space.tree(vector)}, problem, vector, float(scale))


def root(
    equations: Callable[..., Any],
    x0: Any,
    args: tuple[Any, ...] = (),
    method: str = "hybr",
    tol: float | None = None,
    options: dict[str, Any] | None = None,
) -> Fit:
    """The ``x`` where ``equations(x, *args) = 0``, near ``x0``: scipy.optimize.root with the exact Jacobian.

    Args:
        equations: of an array or a container, to as many results (an array or a container).
        x0: where to start: an array or a container.
        args: further arguments of ``equations``.
        method: ``"hybr"`` or ``"lm"``, which use the Jacobian, or another of SciPy's.
        tol, options: as in SciPy.

    Returns:
        A :class:`Fit`. Where ``args`` hold Variables, ``x`` depends on them by the implicit function
        theorem.

    Example:
        >>> import numpy as np, whence
        >>> fit = whence.optimize.root(lambda p: (p["x"] ** 2 - 2, p["x"] * p["y"] - 1), {"x": 1.0, "y": 1.0})
        >>> print(round(fit.x["x"], 8), round(fit.x["y"], 8))
        1.41421356 0.70710678
    """
    space = Space(x0, "root")
    problem = _vector_problem(equations, space, args, "root")
    check_start(problem, method in ("hybr", "lm"))
    if problem.value.size != space.size:
        raise ShapeError(
            f"root: {problem.value.size} equations for {space.size} unknowns{called_at()}\n"
            "  → as many of one as of the other, or whence.optimize.least_squares"
        )
    jac = problem.jac if method in ("hybr", "lm") else None
    result = scipy.optimize.root(problem.fun, space.start, method=method, jac=jac, tol=tol, options=options)
    vector = np.array(result.x, np.float64)
    fields: dict[str, Any] = {**result, "x": space.tree(vector), "jac": problem.jac(vector)}
    if any(isinstance(leaf, Variable) for leaf in flatten(args)[0]):
        fields["x"] = implicit_root(lambda x: equations(x, *args), fields["x"])
    return Fit(fields, problem, vector)


def _vector_problem(f: Callable[..., Any], space: Space, args: Any, name: str) -> Vector:
    args = args if isinstance(args, tuple) else (args,)
    if name == "least_squares" and any(isinstance(leaf, Variable) for leaf in flatten(args)[0]):
        raise GraphError(
            f"least_squares is not differentiable in its args{called_at()}\n"
            "  → pass v.data for constants, or whence.optimize.minimize of the sum of squares"
        )
    return Vector(f, space, map_tree(lambda x: x._data if isinstance(x, Variable) else x, args), name)


def _limits(bounds: Any, space: Space) -> Any:
    """Bounds for least_squares: SciPy writes them (lower, upper) for the whole vector."""
    if bounds is None:
        return None
    if space.single and isinstance(bounds, (tuple, list)) and len(bounds) == 2:
        low, high = (np.broadcast_to(np.asarray(b, np.float64), (space.size,)) for b in bounds)
        limits: Any = scipy.optimize.Bounds(low, high)  # type: ignore[arg-type]
    else:
        limits = space.bounds(bounds, "least_squares")
    return limits if np.any(np.isfinite(limits.lb)) or np.any(np.isfinite(limits.ub)) else None
