"""SciPy's distribution functions and quantiles (``chdtr``, ``stdtr`` and so on), in all real parameters.

They are incomplete gamma and beta functions. Counts (k of ``pdtr``) are rounded down by SciPy, so
the derivative by them is zero, as that of every step.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from scipy import special

from ..core.primitive import elementwise
from ..core.variable import as_array
from .declare import frozen
from .incomplete import beta_density, by_first, by_second, by_shape, gamma_density, inverse
from .orders import constant_only
from .special import ROOT_2PI

_PROBABILITY, _SHAPE, _POINT = (0.1, 0.9), (0.7, 4.0), (0.3, 4.0)
Rule = Callable[..., Any]


def _negated(rule: Rule) -> Rule:
    return lambda g, y, *xs: -rule(g, y, *xs)


def _zero(g: Any, y: Any, *xs: Any) -> Any:
    return np.zeros_like(g)


# --- gamma, chi-squared, Poisson -----------------------------------------------------------------

_GAMMA: list[Rule] = [  # gammainc(b, a x)
    lambda g, y, a, b, x: g * (x * gamma_density(b, a * x)),
    lambda g, y, a, b, x: g * by_shape(b, a * x),
    lambda g, y, a, b, x: g * (a * gamma_density(b, a * x)),
]
_GAMMA_DOMAIN = [_POINT, _SHAPE, _POINT]
gdtr = elementwise(special.gdtr, _GAMMA, ["012"] * 3, _GAMMA_DOMAIN)
gdtrc = elementwise(special.gdtrc, [_negated(rule) for rule in _GAMMA], ["012"] * 3, _GAMMA_DOMAIN)
gdtria = inverse(special.gdtria, gdtr, 0, [_PROBABILITY, _SHAPE, _POINT])
gdtrib = inverse(special.gdtrib, gdtr, 1, [_POINT, _PROBABILITY, _POINT])
gdtrix = inverse(special.gdtrix, gdtr, 2, [_POINT, _SHAPE, _PROBABILITY])

_CHI: list[Rule] = [
    lambda g, y, v, x: g * (by_shape(v / 2, x / 2) / 2),
    lambda g, y, v, x: g * (gamma_density(v / 2, x / 2) / 2),
]
chdtr = elementwise(special.chdtr, _CHI, ["01", "01"], [_SHAPE, _POINT])
chdtrc = elementwise(special.chdtrc, [_negated(rule) for rule in _CHI], ["01", "01"], [_SHAPE, _POINT])
chdtri = inverse(special.chdtri, chdtrc, 1, [_SHAPE, _PROBABILITY])
chdtriv = inverse(special.chdtriv, chdtr, 0, [_PROBABILITY, _POINT])


def _poisson(g: Any, y: Any, k: Any, m: Any) -> Any:
    return g * gamma_density(np.floor(frozen(k)) + 1, m)


pdtr = elementwise(special.pdtr, [_zero, _negated(_poisson)], ["", "01"])
pdtrc = elementwise(special.pdtrc, [_zero, _poisson], ["", "01"])
pdtri = inverse(special.pdtri, pdtr, 1)

# --- F, t ----------------------------------------------------------------------------------------


def _odds(dfn: Any, dfd: Any, x: Any) -> tuple[Any, Any]:
    """``w = dfn x / (dfd + dfn x)``, where ``fdtr`` is ``betainc(dfn / 2, dfd / 2, w)``; and ``1 - w``."""
    total = dfd + dfn * x
    return dfn * x / total, dfd / total


def _f_by_point(g: Any, y: Any, dfn: Any, dfd: Any, x: Any) -> Any:
    w, rest = _odds(dfn, dfd, x)
    return g * (beta_density(dfn / 2, dfd / 2, w) * rest * rest * (dfn / dfd))


def _f_by_first(g: Any, y: Any, dfn: Any, dfd: Any, x: Any) -> Any:
    w, rest = _odds(dfn, dfd, x)
    shift = beta_density(dfn / 2, dfd / 2, w) * w * rest / dfn
    return g * (by_first(dfn / 2, dfd / 2, w) / 2 + shift)


def _f_by_second(g: Any, y: Any, dfn: Any, dfd: Any, x: Any) -> Any:
    w, rest = _odds(dfn, dfd, x)
    shift = beta_density(dfn / 2, dfd / 2, w) * w * rest / dfd
    return g * (by_second(dfn / 2, dfd / 2, w) / 2 - shift)


_F = [_f_by_first, _f_by_second, _f_by_point]
_F_DOMAIN = [_SHAPE, _SHAPE, _POINT]
fdtr = elementwise(special.fdtr, _F, ["012"] * 3, _F_DOMAIN)
fdtrc = elementwise(special.fdtrc, [_negated(rule) for rule in _F], ["012"] * 3, _F_DOMAIN)
fdtri = inverse(special.fdtri, fdtr, 2, [_SHAPE, _SHAPE, _PROBABILITY])
fdtridfd = inverse(special.fdtridfd, fdtr, 1, [(2.0, 2.2), (0.72, 0.74), (1.9, 2.0)])


def student_density(df: Any, t: Any) -> Any:
    """The density of Student's t."""
    normal = np.isposinf(df)  # the limit
    if np.any(normal):
        df = np.where(normal, 1.0, df)
    power = np.exp(-(df + 1) / 2 * np.log1p(t * t / df))
    density = power / (np.sqrt(df) * special.beta(df / 2, 0.5))
    return np.where(normal, np.exp(-t * t / 2) / ROOT_2PI, density) if np.any(normal) else density


def _t_by_freedom(g: Any, y: Any, df: Any, t: Any) -> Any:
    """The lower tail at -|t| is ``betainc(df / 2, 1 / 2, df / (df + t**2)) / 2``."""
    normal = np.isposinf(df)
    if np.any(normal):
        df = np.where(normal, 1.0, df)
    total = df + t * t
    w, rest = df / total, t * t / total
    shift = student_density(df, t) * np.absolute(t) / (2 * df)  # the density of w times dw / d df
    tail = by_first(df / 2, np.full_like(w, 0.5), w) / 4
    return g * (-np.sign(t) * np.where(np.equal(rest, 0) | normal, 0, tail + shift))


stdtr = elementwise(
    special.stdtr,
    vjp=[_t_by_freedom, lambda g, y, df, t: g * student_density(df, t)],
    reads=["01", "01"],
    domain=[_SHAPE, (-3.0, 3.0)],
)
stdtrit = inverse(special.stdtrit, stdtr, 1, [_SHAPE, _PROBABILITY])
stdtridf = inverse(special.stdtridf, stdtr, 0, [(0.6, 0.7), (0.7, 1.0)])

# --- binomial, negative binomial -----------------------------------------------------------------


def _binomial(g: Any, y: Any, k: Any, n: Any, p: Any) -> Any:
    """Minus the slope in p of ``betainc(n - k, k + 1, 1 - p)``."""
    k, n = np.floor(frozen(k)), np.trunc(frozen(n))  # as SciPy does
    inside = np.logical_and(k >= 0, k < n)  # else 0 or 1 for every p
    a, b = np.where(inside, k + 1, 1.0), np.where(inside, n - k, 1.0)
    return g * np.where(inside, beta_density(a, b, p), 0)


def _negative_binomial(g: Any, y: Any, k: Any, n: Any, p: Any) -> Any:
    return g * beta_density(np.trunc(as_array(frozen(n), float)), np.floor(frozen(k)) + 1.0, p)


def _trials(name: str) -> Rule:
    return constant_only(f"scipy.special.{name}", "n", "it is a number of trials, an integer")


bdtr = elementwise(special.bdtr, [_zero, _trials("bdtr"), _negated(_binomial)], ["", "", "012"])
bdtrc = elementwise(special.bdtrc, [_zero, _trials("bdtrc"), _binomial], ["", "", "012"])
bdtri = inverse(special.bdtri, bdtr, 2)
nbdtr = elementwise(special.nbdtr, [_zero, _trials("nbdtr"), _negative_binomial], ["", "", "012"])
nbdtrc = elementwise(
    special.nbdtrc, [_zero, _trials("nbdtrc"), _negated(_negative_binomial)], ["", "", "012"]
)
nbdtri = inverse(special.nbdtri, nbdtr, 2)
