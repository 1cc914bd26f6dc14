"""Order statistics: median, percentile, quantile, and the same without NaNs.

Which elements a quantile is made of depends on their order alone. So NumPy is asked for the
quantile of the *ranks* 0 … n - 1, which tells the place between two neighbours in the sorted data,
for every method and for weights.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..core.table import OPS
from ..core.variable import Variable, as_array
from ..errors import NoGradientError
from .declare import arrayed, frozen, no_out, normal_axes

Places = Callable[..., Any]

#: Methods that choose an element, and never mix two.
_CHOOSING = {"inverted_cdf", "closest_observation", "lower", "higher", "nearest"}


def _flag(keepdims: Any) -> bool:
    return keepdims is not np._NoValue and bool(keepdims)


def _together(a: Any, axes: tuple[int, ...]) -> Any:
    """``a`` with ``axes`` as its last one."""
    rest = tuple(i for i in range(a.ndim) if i not in axes)
    a = np.transpose(a, rest + axes)
    return np.reshape(a, (*a.shape[: len(rest)], -1))


def _at_places(x: Any, order: Any, places: Any, dtype: Any) -> Any:
    """The sorted ``x`` (..., n) at ``places`` (m, ...), which lie between two elements or on one."""
    missing = np.isnan(places)
    low = np.where(missing, 0, np.floor(places)).astype(np.intp)
    high = np.where(missing, 0, np.ceil(places)).astype(np.intp)
    index = np.ogrid[tuple(slice(n) for n in places.shape)][1:]
    first = x[(*index, order[(*index, low)])]
    part = np.where(missing, np.nan, places - low).astype(dtype or x.dtype)
    if not np.any(part):
        return first if dtype is None else np.astype(first, dtype)
    second = x[(*index, order[(*index, high)])]
    apart = second - first
    return np.where(part < 0.5, first + apart * part, second - apart * (1 - part))  # from the nearer


def _quantile(
    name: str,
    a: Any,
    q: Any,
    axis: Any,
    places: Places,
    keepdims: Any,
    weights: Any = None,
    dtype: Any = None,
) -> Any:
    """``places(ranks, q, axis, …)`` says where in the sorted data each quantile lies."""
    if isinstance(q, Variable):
        raise NoGradientError(
            f"{name} has no gradient with respect to q{called_at()}\n  → q.data for a constant"
        )
    a = arrayed(a)
    axes = normal_axes(axis, a.ndim)
    x = _together(a, axes)  # (..., n)
    bare = frozen(x)
    order = np.argsort(bare, axis=-1, kind="stable")
    ranks = np.argsort(order, axis=-1, kind="stable").astype(float)
    ranks = np.where(np.isnan(bare), np.nan, ranks)
    if weights is None:
        where = places(ranks, np.ravel(q), axis=-1)
    else:  # steps: they choose an element, and do not move it
        weights = as_array(frozen(weights))
        weights = np.broadcast_to(weights, a.shape) if weights.ndim == a.ndim else _spread(weights, a, axes)
        where = places(ranks, np.ravel(q), axis=-1, weights=_together(weights, axes))
    y = _at_places(x, order, as_array(where), dtype)
    rest = tuple(1 if i in axes else n for i, n in enumerate(a.shape) if keepdims or i not in axes)
    return np.reshape(y, np.shape(q) + rest)


def _spread(weights: Any, a: Any, axes: tuple[int, ...]) -> Any:
    """Weights of the axes alone, for the whole of ``a``."""
    shape = tuple(n if i in axes else 1 for i, n in enumerate(a.shape))
    order = np.argsort(np.argsort(axes))
    return np.broadcast_to(np.transpose(weights, np.argsort(axes)[order]).reshape(shape), a.shape)


def _register(function: Any, name: str, scale: float, places: Any) -> None:
    def quantile(
        a: Any,
        q: Any,
        axis: Any = None,
        out: Any = None,
        overwrite_input: bool = False,
        method: str = "linear",
        keepdims: Any = False,
        *,
        weights: Any = None,
    ) -> Any:
        no_out(name, out)

        def located(ranks: Any, fractions: Any, **more: Any) -> Any:
            return places(ranks, fractions, method=method, **more)

        dtype = None
        if method not in _CHOOSING and not isinstance(q, (int, float, Variable)):
            dtype = np.result_type(frozen(a), as_array(q).dtype)  # of a mixture of two elements
        fractions = arrayed(q) / scale
        return _quantile(name, a, fractions, axis, located, _flag(keepdims), weights, dtype)

    OPS[function] = quantile


_register(np.quantile, "np.quantile", 1, np.quantile)
_register(np.percentile, "np.percentile", 100, np.quantile)
_register(np.nanquantile, "np.nanquantile", 1, np.nanquantile)
_register(np.nanpercentile, "np.nanpercentile", 100, np.nanquantile)


def _register_median(function: Any, name: str, places: Any) -> None:
    def median(
        a: Any, axis: Any = None, out: Any = None, overwrite_input: bool = False, keepdims: Any = False
    ) -> Any:
        no_out(name, out)
        return _quantile(name, a, 0.5, axis, places, _flag(keepdims))

    OPS[function] = median


_register_median(np.median, "np.median", np.quantile)
_register_median(np.nanmedian, "np.nanmedian", np.nanquantile)
