"""What may be given as data: a DataLoader, a Dataset, or arrays; and the batches that they give."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from .. import random
from ..core.origin import called_at
from ..core.variable import Variable
from ..data import DataLoader, TensorDataset
from ..errors import DataError, ShapeError
from ..random import Stream


def as_loader(
    data: Any, batch_size: int, shuffle: bool, stream: Stream | None = None, what: str = "data"
) -> Any:
    """A loader of batches ``(input, target)``.

    Args:
        data: a DataLoader, which is taken as it is; a Dataset; or arrays ``(x, t)`` of equal length.
        batch_size, shuffle: for datasets and arrays.
        stream: gives the seed of the order; None for the default stream.
        what: its name in messages.

    Raises:
        DataError: there is nothing in it, or it is nothing of these. ShapeError: lengths differ.
    """
    if isinstance(data, (tuple, list)):
        if any(isinstance(part, tuple) for part in data):
            raise DataError(
                f"{what}: a {type(data).__name__} of tuples, which may be batches or items{called_at()}\n"
                "  → arrays (x, t); for batches or items of your own a whence.data.Dataset or a DataLoader"
            )
        arrays = [_array(part) for part in data]
        if len(arrays) < 2 or any(a.ndim == 0 for a in arrays):
            raise DataError(f"{what}: arrays come as (x, t){called_at()}\n  → fit((x, t), ...)")
        lengths = {len(a) for a in arrays}
        if len(lengths) > 1:
            shapes = ", ".join(str(a.shape) for a in arrays)
            raise ShapeError(f"{what}: arrays of different lengths: {shapes}{called_at()}")
        data = TensorDataset(*arrays)
    elif not hasattr(data, "__len__") or isinstance(data, (np.ndarray, Variable, dict, str)):
        raise DataError(
            f"{what}: a {type(data).__name__} has no batches (input, target){called_at()}\n"
            "  → a DataLoader, a Dataset, or arrays (x, t)"
        )
    if len(data) == 0:
        raise DataError(f"{what}: there is nothing in it (0 samples or batches){called_at()}")
    if not hasattr(data, "__getitem__"):
        return data
    seed = int((random.default if stream is None else stream).integers(0, 1 << 62)) if shuffle else 0
    return DataLoader(data, batch_size=batch_size, shuffle=shuffle, seed=seed)


def input_batches(x: Any, batch_size: int) -> Iterator[tuple[Any, ...]]:
    """Inputs in batches: of an array, of a tuple of arrays, or of a loader that gives inputs."""
    if not isinstance(x, (tuple, np.ndarray, Variable, list)) and hasattr(x, "__iter__"):
        for batch in x:
            yield tuple(batch) if isinstance(batch, (tuple, list)) else (batch,)
        return
    arrays = tuple(map(_array, x)) if isinstance(x, tuple) else (_array(x),)
    if not len(arrays[0]):
        raise DataError(f"there is nothing to predict: x has shape {arrays[0].shape}{called_at()}")
    for start in range(0, len(arrays[0]), batch_size):
        yield tuple(a[start : start + batch_size] for a in arrays)


def _array(value: Any) -> np.ndarray:
    return np.asarray(value._data if isinstance(value, Variable) else value)
