"""The rest of NumPy in the tables of the laws: statistics, polynomials, construction, selection."""

from __future__ import annotations

from typing import Any

import numpy as np
from hypothesis import strategies as st
from scipy import special

from whence.core.primitive import PRIMITIVES
from whence.core.table import OPS
from whence.ops.corner import corner

from .entries import Draw, Spec, Trial, entry, lengths, shapes
from .examples import EXAMPLES, MASK, POSITIVE, ROW, of

matrix, vector, scalar, cube = of((2, 3)), of((4,)), of(()), of((2, 3, 4))
real_matrix, real_vector, real_cube = (
    of((2, 3), complex=False),
    of((4,), complex=False),
    of((2, 3, 4), complex=False),
)
pair = of((2, 3), (2, 3))
two = of((4,), (3,))
square = of((3, 3))
positive = of(POSITIVE, complex=False)


# --- primitives ------------------------------------------------------------------------------------


@entry("np.convolve")
def _convolve(draw: Draw, large: bool) -> Trial:
    n, m = lengths(draw, large, 1, 1)[0], draw(st.integers(1, 4))
    f = PRIMITIVES["np.convolve"]
    return Trial(f, np.convolve, (Spec((n,)), Spec((m,))), True)


@entry("np.roots")
def _roots(draw: Draw, large: bool) -> Trial:
    """Real and well apart: the coefficients come from the roots."""
    f = PRIMITIVES["np.roots"]
    n = draw(st.integers(1, 4))
    scale = np.poly([-1.0, -4.0, -10.0, -30.0][:n])
    specs = (Spec((n + 1,), 0.98, 1.02),)
    return Trial(
        lambda p: np.sort_complex(f(p * scale)), lambda p: np.sort_complex(np.roots(p * scale)), specs
    )


@entry("the corner of a norm")
def _corner(draw: Draw, large: bool) -> Trial:
    shape = shapes(draw, large)
    nowhere = np.zeros(shape, bool)
    return Trial(lambda x: corner(x, at=nowhere), lambda x: x * 1, (Spec(shape),), True)


@entry("np.std")
def _deviation(draw: Draw, large: bool) -> Trial:
    return Trial(PRIMITIVES["np.std"], np.sqrt, (Spec(shapes(draw, large), 0.2, 3.0),))


@entry("bessel_i1")
def _bessel_i1(draw: Draw, large: bool) -> Trial:
    from_zero = Spec(shapes(draw, large), -2.0, 2.0)
    return Trial(PRIMITIVES["bessel_i1"], special.i1, (from_zero,))


@entry("bessel_iv")
def _bessel_iv(draw: Draw, large: bool) -> Trial:
    n = draw(st.integers(-1, 3))
    f = PRIMITIVES["bessel_iv"]
    return Trial(lambda x: f(x, n=n), lambda x: special.iv(n, x), (Spec(shapes(draw, large)),))


# --- order statistics and missing values -------------------------------------------------------------

METHODS = [
    "inverted_cdf", "averaged_inverted_cdf", "closest_observation", "interpolated_inverted_cdf", "hazen",
    "weibull", "linear", "median_unbiased", "normal_unbiased", "lower", "higher", "midpoint", "nearest",
]  # fmt: skip
WEIGHTS = np.array([0.5, 2.0, 1.0])


def _with_gaps(f: Any) -> Any:
    """``f`` of the operand with two elements missing."""
    return lambda x: f(np.where(MASK, x, np.array(np.nan, x.dtype)))


EXAMPLES[np.median] = [
    *real_cube(
        lambda x: np.median(x),
        lambda x: np.median(x, axis=1),
        lambda x: np.median(x, axis=(0, -1), keepdims=True),
        lambda x: np.median(x, 2, keepdims=True),
    ),
    *of((), complex=False)(lambda x: np.median(x)),
]
EXAMPLES[np.quantile] = [
    *real_cube(
        lambda x: np.quantile(x, 0.3),
        lambda x: np.quantile(x, [0.1, 0.9, 1.0], axis=-1),
        lambda x: np.quantile(x, np.array([[0.1, 0.4]]), axis=(0, 2), keepdims=True),
        lambda x: np.quantile(x, 0.4, axis=1, weights=WEIGHTS, method="inverted_cdf"),
        lambda x: np.quantile(x, [0.4, 0.7], axis=(2, 1), weights=np.ones((4, 3)), method="inverted_cdf"),
    ),
    *real_vector(*(lambda x, m=m: np.quantile(x, [0.15, 0.5, 0.62], method=m) for m in METHODS)),
]
EXAMPLES[np.percentile] = real_cube(
    lambda x: np.percentile(x, 30),
    lambda x: np.percentile(x, [10, 60], axis=1, method="hazen"),
    lambda x: np.percentile(x, 25.0, axis=0, keepdims=True),
)
EXAMPLES[np.nanmedian] = real_matrix(
    lambda x: np.nanmedian(x, axis=0),
    _with_gaps(lambda x: np.nanmedian(x)),
    _with_gaps(lambda x: np.nanmedian(x, axis=1, keepdims=True)),
)
EXAMPLES[np.nanquantile] = real_matrix(
    _with_gaps(lambda x: np.nanquantile(x, 0.3)),
    _with_gaps(lambda x: np.nanquantile(x, [0.3, 0.8], axis=1)),
)
EXAMPLES[np.nanpercentile] = real_matrix(_with_gaps(lambda x: np.nanpercentile(x, [30, 60], axis=-1)))
for _f in (np.nansum, np.nanprod, np.nanmean, np.nanvar, np.nanstd):
    EXAMPLES[_f] = real_matrix(
        lambda x, f=_f: f(x),
        _with_gaps(lambda x, f=_f: f(x)),
        _with_gaps(lambda x, f=_f: f(x, axis=1, keepdims=True)),
        _with_gaps(lambda x, f=_f: f(x[0], where=np.array([True, True, True]))),
    )
for _f in (np.nanvar, np.nanstd):
    EXAMPLES[_f] += real_matrix(_with_gaps(lambda x, f=_f: f(x, axis=1, ddof=1)))
for _f in (np.nansum, np.nanprod):
    EXAMPLES[_f] += real_matrix(_with_gaps(lambda x, f=_f: f(x, axis=0, initial=2.0)))
for _f in (np.nanmax, np.nanmin):
    EXAMPLES[_f] = real_matrix(
        lambda x, f=_f: f(x),
        _with_gaps(lambda x, f=_f: f(x)),
        _with_gaps(lambda x, f=_f: f(x, axis=1, keepdims=True)),
        _with_gaps(lambda x, f=_f: f(x, axis=0, initial=0.1)),
    )
for _f in (np.nancumsum, np.nancumprod):
    EXAMPLES[_f] = real_matrix(_with_gaps(lambda x, f=_f: f(x)), _with_gaps(lambda x, f=_f: f(x, axis=0)))

# --- averages, covariances, histograms ---------------------------------------------------------------

EXAMPLES[np.average] = [
    *matrix(
        lambda x: np.average(x),
        lambda x: np.average(x, axis=0),
        lambda x: np.average(x, axis=1, weights=WEIGHTS),
        lambda x: np.average(x, axis=1, weights=WEIGHTS, returned=True)[0],
        lambda x: np.average(x, axis=(1, 0), weights=np.arange(1.0, 7.0).reshape(3, 2), keepdims=True),
    ),
    *of((2, 3), POSITIVE)(
        lambda x, w: np.average(x, weights=w),
        lambda x, w: np.average(x, axis=0, weights=w, returned=True),
    ),
]
EXAMPLES[np.cov] = [
    *of((2, 5))(
        lambda x: np.cov(x),
        lambda x: np.cov(x, rowvar=False),
        lambda x: np.cov(x, bias=True),
        lambda x: np.cov(x, ddof=2),
        lambda x: np.cov(x, fweights=np.array([1, 2, 1, 3, 1])),
        lambda x: np.cov(x, aweights=np.array([0.5, 1.0, 0.2, 1.0, 2.0])),
        lambda x: np.cov(x, fweights=np.array([1, 2, 1, 3, 1]), aweights=np.array([0.5, 1, 0.2, 1, 2])),
        lambda x: np.cov(x[0]),
        lambda x: np.cov(x, dtype=complex),
    ),
    *of((5,), (5,))(lambda x, y: np.cov(x, y), lambda x, y: np.cov(x, y, ddof=0)),
    *of((2, 5), Spec((5,), 0.3, 2.0), complex=False)(lambda x, w: np.cov(x, aweights=w)),
]
EXAMPLES[np.corrcoef] = [
    *of((3, 5), complex=False)(
        lambda x: np.corrcoef(x)[0, 1:], lambda x: np.corrcoef(x, rowvar=False)[0, 1:3]
    ),
    *of((5,), (5,), complex=False)(lambda x, y: np.corrcoef(x, y)[0, 1]),
]
PLACES = np.array([0.3, 1.2, 1.9, 0.1])
EXAMPLES[np.histogram] = [
    *of((4,), complex=False)(
        lambda w: np.histogram(PLACES, bins=3, weights=w)[0],
        lambda w: np.histogram(PLACES, bins=3, weights=w + 3.0, density=True)[0],
        lambda w: np.histogram(PLACES, bins=[0, 0.2, 1.5, 2.0], weights=w)[0],
        lambda w: np.histogram(PLACES, bins=4, range=(0, 1.5), weights=w)[0],
        lambda x: np.histogram(x, bins=3)[1],
        lambda x: np.histogram(x, bins="auto")[1],
        lambda x: np.histogram(x, bins=3, density=True)[0],
    ),
]
EXAMPLES[np.histogram2d] = of((4,), complex=False)(
    lambda w: np.histogram2d(PLACES, PLACES[::-1], bins=3, weights=w)[0],
    lambda w: np.histogram2d(PLACES, PLACES[::-1], [2, 3], [[0, 2], [0, 3]], weights=w + 3.0, density=True)[
        0
    ],
)
EXAMPLES[np.histogramdd] = of((4,), complex=False)(
    lambda w: np.histogramdd(np.stack([PLACES, PLACES[::-1]], 1), bins=(2, 3), weights=w)[0],
    lambda w: np.histogramdd([PLACES, PLACES[::-1]], bins=[[0, 1, 2], [0, 0.2, 1.5]], weights=w)[0],
)
for _f in (np.cumulative_sum, np.cumulative_prod):
    EXAMPLES[_f] = [
        *matrix(
            lambda x, f=_f: f(x, axis=0),
            lambda x, f=_f: f(x, axis=-1, include_initial=True),
            lambda x, f=_f: f(x, axis=1, dtype=complex),
        ),
        *vector(lambda x, f=_f: f(x)),
    ]

# --- sampled functions -------------------------------------------------------------------------------

for _f in (np.convolve, np.correlate):
    EXAMPLES[_f] = [
        *two(
            lambda x, y, f=_f: f(x, y),
            lambda x, y, f=_f: f(y, x),
            *(lambda x, y, f=_f, m=m: f(x, y, m) for m in ("full", "same", "valid")),
            *(lambda x, y, f=_f, m=m: f(y, x, mode=m) for m in ("full", "same", "valid")),
        ),
        *of((5,), (2,))(lambda x, y, f=_f: f(x, y, "same"), lambda x, y, f=_f: f(y, x, "same")),
        *of((4,), (4,))(lambda x, y, f=_f: f(x, y, "same")),
        *vector(lambda x, f=_f: f(x, [1.0, 2.0])),
    ]
KNOTS = Spec((4,), 0.0, 1.0)
EXAMPLES[np.interp] = [
    *of(Spec((3,), 0.2, 2.8), (4,), complex=False)(
        lambda x, y: np.interp(x, [0.0, 1.0, 2.0, 3.0], y),
        lambda x, y: np.interp(x - 1.5, np.array([0.0, 0.4, 0.5, 1.0]), y),
        lambda x, y: np.interp(x - 1.5, np.array([0.0, 0.4, 0.5, 1.0]), y, left=-1.0, right=y[0]),
        lambda x, y: np.interp(x * 7 - 5, np.array([0.4, 0.3, 2.5, 1.0]), y, period=2.7),
        lambda x, y: np.interp(x[0], [0.0, 1.0, 2.0, 3.0], y),
        lambda x, y: np.interp(x, [1.0], y[:1]),
    ),
    *of(KNOTS, (4,), complex=False)(
        lambda k, y: np.interp([0.1, 1.1, 2.7, 9.0], k + np.arange(4.0), y),
        lambda k, y: np.interp(0.5 + k, 2 * k + np.arange(4.0), y, left=k[1]),
    ),
    *of((4,))(lambda y: np.interp([0.1, 1.1, 2.7], [0.0, 1.0, 2.0, 3.0], 1j * y)),
]
EXAMPLES[np.unwrap] = [
    *of(Spec((2, 5), -20.0, 20.0), complex=False)(
        lambda x: np.unwrap(x),
        lambda x: np.unwrap(x, axis=0),
        lambda x: np.unwrap(x, discont=4.0),
        lambda x: np.unwrap(x, period=5.0),
    ),
]
EXAMPLES[np.ediff1d] = matrix(
    lambda x: np.ediff1d(x),
    lambda x: np.ediff1d(x, to_end=[1.0, 2.0]),
    lambda x: np.ediff1d(x, x[0], x[0, 0]),
)
EXAMPLES[np.trapezoid] = [
    *cube(
        lambda y: np.trapezoid(y),
        lambda y: np.trapezoid(y, dx=0.3, axis=1),
        lambda y: np.trapezoid(y, x=[0.0, 1.0, 1.5], axis=1),
    ),
    *of((2, 3), (3,))(lambda y, x: np.trapezoid(y, x)),
    *pair(lambda y, x: np.trapezoid(y, x, axis=0)),
    *of((3,), ())(lambda y, d: np.trapezoid(y, dx=d)),
]
EXAMPLES[np.gradient] = [
    *of((3, 4))(
        lambda f: np.gradient(f),
        lambda f: np.gradient(f, 0.5),
        lambda f: np.gradient(f, 0.5, 2.0),
        lambda f: np.gradient(f, axis=1),
        lambda f: np.gradient(f, [0.0, 1.0, 1.5, 4.0], axis=-1, edge_order=2),
        lambda f: np.gradient(f, 2.0, np.array([0.0, 1.0, 1.5, 4.0]), edge_order=2),
        lambda f: np.gradient(f, axis=(1, 0)),
    ),
    *of((5,), Spec((5,), 0.0, 0.5), complex=False)(
        lambda f, x: np.gradient(f, x + np.arange(5.0)), lambda f, x: np.gradient(f, x[0], edge_order=2)
    ),
]
EXAMPLES[np.cross] = [
    *of((2, 3), (2, 3))(lambda a, b: np.cross(a, b), lambda a, b: np.cross(a, b, axis=1)),
    *of((3, 2), (2, 3))(lambda a, b: np.cross(a, b, axisa=0, axisc=0)),
    *of((3,), (4, 1, 3))(lambda a, b: np.cross(a, b)),
]
EXAMPLES[np.i0] = real_matrix(lambda x: np.i0(x))
EXAMPLES[np.fix] = of(Spec((2, 3), 0.1, 0.4), complex=False, constant=True)(lambda x: np.fix(x))
EXAMPLES[np.real_if_close] = matrix(lambda x: np.real_if_close(x), lambda x: np.real_if_close(x + 0j))
EXAMPLES[np.sort_complex] = matrix(lambda x: np.sort_complex(x + 0j))
EXAMPLES[np.trim_zeros] = vector(
    lambda x: np.trim_zeros(np.pad(x, (1, 2))),
    lambda x: np.trim_zeros(np.pad(x, (1, 2)), "f"),
    lambda x: np.trim_zeros(np.pad(x, (1, 2)), trim="b"),
)

# --- construction --------------------------------------------------------------------------------------

ends = of((3,), (2, 1))
EXAMPLES[np.linspace] = [
    *ends(
        lambda a, b: np.linspace(a, b, 4),
        lambda a, b: np.linspace(a, b, 5, endpoint=False, axis=1),
        lambda a, b: np.linspace(a, b, 3, retstep=True),
        lambda a, b: np.linspace(a, b, num=1),
        lambda a, b: np.linspace(a, b, 3, dtype=complex, axis=-1),
    ),
    *scalar(lambda a: np.linspace(a, 2.0), lambda a: np.linspace(0, a, 7)),
]
EXAMPLES[np.logspace] = [
    *ends(lambda a, b: np.logspace(a, b, 4), lambda a, b: np.logspace(a, b, 3, base=2.0, axis=1)),
    *of((), (), Spec((), 1.5, 3.0), complex=False)(lambda a, b, c: np.logspace(a, b, 4, base=c)),
]
EXAMPLES[np.geomspace] = of(Spec((3,), 0.3, 1.0), Spec((2, 1), 2.0, 3.0), complex=False)(
    lambda a, b: np.geomspace(a, b, 4),
    lambda a, b: np.geomspace(-a, -b, 4, axis=1),
    lambda a, b: np.geomspace(a, b, 5, endpoint=False),
)
EXAMPLES[np.meshgrid] = [
    *two(
        lambda x, y: np.meshgrid(x, y),
        lambda x, y: np.meshgrid(x, y, indexing="ij"),
        lambda x, y: np.meshgrid(x, y, sparse=True),
        lambda x, y: np.meshgrid(x, y, [1.0, 2.0], copy=False)[:2],
    ),
]
EXAMPLES[np.append] = [
    *two(lambda x, y: np.append(x, y), lambda x, y: np.append(x, 2.0)),
    *pair(lambda x, y: np.append(x, y), lambda x, y: np.append(x, y, axis=1)),
]
EXAMPLES[np.block] = [
    *of((2, 3), (2, 1))(
        lambda x, y: np.block([[x, y], [y, x]]),
        lambda x, y: np.block([x, y]),
        lambda x, y: np.block([[x], [x]]),
    ),
    *of((3,), ())(lambda x, y: np.block([x, y, 1.0]), lambda x, y: np.block([[x], [2 * x]])),
    *matrix(lambda x: np.block([[np.eye(2), x]])),
]
EXAMPLES[np.resize] = matrix(
    lambda x: np.resize(x, (2, 2)), lambda x: np.resize(x, 11), lambda x: np.resize(x, (3, 4))
)
EXAMPLES[np.delete] = matrix(
    lambda x: np.delete(x, 2),
    lambda x: np.delete(x, [0, -1], axis=1),
    lambda x: np.delete(x, slice(None, None, 2), axis=1),
    lambda x: np.delete(x, np.array([True, False, True]), 1),
)
EXAMPLES[np.insert] = [
    *matrix(lambda x: np.insert(x, 1, x[0, 0])),
    *of((3, 2), (2,), complex=False)(
        lambda x, y: np.insert(x, 1, y, axis=0),
        lambda x, y: np.insert(x, 1, y),
        lambda x, y: np.insert(x, -1, y[0], axis=1),
        lambda x, y: np.insert(x, [1], y, axis=0),
        lambda x, y: np.insert(x, [2, 0], y, axis=1),
        lambda x, y: np.insert(x, [2, -6], y),
        lambda x, y: np.insert(x, [1, 1], y, axis=0),
        lambda x, y: np.insert(x, slice(0, 2), y[0], axis=1),
        lambda x, y: np.insert(x, np.array([True, False, True]), y[1], axis=0),
        lambda x, y: np.insert(x, 3, y, axis=0),
        lambda x, y: np.insert(np.ones((3, 2)), 1, y, axis=0),
    ),
    *of((3,), (3, 2), complex=False)(lambda y, x: np.insert(x, 1, y, axis=1)),
]
EXAMPLES[np.compress] = matrix(
    lambda x: np.compress([True, False, True], x, axis=1),
    lambda x: np.compress([False, True], x, axis=0),
    lambda x: np.compress([True, False, False, True], x),
)
EXAMPLES[np.extract] = matrix(lambda x: np.extract(MASK, x))
EXAMPLES[np.choose] = [
    *pair(
        lambda x, y: np.choose([[0, 1, 0], [1, 1, 0]], [x, y]),
        lambda x, y: np.choose([0, 2, 5], [x, y], mode="wrap"),
        lambda x, y: np.choose([0, -2, 5], (x, y[0]), mode="clip"),
    ),
]
EXAMPLES[np.select] = [
    *pair(
        lambda x, y: np.select([MASK, ROW], [x, y]),
        lambda x, y: np.select([MASK], [x + y], default=y),
        lambda x, y: np.select([MASK, ~MASK], [x, 2.0], 5.0),
    ),
]
EXAMPLES[np.piecewise] = [
    *matrix(
        lambda x: np.piecewise(x, [MASK, ~MASK], [np.sin, lambda v: v * v]),
        lambda x: np.piecewise(x, [MASK], [np.sin, 2.0]),
        lambda x: np.piecewise(x, [MASK], [lambda v, a: v * a, 1.0], 3.0),
    ),
    *scalar(lambda x: np.piecewise(x, [True, False], [np.sin, np.cos])),
]
EXAMPLES[np.unique] = [
    *real_matrix(lambda x: np.unique(x), lambda x: np.unique(x, return_index=True)[0]),
    *real_matrix(lambda x: np.unique(np.concatenate([x, x]), axis=0)),
]
EXAMPLES[np.unique_values] = real_matrix(lambda x: np.unique(np.unique_values(x)))
EXAMPLES[np.union1d] = of((3,), (2,), complex=False)(lambda x, y: np.union1d(x, y))
EXAMPLES[np.apply_along_axis] = cube(
    lambda x: np.apply_along_axis(np.sum, 1, x),
    lambda x: np.apply_along_axis(lambda v: v * v[0], 0, x),
    lambda x: np.apply_along_axis(lambda v, k: np.outer(v, v) * k, 1, x, 2.0),
)
EXAMPLES[np.apply_over_axes] = cube(
    lambda x: np.apply_over_axes(np.sum, x, [0, 2]), lambda x: np.apply_over_axes(np.mean, x, -1)
)

# --- writing into a Variable -----------------------------------------------------------------------------


def written(write: Any) -> Any:
    """What ``write`` leaves of its first operand."""

    def f(x: Any, y: Any) -> Any:
        x = x + 0.0 * np.sum(y)  # a Variable if either is, and one of its own
        write(x, y)
        return x

    return f


target = of((2, 3), (3,), complex=False)
EXAMPLES[np.put] = target(
    written(lambda x, y: np.put(x, [0, 4, -1], y)),
    written(lambda x, y: np.put(x, [0, 4, 2, 3], y[:2])),
    written(lambda x, y: np.put(x, [7, -1], y, mode="wrap")),
    written(lambda x, y: np.put(x, [9], y[1], mode="clip")),
)
EXAMPLES[np.place] = target(
    written(lambda x, y: np.place(x, MASK, y)), written(lambda x, y: np.place(x, ~MASK, y))
)
EXAMPLES[np.putmask] = target(
    written(lambda x, y: np.putmask(x, MASK, y)), written(lambda x, y: np.putmask(x, MASK, y[:2]))
)
EXAMPLES[np.copyto] = target(
    written(lambda x, y: np.copyto(x, y)),
    written(lambda x, y: np.copyto(x, y, where=MASK)),
    written(lambda x, y: np.copyto(x, y[0], where=ROW)),
)
EXAMPLES[np.put_along_axis] = target(
    written(lambda x, y: np.put_along_axis(x, np.array([[1], [2]]), y[:2, None], axis=1)),
    written(lambda x, y: np.put_along_axis(x, np.array([[1, 0, 1]]), y[None], axis=0)),
    written(lambda x, y: np.put_along_axis(x, np.array([1, 5, 0]), y, axis=None)),
)
EXAMPLES[np.fill_diagonal] = [
    *target(written(lambda x, y: np.fill_diagonal(x, y)), written(lambda x, y: np.fill_diagonal(x, y[0]))),
    *of((5, 2), (4,), complex=False)(
        written(lambda x, y: np.fill_diagonal(x, y, wrap=True)), written(lambda x, y: np.fill_diagonal(x, y))
    ),
    *of((2, 2, 2), (2,), complex=False)(written(lambda x, y: np.fill_diagonal(x, y))),
]

# --- polynomials -----------------------------------------------------------------------------------------

EXAMPLES[np.polyval] = [
    *of((4,), (2, 3))(lambda p, x: np.polyval(p, x)),
    *vector(lambda p: np.polyval(p, 2.0), lambda x: np.polyval([1.0, 2.0, 3.0], x)),
]
EXAMPLES[np.polyadd] = two(lambda p, q: np.polyadd(p, q), lambda p, q: np.polyadd(q, p))
EXAMPLES[np.polysub] = two(lambda p, q: np.polysub(p, q), lambda p, q: np.polysub([1.0], p))
EXAMPLES[np.polymul] = two(lambda p, q: np.polymul(p, q))
EXAMPLES[np.polydiv] = of((4,), Spec((2,), 0.5, 2.0))(
    lambda p, q: np.polydiv(p, q), lambda p, q: np.polydiv(q, p)[1], lambda p, q: np.polydiv(p, [2.0, 1.0])
)
EXAMPLES[np.polyder] = vector(lambda p: np.polyder(p), lambda p: np.polyder(p, 2))
EXAMPLES[np.polyint] = vector(
    lambda p: np.polyint(p), lambda p: np.polyint(p, 2, k=[3.0, 4.0]), lambda p: np.polyint(p, k=p[0])
)
EXAMPLES[np.poly] = vector(lambda z: np.poly(z), lambda z: np.poly(z[:1]))
EXAMPLES[np.roots] = of(Spec((4,), 0.5, 2.0))(
    lambda p: np.sort(np.abs(np.roots(p))),
    lambda p: np.roots(p * np.array([1.0, 5.0, 3.0, 0.2])),
    lambda p: np.roots(np.concatenate([p[:2], [-3.0]])),
)
EXAMPLES[np.vander] = vector(
    lambda x: np.vander(x), lambda x: np.vander(x, 2), lambda x: np.vander(x, 3, increasing=True)
)
TIMES = np.array([0.0, 0.4, 1.0, 1.7, 2.0, 3.1])
EXAMPLES[np.polyfit] = [
    *of((6,))(lambda y: np.polyfit(TIMES, y, 2), lambda y: np.polyfit(TIMES, y, 1, w=[1, 2, 1, 1, 3, 1])),
    *of((6,), complex=False)(
        lambda y: np.polyfit(TIMES, y, 2, cov=True), lambda y: np.polyfit(TIMES, y, 1, cov="unscaled")[0]
    ),
    *of((6, 2))(lambda y: np.polyfit(TIMES, y, 2)),
]

# --- methods of ufuncs -----------------------------------------------------------------------------------


def _reduced(ufunc: Any, low: float, high: float) -> None:
    specs = of(Spec((3, 2), low, high), complex=False)
    made = specs(lambda x: ufunc.reduce(x), lambda x: ufunc.reduce(x, axis=-1, keepdims=True))
    EXAMPLES.setdefault((ufunc, "reduce"), made)
    EXAMPLES.setdefault(
        (ufunc, "accumulate"), specs(lambda x: ufunc.accumulate(x), lambda x: ufunc.accumulate(x, 1))
    )
    EXAMPLES.setdefault((ufunc, "reduceat"), specs(lambda x: ufunc.reduceat(x, [0, 2, 1])))

    def at(x: Any, y: Any) -> Any:
        x = x + 0.0 * y[0, 0]  # a Variable if either is
        ufunc.at(x, [0, 2, 0], y)
        return x

    def at_pairs(x: Any, y: Any) -> Any:
        x = x + 0.0 * y[0, 0]  # a Variable if either is
        ufunc.at(x, ([0, 2], [1, 0]), y[:2, 0])
        return x

    operands = of(Spec((3, 2), low, high), Spec((3, 2), low, high), complex=False)
    EXAMPLES.setdefault((ufunc, "at"), operands(at, at_pairs))


for _key in [key for key in OPS if isinstance(key, tuple) and key[1] == "reduceat"]:
    _narrow = {np.float_power: (1.0, 1.3), np.power: (1.0, 1.3)}
    _reduced(_key[0], *_narrow.get(_key[0], (0.4, 2.0)))
