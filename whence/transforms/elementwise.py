"""Derivatives of functions that act element by element, of holomorphic ones, and constants."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.batched import Batched
from ..core.origin import called_at
from ..core.variable import Variable, constant
from ..errors import DtypeError
from ..tree import flatten, map_tree
from .forward import jvp
from .gradient import grad
from .lift import Argnums, lift_arguments


def stop_gradient(x: Any) -> Any:
    """``x`` as a constant to every gradient: an array or a container of arrays.

    The derivative is zero in both modes and at every order, for an outer ``grad`` too.

    Example:
        >>> import whence
        >>> print(whence.grad(lambda x: x * whence.stop_gradient(x))(3.0))
        3.0
    """
    return map_tree(_stopped, x)


def _stopped(v: Any) -> Any:
    if isinstance(v, Batched):
        return v._data
    return constant(v._data) if isinstance(v, Variable) else v


def elementwise_grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that returns the gradient of ``sum(f(x))``: for elementwise ``f``, its derivative.

    Args:
        f: a function of arrays that returns a real array of any shape (or a container of them).
        argnums: which positional argument(s) to differentiate with respect to.

    Raises:
        DtypeError: ``f`` returns complex numbers.

    Example:
        >>> import numpy as np, whence
        >>> print(whence.elementwise_grad(np.square)(np.array([1.0, 2.0])))
        [2. 4.]
    """

    @functools.wraps(f)
    def total(*args: Any, **kwargs: Any) -> Any:
        return sum((np.sum(y) for y in flatten(f(*args, **kwargs))[0]), 0.0)

    return grad(total, argnums)


def deriv(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that returns ``J 1``, by forward mode: for elementwise ``f``, its derivative.

    For complex arguments that is ``f'(x)`` of a holomorphic ``f``.

    Example:
        >>> import numpy as np, whence
        >>> print(whence.deriv(np.square)(np.array([1.0, 2.0])))
        [2. 4.]
    """

    @functools.wraps(f)
    def derivative(*args: Any, **kwargs: Any) -> Any:
        lifted, _ = lift_arguments(args, argnums, "deriv")
        outer = len(lifted.levels)
        ones = lifted.structure.unflatten([np.ones(v.shape[outer:], v.dtype)[()] for v in lifted.variables])
        many = isinstance(argnums, (tuple, list))
        where = [i % len(args) for i in argnums] if isinstance(argnums, (tuple, list)) else [argnums]

        def alone(*chosen: Any) -> Any:
            inner = list(args)
            for i, x in zip(where, chosen, strict=True):
                inner[i] = x
            return f(*inner, **kwargs)

        return jvp(alone, tuple([args[i] for i in where]), tuple(ones) if many else (ones,))[1]

    return derivative


def holomorphic_grad(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that returns ``f'(z)`` of a holomorphic ``f`` with one complex result.

    ``f' = du/dx - i du/dy`` with ``u = Re f`` (Cauchy and Riemann): the conjugate of what
    :func:`grad` makes of ``u``.

    Raises:
        DtypeError: an argument is not complex.

    Example:
        >>> import whence
        >>> print(whence.holomorphic_grad(lambda z: z**2)(1.0 + 2.0j))
        (2+4j)
    """

    @functools.wraps(f)
    def real_part(*args: Any, **kwargs: Any) -> Any:
        return np.real(f(*args, **kwargs))

    slope = grad(real_part, argnums)

    def conjugate(g: Any) -> Any:
        if g.dtype.kind != "c":
            raise DtypeError(
                f"holomorphic_grad needs complex arguments, not {g.dtype}{called_at()}\n"
                "  → pass z + 0j, or use whence.grad"
            )
        return np.conjugate(g)

    @functools.wraps(f)
    def derivative(*args: Any, **kwargs: Any) -> Any:
        return map_tree(conjugate, slope(*args, **kwargs))

    return derivative
