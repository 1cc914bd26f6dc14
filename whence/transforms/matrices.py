"""Jacobians, Hessians, and products with the Hessian."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..config import mode
from ..core.variable import Variable, constant
from ..tree import flatten, flatten_like
from .forward import push_forward
from .gradient import depends_on_others, grad, pull_back
from .lift import Lifted, lift, recording, replaced, result_of, select


def jacobian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """A function that returns all partial derivatives of ``f``.

    ``J[i..., j...] = d f(x)[i...] / d x[j...]``, of shape ``y.shape + x.shape``. The graph is
    recorded once; columns are pushed where there are fewer inputs than outputs, else rows pulled.

    Args:
        f: a function of arrays (or containers) that returns an array (or a container).
        argnums: which positional argument(s) to differentiate with respect to.

    Returns:
        A function of the same arguments: an array, or, for containers, the structure of the
        result with, at each place, the structure of the argument. For complex values the
        derivative is that of a holomorphic function.

    Example:
        >>> import numpy as np, whence
        >>> print(whence.jacobian(lambda x: x[1:] * x[0])(np.array([2.0, 3.0, 4.0])))
        [[3. 2. 0.]
         [4. 0. 2.]]
    """

    @functools.wraps(f)
    def all_derivatives(*args: Any, **kwargs: Any) -> Any:
        lifted = lift(select(args, argnums, "jacobian"))
        with recording():
            out = f(*replaced(args, argnums, lifted.tree), **kwargs)
        leaves, structure = flatten(out)
        ys = [result_of(f, y, "jacobian") for y in leaves]
        record = lifted.live or (mode().recording and depends_on_others(lifted, ys))
        inputs = sum(v.size for v in lifted.variables)
        outputs = sum(y.size for y in ys)
        by_columns = inputs < outputs
        blocks = (_columns if by_columns else _rows)(lifted, ys, record)
        return structure.unflatten([lifted.structure.unflatten(row) for row in blocks])

    return all_derivatives


def _basis(like: Variable) -> list[Any]:
    """Every unit array of a shape: one 1 among zeros."""
    units = []
    for i in range(like.size):
        unit = np.zeros(like.shape, like.dtype)
        unit.flat[i] = 1
        units.append(unit)
    return units


def _rows(lifted: Lifted, ys: list[Variable], record: bool) -> list[list[Any]]:
    """Pull each unit cotangent back."""
    blocks = []
    for y in ys:
        rows: list[list[Any]] = []
        for unit in _basis(y):
            seed: Any = constant(unit) if record else unit
            grads, _ = pull_back(lifted, [(y, seed)])
            if any(v.dtype.kind == "c" for v in lifted.variables):
                grads = [np.conjugate(g) for g in grads]  # the derivative, not steepest ascent
            rows.append(grads)
        blocks.append(
            [
                _stacked([row[k] for row in rows], y.shape + v.shape, v)
                for k, v in enumerate(lifted.variables)
            ]
        )
    return blocks


def _columns(lifted: Lifted, ys: list[Variable], record: bool) -> list[list[Any]]:
    """Push each unit tangent forward."""
    by_input = []
    for v in lifted.variables:
        columns = []
        for unit in _basis(v):
            directions = [
                unit if other is v else np.zeros(other.shape, other.dtype)
                for other in lifted.variables
            ]
            columns.append(push_forward(lifted, ys, directions, record))
        by_input.append(columns)
    blocks = []
    for k, y in enumerate(ys):
        row = []
        for v, columns in zip(lifted.variables, by_input, strict=True):
            block = _stacked([column[k] for column in columns], v.shape + y.shape, y)
            order = (*range(v.ndim, v.ndim + y.ndim), *range(v.ndim))
            row.append(np.transpose(block, order))
        blocks.append(row)
    return blocks


def _stacked(parts: list[Any], shape: tuple[int, ...], like: Variable) -> Any:
    if not parts:
        return np.zeros(shape, like.dtype)
    return np.reshape(np.stack(parts), shape)


def hessian(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """A function that returns all second derivatives of a scalar function.

    ``H[i..., j...] = d² f / dx[i...] dx[j...]``, of shape ``x.shape + x.shape``; for containers,
    the structure of the argument within itself.

    Example:
        >>> import numpy as np, whence
        >>> print(whence.hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0])))
        [[10.  6.]
         [ 6.  0.]]
    """
    return jacobian(grad(f, argnums), argnums)


def hvp(f: Callable[..., Any], argnums: int | tuple[int, ...] = 0) -> Callable[..., Any]:
    """A function ``(*args, v) -> H v``: the Hessian times a vector, at the cost of a few gradients.

    ``v`` is the last positional argument and has the structure and shapes of the differentiated
    argument(s).

    Example:
        >>> import numpy as np, whence
        >>> x, v = np.array([3.0, 5.0]), np.array([1.0, 0.0])
        >>> print(whence.hvp(lambda x: x[0] ** 2 * x[1])(x, v))
        [10.  6.]
    """
    slope = grad(f, argnums)

    @functools.wraps(f)
    def product(*args: Any, **kwargs: Any) -> Any:
        *args, v = args

        def along(*inner: Any, **keywords: Any) -> Any:
            leaves, structure = flatten(slope(*inner, **keywords))
            directions = flatten_like(structure, v)
            total: Any = 0.0
            for g, direction in zip(leaves, directions, strict=True):
                total = total + np.sum(g * direction)
            return total

        return grad(along, argnums)(*args, **kwargs)

    return product


__all__ = ["hessian", "hvp", "jacobian"]
