"""Jacobians, Hessians, and products with the Hessian."""

from __future__ import annotations

import functools
import math
from collections.abc import Callable
from typing import Any

import numpy as np

from ..config import Level
from ..config import mode as setting
from ..core.batched import Batched
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
    handed,
    lift_arguments,
    positions,
    recording,
    result_of,
)
from .seeds import apart, most_at_once, stretches, together

Blocks = list[list[Any]]  # of a Jacobian: for each result, for each argument


def jacobian(
    f: Callable[..., Any], argnums: Argnums = 0, mode: str = "auto", chunk_size: int | None = None
) -> Callable[..., Any]:
    """A function that returns all partial derivatives of ``f``.

    ``J[i..., j...] = d f(x)[i...] / d x[j...]``, of shape ``y.shape + x.shape``. The graph is
    recorded once, and many rows (or columns) are computed in one sweep, whose cotangents have an
    axis more.

    Args:
        f: a function of arrays (or containers) that returns an array (or a container).
        argnums: which positional argument(s) to differentiate with respect to.
        mode: ``"reverse"`` pulls rows back, ``"forward"`` pushes columns, ``"auto"`` pushes where
            there are fewer inputs than outputs or the result is complex.
        chunk_size: how many rows or columns to compute at a time. None: as many as keep the sweep's
            arrays small (8 MiB each), but 16 where 16 stay below 64 MiB.

    Returns:
        A function of the same arguments: an array, or, for containers, the structure of the
        result with, at each place, the structure of the argument. For complex arguments the
        derivative is that of a holomorphic function.

    Raises:
        DtypeError: ``f`` is not holomorphic in a complex argument; or its result is complex, the
            argument real, and ``mode="reverse"``.

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
        ys = [result_of(f, y, "jacobian", lifted.levels) for y in leaves]
        record = setting().recording and (lifted.live or depends_on_others(lifted, ys))
        if any(_is_complex(v) for v in lifted.variables):
            _check_holomorphic(lifted, ys)
        by_columns = _mode_for(mode, lifted, ys) == "forward"
        blocks = (columns_of if by_columns else rows_of)(lifted, ys, record, chunk_size)
        mine = iter(handed(lifted, [block for row in blocks for block in row]))
        return structure.unflatten([lifted.structure.unflatten([next(mine) for _ in row]) for row in blocks])

    return all_derivatives


def hessian(f: Callable[..., Any], argnums: Argnums = 0, chunk_size: int | None = None) -> Callable[..., Any]:
    """A function that returns all second derivatives of a scalar function.

    ``H[i..., j...] = d² f / dx[i...] dx[j...]``, of shape ``x.shape + x.shape``; for containers,
    the structure of the argument within itself. ``chunk_size`` rows are computed at a time (see
    :func:`jacobian`).

    Example:
        >>> import numpy as np, whence
        >>> print(whence.hessian(lambda x: x[0] ** 2 * x[1])(np.array([3.0, 5.0])))
        [[10.  6.]
         [ 6.  0.]]
    """
    return jacobian(grad(f, argnums), argnums, chunk_size=chunk_size)


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


def _mode_for(mode_: str, lifted: Lifted, ys: list[Variable]) -> str:
    """By columns where there are fewer inputs than outputs, or the result is complex."""
    if mode_ not in ("auto", "forward", "reverse"):
        raise GraphError(f"mode is 'auto', 'forward' or 'reverse', not {mode_!r}{called_at()}")
    if mode_ == "reverse" and any(_is_complex(y) for y in ys) and not all(map(_is_complex, lifted.variables)):
        raise DtypeError(
            f"rows of a complex result would lose a part for a real argument{called_at()}\n"
            "  → mode='auto' or 'forward'"
        )
    if mode_ != "auto":
        return mode_
    fewer_inputs = sum(v.size for v in lifted.variables) < sum(y.size for y in ys)
    return "forward" if fewer_inputs or any(_is_complex(y) for y in ys) else "reverse"


def _units(like: Variable, start: int, stop: int, running: tuple[Level, ...]) -> Any:
    """Unit arrays ``start`` to ``stop`` of those in the shape of ``like``: one 1 among zeros.

    One alone is an array; several are one batched value. Inside ``vmap`` all examples share them.
    """
    outer, shape = like.shape[: len(running)], like.shape[len(running) :]
    units = np.zeros((stop - start, math.prod(shape)), like.dtype)
    units[np.arange(stop - start), np.arange(start, stop)] = 1
    units = np.reshape(units, (stop - start, *(1,) * len(outer), *shape))
    units = np.broadcast_to(units, (stop - start, *outer, *shape)) if outer else units
    return together(units)


def _count(like: Variable, running: tuple[Level, ...]) -> int:
    """How many unit arrays there are in the shape of ``like``."""
    return math.prod(like.shape[len(running) :])


def rows_of(lifted: Lifted, ys: list[Variable], record: bool, chunk_size: int | None = None) -> Blocks:
    """Pull unit cotangents back, many at a time."""
    most = most_at_once(lifted, ys, chunk_size)
    blocks = []
    for y in ys:
        parts: Blocks = [[] for _ in lifted.variables]
        for start, stop in stretches(_count(y, lifted.levels), most):
            units = _units(y, start, stop, lifted.levels)
            seed = constant(units) if record and type(units) is not Batched else units
            for part, g in zip(parts, pull_back(lifted, [(y, seed)])[0], strict=True):
                part.append(apart(g, units))
        blocks.append(
            [_joined(p, y, v, lifted, record) for p, v in zip(parts, lifted.variables, strict=True)]
        )
    return blocks


def columns_of(lifted: Lifted, ys: list[Variable], record: bool, chunk_size: int | None = None) -> Blocks:
    """Push unit tangents forward, many at a time."""
    most = most_at_once(lifted, ys, chunk_size)
    blocks: Blocks = [[] for _ in ys]
    for v in lifted.variables:
        parts: Blocks = [[] for _ in ys]
        for start, stop in stretches(_count(v, lifted.levels), most):
            units = _units(v, start, stop, lifted.levels)
            tangents = [units if other is v else None for other in lifted.variables]
            for part, t in zip(parts, push_forward(lifted, ys, tangents, record), strict=True):
                part.append(apart(t, units))
        for part, y, blocks_of_y in zip(parts, ys, blocks, strict=True):
            block = _joined(part, v, y, lifted, record)
            outer, last = len(lifted.levels), np.ndim(block)
            first = outer + v.ndim - outer
            order = (*range(outer), *range(first, last), *range(outer, first))
            blocks_of_y.append(np.transpose(block, order) if order != tuple(range(last)) else block)
    return blocks


def _joined(parts: list[Any], along: Variable, like: Variable, lifted: Lifted, record: bool) -> Any:
    """One array of all parts: the examples of vmaps, the shape of ``along``, the shape of ``like``."""
    outer = len(lifted.levels)
    shape = (*along.shape, *like.shape[outer:])
    if not parts:
        whole: Any = np.zeros(shape, like.dtype)
    else:
        whole = parts[0] if len(parts) == 1 else np.concatenate(parts)
        whole = np.moveaxis(whole, 0, outer) if outer else whole
        whole = np.reshape(whole, shape)
    if not record:
        return whole if shape else whole[()]
    return whole if isinstance(whole, Variable) else constant(whole)


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
