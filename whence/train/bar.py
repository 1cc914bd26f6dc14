"""The progress bar of a terminal."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..errors import MissingExtraError
from .progress import Silent, line

try:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
except ImportError as error:
    raise MissingExtraError(
        f'the progress bar needs {error.name}\n  → pip install "whence[train]"'
    ) from error


class Bar(Silent):
    """A line to each epoch that is done, and a bar for the one that runs."""

    def __init__(self, console: Console | None = None) -> None:
        self.console = Console(highlight=False) if console is None else console
        self.progress = Progress(
            TextColumn("epoch {task.fields[epoch]}"),
            BarColumn(bar_width=30),
            MofNCompleteColumn(),
            TextColumn("[bold]loss {task.fields[loss]:.4f}[/]"),
            TimeRemainingColumn(elapsed_when_finished=True),
            console=self.console,
            transient=True,
        )
        self.task: Any = None

    def begin(self, epochs: int, done: int) -> None:
        """Open the bar."""
        self.epochs = epochs
        self.progress.start()

    def note(self, text: str) -> None:
        """The text above the bar."""
        self.console.print(text, style="dim", markup=False)

    def epoch_begin(self, epoch: int, steps: int, done: int) -> None:
        """A fresh bar."""
        label = f"{epoch:>{len(str(self.epochs))}}/{self.epochs}"
        self.task = self.progress.add_task("", total=steps, completed=done, epoch=label, loss=float("nan"))

    def batch(self, loss: float) -> None:
        """One further."""
        self.progress.update(self.task, advance=1, loss=loss)

    def epoch_end(self, epoch: int, figures: Mapping[str, float], seconds: float) -> None:
        """The line takes the place of the bar."""
        self.progress.remove_task(self.task)
        self.console.print(line(epoch, self.epochs, figures, seconds), markup=False)

    def end(self) -> None:
        """Close the bar."""
        self.progress.stop()
