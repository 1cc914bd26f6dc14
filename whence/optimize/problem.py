"""Functions as SciPy's solvers ask for them: of a vector, value and derivatives at one point together.

A point is recorded once: the value is computed when it is asked for, and the derivatives sweep the graph
that it has left, if they are asked for at all.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..core.variable import Variable
from ..errors import DtypeError, GraphError, NonFiniteError, ShapeError
from ..transforms.forward import push_forward
from ..transforms.gradient import pull_back
from ..transforms.lift import Lifted, lift, recording
from ..transforms.matrices import columns_of, hessian, rows_of
from ..transforms.sparse import SparseJacobian, recorded_gradient
from ..tree import flatten
from .space import Space


class Problem:
    """A function of containers, seen as one of vectors, with the graph at the latest point."""

    def __init__(self, f: Callable[..., Any], space: Space, args: tuple[Any, ...], name: str) -> None:
        self.f, self.space, self.args, self.name = f, space, args, name
        self.x: np.ndarray | None = None
        self.lifted: Any = None
        self.ys: list[Any] = []
        self.value: Any = None
        self.first: Any = None  # the gradient or Jacobian, once it is known
        self.second: list[Variable] | None = None  # the recorded gradient

    def at(self, x: np.ndarray) -> None:
        """Make ``x`` the point, unless it is."""
        if self.x is not None and (x is self.x or np.array_equal(x, self.x)):
            return
        self.x = None  # in case what follows raises
        point = np.array(x, np.float64)
        self.lifted = lift(self.space.structure.unflatten(self.space.leaves(point)))
        with recording():
            out = self.f(self.lifted.tree, *self.args)
        self.first = self.second = None
        self.ys = self.outputs(out)
        self.x = point

    def outputs(self, out: Any) -> list[Any]:
        """The results as they are kept, and ``value``."""
        raise NotImplementedError

    def flat(self, x: Any) -> Any:
        """``f`` of a vector that may be a Variable."""
        return self.f(self.space.structure.unflatten(self.space.leaves(x)), *self.args)


class Scalar(Problem):
    """A function with one real result."""

    def outputs(self, out: Any) -> list[Any]:
        """One result; plain if it does not depend on the point."""
        data = out._data if isinstance(out, Variable) else np.asarray(out)
        if data.size != 1:
            raise ShapeError(
                f"{self.name} needs a function that returns one number; this one returned shape {data.shape}"
                f"{called_at()}\n  → sum it; for a vector of residuals, whence.optimize.least_squares"
            )
        if data.dtype.kind not in "fiub":
            raise DtypeError(f"{self.name} needs a real result, not {data.dtype}{called_at()}\n  → np.real")
        self.value = float(data.reshape(()))
        return [out] if isinstance(out, Variable) else []

    def plain(self, x: np.ndarray) -> float:
        """The value, without a graph: ``f`` need not be differentiable."""
        self.outputs(self.f(self.space.tree(x), *self.args))
        return self.value

    def fun(self, x: np.ndarray) -> float:
        """The value."""
        self.at(x)
        return self.value

    def jac(self, x: np.ndarray) -> np.ndarray:
        """The gradient."""
        self.at(x)
        if self.first is None:
            if not self.ys:
                self._refuse_constant()
            (y,) = self.ys
            one = y._data.dtype.type(1) if y.ndim == 0 else np.ones_like(y._data)
            grads, _ = pull_back(self.lifted, [(y, one)])
            self.first = self.space.pack([_plain(g) for g in grads])
        return self.first

    def _refuse_constant(self) -> None:
        raise GraphError(
            f"{self.name}: the function returned a plain number, which does not remember its arguments"
            f"{called_at()}\n"
            "  → compute the result with np.* and operators; math.*, float(v) and v.data give plain numbers"
        )

    def hessp(self, x: np.ndarray, v: np.ndarray) -> np.ndarray:
        """The Hessian times a vector; all at one point share one graph."""
        self.at(x)
        if self.second is None:
            self.jac(x)
            self.second = recorded_gradient(self.lifted, self.ys[0])
        directions = _shaped(self.space.leaves(np.asarray(v, np.float64)), self.lifted)
        return self.space.pack([_plain(t) for t in push_forward(self.lifted, self.second, directions, False)])

    def hess(self, x: np.ndarray) -> np.ndarray:
        """The Hessian, ``(n, n)``."""
        self.at(x)
        if not self.ys:
            self._refuse_constant()
        return np.asarray(_plain(hessian(self.flat)(np.array(x, np.float64))))


class Vector(Problem):
    """A function with several real results: an array, or a container of arrays, seen as one vector."""

    sparse: SparseJacobian | None = None

    def outputs(self, out: Any) -> list[Any]:
        """The leaves of the result."""
        leaves, self.result_structure = flatten(out)
        ys = []
        for y in leaves:
            if not isinstance(y, Variable):
                raise GraphError(
                    f"{self.name}: the function returned a plain {type(y).__name__}, which does not remember "
                    f"its arguments{called_at()}\n"
                    "  → compute the result with np.* and operators; for a constant 0 * x + c"
                )
            if y.dtype.kind not in "f":
                raise DtypeError(f"{self.name} needs real results, not {y.dtype}{called_at()}")
            ys.append(y)
        self.value = _joined([y._data for y in ys])
        return ys

    def result(self, vector: np.ndarray) -> Any:
        """A vector as long as the value, in the structure of the result."""
        parts = np.split(vector, np.cumsum([y.size for y in self.ys])[:-1])
        shaped = [part.reshape(y.shape)[()] for part, y in zip(parts, self.ys, strict=True)]
        return self.result_structure.unflatten(shaped)

    def fun(self, x: np.ndarray) -> np.ndarray:
        """The value, as a vector."""
        if self.sparse is not None:
            self._sparsely(x)
        else:
            self.at(x)
        return self.value.copy()

    def jac(self, x: np.ndarray) -> Any:
        """The Jacobian: ``(m, n)``, or a csr_array."""
        if self.sparse is not None:
            self._sparsely(x)
            return self.first
        self.at(x)
        if self.first is None:
            self.first = self._dense()
        return self.first

    def _sparsely(self, x: np.ndarray) -> None:
        if self.sparse is None or (self.x is not None and np.array_equal(x, self.x)):
            return
        out, self.first = self.sparse.with_value(self.space.tree(x), *self.args)
        self.value = _joined(flatten(out)[0])
        self.x = np.array(x, np.float64)

    def _dense(self) -> np.ndarray:
        by_columns = self.space.size <= self.value.size
        blocks = (columns_of if by_columns else rows_of)(self.lifted, self.ys, False)
        rows = [
            np.concatenate([np.reshape(_plain(block), (y.size, -1)) for block in row], axis=1)
            for y, row in zip(self.ys, blocks, strict=True)
        ]
        return np.concatenate(rows).astype(np.float64, copy=False)


def _joined(arrays: list[Any]) -> np.ndarray:
    if len(arrays) == 1:
        return np.array(arrays[0], np.float64).reshape(-1)
    return np.concatenate([np.zeros(0), *(np.ravel(a) for a in arrays)]).astype(np.float64)


def _plain(x: Any) -> Any:
    return x._data if isinstance(x, Variable) else x


def _shaped(leaves: list[Any], lifted: Lifted) -> list[Any]:
    return [np.asarray(v).reshape(x.shape)[()] for v, x in zip(leaves, lifted.variables, strict=True)]


def check_start(problem: Scalar | Vector, gradient: bool) -> None:
    """Raise where the function, or its derivative, is not finite at the start."""
    name, space = problem.name, problem.space
    fun: Any = problem.plain if isinstance(problem, Scalar) and not gradient else problem.fun
    value = np.asarray(fun(space.start))
    if not np.all(np.isfinite(value)):
        count = int(np.sum(~np.isfinite(value)))
        what = f"{value}" if value.ndim == 0 else f"not finite in {count} of {value.size} elements"
        raise NonFiniteError(
            f"{name}: the function is {what} at x0{called_at()}\n"
            "  → start where it is finite, or see where it comes from: whence.find_nan(f, x0)"
        )
    if not gradient:
        return
    slope: Any = problem.jac(space.start)
    slope = slope.data if hasattr(slope, "indptr") else slope
    if not np.all(np.isfinite(slope)):
        column = int(np.argmax(~np.isfinite(slope if slope.ndim == 1 else slope.sum(0))))
        where = f" for {space.name_of(column)}" if column < space.size else ""
        raise NonFiniteError(
            f"{name}: the derivative{where} is not finite at x0, though the function is{called_at()}\n"
            "  → move x0 off the point where the function has a corner or a pole (sqrt(0), 0**0.5, log(0) …)"
        )
