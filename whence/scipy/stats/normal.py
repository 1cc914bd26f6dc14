"""The normal distribution and those made from it.

Formulas are SciPy's parametrisations (its reference pages give the densities); for the skew-normal
Azzalini (1985), for the exponentially modified normal Grushka (1972), for the inverse Gaussian Giner
and Smyth (2016).
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special, stats

from ...core.primitive import Primitive
from ...ops.declare import frozen
from .helpers import (
    EULER,
    HALF_LOG_2PI,
    LN2,
    exp,
    log1mexp,
    log_normal_mass,
    normal_logpdf,
    normal_pdf,
)
from .rules import declare

_SQRT2 = math.sqrt(2.0)
_MEAN_OF_HALF = math.sqrt(2 / math.pi)

declare(
    stats.norm,
    logpdf=normal_logpdf,
    pdf=normal_pdf,
    cdf=special.ndtr,
    sf=lambda x: special.ndtr(-x),
    logcdf=special.log_ndtr,
    logsf=lambda x: special.log_ndtr(-x),
    mean=lambda: 0.0,
    var=lambda: 1.0,
    entropy=lambda: HALF_LOG_2PI + 0.5,
)

declare(
    stats.halfnorm,
    logpdf=lambda x: normal_logpdf(x) + LN2,
    pdf=lambda x: 2 * normal_pdf(x),
    cdf=lambda x: special.erf(x / _SQRT2),
    sf=lambda x: 2 * special.ndtr(-x),
    logsf=lambda x: LN2 + special.log_ndtr(-x),
    mean=lambda: _MEAN_OF_HALF,
    var=lambda: 1 - 2 / math.pi,
    entropy=lambda: 0.5 * math.log(math.pi / 2) + 0.5,
)

declare(
    stats.lognorm,
    logpdf=lambda x, s: normal_logpdf(np.log(x) / s) - np.log(s * x),
    cdf=lambda x, s: special.ndtr(np.log(x) / s),
    sf=lambda x, s: special.ndtr(-np.log(x) / s),
    logcdf=lambda x, s: special.log_ndtr(np.log(x) / s),
    logsf=lambda x, s: special.log_ndtr(-np.log(x) / s),
    mean=lambda s: np.exp(s * s / 2),
    var=lambda s: np.expm1(s * s) * np.exp(s * s),
    entropy=lambda s: 0.5 + HALF_LOG_2PI + np.log(s),
    safe=(1.0,),
    point=1.0,
)


# --- cut off -------------------------------------------------------------------------------------


def _truncnorm_mean(a: Any, b: Any) -> Any:
    mass = log_normal_mass(a, b)
    return _density_at(a, mass) - _density_at(b, mass)


def _truncnorm_var(a: Any, b: Any) -> Any:
    mass = log_normal_mass(a, b)
    at_a, at_b = _density_at(a, mass), _density_at(b, mass)
    mean = at_a - at_b
    return 1 + _finite(a) * at_a - _finite(b) * at_b - mean * mean


def _finite(end: Any) -> Any:
    infinite = np.isinf(frozen(end))
    return np.where(infinite, 0.0, end) if np.any(infinite) else end


def _density_at(end: Any, mass: Any) -> Any:
    """The density at an end, 0 if that is infinite."""
    infinite = np.isinf(frozen(end))
    density = np.exp(normal_logpdf(_finite(end)) - mass)
    return np.where(infinite, 0.0, density) if np.any(infinite) else density


def _truncnorm_entropy(a: Any, b: Any) -> Any:
    mass = log_normal_mass(a, b)
    half = (_finite(a) * _density_at(a, mass) - _finite(b) * _density_at(b, mass)) / 2
    return HALF_LOG_2PI + 0.5 + mass + half


declare(
    stats.truncnorm,
    logpdf=lambda x, a, b: normal_logpdf(x) - log_normal_mass(a, b),
    logcdf=lambda x, a, b: log_normal_mass(a, x) - log_normal_mass(a, b),
    cdf=lambda x, a, b: np.exp(log_normal_mass(a, x) - log_normal_mass(a, b)),
    logsf=lambda x, a, b: log_normal_mass(x, b) - log_normal_mass(a, b),
    sf=lambda x, a, b: np.exp(log_normal_mass(x, b) - log_normal_mass(a, b)),
    mean=_truncnorm_mean,
    var=_truncnorm_var,
    entropy=_truncnorm_entropy,
    safe=(-1.0, 1.0),
    point=0.0,
)


# --- skewed --------------------------------------------------------------------------------------


def _skewnorm_in_shape(g: Any, y: Any, x: Any, a: Any) -> Any:
    """That of -2 T(x, a), Owen's function (Owen 1956)."""
    return g * (-np.exp(-0.5 * (x * x) * (1 + a * a)) / (math.pi * (1 + a * a)))


# The value is SciPy's, which integrates where Phi(x) - 2 T(x, a) would cancel.
skewnorm_cdf = Primitive(
    "scipy.stats.skewnorm.cdf",
    lambda x, a: stats.skewnorm.cdf(x, a),
    vjp=[lambda g, y, x, a: g * (2 * normal_pdf(x) * special.ndtr(a * x)), _skewnorm_in_shape],
    reads=["01", "01"],
    kind="elementwise",
)


def _skewnorm_mean(a: Any) -> Any:
    return _MEAN_OF_HALF * a / np.sqrt(1 + a * a)


declare(
    stats.skewnorm,
    logpdf=lambda x, a: LN2 + normal_logpdf(x) + special.log_ndtr(a * x),
    cdf=skewnorm_cdf.apply,
    sf=lambda x, a: skewnorm_cdf.apply(-x, -a),
    mean=_skewnorm_mean,
    var=lambda a: 1 - _skewnorm_mean(a) ** 2,
    safe=(0.0,),
)


def _exponnorm_tail(x: Any, K: Any) -> Any:
    """``log(exp((1/K - 2x) / 2K) Phi(x - 1/K))``: what the exponential part leaves above x."""
    rate = 1 / K
    return rate * (0.5 * rate - x) + special.log_ndtr(x - rate)


declare(
    stats.exponnorm,
    logpdf=lambda x, K: _exponnorm_tail(x, K) - np.log(K),
    cdf=lambda x, K: special.ndtr(x) - np.exp(_exponnorm_tail(x, K)),
    sf=lambda x, K: special.ndtr(-x) + np.exp(_exponnorm_tail(x, K)),
    mean=lambda K: K * 1.0,
    var=lambda K: 1 + K * K,
    safe=(1.0,),
    point=0.0,
)


# --- inverse Gaussian ------------------------------------------------------------------------------


def _invgauss_parts(x: Any, mu: Any) -> tuple[Any, Any, Any]:
    """``log Phi`` of the two ends, and the logarithm of the second term of the distribution function."""
    root = np.sqrt(x)
    first = (x / mu - 1) / root
    second = 2 / mu + special.log_ndtr(-(x / mu + 1) / root)
    return special.log_ndtr(first), special.log_ndtr(-first), second


def _invgauss_logcdf(x: Any, mu: Any) -> Any:
    below, _, second = _invgauss_parts(x, mu)
    return below + np.log1p(np.exp(second - below))


def _invgauss_logsf(x: Any, mu: Any) -> Any:
    _, above, second = _invgauss_parts(x, mu)
    return above + log1mexp(above - second)


declare(
    stats.invgauss,
    logpdf=lambda x, mu: -HALF_LOG_2PI - 1.5 * np.log(x) - (x / mu - 1) ** 2 / (2 * x),
    logcdf=_invgauss_logcdf,
    cdf=lambda x, mu: np.exp(_invgauss_logcdf(x, mu)),
    logsf=_invgauss_logsf,
    sf=lambda x, mu: np.exp(_invgauss_logsf(x, mu)),
    mean=lambda mu: mu * 1.0,
    var=lambda mu: mu**3,
    safe=(1.0,),
    point=1.0,
)

declare(
    stats.moyal,
    logpdf=lambda x: -0.5 * (x + exp(-x)) - HALF_LOG_2PI,
    cdf=lambda x: special.erfc(exp(-0.5 * x) / _SQRT2),
    sf=lambda x: special.erf(exp(-0.5 * x) / _SQRT2),
    mean=lambda: LN2 + EULER,
    var=lambda: math.pi**2 / 2,
    point=0.0,
)
