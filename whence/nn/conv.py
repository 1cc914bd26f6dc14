"""Convolutional layers."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from ..core.origin import called_at
from ..core.variable import Parameter
from ..errors import ShapeError
from ..random import Stream
from . import init
from .dtypes import default_dtype
from .functions import conv
from .functions.windows import Size, paddings, sizes
from .module import Module
from .sizes import check_sizes

_MODES: dict[str, Any] = {"zeros": "constant", "reflect": "reflect", "replicate": "edge", "circular": "wrap"}


class _Convolution(Module):
    """What convolutions of any number of axes share, and their transposes: parameters and settings."""

    ndim: int
    transposed = False

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        kernel_size: Size,
        stride: Size,
        padding: Size | str,
        dilation: Size,
        groups: int,
        bias: bool,
        dtype: Any,
        stream: Stream | None,
    ) -> None:
        check_sizes(self, lazy=True, in_channels=in_channels)
        check_sizes(self, out_channels=out_channels)
        check_sizes(self, 1, groups=groups)
        self.in_channels, self.out_channels, self.groups = in_channels, out_channels, groups
        self.kernel_size = sizes(kernel_size, self.ndim, "kernel_size")
        self.stride, self.dilation = (
            sizes(stride, self.ndim, "stride"),
            sizes(dilation, self.ndim, "dilation"),
        )
        self.padding = padding if isinstance(padding, str) else sizes(padding, self.ndim, "padding", 0)
        paddings(self.padding, self.kernel_size, self.stride, self.dilation)  # raises for what does not fit
        self._stream, self._dtype = stream, default_dtype(dtype)
        self.weight = Parameter(None)
        self.bias = Parameter(None) if bias else None
        if in_channels is not None:
            self._start(in_channels)

    def lazy_shapes(self) -> dict[str, tuple[int | None, ...]]:
        """Of weight and bias; a group's share of the input channels may be what is to be learnt."""
        mine, theirs = self.in_channels, self.out_channels
        if self.transposed:
            weight = (mine, theirs // self.groups, *self.kernel_size)
        else:
            weight = (theirs, None if mine is None else mine // self.groups, *self.kernel_size)
        return {"weight": weight, "bias": (theirs,)}

    def check_size(self, size: int) -> None:
        """Raise if the groups cannot share so many channels out."""
        self._check_groups(size if self.transposed else size * self.groups)

    def learn_size(self, size: int) -> None:
        """Take the number of input channels, of a convolution that of a group."""
        self._start(size if self.transposed else size * self.groups)

    def _check_groups(self, in_channels: int) -> None:
        groups = self.groups
        if in_channels % groups or self.out_channels % groups:
            raise ShapeError(
                f"{type(self).__name__}({in_channels}, {self.out_channels}, groups={groups}){called_at()}\n"
                "  → groups has to divide both numbers of channels"
            )

    def _start(self, in_channels: int) -> None:
        self._check_groups(in_channels)
        self.in_channels = in_channels
        shape: Any = self.lazy_shapes()["weight"]
        fan_in = init.fans(shape)[0]  # of a transpose, too, what PyTorch takes it from
        bound = 1 / math.sqrt(fan_in) if fan_in else 0.0
        if self.weight.is_lazy:  # else a saved state has been loaded
            self.weight.initialize(init.uniform(shape, bound, self._stream, self._dtype))
        if self.bias is not None and self.bias.is_lazy:
            self.bias.initialize(init.uniform((self.out_channels,), bound, self._stream, self._dtype))

    def _checked(self, x: Any) -> None:
        """Start if this is the first input; raise if it has other channels."""
        shape = np.shape(x)
        if len(shape) not in (self.ndim + 1, self.ndim + 2):
            return  # the function explains
        channels = shape[-self.ndim - 1]
        if self.in_channels is None:
            self._start(channels)
        if channels != self.in_channels:
            raise ShapeError(
                f"{type(self).__name__}({self.extra_repr()}) got x of shape {shape}{called_at()}\n"
                f"  → it has to have {self.in_channels} channels, and has {channels}"
            )

    def extra_repr(self) -> str:
        """Its sizes, and what is not as usual."""
        parts = [
            f"{self.in_channels}, {self.out_channels}, kernel_size={self.kernel_size}, stride={self.stride}"
        ]
        usual = {
            "padding": (0,) * self.ndim,
            "dilation": (1,) * self.ndim,
            "groups": 1,
            "padding_mode": "zeros",
        }
        usual["output_padding"] = usual["padding"]
        for name, value in usual.items():
            if getattr(self, name, value) != value:
                parts.append(f"{name}={getattr(self, name)!r}")
        return ", ".join(parts) + ("" if self.bias is not None else ", bias=False")


class _Conv(_Convolution):
    """A convolution."""

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size | str = 0,
        dilation: Size = 1,
        groups: int = 1,
        bias: bool = True,
        padding_mode: str = "zeros",
        dtype: Any = None,
        stream: Stream | None = None,
    ) -> None:
        if padding_mode not in _MODES:
            raise ShapeError(f"padding_mode={padding_mode!r}{called_at()}\n  → one of {', '.join(_MODES)}")
        self.padding_mode = padding_mode
        super().__init__(
            in_channels, out_channels, kernel_size, stride, padding, dilation, groups, bias, dtype, stream
        )

    def forward(self, x: Any) -> Any:
        """The convolution of x."""
        self._checked(x)
        padding = self.padding
        if self.padding_mode != "zeros":
            around = paddings(padding, self.kernel_size, self.stride, self.dilation)
            x = np.pad(x, [(0, 0)] * (np.ndim(x) - self.ndim) + [*around], mode=_MODES[self.padding_mode])
            padding = 0
        function = (conv.conv1d, conv.conv2d, conv.conv3d)[self.ndim - 1]
        return function(x, self.weight, self.bias, self.stride, padding, self.dilation, self.groups)


class Conv1d(_Conv):
    """:class:`Conv2d` of sequences (N, C, L).

    >>> import numpy as np
    >>> from whence import nn
    >>> nn.Conv1d(3, 5, 3, padding="same")(np.ones((2, 3, 7))).shape
    (2, 5, 7)
    """

    ndim = 1


class Conv2d(_Conv):
    """Kernels that slide over images: see :func:`whence.nn.functional.conv2d`.

    Args:
        in_channels: channels of x; None to learn it from the first input.
        out_channels: channels of y, one for each kernel.
        kernel_size: of the window; one number, or one for each axis, like the following.
        stride: from one window to the next.
        padding: around x; ``"same"`` for results of x's size (stride 1), ``"valid"`` for none.
        dilation: from one element of a window to the next.
        groups: of channels that see only kernels of their own.
        bias: add a number for each channel of y?
        padding_mode: what lies around x: ``"zeros"``, ``"reflect"``, ``"replicate"``, ``"circular"``.
        dtype: of the parameters; None for the default (float32).
        stream: what the first weights are drawn from; None for the default stream. They are uniform on
            ± 1/√(in_channels / groups · kernel elements), as in PyTorch.

    Shapes:
        x: (N, in_channels, H, W) or (in_channels, H, W);
        weight: (out_channels, in_channels / groups, KH, KW);
        y: (N, out_channels, ⌊(H + 2·padding - dilation·(KH - 1) - 1) / stride⌋ + 1, ...).

    Raises:
        ShapeError: x has other channels, or settings do not fit together.

    Example:
        >>> import numpy as np
        >>> from whence import nn
        >>> layer = nn.Conv2d(None, 8, 3, padding=1)
        >>> layer(np.ones((2, 3, 6, 6))).shape, layer
        ((2, 8, 6, 6), Conv2d(3, 8, kernel_size=(3, 3), stride=(1, 1), padding=(1, 1)))
    """

    ndim = 2


class Conv3d(_Conv):
    """:class:`Conv2d` of volumes (N, C, D, H, W).

    >>> import numpy as np
    >>> from whence import nn
    >>> nn.Conv3d(3, 5, 2, stride=2)(np.ones((2, 3, 4, 4, 4))).shape
    (2, 5, 2, 2, 2)
    """

    ndim = 3


class _ConvTranspose(_Convolution):
    """The transpose of a convolution."""

    transposed = True

    def __init__(
        self,
        in_channels: int | None,
        out_channels: int,
        kernel_size: Size,
        stride: Size = 1,
        padding: Size = 0,
        output_padding: Size = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Size = 1,
        dtype: Any = None,
        stream: Stream | None = None,
    ) -> None:
        self.output_padding = sizes(output_padding, self.ndim, "output_padding", 0)
        around = sizes(padding, self.ndim, "padding", 0)
        super().__init__(
            in_channels, out_channels, kernel_size, stride, around, dilation, groups, bias, dtype, stream
        )

    def forward(self, x: Any) -> Any:
        """The transposed convolution of x."""
        self._checked(x)
        function = (conv.conv_transpose1d, conv.conv_transpose2d, conv.conv_transpose3d)[self.ndim - 1]
        padding: Any = self.padding
        return function(
            x, self.weight, self.bias, self.stride, padding, self.output_padding, self.groups, self.dilation
        )


class ConvTranspose1d(_ConvTranspose):
    """:class:`ConvTranspose2d` of sequences (N, C, L).

    >>> import numpy as np
    >>> from whence import nn
    >>> nn.ConvTranspose1d(3, 5, 2, stride=2)(np.ones((2, 3, 7))).shape
    (2, 5, 14)
    """

    ndim = 1


class ConvTranspose2d(_ConvTranspose):
    """The transpose of a convolution as a linear map: see :func:`whence.nn.functional.conv_transpose2d`.

    Args:
        in_channels: channels of x; None to learn it from the first input.
        out_channels: channels of y.
        kernel_size: one number, or one for each axis, like the following.
        stride: from one kernel to the next, in y.
        padding: how much of y's border is left out.
        output_padding: how much longer y is at its end.
        groups: of channels that see only kernels of their own.
        bias: add a number for each channel of y?
        dilation: from one element of a kernel to the next, in y.
        dtype, stream: as for :class:`Conv2d`; the bound is 1/√(out_channels / groups · kernel elements), as
            in PyTorch.

    Shapes:
        x: (N, in_channels, H, W); weight: (in_channels, out_channels / groups, KH, KW);
        y: (N, out_channels, (H - 1)·stride - 2·padding + dilation·(KH - 1) + output_padding + 1, ...).

    Raises:
        ShapeError: x has other channels, or settings do not fit together.

    Example:
        >>> import numpy as np
        >>> from whence import nn
        >>> nn.ConvTranspose2d(3, 5, 3, stride=2, padding=1, output_padding=1)(np.ones((2, 3, 4, 4))).shape
        (2, 5, 8, 8)
    """

    ndim = 2


class ConvTranspose3d(_ConvTranspose):
    """:class:`ConvTranspose2d` of volumes (N, C, D, H, W).

    >>> import numpy as np
    >>> from whence import nn
    >>> nn.ConvTranspose3d(3, 5, 2, stride=2)(np.ones((2, 3, 4, 4, 4))).shape
    (2, 5, 8, 8, 8)
    """

    ndim = 3
