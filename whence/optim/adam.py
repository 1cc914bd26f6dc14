"""Adam and its kin: steps scaled by running moments of the gradient."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from .optimizer import Optimizer


class Adam(Optimizer):
    """Adaptive moments.

    ``m ← β₁ m + (1 - β₁) g``; ``v ← β₂ v + (1 - β₂) g²``; ``p ← p - lr·m̂ / (√v̂ + ε)`` where
    ``m̂ = m / (1 - β₁ᵗ)`` and ``v̂ = v / (1 - β₂ᵗ)``. With ``amsgrad`` v̂ is made of the greatest v so far.
    The formula is computed in the order that section 2 of the paper ends with: ``√v̂`` and the two corrections
    make one factor. Kingma and Ba, *Adam: a method for stochastic optimization* (2015), algorithm 1; Reddi,
    Kale and Kumar, *On the convergence of Adam and beyond* (2018), algorithm 2.

    Args:
        params, weight_decay, maximize: see :class:`Optimizer`.
        lr: the rate.
        betas: β₁ and β₂.
        eps: ε, added outside the root.
        amsgrad: never let the scale shrink.

    Example:
        >>> from whence import nn, optim
        >>> p = nn.Parameter([1.0, 2.0])
        >>> optimizer = optim.Adam([p], lr=0.5)
        >>> (p**2).sum().backward()
        >>> optimizer.step()
        >>> print(p)
        [0.5 1.5]
    """

    elementwise = True
    switches = ("amsgrad",)
    scratch_arrays = 1

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize
        )

    def init_single(self, p: Any, hyper: Mapping[str, Any]) -> dict[str, Any]:
        """Moments of zero."""
        names = ["exp_avg", "exp_avg_sq"] + ["max_exp_avg_sq"] * hyper["amsgrad"]
        return {name: np.zeros_like(p) for name in names}

    def apply_single(
        self, g: Any, p: Any, state: dict[str, Any], hyper: Mapping[str, Any], step: int
    ) -> tuple[Any, dict[str, Any]]:
        """The formula."""
        (beta1, beta2), (rate, eps) = hyper["betas"], _corrected(hyper, step)
        m = beta1 * state["exp_avg"] + (1 - beta1) * g
        v = beta2 * state["exp_avg_sq"] + (1 - beta2) * (g * g)
        after = {"exp_avg": m, "exp_avg_sq": v}
        if hyper["amsgrad"]:
            v = after["max_exp_avg_sq"] = np.maximum(state["max_exp_avg_sq"], v)
        return p - rate * (m / (np.sqrt(v) + eps)), after

    def apply_block(
        self, g: Any, p: Any, state: dict[str, Any], hyper: Any, step: int, out: Any, scratch: Any
    ) -> dict[str, Any]:
        """The formula in place."""
        g, p = self.decayed(g, p, hyper)
        (beta1, beta2), (rate, eps) = hyper["betas"], _corrected(hyper, step)
        m, v, part = state["exp_avg"], state["exp_avg_sq"], scratch[0, : g.size]
        np.multiply(beta1, m, m)
        np.multiply(1 - beta1, g, part)
        np.add(m, part, m)
        np.multiply(beta2, v, v)
        np.multiply(g, g, part)
        np.multiply(1 - beta2, part, part)
        np.add(v, part, v)
        if hyper["amsgrad"]:
            v = np.maximum(state["max_exp_avg_sq"], v, out=state["max_exp_avg_sq"])
        np.sqrt(v, part)
        np.add(part, eps, part)
        np.divide(m, part, part)
        np.multiply(rate, part, part)
        np.subtract(p, part, out)
        return {}


def _corrected(hyper: Mapping[str, Any], step: int) -> tuple[float, float]:
    """Rate and ε that take the bias of both moments into account."""
    beta1, beta2 = hyper["betas"]
    root = (1 - beta2**step) ** 0.5
    return hyper["lr"] * root / (1 - beta1**step), hyper["eps"] * root


class AdamW(Adam):
    """:class:`Adam` with weight decay beside the gradient: ``p ← (1 - lr·λ) p``, then Adam's step.

    Loshchilov and Hutter, *Decoupled weight decay regularization* (2019), algorithm 2.

    Args:
        params, maximize: see :class:`Optimizer`.
        lr, betas, eps, amsgrad: see :class:`Adam`.
        weight_decay: λ.

    Example:
        >>> from whence import nn, optim
        >>> p = nn.Parameter([1.0, 2.0])
        >>> (0 * p).sum().backward()
        >>> optim.AdamW([p], lr=0.5, weight_decay=0.5).step()
        >>> print(p)
        [0.75 1.5 ]
    """

    decouples = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 1e-2,
        amsgrad: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, maximize=maximize)


class Adamax(Optimizer):
    """Adam with the greatest gradient in place of the second moment.

    ``m ← β₁ m + (1 - β₁) g``; ``u ← max(β₂ u, |g| + ε)``; ``p ← p - lr / (1 - β₁ᵗ)·m / u``. Kingma and Ba
    (2015), algorithm 2, with ε against division by zero.

    Args:
        params, weight_decay, maximize: see :class:`Optimizer`.
        lr, betas, eps: the rate, β₁ and β₂, ε.
    """

    elementwise = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize)

    def init_single(self, p: Any, hyper: Mapping[str, Any]) -> dict[str, Any]:
        """A moment and a maximum of zero."""
        return {"exp_avg": np.zeros_like(p), "exp_inf": np.zeros_like(p)}

    def apply_single(
        self, g: Any, p: Any, state: dict[str, Any], hyper: Mapping[str, Any], step: int
    ) -> tuple[Any, dict[str, Any]]:
        """The formula."""
        beta1, beta2 = hyper["betas"]
        m = beta1 * state["exp_avg"] + (1 - beta1) * g
        u = np.maximum(beta2 * state["exp_inf"], np.abs(g) + hyper["eps"])
        return p - hyper["lr"] / (1 - beta1**step) * (m / u), {"exp_avg": m, "exp_inf": u}


class NAdam(Optimizer):
    """Adam with Nesterov's momentum, which grows towards β₁.

    ``μₜ = β₁ (1 - 0.96^(tψ) / 2)``; ``m``, ``v`` and v̂ as in :class:`Adam`;
    ``p ← p - lr·(μₜ₊₁ m / (1 - μ₁⋯μₜ₊₁) + (1 - μₜ) g / (1 - μ₁⋯μₜ)) / (√v̂ + ε)``. Dozat, *Incorporating
    Nesterov momentum into Adam* (2016), algorithm 2.

    Args:
        params, weight_decay, maximize: see :class:`Optimizer`.
        lr, betas, eps: see :class:`Adam`.
        momentum_decay: ψ.
        decoupled_weight_decay: weight decay as in :class:`AdamW`.
    """

    elementwise = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 2e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        momentum_decay: float = 4e-3,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay,
            decoupled_weight_decay=decoupled_weight_decay, maximize=maximize,
        )  # fmt: skip

    def init_single(self, p: Any, hyper: Mapping[str, Any]) -> dict[str, Any]:
        """Moments of zero, and the product of all μ so far."""
        return {"exp_avg": np.zeros_like(p), "exp_avg_sq": np.zeros_like(p), "mu_product": 1.0}

    def apply_single(
        self, g: Any, p: Any, state: dict[str, Any], hyper: Mapping[str, Any], step: int
    ) -> tuple[Any, dict[str, Any]]:
        """The formula."""
        (beta1, beta2), lr, decay = hyper["betas"], hyper["lr"], hyper["momentum_decay"]
        mu = beta1 * (1 - 0.5 * 0.96 ** (step * decay))
        mu_next = beta1 * (1 - 0.5 * 0.96 ** ((step + 1) * decay))
        product = state["mu_product"] * mu
        m = beta1 * state["exp_avg"] + (1 - beta1) * g
        v = beta2 * state["exp_avg_sq"] + (1 - beta2) * (g * g)
        scale = np.sqrt(v / (1 - beta2**step)) + hyper["eps"]
        ahead = mu_next / (1 - product * mu_next) * m + (1 - mu) / (1 - product) * g
        return p - lr * (ahead / scale), {"exp_avg": m, "exp_avg_sq": v, "mu_product": product}


class RAdam(Optimizer):
    """Adam that waits with the scaling until its variance is bounded.

    ``ρ∞ = 2 / (1 - β₂) - 1``; ``ρₜ = ρ∞ - 2t β₂ᵗ / (1 - β₂ᵗ)``; m and v as in :class:`Adam`. While
    ``ρₜ ≤ 5``: ``p ← p - lr·m̂``; then ``p ← p - lr·r m̂ √(1 - β₂ᵗ) / (√v + ε)`` with
    ``r² = (ρₜ - 4)(ρₜ - 2) ρ∞ / ((ρ∞ - 4)(ρ∞ - 2) ρₜ)``. Liu et al., *On the variance of the adaptive
    learning rate and beyond* (2020), algorithm 2.

    Args:
        params, weight_decay, maximize: see :class:`Optimizer`.
        lr, betas, eps: see :class:`Adam`.
        decoupled_weight_decay: weight decay as in :class:`AdamW`.
    """

    elementwise = True

    def __init__(
        self,
        params: Iterable[Any],
        lr: float = 1e-3,
        betas: tuple[float, float] = (0.9, 0.999),
        eps: float = 1e-8,
        weight_decay: float = 0.0,
        decoupled_weight_decay: bool = False,
        *,
        maximize: bool = False,
    ) -> None:
        super().__init__(
            params, lr=lr, betas=betas, eps=eps, weight_decay=weight_decay,
            decoupled_weight_decay=decoupled_weight_decay, maximize=maximize,
        )  # fmt: skip

    def init_single(self, p: Any, hyper: Mapping[str, Any]) -> dict[str, Any]:
        """Moments of zero."""
        return {"exp_avg": np.zeros_like(p), "exp_avg_sq": np.zeros_like(p)}

    def apply_single(
        self, g: Any, p: Any, state: dict[str, Any], hyper: Mapping[str, Any], step: int
    ) -> tuple[Any, dict[str, Any]]:
        """The formula."""
        (beta1, beta2), lr = hyper["betas"], hyper["lr"]
        m = beta1 * state["exp_avg"] + (1 - beta1) * g
        v = beta2 * state["exp_avg_sq"] + (1 - beta2) * (g * g)
        after = {"exp_avg": m, "exp_avg_sq": v}
        rate = lr / (1 - beta1**step)
        end, left = 2 / (1 - beta2) - 1, 1 - beta2**step
        rho = end - 2 * step * beta2**step / left
        if rho <= 5:
            return p - rate * m, after
        r = ((rho - 4) * (rho - 2) * end / ((end - 4) * (end - 2) * rho)) ** 0.5
        return p - rate * r * left**0.5 * (m / (np.sqrt(v) + hyper["eps"])), after
