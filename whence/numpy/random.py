"""``numpy.random``: NumPy's own. A Variable among the parameters is refused.

A drawn number has no derivative with respect to the parameters of its distribution. Where one is meant,
write the number as a function of parameters and of plain noise: ``mean + scale * normal(size=n)``.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np
from numpy.random import *  # noqa: F403

from ..ops.gather import has_variables
from .creation import refuse

F = TypeVar("F", bound=Callable[..., Any])
_NOISE = "draw plain noise and transform it, as in mean + scale * np.random.normal(size=n); or v.data"
_ORDER = "v[np.random.permutation(len(v))]; np.random.choice(len(v), size) for indices"


def _plain(function: F, instead: str = _NOISE) -> F:
    """The function, refusing Variables with a remedy."""

    @functools.wraps(function)
    def draw(*args: Any, **kwargs: Any) -> Any:
        if has_variables(args) or has_variables(list(kwargs.values())):
            raise refuse(f"np.random.{function.__name__}", instead)
        return function(*args, **kwargs)

    return draw  # type: ignore[return-value]


beta = _plain(np.random.beta)
binomial = _plain(np.random.binomial)
chisquare = _plain(np.random.chisquare)
dirichlet = _plain(np.random.dirichlet)
exponential = _plain(np.random.exponential)
f = _plain(np.random.f)
gamma = _plain(np.random.gamma)
geometric = _plain(np.random.geometric)
gumbel = _plain(np.random.gumbel)
hypergeometric = _plain(np.random.hypergeometric)
laplace = _plain(np.random.laplace)
logistic = _plain(np.random.logistic)
lognormal = _plain(np.random.lognormal)
logseries = _plain(np.random.logseries)
multinomial = _plain(np.random.multinomial)
multivariate_normal = _plain(np.random.multivariate_normal)
negative_binomial = _plain(np.random.negative_binomial)
noncentral_chisquare = _plain(np.random.noncentral_chisquare)
noncentral_f = _plain(np.random.noncentral_f)
normal = _plain(np.random.normal)
pareto = _plain(np.random.pareto)
poisson = _plain(np.random.poisson)
power = _plain(np.random.power)
rayleigh = _plain(np.random.rayleigh)
standard_gamma = _plain(np.random.standard_gamma)
standard_t = _plain(np.random.standard_t)
triangular = _plain(np.random.triangular)
uniform = _plain(np.random.uniform)
vonmises = _plain(np.random.vonmises)
wald = _plain(np.random.wald)
weibull = _plain(np.random.weibull)
zipf = _plain(np.random.zipf)
choice = _plain(np.random.choice, _ORDER)
permutation = _plain(np.random.permutation, _ORDER)
shuffle = _plain(np.random.shuffle, _ORDER)
