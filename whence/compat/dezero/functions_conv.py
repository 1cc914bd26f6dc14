"""Convolution and pooling of images (N, C, H, W), as DeZero calls them."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...nn import functional
from .core import Variable, as_variable, dressed, plain
from .sizes import get_conv_outsize, get_deconv_outsize, pair


def im2col(x: Any, kernel_size: Any, stride: Any = 1, pad: Any = 0, to_matrix: bool = True) -> Variable:
    """The patches of images.

    Args:
        x: (N, C, H, W).
        kernel_size, stride, pad: a number, or a pair for height and width.
        to_matrix: one row for each patch?

    Returns:
        (N OH OW, C KH KW), or (N, C, KH, KW, OH, OW) without ``to_matrix``.
    """
    x = as_variable(x)
    n, c, h, w = x.shape
    (kh, kw), (sh, sw), (ph, pw) = pair(kernel_size), pair(stride), pair(pad)
    oh, ow = get_conv_outsize(h, kh, sh, ph), get_conv_outsize(w, kw, sw, pw)
    col = functional.unfold(x, (kh, kw), 1, (ph, pw), (sh, sw)).reshape(n, c, kh, kw, oh, ow)
    if to_matrix:
        col = col.transpose(0, 4, 5, 1, 2, 3).reshape(n * oh * ow, c * kh * kw)
    return dressed(col)


def col2im(
    x: Any, input_shape: Any, kernel_size: Any, stride: Any = 1, pad: Any = 0, to_matrix: bool = True
) -> Variable:
    """Images of the shape ``input_shape`` from patches; where patches lie over each other, their sum."""
    n, c, h, w = input_shape
    (kh, kw), (sh, sw), (ph, pw) = pair(kernel_size), pair(stride), pair(pad)
    oh, ow = get_conv_outsize(h, kh, sh, ph), get_conv_outsize(w, kw, sw, pw)
    col = as_variable(x)
    if to_matrix:
        col = col.reshape(n, oh, ow, c, kh, kw).transpose(0, 3, 4, 5, 1, 2)
    col = col.reshape(n, c * kh * kw, oh * ow)
    return dressed(functional.fold(col, (h, w), (kh, kw), 1, (ph, pw), (sh, sw)))


def conv2d(x: Any, W: Any, b: Any = None, stride: Any = 1, pad: Any = 0) -> Variable:
    """Cross-correlation of images with filters.

    Args:
        x: (N, C, H, W).
        W: (OC, C, KH, KW).
        b: (OC,) or None.
        stride, pad: a number, or a pair for height and width.

    Returns:
        (N, OC, OH, OW).
    """
    return dressed(functional.conv2d(as_variable(x), W, _filled(b), pair(stride), pair(pad)))


conv2d_simple = conv2d


def deconv2d(x: Any, W: Any, b: Any = None, stride: Any = 1, pad: Any = 0, outsize: Any = None) -> Variable:
    """The transpose of :func:`conv2d`: x: (N, C, H, W), W: (C, OC, KH, KW)."""
    x, W = as_variable(x), as_variable(W)
    _, _, h, w = x.shape
    _, _, kh, kw = W.shape
    (sh, sw), (ph, pw) = pair(stride), pair(pad)
    oh, ow = get_deconv_outsize(h, kh, sh, ph), get_deconv_outsize(w, kw, sw, pw)
    wanted = (oh, ow) if outsize is None else pair(outsize)
    more = (wanted[0] - oh, wanted[1] - ow)
    return dressed(functional.conv_transpose2d(x, W, _filled(b), (sh, sw), (ph, pw), more))


def _filled(b: Any) -> Any:
    """None for no bias, also where that is a Variable without data."""
    return None if plain(b) is None else b


def _padded(x: Any, pad: Any) -> Variable:
    (ph, pw) = pair(pad)
    x = as_variable(x)
    return dressed(np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))) if ph or pw else x


def pooling(x: Any, kernel_size: Any, stride: Any = 1, pad: Any = 0) -> Variable:
    """The largest element of each patch (the first of equal ones); borders are padded with zeros."""
    return dressed(functional.max_pool2d(_padded(x, pad), pair(kernel_size), pair(stride)))


pooling_simple = pooling


def average_pooling(x: Any, kernel_size: Any, stride: Any = 1, pad: Any = 0) -> Variable:
    """The mean of each patch; borders are padded with zeros, which count."""
    return dressed(functional.avg_pool2d(_padded(x, pad), pair(kernel_size), pair(stride)))
