"""What a training shows while it runs: a line to an epoch, with a bar under it on a terminal."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from ..errors import MissingExtraError


class Silent:
    """Shows nothing."""

    def begin(self, epochs: int, done: int) -> None:
        """A training of ``epochs`` epochs, ``done`` of which are behind it, starts."""

    def note(self, text: str) -> None:
        """Something happened that a reader should know."""

    def epoch_begin(self, epoch: int, steps: int, done: int) -> None:
        """An epoch of ``steps`` batches starts, ``done`` of which are behind it."""

    def batch(self, loss: float) -> None:
        """A batch was done; the mean loss of the epoch so far."""

    def epoch_end(self, epoch: int, figures: Mapping[str, float], seconds: float) -> None:
        """An epoch ended."""

    def end(self) -> None:
        """The training ended, or was broken off."""


class Lines(Silent):
    """A line of text to an epoch, on standard output."""

    def begin(self, epochs: int, done: int) -> None:
        """Remember how many epochs there are."""
        self.epochs = epochs

    def note(self, text: str) -> None:
        """The text, as a line."""
        self.write(text)

    def epoch_end(self, epoch: int, figures: Mapping[str, float], seconds: float) -> None:
        """The figures, as a line."""
        self.write(line(epoch, self.epochs, figures, seconds))

    def write(self, text: str) -> None:
        """One line, seen at once."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()


def line(epoch: int, epochs: int, figures: Mapping[str, float], seconds: float) -> str:
    """The figures of an epoch in one line.

    >>> line(3, 20, {"loss": 0.25, "accuracy": 0.5, "valid_loss": 1 / 3, "lr": 0.001}, 0.5)
    'epoch  3/20   loss 0.2500   accuracy 0.5000   valid_loss 0.3333   0.5 s'
    """
    width = len(str(epochs))
    parts = [f"epoch {epoch:>{width}}/{epochs}"]
    parts += [f"{name} {_short(value)}" for name, value in figures.items() if name != "lr"]
    return "   ".join([*parts, f"{seconds:.1f} s"])


def _short(value: float) -> str:
    return f"{value:.4f}" if 1e-3 <= abs(value) < 1e4 or value == 0 else f"{value:.3e}"


def reporter(wanted: bool | None) -> Any:
    """What shows the training: nothing (False), lines (no terminal, or no rich), or lines and a bar.

    True and None differ only where there is neither: both show what can be shown.
    """
    if wanted is False:
        return Silent()
    if sys.stdout.isatty():
        try:
            return import_module(".bar", __package__).Bar()
        except MissingExtraError:
            pass
    return Lines()
