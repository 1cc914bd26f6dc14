"""SciPy's entropies, losses and power transforms, and binomial coefficients.

Conventions at the edges are SciPy's own: ``0 log 0 = 0``, and so the slope of ``xlogy(0, y)`` in y is
0, also at y = 0; a slope that is infinite (``entr`` at 0) is infinite.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special

from ..core.origin import called_at
from ..core.primitive import elementwise
from ..errors import NoGradientError
from .declare import frozen

_ANY, _POSITIVE = (-3.0, 3.0), (0.2, 3.0)

# --- entropies -----------------------------------------------------------------------------------


def _ratio(x: Any, y: Any) -> Any:
    """``x / y``, and 0 where x is 0."""
    nothing = np.equal(x, 0)
    return np.where(nothing, 0, x) / np.where(nothing, 1, y)


def _log_ratio(x: Any, y: Any) -> Any:
    """``log(x / y)``, and 0 where both are 0."""
    nothing = np.logical_and(np.equal(x, 0), np.equal(y, 0))
    x, y = np.where(nothing, 1, x), np.where(nothing, 1, y)
    ratio = x / y
    near = np.logical_and(np.greater(ratio, 0.5), np.less(ratio, 2))
    # log1p where the ratio is near 1, for its digits
    return np.where(near, np.log1p(np.where(near, (x - y) / y, 0)), np.log(np.where(near, 1, ratio)))


xlogy = elementwise(
    special.xlogy,
    vjp=[lambda g, y, a, b: g * np.log(b), lambda g, y, a, b: g * _ratio(a, b)],
    reads=["1", "01"],
    domain=[_POSITIVE, _POSITIVE],
)
xlog1py = elementwise(
    special.xlog1py,
    vjp=[lambda g, y, a, b: g * np.log1p(b), lambda g, y, a, b: g * _ratio(a, 1 + b)],
    reads=["1", "01"],
    domain=[_POSITIVE, (-0.5, 3.0)],
)


def _entr_slope(x: Any) -> Any:
    inside = np.greater_equal(x, 0)  # -inf left of 0: a constant
    return np.where(inside, -1 - np.log(np.where(inside, x, 1)), 0)


entr = elementwise(special.entr, vjp=[lambda g, y, x: g * _entr_slope(x)], reads=["0"], domain=[_POSITIVE])
rel_entr = elementwise(
    special.rel_entr,
    vjp=[lambda g, y, a, b: g * (_log_ratio(a, b) + 1), lambda g, y, a, b: -g * _ratio(a, b)],
    reads=["01", "01"],
    domain=[_POSITIVE, _POSITIVE],
)
kl_div = elementwise(
    special.kl_div,
    vjp=[lambda g, y, a, b: g * _log_ratio(a, b), lambda g, y, a, b: g * _ratio(b - a, b)],
    reads=["01", "01"],
    domain=[_POSITIVE, _POSITIVE],
)

# --- losses --------------------------------------------------------------------------------------

huber = elementwise(
    special.huber,
    vjp=[
        lambda g, y, delta, r: g * np.maximum(np.absolute(r) - delta, 0),
        lambda g, y, delta, r: g * np.clip(r, -delta, delta),
    ],
    reads=["01", "01"],
    domain=[(0.5, 1.0), (1.1, 3.0)],
)


def _length(delta: Any, r: Any) -> Any:
    """``hypot(delta, r)``, and 1 where both are 0."""
    nothing = np.logical_and(np.equal(delta, 0), np.equal(r, 0))
    return np.hypot(np.where(nothing, 1, delta), r)


def _pseudo_huber_width(g: Any, y: Any, delta: Any, r: Any) -> Any:
    length = _length(delta, r)
    return g * (r**4 / ((delta + length) ** 2 * length))


pseudo_huber = elementwise(  # delta * (hypot(delta, r) - delta)
    special.pseudo_huber,
    vjp=[_pseudo_huber_width, lambda g, y, delta, r: g * (r * delta / _length(delta, r))],
    reads=["01", "01"],
    domain=[(0.5, 2.0), _ANY],
)

# --- power transforms ----------------------------------------------------------------------------
# With L = log x: boxcox(x, lam) = L exprel(lam L), whose slope in lam is regular at 0.


def _boxcox_slope(log: Any, lam: Any) -> Any:
    """The slope of ``log * exprel(lam * log)`` in ``lam``."""
    edge = np.isneginf(frozen(log))  # x = 0: the value is -1 / lam
    log = np.where(edge, 1.0, log)
    inside = log * log * (special.hyp1f1(2.0, 3.0, lam * log) / 2)
    if not np.any(edge):
        return inside
    return np.where(edge, 1 / np.where(edge, lam, 1) ** 2, inside)


boxcox = elementwise(
    special.boxcox,
    vjp=[
        lambda g, y, x, lam: g * x ** (lam - 1),
        lambda g, y, x, lam: g * _boxcox_slope(np.log(x), lam),
    ],
    reads=["01", "01"],
    domain=[_POSITIVE, _ANY],
)
boxcox1p = elementwise(
    special.boxcox1p,
    vjp=[
        lambda g, y, x, lam: g * np.exp((lam - 1) * np.log1p(x)),
        lambda g, y, x, lam: g * _boxcox_slope(np.log1p(x), lam),
    ],
    reads=["01", "01"],
    domain=[(-0.5, 2.0), _ANY],
)


def _inverse_slope(y: Any, lam: Any) -> Any:
    """The slope of ``log1p(lam * y) / lam`` in ``lam``."""
    w = lam * y
    near = np.abs(frozen(w)) < 0.5
    small = np.where(near, w, 0)
    series = -y * y / 2 * special.hyp2f1(2.0, 2.0, 3.0, -small)  # log1p(w) / w is 2F1(1, 1; 2; -w)
    w, lam = np.where(near, 1, w), np.where(near, 1, lam)
    return np.where(near, series, (w / (1 + w) - np.log1p(w)) / (lam * lam))


inv_boxcox = elementwise(
    special.inv_boxcox,
    vjp=[
        lambda g, x, y, lam: g * (x / (1 + lam * y)),
        lambda g, x, y, lam: g * (x * _inverse_slope(y, lam)),
    ],
    domain=[(-0.4, 2.0), (0.1, 2.0)],
)
inv_boxcox1p = elementwise(
    special.inv_boxcox1p,
    vjp=[
        lambda g, x, y, lam: g * ((1 + x) / (1 + lam * y)),
        lambda g, x, y, lam: g * ((1 + x) * _inverse_slope(y, lam)),
    ],
    domain=[(-0.4, 2.0), (0.1, 2.0)],
)


def _tukey_density(p: Any, lam: Any) -> Any:
    return 1 / (p ** (lam - 1) + (1 - p) ** (lam - 1))


def _tukey_shape(g: Any, p: Any, x: Any, lam: Any) -> Any:
    """``x = boxcox(p, lam) - boxcox(1 - p, lam)`` at fixed x."""
    slope = _boxcox_slope(np.log(p), lam) - _boxcox_slope(np.log1p(-p), lam)
    return g * (-slope * _tukey_density(p, lam))


def _tukey_guarded(rule: Any) -> Any:
    """Outside its support the distribution function is 0 or 1: constant."""

    def guarded(g: Any, p: Any, x: Any, lam: Any) -> Any:
        inside = np.logical_and(np.greater(p, 0), np.less(p, 1))
        return np.where(inside, rule(g, np.where(inside, p, 0.5), x, lam), 0)

    return guarded


tklmbda = elementwise(
    special.tklmbda,
    vjp=[
        _tukey_guarded(lambda g, p, x, lam: g * _tukey_density(p, lam)),
        _tukey_guarded(_tukey_shape),
    ],
    reads=["1y", "1y"],
    domain=[(-0.6, 0.6), (0.3, 1.2)],
)

# --- binomial coefficients -----------------------------------------------------------------------


def _is_pole(x: Any) -> Any:
    x = frozen(x)
    return np.logical_and(np.less_equal(x, 0), np.equal(x, np.floor(x)))


def _binom_refuses(n: Any, k: Any) -> None:
    # one of Gamma(n + 1) / (Gamma(k + 1) Gamma(n - k + 1)) is at a pole
    if np.any(_is_pole(n + 1) | _is_pole(k + 1) | _is_pole(n - k + 1)):
        raise NoGradientError(
            "scipy.special.binom(n, k) has no gradient in whence where n, k or n - k is a negative "
            f"integer{called_at()}\n  → pass n and k as plain numbers there"
        )


def _binom_by_n(g: Any, y: Any, n: Any, k: Any) -> Any:
    _binom_refuses(n, k)
    return g * (y * (special.psi(n + 1) - special.psi(n - k + 1)))


def _binom_by_k(g: Any, y: Any, n: Any, k: Any) -> Any:
    _binom_refuses(n, k)
    return g * (y * (special.psi(n - k + 1) - special.psi(k + 1)))


binom = elementwise(special.binom, vjp=[_binom_by_n, _binom_by_k], domain=[(3.1, 6.0), (0.3, 2.9)])


def _poch_refuses(z: Any, m: Any) -> None:
    if np.any(_is_pole(z) | _is_pole(z + m)):
        raise NoGradientError(
            "scipy.special.poch(z, m) has no gradient in whence where z or z + m is zero or a negative "
            f"integer{called_at()}\n  → pass z and m as plain numbers there"
        )


def _poch_by_z(g: Any, y: Any, z: Any, m: Any) -> Any:
    _poch_refuses(z, m)
    return g * (y * (special.psi(z + m) - special.psi(z)))


def _poch_by_m(g: Any, y: Any, z: Any, m: Any) -> Any:
    _poch_refuses(z, m)
    return g * (y * special.psi(z + m))


poch = elementwise(special.poch, vjp=[_poch_by_z, _poch_by_m], domain=[(0.5, 3.0), (0.2, 3.0)])
