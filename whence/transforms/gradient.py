"""Gradients of scalar functions, and products with the transposed Jacobian."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..config import mode
from ..core.origin import called_at
from ..core.sweep import sweep
from ..core.graph import Constant
from ..core.variable import Variable, constant
from ..errors import DtypeError, ShapeError
from ..tree import flatten, flatten_like, map_tree
from .lift import Lifted, bare, lift, recording, replaced, result_of, seed_of, select, value_of


def value_and_grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
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
        differentiated further.

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
        lifted = lift(select(args, argnums, "grad"))
        with recording():
            y = f(*replaced(args, argnums, lifted.tree), **kwargs)
        aux = None
        if has_aux:
            y, aux = y
        y = result_of(f, y, "grad")
        data = y._data
        if data.size != 1:
            raise ShapeError(
                f"grad needs a function that returns one number; this one returned shape {y.shape}"
                f"{called_at()}\n  → sum it, or use whence.jacobian or whence.vjp"
            )
        if data.dtype.kind == "c":
            raise DtypeError(
                f"grad needs a real result, not {y.dtype}{called_at()}\n"
                "  → differentiate np.real(f(x)) or np.abs(f(x)); for all parts use whence.jacobian"
            )
        grads, record = pull_back(lifted, [(y, np.ones_like(data))])
        value = value_of(y, record)
        if has_aux:
            value = value, map_tree(lambda v: value_of(v, record), aux)
        return value, lifted.structure.unflatten(grads)

    return differentiated


def grad(
    f: Callable[..., Any], argnums: int | tuple[int, ...] = 0, has_aux: bool = False
) -> Callable[..., Any]:
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
    both = value_and_grad(f, argnums, has_aux)

    @functools.wraps(f)
    def gradient(*args: Any, **kwargs: Any) -> Any:
        value, slope = both(*args, **kwargs)
        return (slope, value[1]) if has_aux else slope

    return gradient


def pull_back(lifted: Lifted, seeds: list[tuple[Variable, Any]]) -> tuple[list[Any], bool]:
    """Cotangents of the lifted inputs, and whether they had to be recorded.

    First order runs on plain arrays. Where the graph turns out to lead to Variables from outside
    (an outer transform's, or parameters that ``f`` closes over), the sweep runs again, recorded.
    """
    edges = lifted.edges
    targets = set(edges)
    record = lifted.live or any(isinstance(s, Variable) for _, s in seeds)
    starts = [(y.edge, s) for y, s in seeds if y.edge is not None]
    if not record:
        found, foreign = sweep(starts, targets=targets, floor=lifted.floor)
        if not foreign or not mode().recording:
            pairs = zip(edges, lifted.variables, strict=True)
            return [bare(found.get(edge), v, False) for edge, v in pairs], False
    with recording():
        starts = [(edge, s if isinstance(s, Variable) else constant(s)) for edge, s in starts]
        found, _ = sweep(starts, record=True, targets=targets, floor=lifted.floor)
        pairs = zip(edges, lifted.variables, strict=True)
        return [bare(found.get(edge), v, True) for edge, v in pairs], True


def vjp(f: Callable[..., Any], *primals: Any) -> tuple[Any, Callable[[Any], Any]]:
    """``f(*primals)`` and the function ``v -> v J`` that pulls a cotangent back.

    Args:
        f: a function of arrays or containers that returns an array or a container of arrays.
        primals: where to differentiate.

    Returns:
        ``(y, pull)``. ``pull(v)`` takes a cotangent of the structure and shapes of ``y`` and gives
        the cotangent of the primal (a tuple of them for several). It may be called many times.

    Example:
        >>> import numpy as np, whence
        >>> y, pull = whence.vjp(np.sin, np.array([0.0, np.pi]))
        >>> print(pull(np.array([1.0, 1.0])))
        [ 1. -1.]
    """
    lifted = lift(primals)
    with recording():
        out = f(*lifted.tree)
    leaves, structure = flatten(out)
    ys = [result_of(f, y, "vjp") for y in leaves]

    def pull(cotangent: Any) -> Any:
        vs = flatten_like(structure, cotangent)
        record = any(isinstance(v, Variable) for v in vs)
        seeds = [(y, seed_of(y, v, record)) for y, v in zip(ys, vs, strict=True)]
        grads, _ = pull_back(lifted, seeds)
        tree = lifted.structure.unflatten(grads)
        return tree[0] if len(primals) == 1 else tree

    foreign = lifted.live or (mode().recording and depends_on_others(lifted, ys))
    return structure.unflatten([value_of(y, foreign) for y in ys]), pull


def depends_on_others(lifted: Lifted, ys: list[Variable]) -> bool:
    """Does any of ``ys`` depend on Variables other than the lifted ones?"""
    targets = set(lifted.edges)
    seen: set[Any] = set()
    stack = [y.edge for y in ys if y.edge is not None]
    while stack:
        edge = stack.pop()
        if edge in targets or edge in seen or type(edge) is Constant:
            continue
        seen.add(edge)
        node = edge.node
        if node is None or not node.edges or edge.generation < lifted.floor:
            return True
        stack.extend(node.edges)
    return False
