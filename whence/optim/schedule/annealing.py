"""Schedules along half waves: cosine annealing, warm restarts, warm-up, one cycle."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ...core.origin import called_at
from ...errors import SettingError
from ..optimizer import Optimizer
from .base import Schedule, require, set_momentum


def cosine(start: float, end: float, part: float) -> float:
    """From ``start`` (``part`` 0) to ``end`` (1) along half a wave."""
    return end + (start - end) * (1 + math.cos(math.pi * part)) / 2


class CosineAnnealingLR(Schedule):
    """``lr = η + (base - η)(1 + cos(π t / T_max)) / 2``, where η is ``eta_min``.

    Beyond T_max it rises again. Loshchilov and Hutter, *SGDR: stochastic gradient descent with warm restarts*
    (2017), equation 5.
    """

    def __init__(self, optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> None:
        require(T_max > 0, f"T_max={T_max!r} is not positive")
        self.T_max, self.eta_min = T_max, eta_min
        super().__init__(optimizer, last_epoch)

    def rate(self, step: float, base: float) -> float:
        """The formula."""
        return cosine(base, self.eta_min, step / self.T_max)


class CosineAnnealingWarmRestarts(Schedule):
    """:class:`CosineAnnealingLR` over and over, each time ``T_mult`` times as long.

    :meth:`~Schedule.step` takes parts of an epoch too: ``schedule.step(epoch + batch / batches)``. Loshchilov
    and Hutter (2017).
    """

    def __init__(
        self, optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
    ) -> None:
        require(T_0 > 0 and int(T_0) == T_0, f"T_0={T_0!r} is not a positive whole number")
        require(T_mult >= 1 and int(T_mult) == T_mult, f"T_mult={T_mult!r} is not a whole number from 1")
        self.T_0, self.T_mult, self.eta_min = T_0, T_mult, eta_min
        super().__init__(optimizer, last_epoch)

    def rate(self, step: float, base: float) -> float:
        """The formula, with the time since the last restart."""
        length, since = self.T_0, step
        if self.T_mult == 1:
            since = step % length
        while since >= length:
            since, length = since - length, length * self.T_mult
        return cosine(base, self.eta_min, since / length)


class WarmupCosineLR(Schedule):
    """``base·(t + 1) / warmup_steps`` at first, then half a cosine down to ``eta_min`` at ``total_steps``.

    Args:
        optimizer, last_epoch: see :class:`Schedule`.
        warmup_steps: how many steps go up; 0 for none.
        total_steps: where the cosine ends; the rate stays there.
        eta_min: the last rate.

    Example:
        >>> from whence import nn, optim
        >>> optimizer = optim.SGD([nn.Parameter([1.0])], lr=1.0)
        >>> schedule, rates = optim.schedule.WarmupCosineLR(optimizer, 2, 6), []
        >>> for _ in range(7):
        ...     rates += schedule.get_last_lr()
        ...     schedule.step()
        >>> [round(rate, 3) for rate in rates]
        [0.5, 1.0, 1.0, 0.854, 0.5, 0.146, 0.0]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        warmup_steps: int,
        total_steps: int,
        eta_min: float = 0.0,
        last_epoch: int = -1,
    ) -> None:
        require(
            0 <= warmup_steps < total_steps,
            f"warmup_steps={warmup_steps!r} is not in [0, total_steps={total_steps!r})",
        )
        self.warmup_steps, self.total_steps, self.eta_min = warmup_steps, total_steps, eta_min
        super().__init__(optimizer, last_epoch)

    def rate(self, step: float, base: float) -> float:
        """The formula."""
        if step < self.warmup_steps:
            return base * (step + 1) / self.warmup_steps
        part = (min(step, self.total_steps) - self.warmup_steps) / (self.total_steps - self.warmup_steps)
        return cosine(base, self.eta_min, part)


class OneCycleLR(Schedule):
    """Up to a great rate and down to almost none, while momentum goes down and up.

    Smith and Topin, *Super-convergence: very fast training of neural networks using large learning rates*
    (2019). The rate goes from ``max_lr / div_factor`` to ``max_lr`` during the part ``pct_start`` of the
    steps, then to ``max_lr / div_factor / final_div_factor``; with ``three_phase`` it first goes back as it
    came.

    Args:
        optimizer, last_epoch: see :class:`Schedule`.
        max_lr: the greatest rate, one or one for each group.
        total_steps: how many steps; or ``epochs`` and ``steps_per_epoch``.
        pct_start, div_factor, final_div_factor, three_phase: see above.
        anneal_strategy: ``"cos"`` or ``"linear"``.
        cycle_momentum: set momentum (or β₁) too, between ``base_momentum`` and ``max_momentum``.

    Raises:
        SettingError: settings that make no sense; more than ``total_steps`` steps.
    """

    def __init__(
        self,
        optimizer: Optimizer,
        max_lr: float | Sequence[float],
        total_steps: int | None = None,
        epochs: int | None = None,
        steps_per_epoch: int | None = None,
        pct_start: float = 0.3,
        anneal_strategy: str = "cos",
        cycle_momentum: bool = True,
        base_momentum: float = 0.85,
        max_momentum: float = 0.95,
        div_factor: float = 25.0,
        final_div_factor: float = 1e4,
        three_phase: bool = False,
        last_epoch: int = -1,
    ) -> None:
        if total_steps is None:
            require(bool(epochs and steps_per_epoch), "give total_steps, or epochs and steps_per_epoch")
            total_steps = (epochs or 0) * (steps_per_epoch or 0)
        require(total_steps > 0, f"total_steps={total_steps!r} is not positive")
        require(0 <= pct_start <= 1, f"pct_start={pct_start!r} is not in [0, 1]")
        require(
            anneal_strategy in ("cos", "linear"), f"anneal_strategy={anneal_strategy!r}: 'cos' or 'linear'"
        )
        groups = optimizer.param_groups
        greatest = list(max_lr) if isinstance(max_lr, Sequence) else [max_lr] * len(groups)
        require(len(greatest) == len(groups), f"{len(greatest)} rates for {len(groups)} groups")
        if cycle_momentum:
            require(
                all("betas" in group or group.get("momentum") for group in groups),
                "cycle_momentum=True needs an optimiser with momentum or betas",
            )
        self.total_steps, self.pct_start, self.anneal_strategy = total_steps, pct_start, anneal_strategy
        self.cycle_momentum, self.three_phase = cycle_momentum, three_phase
        self.base_momentum, self.max_momentum = base_momentum, max_momentum
        self.div_factor, self.final_div_factor = div_factor, final_div_factor
        if last_epoch == -1:
            for group, top in zip(groups, greatest, strict=True):
                group["initial_lr"] = top / div_factor
                if cycle_momentum:
                    set_momentum(group, max_momentum)
        super().__init__(optimizer, last_epoch)

    def _between(self, step: float, values: Sequence[float]) -> float:
        """The value at ``step`` of a course through ``values`` (three, or four with three phases)."""
        if step > self.total_steps:
            raise SettingError(
                f"step {step} of a cycle of {self.total_steps}{called_at()}\n"
                "  → total_steps counts every call of step()"
            )
        turns = [0.0, self.pct_start * self.total_steps - 1, self.total_steps - 1.0]
        if self.three_phase:
            turns.insert(2, 2 * self.pct_start * self.total_steps - 2)
        step = min(step, turns[-1])
        phase = next(i for i in range(1, len(turns)) if step <= turns[i] or i == len(turns) - 1)
        start, end = turns[phase - 1], turns[phase]
        part = (step - start) / (end - start) if end != start else 1.0
        if self.anneal_strategy == "cos":
            return cosine(values[phase - 1], values[phase], part)
        return values[phase - 1] + (values[phase] - values[phase - 1]) * part

    def rate(self, step: float, base: float) -> float:
        """The course of the rate."""
        values = [base, base * self.div_factor, base / self.final_div_factor]
        if self.three_phase:
            values.insert(2, base)
        return self._between(step, values)

    def momentum(self, step: float) -> float | None:
        """The course of the momentum."""
        if not self.cycle_momentum:
            return None
        low, high = self.base_momentum, self.max_momentum
        return self._between(step, [high, low, high, high] if self.three_phase else [high, low, high])
