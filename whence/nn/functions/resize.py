"""Images of another size: interpolation, and channels exchanged for places."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ...core.origin import called_at
from ...errors import ShapeError
from ...ops.declare import arrayed
from .adaptive import adaptive_avg_pool1d, adaptive_avg_pool2d, adaptive_avg_pool3d, along
from .windows import images, sizes

_LINEAR = {1: "linear", 2: "bilinear", 3: "trilinear"}
_AREA = {1: adaptive_avg_pool1d, 2: adaptive_avg_pool2d, 3: adaptive_avg_pool3d}


def interpolate(
    x: Any,
    size: int | Sequence[int] | None = None,
    scale_factor: float | Sequence[float] | None = None,
    mode: str = "nearest",
    align_corners: bool = False,
) -> Any:
    """X at another size.

    Element i of the result lies at ``(i + ½) n / m - ½`` among the n elements of x; with ``align_corners`` at
    ``i (n - 1) / (m - 1)``, so that the first and the last stay where they are.

    Args:
        x: (N, C, L), (N, C, H, W) or (N, C, D, H, W).
        size: m, one number or one for each axis.
        scale_factor: instead of size: m is ⌊n · scale_factor⌋, and n / m above becomes 1 / scale_factor.
        mode: ``"nearest"`` (element ⌊i n / m⌋), ``"nearest-exact"``, ``"linear"``, ``"bilinear"``,
            ``"trilinear"`` (by the axes), ``"bicubic"`` (Keys, 1981, with a = -0.75), ``"area"`` (means).
        align_corners: see above; of the linear modes and bicubic.

    Returns:
        (N, C, *size).

    Raises:
        ShapeError: neither or both of size and scale_factor; a mode for another number of axes.

    Example:
        >>> import numpy as np
        >>> print(interpolate(np.array([[[0.0, 4.0]]]), 4, mode="linear"))
        [[[0. 1. 3. 4.]]]
    """
    x = arrayed(x)
    ndim = x.ndim - 2
    if ndim not in _LINEAR:
        raise ShapeError(
            f"interpolate got x of shape {x.shape}{called_at()}\n"
            "  → (N, C, L), (N, C, H, W) or (N, C, D, H, W)"
        )
    if mode not in ("nearest", "nearest-exact", "area", _LINEAR[ndim], *(["bicubic"] if ndim == 2 else [])):
        raise ShapeError(
            f"interpolate got mode={mode!r} for x of shape {x.shape}{called_at()}\n"
            f"  → 'nearest', 'nearest-exact', 'area', {_LINEAR[ndim]!r}"
            + (", 'bicubic'" if ndim == 2 else "")
        )
    wanted, steps = _sizes(x.shape[2:], size, scale_factor)
    if mode == "area":
        return _AREA[ndim](x, wanted)
    for axis, (n, m, step) in enumerate(zip(x.shape[2:], wanted, steps, strict=True), 2):
        if mode in ("nearest", "nearest-exact"):
            x = _nearest(x, axis, m, step, 0.5 if mode == "nearest-exact" else 0.0)
        elif m != n or step != 1.0:
            weights = _cubic if mode == "bicubic" else _linear
            x = along(x, axis, weights(n, _places(n, m, step, align_corners)))
    return x


def _sizes(given: tuple[int, ...], size: Any, scale: Any) -> tuple[tuple[int, ...], list[float]]:
    """The new size, and how far its elements are apart in the old one."""
    if (size is None) == (scale is None):
        raise ShapeError(f"interpolate takes either size= or scale_factor={called_at()}")
    if size is not None:
        wanted = sizes(size, len(given), "size")
        return wanted, [n / m for n, m in zip(given, wanted, strict=True)]
    factors = tuple(scale) if isinstance(scale, (tuple, list)) else (scale,) * len(given)
    if len(factors) != len(given) or min(factors) <= 0:
        raise ShapeError(
            f"interpolate got scale_factor={scale!r}{called_at()}\n"
            f"  → a positive number, or {len(given)} of them"
        )
    wanted = tuple([math.floor(n * f) for n, f in zip(given, factors, strict=True)])
    return sizes(wanted, len(given), "size"), [1 / f for f in factors]


def _places(n: int, m: int, step: float, align_corners: bool) -> Any:
    i = np.arange(m)
    if align_corners:
        return i * ((n - 1) / (m - 1) if m > 1 else 0.0)
    return (i + 0.5) * step - 0.5


def _linear(n: int, places: Any) -> Any:
    """The matrix (m, n) of weights of the two neighbours."""
    places = np.maximum(places, 0.0)
    left = np.minimum(np.floor(places).astype(int), n - 1)
    share = places - left
    rows = np.arange(len(places))
    matrix = np.zeros((len(places), n))
    matrix[rows, left] = 1 - share
    matrix[rows, np.minimum(left + 1, n - 1)] += share
    return matrix


def _cubic(n: int, places: Any) -> Any:
    """The matrix (m, n) of weights of the four neighbours; the border is repeated."""
    a = -0.75
    left = np.floor(places).astype(int)
    rows = np.arange(len(places))
    matrix = np.zeros((len(places), n))
    for k in range(-1, 3):
        t = np.abs(places - left - k)
        near = ((a + 2) * t - (a + 3)) * t * t + 1
        far = ((a * t - 5 * a) * t + 8 * a) * t - 4 * a
        np.add.at(matrix, (rows, np.clip(left + k, 0, n - 1)), np.where(t <= 1, near, far))
    return matrix


def _nearest(x: Any, axis: int, m: int, step: float, shift: float) -> Any:
    n = x.shape[axis]
    if m % n == 0 and step == n / m:
        return x if m == n else np.repeat(x, m // n, axis=axis)
    places = np.floor((np.arange(m) + shift) * step).astype(int)
    return np.take(x, np.minimum(places, n - 1), axis=axis)


def pixel_shuffle(x: Any, upscale_factor: int) -> Any:
    """Channels become places: (N, C·r², H, W) to (N, C, H·r, W·r) (Shi et al., 2016).

    Raises:
        ShapeError: C·r² channels are needed.

    >>> import numpy as np
    >>> print(pixel_shuffle(np.arange(4.0).reshape(4, 1, 1), 2))
    [[[0. 1.]
      [2. 3.]]]
    """
    x, single = images("pixel_shuffle", x, 2)
    r = upscale_factor
    n, c, h, w = x.shape
    if r < 1 or c % (r * r):
        raise ShapeError(f"pixel_shuffle({r}) got {c} channels{called_at()}\n  → a multiple of {r * r}")
    parts = np.transpose(np.reshape(x, (n, c // (r * r), r, r, h, w)), (0, 1, 4, 2, 5, 3))
    y = np.reshape(parts, (n, c // (r * r), h * r, w * r))
    return y[0] if single else y


def pixel_unshuffle(x: Any, downscale_factor: int) -> Any:
    """Places become channels: (N, C, H·r, W·r) to (N, C·r², H, W).

    Raises:
        ShapeError: height and width are no multiples of r.

    >>> import numpy as np
    >>> pixel_unshuffle(np.ones((2, 3, 4, 6)), 2).shape
    (2, 12, 2, 3)
    """
    x, single = images("pixel_unshuffle", x, 2)
    r = downscale_factor
    n, c, h, w = x.shape
    if r < 1 or h % r or w % r:
        raise ShapeError(f"pixel_unshuffle({r}) got x of shape {x.shape}{called_at()}\n  → multiples of {r}")
    parts = np.transpose(np.reshape(x, (n, c, h // r, r, w // r, r)), (0, 1, 3, 5, 2, 4))
    y = np.reshape(parts, (n, c * r * r, h // r, w // r))
    return y[0] if single else y
