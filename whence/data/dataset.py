"""Data sets: things with a length whose items are numbered."""

from __future__ import annotations

import bisect
import itertools
import math
from collections.abc import Sequence
from operator import index
from typing import Any

import numpy as np

from .. import random
from ..core.array import raw
from ..core.origin import called_at
from ..errors import BoundsError, DataError
from ..random import Stream


class Dataset:
    """Items by number: write ``__getitem__`` and ``__len__``.

    A data set that can gather many items at once may write ``batch(indices)`` too, which gives what stacking
    the items would give; a loader then makes one call for a batch.

    >>> class Squares(Dataset):
    ...     def __len__(self):
    ...         return 4
    ...     def __getitem__(self, i):
    ...         return i, i * i
    >>> len(Squares()), Squares()[3]
    (4, (3, 9))
    """

    def __len__(self) -> int:
        """How many items there are."""
        raise NotImplementedError(f"{type(self).__name__} has no __len__()")

    def __getitem__(self, i: int) -> Any:
        """Item ``i``, from 0."""
        raise NotImplementedError(f"{type(self).__name__} has no __getitem__()")


def gathers(dataset: Any) -> bool:
    """Can this data set gather a batch in one call?"""
    if isinstance(dataset, Subset):
        return gathers(dataset.dataset)
    return callable(getattr(dataset, "batch", None))


def checked(i: Any, n: int) -> int:
    """``i`` counted from the start.

    Raises:
        BoundsError: there is no such item.
    """
    number = index(i)
    if not -n <= number < n:
        raise BoundsError(f"item {number} of a data set of {n} items{called_at()}")
    return number + n if number < 0 else number


class TensorDataset(Dataset):
    """Arrays of one length side by side: item i is the tuple of their i-th elements.

    Args:
        arrays: what is numbered along the first axis: images and labels, say.

    Raises:
        DataError: no arrays, one without axes, or arrays of unequal lengths.

    >>> data = TensorDataset(np.arange(6.0).reshape(3, 2), np.array([0, 1, 1]))
    >>> data[1]
    (array([2., 3.]), np.int64(1))
    >>> [part.shape for part in data.batch([0, 2])]
    [(2, 2), (2,)]
    """

    def __init__(self, *arrays: Any) -> None:
        self.arrays = tuple(np.asarray(raw(array)) for array in arrays)
        shapes = [array.shape for array in self.arrays]
        if not arrays or not all(shapes):
            raise DataError(f"a TensorDataset takes arrays of at least one axis, not {shapes}{called_at()}")
        if len({shape[0] for shape in shapes}) > 1:
            raise DataError(
                f"the arrays of a TensorDataset have one length, these have shapes {shapes}{called_at()}"
            )

    def __len__(self) -> int:
        return len(self.arrays[0])

    def __getitem__(self, i: int) -> tuple[Any, ...]:
        return tuple(array[i] for array in self.arrays)

    def batch(self, indices: Any) -> tuple[np.ndarray, ...]:
        """The items at ``indices``, stacked: new arrays."""
        return tuple(array[np.asarray(indices, np.intp)] for array in self.arrays)


ArrayDataset = TensorDataset


class Subset(Dataset):
    """Some items of a data set, in a given order.

    >>> Subset(TensorDataset(np.arange(5) * 10), [4, 0])[0]
    (np.int64(40),)
    """

    def __init__(self, dataset: Any, indices: Sequence[int] | np.ndarray) -> None:
        self.dataset = dataset
        n = len(dataset)
        self.indices = np.asarray([checked(i, n) for i in indices], np.intp)

    def __len__(self) -> int:
        return len(self.indices)

    def __getitem__(self, i: int) -> Any:
        return self.dataset[int(self.indices[checked(i, len(self))])]

    def batch(self, indices: Any) -> Any:
        """The items at ``indices``, stacked, where the data set below can do so."""
        return self.dataset.batch(self.indices[np.asarray(indices, np.intp)])


class ConcatDataset(Dataset):
    """Data sets one after the other.

    >>> both = ConcatDataset([TensorDataset(np.arange(2)), TensorDataset(np.arange(3) * 10)])
    >>> len(both), both[3]
    (5, (np.int64(10),))
    """

    def __init__(self, datasets: Sequence[Any]) -> None:
        self.datasets = list(datasets)
        if not self.datasets:
            raise DataError(f"a ConcatDataset takes at least one data set{called_at()}")
        self.ends = list(itertools.accumulate(len(part) for part in self.datasets))

    def __len__(self) -> int:
        return self.ends[-1]

    def __getitem__(self, i: int) -> Any:
        number = checked(i, len(self))
        k = bisect.bisect_right(self.ends, number)
        return self.datasets[k][number - (self.ends[k - 1] if k else 0)]


def random_split(dataset: Any, lengths: Sequence[float], seed: int | Stream | None = None) -> list[Subset]:
    """Divide a data set at random.

    Args:
        dataset: anything with a length and numbered items.
        lengths: how many items each part gets, or the fraction of them (fractions add up to 1; the items that
            rounding leaves over go to the first parts, one each).
        seed: a number or a stream; None draws from ``whence.random.default``.

    Raises:
        DataError: lengths that do not add up to the data set's, or fractions not to 1.

    >>> train, valid = random_split(TensorDataset(np.arange(10)), [0.75, 0.25], seed=0)
    >>> len(train), len(valid)
    (8, 2)
    """
    n = len(dataset)
    parts = list(lengths)
    if parts and all(0 <= part <= 1 for part in parts) and math.isclose(sum(parts), 1) and sum(parts) != n:
        sizes = [math.floor(n * part) for part in parts]
        for k in range(n - sum(sizes)):
            sizes[k % len(sizes)] += 1
    elif all(part == int(part) >= 0 for part in parts) and sum(parts) == n:
        sizes = [int(part) for part in parts]
    else:
        raise DataError(
            f"lengths {parts} do not divide {n} items{called_at()}\n"
            f"  → whole numbers that add up to {n}, or fractions that add up to 1"
        )
    order = as_stream(seed).permutation(n)
    return [Subset(dataset, part) for part in np.split(order, np.cumsum(sizes)[:-1])]


def as_stream(seed: int | Stream | None) -> Stream:
    """A stream of its own for a seed; None takes one from the default stream."""
    if seed is None:
        return random.default.fork()
    return seed if isinstance(seed, Stream) else Stream(seed)
