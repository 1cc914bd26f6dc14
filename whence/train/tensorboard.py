"""The figures of every epoch as TensorBoard event files."""

from __future__ import annotations

import math
from collections.abc import Mapping
from os import PathLike, fspath
from typing import Any

from ..errors import MissingExtraError
from .callbacks import Callback

try:
    from tensorboardX import SummaryWriter
except ImportError as error:
    raise MissingExtraError(
        f'TensorBoardLog needs {error.name}\n  → pip install "whence[tensorboard]", or CSVLog(path)'
    ) from error


class TensorBoardLog(Callback):
    """Write the figures of every epoch for TensorBoard: ``tensorboard --logdir folder`` shows them.

    Args:
        folder: where the event files are written. A run that was resumed takes the place of what it repeats.

    Raises:
        MissingExtraError: tensorboardX is not installed (when ``whence.train.TensorBoardLog`` is looked up).
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        self.folder = fspath(folder)
        self._writer: Any = None

    def on_fit_begin(self, trainer: Any) -> None:
        """Open an event file."""
        self._writer = SummaryWriter(self.folder, purge_step=trainer.epoch + 1)

    def on_epoch_end(self, trainer: Any, figures: Mapping[str, float]) -> None:
        """Write the figures: training and validation of one metric under one heading."""
        for name, value in figures.items():
            part, base = ("valid", name[6:]) if name.startswith("valid_") else ("train", name)
            if not math.isnan(value):
                self._writer.add_scalar(f"{base}/{part}", value, trainer.epoch)
        self._writer.flush()

    def on_fit_end(self, trainer: Any) -> None:
        """Close the file."""
        self._writer.close()
