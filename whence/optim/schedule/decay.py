"""Schedules that multiply the first rate by a factor."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from ..optimizer import Optimizer
from .base import Schedule, require


class LambdaLR(Schedule):
    """``lr = base·f(t)``; one function, or one for each group."""

    def __init__(
        self,
        optimizer: Optimizer,
        lr_lambda: Callable[[Any], float] | Sequence[Callable[[Any], float]],
        last_epoch: int = -1,
    ) -> None:
        count = len(optimizer.param_groups)
        self.lr_lambdas = [lr_lambda] * count if callable(lr_lambda) else list(lr_lambda)
        require(len(self.lr_lambdas) == count, f"{len(self.lr_lambdas)} functions for {count} groups")
        super().__init__(optimizer, last_epoch)

    def rates(self, step: float, bases: Sequence[float]) -> list[float]:
        """The formula, for each group with its own function."""
        return [base * f(step) for base, f in zip(bases, self.lr_lambdas, strict=True)]


class StepLR(Schedule):
    """``lr = base·γ^⌊t / step_size⌋``."""

    def __init__(
        self, optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        require(step_size > 0, f"step_size={step_size!r} is not positive")
        self.step_size, self.gamma = step_size, gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, step: float, base: float) -> float:
        """The formula."""
        return base * self.gamma ** (step // self.step_size)


class MultiStepLR(Schedule):
    """``lr = base·γ^k`` after k of the milestones."""

    def __init__(
        self, optimizer: Optimizer, milestones: Iterable[int], gamma: float = 0.1, last_epoch: int = -1
    ) -> None:
        self.milestones, self.gamma = sorted(milestones), gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, step: float, base: float) -> float:
        """The formula."""
        return base * self.gamma ** bisect_right(self.milestones, step)


class ConstantLR(Schedule):
    """``lr = base·factor`` for ``total_iters`` steps, then base."""

    def __init__(
        self, optimizer: Optimizer, factor: float = 1 / 3, total_iters: int = 5, last_epoch: int = -1
    ) -> None:
        require(0 <= factor <= 1, f"factor={factor!r} is not in [0, 1]")
        self.factor, self.total_iters = factor, total_iters
        super().__init__(optimizer, last_epoch)

    def rate(self, step: float, base: float) -> float:
        """The formula."""
        return base * self.factor if step < self.total_iters else base


class LinearLR(Schedule):
    """``lr = base·(start + (end - start) t / T)`` up to ``T = total_iters``, then ``base·end``."""

    def __init__(
        self,
        optimizer: Optimizer,
        start_factor: float = 1 / 3,
        end_factor: float = 1.0,
        total_iters: int = 5,
        last_epoch: int = -1,
    ) -> None:
        require(0 < start_factor <= 1, f"start_factor={start_factor!r} is not in (0, 1]")
        require(0 <= end_factor <= 1, f"end_factor={end_factor!r} is not in [0, 1]")
        require(total_iters > 0, f"total_iters={total_iters!r} is not positive")
        self.start_factor, self.end_factor, self.total_iters = start_factor, end_factor, total_iters
        super().__init__(optimizer, last_epoch)

    def rate(self, step: float, base: float) -> float:
        """The formula."""
        part = min(step, self.total_iters) / self.total_iters
        return base * (self.start_factor + (self.end_factor - self.start_factor) * part)


class ExponentialLR(Schedule):
    """``lr = base·γ^t``."""

    def __init__(self, optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> None:
        self.gamma = gamma
        super().__init__(optimizer, last_epoch)

    def rate(self, step: float, base: float) -> float:
        """The formula."""
        return base * self.gamma**step


class PolynomialLR(Schedule):
    """``lr = base·(1 - t / T)^power`` up to ``T = total_iters``, then 0."""

    def __init__(
        self, optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1
    ) -> None:
        require(total_iters > 0, f"total_iters={total_iters!r} is not positive")
        self.total_iters, self.power = total_iters, power
        super().__init__(optimizer, last_epoch)

    def rate(self, step: float, base: float) -> float:
        """The formula."""
        return base * (1 - min(step, self.total_iters) / self.total_iters) ** self.power
