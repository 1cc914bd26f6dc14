"""Entries for the primitives of ``whence.scipy.stats``."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from scipy import stats

from whence.scipy.stats.continuous import quantile
from whence.scipy.stats.normal import skewnorm_cdf

from .entries import Draw, Spec, Trial, entry, shapes


@entry("scipy.stats.ppf")
def _ppf(draw: Draw, large: bool) -> Trial:
    shape = shapes(draw, large)
    upper = draw(st.booleans())
    dist, bounds = draw(
        st.sampled_from([(stats.norm, ()), (stats.weibull_min, ((0.6, 3),)), (stats.lognorm, ((0.3, 1.2),))])
    )

    def plain(q: Any, *given: Any) -> Any:
        return (dist.isf if upper else dist.ppf)(q, *given)

    return Trial(
        lambda *given: quantile(*given, dist=dist, upper=upper),
        plain,
        (Spec(shape, 0.15, 0.85), *(Spec(shape, *b) for b in bounds)),
    )


@entry("scipy.stats.skewnorm.cdf")
def _skewnorm(draw: Draw, large: bool) -> Trial:
    shape = (2,) if large else shapes(draw, large, high=1)  # where the values are small SciPy integrates
    specs = (Spec(shape, -1.0, 2.0), Spec(shape, -2.0, 2.0))
    return Trial(skewnorm_cdf, stats.skewnorm.cdf, specs)
