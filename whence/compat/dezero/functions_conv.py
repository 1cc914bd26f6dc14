"""Convolution and pooling of images (N, C, H, W), as DeZero calls them."""

from __future__ import annotations

from typing import Any

import numpy as np

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
    image = np.pad(x, ((0, 0), (0, 0), (ph, ph), (pw, pw)))
    rows = sh * np.arange(oh) + np.arange(kh)[:, None]  # (KH, OH)
    columns = sw * np.arange(ow) + np.arange(kw)[:, None]  # (KW, OW)
    col = image[:, :, rows[:, None, :, None], columns[None, :, None, :]]  # (N, C, KH, KW, OH, OW)
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
    image = as_variable(np.zeros((n, c, h + 2 * ph + sh - 1, w + 2 * pw + sw - 1), col.dtype))
    for i in range(kh):
        for j in range(kw):
            part = (slice(None), slice(None), slice(i, i + sh * oh, sh), slice(j, j + sw * ow, sw))
            image = _added_at(image, part, col[:, :, i, j])
    return image[:, :, ph : h + ph, pw : w + pw]


def _added_at(image: Variable, part: Any, patch: Variable) -> Variable:
    changed = image * 1
    changed[part] = image[part] + patch
    return changed


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
    x, W = as_variable(x), as_variable(W)
    col = im2col(x, W.shape[2:], stride, pad, to_matrix=False)
    y = dressed(np.tensordot(col, W, ((1, 2, 3), (1, 2, 3))))  # (N, OH, OW, OC)
    return (y if plain(b) is None else y + b).transpose(0, 3, 1, 2)


conv2d_simple = conv2d


def deconv2d(x: Any, W: Any, b: Any = None, stride: Any = 1, pad: Any = 0, outsize: Any = None) -> Variable:
    """The transpose of :func:`conv2d`: x: (N, C, H, W), W: (C, OC, KH, KW)."""
    x, W = as_variable(x), as_variable(W)
    n, _, h, w = x.shape
    _, oc, kh, kw = W.shape
    (sh, sw), (ph, pw) = pair(stride), pair(pad)
    if outsize is None:
        outsize = get_deconv_outsize(h, kh, sh, ph), get_deconv_outsize(w, kw, sw, pw)
    oh, ow = pair(outsize)
    col = dressed(np.tensordot(W, x, (0, 1))).transpose(3, 0, 1, 2, 4, 5)  # (N, OC, KH, KW, H, W)
    y = col2im(col, (n, oc, oh, ow), (kh, kw), stride, pad, to_matrix=False)
    return y if plain(b) is None else y + as_variable(b).reshape(1, oc, 1, 1)


def pooling(x: Any, kernel_size: Any, stride: Any = 1, pad: Any = 0) -> Variable:
    """The largest element of each patch (the first of equal ones); borders are padded with zeros."""
    col = im2col(x, kernel_size, stride, pad, to_matrix=False)
    n, c, kh, kw, oh, ow = col.shape
    col = col.reshape(n, c, kh * kw, oh, ow)
    first: Any = np.argmax(plain(col), axis=2)[:, :, None]
    largest: Any = np.take_along_axis(col, first, axis=2)  # pyright: ignore[reportArgumentType]
    return dressed(largest).reshape(n, c, oh, ow)


pooling_simple = pooling


def average_pooling(x: Any, kernel_size: Any, stride: Any = 1, pad: Any = 0) -> Variable:
    """The mean of each patch; borders are padded with zeros, which count."""
    col = im2col(x, kernel_size, stride, pad, to_matrix=False)
    return dressed(np.mean(col, axis=(2, 3)))
