"""The methods of SciPy's continuous distributions, for all of them at once.

Location and scale, points outside the support and parameters that are not valid are handled here; the
formulas (``rules``) see points inside and valid shapes only. Outside, the value is SciPy's (density 0,
log-density -inf, NaN for invalid parameters) and the gradient is zero.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from scipy import stats

from ...config import at_levels
from ...core.origin import called_at
from ...core.primitive import Primitive
from ...core.variable import Variable
from ...errors import DtypeError, NoGradientError
from ...ops.declare import frozen
from ...transforms.gradient import vjp
from .rules import CONTINUOUS, formula_of, rule_of


class Call(NamedTuple):
    """A call of a method: its arguments, and what their values say."""

    x: Any
    loc: Any
    scale: Any
    shapes: tuple[Any, ...]
    y: Any  # the value of (x - loc) / scale
    plain: tuple[Any, ...]  # the values of the shapes
    valid: Any  # are the shapes and the scale?


def double(x: Any) -> Any:
    """``x`` in double precision, as SciPy computes."""
    dtype = x.dtype if isinstance(x, Variable) else np.asarray(x).dtype
    if dtype.kind not in "fiub":
        raise DtypeError(f"distributions are those of real numbers, not {dtype}{called_at()}")
    if isinstance(x, Variable):
        return x if dtype == np.float64 else x.astype(np.float64)
    return np.asarray(x, np.float64)[()]


def called(dist: Any, x: Any, args: tuple[Any, ...], keywords: dict[str, Any]) -> Call:
    """A call with SciPy's arguments."""
    shapes, loc, scale = dist._parse_args(*args, **keywords)
    shapes = tuple(double(s) for s in shapes)
    x, loc, scale = double(x), double(loc), double(scale)
    plain = tuple(np.asarray(frozen(s)) for s in shapes)
    valid = np.asarray(dist._argcheck(*plain), bool) & np.greater(frozen(scale), 0)
    with np.errstate(all="ignore"):
        y = np.asarray((frozen(x) - frozen(loc)) / frozen(scale))
    return Call(x, loc, scale, shapes, y, plain, valid)


def standard(x: Any, loc: Any, scale: Any) -> Any:
    """``(x - loc) / scale``, of which plain zeros and ones are left out."""
    if isinstance(loc, Variable) or np.any(loc):
        x = x - loc
    if isinstance(scale, Variable) or np.any(np.not_equal(scale, 1)):
        x = x / scale
    return x


def inside_only(
    formula: Callable[..., Any], inside: Any, outside: Any, operands: tuple[Any, ...], safe: tuple[float, ...]
) -> Any:
    """``formula(*operands)`` where ``inside`` is true, else ``outside``, with gradient zero.

    The operands are replaced there too (by ``safe``): an infinite derivative times a gradient of
    zero would not be zero.
    """
    if np.all(inside):
        y = formula(*operands)
        return y if np.shape(y) == np.shape(inside) else np.broadcast_to(y, np.shape(inside))
    replaced = [np.where(inside, x, s) for x, s in zip(operands, safe, strict=True)]
    return np.where(inside, formula(*replaced), outside)


def _density(dist: Any, x: Any, args: Any, keywords: Any, name: str) -> Any:
    rule, formula = rule_of(dist, name), formula_of(dist, name)
    c = called(dist, x, args, keywords)
    outside: Any = -np.inf if name == "logpdf" else 0.0
    with np.errstate(all="ignore"):
        inside = c.valid & dist._support_mask(c.y, *c.plain) & np.isfinite(c.y)
        a, b = dist._get_support(*c.plain)
        edge = inside & ((c.y == a) | (c.y == b))
        if np.any(edge):  # where the density may be 0 or infinite, and its derivatives are not numbers
            there = formula(c.y, *c.plain)
            flat = edge & (~np.isfinite(there) | ((there == 0) & (name == "pdf")))
            inside, outside = inside & ~flat, np.where(flat, there, outside)
        outside = np.where(c.valid & ~np.isnan(c.y), outside, np.nan)

    def of_all(x: Any, loc: Any, scale: Any, *shapes: Any) -> Any:
        value = formula(standard(x, loc, scale), *shapes)
        if not isinstance(scale, Variable) and np.all(np.equal(scale, 1)):
            return value
        return value - np.log(scale) if name == "logpdf" else value / scale

    return inside_only(
        of_all, inside, outside, (c.x, c.loc, c.scale, *c.shapes), (rule.point, 0.0, 1.0, *rule.safe)
    )


def _tail(dist: Any, x: Any, args: Any, keywords: Any, name: str, below: float, above: float) -> Any:
    rule, formula = rule_of(dist, name), formula_of(dist, name)
    c = called(dist, x, args, keywords)
    with np.errstate(all="ignore"):
        inside = c.valid & dist._open_support_mask(c.y, *c.plain) & np.isfinite(c.y)
        _, b = dist._get_support(*c.plain)
        outside = np.where(c.y >= b, above, below)
        outside = np.where(c.valid & ~np.isnan(c.y), outside, np.nan)

    def of_all(x: Any, loc: Any, scale: Any, *shapes: Any) -> Any:
        return formula(standard(x, loc, scale), *shapes)

    return inside_only(
        of_all, inside, outside, (c.x, c.loc, c.scale, *c.shapes), (rule.point, 0.0, 1.0, *rule.safe)
    )


# --- quantiles -----------------------------------------------------------------------------------


def _quantile_rule(i: int, g: Any, y: Any, q: Any, *shapes: Any, dist: Any, upper: bool) -> Any:
    """Differentiated implicitly: ``F(y; shapes) = q`` gives ``dy = (dq - dF/dshapes) / pdf(y)``."""
    slope = g / formula_of(dist, "pdf")(y, *shapes)
    if i == 0:
        return -slope if upper else slope
    tail = formula_of(dist, "sf" if upper else "cdf")
    shape = np.shape(y)

    def of_one(s: Any) -> Any:
        return tail(y, *shapes[: i - 1], s, *shapes[i:])

    with at_levels(()):  # a sweep sees whole batches: no vmap runs here
        _, pull = vjp(of_one, np.broadcast_to(shapes[i - 1], shape))
        moved = pull(np.broadcast_to(slope, shape))
    return moved if upper else -moved


def _quantile_value(q: Any, *shapes: Any, dist: Any, upper: bool) -> Any:
    return (dist.isf if upper else dist.ppf)(q, *shapes)


quantile = Primitive("scipy.stats.ppf", _quantile_value, vjp=_quantile_rule, kind="elementwise")


def _inverse(dist: Any, q: Any, args: Any, keywords: Any, name: str) -> Any:
    upper = name == "isf"
    rule = rule_of(dist, name)
    formula_of(dist, "sf" if upper else "cdf")
    c = called(dist, 0.0, args, keywords)
    q = double(q)
    bare = np.asarray(frozen(q))
    inside = c.valid & (bare > 0) & (bare < 1) & ~np.isnan(frozen(c.loc))
    with np.errstate(all="ignore"):
        a, b = dist._get_support(*c.plain)
        low, high = (b, a) if upper else (a, b)
        ends = np.where(bare == 0, low, np.where(bare == 1, high, np.nan))
        at_end = c.valid & np.isfinite(ends)

    def of_all(q: Any, loc: Any, scale: Any, *shapes: Any) -> Any:
        return quantile(q, *shapes, dist=dist, upper=upper) * scale + loc

    outside = np.where(c.valid, ends, np.nan)
    y = inside_only(of_all, inside, outside, (q, c.loc, c.scale, *c.shapes), (0.5, 0.0, 1.0, *rule.safe))
    if not np.any(at_end):
        return y
    _fixed_ends(dist, name, c)
    return np.where(at_end, np.where(at_end, ends, 0.0) * c.scale + c.loc, y)


def _fixed_ends(dist: Any, name: str, c: Call) -> None:
    """Refuse the quantile of 0 or 1 where it is an end of the support that moves with the shapes."""
    moves = type(dist)._get_support is not stats.rv_continuous._get_support
    if moves and any(isinstance(s, Variable) for s in c.shapes):
        raise NoGradientError(
            f"scipy.stats.{dist.name}.{name} of 0 or 1 has no gradient in the shapes{called_at()}\n"
            "  → keep the probabilities between 0 and 1, or write the end of the support as a formula"
        )


# --- moments -------------------------------------------------------------------------------------


def _moment(dist: Any, args: Any, keywords: Any, name: str, moved: Callable[..., Any]) -> Any:
    """A formula of the shapes alone, ``moved`` to location and scale; NaN where these are not valid."""
    rule, formula = rule_of(dist, name), formula_of(dist, name)
    c = called(dist, 0.0, args, keywords)
    shape = np.broadcast_shapes(np.shape(c.valid), np.shape(c.y))

    def of_all(loc: Any, scale: Any, *shapes: Any) -> Any:
        return moved(formula(*shapes), loc, scale)

    operands, safe = (c.loc, c.scale, *c.shapes), (0.0, 1.0, *rule.safe)
    return inside_only(of_all, np.broadcast_to(c.valid, shape), np.nan, operands, safe)


def frozen_distribution(dist: Any, *args: Any, **keywords: Any) -> Any:
    """SciPy's own frozen distribution, which keeps the Variables and hands them to its methods."""
    made = dist.freeze(*[frozen(x) for x in args], **{key: frozen(x) for key, x in keywords.items()})
    made.args, made.kwds = args, keywords
    return made


def scipys_own(name: str) -> Callable[..., Any]:
    """SciPy's method as it is, which calls others of its methods."""
    return lambda dist, *args, **keywords: getattr(type(dist), name).__wrapped__(dist, *args, **keywords)


CONTINUOUS.update(
    pdf=lambda dist, x, *args, **keywords: _density(dist, x, args, keywords, "pdf"),
    logpdf=lambda dist, x, *args, **keywords: _density(dist, x, args, keywords, "logpdf"),
    cdf=lambda dist, x, *args, **keywords: _tail(dist, x, args, keywords, "cdf", 0.0, 1.0),
    sf=lambda dist, x, *args, **keywords: _tail(dist, x, args, keywords, "sf", 1.0, 0.0),
    logcdf=lambda dist, x, *args, **keywords: _tail(dist, x, args, keywords, "logcdf", -np.inf, 0.0),
    logsf=lambda dist, x, *args, **keywords: _tail(dist, x, args, keywords, "logsf", 0.0, -np.inf),
    ppf=lambda dist, q, *args, **keywords: _inverse(dist, q, args, keywords, "ppf"),
    isf=lambda dist, q, *args, **keywords: _inverse(dist, q, args, keywords, "isf"),
    mean=lambda dist, *args, **keywords: _moment(
        dist, args, keywords, "mean", lambda m, loc, scale: m * scale + loc
    ),
    var=lambda dist, *args, **keywords: _moment(
        dist, args, keywords, "var", lambda v, loc, scale: v * (scale * scale)
    ),
    std=lambda dist, *args, **keywords: np.sqrt(dist.var(*args, **keywords)),
    entropy=lambda dist, *args, **keywords: _moment(
        dist, args, keywords, "entropy", lambda h, loc, scale: h + np.log(scale)
    ),
    median=scipys_own("median"),
    interval=scipys_own("interval"),
    freeze=frozen_distribution,
    __call__=frozen_distribution,
)
