"""Steps scaled by the gradients' size so far: AdaGrad, AdaDelta, RMSprop; Lion: their signs alone."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .optimizer import Optimizer


class Adagrad(Optimizer):
    """``s ← s + g²``; ``p ← p - lr / (1 + (t - 1) δ)·g / (√s + ε)``.

    Duchi, Hazan and Singer, *Adaptive subgradient methods for online learning and stochastic optimization*
    (2011), figure 1, diagonal matrices.

    Args:
        params, weight_decay, maximize: see :class:`Optimizer`.
        lr: the rate.
        lr_decay: δ.
        initial_accumulator_value: s at first.
        eps: ε.
    """

    elementwise = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        lr_decay: float = 0.0,
        weight_decay: float = 0.0,
        initial_accumulator_value: float = 0.0,
        eps: float = 1e-10,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, lr_decay=lr_decay, weight_decay=weight_decay, eps=eps,
            initial_accumulator_value=initial_accumulator_value, maximize=maximize,
        )  # fmt: skip

    def init_single(self, p: Any, hyper: Mapping[str, Any]) -> dict[str, Any]:
        """The sum of squares."""
        return {"sum": np.full_like(p, hyper["initial_accumulator_value"])}

    def apply_single(
        self, g: Any, p: Any, state: dict[str, Any], hyper: Mapping[str, Any], step: int
    ) -> tuple[Any, dict[str, Any]]:
        """The formula."""
        s = state["sum"] + g * g
        rate = hyper["lr"] / (1 + (step - 1) * hyper["lr_decay"])
        return p - rate * (g / (np.sqrt(s) + hyper["eps"])), {"sum": s}


class Adadelta(Optimizer):
    """Steps in the units of the parameter.

    ``v ← ρ v + (1 - ρ) g²``; ``d = √(u + ε) / √(v + ε)·g``; ``u ← ρ u + (1 - ρ) d²``; ``p ← p - lr·d``.
    Zeiler, *ADADELTA: an adaptive learning rate method* (2012), algorithm 1.

    Args:
        params, weight_decay, maximize: see :class:`Optimizer`.
        lr: a factor; the paper has 1.
        rho: ρ.
        eps: ε.
    """

    elementwise = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1.0,
        rho: float = 0.9,
        eps: float = 1e-6,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize)

    def init_single(self, p: Any, hyper: Mapping[str, Any]) -> dict[str, Any]:
        """Mean squares of gradients and of steps."""
        return {"square_avg": np.zeros_like(p), "acc_delta": np.zeros_like(p)}

    def apply_single(
        self, g: Any, p: Any, state: dict[str, Any], hyper: Mapping[str, Any], step: int
    ) -> tuple[Any, dict[str, Any]]:
        """The formula."""
        rho, eps, u = hyper["rho"], hyper["eps"], state["acc_delta"]
        v = rho * state["square_avg"] + (1 - rho) * (g * g)
        d = np.sqrt(u + eps) / np.sqrt(v + eps) * g
        return p - hyper["lr"] * d, {"square_avg": v, "acc_delta": rho * u + (1 - rho) * (d * d)}


class RMSprop(Optimizer):
    """``v ← α v + (1 - α) g²``; ``p ← p - lr·g / (√v + ε)``.

    Centred: ``a ← α a + (1 - α) g`` and ``v - a²`` in place of v. With momentum: ``b ← μ b + g / (√v + ε)``;
    ``p ← p - lr·b``. Tieleman and Hinton, *Neural networks for machine learning* (2012), lecture 6e; centred:
    Graves, *Generating sequences with recurrent neural networks* (2013), equations 38 to 45.

    Args:
        params, weight_decay, maximize: see :class:`Optimizer`.
        lr: the rate.
        alpha: α.
        eps: ε.
        momentum: μ.
        centered: use the variance.
    """

    elementwise = True
    switches = ("momentum", "centered")

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-2,
        alpha: float = 0.99,
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum: float = 0.0,
        centered: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, alpha=alpha, eps=eps, weight_decay=weight_decay, momentum=momentum,
            centered=centered, maximize=maximize,
        )  # fmt: skip

    def init_single(self, p: Any, hyper: Mapping[str, Any]) -> dict[str, Any]:
        """The mean square, and what the options need."""
        names = (
            ["square_avg"] + ["momentum_buffer"] * bool(hyper["momentum"]) + ["grad_avg"] * hyper["centered"]
        )
        return {name: np.zeros_like(p) for name in names}

    def apply_single(
        self, g: Any, p: Any, state: dict[str, Any], hyper: Mapping[str, Any], step: int
    ) -> tuple[Any, dict[str, Any]]:
        """The formula."""
        lr, alpha, momentum = hyper["lr"], hyper["alpha"], hyper["momentum"]
        v = alpha * state["square_avg"] + (1 - alpha) * (g * g)
        after = {"square_avg": v}
        if hyper["centered"]:
            a = after["grad_avg"] = alpha * state["grad_avg"] + (1 - alpha) * g
            v = v - a * a
        scaled = g / (np.sqrt(v) + hyper["eps"])
        if not momentum:
            return p - lr * scaled, after
        b = after["momentum_buffer"] = momentum * state["momentum_buffer"] + scaled
        return p - lr * b, after


class Lion(Optimizer):
    """The sign of a running mean: ``p ← p - lr·sign(β₁ m + (1 - β₁) g)``; ``m ← β₂ m + (1 - β₂) g``.

    Weight decay is decoupled: p first shrinks by the factor ``1 - lr·λ``. Chen et al., *Symbolic discovery of
    optimization algorithms* (2023), algorithm 2. Rates are a third to a tenth of Adam's.

    Args:
        params, weight_decay, maximize: see :class:`Optimizer`.
        lr: the length of a step in each element.
        betas: β₁ and β₂.

    Example:
        >>> from whence import nn, optim
        >>> p = nn.Parameter([1.0, -3.0])
        >>> (p**2).sum().backward()
        >>> optim.Lion([p], lr=0.5).step()
        >>> print(p)
        [ 0.5 -2.5]
    """

    elementwise = True
    decouples = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-4,
        betas: tuple[float, float] = (0.9, 0.99),
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, weight_decay=weight_decay, maximize=maximize)

    def init_single(self, p: Any, hyper: Mapping[str, Any]) -> dict[str, Any]:
        """A mean of zero."""
        return {"exp_avg": np.zeros_like(p)}

    def apply_single(
        self, g: Any, p: Any, state: dict[str, Any], hyper: Mapping[str, Any], step: int
    ) -> tuple[Any, dict[str, Any]]:
        """The formula."""
        (beta1, beta2), m = hyper["betas"], state["exp_avg"]
        direction = np.sign(beta1 * m + (1 - beta1) * g)
        return p - hyper["lr"] * direction, {"exp_avg": beta2 * m + (1 - beta2) * g}
