"""Transforms of images (..., H, W): borders, sizes, pieces."""

from __future__ import annotations

from typing import Any

import numpy as np
from scipy import ndimage

from ...core.origin import called_at
from ...errors import DataError, ShapeError
from ...random import Stream

Size = int | tuple[int, int]


class Pad:
    """A border of one value around the last two axes."""

    def __init__(self, padding: int, value: float = 0) -> None:
        self.padding, self.value = padding, value

    def __call__(self, x: Any) -> np.ndarray:
        """x: (..., H, W) → (..., H + 2 padding, W + 2 padding)."""
        x, p = np.asarray(x), self.padding
        return np.pad(x, [(0, 0)] * (x.ndim - 2) + [(p, p)] * 2, constant_values=self.value)

    many = __call__


class Resize:
    """Another height and width, by the nearest pixel or bilinearly (pixel centres at half-integers)."""

    def __init__(self, size: Size, mode: str = "bilinear") -> None:
        self.size, self.mode = pair(size), checked_mode(mode)

    def __call__(self, x: Any) -> np.ndarray:
        """x: (..., H, W) → (..., height, width); integers are rounded."""
        x = np.asarray(x)
        grids = [
            (np.arange(new) + 0.5) * (old / new) - 0.5
            for new, old in zip(self.size, x.shape[-2:], strict=True)
        ]
        if self.mode == "nearest":
            rows, columns = (
                np.clip(np.floor(grid + 0.5).astype(int), 0, old - 1)
                for grid, old in zip(grids, x.shape[-2:], strict=True)
            )
            return x[..., rows[:, None], columns]
        places = np.meshgrid(*grids, indexing="ij")
        return sampled(x, places, 1, "nearest")


class CenterCrop:
    """The middle of an image."""

    def __init__(self, size: Size) -> None:
        self.size = pair(size)

    def __call__(self, x: Any) -> np.ndarray:
        """x: (..., H, W) → (..., height, width)."""
        x = np.asarray(x)
        room = room_in(x, self.size)
        return crop(x, self.size, room[0] // 2, room[1] // 2)

    many = __call__


class RandomCrop:
    """A piece of an image, from a random place, after padding."""

    def __init__(self, size: Size, padding: int = 0) -> None:
        self.size, self.padding = pair(size), padding

    def __call__(self, x: Any, stream: Stream) -> np.ndarray:
        """x: (..., H, W) → (..., height, width)."""
        x = Pad(self.padding)(x) if self.padding else np.asarray(x)
        room = room_in(x, self.size)
        return crop(x, self.size, *(int(stream.integers(0, free + 1)) for free in room))


class RandomHorizontalFlip:
    """Left and right exchanged with probability p."""

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def __call__(self, x: Any, stream: Stream) -> np.ndarray:
        """x: (..., W) → (..., W)."""
        x = np.asarray(x)
        return x[..., ::-1] if stream.uniform() < self.p else x


def pair(size: Size) -> tuple[int, int]:
    """Height and width of a size."""
    height, width = (size, size) if isinstance(size, int) else size
    if height < 1 or width < 1:
        raise DataError(f"a size is at least 1, not {size}{called_at()}")
    return height, width


def room_in(x: np.ndarray, size: tuple[int, int]) -> tuple[int, int]:
    """How much higher and wider than ``size`` an image is."""
    if x.ndim < 2 or x.shape[-2] < size[0] or x.shape[-1] < size[1]:
        raise ShapeError(f"a piece of {size} of an image of shape {x.shape}\n  → Pad or Resize it first")
    return x.shape[-2] - size[0], x.shape[-1] - size[1]


def crop(x: np.ndarray, size: tuple[int, int], top: int, left: int) -> np.ndarray:
    """The piece of an image at a place."""
    return x[..., top : top + size[0], left : left + size[1]]


def checked_mode(mode: str) -> str:
    """The mode, if it is one."""
    if mode not in ("nearest", "bilinear"):
        raise DataError(f'mode is "nearest" or "bilinear", not {mode!r}{called_at()}')
    return mode


def sampled(x: np.ndarray, places: Any, order: int, border: str, fill: float = 0) -> np.ndarray:
    """Each plane of x at other places (rows and columns), by splines of ``order``; integers are rounded."""
    flat = x.reshape(-1, *x.shape[-2:])
    kind = x.dtype if x.dtype.kind == "f" else np.dtype(np.float64)
    planes = [
        ndimage.map_coordinates(p.astype(kind), places, order=order, mode=border, cval=fill) for p in flat
    ]
    result = np.reshape(planes, (*x.shape[:-2], *np.shape(places[0])))
    return (result if x.dtype.kind == "f" else np.rint(result)).astype(x.dtype)
