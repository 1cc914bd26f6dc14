"""Transforms of values: types, ranges, shapes, and one after the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.array import raw
from ...core.origin import called_at
from ...errors import DataError, ShapeError
from ...random import Stream
from ..fetch import takes_stream


class Compose:
    """One transform after the other.

    >>> Compose([ToFloat(), Normalize(0.5, 0.5)])(np.array([0, 255], np.uint8))
    array([-1.,  1.], dtype=float32)
    """

    def __init__(self, transforms: Sequence[Callable[..., Any]]) -> None:
        self.transforms = list(transforms)
        self.needs_stream = any(takes_stream(part) for part in self.transforms)
        if all(hasattr(part, "many") for part in self.transforms) and not self.needs_stream:
            self.many = self._many

    def __call__(self, x: Any, stream: Stream | None = None) -> Any:
        """All of them; each random one with a stream of its own below ``stream``."""
        if self.needs_stream and stream is None:
            raise DataError(f"some of these transforms are random{called_at()}\n  → compose(x, stream)")
        for k, part in enumerate(self.transforms):
            if stream is not None and takes_stream(part):
                x = part(x, stream.split("transform", k))
            else:
                x = part(x)
        return x

    def _many(self, xs: Any) -> Any:
        for part in self.transforms:
            xs = part.many(xs)  # type: ignore[attr-defined]
        return xs


class Lambda:
    """A function of yours as a transform."""

    def __init__(self, function: Callable[[Any], Any]) -> None:
        self.function = function

    def __call__(self, x: Any) -> Any:
        """``function(x)``."""
        return self.function(x)


class ToArray:
    """Anything NumPy can make an array of (an image of PIL's, too) as an array."""

    def __call__(self, x: Any) -> np.ndarray:
        """The array."""
        return np.asarray(raw(x))

    def many(self, xs: Any) -> np.ndarray:
        """The same for a batch."""
        return np.asarray(xs)


class AsType:
    """Another dtype."""

    def __init__(self, dtype: Any = np.float32) -> None:
        self.dtype = np.dtype(dtype)

    def __call__(self, x: Any) -> np.ndarray:
        """The same values in that dtype."""
        return np.asarray(x).astype(self.dtype)

    many = __call__


class ToFloat:
    """Floats; integers, which stand for brightness, are divided by their dtype's largest value."""

    def __init__(self, dtype: Any = np.float32) -> None:
        self.dtype = np.dtype(dtype)

    def __call__(self, x: Any) -> np.ndarray:
        """Values from 0 to 1 for unsigned integers."""
        x = np.asarray(x)
        if x.dtype.kind in "iu":
            return x.astype(self.dtype) / self.dtype.type(np.iinfo(x.dtype).max)
        return x.astype(self.dtype)

    many = __call__


class Flatten:
    """One axis."""

    def __call__(self, x: Any) -> np.ndarray:
        """x: (...) → (size,)."""
        return np.asarray(x).reshape(-1)

    def many(self, xs: Any) -> np.ndarray:
        """xs: (N, ...) → (N, size)."""
        xs = np.asarray(xs)
        return xs.reshape(len(xs), int(np.prod(xs.shape[1:])))


class Normalize:
    """``(x - mean) / std``; where these are sequences, one value for each index of the first axis (channel).

    >>> Normalize([0.0, 1.0], [1.0, 2.0])(np.ones((2, 1, 1)))[:, 0, 0]
    array([1., 0.])
    """

    def __init__(self, mean: Any = 0.0, std: Any = 1.0) -> None:
        self.mean, self.std = np.asarray(mean), np.asarray(std)
        if self.mean.ndim > 1 or self.std.ndim > 1 or not (self.std != 0).all():
            raise DataError(f"mean and std are numbers or one for each channel, std not 0{called_at()}")

    def __call__(self, x: Any) -> np.ndarray:
        """x: (C, ...)."""
        return self._apply(np.asarray(x), 1)

    def many(self, xs: Any) -> np.ndarray:
        """xs: (N, C, ...)."""
        return self._apply(np.asarray(xs), 2)

    def _apply(self, x: np.ndarray, before: int) -> np.ndarray:
        if x.dtype.kind not in "fc":
            x = x.astype(np.float32)
        parts = []
        for value in (self.mean, self.std):
            if value.ndim and (x.ndim < before or x.shape[before - 1] not in (1, len(value))):
                raise ShapeError(f"{len(value)} channels are to be normalised, x has shape {x.shape}")
            wide = value.reshape(value.shape + (1,) * (x.ndim - before)) if value.ndim else value
            parts.append(wide.astype(x.dtype))
        return (x - parts[0]) / parts[1]


class OneHot:
    """A class number as a vector with one 1."""

    def __init__(self, classes: int, dtype: Any = np.float32) -> None:
        self.classes, self.dtype = classes, np.dtype(dtype)

    def __call__(self, x: Any) -> np.ndarray:
        """x: (...) → (..., classes)."""
        x = np.asarray(x)
        if x.dtype.kind not in "iu" or ((x < 0) | (x >= self.classes)).any():
            raise DataError(f"class numbers are integers from 0 to {self.classes - 1}, not {x}")
        return (x[..., None] == np.arange(self.classes)).astype(self.dtype)

    many = __call__
