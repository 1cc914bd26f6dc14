"""The mirror of ``scipy.special``: every name of it, each differentiable where its derivative is known.

SciPy's ufuncs reach whence by themselves (``scipy.special.gammaln(v)``); they are the same objects
here. The functions below stand for those that SciPy computes without asking its arguments.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import special as _special
from scipy.special import *  # noqa: F403
from scipy.special._spfun_stats import multigammaln as _multigammaln

from ..core.batched import peeled
from ..core.origin import called_at
from ..core.primitive import Primitive
from ..core.variable import Variable
from ..errors import NoGradientError
from ..ops import special as _ops
from ..ops.declare import frozen
from ..ops.norm import logsumexp as logsumexp
from ..ops.oscillations import SPHERICAL

__all__ = [*_special.__all__, "softplus"]


def softplus(x: Any, **kwargs: Any) -> Any:
    """``log(1 + exp(x))`` without overflow; NumPy's keywords.

    Example:
        >>> import whence
        >>> print(whence.grad(softplus)(0.0))
        0.5
    """
    return np.logaddexp(0, x, **kwargs)


def softmax(x: Any, axis: Any = None) -> Any:
    """``exp(x) / sum(exp(x))`` over ``axis`` (one, several, or None for all), without overflow.

    Example:
        >>> import numpy as np, whence
        >>> print(whence.grad(lambda x: softmax(x)[0])(np.array([0.0, 0.0])))
        [ 0.25 -0.25]
    """
    if not isinstance(x, Variable):
        return _special.softmax(x, axis=axis)
    top = np.max(frozen(x), axis=axis, keepdims=True)
    weights = np.exp(x - top)
    return weights / np.sum(weights, axis=axis, keepdims=True)


def log_softmax(x: Any, axis: Any = None) -> Any:
    """``log(softmax(x, axis))``, exact where the softmax is as good as 0 or 1.

    Example:
        >>> import numpy as np, whence
        >>> print(whence.grad(lambda x: log_softmax(x)[0])(np.array([0.0, 1000.0])))
        [ 1. -1.]
    """
    if not isinstance(x, Variable):
        return _special.log_softmax(x, axis=axis)
    return x - logsumexp(x, axis=axis, keepdims=True)


def sinc(x: Any) -> Any:
    """``sin(pi x) / (pi x)``, 1 at 0; the same as ``np.sinc``."""
    return np.sinc(x)


def polygamma(n: Any, x: Any) -> Any:
    """The n-th derivative of the digamma function, for integers n ≥ 0 (which get no gradient).

    Example:
        >>> import whence
        >>> print(whence.grad(lambda x: polygamma(0, x))(1.0))
        1.6449340668482266
    """
    if isinstance(n, Variable):
        raise NoGradientError(
            f"scipy.special.polygamma has no gradient for n, an integer{called_at()}\n"
            "  → pass n as a plain integer"
        )
    if not isinstance(x, Variable):
        return _special.polygamma(n, x)
    return _ops.polygamma(x, n=np.asarray(n))


def multigammaln(a: Any, d: int) -> Any:
    """The log of the multivariate gamma function, ``d (d-1)/4 log pi + sum_j gammaln(a - (j-1)/2)``.

    Args:
        a: where; above ``(d - 1) / 2``.
        d: the dimension, a positive integer.

    Example:
        >>> import whence
        >>> print(f"{whence.grad(lambda a: multigammaln(a, 1))(1.0):.12f}")
        -0.577215664902
    """
    if not isinstance(a, Variable):
        return _multigammaln(a, d)
    _multigammaln(frozen(peeled(a)[0]), d)  # raises where it is not defined
    dimension = int(d)
    halves = np.arange(dimension).astype(a.dtype) / 2
    terms = _special.gammaln(np.expand_dims(a, -1) - halves)  # (..., d)
    return dimension * (dimension - 1) * 0.25 * np.log(np.pi) + np.sum(terms, axis=-1)


def _diric_rule(g: Any, y: Any, x: Any, n: Any) -> Any:
    """``diric`` is U_(n-1)(cos(x/2)) / n, and ``U_k' = 2 C2_(k-1)``: regular at multiples of 2 pi."""
    lower = np.maximum(n - 2, 0)
    curve = np.where(np.less(n, 2), 0, _special.eval_gegenbauer(lower, 2.0, np.cos(x / 2)))
    return g * (-np.sin(x / 2) / n * curve)


_diric = Primitive(
    "scipy.special.diric",
    lambda x, n: _special.diric(x, n),
    vjp=[_diric_rule],
    reads=["0"],
    kind="elementwise",
)


def diric(x: Any, n: Any) -> Any:
    """The periodic sinc ``sin(n x / 2) / (n sin(x / 2))`` for integers n ≥ 1 (which get no gradient).

    Example:
        >>> import whence
        >>> print(whence.grad(whence.grad(lambda x: diric(x, 3)))(0.0))
        -0.6666666666666...
    """
    if isinstance(n, Variable):
        raise NoGradientError(
            f"scipy.special.diric has no gradient for n, an integer{called_at()}\n"
            "  → pass n as a plain integer"
        )
    return _diric(x, n=np.asarray(n)) if isinstance(x, Variable) else _special.diric(x, n)


def _spherical(name: str, n: Any, z: Any, derivative: bool) -> Any:
    """A spherical Bessel function, or its derivative."""
    if isinstance(n, Variable):
        raise NoGradientError(
            f"scipy.special.{name} has no gradient for n, an integer{called_at()}\n"
            "  → pass n as a plain integer"
        )
    if not isinstance(z, Variable):
        return getattr(_special, name)(n, z, derivative)
    n = np.asarray(n, dtype=int)
    family = SPHERICAL[name]
    return family.slope(z, n=n) if derivative else family.value(z, n=n)


def spherical_jn(n: Any, z: Any, derivative: bool = False) -> Any:
    """The spherical Bessel function of the first kind, or its derivative by z.

    Example:
        >>> import whence
        >>> print(whence.grad(lambda z: spherical_jn(1, z))(0.0))
        0.333333333333333...
    """
    return _spherical("spherical_jn", n, z, derivative)


def spherical_yn(n: Any, z: Any, derivative: bool = False) -> Any:
    """The spherical Bessel function of the second kind, or its derivative by z."""
    return _spherical("spherical_yn", n, z, derivative)


def spherical_in(n: Any, z: Any, derivative: bool = False) -> Any:
    """The modified spherical Bessel function of the first kind, or its derivative by z."""
    return _spherical("spherical_in", n, z, derivative)


def spherical_kn(n: Any, z: Any, derivative: bool = False) -> Any:
    """The modified spherical Bessel function of the second kind, or its derivative by z."""
    return _spherical("spherical_kn", n, z, derivative)


def _counted(N: Any, k: Any, f: Any) -> Any:
    """``f(N, k)`` where ``0 <= k <= N``, else 0."""
    inside = np.less_equal(k, N) & np.greater_equal(N, 0) & np.greater_equal(k, 0)
    return np.where(inside, f(np.where(inside, N, 1.0), np.where(inside, k, 1.0)), 0)


def _inexact(name: str, exact: bool, *xs: Any) -> bool:
    """Has one of them a gradient? Then ``exact`` is refused."""
    if not any(isinstance(x, Variable) for x in xs):
        return False
    if exact:
        raise NoGradientError(
            f"scipy.special.{name}(exact=True) takes integers, and has no gradient{called_at()}\n"
            "  → exact=False"
        )
    return True


def comb(N: Any, k: Any, *, exact: bool = False, repetition: bool = False) -> Any:
    """The number of ways to choose k of N, as ``gamma`` continues it to real N and k.

    Example:
        >>> import whence
        >>> print(f"{whence.grad(comb)(4.0, 2.0):.12f}")
        3.500000000000
    """
    if not _inexact("comb", exact, N, k):
        return _special.comb(N, k, exact=exact, repetition=repetition)
    if not repetition:
        return _counted(N, k, _special.binom)
    return _special.binom(N + k - 1, k)


def perm(N: Any, k: Any, exact: bool = False) -> Any:
    """The number of ordered choices of k of N, as ``gamma`` continues it to real N and k.

    Example:
        >>> import whence
        >>> print(f"{whence.grad(perm)(4.0, 2.0):.12f}")
        7.000000000000
    """
    if not _inexact("perm", exact, N, k):
        return _special.perm(N, k, exact=exact)
    return _counted(N, k, lambda n, j: _special.poch(n - j + 1, j))


def factorial(n: Any, exact: bool = False, extend: str = "zero") -> Any:
    """``gamma(n + 1)``, and 0 for negative n unless ``extend="complex"``.

    Example:
        >>> import whence
        >>> print(whence.grad(factorial)(0.0))
        -0.5772156649015...
    """
    if not _inexact("factorial", exact, n):
        return _special.factorial(n, exact=exact, extend=extend)
    if extend == "complex":
        return _special.gamma(n + 1)
    inside = np.greater_equal(n, 0)
    values = np.where(inside, _special.gamma(np.where(inside, n, 0) + 1), 0)
    return np.astype(values, np.float64)  # as SciPy does
