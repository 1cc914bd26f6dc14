"""What every operator here is made of: one pull-back, one push-forward, with autograd's conventions.

Three things are converted. A function may return what does not depend on its argument (the derivative is
zero then, with a warning), also plain numbers. For a complex argument autograd's gradient is
``dL/dRe - i dL/dIm``, the conjugate of whence's direction of steepest ascent. And a gradient that is not
a number is handed out, not refused.
"""

from __future__ import annotations

import functools
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from ...config import pass_nan
from ...core.array import raw
from ...core.origin import called_at
from ...core.variable import Variable, as_data, constant
from ...errors import DtypeError
from ...transforms.forward import jvp
from ...transforms.gradient import vjp
from ...tree import flatten, map_tree


def make_vjp(fun: Callable[..., Any], x: Any) -> tuple[Callable[[Any], Any], Any]:
    """``(pull, fun(x))`` for a function of one argument; ``pull(g)`` is ``g`` times the Jacobian."""
    y, pull = vjp(remembering(fun), x)

    @pass_nan()
    def vector_product(g: Any) -> Any:
        return conjugated(pull(conjugated(_spread(g, y))))

    return vector_product, y


def make_jvp(fun: Callable[..., Any], x: Any) -> Callable[[Any], tuple[Any, Any]]:
    """A function ``v -> (fun(x), the Jacobian times v)`` for a function of one argument."""

    @pass_nan()
    def push(v: Any) -> tuple[Any, Any]:
        return jvp(remembering(fun), (x,), (v,))

    return push


def remembering(fun: Callable[..., Any], tests: bool = True) -> Callable[..., Any]:
    """``fun``, with plain results made into constants; comparisons only where ``tests`` says so."""

    @functools.wraps(fun, updated=())
    def call(*args: Any, **kwargs: Any) -> Any:
        y = fun(*args, **kwargs)
        if isinstance(y, Variable) and y.dtype.kind in "fc":
            return y
        leaves, structure = flatten(y)
        if not tests and any(isinstance(leaf, (bool, np.bool_)) for leaf in leaves):
            raise DtypeError(f"True and False have no derivative{called_at()}")
        if not any(isinstance(leaf, Variable) for leaf in leaves):
            warnings.warn("Output seems independent of input.", stacklevel=2)
        return structure.unflatten([_remembered(leaf) for leaf in leaves])

    return call


def _remembered(leaf: Any) -> Variable:
    if isinstance(leaf, Variable) and leaf.dtype.kind in "fc":
        return leaf
    data = as_data(raw(leaf))
    return constant(data if data.dtype.kind in "fc" else data.astype(float))


def conjugated(tree: Any) -> Any:
    """The complex conjugate of every array in a container; real ones as they are."""
    if type(tree) is np.ndarray or isinstance(tree, (Variable, np.generic)):
        return np.conjugate(tree) if tree.dtype.kind == "c" else tree
    if isinstance(tree, (float, int, complex)):
        return tree.conjugate()
    return map_tree(lambda leaf: conjugated(leaf if hasattr(leaf, "dtype") else as_data(leaf)[()]), tree)


def _spread(g: Any, y: Any) -> Any:
    """One number for a whole array stands for all of its elements."""
    if isinstance(y, (list, tuple, dict)) or not y.shape or np.ndim(g):
        return g
    return g * np.ones(y.shape)
