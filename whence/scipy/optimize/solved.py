"""What the mirrors of ``scipy.optimize`` share: a user's function run plainly, and its solution."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...config import no_grad
from ...core.origin import called_at
from ...core.primitive import Primitive
from ...core.variable import Variable
from ...errors import GraphError
from ...transforms.gradient import grad
from ...transforms.implicit import implicit_root
from ...transforms.matrices import jacobian
from ..beyond import bare, variables_in
from ..outer import holds_variable_now, stacked


class Given:
    """A user's function ``fun(x, *args)``: on plain numbers for SciPy, recorded for its derivative.

    Attributes:
        moving: it depends on a Variable, in ``args`` or closed over (as far as it has been called).
    """

    def __init__(self, fun: Callable[..., Any], args: Any, second: bool = False) -> None:
        self.args = args if isinstance(args, tuple) else (args,)
        self.fun, self.second = fun, second
        self.plain_args = bare(self.args)
        self.moving = any(True for _ in variables_in(self.args))

    def plain(self, x: Any, *rest: Any) -> Any:
        """The bare value (and what else the function returns) for SciPy."""
        with no_grad():
            y = self.fun(x, *self.plain_args)
            if isinstance(y, Variable):
                self.moving = True
                return y._data
            if not isinstance(y, np.ndarray) and holds_variable_now(y):
                self.moving = True
                y = tuple(bare(stacked(part)) for part in y) if self.second else bare(stacked(y))
        return y

    def recorded(self, x: Any) -> Any:
        """The value as a function of ``x`` and of all that it depends on."""
        y = self.fun(x, *self.args)
        return stacked(y[0] if self.second else y)

    def depends(self, x: Any) -> bool:
        """Does it depend on a Variable? Called once at ``x`` to see, if need be."""
        if not self.moving:
            self.plain(np.copy(bare(x)))
        return self.moving

    def slope(self, x: Any) -> Any:
        """The gradient of a scalar function."""
        return grad(lambda x: _number(self.recorded(x)))(x)

    def plain_slope(self, x: Any, *rest: Any) -> Any:
        """Its bare value, for SciPy."""
        with no_grad():
            return bare(grad(lambda x: _number(_linked(self.plain_recorded(x), x)))(x))

    def plain_jacobian(self, x: Any, *rest: Any) -> Any:
        """The bare Jacobian, for SciPy."""
        with no_grad():
            return bare(jacobian(lambda x: _linked(self.plain_recorded(x), x))(np.asarray(x, float)))

    def plain_recorded(self, x: Any) -> Any:
        """The value as a function of ``x`` alone."""
        y = self.fun(x, *self.plain_args)
        return stacked(y[0] if self.second else y)


def _linked(y: Any, x: Any) -> Any:
    """A value that may not depend on ``x`` at all."""
    return y if isinstance(y, Variable) else y + 0 * np.sum(x)


def _number(y: Any) -> Any:
    return np.reshape(y, ()) if np.ndim(y) else y


def _refuse(g: Any, y: Any, residual: Any, x: Any, text: str) -> Any:
    raise GraphError(
        f"{text}{called_at()}\n  a point that solves nothing has no derivative\n"
        "  → a better start, more iterations, or a looser tolerance; check sol.success"
    )


_unsolved = Primitive(
    "scipy.optimize",
    lambda residual, x, text: x,
    vjp=[_refuse],
    listed=False,
)


def _near(residual: Callable[[Any], Any], x: Any) -> bool:
    """Is Newton's step from ``x`` to the solution a small one?"""
    with no_grad():
        rest = np.ravel(bare(residual(x)))
        slopes = np.reshape(bare(jacobian(lambda x: _linked(residual(x), x))(x)), (rest.size, rest.size))
    try:
        step = np.linalg.solve(slopes, rest)
    except np.linalg.LinAlgError:
        return False
    return bool(np.max(np.abs(step), initial=0) <= 1e-6 * (1 + np.max(np.abs(x), initial=0)))


def solution(residual: Callable[[Any], Any], x: Any, success: bool, text: str) -> Any:
    """``x`` with the derivative of the solution of ``residual(x) = 0``; refusing it where it is none.

    (A solver that stops early, for "precision loss", may have found it all the same.)
    """
    x = np.array(bare(x), copy=True)[()]
    x = x.astype(np.float64) if x.dtype.kind in "iub" else x
    if success or _near(residual, x):
        return implicit_root(residual, x)
    rest = residual(x)
    return _unsolved(rest, x=x, text=text) if isinstance(rest, Variable) else x
