"""Batches of a dataset, in an order drawn from ``np.random`` (which scripts seed)."""

from __future__ import annotations

import math
from typing import Any, Self

import numpy as np

from ...core.origin import called_at
from ...errors import MissingExtraError


class DataLoader:
    """Batches ``(x, t)`` as pairs of arrays; iterate again for the next epoch.

    Args:
        dataset: anything with a length whose items are pairs.
        batch_size: how many examples at a time; the last batch may be smaller.
        shuffle: in a new order each epoch?
        gpu: False.
    """

    def __init__(self, dataset: Any, batch_size: int, shuffle: bool = True, gpu: bool = False) -> None:
        self.dataset, self.batch_size, self.shuffle = dataset, batch_size, shuffle
        self.data_size = len(dataset)
        self.max_iter = math.ceil(self.data_size / batch_size)
        self.gpu = False
        if gpu:
            self.to_gpu()
        self.reset()

    def reset(self) -> None:
        """Start an epoch."""
        self.iteration = 0
        self.index = np.random.permutation(self.data_size) if self.shuffle else np.arange(self.data_size)

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> tuple[np.ndarray, np.ndarray]:
        if self.iteration >= self.max_iter:
            self.reset()
            raise StopIteration
        batch = [self.dataset[int(i)] for i in self._chosen()]
        self.iteration += 1
        return np.array([x for x, _ in batch]), np.array([t for _, t in batch])

    def _chosen(self) -> np.ndarray:
        start = self.iteration * self.batch_size
        return self.index[start : start + self.batch_size]

    def next(self) -> tuple[np.ndarray, np.ndarray]:
        """The next batch."""
        return next(self)

    def to_cpu(self) -> None:
        """Nothing: batches are in memory."""

    def to_gpu(self) -> None:
        """Not here.

        Raises:
            MissingExtraError: always.
        """
        raise MissingExtraError(
            f"batches are on the CPU here{called_at()}\n  → ask dezero.cuda.gpu_enable first: it is False"
        )


class SeqDataLoader(DataLoader):
    """Batches of a sequence: ``batch_size`` readers that start at equal distances and go on side by side."""

    def __init__(self, dataset: Any, batch_size: int, gpu: bool = False) -> None:
        super().__init__(dataset, batch_size, shuffle=False, gpu=gpu)

    def _chosen(self) -> np.ndarray:
        distance = self.data_size // self.batch_size
        return (np.arange(self.batch_size) * distance + self.iteration) % self.data_size
