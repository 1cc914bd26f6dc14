"""The beta distribution, Student's t and F: all of them by the incomplete beta integral."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special, stats

from ...ops.declare import frozen
from .exponential import above
from .helpers import LOG_2PI, LOG_PI, choose, normal_logpdf
from .rules import declare


def _beta_entropy(a: Any, b: Any) -> Any:
    psi = special.digamma
    return special.betaln(a, b) - (a - 1) * psi(a) - (b - 1) * psi(b) + (a + b - 2) * psi(a + b)


declare(
    stats.beta,
    logpdf=lambda x, a, b: special.xlog1py(b - 1, -x) + special.xlogy(a - 1, x) - special.betaln(a, b),
    cdf=lambda x, a, b: special.betainc(a, b, x),
    sf=lambda x, a, b: special.betaincc(a, b, x),
    mean=lambda a, b: a / (a + b),
    var=lambda a, b: a * b / (a + b) ** 2 / (a + b + 1),
    entropy=_beta_entropy,
    safe=(1.0, 1.0),
)


def _by_odds(odds: Any, a: Any, b: Any, upper: bool) -> Any:
    """A tail of the beta distribution at ``p = odds / (1 + odds)``, from the end that p is nearer to."""
    of_p, of_rest = special.betainc, special.betaincc
    if upper:
        of_p, of_rest = of_rest, of_p
    small = np.less(frozen(odds), 1)
    low, high = np.where(small, odds, 1.0), np.where(small, 1.0, odds)
    return np.where(small, of_p(a, b, low / (1 + low)), of_rest(b, a, 1 / (1 + high)))


declare(
    stats.betaprime,
    logpdf=lambda x, a, b: special.xlogy(a - 1, x) - special.xlog1py(a + b, x) - special.betaln(a, b),
    cdf=lambda x, a, b: _by_odds(x, a, b, upper=False),
    sf=lambda x, a, b: _by_odds(x, a, b, upper=True),
    mean=lambda a, b: above(b, 1, lambda b: 1 / (b - 1)) * a,
    safe=(1.0, 1.0),
)


# --- Student's t -------------------------------------------------------------------------------------


def _t_logpdf(x: Any, df: Any) -> Any:
    finite = np.isfinite(frozen(df))
    if np.all(finite):
        return _t_finite(x, df)
    return np.where(finite, _t_finite(x, np.where(finite, df, 1.0)), normal_logpdf(x))


def _t_finite(x: Any, df: Any) -> Any:
    return _t_constant(df) - (df + 1) / 2 * np.log1p(x * x / df)


def _t_constant(df: Any) -> Any:
    """``log Gamma((df+1)/2) - log Gamma(df/2) - log(pi df)/2``; for large df without cancellation.

    There by the asymptotic series of the ratio of gamma functions (DLMF 5.11.13), whose logarithm
    has odd powers only: with z = df/2, log ratio - log(z)/2 = -1/(8z) + 1/(192z^3) - 1/(640z^5)
    + 17/(14336z^7) - 31/(18432z^9) + ...
    """
    return choose(np.greater(frozen(df), 60), _t_constant_large, _t_constant_small, df, (100.0, 1.0))


def _t_constant_small(df: Any) -> Any:
    return special.gammaln((df + 1) / 2) - special.gammaln(df / 2) - 0.5 * (np.log(df) + LOG_PI)


def _t_constant_large(df: Any) -> Any:
    z = 2 / df
    square = z * z
    series = 1 / 8 - square * (1 / 192 - square * (1 / 640 - square * (17 / 14336 - square * (31 / 18432))))
    return -0.5 * (np.log(2.0) + LOG_PI) - z * series


def _t_entropy(df: Any) -> Any:
    half = df / 2
    return (half + 0.5) * (special.digamma(half + 0.5) - special.digamma(half)) - _t_constant(df)


def _t_cdf(x: Any, df: Any) -> Any:
    finite = np.isfinite(frozen(df))
    if np.all(finite):
        return special.stdtr(df, x)
    return np.where(finite, special.stdtr(np.where(finite, df, 1.0), x), special.ndtr(x))


declare(
    stats.t,
    logpdf=_t_logpdf,
    cdf=_t_cdf,
    sf=lambda x, df: _t_cdf(-x, df),
    mean=lambda df: above(df, 1, lambda df: 0.0 * df),
    var=lambda df: above(df, 2, lambda df: df / (df - 2)),
    entropy=_t_entropy,
    safe=(1.0,),
    point=0.0,
)


# --- F -----------------------------------------------------------------------------------------------


def _f_logpdf(x: Any, dfn: Any, dfd: Any) -> Any:
    n, m = dfn / 2, dfd / 2
    ratio = dfn / dfd
    return (
        special.xlogy(n, ratio)
        + special.xlogy(n - 1, x)
        - (n + m) * np.log1p(ratio * x)
        - special.betaln(n, m)
    )


declare(
    stats.f,
    logpdf=_f_logpdf,
    cdf=lambda x, dfn, dfd: _by_odds(dfn / dfd * x, dfn / 2, dfd / 2, upper=False),
    sf=lambda x, dfn, dfd: _by_odds(dfn / dfd * x, dfn / 2, dfd / 2, upper=True),
    mean=lambda dfn, dfd: above(dfd, 2, lambda m: m / (m - 2)) + 0.0 * dfn,
    var=lambda dfn, dfd: above(dfd, 4, lambda m: 2 * m * m / ((m - 2) ** 2 * (m - 4))) * _f_spread(dfn, dfd),
    safe=(6.0, 6.0),
)


def _f_spread(dfn: Any, dfd: Any) -> Any:
    return (dfn + dfd - 2) / dfn


# --- on the circle -----------------------------------------------------------------------------------


declare(
    stats.vonmises,
    logpdf=lambda x, kappa: -2 * kappa * np.sin(x / 2) ** 2 - LOG_2PI - np.log(special.i0e(kappa)),
    safe=(1.0,),
    point=0.0,
)
