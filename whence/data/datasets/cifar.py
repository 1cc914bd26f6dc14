"""CIFAR-10 and CIFAR-100, in the binary version: no pickle is opened."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from ...core.origin import called_at
from ...errors import DataError
from ..dataset import TensorDataset
from .files import existing, verified

_SOURCE = (
    "the binary version (cifar-10-binary.tar.gz, cifar-100-binary.tar.gz, not the Python one, whose "
    "pickles could "
    "run code) is distributed at www.cs.toronto.edu/~kriz/cifar.html; unpack it and name its folder"
)


def cifar10(
    folder: str | os.PathLike[str], train: bool = True, checksums: Mapping[str, str] | None = None
) -> TensorDataset:
    """Images (uint8, (N, 3, 32, 32)) and labels (int64, (N,)) of ``data_batch_1.bin`` to 5 or the test.

    Args:
        folder: where the unpacked files are.
        train: the files for training, or the one for testing?
        checksums: "sha256:..." or "md5:..." by file name.

    Raises:
        MissingDataError: a file is not there. DataError: one is damaged.
    """
    names = [f"data_batch_{k}.bin" for k in range(1, 6)] if train else ["test_batch.bin"]
    return _read(folder, names, 1, 0, checksums, 10)


def cifar100(
    folder: str | os.PathLike[str],
    train: bool = True,
    coarse: bool = False,
    checksums: Mapping[str, str] | None = None,
) -> TensorDataset:
    """The same with 100 classes (``coarse``: 20 groups of them): ``train.bin``, ``test.bin``."""
    label = 0 if coarse else 1
    return _read(folder, ["train.bin" if train else "test.bin"], 2, label, checksums, 20 if coarse else 100)


def _read(
    folder: str | os.PathLike[str],
    names: list[str],
    labels: int,
    label: int,
    checksums: Mapping[str, str] | None,
    classes: int,
) -> TensorDataset:
    size, parts = labels + 3 * 32 * 32, []
    for name in names:
        path = existing(Path(folder).expanduser() / name, _SOURCE)
        content = verified(path, (checksums or {}).get(name))
        if not content or len(content) % size:
            raise DataError(f"{path}: {len(content)} bytes are not whole records of {size}{called_at()}")
        parts.append(np.frombuffer(content, np.uint8).reshape(-1, size))
    rows = np.concatenate(parts)
    numbers = rows[:, label].astype(np.int64)
    if (numbers >= classes).any():
        raise DataError(f"{folder}: label {numbers.max()} of {classes} classes{called_at()}")
    return TensorDataset(rows[:, labels:].reshape(-1, 3, 32, 32).copy(), numbers)
