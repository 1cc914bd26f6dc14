"""Which steps to record: a run on plain numbers that watches the sensitivities too."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy.integrate import DOP853, Radau

from ...config import no_grad
from ...core.origin import called_at
from ...core.variable import Variable
from ...errors import GraphError, ShapeError
from ...transforms.matrices import jacobian
from ...tree import map_tree
from ..beyond import bare
from ..outer import stacked
from .steps import Explicit, Implicit, Path

LOOSEST = 1e-6  # relative tolerance of the recorded steps, where the call has a looser one
WATCHED = 1e-6  # relative tolerance for the sensitivity, which is a finite difference


def field_of(fun: Callable[..., Any], args: tuple[Any, ...], like: Any) -> Callable[[Any, Any], Any]:
    """``f(t, y)``, recorded, as one vector of the length of ``y``."""
    shape = (like.size,)

    def field(t: Any, y: Any) -> Any:
        slope = stacked(fun(t, y, *args))
        slope = slope if isinstance(slope, Variable) else np.asarray(slope)
        if slope.shape != shape:
            if slope.size != like.size:
                raise ShapeError(
                    f"the function returned shape {slope.shape} for a state of shape {shape}{called_at()}"
                )
            slope = np.reshape(slope, shape)
        return slope

    return field


def record(
    fun: Callable[..., Any],
    span: tuple[float, float],
    y0: Any,
    args: tuple[Any, ...],
    stiff: bool,
    budget: float,
    rtol: Any,
    atol: Any,
    max_step: float = np.inf,
) -> Path:
    """The solution over ``span`` as recorded steps.

    Args:
        fun: ``fun(t, y, *args)``.
        stiff: take implicit steps.
        budget: calls of ``fun`` after which explicit steps are given up for implicit ones.
        max_step: as the call has it.
    """
    field = field_of(fun, args, bare(y0))
    plain_field = field_of(fun, bare(args), bare(y0))

    def plain(t: float, y: np.ndarray) -> np.ndarray:
        with no_grad():
            return bare(plain_field(t, y))

    def slopes(t: float, y: np.ndarray) -> np.ndarray:
        with no_grad():
            matrix = jacobian(lambda y: _dependent(plain_field(t, y), y))(y)
        return np.asarray(bare(matrix))

    watched = _with_sensitivity(fun, args, plain, bare(y0))
    y = bare(y0)
    if span[0] == span[1]:
        return Path(field, Explicit(), np.array([span[0]]), y0)
    rtol = np.minimum(bare(rtol), LOOSEST)
    tolerances = _tolerances(rtol, bare(atol), y.size)
    rng = np.random.default_rng(0)
    start = np.concatenate(
        [y, (rng.choice([-1.0, 1.0], y.size) * rng.uniform(0.5, 1, y.size)).astype(y.dtype)]
    )
    if not stiff:
        solver = DOP853(watched, span[0], start, span[1], max_step, *tolerances)
        times = _times(solver, budget)
        if times is not None:
            return Path(field, Explicit(), times, y0)

    def both(t: float, z: np.ndarray) -> np.ndarray:
        return np.kron(np.eye(2), slopes(t, z[: y.size]))

    if y.dtype.kind == "c":
        raise GraphError(f"a stiff complex system{called_at()}\n  → write it in real and imaginary parts")
    narrow = max(float(np.min(rtol)), WATCHED * 1e-3)  # SciPy's Radau takes one number
    solver = Radau(watched, span[0], start, span[1], max_step, narrow, tolerances[1], jac=both)
    times = _times(solver, np.inf)
    assert times is not None
    return Path(field, Implicit(slopes, plain), times, y0)


def _dependent(slope: Any, y: Any) -> Any:
    return slope if isinstance(slope, Variable) else slope + 0 * y


def _tolerances(rtol: Any, atol: Any, n: int) -> tuple[Any, Any]:
    """Of state and sensitivity together."""
    rtol, atol = np.broadcast_to(rtol, (n,)), np.broadcast_to(atol, (n,))
    watched = np.maximum(rtol, WATCHED)
    return np.concatenate([rtol, watched]), np.concatenate([atol, watched])


def _times(solver: Any, budget: float) -> np.ndarray | None:
    """The times that a solver steps to; None if it takes more than ``budget`` calls."""
    times = [solver.t]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        while solver.status == "running":
            message = solver.step()
            if solver.status == "failed":
                if budget < np.inf:
                    return None
                raise GraphError(f"the steps to differentiate were not found: {message}{called_at()}")
            times.append(solver.t)
            if solver.nfev > budget:
                return None
    return np.array(times)


def _with_sensitivity(
    fun: Callable[..., Any], args: tuple[Any, ...], plain: Callable[..., Any], y0: np.ndarray
) -> Callable[[float, np.ndarray], np.ndarray]:
    """The system with its derivative in one direction, by a difference quotient.

    A state at rest allows steps of any size, though what is asked for, its derivative, moves.
    """
    n = y0.size
    eps = np.sqrt(np.finfo(float).eps)

    def shifted(x: Any, size: float) -> Any:
        value = bare(x)
        if not isinstance(x, Variable) or value.dtype.kind not in "fc":
            return value
        signs = np.where(np.random.default_rng(value.size).uniform(size=value.shape) < 0.5, -1.0, 1.0)
        return value + size * signs * (np.abs(value) + (value == 0))

    def watched(t: float, z: np.ndarray) -> np.ndarray:
        y, s = z[:n], z[n:]
        size = eps * (1 + np.max(np.abs(y), initial=0)) / max(np.max(np.abs(s), initial=0), 1e-12)
        slope = plain(t, y)
        moved = map_tree(lambda x: shifted(x, size), args)
        with no_grad():
            other = np.asarray(bare(stacked(fun(t, y + size * s, *moved)))).reshape(n)
        return np.concatenate([slope, (other - slope) / size])

    return watched
