"""Layers without parameters that change sizes: pooling, folding, flattening, upsampling."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..errors import ShapeError
from ..ops.declare import arrayed
from .functions import adaptive, pool, resize, unpool
from .functions.windows import Size
from .module import Module


class _Settings(Module):
    """A module that shows the settings it was made with."""

    def extra_repr(self) -> str:
        """The settings."""
        return ", ".join(f"{name}={value!r}" for name, value in vars(self).items() if name != "training")


class _MaxPool(_Settings):
    function: Any

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        dilation: Size = 1,
        return_indices: bool = False,
        ceil_mode: bool = False,
    ) -> None:
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.dilation, self.ceil_mode = padding, dilation, ceil_mode
        if return_indices:
            self.return_indices = True

    def forward(self, x: Any) -> Any:
        """The largest element of each window; with ``return_indices``, where it is, too."""
        return type(self).function(x, **{k: v for k, v in vars(self).items() if k != "training"})


class MaxPool1d(_MaxPool):
    """:func:`whence.nn.functional.max_pool1d`."""

    function = staticmethod(pool.max_pool1d)


class MaxPool2d(_MaxPool):
    """The largest element of each window: :func:`whence.nn.functional.max_pool2d`.

    >>> from whence import nn
    >>> nn.MaxPool2d(2)
    MaxPool2d(kernel_size=2, stride=2, padding=0, dilation=1, ceil_mode=False)
    """

    function = staticmethod(pool.max_pool2d)


class MaxPool3d(_MaxPool):
    """:func:`whence.nn.functional.max_pool3d`."""

    function = staticmethod(pool.max_pool3d)


class _MaxUnpool(_Settings):
    function: Any

    def __init__(self, kernel_size: Size, stride: Size | None = None, padding: Size = 0) -> None:
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding = padding

    def forward(self, x: Any, indices: Any, output_size: Any = None) -> Any:
        """X, each element at its place."""
        return type(self).function(x, indices, self.kernel_size, self.stride, self.padding, output_size)


class MaxUnpool1d(_MaxUnpool):
    """:func:`whence.nn.functional.max_unpool1d`."""

    function = staticmethod(unpool.max_unpool1d)


class MaxUnpool2d(_MaxUnpool):
    """:func:`whence.nn.functional.max_unpool2d`."""

    function = staticmethod(unpool.max_unpool2d)


class MaxUnpool3d(_MaxUnpool):
    """:func:`whence.nn.functional.max_unpool3d`."""

    function = staticmethod(unpool.max_unpool3d)


class _AvgPool(_Settings):
    function: Any

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None:
        self.kernel_size, self.stride = kernel_size, kernel_size if stride is None else stride
        self.padding, self.ceil_mode, self.count_include_pad = padding, ceil_mode, count_include_pad
        if divisor_override is not None:
            self.divisor_override = divisor_override

    def forward(self, x: Any) -> Any:
        """The mean of each window."""
        return type(self).function(x, **{k: v for k, v in vars(self).items() if k != "training"})


class AvgPool1d(_AvgPool):
    """:func:`whence.nn.functional.avg_pool1d`."""

    function = staticmethod(pool.avg_pool1d)

    def __init__(
        self,
        kernel_size: Size,
        stride: Size | None = None,
        padding: Size = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None:
        super().__init__(kernel_size, stride, padding, ceil_mode, count_include_pad)


class AvgPool2d(_AvgPool):
    """The mean of each window: :func:`whence.nn.functional.avg_pool2d`.

    >>> import numpy as np
    >>> from whence import nn
    >>> nn.AvgPool2d(2)(np.ones((1, 3, 4, 4))).shape
    (1, 3, 2, 2)
    """

    function = staticmethod(pool.avg_pool2d)


class AvgPool3d(_AvgPool):
    """:func:`whence.nn.functional.avg_pool3d`."""

    function = staticmethod(pool.avg_pool3d)


class _AdaptivePool(_Settings):
    function: Any

    def __init__(self, output_size: int | Sequence[int | None]) -> None:
        self.output_size = output_size

    def forward(self, x: Any) -> Any:
        """x, pooled to the size."""
        return type(self).function(x, self.output_size)


class AdaptiveAvgPool1d(_AdaptivePool):
    """:func:`whence.nn.functional.adaptive_avg_pool1d`."""

    function = staticmethod(adaptive.adaptive_avg_pool1d)


class AdaptiveAvgPool2d(_AdaptivePool):
    """Means, as many as wanted: :func:`whence.nn.functional.adaptive_avg_pool2d`.

    >>> import numpy as np
    >>> from whence import nn
    >>> nn.AdaptiveAvgPool2d(1)(np.ones((2, 3, 5, 7))).shape
    (2, 3, 1, 1)
    """

    function = staticmethod(adaptive.adaptive_avg_pool2d)


class AdaptiveAvgPool3d(_AdaptivePool):
    """:func:`whence.nn.functional.adaptive_avg_pool3d`."""

    function = staticmethod(adaptive.adaptive_avg_pool3d)


class _AdaptiveMaxPool(_AdaptivePool):
    def __init__(self, output_size: int | Sequence[int | None], return_indices: bool = False) -> None:
        super().__init__(output_size)
        if return_indices:
            self.return_indices = True

    def forward(self, x: Any) -> Any:
        """X, pooled to the size; with ``return_indices`` where its elements are, too."""
        return type(self).function(x, **{k: v for k, v in vars(self).items() if k != "training"})


class AdaptiveMaxPool1d(_AdaptiveMaxPool):
    """:func:`whence.nn.functional.adaptive_max_pool1d`."""

    function = staticmethod(adaptive.adaptive_max_pool1d)


class AdaptiveMaxPool2d(_AdaptiveMaxPool):
    """:func:`whence.nn.functional.adaptive_max_pool2d`."""

    function = staticmethod(adaptive.adaptive_max_pool2d)


class AdaptiveMaxPool3d(_AdaptiveMaxPool):
    """:func:`whence.nn.functional.adaptive_max_pool3d`."""

    function = staticmethod(adaptive.adaptive_max_pool3d)


class Unfold(_Settings):
    """Windows as columns: :func:`whence.nn.functional.unfold`."""

    def __init__(self, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1) -> None:
        self.kernel_size, self.dilation, self.padding, self.stride = kernel_size, dilation, padding, stride

    def forward(self, x: Any) -> Any:
        """(N, C, H, W) to (N, C·KH·KW, number of windows)."""
        return pool.unfold(x, self.kernel_size, self.dilation, self.padding, self.stride)


class Fold(_Settings):
    """Columns added up to images: :func:`whence.nn.functional.fold`."""

    def __init__(
        self, output_size: Size, kernel_size: Size, dilation: Size = 1, padding: Size = 0, stride: Size = 1
    ) -> None:
        self.output_size, self.kernel_size = output_size, kernel_size
        self.dilation, self.padding, self.stride = dilation, padding, stride

    def forward(self, x: Any) -> Any:
        """(N, C·KH·KW, number of windows) to (N, C, *output_size)."""
        return pool.fold(x, self.output_size, self.kernel_size, self.dilation, self.padding, self.stride)


class Flatten(_Settings):
    """Axes ``start_dim`` to ``end_dim`` as one.

    >>> import numpy as np
    >>> from whence import nn
    >>> nn.Flatten()(np.ones((2, 3, 4, 5))).shape
    (2, 60)
    """

    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None:
        self.start_dim, self.end_dim = start_dim, end_dim

    def forward(self, x: Any) -> Any:
        """X with fewer axes."""
        x = arrayed(x)
        ndim = x.ndim
        first, last = (axis + ndim if axis < 0 else axis for axis in (self.start_dim, self.end_dim))
        if not 0 <= first <= last < ndim:
            raise ShapeError(
                f"Flatten({self.start_dim}, {self.end_dim}) got x of shape {x.shape}{called_at()}"
            )
        length = math.prod(x.shape[first : last + 1])
        return np.reshape(x, (*x.shape[:first], length, *x.shape[last + 1 :]))


class Unflatten(_Settings):
    """Axis ``dim`` as several, of lengths ``unflattened_size``, of which one may be -1.

    >>> import numpy as np
    >>> from whence import nn
    >>> nn.Unflatten(1, (3, -1))(np.ones((2, 12))).shape
    (2, 3, 4)
    """

    def __init__(self, dim: int, unflattened_size: Sequence[int]) -> None:
        self.dim, self.unflattened_size = dim, tuple(unflattened_size)

    def forward(self, x: Any) -> Any:
        """X with more axes."""
        x = arrayed(x)
        axis = self.dim + x.ndim if self.dim < 0 else self.dim
        known = math.prod(n for n in self.unflattened_size if n != -1)
        fits = 0 <= axis < x.ndim and self.unflattened_size.count(-1) <= 1
        if fits:
            length = x.shape[axis]
            fits = length == known if -1 not in self.unflattened_size else known > 0 and length % known == 0
        if not fits:
            raise ShapeError(
                f"Unflatten({self.dim}, {self.unflattened_size}) got x of shape {x.shape}{called_at()}\n"
                "  → the lengths have to multiply to that of the axis"
            )
        lengths = [x.shape[axis] // known if n == -1 else n for n in self.unflattened_size]
        return np.reshape(x, (*x.shape[:axis], *lengths, *x.shape[axis + 1 :]))


class Upsample(_Settings):
    """x at another size: :func:`whence.nn.functional.interpolate`.

    >>> import numpy as np
    >>> from whence import nn
    >>> nn.Upsample(scale_factor=2)(np.ones((2, 3, 4, 4))).shape
    (2, 3, 8, 8)
    """

    def __init__(
        self,
        size: int | Sequence[int] | None = None,
        scale_factor: float | Sequence[float] | None = None,
        mode: str = "nearest",
        align_corners: bool = False,
    ) -> None:
        self.size, self.scale_factor, self.mode, self.align_corners = size, scale_factor, mode, align_corners

    def forward(self, x: Any) -> Any:
        """X at the other size."""
        return resize.interpolate(x, self.size, self.scale_factor, self.mode, self.align_corners)


class PixelShuffle(_Settings):
    """Channels become places: :func:`whence.nn.functional.pixel_shuffle`."""

    def __init__(self, upscale_factor: int) -> None:
        self.upscale_factor = upscale_factor

    def forward(self, x: Any) -> Any:
        """(N, C·r², H, W) to (N, C, H·r, W·r)."""
        return resize.pixel_shuffle(x, self.upscale_factor)


class PixelUnshuffle(_Settings):
    """Places become channels: :func:`whence.nn.functional.pixel_unshuffle`."""

    def __init__(self, downscale_factor: int) -> None:
        self.downscale_factor = downscale_factor

    def forward(self, x: Any) -> Any:
        """(N, C, H·r, W·r) to (N, C·r², H, W)."""
        return resize.pixel_unshuffle(x, self.downscale_factor)
