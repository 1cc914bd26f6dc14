"""A rate that falls when the loss does not."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ..optimizer import Optimizer
from ..saved import refuse
from .base import compare, is_plain, plain, require


class ReduceLROnPlateau:
    """``lr ← max(factor·lr, min_lr)`` when a metric has not improved for more than ``patience`` steps.

    Args:
        optimizer: whose groups it sets.
        mode: is ``"min"`` or ``"max"`` better?
        factor: below 1.
        patience: so many steps without improvement are waited for.
        threshold: what counts as improvement: this part of the best value (``threshold_mode="rel"``), or
            this much (``"abs"``).
        cooldown: steps after a reduction that are not counted.
        min_lr: the least rate, one or one for each group.
        eps: a reduction by no more than this is left out.

    Raises:
        SettingError: settings that make no sense.

    Example:
        >>> from whence import nn, optim
        >>> optimizer = optim.SGD([nn.Parameter([1.0])], lr=1.0)
        >>> schedule = optim.schedule.ReduceLROnPlateau(optimizer, factor=0.5, patience=1)
        >>> for loss in [3.0, 2.0, 2.0, 2.0]:
        ...     schedule.step(loss)
        >>> schedule.get_last_lr()
        [0.5]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        mode: str = "min",
        factor: float = 0.1,
        patience: int = 10,
        threshold: float = 1e-4,
        threshold_mode: str = "rel",
        cooldown: int = 0,
        min_lr: float | Sequence[float] = 0.0,
        eps: float = 1e-8,
    ) -> None:
        require(mode in ("min", "max"), f"mode={mode!r}: 'min' or 'max'")
        require(threshold_mode in ("rel", "abs"), f"threshold_mode={threshold_mode!r}: 'rel' or 'abs'")
        require(0 <= factor < 1, f"factor={factor!r} is not in [0, 1)")
        groups = len(optimizer.param_groups)
        self.min_lrs = list(min_lr) if isinstance(min_lr, Sequence) else [min_lr] * groups
        require(len(self.min_lrs) == groups, f"{len(self.min_lrs)} least rates for {groups} groups")
        self.optimizer = optimizer
        self.mode, self.factor, self.patience, self.cooldown, self.eps = mode, factor, patience, cooldown, eps
        self.threshold, self.threshold_mode = threshold, threshold_mode
        self.best = math.inf if mode == "min" else -math.inf
        self.num_bad_epochs = self.cooldown_counter = self.last_epoch = 0

    def step(self, metrics: Any) -> None:
        """Take in a value of the metric, and lower the rates if it is time. NaN is no improvement."""
        value = float(metrics)
        self.last_epoch += 1
        if self._improves(value):
            self.best, self.num_bad_epochs = value, 0
        else:
            self.num_bad_epochs += 1
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            for group, least in zip(self.optimizer.param_groups, self.min_lrs, strict=True):
                lower = max(group["lr"] * self.factor, least)
                if group["lr"] - lower > self.eps:
                    group["lr"] = lower
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0

    def _improves(self, value: float) -> bool:
        sign = 1 if self.mode == "min" else -1
        if self.threshold_mode == "abs":
            return sign * value < sign * self.best - self.threshold
        return sign * value < sign * self.best * (1 - sign * self.threshold)

    def get_last_lr(self) -> list[float]:
        """The rates of the groups now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def state_dict(self) -> dict[str, Any]:
        """Settings, counts and the best value. The rates are in the optimiser's own state."""
        settings = {name: plain(value) for name, value in vars(self).items() if is_plain(value)}
        return {"schedule": type(self).__name__, **settings}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state; on an error nothing is loaded.

        Raises:
            StateError: it lists what does not fit.
        """
        problems: list[str] = []
        mine = self.state_dict()
        compare(type(self).__name__, mine, state, problems)
        if problems:
            refuse(type(self).__name__, problems)
        for name in mine:
            if name != "schedule":
                setattr(self, name, plain(state[name]))
