"""The gamma distribution and its relatives; the exponential integrals behind them are scipy.special's."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special, stats

from .exponential import above
from .helpers import EULER, HALF_LOG_2PI, LN2, exp
from .rules import declare


def _gamma_entropy(a: Any) -> Any:
    return a + special.gammaln(a) + (1 - a) * special.digamma(a)


declare(
    stats.gamma,
    stats.erlang,
    logpdf=lambda x, a: special.xlogy(a - 1, x) - x - special.gammaln(a),
    cdf=lambda x, a: special.gammainc(a, x),
    sf=lambda x, a: special.gammaincc(a, x),
    mean=lambda a: a * 1.0,
    var=lambda a: a * 1.0,
    entropy=_gamma_entropy,
    safe=(1.0,),
)

declare(
    stats.chi2,
    logpdf=lambda x, df: special.xlogy(df / 2 - 1, x) - x / 2 - special.gammaln(df / 2) - LN2 * df / 2,
    cdf=lambda x, df: special.gammainc(df / 2, x / 2),
    sf=lambda x, df: special.gammaincc(df / 2, x / 2),
    mean=lambda df: df * 1.0,
    var=lambda df: 2 * df,
    entropy=lambda df: _gamma_entropy(df / 2) + LN2,
    safe=(2.0,),
)

declare(
    stats.chi,
    logpdf=lambda x, df: (
        LN2 - LN2 * df / 2 - special.gammaln(df / 2) + special.xlogy(df - 1, x) - 0.5 * (x * x)
    ),
    cdf=lambda x, df: special.gammainc(df / 2, 0.5 * (x * x)),
    sf=lambda x, df: special.gammaincc(df / 2, 0.5 * (x * x)),
    safe=(1.0,),
)

declare(
    stats.maxwell,
    logpdf=lambda x: LN2 - HALF_LOG_2PI + 2 * np.log(x) - 0.5 * (x * x),
    pdf=lambda x: math.sqrt(2 / math.pi) * (x * x) * np.exp(-0.5 * (x * x)),
    cdf=lambda x: special.gammainc(1.5, 0.5 * (x * x)),
    sf=lambda x: special.gammaincc(1.5, 0.5 * (x * x)),
    mean=lambda: 2 * math.sqrt(2 / math.pi),
    var=lambda: 3 - 8 / math.pi,
    entropy=lambda: EULER + HALF_LOG_2PI - 0.5,
)

declare(
    stats.invgamma,
    logpdf=lambda x, a: -(a + 1) * np.log(x) - special.gammaln(a) - 1 / x,
    cdf=lambda x, a: special.gammaincc(a, 1 / x),
    sf=lambda x, a: special.gammainc(a, 1 / x),
    mean=lambda a: above(a, 1, lambda a: 1 / (a - 1)),
    var=lambda a: above(a, 2, lambda a: 1 / (a - 1) ** 2 / (a - 2)),
    entropy=lambda a: a - (a + 1) * special.digamma(a) + special.gammaln(a),
    safe=(3.0,),
    point=1.0,
)

declare(
    stats.loggamma,
    logpdf=lambda x, c: c * x - exp(x) - special.gammaln(c),
    cdf=lambda x, c: special.gammainc(c, exp(x)),
    sf=lambda x, c: special.gammaincc(c, exp(x)),
    mean=lambda c: special.digamma(c),
    var=lambda c: special.zeta(2.0, c),
    entropy=lambda c: special.gammaln(c) - c * special.digamma(c) + c,
    safe=(1.0,),
    point=0.0,
)

declare(
    stats.gennorm,
    logpdf=lambda x, beta: np.log(0.5 * beta) - special.gammaln(1 / beta) - np.power(np.abs(x), beta),
    mean=lambda beta: 0.0 * beta,
    var=lambda beta: np.exp(special.gammaln(3 / beta) - special.gammaln(1 / beta)),
    entropy=lambda beta: 1 / beta - np.log(0.5 * beta) + special.gammaln(1 / beta),
    safe=(2.0,),
)

declare(
    stats.nakagami,
    logpdf=lambda x, nu: (
        LN2 + special.xlogy(nu, nu) - special.gammaln(nu) + special.xlogy(2 * nu - 1, x) - nu * (x * x)
    ),
    cdf=lambda x, nu: special.gammainc(nu, nu * (x * x)),
    sf=lambda x, nu: special.gammaincc(nu, nu * (x * x)),
    safe=(1.0,),
)

declare(
    stats.levy,
    logpdf=lambda x: -HALF_LOG_2PI - 1.5 * np.log(x) - 0.5 / x,
    cdf=lambda x: special.erfc(np.sqrt(0.5 / x)),
    sf=lambda x: special.erf(np.sqrt(0.5 / x)),
    mean=lambda: float("inf"),
    var=lambda: float("inf"),
    point=1.0,
)
