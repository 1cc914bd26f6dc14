"""The methods of SciPy's discrete distributions, for all of them at once.

A mass is zero between the whole numbers and a distribution function is flat there: as ``np.floor``,
both have the derivative zero in ``k`` and ``loc`` (and in shapes that count something, such as the n of
``binom``). The gradient is that in the other shapes.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from ...ops.declare import frozen
from .continuous import double, frozen_distribution, inside_only, scipys_own
from .rules import DISCRETE, formula_of, rule_of


def _counts(dist: Any, k: Any, args: Any, keywords: Any, name: str) -> tuple[Any, ...]:
    """The rule and the formula, counts from 0, shapes, their values, and which of these are valid."""
    rule, formula = rule_of(dist, name), formula_of(dist, name.replace("pmf", "pdf"))
    shapes, loc, _ = dist._parse_args(*args, **keywords)
    shapes = tuple(double(frozen(s) if i in rule.whole else s) for i, s in enumerate(shapes))
    plain = tuple(np.asarray(frozen(s)) for s in shapes)
    k = np.asarray(double(frozen(k)) - double(frozen(loc)))
    return rule, formula, k, shapes, plain, np.asarray(dist._argcheck(*plain), bool)


def _mass(dist: Any, k: Any, args: Any, keywords: Any, name: str) -> Any:
    rule, formula, k, shapes, plain, valid = _counts(dist, k, args, keywords, name)
    with np.errstate(all="ignore"):
        a, b = dist._get_support(*plain)
        inside = valid & (k >= a) & (k <= b) & dist._nonzero(k, *plain)
        outside = np.where(valid & ~np.isnan(k), -np.inf if name == "logpmf" else 0.0, np.nan)
    return inside_only(formula, inside, outside, (k, *shapes), (rule.point, *rule.safe))


def _tail(dist: Any, k: Any, args: Any, keywords: Any, name: str, below: float, above: float) -> Any:
    rule, formula, k, shapes, plain, valid = _counts(dist, k, args, keywords, name)
    with np.errstate(all="ignore"):
        a, b = dist._get_support(*plain)
        inside = valid & (k >= a) & (k < b) & np.isfinite(k)
        outside = np.where(valid & ~np.isnan(k), np.where(k >= b, above, below), np.nan)
    return inside_only(formula, inside, outside, (np.floor(k), *shapes), (rule.point, *rule.safe))


def _inverse(dist: Any, q: Any, args: Any, keywords: Any, name: str) -> Any:
    """A step function of everything but ``loc``."""
    shapes, loc, _ = dist._parse_args(*args, **keywords)
    return getattr(dist, name)(frozen(q), *[frozen(s) for s in shapes]) + loc


def _moment(dist: Any, args: Any, keywords: Any, name: str, moved: Callable[..., Any]) -> Any:
    rule, formula, k, shapes, _, valid = _counts(dist, 0.0, args, keywords, name)
    loc = dist._parse_args(*args, **keywords)[1]
    inside = np.broadcast_to(valid, np.broadcast_shapes(np.shape(valid), np.shape(k)))

    def of_all(loc: Any, *shapes: Any) -> Any:
        return moved(formula(*shapes), loc)

    return inside_only(of_all, inside, np.nan, (double(loc), *shapes), (0.0, *rule.safe))


DISCRETE.update(
    pmf=lambda dist, k, *args, **keywords: _mass(dist, k, args, keywords, "pmf"),
    logpmf=lambda dist, k, *args, **keywords: _mass(dist, k, args, keywords, "logpmf"),
    cdf=lambda dist, k, *args, **keywords: _tail(dist, k, args, keywords, "cdf", 0.0, 1.0),
    sf=lambda dist, k, *args, **keywords: _tail(dist, k, args, keywords, "sf", 1.0, 0.0),
    logcdf=lambda dist, k, *args, **keywords: _tail(dist, k, args, keywords, "logcdf", -np.inf, 0.0),
    logsf=lambda dist, k, *args, **keywords: _tail(dist, k, args, keywords, "logsf", 0.0, -np.inf),
    ppf=lambda dist, q, *args, **keywords: _inverse(dist, q, args, keywords, "ppf"),
    isf=lambda dist, q, *args, **keywords: _inverse(dist, q, args, keywords, "isf"),
    mean=lambda dist, *args, **keywords: _moment(dist, args, keywords, "mean", lambda m, loc: m + loc),
    var=lambda dist, *args, **keywords: _moment(dist, args, keywords, "var", lambda v, loc: v),
    std=lambda dist, *args, **keywords: np.sqrt(dist.var(*args, **keywords)),
    entropy=lambda dist, *args, **keywords: _moment(dist, args, keywords, "entropy", lambda h, loc: h),
    median=scipys_own("median"),
    interval=scipys_own("interval"),
    freeze=frozen_distribution,
    __call__=frozen_distribution,
)
