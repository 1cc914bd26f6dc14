"""Callbacks: what is done beside the training at its turning points."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from os import PathLike
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..errors import SettingError
from .metrics import METRICS


class Callback:
    """What :meth:`Trainer.fit` calls at the turning points; write those that are wanted.

    ``trainer`` has ``model``, ``optimizer``, ``history``, ``epoch`` and ``step``. A callback ends training
    by ``trainer.stop("why")``. What ``state_dict`` returns is kept in checkpoints.

    Example:
        >>> class Shout(Callback):
        ...     def on_epoch_end(self, trainer, figures):
        ...         print(f"epoch {trainer.epoch}: {figures['loss']:.1f}!")
    """

    def on_fit_begin(self, trainer: Any) -> None:
        """Before the first epoch, and after a checkpoint was read."""

    def on_epoch_begin(self, trainer: Any) -> None:
        """Before an epoch (again, where a run goes on in the middle of one)."""

    def on_step_end(self, trainer: Any, loss: float) -> None:
        """After an update of the parameters; ``loss`` is that of its last batch."""

    def on_epoch_end(self, trainer: Any, figures: Mapping[str, float]) -> None:
        """After an epoch and its validation; ``figures`` is what history got."""

    def on_fit_end(self, trainer: Any) -> None:
        """After the last epoch, or an early stop."""

    def state_dict(self) -> dict[str, Any]:
        """What it has to remember over an interruption."""
        return {}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take what ``state_dict`` gave."""


class AtEpochEnd(Callback):
    """A function ``(trainer, figures)`` as a callback."""

    def __init__(self, function: Callable[[Any, Mapping[str, float]], Any]) -> None:
        self.function = function

    def on_epoch_end(self, trainer: Any, figures: Mapping[str, float]) -> None:
        """Call it."""
        self.function(trainer, figures)


class BestModel(Callback):
    """Keep the state of the model after its best epoch.

    Args:
        monitor: the figure that says how good an epoch was; None for ``valid_loss``, or ``loss`` where
            nothing is validated.
        mode: ``"min"`` or ``"max"``; None for what the figure's name means.
        min_delta: what counts as better by less than this does not count.
        restore: go back to that state at the end.

    Attributes:
        value, epoch: of the best epoch so far; epoch is 0 before the first.
        state: the model's ``state_dict`` then.
    """

    def __init__(
        self,
        monitor: str | None = None,
        mode: str | None = None,
        min_delta: float = 0.0,
        restore: bool = True,
    ) -> None:
        if mode not in (None, "min", "max"):
            raise SettingError(f'mode is "min" or "max", not {mode!r}{called_at()}')
        self.monitor, self.mode, self.min_delta, self.restore = monitor, mode, min_delta, restore
        self.value, self.epoch = math.nan, 0
        self.state: dict[str, np.ndarray] | None = None

    def on_epoch_end(self, trainer: Any, figures: Mapping[str, float]) -> None:
        """Compare with the best so far."""
        name, value = self._watched(figures)
        if self._better(name, value):
            self.value, self.epoch = value, trainer.epoch
            self.state = trainer.model.state_dict()

    def on_fit_end(self, trainer: Any) -> None:
        """Go back to the best epoch, if that was asked for."""
        if self.restore:
            self.go_back(trainer.model)

    def go_back(self, model: Any) -> None:
        """Give ``model`` the state of the best epoch."""
        if self.state is not None:
            model.load_state_dict(self.state)

    def _watched(self, figures: Mapping[str, float]) -> tuple[str, float]:
        name = self.monitor or ("valid_loss" if "valid_loss" in figures else "loss")
        if name not in figures:
            raise SettingError(f"there is no figure {name!r} to monitor\n  → one of {', '.join(figures)}")
        return name, figures[name]

    def _better(self, name: str, value: float) -> bool:
        if math.isnan(value):
            return False
        if not self.epoch:
            return True
        more = (self.mode or meaning(name)) == "max"
        return value > self.value + self.min_delta if more else value < self.value - self.min_delta

    def state_dict(self) -> dict[str, Any]:
        """Value, epoch and state of the best epoch."""
        return {"value": self.value, "epoch": self.epoch, "state": self.state}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take what ``state_dict`` gave."""
        self.value, self.epoch, self.state = state["value"], state["epoch"], state["state"]


class EarlyStopping(BestModel):
    """Stop when an epoch has not been the best for ``patience`` epochs; go back to the best.

    Args:
        patience: how many epochs without improvement are borne.
        monitor, mode, min_delta, restore: as in :class:`BestModel`.
    """

    def __init__(
        self,
        patience: int = 5,
        monitor: str | None = None,
        mode: str | None = None,
        min_delta: float = 0.0,
        restore: bool = True,
    ) -> None:
        super().__init__(monitor, mode, min_delta, restore)
        if patience < 1:
            raise SettingError(f"patience is at least one epoch, not {patience!r}{called_at()}")
        self.patience, self.waited = patience, 0

    def on_epoch_end(self, trainer: Any, figures: Mapping[str, float]) -> None:
        """Count the epochs since the best."""
        super().on_epoch_end(trainer, figures)
        self.waited = 0 if self.epoch == trainer.epoch else self.waited + 1
        if self.waited >= self.patience:
            name, _ = self._watched(figures)
            best = f"best {self.value:.4g} at epoch {self.epoch}" if self.epoch else "it was never a number"
            trainer.stop(f"{name} has not improved for {self.waited} epochs ({best})")

    def state_dict(self) -> dict[str, Any]:
        """The best epoch, and how long ago it was."""
        return {**super().state_dict(), "waited": self.waited}

    def load_state_dict(self, state: Mapping[str, Any]) -> None:
        """Take what ``state_dict`` gave."""
        super().load_state_dict(state)
        self.waited = state["waited"]


class CSVLog(Callback):
    """Write the history as a table after every epoch; the file is whole at every moment."""

    def __init__(self, path: str | PathLike[str]) -> None:
        self.path = path

    def on_epoch_end(self, trainer: Any, figures: Mapping[str, float]) -> None:
        """Write the table."""
        trainer.history.to_csv(self.path)


def meaning(name: str) -> str:
    """Is less of a figure better (``"min"``), or more (``"max"``)?

    >>> meaning("valid_loss"), meaning("valid_accuracy"), meaning("top_3")
    ('min', 'max', 'max')
    """
    name = name.removeprefix("valid_")
    if name in METRICS:
        return METRICS[name].mode
    return "max" if name.startswith("top_") else "min"
