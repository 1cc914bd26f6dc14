"""The whole state of a training, taken and given back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..errors import StateError
from .history import History
from .randomness import set_states, states, streams

_FORMAT = 1


@dataclass
class Counters:
    """Where a training is."""

    epoch: int = 0  # epochs done
    step: int = 0  # updates done
    start: int = 0  # epochs that were done when this fit began
    batch: int = 0  # batches done in this epoch
    samples: int = 0  # in them
    total: float = 0.0  # their losses, each with the number of its samples for weight
    last: float = 0.0  # the last one's loss
    sums: dict[str, np.ndarray] = field(default_factory=dict)  # of the metrics in this epoch
    stopped: str | None = None  # why no further epoch follows

    def next_epoch(self) -> None:
        """An epoch is done."""
        self.epoch += 1
        self.batch = self.samples = 0
        self.total, self.sums = 0.0, {}

    def fresh(self) -> Counters:
        """At the start of a fit."""
        return Counters(epoch=self.epoch, step=self.step, start=self.epoch)


def saved(trainer: Any, loader: Any) -> dict[str, Any]:
    """Everything, as nested dicts of arrays and numbers."""
    state: dict[str, Any] = {
        "format": _FORMAT,
        "modules": {name: dict(module.state_dict()) for name, module in trainer.modules.items()},
        "optimizer": trainer.optimizer.state_dict(),
        "schedule": None if trainer.schedule is None else trainer.schedule.state_dict(),
        "loader": loader.state_dict() if hasattr(loader, "state_dict") else None,
        "random": states(streams(trainer.modules, trainer._stream)),
        "counters": {f.name: getattr(trainer._at, f.name) for f in fields(Counters)},
        "history": {name: list(values) for name, values in trainer.history.items()},
        "callbacks": {name: callback.state_dict() for name, callback in _named(trainer._callbacks)},
    }
    return state


def restored(trainer: Any, state: Mapping[str, Any], loader: Any) -> None:
    """Give a training the state of another; all of it, or on an error nothing.

    Raises:
        StateError: it is the state of another model, optimiser, schedule or loader.
    """
    if not isinstance(state, Mapping) or state.get("format") != _FORMAT:
        raise StateError(f"this is not the state of a training{called_at()}\n  → state_dict() of a Trainer")
    _compare("modules", trainer.modules, state["modules"])
    if (trainer.schedule is None) != (state["schedule"] is None):
        has, had = ("no", "a") if trainer.schedule is None else ("a", "no")
        raise StateError(
            f"this training has {has} schedule, the saved one had {had} schedule{called_at()}\n"
            "  → nothing was loaded; build it as it was, or use another folder"
        )
    undo = _Undo(trainer, loader)
    try:
        for name, module in trainer.modules.items():
            module.load_state_dict(state["modules"][name])
        trainer.optimizer.load_state_dict(state["optimizer"])
        if trainer.schedule is not None:
            trainer.schedule.load_state_dict(state["schedule"])
        if hasattr(loader, "load_state_dict") and state["loader"] is not None:
            loader.load_state_dict(state["loader"])
        for name, callback in _named(trainer._callbacks):
            if name in state["callbacks"]:
                callback.load_state_dict(state["callbacks"][name])
    except BaseException:
        undo()
        raise
    set_states(streams(trainer.modules, trainer._stream), state["random"])
    trainer._at = Counters(**state["counters"])
    trainer.history = History({name: list(values) for name, values in state["history"].items()})


class _Undo:
    """What takes back a state that was loaded half."""

    def __init__(self, trainer: Any, loader: Any) -> None:
        modules = trainer.modules.values()
        parts = [p for module in modules for p in (*module.parameters(), *module.buffers())]
        self._arrays = [(p, None if p._data is None else p._data.copy()) for p in parts]
        holders = [trainer.optimizer, trainer.schedule, loader, *trainer._callbacks]
        holders = [holder for holder in holders if hasattr(holder, "load_state_dict")]
        self._states = [(holder, holder.state_dict()) for holder in holders]

    def __call__(self) -> None:
        for p, data in self._arrays:
            if data is None:
                p._data = None
            else:
                p.assign(data)
        for holder, state in self._states:
            holder.load_state_dict(state)


def _named(callbacks: list[Any]) -> list[tuple[str, Any]]:
    """Callbacks under the names of their classes, numbered."""
    named, seen = [], dict[str, int]()
    for callback in callbacks:
        kind = type(callback).__name__
        seen[kind] = seen.get(kind, 0) + 1
        named.append((f"{kind} {seen[kind]}", callback))
    return named


def _compare(what: str, mine: Mapping[str, Any], found: Mapping[str, Any]) -> None:
    if set(mine) != set(found):
        raise StateError(
            f"the saved {what} are {sorted(found)}, this training has {sorted(mine)}{called_at()}\n"
            "  → nothing was loaded; build it as it was, or use another folder"
        )
