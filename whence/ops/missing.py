"""Reductions that leave NaNs out.

The NaNs are replaced before anything is computed from them, so that none reaches a gradient.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from ..core.variable import as_array
from .declare import implements, no_out
from .reduction import deviation

_NONE: Any = np._NoValue


def _flag(keepdims: Any) -> bool:
    return keepdims is not _NONE and bool(keepdims)


def _present(a: Any, where: Any) -> Any:
    """Which elements take part."""
    there = ~np.isnan(a)
    return there if where is _NONE or where is True else there & where


def _filled(a: Any, where: Any, by: float) -> Any:
    if a.dtype.kind not in "fc" and (where is _NONE or where is True):
        return a  # integers are never missing
    return np.where(_present(a, where), a, as_array(by, a.dtype))


def _keywords(keepdims: Any, initial: Any) -> dict[str, Any]:
    given: dict[str, Any] = {"keepdims": _flag(keepdims)}
    if initial is not _NONE:
        given["initial"] = initial
    return given


@implements(np.nansum)
def _nansum(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = _NONE,
    initial: Any = _NONE,
    where: Any = _NONE,
) -> Any:
    no_out("np.nansum", out)
    return np.sum(_filled(a, where, 0), axis, dtype, **_keywords(keepdims, initial))


@implements(np.nanprod)
def _nanprod(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    keepdims: Any = _NONE,
    initial: Any = _NONE,
    where: Any = _NONE,
) -> Any:
    no_out("np.nanprod", out)
    return np.prod(_filled(a, where, 1), axis, dtype, **_keywords(keepdims, initial))


@implements(np.nancumsum)
def _nancumsum(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    no_out("np.nancumsum", out)
    return np.cumsum(_filled(a, True, 0), axis, dtype)


@implements(np.nancumprod)
def _nancumprod(a: Any, axis: Any = None, dtype: Any = None, out: Any = None) -> Any:
    no_out("np.nancumprod", out)
    return np.cumprod(_filled(a, True, 1), axis, dtype)


@implements(np.nanmean)
def _nanmean(
    a: Any, axis: Any = None, dtype: Any = None, out: Any = None, keepdims: Any = _NONE, *, where: Any = _NONE
) -> Any:
    no_out("np.nanmean", out)
    there = _present(a, where)
    return np.mean(_filled(a, where, 0), axis, dtype, keepdims=_flag(keepdims), where=there)


@implements(np.nanvar)
def _nanvar(
    a: Any,
    axis: Any = None,
    dtype: Any = None,
    out: Any = None,
    ddof: float = 0,
    keepdims: Any = _NONE,
    *,
    where: Any = _NONE,
    mean: Any = _NONE,
    correction: Any = _NONE,
) -> Any:
    no_out("np.nanvar", out)
    freedom = ddof if correction is _NONE else correction
    there = _present(a, where)
    given = {} if mean is _NONE else {"mean": mean}
    y = np.var(
        _filled(a, where, 0), axis, dtype, ddof=freedom, keepdims=_flag(keepdims), where=there, **given
    )
    enough = np.sum(there, axis=axis, keepdims=_flag(keepdims)) > freedom
    return y if np.all(enough) else np.where(enough, y, as_array(np.nan, y.dtype))


@implements(np.nanstd)
def _nanstd(a: Any, *args: Any, **keywords: Any) -> Any:
    return deviation(np.nanvar(a, *args, **keywords))


def _extreme(function: Any, name: str, best: Any, worst: float) -> None:
    @implements(function)
    def extreme(
        a: Any,
        axis: Any = None,
        out: Any = None,
        keepdims: Any = _NONE,
        initial: Any = _NONE,
        where: Any = _NONE,
    ) -> Any:
        no_out(name, out)
        y = best(_filled(a, where, worst), axis=axis, **_keywords(keepdims, initial))
        lost = np.all(np.isnan(a), axis=axis, keepdims=_flag(keepdims))
        if initial is not _NONE or where is not _NONE or not np.any(lost):
            return y
        return np.where(lost, as_array(np.nan, a.dtype), y)


_extreme(np.nanmax, "np.nanmax", np.max, -np.inf)
_extreme(np.nanmin, "np.nanmin", np.min, np.inf)
