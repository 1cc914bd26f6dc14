"""Jacobians, Hessians, and products with the Hessian."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from ..config import mode
from ..core.origin import called_at
from ..core.variable import Variable, constant
from ..errors import DtypeError, GraphError
from ..tree import flatten, flatten_like
from .forward import push_forward
from .gradient import grad, pull_back
from .lift import (
    Argnums,
    Lifted,
    depends_on_others,
    fitting,
    lift_arguments,
    positions,
    recording,
    result_of,
)

Blocks = list[list[Any]]  # of a Jacobian: for each result, for each argument


def jacobian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function that returns all partial derivatives of ``f``.

    ``J[i..., j...] = d f(x)[i...] / d x[j...]``, of shape ``y.shape + x.shape``. The graph is
    recorded once; columns are pushed where there are fewer inputs than outputs (or the result is
    complex), else rows pulled.

    Args:
        f: a function of arrays (or containers) that returns an array (or a container).
        argnums: which positional argument(s) to differentiate with respect to.

    Returns:
        A function of the same arguments: an array, or, for containers, the structure of the
        result with, at each place, the structure of the argument. For complex arguments the
        derivative is that of a holomorphic function.

    Raises:
        DtypeError: ``f`` is not holomorphic in a complex argument.

    Example:
        >>> import numpy as np, whence
        >>> print(whence.jacobian(lambda x: x[1:] * x[0])(np.array([2.0, 3.0, 4.0])))
        [[3. 2. 0.]
         [4. 0. 2.]]
    """

    @functools.wraps(f)
    def all_derivatives(*args: Any, **kwargs: Any) -> Any:
        lifted, args_ = lift_arguments(args, argnums, "jacobian")
        with recording():
            out = f(*args_, **kwargs)
        leaves, structure = flatten(out)
        ys = [result_of(f, y, "jacobian") for y in leaves]
        record = mode().recording and (lifted.live or depends_on_others(lifted, ys))
        if any(_is_complex(v) for v in lifted.variables):
            _check_holomorphic(lifted, ys)
        fewer_inputs = sum(v.size for v in lifted.variables) < sum(y.size for y in ys)
        by_columns = fewer_inputs or any(_is_complex(y) for y in ys)
        blocks = _columns(lifted, ys, record) if by_columns else _rows(lifted, ys, record)
        return structure.unflatten([lifted.structure.unflatten(row) for row in blocks])

    return all_derivatives


def hessian(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
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


def hvp(f: Callable[..., Any], argnums: Argnums = 0) -> Callable[..., Any]:
    """A function ``(*args, v) -> H v``: the Hessian times a vector, at the cost of a few gradients.

    ``v`` is the last positional argument and has the structure and shapes of the differentiated
    argument(s). The product is the derivative of the gradient in the direction ``v`` (for complex
    arguments too).

    Raises:
        ShapeError: ``v`` has another shape. TreeError: another structure.

    Example:
        >>> import numpy as np, whence
        >>> x, v = np.array([3.0, 5.0]), np.array([1.0, 0.0])
        >>> print(whence.hvp(lambda x: x[0] ** 2 * x[1])(x, v))
        [10.  6.]
    """
    slope = grad(f, argnums)

    @functools.wraps(f)
    def product(*args: Any, **kwargs: Any) -> Any:
        if len(args) < 2:
            raise GraphError(f"hvp(f)(*args, v) needs the arguments of f and then the vector{called_at()}")
        args, v = args[:-1], args[-1]
        where = positions(args, argnums, "hvp")  # from the front: v is not counted

        def along(*inner: Any, **keywords: Any) -> Any:
            leaves, structure = flatten(slope(*inner, **keywords))
            directions = flatten_like(structure, v)
            total: Any = 0.0
            for g, direction in zip(leaves, directions, strict=True):
                direction = fitting(direction, g, "direction")
                product = np.conjugate(g) * direction if _is_complex(g) else g * direction
                total = total + np.sum(np.real(product))
            return total

        chosen = tuple(where) if isinstance(argnums, (tuple, list)) else where[0]
        return grad(along, chosen)(*args, **kwargs)

    return product


def _is_complex(x: Any) -> bool:
    return x.dtype.kind == "c"


def _basis(like: Variable) -> list[Any]:
    """Every unit array of a shape: one 1 among zeros."""
    units = []
    for i in range(like.size):
        unit = np.zeros(like.shape, like.dtype)
        unit.flat[i] = 1
        units.append(unit[()])
    return units


def _rows(lifted: Lifted, ys: list[Variable], record: bool) -> Blocks:
    """Pull each unit cotangent back."""
    blocks = []
    for y in ys:
        rows = [pull_back(lifted, [(y, constant(unit) if record else unit)])[0] for unit in _basis(y)]
        blocks.append(
            [
                _stacked([row[k] for row in rows], y.shape + v.shape, v, record)
                for k, v in enumerate(lifted.variables)
            ]
        )
    return blocks


def _columns(lifted: Lifted, ys: list[Variable], record: bool) -> Blocks:
    """Push each unit tangent forward."""
    blocks: Blocks = [[] for _ in ys]
    for v in lifted.variables:
        columns = [
            push_forward(lifted, ys, [unit if other is v else None for other in lifted.variables], record)
            for unit in _basis(v)
        ]
        for k, (y, blocks_of_y) in enumerate(zip(ys, blocks, strict=True)):
            block = _stacked([column[k] for column in columns], v.shape + y.shape, y, record)
            order = (*range(v.ndim, v.ndim + y.ndim), *range(v.ndim))
            blocks_of_y.append(np.transpose(block, order) if v.ndim and y.ndim else block)
    return blocks


def _stacked(parts: list[Any], shape: tuple[int, ...], like: Variable, record: bool) -> Any:
    """One array of all parts, of this shape."""
    if not parts:
        empty = np.zeros(shape, like.dtype)
        return constant(empty) if record else empty
    if not shape:
        return parts[0] if record else parts[0][()]
    return np.reshape(np.stack(parts), shape)


def _check_holomorphic(lifted: Lifted, ys: list[Variable]) -> None:
    """Raise unless ``J (i v) = i J v``, tried for one direction ``v``."""
    rng = np.random.default_rng(0)
    complex_ones = [v if _is_complex(v) else None for v in lifted.variables]
    steps = [None if v is None else rng.normal(size=v.shape).astype(v.dtype) for v in complex_ones]
    turned = [None if step is None else 1j * step for step in steps]
    pushed = push_forward(lifted, ys, steps, False)
    pushed_turned = push_forward(lifted, ys, turned, False)
    for t, u in zip(pushed, pushed_turned, strict=True):
        near = 1e3 * np.finfo(t.dtype).eps * max(1.0, np.abs(t).max(initial=0.0))
        if not np.all(np.abs(u - 1j * t) <= near) and np.all(np.isfinite(t)):
            raise DtypeError(
                f"jacobian needs a function that is holomorphic in its complex argument{called_at()}\n"
                "  → pass the real and the imaginary part as two arguments, or use grad, vjp, jvp"
            )
