"""What has nothing to differentiate, and NumPy functions put together from other ops.

Comparisons, tests, orders, shapes, constants made in an array's likeness: plain arrays in, plain
arrays out. And angle, divmod, modf, round, ``ufunc.outer``, ufuncs called with ``dtype=``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ..core.batched import Batched, looped, plainly, pointwise
from ..core.origin import called_at
from ..core.primitive import PRIMITIVES, Primitive
from ..core.table import OPS, PLAIN
from ..core.variable import Variable, as_array
from ..errors import NoGradientError
from .declare import implements, no_out

PLAIN |= {
    np.equal, np.not_equal, np.less, np.less_equal, np.greater, np.greater_equal,
    np.logical_and, np.logical_or, np.logical_not, np.logical_xor,
    np.isnan, np.isinf, np.isfinite, np.signbit, np.isnat,
    np.bitwise_and, np.bitwise_or, np.bitwise_xor, np.invert, np.left_shift, np.right_shift,
    np.gcd, np.lcm, np.bitwise_count,
    np.all, np.any, np.argmax, np.argmin, np.nanargmax, np.nanargmin, np.argsort, np.argpartition,
    np.argwhere, np.nonzero, np.flatnonzero, np.count_nonzero, np.searchsorted, np.digitize,
    np.lexsort, np.isin,
    np.isclose, np.allclose, np.array_equal, np.array_equiv, np.iscomplex, np.isreal,
    np.iscomplexobj, np.isrealobj, np.isneginf, np.isposinf, np.isscalar,
    np.shape, np.ndim, np.size, np.result_type, np.can_cast, np.min_scalar_type, np.common_type,
    np.zeros_like, np.ones_like, np.empty_like, np.histogram_bin_edges,
    np.array2string, np.array_repr, np.array_str, np.shares_memory, np.may_share_memory,
    np.save, np.savetxt, np.savez, np.savez_compressed, np.tril_indices_from, np.triu_indices_from,
    np.diag_indices_from, np.linalg.matrix_rank, np.ix_, np.unravel_index, np.ravel_multi_index,
    np.einsum_path,
}  # fmt: skip

OPS[np.shape] = lambda a: a.shape
OPS[np.ndim] = lambda a: a.ndim
OPS[np.size] = lambda a, axis=None: a.size if axis is None else a.shape[axis]


rounded = Primitive(
    "np.round",
    lambda x, decimals: np.round(x, decimals),
    vjp=[lambda g, y, x, decimals: np.zeros_like(g)],
    reads=[""],
    batch=pointwise,
)


@implements(np.round, np.around)
def _round(a: Any, decimals: int = 0, out: Any = None) -> Any:
    no_out("np.round", out)
    return rounded(a, decimals=decimals)


@implements(np.angle)
def _angle(z: Any, deg: bool = False) -> Any:
    y = np.arctan2(np.imag(z), np.real(z))
    return np.degrees(y) if deg else y


@implements(np.divmod)
def _divmod(x1: Any, x2: Any) -> tuple[Any, Any]:
    return np.floor_divide(x1, x2), np.remainder(x1, x2)


modf = Primitive(
    "np.modf", lambda x: np.modf(x), vjp=[lambda g, y, x: g[0]], reads=[""], many=True, batch=pointwise
)
OPS[np.modf] = modf.apply


@implements(np.frexp)
def _frexp(x: Any) -> tuple[Any, Any]:
    _, exponent = plainly(np.frexp, x)
    return np.ldexp(x, -exponent), exponent


@implements(np.nan_to_num)
def _nan_to_num(
    x: Any, copy: bool = True, nan: float = 0.0, posinf: float | None = None, neginf: float | None = None
) -> Any:
    replaced = plainly(np.nan_to_num, x, nan=nan, posinf=posinf, neginf=neginf)
    return np.where(np.isfinite(x), x, replaced)


@implements(np.full_like)
def _full_like(
    a: Any,
    fill_value: Any,
    dtype: Any = None,
    order: Any = "K",
    subok: bool = True,
    shape: Any = None,
    *,
    device: Any = None,
) -> Any:
    if not isinstance(fill_value, Variable):
        return plainly(np.full_like, a, fill_value, dtype, order, False, shape)
    shape = np.shape(a) if shape is None else shape
    full = np.broadcast_to(fill_value, shape)
    return np.astype(full, np.result_type(a) if dtype is None else dtype)


@implements(np.bincount)
def _bincount(x: Any, /, weights: Any = None, minlength: int = 0) -> Any:
    if isinstance(x, Batched) or isinstance(weights, Batched):
        return _bincount_all(x, weights, minlength)
    x = as_array(getattr(x, "_data", x))
    if not isinstance(weights, Variable):
        return np.bincount(x, weights, minlength)
    length = np.bincount(x, minlength=minlength).size
    return PRIMITIVES["scatter"](weights.astype(np.float64), index=x, shape=(length,))


def _bincount_all(x: Any, weights: Any, minlength: int) -> Any:
    if isinstance(x, Batched):  # how many bins there are differs from example to example
        return looped(functools.partial(np.bincount, minlength=minlength), "np.bincount", (x, weights))
    length = np.bincount(x, minlength=minlength).size
    return PRIMITIVES["scatter"](weights.astype(np.float64), index=as_array(x), shape=(length,))


@implements("ufunc keywords")
def _with_keywords(ufunc: Any, op: Callable[..., Any], inputs: Sequence[Any], kwargs: dict[str, Any]) -> Any:
    """A ufunc with ``dtype=`` or ``where=``: converted first, or left where the mask is false."""
    kwargs = dict(kwargs)
    out = kwargs.pop("out", None)
    no_out(f"np.{ufunc.__name__}", out[0] if isinstance(out, tuple) and len(out) == 1 else out)
    dtype, where = kwargs.pop("dtype", None), kwargs.pop("where", True)
    kwargs.pop("casting", None)
    kwargs.pop("subok", None)
    kwargs.pop("order", None)
    if kwargs:
        return op(*inputs, **kwargs)  # the axis= of matvec and its kin
    if where is not True:
        raise NoGradientError(
            f"np.{ufunc.__name__}(..., where=) without out= leaves elements undefined{called_at()}\n"
            "  → np.where(mask, np.f(v), other)"
        )
    if dtype is not None:
        inputs = [np.astype(x, dtype) if hasattr(x, "astype") else x for x in inputs]
    return op(*inputs)


def _outer(ufunc: Any) -> Callable[..., Any]:
    def outer(a: Any, b: Any, /, **keywords: Any) -> Any:
        a = np.reshape(a, np.shape(a) + (1,) * np.ndim(b))
        return ufunc(a, b, **keywords)

    return outer


for _ufunc in [f for f in OPS if isinstance(f, np.ufunc) and f.nin == 2 and f.signature is None]:
    if getattr(np, _ufunc.__name__, None) is _ufunc:
        OPS[_ufunc, "outer"] = _outer(_ufunc)
