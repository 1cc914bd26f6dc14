"""Stochastic gradient descent for containers of arrays, with autograd's signatures.

``grad(x, i)`` is the gradient at iteration ``i``; ``callback(x, i, g)`` is called before each step.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numpy as np

from .flatten import flatten

Gradient = Callable[[Any, int], Any]
Callback = Callable[[Any, int, Any], Any] | None


def unflatten_optimizer(optimize: Callable[..., Any]) -> Callable[..., Any]:
    """An optimiser of flat arrays as one of containers."""

    @functools.wraps(optimize)
    def on_containers(grad: Gradient, x0: Any, callback: Callback = None, *args: Any, **kwargs: Any) -> Any:
        flat, unflatten = flatten(x0)

        def inner(x: Any, i: int, g: Any) -> Any:
            return None if callback is None else callback(unflatten(x), i, unflatten(g))

        def slope(x: Any, i: int) -> Any:
            return flatten(grad(unflatten(x), i))[0]

        return unflatten(optimize(slope, flat, inner, *args, **kwargs))

    return on_containers


@unflatten_optimizer
def sgd(
    grad: Gradient,
    x: Any,
    callback: Callback = None,
    num_iters: int = 200,
    step_size: float = 0.1,
    mass: float = 0.9,
) -> Any:
    """Descent with momentum: ``v = mass v - (1 - mass) g``, ``x = x + step_size v``."""
    velocity = np.zeros(len(x))
    for i in range(num_iters):
        g = grad(x, i)
        if callback:
            callback(x, i, g)
        velocity = mass * velocity - (1.0 - mass) * g
        x = x + step_size * velocity
    return x


@unflatten_optimizer
def rmsprop(
    grad: Gradient,
    x: Any,
    callback: Callback = None,
    num_iters: int = 100,
    step_size: float = 0.1,
    gamma: float = 0.9,
    eps: float = 1e-8,
) -> Any:
    """RMSProp: steps divided by the root of a running mean of ``g²`` (which starts at one)."""
    square = np.ones(len(x))
    for i in range(num_iters):
        g = grad(x, i)
        if callback:
            callback(x, i, g)
        square = gamma * square + (1 - gamma) * g**2
        x = x - step_size * g / (np.sqrt(square) + eps)
    return x


@unflatten_optimizer
def adam(
    grad: Gradient,
    x: Any,
    callback: Callback = None,
    num_iters: int = 100,
    step_size: float = 0.001,
    b1: float = 0.9,
    b2: float = 0.999,
    eps: float = 1e-8,
) -> Any:
    """Adam (Kingma and Ba 2015, algorithm 1)."""
    first, second = np.zeros(len(x)), np.zeros(len(x))
    for i in range(num_iters):
        g = grad(x, i)
        if callback:
            callback(x, i, g)
        first = b1 * first + (1 - b1) * g
        second = b2 * second + (1 - b2) * g**2
        mean = first / (1 - b1 ** (i + 1))
        spread = second / (1 - b2 ** (i + 1))
        x = x - step_size * mean / (np.sqrt(spread) + eps)
    return x
