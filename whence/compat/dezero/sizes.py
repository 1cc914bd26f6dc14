"""Sizes of images and kernels."""

from __future__ import annotations

from ...core.origin import called_at
from ...errors import ShapeError


def pair(x: int | tuple[int, int]) -> tuple[int, int]:
    """A number as a pair of equal ones; a pair as it is.

    Raises:
        ShapeError: anything else.
    """
    if isinstance(x, int):
        return x, x
    if isinstance(x, (tuple, list)) and len(x) == 2:
        return x[0], x[1]
    raise ShapeError(f"a size is a number or a pair, not {x!r}{called_at()}")


def get_conv_outsize(input_size: int, kernel_size: int, stride: int, pad: int) -> int:
    """The length of one axis after a convolution."""
    return (input_size + 2 * pad - kernel_size) // stride + 1


def get_deconv_outsize(size: int, k: int, s: int, p: int) -> int:
    """The length of one axis after a transposed convolution."""
    return s * (size - 1) + k - 2 * p
