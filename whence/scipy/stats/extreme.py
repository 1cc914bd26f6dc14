"""Extreme values and excesses: Gumbel, generalised extreme value, generalised Pareto.

In the two generalised families ``log(1 + cx)/c`` runs through c = 0 smoothly (``log1p_ratio``), so the
gradient in c is right there too.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import stats

from .exponential import above
from .helpers import EULER, exp, log1mexp, log1p_ratio
from .rules import declare

_GUMBEL_VAR = math.pi**2 / 6

declare(
    stats.gumbel_r,
    logpdf=lambda x: -x - exp(-x),
    cdf=lambda x: np.exp(-exp(-x)),
    sf=lambda x: -np.expm1(-exp(-x)),
    logcdf=lambda x: -exp(-x),
    logsf=lambda x: log1mexp(exp(-x)),
    mean=lambda: EULER,
    var=lambda: _GUMBEL_VAR,
    entropy=lambda: EULER + 1,
)

declare(
    stats.gumbel_l,
    logpdf=lambda x: x - exp(x),
    cdf=lambda x: -np.expm1(-exp(x)),
    sf=lambda x: np.exp(-exp(x)),
    logcdf=lambda x: log1mexp(exp(x)),
    logsf=lambda x: -exp(x),
    mean=lambda: -EULER,
    var=lambda: _GUMBEL_VAR,
    entropy=lambda: EULER + 1,
)


def _genextreme_log(x: Any, c: Any) -> Any:
    """``log(1 - cx) / c``: minus the Gumbel variable."""
    return -x * log1p_ratio(-c * x)


def _genextreme_logpdf(x: Any, c: Any) -> Any:
    t = _genextreme_log(x, c)
    return t * (1 - c) - exp(t)


declare(
    stats.genextreme,
    logpdf=_genextreme_logpdf,
    cdf=lambda x, c: np.exp(-exp(_genextreme_log(x, c))),
    sf=lambda x, c: -np.expm1(-exp(_genextreme_log(x, c))),
    logcdf=lambda x, c: -exp(_genextreme_log(x, c)),
    logsf=lambda x, c: log1mexp(exp(_genextreme_log(x, c))),
    entropy=lambda c: EULER * (1 - c) + 1,
    safe=(0.0,),
    point=0.0,
)


def _genpareto_logsf(x: Any, c: Any) -> Any:
    return -x * log1p_ratio(c * x)


declare(
    stats.genpareto,
    logpdf=lambda x, c: (1 + c) * _genpareto_logsf(x, c),
    cdf=lambda x, c: -np.expm1(_genpareto_logsf(x, c)),
    sf=lambda x, c: np.exp(_genpareto_logsf(x, c)),
    logcdf=lambda x, c: log1mexp(-_genpareto_logsf(x, c)),
    logsf=_genpareto_logsf,
    mean=lambda c: above(-c, -1, lambda d: 1 / (1 + d)),
    var=lambda c: above(-c, -0.5, lambda d: 1 / ((1 + d) ** 2 * (1 + 2 * d))),
    entropy=lambda c: 1 + c,
    safe=(0.0,),
)
