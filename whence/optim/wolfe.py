"""A line search for the strong Wolfe conditions."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

SUFFICIENT, CURVATURE = 1e-4, 0.9


class Point(NamedTuple):
    """A step along the line: its length, the value, the gradient, the slope along the line."""

    t: float
    value: float
    gradient: Any
    slope: float


def strong_wolfe(
    at: Callable[[float], Point], start: Point, t: float, longest: float, tolerance: float, most: int
) -> tuple[Point, int]:
    """A point with ``f(t) ≤ f(0) + c₁ t f'(0)`` and ``|f'(t)| ≤ c₂ |f'(0)|``, and the number of evaluations.

    First a bracket is grown, then it is cut at the minimum of a cubic. Nocedal and Wright, *Numerical
    optimization* (2006), algorithms 3.5 and 3.6; the safeguards are Schmidt's in *minFunc* (2005), so that
    the course is that of PyTorch's search.

    Args:
        at: evaluates the function.
        start: the point of length 0.
        t: the first length to try.
        longest: the greatest component of the direction; a bracket is small when it moves nothing by
            more than ``tolerance``.
        tolerance: see there.
        most: how many evaluations may be made.
    """
    low, high, evaluations, done = _bracket(at, start, t, most)
    stuck = False
    while not done and evaluations <= most and abs(high.t - low.t) * longest >= tolerance:
        t = minimum_of_cubic(low, high)
        left, right = sorted((low.t, high.t))
        margin = 0.1 * (right - left)
        if min(right - t, t - left) < margin:  # too near to an end: once is allowed
            if stuck or t >= right or t <= left:
                t = right - margin if abs(t - right) < abs(t - left) else left + margin
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        new = at(t)
        evaluations += 1
        if _too_high(new, start) or new.value >= low.value:
            low, high = (low, new) if low.value <= new.value else (new, low)
            continue
        if abs(new.slope) <= -CURVATURE * start.slope:
            done = True
        elif new.slope * (high.t - low.t) >= 0:
            high = low
        low = new
    return low, evaluations


def _too_high(point: Point, start: Point) -> bool:
    return point.value > start.value + SUFFICIENT * point.t * start.slope


def _bracket(
    at: Callable[[float], Point], start: Point, t: float, most: int
) -> tuple[Point, Point, int, bool]:
    """Two points with a good one between them, the lower one first; or a good one itself."""
    before, new, evaluations = start, at(t), 1
    while evaluations <= most:
        if _too_high(new, start) or (evaluations > 2 and new.value >= before.value):
            break
        if abs(new.slope) <= -CURVATURE * start.slope:
            return new, new, evaluations, True
        if new.slope >= 0:
            break
        bounds = (new.t + 0.01 * (new.t - before.t), 10 * new.t)
        before, new = new, at(minimum_of_cubic(before, new, bounds))
        evaluations += 1
    else:
        before = start
    low, high = (before, new) if before.value <= new.value else (new, before)
    return low, high, evaluations, False


def minimum_of_cubic(a: Point, b: Point, bounds: tuple[float, float] | None = None) -> float:
    """Where the cubic with the values and slopes of two points is least, within ``bounds``.

    Nocedal and Wright (2006), equation 3.59.
    """
    a, b = (a, b) if a.t <= b.t else (b, a)
    least, most = bounds or (a.t, b.t)
    if a.t == b.t:
        return a.t
    d1 = a.slope + b.slope - 3 * (a.value - b.value) / (a.t - b.t)
    square = d1 * d1 - a.slope * b.slope
    if not square >= 0:
        return (least + most) / 2
    d2 = math.sqrt(square)
    width = b.slope - a.slope + 2 * d2
    if width == 0 or not math.isfinite(width):
        return (least + most) / 2
    return float(np.clip(b.t - (b.t - a.t) * (b.slope + d2 - d1) / width, least, most))
