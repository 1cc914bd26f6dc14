"""What a fit gives: the solution as the container that it started from, and its uncertainty."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from scipy.optimize import OptimizeResult

from ..core.origin import called_at
from ..errors import ShapeError, SingularError
from .problem import Problem, Vector
from .space import Space


class Propagated:
    """A value and its standard error, which it unpacks to: ``value, error = propagate(...)``.

    Attributes:
        value: the value.
        error: its standard error, of the same structure.
    """

    def __init__(self, value: Any, error: Any, jacobian: np.ndarray, covariance: np.ndarray) -> None:
        self.value, self.error = value, error
        self._jacobian, self._covariance = jacobian, covariance

    @property
    def covariance(self) -> np.ndarray:
        """The covariance of all elements of the value, ``J C Jᵀ``, ``(m, m)``."""
        return self._jacobian @ self._covariance @ self._jacobian.T

    def __iter__(self) -> Iterator[Any]:
        return iter((self.value, self.error))

    def __repr__(self) -> str:
        return f"Propagated(value={self.value!r}, error={self.error!r})"


class Fit(OptimizeResult):
    """SciPy's result, with ``x`` and ``jac`` as containers, and what follows from derivatives.

    Attributes:
        x: the solution, of the structure of ``x0``.
        fun: the value there.
        jac: the gradient there, of the structure of ``x0`` (of ``least_squares``: the matrix).
        success, status, message, nfev, nit ...: SciPy's.
    """

    def __init__(self, result: Any, problem: Problem, vector: np.ndarray, scale: float | None = None) -> None:
        super().__init__(result)
        for name, value in (("_problem", problem), ("_vector", vector), ("_scale", scale), ("_known", {})):
            object.__setattr__(self, name, value)

    def _once(self, name: str, compute: Callable[[], Any]) -> Any:
        known: dict[str, Any] = object.__getattribute__(self, "_known")
        if name not in known:
            known[name] = compute()
        return known[name]

    @property
    def _space(self) -> Space:
        return object.__getattribute__(self, "_problem").space

    @property
    def hess(self) -> np.ndarray:
        """The exact Hessian at ``x``, ``(n, n)`` in the order of ``whence.tree.flatten``.

        Of a sum of squares: ``JᵀJ``, that of half the sum without the curvature of the residuals.
        """
        problem, x = object.__getattribute__(self, "_problem"), object.__getattribute__(self, "_vector")
        if isinstance(problem, Vector):
            return self._once("hess", lambda: _dense(problem.jac(x).T @ problem.jac(x)))
        return self._once("hess", lambda: problem.hess(x))

    @property
    def covariance(self) -> np.ndarray:
        """The covariance of the parameters, ``(n, n)``.

        For a minus log-likelihood the inverse of the Hessian, the observed information (Efron and
        Hinkley, *Assessing the accuracy of the maximum likelihood estimator*, 1978). For least squares
        ``s² (JᵀJ)⁻¹`` with ``s² = Σ r² / (m - n)``. Parameters on a bound count as free.

        Raises:
            SingularError: the Hessian is not positive definite: no minimum, or one that leaves a
                direction open.
        """
        scale = object.__getattribute__(self, "_scale")
        return self._once("covariance", lambda: _inverse(self.hess) * (1.0 if scale is None else scale))

    @property
    def standard_errors(self) -> Any:
        """The square roots of the variances, of the structure of ``x``."""
        return self._space.tree(np.sqrt(np.diag(self.covariance)))

    def propagate(self, f: Callable[[Any], Any]) -> Propagated:
        """``f(x)`` with its error; see :func:`propagate`."""
        return propagate(f, self.x, self.covariance)


def _dense(matrix: Any) -> np.ndarray:
    return matrix.toarray() if hasattr(matrix, "toarray") else np.asarray(matrix)


def _inverse(H: np.ndarray) -> np.ndarray:
    size = np.sqrt(np.abs(np.diag(H)))
    size[size == 0] = 1.0
    values, vectors = np.linalg.eigh(H / np.outer(size, size))
    if not values[0] > values[-1] * len(H) * np.finfo(float).eps:
        direction = np.round(vectors[:, 0], 3)
        raise SingularError(
            "the Hessian is not positive definite at the solution: its smallest eigenvalue is "
            f"{values[0]:.3g} of {values[-1]:.3g} (in units of its diagonal), along {direction}"
            f"{called_at()}\n"
            "  → a parameter that the data do not determine, or no minimum: see fit.success, fit.hess"
        )
    scaled = vectors / size[:, None]
    return (scaled / values) @ scaled.T


def propagate(f: Callable[[Any], Any], x: Any, covariance: Any) -> Propagated:
    """``f(x)`` with the error that it inherits from ``x``, to first order (the delta method).

    ``C_y = J C Jᵀ`` (Gauss; e.g. JCGM 100:2008, *Guide to the expression of uncertainty in measurement*,
    section 5.2).

    Args:
        f: a function of ``x``: plain NumPy, to an array or a container of arrays.
        x: the mean, an array or a container.
        covariance: ``(n, n)`` for the n elements of ``x`` in the order of ``whence.tree.flatten``; or
            ``(n,)``, the variances of independent elements.

    Returns:
        A :class:`Propagated`: ``value, error = propagate(...)``, and ``.covariance``, ``(m, m)``.

    Raises:
        ShapeError: ``covariance`` does not fit ``x``.

    Example:
        >>> import whence
        >>> area = whence.optimize.propagate(lambda p: p["a"] * p["b"], {"a": 2.0, "b": 3.0}, [0.01, 0.04])
        >>> print(area.value, area.error)                            # sqrt(0.01 * 9 + 0.04 * 4)
        6.0 0.5
    """
    problem = Vector(f, Space(x, "propagate"), (), "propagate")
    J = problem.jac(problem.space.start)
    n = J.shape[1]
    C = np.asarray(covariance, np.float64)
    if C.shape not in ((n,), (n, n)) and C.ndim:
        raise ShapeError(
            f"propagate: a covariance of shape {C.shape} for {n} elements{called_at()}\n"
            f"  → ({n}, {n}), or ({n},) for independent ones"
        )
    C = C if C.ndim == 2 else np.diag(np.broadcast_to(C, n))
    error = np.sqrt(np.einsum("ij,jk,ik->i", J, C, J, optimize=True).clip(0))
    return Propagated(problem.result(problem.value), problem.result(error), J, C)
