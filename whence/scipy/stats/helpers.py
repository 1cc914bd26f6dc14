"""Pieces of formulas that several distributions share, right to the last digits and at the edges.

A branch that is not taken must not be evaluated where it is infinite: ``np.where`` gives it a gradient
of zero, and zero times infinity is not a number. So the argument is masked as well as the result.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from scipy import special

from ...ops.declare import frozen

LN2 = math.log(2.0)
LOG_PI = math.log(math.pi)
LOG_2PI = math.log(2 * math.pi)
HALF_LOG_2PI = 0.5 * LOG_2PI
SQRT_2PI = math.sqrt(2 * math.pi)
EULER = float(np.euler_gamma)


def log(p: Any) -> Any:
    """``log p`` of a probability; -inf with gradient zero where it is 0 in floating point."""
    positive = np.greater(frozen(p), 0)
    if np.all(positive):
        return np.log(p)
    return np.where(positive, np.log(np.where(positive, p, 1.0)), -np.inf)


def log1mexp(x: Any) -> Any:
    """``log(1 - exp(-x))`` for x >= 0, without cancellation (Mächler 2012, equation 7)."""
    small = np.less(frozen(x), LN2)
    near = log(-np.expm1(-np.where(small, x, 1.0)))
    far = np.log1p(-np.exp(-np.where(small, 1.0, x)))
    return np.where(small, near, far)


def log_of_tail(tail: Any, other: Any, *given: Any) -> Any:
    """The logarithm of a probability that may be near 1, where it is 1 less the other tail."""
    p = tail(*given)
    high = np.greater(frozen(p), 0.5)
    if not np.any(high):
        return log(p)
    near_one = np.log1p(-np.where(high, other(*given), 0.0))
    return near_one if np.all(high) else np.where(high, near_one, log(np.where(high, 1.0, p)))


def exp(x: Any) -> Any:
    """``exp(x)`` inside another exponential; where it overflows to inf its gradient is zero."""
    large = np.greater(frozen(x), 709.0)
    if not np.any(large):
        return np.exp(x)
    return np.where(large, np.inf, np.exp(np.where(large, 0.0, x)))


def choose(mask: Any, yes: Any, no: Any, x: Any, safe: tuple[float, float]) -> Any:
    """``yes(x)`` where the mask is true, ``no(x)`` elsewhere; each sees ``safe`` where it is not used."""
    if np.all(mask):
        return yes(x)
    if not np.any(mask):
        return no(x)
    return np.where(mask, yes(np.where(mask, x, safe[0])), no(np.where(mask, safe[1], x)))


def log1p_ratio(u: Any) -> Any:
    """``log(1 + u) / u``, which is 1 at 0, with all its derivatives.

    By its power series for small u: the quotient is right there, but the derivatives of the quotient
    are differences of nearly equal numbers.
    """
    return choose(np.abs(frozen(u)) < 0.05, _log1p_series, _log1p_quotient, u, (0.0, 1.0))


def _log1p_quotient(u: Any) -> Any:
    return np.log1p(u) / u


def _log1p_series(u: Any) -> Any:
    total: Any = 1 / 13
    for k in range(12, 0, -1):
        total = 1 / k - u * total
    return total


def normal_logpdf(x: Any) -> Any:
    """The log-density of the standard normal distribution."""
    return -0.5 * (x * x) - HALF_LOG_2PI


def normal_pdf(x: Any) -> Any:
    """The density of the standard normal distribution."""
    return np.exp(-0.5 * (x * x)) / SQRT_2PI


def log_ndtr(x: Any) -> Any:
    """``log Phi(x)``, also for infinite x."""
    infinite = np.isinf(frozen(x))
    if not np.any(infinite):
        return special.log_ndtr(x)
    limits = np.where(np.greater(frozen(x), 0), 0.0, -np.inf)
    return np.where(infinite, limits, special.log_ndtr(np.where(infinite, 0.0, x)))


def log_normal_mass(a: Any, b: Any) -> Any:
    """``log(Phi(b) - Phi(a))`` for a < b, in the tails too.

    Both on the left (after mirroring): ``log Phi(b) + log(1 - Phi(a)/Phi(b))``. On both sides of 0:
    ``log(1 - Phi(a) - Phi(-b))``.
    """
    left, right = np.less_equal(frozen(b), 0), np.greater(frozen(a), 0)
    middle = ~(left | right)
    low = np.where(right, -b, np.where(left, a, -2.0))
    high = np.where(right, -a, np.where(left, b, -1.0))
    top = log_ndtr(high)
    tails = top + log1mexp(top - log_ndtr(low))
    if not np.any(middle):
        return tails
    inner = np.log1p(-special.ndtr(np.where(middle, a, -1.0)) - special.ndtr(np.where(middle, -b, -1.0)))
    return np.where(middle, inner, tails)
