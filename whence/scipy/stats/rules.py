"""The table of distributions: what is known of each, and who answers a call with a Variable in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from ...core.batched import called_on_rows
from ...core.origin import called_at
from ...core.variable import constant
from ...errors import BatchingError, NoGradientError
from ..examples import level_of, together
from .helpers import log, log1mexp, log_of_tail

Formula = Callable[..., Any]

#: Class of a SciPy distribution -> its rule.
RULES: dict[type, Rule] = {}

#: Name of a method -> what computes it, for distributions of one variable ...
CONTINUOUS: dict[str, Formula] = {}
DISCRETE: dict[str, Formula] = {}

#: ... and (class, name) -> what computes it, for those of several.
MULTIVARIATE: dict[tuple[type, str], Formula] = {}

#: Class of a frozen one -> the distribution, and the names of the parameters that it holds.
FROZEN: dict[type, tuple[Any, tuple[str, ...]]] = {}


@dataclass(frozen=True)
class Rule:
    """What is known of a distribution in its standard form (location 0, scale 1).

    Every formula takes ``(x, *shapes)`` (the moments: ``(*shapes)``), as NumPy and scipy.special
    write it. It is only ever asked about points in the support.

    Attributes:
        logpdf, pdf, cdf, sf, logcdf, logsf: the formulas; for a discrete distribution ``logpdf`` is
            that of the mass. One of the first two is there; the others follow from each other.
        mean, var, entropy: of the standard form.
        safe: valid shapes, put where the given ones are not.
        point: a point inside the support for these.
        whole: positions of shapes that are whole numbers, of which nothing can be differentiated.
    """

    logpdf: Formula | None = None
    pdf: Formula | None = None
    cdf: Formula | None = None
    sf: Formula | None = None
    logcdf: Formula | None = None
    logsf: Formula | None = None
    mean: Formula | None = None
    var: Formula | None = None
    entropy: Formula | None = None
    safe: tuple[float, ...] = ()
    point: float = 0.5
    whole: tuple[int, ...] = ()

    def formula(self, name: str) -> Formula | None:
        """The formula for a method, its own or made from another; None where there is none."""
        own = getattr(self, name)
        if own is not None:
            return own
        pdf, logpdf, cdf, sf = self.pdf, self.logpdf, self.cdf, self.sf
        logcdf, logsf = self.logcdf, self.logsf
        if name == "pdf" and logpdf is not None:
            return lambda *given: np.exp(logpdf(*given))
        if name == "logpdf" and pdf is not None:
            return lambda *given: log(pdf(*given))
        if name in ("cdf", "logcdf"):
            return _tail(name == "logcdf", cdf, logcdf, sf, logsf)
        if name in ("sf", "logsf"):
            return _tail(name == "logsf", sf, logsf, cdf, logcdf)
        return None


def _tail(
    logarithm: bool,
    own: Formula | None,
    own_log: Formula | None,
    other: Formula | None,
    other_log: Formula | None,
) -> Formula | None:
    """One tail of a distribution from what is known of it and of the other tail."""
    if logarithm and own is not None:
        return lambda *given: log_of_tail(own, other, *given) if other else log(own(*given))
    if own_log is not None:
        return lambda *given: np.exp(own_log(*given))
    if other_log is not None:
        if logarithm:
            return lambda *given: log1mexp(-other_log(*given))
        return lambda *given: -np.expm1(other_log(*given))
    if other is not None:
        if logarithm:
            return lambda *given: np.log1p(-other(*given))
        return lambda *given: 1 - other(*given)
    return None


def declare(*distributions: Any, **formulas: Any) -> None:
    """Enter the rule of one or several of SciPy's distributions."""
    rule = Rule(**formulas)
    for distribution in distributions:
        RULES[type(distribution)] = rule


def call(dist: Any, name: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
    """``dist.name(*args, **kwargs)`` of a SciPy distribution, with a Variable among the arguments."""
    if type(dist) in FROZEN:
        holder, (dist, parameters) = dist, FROZEN[type(dist)]
        kwargs = {key: getattr(holder, key) for key in parameters} | kwargs
    method = MULTIVARIATE.get((type(dist), name))
    if method is None:
        methods = DISCRETE if hasattr(dist, "pmf") else CONTINUOUS
        method = methods.get(name) if hasattr(dist, "_parse_args") else None
    if method is None:
        raise refusal(dist, name)
    checked = name in ("freeze", "__call__") or (type(dist), name) in MULTIVARIATE  # SciPy sees values
    level = level_of(args, kwargs)
    if level is None or not checked:
        try:
            y = method(dist, *args, **kwargs)
        except BatchingError:
            if level is None:
                raise
        else:
            return constant(y) if isinstance(y, (np.ndarray, np.generic, float)) else y
    return together(called_on_rows(getattr(dist, name), _named(dist, name), level, args, kwargs), level)


def rule_of(dist: Any, name: str) -> Rule:
    """The rule of a distribution of one variable, of which ``name`` is asked."""
    rule = RULES.get(type(dist)) or _written_by_user(dist)
    if rule is None:
        raise refusal(dist, name)
    return rule


def formula_of(dist: Any, name: str) -> Formula:
    """The formula that ``name`` of a distribution needs."""
    formula = rule_of(dist, name).formula(name)
    if formula is None:
        raise refusal(dist, name)
    return formula


def refusal(dist: Any, name: str) -> NoGradientError:
    """The error for a distribution or method without a rule."""
    return NoGradientError(
        f"{_named(dist, name)} has no gradient in whence{called_at()}\n"
        "  → pass v.data to treat the values as constants, or write the formula with np.* and "
        "scipy.special functions"
    )


def _named(dist: Any, name: str) -> str:
    family = getattr(dist, "name", None) or type(dist).__name__.removesuffix("_gen")
    return f"scipy.stats.{family}.{name}"


def _written_by_user(dist: Any) -> Rule | None:
    """The rule of somebody's own subclass: its ``_pdf`` and so on are NumPy text like any other."""
    if type(dist).__module__.partition(".")[0] == "scipy":
        return None
    written: dict[str, Any] = {}
    for name in ("logpdf", "pdf", "cdf", "sf", "logcdf", "logsf"):
        private = "_" + name.replace("pdf", "pmf") if hasattr(dist, "pmf") else "_" + name
        owner = next(c for c in type(dist).__mro__ if private in vars(c))
        if owner.__module__.partition(".")[0] != "scipy":
            written[name] = getattr(dist, private)
    shapes = dist.numargs
    return Rule(**written, safe=(1.0,) * shapes) if written else None
