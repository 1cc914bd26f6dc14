"""Convolutions, with PyTorch's arguments."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...core.origin import called_at
from ...errors import ShapeError
from ...ops.conv import affine_convolution, convolution, transposed
from ...ops.declare import arrayed
from ...ops.window import Window
from .windows import Size, images, paddings, sizes, window_over


def conv1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Any:
    """:func:`conv2d` of sequences: x (N, C, L), weight (O, C / groups, K).

    >>> import numpy as np
    >>> print(conv1d(np.array([[[1.0, 2.0, 4.0]]]), np.array([[[1.0, 10.0]]])))
    [[[21. 42.]]]
    """
    return _convolve("conv1d", 1, x, weight, bias, (stride, padding, dilation), groups)


def conv2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Any:
    """Slide kernels over images.

    ``y[n, o, p] = bias[o] + Σ weight[o, c, k] x[n, c, p·stride + k·dilation - padding]``: a correlation;
    the kernel is not turned round. The result lies in memory with the channels last, which the next
    convolution reads fastest.

    Args:
        x: (N, C, H, W), or (C, H, W) for one image.
        weight: (O, C / groups, KH, KW).
        bias: (O,) or None.
        stride: from one window to the next; one number, or one for each axis, like the following.
        padding: zeros around x; ``"same"`` for results of x's size (stride 1), ``"valid"`` for none.
        dilation: from one element of a window to the next.
        groups: of channels that see only kernels of their own; C of them for depthwise convolution.

    Returns:
        (N, O, ⌊(H + 2·padding - dilation·(KH - 1) - 1) / stride⌋ + 1, ...).

    Raises:
        ShapeError: channels, groups or sizes that do not fit.

    Example:
        >>> import numpy as np
        >>> x, weight = np.ones((1, 1, 3, 3)), np.ones((1, 1, 3, 3))
        >>> print(conv2d(x, weight, padding=1)[0, 0])
        [[4. 6. 4.]
         [6. 9. 6.]
         [4. 6. 4.]]
    """
    return _convolve("conv2d", 2, x, weight, bias, (stride, padding, dilation), groups)


def conv3d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size | str = 0,
    dilation: Size = 1,
    groups: int = 1,
) -> Any:
    """:func:`conv2d` of volumes: x (N, C, D, H, W), weight (O, C / groups, KD, KH, KW).

    >>> import numpy as np
    >>> conv3d(np.ones((2, 3, 4, 5, 6)), np.ones((7, 3, 2, 2, 2)), stride=2).shape
    (2, 7, 2, 2, 3)
    """
    return _convolve("conv3d", 3, x, weight, bias, (stride, padding, dilation), groups)


def conv_transpose1d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Any:
    """:func:`conv_transpose2d` of sequences: x (N, C, L), weight (C, O / groups, K).

    >>> import numpy as np
    >>> print(conv_transpose1d(np.array([[[1.0, 2.0]]]), np.array([[[1.0, 10.0]]]), stride=2))
    [[[ 1. 10.  2. 20.]]]
    """
    return _transpose(
        "conv_transpose1d", 1, x, weight, bias, (stride, padding, output_padding, dilation), groups
    )


def conv_transpose2d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Any:
    """The transpose of :func:`conv2d` as a linear map: each element of x adds a kernel to the result.

    ``y[n, o, p·stride + k·dilation - padding] += weight[c, o, k] x[n, c, p]``.

    Args:
        x: (N, C, H, W), or (C, H, W) for one image.
        weight: (C, O / groups, KH, KW).
        bias: (O,) or None.
        stride: from one kernel to the next, in the result.
        padding: how much of the result's border is left out.
        output_padding: how much longer the result is at its end; below stride or dilation.
        groups: as in :func:`conv2d`.
        dilation: as in :func:`conv2d`.

    Returns:
        (N, O, (H - 1)·stride - 2·padding + dilation·(KH - 1) + output_padding + 1, ...).

    Raises:
        ShapeError: channels, groups or sizes that do not fit.

    Example:
        >>> import numpy as np
        >>> print(conv_transpose2d(np.eye(2)[None, None], np.ones((1, 1, 2, 2)))[0, 0])
        [[1. 1. 0.]
         [1. 2. 1.]
         [0. 1. 1.]]
    """
    return _transpose(
        "conv_transpose2d", 2, x, weight, bias, (stride, padding, output_padding, dilation), groups
    )


def conv_transpose3d(
    x: Any,
    weight: Any,
    bias: Any = None,
    stride: Size = 1,
    padding: Size = 0,
    output_padding: Size = 0,
    groups: int = 1,
    dilation: Size = 1,
) -> Any:
    """:func:`conv_transpose2d` of volumes: x (N, C, D, H, W), weight (C, O / groups, KD, KH, KW).

    >>> import numpy as np
    >>> conv_transpose3d(np.ones((2, 3, 4, 4, 4)), np.ones((3, 5, 2, 2, 2)), stride=2).shape
    (2, 5, 8, 8, 8)
    """
    return _transpose(
        "conv_transpose3d", 3, x, weight, bias, (stride, padding, output_padding, dilation), groups
    )


# --- one text for all of them ----------------------------------------------------------------------------


def _convolve(
    name: str, ndim: int, x: Any, weight: Any, bias: Any, steps: tuple[Any, ...], groups: int
) -> Any:
    x, weight, single = _operands(name, ndim, x, weight, groups)
    _fits(name, x, weight, groups, weight.shape[1] * groups, weight.shape[0], "weight.shape[1] × groups")
    stride, dilation = sizes(steps[0], ndim, "stride"), sizes(steps[2], ndim, "dilation")
    kernel = weight.shape[2:]
    window = Window(x.shape[2:], kernel, stride, paddings(steps[1], kernel, stride, dilation), dilation)
    window = window_over(name, x.shape, window)
    if bias is None:
        y = convolution(x, weight, window=window, groups=groups)
    else:
        bias = _bias(name, bias, weight.shape[0])
        y = affine_convolution(x, weight, bias, window=window, groups=groups)
    return y[0] if single else y


def _transpose(
    name: str, ndim: int, x: Any, weight: Any, bias: Any, steps: tuple[Any, ...], groups: int
) -> Any:
    x, weight, single = _operands(name, ndim, x, weight, groups)
    _fits(name, x, weight, groups, weight.shape[0], weight.shape[0], "weight.shape[0]")
    stride, dilation = sizes(steps[0], ndim, "stride"), sizes(steps[3], ndim, "dilation")
    padding, extra = sizes(steps[1], ndim, "padding", 0), sizes(steps[2], ndim, "output_padding", 0)
    if any(e >= max(s, d) for e, s, d in zip(extra, stride, dilation, strict=True)):
        raise ShapeError(
            f"{name} got output_padding={extra} with stride={stride}, dilation={dilation}{called_at()}\n"
            "  → it has to be smaller than the stride or the dilation"
        )
    axes = zip(x.shape[2:], weight.shape[2:], stride, padding, extra, dilation, strict=True)
    size = tuple([(n - 1) * s - 2 * p + d * (k - 1) + e + 1 for n, k, s, p, e, d in axes])
    if min(size) < 1:
        raise ShapeError(f"{name}: of x of shape {x.shape}, padding={padding} leaves nothing{called_at()}")
    window = Window(size, weight.shape[2:], stride, tuple([(p, p) for p in padding]), dilation)
    y = transposed(x, weight, window=window, groups=groups)
    if bias is not None:
        y = y + np.reshape(_bias(name, bias, weight.shape[1] * groups), (-1, *(1,) * ndim))
    return y[0] if single else y


def _operands(name: str, ndim: int, x: Any, weight: Any, groups: int) -> tuple[Any, Any, bool]:
    x, single = images(name, x, ndim)
    weight = arrayed(weight)
    if weight.ndim != ndim + 2:
        raise ShapeError(
            f"{name} got a weight of shape {weight.shape}{called_at()}\n"
            f"  → it has {ndim + 2} axes, {ndim} of them of the kernel"
        )
    if not isinstance(groups, (int, np.integer)) or groups < 1:
        raise ShapeError(f"{name} got groups={groups!r}{called_at()}\n  → a positive integer")
    if x.dtype.kind in "iub":
        x = x.astype(weight.dtype)
    return x, weight, single


def _fits(name: str, x: Any, weight: Any, groups: int, channels: int, shared: int, which: str) -> None:
    if shared % groups:
        raise ShapeError(
            f"{name} got a weight of shape {weight.shape} and groups={groups}{called_at()}\n"
            f"  → weight.shape[0] = {shared} has to be a multiple of groups"
        )
    if x.shape[1] != channels:
        raise ShapeError(
            f"{name} got x of shape {x.shape}, a weight of shape {weight.shape} and groups={groups}"
            f"{called_at()}\n"
            f"  → x has {x.shape[1]} channels, but {which} = {channels}"
        )


def _bias(name: str, bias: Any, channels: int) -> Any:
    bias = arrayed(bias)
    if bias.shape != (channels,):
        raise ShapeError(
            f"{name} got a bias of shape {bias.shape}{called_at()}\n  → it has to be ({channels},)"
        )
    return bias
