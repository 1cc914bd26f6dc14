"""Gradients of scalar functions, and products with the transposed Jacobian."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..config import EAGER, STRICT, mode
from ..core.batched import Batched
from ..core.origin import called_at
from ..core.sweep import outside, sweep
from ..core.variable import Variable, constant
from ..errors import DtypeError, ShapeError
from ..tree import LEAF, flatten, flatten_like, map_tree
from .lift import (
    Argnums,
    Lifted,
    aux_value,
    bare,
    depends_on_others,
    handed,
    is_recorded,
    lift,
    lift_arguments,
    recorded,
    recording,
    result_of,
    seed_of,
    value_of,
    with_aux,
)


def value_and_grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns ``(f(x), gradient of f at x)``.

    Args:
        f: a function of arrays, or of nested tuples, lists, dicts and dataclasses of them, that
            returns one real number. Plain NumPy code; no rewriting.
        argnums: which positional argument(s) to differentiate with respect to.
        has_aux: ``f`` returns ``(value, anything)``; the result is then
            ``((value, anything), gradient)``.

    Returns:
        A function of the same arguments. The gradient has the structure, shapes and dtypes of the
        argument (integers count as float64); for complex arguments it is the direction of
        steepest ascent, ``df/dRe + i df/dIm``. Arrays in, arrays out; where an argument (or a
        value that ``f`` closes over) is a Variable, the results are Variables that can be
        differentiated further (inside ``no_grad``, arrays).

    Raises:
        ShapeError: ``f`` returns more than one number. DtypeError: a complex one.
        GraphError: ``f`` returns a value that does not remember its arguments.

    Example:
        >>> import numpy as np, whence
        >>> value, slope = whence.value_and_grad(lambda x: np.sum(x ** 2))(np.array([1.0, 2.0]))
        >>> print(value, slope)
        5.0 [2. 4.]
    """

    @functools.wraps(f)
    def differentiated(*args: Any, **kwargs: Any) -> Any:
        y, aux, lifted, grads, record = _differentiate(f, argnums, has_aux, args, kwargs)
        seen: set[int] = set()
        value, *grads = handed(lifted, [value_of(y, record), *grads], seen)
        if has_aux:
            value = value, map_tree(lambda v: aux_value(lifted, v, record, seen), aux)
        return value, lifted.structure.unflatten(grads)

    return differentiated


def _differentiate(
    f: Callable[..., Any], argnums: Argnums, has_aux: bool, args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Variable, Any, Lifted, list[Any], bool]:
    """Run ``f`` and pull a one back: result, auxiliary value, inputs, cotangents, recorded or not."""
    lifted, args_ = lift_arguments(args, argnums, "grad")
    if mode() is EAGER:  # recording(), written out: it is a fiftieth of a small gradient
        token = STRICT.set(True)
        try:
            y = f(*args_, **kwargs)
        finally:
            STRICT.reset(token)
    else:
        with recording():
            y = f(*args_, **kwargs)
    aux = None
    if has_aux:
        y, aux = with_aux(y)
    y = scalar(result_of(f, y, "grad", lifted.levels), len(lifted.levels))
    grads, record = pull_back(lifted, [(y, _one(y._data))])
    return y, aux, lifted, grads, record


def _one(data: Any) -> Any:
    """What the sweep of a scalar starts from."""
    return data.dtype.type(1) if data.ndim == 0 else np.ones_like(data)


def grad(f: Callable[..., Any], argnums: Argnums = 0, has_aux: bool = False) -> Callable[..., Any]:
    """A function that returns the gradient of ``f``; see :func:`value_and_grad`.

    With ``has_aux`` it returns ``(gradient, anything)``.

    Example:
        >>> import numpy as np, whence
        >>> print(whence.grad(np.sin)(0.0))
        1.0
        >>> whence.grad(lambda p: p["a"] * p["b"] ** 2)({"a": 1.0, "b": 3.0})
        {'a': np.float64(9.0), 'b': np.float64(6.0)}
        >>> print(whence.grad(whence.grad(lambda x: x ** 3))(2.0))
        12.0
    """

    @functools.wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        _, aux, lifted, grads, record = _differentiate(f, argnums, has_aux, args, kwargs)
        if lifted.structure is LEAF and not has_aux and not lifted.levels:  # one array, as nearly always
            g = grads[0]
            if type(g) is np.ndarray and g.ndim and g.base is None:
                return g
        seen: set[int] = set()
        slope = lifted.structure.unflatten(handed(lifted, grads, seen))
        if not has_aux:
            return slope
        return slope, map_tree(lambda v: aux_value(lifted, v, record, seen), aux)

    return gradient


def vjp(f: Callable[..., Any], *primals: Any, has_aux: bool = False) -> tuple[Any, ...]:
    """``f(*primals)`` and the function ``v -> v J`` that pulls a cotangent back.

    Args:
        f: a function of arrays or containers that returns an array or a container of arrays.
        primals: where to differentiate.
        has_aux: ``f`` returns ``(y, anything)``; the result is then ``(y, pull, anything)``.

    Returns:
        ``(y, pull)``. ``pull(v)`` takes a cotangent of the structure and shapes of ``y`` and gives
        the cotangent of the primal (a tuple of them for several). It may be called many times.
        For complex values both are directions of steepest ascent: ``pull(v)`` is ``v conj(J)``.

    Raises:
        ShapeError: a cotangent of another shape than its value. DtypeError: a complex one for a
            real value. TreeError: a container of another structure.

    Example:
        >>> import numpy as np, whence
        >>> y, pull = whence.vjp(np.sin, np.array([0.0, np.pi]))
        >>> print(pull(np.array([1.0, 1.0])))
        [ 1. -1.]
    """
    lifted = lift(primals, copy=True)
    with recording():
        out = f(*lifted.tree)
    out, aux = with_aux(out) if has_aux else (out, None)
    leaves, structure = flatten(out)
    ys = [result_of(f, y, "vjp", lifted.levels) for y in leaves]

    def pull(cotangent: Any) -> Any:
        vs = flatten_like(structure, cotangent)
        record = mode().recording and any(is_recorded(v) for v in vs)
        seeds = [(y, seed_of(y, v, record, lifted.levels)) for y, v in zip(ys, vs, strict=True)]
        grads, _ = pull_back(lifted, seeds)
        tree = lifted.structure.unflatten(handed(lifted, grads, {id(v) for v in vs}))
        return tree[0] if len(primals) == 1 else tree

    record = mode().recording and (lifted.live or depends_on_others(lifted, ys))
    held = {id(y._data) for y in ys}  # by the graph, for pull
    y = structure.unflatten(handed(lifted, [value_of(y, record) for y in ys], held))
    return (y, pull, map_tree(lambda v: aux_value(lifted, v, record, held), aux)) if has_aux else (y, pull)


def pull_back(lifted: Lifted, seeds: list[tuple[Variable, Any]]) -> tuple[list[Any], bool]:
    """Cotangents of the lifted inputs, and whether they had to be recorded.

    First order runs on plain arrays. Where the graph turns out to lead to Variables from outside
    (an outer transform's, or parameters that ``f`` closes over), the sweep runs again, recorded.
    """
    targets = set(lifted.edges)
    starts = []
    record, foreign, batched = lifted.live, False, False
    for y, s in seeds:
        if y.edge is not None:
            starts.append((y.edge, s))
            if isinstance(s, Variable):
                record, batched = record or is_recorded(s), batched or type(s) is Batched
            foreign = foreign or outside(y.edge, targets, lifted.floor)
    pairs = zip(lifted.edges, lifted.variables, strict=True)
    if not record or not mode().recording:
        found, others = sweep(starts, targets=targets, floor=lifted.floor, batched=batched)
        foreign = foreign or others
        if not foreign or not mode().recording:
            return [bare(found.get(edge), v) for edge, v in pairs], False
    starts = [(edge, s if isinstance(s, Variable) else constant(s)) for edge, s in starts]
    found, _ = sweep(starts, record=True, targets=targets, floor=lifted.floor, batched=batched)
    return [recorded(found.get(edge), v) for edge, v in pairs], True


def scalar(y: Variable, running: int = 0) -> Variable:
    """The result, if it is one number (for each example of the vmaps that are ``running``)."""
    if type(y._data) is np.float64:
        return y
    shape = y.shape[running:]
    if math.prod(shape) != 1:
        raise ShapeError(
            f"grad needs a function that returns one number; this one returned shape {shape}"
            f"{called_at()}\n  → sum it, or use whence.jacobian or whence.vjp"
        )
    if y.dtype.kind == "c":
        raise DtypeError(
            f"grad needs a real result, not {y.dtype}{called_at()}\n"
            "  → differentiate np.real(f(x)) or np.abs(f(x)); for all parts use whence.jacobian"
        )
    return y
