"""Reductions and running reductions: sum, mean, prod, max, var, cumsum and their kin."""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.batched import plainly
from ..core.primitive import Primitive
from ..core.sweep import wary
from ..core.table import OPS
from .batching import along_axis, over_axes
from .corner import cornered
from .declare import expanded, frozen, implements, integral, is_number, misfit, no_out, normal_axes

# --- linear --------------------------------------------------------------------------------------


def _spread(g: Any, x: Any, axis: Any, keepdims: bool) -> Any:
    """The gradient of a sum: ``g`` for every element that was added."""
    if axis is None and isinstance(g, np.generic):
        return g  # one number for all: the engine spreads it where it must
    return np.broadcast_to(expanded(g, x.ndim, axis, keepdims), x.shape)


_add_up: Any = np.add.reduce  # by position it is 0.15 µs quicker than by keyword, which the stubs want
sum_ = Primitive(
    "np.sum",
    lambda x, axis=None, dtype=None, keepdims=False: _add_up(x, axis, dtype, None, keepdims),
    vjp=[lambda g, y, x, axis=None, dtype=None, keepdims=False: _spread(g, x, axis, keepdims)],
    reads=[""],
    kind="linear",
    batch=over_axes,
)


@implements(np.sum, (np.add, "reduce"))
def _sum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = 0,
    where: Any = True,
) -> Any:
    if axis is None and dtype is None and out is None and keepdims is False and where is True:
        y = sum_.apply(a)  # nothing given: np.sum(v), the common case
        return y if initial is np._NoValue or is_number(initial, 0) else y + initial
    no_out("np.sum", out)
    if integral(dtype):
        return plainly(np.sum, a, axis, dtype, None, keepdims, initial, where)
    if where is not True:
        a = np.where(where, a, 0)
    y = sum_.apply(a, axis=axis, dtype=dtype, keepdims=_flag(keepdims))
    return y if _unset(initial) or is_number(initial, 0) else y + initial


def _add_reduce(a: Any, axis: Any = 0, *args: Any, **keywords: Any) -> Any:
    return _sum(a, axis, *args, **keywords)


OPS[np.add, "reduce"] = _add_reduce


def _flag(keepdims: Any) -> bool:
    return False if _unset(keepdims) else bool(keepdims)


def _unset(x: Any) -> bool:
    return x is np._NoValue


def _count(x: Any, axis: Any) -> int:
    count = 1
    for i in normal_axes(axis, x.ndim):
        count *= x.shape[i]
    return count


mean = Primitive(
    "np.mean",
    lambda x, axis=None, dtype=None, keepdims=False: np.mean(x, axis, dtype, keepdims=keepdims),
    vjp=[
        lambda g, y, x, axis=None, dtype=None, keepdims=False: _spread(
            g * (1 / max(1, _count(x, axis))), x, axis, keepdims
        )
    ],
    reads=[""],
    kind="linear",
    batch=over_axes,
)


@implements(np.mean)
def _mean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = False, where: Any = True
) -> Any:
    no_out("np.mean", out)
    if integral(dtype):
        return plainly(np.mean, a, axis, dtype, None, keepdims, where=where)
    if where is np._NoValue or where is True:
        return mean.apply(a, axis=axis, dtype=dtype, keepdims=_flag(keepdims))
    total = _sum(a, axis, dtype, None, keepdims, 0, where)
    return total / _count_where(total, a, axis, keepdims, where)


def _count_where(like: Any, a: Any, axis: Any, keepdims: Any, where: Any) -> Any:
    """How many elements ``where`` chooses, in the precision of ``like``."""
    count = np.sum(np.broadcast_to(where, a.shape), axis=axis, keepdims=_flag(keepdims))
    return count.astype(np.finfo(like.dtype).dtype)


cumsum = Primitive(
    "np.cumsum",
    lambda x, axis: np.cumsum(x, axis),
    vjp=[lambda g, y, x, axis: np.flip(np.cumsum(np.flip(g, axis), axis), axis)],
    reads=[""],
    kind="linear",
    batch=along_axis,
)


@implements(np.cumsum)
def _cumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    no_out("np.cumsum", out)
    if dtype is not None:
        a = a.astype(dtype)
    return cumsum(np.ravel(a), axis=0) if axis is None else cumsum(a, axis=axis)


OPS[np.add, "accumulate"] = lambda a, axis=0, dtype=None, out=None: _cumsum(a, axis, dtype, out)

# --- products ------------------------------------------------------------------------------------


def _cumprod_rule(g: Any, y: Any, x: Any, axis: int) -> Any:
    """``gx_j = P_(j-1) S_j`` with ``S_j = g_j + x_(j+1) S_(j+1)``: right for zeros too.

    Without zeros the sum has the closed form ``cumsum_from_the_right(g y) / x``.
    """
    if np.all(np.greater(np.absolute(x), _lowest(x))):
        return np.flip(np.cumsum(np.flip(g * y, axis), axis), axis) / x
    x, g, y = (np.moveaxis(a, axis, 0) for a in (x, g, y))
    tail = g[-1]
    tails = [tail]
    for j in range(len(x) - 2, -1, -1):
        tail = g[j] + x[j + 1] * tail
        tails.append(tail)
    before = np.concatenate([np.ones_like(x[:1]), y[:-1]])
    return np.moveaxis(before * np.stack(tails[::-1]), 0, axis)


def _lowest(x: Any) -> float:
    """The size below which a division by ``x`` would show what underflowed in a product."""
    return float(np.sqrt(np.finfo(x.dtype).tiny))


cumprod = Primitive("np.cumprod", lambda x, axis: np.cumprod(x, axis), vjp=[_cumprod_rule], batch=along_axis)


@implements(np.cumprod)
def _cumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    no_out("np.cumprod", out)
    if dtype is not None:
        a = a.astype(dtype)
    return cumprod(np.ravel(a), axis=0) if axis is None else cumprod(a, axis=axis)


OPS[np.multiply, "accumulate"] = lambda a, axis=0, dtype=None, out=None: _cumprod(a, axis, dtype, out)


def _prod_rule(g: Any, y: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    size = np.absolute(y)
    if np.all(np.logical_and(np.greater(size, np.finfo(x.dtype).tiny), np.isfinite(size))):
        return expanded(g * y, x.ndim, axis, keepdims) / x
    return expanded(g, x.ndim, axis, keepdims) * _product_of_others(x, normal_axes(axis, x.ndim))


def _product_of_others(x: Any, axes: tuple[int, ...]) -> Any:
    """For each element the product of all the others along ``axes``; no division, so zeros do."""
    rest = tuple(i for i in range(x.ndim) if i not in axes)
    order = rest + axes
    flat = np.reshape(np.transpose(x, order), (*(x.shape[i] for i in rest), -1))
    ones = np.ones_like(flat[..., :1])
    before = np.cumprod(np.concatenate([ones, flat[..., :-1]], -1), -1)
    after = np.flip(np.cumprod(np.concatenate([ones, np.flip(flat, -1)[..., :-1]], -1), -1), -1)
    others = np.reshape(before * after, tuple(x.shape[i] for i in order))
    return np.transpose(others, tuple(int(i) for i in np.argsort(order)))


prod = Primitive(
    "np.prod",
    lambda x, axis=None, keepdims=False: np.multiply.reduce(x, axis, keepdims=keepdims),
    vjp=[_prod_rule],
    batch=over_axes,
)


@implements(np.prod)
def _prod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = False,
    initial: Any = 1,
    where: Any = True,
) -> Any:
    no_out("np.prod", out)
    if dtype is not None:
        a = a.astype(dtype)
    if where is not True and not _unset(where):
        a = np.where(where, a, 1)
    y = prod(a, axis=axis, keepdims=_flag(keepdims))
    return y if _unset(initial) or is_number(initial, 1) else y * initial


def _multiply_reduce(a: Any, axis: Any = 0, *args: Any, **keywords: Any) -> Any:
    return _prod(a, axis, *args, **keywords)


OPS[np.multiply, "reduce"] = _multiply_reduce

# --- extremes ------------------------------------------------------------------------------------


def _extreme_rule(g: Any, y: Any, x: Any, axis: Any = None, keepdims: bool = False) -> Any:
    chosen = np.equal(x, expanded(y, x.ndim, axis, keepdims))
    alone = _without_ties(chosen, y)
    share = chosen if alone else chosen / np.sum(chosen, axis=axis, keepdims=True).clip(1)
    return expanded(wary(g), x.ndim, axis, keepdims) * share


def _without_ties(chosen: Any, y: Any) -> bool:
    """Is there one chosen element for each result? Counting them all is quicker than sharing out."""
    if type(chosen) is not np.ndarray or np.count_nonzero(chosen) != y.size:
        return False
    return not np.any(np.isnan(frozen(y)))  # of which none is chosen


def _extreme(name: str, ufunc: Any, pair: Any) -> Any:
    """``np.max`` or ``np.min``; elements that tie share the gradient."""
    primitive = Primitive(
        name,
        lambda x, axis=None, keepdims=False: ufunc.reduce(x, axis, None, None, keepdims),
        vjp=[_extreme_rule],
        batch=over_axes,
        chooses=True,
    )

    def extreme(
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: Any = False,
        initial: Any = np._NoValue,
        where: Any = True,
    ) -> Any:
        no_out(name, out)
        if where is not True and not _unset(where):
            if _unset(initial):
                raise misfit(f"{name} with where= needs initial=")
            a = np.where(where, a, initial)
        if not _unset(initial) and a.size == 0:
            empty = np.zeros(a.shape, a.dtype)
            return getattr(np, name[3:])(empty, axis=axis, keepdims=_flag(keepdims), initial=initial)
        y = primitive(a, axis=axis, keepdims=_flag(keepdims))
        return y if _unset(initial) else pair(y, initial)

    def reduce(a: Any, axis: Any = 0, dtype: Any = None, *args: Any, **keywords: Any) -> Any:
        return extreme(a, axis, *args, **keywords)

    OPS[ufunc, "reduce"] = reduce
    return extreme


OPS[np.max] = OPS[np.amax] = _extreme("np.max", np.maximum, np.maximum)
OPS[np.min] = OPS[np.amin] = _extreme("np.min", np.minimum, np.minimum)


@implements(np.ptp)
def _ptp(a: Any, axis: Any = None, out: Any = None, keepdims: Any = False) -> Any:
    no_out("np.ptp", out)
    keepdims = _flag(keepdims)
    return np.max(a, axis=axis, keepdims=keepdims) - np.min(a, axis=axis, keepdims=keepdims)


# --- spread --------------------------------------------------------------------------------------


def _var_rule(g: Any, y: Any, x: Any, axis: Any = None, ddof: float = 0, keepdims: bool = False) -> Any:
    from_mean = x - np.mean(x, axis=axis, keepdims=True)
    if x.dtype.kind == "c":
        from_mean = np.conjugate(from_mean)
    return expanded(g, x.ndim, axis, keepdims) * (from_mean * _twice_over(_count(x, axis) - ddof))


def _twice_over(freedom: float) -> float:
    return 2 / freedom if freedom > 0 else np.nan  # as NumPy's variance is then


var = Primitive(
    "np.var",
    lambda x, axis=None, ddof=0, keepdims=False: np.var(x, axis, ddof=ddof, keepdims=keepdims),
    vjp=[_var_rule],
    reads=["0"],
    batch=over_axes,
)


@implements(np.var)
def _var(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: Any = False,
    *,
    where: Any = True,
    mean: Any = np._NoValue,
    correction: Any = np._NoValue,
) -> Any:
    no_out("np.var", out)
    ddof = ddof if _unset(correction) else correction
    if dtype is not None:
        a = a.astype(dtype)
    if (where is True or _unset(where)) and _unset(mean):
        return var(a, axis=axis, ddof=ddof, keepdims=_flag(keepdims))
    where = True if _unset(where) else where
    centre = _mean(a, axis, keepdims=True, where=where) if _unset(mean) else mean
    spread = np.absolute(a - centre) ** 2
    total = _sum(spread, axis, None, None, keepdims, 0, where)
    return total / (_count_where(total, a, axis, keepdims, where) - ddof)


def _deviation_rule(g: Any, y: Any, v: Any) -> Any:
    none = np.equal(y, 0)  # equal values: a corner, as that of a norm at zero
    return g * np.where(none, cornered(y, none), 1 / (2 * np.where(none, 1, y)))


deviation = Primitive("np.std", np.sqrt, vjp=[_deviation_rule], reads=["y"], kind="elementwise")


@implements(np.std)
def _std(a: Any, *args: Any, **keywords: Any) -> Any:
    variance = _var(a, *args, **keywords)
    if np.size(variance) == np.size(a):  # of single numbers: zero (or NaN, with ddof) whatever they are
        return variance
    return deviation(variance)
