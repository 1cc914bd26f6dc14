"""For every distribution of one variable: where to draw its shapes and points from."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from ..ops.entries import Spec, array_of

TAILS = ("cdf", "sf", "logcdf", "logsf")
INVERSES = ("ppf", "isf")
CENTRE = ("mean", "var", "std")


class Case(NamedTuple):
    """Intervals of the standard variable and of each shape, and the methods with a rule."""

    point: tuple[float, float]
    shapes: tuple[tuple[float, float], ...] = ()
    methods: tuple[str, ...] = ("pdf", "logpdf", *TAILS, *INVERSES, *CENTRE, "entropy")


_NO_ENTROPY = ("pdf", "logpdf", *TAILS, *INVERSES, *CENTRE)
_NO_MOMENTS = ("pdf", "logpdf", *TAILS, *INVERSES)
REAL, POSITIVE, UNIT = (-2.0, 2.0), (0.2, 3.0), (0.1, 0.9)

CASES: dict[Any, Case] = {
    stats.beta: Case(UNIT, (POSITIVE, POSITIVE)),
    stats.betaprime: Case(POSITIVE, (POSITIVE, (1.5, 3)), (*_NO_MOMENTS, "mean")),
    stats.cauchy: Case(REAL, (), (*_NO_MOMENTS, "entropy")),
    stats.chi: Case(POSITIVE, (POSITIVE,), _NO_MOMENTS),
    stats.chi2: Case(POSITIVE, ((0.5, 5),)),
    stats.erlang: Case(POSITIVE, (POSITIVE,)),
    stats.expon: Case(POSITIVE),
    stats.exponnorm: Case(REAL, ((0.5, 3),), _NO_ENTROPY),
    stats.f: Case(POSITIVE, ((1, 5), (4.5, 7)), _NO_ENTROPY),
    stats.fisk: Case(POSITIVE, ((2.5, 4),)),
    stats.gamma: Case(POSITIVE, (POSITIVE,)),
    stats.genextreme: Case(REAL, ((-0.3, 0.3),), (*_NO_MOMENTS, "entropy")),
    stats.gennorm: Case((0.2, 2), ((0.8, 3),), ("pdf", "logpdf", *CENTRE, "entropy")),
    stats.genpareto: Case((0.2, 2), ((-0.4, 0.4),)),
    stats.gumbel_l: Case(REAL),
    stats.gumbel_r: Case(REAL),
    stats.halfcauchy: Case(POSITIVE, (), (*_NO_MOMENTS, "entropy")),
    stats.halfnorm: Case(POSITIVE),
    stats.invgamma: Case(POSITIVE, ((2.5, 4),)),
    stats.invgauss: Case(POSITIVE, ((0.3, 2),), _NO_ENTROPY),
    stats.laplace: Case((0.3, 2)),
    stats.levy: Case(POSITIVE, (), _NO_MOMENTS),
    stats.loggamma: Case(REAL, (POSITIVE,)),
    stats.logistic: Case(REAL),
    stats.lognorm: Case(POSITIVE, ((0.3, 1.5),)),
    stats.lomax: Case(POSITIVE, ((2.2, 3),)),
    stats.maxwell: Case(POSITIVE),
    stats.moyal: Case(REAL, (), _NO_ENTROPY),
    stats.nakagami: Case((0.2, 2), ((0.6, 3),), _NO_MOMENTS),
    stats.norm: Case(REAL),
    stats.pareto: Case((1.1, 3), ((2.2, 3),)),
    stats.powerlaw: Case(UNIT, (POSITIVE,)),
    stats.rayleigh: Case(POSITIVE),
    stats.skewnorm: Case(REAL, ((-2, 2),), _NO_ENTROPY),
    stats.t: Case(REAL, ((2.2, 6),)),
    stats.triang: Case((0.6, 0.95), ((0.2, 0.5),)),
    stats.truncnorm: Case((-0.9, 0.9), ((-2, -1), (1, 2))),
    stats.uniform: Case(UNIT),
    stats.vonmises: Case(REAL, ((0.3, 3),), ("pdf", "logpdf")),
    stats.weibull_max: Case((-2, -0.2), ((0.6, 3),)),
    stats.weibull_min: Case((0.2, 2), ((0.6, 3),)),
}

#: Counts ``k`` to draw from, and shapes; a tuple of ints for shapes that are whole numbers.
COUNTS: dict[Any, tuple[tuple[int, int], tuple[Any, ...], tuple[str, ...]]] = {
    stats.bernoulli: ((0, 2), (UNIT,), ("pmf", "logpmf", "cdf", "sf", "mean", "var", "entropy")),
    stats.betabinom: ((0, 5), (5, POSITIVE, POSITIVE), ("pmf", "logpmf", "mean", "var")),
    stats.binom: ((0, 5), (5, UNIT), ("pmf", "logpmf", *TAILS, "mean", "var", "std")),
    stats.geom: ((1, 6), (UNIT,), ("pmf", "logpmf", *TAILS, "mean", "var", "entropy")),
    stats.nbinom: ((0, 6), ((0.5, 4), UNIT), ("pmf", "logpmf", *TAILS, "mean", "var")),
    stats.poisson: ((0, 6), ((0.5, 4),), ("pmf", "logpmf", *TAILS, "mean", "var")),
}


def operands(dist: Any, method: str) -> list[np.ndarray]:
    """Arrays of a call: the point or probability (not for moments), shapes, location, scale."""
    case = CASES[dist]
    specs = [Spec((3,) if i % 2 else (2, 1), *bounds) for i, bounds in enumerate(case.shapes)]
    specs += [Spec((2, 1), -0.3, 0.3), Spec((), 0.7, 1.4)]
    arrays = [array_of(spec, i + 1, seed=7) for i, spec in enumerate(specs)]
    if method in INVERSES:
        return [array_of(Spec((2, 3), 0.15, 0.85), 0, seed=3), *arrays]
    if method in ("pdf", "logpdf", *TAILS):
        y = array_of(Spec((2, 3), *case.point), 0, seed=3)
        return [y * arrays[-1] + arrays[-2], *arrays]
    return arrays
