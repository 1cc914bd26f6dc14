"""Distributions whose densities are exponentials, powers and logarithms: NumPy is enough for them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special, stats

from ...ops.declare import frozen
from .helpers import EULER, LN2, LOG_PI, choose, log1mexp
from .rules import declare

_INF = float("inf")


def above(shape: Any, least: float, mean: Any, otherwise: float = _INF) -> Any:
    """A moment that exists where ``shape`` is above ``least``."""
    exists = np.greater(frozen(shape), least)
    if np.all(exists):
        return mean(shape)
    return np.where(exists, mean(np.where(exists, shape, least + 1.0)), otherwise)


declare(
    stats.uniform,
    logpdf=lambda x: 0.0 * x,
    pdf=lambda x: 1.0 + 0.0 * x,
    cdf=lambda x: 1.0 * x,
    sf=lambda x: 1.0 - x,
    logcdf=np.log,
    logsf=lambda x: np.log1p(-x),
    mean=lambda: 0.5,
    var=lambda: 1 / 12,
    entropy=lambda: 0.0,
)

declare(
    stats.expon,
    logpdf=lambda x: -x,
    cdf=lambda x: -np.expm1(-x),
    sf=lambda x: np.exp(-x),
    logcdf=log1mexp,
    logsf=lambda x: -x,
    mean=lambda: 1.0,
    var=lambda: 1.0,
    entropy=lambda: 1.0,
)


def _laplace_cdf(x: Any) -> Any:
    mask = np.greater(frozen(x), 0)
    return choose(mask, lambda x: 1 - 0.5 * np.exp(-x), lambda x: 0.5 * np.exp(x), x, (0.0, 0.0))


def _laplace_logcdf(x: Any) -> Any:
    mask = np.greater(frozen(x), 0)
    return choose(mask, lambda x: np.log1p(-0.5 * np.exp(-x)), lambda x: x - LN2, x, (0.0, 0.0))


declare(
    stats.laplace,
    logpdf=lambda x: -LN2 - np.abs(x),
    cdf=_laplace_cdf,
    sf=lambda x: _laplace_cdf(-x),
    logcdf=_laplace_logcdf,
    logsf=lambda x: _laplace_logcdf(-x),
    mean=lambda: 0.0,
    var=lambda: 2.0,
    entropy=lambda: LN2 + 1,
)

declare(
    stats.logistic,
    logpdf=lambda x: -x - 2 * np.logaddexp(0.0, -x),
    cdf=special.expit,
    sf=lambda x: special.expit(-x),
    logcdf=lambda x: -np.logaddexp(0.0, -x),
    logsf=lambda x: -np.logaddexp(0.0, x),
    mean=lambda: 0.0,
    var=lambda: math.pi**2 / 3,
    entropy=lambda: 2.0,
)

declare(
    stats.cauchy,
    logpdf=lambda x: -LOG_PI - np.log1p(x * x),
    pdf=lambda x: 1 / (math.pi * (1 + x * x)),
    cdf=lambda x: np.arctan2(1.0, -x) / math.pi,
    sf=lambda x: np.arctan2(1.0, x) / math.pi,
    mean=lambda: float("nan"),
    var=lambda: float("nan"),
    entropy=lambda: math.log(4 * math.pi),
)

declare(
    stats.halfcauchy,
    logpdf=lambda x: math.log(2 / math.pi) - np.log1p(x * x),
    pdf=lambda x: 2 / (math.pi * (1 + x * x)),
    cdf=lambda x: 2 / math.pi * np.arctan(x),
    sf=lambda x: 2 / math.pi * np.arctan2(1.0, x),
    mean=lambda: _INF,
    var=lambda: _INF,
    entropy=lambda: math.log(2 * math.pi),
)


# --- powers ----------------------------------------------------------------------------------------


def _weibull_logpdf(x: Any, c: Any) -> Any:
    return np.log(c) + special.xlogy(c - 1, x) - np.power(x, c)


def _gamma_moment(k: int, c: Any) -> Any:
    return special.gamma(1 + k / c)


def _weibull_var(c: Any) -> Any:
    return _gamma_moment(2, c) - _gamma_moment(1, c) ** 2


def _weibull_entropy(c: Any) -> Any:
    return EULER * (1 - 1 / c) - np.log(c) + 1


declare(
    stats.weibull_min,
    logpdf=_weibull_logpdf,
    cdf=lambda x, c: -np.expm1(-np.power(x, c)),
    sf=lambda x, c: np.exp(-np.power(x, c)),
    logcdf=lambda x, c: log1mexp(np.power(x, c)),
    logsf=lambda x, c: -np.power(x, c),
    mean=lambda c: _gamma_moment(1, c),
    var=_weibull_var,
    entropy=_weibull_entropy,
    safe=(1.0,),
)

declare(
    stats.weibull_max,
    logpdf=lambda x, c: _weibull_logpdf(-x, c),
    cdf=lambda x, c: np.exp(-np.power(-x, c)),
    sf=lambda x, c: -np.expm1(-np.power(-x, c)),
    logcdf=lambda x, c: -np.power(-x, c),
    logsf=lambda x, c: log1mexp(np.power(-x, c)),
    mean=lambda c: -_gamma_moment(1, c),
    var=_weibull_var,
    entropy=_weibull_entropy,
    safe=(1.0,),
    point=-0.5,
)


def _rayleigh_logsf(x: Any) -> Any:
    return -0.5 * (x * x)


declare(
    stats.rayleigh,
    logpdf=lambda x: np.log(x) - 0.5 * (x * x),
    pdf=lambda x: x * np.exp(-0.5 * (x * x)),
    cdf=lambda x: -np.expm1(_rayleigh_logsf(x)),
    sf=lambda x: np.exp(_rayleigh_logsf(x)),
    logcdf=lambda x: log1mexp(-_rayleigh_logsf(x)),
    logsf=_rayleigh_logsf,
    mean=lambda: math.sqrt(math.pi / 2),
    var=lambda: (4 - math.pi) / 2,
    entropy=lambda: EULER / 2 + 1 - 0.5 * LN2,
)

declare(
    stats.pareto,
    logpdf=lambda x, b: np.log(b) - (b + 1) * np.log(x),
    cdf=lambda x, b: -np.expm1(-b * np.log(x)),
    sf=lambda x, b: np.power(x, -b),
    logcdf=lambda x, b: log1mexp(b * np.log(x)),
    logsf=lambda x, b: -b * np.log(x),
    mean=lambda b: above(b, 1, lambda b: b / (b - 1)),
    var=lambda b: above(b, 2, lambda b: b / (b - 2) / (b - 1) ** 2),
    entropy=lambda b: 1 + 1 / b - np.log(b),
    safe=(1.0,),
    point=2.0,
)

declare(
    stats.lomax,
    logpdf=lambda x, c: np.log(c) - (c + 1) * np.log1p(x),
    cdf=lambda x, c: -np.expm1(-c * np.log1p(x)),
    sf=lambda x, c: np.exp(-c * np.log1p(x)),
    logcdf=lambda x, c: log1mexp(c * np.log1p(x)),
    logsf=lambda x, c: -c * np.log1p(x),
    mean=lambda c: above(c, 1, lambda c: 1 / (c - 1)),
    var=lambda c: above(c, 2, lambda c: c / (c - 2) / (c - 1) ** 2),
    entropy=lambda c: 1 + 1 / c - np.log(c),
    safe=(1.0,),
)

declare(
    stats.powerlaw,
    logpdf=lambda x, a: np.log(a) + special.xlogy(a - 1, x),
    cdf=lambda x, a: np.power(x, a),
    logcdf=lambda x, a: a * np.log(x),
    sf=lambda x, a: -np.expm1(a * np.log(x)),
    logsf=lambda x, a: log1mexp(-a * np.log(x)),
    mean=lambda a: a / (a + 1),
    var=lambda a: a / (a + 2) / (a + 1) ** 2,
    entropy=lambda a: 1 - 1 / a - np.log(a),
    safe=(1.0,),
)


# --- log-logistic ------------------------------------------------------------------------------------


def _log1p_power(x: Any, c: Any) -> Any:
    """``log(1 + x**c)``: without overflow for large x, without ``log 0``."""
    small = np.less(frozen(x), 1)
    low, high = np.where(small, x, 1.0), np.where(small, 1.0, x)
    return np.where(small, np.log1p(np.power(low, c)), c * np.log(high) + np.log1p(np.power(high, -c)))


def _fisk_logpdf(x: Any, c: Any) -> Any:
    return np.log(c) + special.xlogy(c - 1, x) - 2 * _log1p_power(x, c)


def _fisk_mean(c: Any) -> Any:
    return above(c, 1, lambda c: math.pi / c / np.sin(math.pi / c))


def _fisk_var(c: Any) -> Any:
    return above(c, 2, lambda c: 2 * math.pi / c / np.sin(2 * math.pi / c) - _fisk_mean(c) ** 2)


declare(
    stats.fisk,
    logpdf=_fisk_logpdf,
    cdf=lambda x, c: special.expit(c * np.log(x)),
    sf=lambda x, c: special.expit(-c * np.log(x)),
    logcdf=lambda x, c: c * np.log(x) - _log1p_power(x, c),
    logsf=lambda x, c: -_log1p_power(x, c),
    mean=_fisk_mean,
    var=_fisk_var,
    entropy=lambda c: 2 - np.log(c),
    safe=(3.0,),
)


# --- piecewise -----------------------------------------------------------------------------------------


def _triang_pdf(x: Any, c: Any) -> Any:
    rising = np.less(frozen(x), frozen(c))
    up = 2 * x / np.where(rising, c, 1.0)
    down = 2 * (1 - x) / np.where(rising, 1.0, 1 - np.where(_at_one(c), 0.0, c))
    down = np.where(_at_one(c), 2 * x, down)
    return np.where(rising, up, down)


def _triang_tail(x: Any, c: Any, upper: bool) -> Any:
    rising = np.less(frozen(x), frozen(c))
    below = x * x / np.where(rising, c, 1.0)
    above = (1 - x) ** 2 / np.where(rising, 1.0, 1 - np.where(_at_one(c), 0.0, c))
    return np.where(rising, 1 - below, above) if upper else np.where(rising, below, 1 - above)


def _at_one(c: Any) -> Any:
    return np.equal(frozen(c), 1)


declare(
    stats.triang,
    pdf=_triang_pdf,
    cdf=lambda x, c: _triang_tail(x, c, upper=False),
    sf=lambda x, c: _triang_tail(x, c, upper=True),
    mean=lambda c: (c + 1) / 3,
    var=lambda c: (1 - c + c * c) / 18,
    entropy=lambda c: 0.5 - LN2 + 0.0 * c,
    safe=(0.5,),
)
