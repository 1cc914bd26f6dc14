"""Rules of discrete distributions.

At the end of a parameter's range (p = 0, mu = 0) the logarithm of a mass may be infinite where the mass
has an honest derivative: there it is written as a product of powers.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special, stats

from ...ops.declare import frozen
from .helpers import log1mexp
from .rules import declare


def _mass(logarithm: Callable[..., Any], product: Callable[..., Any], ends: tuple[float, ...]) -> Any:
    """A mass of ``(k, *others, p)`` by its logarithm; by the product where p is one of ``ends``."""

    def mass(k: Any, *shapes: Any) -> Any:
        *others, p = shapes
        at_end = np.isin(frozen(p), ends)
        if not np.any(at_end):
            return np.exp(logarithm(k, *shapes))
        inner = np.exp(logarithm(k, *others, np.where(at_end, 0.5, p)))
        return np.where(at_end, product(k, *others, np.where(at_end, p, ends[0])), inner)

    return mass


# --- Poisson -----------------------------------------------------------------------------------------


def _poisson_logpmf(k: Any, mu: Any) -> Any:
    return special.xlogy(k, mu) - special.gammaln(k + 1) - mu


declare(
    stats.poisson,
    logpdf=_poisson_logpmf,
    pdf=_mass(_poisson_logpmf, lambda k, mu: np.exp(-mu - special.gammaln(k + 1)) * np.power(mu, k), (0.0,)),
    cdf=lambda k, mu: special.gammaincc(k + 1, mu),
    sf=lambda k, mu: special.gammainc(k + 1, mu),
    mean=lambda mu: mu * 1.0,
    var=lambda mu: mu * 1.0,
    safe=(1.0,),
    point=0.0,
)


# --- trials ------------------------------------------------------------------------------------------


def _log_choose(n: Any, k: Any) -> Any:
    return -special.betaln(n - k + 1, k + 1) - np.log1p(n)


def _binom_logpmf(k: Any, n: Any, p: Any) -> Any:
    return _log_choose(n, k) + special.xlogy(k, p) + special.xlog1py(n - k, -p)


def _binom_product(k: Any, n: Any, p: Any) -> Any:
    ways = np.exp(np.minimum(_log_choose(n, k), 700.0))
    return ways * np.power(p, k) * np.power(1 - p, n - k)


declare(
    stats.binom,
    logpdf=_binom_logpmf,
    pdf=_mass(_binom_logpmf, _binom_product, (0.0, 1.0)),
    cdf=lambda k, n, p: special.betaincc(k + 1, n - k, p),
    sf=lambda k, n, p: special.betainc(k + 1, n - k, p),
    mean=lambda n, p: n * p,
    var=lambda n, p: n * p * (1 - p),
    safe=(1.0, 0.5),
    point=0.0,
    whole=(0,),
)

declare(
    stats.bernoulli,
    logpdf=lambda k, p: special.xlogy(k, p) + special.xlog1py(1 - k, -p),
    pdf=lambda k, p: np.where(np.equal(k, 1), p, 1 - p),
    cdf=lambda k, p: 1 - p + 0 * k,
    sf=lambda k, p: p + 0 * k,
    mean=lambda p: p * 1.0,
    var=lambda p: p * (1 - p),
    entropy=lambda p: special.entr(p) + special.entr(1 - p),
    safe=(0.5,),
    point=0.0,
)

declare(
    stats.geom,
    logpdf=lambda k, p: special.xlog1py(k - 1, -p) + np.log(p),
    pdf=lambda k, p: np.power(1 - p, k - 1) * p,
    cdf=lambda k, p: -np.expm1(special.xlog1py(k, -p)),
    sf=lambda k, p: np.power(1 - p, k),
    logcdf=lambda k, p: log1mexp(-special.xlog1py(k, -p)),
    logsf=lambda k, p: special.xlog1py(k, -p),
    mean=lambda p: 1 / p,
    var=lambda p: (1 - p) / (p * p),
    entropy=lambda p: -np.log(p) - special.xlog1py(1 - p, -p) / p,
    safe=(0.5,),
    point=1.0,
)


def _nbinom_ways(k: Any, n: Any) -> Any:
    return special.gammaln(n + k) - special.gammaln(k + 1) - special.gammaln(n)


def _nbinom_logpmf(k: Any, n: Any, p: Any) -> Any:
    return _nbinom_ways(k, n) + n * np.log(p) + special.xlog1py(k, -p)


declare(
    stats.nbinom,
    logpdf=_nbinom_logpmf,
    pdf=_mass(
        _nbinom_logpmf,
        lambda k, n, p: np.exp(_nbinom_ways(k, n)) * np.power(p, n) * np.power(1 - p, k),
        (1.0,),
    ),
    cdf=lambda k, n, p: special.betainc(n, k + 1, p),
    sf=lambda k, n, p: special.betaincc(n, k + 1, p),
    mean=lambda n, p: n * (1 - p) / p,
    var=lambda n, p: n * (1 - p) / (p * p),
    safe=(1.0, 0.5),
    point=0.0,
)

declare(
    stats.betabinom,
    logpdf=lambda k, n, a, b: _log_choose(n, k) + special.betaln(k + a, n - k + b) - special.betaln(a, b),
    mean=lambda n, a, b: n * a / (a + b),
    var=lambda n, a, b: n * a * b * (a + b + n) / ((a + b) ** 2 * (a + b + 1)),
    safe=(1.0, 1.0, 1.0),
    point=0.0,
    whole=(0,),
)
