"""Sizes, steps and paddings of windows, as users write them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.origin import called_at
from ...core.variable import Variable
from ...errors import DtypeError, ShapeError
from ...ops.declare import arrayed
from ...ops.window import Window

Size = int | Sequence[int]


def sizes(value: Any, ndim: int, name: str, least: int = 1) -> tuple[int, ...]:
    """A number for each axis, or one for all.

    >>> sizes(3, 2, "kernel_size"), sizes((3, 5), 2, "kernel_size")
    ((3, 3), (3, 5))

    Raises:
        ShapeError: another count of numbers, or one below ``least``.
    """
    parts = tuple(value) if isinstance(value, (tuple, list)) else (value,) * ndim
    whole = all(isinstance(part, (int, np.integer)) for part in parts)
    if len(parts) != ndim or not whole or min(parts) < least:
        raise ShapeError(
            f"{name}={value!r} for {ndim} {'axis' if ndim == 1 else 'axes'}{called_at()}\n"
            f"  → one integer, or {ndim} of them, at least {least}"
        )
    return tuple([int(part) for part in parts])


def paddings(
    padding: Any, kernel: tuple[int, ...], stride: tuple[int, ...], dilation: tuple[int, ...]
) -> tuple[tuple[int, int], ...]:
    """Elements before and after each axis; of ``"same"`` the odd one comes after.

    >>> paddings("same", (4,), (1,), (1,)), paddings(2, (4,), (1,), (1,))
    (((1, 2),), ((2, 2),))
    """
    if isinstance(padding, str):
        if padding == "valid":
            return ((0, 0),) * len(kernel)
        if padding != "same":
            raise ShapeError(
                f"padding={padding!r}{called_at()}\n  → a number, one for each axis, 'same' or 'valid'"
            )
        if set(stride) != {1}:
            raise ShapeError(
                f"padding='same' with stride={stride}{called_at()}\n"
                "  → 'same' needs stride 1; write the numbers"
            )
        around = [d * (k - 1) for k, d in zip(kernel, dilation, strict=True)]
        return tuple([(n // 2, n - n // 2) for n in around])
    return tuple([(n, n) for n in sizes(padding, len(kernel), "padding", 0)])


def window_over(name: str, shape: tuple[int, ...], window: Window) -> Window:
    """The window, if the array has room for it."""
    if min(window.counts) < 1:
        raise ShapeError(
            f"{name}: a window of {window.kernel}"
            + (f", dilation {window.dilation}," if max(window.dilation) > 1 else "")
            + f" is larger than x of shape {shape}"
            + (f" with padding {window.padding}" if any(map(any, window.padding)) else "")
            + called_at()
        )
    return window


def images(name: str, x: Any, ndim: int) -> tuple[Any, bool]:
    """X as (N, C, *size), and whether it was one image without N."""
    x = arrayed(x)
    if x.ndim not in (ndim + 1, ndim + 2):
        axes = ["L", "H, W", "D, H, W"][ndim - 1]
        raise ShapeError(
            f"{name} got x of shape {x.shape}{called_at()}\n"
            f"  → (N, C, {axes}), or (C, {axes}) for a single one"
        )
    return (x[None], True) if x.ndim == ndim + 1 else (x, False)


def real_images(name: str, x: Any, ndim: int) -> tuple[Any, bool]:
    """The same of real numbers; integers become floats."""
    x, single = images(name, x, ndim)
    if x.dtype.kind in "iub" and not isinstance(x, Variable):
        x = x.astype(np.float64)
    if x.dtype.kind != "f" or x.dtype.itemsize > 8:
        raise DtypeError(f"{name} takes real numbers of at most 64 bits, not {x.dtype}{called_at()}")
    return x, single
