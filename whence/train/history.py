"""What each epoch came to."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Mapping
from importlib import import_module
from os import PathLike
from pathlib import Path

from ..io import atomic


class History(dict[str, list[float]]):
    """Lists of figures by name (``loss``, ``accuracy``, ``valid_loss``, ``lr``), one entry to an epoch.

    >>> history = History()
    >>> history.add({"loss": 0.7})
    >>> history.add({"loss": 0.5, "valid_loss": 0.6})
    >>> history
    History({'loss': [0.7, 0.5], 'valid_loss': [nan, 0.6]})
    """

    @property
    def epochs(self) -> int:
        """How many epochs it holds."""
        return max((len(values) for values in self.values()), default=0)

    def add(self, figures: Mapping[str, float]) -> None:
        """Add an epoch; a name that is missing in it, or was missing before, has NaN there."""
        epochs = self.epochs
        for name in [*self, *(name for name in figures if name not in self)]:
            values = self.setdefault(name, [math.nan] * epochs)
            values.append(float(figures.get(name, math.nan)))

    def to_csv(self, path: str | PathLike[str]) -> None:
        """Write a table: a column to a name, a row to an epoch; NaN is an empty cell."""
        text = io.StringIO()
        table = csv.writer(text, lineterminator="\n")
        table.writerow(["epoch", *self])
        for epoch, row in enumerate(zip(*self.values(), strict=True), start=1):
            table.writerow([epoch, *("" if math.isnan(value) else repr(value) for value in row)])
        atomic.write(path, text.getvalue().encode())

    def plot(self, path: str | PathLike[str] = "history.png") -> Path:
        """Draw the learning curves into a file (PNG, SVG, PDF by its ending), and return its path.

        Raises:
            MissingExtraError: matplotlib is not installed.
        """
        return import_module(".picture", __package__).draw(self, Path(path))

    def __repr__(self) -> str:
        return f"History({super().__repr__()})"
