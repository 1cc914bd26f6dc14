"""Averages, covariances, histograms and running sums."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.primitive import PRIMITIVES
from ..core.table import OPS
from ..core.variable import Variable, as_array
from .declare import arrayed, frozen, implements, misfit, no_out, normal_axes

_NONE: Any = np._NoValue


def _aligned(weights: Any, a: Any, axis: Any) -> Any:
    """Weights of one or several axes, with the shape of ``a``."""
    if np.shape(weights) == np.shape(a):
        return weights
    if axis is None:
        raise TypeError("Axis must be specified when shapes of a and weights differ.")
    axes = normal_axes(axis, np.ndim(a))
    if np.shape(weights) != tuple(np.shape(a)[i] for i in axes):
        raise misfit("Shape of weights must be consistent with shape of a along specified axis.")
    weights = np.transpose(weights, tuple(int(i) for i in np.argsort(axes)))
    return np.reshape(weights, tuple(n if i in axes else 1 for i, n in enumerate(np.shape(a))))


@implements(np.average)
def _average(
    a: Any, axis: Any = None, weights: Any = None, returned: bool = False, *, keepdims: Any = _NONE
) -> Any:
    keep = keepdims is not _NONE and bool(keepdims)
    a = arrayed(a)
    if weights is None:
        y = np.mean(a, axis=axis, keepdims=keep)
        count = as_array(a.size / y.size if y.size else 0, y.dtype)
        return (y, np.full(y.shape, count)[()]) if returned else y
    weights = arrayed(weights)
    weights = _aligned(weights, a, axis)
    total = np.sum(np.broadcast_to(weights, np.shape(a)), axis=axis, keepdims=keep)
    if np.any(np.equal(total, 0)):
        raise ZeroDivisionError("Weights sum to zero, can't be normalized")
    y = np.sum(a * weights, axis=axis, keepdims=keep) / total
    return (y, np.astype(total, y.dtype)) if returned else y


def _rows(m: Any, rowvar: bool) -> Any:
    m = arrayed(m)
    if m.ndim > 2:
        raise misfit("m has more than 2 dimensions")
    if m.ndim < 2:
        return np.reshape(m, (1, -1))
    return m if rowvar or m.shape[0] == 1 else np.transpose(m)


@implements(np.cov)
def _cov(
    m: Any,
    y: Any = None,
    rowvar: bool = True,
    bias: bool = False,
    ddof: int | None = None,
    fweights: Any = None,
    aweights: Any = None,
    *,
    dtype: Any = None,
) -> Any:
    x = _rows(m, rowvar)
    if y is not None:
        x = np.concatenate([x, _rows(y, rowvar)])
    x = np.astype(x, np.result_type(x, np.float64) if dtype is None else dtype)
    weights: Any = None
    if fweights is not None:
        weights = as_array(frozen(fweights), float)
    if aweights is not None:
        aweights = np.astype(arrayed(aweights), float)
        weights = aweights if weights is None else weights * aweights
    ddof = (0 if bias else 1) if ddof is None else ddof
    if weights is None:
        freedom: Any = x.shape[1] - ddof
        centred = x - np.mean(x, axis=1, keepdims=True)
        scaled = centred
    else:
        total = np.sum(weights)
        centred = x - np.sum(x * weights, axis=1, keepdims=True) / total
        scaled = centred * weights
        freedom = total - (0 if ddof == 0 else ddof)
        if aweights is not None and ddof != 0:
            freedom = total - ddof * np.sum(weights * aweights) / total
    if frozen(freedom) <= 0:
        freedom = np.nan if freedom == 0 else 0.0
    return np.squeeze(np.matmul(centred, np.conjugate(np.transpose(scaled))) / freedom)


@implements(np.corrcoef)
def _corrcoef(x: Any, y: Any = None, rowvar: bool = True, *, dtype: Any = None) -> Any:
    c = _cov(x, y, rowvar, dtype=dtype)
    if np.ndim(c) == 0:
        return c / c
    deviation = np.sqrt(np.real(np.diagonal(c)))
    c = c / deviation[:, None] / deviation[None, :]
    if c.dtype.kind == "c":
        return np.clip(np.real(c), -1, 1) + 1j * np.clip(np.imag(c), -1, 1)
    return np.clip(c, -1, 1)


# --- histograms: steps in the data, linear in the weights -----------------------------------------


def _edges(a: Any, bins: Any, range: Any, weights: Any) -> Any:
    """The edges of the bins; they move with the data where they are laid between its extremes."""
    if isinstance(bins, Variable) or np.ndim(bins) == 1:
        return arrayed(bins)
    edges = np.histogram_bin_edges(frozen(a), frozen(bins), range, frozen(weights))
    if range is not None or not isinstance(a, Variable) or a.size == 0:
        return edges
    low, high = np.min(a), np.max(a)
    if low.data == high.data:
        return np.linspace(low - 0.5, high + 0.5, len(edges))
    return np.linspace(low, high, len(edges))


def _counts(places: Any, inside: Any, length: int, weights: Any) -> Any:
    """How much falls into each bin: integers, or sums of weights."""
    if weights is None:
        return np.bincount(places[inside], minlength=length)
    if isinstance(weights, Variable):
        added = np.astype(np.ravel(weights)[inside], np.promote_types(weights.dtype, float))
        return PRIMITIVES["scatter"](added, index=places[inside], shape=(length,))
    return np.bincount(places[inside], np.ravel(weights)[inside], length)


def _density(counts: Any, widths: Sequence[Any]) -> Any:
    total = np.sum(counts)
    for axis, width in enumerate(widths):
        shape = [1] * np.ndim(counts)
        shape[axis] = -1
        counts = counts / np.reshape(width, shape)
    return counts / total


@implements(np.histogram)
def _histogram(a: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None) -> Any:
    if weights is not None and np.shape(weights) != np.shape(a):
        raise misfit("weights should have the same shape as a.")
    edges = _edges(a, bins, range, weights)
    counts = _histogramdd(
        np.reshape(a, (-1, 1)), [edges], weights=None if weights is None else np.ravel(weights)
    )[0]
    if weights is None:
        counts = counts.astype(np.intp)
    else:
        counts = np.astype(counts, weights.dtype if hasattr(weights, "dtype") else float)
    return (_density(counts, [np.diff(edges)]) if density else counts), edges


@implements(np.histogramdd)
def _histogramdd(
    sample: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    if isinstance(sample, (list, tuple)):
        sample = np.stack(sample, axis=-1)
    sample = arrayed(sample)
    sample = sample if sample.ndim == 2 else np.reshape(sample, (-1, 1))
    dimensions = sample.shape[1]
    bins = list(bins) if isinstance(bins, (list, tuple, np.ndarray)) else [bins] * dimensions
    ranges = [None] * dimensions if range is None else list(range)
    edges = [_edges(sample[:, i], bins[i], ranges[i], None) for i in np.arange(dimensions)]
    lengths = tuple(len(e) - 1 for e in edges)
    inside = np.ones(len(sample), bool)
    places = np.zeros(len(sample), np.intp)
    for i, edge in enumerate(edges):
        bare, column = as_array(frozen(edge)), as_array(frozen(sample))[:, i]
        place = np.searchsorted(bare, column, side="right") - 1
        place[column == bare[-1]] -= 1  # the last bin is closed
        inside &= (place >= 0) & (place < lengths[i])
        places = places * lengths[i] + place
    counts = _counts(places, inside, int(np.prod(lengths)), weights)
    counts = np.reshape(counts, lengths)
    counts = counts if isinstance(counts, Variable) else counts.astype(float)
    return (_density(counts, [np.diff(e) for e in edges]) if density else counts), tuple(edges)


@implements(np.histogram2d)
def _histogram2d(
    x: Any, y: Any, bins: Any = 10, range: Any = None, density: Any = None, weights: Any = None
) -> Any:
    if not isinstance(bins, (int, np.integer)) and len(bins) != 2:
        bins = [bins, bins]
    counts, (first, second) = _histogramdd([x, y], bins, range, density, weights)
    return counts, first, second


# --- running sums ----------------------------------------------------------------------------------


def _cumulative(name: str, run: Any, start: float) -> Any:
    def cumulative(
        x: Any,
        /,
        *,
        axis: int | None = None,
        dtype: Any = None,
        out: Any = None,
        include_initial: bool = False,
    ) -> Any:
        no_out(name, out)
        if axis is None:
            if x.ndim > 1:
                raise misfit("For arrays which have more than one dimension ``axis`` argument is required.")
            x, axis = np.reshape(x, (-1,)), 0
        (axis,) = normal_axes(axis, x.ndim)
        y = run(x, axis=axis, dtype=dtype)
        if not include_initial:
            return y
        lengths = list(y.shape)
        lengths[axis] = 1
        return np.concatenate([np.full(lengths, start, y.dtype), y], axis=axis)

    return cumulative


OPS[np.cumulative_sum] = _cumulative("np.cumulative_sum", np.cumsum, 0)
OPS[np.cumulative_prod] = _cumulative("np.cumulative_prod", np.cumprod, 1)
