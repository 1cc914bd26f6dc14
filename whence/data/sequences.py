"""Batches of series: parallel positions, and windows with what follows them."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view

from ..core.array import raw
from ..core.origin import called_at
from ..errors import DataError
from .dataset import Dataset, checked
from .loader import DataLoader


class SequenceLoader(DataLoader):
    """A long series read at ``batch_size`` positions in parallel, for recurrent networks.

    Batch k holds the items ``k, jump + k, 2 jump + k, ...`` with ``jump = n // batch_size``: each row of the
    batches is a piece of the series in its order.

    >>> from whence.data import TensorDataset
    >>> for (x,) in SequenceLoader(TensorDataset(np.arange(6)), batch_size=2):
    ...     print(x)
    [0 3]
    [1 4]
    [2 5]
    """

    def __init__(self, dataset: Any, batch_size: int, **keywords: Any) -> None:
        n, size = len(dataset), int(batch_size)
        if not 0 < size <= n:
            raise DataError(
                f"a series of {n} items cannot be read at {batch_size} positions at once{called_at()}"
            )
        starts, steps = np.arange(size) * (n // size), math.ceil(n / size)
        lanes = (starts[None] + np.arange(steps)[:, None]) % n  # (steps, batch_size)
        super().__init__(dataset, batch_size, batch_sampler=list(lanes), **keywords)


class SequenceDataset(Dataset):
    """Windows of a sequence of tokens, each with the window one further: what a language model learns from.

    Item i is ``tokens[i s : i s + length]`` and ``tokens[i s + 1 : i s + 1 + length]`` for the stride s.

    Args:
        tokens: one axis, or time first.
        length: of the windows.
        stride: from one window to the next.

    Raises:
        DataError: fewer than ``length + 1`` tokens.

    >>> data = SequenceDataset(np.arange(10), length=4, stride=4)
    >>> len(data), data[1]
    (2, (array([4, 5, 6, 7]), array([5, 6, 7, 8])))
    """

    def __init__(self, tokens: Any, length: int, stride: int = 1) -> None:
        self.tokens = np.asarray(raw(tokens))
        self.length, self.stride = length, stride
        if length < 1 or stride < 1:
            raise DataError(f"length and stride are at least 1, not {length} and {stride}{called_at()}")
        if self.tokens.ndim < 1 or len(self.tokens) < length + 1:
            raise DataError(
                f"windows of {length} tokens and the next need {length + 1} tokens, "
                f"there are {self.tokens.size and len(np.atleast_1d(self.tokens))}{called_at()}"
            )

    def __len__(self) -> int:
        return (len(self.tokens) - self.length - 1) // self.stride + 1

    def __getitem__(self, i: int) -> tuple[np.ndarray, np.ndarray]:
        start = checked(i, len(self)) * self.stride
        return self.tokens[start : start + self.length], self.tokens[start + 1 : start + 1 + self.length]

    def batch(self, indices: Any) -> tuple[np.ndarray, np.ndarray]:
        """The windows at ``indices``; x, t: (batch, length, ...)."""
        windows = np.moveaxis(sliding_window_view(self.tokens, self.length + 1, axis=0), -1, 1)
        both = windows[np.asarray(indices, np.intp) * self.stride]  # (batch, length + 1, ...)
        return both[:, :-1], both[:, 1:]


TextWindows = SequenceDataset
