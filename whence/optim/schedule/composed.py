"""Schedules made of schedules: one after another, or on top of each other."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from typing import Any

from ..optimizer import Optimizer
from .base import Schedule, compare, require


class Composed(Schedule):
    """A schedule with others in it, and their state in its own."""

    def __init__(self, optimizer: Optimizer, schedulers: Sequence[Schedule], last_epoch: int = -1) -> None:
        self.schedulers = list(schedulers)
        require(len(self.schedulers) > 0, "no schedules to put together")
        for part in self.schedulers:
            require(isinstance(part, Schedule), f"{type(part).__name__} has no rate for a given step")
            require(part.optimizer is optimizer, "all schedules have to be made with the same optimiser")
        super().__init__(optimizer, last_epoch)

    def state_dict(self) -> dict[str, Any]:
        """The state, and those of the parts."""
        return {**super().state_dict(), "schedulers": [part.state_dict() for part in self.schedulers]}

    def check_state(self, state: Any, problems: list[str]) -> None:
        """Note what does not fit, in the parts too."""
        compare(type(self).__name__, self.state_dict(), state, problems)
        saved = state.get("schedulers") if isinstance(state, Mapping) else None
        if not isinstance(saved, (list, tuple)) or len(saved) != len(self.schedulers):
            problems.append(
                f"{type(self).__name__}: schedulers is not a list of {len(self.schedulers)} states"
            )
            return
        for part, theirs in zip(self.schedulers, saved, strict=True):
            part.check_state(theirs, problems)

    def take_state(self, state: Mapping[str, Any]) -> None:
        """Set the state, and those of the parts."""
        super().take_state(state)
        for part, saved in zip(self.schedulers, state["schedulers"], strict=True):
            part.take_state(saved)


class SequentialLR(Composed):
    """One schedule after another; each counts from the milestone at which it begins.

    Args:
        optimizer: whose groups it sets.
        schedulers: the schedules, made with the same optimiser.
        milestones: at which count the next one takes over.
        last_epoch: the count to go on from.

    Example:
        >>> from whence import nn, optim
        >>> from whence.optim.schedule import ConstantLR, ExponentialLR, SequentialLR
        >>> optimizer = optim.SGD([nn.Parameter([1.0])], lr=1.0)
        >>> parts = [ConstantLR(optimizer, 0.5, 10), ExponentialLR(optimizer, 0.5)]
        >>> schedule, rates = SequentialLR(optimizer, parts, milestones=[2]), []
        >>> for _ in range(5):
        ...     rates += schedule.get_last_lr()
        ...     schedule.step()
        >>> rates
        [0.5, 0.5, 1.0, 0.5, 0.25]
    """

    def __init__(
        self,
        optimizer: Optimizer,
        schedulers: Sequence[Schedule],
        milestones: Sequence[int],
        last_epoch: int = -1,
    ) -> None:
        require(
            len(milestones) == len(schedulers) - 1 and list(milestones) == sorted(milestones),
            f"{len(schedulers)} schedules need {len(schedulers) - 1} milestones in order, not {milestones!r}",
        )
        self.milestones = list(milestones)
        super().__init__(optimizer, schedulers, last_epoch)

    def _part(self, step: float) -> tuple[Schedule, float]:
        """The schedule that is on, and its own count."""
        i = bisect_right(self.milestones, step)
        return self.schedulers[i], step - self.milestones[i - 1] if i else step

    def rates(self, step: float, bases: Sequence[float]) -> list[float]:
        """Those of the schedule that is on."""
        part, count = self._part(step)
        return part.rates(count, bases)

    def momentum(self, step: float) -> float | None:
        """That of the schedule that is on."""
        part, count = self._part(step)
        return part.momentum(count)


class ChainedScheduler(Composed):
    """Schedules on top of each other: the rate of one is the base of the next.

    Args:
        schedulers: made with one optimiser; factors multiply.
        optimizer: taken from the schedules if None.
    """

    def __init__(self, schedulers: Sequence[Schedule], optimizer: Optimizer | None = None) -> None:
        require(len(schedulers) > 0, "no schedules to chain")
        super().__init__(schedulers[0].optimizer if optimizer is None else optimizer, schedulers)

    def rates(self, step: float, bases: Sequence[float]) -> list[float]:
        """One after another."""
        rates = list(bases)
        for part in self.schedulers:
            rates = part.rates(step, rates)
        return rates

    def momentum(self, step: float) -> float | None:
        """The last that any of them sets."""
        found = [part.momentum(step) for part in self.schedulers]
        return next((momentum for momentum in reversed(found) if momentum is not None), None)
