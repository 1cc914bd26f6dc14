"""Derivatives with respect to orders and shapes, of functions that are smooth in them.

``d/da P(a, x)`` or ``d/dv J_v(x)`` has no closed form, but SciPy gives the function itself to nearly
full precision for every real ``a``. So it is interpolated by a polynomial in Chebyshev points around
``a``, and that is differentiated (Trefethen, *Spectral Methods in MATLAB*, chapter 6). For a function
that is analytic around the points this converges geometrically; unlike finite differences, which
lose half of the digits, it multiplies the rounding errors of the function by about ``POINTS / radius``
for a first derivative only. The radius is chosen by the caller: about the length over which the
function changes by a factor of e.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import lru_cache
from itertools import product
from typing import Any

import numpy as np
from numpy.polynomial import chebyshev

from ..core.origin import called_at
from ..core.primitive import Primitive
from ..core.variable import as_array
from ..errors import NoGradientError

POINTS = 20
HIGHEST = 4  # further derivatives would be mostly rounding


@lru_cache(maxsize=HIGHEST)
def stencil(order: int) -> tuple[tuple[float, float], ...]:
    """Points in [-1, 1] and weights whose sum is the derivative of that order at 0."""
    points = np.cos(np.pi * (np.arange(POINTS) + 0.5) / POINTS)
    analysis = 2 / POINTS * chebyshev.chebvander(points, POINTS - 1).T  # values to coefficients
    analysis[0] /= 2
    units = np.eye(POINTS)
    slopes = [float(chebyshev.chebval(0.0, chebyshev.chebder(unit, order))) for unit in units]
    weights = np.array(slopes) @ analysis
    return tuple(zip(points.tolist(), weights.tolist(), strict=True))


def differentiated(
    function: Callable[..., Any], xs: Sequence[Any], orders: Sequence[int], radii: Sequence[Any]
) -> Any:
    """The derivative of ``function`` at ``xs``, of the given order in each operand.

    Args:
        function: smooth in the operands that it is differentiated by, vectorised.
        xs: the operands.
        orders: how often to differentiate by each operand; 0 for not at all.
        radii: for each operand, how far around it to look (not read where the order is 0).

    Returns:
        The derivative in the common type of the operands, computed in double precision.
    """
    dtype = np.result_type(*[x if isinstance(x, (int, float)) else as_array(x).dtype for x in xs], 0.0)
    wide = [_double(x) for x in xs]
    moving = [i for i, order in enumerate(orders) if order]
    with np.errstate(all="ignore"):
        if [orders[i] for i in moving] == [1, 1]:
            total = as_array(_mixed(function, wide, moving, radii))
        else:
            total = as_array(_on_grid(function, wide, moving, orders, radii))
    if dtype.kind == "f" and total.dtype.kind == "c":  # a Hankel function of a real argument
        dtype = np.result_type(dtype, np.complex64)
    return total.astype(dtype)[()]


def _on_grid(
    function: Callable[..., Any],
    xs: list[Any],
    moving: list[int],
    orders: Sequence[int],
    radii: Sequence[Any],
) -> Any:
    """By a stencil in each operand."""
    scale: Any = 1.0
    for i in moving:
        scale = scale * as_array(radii[i], float) ** orders[i]
    total: Any = 0.0
    for chosen in product(*[stencil(orders[i]) for i in moving]):
        shifted = list(xs)
        weight = 1.0
        for i, (point, factor) in zip(moving, chosen, strict=True):
            shifted[i] = xs[i] + radii[i] * point
            weight *= factor
        total = total + weight * function(*shifted)
    return total / scale


def _mixed(function: Callable[..., Any], xs: list[Any], moving: list[int], radii: Sequence[Any]) -> Any:
    """``d2 f / dx dy``, from the second derivatives along the two diagonals: 2 n points, not n**2."""
    i, j = moving
    across, along = 0.6 * as_array(radii[i]), 0.6 * as_array(radii[j])  # as both change together
    total: Any = 0.0
    for point, weight in stencil(2):
        shifted = list(xs)
        shifted[i], shifted[j] = xs[i] + across * point, xs[j] + along * point
        rising = function(*shifted)
        shifted[j] = xs[j] - along * point
        total = total + weight * (rising - function(*shifted))
    return total / (4 * across * along)


def _double(x: Any) -> Any:
    x = as_array(x)
    return x.astype(np.complex128 if x.dtype.kind == "c" else np.float64)


def by_parameters(name: str, forward: Callable[..., Any], vjp: Any, reads: Any = None) -> Primitive:
    """Declare such a derivative: elementwise, with its orders as a keyword."""
    primitive = Primitive(name, forward, vjp, reads, "elementwise")
    primitive.apply = primitive.general  # the quick path of two operands takes no keywords
    return primitive


def raised(orders: Sequence[int], i: int, name: str, highest: int = HIGHEST) -> tuple[int, ...]:
    """``orders`` with one more derivative by operand ``i``; refuses beyond ``highest`` in all."""
    if sum(orders) >= highest:
        raise NoGradientError(
            f"{name} is differentiated by its parameters at most {highest} times{called_at()}\n"
            "  → v.data in place of a parameter whose further derivatives are not wanted"
        )
    return (*orders[:i], orders[i] + 1, *orders[i + 1 :])


def refusing(name: str, operand: str, why: str, remedy: str) -> Callable[..., Any]:
    """A rule for an operand without a derivative: it raises when its gradient is asked for."""

    def rule(g: Any, y: Any, *xs: Any, **params: Any) -> Any:
        raise NoGradientError(
            f"{name} has no gradient for {operand} in whence: {why}{called_at()}\n  → {remedy}"
        )

    return rule


def constant_only(name: str, operand: str, why: str = "no formula for it is known") -> Callable[..., Any]:
    """``refusing`` with the remedy that fits most often."""
    return refusing(name, operand, why, f"pass {operand} as a plain number, or v.data")
