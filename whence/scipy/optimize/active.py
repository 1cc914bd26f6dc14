"""Bounds and constraints in SciPy's forms, and which of them hold a minimum."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import optimize

from ...config import no_grad
from ...core.variable import Variable
from ...transforms.matrices import jacobian
from ..beyond import bare
from ..outer import stacked
from .solved import Given

NEAR = 1e-5  # relative distance within which a constraint may hold a minimum


def bounds_of(bounds: Any, count: int) -> tuple[tuple[Any, Any], Any]:
    """Lower and upper bounds (with their Variables), and the plain form for SciPy."""
    if bounds is None:
        return (np.full(count, -np.inf), np.full(count, np.inf)), None
    if isinstance(bounds, optimize.Bounds):
        low, high = bounds.lb, bounds.ub
        plain: Any = bounds
    else:
        pairs = [(-np.inf if low is None else low, np.inf if high is None else high) for low, high in bounds]
        low, high = (stacked([pair[i] for pair in pairs]) for i in (0, 1))
        plain = [(float(a), float(b)) for a, b in zip(bare(low), bare(high), strict=True)]
    return (np.broadcast_to(low, (count,)), np.broadcast_to(high, (count,))), plain


class Constraint:
    """One of SciPy's constraints: ``low <= f(x) <= high``."""

    def __init__(self, f: Callable[[Any], Any], low: Any, high: Any) -> None:
        self.f, self.low, self.high = f, low, high

    def moving(self, x: np.ndarray) -> bool:
        """Does it depend on a Variable?"""
        with no_grad():
            value = stacked(self.f(x))
        return any(isinstance(part, Variable) for part in (value, self.low, self.high))

    def active(self, x: np.ndarray) -> list[Callable[[Any], Any]]:
        """Functions that are zero at ``x``, positive on the allowed side; equations first."""
        with no_grad():
            value = np.ravel(bare(stacked(self.f(x))))
        low, high = (
            np.broadcast_to(bare(self.low), value.shape),
            np.broadcast_to(bare(self.high), value.shape),
        )
        near = NEAR * (1 + np.abs(value))
        rows = []
        for i in range(value.size):
            if low[i] == high[i]:
                rows.append(_Row(self.f, self.low, i, 1.0, True))
            elif value[i] - low[i] <= near[i]:
                rows.append(_Row(self.f, self.low, i, 1.0, False))
            elif high[i] - value[i] <= near[i]:
                rows.append(_Row(self.f, self.high, i, -1.0, False))
        return rows


class _Row:
    """One component of a constraint, as an equation."""

    def __init__(self, f: Callable[[Any], Any], limit: Any, i: int, sign: float, equal: bool) -> None:
        self.f, self.limit, self.i, self.sign, self.equal = f, limit, i, sign, equal

    def __call__(self, x: Any) -> Any:
        value = np.reshape(stacked(self.f(x)), (-1,))
        limit = np.reshape(np.broadcast_to(self.limit, np.shape(value)), (-1,))
        return self.sign * (value[self.i] - limit[self.i])


def constraints_of(constraints: Any) -> tuple[list[Constraint], Any]:
    """Constraints with their Variables, and the plain form for SciPy."""
    several = isinstance(constraints, (list, tuple))
    rules, plain = [], []
    for given in constraints if several else [constraints]:
        if isinstance(given, dict):
            f = Given(given["fun"], given.get("args", ()))
            high = 0.0 if given["type"].lower() == "eq" else np.inf
            rules.append(Constraint(f.recorded, 0.0, high))
            slope = given.get("jac")
            jac = Given(slope, given.get("args", ())).plain if callable(slope) else slope
            plain.append({"type": given["type"], "fun": f.plain, **({} if jac is None else {"jac": jac})})
        elif isinstance(given, optimize.LinearConstraint):
            rules.append(Constraint(lambda x, A=given.A: np.matmul(A, x), given.lb, given.ub))
            plain.append(given)
        else:
            f = Given(given.fun, ())
            rules.append(Constraint(f.recorded, given.lb, given.ub))
            plain.append(
                optimize.NonlinearConstraint(
                    f.plain, bare(given.lb), bare(given.ub), given.jac, given.hess, given.keep_feasible
                )
            )
    if not several:
        return rules, plain[0]
    return rules, type(constraints)(plain)


def held(
    rows: list[Any], x: np.ndarray, slope: np.ndarray, at_bound: np.ndarray
) -> tuple[list[Any], np.ndarray, np.ndarray]:
    """The rows that hold the minimum, their multipliers, and the slope that is left for the bounds."""
    while rows:
        with no_grad():
            normals = np.stack([np.asarray(bare(jacobian(_linked(row))(x))) for row in rows])
        free = ~at_bound if np.any(~at_bound) else np.ones(x.size, bool)
        forces = np.linalg.lstsq(normals[:, free].T, slope[free], rcond=None)[0]
        tiny = 1e-7 * (1 + np.abs(slope).max(initial=0))
        loose = [k for k, row in enumerate(rows) if not row.equal and forces[k] <= tiny]
        if not loose:
            return rows, forces, slope - forces @ normals
        worst = min(loose, key=lambda k: forces[k])
        rows = [row for k, row in enumerate(rows) if k != worst]
    return [], np.zeros(0), slope


def _linked(row: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda x: row(x) + 0 * np.sum(x)
