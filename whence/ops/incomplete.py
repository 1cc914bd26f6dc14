"""The incomplete gamma and beta functions, in all of their arguments, and what is made of them.

In x the derivative is the density; in the shapes it is computed as `orders` says, from the smaller
of the two tails (its relative error is then that of SciPy's function, about 1e-14, times some tens).
In both together it is the derivative of the density, which is elementary. Distribution functions
and quantiles follow by the chain rule and the implicit function theorem.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import comb
from typing import Any

import numpy as np
from scipy import special

from ..core.primitive import Primitive, elementwise
from ..core.table import name_of
from ..core.variable import as_array
from .declare import frozen
from .orders import by_parameters, differentiated, raised
from .special import polygamma

_SHAPE = (0.5, 4.0)


def _radius(shape: Any, slope: Any, information: Any) -> Any:
    """How far around a shape to look: it stays positive, and no tail changes by more than e**2."""
    around = np.minimum(0.7 * shape, 0.3 + 0.7 / np.sqrt(information))
    return np.minimum(around, 1.5 / np.maximum(np.abs(slope), 1e-3))


def _wide(*xs: Any) -> Any:
    return np.broadcast_arrays(*[as_array(x, np.float64) for x in xs])


def _smaller(lower: Any, upper: Any, low: Any, *xs: Any) -> Any:
    """The lower tail where ``low``, else minus the upper one: they differ by the constant 1."""
    out = np.empty(np.shape(low))
    out[low] = lower(*[x[low] for x in xs])
    high = ~low
    out[high] = -upper(*[x[high] for x in xs])
    return out


# --- gamma ---------------------------------------------------------------------------------------


def _gamma_by_shape(a: Any, x: Any, order: int) -> Any:
    shape, point = _wide(a, x)
    with np.errstate(all="ignore"):
        slope = np.log(point) - special.psi(shape)
        radius = _radius(shape, slope, special.polygamma(1, shape))
        edge = np.logical_or(point == 0, np.isposinf(point))  # 0 and 1 for every shape
        low = point < shape
        inner = np.where(edge, 1.0, point)

    def tail(s: Any, _: Any) -> Any:
        return _smaller(special.gammainc, special.gammaincc, low, s, inner)

    y = differentiated(tail, (shape, inner), (order, 0), (radius, None))
    y = np.where(edge, 0.0, y)[()]
    return y.astype(np.result_type(_kind(a), _kind(x)))


def _kind(x: Any) -> Any:
    """The dtype that SciPy computes in: plain numbers and integers do not widen it beyond double."""
    if isinstance(x, (int, float)) and not isinstance(x, np.generic):
        return np.float32
    dtype = as_array(x).dtype
    return dtype if dtype.kind == "f" else np.float64


def _bell(cumulants: Sequence[Any]) -> Any:
    """``e^-f (d/da)^n e^f`` from the derivatives of f: the complete Bell polynomial."""
    values: list[Any] = [1.0]
    for n in range(len(cumulants)):
        values.append(sum(comb(n, k) * cumulants[k] * values[n - k] for k in range(n + 1)))
    return values[-1]


def gamma_density(a: Any, x: Any, order: int = 0) -> Any:
    """The derivative of that order in a of ``x**(a - 1) exp(-x) / gamma(a)``."""
    beyond = np.isposinf(x)
    x = np.where(beyond, 1.0, x) if np.any(beyond) else x
    density = np.exp(special.xlogy(a - 1, x) - x - special.gammaln(a))
    if np.any(beyond):
        density = np.where(beyond, 0, density)
    if order == 0:
        return density
    log = np.log(np.where(np.equal(x, 0), 1, x))
    cumulants = [log - special.psi(a)] + [-polygamma(a, n=k) for k in range(1, order)]
    return density * _bell(cumulants)


gamma_by_shape = by_parameters(
    "scipy.special.gammainc by a",
    _gamma_by_shape,
    vjp=[
        lambda g, y, a, x, order: (
            g * gamma_by_shape(a, x, order=raised((order,), 0, "scipy.special.gammainc")[0])
        ),
        lambda g, y, a, x, order: g * gamma_density(a, x, order),
    ],
    reads=["01", "01"],
)


def by_shape(a: Any, x: Any) -> Any:
    """The derivative of ``gammainc(a, x)`` in a."""
    return gamma_by_shape(a, x, order=1)


gammainc = elementwise(
    special.gammainc,
    vjp=[lambda g, y, a, x: g * by_shape(a, x), lambda g, y, a, x: g * gamma_density(a, x)],
    reads=["01", "01"],
    domain=[_SHAPE, (0.2, 6.0)],
)
gammaincc = elementwise(
    special.gammaincc,
    vjp=[lambda g, y, a, x: -g * by_shape(a, x), lambda g, y, a, x: -g * gamma_density(a, x)],
    reads=["01", "01"],
    domain=[_SHAPE, (0.2, 6.0)],
)

# --- beta ----------------------------------------------------------------------------------------


def _beta_by_shapes(a: Any, b: Any, x: Any, orders: tuple[int, int]) -> Any:
    first, second, point = _wide(a, b, x)
    with np.errstate(all="ignore"):
        both = special.psi(first + second), special.polygamma(1, first + second)
        radii = [
            _radius(shape, log - special.psi(shape) + both[0], special.polygamma(1, shape) - both[1])
            for shape, log in ((first, np.log(point)), (second, np.log1p(-point)))
        ]
        # the factor Gamma(a + b) has poles, of which gammainc has none
        radii = [np.minimum(radius, 0.32 * (first + second)) for radius in radii]
        edge = np.logical_or(point == 0, point == 1)
        low = point < first / (first + second)
        inner = np.where(edge, 0.5, point)

    def tail(s: Any, t: Any, _: Any) -> Any:
        return _smaller(special.betainc, special.betaincc, low, s, t, inner)

    y = differentiated(tail, (first, second, inner), (*orders, 0), (*radii, None))
    y = np.where(edge, 0.0, y)[()]
    return y.astype(np.result_type(_kind(a), _kind(b), _kind(x)))


def _beta_log_density(a: Any, b: Any, x: Any) -> Any:
    return special.xlogy(a - 1, x) + special.xlog1py(b - 1, -x) - special.betaln(a, b)


def beta_density(a: Any, b: Any, x: Any, orders: tuple[int, int] = (0, 0)) -> Any:
    """The derivative of those orders in a and b of ``x**(a - 1) (1 - x)**(b - 1) / beta(a, b)``."""
    density = np.exp(_beta_log_density(a, b, x))
    if orders == (0, 0):
        return density
    edge = np.logical_or(np.equal(x, 0), np.equal(x, 1))
    inner = np.where(edge, 0.5, x)
    logs = (np.log(inner), np.log1p(-inner))

    def cumulant(m: int, n: int) -> Any:
        """The derivative of the log density: m times in a, n times in b."""
        value = polygamma(a + b, n=m + n - 1)
        if n == 0:
            value = value - polygamma(a, n=m - 1)
        if m == 0:
            value = value - polygamma(b, n=n - 1)
        return value + logs[0 if m else 1] if m + n == 1 else value

    def bell(m: int, n: int) -> Any:
        if m == n == 0:
            return 1.0
        if m == 0:
            return sum(comb(n - 1, j) * cumulant(0, j + 1) * bell(0, n - 1 - j) for j in range(n))
        return sum(
            comb(m - 1, i) * comb(n, j) * cumulant(i + 1, j) * bell(m - 1 - i, n - j)
            for i in range(m)
            for j in range(n + 1)
        )

    return density * bell(*orders)


def _beta_raised(orders: tuple[int, int], i: int) -> tuple[int, ...]:
    # mixed derivatives take POINTS**2 values each
    return raised(orders, i, "scipy.special.betainc", 3)


beta_by_shapes = by_parameters(
    "scipy.special.betainc by a, b",
    _beta_by_shapes,
    vjp=[
        lambda g, y, a, b, x, orders: g * beta_by_shapes(a, b, x, orders=_beta_raised(orders, 0)),
        lambda g, y, a, b, x, orders: g * beta_by_shapes(a, b, x, orders=_beta_raised(orders, 1)),
        lambda g, y, a, b, x, orders: g * beta_density(a, b, x, orders),
    ],
    reads=["012", "012", "012"],
)


def by_first(a: Any, b: Any, x: Any) -> Any:
    """The derivative of ``betainc(a, b, x)`` in a."""
    return beta_by_shapes(a, b, x, orders=(1, 0))


def by_second(a: Any, b: Any, x: Any) -> Any:
    """The derivative of ``betainc(a, b, x)`` in b."""
    return beta_by_shapes(a, b, x, orders=(0, 1))


_BETA_DOMAIN = [_SHAPE, _SHAPE, (0.1, 0.9)]
betainc = elementwise(
    special.betainc,
    vjp=[
        lambda g, y, a, b, x: g * by_first(a, b, x),
        lambda g, y, a, b, x: g * by_second(a, b, x),
        lambda g, y, a, b, x: g * beta_density(a, b, x),
    ],
    reads=["012", "012", "012"],
    domain=_BETA_DOMAIN,
)
betaincc = elementwise(
    special.betaincc,
    vjp=[
        lambda g, y, a, b, x: -g * by_first(a, b, x),
        lambda g, y, a, b, x: -g * by_second(a, b, x),
        lambda g, y, a, b, x: -g * beta_density(a, b, x),
    ],
    reads=["012", "012", "012"],
    domain=_BETA_DOMAIN,
)

# --- inverses ------------------------------------------------------------------------------------


def inverse(
    function: Any, of: Primitive, unknown: int, domain: Sequence[tuple[float, float]] = ()
) -> Primitive:
    """Declare ``function``, which solves ``of(...) = p`` for operand ``unknown``.

    Its operands are those of ``of``, with p in the place of the unknown one.
    """
    count = len(of.vjp)  # type: ignore[arg-type]
    rules: Any = of.vjp

    def rule_for(i: int) -> Any:
        def rule(g: Any, y: Any, *xs: Any) -> Any:
            operands = (*xs[:unknown], y, *xs[unknown + 1 :])
            slope = rules[unknown](1.0, None, *operands)
            if i == unknown:
                return g / slope
            there = rules[i](1.0, None, *operands)
            at_end = np.equal(frozen(there), 0)  # of the range: both slopes are zero, y stays
            return -g * there / np.where(at_end, 1, slope)

        return rule

    reads = ["".join(str(i) for i in range(count) if i != unknown) + "y"] * count
    return elementwise(function, [rule_for(i) for i in range(count)], reads, domain, name=name_of(function))


_PROBABILITY = (0.1, 0.9)
gammaincinv = inverse(special.gammaincinv, gammainc, 1, [_SHAPE, _PROBABILITY])
gammainccinv = inverse(special.gammainccinv, gammaincc, 1, [_SHAPE, _PROBABILITY])
betaincinv = inverse(special.betaincinv, betainc, 2, [_SHAPE, _SHAPE, _PROBABILITY])
betainccinv = inverse(special.betainccinv, betaincc, 2, [_SHAPE, _SHAPE, _PROBABILITY])
btdtria = inverse(special.btdtria, betainc, 0, [_PROBABILITY, _SHAPE, _PROBABILITY])
btdtrib = inverse(special.btdtrib, betainc, 1, [_SHAPE, _PROBABILITY, _PROBABILITY])
