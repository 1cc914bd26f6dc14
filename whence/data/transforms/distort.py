"""Transforms that change an image at random and leave what it shows."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.origin import called_at
from ...errors import DataError, ShapeError
from ...random import Stream
from .images import Resize, Size, checked_mode, pair, sampled

_GREY = np.array([0.299, 0.587, 0.114])  # of red, green and blue, ITU-R BT.601
_ATTEMPTS = 10


class RandomRotation:
    """Turned about its middle, by an angle drawn from a range; the size stays.

    Args:
        degrees: the range, ``(low, high)``; a number d for ``(-d, d)``. Positive is counter-clockwise.
        mode: ``"bilinear"`` or ``"nearest"``.
        fill: the value of what comes into view from outside.

    >>> x = np.arange(4).reshape(2, 2)
    >>> RandomRotation((90, 90))(x, Stream(0))
    array([[1, 3],
           [0, 2]])
    """

    def __init__(self, degrees: float | tuple[float, float], mode: str = "bilinear", fill: float = 0) -> None:
        low, high = degrees if isinstance(degrees, Sequence) else (-degrees, degrees)
        if not low <= high:
            raise DataError(f"degrees are a positive number or (low, high), not {degrees}{called_at()}")
        self.degrees, self.mode, self.fill = (float(low), float(high)), checked_mode(mode), fill

    def __call__(self, x: Any, stream: Stream) -> np.ndarray:
        """x: (..., H, W), and so the result."""
        x, angle = _image(x), math.radians(float(stream.uniform(None, *self.degrees)))
        height, width = x.shape[-2:]
        down = np.arange(height)[:, None] - (height - 1) / 2
        right = np.arange(width) - (width - 1) / 2
        rows = math.cos(angle) * down + math.sin(angle) * right + (height - 1) / 2
        columns = math.cos(angle) * right - math.sin(angle) * down + (width - 1) / 2
        places = np.stack([rows, columns]).round(9)  # whole numbers where they are meant
        return sampled(x, places, int(self.mode == "bilinear"), "grid-constant", self.fill)


class RandomResizedCrop:
    """A piece of random area and shape, from a random place, brought to one size.

    Args:
        size: height and width of the result.
        scale: the range of the piece's area, as a share of the image's.
        ratio: the range of its width divided by its height; drawn evenly in the logarithm.
        mode: ``"bilinear"`` or ``"nearest"``.

    Where ten pieces in a row do not fit into the image, its middle is taken. Szegedy et al. (2015),
    arXiv:1409.4842, section 6.
    """

    def __init__(
        self,
        size: Size,
        scale: tuple[float, float] = (0.08, 1.0),
        ratio: tuple[float, float] = (3 / 4, 4 / 3),
        mode: str = "bilinear",
    ) -> None:
        self.resize = Resize(pair(size), mode)
        self.scale, self.ratio = _range("scale", scale), _range("ratio", ratio, 1e-9)

    def __call__(self, x: Any, stream: Stream) -> np.ndarray:
        """x: (..., H, W) → (..., height, width)."""
        x = _image(x)
        found = _rectangle(x.shape[-2:], self.scale, self.ratio, stream.generator())
        if found is None:
            height, width = x.shape[-2:]
            high = min(height, max(1, round(width / self.ratio[0])))
            wide = min(width, max(1, round(height * self.ratio[1])))
            found = (height - high) // 2, (width - wide) // 2, high, wide
        top, left, high, wide = found
        return self.resize(x[..., top : top + high, left : left + wide])


class RandomErasing:
    """A rectangle overwritten, with probability p.

    Args:
        p: the probability.
        scale: the range of the rectangle's area, as a share of the image's.
        ratio: the range of its width divided by its height.
        value: what is written; a number, one for each channel, or ``"random"`` for normal noise.

    Zhong et al. (2017), arXiv:1708.04896.
    """

    def __init__(
        self,
        p: float = 0.5,
        scale: tuple[float, float] = (0.02, 0.33),
        ratio: tuple[float, float] = (0.3, 3.3),
        value: Any = 0,
    ) -> None:
        if isinstance(value, str) and value != "random":
            raise DataError(
                f'value is a number, one for each channel, or "random", not {value!r}{called_at()}'
            )
        self.p, self.value = p, value
        self.scale, self.ratio = _range("scale", scale), _range("ratio", ratio, 1e-9)

    def __call__(self, x: Any, stream: Stream) -> np.ndarray:
        """x: (..., H, W), and so the result; x itself stays as it is."""
        x, random = _image(x), stream.generator()
        if random.random() >= self.p:
            return x
        found = _rectangle(x.shape[-2:], self.scale, self.ratio, random)
        if found is None:
            return x
        top, left, high, wide = found
        x = x.copy()
        hole = x[..., top : top + high, left : left + wide]
        if isinstance(self.value, str):
            if x.dtype.kind != "f":
                raise DataError(
                    f'RandomErasing with value="random" is for floats, not {x.dtype}\n  → ToFloat'
                )
            hole[...] = random.standard_normal(hole.shape)
        else:
            value = np.asarray(self.value)
            hole[...] = value[:, None, None] if value.ndim else value
        return x


class ColorJitter:
    """Brightness, contrast, saturation and hue changed by random amounts, in random order.

    Args:
        brightness, contrast, saturation: a number d for factors from ``max(0, 1 - d)`` to ``1 + d``, or
            their range.
        hue: a number up to 0.5 for turns from ``-hue`` to ``hue`` of the colour circle, or their range.

    Shapes:
        (3, H, W) of red, green and blue, and so the result; floats from 0 to 1, or unsigned integers of any
        size. Without saturation and hue any (..., H, W).
    """

    def __init__(
        self,
        brightness: float | tuple[float, float] = 0,
        contrast: float | tuple[float, float] = 0,
        saturation: float | tuple[float, float] = 0,
        hue: float | tuple[float, float] = 0,
    ) -> None:
        factors = {"brightness": brightness, "contrast": contrast, "saturation": saturation}
        self.ranges = {
            name: _range(name, d if isinstance(d, Sequence) else (max(0.0, 1 - d), 1 + d))
            for name, d in factors.items()
        }
        low, high = hue if isinstance(hue, Sequence) else (-hue, hue)
        if not -0.5 <= low <= high <= 0.5:
            raise DataError(f"hue is from 0 to 0.5, or a range in (-0.5, 0.5), not {hue}{called_at()}")
        self.ranges["hue"] = (low, high)

    def __call__(self, x: Any, stream: Stream) -> np.ndarray:
        """x: (3, H, W), and so the result."""
        x, random = _image(x), stream.generator()
        kind = x.dtype
        whole = float(np.iinfo(kind).max) if kind.kind in "iu" else 1.0
        y = x.astype(np.float64 if kind.kind != "f" else kind) / whole
        names = list(self.ranges)
        for k in random.permutation(len(names)):
            name = names[k]
            amount = random.uniform(*self.ranges[name])
            if amount != (name != "hue"):
                y = np.clip(_CHANGES[name](y, amount), 0, 1)
        return (np.rint(y * whole) if kind.kind in "iu" else y).astype(kind)


# --- colours -----------------------------------------------------------------------------------------


def _grey(x: np.ndarray) -> np.ndarray:
    return np.tensordot(_GREY.astype(x.dtype), _colours(x), 1)  # (H, W)


def _colours(x: np.ndarray) -> np.ndarray:
    if x.ndim != 3 or len(x) != 3:
        raise ShapeError(f"saturation and hue are those of colour images (3, H, W), not {x.shape}")
    return x


def _brightened(x: np.ndarray, factor: float) -> np.ndarray:
    return x * factor


def _contrasted(x: np.ndarray, factor: float) -> np.ndarray:
    mean = (_grey(x) if x.ndim == 3 and len(x) == 3 else x).mean()
    return mean + (x - mean) * factor


def _saturated(x: np.ndarray, factor: float) -> np.ndarray:
    grey = _grey(x)
    return grey + (x - grey) * factor


def _turned(x: np.ndarray, turn: float) -> np.ndarray:
    """By way of hue, chroma and value (Smith 1978, *Color gamut transform pairs*)."""
    red, green, blue = _colours(x)
    value = x.max(axis=0)
    chroma = value - x.min(axis=0)
    safe = np.where(chroma > 0, chroma, 1)
    sixth = np.where(
        value == red,
        (green - blue) / safe,
        np.where(value == green, 2 + (blue - red) / safe, 4 + (red - green) / safe),
    )
    corner = np.add.outer(np.array([5, 3, 1]), sixth + 6 * turn) % 6
    return (value - chroma * np.clip(np.minimum(corner, 4 - corner), 0, 1)).astype(x.dtype)


_CHANGES = {"brightness": _brightened, "contrast": _contrasted, "saturation": _saturated, "hue": _turned}


# --- places ------------------------------------------------------------------------------------------


def _image(x: Any) -> np.ndarray:
    x = np.asarray(x)
    if x.ndim < 2 or 0 in x.shape[-2:]:
        raise ShapeError(f"an image is (..., H, W), not {x.shape}")
    return x


def _range(name: str, given: Sequence[float], least: float = 0) -> tuple[float, float]:
    low, high = given
    if not least <= low <= high:
        what = "positive" if least else "not negative"
        raise DataError(f"{name} is a range of numbers that are {what}, not {given}{called_at()}")
    return float(low), float(high)


def _rectangle(
    size: tuple[int, ...], scale: tuple[float, float], ratio: tuple[float, float], random: np.random.Generator
) -> tuple[int, int, int, int] | None:
    """Top, left, height and width of a random rectangle; None where ten in a row did not fit."""
    height, width = size
    for _ in range(_ATTEMPTS):
        area = height * width * random.uniform(*scale)
        shape = math.exp(random.uniform(math.log(ratio[0]), math.log(ratio[1])))
        high, wide = round(math.sqrt(area / shape)), round(math.sqrt(area * shape))
        if 0 < high <= height and 0 < wide <= width:
            top, left = random.integers(0, height - high + 1), random.integers(0, width - wide + 1)
            return int(top), int(left), high, wide
    return None
