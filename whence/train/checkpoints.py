"""A folder of checkpoints: numbered files, each whole or not there at all."""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ..core.origin import called_at
from ..errors import SettingError, StateError
from ..io.state import load, save

_ENDING = ".whence"


class CheckpointWarning(UserWarning):
    """A checkpoint was damaged, and the one before it was taken."""


class Folder:
    """The checkpoints of one run, ``0000000120.whence`` after 120 steps.

    Args:
        path: the folder; it is made with the first checkpoint.
        keep: how many of the newest stay.
        every: steps from one to the next; None for none but at the end of each epoch.
        seconds: time from one to the next, beside ``every``.
    """

    def __init__(
        self,
        path: str | os.PathLike[str],
        keep: int = 3,
        every: int | None = None,
        seconds: float | None = None,
    ) -> None:
        if keep < 1 or (every is not None and every < 1):
            raise SettingError(f"keep and every count from 1: keep={keep}, every={every}{called_at()}")
        self.path, self.keep, self.every, self.seconds = Path(path), keep, every, seconds
        self._last = time.monotonic()
        if self.path.exists() and not self.path.is_dir():
            raise SettingError(f"{self.path} is a file{called_at()}\n  → checkpoint= names a folder")

    def files(self) -> list[Path]:
        """The checkpoints, oldest first."""
        found = [file for file in self.path.glob(f"*{_ENDING}") if file.stem.isdigit()]
        return sorted(found, key=lambda file: int(file.stem))

    def due(self, step: int) -> bool:
        """Is it time for one, in the middle of an epoch?"""
        by_steps = self.every is not None and step % self.every == 0
        by_time = self.seconds is not None and time.monotonic() - self._last >= self.seconds
        return by_steps or by_time

    def write(self, step: int, state: Mapping[str, Any]) -> None:
        """Write one, then remove the oldest."""
        save(self.path / f"{step:010d}{_ENDING}", dict(state))
        self._last = time.monotonic()
        for file in self.files()[: -self.keep]:
            file.unlink(missing_ok=True)

    def newest(self) -> tuple[Path, dict[str, Any]] | None:
        """The newest that is whole, and its file; None where there is none at all.

        Warns:
            CheckpointWarning: of each that is damaged; it is set aside under another name.

        Raises:
            StateError: there are some, and all are damaged.
        """
        files = self.files()
        for file in reversed(files):
            try:
                return file, load(file)
            except StateError as error:
                aside = file.with_name(file.name + ".damaged")
                os.replace(file, aside)
                reason = str(error).splitlines()[0]
                warnings.warn(
                    f"{reason}; it is set aside as {aside.name}, and the checkpoint before it is taken",
                    CheckpointWarning,
                    stacklevel=2,
                )
        if files:
            raise StateError(
                f"all {len(files)} checkpoints in {self.path} are damaged{called_at()}\n"
                "  → they are set aside as *.damaged; without them the training starts from its beginning"
            )
        return None
