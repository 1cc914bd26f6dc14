"""Gradient descent with momentum."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .optimizer import Optimizer


class SGD(Optimizer):
    """Stochastic gradient descent: ``p ← p - lr·g``, or along a running sum of gradients.

    ``b ← μ b + (1 - τ) g`` (``b = g`` at first); ``p ← p - lr·b``, with Nesterov's momentum
    ``p ← p - lr·(g + μ b)``. Momentum after Polyak, *Some methods of speeding up the convergence of iteration
    methods* (1964), in the form of Sutskever et al., *On the importance of initialization and momentum in
    deep learning* (2013).

    Args:
        params, weight_decay, maximize: see :class:`Optimizer`.
        lr: the rate.
        momentum: μ; 0 keeps no sum.
        dampening: τ.
        nesterov: look ahead along the sum.

    Example:
        >>> from whence import nn, optim
        >>> p = nn.Parameter([1.0, 2.0])
        >>> optimizer = optim.SGD([p], lr=0.25, momentum=0.5)
        >>> for _ in range(2):
        ...     optimizer.zero_grad()
        ...     (p**2).sum().backward()
        ...     optimizer.step()
        >>> print(p)
        [0. 0.]
    """

    elementwise = True
    switches = ("momentum",)
    scratch_arrays = 1

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        momentum: float = 0.0,
        dampening: float = 0.0,
        weight_decay: float = 0.0,
        nesterov: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay,
            nesterov=nesterov, maximize=maximize,
        )  # fmt: skip

    def init_single(self, p: Any, hyper: Mapping[str, Any]) -> dict[str, Any]:
        """The running sum, if there is momentum."""
        return {"momentum_buffer": np.zeros_like(p)} if hyper["momentum"] else {}

    def apply_single(
        self, g: Any, p: Any, state: dict[str, Any], hyper: Mapping[str, Any], step: int
    ) -> tuple[Any, dict[str, Any]]:
        """The formula."""
        lr, momentum = hyper["lr"], hyper["momentum"]
        if not momentum:
            return p - lr * g, state
        b = momentum * state["momentum_buffer"] + (1 - hyper["dampening"]) * g
        if hyper["dampening"]:  # else the same: the sum starts from zero
            b = np.where(step == 1, g, b)
        ahead = g + momentum * b if hyper["nesterov"] else b
        return p - lr * ahead, {"momentum_buffer": b}

    def apply_block(
        self, g: Any, p: Any, state: dict[str, Any], hyper: Any, step: int, out: Any, scratch: Any
    ) -> dict[str, Any]:
        """The formula in place."""
        g, p = self.decayed(g, p, hyper)
        lr, momentum = hyper["lr"], hyper["momentum"]
        part = scratch[0, : g.size]
        if not momentum:
            np.multiply(lr, g, part)
            np.subtract(p, part, out)
            return {}
        b = state["momentum_buffer"]
        if step == 1:
            b[...] = g
        else:
            np.multiply(momentum, b, b)
            b += g if not hyper["dampening"] else np.multiply(1 - hyper["dampening"], g, part)
        if hyper["nesterov"]:
            np.multiply(momentum, b, part)
            np.add(g, part, part)
            np.multiply(lr, part, part)
        else:
            np.multiply(lr, b, part)
        np.subtract(p, part, out)
        return {}
