"""What distributions of several variables share: parameters, quadratic forms, frozen ones."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import stats

from ...ops.declare import frozen
from .continuous import double
from .rules import FROZEN, MULTIVARIATE


class FrozenVariables:
    """A frozen distribution of several variables, whose parameters are Variables.

    SciPy's own computes with plain arrays when it is made; this one keeps the parameters (they are
    its attributes, as there) and hands them to the distribution's methods.
    """

    def __init__(self, dist: Any, parameters: dict[str, Any]) -> None:
        self.dist, self.parameters = dist, parameters

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_") or name in ("dist", "parameters"):
            raise AttributeError(name)
        if name in self.parameters:
            return self.parameters[name]
        method = getattr(self.dist, name)
        taken = inspect.signature(method).parameters
        held = {key: value for key, value in self.parameters.items() if key in taken}
        return lambda *args, **keywords: method(*args, **(held | keywords))


def _frozen_variables(dist: Any, *args: Any, **keywords: Any) -> FrozenVariables:
    call = inspect.signature(dist.__call__)
    given = call.bind(*args, **keywords)
    dist(*[bare(x) for x in args], **{key: bare(x) for key, x in keywords.items()})  # SciPy's checks
    given.apply_defaults()
    return FrozenVariables(dist, dict(given.arguments))


def declare_several(example: Any, *names: str, **methods: Callable[..., Any]) -> None:
    """Enter the methods of the distribution that ``example``, a frozen one with parameters ``names``, has."""
    dist = getattr(stats, type(example).__name__.removesuffix("_frozen"))
    FROZEN[type(example)] = (dist, names)
    for name, method in methods.items():
        MULTIVARIATE[type(dist), name] = method
    MULTIVARIATE[type(dist), "__call__"] = _frozen_variables


def exp_of(log_method: Callable[..., Any]) -> Callable[..., Any]:
    """The density whose logarithm is known."""
    return lambda *args, **keywords: np.exp(log_method(*args, **keywords))


def bare(x: Any) -> Any:
    """The value of a Variable, a number where it has no axes: SciPy wants degrees of freedom so."""
    x = frozen(x)
    return x[()] if isinstance(x, np.ndarray) else x


def vector(x: Any, length: int) -> Any:
    """A location: a vector, also where a number is given for one variable; None is the origin."""
    return np.zeros(length) if x is None else np.reshape(double(x), (length,))


def matrix(x: Any, length: int) -> Any:
    """A scale matrix: given as one, or as its diagonal, or as a multiple of the identity."""
    x = double(x)
    if length == 1:
        return np.reshape(x, (1, 1))
    if np.ndim(x) == 0:
        return x * np.eye(length)
    return np.diag(x) if np.ndim(x) == 1 else x


def symmetric(x: Any) -> Any:
    """The mean of a matrix and its transpose, so that gradients of symmetric matrices are symmetric."""
    return 0.5 * (x + np.swapaxes(x, -1, -2))


def log_determinant(x: Any) -> Any:
    """The logarithm of the determinant of positive definite matrices."""
    return np.linalg.slogdet(x)[1]


def quadratic_form(a: Any, x: Any) -> Any:
    """``x' inv(a) x`` along the last axis of ``x: (..., d)``."""
    rows = np.reshape(x, (-1, np.shape(x)[-1]))  # (n, d)
    solved = np.linalg.solve(a, np.transpose(rows))  # (d, n)
    return np.reshape(np.sum(rows * np.transpose(solved), axis=-1), np.shape(x)[:-1])


def columns(x: Any, length: int) -> Any:
    """Points with the components along the last axis: a number or, for one variable, a list is one too."""
    x = double(x)
    if np.ndim(x) == 0 or (np.ndim(x) == 1 and length == 1):
        return np.reshape(x, (-1, 1))
    return x
