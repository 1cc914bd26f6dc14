"""Schedule: what all schedules share."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from ...core.origin import called_at
from ...errors import SettingError
from ..optimizer import Optimizer
from ..saved import listed, refuse


class Schedule:
    """The base: a subclass writes :meth:`rate`, and assigns its settings to attributes.

    Making a schedule sets the rates of step 0. Each group's first rate is kept in it as ``"initial_lr"``.

    Args:
        optimizer: whose groups it sets.
        last_epoch: the count to go on from; -1 begins.

    Attributes:
        last_epoch: how many steps it has made.
        base_lrs: the first rate of each group.

    Raises:
        SettingError: settings that make no sense.

    Example:
        >>> from whence import nn, optim
        >>> class Halving(optim.schedule.Schedule):
        ...     def rate(self, step, base):
        ...         return base / 2**step
        >>> optimizer = optim.SGD([nn.Parameter([1.0])], lr=0.8)
        >>> schedule = Halving(optimizer)
        >>> schedule.step()
        >>> schedule.get_last_lr()
        [0.4]
    """

    def __init__(self, optimizer: Optimizer, last_epoch: int = -1) -> None:
        if not isinstance(optimizer, Optimizer):
            raise SettingError(
                f"a schedule is made with an optimiser, not with {type(optimizer).__name__}{called_at()}"
            )
        self.optimizer = optimizer
        for group in optimizer.param_groups:
            group.setdefault("initial_lr", group["lr"])
        self.base_lrs: list[float] = [group["initial_lr"] for group in optimizer.param_groups]
        self.last_epoch: float = last_epoch + 1
        self._write()

    def rate(self, step: float, base: float) -> float:
        """The rate after ``step`` steps of a group whose first rate is ``base``."""
        raise NotImplementedError(f"{type(self).__name__} has no rate()")

    def rates(self, step: float, bases: Sequence[float]) -> list[float]:
        """The rates of all groups."""
        return [self.rate(step, base) for base in bases]

    def momentum(self, step: float) -> float | None:
        """The momentum (or β₁) after ``step`` steps; None leaves it as it is."""
        return None

    def step(self, epoch: float | None = None) -> None:
        """Count one step (or go to ``epoch``) and set the rates."""
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        self._write()

    def _write(self) -> None:
        momentum = self.momentum(self.last_epoch)
        groups = self.optimizer.param_groups
        if len(groups) != len(self.base_lrs):
            raise SettingError(
                f"the optimiser has {len(groups)} groups, {type(self).__name__} was made for "
                f"{len(self.base_lrs)}{called_at()}\n  → add groups before making the schedule"
            )
        for group, lr in zip(groups, self.rates(self.last_epoch, self.base_lrs), strict=True):
            group["lr"] = lr
            if momentum is not None:
                set_momentum(group, momentum)

    def get_last_lr(self) -> list[float]:
        """The rates of the groups now."""
        return [group["lr"] for group in self.optimizer.param_groups]

    def settings(self) -> dict[str, Any]:
        """What the state holds: the attributes that are plain values."""
        return {name: plain(value) for name, value in vars(self).items() if is_plain(value)}

    def state_dict(self) -> dict[str, Any]:
        """The count, the first rates and the settings (not functions), as numbers, strings and lists."""
        return {"schedule": type(self).__name__, **self.settings()}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Go on from a saved state, and set the rates; on an error nothing is loaded.

        Raises:
            StateError: it lists what does not fit.
        """
        problems: list[str] = []
        self.check_state(state, problems)
        if problems:
            refuse(type(self).__name__, problems)
        self.take_state(state)
        self._write()

    def check_state(self, state: Any, problems: list[str]) -> None:
        """Note what does not fit this schedule."""
        compare(type(self).__name__, self.state_dict(), state, problems)

    def take_state(self, state: Mapping[str, Any]) -> None:
        """Set what :meth:`state_dict` gave."""
        for name in self.settings():
            setattr(self, name, plain(state[name]))


def set_momentum(group: dict[str, Any], momentum: float) -> None:
    """Set the momentum of a group, or its β₁."""
    if "betas" in group:
        group["betas"] = (momentum, *group["betas"][1:])
    else:
        group["momentum"] = momentum


def is_plain(value: Any) -> bool:
    """A number, a string, None, or a list or tuple of those."""
    if isinstance(value, (list, tuple)):
        return all(is_plain(part) for part in value)
    return value is None or isinstance(value, (bool, int, float, str))


def plain(value: Any) -> Any:
    """A copy with lists for tuples, which every file format keeps."""
    return [plain(part) for part in value] if isinstance(value, (list, tuple)) else value


def compare(what: str, mine: Mapping[str, Any], state: Any, problems: list[str]) -> None:
    """Note what a saved state has otherwise than a schedule: its kind, names, kinds of values."""
    if not isinstance(state, Mapping):
        problems.append(f"{what}: a {type(state).__name__} is not a state")
        return
    listed(what, mine, state, problems)
    if state.get("schedule", what) != what:
        problems.append(f"it is of {state['schedule']}, not of {what}")
    for key, value in mine.items():
        theirs = state.get(key, value)
        if key not in ("schedule", "schedulers") and not _alike(theirs, value):
            problems.append(f"{what}: {key} is {theirs!r}, here {value!r}")
    count = state.get("last_epoch")
    if isinstance(count, (int, float)) and not 0 <= count < math.inf:
        problems.append(f"{what}: last_epoch is {count!r}")


def _alike(theirs: Any, mine: Any) -> bool:
    """Could a setting have this value? Numbers may differ; kinds and lengths may not."""
    if isinstance(mine, list):
        return (
            isinstance(theirs, (list, tuple))
            and len(theirs) == len(mine)
            and all(_alike(a, b) for a, b in zip(theirs, mine, strict=True))
        )
    if mine is None or isinstance(mine, (bool, str)):
        return theirs == mine
    return isinstance(theirs, (int, float)) and not isinstance(theirs, bool)


def require(condition: bool, text: str) -> None:
    """Raise for a setting that makes no sense."""
    if not condition:
        raise SettingError(f"{text}{called_at()}")
