"""What is done to each example: to images of PIL, and to arrays (C, H, W)."""

from __future__ import annotations

import importlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from ...core.origin import called_at
from ...errors import DtypeError, MissingExtraError
from .sizes import pair

_BILINEAR = 2  # PIL.Image.BILINEAR


def _pil() -> Any:
    try:
        return importlib.import_module("PIL.Image")
    except ImportError:
        raise MissingExtraError(f"images need Pillow{called_at()}\n  → pip install pillow") from None


class Compose:
    """One after the other."""

    def __init__(self, transforms: Sequence[Callable[[Any], Any]] = ()) -> None:
        self.transforms = transforms

    def __call__(self, img: Any) -> Any:
        """The image, changed."""
        for transform in self.transforms or ():
            img = transform(img)
        return img


class Convert:
    """A PIL image in another mode; ``"BGR"`` is RGB with the channels turned round."""

    def __init__(self, mode: str = "RGB") -> None:
        self.mode = mode

    def __call__(self, img: Any) -> Any:
        """The image, changed."""
        if self.mode == "BGR":
            return _pil().merge("RGB", img.convert("RGB").split()[::-1])
        return img.convert(self.mode)


class Resize:
    """A PIL image in another size (width, height)."""

    def __init__(self, size: Any, mode: int = _BILINEAR) -> None:
        self.size, self.mode = pair(size), mode

    def __call__(self, img: Any) -> Any:
        """The image, changed."""
        return img.resize(self.size, self.mode)


class CenterCrop:
    """The middle (width, height) of a PIL image."""

    def __init__(self, size: Any) -> None:
        self.size = pair(size)

    def __call__(self, img: Any) -> Any:
        """The image, changed."""
        left, top = ((have - want) // 2 for have, want in zip(img.size, self.size, strict=True))
        return img.crop((left, top, left + self.size[0], top + self.size[1]))


class ToArray:
    """A PIL image as an array (C, H, W).

    Raises:
        DtypeError: something else than a picture with channels.
    """

    def __init__(self, dtype: Any = np.float32) -> None:
        self.dtype = dtype

    def __call__(self, img: Any) -> np.ndarray:
        """The image, changed."""
        if isinstance(img, np.ndarray):
            return img
        if not hasattr(img, "getbands"):
            raise DtypeError(f"ToArray takes a PIL image, not a {type(img).__name__}{called_at()}")
        pixels = np.asarray(img, self.dtype)
        return pixels.transpose(2, 0, 1) if pixels.ndim == 3 else pixels[None]


class ToPIL:
    """An array (C, H, W) as a PIL image."""

    def __call__(self, array: np.ndarray) -> Any:
        """The array, changed."""
        return _pil().fromarray(np.ascontiguousarray(array.transpose(1, 2, 0)))


class RandomHorizontalFlip:
    """An array (..., W) turned round with probability ``p``, drawn from ``np.random``."""

    def __init__(self, p: float = 0.5) -> None:
        self.p = p

    def __call__(self, array: np.ndarray) -> np.ndarray:
        """The array, changed."""
        return array[..., ::-1] if np.random.rand() < self.p else array


class Normalize:
    """``(array - mean) / std``, with numbers or one for each channel (first axis)."""

    def __init__(self, mean: Any = 0, std: Any = 1) -> None:
        self.mean, self.std = mean, std

    def __call__(self, array: np.ndarray) -> np.ndarray:
        """The array, changed."""
        return (array - self._shaped(self.mean, array)) / self._shaped(self.std, array)

    def _shaped(self, value: Any, array: np.ndarray) -> Any:
        if np.isscalar(value):
            return value
        return np.asarray(value, array.dtype).reshape(-1, *[1] * (array.ndim - 1))


class Flatten:
    """All axes in one."""

    def __call__(self, array: np.ndarray) -> np.ndarray:
        """The array, changed."""
        return array.flatten()


class AsType:
    """Another dtype."""

    def __init__(self, dtype: Any = np.float32) -> None:
        self.dtype = dtype

    def __call__(self, array: np.ndarray) -> np.ndarray:
        """The array, changed."""
        return array.astype(self.dtype)


ToFloat = AsType


class ToInt(AsType):
    """Integers."""

    def __init__(self, dtype: Any = int) -> None:
        super().__init__(dtype)
