"""Config: what is recorded, and whether layers train, as attributes that a script may set."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from typing import Any

from ...config import mode, set_recording
from ...core.origin import called_at
from ...errors import StateError

_TRAINING: ContextVar[bool] = ContextVar("whence.compat.dezero training", default=True)


class Configuration:
    """The two settings of DeZero's ``Config``, each kept by thread."""

    @property
    def enable_backprop(self) -> bool:
        """Do functions remember what they were applied to?"""
        return mode().recording

    @enable_backprop.setter
    def enable_backprop(self, value: bool) -> None:
        set_recording(bool(value))

    @property
    def train(self) -> bool:
        """Do dropout and batch normalisation act as in training?"""
        return _TRAINING.get()

    @train.setter
    def train(self, value: bool) -> None:
        _TRAINING.set(bool(value))


Config = Configuration()


@contextmanager
def using_config(name: str, value: Any) -> Iterator[None]:
    """Run a block with a setting of Config at ``value``.

    Raises:
        StateError: a setting that does not exist.
    """
    if name not in ("enable_backprop", "train"):
        raise StateError(f"Config has no {name!r}{called_at()}\n  → 'enable_backprop' or 'train'")
    before = getattr(Config, name)
    setattr(Config, name, value)
    try:
        yield
    finally:
        setattr(Config, name, before)


def no_grad() -> AbstractContextManager[None]:
    """Compute without remembering."""
    return using_config("enable_backprop", False)


def test_mode() -> AbstractContextManager[None]:
    """Predict: no dropout, running statistics in batch normalisation."""
    return using_config("train", False)


test_mode.__test__ = False  # pyright: ignore[reportFunctionMemberAccess]  # pytest: not a test
